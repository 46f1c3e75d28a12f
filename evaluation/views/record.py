"""The record for auditors: search the events, verify that nothing was altered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from evaluation.subjects import subjects_of
from evaluation.views.proposals import in_words
from program import audit
from program.deadlines import end_of_day, start_of_day
from program.models import AuditEvent, Seal
from program.record_words import ACTS
from proposals.models import Proposal

if TYPE_CHECKING:
    from datetime import date

    from django.http import HttpResponse

    from program.audit import Verification
    from program.requests import SignedInRequest

PAGE = 50
OLDEST_ID = 2**62


@require_safe
def record(request: SignedInRequest) -> HttpResponse:
    return show_record(request)


def show_record(request: SignedInRequest, verification: Verification | None = None) -> HttpResponse:
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
        proposal = Proposal.objects.visible_to(request.user).filter(number__iexact=asked["proposal"]).first()
        rows = rows.filter(subject_type="proposals.proposal", subject_id=str(proposal.pk) if proposal else "")
    if asked["subject"]:
        kind, _, key = asked["subject"].partition(":")
        rows = rows.filter(subject_type=kind, subject_id=key)
    if day := parse_day(asked["from"]):
        rows = rows.filter(at__gte=start_of_day(day))
    if day := parse_day(asked["to"]):
        rows = rows.filter(at__lt=end_of_day(day))
    if asked["after"].isdecimal() and int(asked["after"]) < OLDEST_ID:
        rows = rows.filter(pk__lt=int(asked["after"]))
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
        "verification": verification,
    }
    return render(request, "evaluation/record.html", facts)


def address(request: SignedInRequest, after: str) -> str:
    """The same search, continued after the event ``after``, or from the newest."""
    query = request.GET.copy()
    query.pop("after", None)
    if after:
        query["after"] = after
    return f"?{query.urlencode()}"


def parse_day(text: str) -> date | None:
    """A day as the browser writes it; nothing for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


@require_POST
def record_verify(request: SignedInRequest) -> HttpResponse:
    """Walk the whole record and say what does not fit."""
    if not request.user.has_perm("program.view_record"):
        raise PermissionDenied("The record as a whole is open to auditors.")
    return show_record(request, audit.verify())
