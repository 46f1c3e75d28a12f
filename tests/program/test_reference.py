from __future__ import annotations

from datetime import date

import pytest
from django.core.management import call_command

from program.models import Agency, Bloc, Country, Directive, Duty, GroupMembership
from program.reference import load_reference_data, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reference_data")]


def counts():
    return [model.objects.count() for model in (Country, Agency, GroupMembership, Bloc, Directive, Duty)]


def test_loading_again_changes_nothing():
    before = counts()
    load_reference_data()
    assert counts() == before


def test_loading_again_keeps_what_officers_keep():
    Agency.objects.filter(code="DOD").update(display_name="Defense")
    load_reference_data()
    assert Agency.objects.get(code="DOD").display_name == "Defense"


def test_command_says_what_it_loaded(capsys):
    call_command("load_reference_data")
    assert capsys.readouterr().out.startswith("Reference data: 250 countries, 13 agencies, ")


def test_five_agencies_are_consulted_on_every_proposal():
    evaluating = Agency.objects.filter(is_evaluating=True).values_list("code", flat=True)
    assert list(evaluating) == ["COMMERCE", "STATE", "DOD", "DOE", "OSTP"]


DUTIES = {
    "14320": [
        "3(a)", "3(b)", "3(c)", "3(d)", "4(a)", "4(b)", "4(c)(i)", "4(c)(ii)", "4(c)(iii)", "4(c)(iv)",
        "4(c)(v)", "4(c)(vi)", "4(d)",
    ],
    "14179": ["4(a)", "5(a)", "5(b)"],
}  # fmt: skip


@pytest.mark.parametrize("number", DUTIES)
def test_every_duty_of_the_order_is_there(number):
    duties = Duty.objects.filter(directive__number=number)
    assert list(duties.values_list("clause", flat=True)) == DUTIES[number]


@pytest.mark.parametrize(
    ("number", "clause", "due_on"),
    [
        ("14320", "3(a)", date(2025, 10, 21)),
        ("14320", "3(c)", None),
        ("14179", "4(a)", date(2025, 7, 22)),
        ("14179", "5(a)", None),
        ("14179", "5(b)", date(2025, 3, 24)),
    ],
)
def test_duty_is_due_on(number, clause, due_on):
    assert Duty.objects.get(directive__number=number, clause=clause).due_on == due_on


@pytest.mark.parametrize("group", ["A:1", "A:5", "A:6", "B", "D:1", "D:4", "D:5", "E:1", "E:2"])
def test_group_has_the_listed_members_besides_territories(group):
    file = read("country_groups")
    listed = GroupMembership.objects.filter(group__code=group, effective_to=None)
    listed = listed.exclude(source__startswith="Takes the groups of")
    assert sorted(listed.values_list("country_id", flat=True)) == sorted(file["groups"][group]["members"])


def test_every_fact_says_how_far_it_can_be_relied_on():
    for model in (GroupMembership, Bloc, Duty):
        assert not model.objects.exclude(confidence__in=["S", "S2", "I", "U"]).exists()
        assert not model.objects.filter(source="").exists()
