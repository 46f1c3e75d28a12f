"""The public catalog as open data: what a package says as JSON and CSV, and the schema of the JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from django.urls import reverse
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from evaluation.terms import public_lines
from program.enums import StackLayer
from proposals.enums import Sector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evaluation.models import CatalogEntry, DesignationAmendment
    from evaluation.querysets.catalog import CatalogQuerySet

SCHEMA_VERSION: Final = "1.1"
AT_ONCE: Final = 200
HEADINGS: Final = (
    "Number", "Title", "Summary", "Designated at", "Last day", "Amendments", "Consortium", "Companies",
    *(layer.label for layer in StackLayer),
    "Sectors", "Markets", "Codes of the markets", "Codes of the countries",
    "Contact", "Contact e-mail", "Contact web address",
    "Released at", "Address",
)  # fmt: skip

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Address = Annotated[str, Field(json_schema_extra={"format": "uri"})]


class MarketFacts(TypedDict):
    """A target market; ``code`` is that of ISO 3166-1 for a country."""

    code: str
    name: str


class CountryFacts(TypedDict):
    """A country by its code of ISO 3166-1."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: str


class ContactFacts(TypedDict):
    """The way in for buyers; at least one of ``email`` and ``url`` says something."""

    name: str
    email: str
    url: str


class ChangeFacts(TypedDict):
    """What an amendment changed: ``what`` it is in words, and what was said of it before and after."""

    what: str
    before: str
    after: str


class AmendmentFacts(TypedDict):
    """An amendment in force, by its number within the designation; ``changes`` are those that are public."""

    number: Annotated[int, Field(ge=1)]
    in_force_from: Annotated[str, Field(json_schema_extra={"format": "date"})]
    changes: list[ChangeFacts]


class PackageFacts(TypedDict):
    """A designated package as its anchor released it; what was not released is empty.

    ``countries`` are those of the markets, among them those of a bloc, but for each to which the package is
    not offered until a license decision.
    """

    number: Annotated[str, Field(pattern=r"^AIX-D-\d{4}-\d{4,}$")]
    title: str
    summary: str
    designated_at: Moment
    last_day: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
    amendments: list[AmendmentFacts]
    consortium: str
    members: list[str]
    layers: dict[StackLayer, str]
    sectors: list[Sector]
    markets: list[MarketFacts]
    countries: list[CountryFacts]
    contact: ContactFacts
    released_at: Moment
    url: Address


class PackageDocument(PackageFacts):
    """One package by itself."""

    schema: Address
    disclaimer: str


class CatalogDocument(TypedDict):
    """A page of the catalog: ``found`` packages in all, those of the next page at ``next``, if not empty."""

    schema: Address
    disclaimer: str
    found: Annotated[int, Field(ge=0)]
    next: str
    packages: list[PackageFacts]


def schema_of(address: str) -> dict[str, Any]:
    """JSON Schema 2020-12 of both documents, named by ``address``."""
    schema = TypeAdapter(CatalogDocument | PackageDocument).json_schema()
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": address}
    return {**about, "title": "Catalog of designated packages", **schema}


def facts_of(entry: CatalogEntry, absolute: Callable[[str], str]) -> PackageFacts:
    """The released fields; ``absolute`` makes an address of the portal a whole one."""
    designation = entry.designation
    return {
        "number": designation.number,
        "title": entry.title,
        "summary": entry.summary,
        "designated_at": designation.designated_at.isoformat(),
        "last_day": designation.expires_on.isoformat() if designation.expires_on else "",
        "amendments": [amendment_facts(row, entry) for row in amendments_of(entry)],
        "consortium": entry.consortium,
        "members": entry.members,
        "layers": {layer: entry.layers[layer] for layer in StackLayer if entry.layers.get(layer)},
        "sectors": [Sector(code) for code in entry.sectors],
        "markets": [{"code": market["code"], "name": market["name"]} for market in entry.markets],
        "countries": [{"code": one["code"], "name": one["name"]} for one in entry.countries],
        "contact": {"name": entry.contact_name, "email": entry.contact_email, "url": entry.contact_url},
        "released_at": entry.released_at.isoformat(),
        "url": absolute(reverse("evaluation:catalog-entry", args=[designation.number])),
    }


def amendments_of(entry: CatalogEntry) -> list[DesignationAmendment]:
    """Those in force, as ``with_amendments`` has loaded them."""
    return entry.designation.amendments_in_force  # type: ignore[attr-defined]


def amendment_facts(amendment: DesignationAmendment, entry: CatalogEntry) -> AmendmentFacts:
    lines = public_lines(amendment, shows_markets=entry.shows_markets)
    return {
        "number": amendment.number or 0,
        "in_force_from": amendment.effective_on.isoformat() if amendment.effective_on else "",
        "changes": [
            {"what": line["what"], "before": line["before"], "after": line["after"]} for line in lines
        ],
    }


def lines_of(entries: CatalogQuerySet, absolute: Callable[[str], str]) -> Iterator[list[str]]:
    """A line for each entry, newest first, read some at once."""
    rows, last = entries.order_by("-pk"), None
    while found := list((rows if last is None else rows.filter(pk__lt=last))[:AT_ONCE]):
        last = found[-1].pk
        yield from (line_of(facts_of(entry, absolute)) for entry in found)


def line_of(facts: PackageFacts) -> list[str]:
    contact, markets = facts["contact"], facts["markets"]
    return [
        facts["number"],
        facts["title"],
        facts["summary"],
        facts["designated_at"],
        facts["last_day"],
        "; ".join(f"{row['number']}, from {row['in_force_from']}" for row in facts["amendments"]),
        facts["consortium"],
        "; ".join(facts["members"]),
        *(facts["layers"].get(layer, "") for layer in StackLayer),
        "; ".join(sector.label for sector in facts["sectors"]),
        "; ".join(market["name"] for market in markets),
        "; ".join(market["code"] for market in markets),
        "; ".join(country["code"] for country in facts["countries"]),
        contact["name"],
        contact["email"],
        contact["url"],
        facts["released_at"],
        facts["url"],
    ]
