"""The package as a workbook (XLSX): one sheet for each kind of row, headed by the names of the schema.

A workbook becomes the data of a package file and is read by the same rules; what its rows said when it was
written stands on the last sheet. A sheet or a column that is taken out says nothing about its rows; a text
too long for a cell stays in the portal. No cell is a formula, whatever it begins with.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from program.intake import Refused, examine
from program.spreadsheets import TOO_LONG, as_typed, cell, words
from program.transitions import Problem
from program.workbooks import Workbook, get_column_letter, load_workbook
from proposals.package import (
    Answer,
    ApplicationComponent,
    ComplianceStatement,
    DataComponent,
    DocumentReference,
    HardwareComponent,
    Marking,
    ModelComponent,
    OperatingRole,
    OutsideParty,
    Provision,
    SecurityComponent,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.package_file import CLAUSE, LARGEST, FileRefused, PackageFile, read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from proposals.package import Value

CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_UNPACKED: Final = 60 * 1024 * 1024
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 60
COMPONENTS: Final[dict[str, type[Value]]] = {
    "Hardware": HardwareComponent,
    "Data": DataComponent,
    "Models": ModelComponent,
    "Security": SecurityComponent,
    "Applications": ApplicationComponent,
}
# Sheet, where its rows stand in a package, what a row is
SHEETS: Final[tuple[tuple[str, tuple[str, ...], type[Value]], ...]] = (
    ("Suppliers", ("provisions",), Provision),
    *((name, ("components",), kind) for name, kind in COMPONENTS.items()),
    ("Markets", ("markets",), TargetMarket),
    ("Sites", ("operating_model", "sites"), Site),
    ("Support", ("support_requests",), SupportRequest),
    ("Statements", ("compliance", "statements"), ComplianceStatement),
    ("Parties", ("compliance", "parties"), OutsideParty),
    ("Answers", ("answers",), Answer),
    ("Documents", ("documents",), DocumentReference),
    ("Marks", ("markings",), Marking),
)
ROLES: Final = ["site", *OperatingRole.model_fields]
MEMBERS: Final = ["key", "is_anchor", "legal_name", "uei", "role"]
FACTS: Final = (
    ("schema_version",),
    ("call", "number"),
    ("call", "title"),
    ("title",),
    ("summary",),
    ("contact", "name"),
    ("contact", "email"),
    ("contact", "phone"),
    ("operating_model", "overview"),
    ("compliance", "officer", "name"),
    ("compliance", "officer", "email"),
    ("compliance", "officer", "phone"),
    ("compliance", "program_summary"),
    ("compliance", "end_uses"),
    ("compliance", "remote_access_policy"),
    ("compliance", "cloud_access_countries"),
)
COUNTRIES: Final = frozenset(
    {"country", "headquartered_in", "parent_country", "country_of_origin", "country_of_assembly",
     "third_party_country"}
)  # fmt: skip
MANY_COUNTRIES: Final = frozenset({"countries", "cloud_access_countries"})
LINES: Final = frozenset({"aliases"})
WHOLE: Final = frozenset({"quantity", "term_months", "size"})
YES_OR_NO: Final = frozenset({"is_datacenter", "is_anchor"})
PLACE: Final = re.compile(r"^\s*([A-Za-z]{2})(?:\s+(.*))?$", re.DOTALL)
CODES: Final = re.compile(r"^[\s,;]*[A-Za-z]{2}([\s,;]+[A-Za-z]{2})*[\s,;]*$")
SEPARATE: Final = {True: re.compile(r"[\s,;]+"), False: re.compile(r"[\n;]")}
Sheets: TypeAlias = "dict[str, list[list[str]]]"
AGAIN: Final = "Export the workbook again, or save it anew in your spreadsheet program, and import it again."


# Out


def write_workbook(text: str) -> bytes:
    """The workbook of a package file; ``text`` is what ``write_file`` wrote."""
    data = json.loads(text)
    book = Workbook(write_only=True)
    facts = [[".".join(place), _cell_of(place[-1], _at(data, place))] for place in FACTS]
    _sheet(book, "Package", ["name", "value"], facts)
    members = [
        {**member, **{name: member["organization"][name] for name in ("legal_name", "uei")}}
        for member in data["consortium"]["members"]
    ]
    _sheet(book, "Members", MEMBERS, _rows_of(members, MEMBERS))
    for name, place, kind in SHEETS:
        headings = [
            field for field in kind.model_fields if field not in ("roles", "layer") or kind is Provision
        ]
        rows = _at(data, place)
        if name in COMPONENTS:
            rows = [row for row in rows if row["layer"] == name.lower()]
        _sheet(book, name, headings, _rows_of(rows, headings))
        if name == "Sites":
            roles = [{"site": site["key"], **role} for site in rows for role in site["roles"]]
            _sheet(book, "Roles", ROLES, _rows_of(roles, ROLES))
    exported = data.get("exported")
    if exported:
        noted = [["proposal", exported["proposal"]], ["at", exported["at"]], *exported["rows"].items()]
        _sheet(book, "Exported", ["name", "value"], noted)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _at(data: Any, place: Iterable[str]) -> Any:
    for step in place:
        data = data[step]
    return data


def _rows_of(rows: Iterable[Mapping[str, Any]], headings: Sequence[str]) -> Iterator[list[Any]]:
    for row in rows:
        yield [_cell_of(name, row[name]) for name in headings]


def _cell_of(name: str, value: Any) -> Any:
    """What a cell holds of a JSON value; countries keep their code in front of their name."""
    if value is None:
        return None
    if name in COUNTRIES:
        return _place(value)
    if name in MANY_COUNTRIES:
        return "\n".join(map(_place, value))
    if name in LINES:
        return "\n".join(value)
    return value


def _place(country: Mapping[str, str]) -> str:
    """``KE Kenya``; several stand in one cell, so a name keeps to its line."""
    name = " ".join(country["name"].replace(";", ",").split())
    return f"{country['code']} {name}".rstrip()


def _sheet(book: Workbook, title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, heading in enumerate(headings, 1):
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(heading) + 2, 14), 40)
    sheet.append([cell(sheet, heading, bold=True) for heading in headings])
    for row in rows:
        sheet.append([cell(sheet, value, numbers=int) for value in row])


# In


def read_workbook(content: bytes) -> PackageFile:
    """The package file that a workbook is; raises FileRefused with all that is wrong and what to do."""
    if len(content) > LARGEST:
        raise _refused("too-large", f"The workbook is larger than {LARGEST // 1048576} MB. {AGAIN}")
    try:
        examine(io.BytesIO(content), "package.xlsx")
    except Refused as refusal:
        raise _refused("not-a-workbook", f"{refusal.message} {refusal.what_to_do}".strip()) from refusal
    _limit_parts(content)
    try:
        sheets = _sheets(content)
    except FileRefused:
        raise
    except Exception as error:  # the library meets a damaged workbook in many ways
        raise _refused(
            "not-a-workbook", f"The file cannot be opened as a workbook (XLSX). {AGAIN}"
        ) from error
    return read_file(json.dumps(_data_of(sheets)).encode())


def _refused(code: str, message: str) -> FileRefused:
    return FileRefused([Problem(code, message, CLAUSE)])


def _limit_parts(content: bytes) -> None:
    """What the parts unpack to is counted while it is read; none declares a type of document."""
    unpacked = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            tail = b""
            with archive.open(entry) as part:
                while block := part.read(1 << 16):
                    unpacked += len(block)
                    if unpacked > MAX_UNPACKED:
                        limit = MAX_UNPACKED // 1048576
                        raise _refused("too-large", f"The workbook unpacks to more than {limit} MB. {AGAIN}")
                    if b"<!DOCTYPE" in tail + block or b"<!ENTITY" in tail + block:
                        words = "The workbook declares what no spreadsheet program writes."
                        raise _refused("not-a-workbook", f"{words} {AGAIN}")
                    tail = block[-16:]


def _sheets(content: bytes) -> Sheets:
    """The rows of every sheet that a package has, as values; the first row holds the headings."""
    known = {"Package", "Members", "Roles", "Exported", *(name for name, _, _ in SHEETS)}
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    try:
        found: Sheets = {}
        for sheet in book.worksheets:
            if sheet.title not in known:
                raise _refused(
                    "unknown-sheet",
                    f"The workbook has a sheet “{sheet.title}”, which a package has not. Take it out, or "
                    f"give the sheet its name back: {', '.join(sorted(known))}.",
                )
            sheet.reset_dimensions()
            found[sheet.title] = list(_lines(sheet))
        return found
    finally:
        book.close()


def _lines(sheet: Any) -> Iterator[list[str]]:
    for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), 1):
        if number > MAX_ROWS:
            raise _refused("too-large", f"Sheet “{sheet.title}” has more than {MAX_ROWS:,} rows. {AGAIN}")
        values = [_value(cell) for cell in cells]
        if any(value != "" for value in values):
            yield values


def _value(cell: Any) -> str:
    """A cell as somebody would type it."""
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f").removesuffix(".0")
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return as_typed(words(cell)) if isinstance(cell, str) else words(cell)


def _data_of(sheets: Sheets) -> dict[str, Any]:
    """The data of a package file that the sheets say, without what they leave out."""
    data: dict[str, Any] = {}
    _put_facts(data, sheets)
    if members := list(_records("Members", sheets, MEMBERS)):
        _put(data, ("consortium", "members"), [_member(record) for record in members])
    for name, place, kind in SHEETS:
        _put_rows(data, sheets, name, place, kind)
    _put_roles(data, sheets)
    noted = {str(line[0]): line[1] for line in sheets.get("Exported", [])[1:] if len(line) > 1}
    if noted.get("proposal", "").isdecimal() and "at" in noted:
        proposal, at = int(noted.pop("proposal")), noted.pop("at")
        data["exported"] = {"proposal": proposal, "at": at, "rows": noted}
    return data


def _put_facts(data: dict[str, Any], sheets: Sheets) -> None:
    for line in sheets.get("Package", [])[1:]:
        name, value = (*line, "", "")[:2]
        place = tuple(str(name).split("."))
        if place not in FACTS:
            words = f"Sheet “Package” has a name “{name}” that no package has. Take it out."
            raise _refused("unknown-name", words)
        if value != TOO_LONG:
            _put(data, place, _json_of(place[-1], value, default=""))


def _put_rows(
    data: dict[str, Any], sheets: Sheets, name: str, place: tuple[str, ...], kind: type[Value]
) -> None:
    rows = [_row(record, kind) for record in _records(name, sheets, kind.model_fields)]
    for number, row in enumerate(rows, 1):
        row.setdefault("key", f"new-{name.lower()}-{number}")
        if name in COMPONENTS:
            row["layer"] = name.lower()
    if rows:
        _put(data, place, [*(_get(data, place) or []), *rows])


def _put_roles(data: dict[str, Any], sheets: Sheets) -> None:
    """Roles stand at their sites."""
    sites = {site["key"]: site for site in _get(data, ("operating_model", "sites")) or []}
    for number, record in enumerate(_records("Roles", sheets, ROLES), 1):
        site = record.pop("site", "")
        if site not in sites:
            words = f"Sheet “Roles”, row {number + 1}: “{site}” is no key of sheet “Sites”. Correct it."
            raise _refused("unknown-site", words)
        row = _row(record, OperatingRole)
        row.setdefault("key", f"new-role-{number}")
        sites[site].setdefault("roles", []).append(row)


def _get(data: Any, place: Iterable[str]) -> Any:
    for step in place:
        data = data.get(step) if data else None
    return data


def _put(data: dict[str, Any], place: Sequence[str], value: Any) -> None:
    for step in place[:-1]:
        data = data.setdefault(step, {})
    data[place[-1]] = value


def _records(name: str, sheets: Sheets, known: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The rows of a sheet by its headings."""
    if not (lines := sheets.get(name)):
        return
    headings = [str(heading).strip() for heading in lines[0]]
    for heading in headings:
        if heading and (heading not in known or headings.count(heading) > 1):
            raise _refused(
                "unknown-column",
                f"Sheet “{name}”: “{heading}” is no column of it, or stands twice. Take the column out, or "
                "give it the name back that the schema has.",
            )
    for row in lines[1:]:
        yield {
            heading: value
            for heading, value in zip(headings, row, strict=False)
            if heading and value != TOO_LONG
        }


