"""The web worker receives a request before a thread has it: a real gunicorn with one thread (R17)."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256

import pytest

from tests.faults.web import web_server
from tests.processes import wait_until

BODY = bytes(range(256)) * 12_000
"""3 MB: larger than what is received in memory, and than the small disk."""
LINES_AT_REST = 2
"""The one that listens, and the one on which is asked."""


@pytest.fixture(scope="module")
def server(django_db_setup):
    with web_server(application="tests.config.echo:application", threads=1, preload=False) as found:
        found.files_at_rest = held(found)[0]
        yield found


def head(length=0, path="/", **more):
    headers = {"Host": "localhost", "Content-Length": length} | more
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode()


@contextmanager
def line_to(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        yield line


def answer_on(line):
    answer = http.client.HTTPResponse(line, method="POST")
    answer.begin()
    text = answer.read().decode()
    return answer.status, json.loads(text) if answer.status == 200 else text


def ask(server, path="/"):
    answer = server.ask("GET", path)
    assert answer.status == 200
    return json.loads(answer.text)


def held(server):
    return tuple(ask(server)["held"])


def assert_nothing_came_of_it(server, posted):
    at_rest = server.files_at_rest, LINES_AT_REST
    wait_until(lambda: held(server) == at_rest, what="what was received to go, and its line")
    assert ask(server)["posted"] == posted


def digest(body):
    return sha256(body).hexdigest()


@pytest.mark.parametrize("body", [b"", b"a" * 100, BODY], ids=["none", "small", "large"])
def test_request_is_answered_whole_however_it_is_cut(server, body):
    request = head(len(body)) + body
    for cuts in ([], [1], [10, 11, len(head(len(body))) - 2], [len(request) - 1], [len(request) // 2]):
        with line_to(server) as line:
            for start, end in zip([0, *cuts], [*cuts, len(request)], strict=True):
                line.sendall(request[start:end])
                time.sleep(0.05)
            status, facts = answer_on(line)
            assert (status, facts["sha256"]) == (200, digest(body)), cuts


def test_who_sends_slowly_keeps_nobody_waiting_and_is_answered_in_the_end(server):
    with line_to(server) as slow, line_to(server) as silent, line_to(server) as headless:
        slow.sendall(head(len(BODY)) + BODY[:-100])
        headless.sendall(b"POST / HTTP/1.1\r\nHos")
        for rest in range(100, 0, -20):
            started = time.monotonic()
            ask(server)
            assert time.monotonic() - started < 0.5
            slow.sendall(BODY[-rest : len(BODY) - rest + 20])
        assert answer_on(slow)[1]["sha256"] == digest(BODY)
        silent.sendall(head())
        assert answer_on(silent)[0] == 200


def test_connection_is_used_again_and_requests_sent_at_once_are_all_answered(server):
    with line_to(server) as line:
        line.sendall(head(3, "/1/") + b"abc" + head(0, "/2/"))
        line.sendall(head(len(BODY), "/3/") + BODY + head(0, "/4/"))
        answers = b""
        while answers.count(b"}") < 4:
            block = line.recv(1 << 16)
            assert block, "The line was closed."
            answers += block
        found = [json.loads(answer) for answer in re.findall(rb"{.*?}", answers)]
        assert [facts["path"] for facts in found] == ["/1/", "/2/", "/3/", "/4/"]
        assert found[2]["sha256"] == digest(BODY)
        line.sendall(head(len(BODY), "/5/") + BODY)
        assert answer_on(line)[1]["sha256"] == digest(BODY)


def test_who_asks_first_is_told_to_go_on(server):
    with line_to(server) as line:
        line.sendall(head(3, Expect="100-continue"))
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"abc")
        assert answer_on(line)[1]["sha256"] == digest(b"abc")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (head(3, Transfer_Encoding="chunked"), 411),
        (head(200 << 20), 413),
        (head()[:-2] + b"X: " + b"x" * 70_000, 431),
        (b"nonsense\r\n\r\n", 400),
        (head("x"), 400),
        (head("0000000000000010") + b"0123456789", 400),
        (head()[:-2] + b"X: a\nContent-Length: 5\r\n\r\n", 400),
        (head()[:-2] + b"Content-Length: 5\r\n\r\n", 400),
    ],
    ids=[
        "chunked",
        "too-large",
        "endless-head",
        "nonsense",
        "no-number",
        "long-number",
        "bare-line",
        "two-lengths",
    ],
)
def test_what_is_not_taken_is_said_at_once_and_the_line_closed(server, request_, status):
    with line_to(server) as line:
        line.sendall(request_)
        assert answer_on(line)[0] == status
        assert line.recv(1) == b""
    ask(server)


@pytest.mark.parametrize("request_", [head()[:-2], head(100) + b"a", head(len(BODY)) + BODY[:500_000]])
def test_who_falls_silent_is_told_and_let_go(server, request_):
    posted = ask(server)["posted"]
    with line_to(server) as line:
        line.sendall(request_)
        status, text = answer_on(line)
        assert (status, "Go back and try again" in text) == (408, True)
    assert_nothing_came_of_it(server, posted)


def test_who_drips_is_let_go_after_the_grace(server):
    with line_to(server) as line:
        line.sendall(head(len(BODY)))
        started = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - started < 8:
                line.sendall(b"a")
                line.settimeout(0.3)
                with suppress(TimeoutError):
                    assert answer_on(line)[0] == 408
                    break
        assert 4 <= time.monotonic() - started < 7


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_body_reaches_nobody_and_leaves_nothing(server, share):
    posted = ask(server)["posted"]
    with line_to(server) as line:
        line.sendall(head(len(BODY)) + BODY[: int(len(BODY) * share)])
        arriving = server.files_at_rest + 1, LINES_AT_REST + 1
        wait_until(lambda: held(server) == arriving, what="the line, and the file behind it")
    assert_nothing_came_of_it(server, posted)


def test_nobody_waits_for_those_who_do_not_hang_up(server):
    lines = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(10)]
    started = time.monotonic()
    for line in lines:
        line.sendall(head(Connection="close"))
        assert answer_on(line)[0] == 200
    assert time.monotonic() - started < 1.5
    for line in lines:
        line.close()


def test_request_under_way_is_answered_when_the_server_stops():
    with web_server(application="tests.config.echo:application", threads=1, preload=False) as server:
        with line_to(server) as line, line_to(server):
            line.sendall(head(len(BODY)) + BODY[:1_000_000])
            time.sleep(0.3)
            server.process.terminate()
            time.sleep(1.5)
            line.sendall(BODY[1_000_000:])
            assert answer_on(line)[1]["sha256"] == digest(BODY)
        wait_until(lambda: server.process.poll() is not None, seconds=10, what="the server to end")


def test_body_that_has_no_room_on_the_disk_still_reaches_the_application():
    with web_server(application="tests.config.echo:application", threads=1, preload=False) as server:
        ask(server, "/small-disk/")
        for cut in (500_000, 2_000_000):
            with line_to(server) as line:
                line.sendall(head(len(BODY)) + BODY[:cut])
                time.sleep(0.2)
                line.sendall(BODY[cut:])
                assert answer_on(line)[1]["sha256"] == digest(BODY)


def test_more_than_there_is_room_for_is_refused_and_what_was_there_is_answered(server):
    with ExitStack() as opened:
        lines = [opened.enter_context(line_to(server)) for _ in range(12)]
        for line in lines:
            with suppress(ConnectionError):
                line.sendall(head(len(BODY)) + BODY[:-1])
        statuses = []
        for line in lines:
            with suppress(ConnectionError):
                line.sendall(BODY[-1:])
            with suppress(ConnectionError):
                statuses.append(answer_on(line)[0])
    assert set(statuses) == {200, 503}
    with line_to(server) as line:
        line.sendall(head(len(BODY)) + BODY)
        assert answer_on(line)[0] == 200, "the room is there again"
