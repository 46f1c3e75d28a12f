"""Letters without their marks and case: a search finds “Córdoba” by “cordoba” and the other way round."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from evaluation.models import CatalogText

#: Latin letters that Unicode does not take apart
LETTERS: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ħ": "h", "ı": "i"}
)


def fold(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).translate(LETTERS)
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def folded_words(text: CatalogText) -> str:
    """Every released word by which one may search, folded."""
    return fold("\n".join([text.title, text.summary, text.consortium, *text.members, *text.layers.values()]))
