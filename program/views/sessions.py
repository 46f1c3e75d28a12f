"""The person's sessions: keeping this one alive, ending another one."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from program import audit
from program.requests import SignedInRequest


@require_safe
def session(request: HttpRequest) -> HttpResponse:
    """Keep the session alive: a person said that they are still there.

    A page that was open when its session ended learns who is signed in now, and gets a token for its forms.
    """
    person = {"person": str(request.user.pk), "name": str(request.user), "token": get_token(request)}
    return JsonResponse(person)


@require_POST
def session_end(request: SignedInRequest, pk: int) -> HttpResponse:
    """Sign one browser of one's own out, or find that it already is."""
    found = UserSession.objects.filter(pk=pk, user=request.user).first()
    if found is None:
        messages.info(request, "That browser is no longer signed in.")
    elif found.is_current():
        messages.info(request, "That is this browser. Use Sign out to end its session.")
    else:
        found.end()
        audit.record(request.user, "user.session_end", by=request.user, before={"address": found.ip})
        messages.success(request, "That browser was signed out.")
    return redirect("usersessions_list")


@require_safe
def signed_in(request: HttpRequest) -> HttpResponse:
    """Where a sign-in in a window of its own ends: the page that asked for it goes on by itself."""
    return render(request, "program/signed_in.html")
