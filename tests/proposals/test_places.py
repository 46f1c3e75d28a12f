from __future__ import annotations

from datetime import date

import pytest
from django.template.loader import render_to_string

from program.destinations import Membership, Rules, Stop
from program.enums import DestinationResult
from proposals.package import Country, TargetMarket
from proposals.places import HEADINGS, TONES, destinations_of
from tests.factories.packages import KE, complete_package

AE, CU = Country(code="AE", name="United Arab Emirates"), Country(code="CU", name="Cuba")
BEGAN = date(2020, 1, 1)
RULES = Rules.of(
    date(2026, 11, 26),
    {"KE": "Kenya", "AE": "United Arab Emirates", "CU": "Cuba"},
    [Membership("B", "KE", BEGAN, None, "x", "S"), Membership("D:4", "AE", BEGAN, None, "x", "S2")],
    [Stop("CU", "15 CFR 746.2", "Embargoed.", BEGAN, None, "S")],
)


def found(*countries, kind="country", **facts):
    market = TargetMarket(key="market-1", kind=kind, countries=countries, name="Market", **facts)
    return destinations_of(complete_package(markets=(market,)), RULES).get("market-1")


def words(destination):
    return " ".join(render_to_string("proposals/_destination.html", {"found": destination}).split())


def test_every_result_has_its_words_and_colour():
    assert set(HEADINGS) == set(TONES) == set(DestinationResult)
    assert [result for result in HEADINGS if "review" not in HEADINGS[result]] == [DestinationResult.CLEAR]


@pytest.mark.parametrize(
    ("country", "said"),
    [
        (
            KE,
            (
                "Screening result: no flag for the place alone",
                "Country Group B",
                "stated in the primary source",
            ),
        ),
        (AE, ("Needs review under", "Country Group D:4", "secondary source", "November 26, 2026")),
        (CU, ("Screening result: embargo on file, needs review (15 CFR 746.2", "Embargoed.")),
        (Country(code="XX", name="Nowhere"), ("needs review", "unknown means review", "not verified")),
    ],
)
def test_market_says_rule_source_day_and_confidence_as_a_screening_result(country, said):
    text = words(found(country))
    assert [part for part in said if part not in text] == []
    assert "the portal flags, people determine" in text


@pytest.mark.parametrize("kind", ["bloc", "list"])
def test_market_of_many_says_which_countries_are_behind_its_result(kind):
    destination = found(KE, AE, kind=kind, code="EAC" if kind == "bloc" else "")
    assert [place.screening.place for place in destination.places] == ["AE", "KE"]
    text = words(destination)
    assert "1 of 2 members give this result: United Arab Emirates." in text and "Kenya" in text


def test_market_that_is_not_chosen_yet_has_no_result():
    assert found() is None
