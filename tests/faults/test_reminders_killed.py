"""``kill -9`` of a clock at points of its reminding: each team is told once, whatever died before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from program import clock
from program.clock_account import clock_account
from program.models import AuditEvent, Call, Delivery, Notice, Reminder
from tests.factories.program import AgencyFactory
from tests.factories.proposals import ProposalFactory
from tests.processes import run_in_process

pytestmark = pytest.mark.django_db(transaction=True)
DYING_CLOCKS = """
import os
from django.db import connection
from proposals.schedule import remind_teams
from tests.faults import dying
point, deaths, dead = 1, 0, True
while dead:
    connection.close()
    if not (child := os.fork()):
        connection.ensure_connection()
        dying.left = point
        remind_teams()
        os._exit(0)
    dead = os.waitpid(child, 0)[1] != 0
    deaths += dead
    point += 3
print(deaths)
"""


def test_clock_killed_at_any_point_tells_each_team_once():
    AgencyFactory()
    clock_account()
    proposal = ProposalFactory()
    Call.objects.update(closes_at=clock.instant() + timedelta(hours=6))
    assert int(run_in_process(DYING_CLOCKS)) > 8
    assert Notice.objects.get(kind="proposals.reminded").recipient_id == proposal.created_by_id
    assert Delivery.objects.filter(notice__kind="proposals.reminded").count() == 1
    assert AuditEvent.objects.filter(act="proposal.remind").count() == 1 == Reminder.objects.count()
