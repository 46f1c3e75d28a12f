"""The whole life of a tool referral and of a meeting can be read here."""

from __future__ import annotations

from typing import Final

from financing import checks
from financing.checks import S4D
from financing.enums import MeetingStatus as M
from financing.enums import ReferralStatus as R
from program.transitions import Transition

REFER: Final = Transition(
    "refer",
    {R.PROPOSED},
    R.REFERRED,
    clause="s.4(d)",
    stamps=["referred_at"],
    label="Refer",
    checks=[
        checks.has_active_designation,
        checks.is_for_a_designated_market,
        checks.rests_on_screened_parties,
        checks.is_held_by_its_agency,
        checks.names_everything,
        checks.has_lead_officer,
    ],
    description="The EDAG, chaired by State, refers the tool to the agency that holds it.",
)
SET_ASIDE: Final = Transition(
    "set_aside",
    {R.PROPOSED},
    R.CLOSED,
    clause="s.4(a)",
    stamps=["closed_at"],
    label="Set aside",
    description="The EDAG does not refer the tool, for a stated reason.",
)
ACCEPT: Final = Transition(
    "accept",
    {R.REFERRED},
    R.ACCEPTED,
    clause=S4D,
    stamps=["accepted_at"],
    label="Accept",
    checks=[checks.has_active_designation, checks.is_for_a_designated_market],
    description="The agency takes the case up under its own statute and underwriting.",
)
DECLINE: Final = Transition(
    "decline",
    {R.REFERRED, R.ACCEPTED},
    R.DECLINED,
    clause=S4D,
    stamps=["declined_at"],
    label="Decline",
    description="The agency says, with its reason, that it does not provide the tool.",
)
COMMIT: Final = Transition(
    "commit",
    {R.ACCEPTED},
    R.COMMITTED,
    clause="s.4(d)",
    stamps=["committed_at"],
    label="Record the commitment",
    checks=[checks.has_active_designation, checks.is_for_a_designated_market],
    description="The agency has committed the tool; amount, term and instrument are recorded.",
)
SUPERSEDE: Final = Transition(
    "supersede",
    {R.COMMITTED},
    R.COMMITTED,
    clause="s.4(d)",
    label="Record a new commitment in its place",
    description="The agency replaces its commitment, with the reason; the one before stays on record.",
)
CLOSE: Final = Transition(
    "close",
    {R.COMMITTED},
    R.CLOSED,
    clause=S4D,
    stamps=["closed_at"],
    label="Close",
    description="The commitment has run its course; nothing more is to be followed here.",
)
SUSPEND: Final = Transition(
    "suspend",
    {R.PROPOSED, R.REFERRED, R.ACCEPTED},
    R.SUSPENDED,
    clause="s.3(d)",
    stamps=["suspended_at"],
    label="Suspend",
    checks=[checks.lost_its_designation],
    description="The clock suspends what is open once its designation is not active; commitments stand.",
)
_BACK: Final = "The clock takes it up again where it stood, once the designation is active again."
RESUME_PROPOSED: Final = Transition(
    "resume",
    {R.SUSPENDED},
    R.PROPOSED,
    clause="s.3(d)",
    label="Resume as proposed",
    description=_BACK,
    checks=[checks.has_active_designation, checks.stood_at_proposed],
)
RESUME_REFERRED: Final = Transition(
    "resume",
    {R.SUSPENDED},
    R.REFERRED,
    clause="s.3(d)",
    label="Resume as referred",
    description=_BACK,
    checks=[checks.has_active_designation, checks.stood_at_referred],
)
RESUME_ACCEPTED: Final = Transition(
    "resume",
    {R.SUSPENDED},
    R.ACCEPTED,
    clause="s.3(d)",
    label="Resume as accepted",
    description=_BACK,
    checks=[checks.has_active_designation, checks.stood_at_accepted],
)
RESUME: Final = {
    R.PROPOSED: RESUME_PROPOSED,
    R.REFERRED: RESUME_REFERRED,
    R.ACCEPTED: RESUME_ACCEPTED,
}
TRANSITIONS: Final = (
    REFER,
    SET_ASIDE,
    ACCEPT,
    DECLINE,
    COMMIT,
    SUPERSEDE,
    CLOSE,
    SUSPEND,
    RESUME_PROPOSED,
    RESUME_REFERRED,
    RESUME_ACCEPTED,
)

HOLD: Final = Transition(
    "hold",
    {M.PLANNED},
    M.HELD,
    clause="s.4(a)",
    stamps=["held_at"],
    label="Record that it was held",
    checks=[checks.has_begun, checks.has_items],
    description="The chair records that the meeting took place; its items can be decided.",
)
MEETING_TRANSITIONS: Final = (HOLD,)
