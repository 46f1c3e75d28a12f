"""What every test may stand on: the facts of law and the tools, loaded once and put back after each flush.

A test that commits (``transaction=True``) empties every table when it ends. Whoever asked for the facts
before finds them again, because the flush is answered by loading them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import connection
from django.db.models.signals import post_migrate

from financing.reference import load_tools
from program.reference import load_reference_data
from tests.factories.remembered import memory
from tests.migrated import migrated_copy, servers_folder

loaded: dict[str, object] = {}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """On servers of our own the tests' database is a copy of one that was migrated before."""
    if servers_folder():
        with migrated_copy(os.environ["DATABASE_URL"], connection.creation._get_test_db_name()):
            yield
    else:
        yield


@pytest.fixture(scope="session")
def django_db_keepdb():
    """Whether the database is there when Django comes to make it."""
    return servers_folder() is not None


@pytest.fixture(scope="session")
def reference_data(django_db_setup, django_db_blocker):
    """Countries, groups, embargoes, blocs, agencies and directives."""
    return keep("reference_data", load_reference_data, django_db_blocker)


@pytest.fixture(scope="session")
def financing_data(reference_data, django_db_blocker):
    """Tools, EDAG members, classes of countries and workstreams."""
    return keep("financing_data", load_tools, django_db_blocker)


def keep(name, load, blocker):
    memory.forget()
    with blocker.unblock():
        loaded[name] = (load, load())
    return loaded[name][1]


def load_again(app_config, **kwargs):
    """After a flush (which tells every app that it was migrated), the last app brings the facts back."""
    if app_config.name == "financing":
        memory.forget()
        for load, _ in list(loaded.values()):
            load()


post_migrate.connect(load_again, dispatch_uid="tests.load_again")


def allow_flush(app_config, **kwargs):
    """A flush empties tables that are never emptied otherwise; the database of the tests lets it."""
    if app_config.name == "financing":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgrelid::regclass, tgname FROM pg_trigger"
                " WHERE tgname LIKE '%_is_never_emptied' AND tgenabled <> 'D'"
            )
            for table, trigger in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


post_migrate.connect(allow_flush, dispatch_uid="tests.allow_flush")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """What factories remember is put back only where nothing but factories has written so far."""
    if memory.count not in connection.execute_wrappers:
        connection.execute_wrappers.append(memory.count)
    memory.begin()


# Folders whose files take longest for each test of theirs
LONG = ("browser", "demonstration", "faults", "architecture", "config")


def pytest_collection_modifyitems(config, items):
    """A worker of xdist takes the next file in this order: long files first, many small ones at the end.

    So no worker waits for another that has begun the longest file last.
    """
    if hasattr(config, "workerinput"):
        folders = {name: place for place, name in enumerate(LONG)}
        root = Path(__file__).parent
        items.sort(key=lambda item: folders.get(item.path.relative_to(root).parts[0], len(LONG)))
