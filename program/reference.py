"""The facts of law that the portal starts from: countries, groups, embargoes, blocs, agencies, directives.

They are kept as JSON in ``program/data`` with their source, date and confidence. Loading adds what is missing
and brings the facts to what the files say; what officers keep (a duty's state and evidence, an agency's
display name) stays as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction

from program.deadlines import Period
from program.destinations import weakest
from program.models import (
    Agency,
    Bloc,
    Country,
    CountryGroup,
    Directive,
    Duty,
    Embargo,
    GroupMembership,
)

FOLDER = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Loaded:
    """How many records of each kind the files hold."""

    countries: int
    agencies: int
    groups: int
    memberships: int
    embargoes: int
    blocs: int
    duties: int

    def __str__(self) -> str:
        return ", ".join(f"{number} {noun}" for noun, number in vars(self).items())


def read(name: str) -> dict[str, Any]:
    """One file of reference data, such as ``regional_blocs``."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


@transaction.atomic
def load_reference_data() -> Loaded:
    """Bring the reference data to what the files say; loading it again changes nothing."""
    return Loaded(
        countries=load_countries(),
        agencies=load_agencies(),
        groups=load_groups(),
        memberships=load_memberships(),
        embargoes=load_embargoes(),
        blocs=load_blocs(),
        duties=load_directives(),
    )


def load_countries() -> int:
    countries = [Country(code=code, name=name) for code, name in read("countries")["countries"].items()]
    Country.objects.bulk_create(
        countries, update_conflicts=True, unique_fields=["code"], update_fields=["name"]
    )
    return len(countries)


def load_agencies() -> int:
    """Agencies by their code; a display name that the Program office changed stays."""
    rows = read("agencies")["agencies"]
    for order, row in enumerate(rows, start=1):
        kept = {"name": row["name"], "is_evaluating": row["is_evaluating"], "sort_order": order}
        Agency.objects.update_or_create(
            code=row["code"], defaults=kept, create_defaults={**kept, "display_name": row["display_name"]}
        )
    return len(rows)


def load_groups() -> int:
    file = read("country_groups")
    groups = [
        CountryGroup(
            code=code,
            name=group["name"][:120],
            source=f"15 CFR part 740, supp. 1. {group['basis']}",
            checked_on=date.fromisoformat(file["as_of"]),
            confidence=group["conf"],
        )
        for code, group in file["groups"].items()
    ]
    special = read("destinations")
    groups += [
        CountryGroup(
            code=group["code"],
            name=group["name"],
            source=group["members"][0]["source"],
            checked_on=date.fromisoformat(special["checked_on"]),
            confidence=group["members"][0]["conf"],
        )
        for group in special["extra_groups"]
    ]
    CountryGroup.objects.bulk_create(
        groups,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "source", "checked_on", "confidence"],
    )
    return len(groups)


def load_memberships() -> int:
    """Who stands in which group and when; Hong Kong counts as China, a territory as its sovereign."""
    groups = dict(CountryGroup.objects.values_list("code", "pk"))
    rows = [
        GroupMembership(group_id=groups[group], country_id=country, **facts)
        for (group, country), facts in stated_memberships().items()
    ]
    GroupMembership.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["group", "country", "effective_from"],
        update_fields=["effective_to", "source", "checked_on", "confidence"],
    )
    return len(rows)


