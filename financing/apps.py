from __future__ import annotations

from django.apps import AppConfig


class FinancingConfig(AppConfig):
    name = "financing"

    def ready(self) -> None:
        # models must be loaded first; these are what the apps below ask and tell
        from financing import dates, fulfilling, hearing  # noqa: F401
        from financing.querysets import sits_in_edag
        from proposals.querysets import SITS_IN_EDAG

        if sits_in_edag not in SITS_IN_EDAG:
            SITS_IN_EDAG.append(sits_in_edag)
