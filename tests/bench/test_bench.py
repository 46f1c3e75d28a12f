"""What the measurement reads from pages and says about budgets; the measuring itself is no test."""

from __future__ import annotations

import json
from dataclasses import asdict

from bench import measuring, report
from bench.client import Answer, Form
from bench.measuring import Measured
from bench.names import NAMES_EACH, RECALL, Names, Quality, measure_names, package_of
from bench.report import cell, table, write
from bench.rows import ROWS, Row

PAGE = """
<form action="/search/"><input name="q" value="other form"></form>
<form method="post" data-autosave>
<input type="hidden" name="revision" value="3"><input name="row-name" value="Server &amp; rack">
<input type="checkbox" name="row-kept" checked value="on"><input type="checkbox" name="row-left" value="on">
<select name="row-kind"><option value="">Choose</option><option value="chip" selected>Chip</option></select>
<textarea name="row-text">Two
lines</textarea></form>
<form data-autosave><input name="later" value="not read"></form>
"""


def test_form_reads_what_a_browser_would_post():
    assert Form(PAGE).fields == {
        "revision": "3",
        "row-name": "Server & rack",
        "row-kept": "on",
        "row-kind": "chip",
        "row-text": "Two\nlines",
    }


def test_cell_marks_what_is_over_its_budget():
    assert cell(4.0, 4, ".1f") == "4.0 / 4 "
    assert cell(4.1, 4, ".1f") == "4.1 / 4!"


def results(**changes):
    return {
        size: [Measured(row.name, **{"times_empty": size / 100, "statements": 1} | changes) for row in ROWS]
        for size in (100, 200)
    }


def test_table_compares_the_larger_size_with_the_smaller():
    lines = list(table(results()))
    assert len(lines) == len(ROWS) + 2
    assert "2.00 / 1!" in lines[1]
    assert "1 / 2 " in lines[1]


def test_table_names_a_row_that_could_not_be_measured():
    assert "not measured: 404" in list(table(results(refused="404")))[1]


def test_written_file_holds_sizes_and_budgets(tmp_path):
    file = write(results(), ROWS, tmp_path, times=5)
    content = json.loads(file.read_text())
    assert content == json.loads((tmp_path / "latest.json").read_text())
    assert sorted(content["sizes"]) == ["100", "200"]
    assert [budget["row"] for budget in content["budgets"]] == [row.name for row in ROWS]


def test_row_is_measured_in_turns_with_the_empty_page(monkeypatch):
    class Empty:
        def __init__(self, port):
            pass

        def get(self, path):
            return Answer(200, 0.002, 0, "ok")

    monkeypatch.setattr(measuring, "Client", Empty)
    row = Row("page", 4, 2, 1.0, lambda port: lambda: Answer(200, 0.01, 7, ""))
    assert measuring.measure(row, 1, times=3) == Measured("page", times_empty=5.0, statements=7)


def test_wrong_answer_is_reported_and_not_measured(monkeypatch):
    monkeypatch.setattr(
        measuring, "Client", lambda port: type("Empty", (), {"get": lambda self, path: None})()
    )
    row = Row("page", 4, 2, 1.0, lambda port: lambda: Answer(500, 0.01, 7, ""))
    assert measuring.measure(row, 1, times=3).refused == "Unexpected: answered 500 instead of 200"


def test_every_row_of_the_table_has_a_budget():
    assert all(row.times_empty > 0 and row.statements > 0 and row.slower >= 1 for row in ROWS)
    assert report.ROWS is ROWS


def test_a_measured_package_names_ten_parties_who_own_one_another():
    package = package_of([f"Name {at}" for at in range(NAMES_EACH)])
    assert len({party.name for party in package.parties()}) == NAMES_EACH
    (two,) = [member for member in package.consortium.members if member.organization.holders]
    assert [holder.owns for holder in two.organization.holders] == [None, "owner-0", "owner-1", "owner-2"]


def test_names_are_screened_and_a_budget_missed_is_marked():
    found = measure_names(entries=300, proposals=5)
    assert found.seconds < 60
    assert found.checks > 5 * NAMES_EACH
    assert [one.recall >= RECALL for one in found.quality.values()] == [True, True]
    assert all("!" not in line for line in found.lines())
    json.dumps(asdict(found))
    slow, unlike = Names(9.0, 51.1, 9, {"held out": Quality(160, 0.97, 1.0)}).lines()
    assert "60.1 / 60!" in slow
    assert "0.970 / 0.98! recall, 1.000 precision" in unlike
