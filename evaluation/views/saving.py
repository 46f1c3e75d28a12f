"""Two texts of one record at the desk: both side by side and a choice, for a browser without script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.forms import CheckboxInput
from django.shortcuts import redirect, render

from proposals.forms.rows import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.forms import BaseForm
    from django.http import HttpResponse

    from program.requests import SignedInRequest

UNTYPED = ("csrfmiddlewaretoken", "revision")


class TwoTexts(NamedTuple):
    """One field as it was posted and as it was saved meanwhile."""

    label: str
    yours: str
    theirs: str


def texts_of(request: SignedInRequest, fresh: BaseForm, about: str = "") -> list[TwoTexts]:
    """Every field of ``fresh``, a form of the record as it is saved now, beside what was posted."""
    return [
        TwoTexts(
            f"{about}: {field.label}" if about else str(field.label),
            in_words(field, _posted(request, field)),
            in_words(field, _plain(field.value())),
        )
        for field in fresh
    ]


def _posted(request: SignedInRequest, field: Any) -> str:
    if isinstance(field.field.widget, CheckboxInput):
        return str(field.html_name in request.POST)
    return request.POST.get(field.html_name, "").replace("\r\n", "\n")


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def conflict_page(
    request: SignedInRequest, texts: Iterable[TwoTexts], *, revision: int, back: str, by: str = ""
) -> HttpResponse:
    """Both texts and a choice, 409; where they do not differ, nothing is left to choose."""
    rows = [row for row in texts if row.yours != row.theirs]
    if not rows:
        return redirect(back)
    kept = [
        (name, value) for name in request.POST if name not in UNTYPED for value in request.POST.getlist(name)
    ]
    facts = {"rows": rows, "kept": kept, "token": revision, "by": by, "back": back}
    return render(request, "proposals/conflict.html", facts, status=409)
