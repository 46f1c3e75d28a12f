"""How a page of the desk carries out an act: call one service, say what came of it in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect

from evaluation.enums import LONGEST_TEXT
from program.requests import number_said
from program.revisions import StaleRevision
from program.texts import refuse_longer
from program.transitions import NotReady, Problem, WrongStatus
from proposals.models.fields import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django import forms
    from django.http import HttpResponse

    from program.requests import SignedInRequest


def carry_out(
    request: SignedInRequest,
    service: Callable[..., Any],
    *args: Any,
    done: str | Callable[[], str],
    to: str,
    again: Callable[[list[Problem]], HttpResponse],
    conflict: Callable[[StaleRevision], HttpResponse] | None = None,
    overtaken: Callable[[], HttpResponse] | None = None,
    after: Callable[[], HttpResponse] | None = None,
    **details: Any,
) -> HttpResponse:
    """Do the act and go ``to`` the page that shows it, or show the page ``again`` with every problem.

    A missing right is 403; an act that somebody else did first is said in words, on the page of
    ``overtaken`` where a text was typed for it, or by that of ``conflict`` where two texts meet. ``after``
    shows the page in the place of going on, where something typed beside the act is still to be sent. Words
    of ``done`` that tell what came of the act are asked for after it. A text that comes without a form is
    held to the limit that its page shows.
    """
    if problems := list(unfit(details)):
        return again(problems)
    try:
        service(*args, by=request.user, **details)
    except NotReady as refusal:
        return again(refusal.problems)
    except ValidationError as error:
        return again([Problem("invalid", str(message)) for message in error.messages])
    except (WrongStatus, StaleRevision) as refusal:
        if conflict is not None and isinstance(refusal, StaleRevision):
            return conflict(refusal)
        messages.warning(request, str(refusal))
        return overtaken() if overtaken is not None else redirect(to)
    messages.success(request, done if isinstance(done, str) else done())
    return after() if after is not None else redirect(to)


Typed = dict[str, str]


def typed_by_row(request: SignedInRequest, *, but: int = 0) -> dict[int, Typed]:
    """What was typed on a page of many rows in one form, by row and name; nothing of the row ``but``.

    A field bears the key of its row and its name. The whole page is sent with each button of a row, so that
    a text begun at another one is shown again and not lost.
    """
    found: dict[int, Typed] = {}
    for field in request.POST:
        key, _, name = field.partition("-")
        row, value = number_said(key), str(request.POST[field])
        if name and row is not None and row != but and value.strip():
            found.setdefault(row, {})[name] = value
    return found


def said_of_row(request: SignedInRequest, pk: int, name: str) -> str:
    """What was typed in the field ``name`` of the row ``pk``."""
    return str(request.POST.get(f"{pk}-{name}", ""))


def unfit(details: dict[str, Any]) -> Iterator[Problem]:
    """The typed texts among ``details`` that are too long or that no page can carry."""
    for name, value in details.items():
        if isinstance(value, str):
            try:
                plain_text(value)
                refuse_longer(value, LONGEST_TEXT)
            except ValidationError as error:
                yield Problem("unfit", error.messages[0], field=name)


def of_row(problems: Iterable[Problem], pk: int, **names: str) -> list[Problem]:
    """The problems at the fields of the row ``pk``; ``names`` are those called otherwise on the page."""
    return [
        replace(one, field=f"{pk}-{names.get(one.field, one.field)}") if one.field else one
        for one in problems
    ]


def refusals_of_row(problems: Iterable[Problem], pk: int) -> dict[str, str]:
    """What is said beside each field of the row ``pk``, by the field's name in the row."""
    found: dict[str, str] = {}
    for problem in problems:
        name = problem.field.removeprefix(f"{pk}-")
        if name:
            found[name] = f"{found.get(name, '')} {problem.message}".strip()
    return found


def problems_of(form: forms.BaseForm) -> list[Problem]:
    """What a form refuses, as problems with their fields, each of which its message names."""
    return [
        Problem("invalid", f"{form[name].label}: {message}", field=form[name].html_name)
        if name in form.fields
        else Problem("invalid", str(message))
        for name, found in form.errors.items()
        for message in found
    ]
