from __future__ import annotations

from django.apps import AppConfig


class FinancingConfig(AppConfig):
    name = "financing"

    def ready(self) -> None:
        from financing import hearing  # noqa: F401  # models must be loaded first; it hears of designations
