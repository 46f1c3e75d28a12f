"""What waits at the desk for who reviews, who signs positions, and who signs determinations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import JSONArray

from evaluation.enums import AmendmentStatus, DeterminationStatus
from evaluation.models import (
    Assignment,
    DesignationAmendment,
    Determination,
    Interest,
    InterestConfirmation,
    Referral,
)
from evaluation.querysets.interests import holds_for
from evaluation.querysets.people import DELEGATED_BY, SIGN_FOR_AGENCY, delegations_that_hold, reached
from program import clock
from program.enums import OfficeRole
from program.links import page_of
from program.models import Agency, Delegation, User
from program.prepared import Given, Prepared, PreparedByOffices
from program.waiting import Task, at_the_desk
from proposals.enums import ProposalStatus
from proposals.querysets import offices_that_read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

MOST: Final = 20
#: Of a determination and of an amendment alike
NEXT_ACT: Final[dict[str, str]] = {
    DeterminationStatus.DRAFT: "Sign",
    DeterminationStatus.SIGNED: "Announce",
}


@at_the_desk
def sheets_to_fill(user: User) -> Iterator[Task]:
    if not user.holds(OfficeRole.REVIEWER):
        return
    for row in sheets_due.of(offices_that_read(user)).rows(person=user.pk, **clock.given()):
        at_intake = row.proposal.status == ProposalStatus.SUBMITTED
        yield Task(
            f"{'Declare before you review' if at_intake else 'Review'} {row.proposal.number}",
            row.proposal.consortium.name,
            page_of("evaluation:assignment", row.pk),
            row.due_at,
            "Waits at intake" if at_intake else why_without_day(row),
        )


def why_without_day(row: Any) -> str:
    """Of one that is evaluated: the clock stands, or the lead waits though the agency has answered."""
    if row.is_paused:
        return "Clock paused"
    return "Given back to you" if row.is_given_back else ""


@PreparedByOffices
def sheets_due(reviewer: Any) -> QuerySet[Assignment]:
    """The reviewer's proposals that ask for a sheet or a declaration, the first due first."""
    rows = Assignment.objects.visible_to(reviewer).asked_of(reviewer).with_due_date()
    return rows.order_by(F("due_at").asc(nulls_last=True), "pk")[:MOST]


def next_sheets(reviewer: Any) -> QuerySet[Assignment]:
    """The first two of them by when they were assigned, by an index; one may be before one now."""
    return Assignment.objects.visible_to(reviewer).asked_of(reviewer).order_by("pk")[:2]


@at_the_desk
def of_ones_own(user: User) -> Iterator[Task]:
    """One's own statement of interests, then what one signs, by office and under delegations."""
    if not user.is_government:
        return
    delegated, declares, confirmed = standing.ask(person=user.pk, **clock.given()) or ([], False, None)
    yield from interests_to_confirm(declares=declares, confirmed=confirmed)
    yield from to_sign(user, [(act, agency) for act, agency in delegated])


@Prepared
def standing() -> QuerySet[User, tuple[Any, ...]]:
    """Of a person: act and agency of each delegation that holds today, and how their interests stand."""
    held = delegations_that_hold(*DELEGATED_BY, on=clock.today_in_prepared()).filter(given_to=OuterRef("pk"))
    latest = InterestConfirmation.objects.filter(person=OuterRef("pk")).order_by("-pk")
    return User.objects.filter(pk=Given("person", BigIntegerField())).values_list(
        ArraySubquery(held.order_by().values_list(JSONArray("act", "agency__code"))),
        Exists(Interest.objects.standing().filter(person=OuterRef("pk"))),
        Subquery(latest.values("confirmed_at")[:1]),
    )


def interests_to_confirm(*, declares: bool, confirmed: datetime | None) -> Iterator[Task]:
    """The statement of interests, once it holds no more or was never confirmed as complete."""
    if confirmed is None and not declares:
        return
    holds_to = confirmed + holds_for() if confirmed else None
    if holds_to is None or holds_to <= clock.now():
        what, who = "Confirm what you declared of your interests", "Your own statement"
        yield Task(what, who, page_of("evaluation:interests"), holds_to, "Not confirmed yet")


def to_sign(user: User, delegated: list[tuple[str, str]]) -> Iterator[Task]:
    """Positions, determinations and amendments."""
    if agencies := agencies_to_sign_for(user, delegated):
        yield from positions_to_file(user, agencies)
    announces = user.holds(OfficeRole.DECISION_OFFICIAL)
    if announces or any(act == Delegation.SIGN_DETERMINATION for act, _ in delegated):
        yield from determinations_to_sign(user, announces=announces)
        yield from amendments_to_sign(user, announces=announces)


