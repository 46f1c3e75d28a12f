"""The database that a run copies is made anew whenever what it was made from has changed."""

from __future__ import annotations

import pytest

from tests import migrated

MIGRATION = "from app.triggers import append_only\nimport app.fields\nfrom app import library\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(migrated, "ROOT", tmp_path)
    for name in migrated.LOCKS:
        (tmp_path / name).write_text("django==5.2")
    (tmp_path / "app/migrations").mkdir(parents=True)
    (tmp_path / "app/migrations/0001_initial.py").write_text(MIGRATION)
    for name in ("triggers", "fields", "library", "views"):
        (tmp_path / f"app/{name}.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "app/migrations/0001_initial.py", "app/migrations/0002_more.py", "app/triggers.py", "app/fields.py",
        "app/library.py", "requirements.lock", "requirements-dev.lock",
    ],
)  # fmt: skip
def test_what_the_tables_come_from_changes_the_name(root, name):
    before = migrated.digest()
    with (root / name).open("a") as file:
        file.write("# changed")
    assert migrated.digest() != before


def test_other_code_leaves_the_name(root):
    before = migrated.digest()
    (root / "app/views.py").write_text("# changed")
    assert migrated.digest() == before
