"""Compliance checks: made with each screening, made again once a party is settled, weighed by people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.text import Truncator

from evaluation.compliance import NOBODY as NOTHING
from evaluation.compliance import Known, StatedElsewhere, findings, of_parties
from evaluation.enums import Weighed
from evaluation.models import ComplianceCheck, ComplianceDecision, NamedParty, PartyCheck, ScreeningRun
from evaluation.names import normalize
from evaluation.profiles import NOBODY
from evaluation.querysets.people import closed_people
from evaluation.services.catalog import offer_again
from evaluation.services.remembering import to_repeat
from program import audit, clock
from program.deadlines import local_day
from program.destinations import rules_on
from program.moments import moment
from program.transitions import NotReady, Problem, require
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from evaluation.checked import Checked
    from program.models import User
    from proposals.models import Version
    from proposals.package import Member, OrganizationFacts, OutsideParty

CLAUSE = "E.O. 14320 s.3(b)(v)"
UNNAMED_LIST = "?"
#: The code of the refusal where somebody decided after the page was opened
MEANWHILE = "decided-meanwhile"
#: So much of a reason is quoted in a refusal
LONGEST_QUOTED = 300


def known_of(run: ScreeningRun) -> Known:
    """What the screening and the people who settled it say of the parties, and other proposals of owners."""
    return _settled([run.pk])[run.pk]._replace(elsewhere=owners_stated_elsewhere(run.version))


def _settled(runs: Collection[int]) -> dict[int, Known]:
    """Of each run, by its key, what people confirmed and what they have not settled: two statements."""
    checks = PartyCheck.objects.filter(run__in=[*runs, 0])
    listed: dict[int, dict[str, frozenset[str]]] = {run: {} for run in runs}
    confirmed = checks.confirmed().order_by("pk")
    for run, key, entry, code in confirmed.values_list("run", "party_key", "entry", "entry__list_code"):
        on_list = code or (UNNAMED_LIST if entry else "")
        listed[run][key] = listed[run].get(key, frozenset()) | {on_list}
    unsettled: dict[int, set[str]] = {run: set() for run in runs}
    for run, key in checks.open().order_by("pk").values_list("run", "party_key"):
        unsettled[run].add(key)
    return {run: Known(listed[run], frozenset(unsettled[run])) for run in runs}


def owners_stated_elsewhere(version: Version) -> dict[str, StatedElsewhere]:
    """Owners of the outside parties of a version that are members of another consortium, by the party's key.

    They are told only where everybody to whom that proposal is closed has no access to this one either. As
    many statements for a hundred parties as for one.
    """
    package = version.value
    members = {normalize(member.organization.legal_name) for member in package.consortium.members}
    wanted: dict[str, list[OutsideParty]] = {}
    for party in package.compliance.parties:
        name = normalize(party.legal_name)
        if party.legal_name and name not in members and name not in NOBODY:
            wanted.setdefault(name, []).append(party)
    rows = list(NamedParty.objects.members_named(wanted, apart_from=version)) if wanted else []
    if not rows:
        return {}
    closed = closed_people([version.proposal_id, *(row.version.proposal_id for row in rows)])
    sources: dict[str, tuple[Version, Member]] = {}
    for row in rows:
        if not closed[row.version.proposal_id] <= closed[version.proposal_id]:
            continue
        member = row.version.value.member(row.party_key)
        if member is None or not member.organization.holders:
            continue
        for party in wanted[row.compared]:
            if party.key not in sources and _may_be_one(party, member.organization):
                sources[party.key] = (row.version, member)
    if not sources:
        return {}
    runs = ScreeningRun.objects.filter(version__in={source.pk for source, _ in sources.values()})
    newest = dict(runs.order_by("pk").values_list("version", "pk"))
    settled = _settled(list(newest.values()))
    return {
        key: _under(key, source.proposal_id, member, settled.get(newest.get(source.pk, 0), NOTHING))
        for key, (source, member) in sources.items()
    }


def _under(key: str, proposal: int, member: Member, known: Known) -> StatedElsewhere:
    """The owners of a member of another package as those of the party ``key``, their keys below its own."""

    def keyed(of: str) -> str:
        return f"{key}/{of}"

    return StatedElsewhere(
        proposal,
        tuple(
            holder.model_copy(update={"key": keyed(holder.key), "owns": holder.owns and keyed(holder.owns)})
            for holder in member.organization.holders
        ),
        {keyed(of): on for of, on in known.listed.items()},
        frozenset(map(keyed, known.unsettled)),
    )


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
    offer_again(run.version.proposal_id, by=by)
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
def weigh(
    check: ComplianceCheck, *, by: User, outcome: str, reason: str, seen: int | None = None
) -> ComplianceDecision:
    """Decide on a flag with a reason: it stands, or it was looked into and is not in the way.

    Two people set aside what bars, and what somebody found to stand; one is enough for the rest, and for
    letting a flag stand. A person who was wrong decides anew; both stay on record. ``seen`` is the key of
    the last decision that the page showed, 0 for none: nobody overturns unread what was decided since.
    """
    check = ComplianceCheck.objects.select_related("run__version__proposal").get(pk=check.pk)
    # Checks are kept, so the portal's own role may not lock them: the proposal's row is the gate.
    Proposal.objects.select_for_update().get(pk=check.proposal.pk)
    require("evaluation.weigh_compliancecheck", by, check)
    prefetch_related_objects([check], "decisions__decided_by")
    problems = []
    if outcome not in Weighed:
        problems.append(Problem("outcome", "Choose what you decide.", CLAUSE, field="outcome"))
    if not reason.strip():
        problems.append(Problem("reason", "Give the reason for your decision.", CLAUSE, field="reason"))
    if not check.is_flag:
        problems.append(Problem("no-flag", "There is nothing to decide: nothing was flagged.", CLAUSE))
    if _is_superseded(check):
        words = "This was checked again since. Decide on the newest result."
        problems.append(Problem("superseded", words, CLAUSE))
    last = check.last_decision
    if last is not None and seen not in (None, last.pk):
        problems.append(Problem(MEANWHILE, _told(last, by), CLAUSE, field="outcome"))
    elif outcome == Weighed.SET_ASIDE and by.pk in check.set_aside_by:
        words = "You have set this aside already; a second opinion comes from another person."
        problems.append(Problem("decided", words, CLAUSE))
    elif outcome == Weighed.STANDS and check.state == Weighed.STANDS and not check.set_aside_by:
        problems.append(Problem("decided", "It is found to stand already.", CLAUSE))
    if problems:
        raise NotReady(problems)
    audit.record(check, "compliancecheck.weigh", by=by, after=str(outcome), note=reason, clause=CLAUSE)
    decision = ComplianceDecision.objects.create(
        compliance_check=check,
        outcome=outcome,
        reason=reason.strip(),
        decided_by=by,
        decided_at=clock.now(),
    )
    offer_again(check.proposal.pk, by=by)
    return decision


def _told(last: ComplianceDecision, by: User) -> str:
    """What was decided since the page was opened: who, when, what and why; the page has the whole reason."""
    who = "you decided in another window" if last.decided_by == by else f"{last.decided_by} decided"
    why = Truncator(last.reason).chars(LONGEST_QUOTED)
    return (
        f"After you opened the page, {who} on {moment(last.decided_at)}: {last.get_outcome_display()}. "
        f"“{why}” Yours was not recorded and still stands typed below: read the newer decision, then record "
        "yours again if it is to hold."
    )


def _is_superseded(check: ComplianceCheck) -> bool:
    later = ScreeningRun.objects.filter(version=check.run.version_id, pk__gt=check.run_id)
    return later.exists() or not check.run.compliance_checks.all().newest().filter(pk=check.pk).exists()
