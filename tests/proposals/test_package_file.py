"""Reading and merging package files without a database: what is refused and why, what would change."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from program.transitions import Problem
from proposals.comparison import compare
from proposals.enums import Part
from proposals.merging import Known, merge
from proposals.package import Package
from proposals.package_file import (
    LARGEST,
    FileRefused,
    PackageFile,
    file_schema,
    hash_of_package,
    read_file,
    write_file,
)
from proposals.rows import assemble, entries
from tests.factories.packages import complete_package, packages

quick = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
NOW = datetime(2026, 11, 26, tzinfo=UTC)
NOTHING_KNOWN = Known({}, {}, {}, {}, proposal=7)
KNOWN = Known({"US": "United States", "KE": "Kenya"}, {}, {}, {}, proposal=7)
HOSTILE = {
    "right to left": "שלום‮ مرحبا", "emoji": "🛰️👩🏽‍🔬🇰🇪", "formula": "=cmd|' /C calc'!A0",
    "markup": "<script>x</script>",
    "long": "ж" * 200_000, "combining": "e\u0301" * 9, "lines": "a\nb\tc",
}  # fmt: skip


def written(package):
    return write_file(package, proposal=7, at=NOW).encode()


def refused(content):
    with pytest.raises(FileRefused) as refusal:
        read_file(content if isinstance(content, bytes) else content.encode())
    assert all(isinstance(problem, Problem) and problem.clause for problem in refusal.value.problems)
    return [problem.message for problem in refusal.value.problems]


def changed(*place, value):
    """The complete package as data, with one value changed."""
    data = json.loads(written(complete_package()))
    target = data
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    return json.dumps(data)


@quick
@given(packages())
def test_any_package_is_its_rows(package):
    assert assemble(package, entries(package)) == package


@quick
@given(packages())
def test_any_file_comes_back_as_it_was_written(package):
    file = read_file(written(package))
    assert file.package == package
    assert hash_of_package(written(package)) == package.sha256


@quick
@given(packages())
def test_any_export_taken_over_changes_nothing(package):
    found = merge(package, read_file(written(package)), NOTHING_KNOWN)
    twice = any(problem.code == "key-twice" for problem in found.errors)
    if not twice:
        assert found.is_nothing and found.changes == () and found.removable == () and found.clashes == ()
        assert compare(package, found.target) == ()


@quick
@given(packages(), packages())
def test_merging_any_two_packages_never_raises(one, other):
    found = merge(one, read_file(written(other)), KNOWN)
    assert all(problem.message and problem.clause for problem in found.errors)
    everything = frozenset(entry.key for entry in found.removable)
    gone = merge(one, read_file(written(other)), KNOWN, remove=everything)
    assert {entry.key for entry in gone.removed} >= everything
    merge(one, other, KNOWN, strict=False)


def test_row_of_another_layer_under_the_same_key_is_said_and_not_mixed():
    """A field that only the other layer has."""
    data = json.loads(written(complete_package()))
    rows = {row["layer"]: row for row in data["components"]}
    rows["data"]["key"], rows["models"]["key"] = rows["models"]["key"], rows["data"]["key"]
    rows["data"]["privacy_regime"] = "Kenya Data Protection Act 2019"
    found = merge(complete_package(), read_file(json.dumps(data).encode()), KNOWN)
    assert [problem.code for problem in found.errors].count("layer-changed") == 2


@quick
@given(packages())
def test_any_file_fits_the_published_schema(package):
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(written(package)))] == []


VALIDATOR = jsonschema.Draft202012Validator(file_schema())


def test_file_prepared_by_hand_may_leave_out_what_is_empty():
    data = {"schema_version": "1.0", "call": {"number": "AIX-C-2026-0001"}, "title": "By hand"}
    assert list(VALIDATOR.iter_errors(data)) == []
    assert read_file(json.dumps(data).encode()).title == "By hand"
    assert list(VALIDATOR.iter_errors({"call": {"number": "X"}})), "the version is demanded"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no JSON: it breaks off or errs at line 1, column 1"),
        (b'{"schema_version": "1.0", "title": "cut', "line 1, column 36"),
        (b"\xff\xfe{}", "no text in UTF-8"),
        (b"[1, 2]", "JSON, but no package"),
        (b'{"schema_version": "1.0", "title": "a", "title": "b"}', "says “title” twice"),
        (b'{"schema_version": "1.0", "x": NaN}', "holds NaN"),
        (b'{"schema_version": "1.0", "x": -Infinity}', "holds -Infinity"),
        (b'{"schema_version": "1.0", "x": ' + b"9" * 5000 + b"}", "number of thousands of digits"),
        (b'{"schema_version": "1.0", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"schema_version": "1.0", "x": ' + b"[" * 13 + b"]" * 13 + b"}", "nested too deeply"),
        (b'{"schema_version": "2.0"}', 'says schema version "2.0"; this portal reads version 1.0'),
        (b'{"call": {"number": "X"}}', "names no schema version"),
        (b" " * (LARGEST + 1), "larger than 10 MB"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_package_file_is_refused_in_words(content, says):
    (message,) = refused(content)
    assert says in message


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("-0.01", "cannot be negative"),
        ("-1", "cannot be negative"),
        ("NaN", "it is no number"),
        ("Infinity", "it is no number"),
        ("1e400", "digits"),
        ("9" * 30, "digits"),
        ("1.001", "more than 2 digits after the point"),
        ("twelve", "it is no number"),
        (12.5, "Give the number as a text"),
        (True, "Give the number as a text"),
    ],
)
def test_amount_that_is_none_is_refused_at_its_place(amount, says):
    (message,) = refused(changed("components", 0, "total_value_usd", value=amount))
    assert message.startswith("“components”, row 1 (Accelerator board), “total_value_usd”: ")
    assert says in message


@pytest.mark.parametrize(
    ("place", "value", "says", "clause"),
    [
        (("components", 0, "country_of_origin"), {"code": "Kenya"}, "two capital letters", "s.3(b)(i)(A)"),
        (("components", 2, "weights"), "ajar", "it is none of 'open' or 'closed'", "s.3(b)(i)(C)"),
        (("components", 0, "quantity"), "3", "a whole number without quotation marks", "s.3(b)(i)(A)"),
        (("components", 0, "layer"), "wires", "the layer is none of", "s.3(b)(i)"),
        (("markets", 0, "colour"), "red", "the schema knows no such name", "s.3(b)(ii)"),
        (("markets", 0, "key"), "Market 1", "a key is small letters", "s.3(b)(ii)"),
        (("support_requests", 0, "term_months"), -1, "cannot be negative", "s.3(b)(iv)"),
        (("title",), "a\u0007b", "control characters", "s.3(b)"),
        (("title",), "\ud800", "", "s.3(b)"),
        (("status",), "designated", "the schema knows no such name", "s.3(b)"),
    ],
    ids=str,
)
def test_value_that_no_package_holds_is_refused_with_place_and_clause(place, value, says, clause):
    with pytest.raises(FileRefused) as refusal:
        read_file(changed(*place, value=value).encode())
    (problem,) = refusal.value.problems
    assert says in problem.message and problem.clause == f"E.O. 14320 {clause}"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_any_other_text_passes_to_the_letter(text):
    file = read_file(changed("summary", value=text).encode())
    found = merge(complete_package(), file, KNOWN)
    assert not found.errors and found.target.summary == text


def test_many_faults_are_all_counted():
    data = json.loads(written(complete_package()))
    data["components"] = [{"key": f"component-{n}", "layer": "data", "weights": 1} for n in range(80)]
    messages = refused(json.dumps(data))
    assert len(messages) == 51 and messages[-1].startswith("And 30 more of the kind.")


@given(st.sampled_from(list(complete_package().components)), st.data())
@quick
def test_one_changed_text_is_one_changed_row(component, data):
    name = data.draw(st.sampled_from(["name", "description", "standards"]))
    package = complete_package()
    others = tuple(
        row.model_copy(update={name: "Told otherwise"}) if row.key == component.key else row
        for row in package.components
    )
    file = PackageFile.model_validate(package.model_copy(update={"components": others}).to_data())
    found = merge(package, file, KNOWN)
    assert [(change.key, [field.field for field in change.fields]) for change in found.changes] == [
        (component.key, [name])
    ]
    assert compare(package, found.target) == compare(package, file)


def test_file_of_another_proposal_tells_nothing_about_what_changed_here():
    """Its keys and hashes are of other rows: nothing of it counts as what stood here."""
    mine = complete_package(title="Mine")
    theirs = write_file(complete_package(title="Theirs"), proposal=8, at=NOW).encode()
    found = merge(mine, read_file(theirs), KNOWN)
    assert found.clashes == () and [change.part for change in found.changes] == [Part.OVERVIEW]


def test_package_of_a_version_is_a_package_file():
    package = complete_package()
    assert merge(package, read_file(package.to_json().encode()), KNOWN).is_nothing
    assert isinstance(read_file(package.to_json().encode()), Package)
