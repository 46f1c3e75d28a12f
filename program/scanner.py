"""Asks ClamAV about a file by the protocol of its socket; whatever is not a plain yes is not clean (C17).

``CLAMAV_URL`` names the socket, as ``unix:///run/clamav/clamd.ctl`` or ``tcp://clamav:3310``.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import urlsplit

from django.conf import settings

from program import leases

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 1 << 16
PORT: Final = 3310
CONNECT_SECONDS: Final = 3.0
PING_SECONDS: Final = 5.0  # a scanner that is mute must not keep the PDFs of the same queue waiting
ANSWER_SECONDS: Final = 60.0
LONGEST_ANSWER: Final = 4096


class ScannerAway(Exception):
    """Nobody answers at the scanner's address; it says nothing about any file."""


class ScanFailed(Exception):
    """The scanner gave no finding about the whole of this file; the text says what it did instead."""


def is_set() -> bool:
    return bool(settings.CLAMAV_URL)


def ping() -> None:
    """Raise ScannerAway unless a scanner is there and answers."""
    try:
        with connected() as line:
            say(line, b"zPING\0")
            answer = answer_of(line, seconds=PING_SECONDS)
    except OSError as error:
        raise ScannerAway(str(error)) from error
    if answer != "PONG":
        raise ScannerAway("Something else answers at the scanner's address.")


def infection_in(stream: BinaryIO) -> str:
    """The name of what the scanner found in ``stream``, or "" for a clean one.

    Raises ScannerAway before anything was sent, ScanFailed after it. Over its limit a scanner hangs up.
    """
    try:
        line = connected()
    except OSError as error:
        raise ScannerAway(str(error)) from error
    try:
        with line:
            say(line, b"zINSTREAM\0")
            for block in blocks(stream):
                say(line, struct.pack("!I", len(block)) + block)
            say(line, struct.pack("!I", 0))
            answer = answer_of(line, seconds=ANSWER_SECONDS)
    except OSError as error:
        raise ScanFailed("The scanner stopped before the end of the file.") from error
    if answer == "stream: OK":
        return ""
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer[len("stream: ") : -len(" FOUND")][:150] or "unnamed"
    raise ScanFailed(f"The scanner answered: {answer[:100]}" if answer else "The scanner gave no answer.")


def connected() -> socket.socket:
    address = urlsplit(settings.CLAMAV_URL)
    if address.scheme == "unix":
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(CONNECT_SECONDS)
        try:
            line.connect(address.path)
        except OSError:
            line.close()
            raise
    else:
        place = (address.hostname or "localhost", address.port or PORT)
        line = socket.create_connection(place, timeout=CONNECT_SECONDS)
    return line


def say(line: socket.socket, content: bytes) -> None:
    leases.send(line, content, deadline=time.monotonic() + ANSWER_SECONDS)


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(CHUNK):
        yield block


def answer_of(line: socket.socket, *, seconds: float) -> str:
    """What the scanner says up to its NUL or the end of the line; plain characters only."""
    answer, deadline = b"", time.monotonic() + seconds
    while b"\0" not in answer and len(answer) < LONGEST_ANSWER:
        if not (part := leases.receive(line, 1024, deadline=deadline)):
            break
        answer += part
    text = answer.partition(b"\0")[0].decode("ascii", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text).strip()
