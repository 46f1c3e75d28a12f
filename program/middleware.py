"""What happens around every request: its number, who may keep a copy, how long a session lives."""

from __future__ import annotations

import time
import uuid
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers

from program import clock
from program.acts import DoFirst
from program.refusals import record_refusal
from program.request_context import request_id
from program.requests import is_autosave, page_above, page_of_form

if TYPE_CHECKING:
    from collections.abc import Callable

    GetResponse = Callable[[HttpRequest], HttpResponse]

STARTED = "session_started_at"
RENEWED = "session_renewed_at"
NUL = "\0"


def record_request(get_response: GetResponse) -> GetResponse:
    """Give the request a number that the record, the log and the answer share."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid.uuid4().hex)
        try:
            response = get_response(request)
            response["X-Request-ID"] = request_id.get()
            return response
        finally:
            request_id.reset(token)

    return middleware


def moment_of_page(get_response: GetResponse) -> GetResponse:
    """Let everything on a page that only shows stand at one moment."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with clock.one_page() if request.method in ("GET", "HEAD") else nullcontext():
            return get_response(request)

    return middleware


def worded_refusal_of_method(get_response: GetResponse) -> GetResponse:
    """Answer a person who opens the address of a form like a page with words; the status stays 405."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content or request.method == "HEAD":
            return response
        worded = render(request, "405.html", {"above": page_above(request.path_info)}, status=405)
        worded["Allow"] = response["Allow"]
        return worded

    return middleware


def private_pages(get_response: GetResponse) -> GetResponse:
    """Let nobody keep a copy of what a signed-in person is shown, and name the unused powers of the page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store, private"
        response.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return middleware


def session_life(get_response: GetResponse) -> GetResponse:
    """End a session twelve hours after it began, however busy it was; until then work renews it.

    It is written once a minute, not at every request: its thirty minutes run from the last renewal.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            session, now = request.session, int(time.time())
            if now - session.setdefault(STARTED, now) > settings.SESSION_ABSOLUTE_SECONDS:
                logout(request)
                messages.info(request, "Your session ended after twelve hours. Sign in again to go on.")
                is_page = request.method in ("GET", "HEAD")
                return redirect_to_login(request.get_full_path() if is_page else page_of_form(request))
            if abs(now - session.get(RENEWED, 0)) >= settings.SESSION_RENEWAL_SECONDS:
                session[RENEWED] = now
        return get_response(request)

    return middleware


class SignInFirst(LoginRequiredMiddleware):
    """Ask who is not signed in to do so; after a form whose session had ended, lead back to its page."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseRedirect:
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        messages.warning(
            request,
            "Your session had ended, so nothing was done. Sign in: you come back to the page with the form, "
            "and press its button again.",
        )
        return redirect_to_login(page_of_form(request), settings.LOGIN_URL)


OTHER_PERSON = "This page was opened by another person."
LOST = "you may no longer change this."
GONE = "it is no longer there for you: it was removed, or you are no longer on the team."
CLOSED = "it is no longer there for you: it was closed to you, as by a recusal or the end of an assignment."


def same_person(get_response: GetResponse) -> GetResponse:
    """Save nothing that one person typed under the name of another, who signed in meanwhile.

    What is saved while typing says whose page it comes from.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        page_of = request.headers.get("X-Person", "")
        if page_of and request.user.is_authenticated and page_of != str(request.user.pk):
            return JsonResponse({"other": str(request.user), "message": OTHER_PERSON}, status=401)
        return get_response(request)

    return middleware


class RecordRefusals:
    """Put it on a person's record when an act of theirs was refused for lack of a right.

    What is saved while typing is answered in words that its page can show beside the text.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, PermissionDenied):
            record_refusal(request, str(exception))
        if not is_autosave(request) or not request.user.is_authenticated:
            return None
        if isinstance(exception, PermissionDenied):
            return JsonResponse({"message": str(exception) or LOST}, status=403)
        if isinstance(exception, Http404):
            return JsonResponse({"message": CLOSED if request.user.is_government else GONE}, status=404)
        return None


class LeadFirst:
    """Lead a person to what they must do before they may read on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return redirect(exception.url) if isinstance(exception, DoFirst) else None


class WellFormed:
    """Refuse an address with a sign that the database cannot hold: there is nothing under it.

    The API says so in its own words; what a form posts is its fields' to refuse.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if request.path.startswith("/api/"):
            return
        if NUL in request.path:
            raise Http404("No address has this sign.")
        if any(NUL in text for name, values in request.GET.lists() for text in (name, *values)):
            raise BadRequest("No search finds this sign.")
