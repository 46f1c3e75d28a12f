"""The facts on file: complete, dated, sourced; loading them again changes nothing."""

from __future__ import annotations

from datetime import date

from django.forms.models import model_to_dict

from financing.matching import _RULES
from financing.models import CountryClass, EdagMember, Tool, ToolCondition, Workstream
from financing.reference import load_tools
from financing.services.matching import classify_country
from program.enums import Confidence
from program.models import Country
from proposals.enums import SupportMechanism
from tests.factories.financing import edag_officer

NAMED = {
    "direct_loan": ("EXIM", "12 U.S.C. 635"),
    "loan_guarantee": ("EXIM", "12 U.S.C. 635"),
    "equity": ("DFC", "22 U.S.C. 9621"),
    "co_financing": ("DFC", "22 U.S.C. 9621"),
    "political_risk_insurance": ("DFC", "22 U.S.C. 9621"),
    "credit_guarantee": ("DFC", "22 U.S.C. 9621"),
    "technical_assistance": ("USTDA", "22 U.S.C. 2421(b)"),
    "feasibility_study": ("USTDA", "22 U.S.C. 2421(b)"),
}


def test_tools_named_in_the_order_are_those_of_section_4d():
    named = Tool.objects.filter(is_named_in_order=True).select_related("agency")
    assert {tool.code: (tool.agency.code, tool.authority) for tool in named} == NAMED
    assert {tool.clause for tool in named} == {"s.4(d)"}


def test_every_tool_has_a_rule_and_can_be_requested():
    codes = set(Tool.objects.values_list("code", flat=True))
    assert codes == set(_RULES)
    assert codes <= set(SupportMechanism.values)


def test_every_fact_has_its_source_date_and_confidence():
    for model in (Tool, ToolCondition, EdagMember, CountryClass, Workstream):
        for row in model.objects.all():
            assert row.source, row
            assert row.checked_on, row
            assert row.confidence in Confidence.values, row


def test_state_chairs_and_usaid_has_left():
    members = EdagMember.objects.in_force(date(2026, 9, 1)).select_related("agency")
    standing = {member.agency.code: member.role for member in members}
    assert standing == {
        "STATE": "chair", "COMMERCE": "member", "USTR": "member", "TREASURY": "member", "USDA": "member",
        "EXIM": "member", "DFC": "member", "SBA": "member", "OSTP": "member", "USTDA": "participating",
        "DOD": "observer", "DOE": "observer",
    }  # fmt: skip


def test_six_workstreams_follow_the_order():
    assert list(Workstream.objects.values_list("code", flat=True)) == ["i", "ii", "iii", "iv", "v", "vi"]


def test_loading_again_changes_nothing_and_keeps_what_officers_set():
    kenya = Country.objects.get(pk="KE")
    classify_country(kenya, standing="advancing_income", source="World Bank, 2026", by=edag_officer("DFC"))
    models = (Tool, ToolCondition, EdagMember, CountryClass, Workstream)
    before = [[model_to_dict(row) for row in model.objects.order_by("pk")] for model in models]
    load_tools()
    assert [[model_to_dict(row) for row in model.objects.order_by("pk")] for model in models] == before
