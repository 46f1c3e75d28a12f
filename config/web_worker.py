"""A gunicorn worker whose threads get a request when all of it is there.

In gunicorn's own workers a thread waits for the bytes of a body: sixteen slow clients, and nobody else is
served. Here the loop that accepts connections also receives, as a proxy does that buffers bodies, so that a
slow client costs a socket and the room for what it sent. It speaks plain HTTP; TLS is the proxy's.
"""

from __future__ import annotations

import errno
import io
import re
import selectors
import socket
import tempfile
import time
from functools import partial
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Final

from django.conf import settings
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

if TYPE_CHECKING:
    from concurrent.futures import Future

BLOCK: Final = 1 << 18
IN_MEMORY: Final = 1 << 16
LARGEST_HEAD: Final = 1 << 16
BESIDE_THE_FILE: Final = 5 << 20  # what a form may bring with its file
NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE}

HEAD_SECONDS: Final = 15
SILENCE_SECONDS: Final = 30
GRACE_SECONDS: Final = 60  # after it a client that brings less than so many bytes a second is too slow
LEAST_RATE: Final = 1024
LONGEST_SECONDS: Final = 30 * 60
LINE_SECONDS: Final = 60  # how long a thread may wait for what found no room
MOST_KEPT: Final = 400 << 20  # bytes received and not yet answered, a worker; two fill no tmpfs of 1 GB
LINGER_SECONDS: Final = 2

END_OF_HEAD: Final = b"\r\n\r\n"
LENGTHS: Final = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
LENGTH: Final = re.compile(rb"\d{1,15}[ \t]*")
BARE_LINE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")
IN_CHUNKS: Final = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
ASKS_FIRST: Final = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
WORDS: Final = {
    HTTPStatus.BAD_REQUEST: "The headers are not those of a request.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many files are arriving. Nothing was saved; try again in a minute.",
    HTTPStatus.REQUEST_TIMEOUT: "What you sent came too slowly and was not saved. Go back and try again.",
    HTTPStatus.LENGTH_REQUIRED: "Say with Content-Length how many bytes you send.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "This is more than the portal takes at once.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are larger than the portal takes.",
}


class Refused(Exception):
    """The request will not be taken; ``code`` says why."""

    def __init__(self, code: HTTPStatus) -> None:
        super().__init__(code)
        self.code = code


