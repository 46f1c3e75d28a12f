"""Error pages: what happened in plain words, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.shortcuts import render

from program.requests import is_autosave

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from a page of ours, or one that stood open past the end of the session."""
    if is_autosave(request):
        return JsonResponse({"stale": True}, status=403)
    return render(request, "403_csrf.html", status=403)
