"""What a version changed against the one that its reader knows: last read, last reviewed, or chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from django.db.models import Exists, OuterRef

from evaluation.models import Review
from proposals.comparison import Changes, Kind, changed_parts, compare, in_words, shown_change
from proposals.confidentiality import places_of_marks
from proposals.enums import Part
from proposals.models import Version
from proposals.services.reading import last_read_before
from proposals.wording import SHORT, names_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from evaluation.querysets.reviews import ReviewQuerySet
    from program.models import User
    from proposals.comparison import FieldInWords
    from proposals.package import Package


class Row(Protocol):
    @property
    def key(self) -> str: ...


@dataclass(frozen=True)
class ChangedRow:
    """One row that is not the same, and where on the page it stands; ``fields`` say what in it changed."""

    words: str
    anchor: str
    fields: tuple[str, ...] = ()


@dataclass
class ChangedPart:
    """One part with what changed in it."""

    part: Part
    rows: list[ChangedRow] = field(default_factory=list)


@dataclass(frozen=True)
class Since:
    """The version that another is compared with, and how the reader knows it; ``at`` is when."""

    number: int
    how: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class EarlierSheet:
    """A sheet that came in on an earlier version, and the parts that changed since."""

    review: Review
    changed: str


def earlier_sheets(rows: ReviewQuerySet, version: Version) -> list[EarlierSheet]:
    """Of ``rows`` the last sheet of each assignment that came in on a version before, where none did on this.

    Their scores count for the version that they speak of, not for ``version``.
    """
    if version.number == 1:
        return []
    newer = Review.objects.submitted().filter(
        assignment=OuterRef("assignment"),
        version__number__gt=OuterRef("version__number"),
        version__number__lte=version.number,
    )
    sheets = list(
        rows.submitted()
        .filter(~Exists(newer), version__proposal=version.proposal_id, version__number__lt=version.number)
        .for_list()
        .defer("version__package")
        .order_by("agency__sort_order", "pk")
    )
    if not sheets:
        return []
    numbers = {sheet.version.number for sheet in sheets}
    changed = {}
    for before in Version.objects.filter(proposal=version.proposal_id, number__in=numbers):
        parts = changed_parts(before.value, version.value)
        changed[before.number] = ", ".join(part.label for part in Part if part in parts)
    return [EarlierSheet(sheet, changed[sheet.version.number]) for sheet in sheets]


def known_to(version: Version, user: User, chosen: int | None = None) -> Since | None:
    """The newest version before ``version`` that ``user`` reviewed or read, or the ``chosen`` one.

    Who knows none of them is shown the one before; nothing where it is the first.
    """
    if version.number == 1:
        return None
    reviewed = (
        Review.objects.filter(
            reviewer=user.pk,
            submitted_at__isnull=False,  # one that was given back came in once
            version__proposal=version.proposal_id,
            version__number__lt=version.number,
        )
        .order_by("-version__number")
        .values_list("version__number", "submitted_at")
        .first()
    )
    read = last_read_before(version, user)
    known = []
    if reviewed:
        known.append(Since(reviewed[0], "reviewed", reviewed[1]))
    if read:
        known.append(Since(read[0], "read", read[1]))
    if chosen is not None and 0 < chosen < version.number:
        return next((one for one in known if one.number == chosen), Since(chosen))
    return max(known, key=lambda one: one.number, default=Since(version.number - 1))


def anchors_of(package: Package) -> frozenset[str]:
    """The keys of the rows that a page of the package can be led to."""
    rows: list[Iterable[Row]] = [
        package.consortium.members,
        package.components,
        package.markets,
        package.operating_model.sites,
        package.support_requests,
        package.compliance.statements,
        package.compliance.parties,
        package.documents,
    ]
    return frozenset(row.key for part in rows for row in part)


def changes_between(before: Version, version: Version) -> list[ChangedPart]:
    """What ``version`` changed against ``before``, by part; of a row that changed, the fields."""
    parts: dict[Part, ChangedPart] = {}
    marks = places_of_marks(before.value, version.value)
    names = names_in(before.value, version.value) | marks
    shown = anchors_of(version.value)
    for change in compare(before.value, version.value):
        name = f"Mark on {marks[change.key]}" if change.key in marks else change.name
        row = ChangedRow(
            f"{name or change.part.label}: {change.kind}",
            change.key if change.key in shown else str(change.part),
            tuple(map(said_of, in_words(change, names))) if change.kind is Kind.CHANGED else (),
        )
        parts.setdefault(change.part, ChangedPart(change.part)).rows.append(row)
    return list(parts.values())


def changes_shown(before: Version, version: Version) -> Changes:
    """The same for the parts of the package itself: each row with the words before and after."""
    marks = places_of_marks(before.value, version.value)
    names = names_in(before.value, version.value) | marks
    anchors = anchors_of(version.value)
    by_part: dict[Part, list[dict[str, Any]]] = {}
    for change in compare(before.value, version.value):
        anchor = change.key if change.key in anchors else ""
        by_part.setdefault(change.part, []).append({**shown_change(change, names), "anchor": anchor})
    return Changes(before.number, before.sha256, by_part)


def said_of(field: FieldInWords) -> str:
    """What became of a field, such as "Title: “A” became “B”"; of a long text, that it was rewritten."""
    before, after = ("; ".join(text.splitlines()) for text in (field.before, field.after))
    is_long = max(len(before), len(after)) > SHORT
    if not before:
        return f"{field.label}: {'written' if is_long else f'“{after}”'}, where nothing stood"
    if not after:
        return f"{field.label}: {'the text' if is_long else f'“{before}”'} was taken out"
    return f"{field.label}: {'rewritten' if is_long else f'“{before}” became “{after}”'}"
