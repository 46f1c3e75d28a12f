"""What waits for the Program office, counted and listed in one question that is written once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q
from django.db.models.functions import JSONArray

from evaluation.enums import AmendmentStatus, DeterminationStatus
from evaluation.models import (
    CatalogEntry,
    CatalogRelease,
    ComplianceCheck,
    Condition,
    ConflictCase,
    DesignationAmendment,
    Determination,
    Escalation,
    PartyCheck,
    Referral,
)
from evaluation.querysets.people import papers_of
from evaluation.services.papers import PAPERS
from program import clock
from program.deadlines import end_of_day
from program.enums import CallStatus, OfficeRole, PaperState, QuestionStatus
from program.links import page_of
from program.models import Appointment, Call, Question, User
from program.prepared import Prepared, Whoever
from program.tallies import tallied, tally_words
from program.waiting import Task, at_the_desk
from proposals.enums import ProposalStatus
from proposals.models import Proposal, TimeRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import Expression, QuerySet

SHOWN: Final = 20


@dataclass(frozen=True)
class Listed:
    """Rows that wait, each a task of its own: ``task`` makes it of ``columns``; the first of ``order`` first.

    Columns arrive as JSON has them: a day and a moment as text.
    """

    rows: Callable[[Any], QuerySet[Any]]
    columns: tuple[str, ...]
    order: tuple[str, ...]
    task: Callable[..., Task]

    def asked(self, officer: Any) -> ArraySubquery:
        rows = self.rows(officer).order_by(*self.order)
        return ArraySubquery(rows.values_list(JSONArray(*self.columns))[:SHOWN])

    def tasks(self, found: list[list[Any]]) -> Iterator[Task]:
        return (self.task(*row) for row in found)


@dataclass(frozen=True)
class Counted:
    """Rows that wait together on one page, told by their number; of one kind or of several."""

    rows: Callable[[Any], QuerySet[Any] | list[QuerySet[Any]]]
    one: str
    many: str
    page: str
    who: str = "Every proposal"

    def asked(self, officer: Any) -> Expression:
        rows = self.rows(officer)
        first, *others = map(tallied, rows if isinstance(rows, list) else [rows])
        return sum(others, start=first)

    def tasks(self, number: int) -> Iterator[Task]:
        if number:
            words = self.one if number == 1 else self.many
            yield Task(f"{tally_words(number)} {words}", self.who, page_of(self.page))


def on_call(act: str) -> Callable[..., Task]:
    def task(number: str, title: str) -> Task:
        address = page_of("program:desk-call", number)
        return Task(f"{act} {number}", title or "A call without a title", address)

    return task


def on_paper(act: str, what: str, page: str) -> Callable[..., Task]:
    """For a determination or an amendment, by its key."""

    def task(pk: int, number: str, consortium: str) -> Task:
        return Task(f"{act} the {what} {number}", consortium, page_of(page, pk))

    return task


def on_determination(act: str) -> Callable[..., Task]:
    return on_paper(act, "determination on", "evaluation:determination")


def on_amendment(act: str) -> Callable[..., Task]:
    return on_paper(act, "amendment of", "evaluation:amendment")


def condition_task(number: str, condition: int, owner: str, due_on: str | None) -> Task:
    address = f"{page_of('evaluation:designation', number)}#conditions"
    due_at = end_of_day(date.fromisoformat(due_on)) if due_on else None
    return Task(f"Condition {condition} of {number}", owner, address, due_at)


def deferral_task(number: str, consortium: str, defer_until: str) -> Task:
    what = f"Go on with the decision on {number}, deferred until this day"
    address = page_of("evaluation:proposal", number)
    return Task(what, consortium, address, end_of_day(date.fromisoformat(defer_until)))


def escalation_task(pk: int, agency: str, number: str, consortium: str, due_at: str) -> Task:
    what = f"Escalation of the objection of {agency} on {number}"
    address = page_of("evaluation:escalation", pk)
    return Task(what, consortium, address, datetime.fromisoformat(due_at))


def signer_task(number: str, agency: str, due_at: str) -> Task:
    what = f"Appoint who signs the position of {agency} on {number}: nobody may"
    return Task(what, agency, page_of("program:offices"), datetime.fromisoformat(due_at))


def appointment_task(person: str, role: str, agency: str) -> Task:
    address = f"{page_of('program:offices')}#waiting"
    return Task(f"Confirm or decline {person} as {OfficeRole(role).label}", agency, address)


def text_task(number: str, title: str) -> Task:
    address = page_of("evaluation:catalog-review", number)
    return Task(f"Publish or return the catalog text of {number}", title, address)


def withheld_task(number: str, consortium: str) -> Task:
    address = f"{page_of('evaluation:catalog-review', number)}#withheld"
    return Task(f"Review the withheld catalog text of {number}", consortium, address)


def intake_task(number: str, consortium: str) -> Task:
    return Task(f"Take {number} in", consortium, page_of("evaluation:intake-proposal", number))


# Of each kind the rows that wait for an officer


def drafts_to_approve(officer: Any) -> QuerySet[Call]:
    """A draft waits for somebody else than its drafter."""
    drafts = Call.objects.visible_to(officer).filter(status=CallStatus.DRAFT)
    return drafts.exclude(created_by=officer.pk).exclude(written_by=officer.pk)


def drafts_to_revise(officer: Any) -> QuerySet[Call]:
    calls = Call.objects.visible_to(officer)
    written = calls.filter(written_by=officer.pk).values("pk")
    return calls.sent_back().filter(Q(created_by=officer.pk) | Q(pk__in=written))


def deferrals_over(officer: Any) -> QuerySet[Determination]:
    deferrals = Determination.objects.visible_to(officer).deferrals()
    return deferrals.filter(defer_until__lte=clock.today_in_prepared())


def determinations_to_clear(officer: Any) -> QuerySet[Determination]:
    return Determination.objects.visible_to(officer).to_clear().exclude(written_by=officer.pk)


def determinations_to_mend(officer: Any) -> QuerySet[Determination]:
    """One's own drafts that were sent back."""
    drafts = Determination.objects.visible_to(officer).filter(status=DeterminationStatus.DRAFT)
    return sent_back(drafts, officer)


