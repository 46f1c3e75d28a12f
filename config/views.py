"""Pages about the portal as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render

from config.documentation import stored_coverage
from program.order import implements

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_not_required
@implements("s.3(a)")
def order(request: HttpRequest) -> HttpResponse:
    """How the order is implemented: clause, screen, rule, test."""
    return render(request, "config/order.html", {"clauses": stored_coverage()})
