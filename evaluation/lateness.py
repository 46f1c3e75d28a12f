"""What is late on a proposal, since when and why: one condition for lists, one sentence for each reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, Func, Min, OuterRef, Q, Subquery, When
from django.db.models.functions import JSONArray, Least
from django.db.models.lookups import LessThanOrEqual
from django.utils.text import get_text_list

from evaluation.enums import InformationRequestStatus, ReferralStatus
from evaluation.models import ConflictCase, Escalation, InformationRequest, Referral
from evaluation.querysets.consultation import EVALUATED, RUNNING
from evaluation.querysets.people import reads_every_consultation
from program import moments
from program.enums import OfficeRole
from program.tallies import tallied_keys
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.querysets import CORRECTION_CLOSES_AT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from evaluation.consultations import Consultation
    from evaluation.queued import Queued
    from program.models import User
    from program.prepared import Given

#: What a corrected version is waited for of
CORRECTED: Final = Q(status=ProposalStatus.RETURNED, call__cancelled_at=None)
#: Beyond it nobody reads a number of what is late; the insights have it
MOST_LATE: Final = 100
SOON: Final = timedelta(days=3)


@dataclass(frozen=True)
class Reason:
    """Why a proposal asks for attention; what ``is_late`` comes first, what ``is_earlier`` last.

    What is earlier was said or left undone on a version that is replaced, and runs against nobody today.
    """

    words: str
    at: datetime
    is_late: bool = True
    is_earlier: bool = False

    @property
    def mark(self) -> str:
        return "Late" if self.is_late else "Earlier version" if self.is_earlier else "Soon"

    @property
    def tone(self) -> str:
        return "bad" if self.is_late else "neutral" if self.is_earlier else "waiting"


def late(user: User, now: datetime | Given) -> Q:
    """Of proposals that ``user`` reads, those on which something is late that ``user`` may read of.

    An agency that did not answer, a question to the consortium past its day, an objection that is not
    settled, an ethics official who has not decided, a correction that never came.
    """
    return (
        Q(pk__in=_unanswered(user, now).values("version__proposal"))
        | Q(pk__in=_open_questions().filter(due_at__lte=now).values("proposal"))
        | Q(pk__in=_objections(user).filter(due_at__lte=now).values("proposal"))
        | Q(pk__in=_undecided(user).filter(due_at__lte=now).values("proposal"))
        | _uncorrected(now)
    )


def tallied_late(user: User, now: datetime | Given) -> Func:
    """As ``tallied`` of all that ``user`` reads by office and ``late`` finds, but looking at no more rows.

    Of each kind so many proposals are found; of a late consultation the version tells, which is their last.
    """
    referrals = _unanswered(user, now).of_office(user).order_by("version_id").distinct("version_id")
    referrals = referrals.values_list("version__proposal")
    questions = _open_questions().filter(due_at__lte=now).of_office(user).order_by().values_list("proposal")
    objections = _objections(user).filter(due_at__lte=now).of_office(user).order_by().values_list("proposal")
    read = Proposal.objects.read_by_office(user).order_by()
    undecided = _undecided(user).filter(due_at__lte=now, proposal__in=read.values("pk"))
    undecided = undecided.order_by().values_list("proposal")
    returned = read.filter(_uncorrected(now)).values_list("pk")
    others = (kind.distinct()[: MOST_LATE + 1] for kind in (questions, objections, undecided, returned))
    return tallied_keys(referrals[: MOST_LATE + 1].union(*others)[: MOST_LATE + 1])


def _unanswered(user: User, now: datetime | Given) -> Any:
    return _asked(user).filter(Q(status=ReferralStatus.LAPSED) | Q(due_at__lte=now, paused_at=None))


def _uncorrected(now: datetime | Given) -> Q:
    over = LessThanOrEqual(CORRECTION_CLOSES_AT, now)
    return CORRECTED & Q(over)


def first_due(user: User) -> Least:
    """When the first of a proposal's clocks ends or has ended; null where none runs. To order lists by."""
    referrals = _asked(user).filter(version__proposal=OuterRef("pk"), paused_at=None).order_by()
    corrected = Case(When(CORRECTED, then=CORRECTION_CLOSES_AT))
    others = (
        rows.filter(proposal=OuterRef("pk")).order_by()
        for rows in (_open_questions(), _objections(user), _undecided(user))
    )
    return Least(
        Subquery(referrals.values("version__proposal").annotate(first=Min("due_at")).values("first")),
        *(Subquery(rows.values("proposal").annotate(first=Min("due_at")).values("first")) for rows in others),
        corrected,
    )


