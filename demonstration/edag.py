"""What followed the designations: catalog, tools, meetings of the EDAG, a commitment, a suspension."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction

from demonstration.people import official
from demonstration.story import STORY
from demonstration.timeline import at_work, monday_before
from evaluation import services as evaluation
from evaluation.models import Designation
from financing.enums import AgendaDecision, BarrierEffect, BarrierStatus, PartnershipStatus
from financing.models import AgendaItem, MarketBarrier, Meeting, Partnership, Tool, ToolReferral, Workstream
from financing.services.matching import match_tools
from financing.services.meetings import (
    decide_item,
    finish_action,
    give_action,
    hold_meeting,
    plan_meeting,
    put_on_agenda,
)
from financing.services.referrals import (
    accept_referral,
    commit_referral,
    decline_referral,
    propose_referral,
    suspend_referral,
)
from financing.services.workstreams import change_workstream, keep_barrier, keep_partnership
from program import clock
from program.clock_account import clock_account
from program.models import Agency, Country, User
from proposals import services as proposals
from proposals.models import Proposal

PLACE: Final = "Department of State, room 4800, and by video"
FIRST_MEETING: Final = "EDAG: first review of designated packages"
SECOND_MEETING: Final = "EDAG: packages of the Pacific and open cases"
NEXT_MEETING: Final = "EDAG: studies and workstreams"
NAMES: Final = {
    "harbor": "Harbor Light Consortium",
    "granary": "Granary Alliance",
    "lantern": "Lantern Grid Partners",
    "meridian": "Meridian Learning Stack",
}
PROGRESS: Final = {
    "i": "One list of target markets is agreed among the members. The first review took place in September.",
    "ii": "EXIM, DFC and USTDA name one officer for each designated package. Two cases have been taken up "
    "together.",
    "iii": "Talks on a common approach to hospital AI, so far with one partner. See the partnership entered.",
    "v": "One barrier is entered and was raised with the partner.",
}


@transaction.atomic
def play() -> None:
    """Carry the designated packages on, all in one transaction; nothing happens when it happened before."""
    if Meeting.objects.filter(title=FIRST_MEETING).exists():
        return
    designations = {
        key: Designation.objects.get(proposal__consortium__name=name) for key, name in NAMES.items()
    }
    for key, day in (
        ("harbor", date(2026, 8, 20)),
        ("meridian", date(2026, 8, 20)),
        ("granary", date(2026, 9, 2)),
        ("lantern", date(2026, 9, 2)),
    ):
        release(key, designations[key], day)
    first_round(designations)
    second_round(designations)
    suspend(designations["meridian"])
    plan_next(designations["lantern"])
    keep_records()


def founder_of(designation: Designation) -> User:
    return User.objects.get(pk=designation.proposal.created_by_id)


def release(key: str, designation: Designation, day: date) -> None:
    """The anchor releases a text, an officer publishes it; the EDAG's officer asks which tools fit."""
    founder = founder_of(designation)
    values = {
        **STORY["consortia"][key]["catalog"],
        "contact_name": f"{designation.proposal.consortium.name}, buyers' desk",
        "contact_email": f"buyers@{founder.email.partition('@')[2]}",
    }
    with clock.moved_to(at_work(day, 11)):
        text = evaluation.release_catalog_entry(designation, by=founder, values=values)
    with clock.moved_to(at_work(day + timedelta(days=1), 14)):
        evaluation.publish_catalog_entry(text, by=official("officer"))
    with clock.moved_to(at_work(day + timedelta(days=6), 10)):
        match_tools(designation, by=official("edag-STATE"))


def propose(
    designation: Designation,
    tool: str,
    at: datetime,
    *,
    agency: str,
    country: str,
    purpose: str,
    amount: str = "",
) -> ToolReferral:
    """Parties are screened and the State officer proposes a tool for one market, with who is to lead."""
    market = next(market for market in designation.version.value.markets if market.code == country)
    with clock.moved_to(at):
        evaluation.screen_version(designation.version, by=clock_account())
        return propose_referral(
            designation,
            tool=Tool.objects.get(code=tool),
            market=market.name,
            purpose=purpose,
            lead_officer=official(f"edag-{agency}"),
            by=official("edag-STATE"),
            amount_usd=Decimal(amount) if amount else None,
            amount_is_tbd=not amount,
        )


