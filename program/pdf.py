"""PDF files for people, set by WeasyPrint in a process apart (control C19).

The template becomes HTML here, where the database is; only the finished HTML goes to the press
(`program/press.py`), which has no environment, no connection and hard limits. What the documents may
refer to is the short list `LIBRARY`; anything else stops the document, so that no address is opened. The
press itself shares the network of the worker that starts it; production gives that worker the inner one
alone (`documents` in `docker-compose.yml`).

A document takes 0.1 s to a minute: call `render` from a task, never in a request or a transaction.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from django.conf import settings
from django.template.loader import render_to_string

from program import leases

Reason = Literal["timeout", "memory", "forbidden", "too-large", "libraries", "crashed", "error"]
Variant = Literal["pdf/ua-1", "pdf/a-3a"]

HERE: Final = Path(__file__).resolve().parent
FONTS: Final = HERE / "fonts"
PRINT: Final = HERE.parent / "templates" / "pdf"
BASE: Final = "portal:"
LIBRARY: Final = {
    "portal:print.css": PRINT / "print.css",
    "portal:emblem.svg": PRINT / "emblem.svg",
}

START_SECONDS: Final = 60
GRACE_SECONDS: Final = 5
UNDRAWN: Final = "\N{WHITE SQUARE}"

EXPLANATIONS: Final[dict[Reason, str]] = {
    "timeout": "The document took too long to set and was stopped.",
    "memory": "The document needed more memory than it may use and was stopped.",
    "forbidden": "The document refers to something outside the portal's own files.",
    "too-large": "The finished document is larger than a document may be.",
    "libraries": (
        "WeasyPrint cannot load its system libraries. Install the Debian packages "
        "libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0, and weasyprint of the lock file."
    ),
    "crashed": "The process that sets documents ended without an answer.",
    "error": "WeasyPrint could not set the document.",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one document may use before it is stopped."""

    wall_seconds: int = 30
    cpu_seconds: int = 25
    memory_bytes: int = 1 << 30
    file_bytes: int = 64 << 20
    open_files: int = 64


LIMITS: Final = Limits()


class PdfFailed(Exception):
    """No PDF came of it; ``reason`` says why in one word.

    ``permanent`` is true where the same document would fail again, so that a task does not repeat it.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return EXPLANATIONS[self.reason]

    @property
    def permanent(self) -> bool:
        return self.reason in {"forbidden", "memory", "timeout", "too-large", "error"}


def render(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    variant: Variant = "pdf/ua-1",
    mark: str = "",
    limits: Limits = LIMITS,
) -> bytes:
    """The PDF of a template of ours, tagged, with bookmarks, page numbers and ``mark`` in every footer.

    ``context`` holds plain values. The same template and values give the same bytes.
    Raises PdfFailed.
    """
    values = {
        **context,
        "document_title": title,
        "mark": mark,
        "demonstration": getattr(settings, "DEMONSTRATION", False),
    }
    html, complete = drawable(render_to_string(template, values))
    if not complete:
        html, _ = drawable(render_to_string(template, {**values, "undrawn": UNDRAWN}))
    return set_html(html, variant=variant, limits=limits)


def set_html(html: str, *, variant: Variant = "pdf/ua-1", limits: Limits = LIMITS) -> bytes:
    """The PDF of finished HTML that was rendered from a template of ours. Raises PdfFailed."""
    return current_press().set(html.encode(errors="replace"), variant=variant, limits=limits)


def drawable(text: str) -> tuple[str, bool]:
    """``text`` with a white square for each character that no bundled font has, and whether all were had.

    Control characters go without a trace, and so do marks and joiners that cannot be drawn alone.
    """
    replacements: dict[int, str | None] = {}
    complete = True
    for character in set(text) - letters():
        category = unicodedata.category(character)
        invisible = category in {"Cc", "Cf", "Mn", "Me", "Cs"}
        replacements[ord(character)] = None if invisible else UNDRAWN
        complete = complete and invisible
    return (text.translate(replacements) if replacements else text), complete


@cache
def letters() -> frozenset[str]:
    """Every character that a bundled font can draw, and white space."""
    from fontTools.ttLib import TTFont

    known = set("\t\n\r")
    for name in ("PublicSans-Regular.ttf", "DejaVuSans.ttf"):
        with TTFont(FONTS / name, lazy=True) as font:
            known.update(map(chr, font.getBestCmap()))
    return frozenset(known)


class Press:
    """The running press of this process; one document at a time."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.line: socket.socket | None = None

    def set(self, markup: bytes, *, variant: Variant, limits: Limits) -> bytes:
        order = {
            "length": len(markup),
            "base": BASE,
            "variant": variant,
            "identifier": sha256(markup).hexdigest()[:32],
            "limits": asdict(limits),
        }
        with self.lock, temporary_folder() as folder:
            try:
                line = self.ready_line()
                line.settimeout(limits.wall_seconds + GRACE_SECONDS)
                head, body = self.exchange(line, {**order, "folder": folder}, markup, limits)
            except TimeoutError as error:
                self.stop()
                raise PdfFailed("timeout") from error
            except (OSError, ValueError) as error:  # hung up, or spoke nonsense
                self.stop()
                raise PdfFailed("crashed") from error
            except BaseException:  # a task's own time limit: the press is in the middle of a word
                self.stop()
                raise
        if head["outcome"] != "done":
            raise PdfFailed(head["outcome"], head.get("detail", ""))
        return body

    def ready_line(self) -> socket.socket:
        """The line to a press that lives, started where there is none."""
        if self.process and self.line and self.process.poll() is None:
            return self.line
        self.stop()
        self.line, theirs = socket.socketpair()
        library = json.dumps({address: str(path) for address, path in LIBRARY.items()})
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "FONTCONFIG_FILE": str(FONTS / "fonts.conf")}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(HERE / "press.py"), library],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        greeting, _ = receive(self.line, time.monotonic() + START_SECONDS)
        if greeting["outcome"] != "ready":
            self.stop()
            raise PdfFailed("libraries", greeting.get("detail", ""))
        return self.line

    def exchange(
        self, line: socket.socket, order: Mapping[str, Any], markup: bytes, limits: Limits
    ) -> tuple[dict[str, Any], bytes]:
        line.sendall(json.dumps(order).encode() + b"\n" + markup)
        return receive(line, time.monotonic() + limits.wall_seconds + GRACE_SECONDS)

    def stop(self) -> None:
        """End the press and whatever it is setting; the next document starts another."""
        if self.line:
            self.line.close()
            self.line = None
        if self.process:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None


def receive(line: socket.socket, deadline: float) -> tuple[dict[str, Any], bytes]:
    """One whole message of the press, or TimeoutError at ``deadline``."""
    received = bytearray()
    head: dict[str, Any] | None = None
    while head is None or len(received) < head["length"]:
        block = leases.receive(line, 1 << 16, deadline=deadline)
        if not block:
            raise ConnectionError("the press hung up")
        received += block
        if head is None and (end := received.find(b"\n")) >= 0:
            head = json.loads(received[:end])
            del received[: end + 1]
    return head, bytes(received)


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder for one document, gone afterwards: a child that is killed cannot tidy up."""
    folder = tempfile.mkdtemp(prefix="pdf-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_press = Press()


def current_press() -> Press:
    """The press of this very process; a worker that was forked does not share its parent's."""
    global _press
    if _press.owner != os.getpid():
        _press = Press()
    return _press


@atexit.register
def stop_press() -> None:
    current_press().stop()
