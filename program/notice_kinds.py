"""The kinds of notices: what is said of which event, and to whom. The kinds of the Program itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from program.enums import Mailed, OfficeRole
from program.models.words import kind_in_words
from program.querysets import DIGEST, HOUSEHOLD_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice: ``title`` and ``text`` are formatted with the facts given to ``owe``.

    ``when`` and ``who`` say for the catalogue what it tells of and whom; ``sample`` holds one value for
    each fact that its words name, and no other.
    """

    code: str
    title: str
    text: str
    clause: str = ""
    when: str = field(kw_only=True)
    who: str = field(kw_only=True)
    sample: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    #: Whether its reader may put it off or turn it off; what gives a right, a duty or a date is always mailed
    mailed: Mailed = field(default=Mailed.AS_PREFERRED, kw_only=True)
    #: It is of the Government's own work: nobody gets it who holds no office
    is_internal: bool = field(default=False, kw_only=True)
    #: It is of what a consortium does with its working copy: the log of the Program office leaves it out
    is_household: bool = field(default=False, kw_only=True)
    #: Offices of which its recipient must still hold one when it is sent
    roles: tuple[str, ...] = ()
    #: It is for people to whom the matter is closed: not yet in, or just shut out
    tells_outsiders: bool = False

    def __post_init__(self) -> None:
        named = facts_named(self.title) | facts_named(self.text)
        if named != self.sample.keys():
            raise ValueError(f"{self.code}: words and sample differ in {sorted(named ^ self.sample.keys())}.")
        CATALOGUE[self.code] = self
        if self.is_household:
            HOUSEHOLD_KINDS.add(self.code)

    @property
    def in_words(self) -> str:
        """What kind it is, without the facts of any."""
        return kind_in_words(self.code)


