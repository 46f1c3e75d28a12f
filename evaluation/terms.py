"""The terms of a designation as plain facts: as they stand, as an amendment makes them, and what differs."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from evaluation.enums import TermChange
from evaluation.packets import day_said
from program import clock, moments
from program.canonical import canonical_json
from program.enums import Mark, StackLayer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluation.models import Condition, ConditionChange, Designation, DesignationAmendment

#: What of a condition people read, and what a difference calls it
FIELDS: Final = {
    "text": "text",
    "owner": "who must meet it",
    "due_on": "due on",
    "evidence": "evidence",
    "effect": "if it is not met",
}
LAST_DAY: Final = "last_day"
CONDITION: Final = "condition"
MARKET: Final = "market"
COMPONENT: Final = "component"
REMOVED: Final = "Removed"
LIFTED: Final = "Lifted"


def said_of(row: Condition | ConditionChange) -> dict[str, Any]:
    """What a condition says, or will say."""
    return {
        "text": row.text,
        "owner": row.owner,
        "due_on": day_said(row.due_on),
        "due_rule": row.due_rule,
        "evidence": row.evidence,
        "effect": row.effect,
    }


def terms_of(designation: Designation, *, on: date | None = None) -> dict[str, Any]:
    """The terms as they stand on the day ``on``, or today, with the amendments announced for until then.

    ``last_number`` is the last that a condition has or will have: those of amendments that are announced for
    later count, because letters name them.
    """
    conditions = list(designation.conditions.all())
    package, day = designation.package, on or clock.today()
    terms: dict[str, Any] = {
        "expires_on": day_said(designation.expires_on),
        "conditions": [
            {
                "number": row.number,
                **said_of(row),
                "met_at": row.met_at.isoformat() if row.met_at else None,
            }
            for row in conditions
            if row.lifted_at is None
        ],
        "last_number": max((row.number for row in conditions), default=0),
        "markets": [{"key": market.key, "name": market.name} for market in package.markets],
        "components": [
            {"key": each.key, "name": each.name, "layer": str(each.layer)} for each in package.components
        ],
    }
    numbers = [terms["last_number"]]
    for amendment in designation.amendments.coming():
        said = json.loads(amendment.body)
        numbers.append(said["after"]["last_number"])
        if amendment.effective_on is None or amendment.effective_on <= day:
            terms = applied({**terms, "last_number": said["before"]["last_number"]}, said["changes"])
    return {**terms, "last_number": max(numbers)}


def changes_of(amendment: DesignationAmendment) -> dict[str, Any]:
    """What the amendment does, in the order in which it is written."""
    rows = list(amendment.condition_changes.select_related("condition"))
    return {
        "last_day": {"to": day_said(amendment.expires_on)} if amendment.changes_last_day else None,
        "markets": sorted(amendment.removed_markets),
        "components": sorted(amendment.removed_components),
        "changed": [
            {"number": row.condition.number, **said_of(row)}
            for row in rows
            if row.kind == TermChange.CHANGE and row.condition
        ],
        "added": [said_of(row) for row in rows if row.kind == TermChange.ADD],
        "lifted": sorted(
            row.condition.number for row in rows if row.kind == TermChange.LIFT and row.condition
        ),
    }


def applied(terms: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``terms`` with ``changes``: a condition that is met stays as it was, a key that is gone stays so."""
    changed = {row["number"]: row for row in changes["changed"]}
    conditions = [
        row if row["met_at"] else {**row, **changed.get(row["number"], {})}
        for row in terms["conditions"]
        if row["met_at"] or row["number"] not in changes["lifted"]
    ]
    added = [
        {"number": number, **row, "met_at": None}
        for number, row in enumerate(changes["added"], start=terms["last_number"] + 1)
    ]
    return {
        "expires_on": changes["last_day"]["to"] if changes["last_day"] else terms["expires_on"],
        "conditions": conditions + added,
        "last_number": terms["last_number"] + len(added),
        "markets": [row for row in terms["markets"] if row["key"] not in changes["markets"]],
        "components": [row for row in terms["components"] if row["key"] not in changes["components"]],
    }


def what_stops(amendment: DesignationAmendment) -> list[tuple[DesignationAmendment, list[str]]]:
    """Amendments announced for a later day than ``amendment`` that would not do any more what they announced.

    Each with why, in words. One that changes the same as in its letter, and leaves a whole package, stands.
    """
    on = amendment.effective_on or clock.today()
    without = terms_of(amendment.designation, on=on)
    terms = applied(without, changes_of(amendment))
    found = []
    for later in amendment.designation.amendments.later_than(on):
        said = json.loads(later.body)
        first = {"last_number": said["before"]["last_number"]}
        before, before_without = {**terms, **first}, {**without, **first}
        terms, without = (applied(each, said["changes"]) for each in (before, before_without))
        announced, would = difference(before_without, without), difference(before, terms)
        names = {line["what"] for line in would if line not in announced}
        why = [
            f"{_change(line)} would not change."
            for line in announced
            if line not in would and line["what"] not in names
        ]
        why += [
            f"{_change(line)} would change otherwise than its letter says."
            for line in would
            if line not in announced
        ]
        last_day = before["expires_on"]
        if last_day and later.effective_on and last_day < later.effective_on.isoformat():
            why.append("The designation would end before that day.")
        if not terms["markets"]:
            why.append("No target market would be left.")
        kept = {row["layer"] for row in terms["components"]}
        had = {row["layer"] for row in said["after"]["components"]}
        why += [
            f"No component would be left in the layer “{layer.label}”."
            for layer in StackLayer
            if layer in had - kept
        ]
        if why:
            found.append((later, why))
    return found


