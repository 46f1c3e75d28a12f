"""The roots of the seals, kept in a file outside the database: one line of JSON for each seal (control C26).

Whoever owns the tables can rewrite events and seals so that they fit each other; they do not fit what was
kept here. Lines are only ever added. ``RECORD_ROOTS_FILE`` names the file; docs/operations.md says where to
put it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings

from program import clock
from program.models import Seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

logger = logging.getLogger(__name__)
# A seal is kept at once; one that was kept much later was out of reach meanwhile, and people should know
LATE = timedelta(hours=2)
KEPT_AT = ',"kept_at":'


class Root(NamedTuple):
    """What a seal says, as the file keeps it."""

    made_at: str
    after_event: int
    last_event: int
    event_count: int
    root: str

    @classmethod
    def of(cls, seal: Seal) -> Root:
        made_at = seal.made_at.astimezone(UTC).isoformat()
        return cls(made_at, seal.after_event, seal.last_event, seal.event_count, seal.root)

    def demand_its_types(self) -> None:
        """Raises ValueError unless numbers are numbers and texts are printable ASCII."""
        texts, numbers = (self.made_at, self.root), (self.after_event, self.last_event, self.event_count)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("a number is none")
        if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts):
            raise ValueError("a text is none")

    @property
    def title(self) -> str:
        return f"Seal up to event {self.last_event}"


@dataclass
class Kept:
    """The file as it was read: its roots, how many came late, and the numbers of lines nobody can read."""

    is_named: bool = True
    is_there: bool = True
    roots: list[Root] = field(default_factory=list)
    late_count: int = 0
    unreadable: list[int] = field(default_factory=list)


def read() -> Kept:
    """Read the file of kept roots."""
    if not settings.RECORD_ROOTS_FILE:
        return Kept(is_named=False, is_there=False)
    try:
        return _parse(Path(settings.RECORD_ROOTS_FILE).read_text("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return Kept(is_there=False)


def _parse(text: str) -> Kept:
    kept, lines = Kept(), text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            said = json.loads(line)
            kept_at = datetime.fromisoformat(said.pop("kept_at"))
            root = Root(**said)
            root.demand_its_types()
            kept.late_count += kept_at - datetime.fromisoformat(root.made_at) > LATE
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            following = lines[number] if number < len(lines) else ""
            if not _was_torn(line, following):
                kept.unreadable.append(number)
        else:
            kept.roots.append(root)
    return kept


def _was_torn(line: str, following: str) -> bool:
    """Whether ``line`` is the beginning of the next one: the writer died in it and wrote it again."""
    facts = following.partition(KEPT_AT)[0]
    return bool(facts) and (facts.startswith(line) or line.startswith(facts + KEPT_AT[0]))


def keep(*, begin: bool = False) -> int:
    """Append every seal that the file lacks, the newest included; returns how many were appended.

    After a crash between the commit of a seal and its line, the next run appends what is missing. Nothing is
    appended behind a last line that the table of seals contradicts: the file then stays as the evidence. A
    file that is not there is made for the very first seal only, or with ``begin``: a disk that was not
    mounted must not pass for a new portal.
    """
    if not settings.RECORD_ROOTS_FILE:
        return 0
    there = Path(settings.RECORD_ROOTS_FILE).exists()
    if not there and not begin and Seal.objects.count() != 1:
        if Seal.objects.exists():
            logger.error("The file of kept roots is gone; nothing was appended.")
        return 0
    with _opened(settings.RECORD_ROOTS_FILE) as descriptor:
        text = _text(descriptor)
        kept = _parse(text)
        last = kept.roots[-1] if kept.roots else None
        if last and not _is_in_the_table(last):
            logger.error(
                "The seals contradict the last kept root; nothing was appended.", extra=last._asdict()
            )
            return 0
        after, lines = last.last_event if last else 0, []
        for seal in Seal.objects.filter(last_event__gt=after).order_by("last_event"):
            if seal.after_event != after:
                logger.error("A seal does not follow the last kept root.", extra=Root.of(seal)._asdict())
                break
            lines.append(_line(Root.of(seal)))
            after = seal.last_event
        if lines:
            start = "\n" if text and not text.endswith("\n") else ""
            _append(descriptor, start + "".join(lines))
        if len(lines) > 1:
            logger.warning("Roots of earlier seals were kept only now.", extra={"count": len(lines) - 1})
        return len(lines)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """The file, to read and to append, for one writer at a time."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _text(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _append(descriptor: int, text: str) -> None:
    left = text.encode()
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def _line(root: Root) -> str:
    facts = {**root._asdict(), "kept_at": clock.instant().isoformat()}
    return json.dumps(facts, separators=(",", ":")) + "\n"


def _is_in_the_table(root: Root) -> bool:
    return any(Root.of(seal) == root for seal in Seal.objects.filter(last_event=root.last_event))


def contradictions(kept: Kept, seals: Iterable[Seal], last_event: int) -> Iterator[tuple[str, str]]:
    """What the kept roots say against ``seals`` and against a record that ends with ``last_event``.

    Yields the seal or line and the reason. Seals younger than the last kept root contradict nothing: their
    lines are still to come.
    """
    if not kept.is_named:
        return
    table = {seal.last_event: Root.of(seal) for seal in seals}
    if not kept.is_there:
        if table:
            yield "File of kept roots", f"it is not there, though the record has {len(table)} seals"
        return
    for number in kept.unreadable:
        yield f"Line {number} of the kept roots", "nobody can read it"
    after = 0
    for root in kept.roots:
        if root.after_event != after:
            yield f"Kept {root.title.lower()}", f"it should begin after event {after}: a line is missing"
        after = root.last_event
        if root.last_event > last_event:
            yield root.title, f"its root was kept, and the record ends with event {last_event}"
        if root.last_event not in table:
            yield root.title, "its root was kept, and the seal is missing from the record"
        elif different := _differing(root, table[root.last_event]):
            yield root.title, f"it is not what was kept: {different}"
    known = {root.last_event for root in kept.roots}
    for end in sorted(table):
        if end < after and end not in known:
            yield table[end].title, "it is not among the kept roots, and later ones are"


def _differing(root: Root, found: Root) -> str:
    if root.root != found.root:
        return f"events {root.after_event + 1} to {root.last_event} are not those that were sealed"
    pairs: Any = zip(root._fields, root, found, strict=True)
    return ", ".join(f"{name} was {was}, is {now}" for name, was, now in pairs if was != now)


def unkept_count(kept: Kept, seals: Iterable[Seal]) -> int:
    """How many of ``seals`` are younger than the last kept root."""
    last = kept.roots[-1].last_event if kept.roots else 0
    return sum(seal.last_event > last for seal in seals)
