from __future__ import annotations

from django.apps import AppConfig


class ProposalsConfig(AppConfig):
    name = "proposals"

    def ready(self) -> None:
        from program.services.people import bars_from_office  # models must be loaded first
        from program.services.subscriptions import also_tells
        from proposals.querysets import people_proposing, works_for_proposers

        bars_from_office(works_for_proposers)
        also_tells(people_proposing)
