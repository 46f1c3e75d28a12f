"""``manage.py verify_record_drill``: does the verification find what was altered behind the portal's back?"""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from config.database_roles import as_owner
from program import audit
from program.models import AuditEvent


class Command(BaseCommand):
    """Make demonstration data in a scratch database, alter one event there, demand that it is named."""

    help = "In a scratch database: demonstration data, a sound record, one altered row, and it must be found."

    def handle(self, **options: Any) -> None:
        with as_owner():
            scratch = connection.settings_dict["NAME"]
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            try:
                self.drill()
            finally:
                connection.creation.destroy_test_db(scratch, verbosity=0)

    def drill(self) -> None:
        """Raises CommandError unless the record is sound first and the altered event is named afterwards."""
        call_command("demo", verbosity=0)
        audit.seal_record()
        before = audit.verify()
        if not before.is_sound:
            raise CommandError(f"The record was not sound to begin with: {before.misfits[0]}")
        self.stdout.write(f"Demonstration data: {before.event_count} events, the record is whole.")
        event = AuditEvent.objects.order_by("pk")[before.event_count // 2]
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE program_auditevent DISABLE TRIGGER program_auditevent_is_kept")
            body = event.body.replace('"note":"', '"note":"(altered) ', 1)
            cursor.execute("UPDATE program_auditevent SET body = %s WHERE id = %s", [body, event.pk])
            cursor.execute("ALTER TABLE program_auditevent ENABLE TRIGGER program_auditevent_is_kept")
        self.stdout.write(f"Altered event {event.pk} ({event}) with the trigger disabled.")
        found = audit.verify()
        if found.is_sound or found.misfits[0].event != event.pk:
            raise CommandError(
                f"The alteration was not found, or another event was named: {found.misfits[:1]}"
            )
        self.stdout.write(self.style.SUCCESS(f"Found: event {event.pk}: {found.misfits[0].reason}."))
