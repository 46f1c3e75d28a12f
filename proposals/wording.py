"""How a package reads in words: what people call its rows, its fields and what stands in them.

A package holds keys, codes and ISO dates; no page shows them. What a field is called is what its form calls
it, a choice reads as its label, the key of a member or a row as its name, the hash of a file as its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from django.core.exceptions import FieldDoesNotExist
from django.utils.text import Truncator, capfirst

from program import models as program
from program import moments
from proposals import models as rows
from proposals.package import (
    Answer,
    ComplianceStatement,
    Component,
    ConsortiumFacts,
    Country,
    Digest,
    DocumentReference,
    Holder,
    Key,
    Marking,
    Member,
    OperatingRole,
    OrganizationFacts,
    OutsideParty,
    Package,
    Provision,
    Share,
    Site,
    SupportRequest,
    TargetMarket,
    Usd,
    Value,
)
from proposals.rows import ComplianceFacts, OverviewFacts

#: Whose columns have the names of a value's fields.
MODELS: Final[dict[type[Value], type[Any]]] = {
    Component: rows.Component,
    TargetMarket: rows.TargetMarket,
    Site: rows.Site,
    OperatingRole: rows.OperatingRole,
    SupportRequest: rows.SupportRequest,
    ComplianceStatement: rows.ComplianceStatement,
    OutsideParty: rows.OutsideParty,
    Provision: rows.Provision,
    Member: rows.Membership,
    ConsortiumFacts: rows.Consortium,
    OrganizationFacts: program.Organization,
    DocumentReference: program.Document,
    OverviewFacts: rows.Proposal,
    ComplianceFacts: rows.Proposal,
}
OTHERWISE: Final = {
    "as_of": "Members of the bloc as of",
    "uei": "UEI",
    "cage": "CAGE code",
    "is_current": "Consent holds",
    "officer": "Compliance officer",
    "overview": "Business and operational model",
    "given_at": "Given",
    "given_by": "Given by",
    "sha256": "SHA-256",
    "size": "Size, bytes",
}
SHORT: Final = 120


def called(value: Value, names: Mapping[str, str] | None = None) -> str:
    """What people call a row, empty for one without a name; ``names`` say what the keys in it stand for."""
    names = names or {}
    match value:
        case Member():
            return value.organization.legal_name
        case OperatingRole():
            member = names.get(value.member or "", value.member)
            return f"{value.act.label}: {value.third_party_name or member or 'nobody yet'}"
        case Provision():
            return f"Supplier of {value.layer.label}"
        case SupportRequest():
            return value.other_text or (str(value.mechanism.label) if value.mechanism else "")
        case ComplianceStatement():
            return Truncator(value.text or value.subject).chars(SHORT)
        case Answer():
            return value.title or value.requirement
        case Marking():
            return f"Mark: {value.mark.label}"
        case OutsideParty():
            return value.legal_name
    return str(getattr(value, "name", ""))


def names_in(*packages: Package) -> dict[str, str]:
    """What the keys and hashes of ``packages`` stand for; of two names the last counts."""
    names: dict[str, str] = {}
    for package in packages:
        values: list[Any] = [*package.consortium.members, *package.components, *package.markets]
        values += [*package.operating_model.sites, *package.compliance.parties, *package.documents]
        values += [*package.provisions, *package.support_requests, *package.compliance.statements]
        values += package.answers
        names |= {value.key: called(value) or "a row without a name" for value in values}
        names |= {document.sha256: document.name for document in package.documents}
    return names


@cache
def label_of(kind: type[Value], field: str) -> str:
    """What a field of ``kind`` is called on its form, in a capital."""
    if field in OTHERWISE:
        return OTHERWISE[field]
    for base in kind.__mro__:
        if base in MODELS:
            try:
                words = str(MODELS[base]._meta.get_field(field).verbose_name)
                return str(capfirst(words.removeprefix("is ")))
            except (FieldDoesNotExist, AttributeError):
                break
    words = field.replace("_", " ").removeprefix("is ")
    return str(capfirst(re.sub(r"\bus\b", "U.S.", words)))


def field_called(kind: type[Value] | None, field: str) -> str:
    """What a field that a mark names is called, "" for none; without a row it is the proposal's own."""
    if not field:
        return ""
    if kind is not None:
        return label_of(kind, field)
    own: type[Any] = rows.Proposal
    try:
        return str(capfirst(own._meta.get_field(field).verbose_name))
    except (FieldDoesNotExist, AttributeError):
        return str(capfirst(field.replace("_", " ")))


@cache
def _hints(kind: type[Value]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def say(kind: type[Value], field: str, data: Any, names: Mapping[str, str]) -> str:
    """The JSON ``data`` of a field of ``kind`` as a reader reads it; empty where it says nothing."""
    if field == "row":
        return names.get(data, data)
    return _say(_hints(kind).get(field, str), data, names)


def _say(hint: Any, data: Any, names: Mapping[str, str]) -> str:
    if data in (None, "", [], {}):
        return ""
    while get_origin(hint) in (Union, UnionType):
        hint = next(each for each in get_args(hint) if each is not NoneType)
    if hint in WAYS:
        return WAYS[hint](data)
    if hint in (Key, Digest):
        return names.get(data, data)
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) is tuple:
        return "\n".join(filter(None, (_say(get_args(hint)[0], each, names) for each in data)))
    if get_origin(hint) is Literal:
        hint = type(get_args(hint)[0])
    if not isinstance(hint, type):
        return str(data)
    if issubclass(hint, Value):
        return _say_value(hint, data, names)
    if issubclass(hint, Enum):
        return str(getattr(hint(data), "label", data))
    return WAYS.get(hint, str)(data)


def _say_value(kind: type[Value], data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """A value within a row: a country by its name, anything else field by field."""
    if kind is Country:
        return str(data.get("name") or data["code"])
    if kind is Holder:
        data = {name: each for name, each in data.items() if each is not False}
    said = ((name, say(kind, name, each, names)) for name, each in data.items() if name != "key")
    return "; ".join(f"{label_of(kind, name)}: {words}" for name, words in said if words)


def _money(data: str) -> str:
    return f"${Decimal(data):,.2f}".removesuffix(".00")


def _number(data: Any) -> str:
    return f"{Decimal(data).normalize():,f}"


def _moment(data: str) -> str:
    return moments.moment(datetime.fromisoformat(data))


WAYS: Final[dict[Any, Any]] = {
    Usd: _money,
    Share: lambda data: f"{_number(Decimal(data) * 100)}%",
    Decimal: _number,
    int: _number,
    bool: lambda data: "Yes" if data else "No",
    date: lambda data: moments.day(date.fromisoformat(data)),
    datetime: _moment,
}
