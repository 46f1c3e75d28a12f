"""Whether a screening still says what one made today would: its list, its ruleset, how a version is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation.matching import RULESET
from evaluation.models import Adjudication, ComplianceDecision, ScreeningList
from evaluation.names import normalize
from evaluation.rulebook import version_on
from evaluation.weighing import compliance_facts
from program import clock, moments
from program.canonical import canonical_json, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluation.models import Determination, ScreeningRun
    from proposals.models import Version
    from proposals.package import Party


def parties_of(version: Version) -> list[Party]:
    """Every party of the version, once."""
    return list({party.key: party for party in version.value.parties()}.values())


def query_of(party: Party) -> dict[str, Any]:
    """What of a party is compared."""
    return {"names": [party.name, *party.aliases], "countries": list(party.countries)}


def identity_of(party: Party) -> str:
    """What makes a party of one proposal the same party in another; empty where that cannot be known.

    The same names, countries and what tells it from a namesake. A name alone is shared by too many.
    """
    if not party.countries or not party.told_by:
        return ""
    names = sorted({normalize(name) for name in (party.name, *party.aliases)})
    return sha256_hex(canonical_json([names, sorted(party.countries), sorted(party.told_by)]))


def inputs_sha256(parties: Iterable[Party]) -> str:
    return sha256_hex(canonical_json([query_of(party) for party in parties]))


def overtaken_by(run: ScreeningRun, newest: ScreeningList | None) -> str:
    """What is in force now that ``run`` was not made with, in words; empty where nothing is."""
    if newest is not None and newest.pk != run.screening_list_id:
        return f"A newer list is in force: “{newest}”."
    if run.ruleset_version != RULESET:
        return f"Names are compared by a newer ruleset: {RULESET}."
    return ""


def stale_because(run: ScreeningRun) -> str:
    """Why the parties are to be screened again, in words; empty while ``run`` holds."""
    if reason := overtaken_by(run, ScreeningList.objects.first()):
        return reason
    if run.compliance_version != version_on(clock.today()):
        return "The rules on places, owners, outbound investment or end use have changed since."
    if run.inputs_sha256 != inputs_sha256(parties_of(run.version)):
        return "This portal was updated since and reads other names or countries out of the version."
    return ""


def newer_than_signature(
    determination: Determination, packet: dict[str, Any], run: ScreeningRun | None
) -> list[str]:
    """What became of the checks since the packet was signed, in words; nothing once it was recalled."""
    if run is None or determination.recalled_at:
        return []
    checked = packet.get("party_checks") or {}
    if run.run_at != checked.get("run_at"):
        parties, findings = run.checks.all().open().count(), compliance_facts(run)["compliance_open"]
        when, of_list = moments.moment(run.run_at), run.screening_list
        open_now = f"matches of parties that are open: {parties}, findings to decide: {findings}"
        found = [f"The parties were screened again, {when}, with “{of_list}”; {open_now}."]
    else:
        later = {"decided_at__gt": determination.signed_at}
        decided = Adjudication.objects.filter(party_check__run=run, **later).count()
        decided += ComplianceDecision.objects.filter(compliance_check__run=run, **later).count()
        found = [f"Decisions on what the checks flagged: {decided}."] if decided else []
    if determination.announced_at is None and (reason := stale_because(run)):
        found.append(f"The screening does not hold any more. {reason}")
    return found
