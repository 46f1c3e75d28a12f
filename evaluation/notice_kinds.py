"""The notices that each side gets about the evaluation; decisions and reasons stay behind the link."""

from __future__ import annotations

from typing import Final

from program.enums import Mailed, OfficeRole
from program.notice_kinds import NoticeKind

ORDER: Final = "E.O. 14320 s.3(d)"
IMPARTIALITY: Final = "5 CFR 2635.502"
REFERRED: Final = NoticeKind(
    "evaluation.referred",
    "Proposal {number} is referred to {agency}",
    "Version {version} of proposal {number} is referred to {agency}. File the agency's position by {due}. "
    "{rule}",
    ORDER,
    is_internal=True,
    when="A version is referred to the agencies that are consulted",
    who="Leads of the agency and their delegates",
    mailed=Mailed.ALWAYS,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
        "rule": "Counted in calendar days. The day it starts is day 0. Day 30 is the last day.",
        "version": 2,
    },
)
REOPENED: Final = NoticeKind(
    "evaluation.reopened",
    "The consultation of {agency} on {number} is open again",
    "The Program office gave {agency} until {due} to file its position on proposal {number}.",
    ORDER,
    is_internal=True,
    when="A consultation is opened again",
    who="Leads of the agency and their delegates",
    mailed=Mailed.ALWAYS,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
    },
)
LAPSED: Final = NoticeKind(
    "evaluation.lapsed",
    "No response of {agency} on {number}",
    "The time of {agency} for proposal {number} has ended without a position. It is shown as no response.",
    ORDER,
    is_internal=True,
    when="The time of an agency ends without a position",
    who="Program officers, leads of the agency and their delegates",
    mailed=Mailed.ALWAYS,
    sample={"agency": "Department of Energy", "number": "AIX-2026-00014"},
)
POSITION_DUE: Final = NoticeKind(
    "evaluation.position_due",
    "{left} left for the position of {agency} on {number}",
    "The position of {agency} on proposal {number} is not filed. File it by {due}; after that it is shown as "
    "no response.",
    ORDER,
    is_internal=True,
    when="A consultation reaches a step of its reminders",
    who="Leads of the agency, their delegates, and reviewers whose review is not in",
    mailed=Mailed.AT_ONCE,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "left": "3 days",
        "number": "AIX-2026-00014",
    },
)
CONSULTATION_ENDED: Final = NoticeKind(
    "evaluation.consultation_ended",
    "Proposal {number} was withdrawn",
    "The consortium has withdrawn proposal {number}. Its consultation has ended: no position and no review "
    "is asked of your agency any more.",
    ORDER,
    tells_outsiders=True,
    is_internal=True,
    when="A proposal under consultation is withdrawn",
    who="Leads of the agency, their delegates, and its reviewers of the proposal",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-2026-00014"},
)
VERSION_REPLACED: Final = NoticeKind(
    "evaluation.version_replaced",
    "Proposal {number}: version {version} was replaced",
    "The consortium has submitted a new version of proposal {number} before the call closed. Your agency's "
    "consultation on version {version} has ended. You are consulted on the new version once the Program "
    "office has accepted it, with a new date; what you wrote is kept.",
    ORDER,
    tells_outsiders=True,
    is_internal=True,
    when="A version under consultation is replaced",
    who="Leads of the agency, their delegates, and its reviewers of the proposal",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-2026-00014", "version": 2},
)
CLOCK_PAUSED: Final = NoticeKind(
    "evaluation.clock_paused",
    "The clock of {agency} on {number} is paused",
    "The time for the position of {agency} on proposal {number} does not run. The reason: {reason}. A "
    "position may be filed all the same.",
    ORDER,
    is_internal=True,
    when="The clock of a consultation is paused",
    who="Who signs for the agency, and its reviewers whose review is not in",
    mailed=Mailed.AT_ONCE,
    sample={
        "agency": "Department of Energy",
        "number": "AIX-2026-00014",
        "reason": "Information requested from the consortium, question 2",
    },
)
CLOCK_RESUMED: Final = NoticeKind(
    "evaluation.clock_resumed",
    "The clock of {agency} on {number} goes on",
    "The time for the position of {agency} on proposal {number} runs again. It is due by {due}.",
    ORDER,
    is_internal=True,
    when="The clock of a consultation goes on after a pause",
    who="Who signs for the agency, and its reviewers whose review is not in",
    mailed=Mailed.ALWAYS,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
    },
)
ESCALATION_OPENED: Final = NoticeKind(
    "evaluation.escalation_opened",
    "The objection of {agency} to {number} is escalated",
    "{agency} objects to proposal {number}. The escalation is open at the level “{level}”, to be settled by "
    "{due}. It keeps nobody from signing the determination, which answers the objection.",
    ORDER,
    is_internal=True,
    when="An agency files an objection",
    who="Program officers, who signs for the agency, and who signs the determination",
    mailed=Mailed.AT_ONCE,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "level": "Staff",
        "number": "AIX-2026-00014",
    },
)
ESCALATION_DUE: Final = NoticeKind(
    "evaluation.escalation_due",
    "{left} left to settle the objection of {agency} to {number}",
    "The objection of {agency} to proposal {number} is not settled. Its escalation, at the level “{level}”, "
    "is to be settled by {due}.",
    ORDER,
    is_internal=True,
    when="An escalation is three days and one day before its last day",
    who="Program officers, who signs for the agency, and who signs the determination",
    mailed=Mailed.AT_ONCE,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "left": "3 days",
        "level": "Staff",
        "number": "AIX-2026-00014",
    },
)
ESCALATION_OVERDUE: Final = NoticeKind(
    "evaluation.escalation_overdue",
    "The objection of {agency} to {number} was not settled in time",
    "The escalation of the objection of {agency} to proposal {number}, at the level “{level}”, was to be "
    "settled by {due}. Settle it, raise it to the next level, or set another day.",
    ORDER,
    is_internal=True,
    when="An escalation is open after its last day",
    who="Program officers, who signs for the agency, and who signs the determination",
    mailed=Mailed.AT_ONCE,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "level": "Staff",
        "number": "AIX-2026-00014",
    },
)
ESCALATION_CHANGED: Final = NoticeKind(
    "evaluation.escalation_changed",
    "Added to the escalation of {agency} on {number}",
    "Something was added to the escalation of the objection of {agency} to proposal {number}. Its level is "
    "“{level}”. Read what was said.",
    ORDER,
    is_internal=True,
    when="The Program office adds to an escalation",
    who="Program officers, who signs for the agency, and who signs the determination",
    sample={"agency": "Department of Energy", "level": "Principals", "number": "AIX-2026-00014"},
)
ASSIGNED: Final = NoticeKind(
    "evaluation.assigned",
    "You are asked to review {number}",
    "You are assigned to review proposal {number} for {agency}. Declare first whether a conflict of interest "
    "stands against it.",
    ORDER,
    is_internal=True,
    when="A reviewer is assigned",
    who="That reviewer",
    mailed=Mailed.ALWAYS,
    sample={"agency": "Department of Energy", "number": "AIX-2026-00014"},
)
UNASSIGNED: Final = NoticeKind(
    "evaluation.unassigned",
    "Your assignment to {number} has ended",
    "You no longer review proposal {number}; it is closed to you.",
    ORDER,
    tells_outsiders=True,
    is_internal=True,
    when="An assignment ends",
    who="That reviewer",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-2026-00014"},
)
RECUSED: Final = NoticeKind(
    "evaluation.recused",
    "Proposal {number} is closed to you",
    "You are recused from proposal {number}. It is closed to you from now on: its pages answer as those of a "
    "proposal that does not exist, and you are told nothing of it any more. “My interests” names every "
    "proposal that is closed to you. If you think that it is a mistake, ask the ethics official of your "
    "agency.",
    IMPARTIALITY,
    tells_outsiders=True,
    is_internal=True,
    when="A person in office is recused by somebody else, and no ethics official decided it",
    who="That person",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-2026-00014"},
)
NOBODY_SIGNS: Final = NoticeKind(
    "evaluation.nobody_signs",
    "Nobody may sign for {agency} on {number}",
    "The position of {agency} on proposal {number} is asked for, and nobody is left who may sign it: a "
    "person who could is recused, and nobody signs for who is recused. The Program office appoints another "
    "lead. The time of the agency goes on meanwhile.",
    ORDER,
    tells_outsiders=True,
    is_internal=True,
    roles=(OfficeRole.PROGRAM_OFFICER, OfficeRole.ETHICS_OFFICIAL),
    when="A recusal leaves an agency that is consulted with nobody who may sign",
    who="Program officers, and the agency's ethics officials",
    mailed=Mailed.ALWAYS,
    sample={"agency": "the Department of Energy", "number": "AIX-2026-00014"},
)
REVIEWER_RECUSED: Final = NoticeKind(
    "evaluation.reviewer_recused",
    "A reviewer of {agency} is recused from {number}",
    "A reviewer of {agency} is recused from proposal {number}. Name another where nobody was named instead.",
    ORDER,
    is_internal=True,
    when="A reviewer is recused",
    who="Leads of the reviewer's agency",
    mailed=Mailed.AT_ONCE,
    sample={"agency": "Department of Energy", "number": "AIX-2026-00014"},
)
REVIEWER_LEFT: Final = NoticeKind(
    "evaluation.reviewer_left",
    "A reviewer of {agency} for {number} has left that office",
    "Who reviewed proposal {number} for {agency} is not a reviewer of that agency any more; the assignment "
    "has ended. Name another reviewer where one is needed. A sheet that was submitted stays and counts.",
    ORDER,
    is_internal=True,
    when="The office of a reviewer ends while they are assigned to a proposal that is not decided",
    who="Leads of the reviewer's agency",
    mailed=Mailed.AT_ONCE,
    sample={"agency": "Department of Energy", "number": "AIX-2026-00014"},
)
CONFLICT_TO_DECIDE: Final = NoticeKind(
    "evaluation.conflict_to_decide",
    "Decide whether {person} may review {number}",
    "You are asked whether a conflict of interest keeps {person} from reviewing proposal {number}. Decide by "
    "{due}; until then the proposal is closed to that person.",
    IMPARTIALITY,
    tells_outsiders=True,
    is_internal=True,
    roles=(OfficeRole.ETHICS_OFFICIAL,),
    when="A conflict of interest is declared, or somebody asks about one",
    who="Ethics officials of the reviewer's agency",
    mailed=Mailed.ALWAYS,
    sample={
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
        "person": "Hana Okafor",
    },
)
CONFLICT_DUE: Final = NoticeKind(
    "evaluation.conflict_due",
    "{left} left to decide whether {person} may review {number}",
    "Whether a conflict of interest keeps {person} from reviewing proposal {number} is not decided. Decide "
    "by {due}; until then the proposal is closed to that person.",
    IMPARTIALITY,
    tells_outsiders=True,
    is_internal=True,
    roles=(OfficeRole.ETHICS_OFFICIAL,),
    when="A conflict of interest is not decided three days and one day before its last day",
    who="Ethics officials of the reviewer's agency",
    mailed=Mailed.AT_ONCE,
    sample={
        "due": "the end of Friday, December 18, 2026, Washington time",
        "left": "3 days",
        "number": "AIX-2026-00014",
        "person": "Hana Okafor",
    },
)
CONFLICT_OVERDUE: Final = NoticeKind(
    "evaluation.conflict_overdue",
    "Whether {person} may review {number} was not decided in time",
    "Whether a conflict of interest keeps {person} from reviewing proposal {number} was to be decided by "
    "{due}. The proposal stays closed to that person until you decide.",
    IMPARTIALITY,
    tells_outsiders=True,
    is_internal=True,
    roles=(OfficeRole.ETHICS_OFFICIAL,),
    when="A conflict of interest is not decided after its last day",
    who="Ethics officials of the reviewer's agency",
    mailed=Mailed.AT_ONCE,
    sample={
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
        "person": "Hana Okafor",
    },
)
INTERESTS_OLD: Final = NoticeKind(
    "evaluation.interests_old",
    "Confirm what you declared of your interests",
    "You last confirmed on {given} that what you declared of employers, holdings and categories of holdings "
    "is complete. It is to be confirmed anew: look at it, change what has changed, and confirm it.",
    IMPARTIALITY,
    is_internal=True,
    when="A statement of interests is older than it holds, as a rule a year",
    who="The person who gave it",
    mailed=Mailed.AT_ONCE,
    sample={"given": "December 18, 2025"},
)
CLOSED_UNTIL_DECIDED: Final = NoticeKind(
    "evaluation.closed_until_decided",
    "{number} is closed to you until the ethics official decides",
    "The ethics official of {agency} is asked whether you may review proposal {number}, and decides by "
    "{due}. Until then it is closed to you.",
    IMPARTIALITY,
    tells_outsiders=True,
    is_internal=True,
    when="An ethics official is asked about a person",
    who="That person",
    mailed=Mailed.ALWAYS,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
    },
)
WAITS_FOR_ETHICS: Final = NoticeKind(
    "evaluation.waits_for_ethics",
    "{person} waits for the ethics official on {number}",
    "The ethics official of {agency} is asked whether {person} may review proposal {number}, and decides by "
    "{due}. Until then it is closed to that person.",
    IMPARTIALITY,
    is_internal=True,
    when="An ethics official is asked about a person",
    who="Leads of that person's agency",
    mailed=Mailed.AT_ONCE,
    sample={
        "agency": "Department of Energy",
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
        "person": "Hana Okafor",
    },
)
NO_ETHICS_OFFICIAL: Final = NoticeKind(
    "evaluation.no_ethics_official",
    "Appoint an ethics official of {agency}",
    "Nobody can decide whether {person} may review proposal {number}: {agency} has no ethics official, or "
    "none who may read it. Appoint another one, such as the alternate or somebody of the agency head's "
    "office.",
    IMPARTIALITY,
    is_internal=True,
    when="An ethics official is asked, reminded or kept away, and the agency has no other to decide",
    who="Program officers",
    mailed=Mailed.ALWAYS,
    sample={"agency": "Department of Energy", "number": "AIX-2026-00014", "person": "Hana Okafor"},
)
CONFLICT_DECIDED: Final = NoticeKind(
    "evaluation.conflict_decided",
    "Proposal {number}: {decision}",
    "The ethics official of {agency} has decided about proposal {number}: {decision}. Read the reason.",
    IMPARTIALITY,
    tells_outsiders=True,
    is_internal=True,
    when="An ethics official decides about a person",
    who="That person",
    mailed=Mailed.ALWAYS,
    sample={
        "agency": "Department of Energy",
        "decision": "you may review it",
        "number": "AIX-2026-00014",
    },
)
MAY_REVIEW: Final = NoticeKind(
    "evaluation.may_review",
    "{person} may review {number}",
    "The ethics official of {agency} has decided that {person} may review proposal {number}.",
    IMPARTIALITY,
    is_internal=True,
    when="An ethics official lets a person review",
    who="Leads of that person's agency",
    mailed=Mailed.AT_ONCE,
    sample={"agency": "Department of Energy", "number": "AIX-2026-00014", "person": "Hana Okafor"},
)
REVIEW_SUBMITTED: Final = NoticeKind(
    "evaluation.review_submitted",
    "A review of {number} is in",
    "A reviewer of {agency} has submitted a review of proposal {number}.",
    ORDER,
    is_internal=True,
    when="A review is submitted",
    who="Leads of the reviewer's agency",
    sample={"agency": "Department of Energy", "number": "AIX-2026-00014"},
)
REVIEW_REOPENED: Final = NoticeKind(
    "evaluation.review_reopened",
    "Your review of {number} is open again",
    "The lead of {agency} gave your review of proposal {number} back to you. The reason: {reason}",
    ORDER,
    is_internal=True,
    when="A review is given back",
    who="Its reviewer",
    mailed=Mailed.AT_ONCE,
    sample={
        "agency": "Department of Energy",
        "number": "AIX-2026-00014",
        "reason": "The scale was misread in two lines.",
    },
)
POSITION_FILED: Final = NoticeKind(
    "evaluation.position_filed",
    "{agency} has filed its position on {number}",
    "The position of {agency} on proposal {number} is in. {answered} of 5 agencies have answered.",
    ORDER,
    is_internal=True,
    when="An agency files its position",
    who="Program officers",
    sample={"agency": "Department of Energy", "answered": 3, "number": "AIX-2026-00014"},
)
ASKED: Final = NoticeKind(
    "evaluation.asked",
    "Question {question} on proposal {number}",
    "The Government asks a question about proposal {number}. Answer it by {due}.",
    ORDER,
    when="The Government asks a question about a proposal",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
    sample={
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
        "question": 2,
    },
)
ANSWERED: Final = NoticeKind(
    "evaluation.answered",
    "Question {question} on {number} is answered",
    "The consortium of proposal {number} has answered question {question}.",
    ORDER,
    is_internal=True,
    when="A consortium answers a question",
    who="Who asked it",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-2026-00014", "question": 2},
)
ANSWER_DUE: Final = NoticeKind(
    "evaluation.answer_due",
    "{left} left to answer question {question} on {number}",
    "Question {question} on proposal {number} is not answered. Answer it by {due}.",
    ORDER,
    when="An unanswered question reaches a step of its reminders",
    who="The team of the consortium",
    mailed=Mailed.AT_ONCE,
    sample={
        "due": "the end of Friday, December 18, 2026, Washington time",
        "left": "3 days",
        "number": "AIX-2026-00014",
        "question": 2,
    },
)
QUESTION_WITHDRAWN: Final = NoticeKind(
    "evaluation.question_withdrawn",
    "Question {question} on {number} is withdrawn",
    "You need not answer question {question} on proposal {number} any more.",
    ORDER,
    when="The Government takes a question back",
    who="The team of the consortium",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-2026-00014", "question": 2},
)
TO_CLEAR: Final = NoticeKind(
    "evaluation.to_clear",
    "The {decision} is to be cleared",
    "The draft of the {decision} is complete. Read it; clear it, or send it back with a reason.",
    ORDER,
    is_internal=True,
    when="A determination or an amendment of a designation is put up for clearance",
    who="Program officers who have not worked on it",
    mailed=Mailed.ALWAYS,
    sample={"decision": "determination on AIX-2026-00014"},
)
CLEARED: Final = NoticeKind(
    "evaluation.cleared",
    "The {decision} is cleared",
    "The {decision} is cleared and lies before who signs it. A change of the draft, or of the record on "
    "which it rests, undoes the clearance.",
    ORDER,
    is_internal=True,
    when="A determination or an amendment of a designation is cleared",
    who="Who has worked on the draft",
    sample={"decision": "determination on AIX-2026-00014"},
)
SENT_BACK: Final = NoticeKind(
    "evaluation.sent_back",
    "The draft of the {decision} was sent back",
    "The draft of the {decision} was sent back. The reason: {reason}",
    ORDER,
    is_internal=True,
    when="A draft is sent back instead of being cleared or signed",
    who="Who has worked on the draft",
    mailed=Mailed.AT_ONCE,
    sample={"decision": "determination on AIX-2026-00014", "reason": "Finding 3 names no evidence."},
)
CLEARANCE_UNDONE: Final = NoticeKind(
    "evaluation.clearance_undone",
    "The {decision} is not cleared any more",
    "{what} The clearance of the {decision} is undone; it cannot be signed until it is cleared again.",
    ORDER,
    is_internal=True,
    when="A draft, or what it rests on, changes after its clearance",
    who="Who cleared it, who has worked on the draft, and who may sign it",
    mailed=Mailed.AT_ONCE,
    sample={"decision": "determination on AIX-2026-00014", "what": "The record has changed."},
)
TO_SIGN: Final = NoticeKind(
    "evaluation.to_sign",
    "The {decision} is to be signed",
    "The {decision} is cleared and lies ready to be read and signed.",
    ORDER,
    is_internal=True,
    when="A determination or an amendment of a designation is cleared",
    who="Decision officials, and their delegates, who may sign it",
    mailed=Mailed.ALWAYS,
    sample={"decision": "determination on AIX-2026-00014"},
)
SIGNED: Final = NoticeKind(
    "evaluation.signed",
    "The {decision} is signed",
    "The {decision} is signed and not yet announced. Nothing is visible outside.",
    ORDER,
    is_internal=True,
    when="A determination or an amendment of a designation is signed",
    who="Program officers",
    mailed=Mailed.AT_ONCE,
    sample={"decision": "determination on AIX-2026-00014"},
)
RECALLED: Final = NoticeKind(
    "evaluation.recalled",
    "The {decision} was recalled",
    "The signed {decision} was recalled before it was announced.",
    ORDER,
    is_internal=True,
    when="A signed determination or amendment of a designation is recalled",
    who="Program officers",
    mailed=Mailed.AT_ONCE,
    sample={"decision": "determination on AIX-2026-00014"},
)
OVERTAKEN: Final = NoticeKind(
    "evaluation.overtaken",
    "Recall the determination on {number}: {what}",
    "The determination on proposal {number} is signed and cannot be announced: {what}. Recall it.",
    ORDER,
    is_internal=True,
    when="A signed determination is overtaken before it is announced",
    who="Who signed and prepared it, and program officers",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-2026-00014", "what": "the proposal was withdrawn"},
)
ANNOUNCED: Final = NoticeKind(
    "evaluation.announced",
    "The determination on proposal {number}",
    "The Department of Commerce has announced its determination on proposal {number}. Read the letter.",
    ORDER,
    when="A determination is announced",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-2026-00014"},
)
DEFERRAL_OVER: Final = NoticeKind(
    "evaluation.deferral_over",
    "The day to which {number} was deferred has come",
    "The decision on proposal {number} was deferred until {day}. Prepare the determination.",
    ORDER,
    is_internal=True,
    when="The day of a deferral comes and nobody has gone on with the decision",
    who="Program officers",
    mailed=Mailed.AT_ONCE,
    sample={"day": "December 18, 2026", "number": "AIX-2026-00014"},
)
DESIGNATION_CHANGED: Final = NoticeKind(
    "evaluation.designation_changed",
    "Designation {number}: {status}",
    "The status of designation {number} is now: {status}. Read the letter.",
    ORDER,
    when="A designation is suspended, reinstated, revoked or expires",
    who="The team of the consortium, and program officers",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-2026-00014", "status": "suspended"},
)
AMENDMENT_DROPPED: Final = NoticeKind(
    "evaluation.amendment_dropped",
    "The draft amendment of {number} was given up",
    "{person} gave up the draft amendment of designation {number}. It is kept as it was and goes no further.",
    ORDER,
    is_internal=True,
    when="A draft amendment of a designation is given up",
    who="Who has worked on the draft or cleared it",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-D-2026-0001", "person": "Ada Field"},
)
AMENDMENT_OVERTAKEN: Final = NoticeKind(
    "evaluation.amendment_overtaken",
    "The amendment of {number} is overtaken",
    "{what} An amendment of designation {number} was written on the terms of before. {remedy}",
    ORDER,
    is_internal=True,
    when="A designation changes while an amendment of it is a draft or signed",
    who="Who has written, cleared or signed the amendment",
    mailed=Mailed.ALWAYS,
    sample={
        "number": "AIX-D-2026-0001",
        "remedy": "Recall it; it cannot be announced.",
        "what": "Condition 1 is recorded as met.",
    },
)
AMENDED: Final = NoticeKind(
    "evaluation.amended",
    "Designation {number} is amended from {day}",
    "Amendment {amendment} of designation {number} is announced. It is in force from {day}. Read the letter.",
    ORDER,
    when="An amendment of a designation is announced",
    who="The team of the consortium, the leads of the five agencies, and program officers",
    mailed=Mailed.ALWAYS,
    sample={"amendment": 1, "day": "December 18, 2026", "number": "AIX-D-2026-0001"},
)
AMENDMENT_IN_FORCE: Final = NoticeKind(
    "evaluation.amendment_in_force",
    "Amendment {amendment} of {number} is in force",
    "Amendment {amendment} of designation {number} is in force from today.",
    ORDER,
    when="The day of an amendment that was announced before comes",
    who="The team of the consortium, and program officers",
    mailed=Mailed.AT_ONCE,
    sample={"amendment": 1, "number": "AIX-D-2026-0001"},
)
AMENDMENT_LAPSED: Final = NoticeKind(
    "evaluation.amendment_lapsed",
    "Amendment {amendment} of {number} does not take effect",
    "Designation {number} has ended. Amendment {amendment}, announced for a later day, does not take effect.",
    ORDER,
    when="A designation ends before the day of an amendment comes",
    who="The team of the consortium, and program officers",
    mailed=Mailed.AT_ONCE,
    sample={"amendment": 1, "number": "AIX-D-2026-0001"},
)
DESIGNATION_ENDS: Final = NoticeKind(
    "evaluation.designation_ends",
    "{left} left of designation {number}",
    "Designation {number} expires at {due}. After that it is shown as expired and leaves the public catalog.",
    ORDER,
    when="A designation is 60 and 30 days before its last day",
    who="Who speaks for the anchor, and program officers",
    mailed=Mailed.ALWAYS,
    sample={
        "due": "the end of Friday, December 18, 2026, Washington time",
        "left": "30 days",
        "number": "AIX-D-2026-0001",
    },
)
CONDITION_DUE: Final = NoticeKind(
    "evaluation.condition_due",
    "{left} left for condition {condition} of {number}",
    "Condition {condition} of designation {number} is not recorded as met. It is due by {due}.",
    ORDER,
    when="A condition that is not met reaches a step of its reminders",
    who="The team of the consortium, and program officers",
    mailed=Mailed.AT_ONCE,
    sample={
        "condition": 1,
        "due": "the end of Friday, December 18, 2026, Washington time",
        "left": "3 days",
        "number": "AIX-2026-00014",
    },
)
CONDITION_OVERDUE: Final = NoticeKind(
    "evaluation.condition_overdue",
    "Condition {condition} of {number} is overdue",
    "Condition {condition} of designation {number} was due by {due} and is not recorded as met.",
    ORDER,
    when="A condition is not met on its due date",
    who="The team of the consortium, and program officers",
    mailed=Mailed.ALWAYS,
    sample={
        "condition": 1,
        "due": "the end of Friday, December 18, 2026, Washington time",
        "number": "AIX-2026-00014",
    },
)
CONDITION_MET: Final = NoticeKind(
    "evaluation.condition_met",
    "Condition {condition} of {number} is met",
    "The Program office recorded that condition {condition} of designation {number} is met.",
    ORDER,
    when="A condition is recorded as met",
    who="The team of the consortium",
    sample={"condition": 1, "number": "AIX-2026-00014"},
)
CATALOG_RELEASED: Final = NoticeKind(
    "evaluation.catalog_released",
    "Publish or return the catalog text of {number}",
    "The anchor of designation {number} has released a text for the public catalog. Nothing of it is public "
    "until the Program office publishes it.",
    ORDER,
    is_internal=True,
    when="The anchor releases a text for the public catalog",
    who="Program officers",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-D-2026-0001"},
)
CATALOG_PUBLISHED: Final = NoticeKind(
    "evaluation.catalog_published",
    "{number} is in the public catalog",
    "The Program office has published the catalog entry of designation {number} as you released it.",
    ORDER,
    when="The Program office publishes a catalog entry",
    who="The team of the consortium",
    sample={"number": "AIX-D-2026-0001"},
)
CATALOG_RETURNED: Final = NoticeKind(
    "evaluation.catalog_returned",
    "Revise the catalog text of {number}",
    "The Program office has returned the text that you released for the catalog entry of designation "
    "{number}. What is public has not changed. Read the reason, and release the text again.",
    ORDER,
    when="The Program office returns a text for the public catalog",
    who="The team of the consortium",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-D-2026-0001"},
)
CATALOG_TO_REVIEW: Final = NoticeKind(
    "evaluation.catalog_to_review",
    "Review the withheld catalog text of {number}",
    "An amendment of designation {number} removed a component that the text in the public catalog names. The "
    "text is withheld. Read it; let it stand if it names something else, or wait for the anchor's new text.",
    ORDER,
    is_internal=True,
    when="An amendment removes a component that a text in the public catalog names",
    who="Program officers",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-D-2026-0001"},
)
CATALOG_WITHHELD: Final = NoticeKind(
    "evaluation.catalog_withheld",
    "Part of the catalog text of {number} is withheld",
    "An amendment of designation {number} removed a component that your text in the public catalog names. "
    "The text is withheld until it is reviewed. Release a text that does not name the component.",
    ORDER,
    when="An amendment removes a component that a text in the public catalog names",
    who="The team of the consortium",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-D-2026-0001"},
)
CATALOG_RESTORED: Final = NoticeKind(
    "evaluation.catalog_restored",
    "The catalog text of {number} is shown again",
    "The Program office has read the withheld catalog text of designation {number}. It is public again.",
    ORDER,
    when="The Program office lets a withheld text of the catalog stand",
    who="The team of the consortium",
    sample={"number": "AIX-D-2026-0001"},
)
DISCUSSION_ADDED: Final = NoticeKind(
    "evaluation.discussion_added",
    "New comment on proposal {number}",
    "{by} wrote in the discussion of proposal {number}. Who reads the comment: {room}. What it says stands "
    "in the discussion alone.",
    ORDER,
    is_internal=True,
    when="A comment is written in the discussion of a proposal",
    who="Who took part and may read it; the agency or the Program office that it is written to",
    sample={
        "by": "Jordan Avery",
        "number": "AIX-2026-00014",
        "room": "Own agency, Department of Energy",
    },
)
DISCUSSION_NAMED: Final = NoticeKind(
    "evaluation.discussion_named",
    "You are named in a comment on proposal {number}",
    "{by} wrote in the discussion of proposal {number} and asks you to read it. Who reads the comment: "
    "{room}. What it says stands in the discussion alone.",
    ORDER,
    is_internal=True,
    when="A comment in the discussion of a proposal names a person",
    who="Who is named and may read it",
    sample={
        "by": "Jordan Avery",
        "number": "AIX-2026-00014",
        "room": "All five agencies",
    },
)
