"""What makes a referral ready for its next step, one function per rule of s.3(d) and s.4(d)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from evaluation.checks import party_checks
from evaluation.enums import DesignationStatus
from program import clock
from program.deadlines import local_day, long_date
from program.enums import OfficeRole
from program.models import Office
from program.transitions import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from evaluation.models import Designation
    from financing.models import Commitment, Meeting, ToolReferral

S3D = "s.3(d)"
S4D = "s.4(d)"
S3BV = "s.3(b)(v)"
AGAIN: Final = "They are screened again in the background; come back in some minutes."
SCREENED: Final = {
    "not-screened": f"The parties of the package have not been screened. {AGAIN}",
    "checks-too-old": f"The parties of the package were last screened too long ago. {AGAIN}",
    "stale-screening": f"The parties of the package were screened by what is not in force any more. {AGAIN}",
    "open-match": "A party of the package may be a listed one. The Program office settles that first.",
    "compliance-bars": "A destination, or an owner of a party, is blocked.",
    "blocked-party": "A party of the package is confirmed to be a listed one.",
}
#: Beyond these a number is a slip of the keyboard, not a commitment.
MOST_USD: Final = Decimal(1_000_000_000_000)
MOST_MONTHS: Final = 600


def has_active_designation(referral: ToolReferral) -> Iterator[Problem]:
    """Only packages with an active designation have access to the tools, s.3(d) and s.4(d)."""
    yield from is_active(referral.designation)


def is_for_a_designated_market(referral: ToolReferral) -> Iterator[Problem]:
    """Nothing goes on for a market that an amendment has removed from the designation."""
    if referral.is_market_removed:
        number = referral.designation.number
        message = f"An amendment has removed {referral.market} from designation {number}."
        yield Problem("market-removed", message, S3D)


def is_active(designation: Designation) -> Iterator[Problem]:
    """The designation itself is active on this day."""
    if designation.status != DesignationStatus.ACTIVE:
        state = designation.get_status_display().lower()
        yield Problem(
            "designation-not-active", f"Designation {designation.number} is {state}: nothing goes on.", S3D
        )


def lost_its_designation(referral: ToolReferral) -> Iterator[Problem]:
    """A referral is suspended with its designation, not otherwise."""
    if referral.designation.status == DesignationStatus.ACTIVE:
        yield Problem("designation-active", "The designation is active: there is nothing to suspend.", S3D)


def is_held_by_its_agency(referral: ToolReferral) -> Iterator[Problem]:
    """A tool goes only to the agency that holds its authority, s.4(d)."""
    if referral.agency_id != referral.tool.agency_id:
        yield Problem(
            "tool-not-held",
            f"{referral.tool.name} rests on {referral.tool.authority}, held by {referral.tool.agency}: "
            f"it cannot be referred to {referral.agency}.",
            S4D,
            field="tool",
        )


def names_everything(referral: ToolReferral) -> Iterator[Problem]:
    """A referral names a market, a purpose, an amount or "to be determined", and its authority."""
    if not referral.market.strip():
        yield Problem("market-missing", "Choose a target market of the package.", S4D, field="market")
    if not referral.purpose.strip():
        yield Problem("purpose-missing", "Say what the support is for.", S4D, field="purpose")
    if (referral.amount_usd is None) != referral.amount_is_tbd:
        yield Problem(
            "amount-unclear",
            "Give an amount, or say that it is to be determined; not both.",
            S4D,
            field="amount_usd",
        )
    if not referral.citation:
        yield Problem("authority-missing", "The tool has no statutory authority on file.", S4D, field="tool")


def has_lead_officer(referral: ToolReferral) -> Iterator[Problem]:
    """The lead officer is an EDAG officer of the agency that holds the tool, in office today."""
    offices = Office.objects.in_force().filter(
        user=referral.lead_officer_id, role=OfficeRole.EDAG_OFFICER, agency=referral.agency_id
    )
    if not offices.exists():
        yield Problem(
            "lead-not-in-office",
            f"The lead officer must be an EDAG officer of {referral.agency}.",
            S4D,
            field="lead_officer",
        )


def rests_on_screened_parties(referral: ToolReferral) -> Iterator[Problem]:
    """The parties are screened before each referral: lately, by what is in force, with nothing left open.

    What does not hold is screened again by itself.
    """
    designation = referral.designation
    days = designation.proposal.call.check_max_age_days
    found = {problem.code for problem in party_checks(designation.version, days)}
    for code, message in SCREENED.items():
        if code in found:
            yield Problem(code, message, S3BV)


def dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}".removesuffix(".00")


@dataclass(frozen=True)
class Terms:
    """What a commitment says; a form fills in what it could read."""

    amount_usd: Decimal | None
    committed_on: date | None
    instrument_reference: str
    term_months: int | None = None
    conditions: str = ""
    is_subject_to_appropriations: bool = True

    def impossible_for(self, referral: ToolReferral) -> Iterator[Problem]:
        """What no commitment for ``referral`` can be, whatever anybody confirms."""
        amount, day, term = self.amount_usd, self.committed_on, self.term_months
        if amount is None or amount <= 0:
            yield Problem("amount-missing", "Give the amount that was committed.", S4D, field="amount_usd")
        elif amount >= MOST_USD:
            message = "This amount is a trillion dollars or more. Check the number of zeros."
            yield Problem("amount-absurd", message, S4D, field="amount_usd")
        if term is not None and not 1 <= term <= MOST_MONTHS:
            message = f"A term is 1 to {MOST_MONTHS} months. Leave it empty when the instrument has none."
            yield Problem("term-absurd", message, S4D, field="term_months")
        if not self.instrument_reference.strip():
            message = "Name the instrument that commits it."
            yield Problem("instrument-missing", message, S4D, field="instrument_reference")
        if day is None:
            message = "Give the date of the commitment."
            yield Problem("date-missing", message, S4D, field="committed_on")
        elif day > clock.today():
            message = "A commitment is recorded once it was made: this day is in the future."
            yield Problem("committed-in-future", message, S4D, field="committed_on")
        elif referral.referred_at and day < (referred := local_day(referral.referred_at)):
            message = f"The tool was referred on {long_date(referred)}: no commitment for it is older."
            yield Problem("committed-before-referral", message, S4D, field="committed_on")

    def unusual_for(self, referral: ToolReferral) -> Iterator[Problem]:
        """What may be right but rarely is: the officer confirms it and says why."""
        if self.amount_usd and referral.amount_usd and self.amount_usd > referral.amount_usd:
            message = (
                f"The commitment of {dollars(self.amount_usd)} is above the {dollars(referral.amount_usd)} "
                "that were referred."
            )
            yield Problem("above-referral", message, S4D, field="amount_usd")
        accepted = local_day(referral.accepted_at) if referral.accepted_at else None
        if self.committed_on and accepted and self.committed_on < accepted:
            message = (
                f"The commitment of {long_date(self.committed_on)} is older than the acceptance of the case "
                f"on {long_date(accepted)}."
            )
            yield Problem("before-acceptance", message, S4D, field="committed_on")

    def wrong_in_place_of(self, before: Commitment, designation: Designation) -> Iterator[Problem]:
        """A commitment that supersedes says something new; without active designation it is not raised."""
        if all(getattr(before, name) == value for name, value in vars(self).items()):
            message = "This says what the commitment on record says. Change what is to be replaced."
            yield Problem("nothing-new", message, S4D)
        raised = self.amount_usd is not None and self.amount_usd > before.amount_usd
        if raised and designation.status != DesignationStatus.ACTIVE:
            state = designation.get_status_display().lower()
            message = f"Designation {designation.number} is {state}: a commitment may not be raised."
            yield Problem("raised-without-designation", message, S3D, field="amount_usd")


def stood_at_proposed(referral: ToolReferral) -> Iterator[Problem]:
    yield from _stood_at(referral, "proposed")


def stood_at_referred(referral: ToolReferral) -> Iterator[Problem]:
    yield from _stood_at(referral, "referred")


def stood_at_accepted(referral: ToolReferral) -> Iterator[Problem]:
    yield from _stood_at(referral, "accepted")


def _stood_at(referral: ToolReferral, stage: str) -> Iterator[Problem]:
    """A referral resumes exactly where it was suspended."""
    if referral.stood_at != stage:
        yield Problem("resumes-elsewhere", f"This referral was suspended at “{referral.stood_at}”.", S4D)


def has_begun(meeting: Meeting) -> Iterator[Problem]:
    """Nothing is recorded as held before its hour."""
    if meeting.starts_at > clock.instant():
        message = "This meeting lies ahead: record that it was held once it has begun."
        yield Problem("meeting-ahead", message, "s.4(a)")


def has_items(meeting: Meeting) -> Iterator[Problem]:
    """A meeting is held on an agenda."""
    if not meeting.items.exists():
        yield Problem("agenda-empty", "Put at least one item on the agenda.", "s.4(a)")
