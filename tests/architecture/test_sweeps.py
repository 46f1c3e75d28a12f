"""What a dead worker held is looked for so often that it is resumed within 90 seconds (R05)."""

from __future__ import annotations

import pytest

from evaluation.schedule import SCHEDULE as EVALUATION
from program import leases, notices
from program.schedule import SCHEDULE as PROGRAM
from proposals.schedule import SCHEDULE as PROPOSALS

LEASES = {
    "program.tasks.sweep_deliveries": notices.LEASE,
    "proposals.tasks.sweep_invitations": notices.LEASE,
    "proposals.tasks.sweep_documents": leases.LEASE,
    "evaluation.tasks.sweep_documents": leases.LEASE,
    "evaluation.schedule.sweep_imports": leases.LEASE,
    "evaluation.schedule.sweep_screenings": leases.LEASE,
    "program.schedule.sweep_scans": leases.LEASE,
}
RESUMED_SECONDS, SETTING_OUT_SECONDS = 90, 20


@pytest.mark.parametrize("task", LEASES)
def test_lease_and_sweep_together_leave_time_to_do_it(task):
    entries = [*PROGRAM.values(), *PROPOSALS.values(), *EVALUATION.values()]
    (every,) = [entry["schedule"] for entry in entries if entry["task"] == task]
    assert LEASES[task].total_seconds() + every + SETTING_OUT_SECONDS <= RESUMED_SECONDS
