"""Screening lists: a file is checked, kept whole and compared with the list before, or nothing changes."""

from __future__ import annotations

import logging
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from django.db import InterfaceError, OperationalError, connection, transaction

from evaluation.enums import ChangeKind
from evaluation.listfile import ListFile, ListRefused
from evaluation.matching import RULESET
from evaluation.models import ListChange, ListDifference, ListImport, ScreeningEntry, ScreeningList
from evaluation.services.screening import PARTIES
from program import audit, clock, days, spool
from program.leases import PULSE_SECONDS, is_free
from program.publish import after_commit
from program.revisions import is_done_by_another, one_at_a_time
from program.transitions import NotReady, Problem, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from django.db.models import QuerySet

    from program.models import User

logger = logging.getLogger(__name__)
BATCH: Final = 1000
PIECE_BYTES: Final = 4 << 20
LONGEST_STATEMENT: Final = "60s"


def import_screening_list(
    file: BinaryIO,
    *,
    by: User,
    name: str,
    file_date: date,
    source: str = "",
    accept_smaller: bool = False,
    reason: str = "",
) -> ScreeningList:
    """Import a Consolidated Screening List file, all or nothing: read once to check and hash, once to keep.

    Raises NotReady for a wrong header, a cut or broken file, one that was imported before, and one with
    less than half the entries of the list before, unless ``accept_smaller``. The file in force is imported
    again, with a ``reason``, where the day is wrong that it was given.
    """
    require("evaluation.import_screeninglist", by)
    if refused := days.refusal(file_date):
        raise NotReady([Problem("list-date", refused, PARTIES, field="file_date")])
    facts = {"name": name, "file_date": file_date, "source": source, "imported_by": by}
    facts["reason"] = reason.strip()
    return _keep(file, checked(file, facts, accept_smaller=accept_smaller), facts)


def checked(
    file: BinaryIO,
    facts: Mapping[str, Any],
    *,
    accept_smaller: bool,
    progress: Callable[[int], object] | None = None,
) -> tuple[str, int]:
    """The hash of the file and how many entries it has, once it was read whole. Raises NotReady."""
    file.seek(0)
    read, count, before = ListFile(file), 0, ScreeningList.objects.first()
    try:
        for count, _ in enumerate(read.rows(), start=1):
            if progress and count % BATCH == 0:
                progress(count)
    except ListRefused as refusal:
        raise _refused(str(refusal)) from refusal
    if not count:
        raise _refused("The file has no entries.")
    _corrected(read.sha256, facts)
    if before and count * 2 < before.entry_count and not accept_smaller:
        raise _refused(
            f"The file has {count} entries, the list before has {before.entry_count}. It may be cut; "
            "confirm that it is complete."
        )
    return read.sha256, count


def _corrected(sha256: str, facts: Mapping[str, Any]) -> ScreeningList | None:
    """The list in force where ``facts`` correct the day of exactly this file. Raises NotReady.

    An older file is not imported again: it would be in force once more.
    """
    reason, day = facts["reason"], facts["file_date"]
    known = ScreeningList.objects.filter(sha256=sha256).first()
    if known is None:
        if reason:
            raise _refused("This file was not imported before: there is no day to correct.", "reason")
        return None
    if not reason:
        raise _refused(
            f"Exactly this file was imported before, as of {known.file_date:%B} {known.file_date.day}, "
            f"{known.file_date.year}. If that day is wrong, say why."
        )
    if known != ScreeningList.objects.first():
        raise _refused("A newer list is in force: only the day of the list in force is corrected.", "reason")
    if known.file_date == day:
        raise _refused("The list bears this day already. Give the right one.", "file_date")
    return known


def _refused(message: str, field: str = "file") -> NotReady:
    return NotReady([Problem("list-refused", message, PARTIES, field=field)])