def agencies_to_sign_for(user: User, delegated: list[tuple[str, str]]) -> set[str]:
    """Codes of the agencies whose position the person may sign: leading them, or for who leads them."""
    given = {agency for act, agency in delegated if act == Delegation.SIGN_POSITION}
    return user.agencies_as(OfficeRole.LEAD) | (given & user.agencies_as(*SIGN_FOR_AGENCY))


def positions_to_file(user: User, agencies: set[str]) -> Iterator[Task]:
    asked = positions_awaited.of(offices_that_read(user), *sorted(agencies))
    for pk, due_at, paused_at, agency, number, consortium in asked.ask_all(person=user.pk, **clock.given()):
        yield Task(
            f"File the position of {agency} on {number}",
            consortium,
            page_of("evaluation:position", pk),
            None if paused_at else due_at,
            "Clock paused" if paused_at else "",
        )


@PreparedByOffices
def positions_awaited(signer: Any, *agencies: str) -> QuerySet[Referral, tuple[Any, ...]]:
    """The first of all these agencies, of each of which an index gives the first ones by their day."""
    first, *others = (_first_awaited(signer, agency) for agency in agencies)
    if others:
        keys, *more = (rows.values("pk")[:MOST] for rows in (first, *others))
        first = Referral.objects.filter(pk__in=keys.union(*more, all=True)).order_by("due_at")
    named = "agency__display_name", "version__proposal__number", "version__proposal__consortium__name"
    return first.values_list("pk", "due_at", "paused_at", *named)[:MOST]


def _first_awaited(signer: Any, agency: str) -> QuerySet[Referral]:
    key = Subquery(Agency.objects.filter(code=agency).values("pk"))  # known before the rows, for the index
    rows = Referral.objects.visible_to(signer).awaited().filter(agency=key).order_by("due_at")
    if agency in signer.agencies_as(OfficeRole.LEAD):
        return rows
    return rows.filter(
        reached(signer, Delegation.SIGN_POSITION, "version__proposal", agency=OuterRef("agency"))
    )


def determinations_to_sign(user: User, *, announces: bool) -> Iterator[Task]:
    """Cleared ones of others, and for the decision official those to announce or to recall."""
    drafts = Determination.objects.filter(status=DeterminationStatus.DRAFT, written_by=user.pk)
    rows = Determination.objects.visible_to(user).live().exclude(pk__in=drafts)
    if not announces:
        rows = rows.filter(reached(user, Delegation.SIGN_DETERMINATION, "proposal"))
    rows = rows.exclude(Q(cleared_at=None) | Q(cleared_by=user.pk), status=DeterminationStatus.DRAFT)
    for row in rows.for_list().defer("version__package", "packet")[:MOST]:
        if is_signers_turn(row, announces=announces):
            address = page_of("evaluation:determination", row.pk)
            yield Task(what_next(row), row.proposal.consortium.name, address)


def is_signers_turn(row: Determination, *, announces: bool) -> bool:
    """Whether a live determination waits for who signs; only the decision official announces."""
    if row.status == DeterminationStatus.DRAFT:
        return not row.overtaken_by
    return announces or bool(row.overtaken_by)


def what_next(row: Determination) -> str:
    """What a live determination waits for: a signature, its announcement, or its recall."""
    name = f"the determination on {row.proposal.number}"
    if row.status == DeterminationStatus.SIGNED and row.overtaken_by:
        return f"Recall {name}: {row.overtaken_by}"
    return f"{NEXT_ACT[row.status]} {name}"


def amendments_to_sign(user: User, *, announces: bool) -> Iterator[Task]:
    """Cleared amendments that the person may sign, and for the decision official those to announce."""
    written = DesignationAmendment.objects.filter(written_by=user.pk)
    rows = DesignationAmendment.objects.visible_to(user).live().exclude(pk__in=written)
    rows = rows.exclude(Q(cleared_at=None) | Q(cleared_by=user.pk), status=AmendmentStatus.DRAFT)
    if not announces:
        reaching = reached(user, Delegation.SIGN_DETERMINATION, "designation__proposal")
        rows = rows.filter(reaching, status=AmendmentStatus.DRAFT)
    for row in rows.for_list().defer("designation__version__package", "body")[:MOST]:
        what = f"{NEXT_ACT[row.status]} the amendment of {row.designation.number}"
        address = page_of("evaluation:amendment", row.pk)
        yield Task(what, row.designation.proposal.consortium.name, address)
