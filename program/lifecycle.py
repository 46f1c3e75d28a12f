"""The whole life of a call and of a question about it can be read here."""

from __future__ import annotations

from program.checks import APPROVAL_CHECKS, ISSUE_CHECKS, is_before_its_deadline, is_due_to_close
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
CALL_TRANSITIONS = [APPROVE, REOPEN, ISSUE, CLOSE, CANCEL]

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
