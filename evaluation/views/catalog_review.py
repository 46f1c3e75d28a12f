"""What the anchor of a package releases for the public catalog, read and decided on by the Program office."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.forms import ReasonForm
from evaluation.lifecycle import PUBLISH_TEXT, RETURN_TEXT
from evaluation.models import CatalogEntry, CatalogRelease, Designation
from evaluation.naming import SUMMARY, TITLE, removed_names, texts_naming
from evaluation.notices import catalog_review_page
from evaluation.views.acting import carry_out, problems_of
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


#: What the anchor writes itself, as the page names it
LABELS: Final = {TITLE: "Title", SUMMARY: "Summary", **{str(layer): str(layer.label) for layer in StackLayer}}


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
        "hints": _hints(designation, waiting),
        "is_unreviewed": public is not None and not any(each.is_published for each in releases),
        "withheld": withheld_texts(public),
        "may_restore": public is not None
        and bool(public.withheld)
        and request.user.has_perm("evaluation.restore_catalogentry", public),
        "restore_form": ReasonForm(request.POST or None, label="Why these texts may stand", prefix="restore"),
        "form": ReasonForm(request.POST or None, label="What the anchor is to change, and why"),
        "problems": problems,
    }
    return render(request, "evaluation/catalog_review.html", facts, status=status)


def withheld_texts(entry: CatalogEntry | None) -> list[tuple[str, str]]:
    """What is kept back of an entry: where it stood, and what it said."""
    return [(LABELS.get(field, field), said) for field, said in (entry.withheld if entry else {}).items()]


def _hints(designation: Designation, waiting: CatalogRelease | None) -> list[tuple[str, str]]:
    """Where the text that waits names a component which an amendment removed, and which."""
    if waiting is None or not designation.removed_components:
        return []
    names = removed_names(designation, designation.removed_components)
    return [(LABELS[field], ", ".join(named)) for field, named in texts_naming(waiting, names).items()]


@require_POST
def catalog_restore(request: SignedInRequest, number: str) -> HttpResponse:
    """Let the texts that were withheld stand, with the reason."""
    designation = get_object_or_404(Designation.objects.of_office(request.user), number=number)
    entry = get_object_or_404(CatalogEntry, designation=designation)
    form = ReasonForm(request.POST, label="Why these texts may stand", prefix="restore")
    if not form.is_valid():
        return show_review(request, number, problems_of(form), status=422)
    return carry_out(
        request, services.restore_catalog_texts, entry, done="The texts are public again.",
        to=catalog_review_page(designation), reason=form.cleaned_data["reason"],
        again=lambda problems: show_review(request, number, problems, status=422),
    )  # fmt: skip


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
