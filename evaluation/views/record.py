"""The record for auditors: search the events, verify that nothing was altered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from evaluation.history import in_words
from evaluation.subjects import subjects_of
from program import days
from program.audit import Walk
from program.deadlines import end_of_day, start_of_day
from program.limits import limited
from program.models import AuditEvent, Seal, Verification
from program.record_words import ACTS
from program.requests import number_said
from program.services.record import ask_for_verification
from proposals.models import Proposal

if TYPE_CHECKING:
    from django.http import HttpResponse

    from program.requests import SignedInRequest

PAGE = 50


@require_safe
@limited("search")
def record(request: SignedInRequest) -> HttpResponse:
    """Events by person, act, proposal and day, the newest first."""
    if not request.user.has_perm("program.view_record"):
        raise PermissionDenied("The record as a whole is open to auditors.")
    asked = {
        name: request.GET.get(name, "").strip()
        for name in ("actor", "act", "proposal", "subject", "from", "to", "after")
    }
    rows = AuditEvent.objects.visible_to(request.user).select_related("actor")
    if asked["actor"]:
        rows = rows.filter(actor__email__iexact=asked["actor"])
    if asked["act"]:
        rows = rows.filter(act__startswith=asked["act"])
    if asked["proposal"]:
        proposal = (
            Proposal.objects.read_by_office(request.user).filter(number__iexact=asked["proposal"]).first()
        )
        rows = rows.filter(subject_type="proposals.proposal", subject_id=str(proposal.pk) if proposal else "")
    if asked["subject"]:
        kind, _, key = asked["subject"].partition(":")
        rows = rows.filter(subject_type=kind, subject_id=key)
    if day := days.read(asked["from"]):
        rows = rows.filter(at__gte=start_of_day(day))
    if day := days.read(asked["to"]):
        rows = rows.filter(at__lt=end_of_day(day))
    if (after := number_said(asked["after"])) is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    page = found[:PAGE]
    subjects = subjects_of(page, request.user)
    facts = {
        "events": [
            {**in_words(event), "subject": subjects[f"{event.subject_type}:{event.subject_id}"]}
            for event in page
        ],
        "asked": asked,
        "subject": subjects.get(asked["subject"]),
        "is_filtered": any(value for name, value in asked.items() if name != "after"),
        "acts": ACTS,
        "next": address(request, str(page[-1].pk)) if len(found) > PAGE else "",
        "newest": address(request, "") if asked["after"] else "",
        "seal": Seal.objects.order_by("-last_event").first(),
        "newest_event": AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0,
        **verification_facts(),
    }
    return render(request, "evaluation/record.html", facts)


def address(request: SignedInRequest, after: str) -> str:
    """The same search, continued after the event ``after``, or from the newest."""
    query = request.GET.copy()
    query.pop("after", None)
    if after:
        query["after"] = after
    return f"?{query.urlencode()}"


def verification_facts() -> dict[str, Any]:
    """The verification that is under way, and the last one with what it found."""
    latest = list(Verification.objects.select_related("asked_by").order_by("-pk")[:2])
    under_way = next((each for each in latest if each.finished_at is None), None)
    last = next((each for each in latest if each.finished_at), None)
    return {
        "under_way": under_way,
        "walk_so_far": Walk.from_json(under_way.walk) if under_way and under_way.walk else None,
        "verification": last,
        "found": Walk.from_json(last.walk) if last else None,
    }


@require_POST
def record_verify(request: SignedInRequest) -> HttpResponse:
    """Have the whole record verified in the background; the page shows what came of it."""
    ask_for_verification(by=request.user)
    messages.info(request, "You asked for a verification. This page says how far it is and what it finds.")
    return redirect("evaluation:record")
