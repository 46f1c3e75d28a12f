"""Pages of calls: read as plain text, filled in as they stand, and pressed once more after a preview."""

from __future__ import annotations

from datetime import UTC, datetime

from program.services import calls

APRIL_FIRST = datetime(2026, 4, 1, 13, tzinfo=UTC)


def published(client, address, typed):
    """What comes of pressing once more after the mail was seen."""
    seen = client.post(address, typed).context["preview"].seen
    return client.post(address, typed | {"seen": seen})


def text_of(response):
    return " ".join(response.content.decode().split())


def form_of(call, **changes):
    page_form = {
        name: "" if value in (None, False) else value
        for name, value in {name: getattr(call, name) for name in calls.EDITABLE}.items()
    }
    return page_form | {"revision": call.revision} | changes


def as_they_stand(page):
    """The fields of all requirements on the page that amends them, nothing changed."""
    return {
        f"{line.prefix}-{name}": value
        for line in page.context["lines"]
        for name, value in line.initial.items()
        if value not in (None, False)
    }


def requirement_typed(**changes):
    return {
        "code": "colour", "title": "Colour of the racks", "clause": "Program policy", "is_mandatory": "on",
        "evidence_type": "choice", "choices": "Red\nGreen", "sort_order": 200, "source": "Program policy",
    } | changes  # fmt: skip
