"""Party screening: compare every party of a version with the newest list, settle what it flags."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import transaction

from evaluation.addresses import is_country
from evaluation.enums import Adjudicated, CheckResult
from evaluation.matching import CITATION, RULESET, TWO_PEOPLE, Listed, Matcher
from evaluation.models import Adjudication, PartyCheck, ScreeningList, ScreeningRun
from evaluation.rulebook import version_on
from evaluation.services.compliance import check_compliance, check_owners_again
from evaluation.services.remembering import carry_decisions, confirmation_among, since_reopened
from evaluation.spellings import all_spellings
from evaluation.staleness import identity_of, inputs_sha256, parties_of, query_of
from program import audit, clock
from program.transitions import NotReady, Problem, require
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evaluation.addresses import Agreement
    from evaluation.matching import Hit
    from program.models import User
    from proposals.models import Version
    from proposals.package import Party

PARTIES = "E.O. 14320 s.3(b)(v)"
SETTLING = (Adjudicated.FALSE_POSITIVE, Adjudicated.CONFIRMED)
NO_LIST = Problem("no-list", "Import a screening list first.", PARTIES)


@lru_cache(maxsize=1)
def matcher_for(list_id: int, ruleset: str) -> Matcher:
    """The list held ready in this process; normalized again where an older ruleset imported it."""
    made = ScreeningList.objects.get(pk=list_id)
    rows = made.entries.values_list("pk", "name", "alt_names", "names", "countries", "addresses")
    return Matcher(
        Listed(
            pk,
            tuple(names) if made.ruleset_version == ruleset else all_spellings((name, *others)),
            tuple(filter(is_country, countries)),
            addresses,
        )
        for pk, name, others, names, countries, addresses in rows.iterator(chunk_size=5000)
    )


def screen_version(version: Version, *, by: User) -> ScreeningRun:
    """Compare every party of the version with the newest list; new rows each time, none is ever changed.

    A decision that people took on the same party and the same entry is carried over, named as such.
    """
    require("evaluation.screen_version", by, version.proposal)
    return keep_run(compare_parties(version), by=by)


@dataclass(frozen=True)
class Compared:
    """What a list says of every party of a version, not kept yet."""

    version: Version
    screening_list: ScreeningList
    parties: list[Party]
    checks: list[PartyCheck]


def compare_parties(version: Version, progress: Callable[[int, int], object] | None = None) -> Compared:
    """Every party of the version against the newest list; writes nothing and needs no transaction.

    ``progress`` is told how many parties of how many are done.
    """
    newest = ScreeningList.objects.first()
    if newest is None:
        raise NotReady([NO_LIST])
    parties = parties_of(version)
    checks: list[PartyCheck] = []
    matcher = matcher_for(newest.pk, RULESET)
    for done, party in enumerate(parties):
        if progress:
            progress(done, len(parties))
        checks.extend(_compare(party, matcher))
    return Compared(version, newest, parties, checks)


@transaction.atomic
def keep_run(compared: Compared, *, by: User) -> ScreeningRun:
    """Keep what was compared as a run, with the decisions that still hold."""
    version, drafts = compared.version, compared.checks
    # A decision given meanwhile is carried, or refused as given on a superseded result.
    Proposal.objects.select_for_update(no_key=True).get(pk=version.proposal_id)
    run = ScreeningRun.objects.create(
        version=version,
        screening_list=compared.screening_list,
        ruleset_version=RULESET,
        compliance_version=version_on(clock.today()),
        inputs_sha256=inputs_sha256(compared.parties),
        party_count=len(compared.parties),
        potential_count=sum(check.result != CheckResult.NO_HIT for check in drafts),
        run_by=by,
        run_at=clock.now(),
    )
    for check in drafts:
        check.run = run
    PartyCheck.objects.bulk_create(drafts)
    carry_decisions(drafts, version.proposal)
    check_compliance(run, by=by)
    audit.record(
        version.proposal,
        "proposal.screen",
        by=by,
        clause=PARTIES,
        after={
            "version": version.number,
            "list": compared.screening_list.sha256,
            "ruleset": RULESET,
            "parties": run.party_count,
            "flags": run.potential_count,
        },
    )
    return run


def _compare(party: Party, matcher: Matcher) -> Iterator[PartyCheck]:
    """One row for each flag and one for names that cannot be compared, or one that says there is none."""
    found = matcher.screen([party.name, *party.aliases], party.countries, party.address)
    common = {
        "party_key": party.key,
        "party_name": party.name[:300],
        "party_role": party.role[:400],
        "identity": identity_of(party),
        "query": query_of(party),
        "citation": CITATION,
        "nearest": [{"entry": hit.key, "score": hit.score, "name": hit.theirs} for hit in found.nearest],
    }
    if found.unread:
        names = "; ".join(f"“{name}”" for name in found.unread)
        yield PartyCheck(
            **common,
            result=CheckResult.UNREADABLE,
            explanation=f"With letters that cannot be compared with the list: {names}. Compare by hand.",
        )
    for hit in found.flags:
        yield PartyCheck(
            **common,
            result=CheckResult.POTENTIAL,
            score=hit.score,
            entry_id=hit.key,
            explanation=_explain(hit),
        )
    if not found.unread and not found.flags:
        yield PartyCheck(**common, result=CheckResult.NO_HIT, explanation="No entry at 85 or above.")


def _explain(hit: Hit) -> str:
    countries = {
        True: "A country agrees.",
        False: "No country agrees.",
        None: "The countries cannot be compared.",
    }[hit.countries_agree]
    weighed = f"{hit.likeness:g} of 100 by the names, {hit.score:g} with the places"
    score = f"{hit.score:g} of 100" if hit.score == hit.likeness else weighed
    words = f"“{hit.ours}” is like “{hit.theirs}”: {score}. {countries}"
    return f"{words} {_explain_address(hit.address)}".strip()


def _explain_address(address: Agreement) -> str:
    """What the addresses have in common; empty where they cannot be compared."""
    shared = ", ".join(f"“{word}”" for word in address.shared)
    if address.agrees:
        return f"The addresses agree on {shared}."
    if address.agrees is False:
        return "The addresses share no word that tells of a place."
    return f"The addresses share {shared}." if shared else ""


@transaction.atomic
def adjudicate(check: PartyCheck, *, by: User, outcome: str, reason: str) -> Adjudication:
    """Settle a flag with a reason: false positive or confirmed.

    At 95 and above, and where the name could not be compared, two people must find it a false positive; one
    is enough to confirm. What was confirmed,
    and what the person has decided before, is changed by a correction only.
    """
    check = _held(check, by=by)
    problems = _problems(check, reason)
    opinions = since_reopened(check.adjudications.all())
    if check.result == CheckResult.NO_HIT:
        problems.append(Problem("no-flag", "There is nothing to settle: no match was found.", PARTIES))
    if outcome not in SETTLING:
        problems.append(Problem("outcome", "Choose false positive or confirmed.", PARTIES, field="outcome"))
    if any(opinion.decided_by_id == by.pk for opinion in opinions):
        problems.append(
            Problem(
                "decided",
                "You have decided on this match already; a second opinion comes from another person. "
                "If you were wrong, correct your decision.",
                PARTIES,
            )
        )
    elif outcome == Adjudicated.FALSE_POSITIVE and confirmation_among(opinions):
        problems.append(
            Problem(
                "confirmed",
                "This match was confirmed. Correct that decision, with the reason; it takes two people.",
                PARTIES,
            )
        )
    if problems:
        raise NotReady(problems)
    audit.record(check, "partycheck.adjudicate", by=by, after=str(outcome), note=reason, clause=PARTIES)
    given = _give(check, by=by, outcome=outcome, reason=reason)
    check_owners_again(check.run, by=by)
    return given


@transaction.atomic
def correct_adjudication(opinion: Adjudication, *, by: User, reason: str) -> Adjudication:
    """Put the opposite in the place of ``opinion``, with the reason; both stay on record.

    A person corrects their own decision. A confirmation may be corrected by anybody who settles matches: it
    stands until two people have done so, whatever the score. The opinion must be the newest of its kind.
    """
    check = _held(opinion.party_check, by=by)
    problems = _problems(check, reason)
    opinions = since_reopened(check.adjudications.all())
    own = next((one for one in reversed(opinions) if one.decided_by_id == by.pk), None)
    is_confirmation = opinion.outcome == Adjudicated.CONFIRMED
    current = confirmation_among(opinions) if is_confirmation else own
    if not is_confirmation and opinion.decided_by_id != by.pk:
        message = "A false positive is corrected by who found it. If you disagree, confirm the match."
        problems.append(Problem("not-own", message, PARTIES))
    elif current is None or current.pk != opinion.pk:
        message = "A newer decision stands in the place of this one. Read it first."
        problems.append(Problem("replaced", message, PARTIES))
    elif own and own.pk > opinion.pk and own.replaces_id:
        message = "You have corrected this decision already; a second person confirms the correction."
        problems.append(Problem("decided", message, PARTIES))
    if problems:
        raise NotReady(problems)
    outcome = Adjudicated.FALSE_POSITIVE if is_confirmation else Adjudicated.CONFIRMED
    audit.record(
        check,
        "partycheck.correct",
        by=by,
        before={"opinion": opinion.pk, "outcome": opinion.outcome},
        after=str(outcome),
        note=reason,
        clause=PARTIES,
    )
    given = _give(check, by=by, outcome=outcome, reason=reason, replaces=opinion)
    check_owners_again(check.run, by=by)
    return given


@transaction.atomic
def reopen_remembered(check: PartyCheck, *, by: User, reason: str) -> Adjudication:
    """Open a match anew that an earlier screening had found false; what was carried over counts no more.

    A confirmation is not opened so: two people correct it.
    """
    check = _held(check, by=by)
    problems = _problems(check, reason)
    opinions = since_reopened(check.adjudications.all())
    if confirmation_among(opinions):
        message = "This match was confirmed. Correct that decision, with the reason; it takes two people."
        problems.append(Problem("confirmed", message, PARTIES))
    elif not any(opinion.carried_from_id for opinion in opinions):
        message = "No decision of an earlier screening stands here: there is nothing to open anew."
        problems.append(Problem("not-carried", message, PARTIES))
    if problems:
        raise NotReady(problems)
    audit.record(check, "partycheck.reopen", by=by, note=reason, clause=PARTIES)
    last = opinions[-1]
    given = _give(check, by=by, outcome=Adjudicated.REOPENED, reason=reason, replaces=last)
    check_owners_again(check.run, by=by)
    return given


def _held(check: PartyCheck, *, by: User) -> PartyCheck:
    """The check for one person's decision; of two people who decide at once, the second waits."""
    check = PartyCheck.objects.select_related("run__version__proposal").get(pk=check.pk)
    # Checks are kept, so the portal's own role may not lock them: the proposal's row is the gate.
    Proposal.objects.select_for_update().get(pk=check.run.version.proposal_id)
    require("evaluation.adjudicate_partycheck", by, check)
    return check


def _problems(check: PartyCheck, reason: str) -> list[Problem]:
    """What keeps any decision on ``check`` from being taken."""
    problems = []
    if not reason.strip():
        problems.append(Problem("reason", "Give the reason for your decision.", PARTIES, field="reason"))
    if ScreeningRun.objects.filter(version=check.run.version_id, pk__gt=check.run_id).exists():
        problems.append(
            Problem("superseded", "The party was screened again since. Decide on the newest result.", PARTIES)
        )
    return problems


def _give(
    check: PartyCheck, *, by: User, outcome: str, reason: str, replaces: Adjudication | None = None
) -> Adjudication:
    return Adjudication.objects.create(
        party_check=check,
        outcome=outcome,
        reason=reason.strip(),
        decided_by=by,
        decided_at=clock.now(),
        replaces=replaces,
    )


def needs_second_person(check: PartyCheck) -> bool:
    """Whether one person's clearing is not enough."""
    return check.score >= TWO_PEOPLE or check.result == CheckResult.UNREADABLE
