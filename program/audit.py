"""The record: every act in its own transaction, chained per subject, sealed every hour.

An event's ``digest`` is the SHA-256 of the digest before it (of the same subject, empty for the first)
followed by its ``body``. A seal holds the Merkle root over the digests of all events since the last seal,
in order of their ids. Anybody who holds the rows can repeat both with the standard library alone.
``verify`` does; ``program.roots`` keeps the roots outside the database.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection, transaction

from program import clock, roots
from program.canonical import canonical_json, sha256_hex
from program.joining import joined
from program.merkle import MerkleTree
from program.models import AuditEvent, Seal
from program.models.record import parse_body
from program.request_context import request_id
from program.texts import LONGEST_NOTE, refuse_longer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Self

    from django.db import models

    from program.models import Delegation, User

logger = logging.getLogger(__name__)
SEAL_LOCK, SEALER_LOCK = 14320, 14321
BATCH = 5000
# Events in one seal; a year without a seal is sealed in several, each within a task's time
MOST_IN_SEAL = 250_000
# Writers that come while a seal waits for those under way wait with it: a second, then they go first
WAITS, WAIT, PAUSE_SECONDS = 20, "1s", 0.5
LOCK_NOT_AVAILABLE = "55P03"


@joined()
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
    wait for each other, writers of different subjects do not. Raises ValidationError for a note longer
    than any page takes.
    """
    refuse_longer(note, LONGEST_NOTE)
    kind, key = subject._meta.label_lower, str(subject.pk)
    at, last, digest = _chain_end(kind, key)
    sequence = (last or 0) + 1
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
            "delegation_id": delegation.pk if delegation else None,
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
        digest=sha256_hex((digest or "") + body),
    )


