"""Texts that an anchor released in its own words, and the components that they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from evaluation.folding import fold

if TYPE_CHECKING:
    from collections.abc import Collection

    from evaluation.models import CatalogText, Designation

TITLE: Final = "title"
SUMMARY: Final = "summary"


def removed_names(designation: Designation, keys: Collection[str]) -> list[str]:
    """Names of the components ``keys``, but for a name that a component which is left bears too."""
    left = {fold(each.name).strip() for each in designation.package.components}
    named = (each.name.strip() for each in designation.version.value.components if each.key in keys)
    return sorted({name for name in named if name and fold(name) not in left})


def names_in(text: str, names: Collection[str]) -> list[str]:
    """Those of ``names`` that ``text`` says as whole words, whatever their case and marks."""
    words = " ".join(fold(text).split())
    return [
        name for name in names if re.search(rf"(?<!\w){re.escape(' '.join(fold(name).split()))}(?!\w)", words)
    ]


def own_words(text: CatalogText) -> dict[str, str]:
    """What the anchor wrote itself: title, summary, and of each layer its text."""
    return {TITLE: text.title, SUMMARY: text.summary, **text.layers}


def texts_naming(text: CatalogText, names: Collection[str]) -> dict[str, list[str]]:
    """Of each text in the anchor's own words that names one of ``names``: which it names."""
    found = {field: names_in(said, names) for field, said in own_words(text).items()}
    return {field: named for field, named in found.items() if named}
