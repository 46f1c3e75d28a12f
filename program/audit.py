"""The record: every act in its own transaction, chained per subject, sealed every day.

An event's ``digest`` is the SHA-256 of the digest before it (of the same subject, empty for the first)
followed by its ``body``. A seal holds the Merkle root over the digests of all events since the last seal,
in order of their ids. Anybody who holds the rows can repeat both with the standard library alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from program import clock
from program.canonical import canonical_json, sha256_hex
from program.models import AuditEvent, Seal
from program.request_context import request_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.db import models

    from program.models import Delegation, User

SEAL_LOCK = 14320


@transaction.atomic
def record(
    subject: models.Model,
    act: str,
    *,
    by: User,
    before: Any = "",
    after: Any = "",
    note: str = "",
    clause: str = "",
    delegation: Delegation | None = None,
) -> AuditEvent:
    """Append the event that ``by`` did ``act`` to ``subject``; part of the caller's transaction.

    ``before`` and ``after`` are whatever JSON can say (a status, changed fields). Writers of one subject
    wait for each other, writers of different subjects do not.
    """
    kind, key = subject._meta.label_lower, str(subject.pk)
    at = _lock_chain(kind, key)
    last = AuditEvent.objects.filter(subject_type=kind, subject_id=key).order_by("-sequence").first()
    sequence = last.sequence + 1 if last else 1
    body = canonical_json(
        {
            "act": act,
            "actor": by.email,
            "actor_id": by.pk,
            "after": after,
            "at": at.isoformat(),
            "before": before,
            "clause": clause,
            "delegation": str(delegation) if delegation else "",
            "note": note,
            "request_id": request_id.get(),
            "sequence": sequence,
            "standing": by.standing,
            "subject_id": key,
            "subject_type": kind,
        }
    )
    return AuditEvent.objects.create(
        subject_type=kind,
        subject_id=key,
        sequence=sequence,
        at=at,
        act=act,
        actor=by,
        delegation=delegation,
        clause=clause,
        request_id=request_id.get(),
        body=body,
        digest=sha256_hex((last.digest if last else "") + body),
    )


def _lock_chain(kind: str, key: str) -> datetime:
    """Let no other transaction append to this subject's chain; return the moment after the wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s), pg_advisory_xact_lock(hashtext(%s), hashtext(%s)),"
            " clock_timestamp()",
            [SEAL_LOCK, kind, key],
        )
        at: datetime = cursor.fetchone()[2]
    return clock.moved() or at


@dataclass(frozen=True)
class Misfit:
    """The first place where the record does not fit: ``event`` is its id, or None for a seal."""

    event: int | None
    subject: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """What a walk over the whole record found; it is sound when there is no misfit."""

    event_count: int
    subject_count: int
    seal_count: int
    unsealed_count: int
    misfits: tuple[Misfit, ...]

    @property
    def is_sound(self) -> bool:
        return not self.misfits


def verify(*, most: int = 20) -> Verification:
    """Walk every chain and seal; report at most ``most`` misfits, in the order of the events.

    One pass in order of ids with the last digest of each subject in memory (about 150 bytes a subject).
    """
    misfits: list[Misfit] = []
    heads: dict[tuple[str, str], tuple[int, str]] = {}
    seals = list(Seal.objects.order_by("last_event"))
    expected = iter(seals)
    pending: list[str] = []
    digests = 0
    seal = next(expected, None)
    misfits += _seals_in_order(seals)
    for event in AuditEvent.objects.order_by("pk").iterator(chunk_size=2000):
        while seal and event.pk > seal.last_event:
            misfits += _check_seal(seal, pending)
            pending, seal = [], next(expected, None)
        pending.append(event.digest)
        digests += 1
        sequence, digest = heads.get((event.subject_type, event.subject_id), (0, ""))
        if len(misfits) < most:
            misfits += _check_event(event, sequence, digest)
        heads[event.subject_type, event.subject_id] = (event.sequence, event.digest)
    while seal:
        misfits += _check_seal(seal, pending)
        pending, seal = [], next(expected, None)
    return Verification(digests, len(heads), len(seals), len(pending), tuple(misfits[:most]))


def _check_event(event: AuditEvent, sequence: int, digest: str) -> Iterator[Misfit]:
    def misfit(reason: str) -> Misfit:
        return Misfit(event.pk, f"{event.subject_type} {event.subject_id}", reason)

    if event.sequence != sequence + 1:
        yield misfit(f"event {sequence + 1} of this subject is missing: the next found is {event.sequence}")
        return
    if event.digest != sha256_hex(digest + event.body):
        yield misfit("its digest does not follow from the event before it and its own text")
        return
    said = json.loads(event.body)
    columns = {
        "act": event.act,
        "actor_id": event.actor_id,
        "at": event.at.isoformat(),
        "clause": event.clause,
        "request_id": event.request_id,
        "sequence": event.sequence,
        "subject_id": event.subject_id,
        "subject_type": event.subject_type,
    }
    if wrong := [name for name, value in columns.items() if said.get(name) != value]:
        yield misfit(f"its columns contradict its text: {', '.join(wrong)}")


def _seals_in_order(seals: Iterable[Seal]) -> Iterator[Misfit]:
    last = 0
    for seal in seals:
        if seal.after_event != last:
            yield Misfit(None, str(seal), f"it should begin after event {last}, not after {seal.after_event}")
        last = seal.last_event


def _check_seal(seal: Seal, digests: list[str]) -> Iterator[Misfit]:
    if len(digests) != seal.event_count:
        reason = f"it holds {seal.event_count} events, the record has {len(digests)}"
        yield Misfit(None, str(seal), reason)
    elif merkle_root(digests) != seal.root:
        yield Misfit(None, str(seal), "its Merkle root does not follow from the events it covers")


def merkle_root(digests: Iterable[str]) -> str:
    """The Merkle root of hexadecimal ``digests``.

    A leaf is SHA-256("0" + digest), a node SHA-256("1" + left + right). An odd node moves up as it is. The
    root of nothing is the SHA-256 of the empty text.
    """
    level = [sha256_hex("0" + digest) for digest in digests]
    if not level:
        return sha256_hex("")
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        paired = [sha256_hex("1" + left + right) for left, right in pairs]
        level = [*paired, level[-1]] if len(level) % 2 else paired
    return level[0]


@transaction.atomic
def seal_record() -> Seal | None:
    """Seal all events since the last seal; None when there are none.

    It waits for every writer under way and holds new ones back for the moment, so that no event with a lower
    id can still commit. The lock is advisory: the portal's own role may not lock the table.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEAL_LOCK])
    last = Seal.objects.order_by("-last_event").first()
    after = last.last_event if last else 0
    rows = list(AuditEvent.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "digest"))
    if not rows:
        return None
    return Seal.objects.create(
        made_at=clock.instant(),
        after_event=after,
        last_event=rows[-1][0],
        event_count=len(rows),
        root=merkle_root(digest for _, digest in rows),
    )
