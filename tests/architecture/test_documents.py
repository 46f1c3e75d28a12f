from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from django.conf import settings

from config.coverage import coverage
from config.documentation import documents
from program.order import CLAUSES, clauses_in


@pytest.mark.parametrize(
    "name", ["docs/order.md", "docs/access.md", "docs/lifecycle.md", "config/data/order.json"]
)
def test_document_is_current(name):
    text = (Path(settings.BASE_DIR) / name).read_text()
    assert text == documents()[name], "Run `make docs`: the code has changed."


def test_every_rule_named_in_the_coverage_is_real_code():
    for clause in coverage():
        for rule in clause["rules"]:
            module, _, name = rule["name"].rpartition(".")
            assert hasattr(importlib.import_module(module), name), rule


@pytest.mark.parametrize(
    "clause",
    [c for c in CLAUSES if c.startswith("s.3(b)") and c != "s.3(b)(i)"] + ["s.3(c)", "s.3(d)", "s.4(d)"],
)
def test_clause_that_the_portal_carries_out_has_screen_rule_and_test(clause):
    entry = next(entry for entry in coverage() if entry["reference"] == clause)
    assert entry["screens"]
    assert entry["rules"]
    assert entry["tests"]


@pytest.mark.parametrize(
    ("citation", "clauses"),
    [
        ("E.O. 14320 s.3(b)(i)(A)", ["s.3(b)(i)(A)"]),
        ("E.O. 14320 s.3(b)-(c)", ["s.3(b)", "s.3(c)"]),
        ("s.4(d)", ["s.4(d)"]),
        ("22 U.S.C. 9621", []),
        ("E.O. 14179 s.4(a)", []),
        ("", []),
    ],
)
def test_clauses_are_read_from_citations(citation, clauses):
    assert clauses_in(citation) == clauses
