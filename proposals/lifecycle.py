"""The whole life of a proposal, a request for time, a membership and an offer of the anchor role."""

from __future__ import annotations

from typing import Final

from program.transitions import Transition
from proposals.enums import AnchorOfferStatus as A
from proposals.enums import MembershipStatus as M
from proposals.enums import ProposalStatus as S
from proposals.enums import TimeRequestStatus as T
from proposals.handing_over import can_change_hands
from proposals.readiness import is_in_time, is_past_its_close, is_ready, is_the_only_one

SUBMIT: Final = Transition(
    "submit",
    {S.DRAFT},
    S.SUBMITTED,
    clause="E.O. 14320 s.3(b)-(c)",
    checks=[is_ready],
    stamps=["submitted_at"],
    label="Submit",
    description="The anchor's representative hands the certified package to Commerce in time.",
)
RESUBMIT: Final = Transition(
    "resubmit",
    {S.SUBMITTED, S.RETURNED, S.UNDER_EVALUATION},
    S.SUBMITTED,
    clause="E.O. 14320 s.3(c)",
    checks=[is_ready],
    label="Submit again",
    description="A new version replaces the last until the close, also while that is evaluated, "
    "or corrects a returned one.",
)
RETURN: Final = Transition(
    "return",
    {S.SUBMITTED},
    S.RETURNED,
    clause="E.O. 14320 s.3(b)",
    label="Return for correction",
    description="The Program office names what is deficient and until when it can be corrected.",
)
ACCEPT: Final = Transition(
    "accept",
    {S.SUBMITTED},
    S.UNDER_EVALUATION,
    clause="E.O. 14320 s.3(d)",
    first_stamps=["accepted_at"],
    label="Accept for evaluation",
    description="The five consultations start.",
)
ANNOUNCE_DESIGNATED: Final = Transition(
    "designate",
    {S.UNDER_EVALUATION},
    S.DESIGNATED,
    clause="E.O. 14320 s.3(d)",
    label="Announce the designation",
    description="A signed determination to designate is announced.",
)
ANNOUNCE_NOT_SELECTED: Final = Transition(
    "decline",
    {S.UNDER_EVALUATION},
    S.NOT_SELECTED,
    clause="E.O. 14320 s.3(d)",
    label="Announce: not selected",
    description="A signed determination not to select is announced.",
)
LAPSE: Final = Transition(
    "lapse",
    {S.DRAFT},
    S.LAPSED,
    clause="E.O. 14320 s.3(c)",
    checks=[is_past_its_close],
    label="Let lapse",
    description="The clock closes a draft that was not submitted before the close.",
)
REOPEN: Final = Transition(
    "reopen",
    {S.LAPSED},
    S.DRAFT,
    clause="E.O. 14320 s.3(c)",
    checks=[is_in_time, is_the_only_one],
    label="Open again",
    description="A draft that had lapsed comes back because its consortium was given more time.",
)
#: More time leaves a proposal where it stands; a lapsed draft is opened again with it.
EXTEND: Final = Transition(
    "extend",
    {S.DRAFT, S.LAPSED, S.SUBMITTED, S.RETURNED, S.UNDER_EVALUATION},
    "",
    clause="E.O. 14320 s.3(c)",
    label="Give more time",
)
ASK_TIME: Final = Transition("ask_time", EXTEND.sources, "", clause="E.O. 14320 s.3(c)", label="Ask for time")
WITHDRAW: Final = Transition(
    "withdraw",
    {S.DRAFT, S.SUBMITTED, S.RETURNED, S.UNDER_EVALUATION},
    S.WITHDRAWN,
    clause="E.O. 14320 s.3(b)",
    label="Withdraw",
    description="The anchor takes the proposal back, with a reason.",
)
TRANSITIONS: Final = (
    SUBMIT,
    RESUBMIT,
    RETURN,
    ACCEPT,
    ANNOUNCE_DESIGNATED,
    ANNOUNCE_NOT_SELECTED,
    LAPSE,
    REOPEN,
    WITHDRAW,
)

GRANT_TIME: Final = Transition(
    "grant",
    {T.ASKED},
    T.GRANTED,
    clause="E.O. 14320 s.3(c)",
    stamps=["answered_at"],
    label="Give more time",
    description="A program officer gives one proposal a later last day, with the reason.",
)
DECLINE_TIME: Final = Transition(
    "decline",
    {T.ASKED},
    T.DECLINED,
    clause="E.O. 14320 s.3(c)",
    stamps=["answered_at"],
    label="Decline",
    description="A program officer declines to give more time, with the reason.",
)
TIME_TRANSITIONS: Final = (GRANT_TIME, DECLINE_TIME)

CONSENT: Final = Transition(
    "consent",
    {M.INVITED, M.CONSENTED},
    M.CONSENTED,
    clause="E.O. 14320 s.3(b)",
    stamps=["consented_at"],
    label="Consent",
    description="A member accepts its role and its declaration.",
)
DECLINE: Final = Transition(
    "decline",
    {M.INVITED},
    M.DECLINED,
    clause="E.O. 14320 s.3(b)",
    label="Decline",
    description="An organization does not join.",
)
LEAVE: Final = Transition(
    "leave",
    {M.INVITED, M.CONSENTED},
    M.LEFT,
    clause="E.O. 14320 s.3(b)",
    stamps=["left_at"],
    label="Leave",
    description="A member leaves the consortium.",
)
REMOVE: Final = Transition(
    "remove",
    {M.INVITED, M.CONSENTED},
    M.REMOVED,
    clause="E.O. 14320 s.3(b)",
    stamps=["left_at"],
    label="Remove",
    description="The anchor takes a member out: one that is invited at any time, one that has consented "
    "with a reason.",
)
MEMBERSHIP_TRANSITIONS: Final = (CONSENT, DECLINE, LEAVE, REMOVE)

ACCEPT_ANCHOR: Final = Transition(
    "accept",
    {A.OFFERED},
    A.ACCEPTED,
    clause="E.O. 14320 s.3(b)",
    checks=[can_change_hands],
    stamps=["answered_at"],
    label="Accept the anchor role",
    description="Another member leads the consortium, certifies and submits from now on.",
)
DECLINE_ANCHOR: Final = Transition(
    "decline",
    {A.OFFERED},
    A.DECLINED,
    clause="E.O. 14320 s.3(b)",
    stamps=["answered_at"],
    label="Decline the anchor role",
    description="The anchor stays who it is.",
)
WITHDRAW_ANCHOR: Final = Transition(
    "withdraw",
    {A.OFFERED},
    A.WITHDRAWN,
    clause="E.O. 14320 s.3(b)",
    stamps=["answered_at"],
    label="Withdraw the offer",
    description="The anchor takes its offer back before it is answered.",
)
ANCHOR_TRANSITIONS: Final = (ACCEPT_ANCHOR, DECLINE_ANCHOR, WITHDRAW_ANCHOR)
