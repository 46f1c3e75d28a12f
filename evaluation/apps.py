from __future__ import annotations

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"

    def ready(self) -> None:
        from evaluation.services.assignments import declare_first  # models must be loaded first
        from proposals.services.reading import before_reading

        before_reading(declare_first)
