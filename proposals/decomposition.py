"""From a row of a package back to the columns of the working copy: the other way of ``composition.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError

from program.transitions import Problem
from proposals.merging import CLAUSE_OF, called
from proposals.models import (
    Answer,
    Attachment,
    ComplianceStatement,
    Component,
    Marking,
    OperatingRole,
    OutsideParty,
    Proposal,
    Provision,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.package import Country, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from proposals.merging import Merge
    from proposals.rows import Entry

MODELS: Final[dict[str, Any]] = {
    "overview": Proposal,
    "operating-model": Proposal,
    "compliance": Proposal,
    "provision": Provision,
    "component": Component,
    "market": TargetMarket,
    "site": Site,
    "role": OperatingRole,
    "support": SupportRequest,
    "statement": ComplianceStatement,
    "party": OutsideParty,
    "answer": Answer,
    "attachment": Attachment,
    "marking": Marking,
}
CHOSEN: Final = {"member": "membership_id", "supplier": "supplier_id", "row": "row_key"}
DERIVED: Final = {
    "market": {"kind", "code", "name", "as_of", "source", "countries"},
    "statement": {"group", "text", "citation"},
    "answer": {"requirement", "title", "evidence_type", "document"},
    "attachment": {"name", "sha256", "size", "content_type"},
    "site": {"roles"},
}


@dataclass(frozen=True)
class Keys:
    """Primary keys of what a package names by its code or hash."""

    blocs: Mapping[str, int]
    requirements: Mapping[str, int]
    documents: Mapping[str, int]


def pk_of(key: str | None) -> int | None:
    """The primary key in the key of a row or member, such as ``member-12``."""
    return int(key.rpartition("-")[2]) if key else None


def columns(entry: Entry, keys: Keys) -> dict[str, Any]:
    """What the row's columns hold; countries of many are lists of codes."""
    value: Any = entry.value
    held = {
        "overview": lambda: {
            "title": value.title,
            "summary": value.summary,
            **_contact("contact", value.contact),
        },
        "operating-model": lambda: {"operating_model": value.overview},
        "compliance": lambda: _compliance(value),
    }
    if entry.kind in held:
        return held[entry.kind]()
    found = dict(_plain(entry.kind, value))
    if entry.kind == "market":
        found["country_id"] = value.code if value.kind == "country" else None
        found["bloc_id"] = keys.blocs.get(value.code) if value.kind == "bloc" else None
        found["list_name"] = value.name if value.kind == "list" else ""
        found["countries"] = [place.code for place in value.countries] if value.kind == "list" else []
    elif entry.kind == "answer":
        found["requirement_id"] = keys.requirements.get(value.requirement)
        found["document_id"] = keys.documents.get(value.document) if value.document else None
    elif entry.kind == "attachment":
        found["document_id"] = keys.documents.get(value.sha256)
    return found


def _plain(kind: str, value: Value) -> Iterator[tuple[str, Any]]:
    model = MODELS[kind]
    for name in type(value).model_fields:
        if name == "key" or name in DERIVED.get(kind, ()):
            continue
        held = getattr(value, name)
        if name in ("member", "supplier"):
            yield CHOSEN[name], pk_of(held)
        elif name == "aliases":
            yield name, "\n".join(held)
        elif (column := model._meta.get_field(CHOSEN.get(name, name))).is_relation:
            yield column.attname, held.code if held else None
        else:
            yield column.name, "" if held is None and not column.null else held


def _contact(prefix: str, contact: Any) -> dict[str, str]:
    return {f"{prefix}_{name}": getattr(contact, name) for name in ("name", "email", "phone")}


def _compliance(value: Any) -> dict[str, Any]:
    places: tuple[Country, ...] = value.cloud_access_countries
    return {
        **_contact("compliance_officer", value.officer),
        "program_summary": value.program_summary,
        "end_uses": value.end_uses,
        "remote_access_policy": value.remote_access_policy,
        "cloud_access_countries": [place.code for place in places],
    }


def differing(entry: Entry, mine: Entry | None, keys: Keys) -> dict[str, Any]:
    """The columns in which a row changes; all of them when it is new."""
    after = columns(entry, keys)
    before = columns(mine, keys) if mine else {}
    return {name: value for name, value in after.items() if mine is None or before[name] != value}


def problems_of(found: Merge, keys: Keys) -> Iterator[Problem]:
    """What no draft can hold, such as a title of a thousand letters: the rules that saving a row asks."""
    for entry in (*found.changed, *found.added):
        try:
            check(entry, differing(entry, found.here.get(entry.key), keys), keys)
        except ValidationError as errors:
            yield from _in_words(entry, errors)


def check(entry: Entry, changed: Mapping[str, Any], keys: Keys) -> None:
    """Ask the fields that change and the model's own rules, without a statement."""
    model = MODELS[entry.kind]
    many = {field.name for field in model._meta.many_to_many}
    values = {name: value for name, value in columns(entry, keys).items() if name not in many}
    record = model(**values)
    untouched = {
        field.name for field in model._meta.concrete_fields if field.is_relation or field.name not in changed
    }
    record.full_clean(exclude=untouched, validate_unique=False, validate_constraints=False)


def _in_words(entry: Entry, errors: ValidationError) -> Iterator[Problem]:
    model, clause = MODELS[entry.kind], CLAUSE_OF[entry.part.value]
    for name, found in (
        errors.error_dict.items() if hasattr(errors, "error_dict") else [("", errors.error_list)]
    ):
        label = "" if name in ("", "__all__") else f"{model._meta.get_field(name).verbose_name}: "
        for error in found:
            for message in error.messages:
                yield Problem(
                    "not-valid", f"{called(entry)}: {label}{message}", clause, entry.part.value, entry.key
                )
