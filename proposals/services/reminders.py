"""The clock reminds a team of work that is not submitted: what is missing, and how long is left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F, Max, Q
from django.urls import reverse

from program import audit, clock, moments, notices
from program.deadlines import local_day, long_date
from program.enums import CallStatus
from program.models import Amendment, Requirement
from program.reminders import at_step, last_told, note
from program.transitions import require
from proposals.composition import compose
from proposals.enums import Part, ProposalStatus
from proposals.models import Proposal
from proposals.notice_kinds import DEMANDS_NEAR, REMINDED
from proposals.notices import address
from proposals.progress import progress_of
from proposals.querysets import DEMAND_STEPS, REMINDER_STEPS, editors_of_working_copy

if TYPE_CHECKING:
    from datetime import datetime

    from program.models import AuditEvent, User

WINDOW: Final = "E.O. 14320 s.3(c)"
FIRST: Final = 3
#: Acts that tell the team until when it may submit
TELLING: Final = ("proposal.create", "proposal.copy", "proposal.return", "proposal.extend")
EXTENDING: Final = ("call.extend",)


@transaction.atomic
def remind_team(proposal: Proposal, *, by: User) -> AuditEvent | None:
    """Tell who edits ``proposal`` that its time ends, once for each step; the clock's act.

    Nobody is told when all is submitted, nor of a step that lay behind when the team learned the date.
    """
    require("proposals.remind_proposal", by, proposal)
    rows = Proposal.objects.to_remind(clock.now()).select_related("call").filter(pk=proposal.pk)
    found = at_step(rows, REMINDER_STEPS, lambda row: last_told((row, TELLING), (row.call, EXTENDING)))
    if not found or not (unsubmitted := unsubmitted_work(found[0])):
        return None
    proposal, reminder = found
    event = audit.record(proposal, "proposal.remind", by=by, after={"step": reminder.step}, clause=WINDOW)
    notices.owe(
        event,
        REMINDED,
        editors_of_working_copy(proposal),
        url=address(proposal),
        left=moments.left(reminder.due_at - clock.now()),
        call=proposal.call.number,
        unsubmitted=unsubmitted,
        due=moments.moment(moments.last_minute(reminder.due_at)),
        missing=missing_in_words(proposal),
    )
    return note(reminder, event)


def demands_to_come(at: datetime) -> list[tuple[int, datetime]]:
    """Open calls, each with a moment at which it asks for something else, as far ahead as steps reach."""
    far = max(step.horizon(at) for step in DEMAND_STEPS)
    ran = Q(demanded_to=None) | Q(demanded_from=None) | Q(demanded_to__gt=F("demanded_from"))
    rows = Requirement.objects.filter(ran, call__status=CallStatus.ISSUED)
    begin = rows.filter(demanded_from__gt=at, demanded_from__lte=far).values_list("call", "demanded_from")
    end = rows.filter(demanded_to__gt=at, demanded_to__lte=far).values_list("call", "demanded_to")
    return sorted((call, moment) for call, moment in {*begin, *end} if moment)


@transaction.atomic
def remind_of_demands(proposal: Proposal, *, by: User, moment: datetime) -> AuditEvent | None:
    """Tell who edits ``proposal`` what it does not answer yet of what its call asks for from ``moment`` on.

    Once for each step; the clock's act. Nobody is told where nothing of that is missing, nor of a step that
    lay behind when the change was published or the proposal begun.
    """
    require("proposals.remind_proposal", by, proposal)
    rows = Proposal.objects.to_remind_of_demands(proposal.call_id, moment, clock.now())
    rows = rows.select_related("call").filter(pk=proposal.pk)
    found = at_step(rows, DEMAND_STEPS, lambda row: max(row.created_at, published_at(row, moment)))
    if not found:
        return None
    proposal, reminder = found
    day = local_day(moment)
    coming = progress_of(Proposal.objects.for_pages().get(pk=proposal.pk)).coming
    lines = [line for each in coming if each.day == day for line in each.lines]
    if not lines:
        return None
    after = {"step": reminder.step, "from": day.isoformat()}
    event = audit.record(proposal, "proposal.remind_of_demands", by=by, after=after, clause="s.3(b)")
    notices.owe(
        event,
        DEMANDS_NEAR,
        editors_of_working_copy(proposal),
        url=reverse("proposals:part", args=[proposal.pk, Part.REQUIREMENTS]),
        left=moments.left(moment - clock.now()),
        call=proposal.call.number,
        day=long_date(day),
        missing="\n".join(f"- {line.title} ({line.clause})" for line in lines),
    )
    return note(reminder, event)


def published_at(proposal: Proposal, moment: datetime) -> datetime:
    """When it was last published what the call of ``proposal`` asks for from ``moment`` on."""
    rows = Requirement.objects.filter(call=proposal.call_id)
    began = rows.filter(demanded_from=moment).values("added_by")
    ended = rows.filter(demanded_to=moment).values("withdrawn_by")
    amendments = Amendment.objects.filter(Q(pk__in=began) | Q(pk__in=ended))
    last: datetime | None = amendments.aggregate(last=Max("created_at"))["last"]
    return last or proposal.created_at


def unsubmitted_work(proposal: Proposal) -> str:
    """What was not submitted, in words; nothing where the last version says what the working copy does."""
    if proposal.status == ProposalStatus.DRAFT:
        return "Your draft has not been submitted."
    if proposal.status == ProposalStatus.RETURNED:
        return f"Proposal {proposal.number} was returned for correction and has not been submitted again."
    version = proposal.versions.defer("package").get(number=proposal.version_count)
    if compose(Proposal.objects.for_detail().get(pk=proposal.pk)).sha256 == version.sha256:
        return ""
    return (
        f"The working copy of proposal {proposal.number} has changes that were not submitted. Version "
        f"{version.number} stands until you submit again."
    )


def missing_in_words(proposal: Proposal) -> str:
    """How much each part lacks, and the first open lines of the checklist; nothing that was typed."""
    progress = progress_of(Proposal.objects.for_pages().get(pk=proposal.pk))
    if not progress.problems:
        return (
            "Nothing is missing in the package. The anchor's authorized representative can certify and "
            "submit it."
        )
    counted = Counter(Part(problem.part).label for problem in progress.problems)
    parts = [f"{label}: {number}" for label, number in counted.items()]
    open_lines = [line for line in progress.checklist if line.problems]
    lines = [f"- {line.title}: {len(line.problems)} to do ({line.clause})" for line in open_lines[:FIRST]]
    if more := len(open_lines) - FIRST:
        lines += [f"- and {more} more on the checklist"] if more > 0 else []
    total = len(progress.problems)
    things = "1 thing is" if total == 1 else f"{total} things are"
    return "\n".join([f"{things} missing. By part: {'; '.join(parts)}.", "", "First of all:", *lines])