def meet(title: str, starts_at: datetime, referrals: list[ToolReferral], *, others: str) -> list[AgendaItem]:
    """A meeting that was held, with an item for each referral, each decided to be referred."""
    officer, chair = official("edag-STATE"), official("edag-chair")
    with clock.moved_to(starts_at - timedelta(days=7)):
        meeting = plan_meeting(title=title, starts_at=starts_at, place=PLACE, chair=chair, by=officer)
        items = [
            put_on_agenda(
                meeting, title=f"{one.tool.name}: {one.designation.number}", by=officer, referral=one
            )
            for one in referrals
        ]
        talk = put_on_agenda(meeting, title=others, by=officer)
    with clock.moved_to(starts_at + timedelta(hours=2)):
        hold_meeting(
            meeting,
            by=chair,
            attendance="State (chair), Commerce, USTR, Treasury, EXIM, DFC, SBA, OSTP; USTDA took part, "
            "Energy and the Department of War observed.",
        )
        for item in items:
            decide_item(
                item,
                decision=AgendaDecision.REFER,
                by=chair,
                text="The group agrees to refer; the agency applies its own statute and underwriting.",
            )
        decide_item(talk, decision=AgendaDecision.NOTE, by=chair, text="The group takes note of the report.")
    return items


def first_round(designations: dict[str, Designation]) -> None:
    """Harbor Light's loan is committed, its cover accepted; Meridian's co-financing is referred."""
    harbor, at = designations["harbor"], at_work(date(2026, 9, 2), 10)
    loan = propose(
        harbor,
        "direct_loan",
        at,
        agency="EXIM",
        country="KE",
        amount="62000000.00",
        purpose="Accelerators, servers and the first three years of operation of the Mombasa data center.",
    )
    cover = propose(
        harbor,
        "political_risk_insurance",
        at + timedelta(minutes=40),
        agency="DFC",
        country="KE",
        amount="25000000.00",
        purpose="Cover against expropriation and currency inconvertibility.",
    )
    bank = propose(
        designations["meridian"],
        "co_financing",
        at + timedelta(hours=2),
        agency="DFC",
        country="PH",
        amount="9000000.00",
        purpose="Half of the school servers, beside a regional development bank.",
    )
    items = meet(
        FIRST_MEETING,
        at_work(date(2026, 9, 9), 10),
        [loan, cover, bank],
        others="Where the workstreams of s.4(c) stand",
    )
    with clock.moved_to(at_work(date(2026, 9, 9), 14)):
        action = give_action(
            items[0],
            text="Ask the anchor for the signed land lease before underwriting begins.",
            owner=official("edag-COMMERCE"),
            due_on=date(2026, 9, 23),
            by=official("edag-chair"),
        )
    with clock.moved_to(at_work(date(2026, 9, 18), 15)):
        finish_action(
            action, outcome="The lease of September 18 was received and filed.", by=official("edag-COMMERCE")
        )
    lease = harbor.conditions.get(number=2)
    with clock.moved_to(at_work(date(2026, 9, 21), 10)):
        evaluation.mark_condition_met(
            lease,
            by=official("officer"),
            note=STORY["consortia"]["harbor"]["determination"]["conditions"][1]["met"],
        )
    with clock.moved_to(at_work(date(2026, 9, 21), 14)):
        accept_referral(loan, by=official("edag-EXIM"), note="Taken up; underwriting has begun.")
    with clock.moved_to(at_work(date(2026, 9, 24), 11)):
        accept_referral(cover, by=official("edag-DFC"))
    with clock.moved_to(at_work(date(2026, 11, 4), 15)):
        commit_referral(
            loan,
            by=official("edag-EXIM"),
            amount_usd=Decimal("48000000.00"),
            term_months=120,
            committed_on=date(2026, 11, 4),
            instrument_reference="Board action 2026-DEMO-117 (fictional)",
            conditions="Disbursed in three parts; the second after the recovery site has passed its first "
            "test.",
        )


