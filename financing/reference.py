"""The facts of federal financing that the portal starts from: tools, EDAG members, classes, workstreams.

They are kept as JSON in ``financing/data`` with source, date and confidence. Loading adds what is missing and
brings the facts to what the files say; a country's class that an officer set, and what officers write about a
workstream, stay as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction

from financing.models import CountryClass, EdagMember, Tool, ToolCondition, Workstream
from program.models import Agency

FOLDER = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Loaded:
    """How many records of each kind the files hold."""

    tools: int
    conditions: int
    members: int
    classes: int
    workstreams: int

    def __str__(self) -> str:
        return ", ".join(f"{number} {noun}" for noun, number in vars(self).items())


def read(name: str) -> dict[str, Any]:
    """One file of reference data, such as ``financing_tools``."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


@transaction.atomic
def load_tools() -> Loaded:
    """Bring tools, EDAG members, country classes and workstreams to what the files say.

    Repeatable. Agencies and countries must have been loaded (``program/reference.py``); raises
    Agency.DoesNotExist otherwise.
    """
    agencies = {agency.code: agency for agency in Agency.objects.all()}
    tools, conditions = _load_tools(agencies)
    return Loaded(
        tools=tools,
        conditions=conditions,
        members=_load_members(agencies),
        classes=_load_classes(),
        workstreams=_load_workstreams(agencies),
    )


def _agency(agencies: dict[str, Agency], code: str) -> Agency:
    if code not in agencies:
        raise Agency.DoesNotExist(f"Load the Program's reference data first: no agency {code}.")
    return agencies[code]


def _load_tools(agencies: dict[str, Agency]) -> tuple[int, int]:
    file = read("financing_tools")
    as_of, count = date.fromisoformat(file["as_of"]), 0
    for order, row in enumerate(file["tools"], start=1):
        tool, _ = Tool.objects.update_or_create(
            code=row["code"],
            defaults={
                "name": row["name"],
                "agency": _agency(agencies, row["agency"]),
                "kind": row["kind"],
                "authority": row["authority"],
                "is_named_in_order": row["named_in_order"],
                "clause": row["clause"],
                "programs": row["programs"],
                "sort_order": order,
                "source": row["source"],
                "checked_on": as_of,
                "confidence": row["conf"],
            },
        )
        for condition in row["conditions"]:
            ToolCondition.objects.update_or_create(
                tool=tool,
                key=condition["key"],
                defaults={
                    "value": condition["value"],
                    "text": condition["text"],
                    "source": condition["source"],
                    "checked_on": as_of,
                    "confidence": condition["conf"],
                },
            )
            count += 1
    return len(file["tools"]), count


def _load_members(agencies: dict[str, Agency]) -> int:
    file = read("financing_tools")
    rows = file["edag"]["members"]
    for row in rows:
        EdagMember.objects.update_or_create(
            agency=_agency(agencies, row["agency"]),
            effective_from=date.fromisoformat(row["from"]),
            defaults={
                "role": row["role"],
                "basis": row["basis"],
                "effective_to": date.fromisoformat(row["to"]) if "to" in row else None,
                "source": row["source"],
                "checked_on": date.fromisoformat(file["as_of"]),
                "confidence": row["conf"],
            },
        )
    return len(rows)


def _load_classes() -> int:
    """Classes of countries; a country that an officer has classed is left alone."""
    file = read("country_classes")
    stated = {code: standing for standing, codes in file["classes"].items() for code in codes}
    kept = set(CountryClass.objects.exclude(set_by=None).values_list("country_id", flat=True))
    for code, standing in stated.items():
        if code not in kept:
            CountryClass.objects.update_or_create(
                country_id=code,
                effective_from=date.fromisoformat(file["in_force_from"]),
                set_by=None,
                defaults={
                    "standing": standing,
                    "source": file["source"],
                    "checked_on": date.fromisoformat(file["as_of"]),
                    "confidence": file["conf"],
                },
            )
    return len(stated)


def _load_workstreams(agencies: dict[str, Agency]) -> int:
    file = read("workstreams")
    for order, row in enumerate(file["workstreams"], start=1):
        stated = {
            "title": row["title"],
            "duty": row["duty"],
            "sort_order": order,
            "source": file["source"],
            "checked_on": date.fromisoformat(file["checked_on"]),
            "confidence": "S",
        }
        Workstream.objects.update_or_create(
            code=row["code"],
            defaults=stated,
            create_defaults={**stated, "lead": _agency(agencies, "STATE")},
        )
    return len(file["workstreams"])
