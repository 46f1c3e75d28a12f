"""Match the tools on file with a designated package, and keep the classes of countries that it reads."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from financing.checks import is_active
from financing.matching import Condition, Standing, ToolFacts, World, match
from financing.models import CountryClass, Match, Tool
from program import audit, clock
from program.destinations import rules_on, screen_country
from program.transitions import NotReady, Problem

if TYPE_CHECKING:
    from datetime import date

    from evaluation.models import Designation
    from program.destinations import Screening
    from program.models import Country, User


@transaction.atomic
def match_tools(designation: Designation, *, by: User) -> list[Match]:
    """Compute which tools fit which market of the designated version, and keep the advice with its reasons.

    Advice only: nothing is referred by it. The advice of before is superseded, not deleted. Raises
    PermissionDenied, and NotReady for a designation that is not active.
    """
    designation.refresh_from_db(from_queryset=type(designation)._base_manager.select_for_update())
    if not by.has_perm("financing.add_match", designation):
        raise PermissionDenied("You may not match tools with this package.")
    if problems := list(is_active(designation)):
        raise NotReady(problems)
    tools = {tool.code: tool for tool in Tool.objects.for_list()}
    found = match(designation.package, [facts_of(tool) for tool in tools.values()], world_on(clock.today()))
    event_facts: dict[str, int] = {}
    at = clock.instant()
    designation.matches.current().update(superseded_at=at)
    rows = [
        Match(
            designation=designation,
            tool=tools[advice.tool],
            mechanism=advice.mechanism,
            market_key=advice.market_key,
            market=advice.market[:200],
            assessment=advice.assessment,
            reasons=[reason.to_data() for reason in advice.reasons],
            citation=advice.citation,
            as_of=advice.as_of,
            made_by=by,
            made_at=at,
        )
        for advice in found
    ]
    Match.objects.bulk_create(rows)
    for row in rows:
        event_facts[row.assessment] = event_facts.get(row.assessment, 0) + 1
    audit.record(designation, "designation.match_tools", by=by, after=event_facts, clause="s.4(d)")
    return rows


def facts_of(tool: Tool) -> ToolFacts:
    """A tool as the match reads it; its conditions should be loaded."""
    return ToolFacts(
        code=tool.code,
        name=tool.name,
        agency=tool.agency.code,
        authority=tool.authority,
        as_of=tool.checked_on or clock.today(),
        conditions={
            row.key: Condition(row.value, row.text, row.source, row.confidence)
            for row in tool.conditions.all()
        },
    )


def world_on(day: date) -> World:
    """Classes of countries and destination rules as they hold on ``day``."""
    rules = rules_on(day)

    @cache
    def screen(code: str) -> Screening:
        return screen_country(code, rules)

    standings = {
        row.country_id: Standing(row.standing, row.source, row.confidence)
        for row in CountryClass.objects.order_by("effective_from", "pk")
        if row.holds(day)
    }
    return World(on=day, screen=screen, standings=standings)


@transaction.atomic
def classify_country(country: Country, *, standing: str, source: str, by: User) -> CountryClass:
    """Set the class of a country from today on, with the source that says so; the one before ends.

    Raises PermissionDenied, and NotReady without a source.
    """
    if not by.has_perm("financing.change_countryclass"):
        raise PermissionDenied("You may not set the class of a country.")
    if not source.strip():
        raise NotReady(
            [Problem("source-missing", "Name the source of the class.", "22 U.S.C. 9612", field="source")]
        )
    today = clock.today()
    standing_rows = CountryClass.objects.select_for_update().filter(country=country, effective_to=None)
    before = [row.standing for row in standing_rows]
    standing_rows.update(effective_to=today)
    row = CountryClass(
        country=country,
        standing=standing,
        source=source,
        set_by=by,
        effective_from=today,
        checked_on=today,
        confidence="S",
    )
    row.full_clean()
    row.save()
    audit.record(
        row,
        "countryclass.set",
        by=by,
        before=before,
        after={"country": country.code, "class": standing},
        note=source,
        clause="22 U.S.C. 9612",
    )
    return row
