"""The whole life of a review, a referral, a question, a determination and a designation can be read here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from evaluation import amendment_checks, checks
from evaluation.enums import AmendmentStatus as M
from evaluation.enums import AssignmentStatus as A
from evaluation.enums import CatalogReleaseStatus as C
from evaluation.enums import ConflictCaseStatus as E
from evaluation.enums import DesignationStatus as D
from evaluation.enums import DeterminationStatus as T
from evaluation.enums import InformationRequestStatus as Q
from evaluation.enums import ReferralStatus as R
from evaluation.enums import ReviewStatus as V
from program.transitions import Transition
from proposals import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from program.transitions import Problem

ORDER: Final = "E.O. 14320 s.3(d)"

# A proposal, where the evaluation adds demands to the proposal's own table
ACCEPT: Final = replace(lifecycle.ACCEPT, checks=(*lifecycle.ACCEPT.checks, *checks.ACCEPTANCE))
RETURN: Final = replace(lifecycle.RETURN, checks=(*lifecycle.RETURN.checks, checks.names_deficient_items))

END_ASSIGNMENT: Final = Transition(
    "end",
    {A.ACTIVE},
    A.ENDED,
    clause=ORDER,
    stamps=["ended_at"],
    label="End the assignment",
    description="The reviewer's access ends at once.",
)
ASSIGNMENT_TRANSITIONS: Final = (END_ASSIGNMENT,)

CLEAR_CONFLICT: Final = Transition(
    "clear",
    {E.OPEN},
    E.CLEARED,
    clause="5 CFR 2635.502",
    stamps=["decided_at"],
    label="May review",
    description="The ethics official lets the person review, under a clause; the proposal opens to them.",
)
RECUSE_CONFLICT: Final = Transition(
    "recuse",
    {E.OPEN},
    E.RECUSED,
    clause="5 CFR 2635.502",
    stamps=["decided_at"],
    label="Recuse",
    description="The proposal stays closed to the person, and their assignment ends.",
)
CONFLICT_TRANSITIONS: Final = (CLEAR_CONFLICT, RECUSE_CONFLICT)

SUBMIT_REVIEW: Final = Transition(
    "submit",
    {V.DRAFT},
    V.SUBMITTED,
    clause=ORDER,
    checks=checks.REVIEW_CHECKS,
    stamps=["submitted_at"],
    label="Submit the review",
    description="The sheet counts for the agency and others of it may read it.",
)
REOPEN_REVIEW: Final = Transition(
    "reopen",
    {V.SUBMITTED},
    V.DRAFT,
    clause=ORDER,
    checks=[checks.could_come_in_again],
    label="Reopen for changes",
    description="The agency's lead gives the sheet back to its reviewer, with a reason.",
)
REVIEW_TRANSITIONS: Final = (SUBMIT_REVIEW, REOPEN_REVIEW)

ACKNOWLEDGE: Final = Transition(
    "acknowledge",
    {R.OPEN},
    R.ACKNOWLEDGED,
    clause=ORDER,
    stamps=["acknowledged_at"],
    label="Acknowledge receipt",
    description="The agency's lead has taken the referral up; the clock goes on.",
)
ANSWER: Final = Transition(
    "answer",
    {R.OPEN, R.ACKNOWLEDGED, R.ANSWERED},
    R.ANSWERED,
    clause=ORDER,
    first_stamps=["answered_at"],
    label="File the position",
    description="The agency's position stands; an earlier one is superseded.",
)
KEEP: Final = Transition(
    "keep",
    {R.OPEN},
    R.ANSWERED,
    clause=ORDER,
    stamps=["answered_at"],
    label="Keep the position",
    description="A new version changed nothing that the position speaks of: it is kept by rule.",
)
LAPSE: Final = Transition(
    "lapse",
    {R.OPEN, R.ACKNOWLEDGED},
    R.LAPSED,
    clause=ORDER,
    checks=[checks.is_out_of_time, checks.is_still_consulted],
    stamps=["lapsed_at"],
    label="Let lapse",
    description="The clock ends without a position: shown as no response, never as consent.",
)
REOPEN_REFERRAL: Final = Transition(
    "reopen",
    {R.LAPSED},
    R.OPEN,
    clause=ORDER,
    checks=[checks.is_still_consulted],
    label="Open again",
    description="The Program office gives the agency a new date, with a reason.",
)
END_REFERRAL: Final = Transition(
    "end",
    {R.OPEN, R.ACKNOWLEDGED},
    R.ENDED,
    clause=ORDER,
    checks=[checks.is_left],
    stamps=["ended_at"],
    label="End",
    description="The proposal was withdrawn or decided, or a newer version replaced this one, while the "
    "agency was consulted.",
)
REFERRAL_TRANSITIONS: Final = (ACKNOWLEDGE, ANSWER, KEEP, LAPSE, REOPEN_REFERRAL, END_REFERRAL)

ANSWER_QUESTION: Final = Transition(
    "answer",
    {Q.OPEN},
    Q.ANSWERED,
    clause=ORDER,
    stamps=["answered_at"],
    label="Send the answer",
    description="The consortium answers; the answer is kept with the version.",
)
WITHDRAW_QUESTION: Final = Transition(
    "withdraw",
    {Q.OPEN},
    Q.WITHDRAWN,
    clause=ORDER,
    stamps=["withdrawn_at"],
    label="Withdraw the question",
    description="The Government no longer asks.",
)
QUESTION_TRANSITIONS: Final = (ANSWER_QUESTION, WITHDRAW_QUESTION)


def _by_three_officials(
    noun: str,
    status: type[T | M],
    checked: Sequence[Callable[[Any], Iterable[Problem]]],
    checked_again: Sequence[Callable[[Any], Iterable[Problem]]],
    *,
    announced: str,
) -> tuple[Transition, Transition, Transition, Transition, Transition]:
    """How a draft is cleared or sent back, signed, and then announced or recalled: by others each time."""
    return (
        Transition(
            "clear",
            {status.DRAFT},
            status.DRAFT,
            clause=ORDER,
            checks=checked,
            stamps=["cleared_at"],
            label=f"Clear the {noun}",
            description="A third official clears exactly what was read; a change of it undoes that.",
        ),
        Transition(
            "send_back",
            {status.DRAFT},
            status.DRAFT,
            clause=ORDER,
            label="Send back",
            description="A draft that was put up for clearance goes back to who wrote it, with a reason.",
        ),
        Transition(
            "sign",
            {status.DRAFT},
            status.SIGNED,
            clause=ORDER,
            checks=(*checked, checks.is_cleared),
            stamps=["signed_at"],
            label=f"Sign the {noun}",
            description="Decided, and not yet announced: nothing is visible outside.",
        ),
        Transition(
            "recall",
            {status.SIGNED},
            status.RECALLED,
            clause=ORDER,
            stamps=["recalled_at"],
            label="Recall",
            description=f"A signed {noun} is taken back before it is announced, with a reason.",
        ),
        Transition(
            "announce",
            {status.SIGNED},
            status.ANNOUNCED,
            clause=ORDER,
            checks=checked_again,
            stamps=["announced_at"],
            label="Announce",
            description=announced,
        ),
    )


RENEW: Final = Transition(
    "renew",
    {T.DRAFT},
    T.DRAFT,
    clause=ORDER,
    checks=[checks.has_newer_version],
    label="Take up the new version",
    description="A draft goes on with the version that replaced its own; each finding is made anew.",
)
CLEAR, SEND_BACK, SIGN, RECALL, ANNOUNCE = _by_three_officials(
    "determination", T, checks.DETERMINATION_CHECKS, checks.ANNOUNCEMENT_CHECKS,
    announced="The consortium is told, the letter is issued, and a designation begins.",
)  # fmt: skip
DETERMINATION_TRANSITIONS: Final = (RENEW, CLEAR, SEND_BACK, SIGN, RECALL, ANNOUNCE)

SUSPEND: Final = Transition(
    "suspend",
    {D.ACTIVE},
    D.SUSPENDED,
    clause=ORDER,
    stamps=["suspended_at"],
    label="Suspend",
    description="The catalog page goes, referrals to tools stop until it is reinstated.",
)
REINSTATE: Final = Transition(
    "reinstate",
    {D.SUSPENDED},
    D.ACTIVE,
    clause=ORDER,
    label="Reinstate",
    description="The designation is active again.",
)
REVOKE: Final = Transition(
    "revoke",
    {D.ACTIVE, D.SUSPENDED},
    D.REVOKED,
    clause=ORDER,
    stamps=["revoked_at"],
    label="Revoke",
    description="The designation ends, with reasons.",
)
EXPIRE: Final = Transition(
    "expire",
    {D.ACTIVE, D.SUSPENDED},
    D.EXPIRED,
    clause=ORDER,
    checks=[checks.is_past_its_last_day],
    stamps=["expired_at"],
    label="Let expire",
    description="The clock ends a designation after its last day.",
)
DESIGNATION_TRANSITIONS: Final = (SUSPEND, REINSTATE, REVOKE, EXPIRE)

DROP_AMENDMENT: Final = Transition(
    "drop",
    {M.DRAFT},
    M.DROPPED,
    clause=ORDER,
    label="Give the draft up",
    description="The draft is kept and goes no further.",
)
CLEAR_AMENDMENT, SEND_AMENDMENT_BACK, SIGN_AMENDMENT, RECALL_AMENDMENT, ANNOUNCE_AMENDMENT = (
    _by_three_officials(
        "amendment", M, amendment_checks.AMENDMENT_CHECKS, amendment_checks.ANNOUNCEMENT_CHECKS,
        announced="The consortium is told and the letter is issued; it is in force from its day on.",
    )
)  # fmt: skip
TAKE_EFFECT: Final = Transition(
    "take_effect",
    {M.ANNOUNCED},
    M.IN_FORCE,
    clause=ORDER,
    checks=[amendment_checks.is_of_live_designation, amendment_checks.is_due, amendment_checks.is_next],
    stamps=["in_force_at"],
    label="Take effect",
    description="Its day has come: the terms of the designation change.",
)
LAPSE_AMENDMENT: Final = Transition(
    "lapse",
    {M.ANNOUNCED},
    M.LAPSED,
    clause=ORDER,
    checks=[amendment_checks.has_lost_its_designation],
    label="Let lapse",
    description="The designation ended before the day of the amendment came.",
)
AMENDMENT_TRANSITIONS: Final = (
    DROP_AMENDMENT,
    CLEAR_AMENDMENT,
    SEND_AMENDMENT_BACK,
    SIGN_AMENDMENT,
    RECALL_AMENDMENT,
    ANNOUNCE_AMENDMENT,
    TAKE_EFFECT,
    LAPSE_AMENDMENT,
)

PUBLISH_TEXT: Final = Transition(
    "publish",
    {C.PROPOSED},
    C.PUBLISHED,
    clause=ORDER,
    checks=[checks.is_of_active_designation],
    stamps=["decided_at"],
    label="Publish",
    description="What the anchor released becomes the entry of the public catalog.",
)
RETURN_TEXT: Final = Transition(
    "return",
    {C.PROPOSED},
    C.RETURNED,
    clause=ORDER,
    stamps=["decided_at"],
    label="Return to the anchor",
    description="What is public stays as it is; the anchor reads the reason.",
)
WITHDRAW_TEXT: Final = Transition(
    "withdraw",
    {C.PROPOSED},
    C.WITHDRAWN,
    clause=ORDER,
    label="Take back",
    description="The anchor takes its text back, or releases another in its place.",
)
CATALOG_TRANSITIONS: Final = (PUBLISH_TEXT, RETURN_TEXT, WITHDRAW_TEXT)