def amendments_to_clear(officer: Any) -> QuerySet[DesignationAmendment]:
    return DesignationAmendment.objects.visible_to(officer).to_clear().exclude(written_by=officer.pk)


def amendments_to_mend(officer: Any) -> QuerySet[DesignationAmendment]:
    drafts = DesignationAmendment.objects.visible_to(officer).filter(status=AmendmentStatus.DRAFT)
    return sent_back(drafts, officer)


def conflicts_without_official(officer: Any) -> QuerySet[ConflictCase]:
    proposals = Proposal.objects.read_by_office(officer).order_by().values("pk")
    return ConflictCase.objects.without_official(on=clock.today_in_prepared()).filter(proposal__in=proposals)


def consultations_without_signer(officer: Any) -> QuerySet[Referral]:
    return Referral.objects.visible_to(officer).without_signer(on=clock.today_in_prepared())


def papers_set_aside(officer: Any) -> list[QuerySet[Any]]:
    return [papers_of(kind, officer).filter(state=PaperState.QUARANTINED) for kind in PAPERS.values()]


def sent_back(drafts: Any, officer: Any) -> Any:
    return drafts.filter(written_by=officer.pk, clearance_asked_at=None).exclude(clearance_note="")


PAPER: Final = ("pk", "proposal__number", "proposal__consortium__name")
AMENDMENT: Final = ("pk", "designation__number", "designation__proposal__consortium__name")
WAITING: Final[tuple[Listed | Counted, ...]] = (
    Listed(drafts_to_approve, ("number", "title"), ("pk",), on_call("Approve the draft of call")),
    Listed(
        drafts_to_revise, ("number", "title"), ("pk",), on_call("Revise the draft that was sent back of call")
    ),
    Listed(
        lambda officer: Call.objects.visible_to(officer).filter(status=CallStatus.APPROVED),
        ("number", "title"),
        ("pk",),
        on_call("Issue call"),
    ),
    Listed(
        lambda officer: Condition.objects.of_office(officer).open(),
        ("designation__number", "number", "owner", "due_on"),
        ("due_on", "pk"),
        condition_task,
    ),
    Listed(
        deferrals_over,
        ("proposal__number", "proposal__consortium__name", "defer_until"),
        ("defer_until", "pk"),
        deferral_task,
    ),
    Listed(
        lambda officer: Escalation.objects.visible_to(officer).open(),
        ("pk", "agency__display_name", "proposal__number", "proposal__consortium__name", "due_at"),
        ("due_at", "pk"),
        escalation_task,
    ),
    Listed(
        consultations_without_signer,
        ("version__proposal__number", "agency__display_name", "due_at"),
        ("due_at", "pk"),
        signer_task,
    ),
    Listed(
        lambda officer: Appointment.objects.to_confirm(officer),
        ("user__name", "role", "agency__display_name"),
        ("pk",),
        appointment_task,
    ),
    Listed(
        lambda officer: CatalogRelease.objects.of_office(officer).waiting(),
        ("designation__number", "title"),
        ("released_at", "pk"),
        text_task,
    ),
    Listed(
        lambda officer: CatalogEntry.objects.of_office(officer).withheld(),
        ("designation__number", "designation__proposal__consortium__name"),
        ("withheld_at", "pk"),
        withheld_task,
    ),
    Listed(determinations_to_clear, PAPER, ("clearance_asked_at", "pk"), on_determination("Clear")),
    Listed(determinations_to_mend, PAPER, ("pk",), on_determination("Go on with what was sent back of")),
    Listed(amendments_to_clear, AMENDMENT, ("clearance_asked_at", "pk"), on_amendment("Clear")),
    Listed(amendments_to_mend, AMENDMENT, ("pk",), on_amendment("Go on with what was sent back of")),
    Counted(
        lambda officer: PartyCheck.objects.visible_to(officer).newest().waiting(),
        "match of a party to settle",
        "matches of parties to settle",
        "evaluation:screening",
    ),
    Counted(
        lambda officer: ComplianceCheck.objects.visible_to(officer).of_last_versions().open(),
        "compliance flag to decide",
        "compliance flags to decide",
        "evaluation:compliance-list",
    ),
    Counted(
        conflicts_without_official,
        "conflict of interest without an ethics official to decide it",
        "conflicts of interest without an ethics official to decide them",
        "program:offices",
        who="Every agency",
    ),
    Counted(
        lambda officer: Question.objects.visible_to(officer).filter(status=QuestionStatus.ASKED),
        "question without an answer",
        "questions without an answer",
        "program:desk-questions",
        who="Every call",
    ),
    Counted(
        lambda officer: TimeRequest.objects.read_by_office(officer).to_answer(),
        "request for more time",
        "requests for more time",
        "evaluation:more-time",
    ),
    Counted(
        papers_set_aside, "PDF that could not be made", "PDFs that could not be made", "evaluation:papers"
    ),
    Listed(
        lambda officer: Proposal.objects.read_by_office(officer).filter(status=ProposalStatus.SUBMITTED),
        ("number", "consortium__name"),
        ("submitted_at",),
        intake_task,
    ),
)


@Prepared
def waiting_for_officers() -> QuerySet[User, tuple[Any, ...]]:
    officer: Any = Whoever(OfficeRole.PROGRAM_OFFICER)
    return User.objects.filter(pk=officer.pk).values_list(*(kind.asked(officer) for kind in WAITING))


@at_the_desk
def office_tasks(user: User) -> Iterator[Task]:
    """What waits for a program officer, in the order of ``WAITING``; one statement."""
    if not user.holds(OfficeRole.PROGRAM_OFFICER):
        return
    found = waiting_for_officers.ask(person=user.pk, **clock.given()) or ()
    for kind, what in zip(WAITING, found, strict=False):
        yield from kind.tasks(what)
