"""Two texts of one record at the desk: both side by side and a choice, for a browser without script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import messages
from django.forms import CheckboxInput, CheckboxSelectMultiple
from django.http import JsonResponse
from django.shortcuts import redirect, render

from evaluation.views.acting import problems_of
from program import clock
from program.requests import is_autosave
from program.revisions import StaleRevision, revision_read
from program.transitions import WrongStatus
from proposals.forms.rows import as_posted, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from django.forms import BaseForm
    from django.http import HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem

UNTYPED = ("csrfmiddlewaretoken", "revision")


class TwoTexts(NamedTuple):
    """One field as it was posted and as it was saved meanwhile, in words; ``value`` as a browser sends it."""

    label: str
    yours: str
    theirs: str
    name: str
    value: Any


def texts_of(request: SignedInRequest, fresh: BaseForm, about: str = "") -> list[TwoTexts]:
    """Every field of ``fresh``, a form of the record as it is saved now, beside what was posted."""
    return [
        TwoTexts(
            f"{about}: {field.label}" if about else str(field.label),
            in_words(field, _posted(request, field)),
            in_words(field, _saved(field)),
            field.html_name,
            as_posted(field),
        )
        for field in fresh
    ]


def in_json(texts: Iterable[TwoTexts]) -> dict[str, Any]:
    """Both texts for the page's script, by the contract of ``site.js``."""
    rows = list(texts)
    return {
        "theirs": {row.name: row.value for row in rows},
        "words": {row.name: {"yours": row.yours, "theirs": row.theirs} for row in rows},
    }


def _posted(request: SignedInRequest, field: Any) -> str:
    if isinstance(field.field.widget, CheckboxInput):
        return str(field.html_name in request.POST)
    if isinstance(field.field.widget, CheckboxSelectMultiple):
        chosen = request.POST.getlist(field.html_name)
        return ", ".join(str(word) for code, word in field.field.choices if code in chosen)
    return request.POST.get(field.html_name, "").replace("\r\n", "\n")


def _saved(field: Any) -> str:
    if isinstance(field.field.widget, CheckboxSelectMultiple):
        return ", ".join(str(word) for code, word in field.field.choices if code in (field.value() or ()))
    return "" if field.value() is None else str(field.value())


def keep_draft(
    request: SignedInRequest,
    form: BaseForm,
    save: Callable[..., Any],
    *,
    fresh: Callable[[Any], BaseForm],
    again: Callable[[list[Problem], int], HttpResponse],
    said: str,
    back: str,
    notice: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Save what is written of a draft so far; answers a script in JSON, a person with the page.

    ``notice`` is what the script tells beside its status: ``words``, perhaps a ``link`` with its ``url``.

    ``save`` takes ``values`` and ``revision``; ``fresh`` makes the form of a record as it is saved now;
    ``again`` shows the page with problems and what was typed, under a status.
    """
    is_script = is_autosave(request)

    def told(facts: dict[str, Any], status: int = 200) -> JsonResponse:
        return JsonResponse({**facts, **({"notice": notice} if notice else {})}, status=status)

    if not form.is_valid():
        if is_script:
            return told({"errors": form.errors}, status=422)
        return again(problems_of(form), 422)
    try:
        saved = save(values=form.cleaned_data, revision=revision_read(request.POST.get("revision", "")))
    except StaleRevision as stale:
        texts, by = texts_of(request, fresh(stale.record)), str(stale.record.saved_by)
        revision = stale.record.revision
        if not is_script:
            return conflict_page(request, texts, revision=revision, by=by, back=back)
        facts = {**in_json(texts), "yours": form.cleaned_data, "revision": revision, "by": by}
        return told(facts, status=409)
    except WrongStatus as refusal:
        if is_script:
            return told({"errors": {"__all__": [refusal.on_open_page]}}, status=422)
        messages.warning(request, str(refusal))
        return again([], 409)
    if is_script:
        return told({"saved_at": clock.instant().isoformat(), "revision": saved.revision})
    messages.success(request, said)
    return redirect(back)


def conflict_page(
    request: SignedInRequest,
    texts: Iterable[TwoTexts],
    *,
    revision: int,
    back: str,
    by: str = "",
    held_as: str = "revision",
) -> HttpResponse:
    """Both texts and a choice, 409; where they do not differ, nothing is left to choose.

    ``revision`` is what the form names as ``held_as``, so that the next press is about the text shown.
    """
    rows = [row for row in texts if row.yours != row.theirs]
    if not rows:
        return redirect(back)
    kept = [
        (name, value)
        for name in request.POST
        if name not in (*UNTYPED, held_as)
        for value in request.POST.getlist(name)
    ]
    facts = {"rows": rows, "kept": kept, "token": revision, "held_as": held_as, "by": by, "back": back}
    return render(request, "proposals/conflict.html", facts, status=409)
