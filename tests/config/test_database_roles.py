"""C27: the role that the portal works under owns nothing and cannot change the record."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from psycopg2 import sql

from config.database_roles import append_only_tables, grant_application_role, refuse_owner
from program import clock
from program.pulse import note_pulse
from program.services.closures import correct_closure, enter_closure
from program.services.outages import correct_outage, log_outage
from proposals.services import ask_package_pdf
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory, submitted
from tests.processes import ROOT, free_port, test_database_url

ROLE = "portal_test_application"


@pytest.fixture
def application_role(db):
    """Work as a role that has just been granted what the portal needs; all of it is rolled back."""
    role = sql.Identifier(ROLE)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
        assert grant_application_role(ROLE)
        cursor.execute(sql.SQL("SET ROLE {}").format(role))
    yield ROLE
    if not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_registers_that_only_grow_are_corrected_under_the_granted_role(application_role):
    by, at = officer(), clock.now() - timedelta(hours=2)
    outage = log_outage(by=by, values={"began_at": at, "affected": "Everything", "source": "officer"})
    ended = {"began_at": at, "ended_at": clock.now(), "affected": "Everything", "source": "officer"}
    assert correct_outage(outage, by=by, values=ended, why_corrected="It has ended.").replaces == outage
    values = {"authority": "An order", "counts_as_holiday": True, "source": "Federal Register"}
    closure = enter_closure(by=by, day=date(2027, 1, 4), values=values)
    gone = correct_closure(closure, by=by, values=values, why_corrected="A mistake.", is_withdrawn=True)
    assert gone.replaces == closure
    for minutes in (0, 9):
        with clock.moved_to(at + timedelta(minutes=minutes)):
            silence = note_pulse()
    assert silence.began_at == at


def refused(statement):
    """Whether the database refuses ``statement`` for want of rights, and says so."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    text = str(refusal.value)
    return "permission denied" in text or "must be owner" in text or "must be able to SET ROLE" in text


@pytest.mark.django_db
def test_portal_that_owns_its_record_is_not_ready_in_production(client, settings):
    settings.DEMONSTRATION = True
    assert client.get("/readyz").status_code == 200
    settings.DEMONSTRATION = False
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["record_is_another_roles"]) == (503, False)


def test_portal_under_the_granted_role_is_ready_in_production(client, settings, application_role):
    settings.DEMONSTRATION = False
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["record_is_another_roles"]) == (200, True)


@pytest.mark.django_db(transaction=True)
def test_web_process_does_not_start_under_a_role_that_owns_the_record():
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.py"]
    address = f"127.0.0.1:{free_port()}"
    values = os.environ | {
        "DATABASE_URL": test_database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings_process",
        "EMAIL_URL": "dummymail://",
    }
    answer = subprocess.run(
        [*command, "--bind", address], cwd=ROOT, env=values, capture_output=True, text=True, timeout=60
    )
    assert answer.returncode
    assert "DATABASE_URL owns the tables of the record" in answer.stderr
    assert "Booting worker" not in answer.stderr


def test_granted_role_may_serve_and_the_owner_only_in_a_demonstration(settings, application_role):
    settings.DEMONSTRATION = False
    refuse_owner()
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    with pytest.raises(ImproperlyConfigured, match="owns the tables of the record"):
        refuse_owner()
    settings.DEMONSTRATION = True
    refuse_owner()


@pytest.mark.django_db
def test_owner_empties_no_append_only_table():
    for table in append_only_tables():
        kept = pytest.raises(DatabaseError, match="are kept")
        with connection.cursor() as cursor, kept, transaction.atomic():
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_is_never_emptied")
            cursor.execute(f"TRUNCATE {table} CASCADE")


def test_record_and_every_other_append_only_table_is_known():
    assert {"program_auditevent"} <= set(append_only_tables())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE program_agency ADD COLUMN mine int",
        "DROP TABLE program_agency",
        "TRUNCATE program_agency",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "ALTER TABLE program_auditevent DISABLE TRIGGER ALL",
        "DROP TRIGGER program_auditevent_is_kept ON program_auditevent",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now())",
        "DELETE FROM django_migrations",
    ],
)
def test_application_role_defines_and_empties_nothing(application_role, statement):
    assert refused(statement)


def test_application_role_cannot_change_what_only_grows(application_role):
    for table in append_only_tables():
        name = sql.Identifier(table)
        for statement in ("DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET id = id"):
            assert refused(sql.SQL(statement).format(name)), (statement, table)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT has_table_privilege(%s, 'SELECT'), has_table_privilege(%s, 'INSERT')", [table, table]
            )
            assert cursor.fetchone() == (True, True)


def test_application_role_works_with_rows(application_role):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE program_agency SET name = name")
        cursor.execute("DELETE FROM django_session")
        cursor.execute("SELECT nextval(pg_get_serial_sequence('program_agency', 'id'))")


def test_application_role_asks_for_the_pdf_of_a_version_that_it_may_not_change(db, request):
    version = submitted(ProposalFactory(complete=True))
    request.getfixturevalue("application_role")
    assert ask_package_pdf(version, by=version.submitted_by).state == "owed"


def test_granting_again_changes_nothing(application_role):
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(
            "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        before = sorted(cursor.fetchall(), key=str)
        assert grant_application_role(ROLE)
        cursor.execute(
            "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        assert sorted(cursor.fetchall(), key=str) == before


@pytest.mark.django_db(transaction=True)
def test_command_says_when_the_role_owns_the_tables_itself():
    said = StringIO()
    call_command("grant_application_role", role=settings.DATABASE_OWNER["USER"], stdout=said)
    assert "owns the tables itself" in said.getvalue()
