from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from celery import current_app
from django.contrib.sessions.models import Session

from program import clock
from program.schedule import SCHEDULE, purge_sessions
from program.services.clockwork import do_each
from tests.factories.program import UserFactory


def test_beat_runs_only_tasks_that_exist():
    current_app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(current_app.tasks)


#: What may wait behind a slow mail server or a render; all else belongs to the clock, which never waits.
QUEUES = {
    "proposals.schedule.recheck_drafts": "documents",
    "proposals.schedule.note_lost_certifications": "documents",
    "program.tasks.deliver_notices": "notices",
    "program.tasks.sweep_deliveries": "notices",
    "proposals.tasks.mail_invitation": "notices",
    "proposals.tasks.sweep_invitations": "notices",
    "evaluation.tasks.render_letter": "documents",
    "evaluation.tasks.render_packet": "documents",
    "evaluation.schedule.import_list": "documents",
    "evaluation.schedule.sweep_imports": "documents",
    "evaluation.schedule.screen_parties": "documents",
    "evaluation.tasks.sweep_documents": "documents",
    "evaluation.schedule.sweep_screenings": "documents",
    "proposals.tasks.render_receipt": "documents",
    "proposals.tasks.render_package": "documents",
    "proposals.tasks.sweep_documents": "documents",
    "program.tasks.seal_record": "clock",
    "program.tasks.close_notices": "clock",
}


def test_every_task_has_its_queue_on_purpose():
    current_app.loader.import_default_modules()
    ours = [name for name in current_app.tasks if not name.startswith("celery.")]
    found = {name: current_app.amqp.router.route({}, name)["queue"].name for name in ours}
    clock = {name: "documents" if "scan" in name else "clock" for name in ours if ".schedule." in name}
    assert found == clock | QUEUES


@pytest.mark.django_db
def test_what_fails_at_one_record_leaves_the_later_ones_their_turn(reference_data, caplog):
    records = [UserFactory() for _ in range(3)]

    def act(record, *, by):
        if record == records[0]:
            raise ValueError("of the first")

    assert do_each(act, records) == 2
    assert "The clock failed at a record." in caplog.messages


@pytest.mark.django_db
def test_sessions_that_are_over_are_forgotten(reference_data):
    person = UserFactory()
    for key, left in (("over", -1), ("on", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=clock.now() + timedelta(minutes=left)
        )
        UserSession.objects.create(user=person, session_key=key, ip="192.0.2.1", user_agent="Fictional")
    assert purge_sessions() == 1
    assert Session.objects.get().session_key == UserSession.objects.get().session_key == "on"
