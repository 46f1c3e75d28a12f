"""More time for one proposal: asked for by its consortium, given or declined by a program officer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from program import audit, clock, notices
from program.deadlines import end_of_day, local_day, long_date
from program.moments import last_minute, moment
from program.services.calls import problem_of_last_day, warning_of_extension
from program.transitions import NotReady, Problem, WrongStatus, perform, require
from proposals.enums import ProposalStatus, TimeRequestStatus
from proposals.lifecycle import ASK_TIME, DECLINE_TIME, EXTEND, GRANT_TIME, REOPEN
from proposals.models import Extension, Proposal, TimeRequest
from proposals.notice_kinds import TIME_ASKED, TIME_DECLINED, TIME_GIVEN
from proposals.notices import address, intake_officers, team_of, time_request_address

if TYPE_CHECKING:
    from datetime import date

    from program.models import AuditEvent, User
    from program.transitions import Transition

WINDOW = "E.O. 14320 s.3(c)"


@transaction.atomic
def ask_for_time(proposal: Proposal, *, by: User, reason: str) -> TimeRequest:
    """Ask the Program office for a later last day for one proposal; it learns of a draft by that.

    Raises NotReady while an earlier request waits for its answer, WrongStatus for what takes no version.
    """
    hold_for_time(proposal, ASK_TIME, by=by)
    problems = list(no_time_is_given(proposal))
    if not reason.strip():
        problems.append(Problem("time-reason", "Say why you need more time.", WINDOW, field="reason"))
    if proposal.time_requests.open().exists():
        message = "More time was asked for already, and the Program office has not answered yet."
        problems.append(Problem("asked-already", message, WINDOW))
    if problems:
        raise NotReady(problems)
    request = TimeRequest(proposal=proposal, reason=reason.strip(), asked_by=by, asked_at=clock.now())
    request.full_clean()
    request.save()
    event = audit.record(proposal, "proposal.ask_time", by=by, note=request.reason, clause=WINDOW)
    notices.owe(
        event, TIME_ASKED, intake_officers(proposal), url=time_request_address(request),
        call=proposal.call.number,
    )  # fmt: skip
    return request


@transaction.atomic
def extend_proposal(
    proposal: Proposal,
    *,
    by: User,
    due_on: date,
    reason: str,
    legal_basis: str,
) -> Extension:
    """Give one proposal a later last day than its call has, before its time is over or after.

    A lapsed draft comes back with it. The team is told, nobody else. A day past the 90th carries the warning
    that cites s.3(c). What its consortium asked for and still waits for is answered by it.
    """
    hold_for_time(proposal, EXTEND, by=by)
    request = proposal.time_requests.open().select_for_update().first()
    problems = list(no_time_is_given(proposal))
    former = proposal.closes_at
    if former is not None:
        problems += problems_of_extension(proposal, due_on, reason, legal_basis)
    if problems or former is None:
        raise NotReady(problems)
    extension = Extension(
        proposal=proposal, request=request, closed_at=former, due_on=due_on, closes_at=end_of_day(due_on),
        reason=reason.strip(), legal_basis=legal_basis.strip(),
        warning=warning_of_extension(proposal.call, due_on), made_by=by, made_at=clock.now(),
    )  # fmt: skip
    extension.full_clean()
    extension.save()
    proposal.extended_to = extension.closes_at
    proposal.save(update_fields=["extended_to", "updated_at"])
    event = audit.record(
        proposal, "proposal.extend", by=by, before={"closes_at": former.isoformat()},
        after={"closes_at": extension.closes_at.isoformat(), "legal_basis": extension.legal_basis},
        note=extension.reason, clause=WINDOW,
    )  # fmt: skip
    if request is not None:
        perform(GRANT_TIME, request, by=by, changes=lambda: {"answered_by": by})
    if proposal.status == ProposalStatus.LAPSED:
        perform(REOPEN, proposal, by=by)
    notices.owe(
        event, TIME_GIVEN, team_of(proposal.consortium_id), url=address(proposal), call=proposal.call.number,
        due=moment(last_minute(extension.closes_at)), reason=extension.reason,
    )  # fmt: skip
    return extension


@transaction.atomic
def grant_time(request: TimeRequest, *, by: User, due_on: date, reason: str, legal_basis: str) -> Extension:
    """Give the time that a consortium asked for; pressed twice, the second gets WrongStatus."""
    proposal = request.proposal
    hold_for_time(proposal, EXTEND, by=by)
    request.refresh_from_db(from_queryset=TimeRequest.objects.select_for_update(of=("self",)))
    if request.status != TimeRequestStatus.ASKED:
        raise WrongStatus(GRANT_TIME, request)
    return extend_proposal(proposal, by=by, due_on=due_on, reason=reason, legal_basis=legal_basis)


@transaction.atomic
def decline_time(request: TimeRequest, *, by: User, answer: str) -> AuditEvent:
    """Decline to give more time, with the reason; what holds for everybody holds for this proposal.

    Raises WrongStatus where the request was answered, NotReady where no time could be given any more: then
    there is nothing to decline.
    """
    require("proposals.decline_timerequest", by, request)
    proposal = request.proposal
    rows = Proposal.objects.select_for_update(of=("self",)).select_related("call")
    proposal.refresh_from_db(from_queryset=rows)
    request.refresh_from_db(from_queryset=TimeRequest.objects.select_for_update(of=("self",)))
    if request.status != TimeRequestStatus.ASKED:
        raise WrongStatus(DECLINE_TIME, request)
    problems = list(no_time_is_given(proposal))
    if proposal.status not in EXTEND.sources:
        message = (
            f"The proposal is “{proposal.get_status_display()}”: it can be given no time any more, so there "
            "is nothing to decline."
        )
        problems.append(Problem("time-over", message, WINDOW))
    if not answer.strip():
        problems.append(Problem("time-answer", "Say why no more time is given.", WINDOW, field="answer"))
    if problems:
        raise NotReady(problems)
    said = {"answer": answer.strip(), "answered_by": by}
    event = perform(DECLINE_TIME, request, by=by, note=answer.strip(), changes=lambda: said)
    notices.owe(
        event, TIME_DECLINED, team_of(proposal.consortium_id), url=address(proposal),
        call=proposal.call.number, reason=answer.strip(),
    )  # fmt: skip
    return event


def hold_for_time(proposal: Proposal, act: Transition, *, by: User) -> None:
    """Lock a proposal of which a version may still come, or could have; raises WrongStatus otherwise."""
    rows = Proposal.objects.select_for_update(of=("self",)).select_related("call")
    proposal.refresh_from_db(from_queryset=rows)
    require(act.permission(proposal), by, proposal)
    if proposal.status not in act.sources:
        raise WrongStatus(act, proposal)


def no_time_is_given(proposal: Proposal) -> list[Problem]:
    """Why nobody has time under the call at all."""
    if proposal.call.cancelled_at:
        return [Problem("call-cancelled", "The call was cancelled: nothing more is taken.", WINDOW)]
    return []


def problems_of_extension(proposal: Proposal, due_on: date, reason: str, legal_basis: str) -> list[Problem]:
    """What is wrong with a later last day for one proposal, all at once."""
    problems = []
    if found := problem_of_last_day(proposal.call, due_on, after=last_day_of(proposal)):
        problems.append(found)
    elif end_of_day(due_on) <= clock.now():
        message = f"{long_date(due_on)} has passed. Choose today or a later day."
        problems.append(Problem("extension-passed", message, WINDOW, field="due_on"))
    if not reason.strip():
        message = "Say why this proposal is given more time."
        problems.append(Problem("extension-reason", message, WINDOW, field="reason"))
    if not legal_basis.strip():
        message = "Name the legal basis of the extension."
        problems.append(Problem("extension-basis", message, WINDOW, field="legal_basis"))
    return problems


def last_day_of(proposal: Proposal) -> date:
    """The last day on which a version of it is taken, as it stands."""
    if proposal.closes_at is None:
        raise ValueError(f"{proposal} is under a call that was not issued: it has no last day.")
    return local_day(proposal.closes_at - timedelta(microseconds=1))
