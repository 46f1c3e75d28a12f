from __future__ import annotations

from django.apps import AppConfig


class FinancingConfig(AppConfig):
    name = "financing"
