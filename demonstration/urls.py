"""``demonstration/``: what a fictional portal needs and a real one must not have."""

from __future__ import annotations

from django.urls import path

from demonstration.views import mail

app_name = "demonstration"
urlpatterns = [path("mail/", mail, name="mail")]