@transaction.atomic
def _keep(file: BinaryIO, found: tuple[str, int], facts: dict[str, Any]) -> ScreeningList:
    """Keep every entry, and what they change against the list before."""
    sha256, entry_count = found
    one_at_a_time("import-list")
    corrects = _corrected(sha256, facts)
    before = ScreeningList.objects.first()
    made = ScreeningList.objects.create(
        sha256=sha256,
        entry_count=entry_count,
        ruleset_version=RULESET,
        imported_at=clock.now(),
        corrects=corrects,
        **facts,
    )
    file.seek(0)
    rows = (
        ScreeningEntry(screening_list=made, **{slot: getattr(party, slot) for slot in party.__slots__})
        for party in ListFile(file)
    )
    while batch := list(islice(rows, BATCH)):
        ScreeningEntry.objects.bulk_create(batch)
    if before:
        _compare(made, before)
    audit.record(
        made,
        "screeninglist.import",
        by=made.imported_by,
        clause=PARTIES,
        before={"file_date": str(corrects.file_date)} if corrects else "",
        after={"sha256": made.sha256, "entries": made.entry_count, "file_date": str(made.file_date)},
        note=made.reason,
    )
    after_commit("evaluation.schedule.screen_again")
    return made


def _compare(made: ScreeningList, before: ScreeningList) -> None:
    """Keep what was added, removed and changed.

    An entry that is not in both lists word for word is the same entry, changed, where its key agrees, or
    else its list and its name.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [LONGEST_STATEMENT])
    gone = list(_only_in(before, made))
    by_key = {key: pk for pk, key, _, _ in gone if key}
    by_name = {(source, name): pk for pk, _, source, name in gone}
    left = {pk for pk, _, _, _ in gone}
    new: list[int] = []
    changed: list[tuple[int, int]] = []
    for pk, key, source, name in _only_in(made, before):
        twin = by_key.get(key, 0) if by_key.get(key) in left else by_name.get((source, name), 0)
        if twin in left:
            left.discard(twin)
            changed.append((pk, twin))
        else:
            new.append(pk)
    removed = [pk for pk, _, _, _ in gone if pk in left]
    difference = ListDifference.objects.create(
        screening_list=made,
        before=before,
        added_count=len(new),
        removed_count=len(removed),
        changed_count=len(changed),
    )
    pairs: list[tuple[str, int | None, int | None]] = [
        *((ChangeKind.ADDED, entry, None) for entry in new),
        *((ChangeKind.REMOVED, None, twin) for twin in removed),
        *((ChangeKind.CHANGED, entry, twin) for entry, twin in changed),
    ]
    changes = (
        ListChange(difference=difference, kind=kind, entry_id=entry, before_id=twin)
        for kind, entry, twin in pairs
    )
    while batch := list(islice(changes, BATCH)):
        ListChange.objects.bulk_create(batch)


def _only_in(one: ScreeningList, other: ScreeningList) -> Iterator[tuple[int, str, str, str]]:
    """Entries of one list that are not in the other word for word.

    Told apart here: the database knows nothing yet of how many rows the new list has, and would plan badly.
    """
    known = other.entries.values_list("fingerprint", flat=True).iterator(chunk_size=BATCH)
    same = {bytes.fromhex(fingerprint) for fingerprint in known}
    rows = one.entries.order_by("pk").values_list("fingerprint", "pk", "external_id", "source", "name")
    for fingerprint, pk, key, source, name in rows.iterator(chunk_size=BATCH):
        if bytes.fromhex(fingerprint) not in same:
            yield pk, key, source, name


# In the background


def ask_for_import(
    file: BinaryIO,
    *,
    by: User,
    name: str,
    file_date: date,
    source: str = "",
    accept_smaller: bool = False,
    reason: str = "",
) -> ListImport:
    """Take a file to be imported in the background; what its first entry shows is refused at once.

    Raises NotReady while another import is under way.
    """
    require("evaluation.import_screeninglist", by)
    problems = []
    if refused := days.refusal(file_date):
        problems.append(Problem("list-date", refused, PARTIES, field="file_date"))
    elif file_date > clock.today():
        message = "This day lies ahead: no file is of it. Give the date that the file bears."
        problems.append(Problem("list-date", message, PARTIES, field="file_date"))
    file.seek(0)
    try:
        if next(ListFile(file).rows(), None) is None:
            problems.extend(_refused("The file has no entries.").problems)
    except ListRefused as refusal:
        problems.extend(_refused(str(refusal)).problems)
    if problems:
        raise NotReady(problems)
    with transaction.atomic():
        one_at_a_time("ask-import")
        if ListImport.objects.filter(finished_at=None).exists():
            message = "Another import is under way. Wait until it is over."
            raise NotReady([Problem("import-under-way", message, PARTIES)])
        file.seek(0)
        pieces = [spool.put(piece) for piece in iter(lambda: file.read(PIECE_BYTES), b"")]
        wanted = ListImport.objects.create(
            name=name,
            source=source,
            file_date=file_date,
            accept_smaller=accept_smaller,
            reason=reason.strip(),
            pieces=pieces,
            asked_by=by,
            asked_at=clock.now(),
        )
        after_commit("evaluation.schedule.import_list", wanted.pk)
    return wanted


def waiting_imports() -> QuerySet[ListImport]:
    """Imports that nobody works on; also those whose worker died."""
    free = is_free("begun_at", at=clock.instant())
    return ListImport.objects.filter(free, finished_at=None).order_by("pk")


def work_off_import(pk: int) -> int:
    """Import the file of one request; returns how many entries were kept. A refusal is kept in words."""
    # Who keeps a file has the lock for as long as it lives: it needs no lease then.
    with transaction.atomic():
        if is_done_by_another("import-list"):
            return 0
        if not waiting_imports().filter(pk=pk).update(begun_at=clock.instant(), read_count=0):
            return 0
    wanted = ListImport.objects.select_related("asked_by").get(pk=pk)
    told = time.monotonic()

    def tell(count: int) -> None:
        nonlocal told
        if time.monotonic() > told + PULSE_SECONDS / 10:
            told = time.monotonic()
            unfinished = ListImport.objects.filter(pk=pk, finished_at=None)
            unfinished.update(begun_at=clock.instant(), read_count=count)

    try:
        made = _import(wanted, tell)
    except (OperationalError, InterfaceError):
        raise  # the database was busy or away: the sweep begins anew when the lease is over
    except NotReady as refusal:
        return _end(wanted, " ".join(problem.message for problem in refusal.problems))
    except Exception as error:
        logger.exception("An import failed.", extra={"import": pk})
        return _end(wanted, f"It could not be finished ({type(error).__name__}).")
    return made.entry_count if made else 0


def _import(wanted: ListImport, tell: Callable[[int], object]) -> ScreeningList | None:
    with spool.joined(wanted.pieces) as file:
        facts = {
            "name": wanted.name,
            "source": wanted.source,
            "file_date": wanted.file_date,
            "imported_by": wanted.asked_by,
            "reason": wanted.reason,
        }
        found = checked(file, facts, accept_smaller=wanted.accept_smaller, progress=tell)
        tell(found[1])
        with transaction.atomic():
            one_at_a_time("import-list")
            held = ListImport.objects.filter(pk=wanted.pk, finished_at=None)
            if not held.exists():
                return None
            made = _keep(file, found, facts)
            held.update(
                screening_list=made, read_count=made.entry_count, finished_at=clock.instant(), pieces=[]
            )
            transaction.on_commit(lambda: spool.drop(wanted.pieces), robust=True)
    return made


def _end(wanted: ListImport, refusal: str) -> int:
    ended = ListImport.objects.filter(pk=wanted.pk, finished_at=None)
    if ended.update(finished_at=clock.instant(), refusal=refusal, pieces=[]):
        spool.drop(wanted.pieces)
    return 0
