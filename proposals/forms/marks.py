"""What people type to mark matter as confidential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from program.enums import Mark
from proposals.forms.consortia import words
from proposals.forms.submissions import MARK_HINT, MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable


class ChangeMarkForm(forms.Form):
    """A mark and why it is set."""

    mark = forms.ChoiceField(
        label="Mark", choices=MARKS, initial=Mark.BUSINESS_CONFIDENTIAL, widget=forms.RadioSelect
    )
    justification = words(
        "Why it is business confidential",
        "What harm its release would do. Needed before submission; a blanket mark is weak.",
        required=False,
        rows=3,
    )


class MarkForm(ChangeMarkForm):
    """A new mark: what it covers; ``places`` are the part or row as a whole and what is in it."""

    place = forms.ChoiceField(label="What it covers", required=False)
    field_order = ("place", "mark", "justification")

    def __init__(self, *args: Any, places: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = list(places)  # type: ignore[attr-defined]
        self.fields["mark"].help_text = MARK_HINT
