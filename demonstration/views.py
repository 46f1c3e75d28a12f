"""The mail folder: a demonstration sends no mail, and who signs up must find the link somewhere."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from demonstration.mail import newest_mails

SHOWN = 30


@require_safe
@login_not_required
def mail(request: HttpRequest) -> HttpResponse:
    """The newest mails that the portal wrote to its folder."""
    return render(request, "demonstration/mail.html", {"mails": newest_mails(SHOWN), "shown": SHOWN})
