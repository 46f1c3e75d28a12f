"""Referrals of a tool to the agency that holds it: propose, refer, accept, commit, decline, suspend."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from evaluation.models import Designation
from financing import checks, notice_kinds, notices
from financing.enums import ReferralStatus
from financing.lifecycle import ACCEPT, CLOSE, COMMIT, DECLINE, REFER, RESUME, SET_ASIDE, SUPERSEDE, SUSPEND
from financing.models import Commitment, Tool, ToolReferral
from program import audit, clock
from program.notices import owe
from program.transitions import NotReady, Problem, Transition, perform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import Agency, AuditEvent, User
    from program.notice_kinds import NoticeKind

S4D = checks.S4D


@transaction.atomic
def propose_referral(
    designation: Designation,
    *,
    tool: Tool,
    market: str,
    purpose: str,
    lead_officer: User,
    by: User,
    amount_usd: Decimal | None = None,
    amount_is_tbd: bool = False,
    agency: Agency | None = None,
) -> ToolReferral:
    """Propose that ``tool`` be referred to ``agency`` (its holder when not given) for one target market.

    ``market`` is the name of a target market of the designated version. Raises PermissionDenied, and NotReady
    with every problem at once; the EDAG's decision comes later (``refer_tool``).
    """
    designation.refresh_from_db(from_queryset=type(designation)._base_manager.select_for_update())
    if not by.has_perm("financing.propose_toolreferral", designation):
        raise PermissionDenied("You may not propose a referral for this package.")
    markets = {market.name: market for market in designation.package.markets}
    places = markets[market].countries if market in markets else ()
    requests = {r.mechanism for r in designation.version.value.support_requests}
    referral = ToolReferral(
        designation=designation,
        tool=tool,
        agency=agency or tool.agency,
        mechanism=tool.code if tool.code in requests else "",
        market=market,
        country_id=places[0].code if len(places) == 1 else None,
        purpose=purpose,
        amount_usd=amount_usd,
        amount_is_tbd=amount_is_tbd,
        lead_officer=lead_officer,
        citation=tool.authority,
        proposed_by=by,
        proposed_at=clock.instant(),
    )
    if problems := [*_not_proposable(referral, set(markets)), *REFER.problems(referral)]:
        raise NotReady(problems)
    count = ToolReferral.objects.filter(designation=designation).count()
    referral.number = f"{designation.number}-R{count + 1}"
    referral.full_clean()
    referral.save()
    event = audit.record(referral, "toolreferral.propose", by=by, after=_facts(referral), clause=S4D)
    proposal = designation.proposal
    owe(
        event,
        notice_kinds.PROPOSED,
        notices.chairs(proposal),
        url=_page(referral),
        number=referral.number,
        agency=referral.agency,
    )
    return referral


def _not_proposable(referral: ToolReferral, markets: set[str]) -> Iterator[Problem]:
    """The market is one that the package targets, and the tool is not already on its way there."""
    if referral.market not in markets:
        message = "Choose a target market of the designated package."
        yield Problem("market-not-targeted", message, "s.3(b)(ii)", field="market")
    on_its_way = ToolReferral.objects.filter(
        designation=referral.designation,
        tool=referral.tool,
        market=referral.market,
        status__in=["proposed", "referred", "accepted", "suspended"],
    )
    if other := on_its_way.first():
        message = f"Referral {other.number} of this tool for this market is open."
        yield Problem("already-proposed", message, S4D, field="tool")


@transaction.atomic
def refer_tool(referral: ToolReferral, *, by: User, note: str = "") -> AuditEvent:
    """Refer the tool to the agency that holds it: the EDAG's decision, made by its chair, s.4(a) and (d)."""
    _hold_designation(referral)
    event = perform(REFER, referral, by=by, note=note)
    owe(
        event,
        notice_kinds.REFERRED,
        notices.holders(referral.agency, referral.designation.proposal),
        url=_page(referral),
        number=referral.number,
        agency=referral.agency,
        designation=referral.designation.number,
    )
    _tell_consortium(event, referral)
    return event


@transaction.atomic
def set_aside_referral(referral: ToolReferral, *, by: User, reason: str) -> AuditEvent:
    """Do not refer a proposed tool, for a stated reason; the consortium never heard of it."""
    return _with_reason(SET_ASIDE, referral, by=by, reason=reason)


@transaction.atomic
def accept_referral(referral: ToolReferral, *, by: User, note: str = "") -> AuditEvent:
    """Take the case up, as an officer of the agency that holds the tool."""
    _hold_designation(referral)
    event = perform(ACCEPT, referral, by=by, note=note)
    lead = notices.holders(referral.agency, referral.designation.proposal).filter(pk=referral.lead_officer_id)
    owe(
        event,
        notice_kinds.FOLLOW_UP,
        lead.exclude(pk=by.pk),
        url=_page(referral),
        number=referral.number,
        agency=referral.agency,
        designation=referral.designation.number,
    )
    _tell_edag(event, referral)
    _tell_consortium(event, referral)
    return event