def facts_named(template: str) -> set[str]:
    """The facts that a title or text is formatted with."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


#: Every kind that the portal knows, by its code
CATALOGUE: Final[dict[str, NoticeKind]] = {}
CALL_TO_APPROVE = NoticeKind(
    "call-to-approve",
    "Call {number} waits for approval",
    "The draft “{title}” is complete. A program officer who did not draft it approves it or sends it back.",
    "s.3(b)",
    roles=(OfficeRole.PROGRAM_OFFICER,),
    when="A draft of a call is complete and its drafters ask for approval",
    who="Program officers who did not draft it",
    mailed=Mailed.AT_ONCE,
    sample={"number": "AIX-C-2026-0002", "title": "Second call for full-stack AI export packages"},
)
CALL_APPROVED = NoticeKind(
    "call-approved",
    "Call {number} was approved",
    "{by} approved the draft “{title}” as it stands. It can be issued now.",
    "s.3(b)",
    when="A second officer approves a call",
    who="Who drafted the call",
    sample={
        "by": "Jordan Avery",
        "number": "AIX-C-2026-0002",
        "title": "Second call for full-stack AI export packages",
    },
)
CALL_SENT_BACK = NoticeKind(
    "call-sent-back",
    "Call {number} was sent back",
    "{by} sent “{title}” back to its drafters. The reason given: {reason}",
    "s.3(b)",
    when="A second officer sends a draft back",
    who="Who drafted the call",
    sample={
        "by": "Jordan Avery",
        "number": "AIX-C-2026-0002",
        "reason": "The rubric needs anchors for the criterion on security.",
        "title": "Second call for full-stack AI export packages",
    },
)
APPOINTMENT_TO_CONFIRM = NoticeKind(
    "appointment-to-confirm",
    "Confirm or decline: {person} as {office}",
    "{by} proposes to appoint {person} as {office}. The office begins once a second program officer has "
    "confirmed it.",
    "s.3(d)",
    roles=(OfficeRole.PROGRAM_OFFICER,),
    is_internal=True,
    when="A person is proposed for an office whose holder acts for the Government alone",
    who="Program officers who did not propose it and are not the person",
    mailed=Mailed.ALWAYS,
    sample={
        "by": "Jordan Avery",
        "office": "Agency lead, Department of Energy",
        "person": "Ada Field",
    },
)
APPOINTMENT_CONFIRMED = NoticeKind(
    "appointment-confirmed",
    "{person} is appointed as {office}",
    "{by} confirmed the appointment of {person} as {office}. The office is in force.",
    "s.3(d)",
    is_internal=True,
    when="A second officer confirms an appointment",
    who="Who proposed it, and the person who is appointed",
    mailed=Mailed.ALWAYS,
    sample={
        "by": "Jordan Avery",
        "office": "Agency lead, Department of Energy",
        "person": "Ada Field",
    },
)
APPOINTMENT_DECLINED = NoticeKind(
    "appointment-declined",
    "{person} is not appointed as {office}",
    "{by} declined to appoint {person} as {office}. The reason: {reason}",
    "s.3(d)",
    roles=(OfficeRole.PROGRAM_OFFICER,),
    is_internal=True,
    when="An appointment is declined, or taken back",
    who="The other program officers, but for the person",
    mailed=Mailed.AT_ONCE,
    sample={
        "by": "Jordan Avery",
        "office": "Agency lead, Department of Energy",
        "person": "Ada Field",
        "reason": "The memorandum names another person.",
    },
)
OFFICE_ENDED = NoticeKind(
    "office-ended",
    "{person} no longer holds the office: {office}",
    "{by} ended the office of {person} as {office}. The reason: {reason}",
    "s.3(d)",
    roles=(OfficeRole.PROGRAM_OFFICER,),
    is_internal=True,
    when="An office is ended, or its holder gives it up",
    who="The other program officers, but for the person",
    mailed=Mailed.ALWAYS,
    sample={
        "by": "Jordan Avery",
        "office": "Agency lead, Department of Energy",
        "person": "Ada Field",
        "reason": "She left the Department on November 1.",
    },
)
CALL_DISCARDED = NoticeKind(
    "call-discarded",
    "Draft {number} was discarded",
    "{by} discarded the draft “{title}”. The reason given: {reason}",
    "s.3(b)",
    when="A draft of a call is discarded",
    who="Who drafted the call",
    sample={
        "by": "Jordan Avery",
        "number": "AIX-C-2026-0002",
        "reason": "The rubric needs anchors for the criterion on security.",
        "title": "Second call for full-stack AI export packages",
    },
)
CALL_ISSUED = NoticeKind(
    "call-issued",
    "New call for proposals: {number}",
    "“{title}” is open. Proposals are due by the end of {due}, Washington time.",
    "s.3(b)",
    when="A call is issued",
    who="Everybody who follows the Program, with or without an account",
    sample={
        "due": "Wednesday, March 31, 2027",
        "number": "AIX-C-2026-0002",
        "title": "Second call for full-stack AI export packages",
    },
)
CALL_AMENDED = NoticeKind(
    "call-amended",
    "Amendment {amendment} to call {number}",
    "{summary} In force from {effective}.",
    "s.3(b)",
    when="An amendment of a call is published",
    who="Teams with a proposal under the call, and everybody who follows it",
    mailed=Mailed.ALWAYS,
    sample={
        "amendment": 1,
        "effective": "Monday, February 1, 2027",
        "number": "AIX-C-2026-0002",
        "summary": "The page limit of the narrative is 40 pages.",
    },
)
CALL_EXTENDED = NoticeKind(
    "call-extended",
    "New deadline for call {number}",
    "The last day moved from {before} to {due}, Washington time.",
    "s.3(c)",
    when="The deadline of a call is moved",
    who="Teams with a proposal under the call, and everybody who follows it",
    mailed=Mailed.ALWAYS,
    sample={
        "before": "Friday, February 26, 2027",
        "due": "Wednesday, March 31, 2027",
        "number": "AIX-C-2026-0002",
    },
)
CALL_CANCELLED = NoticeKind(
    "call-cancelled",
    "Call {number} was cancelled",
    "The Department ended the call. The reason given: {reason}",
    "s.3(b)",
    when="An issued call is cancelled",
    who="Teams with a proposal under the call, and everybody who follows it",
    mailed=Mailed.ALWAYS,
    sample={"number": "AIX-C-2026-0002", "reason": "The rubric needs anchors for the criterion on security."},
)
CALL_CLOSED = NoticeKind(
    "call-closed",
    "Call {number} has closed",
    "The time to submit under call {number} ended: {due}. What was received in time is read now; the page of "
    "your proposal says where it stands.",
    "s.3(c)",
    when="The clock closes a call at its deadline",
    who="Followers of the call, and the teams that work under it",
    sample={"number": "AIX-C-2026-0002", "due": "February 1, 2027, 11:59 p.m. Washington time"},
)
CALL_CLOSED_AT_DESK = NoticeKind(
    "call-closed-at-desk",
    "Call {number} has closed",
    "The clock closed call {number}, which you wrote or approved, at its deadline: {due}. Drafts that were "
    "not submitted lapse; what came in waits at intake.",
    "s.3(c)",
    when="The clock closes a call at its deadline",
    who="The officers who wrote and approved it",
    sample={"number": "AIX-C-2026-0002", "due": "February 1, 2027, 11:59 p.m. Washington time"},
)
QUESTION_ASKED = NoticeKind(
    "question-asked",
    "A question about call {number}",
    "Somebody asked a question about the call. It waits for an answer.",
    "s.3(b)",
    roles=(OfficeRole.PROGRAM_OFFICER,),
    when="A question about a call is asked",
    who="Program officers",
    sample={"number": "AIX-C-2026-0002"},
)
QUESTION_ANSWERED = NoticeKind(
    "question-answered",
    "Your question about call {number} was answered",
    "The Program office answered your question.",
    "s.3(b)",
    when="A question about a call is answered",
    who="Who asked it",
    sample={"number": "AIX-C-2026-0002"},
)
DAILY_DIGEST = NoticeKind(
    DIGEST,
    "Your notices until {day}",
    "What happened since the last digest. Each stands among your notices in the portal, too.",
    when="At 7 a.m., Washington time, where something waits for who has chosen one mail a day",
    who="That person",
    mailed=Mailed.ALWAYS,
    sample={"day": "November 27, 2026"},
)
TO_CONFIRM = NoticeKind(
    "subscription-to-confirm",
    "Confirm that you want to hear of {what}",
    "Somebody, probably you, asked the portal to tell this address of {what} by e-mail. Nothing is sent "
    "until you confirm it on the page behind the link, by {until}. If it was not you, do nothing.",
    when="An address is given to follow calls by e-mail",
    who="That address",
    mailed=Mailed.ALWAYS,
    sample={"until": "December 1, 2026, 2:05 p.m. Washington time", "what": "every call of the Program"},
)
ANSWER_CORRECTED = NoticeKind(
    "answer-corrected",
    "A corrected answer about call {number}",
    "The Program office corrected an answer about the call. What was changed, and why, stands beside it.",
    "s.3(b)",
    when="An answer about a call is corrected",
    who="Who asked it or the same, and the followers of the call",
    sample={"number": "AIX-C-2026-0002"},
)
ANSWER_PUBLISHED = NoticeKind(
    "answer-published",
    "A new answer about call {number}",
    "The Program office published an answer to a question about the call.",
    "s.3(b)",
    when="An answer about a call is published",
    who="Teams with a proposal under the call, and everybody who follows it",
    sample={"number": "AIX-C-2026-0002"},
)
