"""The pages around the calls: home, accessibility, privacy, status, and the way after sign-in."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from program import clock, library
from program.context_processors import AT_THE_DESK, IN_THE_EDAG
from program.enums import DeliveryState
from program.figures import FIGURES
from program.models import Call, Delivery, Duty
from program.querysets import LATE
from program.requests import SignedInRequest
from program.views.calls import is_open

LAYERS = (
    ("Hardware and infrastructure", "Chips, servers, storage, cloud and networking", "s.3(b)(i)(A)"),
    ("Data", "Data pipelines and labeling systems", "s.3(b)(i)(B)"),
    ("Models", "AI models and systems", "s.3(b)(i)(C)"),
    ("Security", "Measures for the security of models and systems", "s.3(b)(i)(D)"),
    ("Applications", "Uses such as health care, education, farming or transport", "s.3(b)(i)(E)"),
)
SECURITY_TXT_DAYS = 180


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the Program is, the open call that closes first, else the last one, and three numbers."""
    calls = list(Call.objects.public().defer("text", "certification_text").order_by("-issued_at"))
    opened = [call for call in calls if is_open(call, call.asked_at)]  # type: ignore[attr-defined]
    opened.sort(key=lambda call: (call.closes_at, call.pk))
    current = opened[0] if opened else None
    held = Count("pk", filter=Q(pk__in=Duty.objects.held().values("pk")))
    duties = Duty.objects.aggregate(total=Count("pk"), held=held)
    facts = {
        "call": current,
        "other_calls": opened[1:],
        "last_call": None if current or not calls else calls[0],
        "call_count": len(calls),
        "figures": [count() for count in FIGURES],
        "duties": duties,
        "duties_note": f"of {duties['total']}",
        "layers": LAYERS,
        "disclaimer": library.DISCLAIMER,
    }
    return render(request, "program/home.html", facts)


@require_safe
def start(request: SignedInRequest) -> HttpResponse:
    """Where a person who signed in begins, by role."""
    user = request.user
    names = ["program:organizations"]
    if user.is_government:
        names = ["financing:edag"] if user.holds(*IN_THE_EDAG) and not user.holds(*AT_THE_DESK) else []
        names += ["evaluation:desk", "program:desk-calls"]
    elif user.affiliations.exists():
        names = ["proposals:list"]
    for name in names:
        try:
            return redirect(reverse(name))
        except NoReverseMatch:
            continue
    return redirect("program:home")


@login_not_required
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "program/accessibility.html")


@login_not_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    notices = {"privacy": library.PRIVACY, "confidentiality": library.CONFIDENTIALITY}
    return render(request, "program/privacy.html", notices)


@login_not_required
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """What works right now, in words; nothing that names a person or a proposal.

    Who reads the log of mail is led to the messages behind the figures.
    """
    try:
        at = clock.instant()
        waiting = Delivery.objects.late(at).count()
        overdue = Call.objects.due_to_close(at - timedelta(minutes=5)).count()
        log = troubles(request, at) if request.user.has_perm("program.view_delivery") else []
    except DatabaseError:
        return render(request, "program/status.html", {"database": False}, status=503)
    facts = {"database": True, "at": at, "waiting": waiting, "overdue": overdue, "log": log}
    return render(request, "program/status.html", facts)


def troubles(request: HttpRequest, at: datetime) -> list[tuple[str, str, int]]:
    """What this reader of the log finds there that did not go: in words, by which filter, how many."""
    rows = Delivery.objects.visible_to(request.user)
    return [
        ("Waits longer than five minutes", LATE, rows.late(at).count()),
        *(
            (str(state.label), state.value, rows.filter(state=state).count())
            for state in (DeliveryState.FAILED, DeliveryState.UNKNOWN)
        ),
    ]


@login_not_required
@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a weakness, RFC 9116; the expiry lies half a year ahead of every answer."""
    expires = datetime.combine(clock.today() + timedelta(days=SECURITY_TXT_DAYS), time.min)
    lines = [
        f"Contact: mailto:{settings.SECURITY_CONTACT}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {settings.SITE_URL}{reverse('program:security-txt')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
