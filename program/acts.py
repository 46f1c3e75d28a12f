"""How a page carries out an act: fetch what the person may see, call one service, answer in words."""

from __future__ import annotations

import time
from functools import wraps
from typing import TYPE_CHECKING, Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows import reauthentication
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from program.requests import page_of_form
from program.transitions import WrongStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django import forms
    from django.http import HttpRequest, HttpResponse

    from program.models import AuditEvent
    from program.transitions import Problem


def is_freshly_signed_in(request: HttpRequest) -> bool:
    """Whether the person proved who they are within the last five minutes."""
    records = get_authentication_records(request, request.user)
    last = max((float(record.get("at", 0)) for record in records), default=0.0)
    return time.time() - last < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def fresh_sign_in_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Ask again who it is before a POST that certifies, signs or announces; nothing is changed until then.

    The posted form is kept in the session and carried out after the challenge. Who signs in only at an
    identity provider is sent there again.
    """

    @wraps(view)
    def challenged(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" or is_freshly_signed_in(request):
            return view(request, *args, **kwargs)
        if flows := reauthentication.get_reauthentication_flows(request.user):
            return reauthentication.suspend_request(request, reverse(_page_of(flows[0]["id"])))
        back = page_of_form(request)
        logout(request)
        messages.info(request, "Sign in again, then repeat the act: it needs a fresh sign-in.")
        return redirect(f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': back})}")

    return challenged


def _page_of(flow: str) -> str:
    return {"reauthenticate": "account_reauthenticate", "mfa_reauthenticate": "mfa_reauthenticate"}[flow]


def attempt(
    request: HttpRequest, service: Callable[..., AuditEvent | Any], *args: Any, done: str, **details: Any
) -> bool:
    """Call ``service`` for the signed-in person; say ``done`` or why it was refused. True when it was done.

    NotReady and form errors are the caller's to show beside the fields; a missing right is 403.
    """
    try:
        service(*args, by=request.user, **details)
    except WrongStatus as refusal:
        messages.warning(request, str(refusal))
        return False
    messages.success(request, done)
    return True


class DoFirst(Exception):
    """Something must be done before this page may be read, at ``url``."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def lay_beside(form: forms.BaseForm, problems: Iterable[Problem]) -> list[Problem]:
    """Put each problem beside the field it is about; return those that are about none of the form's."""
    rest = []
    for problem in problems:
        if problem.field in form.fields:
            form.add_error(problem.field, problem.message)
        else:
            rest.append(problem)
    return rest