@transaction.atomic
def decline_referral(referral: ToolReferral, *, by: User, reason: str) -> AuditEvent:
    """Decline, as an officer of the agency that holds the tool, with the reason."""
    event = _with_reason(DECLINE, referral, by=by, reason=reason)
    _tell_edag(event, referral)
    _tell_consortium(event, referral)
    return event


@transaction.atomic
def commit_referral(
    referral: ToolReferral,
    *,
    by: User,
    amount_usd: Decimal,
    committed_on: date,
    instrument_reference: str,
    term_months: int | None = None,
    conditions: str = "",
    is_subject_to_appropriations: bool = True,
    is_confirmed: bool = False,
    reason: str = "",
) -> Commitment:
    """Record what the agency committed under its own authority, consistent with s.5(b).

    What is unusual about it (above the referral, older than the acceptance) must be confirmed with a reason,
    and the event says so. Raises PermissionDenied, WrongStatus, or NotReady with every problem; a commitment
    is never edited: ``supersede_commitment`` puts another in its place.
    """
    terms = checks.Terms(
        amount_usd, committed_on, instrument_reference, term_months, conditions, is_subject_to_appropriations
    )
    _hold_designation(referral)
    referral.refresh_from_db(from_queryset=ToolReferral._base_manager.select_for_update())
    unusual = list(terms.unusual_for(referral))
    event = perform(COMMIT, referral, by=by, note=_committed_as(terms, unusual, reason))
    if problems := [*terms.impossible_for(referral), *_unconfirmed(unusual, is_confirmed, reason)]:
        raise NotReady(problems)
    commitment = _keep_commitment(referral, terms, event, reason=reason if unusual else "")
    _tell_edag(event, referral)
    _tell_consortium(event, referral)
    return commitment


@transaction.atomic
def supersede_commitment(
    referral: ToolReferral,
    *,
    by: User,
    replaces: int,
    reason: str,
    amount_usd: Decimal,
    committed_on: date,
    instrument_reference: str,
    term_months: int | None = None,
    conditions: str = "",
    is_subject_to_appropriations: bool = True,
    is_confirmed: bool = False,
) -> Commitment:
    """Put another commitment in the place of the one with the key ``replaces``, which stays on record.

    Raises as ``commit_referral`` does, and NotReady when another was recorded meanwhile.
    """
    terms = checks.Terms(
        amount_usd, committed_on, instrument_reference, term_months, conditions, is_subject_to_appropriations
    )
    _hold_designation(referral)
    referral.refresh_from_db(from_queryset=ToolReferral._base_manager.select_for_update())
    unusual = list(terms.unusual_for(referral))
    event = perform(SUPERSEDE, referral, by=by, note=_committed_as(terms, unusual, reason))
    before = referral.commitment
    if before is None or before.pk != replaces:
        message = "Another commitment was recorded meanwhile. Read it, then decide whether to replace it."
        raise NotReady([Problem("replaced-meanwhile", message, S4D)])
    problems = [
        *terms.impossible_for(referral),
        *terms.wrong_in_place_of(before, referral.designation),
        *_unconfirmed(unusual, is_confirmed, reason),
    ]
    if not reason.strip() and not unusual:
        problems.append(Problem("reason-missing", "Give the reason.", S4D, field="reason"))
    if problems:
        raise NotReady(problems)
    commitment = _keep_commitment(referral, terms, event, reason=reason, before=before)
    facts = {"agency": referral.agency, "designation": referral.designation.number}
    chairs = notices.chairs(referral.designation.proposal)
    owe(event, notice_kinds.RECORDED_ANEW, chairs, url=_page(referral), **facts)
    owe(
        event, notice_kinds.RECORDED_ANEW, notices.anchor_team(referral), url=_support_page(referral), **facts
    )
    return commitment


def _committed_as(terms: checks.Terms, unusual: list[Problem], reason: str) -> str:
    """The note of the event: the instrument, what is unusual about it, and the reason given."""
    lines = [terms.instrument_reference]
    if unusual:
        lines.append("Confirmed although unusual: " + " ".join(problem.message for problem in unusual))
    if reason.strip():
        lines.append(f"Reason: {reason}")
    return "\n".join(lines)


def _unconfirmed(unusual: list[Problem], is_confirmed: bool, reason: str) -> Iterator[Problem]:
    """What is unusual and was not confirmed, or has no reason."""
    if not unusual:
        return
    if not is_confirmed:
        yield from unusual
        message = "If this is right, confirm that it is unusual and say why."
        yield Problem("not-confirmed", message, S4D, field="is_confirmed")
    if not reason.strip():
        yield Problem("reason-missing", "Say why this is right.", S4D, field="reason")


