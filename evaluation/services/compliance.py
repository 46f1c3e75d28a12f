"""Compliance checks: made with each screening, made again once a party is settled, weighed by people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from evaluation.compliance import Known, StatedElsewhere, findings, of_parties
from evaluation.enums import Weighed
from evaluation.models import ComplianceCheck, ComplianceDecision, NamedParty, ScreeningRun
from evaluation.names import normalize
from evaluation.profiles import NOBODY
from evaluation.querysets.people import closed_people
from evaluation.services.remembering import to_repeat
from program import audit, clock
from program.deadlines import local_day
from program.destinations import rules_on
from program.transitions import NotReady, Problem, require
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluation.checked import Checked
    from program.models import User
    from proposals.models import Version
    from proposals.package import OrganizationFacts, OutsideParty

CLAUSE = "E.O. 14320 s.3(b)(v)"
UNNAMED_LIST = "?"


def known_of(run: ScreeningRun, *, with_others: bool = True) -> Known:
    """What the screening and the people who settled it say of the parties; also other proposals, if asked."""
    confirmed = run.checks.all().confirmed().values_list("party_key", "entry", "entry__list_code")
    listed: dict[str, frozenset[str]] = {}
    for key, entry, code in confirmed:
        on_list = code or (UNNAMED_LIST if entry else "")
        listed[key] = listed.get(key, frozenset()) | {on_list}
    unsettled = frozenset(run.checks.all().open().values_list("party_key", flat=True))
    return Known(listed, unsettled, owners_stated_elsewhere(run.version) if with_others else {})


def owners_stated_elsewhere(version: Version) -> dict[str, StatedElsewhere]:
    """Owners of the outside parties of a version that are members of another consortium, by the party's key.

    They are told only where everybody to whom that proposal is closed has no access to this one either.
    """
    package = version.value
    members = {normalize(member.organization.legal_name) for member in package.consortium.members}
    wanted = {normalize(party.legal_name): party for party in package.compliance.parties if party.legal_name}
    names = [name for name in wanted if name not in members and name not in NOBODY]
    rows = list(NamedParty.objects.members_named(names, apart_from=version)) if names else []
    if not rows:
        return {}
    closed = closed_people([version.proposal_id, *(row.version.proposal_id for row in rows)])
    stated: dict[str, StatedElsewhere] = {}
    for row in rows:
        party, source = wanted[row.compared], row.version.proposal_id
        if party.key in stated or not closed[source] <= closed[version.proposal_id]:
            continue
        member = row.version.value.member(row.party_key)
        if member is None or not member.organization.holders or not _may_be_one(party, member.organization):
            continue
        run = ScreeningRun.objects.filter(version=row.version).first()
        known = known_of(run, with_others=False) if run else Known({}, ())

        def keyed(key: str, of: str = party.key) -> str:
            return f"{of}/{key}"

        stated[party.key] = StatedElsewhere(
            source,
            tuple(
                holder.model_copy(
                    update={"key": keyed(holder.key), "owns": holder.owns and keyed(holder.owns)}
                )
                for holder in member.organization.holders
            ),
            {keyed(key): on for key, on in known.listed.items()},
            frozenset(map(keyed, known.unsettled)),
        )
    return stated


def _may_be_one(party: OutsideParty, facts: OrganizationFacts) -> bool:
    """Whether the countries of a party and of a member of the same name do not tell them apart."""
    ours = {place.code for place in (party.country, party.headquartered_in) if place}
    return not ours or not facts.countries or bool(ours & facts.countries)


def check_compliance(run: ScreeningRun, *, by: User) -> list[ComplianceCheck]:
    """Keep every compliance check of the version that ``run`` screened, by the rules of its day."""
    places = rules_on(local_day(run.run_at))
    return _keep(run, findings(run.version.value, places, known_of(run)), by=by)


def check_owners_again(run: ScreeningRun, *, by: User) -> list[ComplianceCheck]:
    """Keep anew what follows from listed parties where that is now another; the rows before stay."""
    if not run.compliance_version:
        return []
    found = of_parties(run.version.value, local_day(run.run_at), known_of(run))
    last = {
        _place(row): row.fingerprint
        for row in run.compliance_checks.all().newest().only(*PLACE, "fingerprint")
    }
    return _keep(run, [row for row in found if last.get(_place(row)) != row.fingerprint], by=by)


PLACE = ("kind", "subject_key", "rule_code")


def _place(row: Checked | ComplianceCheck) -> tuple[str, ...]:
    return tuple(str(getattr(row, name)) for name in PLACE)


def _keep(run: ScreeningRun, found: Iterable[Checked], *, by: User) -> list[ComplianceCheck]:
    at, day = clock.now(), local_day(run.run_at)
    rows = ComplianceCheck.objects.bulk_create(
        ComplianceCheck(
            run=run,
            **vars(row),
            advice=row.advice,
            fingerprint=row.fingerprint,
            ruleset_version=run.compliance_version,
            ruled_on=day,
            checked_by=by,
            checked_at=at,
        )
        for row in found
    )
    _carry(rows, run.version.proposal)
    return rows


def _carry(rows: list[ComplianceCheck], proposal: Proposal) -> None:
    """Repeat what people made of the very same finding before, as decisions on matches are repeated."""
    flagged = [row for row in rows if row.is_flag]
    earlier = (
        ComplianceDecision.objects.filter(
            compliance_check__fingerprint__in=[row.fingerprint for row in flagged],
            compliance_check__run__version__proposal=proposal,
        )
        .order_by("pk")
        .values_list("compliance_check__fingerprint", "compliance_check", "pk")
    )
    given: dict[str, dict[int, list[int]]] = {}
    for fingerprint, check, pk in earlier:
        given.setdefault(fingerprint, {}).setdefault(check, []).append(pk)
    if not given:
        return
    newest = {print_: by_check[max(by_check)] for print_, by_check in given.items()}
    wanted = ComplianceDecision.objects.in_bulk([pk for keys in newest.values() for pk in keys])
    closed_to = closed_people([proposal.pk])[proposal.pk]
    ComplianceDecision.objects.bulk_create(
        ComplianceDecision(
            compliance_check=row,
            outcome=one.outcome,
            reason=one.reason,
            decided_by_id=one.decided_by_id,
            decided_at=one.decided_at,
            carried_from=one,
        )
        for row in flagged
        for one in to_repeat(
            [wanted[pk] for pk in newest.get(row.fingerprint, ())], closed_to, clearing=Weighed.SET_ASIDE
        )
    )


@transaction.atomic
def weigh(check: ComplianceCheck, *, by: User, outcome: str, reason: str) -> ComplianceDecision:
    """Decide on a flag with a reason: it stands, or it was looked into and is not in the way.

    Two people set aside what bars, and what somebody found to stand; one is enough for the rest, and for
    letting a flag stand. A person who was wrong decides anew; both stay on record.
    """
    check = ComplianceCheck.objects.select_related("run__version__proposal").get(pk=check.pk)
    # Checks are kept, so the portal's own role may not lock them: the proposal's row is the gate.
    Proposal.objects.select_for_update().get(pk=check.proposal.pk)
    require("evaluation.weigh_compliancecheck", by, check)
    problems = []
    if not reason.strip():
        problems.append(Problem("reason", "Give the reason for your decision.", CLAUSE, field="reason"))
    if outcome not in Weighed:
        problems.append(Problem("outcome", "Choose what you decide.", CLAUSE, field="outcome"))
    if not check.is_flag:
        problems.append(Problem("no-flag", "There is nothing to decide: nothing was flagged.", CLAUSE))
    if _is_superseded(check):
        words = "This was checked again since. Decide on the newest result."
        problems.append(Problem("superseded", words, CLAUSE))
    if outcome == Weighed.SET_ASIDE and by.pk in check.set_aside_by:
        words = "You have set this aside already; a second opinion comes from another person."
        problems.append(Problem("decided", words, CLAUSE))
    if outcome == Weighed.STANDS and check.state == Weighed.STANDS and not check.set_aside_by:
        problems.append(Problem("decided", "It is found to stand already.", CLAUSE))
    if problems:
        raise NotReady(problems)
    audit.record(check, "compliancecheck.weigh", by=by, after=str(outcome), note=reason, clause=CLAUSE)
    return ComplianceDecision.objects.create(
        compliance_check=check,
        outcome=outcome,
        reason=reason.strip(),
        decided_by=by,
        decided_at=clock.now(),
    )


def _is_superseded(check: ComplianceCheck) -> bool:
    later = ScreeningRun.objects.filter(version=check.run.version_id, pk__gt=check.run_id)
    return later.exists() or not check.run.compliance_checks.all().newest().filter(pk=check.pk).exists()