class Received(SocketUnreader):
    """The bytes of one request: those in ``file``, those that had no room there, then the line if need be."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.begin()

    def begin(self) -> None:
        self.file: IO[bytes] = io.BytesIO()
        self.rest = self.next_request = b""
        self.line_goes_on = False

    def keep(self, block: bytes) -> None:
        """Where the disk has no room, ``line_goes_on``: a thread receives the rest, and the form says so."""
        left = memoryview(block)
        try:
            while left:
                left = left[self.file.write(left) :]
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.rest = bytes(left)
            self.go_on()

    def go_on(self) -> None:
        self.line_goes_on, self.line_until = True, time.monotonic() + LINE_SECONDS

    def use_disk(self) -> None:
        head = self.file
        try:
            self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lasts as long as the request
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.go_on()
        else:
            self.keep(head.getvalue())  # type: ignore[attr-defined]

    def chunk(self, size_hint: int | None = None) -> bytes:
        if block := self.file.read(min(max(size_hint or 0, self.mxchunk), BLOCK)):
            return block
        if block := self.rest:
            self.rest = b""
            return block
        if not self.line_goes_on:
            return b""
        self.sock.settimeout(max(self.line_until - time.monotonic(), 0.001))
        return bytes(super().chunk(size_hint))


class Connection(TConn):
    """A connection on which one request after another arrives."""

    def __init__(self, worker: WebWorker, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.worker = worker
        self.parser = RequestParser(worker.cfg, sock, client)
        self.parser.unreader = self.received = Received(sock)
        self.initialized = self.data_ready = True

    def begin(self) -> bytes:
        """Await a request; returns what came behind the one before."""
        early: bytes = self.received.take_buffered()
        self.received.begin()
        self.began_at = self.heard_at = time.monotonic()
        self.head = b""
        self.size, self.ends_at, self.kept = 0, 0, 0
        return early

    def put_away(self) -> None:
        """Let go of what was received."""
        self.received.file.close()
        self.worker.kept -= self.kept
        self.kept = 0

    def take(self, block: bytes) -> bool:
        """Keep what has arrived; True when a thread may have the request. Raises Refused."""
        self.heard_at = time.monotonic()
        if not self.ends_at:
            self.head += block
            end = self.head.find(END_OF_HEAD)
            if end < 0 and len(self.head) > LARGEST_HEAD:
                raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            if end < 0:
                self.size = len(self.head)
                return False
            block, self.size = self.head, 0
            self.ends_at = end + len(END_OF_HEAD) + self.length_of_body(self.head[: end + 2])
            if self.ends_at > IN_MEMORY:
                self.received.use_disk()
        mine = block[: self.ends_at - self.size]
        self.kept += self.worker.make_room(len(mine))
        self.received.next_request = block[len(mine) :]
        self.received.keep(mine)
        self.size += len(mine)
        return self.size == self.ends_at or self.received.line_goes_on

    def length_of_body(self, head: bytes) -> int:
        if IN_CHUNKS.search(head):
            raise Refused(HTTPStatus.LENGTH_REQUIRED)
        said = LENGTHS.findall(head)
        if BARE_LINE.search(head) or len(said) > 1 or not all(map(LENGTH.fullmatch, said)):
            raise Refused(HTTPStatus.BAD_REQUEST)  # as another reader might find another end
        length = int(said[0]) if said else 0
        if length > settings.DOCUMENT_MAX_BYTES + BESIDE_THE_FILE:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if length and ASKS_FIRST.search(head):
            self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return length

    def is_too_slow(self, now: float) -> bool:
        took = now - self.began_at
        if not self.ends_at:
            return took > HEAD_SECONDS
        if took > LONGEST_SECONDS:
            return True
        return now - self.heard_at > SILENCE_SECONDS or self.size < LEAST_RATE * (took - GRACE_SECONDS)

    def close(self, graceful: bool = False) -> None:
        """Close; gracefully without keeping the loop waiting until the other side does too."""
        if graceful:
            self.worker.let_go(self)
        else:
            super().close()


class WebWorker(ThreadWorker):
    """Threads that answer, and a loop that receives."""

    def init_process(self) -> None:
        self.arriving: set[Connection] = set()
        self.kept = 0
        self.leaving: dict[Connection, float] = {}
        self.looked_at = time.monotonic()
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            time.sleep(0.05)  # no more connections for now; those that are there go on
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self, sock, client, listener.getsockname()))

    def make_room(self, size: int) -> int:
        """Room for ``size`` more bytes. Raises Refused when too many are here already."""
        if self.kept + size > MOST_KEPT:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        self.kept += size
        return size

    def enqueue_req(self, conn: Connection) -> None:
        """Await a request, whose first bytes are mostly there: a thread gets it when it is whole."""
        conn.sock.setblocking(False)
        early = conn.begin()
        self.arriving.add(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.receive, conn))
        self.receive(conn, early=early)

    def receive(self, conn: Connection, fileobj: object = None, *, early: bytes = b"") -> None:
        try:
            if early and conn.take(early):
                return self.hand_over(conn)
            if not (block := conn.sock.recv(BLOCK)):
                return self.drop(conn)
            if conn.take(block):
                self.hand_over(conn)
        except BlockingIOError:
            pass
        except Refused as refusal:
            self.refuse(conn, refusal.code)
        except OSError:
            self.drop(conn)

    def hand_over(self, conn: Connection) -> None:
        """Let a thread answer."""
        self.forget(conn)
        conn.received.file.seek(0)
        super().enqueue_req(conn)

    def finish_request(self, conn: Connection, future: Future[Any]) -> None:
        conn.put_away()
        if early := conn.received.next_request:
            conn.received.unread(early)
        super().finish_request(conn, future)

    def forget(self, conn: Connection) -> None:
        self.arriving.discard(conn)
        self.poller.unregister(conn.sock)

    def drop(self, conn: Connection) -> None:
        self.forget(conn)
        self.nr_conns -= 1
        conn.put_away()
        conn.close()

    def refuse(self, conn: Connection, status: HTTPStatus) -> None:
        words = f"{WORDS[status]}\n".encode()
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        self.forget(conn)
        self.nr_conns -= 1
        conn.put_away()
        try:
            conn.sock.send(head.encode() + b"Content-Length: %d\r\n\r\n" % len(words) + words)
        except OSError:
            conn.close()
        else:
            self.let_go(conn)

    def let_go(self, conn: Connection) -> None:
        """Say that nothing follows, and close when the other side has read it, or soon."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.drain, conn))
        except (OSError, ValueError):
            conn.close()
        else:
            self.leaving[conn] = time.monotonic() + LINGER_SECONDS
            self.nr_conns += 1  # until its socket is closed

    def drain(self, conn: Connection, fileobj: object = None, *, is_over: bool = False) -> None:
        try:
            is_over = is_over or not conn.sock.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            del self.leaving[conn]
            self.nr_conns -= 1
            self.poller.unregister(conn.sock)
            conn.close()

    def murder_pending(self) -> None:
        """Once a second: part with who is too slow."""
        super().murder_pending()
        now = time.monotonic()
        if now - self.looked_at < 1:
            return
        self.looked_at = now
        most_idle = HEAD_SECONDS if self.alive else STOP_KEEPALIVE_LINGER
        for conn in list(self.arriving):
            if conn.size and conn.is_too_slow(now):
                self.refuse(conn, HTTPStatus.REQUEST_TIMEOUT)
            elif not conn.size and now - conn.began_at > most_idle:
                self.drop(conn)
        for conn in [conn for conn, until in self.leaving.items() if now > until]:
            self.drain(conn, is_over=True)
