from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.destinations import (
    SEVERITY,
    Membership,
    Rules,
    Stop,
    rules_on,
    screen_bloc,
    screen_country,
)
from program.enums import DestinationResult as Result
from program.models import Bloc

TODAY = date(2026, 11, 22)
START = date(2026, 1, 1)


def rules(*memberships, stops=(), on=TODAY):
    rows = [Membership(group, country, START, confidence="S2") for group, country in memberships]
    return Rules.of(on, {}, rows, stops)


@pytest.mark.parametrize(
    ("groups", "result"),
    [
        (["D:5"], Result.DENIAL_LIKELY),
        (["MO-D5", "D:1"], Result.DENIAL_LIKELY),
        (["D:1"], Result.LICENSE_LIKELY),
        (["D:4", "B"], Result.LICENSE_LIKELY),
        (["D:4", "A:6"], Result.REVIEW),
        (["D:1", "A:5"], Result.REVIEW),
        (["D:3"], Result.REVIEW),
        (["E:1"], Result.REVIEW),
        (["746.6", "B"], Result.REVIEW),
        (["AC", "A:5"], Result.LICENSE_LIKELY),
        (["A:5", "B"], Result.CLEAR),
        ([], Result.REVIEW),
    ],
)
def test_groups_decide_the_result(groups, result):
    assert screen_country("ZZ", rules(*((group, "ZZ") for group in groups))).result == result


def test_embargo_stops_before_any_group():
    stop = Stop("ZZ", "31 CFR chapter V", "Everything stops.", START)
    found = screen_country("ZZ", rules(("B", "ZZ"), stops=[stop]))
    assert (found.result, found.citations) == (Result.BLOCKED, ("31 CFR chapter V",))


def test_rule_holds_from_its_first_day_until_the_day_it_ends():
    row = Membership("D:5", "ZZ", date(2026, 2, 3), date(2026, 7, 10))
    other = Membership("B", "ZZ", START)
    found = [
        screen_country("ZZ", Rules.of(day, {}, [row, other], [])).result
        for day in (date(2026, 2, 2), date(2026, 2, 3), date(2026, 7, 9), date(2026, 7, 10))
    ]
    assert found == [Result.CLEAR, Result.DENIAL_LIKELY, Result.DENIAL_LIKELY, Result.CLEAR]


def test_bloc_takes_the_worst_result_and_names_the_members_behind_it():
    known = rules(("B", "AA"), ("D:5", "BB"), ("D:1", "CC"))
    found = screen_bloc("X", "Bloc", ["AA", "BB", "CC", "US"], known)
    assert (found.result, found.behind) == (Result.DENIAL_LIKELY, ("BB",))
    assert [member.place for member in found.members] == ["AA", "BB", "CC"]


def test_names_of_members_are_kept_apart_though_they_hold_commas():
    rows = [Membership("D:5", code, START, confidence="S2") for code in ("BB", "CC")]
    known = Rules.of(TODAY, {"BB": "Congo, Democratic Republic", "CC": "Somalia"}, rows, ())
    found = screen_bloc("X", "Bloc", ["BB", "CC"], known)
    assert "Congo, Democratic Republic; Somalia." in found.explanation


def test_bloc_without_members_on_file_needs_review():
    assert screen_bloc("X", "Bloc", [], rules()).result == Result.REVIEW
    assert screen_bloc("X", "Bloc", ["US"], rules()).result == Result.REVIEW


GROUPS = st.sampled_from(["A:5", "A:6", "B", "D:1", "D:3", "D:4", "D:5", "E:1", "AC", "746.6"])


@given(st.dictionaries(st.sampled_from(["AA", "BB", "CC", "DD"]), st.sets(GROUPS), min_size=1))
def test_bloc_is_never_milder_than_any_member(held):
    known = rules(*((group, country) for country, groups in held.items() for group in groups))
    found = screen_bloc("X", "Bloc", held, known)
    assert SEVERITY.index(found.result) == min(SEVERITY.index(member.result) for member in found.members)


@given(st.sets(GROUPS))
def test_clear_needs_a_known_place_in_no_watched_group(groups):
    found = screen_country("AA", rules(*((group, "AA") for group in groups)))
    watched = any(group[0] in "DE7" or group == "AC" for group in groups)
    assert (found.result == Result.CLEAR) == (bool(groups) and not watched)


@pytest.mark.django_db
@pytest.mark.usefixtures("reference_data")
class TestReferenceData:
    @pytest.mark.parametrize(
        ("code", "result"),
        [
            *[(code, Result.BLOCKED) for code in ("CU", "IR", "KP")],
            *[(code, Result.DENIAL_LIKELY) for code in ("SY", "RU", "BY", "CN", "HK", "MO", "VE", "ZW")],
            *[(code, Result.LICENSE_LIKELY) for code in ("SA", "KZ", "VN", "KH", "AE")],
            *[(code, Result.REVIEW) for code in ("IL", "TW", "UA", "US", "AQ", "QQ")],
            *[(code, Result.CLEAR) for code in ("KE", "JP", "BR", "GL")],
        ],
    )
    def test_country_gives(self, code, result):
        assert screen_country(code, rules_on(TODAY)).result == result

    def test_cambodia_left_the_arms_embargoed_group(self):
        before = screen_country("KH", rules_on(date(2026, 2, 2)))
        after = screen_country("KH", rules_on(date(2026, 2, 3)))
        assert (before.result, after.result) == (Result.DENIAL_LIKELY, Result.LICENSE_LIKELY)

    def test_emirates_keep_the_advanced_computing_license(self):
        found = screen_country("AE", rules_on(TODAY))
        assert found.citations == ("FR Doc. 2026-14132, 91 FR 43034",)
        assert found.disclaimer == "Screening result, not a legal determination."

    def test_nothing_is_known_before_the_first_rule(self):
        assert screen_country("JP", rules_on(date(2025, 12, 31))).result == Result.REVIEW

    def test_bloc_names_the_member_behind_the_result(self):
        bloc = Bloc.objects.get(code="ASEAN")
        codes = bloc.countries.values_list("code", flat=True)
        found = screen_bloc(bloc.code, bloc.name, codes, rules_on(TODAY))
        assert (found.result, found.behind) == (Result.DENIAL_LIKELY, ("MM",))
        assert found.explanation == "1 of 11 members give this result: Myanmar (Burma)."

    def test_rules_are_read_in_three_queries(self, django_assert_num_queries):
        with django_assert_num_queries(3):
            rules_on(TODAY)
