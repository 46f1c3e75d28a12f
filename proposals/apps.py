from __future__ import annotations

from django.apps import AppConfig


class ProposalsConfig(AppConfig):
    name = "proposals"

    def ready(self) -> None:
        # models must be loaded first
        from program.notices import closes_notices, withholds
        from program.querysets import keeps_from_record
        from program.services.calls import goes_on
        from program.services.demands import tells_anew
        from program.services.people import bars_from_office
        from program.services.subscriptions import also_tells, counts_consortia, knows
        from proposals import dates  # noqa: F401
        from proposals.querysets import (
            consortia_that_submitted,
            histories_closed_to,
            people_proposing,
            people_who_submitted,
            people_with_more_time,
            works_for_proposers,
        )
        from proposals.services.rechecking import retelling_of
        from proposals.withholding import close_out_of_sight, withheld

        withholds(withheld)
        closes_notices(close_out_of_sight)
        keeps_from_record(histories_closed_to)
        bars_from_office(works_for_proposers)
        also_tells(people_proposing)
        knows(people_who_submitted)
        counts_consortia(consortia_that_submitted)
        goes_on(people_with_more_time)
        tells_anew(retelling_of)
