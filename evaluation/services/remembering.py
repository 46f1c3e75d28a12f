"""Decisions on matches that are remembered: of this proposal, and of the same party in another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db.models import Q

from evaluation.enums import Adjudicated, CheckResult
from evaluation.matching import TWO_PEOPLE
from evaluation.models import Adjudication, ComplianceDecision, ScreeningEntry
from evaluation.querysets.people import closed_people
from evaluation.staleness import identity_of, parties_of, query_of
from program.canonical import canonical_json
from proposals.models import Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from evaluation.models import PartyCheck
    from proposals.models import Proposal

Place = tuple[str, ...]
Opinion = TypeVar("Opinion", Adjudication, ComplianceDecision)


def to_repeat(opinions: Iterable[Opinion], closed_to: Collection[int], *, clearing: str) -> list[Opinion]:
    """Of earlier opinions, in their order, what is said again of a proposal that is ``closed_to`` somebody.

    What clears is not repeated of them. What stands in the way is, whoever said it: left out, it would let
    something older clear that it had overruled.
    """
    return [one for one in opinions if one.outcome != clearing or one.decided_by_id not in closed_to]


def carry_decisions(checks: list[PartyCheck], proposal: Proposal) -> None:
    """Repeat the newest opinions on the same party and the same entry, in the order of their giving.

    They are the newest of each person, and the newest confirmation: what was corrected by one person only
    stays confirmed; what was opened anew stays open. Within the proposal the same party has its key, its
    names and its countries; in another it has the same ``identity``, and at 95 and above one person is left
    to confirm it. What a person found false to whom this
    proposal is closed is not carried. Where a name cannot be compared there is no entry; it was cleared by
    hand of one list only, and is to be compared with the next.
    """
    flagged = [check for check in checks if check.result != CheckResult.NO_HIT]
    if not flagged:
        return
    entries = dict(
        ScreeningEntry.objects.filter(pk__in=[check.entry_id for check in flagged]).values_list(
            "pk", "fingerprint"
        )
    )
    given = _given_here(proposal, entries.values())
    elsewhere = _given_elsewhere(proposal, flagged, entries.values())
    for place, opinions in elsewhere.items():
        given.setdefault(place, []).extend(opinions)
    foreign = {opinion.pk for opinions in elsewhere.values() for opinion in opinions}
    kept_from = closed_people([proposal.pk])[proposal.pk]
    Adjudication.objects.bulk_create(
        Adjudication(
            party_check=check,
            outcome=opinion.outcome,
            reason=opinion.reason,
            decided_by_id=opinion.decided_by_id,
            decided_at=opinion.decided_at,
            carried_from_id=opinion.carried_from_id or opinion.pk,
            replaces_id=opinion.replaces_id,
        )
        for check in flagged
        for opinion in _to_be_confirmed(
            check,
            _held_for(
                check,
                to_repeat(
                    (
                        opinion
                        for place in _places(check, entries.get(check.entry_id or 0, ""))
                        for opinion in given.get(place, ())
                    ),
                    kept_from,
                    clearing=Adjudicated.FALSE_POSITIVE,
                ),
            ),
            foreign,
        )
    )


def _given_here(proposal: Proposal, fingerprints: Iterable[str]) -> dict[Place, list[Adjudication]]:
    """Opinions on parties of this proposal, by party and entry; what another gave is asked anew."""
    rows = (
        Adjudication.objects.filter(
            Q(party_check__entry__fingerprint__in=fingerprints) | Q(party_check__entry=None),
            party_check__run__version__proposal=proposal,
        )
        .filter(Q(carried_from=None) | Q(carried_from__party_check__run__version__proposal=proposal))
        .select_related("party_check__entry", "party_check__run")
    )
    given: dict[Place, list[Adjudication]] = {}
    for opinion in rows:
        check = opinion.party_check
        place = _in_proposal(check, check.entry.fingerprint if check.entry else "")
        given.setdefault(place, []).append(opinion)
    return given


def _given_elsewhere(
    proposal: Proposal, flagged: list[PartyCheck], fingerprints: Iterable[str]
) -> dict[Place, list[Adjudication]]:
    """Opinions first given on the same party in other proposals, where all who may read here may read there.

    A decision tells of the proposal that it was taken in. It is not repeated where anybody to whom that
    one is closed would read it; then nothing that clears is repeated from elsewhere either, if what may not
    be told was against it: the match is open, and nobody learns why.
    """
    identities = {check.identity for check in flagged} - {""}
    if not identities:
        return {}
    rows = list(
        Adjudication.objects.filter(
            party_check__identity__in=[*identities, ""],
            party_check__entry__fingerprint__in=fingerprints,
            carried_from=None,
        )
        .exclude(party_check__run__version__proposal=proposal)
        .exclude(party_check__identity="", party_check__query__countries=[])
        .select_related("party_check__entry", "party_check__run__version")
        .defer("party_check__run__version__package")
    )
    rows = [row for row in _identified(rows) if row.party_check.identity in identities]
    if not rows:
        return {}
    sources = {row.party_check.run.version.proposal_id for row in rows}
    closed = closed_people([proposal.pk, *sources])
    given: dict[Place, list[Adjudication]] = {}
    overruled: set[Place] = set()
    for row in rows:
        check = row.party_check
        place = (check.identity, check.entry.fingerprint if check.entry else "")
        if closed[check.run.version.proposal_id] <= closed[proposal.pk]:
            given.setdefault(place, []).append(row)
        elif row.outcome != Adjudicated.FALSE_POSITIVE:
            overruled.add(place)
    return {
        place: [one for one in said if place not in overruled or one.outcome != Adjudicated.FALSE_POSITIVE]
        for place, said in given.items()
    }


def _identified(rows: list[Adjudication]) -> list[Adjudication]:
    """The rows, each check with its identity: of those older than it is kept it is read from the version.

    A confirmation is remembered whenever it was given; a check is never changed to say so.
    """
    unread = [row.party_check for row in rows if not row.party_check.identity]
    if unread:
        versions = Version.objects.in_bulk({check.run.version_id for check in unread})
        parties = {pk: {party.key: party for party in parties_of(one)} for pk, one in versions.items()}
        for check in unread:
            party = parties[check.run.version_id].get(check.party_key)
            if party and query_of(party) == check.query:
                check.identity = identity_of(party)
    return rows


def _in_proposal(check: PartyCheck, fingerprint: str) -> Place:
    """Which party of its proposal, by what names and countries, and which entry."""
    return check.party_key, canonical_json(check.query), fingerprint


def _places(check: PartyCheck, fingerprint: str) -> list[Place]:
    places = [_in_proposal(check, fingerprint)]
    return [*places, (check.identity, fingerprint)] if check.identity and fingerprint else places


def _held_for(check: PartyCheck, opinions: list[Adjudication]) -> list[Adjudication]:
    """What of ``opinions`` holds for ``check``: of a name compared with another list, what is confirmed."""
    opinions = _newest(opinions)
    on_list = check.run.screening_list_id
    if check.entry_id or all(one.party_check.run.screening_list_id == on_list for one in opinions):
        return opinions
    confirmation = confirmation_among(opinions)
    if confirmation is None:
        return []
    since = opinions[opinions.index(confirmation) + 1 :]
    corrected_by = {one.decided_by_id for one in since if one.replaces_id}
    return [] if len(corrected_by) > 1 else [confirmation]


def _to_be_confirmed(
    check: PartyCheck, opinions: list[Adjudication], foreign: Collection[int]
) -> list[Adjudication]:
    """At 95 and above, of what cleared the party in other proposals the newest alone: one person is left.

    That it is the same party rests on what its applicant typed; somebody here compares that.
    """
    if check.score < TWO_PEOPLE:
        return opinions
    clearing = [one.pk for one in opinions if one.pk in foreign and one.outcome == Adjudicated.FALSE_POSITIVE]
    return [one for one in opinions if one.pk not in clearing[:-1]]


def _newest(opinions: list[Adjudication]) -> list[Adjudication]:
    """The newest opinion of each person and the newest confirmation, in the order of their giving."""
    opinions = since_reopened(sorted(opinions, key=lambda one: (one.decided_at, one.pk)))
    kept = {opinion.decided_by_id: opinion for opinion in opinions}.values()
    keys = {opinion.pk for opinion in kept}
    if confirmation := confirmation_among(opinions):
        keys.add(confirmation.pk)
    return [opinion for opinion in opinions if opinion.pk in keys]


def since_reopened(opinions: Iterable[Adjudication]) -> list[Adjudication]:
    """What counts of ``opinions``, given in their order: what was said since the match was opened anew."""
    counting: list[Adjudication] = []
    for opinion in opinions:
        counting = [] if opinion.outcome == Adjudicated.REOPENED else [*counting, opinion]
    return counting


def confirmation_among(opinions: Iterable[Adjudication]) -> Adjudication | None:
    """The newest confirmation among ``opinions``, whether it was corrected since or not."""
    return next((one for one in reversed(list(opinions)) if one.outcome == Adjudicated.CONFIRMED), None)
