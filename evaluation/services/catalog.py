"""The public catalog: the anchor releases a text, the Program office publishes or returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from evaluation.enums import CatalogReleaseStatus, ComplianceKind, ComplianceResult
from evaluation.folding import folded_words
from evaluation.lifecycle import PUBLISH_TEXT, RETURN_TEXT, WITHDRAW_TEXT
from evaluation.models import CatalogEntry, CatalogRelease, ComplianceCheck, Designation
from evaluation.naming import SUMMARY, TITLE, removed_names, texts_naming
from evaluation.notice_kinds import (
    CATALOG_PUBLISHED,
    CATALOG_RELEASED,
    CATALOG_RESTORED,
    CATALOG_RETURNED,
    CATALOG_TO_REVIEW,
    CATALOG_WITHHELD,
)
from evaluation.notices import catalog_page, catalog_review_page, program_officers
from program import audit, clock, notices
from program.revisions import StaleRevision, hold
from program.transitions import NotReady, Problem, perform, require
from proposals.enums import MarketKind
from proposals.notices import team_of
from proposals.package import ApplicationComponent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from evaluation.models import CatalogText
    from program.models import User
    from proposals.package import Package

ORDER = "E.O. 14320 s.3(d)"
TYPED_FIELDS = (
    "title", "summary", "layers", "shows_markets", "shows_sectors", "shows_consortium", "shows_members",
    "contact_name", "contact_email", "contact_url",
)  # fmt: skip
#: What changes where a text is withheld or shown again
WITHHOLDS = ("title", "summary", "layers", "withheld", "withheld_at", "folded")
TEXT_FIELDS = (*TYPED_FIELDS, "markets", "countries", "sectors", "consortium", "members")


@transaction.atomic
def release_catalog_entry(
    designation: Designation, *, by: User, values: Mapping[str, Any], revision: int | None = None
) -> CatalogRelease:
    """Release for the public catalog what the anchor typed and ticked; an officer publishes it.

    Markets, sectors and names come from the designated version, never from the working copy. A text that
    still waits is replaced. Raises StaleRevision where the newest text is not number ``revision``; 0 is that
    of a page that showed none.
    """
    _hold(designation)
    require("evaluation.release_designation", by, designation)
    if not (values.get("title") or "").strip() or not (values.get("summary") or "").strip():
        raise NotReady(
            [Problem("public-text", "Give a public title and a public summary.", ORDER, field="title")]
        )
    newest = designation.catalog_releases.first()
    if revision is not None and newest is not None and newest.number != revision:
        raise StaleRevision(newest, revision)
    _take_back(designation, by=by)
    release = CatalogRelease(
        designation=designation, number=newest.number + 1 if newest else 1, released_by=by,
        released_at=clock.now(),
    )  # fmt: skip
    for name in TYPED_FIELDS:
        if name in values:
            setattr(release, name, values[name])
    _name_what_was_designated(release, designation.package)
    release.full_clean()
    release.save()
    event = audit.record(
        designation,
        "designation.release_catalog_entry",
        by=by,
        clause=ORDER,
        after={
            "title": release.title,
            "markets": release.shows_markets,
            "sectors": release.shows_sectors,
            "consortium": release.shows_consortium,
            "members": release.shows_members,
        },
    )
    notices.owe(
        event,
        CATALOG_RELEASED,
        program_officers(designation.proposal),
        url=catalog_review_page(designation),
        number=designation.number,
    )
    return release


def _leave_out_what_was_removed(text: CatalogText, package: Package) -> None:
    """Keep of markets, countries and sectors what the package still holds."""
    text.markets = [each for each in text.markets if each in _markets(package)]
    text.countries = [each for each in text.countries if each in _countries(package)]
    text.sectors = [each for each in text.sectors if each in sectors_of(package)]


def narrow_entry(
    designation: Designation, *, by: User, at: datetime, removed: Collection[str] = ()
) -> list[str]:
    """Let the entry say no more than an amendment has left; the names of the markets that it showed before.

    Part of the act by which the amendment takes effect and ``removed`` (keys of components) go. What was
    released in words stays the anchor's; where it names such a component it is withheld until reviewed.
    """
    entry = CatalogEntry.objects.select_for_update().filter(designation=designation).first()
    if entry is None:
        return []
    shown = [each["name"] for each in entry.markets] if entry.withdrawn_at is None else []
    _leave_out_what_was_removed(entry, designation.package)
    entry.countries = countries_offered(entry)
    named = texts_naming(entry, removed_names(designation, removed)) if entry.withdrawn_at is None else {}
    _withhold(entry, named, at=at)
    entry.amended_at = at
    entry.revision += 1
    entry.save(
        update_fields=[
            *WITHHOLDS, "markets", "countries", "sectors",
            "amended_at", "revision", "updated_at",
        ]
    )  # fmt: skip
    if named:
        _tell_of_withheld(designation, named, by=by)
    kept = [each["name"] for each in entry.markets]
    return [name for name in shown if name not in kept]


def _withhold(entry: CatalogEntry, fields: Collection[str], *, at: datetime) -> None:
    """Take these texts out of what everybody reads, and keep them; a title gives way to the number."""
    if fields:
        entry.withheld_at = at
    for field in fields:
        if field == TITLE:
            entry.withheld[TITLE], entry.title = entry.title, f"Package {entry.designation.number}"
        elif field == SUMMARY:
            entry.withheld[SUMMARY], entry.summary = entry.summary, ""
        else:
            entry.withheld[field] = entry.layers.pop(field)
    entry.folded = folded_words(entry)


def _tell_of_withheld(designation: Designation, named: Mapping[str, list[str]], *, by: User) -> None:
    names = ", ".join(sorted({name for each in named.values() for name in each}))
    event = audit.record(
        designation, "designation.withhold_catalog_text", by=by, after=dict(named), note=names, clause=ORDER
    )
    proposal, number = designation.proposal, designation.number
    team, officers = team_of(proposal.consortium_id), program_officers(proposal)
    notices.owe(event, CATALOG_WITHHELD, team, url=catalog_page(proposal), number=number)
    notices.owe(event, CATALOG_TO_REVIEW, officers, url=catalog_review_page(designation), number=number)


@transaction.atomic
def restore_catalog_texts(entry: CatalogEntry, *, by: User, reason: str) -> CatalogEntry:
    """Show what was withheld again: an officer read it, and it names nothing that was removed."""
    designation = entry.designation
    _hold(designation)
    hold(entry)
    require("evaluation.restore_catalogentry", by, entry)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say why these texts may stand.", ORDER, field="reason")])
    if not entry.withheld:
        raise NotReady([Problem("restored", "No text of this entry is withheld any more.", ORDER)])
    for field, said in entry.withheld.items():
        if field in (TITLE, SUMMARY):
            setattr(entry, field, said)
        else:
            entry.layers[field] = said
    fields = sorted(entry.withheld)
    entry.withheld, entry.withheld_at = {}, None
    entry.folded = folded_words(entry)
    entry.revision += 1
    entry.save(update_fields=[*WITHHOLDS, "revision", "updated_at"])
    event = audit.record(
        designation, "designation.restore_catalog_text", by=by, after=fields, note=reason.strip(),
        clause=ORDER,
    )  # fmt: skip
    notices.owe(
        event, CATALOG_RESTORED, team_of(designation.proposal.consortium_id),
        url=catalog_page(designation.proposal), number=designation.number,
    )  # fmt: skip
    return entry


def _name_what_was_designated(release: CatalogRelease, package: Package) -> None:
    release.markets = _markets(package) if release.shows_markets else []
    release.countries = _countries(package) if release.shows_markets else []
    release.sectors = sectors_of(package) if release.shows_sectors else []
    release.consortium = package.consortium.name if release.shows_consortium else ""
    members = package.consortium.members if release.shows_members else []
    release.members = [member.organization.legal_name for member in members]


@transaction.atomic
def publish_catalog_entry(release: CatalogRelease, *, by: User) -> CatalogEntry:
    """Make a released text the entry that everybody reads; another person than who released it."""
    designation = release.designation
    _hold(designation)
    event = perform(PUBLISH_TEXT, release, by=by, changes=lambda: {"decided_by": by})
    entry = CatalogEntry.objects.filter(designation=designation).first() or CatalogEntry(
        designation=designation
    )
    if entry.pk:
        hold(entry)
        entry.revision += 1
    for name, said in text_of(release).items():
        setattr(entry, name, said)
    _leave_out_what_was_removed(entry, designation.package)
    entry.countries = countries_offered(entry)
    entry.withheld, entry.withheld_at, entry.folded = {}, None, folded_words(entry)
    entry.released_by, entry.released_at, entry.withdrawn_at = release.released_by, event.at, None
    entry.full_clean()
    entry.save()
    notices.owe(
        event,
        CATALOG_PUBLISHED,
        team_of(designation.proposal.consortium_id),
        url=catalog_page(designation.proposal),
        number=designation.number,
    )
    return entry


@transaction.atomic
def return_catalog_entry(release: CatalogRelease, *, by: User, reason: str) -> CatalogRelease:
    """Give a released text back with the reason; what an officer has published stays as it is.

    An entry that was public before texts were reviewed leaves the catalog with it: nobody has reviewed it.
    """
    designation = release.designation
    _hold(designation)
    require(RETURN_TEXT.permission(release), by, release)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say what the anchor is to change.", ORDER, field="reason")])
    event = perform(
        RETURN_TEXT, release, by=by, note=reason,
        changes=lambda: {"decided_by": by, "reason": reason.strip()},
    )  # fmt: skip
    notices.owe(
        event,
        CATALOG_RETURNED,
        team_of(designation.proposal.consortium_id),
        url=catalog_page(designation.proposal),
        number=designation.number,
    )
    entry = CatalogEntry.objects.filter(designation=designation, withdrawn_at=None).first()
    if entry is not None and not designation.catalog_releases.published().exists():
        _take_out(entry, by=by)
    return release


@transaction.atomic
def withdraw_catalog_entry(designation: Designation, *, by: User) -> None:
    """Take the entry out of the catalog at once, and back what waits; the designation is untouched."""
    _hold(designation)
    require("evaluation.release_designation", by, designation)
    is_taken_back = _take_back(designation, by=by)
    entry = CatalogEntry.objects.filter(designation=designation, withdrawn_at=None).first()
    if entry is None:
        if not is_taken_back:
            raise NotReady([Problem("withdrawn", "The entry is not in the catalog.", ORDER)])
        return
    _take_out(entry, by=by)


def _take_out(entry: CatalogEntry, *, by: User) -> None:
    hold(entry)
    entry.withdrawn_at = clock.now()
    entry.revision += 1
    entry.save(update_fields=["withdrawn_at", "revision", "updated_at"])
    audit.record(entry.designation, "designation.withdraw_catalog_entry", by=by, clause=ORDER)


def _hold(designation: Designation) -> None:
    """One act at a time on what a designation says to the public."""
    designation.refresh_from_db(from_queryset=Designation.objects.select_for_update())


def _take_back(designation: Designation, *, by: User) -> bool:
    waiting = designation.catalog_releases.filter(status=CatalogReleaseStatus.PROPOSED).first()
    if waiting is not None:
        perform(WITHDRAW_TEXT, waiting, by=by)
    return waiting is not None


def text_of(record: CatalogText) -> dict[str, Any]:
    """What the record says to everybody, by field."""
    return {name: getattr(record, name) for name in TEXT_FIELDS}


def sectors_of(package: Package) -> list[str]:
    """The sectors of the package's applications, as codes."""
    applications = (c for c in package.components if isinstance(c, ApplicationComponent))
    return sorted({str(application.sector) for application in applications if application.sector})


