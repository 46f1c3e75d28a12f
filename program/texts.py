"""Long texts that people type: how many characters they may have, counted as a browser counts them."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible

#: The longest reason or note that the record takes with an act
LONGEST_NOTE: Final = 20_000


def one_spelling(text: str) -> str:
    """``text`` with one sign for a line end; a browser shows one and sends two."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def lines_of(text: str) -> list[str]:
    """What was written one a line, without blanks around it and without empty lines."""
    return list(filter(None, map(str.strip, text.splitlines())))


def too_long(text: str, limit: int) -> str:
    """Why a text of more than ``limit`` characters is refused, or nothing."""
    length = len(one_spelling(text))
    return f"Shorten this text to {limit:,} characters; it has {length:,}." if length > limit else ""


def refuse_longer(text: str, limit: int) -> None:
    """Refuse a text of more than ``limit`` characters; nothing of it is cut off and kept."""
    if message := too_long(text, limit):
        raise ValidationError(message, code="max_length")


@deconstructible
class Longest:
    """Refuses a text with more than ``limit`` characters."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, text: str) -> None:
        refuse_longer(text, self.limit)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Longest) and other.limit == self.limit

    def __hash__(self) -> int:
        return hash(self.limit)


class LongText(forms.CharField):
    """A text in one spelling of line ends; the limit that its page shows is the limit that holds."""

    def __init__(self, *, max_length: int | None = None, **options: Any) -> None:
        shown = getattr(options.get("widget"), "attrs", {}).get("maxlength")
        limit = max_length or shown
        super().__init__(**options)
        if limit:
            self.max_length = int(limit)
            self.validators.append(Longest(self.max_length))
            self.widget.attrs |= self.widget_attrs(self.widget)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return one_spelling(text) if isinstance(text, str) else text
