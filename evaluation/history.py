"""What offices read in the history of a proposal: what was done with it, and nothing of its working copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import F, Q, Value

from evaluation.models import (
    Assignment,
    Designation,
    Determination,
    Escalation,
    InformationRequest,
    Referral,
)
from program.models import AuditEvent
from program.record_words import act_in_words, facts_in_words, label_of

if TYPE_CHECKING:
    from proposals.models import Proposal

SHOWN: Final = 40
OF_NO_AGENCY: Final = ("evaluation.determination", "evaluation.designation")
#: The acts that offices read. Edits, marks, grants, certifications and reminders are the consortium's own
#: matter until a version comes in; a test holds that each act is either here or named there as left out.
READ_BY_OFFICES: Final = frozenset(
    {
        "proposal.submit", "proposal.resubmit", "proposal.withdraw", "proposal.report_change",
        "proposal.lapse", "proposal.ask_time", "proposal.extend", "proposal.reopen",
        "proposal.read", "proposal.remake_pdf",
        "proposal.review_completeness", "proposal.ask_screening", "proposal.screen", "proposal.return",
        "proposal.accept", "proposal.recuse", "proposal.hold", "proposal.lift_hold", "proposal.designate",
        "proposal.decline",
        "assignment.assign", "assignment.declare", "assignment.end",
        "informationrequest.ask", "informationrequest.answer", "informationrequest.remind",
        "informationrequest.withdraw",
        "referral.acknowledge", "referral.answer", "referral.keep", "referral.reopen", "referral.pause",
        "referral.end_reason", "referral.resume", "referral.remind", "referral.lapse", "referral.end",
        "escalation.open", "escalation.add", "escalation.close", "escalation.reopen",
        "determination.prepare", "determination.change", "determination.renew",
        "determination.remove_condition", "determination.ask_to_sign", "determination.ask_to_clear",
        "determination.clear", "determination.send_back", "determination.undo_clearance",
        "determination.ask_pdf", "determination.sign", "determination.recall", "determination.overtake",
        "determination.announce", "determination.stay_signed",
        "designation.begin", "designation.meet_condition", "designation.suspend", "designation.reinstate",
        "designation.revoke", "designation.expire", "designation.amend", "designation.amendment_in_force",
        "designation.release_catalog_entry", "designation.withhold_catalog_text",
        "designation.restore_catalog_text", "designation.withdraw_catalog_entry", "designation.match_tools",
        "designation.offer_countries",
    }
)  # fmt: skip


def history_of(proposal: Proposal, *, after: int | None, most: int) -> list[dict[str, Any]]:
    """What offices read of the events of the proposal and of what hangs on it, the newest first.

    Those behind the event ``after``. The agency whose consultation, objection, question or reviewer it is
    stands in the heading.
    """
    subjects = Q(subject_type="proposals.proposal", subject_id=str(proposal.pk))
    related = {
        "evaluation.referral": Referral.objects.filter(version__proposal=proposal),
        "evaluation.escalation": Escalation.objects.filter(proposal=proposal),
        "evaluation.determination": Determination.objects.filter(proposal=proposal),
        "evaluation.designation": Designation.objects.filter(proposal=proposal),
        "evaluation.informationrequest": InformationRequest.objects.filter(proposal=proposal),
        "evaluation.assignment": Assignment.objects.filter(proposal=proposal),
    }
    about: dict[tuple[str, str], str] = {}
    for kind, rows in related.items():
        agency = Value("") if kind in OF_NO_AGENCY else F("agency__display_name")
        names = {str(pk): name for pk, name in rows.values_list("pk", agency)}
        if names:
            subjects |= Q(subject_type=kind, subject_id__in=list(names))
            about |= {(kind, key): name for key, name in names.items()}
    events = AuditEvent.objects.filter(subjects, act__in=READ_BY_OFFICES).select_related("actor")
    if after is not None:
        events = events.filter(pk__lt=after)
    return [
        named(in_words(event), about.get((event.subject_type, event.subject_id), ""))
        for event in events.order_by("-pk")[:most]
    ]


def named(entry: dict[str, Any], agency: str) -> dict[str, Any]:
    """The entry with its agency in the heading: "Agency reminded of its position: Department of Energy"."""
    return {**entry, "heading": f"{entry['heading']}: {agency}"} if agency else entry


def in_words(event: AuditEvent) -> dict[str, Any]:
    """An event as a person reads it."""
    said = event.said
    return {
        "heading": act_in_words(event.act),
        "at": event.at,
        "by": f"{event.actor}{', ' + said['standing'] if said['standing'] else ''}",
        "clause": event.clause,
        "note": label_of(event.subject_type, note_of(event)),
        "before": label_of(event.subject_type, said["before"]),
        "after": label_of(event.subject_type, said["after"]),
        "facts": facts_in_words(said),
        "delegation": said["delegation"],
        "event": event,
    }


#: Where code of before wrote why a person is recused, which is between them and the ethics official
RECUSED: Final = "Recused: "


def note_of(event: AuditEvent) -> str:
    """The note of an event, but for the reason of a recusal: a history says that it was and by whom."""
    note = str(event.said["note"] or "")
    if event.act == "proposal.recuse":
        return ""
    return "Recused." if note.startswith(RECUSED) else note