def stated_memberships() -> dict[tuple[str, str], dict[str, Any]]:
    """Every membership that the files state, by group and country, as columns of ``GroupMembership``."""
    file, special = read("country_groups"), read("destinations")
    start, checked_on = special["in_force_from"], date.fromisoformat(file["as_of"])
    stated: dict[tuple[str, str], dict[str, Any]] = {}

    def state(group: str, country: str, source: str, conf: str, since: str = start, to: str = "") -> None:
        stated[group, country] = {
            "effective_from": date.fromisoformat(since),
            "effective_to": date.fromisoformat(to) if to else None,
            "source": source,
            "checked_on": checked_on,
            "confidence": conf,
        }

    for code, group in file["groups"].items():
        for country in group["members"]:
            state(code, country, group["basis"], group["conf"])
    for row in special["past_memberships"]:
        state(row["group"], row["country"], row["source"], row["conf"], to=row["to"])
    for row in special["later_memberships"]:
        state(row["group"], row["country"], row["source"], row["conf"], since=row["from"])
    for group in special["extra_groups"]:
        for row in group["members"]:
            state(group["code"], row["country"], row["source"], row["conf"], since=row.get("from", start))
    sovereigns = {code: entry["alias_of"] for code, entry in file["countries"].items() if "alias_of" in entry}
    sovereigns |= {place: of for of, places in special["territories"].items() for place in places}
    for place, sovereign in sovereigns.items():
        for (group, country), facts in list(stated.items()):
            if country == sovereign and (group, place) not in stated:
                stated[group, place] = {
                    **facts,
                    "source": f"Takes the groups of {sovereign}. {facts['source']}",
                    "confidence": weakest([facts["confidence"], special["territories_confidence"]]),
                }
    return stated


def load_embargoes() -> int:
    special = read("destinations")
    for row in special["embargoes"]:
        Embargo.objects.update_or_create(
            country_id=row["country"],
            effective_from=date.fromisoformat(special["in_force_from"]),
            defaults={
                "authority": row["authority"],
                "explanation": row["explanation"],
                "source": row["source"],
                "checked_on": date.fromisoformat(special["checked_on"]),
                "confidence": row["conf"],
            },
        )
    return len(special["embargoes"])


def load_blocs() -> int:
    file = read("regional_blocs")
    for code, row in file["blocs"].items():
        bloc, _ = Bloc.objects.update_or_create(
            code=code,
            defaults={
                "name": row["name"],
                "note": row.get("note", ""),
                "source": f"Membership as of {row['as_of']}",
                "checked_on": date.fromisoformat(f"{row['as_of']}-01"),
                "confidence": row["conf"],
            },
        )
        bloc.countries.set(row["members"])
    return len(file["blocs"])


def load_directives() -> int:
    """The duties of E.O. 14320 and E.O. 14179; what an officer keeps of a duty is never written over."""
    count = 0
    for row in read("directives")["directives"]:
        sourced = {"source": row["source"], "checked_on": row["checked_on"], "confidence": row["conf"]}
        signed_on = date.fromisoformat(row["signed_on"])
        directive, _ = Directive.objects.update_or_create(
            number=row["number"],
            defaults={"title": row["title"], "signed_on": signed_on, "citation": row["citation"], **sourced},
        )
        for order, duty in enumerate(row["duties"], start=1):
            load_duty(directive, duty, order, sourced)
            count += 1
    return count


def load_duty(directive: Directive, row: dict[str, Any], order: int, sourced: dict[str, Any]) -> None:
    """One duty: its text and clock always, its officials, state and evidence until an officer keeps it."""
    days, fulfilled_on = row.get("due_in_days"), row.get("fulfilled_on")
    facts = {
        "text": row["text"],
        "due_in_days": days,
        "due_on": Period(days, rolls_forward=False).due_from(directive.signed_on).due_on if days else None,
        "timing": row.get("timing", ""),
        "sort_order": order,
        **sourced,
    }
    until_kept = {
        "responsible": row["responsible"],
        "consulted": row.get("consulted", ""),
        "state": row["state"],
        "fulfilled_on": date.fromisoformat(fulfilled_on) if fulfilled_on else None,
        "evidence": row.get("evidence", ""),
    }
    rows = Duty.objects.select_for_update()
    duty, _ = rows.get_or_create(directive=directive, clause=row["clause"], defaults=facts | until_kept)
    values = facts if duty.kept_at else facts | until_kept
    for name, value in values.items():
        setattr(duty, name, value)
    duty.save(update_fields=list(values))
