"""``manage.py verify_record_drill``: does the verification find what was altered behind the portal's back?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.test import override_settings
from psycopg2 import sql

from config.database_roles import as_owner
from program import audit
from program.canonical import sha256_hex
from program.merkle import merkle_root
from program.models import AuditEvent, Seal

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper


class Command(BaseCommand):
    """In a scratch database make demonstration data, alter one event, rewrite the rest to fit it.

    Each time the verification must name what was done.
    """

    help = (
        "In a scratch database: demonstration data, a sound record, one altered row, then a whole record "
        "rewritten to fit it; both must be found."
    )

    def handle(self, **options: Any) -> None:
        with as_owner():
            scratch = connection.settings_dict["NAME"]
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            try:
                # The kept roots of a portal in the same folder are not this database's
                with TemporaryDirectory() as folder, override_settings(RECORD_ROOTS_FILE=f"{folder}/roots"):
                    self.drill()
            finally:
                connection.creation.destroy_test_db(scratch, verbosity=0)

    def drill(self) -> None:
        """Raises CommandError unless the record is sound first and each alteration is named afterwards."""
        call_command("demo", verbosity=0)
        audit.seal_record()
        before = audit.verify()
        if not before.is_sound:
            raise CommandError(f"The record was not sound to begin with: {before.misfits[0]}")
        self.stdout.write(
            f"Demonstration data: {before.event_count} events, {before.kept_count} kept roots, "
            "the record is whole."
        )
        self.alter_one(AuditEvent.objects.order_by("pk")[before.event_count // 2])
        self.rewrite_all()

    def alter_one(self, event: AuditEvent) -> None:
        """Alter the text of one event: its digest does not follow any more."""
        with unguarded("program_auditevent") as cursor:
            body = event.body.replace('"note":"', '"note":"(altered) ', 1)
            cursor.execute("UPDATE program_auditevent SET body = %s WHERE id = %s", [body, event.pk])
        self.stdout.write(f"Altered event {event.pk} ({event}) with the trigger disabled.")
        found = audit.verify()
        if found.is_sound or found.misfits[0].event != event.pk:
            raise CommandError(
                f"The alteration was not found, or another event was named: {found.misfits[:1]}"
            )
        self.stdout.write(self.style.SUCCESS(f"Found: event {event.pk}: {found.misfits[0].reason}."))

    def rewrite_all(self) -> None:
        """Make every chain and every seal fit the altered text, as only the owner of the tables can."""
        heads: dict[tuple[str, str], str] = {}
        digests: dict[int, str] = {}
        with unguarded("program_auditevent") as cursor:
            for event in AuditEvent.objects.order_by("pk"):
                chain = event.subject_type, event.subject_id
                digests[event.pk] = heads[chain] = sha256_hex(heads.get(chain, "") + event.body)
                change = "UPDATE program_auditevent SET digest = %s WHERE id = %s"
                cursor.execute(change, [heads[chain], event.pk])
        with unguarded("program_seal") as cursor:
            for seal in Seal.objects.all():
                covered = (digests[pk] for pk in sorted(digests) if seal.after_event < pk <= seal.last_event)
                change = "UPDATE program_seal SET root = %s WHERE id = %s"
                cursor.execute(change, [merkle_root(covered), seal.pk])
        self.stdout.write("Rewrote every digest and every seal, so that they fit the altered event.")
        found = audit.verify()
        if found.is_sound or found.misfits[0].event is not None:
            raise CommandError(f"The kept roots did not find the rewritten record: {found.misfits[:1]}")
        first = found.misfits[0]
        self.stdout.write(self.style.SUCCESS(f"Found by the kept roots: {first.subject}: {first.reason}."))


@contextmanager
def unguarded(table: str) -> Iterator[CursorWrapper]:
    """Change rows that are kept, with the trigger that keeps them disabled meanwhile."""
    name, trigger = sql.Identifier(table), sql.Identifier(f"{table}_is_kept")
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(name, trigger))
        yield cursor
        cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER {}").format(name, trigger))
