"""Tables for spreadsheet programs: read whole and within limits, written so that no cell acts.

Every table that leaves the portal goes through here: a cell that a spreadsheet program would take for a
formula gets an apostrophe before it, and loses it when the table comes back.

A table of protected matter says its ``mark`` in the name of the file, in a last column, and in a workbook
over each printed page. Not in a line before the headings or after the rows: a program that reads the table
would take that for data.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from pathlib import PurePosixPath
from types import UnionType
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from django.http import HttpResponse, StreamingHttpResponse

from program.intake import Refused, examine
from program.workbooks import Font, Workbook, WriteOnlyCell, get_column_letter, load_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from program.enums import Mark

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_UNPACKED: Final = 60 * 1024 * 1024
MAX_ROWS: Final = 5_000
MAX_COLUMNS: Final = 100
LAST_ROW: Final = 100_000
CHUNK: Final = 1 << 16

ACTING: Final = frozenset("=+-@\t\r\n\0＝＋－＠")
LONGEST_CELL: Final = 32_767
EXACT_DIGITS: Final = 15
TOO_LONG: Final = "(Too long for a cell of a spreadsheet. Leave this as it is; edit the text in the portal.)"
KINDS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
DELIMITERS: Final = ",;\t"
PASTED: Final = re.compile(r'"((?:[^"]|"")*)"(?=[\t\n]|\Z)|([^\t\n]*)')
MARKING: Final = "Marking"
LOOKS_LIKE_MARKUP: Final = ("<!doctype", "<html", "<?xml", "<svg", "<script", "<?php")


# Out


def harmless(text: str) -> str:
    """``text`` as a cell that no spreadsheet program takes for a formula; ``as_typed`` turns it back."""
    return f"'{text}" if text.lstrip("'")[:1] in ACTING and text.lstrip("'") else text


def as_typed(text: str) -> str:
    """A cell without the apostrophe that ``harmless`` put before it."""
    return text[1:] if text.startswith("'") and text.lstrip("'")[:1] in ACTING and text.lstrip("'") else text


def write(
    kind: str,
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    mark: Mark | None = None,
) -> bytes:
    """A table as a file of ``kind``, "csv" or "xlsx"; cells are texts, numbers, dates, booleans or None."""
    return {"csv": _csv, "xlsx": _xlsx}[kind](title, headings, rows, mark)


def sent(
    kind: str, name: str, content: bytes | Iterable[bytes], *, mark: Mark | None = None
) -> HttpResponse | StreamingHttpResponse:
    """The answer that lets a browser keep a table under ``name``; one in pieces goes out as they come."""
    made = HttpResponse if isinstance(content, bytes) else StreamingHttpResponse
    named = f"{name}-{mark.value.replace('_', '-')}" if mark else name
    return made(
        content,
        content_type=KINDS[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{named}.{kind}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        },
    )


def written_in_lines(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, mark: Mark | None = None
) -> Iterator[bytes]:
    """A table as CSV, as ``write`` makes it, in pieces as its rows come."""
    for start, row in enumerate(_marked(headings, rows, mark)):
        out = io.StringIO(newline="")
        csv.writer(out).writerow(harmless(words(value)) for value in row)
        yield out.getvalue().encode("utf-8" if start else "utf-8-sig")


def _marked(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], mark: Mark | None
) -> Iterator[Sequence[Any]]:
    """Headings and rows, each row with its mark at the end: one that is copied elsewhere takes it along."""
    if mark is None:
        return chain((headings,), rows)
    return chain(([*headings, MARKING],), ([*row, mark.label] for row in rows))


def _csv(title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]], mark: Mark | None) -> bytes:
    """UTF-8 with the mark by which Excel knows it."""
    return b"".join(written_in_lines(headings, rows, mark=mark))


def _xlsx(title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]], mark: Mark | None) -> bytes:
    """One sheet with its headings held in view, and its mark over each page that is printed."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31])
    sheet.freeze_panes = "A2"
    if mark:
        sheet.oddHeader.center.text = mark.label
    lines = _marked(headings, rows, mark)
    first = next(lines)
    for number, heading in enumerate(first, 1):
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(heading) + 2, 12), 40)
    sheet.append([cell(sheet, heading, bold=True) for heading in first])
    for row in lines:
        sheet.append([cell(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cell(
    sheet: Any, value: Any, *, bold: bool = False, numbers: type | UnionType = int | Decimal
) -> WriteOnlyCell:
    """A cell that shows ``value``: one of ``numbers`` stays one where the program keeps all its digits.

    Everything else is text, never a formula.
    """
    is_number = isinstance(value, numbers) and not isinstance(value, bool)
    if is_number and len(Decimal(value).as_tuple().digits) <= EXACT_DIGITS:
        return WriteOnlyCell(sheet, value)
    text = harmless(words(value))
    made = WriteOnlyCell(sheet, TOO_LONG if len(text) > LONGEST_CELL else text or None)
    if text:
        made.data_type = "s"
    if bold:
        made.font = Font(bold=True)
    return made


def words(value: Any) -> str:
    """A value as a cell says it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else str(value)


# In


@dataclass(frozen=True)
class Line:
    """A row with something in it, under the number that the spreadsheet program shows."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Grid:
    """A table as texts. ``refused`` says by row number and column (from 0) what is no value."""

    lines: list[Line]
    refused: dict[tuple[int, int], str] = field(default_factory=dict)


def read(file: BinaryIO, name: str) -> Grid:
    """The first sheet of a CSV or XLSX file. Raises Refused, with what to do, for anything else."""
    ending = PurePosixPath(name).suffix.lower().lstrip(".")
    if ending not in KINDS:
        what = "The file has macros." if ending in ("xlsm", "xltm", "xlsb") else "The file is no table."
        raise Refused(
            "macro" if "macros" in what else "type-not-allowed",
            what,
            "Save it as a workbook without macros (XLSX) or as CSV UTF-8, and choose that file.",
        )
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Refused(
            "too-large",
            f"The table is larger than {MAX_BYTES // 1048576} MB.",
            "Split it into several tables, and import one after the other.",
        )
    if not content.strip():
        raise Refused("empty", "The file is empty.", "Check the file on your computer and choose it again.")
    if ending == "csv":
        return _read_csv(content)
    examine(io.BytesIO(content), f"table.{ending}")
    return _read_xlsx(content)


def _read_csv(content: bytes) -> Grid:
    """Text between commas, semicolons or tabs, whichever the first line has most of."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            "not-utf8", "The table is not UTF-8 text.", "Save it as 'CSV UTF-8' in your spreadsheet program."
        ) from error
    if content.startswith((b"PK", b"%PDF-", b"\xd0\xcf")) or text.lstrip().lower().startswith(
        LOOKS_LIKE_MARKUP
    ):
        raise Refused(
            "extension-mismatch",
            "The name ends in .csv, but the file is no CSV table.",
            "Save it again as 'CSV UTF-8' in your spreadsheet program.",
        )
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    # Excel ends lines inside a cell with a bare line feed, rows with both characters
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return Grid(_within(enumerate(reader, 1)))
    except csv.Error as error:
        raise Refused(
            "broken",
            f"The table cannot be read near line {reader.line_num}: a quotation mark is not closed, or a "
            "cell has no end.",
            "Open it in your spreadsheet program, save it again as 'CSV UTF-8' and choose the new copy.",
        ) from error


def read_pasted(text: str) -> Grid:
    """What a spreadsheet program puts on the clipboard: tabs between cells, a line for each row.

    A cell with a line end or tab of its own stands in quotation marks; any other mark is part of the text.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    rows: list[list[str]] = [[]]
    place = 0
    while place <= len(text):
        found = PASTED.match(text, place)
        if found is None:
            break
        inner = found[1]
        if inner is not None and ("\n" in inner or "\t" in inner):
            rows[-1].append(inner.replace('""', '"'))
        else:
            rows[-1].append(found[0])
        place = found.end()
        if text[place : place + 1] == "\n":
            rows.append([])
        place += 1
    return Grid(_within(enumerate(rows, 1)))


def _within(numbered: Iterable[tuple[int, Sequence[str]]]) -> list[Line]:
    """The rows that hold something, as typed, as long as there are not too many."""
    lines = []
    for number, cells in numbered:
        texts = [as_typed(text.strip(" \u00a0")) for text in cells]
        while texts and not texts[-1].strip():
            texts.pop()
        if not texts:
            continue
        if len(texts) > MAX_COLUMNS:
            raise Refused(
                "too-many-columns",
                f"Row {number:,} has more than {MAX_COLUMNS} columns.",
                "Keep only the columns of the components' table.",
            )
        lines.append(Line(number, texts))
        if len(lines) > MAX_ROWS + 1:
            raise too_many_rows()
    return lines


def too_many_rows() -> Refused:
    return Refused(
        "too-many-rows",
        f"The table has more than {MAX_ROWS:,} rows.",
        "Split it into several tables, and import one after the other.",
    )


def _read_xlsx(content: bytes) -> Grid:
    has_formulas = _check_markup(content)
    try:
        values = _sheet(content, data_only=True)
        formulas = _sheet(content, data_only=False) if has_formulas else None
    except Refused:
        raise
    except Exception as error:  # the library meets a damaged workbook in many ways
        raise Refused(
            "broken",
            "The file cannot be opened as an Excel workbook (XLSX).",
            "Open it on your computer, save it again and choose the new copy.",
        ) from error
    refused = {
        (number, column): f"holds the error {value}. Correct it in the spreadsheet."
        for number, cells in values
        for column, (value, kind) in enumerate(cells)
        if kind == "e"
    }
    known = dict(values)
    for number, cells in formulas or ():
        mine = known.get(number, [])
        for column, (value, kind) in enumerate(cells):
            if kind == "f" and (column >= len(mine) or mine[column][0] in (None, "")):
                words = "holds a formula without its result. Copy it and paste it as a value."
                refused[number, column] = words
                known.setdefault(number, []).extend([(None, "n")] * (column + 1 - len(known.get(number, []))))
                known[number][column] = (str(value), "s")
    texts = ((number, [_text(value) for value, _ in known[number]]) for number in sorted(known))
    return Grid(_within(texts), refused)


def _check_markup(content: bytes) -> bool:
    """Refuse a workbook whose parts unpack to too much or declare entities; say whether it has formulas."""
    unpacked, has_formulas = 0, False
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            if not entry.filename.lower().endswith((".xml", ".rels")):
                continue
            tail = b""
            with archive.open(entry) as part:
                while block := part.read(CHUNK):
                    unpacked += len(block)
                    seen = tail + block
                    if unpacked > MAX_UNPACKED:
                        raise Refused(
                            "unpacks-too-large",
                            f"The table unpacks to more than {MAX_UNPACKED // 1048576} MB.",
                            "Copy the cells that you need into a new workbook and import that.",
                        )
                    if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                        raise Refused(
                            "broken",
                            "The workbook declares what no spreadsheet program writes.",
                            "Open it in your spreadsheet program and save a fresh copy.",
                        )
                    has_formulas = has_formulas or b"<f>" in seen or b"<f " in seen
                    tail = seen[-16:]
    return has_formulas


def _sheet(content: bytes, *, data_only: bool) -> list[tuple[int, list[tuple[Any, str]]]]:
    """The first sheet: numbered rows that hold something, each cell with its type."""
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=data_only, keep_links=False)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        return list(_rows(sheet))
    finally:
        book.close()


def _rows(sheet: Any) -> Iterator[tuple[int, list[tuple[Any, str]]]]:
    held = 0
    for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS + 1), 1):
        if number > LAST_ROW:
            raise too_many_rows()
        found = [(cell.value, getattr(cell, "data_type", "n")) for cell in cells]
        if all(value is None for value, _ in found):
            continue
        held += 1
        if held > MAX_ROWS + 1:
            raise too_many_rows()
        yield number, found


def _text(value: Any) -> str:
    """A cell as somebody would type it."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    return words(value)