def dues(user: User) -> dict[str, ArraySubquery]:
    """What ``reasons_of`` and ``next_due`` read of a proposal beside its consultations, to annotate it with.

    ``open_questions`` are ``(due, number)``, ``open_objections`` ``(due, agency, version)``,
    ``undecided_conflicts`` ``(due, agency, person)``, ``earlier_lapses`` ``(due, agency, version)``; none is
    None. Each is what ``user`` may read of.
    """
    answered = Referral.objects.filter(
        version__proposal=OuterRef("version__proposal"),
        version__number=F("version__proposal__version_count"),
        agency=OuterRef("agency"),
        status__in=(ReferralStatus.ANSWERED, ReferralStatus.LAPSED),
    )
    lapsed = _read(user).filter(
        ~Exists(answered),
        version__number__lt=F("version__proposal__version_count"),
        version__proposal__status__in=EVALUATED,
        status=ReferralStatus.LAPSED,
    )
    return {
        "open_questions": _listed(_open_questions(), "proposal", "number"),
        "open_objections": _listed(
            _objections(user), "proposal", "agency__display_name", "position__referral__version__number"
        ),
        "undecided_conflicts": _listed(_undecided(user), "proposal", "agency__display_name", "person__name"),
        "earlier_lapses": _listed(lapsed, "version__proposal", "agency__display_name", "version__number"),
    }


def _listed(rows: Any, proposal: str, *columns: str) -> ArraySubquery:
    rows = rows.filter(**{proposal: OuterRef("pk")}).order_by("due_at", "pk")
    return ArraySubquery(rows.values_list(JSONArray("due_at", *columns)))


def next_due(proposal: Queued, consultations: Iterable[Consultation]) -> datetime | None:
    """When the first of what runs on a proposal is due or was; None where nothing runs."""
    found = [
        datetime.fromisoformat(row[0])
        for kind in (proposal.open_questions, proposal.open_objections, proposal.undecided_conflicts)
        for row in kind or ()
    ]
    found += [row.due_at for row in running_on(proposal, consultations) if row.paused_at is None]
    if proposal.correction_due_at:
        found.append(proposal.correction_due_at)
    return min(found, default=None)


def running_on(proposal: Queued, consultations: Iterable[Consultation]) -> list[Consultation]:
    """Those that wait for an agency: of the version that is evaluated, while it is."""
    if proposal.status != ProposalStatus.UNDER_EVALUATION:
        return []
    return [row for row in consultations if row.is_running and not row.is_replaced]