def _member(record: Mapping[str, Any]) -> dict[str, Any]:
    organization = {name: record[name] for name in ("legal_name", "uei") if name in record}
    said = {
        name: _json_of(name, record[name], default="") for name in ("is_anchor", "role") if name in record
    }
    return {"key": record.get("key", ""), **said, "organization": organization}


def _row(record: Mapping[str, Any], kind: type[Value]) -> dict[str, Any]:
    """A row of a sheet as JSON; a new row may leave its key empty."""
    row = {}
    for name, value in record.items():
        field = kind.model_fields[name]
        if value == "" and name == "key":
            continue
        row[name] = _json_of(name, value, default="" if field.is_required() else field.default)
    return row


def _json_of(name: str, value: str, *, default: Any) -> Any:
    """A cell as the JSON value of its field; what does not fit is left for the schema to refuse."""
    if name in MANY_COUNTRIES:
        return [_country(text) for text in SEPARATE[bool(CODES.match(value))].split(value) if text.strip()]
    if name in LINES:
        return [line for line in value.splitlines() if line.strip()]
    if value == "":
        return default if isinstance(default, bool) else "" if default == "" else None
    if name in COUNTRIES:
        return _country(value)
    if name in YES_OR_NO:
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.strip().lower(), value)
    if name in WHOLE and value.isdecimal() and value.isascii() and len(value) <= 16:
        return int(value)
    return value


def _country(text: str) -> dict[str, str]:
    found = PLACE.match(text)
    if found is None:
        return {"code": text.strip()[:60]}
    return {"code": found[1].upper(), "name": (found[2] or "").strip()}
