"""What makes a referral ready for its next step, one function per rule of s.3(d) and s.4(d)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.enums import DesignationStatus
from program.enums import OfficeRole
from program.models import Office
from program.transitions import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evaluation.models import Designation
    from financing.models import Meeting, ToolReferral

S3D = "s.3(d)"
S4D = "s.4(d)"


def has_active_designation(referral: ToolReferral) -> Iterator[Problem]:
    """Only packages with an active designation have access to the tools, s.3(d) and s.4(d)."""
    yield from is_active(referral.designation)


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


def has_items(meeting: Meeting) -> Iterator[Problem]:
    """A meeting is held on an agenda."""
    if not meeting.items.exists():
        yield Problem("agenda-empty", "Put at least one item on the agenda.", "s.4(a)")
