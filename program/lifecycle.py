"""The whole life of a call, a question about it, the review of an agency action, and an appointment."""

from __future__ import annotations

from program.checks import APPROVAL_CHECKS, ISSUE_CHECKS, is_before_its_deadline, is_due_to_close
from program.enums import ActionStatus as A
from program.enums import AppointmentStatus as P
from program.enums import CallStatus as S
from program.enums import QuestionStatus as Q
from program.transitions import Transition

APPROVE = Transition(
    "approve",
    {S.DRAFT},
    S.APPROVED,
    clause="s.3(b)",
    checks=APPROVAL_CHECKS,
    description="A second program officer finds the call complete.",
)
REOPEN = Transition(
    "reopen",
    {S.APPROVED},
    S.DRAFT,
    clause="s.3(b)",
    label="Back to draft",
    description="The approved call is edited again; it needs a new approval.",
)
ISSUE = Transition(
    "issue",
    {S.APPROVED},
    S.ISSUED,
    clause="s.3(b)-(c)",
    checks=ISSUE_CHECKS,
    description="The call becomes public, its clock starts, and proposals are taken.",
)
CLOSE = Transition(
    "close",
    {S.ISSUED},
    S.CLOSED,
    clause="s.3(c)",
    checks=[is_due_to_close],
    stamps=["closed_at"],
    description="The clock closes the call at its deadline.",
)
CANCEL = Transition(
    "cancel",
    {S.ISSUED},
    S.CANCELLED,
    clause="s.3(b)",
    checks=[is_before_its_deadline],
    stamps=["cancelled_at"],
    label="Cancel the call",
    description="The call ends with a public reason; nothing more is taken under it.",
)
DISCARD = Transition(
    "discard",
    {S.DRAFT},
    S.CANCELLED,
    clause="s.3(b)",
    stamps=["cancelled_at"],
    label="Discard the draft",
    description="The draft is given up with a reason; it was never public and stays on record.",
)
CALL_TRANSITIONS = [APPROVE, REOPEN, ISSUE, CLOSE, CANCEL, DISCARD]

ANSWER = Transition(
    "answer",
    {Q.ASKED},
    Q.ANSWERED,
    stamps=["answered_at"],
    description="A program officer answers, in public unless the asker wanted it private.",
)
WITHDRAW_QUESTION = Transition(
    "withdraw",
    {Q.ASKED},
    Q.WITHDRAWN,
    label="Withdraw the question",
    description="The asker takes the question back before it is answered.",
)
QUESTION_TRANSITIONS = [ANSWER, WITHDRAW_QUESTION]

REVIEW = "E.O. 14179 s.5(a)"
FIND_INCONSISTENT = Transition(
    "find_inconsistent",
    {A.IDENTIFIED, A.CONSISTENT},
    A.INCONSISTENT,
    clause=REVIEW,
    label="Find inconsistent",
    description="The action is, or may be, inconsistent with the policy of section 2 or in its way.",
)
FIND_CONSISTENT = Transition(
    "find_consistent",
    {A.IDENTIFIED, A.INCONSISTENT, A.PROPOSED},
    A.CONSISTENT,
    clause=REVIEW,
    label="Find not inconsistent",
    description="The action stands: it is not inconsistent with the policy of section 2, nor in its way.",
)
PROPOSE = Transition(
    "propose",
    {A.INCONSISTENT, A.DONE},
    A.PROPOSED,
    clause=REVIEW,
    label="Record a proposed change",
    description="The agency proposes to suspend, revise or rescind the action.",
)
CARRY_OUT = Transition(
    "carry_out",
    {A.INCONSISTENT, A.PROPOSED},
    A.DONE,
    clause=REVIEW,
    label="Record a change made",
    description="The agency suspended, revised or rescinded the action.",
)
FINALIZE = Transition(
    "finalize",
    {A.DONE},
    A.FINAL,
    clause=REVIEW,
    label="Record the change as final",
    description="Nothing is left to do; interim exemptions end.",
)
DROP = Transition(
    "drop",
    {A.IDENTIFIED},
    A.DROPPED,
    clause=REVIEW,
    label="Drop from the register",
    description="It was entered in error, or was not taken under E.O. 14110.",
)
ACTION_TRANSITIONS = [FIND_INCONSISTENT, FIND_CONSISTENT, PROPOSE, CARRY_OUT, FINALIZE, DROP]

CONFIRM_APPOINTMENT = Transition(
    "confirm",
    {P.PROPOSED},
    P.CONFIRMED,
    clause="s.3(d)",
    stamps=["decided_at"],
    label="Confirm",
    description="A second program officer confirms who is to act for the Government; the office begins.",
)
DECLINE_APPOINTMENT = Transition(
    "decline",
    {P.PROPOSED},
    P.DECLINED,
    clause="s.3(d)",
    stamps=["decided_at"],
    label="Decline",
    description="The appointment goes no further, with a reason; who proposed it may take it back so, too.",
)
APPOINTMENT_TRANSITIONS = [CONFIRM_APPOINTMENT, DECLINE_APPOINTMENT]
