"""The press: the process of its own in which WeasyPrint sets one document after another.

`program.pdf` starts this file as a program, with an empty environment and one socket as its standard
input; nothing of the portal is imported, and no connection, secret or other person's document is in its
memory. It imports WeasyPrint once and then forks for each document, so that a document costs a fork
(0.1 s) and not an interpreter (1 to 4 s), and what a document does to its process ends with it.

On the socket a message is one line of JSON, then as many bytes as its ``length`` says. The press greets
with ``{"outcome": "ready"}``; it answers each order with ``done`` or with the reason of the failure.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

CHUNK = 1 << 16
GRACE_SECONDS = 1


def serve(line: socket.socket, library: dict[str, str]) -> None:
    """Answer orders until the other side hangs up. ``library`` maps each known address to its file."""
    contents = {address: Path(path).read_bytes() for address, path in library.items()}
    try:
        fetcher = fetcher_of(contents)
    except (OSError, ImportError) as error:  # cffi raises OSError when it finds no Pango
        answer(line, "libraries", detail=str(error))
        return
    answer(line, "ready")
    reader = line.makefile("rb")
    while header := reader.readline():
        order = json.loads(header)
        markup = reader.read(order["length"])
        outcome, pdf, facts = set_apart(line, fetcher, markup, order)
        answer(line, outcome, pdf, **facts)


def answer(line: socket.socket, outcome: str, body: bytes = b"", **facts: Any) -> None:
    head = json.dumps({"outcome": outcome, "length": len(body), **facts})
    line.sendall(head.encode() + b"\n" + body)


def fetcher_of(library: dict[str, bytes]) -> Any:
    """The one way to anything outside the document: a dictionary of what the portal ships, no more.

    WeasyPrint only logs an ordinary error and goes on without the font or the image; the fatal class
    stops the document, whatever scheme the forbidden address has. Where even that is swallowed, as while an
    SVG is drawn, ``refused`` remembers the address and the finished document is thrown away.
    """
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    FontConfiguration()  # reads the fonts once, before the forks
    kinds = {".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png", ".ttf": "font/ttf"}

    class Library(URLFetcher):
        refused = ""

        def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
            if url not in library:
                self.refused = url[:200]
                raise FatalURLFetchingError(self.refused)
            return URLFetcherResponse(url, library[url], {"Content-Type": kinds[Path(url).suffix]})

    return Library()


def set_apart(
    line: socket.socket, fetcher: Any, markup: bytes, order: dict[str, Any]
) -> tuple[str, bytes, dict[str, Any]]:
    """Set ``markup`` in a child with limits; return the outcome, the PDF and what there is to say."""
    limits = order["limits"]
    result, output = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(result)
        os.dup2(os.open(os.devnull, os.O_RDONLY), line.fileno())
        set_document(output, fetcher, markup, order)
    os.close(output)
    deadline = time.monotonic() + limits["wall_seconds"]
    received: list[bytes] = []
    size, outcome = 0, ""
    watched: list[Any] = [result, line]
    while not outcome:
        ready, _, _ = select.select(watched, [], [], max(0.0, deadline - time.monotonic()))
        if result in ready:
            if not (block := os.read(result, CHUNK)):
                break
            received.append(block)
            size += len(block)
            if size > limits["file_bytes"]:
                outcome = "too-large"
        elif line in ready:  # nothing may be said now: the other side hung up
            outcome = "abandoned"
        elif not ready:
            outcome = "timeout"
    if outcome:
        os.kill(child, signal.SIGKILL)
    os.close(result)
    _, status, usage = os.wait4(child, 0)
    if outcome == "abandoned":
        sys.exit(0)
    facts = {"peak_kib": usage.ru_maxrss, "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3)}
    if outcome:
        return outcome, b"", facts
    if os.WIFSIGNALED(status):
        return cause_of_death(os.WTERMSIG(status), usage.ru_maxrss, limits), b"", facts
    head, _, body = b"".join(received).partition(b"\n")
    return head.decode() or "crashed", b"" if head != b"done" else body, facts | detail_of(head, body)


def detail_of(head: bytes, body: bytes) -> dict[str, str]:
    return {} if head == b"done" else {"detail": body.decode(errors="replace")}


def cause_of_death(number: int, peak_kib: int, limits: dict[str, int]) -> str:
    """What killed the child. C code that gets no memory aborts or faults instead of raising."""
    if number in {signal.SIGXCPU, signal.SIGKILL, signal.SIGALRM}:
        return "timeout"
    if number == signal.SIGXFSZ:
        return "too-large"
    return "memory" if peak_kib * 1024 > limits["memory_bytes"] // 3 else "crashed"


def set_document(output: int, fetcher: Any, markup: bytes, order: dict[str, Any]) -> NoReturn:
    """In the child: take the limits on, set the document, write the result, and end without clean-up."""
    from weasyprint import HTML
    from weasyprint.urls import FatalURLFetchingError

    pipe: BinaryIO = os.fdopen(output, "wb")
    try:
        confine(order["limits"], order["folder"])
        page = HTML(string=markup.decode(), base_url=order["base"], url_fetcher=fetcher)
        pdf = page.write_pdf(pdf_variant=order["variant"], pdf_identifier=bytes.fromhex(order["identifier"]))
        if fetcher.refused:
            raise FatalURLFetchingError(fetcher.refused)
        pipe.write(b"done\n" + pdf)
    except MemoryError:
        pipe.write(b"memory\n")
    except FatalURLFetchingError as refusal:
        pipe.write(b"forbidden\n" + str(refusal).encode(errors="replace"))
    except Exception as error:  # its text may quote the document: only the class leaves this process
        pipe.write(b"error\n" + type(error).__name__.encode())
    pipe.flush()
    os._exit(0)


def confine(limits: dict[str, int], folder: str) -> None:
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    cpu = limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + GRACE_SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits["open_files"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["file_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"],) * 2)
    signal.alarm(limits["wall_seconds"] + GRACE_SECONDS)


if __name__ == "__main__":
    serve(socket.socket(fileno=sys.stdin.fileno()), json.loads(sys.argv[1]))
