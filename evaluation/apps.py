from __future__ import annotations

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"

    def ready(self) -> None:
        # models must be loaded first; they tell the pages below
        from evaluation import (  # noqa: F401
            agency_tasks,
            closures,
            dates,
            ethics_tasks,
            fulfilling,
            office_tasks,
            standing,
        )
        from evaluation.querysets.reviews import assignments_of
        from evaluation.services.assignments import declare_first
        from evaluation.services.determinations import tell_of_withdrawal
        from evaluation.services.leaving import end_assignments_of
        from evaluation.services.profiles import profile_version
        from program.services.people import when_office_ends
        from proposals.querysets import ASSIGNMENTS
        from proposals.services.reading import before_reading
        from proposals.services.submissions import when_frozen, when_withdrawn

        if assignments_of not in ASSIGNMENTS:
            ASSIGNMENTS.append(assignments_of)
        before_reading(declare_first)
        when_office_ends(end_assignments_of)
        when_frozen(profile_version)
        when_withdrawn(tell_of_withdrawal)