def second_round(designations: dict[str, Designation]) -> None:
    """Lantern's loan is referred; the help that Harbor Light asked for is referred and declined."""
    at = at_work(date(2026, 10, 5), 10)
    loan = propose(
        designations["lantern"],
        "direct_loan",
        at,
        agency="EXIM",
        country="FJ",
        amount="18000000.00",
        purpose="Edge servers on seven islands and the first years of service.",
    )
    rules = propose(
        designations["harbor"],
        "technical_assistance",
        at + timedelta(hours=1),
        agency="USTDA",
        country="KE",
        purpose="Help for the ministry with procurement rules for clinical AI.",
    )
    meet(
        SECOND_MEETING,
        at_work(date(2026, 10, 14), 10),
        [loan, rules],
        others="Small businesses in designated packages",
    )
    with clock.moved_to(at_work(date(2026, 10, 28), 16)):
        decline_referral(
            rules,
            by=official("edag-USTDA"),
            reason="The ministry has not asked for it, and the budget for this year is committed. Ask "
            "again in the spring with a letter of the ministry.",
        )


def suspend(designation: Designation) -> None:
    """The consortium reports a change, the decision official suspends, the clock suspends what is open."""
    told = STORY["consortia"]["meridian"]["suspension"]
    proposal = Proposal.objects.get(pk=designation.proposal_id)
    with clock.moved_to(at_work(date(2026, 10, 14), 16)):
        proposals.report_material_change(
            proposal,
            by=founder_of(designation),
            text=told["change"],
            learned_on=date.fromisoformat(told["learned"]),
        )
    with clock.moved_to(at_work(date(2026, 10, 20), 11)):
        evaluation.suspend_designation(designation, by=official("decision"), reason=told["reason"])
    with clock.moved_to(at_work(date(2026, 10, 20), 11, 5)):
        for referral in designation.tool_referrals.filter(status__in=["proposed", "referred", "accepted"]):
            suspend_referral(referral, by=clock_account())


def plan_next(designation: Designation) -> None:
    """A meeting that lies ahead, with one referral to decide."""
    monday = monday_before(clock.today())
    study = propose(
        designation,
        "feasibility_study",
        at_work(monday - timedelta(days=6), 10),
        agency="USTDA",
        country="FJ",
        amount="650000.00",
        purpose="Study for two further utilities.",
    )
    officer = official("edag-STATE")
    with clock.moved_to(at_work(monday - timedelta(days=5), 15)):
        starts_at = at_work(monday + timedelta(days=9), 10)
        meeting = plan_meeting(
            title=NEXT_MEETING, starts_at=starts_at, place=PLACE, chair=official("edag-chair"), by=officer
        )
        put_on_agenda(meeting, title=f"{study.tool.name}: {designation.number}", by=officer, referral=study)
        put_on_agenda(
            meeting, title="What the commitment of November means for the next packages", by=officer
        )


def keep_records() -> None:
    """Some lines of s.4(c): where workstreams stand, a partnership, a barrier; all of it made up."""
    officer = official("edag-STATE")
    with clock.moved_to(at_work(date(2026, 10, 15), 10)):
        for workstream in Workstream.objects.filter(code__in=PROGRESS):
            change_workstream(
                workstream,
                lead=Agency.objects.get(code="STATE"),
                lead_officer=officer,
                by=officer,
                status_text=PROGRESS[workstream.code],
                revision=workstream.revision,
            )
        kenya = Country.objects.get(code="KE")
        keep_partnership(
            Partnership(),
            name="Working group on AI in hospitals (fictional)",
            workstream=Workstream.objects.get(code="iii"),
            status=PartnershipStatus.EXPLORED,
            countries=[kenya],
            summary="Two ministries of health compare rules for clinical AI. Made up for the demonstration.",
            by=officer,
        )
        keep_barrier(
            MarketBarrier(),
            country=kenya,
            title="Type approval of data center equipment (fictional)",
            description="Approval of each model of server takes up to nine months.",
            effect=BarrierEffect.BURDENS,
            status=BarrierStatus.RAISED,
            source="Made up for the demonstration.",
            by=officer,
        )
