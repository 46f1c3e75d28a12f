"""The Consolidated Screening List as a JSON file: one entry at a time, whatever the size of the file.

The file is an object whose ``results`` are the entries; what else it says is passed over. An entry becomes
the row that the CSV file has for it: several values are joined by semicolons.
"""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, Final

from evaluation.addresses import country_at_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LONGEST_ENTRY: Final = 1 << 20
PARTS: Final = {
    "addresses": ("address", "city", "state", "postal_code", "country"),
    "ids": ("type", "number", "country", "issue_date", "expiration_date"),
}
DECODER: Final = json.JSONDecoder()


class JsonBroken(Exception):
    """The text is no JSON of this shape, or ends too early; the text says where."""


class Reader:
    """JSON read piece by piece from lines or blocks of bytes."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._is_over = False

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every object of ``results``, once; the whole file is read to its end."""
        self._take("{")
        found = False
        while self._next() != "}":
            key = self._value()
            self._take(":")
            if key == "results" and not found:
                found = True
                yield from self._array()
            else:
                self._value()
            self._comma("}")
        self._take("}")
        if self._next():
            raise JsonBroken("something follows the end of the list")
        if not found:
            raise JsonBroken("there are no results in it")

    def _array(self) -> Iterator[dict[str, Any]]:
        self._take("[")
        while self._next() != "]":
            entry = self._value()
            if not isinstance(entry, dict):
                raise JsonBroken("an entry is no object")
            yield entry
            self._comma("]")
        self._take("]")

    def _comma(self, end: str) -> None:
        if self._next() != end:
            self._take(",")
            if self._next() == end:
                raise JsonBroken("nothing follows a comma")

    def _next(self) -> str:
        """The next character that is no space, not taken; empty at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> None:
        if (found := self._next()) != wanted:
            what = f"“{found}” stands" if found else "it ends"
            raise JsonBroken(f"{what} where “{wanted}” is expected")
        self._at += 1

    def _value(self) -> Any:
        """The next value whole. A number or word at the very end of what was read may go on."""
        self._next()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if self._is_over or len(self._text) - self._at > LONGEST_ENTRY:
                    raise JsonBroken("a value cannot be read, or the file is cut") from error
            else:
                if end < len(self._text) or self._is_over:
                    self._at = end
                    return value
            self._more()

    def _more(self) -> bool:
        block = next(self._blocks, None)
        self._is_over = block is None
        self._text = self._text[self._at :] + self._decode(block or b"", self._is_over)
        self._at = 0
        return not self._is_over


def as_row(entry: dict[str, Any], columns: Sequence[str]) -> dict[str, str]:
    """The entry in the words of the CSV file's columns; without its name for the key."""
    row = {column: _text(entry.get(column), PARTS.get(column, ())) for column in columns}
    row["_id"] = row["_id"] or _text(entry.get("id"), ())
    return row


def countries_of(entry: dict[str, Any]) -> str:
    """The countries that the addresses of an entry name, joined by semicolons; a text ends with its own."""
    addresses = entry.get("addresses")
    rows = addresses if isinstance(addresses, list) else [addresses]
    return _text(
        [row.get("country") if isinstance(row, dict) else country_at_end(_text(row, ())) for row in rows], ()
    )


def _text(value: Any, parts: Sequence[str]) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(one, parts) for one in value)))
    if isinstance(value, dict):
        return ", ".join(filter(None, (_text(value.get(part), ()) for part in parts)))
    return str(value)