def _change(line: dict[str, str]) -> str:
    before, after = line["before"], line["after"]
    return f"{line['what']}, from “{before}” to “{after}”," if before and after else line["what"]


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, str]]:
    """What differs, one line each: the kind, what it is, and what is said of it before and after."""
    lines = []
    if before["expires_on"] != after["expires_on"]:
        lines.append(_line(LAST_DAY, "Last day", _day(before["expires_on"]), _day(after["expires_on"])))
    earlier = {row["number"]: row for row in before["conditions"]}
    later = {row["number"]: row for row in after["conditions"]}
    for number in sorted(earlier.keys() | later.keys()):
        old, new = earlier.get(number), later.get(number)
        name = f"Condition {number}"
        if old and not new:
            lines.append(_line(CONDITION, name, old["text"], LIFTED))
            continue
        for field, words in FIELDS.items():
            was, is_now = _said(field, old), _said(field, new)
            if was != is_now:
                lines.append(_line(CONDITION, f"{name}, {words}", was, is_now))
    lines += [_line(MARKET, "Target market", row["name"], REMOVED) for row in _gone(before, after, "markets")]
    lines += [
        _line(COMPONENT, f"Component, {StackLayer(row['layer']).label}", row["name"], REMOVED)
        for row in _gone(before, after, "components")
    ]
    return lines


def kept_within(designation: Designation, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Of each country whose market is removed: the markets that remain and hold it, such as a bloc."""
    gone = {row["key"] for row in _gone(before, after, "markets")}
    left = {row["key"] for row in after["markets"]}
    markets = designation.version.value.markets if gone else ()
    removed = [market for market in markets if market.key in gone]
    places = {place.code: place.name for market in removed for place in market.countries}
    lines = []
    for code, name in places.items():
        names = [m.name for m in markets if m.key in left and any(each.code == code for each in m.countries)]
        if names:
            lines.append(f"{name} stays a target within {', '.join(names)}.")
    return lines


def _line(kind: str, what: str, before: str, after: str) -> dict[str, str]:
    return {"kind": kind, "what": what, "before": before, "after": after}


def _gone(before: dict[str, Any], after: dict[str, Any], name: str) -> Iterable[dict[str, Any]]:
    kept = {row["key"] for row in after[name]}
    return [row for row in before[name] if row["key"] not in kept]


def _day(said: str | None) -> str:
    return moments.day(date.fromisoformat(said)) if said else ""


def _said(field: str, condition: dict[str, Any] | None) -> str:
    if condition is None:
        return ""
    return _day(condition[field]) if field == "due_on" else condition[field]


# The text that is read, cleared and signed


def compiled(amendment: DesignationAmendment) -> dict[str, Any]:
    """Everything that lies before who clears or signs: the terms as they stand, and what they become."""
    designation = amendment.designation
    before, changes = terms_of(designation, on=amendment.effective_on), changes_of(amendment)
    return {
        "kind": "designation-amendment",
        "marking": Mark.GOVERNMENT_ONLY.value,
        "designation": designation.number,
        "proposal": designation.proposal.number,
        "version": {"number": designation.version.number, "sha256": designation.version.sha256},
        "standing": standing_of(designation),
        "effective_on": day_said(amendment.effective_on),
        "clause": amendment.clause,
        "reason": amendment.reason,
        "prepared_by": amendment.prepared_by.name,
        "clearance": None,
        "before": before,
        "changes": changes,
        "after": applied(before, changes),
    }


def standing_of(designation: Designation) -> dict[str, Any]:
    """What else of the designation an amendment rests on; a suspension leaves its mark when it is over."""
    told = designation.amendments.told().values_list("number", "status", "effective_on")
    return {
        "status": designation.status,
        "suspended_at": designation.suspended_at.isoformat() if designation.suspended_at else None,
        "amendments": [{"number": number, "effective_on": day_said(day)} for number, _, day in told],
    }


def body_of(amendment: DesignationAmendment) -> dict[str, Any]:
    """The draft with its clearance; one that was given on another text is left out."""
    return amendment.with_clearance(compiled(amendment))


def text_of(amendment: DesignationAmendment) -> str:
    """The canonical JSON: as it was signed, or for a draft as it stands at this moment."""
    return amendment.body or canonical_json(body_of(amendment))


def lines_of(amendment: DesignationAmendment) -> list[dict[str, str]]:
    """What a signed amendment changes, as it was signed."""
    said = json.loads(amendment.body)
    return difference(said["before"], said["after"])


def has_moved_on(amendment: DesignationAmendment) -> bool:
    """Whether the designation has changed since the amendment was signed."""
    said, designation = json.loads(amendment.body), amendment.designation
    return said["before"] != terms_of(designation, on=amendment.effective_on) or said[
        "standing"
    ] != standing_of(designation)


def public_lines(amendment: DesignationAmendment, *, shows_markets: bool) -> list[dict[str, str]]:
    """What everybody may read of the difference: the last day, and markets that the catalog showed."""
    shown = set(amendment.public_markets) if shows_markets else set()
    return [
        line
        for line in lines_of(amendment)
        if line["kind"] == LAST_DAY or (line["kind"] == MARKET and line["before"] in shown)
    ]
