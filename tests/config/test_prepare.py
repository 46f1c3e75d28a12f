"""``manage.py prepare``: what must have happened before a release answers, and nothing twice."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def static_root(settings, tmp_path):
    settings.DEMONSTRATION = True  # the role of a test run owns its tables
    settings.STATIC_ROOT = str(tmp_path / "static")
    source = tmp_path / "source"
    source.mkdir()
    (source / "one.txt").write_text("one")
    settings.STATICFILES_DIRS = [str(source)]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    return Path(settings.STATIC_ROOT)


@pytest.mark.django_db(transaction=True)
def test_preparing_again_migrates_nothing_and_collects_nothing(static_root):
    call_command("prepare", stdout=StringIO())
    collected = (static_root / "one.txt").stat().st_ino
    said = StringIO()
    call_command("prepare", stdout=said)
    assert (static_root / "one.txt").stat().st_ino == collected
    assert "migrations" not in said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_changed_static_file_is_collected_and_a_removed_one_goes(static_root, tmp_path):
    call_command("prepare", stdout=StringIO())
    (tmp_path / "source" / "one.txt").unlink()
    (tmp_path / "source" / "two.txt").write_text("two")
    call_command("prepare", stdout=StringIO())
    assert {path.name for path in static_root.iterdir()} == {".collected", "two.txt"}


@pytest.mark.django_db(transaction=True)
def test_image_has_its_static_files_already(static_root):
    call_command("prepare", no_static=True, stdout=StringIO())
    assert not static_root.exists()


@pytest.mark.django_db(transaction=True)
def test_production_is_not_prepared_for_a_role_that_owns_the_record(static_root, settings):
    settings.DEMONSTRATION = False
    with pytest.raises(CommandError, match="DATABASE_URL owns the tables of the record"):
        call_command("prepare", no_static=True, stdout=StringIO())
