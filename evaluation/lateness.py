"""What is late on a proposal, since when and why: one condition for lists, one sentence for each reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, Func, Min, OuterRef, Q, Subquery, When
from django.db.models.functions import JSONArray, Least

from evaluation.enums import InformationRequestStatus, ReferralStatus
from evaluation.models import InformationRequest, Referral
from evaluation.querysets.consultation import RUNNING
from evaluation.querysets.people import reads_every_consultation
from program import moments
from program.enums import OfficeRole
from program.tallies import tallied_keys
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from program.models import User
    from program.prepared import Given

#: Beyond it nobody reads a number of what is late; the insights have it
MOST_LATE: Final = 100
SOON: Final = timedelta(days=3)
EVALUATING_AGENCIES: Final = 5


@dataclass(frozen=True)
class Reason:
    """Why a proposal asks for attention; what ``is_late`` comes first."""

    words: str
    at: datetime
    is_late: bool = True


def late(user: User, now: datetime | Given) -> Q:
    """Of proposals that ``user`` reads, those on which something is late that ``user`` may read of.

    An agency that did not answer, a question to the consortium past its day, a correction that never came.
    """
    return (
        Q(pk__in=_unanswered(user, now).values("version__proposal"))
        | Q(pk__in=_open_questions().filter(due_at__lte=now).values("proposal"))
        | _uncorrected(now)
    )


def tallied_late(user: User, now: datetime | Given) -> Func:
    """As ``tallied`` of all that ``user`` reads by office and ``late`` finds, but looking at no more rows.

    Of so many consultations that are late, five of which may be of one proposal, enough proposals are found.
    """
    enough = EVALUATING_AGENCIES * (MOST_LATE + 1)
    referrals = _unanswered(user, now).of_office(user).order_by().values_list("version__proposal")
    questions = _open_questions().filter(due_at__lte=now).of_office(user).order_by().values_list("proposal")
    returned = Proposal.objects.read_by_office(user).filter(_uncorrected(now)).order_by().values_list("pk")
    return tallied_keys(referrals[:enough].union(questions[:enough], returned[:enough])[: MOST_LATE + 1])


def _unanswered(user: User, now: datetime | Given) -> Any:
    return _asked(user).filter(Q(status=ReferralStatus.LAPSED) | Q(due_at__lte=now, paused_at=None))


def _uncorrected(now: datetime | Given) -> Q:
    return Q(status=ProposalStatus.RETURNED, cure_due_at__lte=now)


def first_due(user: User) -> Least:
    """When the first of a proposal's clocks ends or has ended; null where none runs. To order lists by."""
    referrals = _asked(user).filter(version__proposal=OuterRef("pk"), paused_at=None).order_by()
    questions = _open_questions().filter(proposal=OuterRef("pk")).order_by()
    cured = Case(When(status=ProposalStatus.RETURNED, then=F("cure_due_at")))
    return Least(
        Subquery(referrals.values("version__proposal").annotate(first=Min("due_at")).values("first")),
        Subquery(questions.values("proposal").annotate(first=Min("due_at")).values("first")),
        cured,
    )


def overdue_questions(now: datetime | Given) -> ArraySubquery:
    """``(number, due)`` of each question that the consortium has not answered in time."""
    rows = _open_questions().filter(proposal=OuterRef("pk"), due_at__lte=now)
    return ArraySubquery(rows.order_by("due_at", "pk").values_list(JSONArray("number", "due_at")))


def reasons_of(
    proposal: Proposal, referrals: Iterable[Referral], questions: Iterable[Any], now: datetime
) -> list[Reason]:
    """What is late or soon due, the earliest first. ``referrals`` are those that the reader may see."""
    found = []
    if proposal.status == ProposalStatus.UNDER_EVALUATION:
        for row in referrals:
            if row.status == ReferralStatus.LAPSED:
                found.append(Reason(f"{row.agency} did not respond by {_day(row.due_at)}", row.due_at))
            elif row.paused_at is not None:
                continue
            elif row.status in RUNNING and row.due_at <= now:
                found.append(Reason(f"{row.agency} is over its time since {_day(row.due_at)}", row.due_at))
            elif row.status in RUNNING and row.due_at <= now + SOON:
                words = f"{row.agency} is due on {_day(row.due_at)}"
                found.append(Reason(words, row.due_at, is_late=False))
    for number, due in questions:
        at = datetime.fromisoformat(due)
        found.append(Reason(f"Question {number} is not answered; it was due on {_day(at)}", at))
    if proposal.status == ProposalStatus.RETURNED and proposal.cure_due_at and proposal.cure_due_at <= now:
        words = f"No correction came by {_day(proposal.cure_due_at)}"
        found.append(Reason(words, proposal.cure_due_at))
    return sorted(found, key=lambda reason: (not reason.is_late, reason.at))


def _day(bound: datetime) -> str:
    return moments.day(moments.last_minute(bound))


def _asked(user: User) -> Any:
    """Consultations on what is evaluated that nobody has answered, of the agencies of which ``user`` reads.

    Which proposals ``user`` reads is for the list to say that these narrow: asked twice it takes long.
    """
    rows = Referral.objects.filter(version__number=F("version__proposal__version_count"))
    if not reads_every_consultation(user):
        rows = rows.filter(agency__code__in=user.agencies_as(OfficeRole.REVIEWER))
    return rows.filter(
        status__in=(*RUNNING, ReferralStatus.LAPSED),
        version__proposal__status=ProposalStatus.UNDER_EVALUATION,
    )


def _open_questions() -> Any:
    return InformationRequest.objects.filter(status=InformationRequestStatus.OPEN)