def _markets(package: Package) -> list[dict[str, str]]:
    return [{"code": market.code, "name": market.name} for market in package.markets]


#: What a finding on a place says where a license for it would hardly be given
NOT_OFFERED = (ComplianceResult.BLOCKED, ComplianceResult.DENIAL_LIKELY)


def countries_offered(entry: CatalogEntry) -> list[dict[str, str]]:
    """The countries of the entry: those of a region without each for which a denial of the license is likely.

    A region stands as a region; it offers nothing to a country of its that a finding on destinations names
    which people have not set aside. A market that is itself a country was designated by name and stays.
    """
    if not entry.shows_markets:
        return []
    package = entry.designation.package
    named = {market.code for market in package.markets if market.kind == MarketKind.COUNTRY}
    found = ComplianceCheck.objects.filter(
        run__version__proposal=entry.designation.proposal_id,
        kind=ComplianceKind.DESTINATION,
        result__in=NOT_OFFERED,
    )
    keys = found.of_last_versions().not_set_aside().values_list("subject_key", flat=True)
    denied = {key.removeprefix("country-") for key in keys} - named
    return [each for each in _countries(package) if each["code"] not in denied]


@transaction.atomic
def offer_countries(entry: CatalogEntry, *, by: User) -> bool:
    """Let a public entry name the countries that it offers by the findings of today; whether it changed."""
    entry = (
        CatalogEntry.objects.select_for_update(of=("self",)).select_related("designation").get(pk=entry.pk)
    )
    offered = countries_offered(entry)
    if entry.countries == offered:
        return False
    before, entry.countries = entry.countries, offered
    entry.save(update_fields=["countries", "updated_at"])
    audit.record(
        entry.designation, "designation.offer_countries", by=by, clause=ORDER,
        before=[each["code"] for each in before], after=[each["code"] for each in offered],
    )  # fmt: skip
    return True


def offer_again(proposal_id: int, *, by: User) -> None:
    """Look at the countries of the proposal's public entry again, after a finding on it or a decision."""
    for entry in CatalogEntry.objects.public().filter(designation__proposal=proposal_id, shows_markets=True):
        offer_countries(entry, by=by)


def _countries(package: Package) -> list[dict[str, str]]:
    """The countries named and those of blocs, as designated; those of an own list are not told."""
    found = {
        country.code: country.name
        for market in package.markets
        if market.kind == MarketKind.BLOC
        for country in market.countries
    }
    found |= {market.code: market.name for market in package.markets if market.kind == MarketKind.COUNTRY}
    return [{"code": code, "name": found[code]} for code in sorted(found)]
