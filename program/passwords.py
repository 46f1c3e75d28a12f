"""What a password must not be, beyond Django's own validators: long, no composition rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from program.models import User

PROGRAM_WORDS = ("aiexports", "exportsprogram", "edag", "americanai", "commerce", "executiveorder", "14320")


class ProgramWordValidator:
    """Refuses passwords that are little more than the Program's own words."""

    def validate(self, password: str, user: User | None = None) -> None:
        bare = "".join(filter(str.isalnum, password.lower()))
        rest = bare
        for word in PROGRAM_WORDS:
            rest = rest.replace(word, "")
        if rest != bare and len(rest) < 10:
            raise ValidationError(
                "This password consists mostly of the Program's own words. Add other words.",
                code="password_program_words",
            )

    def get_help_text(self) -> str:
        return "Your password can’t consist mostly of the Program’s own words."


class MaximumLengthValidator:
    """Refuses what is longer than any person types, so that hashing it cannot be used to tire the server."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(f"Use at most {self.max_length} characters.", code="password_too_long")

    def get_help_text(self) -> str:
        return f"Your password can have up to {self.max_length} characters."
