"""Addresses: what two have in common, the country one ends with, and what that does to a score."""

from __future__ import annotations

import pytest

from evaluation.addresses import compared, country_at_end
from evaluation.matching import Listed, Matcher, countries_agree, weighed
from proposals.package import Country
from tests.factories import evaluation as make
from tests.factories.program import officer

GERMANY = Country(code="DE", name="Germany")

LISTED = (
    "Building 5, No. 12 Keji South Road, Nanshan District, Shenzhen, Guangdong, 518057, CN; "
    "PO Box 1, Minsk, BY"
)


@pytest.mark.parametrize(
    ("ours", "agrees", "shared"),
    [
        ("12 Keji South Rd., Shenzhen 518057, China", True, ("518057", "keji", "shenzhen")),
        ("P.O. Box 77, 518057", True, ("518057",)),
        ("Keji Road 3, Nanshan", True, ("keji", "nanshan")),
        ("Hualong Tower, Shenzhen", None, ("shenzhen",)),
        ("Moi Avenue 7, Nairobi, Karibu, Kenya", False, ()),
        ("China", None, ()),
        ("Building 5, No. 12", None, ()),
        ("", None, ()),
    ],
)
def test_addresses_agree_on_a_postal_code_or_on_two_words(ours, agrees, shared):
    found = compared(ours, LISTED)
    assert (found.agrees, found.shared) == (agrees, shared)
    assert compared(ours, "").agrees is None


@pytest.mark.parametrize("score", [60, 84.9, 85, 86, 94.9, 95, 96, 100])
@pytest.mark.parametrize("countries", [([], []), (["KE"], ["KE"]), (["KE"], ["CN"])])
def test_an_address_that_disagrees_takes_no_flag_out_of_its_band(score, countries):
    before, after = weighed(score, *countries), weighed(score, *countries, address_agrees=False)
    for band in (85, 95):
        assert (before >= band) == (after >= band)
    assert after <= before


def test_an_address_that_agrees_raises_no_more_than_a_country():
    assert weighed(86, [], [], address_agrees=True) == 88
    assert weighed(86, ["CN"], ["CN"], address_agrees=True) == 89
    assert weighed(99, [], [], address_agrees=True) == 100
    assert weighed(0, [], [], address_agrees=True) == 0


def test_the_address_of_a_party_is_compared_with_that_of_the_entry_that_is_like_it():
    listed = Matcher([Listed(1, ("phytium kirin",), ("CN",), LISTED)])
    plain, near, far = (
        listed.screen(["Phytium Kirim"], ["CN"], address).flags[0]
        for address in ("", "12 Keji South Road, Shenzhen", "Moi Avenue 7, Nairobi, Karibu")
    )
    assert [hit.address.agrees for hit in (plain, near, far)] == [None, True, False]
    assert far.score <= plain.score <= near.score


@pytest.mark.django_db
def test_a_screening_says_whether_the_addresses_agree():
    proposal, desk = make.at_intake(), officer()
    before = make.version_of(proposal).value
    party = before.compliance.parties[0].model_copy(
        update={
            "legal_name": "Fictional Dragonfly Semiconductor",
            "address": "1 Example Street, Sample City, Fictional Park",
        }
    )
    compliance = before.compliance.model_copy(update={"parties": (party,)})
    make.new_version(proposal, {"compliance": compliance})
    check = make.screened(proposal, desk).checks.exclude(result="no_hit").get()
    assert check.explanation.endswith("The addresses agree on “example”, “sample”.")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("country", "said"),
    [
        (None, ": 100 of 100. The countries cannot be compared."),
        (GERMANY, ": 100 of 100 by the names, 97 with the places. No country agrees."),
    ],
)
def test_a_screening_says_what_the_places_take_off(country, said):
    proposal, desk = make.at_intake(), officer()
    before = make.version_of(proposal).value
    party = before.compliance.parties[0].model_copy(
        update={"legal_name": "Fictional Dragonfly Semiconductor", "country": country, "address": ""}
    )
    make.new_version(proposal, {"compliance": before.compliance.model_copy(update={"parties": (party,)})})
    check = make.screened(proposal, desk).checks.exclude(result="no_hit").get()
    assert said in check.explanation


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("12 Main St, Houston, TX", "US"),
        ("12 Main St, Houston, TX, 77002, US", "US"),
        ("1 Example Street, Sample City, CN", "CN"),
        ("Musterweg 1, Sample Town, DE", "DE"),
        ("Unit 4, Somewhere, ZZ", ""),
        ("Somewhere", ""),
    ],
)
def test_an_address_ends_with_a_country_or_a_state_of_the_united_states(address, code):
    assert country_at_end(address) == code


def test_a_code_that_may_be_a_state_never_disagrees():
    assert countries_agree(["US"], ["CA"]) is None
    assert countries_agree(["CA"], ["CA"]) is True
    assert countries_agree(["US"], ["CA", "CN"]) is False
    assert weighed(97, ["US"], ["CA"]) == 97
