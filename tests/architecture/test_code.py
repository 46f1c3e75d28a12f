"""Rules of the house that a reader of the code may rely on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config.documentation import moving
from program.publish import MOST_SECONDS, in_seconds
from program.record_words import WORDS

ROOT = Path(settings.BASE_DIR)
APPS = ("config", "program", "proposals", "evaluation", "financing", "demonstration")
SOURCES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)


def calls_and_assignments(path):
    yield from ast.walk(ast.parse(path.read_text()))


def name_of(path):
    return str(path.relative_to(ROOT))


def test_every_act_that_the_code_records_has_words_in_the_record():
    literal = {
        node.args[1].value
        for path in SOURCES
        for node in calls_and_assignments(path)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "record"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    }
    assert len(literal) > 40
    assert sorted(literal - set(WORDS)) == []
    moved = {f"{model._meta.model_name}.{transition.name}" for model, transition in moving()}
    assert len(moved) > 40
    assert sorted(moved - set(WORDS)) == []


def test_the_program_office_is_written_in_one_way():
    pages = [path for folder in ("templates", "demonstration") for path in (ROOT / folder).rglob("*.html")]
    found = [
        name_of(path) for path in (*SOURCES, *pages) if re.search(r"\bprogram office\b", path.read_text())
    ]
    assert found == []


def statuses_set(path):
    """The lines of a file that put a value into a status of their own accord."""
    for node in calls_and_assignments(path):
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        parts = [part for target in targets for part in getattr(target, "elts", [target])]
        if any(isinstance(part, ast.Attribute) and part.attr == "status" for part in parts):
            yield f"{name_of(path)} line {node.lineno} assigns a status"
        is_update = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update"
        if is_update and "status" in {keyword.arg for keyword in node.keywords}:
            yield f"{name_of(path)} line {node.lineno} updates a status"


def test_only_perform_assigns_a_status():
    found = [
        line for path in SOURCES if name_of(path) != "program/transitions.py" for line in statuses_set(path)
    ]
    assert found == []


def words_in(words, path, leaving=""):
    """Which of ``words`` a source says, by its name; ``leaving`` is no word of it."""
    text = path.read_text()
    if leaving:
        text = text.replace(leaving, "")
    return [f"{name_of(path)} says {word}" for word in words if word in text]


def test_nothing_is_marked_safe_and_no_query_is_pasted():
    words = ("mark_safe", "SafeString(", ".extra(", "RawSQL(")
    assert [found for path in SOURCES for found in words_in(words, path)] == []


def test_only_demonstration_and_tests_move_the_clock():
    elsewhere = [
        path
        for path in SOURCES
        if name_of(path) != "program/clock.py" and not path.is_relative_to(ROOT / "demonstration")
    ]
    assert [found for path in elsewhere for found in words_in(["moved_to("], path)] == []


def test_no_task_waits_in_the_broker():
    """Due times are rows; a countdown longer than the broker's lease would run a task several times."""
    words = ("countdown=", "eta=", "apply_async", "task_always_eager", "TASK_ALWAYS_EAGER")
    bounded = {"program/publish.py": "countdown="}  # bounded there
    found = [each for path in SOURCES for each in words_in(words, path, bounded.get(name_of(path), ""))]
    assert found == []


def test_no_task_is_handed_to_the_broker_further_ahead_than_its_lease_allows(settings):
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > MOST_SECONDS * 2
    with pytest.raises(ValueError, match="let it be a row"):
        in_seconds(MOST_SECONDS + 1, "program.schedule.close_settled_calls")


@pytest.mark.django_db
def test_driver_is_psycopg2():

    with connection.cursor() as cursor:
        assert isinstance(cursor.cursor, psycopg2.extensions.cursor)


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_tables_use_no_extension():
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        assert [row[0] for row in cursor.fetchall()] == ["plpgsql"]
