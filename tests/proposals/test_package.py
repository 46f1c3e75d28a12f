from __future__ import annotations

import hashlib
import json
import random
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from proposals.package import LARGEST_SHARED, Country, HardwareComponent, Package, SupportRequest, json_schema
from tests.factories.packages import complete_package, hardware, packages

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("length", "is_shared"), [(10, True), (LARGEST_SHARED, False)])
def test_readers_of_one_text_share_a_value_that_is_not_large(length, is_shared):
    text = complete_package(summary="x" * length).to_json()
    assert (Package.from_json(text) is Package.from_json(text)) == is_shared
    assert Package.from_json(text) == Package.model_validate_json(text)


@quick
@given(packages())
def test_package_survives_its_own_text(package):
    assert Package.from_json(package.to_json()) == package
    assert Package.from_json(package.to_json()).sha256 == package.sha256


@quick
@given(packages())
def test_hash_does_not_depend_on_the_order_of_keys(package):
    def shuffled(value):
        if isinstance(value, dict):
            pairs = [(key, shuffled(inner)) for key, inner in value.items()]
            random.Random(7).shuffle(pairs)
            return dict(pairs)
        return [shuffled(inner) for inner in value] if isinstance(value, list) else value

    text = json.dumps(shuffled(package.to_data()), indent=3)
    assert Package.from_json(text).sha256 == package.sha256


@quick
@given(packages())
def test_text_fits_the_published_schema(package):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert [error.message for error in validator.iter_errors(json.loads(package.to_json()))] == []


SCHEMA = json_schema()


def test_hash_can_be_repeated_with_the_standard_library():
    """For texts in ASCII, sorted keys without blanks are what RFC 8785 writes."""
    package = complete_package()
    text = json.dumps(package.to_data(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text == package.to_json()
    assert hashlib.sha256(text.encode()).hexdigest() == package.sha256


def test_amount_has_one_form():
    assert hardware(total="1.5") == hardware(total="1.50")
    assert '"total_value_usd":"1.50"' in complete_package(components=(hardware(total="1.5"),)).to_json()


@pytest.mark.parametrize(
    "amount",
    ["-0.01", "NaN", "Infinity", "-Infinity", "1.001", "9" * 30, "1e400", 1.5, True, "twelve"],
)
def test_amount_that_is_none_is_refused(amount):
    with pytest.raises(ValidationError):
        SupportRequest(key="support-1", amount_usd=amount)


def test_quantity_is_a_whole_number():
    for quantity in (-1, 1.0, "3", 2**60, True):
        with pytest.raises(ValidationError):
            HardwareComponent(key="component-1", quantity=quantity)


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\x7f", "\ud800"])
def test_control_characters_are_refused(text):
    with pytest.raises(ValidationError):
        complete_package(title=text)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "שלום‮", "🛰️ e\u0301", "=cmd|' /C'!A0", "a\nb\tc"]
)
def test_any_other_text_is_kept_to_the_letter(text):
    assert Package.from_json(complete_package(title=text).to_json()).title == text


def test_file_of_another_schema_version_is_refused():
    data = complete_package().to_data() | {"schema_version": "2.0"}
    with pytest.raises(ValidationError):
        Package.from_json(json.dumps(data))


def test_unknown_field_is_refused():
    with pytest.raises(ValidationError):
        Package.from_json(json.dumps(complete_package().to_data() | {"status": "designated"}))


def test_package_cannot_be_changed():
    with pytest.raises(ValidationError):
        complete_package().title = "Other"


def test_country_is_a_code_of_two_letters():
    for code in ("us", "USA", "", "1A"):
        with pytest.raises(ValidationError):
            Country(code=code)


def test_parties_are_everybody_to_screen():
    assert [(party.name, party.role) for party in complete_package().parties()] == [
        ("Fictional member-1, Inc.", "Anchor"),
        ("Public", "Owner of Fictional member-1, Inc."),
    ]
    assert [place.code for place in complete_package().destinations()] == ["KE"]


def test_decimal_is_quantized():
    assert SupportRequest(key="support-1", amount_usd=Decimal("5")).amount_usd == Decimal("5.00")
