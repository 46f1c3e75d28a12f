"""The Consolidated Screening List as a CSV file: read row by row, all or nothing."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from evaluation.names import normalize
from program.canonical import canonical_json, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEADER: Final = [
    "_id",
    "source",
    "entity_number",
    "type",
    "programs",
    "name",
    "title",
    "addresses",
    "federal_register_notice",
    "start_date",
    "end_date",
    "standard_order",
    "license_requirement",
    "license_policy",
    "call_sign",
    "vessel_type",
    "gross_tonnage",
    "gross_registered_tonnage",
    "vessel_flag",
    "vessel_owner",
    "remarks",
    "source_list_url",
    "alt_names",
    "citizenships",
    "dates_of_birth",
    "nationalities",
    "places_of_birth",
    "source_information_url",
    "ids",
]
LONGEST_FIELD: Final = 1 << 20
LIST_CODE: Final = re.compile(r"\(([A-Z]{2,5})\)")
COUNTRY: Final = re.compile(r"^[A-Z]{2}$")


class ListRefused(Exception):
    """The file is no such list, or is cut or broken; the text says where."""


@dataclass(frozen=True, slots=True)
class ListedParty:
    """One row of the file as the portal keeps it."""

    external_id: str
    source: str
    list_code: str
    party_type: str
    name: str
    alt_names: list[str]
    addresses: str
    countries: list[str]
    programs: str
    citation: str
    remarks: str
    source_url: str
    names: list[str]
    fingerprint: str


class ListFile:
    """Rows of an opened binary file, in one pass; ``sha256`` is known once all were read."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self._digest = sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[ListedParty]:
        csv.field_size_limit(LONGEST_FIELD)
        rows = csv.reader(self._decoded(), strict=True)
        try:
            if next(rows, None) != HEADER:
                raise ListRefused(
                    "The first line is not the header of the Consolidated Screening List (29 columns)."
                )
            for row in rows:
                if len(row) != len(HEADER):
                    raise ListRefused(
                        f"Line {rows.line_num} has {len(row)} columns instead of {len(HEADER)}."
                    )
                party = parse(dict(zip(HEADER, row, strict=True)))
                if not party.name or not party.source:
                    raise ListRefused(f"Line {rows.line_num} names no party or no list.")
                yield party
        except csv.Error as error:
            raise ListRefused(f"Line {rows.line_num} cannot be read: {error}.") from error

    def _decoded(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, start=1):
            self._digest.update(line)
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ListRefused(f"Line {number} is not UTF-8 text.") from error
            if "\x00" in text:
                raise ListRefused(f"Line {number} contains a NUL character.")
            yield text


def parse(row: dict[str, str]) -> ListedParty:
    """One row; several values of a field are joined by semicolons."""
    code = LIST_CODE.search(row["source"])
    alt_names = several(row["alt_names"])
    countries = {
        place
        for place in (
            *several(row["nationalities"]),
            *several(row["citizenships"]),
            *(address.rpartition(",")[2].strip() for address in several(row["addresses"])),
        )
        if COUNTRY.match(place)
    }
    return ListedParty(
        external_id=row["_id"][:64],
        source=row["source"][:200],
        list_code=code[1] if code else "",
        party_type=row["type"][:40],
        name=row["name"].strip(),
        alt_names=alt_names,
        addresses=row["addresses"],
        countries=sorted(countries),
        programs=row["programs"],
        citation=row["federal_register_notice"],
        remarks=row["remarks"],
        source_url=row["source_information_url"] or row["source_list_url"],
        names=sorted({normalize(name) for name in (row["name"], *alt_names)} - {""}),
        fingerprint=sha256_hex(canonical_json(row)),
    )


def several(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
