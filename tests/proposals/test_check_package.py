from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from proposals.checks import all_problems
from proposals.composition import rules_of
from proposals.package import Country, Package
from tests.factories.packages import complete_package, hardware
from tests.factories.program import issued_call


def check(path, *arguments):
    """What the command prints, and the status it ends with."""
    out = io.StringIO()
    try:
        call_command("check_package", str(path), *arguments, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}", error.returncode
    return out.getvalue(), 0


@pytest.fixture
def saved(tmp_path):
    def save(text):
        path = tmp_path / "package.json"
        path.write_text(text)
        return path

    return save


def test_complete_package_ends_with_0_and_asks_no_database(saved):
    package = complete_package()
    said, status = check(saved(package.to_json()))
    assert status == 0 and "Nothing is missing." in said
    assert package.sha256 in said and "presumed met, 60.00 percent" in said


def test_every_problem_is_printed_with_its_clause_and_ends_with_1(saved):
    package = Package(call={"number": "X"})
    said, status = check(saved(package.to_json()))
    problems = all_problems(package)
    assert status == 1 and f"{len(problems)} things keep this package" in said
    assert all(f"{p.clause} ({p.part}): {p.message}" in said for p in problems)


@pytest.mark.django_db
def test_rules_of_a_call_are_those_of_the_portal_and_nothing_is_written(saved):
    call = issued_call()
    call.requirements.create(code="own-1", title="Power", clause="Call, s.4", evidence_type="text")
    path = saved(complete_package().to_json())

    def only_reads(execute, sql, parameters, many, context):
        assert sql.lstrip().upper().startswith("SELECT"), sql
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(only_reads):
        said, status = check(path, "--call", call.number)
    (problem,) = all_problems(complete_package(), rules_of(call))
    assert status == 1 and f"Call, s.4 (requirements): {problem.message}" in said


@pytest.mark.django_db
def test_what_cannot_be_read_ends_with_2(saved, tmp_path):
    for path, arguments, words in (
        (tmp_path / "absent.json", (), "No such file"),
        (tmp_path, (), "directory"),
        (saved('{"schema_version": "9"}'), (), "this portal reads version 1.0"),
    ):
        said, status = check(path, *arguments)
        assert status == 2 and words in said
    said, status = check(saved(complete_package().to_json()), "--call", "AIX-C-1999-0001")
    assert status == 2 and "no issued call" in said


def test_rounding_never_shows_the_threshold_that_is_not_reached(saved):
    line = hardware(total="1000000.00", us="509999.00")
    package = complete_package(components=(line, *complete_package().components[1:]))
    said, _ = check(saved(package.to_json()))
    assert "not presumed, 50.99 percent" in said and "51.00" not in said


def test_what_no_draft_can_hold_is_named_as_an_import_names_it(saved):
    first, *others = complete_package().components
    line = first.model_copy(update={"us_content_value_usd": Decimal("100.01")})
    odd = complete_package(components=(line, *others), title="x" * 201)
    said, status = check(saved(odd.to_json()))
    assert status == 1 and "No draft can hold this" in said
    assert "Ensure this value has at most 200 characters (it has 201)" in said
    assert "Accelerator board: value of U.S. content, USD: The U.S. content cannot be worth more" in said
    unknown = first.model_copy(update={"country_of_origin": Country(code="QQ")})
    said, status = check(saved(complete_package(components=(unknown, *others)).to_json()))
    assert status == 1 and "“QQ” is no country that the portal knows" in said


def test_market_by_its_code_alone_is_complete_as_it_is_after_an_import(saved):
    data = complete_package().to_data()
    data["markets"] = [
        {"key": "market-a", "kind": "bloc", "code": "EU", "national_interest": "Trade.", "end_users": "All."}
    ]
    data["consortium"]["members"][0]["key"] = "member-of-mine"
    text = json.dumps(data).replace('"member-1"', '"member-of-mine"')
    said, status = check(saved(text))
    assert (status, "Nothing is missing." in said) == (0, True), said


@pytest.mark.parametrize(
    "text", ["שלום‮", "🛰️👩🏽‍🔬", "ж" * 200_000, "=1+1"], ids=["rtl", "emoji", "long", "formula"]
)
def test_any_text_is_checked(saved, text):
    assert check(saved(complete_package(summary=text).to_json()))[1] == 0


def test_control_characters_are_named(saved):
    said, status = check(saved(json.dumps(complete_package().to_data() | {"title": "a\x07b"})))
    assert status == 2 and "“title”: The text contains control characters." in said
