"""Columns that hold what people type, with the bounds that hold for all of it."""

from __future__ import annotations

from typing import Any

from django.db import models

from program import days
from program.texts import Longest, LongText


class DayColumn(models.DateField):
    """A day that people give; forms and services refuse one out of bounds. To a migration it is a date."""

    default_validators = [days.within_bounds]

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": days.DayField, **options})

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.DateField", args, options


class MomentColumn(models.DateTimeField):
    """A moment that people give; as ``DayColumn``."""

    default_validators = [days.within_bounds]

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": days.MomentField, **options})

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, options


class TextColumn(models.TextField):
    """Text that people give, of at most ``longest`` characters for forms and services alike."""

    def __init__(self, *args: Any, longest: int | None = None, **options: Any) -> None:
        self.longest = longest
        if longest:
            options["validators"] = [*options.get("validators", ()), Longest(longest)]
        super().__init__(*args, **options)

    def formfield(self, **options: Any) -> Any:
        shown = {"form_class": LongText, "max_length": self.longest}
        return super().formfield(**{**shown, **options})

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        options.pop("validators", None)  # a migration knows the column, not what people may type into it
        return name, "django.db.models.TextField" if type(self) is TextColumn else path, args, options
