"""An announcement while the mail server is down: a real worker, a real server that is stopped and started."""

from __future__ import annotations

import time

import pytest
from celery import current_app

from evaluation import services
from evaluation.models import Designation, Letter
from program import publish
from program.enums import DeliveryState
from program.models import Delivery, Notice
from program.transitions import WrongStatus
from tests.factories import evaluation as make
from tests.factories.proposals import representative_of
from tests.processes import MailServer, celery_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_broker():
    current_app.control.purge()
    publish._silent_until = 0.0
    yield
    current_app.control.purge()


def test_announcement_with_the_mail_server_down_succeeds_once_and_its_letters_go_out_once():
    chief = make.decision_official()
    determination = make.signed(by=chief)
    Delivery.objects.update(state=DeliveryState.SENT)  # what was told on the way there
    down = MailServer()  # has a port, and nobody listens on it
    with celery_worker(mail=down):
        services.announce_determination(determination, by=chief)
        with pytest.raises(WrongStatus):
            services.announce_determination(determination, by=chief)

        owed = Delivery.objects.exclude(state=DeliveryState.SENT)
        told = set(owed.values_list("notice__recipient__email", flat=True))
        assert representative_of(determination.proposal).email in told
        assert owed.count() == Notice.objects.filter(kind="evaluation.announced").count() == len(told)
        wait_until(lambda: not owed.filter(not_before=None).exists(), what="the worker to try each of them")
        assert set(owed.values_list("state", flat=True)) == {DeliveryState.OWED}
        assert (Designation.objects.count(), Letter.objects.count()) == (1, 1)

        back = MailServer()
        back.port = down.port
        back.start()
        try:
            owed.update(not_before=None)
            for _ in range(2):
                current_app.send_task("program.tasks.sweep_deliveries")
            wait_until(lambda: not owed.exists(), what="all to be sent")
            current_app.send_task("program.tasks.sweep_deliveries")
            time.sleep(1)
            assert sorted(envelope.rcpt_tos[0] for envelope in back.messages) == sorted(told)
        finally:
            back.stop()