def _keep_commitment(
    referral: ToolReferral,
    terms: checks.Terms,
    event: AuditEvent,
    *,
    reason: str,
    before: Commitment | None = None,
) -> Commitment:
    """Save what was committed, let it stand for the referral, and record it."""
    by = event.actor
    commitment = Commitment(
        referral=referral,
        supersedes=before,
        reason=reason,
        recorded_by=by,
        recorded_at=event.at,
        **vars(terms),
    )
    commitment.full_clean()
    commitment.save()
    referral.commitment = commitment
    referral.save(update_fields=["commitment", "updated_at"])
    facts = {
        "referral": referral.number,
        "amount_usd": str(terms.amount_usd),
        "term_months": terms.term_months,
        "committed_on": f"{terms.committed_on:%Y-%m-%d}",
        "instrument": terms.instrument_reference,
    }
    audit.record(
        commitment,
        "commitment.record",
        by=by,
        clause="s.4(d)",
        before={"supersedes": before.pk} if before else "",
        after=facts,
        note=reason,
    )
    return commitment


@transaction.atomic
def close_referral(referral: ToolReferral, *, by: User, note: str = "") -> AuditEvent:
    """Close a committed referral; its commitment stays on record and in the totals."""
    event = perform(CLOSE, referral, by=by, note=note)
    _tell_edag(event, referral)
    _tell_consortium(event, referral)
    return event


@transaction.atomic
def suspend_referral(referral: ToolReferral, *, by: User) -> AuditEvent:
    """Suspend an open referral whose designation is not active; what was committed is not touched."""
    _hold_designation(referral)
    event = perform(SUSPEND, referral, by=by)
    _tell_all(event, notice_kinds.SUSPENDED, referral)
    return event


@transaction.atomic
def resume_referral(referral: ToolReferral, *, by: User) -> AuditEvent:
    """Take a suspended referral up where it stood, once its designation is active again."""
    _hold_designation(referral)
    referral.refresh_from_db()
    event = perform(RESUME[ReferralStatus(referral.stood_at)], referral, by=by)
    _tell_all(event, notice_kinds.RESUMED, referral)
    return event


def _hold_designation(referral: ToolReferral) -> None:
    """Let nobody suspend or reinstate the designation until this transaction ends."""
    Designation.objects.select_for_update(no_key=True).get(pk=referral.designation_id)


def _with_reason(transition: Transition, referral: ToolReferral, *, by: User, reason: str) -> AuditEvent:
    """Perform ``transition`` and keep its reason; raises NotReady without one, after every other refusal."""
    event = perform(transition, referral, by=by, note=reason)
    if not reason.strip():
        raise NotReady([Problem("reason-missing", "Give the reason.", S4D, field="reason")])
    referral.reason = reason
    referral.full_clean()
    referral.save(update_fields=["reason", "updated_at"])
    return event


def _facts(referral: ToolReferral) -> dict[str, str]:
    return {
        "tool": referral.tool.code,
        "agency": referral.agency.code,
        "market": referral.market,
        "amount_usd": "to be determined" if referral.amount_usd is None else str(referral.amount_usd),
        "lead_officer": referral.lead_officer.email,
        "citation": referral.citation,
    }


def _page(referral: ToolReferral) -> str:
    return reverse("financing:referral", args=[referral.number])


def _support_page(referral: ToolReferral) -> str:
    return reverse("financing:support", args=[referral.designation.proposal_id])


def _tell_edag(event: AuditEvent, referral: ToolReferral) -> None:
    owe(
        event,
        notice_kinds.ANSWERED,
        notices.chairs(referral.designation.proposal),
        url=_page(referral),
        number=referral.number,
        agency=referral.agency,
        designation=referral.designation.number,
        stage=referral.get_status_display().lower(),
    )


def _tell_consortium(event: AuditEvent, referral: ToolReferral) -> None:
    """Tell the anchor's team the stage, once the EDAG has referred the tool."""
    if referral.referred_at:
        owe(
            event,
            notice_kinds.STAGE_REACHED,
            notices.anchor_team(referral),
            url=_support_page(referral),
            designation=referral.designation.number,
            stage=referral.get_status_display().lower(),
            meaning=_meaning(referral),
        )


def _meaning(referral: ToolReferral) -> str:
    """What the stage says about money, in the words of the notice to the consortium."""
    if referral.status == ReferralStatus.COMMITTED:
        return "The page shows what the agency committed and on which conditions."
    return "This is no commitment."


def _tell_all(event: AuditEvent, kind: NoticeKind, referral: ToolReferral) -> None:
    """The chair and the holder; and, without the number's page, the anchor's team."""
    proposal = referral.designation.proposal
    people = notices.chairs(proposal) | notices.holders(referral.agency, proposal)
    owe(
        event,
        kind,
        people.distinct(),
        url=_page(referral),
        number=referral.number,
        designation=referral.designation.number,
        stage=referral.get_status_display().lower(),
    )
    _tell_consortium(event, referral)
