"""Addresses of the desk, the consortium's questions and the public catalog."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path

app_name = "evaluation"
urlpatterns = [
    path("desk/proposals/<str:number>/", lambda r, number: HttpResponse(), name="proposal"),
    path("proposals/<int:pk>/questions/", lambda r, pk: HttpResponse(), name="questions"),
]
