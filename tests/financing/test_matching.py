"""The match is advice from a frozen package; every reason says where it comes from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from financing.enums import Assessment
from financing.matching import ASKS, SUPPORTS, WARNS, Condition, Standing, ToolFacts, World, match
from financing.reference import read
from program.destinations import Screening
from program.enums import DestinationResult
from proposals.package import (
    Compliance,
    ConsortiumFacts,
    Country,
    OutsideParty,
    SupportRequest,
    TargetMarket,
)
from tests.factories.packages import KE, complete_package, hardware, member, packages

ON = date(2026, 9, 1)
FILE = read("financing_tools")
TOOLS = {
    row["code"]: ToolFacts(
        code=row["code"], name=row["name"], agency=row["agency"], authority=row["authority"],
        as_of=date.fromisoformat(FILE["as_of"]),
        conditions={
            c["key"]: Condition(c["value"], c["text"], c["source"], c["conf"]) for c in row["conditions"]
        },
    )
    for row in FILE["tools"]
}  # fmt: skip
LICENSED = hardware(license_number="D1234567")
BUYER = OutsideParty(key="party-1", role="end_user", legal_name="Kenya Hospitals Authority", country=KE)


def world(standing="less_developed", result=DestinationResult.CLEAR, on=ON):
    return World(
        on=on,
        screen=lambda code: Screening(code, code, on, result, "Because.", ("15 CFR part 740",), (), "S"),
        standings={"KE": Standing(standing, "World Bank", "U")} if standing else {},
    )


def advice(tool, package=None, **facts):
    package = package or complete_package(components=(LICENSED,), compliance=Compliance(parties=(BUYER,)))
    found = list(match(package, [TOOLS[tool]], world(**facts)))
    assert len(found) <= 1
    return found[0] if found else None


def texts(found, kind):
    return [reason.text for reason in found.reasons if reason.kind == kind]


def requesting(mechanism, amount=None, **changes):
    request = SupportRequest(key="support-1", mechanism=mechanism, amount_usd=amount, purpose="To build.")
    return complete_package(
        components=(LICENSED,),
        support_requests=(request,),
        compliance=Compliance(parties=(BUYER,)),
        **changes,
    )


def test_export_to_a_named_buyer_makes_a_loan_likely():
    found = advice("direct_loan")
    assert found.assessment == Assessment.LIKELY
    assert texts(found, SUPPORTS) == [
        "Goods with U.S. content go to a named buyer: Kenya Hospitals Authority."
    ]


def test_loan_without_license_number_for_controlled_items_warns():
    package = complete_package(compliance=Compliance(parties=(BUYER,)))
    found = advice("direct_loan", package)
    assert found.assessment == Assessment.WARNING
    assert texts(found, WARNS) == [
        "No license number is stated for Accelerator board: a license comes before the closing."
    ]


def test_exim_content_is_asked_never_taken_from_the_hardware_layer():
    assert [text for text in texts(advice("direct_loan"), ASKS) if "export contract" in text] == [
        "Ask for the U.S. content of the export contract: the Program's hardware figure is another. "
        "Full support starts at 51 percent for transformational exports."
    ]


@pytest.mark.parametrize(
    ("result", "assessment"),
    [
        (DestinationResult.CLEAR, Assessment.LIKELY),
        (DestinationResult.REVIEW, Assessment.LIKELY),
        (DestinationResult.LICENSE_LIKELY, Assessment.LIKELY),
        (DestinationResult.DENIAL_LIKELY, Assessment.WARNING),
        (DestinationResult.BLOCKED, Assessment.WARNING),
    ],
)
def test_destination_is_flagged_by_its_screening(result, assessment):
    assert advice("direct_loan", result=result).assessment == assessment


@pytest.mark.parametrize(
    ("standing", "assessment"),
    [
        ("less_developed", Assessment.LIKELY),
        ("advancing_income", Assessment.WARNING),
        ("high_income", Assessment.WARNING),
        ("", Assessment.WARNING),
    ],
)
@pytest.mark.parametrize("tool", ["equity", "co_financing", "credit_guarantee"])
def test_class_of_the_country_decides_what_dfc_is_warned_of(tool, standing, assessment):
    assert advice(tool, standing=standing).assessment == assessment


def test_class_not_on_file_is_review_never_clear():
    assert texts(advice("equity", standing=""), WARNS) == [
        "Kenya: class not on file. Not known means review."
    ]


def test_risk_insurance_without_an_amount_warns():
    assert texts(advice("political_risk_insurance"), WARNS) == ["The amount to insure is not stated."]
    package = requesting("political_risk_insurance", Decimal("5000000"))
    assert advice("political_risk_insurance", package).assessment == Assessment.LIKELY


@pytest.mark.parametrize("tool", ["technical_assistance", "feasibility_study"])
def test_trade_and_development_tools_want_a_developing_host(tool):
    assert advice(tool).assessment == Assessment.LIKELY
    assert advice(tool, standing="high_income") is None


def test_small_business_tools_are_shown_only_for_a_small_business():
    assert advice("sba_itl") is None
    small = ConsortiumFacts(name="C", members=(member(is_small_business=True),))
    assert advice("sba_itl", complete_package(consortium=small)).assessment == Assessment.LIKELY


def test_small_business_loan_above_its_limit_warns():
    small = ConsortiumFacts(name="C", members=(member(is_small_business=True),))
    package = requesting("sba_itl", Decimal("5000001"), consortium=small)
    assert texts(advice("sba_itl", package), WARNS) == [
        "The amount requested is above the limit. A loan of at most $5,000,000."
    ]


def test_request_that_nothing_points_to_is_warned_of_not_dropped():
    found = advice("sba_itl", requesting("sba_itl"))
    assert found.mechanism == "sba_itl"
    assert texts(found, WARNS) == [
        "It was requested, but nothing in the package for this market points to it.",
        "No member is a U.S. small business.",
    ]


@pytest.mark.parametrize(
    ("on", "kind"),
    [(date(2026, 6, 1), None), (date(2026, 12, 31), ASKS), (date(2027, 1, 1), WARNS)],
)
def test_authority_that_ends_is_said_in_time(on, kind):
    said = [reason.kind for reason in advice("direct_loan", on=on).reasons if "authority" in reason.text]
    assert said == ([kind] if kind else [])


def test_bloc_gives_one_advice_with_the_reasons_of_each_member():
    market = TargetMarket(
        key="market-1", kind="bloc", code="EAC", name="East African Community",
        countries=(KE, Country(code="TZ", name="Tanzania")),
    )  # fmt: skip
    found = advice("equity", complete_package(markets=(market,)))
    assert (found.market, found.country) == ("East African Community", "")
    assert texts(found, WARNS) == ["Tanzania: class not on file. Not known means review."]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(packages())
def test_any_package_is_matched_with_citation_and_date(package):
    for found in match(package, TOOLS.values(), world()):
        assert found.citation
        assert found.as_of == date(2026, 7, 11)
        assert found.reasons
        worried = any(reason.kind == WARNS for reason in found.reasons)
        assert (found.assessment == Assessment.WARNING) == worried
        assert worried or any(reason.kind == SUPPORTS for reason in found.reasons)
