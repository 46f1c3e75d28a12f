"""What a package says, in words: no key, no code, no date for machines."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings

from proposals.comparison import compare, shown_change
from proposals.enums import HardwareType
from proposals.package import (
    Component,
    Contact,
    HardwareComponent,
    Holder,
    Member,
    OperatingRole,
    Package,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.wording import MODELS, called, label_of, names_in, say
from tests.factories.packages import complete_package, packages

quick = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = {"member-1": "Harbor Light Compute", "a" * 64: "Evidence.pdf"}


def test_values_read_as_a_person_says_them():
    for kind, field, data, words in (
        (HardwareComponent, "supplier", "member-1", "Harbor Light Compute"),
        (HardwareComponent, "subtype", "chip", HardwareType.CHIP.label),
        (HardwareComponent, "total_value_usd", "1250000.00", "$1,250,000"),
        (HardwareComponent, "us_content_value_usd", "0.50", "$0.50"),
        (HardwareComponent, "tpp", "4800.0000", "4,800"),
        (HardwareComponent, "is_datacenter", True, "Yes"),
        (HardwareComponent, "is_datacenter", False, "No"),
        (HardwareComponent, "license_expires_on", "2027-01-31", "January 31, 2027"),
        (HardwareComponent, "country_of_origin", {"code": "TW", "name": "Taiwan"}, "Taiwan"),
        (HardwareComponent, "country_of_origin", {"code": "TW", "name": ""}, "TW"),
        (HardwareComponent, "quantity", 2000, "2,000"),
        (HardwareComponent, "maker", "", ""),
        (Holder, "share", "0.499900", "49.99%"),
        (TargetMarket, "kind", "bloc", "Regional bloc"),
        (Site, "roles", [{"key": "role-1", "act": "build", "member": "member-1"}], "Act: Builds; Member: "
         "Harbor Light Compute"),
    ):  # fmt: skip
        assert say(kind, field, data, NAMES) == words, field


def test_fields_are_called_what_their_forms_call_them():
    assert label_of(HardwareComponent, "us_content_value_usd") == "Value of U.S. content, USD"
    assert label_of(HardwareComponent, "eccn_basis") == "Basis of the ECCN"
    assert label_of(OperatingRole, "third_party_name") == "Third party"
    assert label_of(Contact, "email") == "Email"
    assert label_of(Member, "is_anchor") == "Anchor"
    fields = {field for kind in MODELS for field in kind.model_fields}
    assert not [f for kind in MODELS for f in kind.model_fields if "_" in label_of(kind, f)]
    assert len(fields) > 60


def test_rows_have_the_names_that_people_know():
    names = {called(request) for request in complete_package().support_requests}
    assert all(name and "_" not in name for name in names)
    assert called(SupportRequest(key="support-1", other_text="A grid study")) == "A grid study"
    assert called(Component(key="component-1")) == ""


@quick
@given(packages())
def test_members_are_named_whatever_changed(package):
    whole: Package = complete_package()
    names = names_in(whole, package)
    for change in compare(whole, package):
        shown = shown_change(change, names)
        for field in shown["fields"]:
            assert field["label"] and "_" not in field["label"]
        for each in change.fields:
            if each.field in ("supplier", "member") and each.after:
                assert names.get(each.after, each.after) in {field["after"] for field in shown["fields"]}


def test_every_choice_of_a_complete_package_reads_as_its_label():
    whole = complete_package()
    empty = Package(call=whole.call)
    names = names_in(whole)
    texts = [
        f"{field['before']}{field['after']}"
        for change in compare(empty, whole)
        for field in shown_change(change, names)["fields"]
    ]
    assert len(texts) > 60
    coded = [text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)+|[a-z]+-\d+|\d{4}-\d\d-\d\d.*", text)]
    assert coded == []
