"""A person's own notices; reading one is a POST, because opening a page changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program import clock
from program.enums import MailChoice, Mailed
from program.forms import MailPreferenceForm
from program.models import Notice, Suppression
from program.notice_kinds import CATALOGUE
from program.querysets import DIGEST
from program.requests import SignedInRequest, number_said
from program.services.preferences import DIGEST_HOUR, choice_of, choose_mail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from program.models import User
    from program.notice_kinds import NoticeKind

PAGE = 25


@require_safe
def notice_list(request: SignedInRequest) -> HttpResponse:
    """The newest 25 notices, or those before the one named in ``before``."""
    notices = Notice.objects.visible_to(request.user).order_by("-pk")
    before = number_said(request.GET.get("before", ""))
    if before is not None:
        notices = notices.filter(pk__lt=before)
    found = list(notices[: PAGE + 1])
    older = f"?before={found[PAGE - 1].pk}" if len(found) > PAGE else ""
    newest = request.path if before else ""
    suppressed = Suppression.objects.filter(email=request.user.email).first()
    facts = {
        "notices": found[:PAGE], "older": older, "newest": newest, "before": before, "suppressed": suppressed,
    }  # fmt: skip
    return render(request, "program/notices.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def mail_preference(request: SignedInRequest) -> HttpResponse:
    """How the person is mailed, and what is always mailed whatever they choose."""
    chosen = choice_of(request.user)
    form = MailPreferenceForm(request.POST if request.method == "POST" else None, initial={"choice": chosen})
    if request.method == "POST" and form.is_valid():
        choose_mail(MailChoice(form.cleaned_data["choice"]), by=request.user)
        messages.success(request, "Saved. Your notices go this way from now on.")
        return redirect("program:mail-preference")
    kinds = kinds_for(request.user)
    facts = {
        "form": form,
        "hour": DIGEST_HOUR,
        "always": once(kind for kind in kinds if kind.mailed == Mailed.ALWAYS and kind.code != DIGEST),
        "at_once": once(kind for kind in kinds if kind.mailed == Mailed.AT_ONCE),
    }
    return render(request, "program/mail_preference.html", facts, status=422 if form.errors else 200)


def kinds_for(person: User) -> list[NoticeKind]:
    """The kinds that may come to a person: those of the Government's work only to who holds an office."""
    kinds = [
        kind
        for kind in CATALOGUE.values()
        if (person.holds(*kind.roles) if kind.roles else person.is_government or not kind.is_internal)
    ]
    return sorted(kinds, key=lambda kind: kind.when)


def once(kinds: Iterable[NoticeKind]) -> list[NoticeKind]:
    """One of those that tell different people of the same event."""
    return list({kind.when: kind for kind in kinds}.values())


@require_POST
def read_one(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mark one notice read and go where it points."""
    notice = get_object_or_404(Notice.objects.visible_to(request.user), pk=pk)
    Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=clock.instant())
    return redirect("program:notices" if request.POST.get("stay") else notice.url)


@require_POST
def read_all(request: SignedInRequest) -> HttpResponse:
    """Mark every notice of the person read."""
    Notice.objects.visible_to(request.user).unread().update(read_at=clock.instant())
    return redirect("program:notices")
