"""A person's days as a calendar to subscribe to: its page, and the file behind the secret address."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_http_methods, require_safe

from program.calendars import event, feed_file
from program.dates import dates_of
from program.limits import count_use
from program.models import CalendarFeed
from program.moments import last_minute, moment
from program.services.feeds import address_of, close_feed, open_feed, opened_by, renew_feed

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from program.models import User
    from program.requests import SignedInRequest

DONE = {
    "open": "Your calendar has an address now.",
    "renew": "Your calendar has a new address. The old one answers nobody any more.",
    "close": "Nobody can read your calendar any more.",
}


@require_http_methods(["GET", "HEAD", "POST"])
def calendar(request: SignedInRequest) -> HttpResponse:
    """The address of the person's calendar, and what stands in it now."""
    if request.method == "POST":
        act = {"open": open_feed, "renew": renew_feed, "close": close_feed}.get(request.POST.get("act", ""))
        if act and act(by=request.user):
            messages.success(request, DONE[request.POST["act"]])
        return redirect("program:calendar")
    feed = CalendarFeed.objects.filter(user=request.user).first()
    facts = {"address": address_of(feed) if feed else "", "dates": dates_of(request.user)}
    return render(request, "program/calendar.html", facts)


@login_not_required
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """The file, for whoever has the address; what the person may see is asked at every fetch."""
    feed = opened_by(token)
    if feed is None:
        raise Http404("No calendar has this address.")
    count_use(request, "calendar", whose=f"feed-{feed.pk}")
    content = file_of(feed.user)
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    whole = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response = get_conditional_response(request, etag=etag, response=whole) or whole
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def file_of(user: User) -> bytes:
    host = urlsplit(settings.SITE_URL).hostname
    events = (
        event(
            uid=f"{due.key}@{host}",
            title=due.title,
            text=f"Until {moment(last_minute(due.at))}.",
            url=f"{settings.SITE_URL}{due.url}",
            at=due.at,
            stamped_at=due.stamped_at,
        )
        for due in dates_of(user)
    )
    return feed_file(events, name=settings.SITE_NAME)
