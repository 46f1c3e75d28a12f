"""How a form of the working copy is saved: by hand or while typing, and what happens when two people type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm, CheckboxInput
from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from program.canonical import canonical_json, sha256_hex
from program.requests import SignedInRequest, is_autosave
from program.revisions import StaleRevision, revision_read
from proposals import services
from proposals.forms.rows import PartForm, RowForm, in_words
from proposals.views.workspace import show, workspace


def token_of(form: RowForm) -> str:
    """The revision as the page carries it.

    Several parts share the proposal's row, so theirs say as well what they read.
    """
    record = form.instance
    if isinstance(form, PartForm):
        return f"{record.revision}-{sha256_hex(canonical_json(form.shown()))[:16]}"
    return str(record.revision if record.pk else 0)


@dataclass(frozen=True)
class Conflict:
    """Two texts of one row, by the names of their fields."""

    yours: dict[str, Any]
    theirs: dict[str, Any]
    by: str


@dataclass
class Saved:
    """What came of a save: done, refused by ``form.errors``, or in ``conflict``.

    While somebody types, what is not refused ``kept``: a wrong number takes no paragraph with it.
    """

    form: RowForm
    conflict: Conflict | None = None
    kept: bool = False

    @property
    def is_done(self) -> bool:
        return self.form.is_valid() and self.conflict is None


def save(request: SignedInRequest, form: RowForm) -> Saved:
    """Save a bound form through the service, or say what stands in its way."""
    if not form.is_valid():
        return Saved(form, kept=is_autosave(request) and _keep_the_rest(request, form))
    record, posted = form.instance, str(request.POST.get("revision", ""))
    number, _, read = posted.partition("-")
    try:
        if record.pk is None:
            services.add_row(record, by=request.user, values=form.values)
        else:
            services.save_row(record, by=request.user, values=form.values, revision=revision_read(number))
    except StaleRevision as stale:
        return _settle(request, form, stale, read)
    except ValidationError as errors:
        add_errors(form, errors)
    return Saved(form)


def _keep_the_rest(request: SignedInRequest, form: RowForm) -> bool:
    """Save the fields that were not refused, if the row can stand with them."""
    if form.instance.pk is None or form.non_field_errors() or not form.values:
        return False
    number, _, read = str(request.POST.get("revision", "")).partition("-")
    row, values, revision = form.instance, form.values, revision_read(number)
    try:
        services.save_row(row, by=request.user, values=values, revision=revision)
    except StaleRevision as stale:
        if not is_untouched(form, stale.record, read):
            return False
        try:
            services.save_row(row, by=request.user, values=values, revision=stale.record.revision)
        except (StaleRevision, ValidationError):
            return False
    except ValidationError:
        return False
    return True


def is_untouched(form: RowForm, record: Any, read: str) -> bool:
    """Whether what others saved of a row that parts share lies in another part than the one that was read."""
    shown = type(form)(instance=record, prefix=form.prefix).shown()
    return isinstance(form, PartForm) and read == sha256_hex(canonical_json(shown))[:16]


def add_errors(form: BaseForm, errors: ValidationError) -> None:
    """Put the service's refusals beside their fields, those of no field on top."""
    for name, found in getattr(
        errors, "error_dict", {None: errors.error_list if hasattr(errors, "error_list") else []}
    ).items():
        form.add_error(name if name in form.fields else None, found)


def _settle(request: SignedInRequest, form: RowForm, stale: StaleRevision, read: str) -> Saved:
    """A conflict only where texts differ: what others saved in other parts of the row takes nothing away."""
    record = stale.record
    fresh = type(form)(instance=record, prefix=form.prefix)
    theirs = fresh.shown()
    yours = {name: _posted(request, form, name) for name in theirs}
    different = [name for name in theirs if yours[name] != theirs[name]]
    if is_untouched(form, record, read) or not different:
        try:
            services.save_row(record, by=request.user, values=form.values, revision=record.revision)
        except StaleRevision as again:
            return _settle(request, form, again, "")
        return Saved(form)
    form.instance = record
    by = str(getattr(record, "saved_by", "") or "")
    return Saved(
        form,
        Conflict({n: yours[n] for n in different}, {n: theirs[n] for n in different}, by),
    )


def _posted(request: SignedInRequest, form: RowForm, name: str) -> Any:
    field = next(field for field in form if field.html_name == name)
    if hasattr(field.field.widget, "allow_multiple_selected") and field.field.widget.allow_multiple_selected:
        return sorted(request.POST.getlist(name))
    text = request.POST.get(name, "")
    if isinstance(field.field.widget, CheckboxInput):
        return str(name in request.POST)
    return text.replace("\r\n", "\n")


def as_json(saved: Saved) -> JsonResponse:
    """The answer to the page's script, by the contract of ``site.js``."""
    form, conflict = saved.form, saved.conflict
    if conflict is not None:
        facts: dict[str, Any] = {
            "yours": conflict.yours,
            "theirs": conflict.theirs,
            "words": {name: {"yours": mine, "theirs": other} for name, _, mine, other in _compared(saved)},
            "revision": _fresh_token(form),
        }
        return JsonResponse({**facts, "by": conflict.by} if conflict.by else facts, status=409)
    if form.errors:
        errors = {
            form.add_prefix(name) if name in form.fields else "__all__": [str(error) for error in found]
            for name, found in form.errors.items()
        }
        return JsonResponse({"errors": errors, **(_stamp(form) if saved.kept else {})}, status=422)
    return JsonResponse(_stamp(form))


def _stamp(form: RowForm) -> dict[str, str | int]:
    return {"saved_at": timezone.now().isoformat(), "revision": _fresh_token(form)}


def _fresh_token(form: RowForm) -> str | int:
    if isinstance(form, PartForm):
        return token_of(type(form)(instance=form.instance, prefix=form.prefix))
    return int(form.instance.revision)


def _compared(saved: Saved) -> Iterator[tuple[str, str, str, str]]:
    """Of each field in conflict its name, its label and both values as a reader says them."""
    if saved.conflict is None:
        return
    for field in saved.form:
        if (name := field.html_name) in saved.conflict.yours:
            yours, theirs = saved.conflict.yours[name], saved.conflict.theirs[name]
            yield name, str(field.label), in_words(field, yours), in_words(field, theirs)


def conflict_page(request: SignedInRequest, saved: Saved, pk: int, back: str) -> HttpResponse:
    """Both texts side by side and a choice, for a browser without script: 409."""
    form, conflict = saved.form, saved.conflict
    if conflict is None:
        raise ValueError("There is no conflict to show.")
    shown = [
        {"label": label, "yours": yours, "theirs": theirs} for _, label, yours, theirs in _compared(saved)
    ]
    kept = [(field.html_name, value) for field in form for value in request.POST.getlist(field.html_name)]
    facts = {"rows": shown, "kept": kept, "token": _fresh_token(form), "by": conflict.by, "back": back}
    return show(request, "proposals/conflict.html", workspace(request, pk), facts, status=409)
