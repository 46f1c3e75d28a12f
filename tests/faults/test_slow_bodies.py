"""Two hundred people send files slowly (R17), in real time: the others' pages come as ever."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as portal
from django.urls import reverse

from program import audit, clock
from program.models import AuditEvent, Document
from proposals import services
from proposals.models import Attachment, Upload
from proposals.schedule import purge_abandoned_uploads
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, representative_of
from tests.faults import proxy
from tests.faults.test_broker_away import p95
from tests.faults.web import TOKEN, session_of, web_server
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
PIECE = 1 << 20
UPLOADERS, OPEN_UPLOADS, STRANGERS, STEADY = 9, 20, 20, 20
SLOW = UPLOADERS * OPEN_UPLOADS + STRANGERS
WATCHED_SECONDS, READERS = 90, 4
assert SLOW == 200


class Slow:
    """One who sends the body of a request at so many bytes a second, an address is shared by 40."""

    def __init__(self, number, path, session="", rate=1, kind="octet-stream"):
        self.number, self.path, self.session, self.rate, self.kind = number, path, session, rate, kind
        self.sent, self.answer, self.answered_after = 0, b"", None

    async def send(self, web, stop):
        secure = {"ssl": proxy.ANY_CERTIFICATE} if web.origin.startswith("https") else {}
        address = (f"127.0.0.{20 + self.number // 40}", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port, local_addr=address, **secure)
        started = time.monotonic()
        writer.write(self.head(web).encode())
        answer = asyncio.ensure_future(reader.read(4000))
        with suppress(OSError):
            while not stop.is_set() and not answer.done():
                if self.sent < PIECE:
                    step = min(self.rate, PIECE - self.sent)
                    writer.write(b"a" * step)
                    self.sent += step
                    await writer.drain()
                await asyncio.wait([answer], timeout=1)
        if answer.done() and not answer.exception():
            self.answer, self.answered_after = answer.result(), time.monotonic() - started
        answer.cancel()
        writer.transport.abort()

    def head(self, web):
        cookies = f"{portal.CSRF_COOKIE_NAME}={TOKEN}; {portal.SESSION_COOKIE_NAME}={self.session}"
        lines = [
            f"POST {self.path} HTTP/1.1",
            "Host: localhost",
            f"Origin: {web.origin}",
            f"Cookie: {cookies}",
            f"X-CSRFToken: {TOKEN}",
            "Upload-Offset: 0",
            f"Content-Type: application/{self.kind}",
            f"Content-Length: {PIECE}",
        ]
        return "\r\n".join([*lines, "", ""])

    def status(self):
        return int(self.answer.split()[1]) if self.answer else None


@contextmanager
def sending(web, people):
    """All of them send at the same time, for as long as this lasts."""
    stop = threading.Event()

    async def all_of_them():
        await asyncio.gather(*[person.send(web, stop) for person in people])

    thread = threading.Thread(target=asyncio.run, args=[all_of_them()])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)


def read_pages(web, proposal, session, until, answers):
    pages = [reverse("proposals:list"), reverse("proposals:detail", args=[proposal.pk])]
    pages += [reverse("proposals:part", args=[proposal.pk, part]) for part in ("overview", "documents")]
    while time.monotonic() < until:
        for page in pages:
            answers.append(web.ask("GET", page, session=session))
        time.sleep(0.5)


def directly(stack, tmp_path):
    return stack.enter_context(web_server(workers=2))


def behind_the_proxy(stack, tmp_path):
    if not proxy.NGINX:
        pytest.skip("nginx is not installed here")
    web = stack.enter_context(web_server(workers=2, TRUSTED_PROXY_COUNT="1"))
    return stack.enter_context(proxy.proxy(web, tmp_path))


@pytest.mark.parametrize("reached", [directly, behind_the_proxy])
def test_two_hundred_slow_bodies_delay_nobody_and_show_nothing(reference_data, reached, tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    call = issued_call()
    people = [
        Slow(number, reverse("account_login"), kind="x-www-form-urlencoded") for number in range(STRANGERS)
    ]
    for _ in range(UPLOADERS):
        proposal = ProposalFactory(call=call)
        by = representative_of(proposal)
        session = session_of(by)
        for number in range(OPEN_UPLOADS):
            upload = services.begin_upload(proposal, by=by, name=f"table-{number}.csv", size=PIECE)
            path = reverse("proposals:upload", args=[proposal.pk, upload.pk])
            people.append(Slow(len(people), path, session))
    steady = people[-STEADY:]
    for person in steady:
        person.rate = 20_000
    read = [ProposalFactory(call=call, complete=True) for _ in range(READERS)]
    readers = [(proposal, session_of(representative_of(proposal))) for proposal in read]
    with ExitStack() as stack:
        web = reached(stack, tmp_path)
        events = AuditEvent.objects.count()
        answers = []
        with sending(web, people):
            wait_until(lambda: all(person.sent > 1 for person in people), what="all of them to send")
            until = time.monotonic() + WATCHED_SECONDS
            threads = [
                threading.Thread(target=read_pages, args=[web, *reader, until, answers]) for reader in readers
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    seconds = [answer.seconds for answer in answers]
    print(f"{len(seconds)} pages, p95 {p95(seconds):.2f} s, slowest {max(seconds):.2f} s.")
    assert {answer.status for answer in answers} == {200}
    assert p95(seconds) <= 2

    # Who is slow and goes on is served
    assert [person.status() for person in steady] == [200] * STEADY
    assert Upload.objects.filter(received=PIECE).count() == STEADY
    # Who drips is told so, or cut
    others = people[:-STEADY]
    if reached is directly:
        assert [person.status() for person in others] == [408] * len(others)
        print(f"Cut after {min(person.answered_after for person in others):.0f} s at the earliest.")
    else:
        assert [person.status() for person in others] == [None] * len(others)
    assert Upload.objects.filter(received=0).count() == UPLOADERS * OPEN_UPLOADS - STEADY
    # Nothing of it is visible, and what is kept is gone within a day
    assert not Attachment.objects.exists() and not Document.objects.exists()
    assert AuditEvent.objects.count() == events and audit.verify().is_sound
    assert len(files_in(settings.MEDIA_ROOT)) == STEADY
    with clock.moved_to(clock.instant() + timedelta(hours=23)):
        purge_abandoned_uploads()
    assert not Upload.objects.exists() and not files_in(settings.MEDIA_ROOT)


def files_in(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]
