"""The Consolidated Screening List as a CSV or JSON file: read entry by entry, all or nothing."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from evaluation.addresses import country_at_end, is_country
from evaluation.listjson import JsonBroken, Reader, as_row, countries_of
from evaluation.spellings import all_spellings
from program.canonical import canonical_json, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

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
BLOCK: Final = 1 << 16
LIST_CODE: Final = re.compile(r"\(([A-Z]{2,5})\)")
ADDRESS_COUNTRIES: Final = "address_countries"


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
    """Entries of an opened binary file, CSV or JSON, in one pass; ``sha256`` is known once all were read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[ListedParty]:
        return map(parse, self.rows())

    def rows(self) -> Iterator[dict[str, str]]:
        """Each entry by the columns of the CSV file; raises ListRefused where the file cannot be read."""
        begins = self._file.read(64).removeprefix(codecs.BOM_UTF8).lstrip()
        self._file.seek(0)
        for place, row in self._of_json() if begins.startswith(b"{") else self._of_csv():
            if not row["name"].strip() or not row["source"].strip():
                raise ListRefused(f"{place} names no party or no list.")
            if any("\x00" in value for value in row.values()):
                raise ListRefused(f"{place} contains a NUL character.")
            yield row

    def _of_csv(self) -> Iterator[tuple[str, dict[str, str]]]:
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
                yield f"Line {rows.line_num}", dict(zip(HEADER, row, strict=True))
        except csv.Error as error:
            raise ListRefused(f"Line {rows.line_num} cannot be read: {error}.") from error

    def _of_json(self) -> Iterator[tuple[str, dict[str, str]]]:
        number = 0
        try:
            for number, entry in enumerate(Reader(self._hashed(iter(self._block, b""))).entries(), start=1):
                yield f"Entry {number}", as_row(entry, HEADER) | {ADDRESS_COUNTRIES: countries_of(entry)}
        except JsonBroken as error:
            raise ListRefused(f"After {number} entries the file cannot be read: {error}.") from error
        except UnicodeDecodeError as error:
            raise ListRefused(f"After {number} entries there is no UTF-8 text.") from error

    def _block(self) -> bytes:
        return self._file.read(BLOCK)

    def _hashed(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._digest.update(block)
            yield block

    def _decoded(self) -> Iterator[str]:
        for number, line in enumerate(self._hashed(self._file), start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ListRefused(f"Line {number} is not UTF-8 text.") from error
            if "\x00" in text:
                raise ListRefused(f"Line {number} contains a NUL character.")
            yield text


def parse(row: dict[str, str]) -> ListedParty:
    """One row; several values of a field are joined by semicolons.

    The countries of its addresses are those that a JSON file names; a CSV file has them at their ends.
    """
    code = LIST_CODE.search(row["source"])
    alt_names = several(row["alt_names"])
    if ADDRESS_COUNTRIES in row:
        seats = several(row[ADDRESS_COUNTRIES])
    else:
        seats = [country_at_end(address) for address in several(row["addresses"])]
    countries = {*several(row["nationalities"]), *several(row["citizenships"]), *seats}
    return ListedParty(
        external_id=row["_id"][:64],
        source=row["source"][:200],
        list_code=code[1] if code else "",
        party_type=row["type"][:40],
        name=row["name"].strip(),
        alt_names=alt_names,
        addresses=row["addresses"],
        countries=sorted(filter(is_country, countries)),
        programs=row["programs"],
        citation=row["federal_register_notice"],
        remarks=row["remarks"],
        source_url=row["source_information_url"] or row["source_list_url"],
        names=list(all_spellings((row["name"], *alt_names))),
        fingerprint=sha256_hex(canonical_json({column: row[column] for column in HEADER})),
    )


def several(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
