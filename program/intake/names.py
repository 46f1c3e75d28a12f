"""The name under which a file is kept and handed out again."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_NAME: Final = 200
UNSEEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}


def clean_name(name: str) -> str:
    """The last part of an uploaded name without anything that steers a path, a terminal or a reader's eye.

    Folders of either slash, control, bidirectional and invisible characters, leading dots and characters
    that some file system refuses go; the extension stays when the name is cut to 200 characters.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(
        " " if c.isspace() else c for c in last if c.isspace() or unicodedata.category(c) not in UNSEEN
    )
    plain = re.sub(r'[<>:"|?*]', "_", " ".join(seen.split())).strip(". ")
    if re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", plain):
        plain = f"_{plain}"
    stem, dot, extension = plain.rpartition(".")
    if not dot:
        stem, extension = plain, ""
    ending = f".{extension[:20]}" if extension else ""
    return (stem.rstrip(". ")[: MAX_NAME - len(ending)] or "document") + ending
