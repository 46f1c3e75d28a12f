"""Following calls by e-mail without an account: ask, confirm, stop. Only a POST confirms or stops.

And the link of the daily digest, which works without sign-in too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.core import ratelimit
from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from program.enums import MailChoice
from program.forms import SubscribeForm
from program.notices import STOP_SALT, stop_path
from program.services import preferences, subscriptions
from program.services.subscriptions import LinkEnded

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

FORM = ["GET", "HEAD", "POST"]
#: Seconds within which a network's requests are counted, as ``ACCOUNT_RATE_LIMITS`` says of "subscribe"
HOUR = 3600


@login_not_required
@require_http_methods(FORM)
def subscribe(request: HttpRequest) -> HttpResponse:
    """Send an address the link that confirms it; the answer is the same whoever has it."""
    said = request.GET.dict()
    number = said.get("call", "")
    if is_ended := bool(number) and SubscribeForm.call_numbered(number) is None:
        del said["call"]
    form = SubscribeForm(request.POST if request.method == "POST" else None, initial=said)
    if request.method == "POST" and form.is_valid():
        if not ratelimit.consume(request, action="subscribe"):
            return too_often(request, form)
        email = form.cleaned_data["email"]
        if ratelimit.consume(request, action="subscribe_address", key=email.lower()):
            subscriptions.ask_to_follow(form.cleaned_data["call"], email=email)
        return redirect("program:subscription-asked")
    return show_form(request, form, 422 if form.errors else 200, is_ended=is_ended)


def show_form(
    request: HttpRequest, form: SubscribeForm, status: int, *, is_ended: bool = False
) -> HttpResponse:
    facts = {"form": form, "call": form.call_asked, "is_ended": is_ended}
    return render(request, "program/subscriptions/subscribe.html", facts, status=status)


def too_often(request: HttpRequest, form: SubscribeForm) -> HttpResponse:
    """Show the form again with what was typed: this network asked as often as it may within an hour."""
    form.add_error(None, "Many addresses came from your network, so nothing was sent. Try again in an hour.")
    answer = show_form(request, form, 429)
    answer["Retry-After"] = str(HOUR)
    return answer


@login_not_required
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    return render(request, "program/subscriptions/asked.html")


def not_whole(request: HttpRequest) -> HttpResponse:
    """A link to stop that was cut off on its way says how to find the whole one."""
    reason = "This link is not whole, so nothing was stopped. Open it from the mail once more."
    facts = {"reason": reason, "is_stop": True}
    return kept_by_nobody(render(request, "program/subscriptions/ended.html", facts, status=410))


def kept_by_nobody(response: HttpResponse) -> HttpResponse:
    """A page behind a link that is a key: no index names it."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@login_not_required
@never_cache
@require_http_methods(FORM)
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of the mail; its button confirms the address."""
    try:
        if request.method == "POST":
            subscriptions.confirm(token)
            return kept_by_nobody(redirect(request.path))
        facts = {"subscription": subscriptions.to_confirm(token)}
    except LinkEnded as reason:
        ended = render(request, "program/subscriptions/ended.html", {"reason": str(reason)}, status=410)
        return kept_by_nobody(ended)
    return kept_by_nobody(render(request, "program/subscriptions/confirm.html", facts))


@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(FORM)
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """End a subscription; mail programs press the button themselves, without a page before (RFC 8058)."""
    try:
        row = subscriptions.found_by(token, salt=STOP_SALT)
        if request.method == "POST":
            subscriptions.stop(token)
    except BadSignature:
        return not_whole(request)
    is_over = row is None or row.refused_at is not None or request.method == "POST"
    is_refused = row is not None and not row.stands
    standing = subscriptions.standing_of(row) if row and is_refused else []
    facts = {
        "subscription": row,
        "is_over": is_over,
        "is_refused": is_refused,
        "standing": [(each, stop_path(each)) for each in standing],
    }
    return kept_by_nobody(render(request, "program/subscriptions/stop.html", facts))


@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(FORM)
def mail_stop(request: HttpRequest, token: str) -> HttpResponse:
    """Turn off the mail that may be turned off; mail programs press the button themselves (RFC 8058)."""
    try:
        reader = preferences.reader_of(token)
    except BadSignature:
        return not_whole(request)
    if reader is None:
        raise Http404("The account is closed.")
    if request.method == "POST":
        preferences.choose_mail(MailChoice.OFF, by=reader)
    facts = {"is_over": preferences.choice_of(reader) == MailChoice.OFF}
    return kept_by_nobody(render(request, "program/mail_stop.html", facts))
