"""The addresses of the portal, app by app."""

from __future__ import annotations

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from config.views import order
from program.views.health import healthz, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("accounts/", include("allauth.urls")),
    path("order/", order, name="order"),
    path("api/v1/", include("config.api")),
    path("", include("financing.urls")),
    path("", include("evaluation.urls")),
    path("", include("proposals.urls")),
    path("", include("program.urls")),
]

if apps.is_installed("demonstration"):
    urlpatterns.append(path("demonstration/", include("demonstration.urls")))
