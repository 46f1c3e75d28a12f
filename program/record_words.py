"""What each act of the record is called, so that a reader needs no key: the code stays beside the words.

The words of every app stand together here, because the record is read as one. A test holds the table
complete: whoever adds an act adds its words.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps

if TYPE_CHECKING:
    from collections.abc import Iterable

CODE: Final = re.compile(r"[a-z]+(_[a-z]+)+")
ACTS: Final[dict[str, dict[str, str]]] = {
    "Calls and questions": {
        "call.draft": "Call drafted",
        "call.change": "Draft of the call changed",
        "call.add_requirement": "Requirement added to the draft",
        "call.change_requirement": "Requirement of the draft changed",
        "call.remove_requirement": "Requirement removed from the draft",
        "call.add_criterion": "Criterion added to the draft",
        "call.change_criterion": "Criterion of the draft changed",
        "call.remove_criterion": "Criterion removed from the draft",
        "call.add_file": "File added to the draft",
        "call.change_file": "Download of a file of the draft allowed without a malware scan",
        "call.remove_file": "File removed from the draft",
        "call.add_place": "Place that may not take part added to the draft",
        "call.change_place": "Place that may not take part changed in the draft",
        "call.remove_place": "Place that may not take part removed from the draft",
        "call.ask_approval": "Approval of the call asked for",
        "call.approve": "Call approved",
        "call.send_back": "Draft of the call sent back to its drafters",
        "call.discard": "Draft of the call discarded",
        "call.reopen": "Approved call taken back to draft",
        "call.issue": "Call issued",
        "call.amend": "Call amended",
        "call.amend_files": "Documents of the call amended",
        "call.release_file": "Download of a file of the call allowed without a malware scan",
        "call.amend_requirements": "Requirements of the call amended",
        "call.extend": "Deadline extended",
        "call.take_away": "Scores, reviews or positions taken as a file",
        "call.close": "Call closed",
        "call.cancel": "Call cancelled",
        "outage.log": "Outage of the portal logged",
        "outage.correct": "Entry of the outage log corrected",
        "outage.dismiss": "Span noticed by the portal found to be no outage",
        "closure.enter": "Closure of federal offices entered",
        "closure.correct": "Entry of the register of closures corrected",
        "question.ask": "Question about a call asked",
        "question.answer": "Question about a call answered",
        "question.correct": "Answer about a call corrected",
        "question.group": "Question about a call put under another heading",
        "question.withdraw": "Question about a call withdrawn",
    },
    "Directives": {
        "duty.keep": "Duty of an order kept",
        "agencyaction.enter": "Agency action entered for review",
        "agencyaction.change": "Details of an agency action corrected",
        "agencyaction.find_inconsistent": "Agency action found inconsistent",
        "agencyaction.find_consistent": "Agency action found not inconsistent",
        "agencyaction.propose": "Change of an agency action proposed",
        "agencyaction.carry_out": "Change of an agency action made",
        "agencyaction.finalize": "Change of an agency action final",
        "agencyaction.drop": "Agency action dropped from the register",
        "interimexemption.give": "Interim exemption entered",
        "interimexemption.end": "Interim exemption ended",
    },
    "Consortia": {
        "organization.register": "Organization registered",
        "organization.name": "Organization named for an invitation",
        "organization.change": "Details of an organization changed",
        "organization.remove_owner": "Owner removed",
        "organization.add_owner": "Owner added",
        "organization.change_owner": "Details of an owner changed",
        "consortium.create": "Consortium formed",
        "consortium.change": "Name or description of the consortium changed",
        "membership.invite": "Member invited",
        "membership.send_invitation": "Invitation sent",
        "membership.resend_invitation": "Invitation sent again",
        "membership.revoke_invitation": "Invitation taken back",
        "membership.accept_invitation": "Invitation accepted",
        "membership.consent": "Member consented",
        "membership.decline": "Member declined",
        "membership.leave": "Member left the consortium",
        "membership.remove": "Member removed by the anchor",
        "membership.change_role": "What a member contributes changed",
        "membership.change_part": "What a member supplies changed",
        "membership.ask_consent": "Member asked to renew its consent",
        "membership.restore_part": "What a member supplies is again what it accepted",
        "membership.add_team_member": "Person put on the team",
        "membership.remove_team_member": "Person taken off the team",
        "anchoroffer.offer": "Anchor role offered to a member",
        "anchoroffer.accept": "Anchor role accepted",
        "anchoroffer.decline": "Anchor role declined",
        "anchoroffer.withdraw": "Offer of the anchor role withdrawn",
        "consortium.change_anchor": "Anchor of the consortium changed",
        "grant.give": "Access given",
        "grant.revoke": "Access taken back",
    },
    "Proposals": {
        "proposal.create": "Draft begun",
        "proposal.attach": "File added",
        "proposal.detach": "File removed",
        "proposal.replace_file": "File replaced by a newer one",
        "proposal.release_file": "Download of a file allowed without a malware scan",
        "document.infected": "Malware found in a file, which is withheld",
        "proposal.lose_certification": "Certification lost by a change",
        "proposal.remove_row": "Row removed from the draft",
        "proposal.import": "Package file taken over into the draft",
        "proposal.copy": "Draft begun with the rows of an earlier proposal",
        "proposal.import_components": "Table of components taken over into the draft",
        "proposal.restore_row": "Removed row put back",
        "proposal.mark": "Matter marked as confidential",
        "proposal.change_mark": "Mark of confidentiality changed",
        "proposal.unmark": "Mark of confidentiality taken off",
        "comment.add": "Comment written",
        "comment.answer": "Comment answered",
        "comment.assign": "Comment assigned",
        "comment.resolve": "Comment resolved",
        "comment.reopen": "Comment opened again",
        "proposal.remake_pdf": "PDF that was set aside asked for again",
        "proposal.certify": "Content certified",
        "proposal.submit": "Proposal submitted",
        "proposal.resubmit": "Proposal submitted again",
        "proposal.report_change": "Material change reported",
        "proposal.withdraw": "Proposal withdrawn",
        "proposal.recheck": "Draft checked anew for amended requirements",
        "proposal.lapse": "Draft lapsed when the time to submit was over",
        "proposal.purge": "Upload, file or table that nobody went on with removed",
        "proposal.ask_time": "More time asked for",
        "proposal.extend": "More time given to one proposal",
        "proposal.reopen": "Lapsed draft opened again",
        "timerequest.grant": "Request for more time granted",
        "timerequest.decline": "Request for more time declined",
        "proposal.remind": "Team reminded of what is not submitted",
        "proposal.remind_of_demands": "Team reminded of what the call will ask for",
        "proposal.ask_pdf": "PDF of a version asked for",
        "proposal.read": "Proposal read by a government office",
    },
    "Intake and review": {
        "proposal.review_completeness": "Requirement looked through at intake",
        "proposal.ask_screening": "Screening of the parties asked for",
        "proposal.screen": "Parties screened",
        "proposal.return": "Returned for correction",
        "proposal.accept": "Accepted for evaluation",
        "proposal.recuse": "Person recused",
        "screeninglist.import": "Screening list imported",
        "partycheck.adjudicate": "Match of a party settled",
        "partycheck.correct": "Decision on a match corrected",
        "partycheck.reopen": "Remembered decision on a match opened anew",
        "compliancecheck.weigh": "Compliance finding decided on",
        "assignment.assign": "Reviewer assigned",
        "assignment.declare": "Conflict of interest declared or denied",
        "assignment.end": "Assignment ended",
        "conflictcase.raise": "Ethics official asked whether a person may review",
        "conflictcase.remind": "Ethics official reminded of a person to decide about",
        "conflictcase.clear": "Person found free to review",
        "conflictcase.recuse": "Person recused after a conflict of interest was raised",
        "proposal.hold": "Proposal closed to a person until the ethics official decides",
        "proposal.lift_hold": "Proposal opened again to a person by decision of the ethics official",
        "interest.declare": "Interest declared by a person in government",
        "interest.withdraw": "Declared interest withdrawn",
        "interestconfirmation.remind": "Person asked to confirm declared interests anew",
        "officialdeclaration.give": "Official declared that no conflict of interest stands",
        "interestconfirmation.give": "Declared interests confirmed as complete",
        "reviewerprofile.change": "Capacity or expertise of a reviewer changed",
        "reviewersneeded.change": "Number of reviewers for each proposal changed",
        "review.submit": "Review submitted",
        "review.reopen": "Review opened again for changes",
        "informationrequest.ask": "Question put to the consortium",
        "informationrequest.answer": "Question answered by the consortium",
        "informationrequest.remind": "Consortium reminded of a question",
        "informationrequest.withdraw": "Question to the consortium withdrawn",
    },
    "Consultation and decision": {
        "referral.acknowledge": "Referral acknowledged by the agency",
        "referral.answer": "Position of the agency filed",
        "referral.keep": "Position kept for the new version",
        "referral.reopen": "Consultation opened again",
        "referral.pause": "Clock of a consultation paused",
        "referral.end_reason": "One of the reasons for a pause ended",
        "referral.resume": "Clock of a consultation goes on",
        "referral.remind": "Agency reminded of its position",
        "referral.lapse": "Time for the agency's position ended",
        "referral.end": "Consultation ended",
        "escalation.open": "Objection escalated",
        "escalation.add": "Added to the escalation of an objection",
        "escalation.close": "Escalation of an objection over",
        "escalation.reopen": "Objection escalated again",
        "discussioncomment.write": "Comment written in the discussion",
        "discussioncomment.answer": "Comment answered in the discussion",
        "discussioncomment.edit": "Comment in the discussion edited",
        "discussioncomment.withdraw": "Comment in the discussion withdrawn",
        "determination.prepare": "Determination prepared",
        "determination.change": "Draft determination changed",
        "determination.renew": "Draft determination carried to the new version",
        "determination.remove_condition": "Condition removed from the draft determination",
        "determination.ask_to_sign": "Determination put before the decision official",
        "determination.ask_to_clear": "Determination put up for clearance",
        "determination.clear": "Determination cleared",
        "determination.send_back": "Draft determination sent back",
        "determination.undo_clearance": "Clearance of the determination undone",
        "determination.ask_pdf": "PDF of the packet asked for",
        "determination.sign": "Determination signed",
        "determination.recall": "Determination recalled",
        "determination.overtake": "Signed determination overtaken",
        "determination.announce": "Determination announced",
        "determination.stay_signed": "Signed determination not announced with others",
        "announcement.begin": "Several determinations announced with one press",
        "announcement.end": "Announcement of several determinations ended",
        "proposal.designate": "Designation announced",
        "proposal.decline": "Announced: not selected",
        "designation.begin": "Designation in force",
        "condition.remind": "Condition of a designation called to mind",
        "designation.meet_condition": "Condition met",
        "designation.suspend": "Designation suspended",
        "designation.reinstate": "Designation reinstated",
        "designation.revoke": "Designation revoked",
        "designation.expire": "Designation expired",
        "designation.amend": "Amendment of a designation announced",
        "designation.amendment_in_force": "Amendment of a designation in force",
        "designationamendment.prepare": "Amendment of a designation prepared",
        "designationamendment.change": "Draft amendment changed",
        "designationamendment.remove_change": "Change of a condition taken out of the draft amendment",
        "designationamendment.drop": "Draft amendment given up",
        "designationamendment.ask_to_clear": "Draft amendment put up for clearance",
        "designationamendment.clear": "Amendment cleared",
        "designationamendment.send_back": "Draft amendment sent back",
        "designationamendment.stand": "Announced amendment checked beside an earlier one",
        "designationamendment.undo_clearance": "Clearance of the amendment undone",
        "designationamendment.overtake": "Amendment overtaken by a change of the designation",
        "designationamendment.sign": "Amendment signed",
        "designationamendment.recall": "Amendment recalled",
        "designationamendment.announce": "Amendment announced",
        "designationamendment.take_effect": "Amendment taken into force",
        "designationamendment.lapse": "Amendment lapsed with its designation",
        "designation.release_catalog_entry": "Text released for the catalog",
        "designation.withhold_catalog_text": "Catalog text withheld that names a removed component",
        "designation.restore_catalog_text": "Withheld catalog text shown again",
        "designation.withdraw_catalog_entry": "Catalog entry withdrawn",
        "catalogrelease.publish": "Catalog entry published",
        "catalogrelease.return": "Text for the catalog returned",
        "catalogrelease.withdraw": "Text for the catalog taken back or replaced",
    },
    "Federal support": {
        "designation.match_tools": "Federal tools matched",
        "toolreferral.propose": "Referral to a tool proposed",
        "toolreferral.refer": "Referred to the tool's holder",
        "toolreferral.set_aside": "Proposed referral set aside",
        "toolreferral.accept": "Referral accepted by the holder",
        "toolreferral.decline": "Referral declined by the holder",
        "toolreferral.commit": "Support committed",
        "toolreferral.supersede": "Commitment replaced by another",
        "toolreferral.close": "Referral closed",
        "toolreferral.suspend": "Referral suspended",
        "toolreferral.resume": "Referral resumed",
        "commitment.record": "Commitment recorded",
        "meeting.plan": "Meeting planned",
        "meeting.hold": "Meeting held",
        "agendaitem.add": "Item put on the agenda",
        "agendaitem.decide": "Item decided",
        "action.give": "Action given",
        "action.finish": "Action finished",
        "workstream.change": "Workstream changed",
        "partnership.enter": "Partnership entered",
        "partnership.change": "Partnership changed",
        "marketbarrier.enter": "Market barrier entered",
        "marketbarrier.change": "Market barrier changed",
        "countryclass.set": "Class of a country set",
    },
    "People and offices": {
        "appointment.propose": "Appointment proposed, to be confirmed by a second officer",
        "appointment.confirm": "Appointment confirmed by a second officer",
        "appointment.decline": "Proposed appointment declined",
        "office.appoint": "Person appointed to an office",
        "office.end": "Office ended",
        "designation.offer_countries": "Countries of the catalog entry changed with findings",
        "delegation.give": "Authority delegated",
        "delegation.end": "Delegation ended",
        "suppression.add": "Address put on the suppression list",
        "suppression.import": "Addresses put on the suppression list from a file",
        "suppression.remove": "Address taken off the suppression list",
        "delivery.send_again": "Mail sent again",
        "subscription.ask": "Link sent to confirm an e-mail address",
        "subscription.confirm": "E-mail address confirmed, to be told of calls",
        "subscription.stop": "Messages about calls stopped",
        "subscription.lift_refusal": "Address may be sent a link to follow calls again",
        "record.verify": "Verification of the record asked for",
        "user.sign_in": "Signed in",
        "user.sign_out": "Signed out",
        "user.session_end": "Another browser signed out",
        "user.refused": "Refused",
        "user.open_calendar": "Calendar given a secret address",
        "user.renew_calendar": "Calendar given another secret address",
        "user.close_calendar": "Calendar closed",
        "user.choose_mail": "Way of being mailed chosen",
        "user.gather_mail": "Daily digests made",
        "user.sign_in_failed": "Sign-in to the account failed",
    },
}

WORDS: Final[dict[str, str]] = {act: words for group in ACTS.values() for act, words in group.items()}


def act_in_words(act: str) -> str:
    """The words of an act; of one that an older version of the portal recorded, its code read aloud."""
    noun, _, verb = act.partition(".")
    return WORDS.get(act) or f"{noun}: {verb.replace('_', ' ')}".capitalize()


#: Facts of an event that a reader needs, with the words before them; what else it keeps is for machines.
FACTS: Final[dict[str, str]] = {"to": "To", "of": "From", "requirement": "Requirement", "finding": "Found"}


def facts_in_words(said: dict[str, Any]) -> str:
    """Whom an event concerns and what was found, such as "To: ana@example.com" or "Found: deficient"."""
    known: dict[str, Any] = {}
    for side in (said["before"], said["after"]):
        known |= side if isinstance(side, dict) else {}
    found = ((words, known.get(name)) for name, words in FACTS.items())
    return "; ".join(
        f"{words}: {value if '@' in value else value.replace('_', ' ')}"
        for words, value in found
        if value and isinstance(value, str)
    )


def label_of(kind: str, said: Any) -> str:
    """A status or another choice as pages call it; any other text as it was written, and no other facts.

    ``kind`` is the model of the event's subject: its own choices go first, then those of what hangs on it.
    """
    if not isinstance(said, str):
        return ""
    label = labels_of(kind).get(said) or labels_of("").get(said)
    return label or (said.replace("_", " ") if CODE.fullmatch(said) else said)


@cache
def labels_of(kind: str) -> dict[str, str]:
    """The labels of choices: of ``kind`` and of what hangs on it, or those that all models agree on."""
    if not kind:
        return agreed(apps.get_models())
    try:
        model = apps.get_model(kind)
    except LookupError:
        return {}
    return agreed(each.related_model for each in model._meta.related_objects) | agreed([model])


def agreed(models: Iterable[Any]) -> dict[str, str]:
    """The label of each choice to which none of ``models`` gives another."""
    found: dict[str, set[str]] = {}
    for model in models:
        for column in model._meta.concrete_fields:
            for value, label in column.flatchoices:
                found.setdefault(str(value), set()).add(str(label))
    return {value: labels.pop() for value, labels in found.items() if value and len(labels) == 1}
