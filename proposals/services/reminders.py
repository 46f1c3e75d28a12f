"""The clock reminds a team of work that is not submitted: what is missing, and how long is left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from django.db import transaction

from program import audit, clock, moments, notices
from program.reminders import at_step, last_told, note
from program.transitions import require
from proposals.composition import compose
from proposals.enums import Part, ProposalStatus
from proposals.models import Proposal
from proposals.notice_kinds import REMINDED
from proposals.notices import address
from proposals.progress import progress_of
from proposals.querysets import REMINDER_STEPS, editors_of_working_copy

if TYPE_CHECKING:
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
