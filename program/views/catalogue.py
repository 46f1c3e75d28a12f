"""The catalogue of notices at the desk: every kind, when it is sent to whom, and what its mail looks like."""

from __future__ import annotations

import base64
import hashlib
from itertools import groupby
from typing import TYPE_CHECKING

from csp.constants import NONE, SELF
from csp.decorators import csp_replace, csp_update
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from program.notice_kinds import CATALOGUE
from program.notices import sample_mail

if TYPE_CHECKING:
    from program.notice_kinds import NoticeKind
    from program.requests import SignedInRequest

AREAS = {
    "": "Calls, questions and following",
    "proposals": "Consortia and proposals",
    "documents": "Files",
    "evaluation": "Evaluation, decision and designation",
    "financing": "Federal financing",
}


@require_safe
def kind_list(request: SignedInRequest) -> HttpResponse:
    """Every kind of notice by its area; for those who read the log of mail."""
    readers_of_mail(request)
    return render(
        request, "program/desk/notice_kinds.html", {"areas": kinds_by_area(), "count": len(CATALOGUE)}
    )


def kinds_by_area() -> list[tuple[str, list[NoticeKind]]]:
    kinds = sorted(CATALOGUE.values(), key=lambda kind: (place(kind), kind.in_words))
    return [(list(AREAS.values())[number], list(found)) for number, found in groupby(kinds, key=place)]


def place(kind: NoticeKind) -> int:
    area = kind.code.rpartition(".")[0]
    return list(AREAS).index(area) if area in AREAS else 0


def readers_of_mail(request: SignedInRequest) -> None:
    if not request.user.has_perm("program.view_delivery"):
        raise Http404


def named(request: SignedInRequest, code: str) -> NoticeKind:
    readers_of_mail(request)
    if code not in CATALOGUE:
        raise Http404("No notice is of this kind.")
    return CATALOGUE[code]


@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
@require_safe
def kind_preview(request: SignedInRequest, code: str) -> HttpResponse:
    """One kind with its mail, as text and as it stands on a phone."""
    kind = named(request, code)
    message = sample_mail(kind)
    facts = {"kind": kind, "subject": message.subject, "text": message.body}
    return render(request, "program/desk/notice_kind.html", facts)


def style_hash() -> str:
    """What lets the one style of our mails apply where the portal shows one, and no other."""
    digest = hashlib.sha256(render_to_string("emails/style.css").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@csp_replace({"script-src": [NONE], "style-src": [style_hash()], "frame-ancestors": [SELF]})  # type: ignore[arg-type]
@xframe_options_sameorigin
@require_safe
def kind_mail(request: SignedInRequest, code: str) -> HttpResponse:
    """The HTML of the mail alone, to be framed."""
    ((html, _),) = sample_mail(named(request, code)).alternatives
    return HttpResponse(html)
