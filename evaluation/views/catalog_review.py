"""What the anchor of a package releases for the public catalog, read and decided on by the Program office."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.forms import ReasonForm
from evaluation.lifecycle import PUBLISH_TEXT, RETURN_TEXT
from evaluation.models import CatalogRelease, Designation
from evaluation.notices import catalog_review_page
from evaluation.views.acting import carry_out
from evaluation.views.desk import require_desk
from evaluation.views.proposals import READERS
from program.differences import Segment, compare_texts
from program.enums import StackLayer
from program.order import implements
from program.requests import number_said
from program.transitions import available
from proposals.enums import Sector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http import HttpResponse

    from evaluation.models import CatalogText
    from program.requests import SignedInRequest
    from program.transitions import Problem


class Line(NamedTuple):
    """One thing that the entry says: as it is public now, and as it would be."""

    label: str
    public: str
    released: str

    @property
    def is_changed(self) -> bool:
        return self.public != self.released

    @property
    def segments(self) -> tuple[Segment, ...]:
        return compare_texts(self.public, self.released)


@implements("s.3(d)")
@require_safe
def catalog_review(request: SignedInRequest, number: str) -> HttpResponse:
    """The text that waits, as a difference to what is public; what came of the ones before."""
    return show_review(request, number)


def show_review(
    request: SignedInRequest, number: str, problems: Iterable[Problem] = (), status: int = 200
) -> HttpResponse:
    require_desk(request.user, *READERS)
    rows = Designation.objects.of_office(request.user).select_related("proposal", "catalog_entry")
    designation = get_object_or_404(rows, number=number)
    releases = list(designation.catalog_releases.select_related("released_by", "decided_by"))
    waiting = next((release for release in releases if release.is_waiting), None)
    entry = getattr(designation, "catalog_entry", None)
    public = entry if entry is not None and entry.withdrawn_at is None else None
    lines = list(lines_of(public, waiting)) if waiting else []
    acts = available((PUBLISH_TEXT, RETURN_TEXT), waiting, request.user) if waiting else []
    facts = {
        "designation": designation,
        "entry": public,
        "waiting": waiting,
        "changed": [line for line in lines if line.is_changed],
        "unchanged": [line for line in lines if not line.is_changed],
        "before": [release for release in releases if release is not waiting],
        "may_publish": PUBLISH_TEXT in acts,
        "may_return": RETURN_TEXT in acts,
        "form": ReasonForm(request.POST or None, label="What the anchor is to change, and why"),
        "problems": problems,
    }
    return render(request, "evaluation/catalog_review.html", facts, status=status)


@require_POST
def catalog_publish(request: SignedInRequest, number: str) -> HttpResponse:
    """Publish the text that was read."""
    return _decide(
        request, number, services.publish_catalog_entry, done="The entry is in the public catalog."
    )


@require_POST
def catalog_return(request: SignedInRequest, number: str) -> HttpResponse:
    """Give the text that was read back to the anchor, with the reason."""
    return _decide(
        request, number, services.return_catalog_entry, done="The text is returned; the anchor is told.",
        reason=request.POST.get("reason", ""),
    )  # fmt: skip


def _decide(
    request: SignedInRequest, number: str, service: Any, *, done: str, **details: Any
) -> HttpResponse:
    """Decide on the text that the page showed; of one that was replaced or decided on, say so."""
    designation = get_object_or_404(Designation.objects.of_office(request.user), number=number)
    read = number_said(request.POST.get("text", ""), digits=4)
    release = get_object_or_404(CatalogRelease, designation=designation, number=read or 0)
    return carry_out(
        request, service, release, done=done, to=catalog_review_page(designation),
        again=lambda problems: show_review(request, number, problems, status=422), **details,
    )  # fmt: skip


def lines_of(public: CatalogText | None, released: CatalogText) -> Iterator[Line]:
    """Both texts, field by field; where nothing is public, the first is empty."""
    before, after = said_by(public) if public else {}, said_by(released)
    for label, words in after.items():
        if words or before.get(label):
            yield Line(label, before.get(label, ""), words)


def said_by(text: CatalogText) -> dict[str, str]:
    """What a text says to everybody, in words."""
    labels = dict(Sector.choices)
    return {
        "Title": text.title,
        "Summary": text.summary,
        **{str(layer.label): text.layers.get(layer, "") for layer in StackLayer},
        "Markets": ", ".join(market["name"] for market in text.markets),
        "Sectors": ", ".join(str(labels.get(code, code)) for code in text.sectors),
        "Consortium": text.consortium,
        "Companies": "; ".join(text.members),
        "Contact": text.contact_name,
        "Contact e-mail": text.contact_email,
        "Contact web address": text.contact_url,
    }