def _chain_end(kind: str, key: str) -> tuple[datetime, int | None, str | None]:
    """Let no other transaction append to this subject's chain; then the moment, and the last event.

    Of the event its number and digest, None where the chain is empty.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM chain_end(%s, %s, %s)", [kind, key, SEAL_LOCK])
        at, last, digest = cursor.fetchone()
    return clock.moved() or at, last, digest


def settled() -> int:
    """The id up to which the record is complete: no event at or below it can still commit. 0 for no events.

    Waits for the writers under way and holds new ones back meanwhile, at most a second at a time, then for
    as long as it takes to read one number. The lock is advisory: the portal's own role may not lock the
    table. Not for use within a longer transaction, which would keep the lock. Raises OperationalError when
    somebody writes for longer than half a minute.
    """
    for _ in range(WAITS - 1):
        try:
            return _settled()
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", "") != LOCK_NOT_AVAILABLE:
                raise
            time.sleep(PAUSE_SECONDS)
    return _settled()


@transaction.atomic
def _settled() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)", [WAIT])
        usual = cursor.fetchone()[0]
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEAL_LOCK])
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [usual])
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def seal_record() -> Seal | None:
    """Seal the events since the last seal and keep its root outside; None when there are none.

    Events beyond ``MOST_IN_SEAL`` are left to the next seal. Nobody who writes waits while the events are
    read: what is settled cannot change any more.
    """
    return _seal_up_to(settled())


@transaction.atomic
def _seal_up_to(last_event: int) -> Seal | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEALER_LOCK])
    last = Seal.objects.order_by("-last_event").first()
    after = sealed_to = last.last_event if last else 0
    tree, count = MerkleTree(), 0
    for event, digest in islice(_digests(after, last_event), MOST_IN_SEAL):
        tree.add(digest)
        sealed_to, count = event, count + 1
    if not count:
        return None
    seal = Seal.objects.create(
        made_at=clock.instant(), after_event=after, last_event=sealed_to, event_count=count, root=tree.root
    )
    transaction.on_commit(partial(_keep, seal))
    return seal


def _digests(after: int, last_event: int) -> Iterator[tuple[int, str]]:
    """Ids and digests in order, by statements that stay short however many events there are."""
    rows = AuditEvent.objects.filter(pk__lte=last_event).order_by("pk").values_list("pk", "digest")
    while batch := list(rows.filter(pk__gt=after)[:BATCH]):
        yield from batch
        after = batch[-1][0]


def _keep(seal: Seal) -> None:
    """Keep the root of a seal outside; the seal stands when that fails, and the next run makes it good."""
    logger.info("The record was sealed.", extra=roots.Root.of(seal)._asdict())
    try:
        roots.keep()
    except Exception:
        logger.exception("The root of a seal was not kept outside the database.")


@dataclass(frozen=True)
class Misfit:
    """A place where the record does not fit: ``event`` is its id, or None for a seal or a kept root."""

    event: int | None
    subject: str
    reason: str


@dataclass
class Walk:
    """A verification of the whole record on its way, batch by batch; JSON can keep it between two of them.

    It goes up to ``horizon`` and takes the seals that were made before it began. ``peaks`` is the Merkle tree
    over the events since the last seal. It is sound when there is no misfit; at most ``most`` are kept.
    ``failure`` says why a walk came to no end.
    """

    horizon: int
    newest_seal: int
    position: int = 0
    sealed_to: int = 0
    event_count: int = 0
    subject_count: int = 0
    seal_count: int = 0
    unsealed_count: int = 0
    kept_count: int = 0
    late_count: int = 0
    unkept_count: int = 0
    peaks: list[tuple[int, str]] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)
    most: int = 20
    is_over: bool = False
    failure: str = ""

    @classmethod
    def begin(cls, *, most: int = 20) -> Self:
        """Start a walk with what the kept roots say against the seals."""
        kept = roots.read()  # before the seals: each kept root has its seal already
        last_event = settled()
        seals = list(Seal.objects.order_by("last_event"))
        walk = cls(
            horizon=max([last_event, *(seal.last_event for seal in seals)]),
            newest_seal=max((seal.pk for seal in seals), default=0),
            kept_count=len(kept.roots),
            late_count=kept.late_count,
            unkept_count=roots.unkept_count(kept, seals),
            most=most,
        )
        for subject, reason in roots.contradictions(kept, seals, last_event):
            walk._blame(Misfit(None, subject, reason))
        return walk

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        return cls(**{**said, "misfits": [Misfit(**misfit) for misfit in said["misfits"]]})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_sound(self) -> bool:
        return not self.misfits and not self.failure

    def go_on(self) -> None:
        """Check the next batch of events, and every seal that ends within it."""
        rows = AuditEvent.objects.filter(pk__gt=self.position, pk__lte=self.horizon).order_by("pk")
        batch = list(rows.values_list("pk", "digest", "body", *COLUMNS, named=True)[:BATCH])
        self.is_over = len(batch) < BATCH
        seals = self._seals_to(self.horizon if self.is_over else batch[-1].pk)
        heads, seal = self._heads(batch), next(seals, None)
        tree = MerkleTree(self.peaks)
        for event in batch:
            while seal and event.pk > seal.last_event:
                self._check_seal(seal, tree)
                tree, seal = MerkleTree(), next(seals, None)
            tree.add(event.digest)
            self.unsealed_count += 1
            chain = event.subject_type, event.subject_id
            self._check_event(event, *heads.get(chain, (0, "")))
            heads[chain] = event.sequence, event.digest
        while seal:
            self._check_seal(seal, tree)
            tree, seal = MerkleTree(), next(seals, None)
        self.peaks = tree.peaks
        self.event_count += len(batch)
        if batch:
            self.position = batch[-1].pk

    def _seals_to(self, event: int) -> Iterator[Seal]:
        made = Seal.objects.filter(pk__lte=self.newest_seal, last_event__gt=self.sealed_to)
        return iter(made.filter(last_event__lte=event).order_by("last_event"))

    def _heads(self, batch: list[Any]) -> dict[tuple[str, str], tuple[int, str]]:
        """Where the chains of ``batch`` stood before it: sequence and digest, by subject.

        Looked up by the place before each chain's first event, which costs one step in an index however long
        the chain is. A second event in the same place shows as well.
        """
        firsts: dict[tuple[str, str], int] = {}
        for event in batch:
            firsts.setdefault((event.subject_type, event.subject_id), event.sequence)
        kinds, keys = [kind for kind, _ in firsts], [key for _, key in firsts]
        with connection.cursor() as cursor:
            cursor.execute(HEADS, [kinds, keys, list(firsts.values()), self.position])
            return {(kind, key): (sequence, digest) for kind, key, sequence, digest in cursor.fetchall()}

    def _check_event(self, event: Any, sequence: int, digest: str) -> None:
        def blame(reason: str) -> None:
            self._blame(Misfit(event.pk, f"{event.subject_type} {event.subject_id}", reason))

        self.subject_count += event.sequence == 1
        if event.sequence != sequence + 1:
            missing = sequence + 1 if sequence else event.sequence - 1
            blame(f"event {missing} of this subject is missing: the next found is {event.sequence}")
        elif event.digest != sha256_hex(digest + event.body):
            blame("its digest does not follow from the event before it and its own text")
        elif (said := parse_body(event.body)) is None:
            blame("nobody can read its text")
        elif wrong := _contradicting(event, said):
            blame(f"its columns contradict its text: {', '.join(wrong)}")

    def _check_seal(self, seal: Seal, tree: MerkleTree) -> None:
        if seal.after_event != self.sealed_to:
            reason = f"it should begin after event {self.sealed_to}, not after {seal.after_event}"
            self._blame(Misfit(None, str(seal), reason))
        if self.unsealed_count != seal.event_count:
            reason = f"it holds {seal.event_count} events, the record has {self.unsealed_count}"
            self._blame(Misfit(None, str(seal), reason))
        elif tree.root != seal.root:
            reason = "its Merkle root does not follow from the events it covers"
            self._blame(Misfit(None, str(seal), reason))
        self.seal_count += 1
        self.sealed_to, self.unsealed_count = seal.last_event, 0

    def _blame(self, misfit: Misfit) -> None:
        if len(self.misfits) < self.most:
            self.misfits.append(misfit)


# What an event's columns repeat of its text
COLUMNS = (
    "act",
    "actor_id",
    "at",
    "clause",
    "delegation_id",
    "request_id",
    "sequence",
    "subject_id",
    "subject_type",
)
HEADS = """
SELECT asked.kind, asked.key, head.sequence, head.digest
FROM unnest(%s::text[], %s::text[], %s::int[]) AS asked (kind, key, first)
CROSS JOIN LATERAL (
    SELECT sequence, digest FROM program_auditevent
    WHERE subject_type = asked.kind AND subject_id = asked.key
      AND sequence IN (asked.first - 1, asked.first) AND id <= %s
    ORDER BY sequence DESC LIMIT 1
) AS head
"""


def _contradicting(event: Any, said: dict[str, Any]) -> list[str]:
    """The columns of ``event`` that say something else than its text, or that it is silent about.

    Events of an early release do not name the delegation by its key.
    """
    said = {"delegation_id": event.delegation_id} | said
    columns = {name: getattr(event, name) for name in COLUMNS} | {"at": event.at.isoformat()}
    wrong = [name for name, value in columns.items() if name not in said or said[name] != value]
    # The words of a delegation may change with a person's name; that there was one does not
    if "delegation_id" not in wrong and bool(said.get("delegation")) != bool(event.delegation_id):
        wrong.append("delegation")
    return wrong


def verify(*, most: int = 20) -> Walk:
    """Walk every chain and seal, and the kept roots; report at most ``most`` misfits.

    A batch at a time, each by a short statement, with nothing in memory but the batch.
    """
    walk = Walk.begin(most=most)
    while not walk.is_over:
        walk.go_on()
    return walk