def reasons_of(proposal: Any, consultations: Iterable[Consultation], now: datetime) -> list[Reason]:
    """What is late or soon due, the earliest first, then what earlier versions left behind.

    ``consultations`` are those that the reader may see, and ``proposal`` has the ``dues`` of the same reader.
    """
    found = [*_of_objections(proposal, now), *_of_conflicts(proposal, now), *_of_lapses(proposal)]
    soon: dict[datetime, list[Consultation]] = {}
    if proposal.status == ProposalStatus.UNDER_EVALUATION:
        for row in consultations:
            if row.status == ReferralStatus.LAPSED:
                found.append(Reason(f"{row.agency} did not respond by {_day(row.due_at)}", row.due_at))
            elif row.paused_at is not None:
                continue
            elif row.is_running and row.due_at <= now:
                found.append(Reason(f"{row.agency} is over its time since {_day(row.due_at)}", row.due_at))
            elif row.is_running and row.due_at <= now + SOON:
                soon.setdefault(row.due_at, []).append(row)
    for at, rows in soon.items():
        names = [row.agency for row in sorted(rows, key=lambda row: (row.sort_order, row.code))]
        words = f"{get_text_list(names, 'and')} {'is' if len(names) == 1 else 'are'} due on {_day(at)}"
        found.append(Reason(words, at, is_late=False))
    for due, number in proposal.open_questions or ():
        if (at := datetime.fromisoformat(due)) <= now:
            found.append(Reason(f"Question {number} is not answered; it was due on {_day(at)}", at))
    if (at := proposal.correction_due_at) and at <= now:
        found.append(Reason(f"No correction came by {_day(at)}", at))
    return sorted(found, key=lambda reason: (not reason.is_late, reason.is_earlier, reason.at))


def _of_objections(proposal: Any, now: datetime) -> Iterator[Reason]:
    """Of each open objection that it is late, that its day is near, or that a version before heard it."""
    for due, agency, number in proposal.open_objections or ():
        at, is_earlier = datetime.fromisoformat(due), number < proposal.version_count
        what = f"The objection of {agency}{f' on version {number}' if is_earlier else ''}"
        if at <= now:
            yield Reason(f"{what} is not settled; it was due on {_day(at)}", at)
        elif at <= now + SOON:
            yield Reason(f"{what} is to be settled by {_day(at)}", at, is_late=False)
        elif is_earlier:
            words = f"{what} is open, to be settled by {_day(at)}"
            yield Reason(words, at, is_late=False, is_earlier=True)


def _of_conflicts(proposal: Any, now: datetime) -> Iterator[Reason]:
    for due, agency, person in proposal.undecided_conflicts or ():
        at = datetime.fromisoformat(due)
        what = f"The ethics official of {agency}"
        if at <= now:
            words = f"{what} has not decided whether {person} may review; it was due on {_day(at)}"
            yield Reason(words, at)
        elif at <= now + SOON:
            words = f"{what} is to decide by {_day(at)} whether {person} may review"
            yield Reason(words, at, is_late=False)


def _of_lapses(proposal: Any) -> Iterator[Reason]:
    """Of each agency that let an earlier version's time end and has not answered the newest."""
    for due, agency, number in proposal.earlier_lapses or ():
        at = datetime.fromisoformat(due)
        words = f"{agency} did not respond on version {number} by {_day(at)}"
        yield Reason(words, at, is_late=False, is_earlier=True)


def _day(bound: datetime) -> str:
    return moments.day(moments.last_minute(bound))


def _asked(user: User) -> Any:
    """Consultations on what is evaluated that nobody has answered, of the agencies of which ``user`` reads.

    Which proposals ``user`` reads is for the list to say that these narrow: asked twice it takes long.
    """
    return _read(user).filter(
        version__number=F("version__proposal__version_count"),
        status__in=(*RUNNING, ReferralStatus.LAPSED),
        version__proposal__status=ProposalStatus.UNDER_EVALUATION,
    )


def _read(user: User) -> Any:
    if reads_every_consultation(user):
        return Referral.objects.all()
    return Referral.objects.filter(agency__code__in=user.agencies_as(OfficeRole.REVIEWER))


def _objections(user: User) -> Any:
    """Open escalations of which ``user`` reads, whatever version they speak of."""
    return Escalation.objects.told_to(user).open()


def _undecided(user: User) -> Any:
    """Whether somebody may review is open; as told to who asks for reviewers, and to auditors."""
    rows = ConflictCase.objects.open().filter(proposal__status__in=EVALUATED)
    if user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR):
        return rows
    return rows.filter(agency__code__in=user.agencies_as(OfficeRole.LEAD))


def _open_questions() -> Any:
    return InformationRequest.objects.filter(status=InformationRequestStatus.OPEN)
