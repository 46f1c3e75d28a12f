"""The addresses of the portal and the empty page beside them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@login_not_required
def empty(request: HttpRequest) -> HttpResponse:
    """Two bytes through the standard middleware: what every other page is compared with."""
    return HttpResponse("ok")


urlpatterns = [path("bench/empty/", empty, name="empty"), path("", include("config.urls"))]
