"""What a CSV table may hold: text."""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, Final

from program.intake.refusals import Refused, broken, hybrid

CHUNK: Final = 1 << 16


def check_csv(stream: BinaryIO, kind: str) -> None:
    """A table as UTF-8 text; control characters other than tab and line ends make it something else."""
    if zipfile.is_zipfile(stream):
        raise hybrid(kind)
    stream.seek(0)
    rows = 0
    try:
        for _ in csv.reader(lines(stream), strict=True):
            rows += 1
    except UnicodeDecodeError as error:
        raise Refused(
            "not-utf8", "The table is not UTF-8 text.", "Save it as 'CSV UTF-8' in your spreadsheet program."
        ) from error
    except csv.Error as error:
        raise broken(kind) from error
    if not rows:
        raise broken(kind)


def lines(stream: BinaryIO) -> Iterator[str]:
    """The text line by line, a line no longer than the reader's own limit for a field and some more."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest = ""
    while block := stream.read(CHUNK):
        text = decoder.decode(block)
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
            raise csv.Error("control character")
        *whole, rest = (rest + text).splitlines(keepends=True) or [""]
        if len(rest) > 16 * CHUNK:
            raise csv.Error("a line without end")
        yield from whole
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest
