"""Tags that show a package; each gets the value and works for a working copy and a version alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django import template
from django.template.loader import render_to_string

from program.kept import Kept
from program.templatetags.uswds import tag, tone_of
from proposals.confidentiality import by_place, marked_parts, marks_of
from proposals.enums import Part, ProposalStatus
from proposals.hits import FEWEST_LETTERS, mark_hits, wanted
from proposals.picture import picture_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.template.base import Parser, Token
    from django.utils.safestring import SafeString

    from proposals.comparison import Changes
    from proposals.confidentiality import PlacedMark
    from proposals.files import Files, ShownFile
    from proposals.models import Proposal, Version
    from proposals.package import Holder, OrganizationFacts, Package
    from proposals.progress import Progress
    from proposals.standing import Standing

register = template.Library()

#: What readers of versions were shown last; a version never changes, its files may be set aside or let go
READ: Final = Kept(48)

SHOWN_MARKS: Final = 3
#: What parts are called in a narrow list of contents, where it is not their label
BRIEF: Final = {
    Part.HARDWARE: "Hardware", Part.DATA: "Data", Part.MODELS: "Models", Part.SECURITY: "Security",
    Part.MARKETS: "Markets", Part.SUPPORT: "Support", Part.REQUIREMENTS: "Requirements",
}  # fmt: skip
#: What else of the address of a reader stays while somebody searches
KEPT_IN_SEARCH: Final = ("version", "since", "show")
TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")  # embeddings, overrides, isolates
LEFT_TO_RIGHT: Final = "\u200e"


@register.filter
def proving(files: Files, row: str) -> list[ShownFile]:
    """The files that are evidence for a row."""
    return files.proving(row)


@register.simple_tag
def badge(proposal: Proposal, standing: Standing) -> SafeString:
    """The status of a proposal, or how its designation stands once it is not active."""
    return badge_of(proposal.status, standing)


def badge_of(status: str, standing: Standing) -> SafeString:
    """As ``badge``, of a row that is no record."""
    if standing.badge:
        return tag(standing.badge, tone=standing.tone)
    return tag(ProposalStatus(status).label, tone=tone_of(status))


@register.simple_tag
def submitted_package(
    version: Version, files: Files, only: Sequence[str] = (), changes: Changes | None = None
) -> str:
    """The package of a version, all its parts or ``only`` some, for who was found to read it.

    ``changes`` are those against an earlier version, told in the part that each belongs to.
    """
    facts = {"package": version.value, "files": files, "only": only, "changes": changes}
    before = (changes.number, changes.sha256) if changes else ()
    made_from = (version.sha256, before, tuple(only), tuple(file.state for file in files.all))
    return READ.text(made_from, lambda: render_to_string("proposals/_package.html", facts))


@register.simple_tag
def contents_of(package: Package, only: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The parts of the package that stand on a page, each with its name in a list of contents."""
    without = () if package.answers else (Part.REQUIREMENTS,)
    return [
        (part.value, BRIEF.get(part, part.label))
        for part in Part
        if part not in without and (not only or part in only)
    ]


@register.simple_tag
def changes_at(changes: Changes | None, part: str) -> str:
    """What changed in a part, with the words before and after; nothing where nothing did."""
    rows = changes.by_part.get(Part(part)) if changes else None
    if not changes or not rows:
        return ""
    facts = {"rows": rows, "part": part, "number": changes.number}
    return render_to_string("proposals/_changes_at.html", facts)


@register.simple_tag
def placed_marks(package: Package) -> dict[tuple[str, str], list[PlacedMark]]:
    """The marks of a package by part and row, for ``marks_at``."""
    return by_place(marks_of(package))


@register.simple_tag
def marks_at(
    marked: dict[tuple[str, str], list[PlacedMark]], part: str, row: str = "", *, brief: bool = False
) -> str:
    """The marks on a part, or on a row and its fields; nothing where there are none.

    ``brief`` leaves the justifications to the page of the row.
    """
    found = marked.get((str(part), row)) if marked else None
    return render_to_string("proposals/_marks_at.html", {"marks": found, "brief": brief}) if found else ""


@register.filter
def apart(value: Any) -> str:
    """A value within a running line, of whatever direction: what follows it keeps its place.

    Instead of an element for each value, which a long package pays for in minutes of the press.
    """
    text = TURNS.sub("", str(value))
    return text if text.isascii() else f"{text}{LEFT_TO_RIGHT}"


@register.filter
def in_pieces(rows: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """``rows`` in pieces: the press sets many short tables sooner than one that breaks over many pages."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@register.simple_tag
def printed_marks(marked: dict[tuple[str, str], list[PlacedMark]], part: str, row: str = "") -> str:
    """As ``marks_at``, for paper."""
    found = marked.get((str(part), row)) if marked else None
    return render_to_string("pdf/_marks.html", {"marks": found}) if found else ""


@register.simple_tag
def marked_parts_of(package: Package) -> list[tuple[Part, str]]:
    """Each part that holds marked matter, with the first few things that are marked in it."""
    found = []
    for part, marked in marked_parts(package).items():
        more = len(marked) - SHOWN_MARKS
        words = ", ".join(marked[:SHOWN_MARKS])
        found.append((part, f"{words} and {more} more" if more > 0 else words))
    return found


@register.filter
def of_hash(files: Files, sha256: str) -> ShownFile | None:
    return files.of_hash(sha256)


@register.inclusion_tag("proposals/_picture.html")
def package_picture(
    package: Package, *, progress: Progress | None = None, id: str = "picture"
) -> dict[str, Any]:
    """The five layers with their suppliers, drawn and as a table; ``progress`` says what each lacks."""
    lacking = {c.key for c in package.components if progress.problems_of(c.key)} if progress else set()
    picture = picture_of(package, lacking=lacking)
    by_layer = {state.layer: state for state in progress.layers} if progress else {}
    rows = [(layer, by_layer.get(layer.layer)) for layer in picture.layers]
    drawings = (("wide", picture.wide), ("narrow", picture.narrow))
    return {"picture": picture, "rows": rows, "drawings": drawings, "id": id, "has_states": bool(by_layer)}


@register.inclusion_tag("pdf/_picture.html")
def printed_picture(package: Package) -> dict[str, Any]:
    """The same picture for paper."""
    picture = picture_of(package)
    rows = list(zip(picture.layers, picture.printed, strict=True))
    return {"picture": picture, "rows": rows}


@register.filter
def owned_by(organization: OrganizationFacts, holder: Holder) -> str:
    """What ``holder`` owns a share of: the organization, or another of its owners."""
    return organization.owned_by(holder)


class Hits(template.Node):
    """What stands between the tags, with what is looked for in it marked, below the search for it."""

    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> str:
        page = self.nodelist.render(context)
        asked = context["request"].GET
        text = wanted(asked.get("find", ""))
        found = mark_hits(page, text)
        kept = [(name, asked[name]) for name in KEPT_IN_SEARCH if name in asked]
        facts = {"text": text, "found": found, "fewest": FEWEST_LETTERS, "kept": kept}
        return render_to_string("proposals/_hits.html", facts) + found.page


@register.tag
def search_inside(parser: Parser, token: Token) -> Hits:
    """``{% search_inside %}…{% endsearch_inside %}``: a search of what stands between, by the address."""
    nodelist = parser.parse(("endsearch_inside",))
    parser.delete_first_token()
    return Hits(nodelist)
