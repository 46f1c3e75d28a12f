"""Columns that several records of a proposal share."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from program.models.fields import TextColumn
from proposals.package import plain


def plain_text(value: str) -> None:
    """Refuse characters that no page, file or database can carry."""
    try:
        plain(value)
    except ValueError as error:
        raise ValidationError("Remove the control characters from this text.", code="unprintable") from error


class PlainTextField(TextColumn):
    """Text as it was typed, any script, without control characters."""

    default_validators = [plain_text]


class UsdField(models.DecimalField):
    """US dollars and cents, never negative, at most eighteen digits before the point."""

    default_validators = [MinValueValidator(0)]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(max_digits=20, decimal_places=2)
        super().__init__(*args, **kwargs)
