"""What rules name: regions, classes by thresholds, excepted parties, validated end users, known owners."""

from __future__ import annotations

import html
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaluation import services
from evaluation.compliance import Known, StatedElsewhere
from evaluation.enums import ComplianceKind as Kind
from evaluation.enums import ComplianceResult as Result
from evaluation.models import Adjudication, ComplianceCheck
from evaluation.packets import packet_of
from evaluation.services.compliance import owners_stated_elsewhere
from evaluation.services.profiles import profile_version
from evaluation.weighing import RESTS_ELSEWHERE
from program import clock
from program.transitions import NotReady
from proposals.enums import ComputeBand
from proposals.models import Proposal
from proposals.package import Country as Place
from proposals.package import Holder, OutsideParty, Site, TargetMarket
from tests.evaluation.pages import page, press
from tests.evaluation.test_compliance import GE, KE, TODAY, checked, holder
from tests.factories import evaluation as make
from tests.factories.packages import complete_package, hardware
from tests.factories.program import officer

db = pytest.mark.django_db
AE, UA = Place(code="AE", name="United Arab Emirates"), Place(code="UA", name="Ukraine")
TO_AE = TargetMarket(key="m", name="The Emirates", kind="country", code="AE", countries=(AE,))


def with_site(**facts):
    before = complete_package().operating_model
    site = before.sites[0].model_copy(update=facts)
    return complete_package(operating_model=before.model_copy(update={"sites": (site,)}))


def with_parties(*parties, **changes):
    before = changes.pop("compliance", complete_package().compliance)
    return complete_package(compliance=before.model_copy(update={"parties": parties}), **changes)


def party(name="One", **facts):
    return OutsideParty(key="party-1", legal_name=name, **{"country": KE} | facts)


# Regions


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"location": "Near Sevastopol, in the old harbor", "country": UA}, "Crimea"),
        ({"location": "г. Симферополь, Крым", "country": None}, "Crimea"),
        ({"location": "Донецьк", "country": UA}, "Donetsk"),
        ({"name": "Data center Lugansk", "country": Place(code="RU", name="Russia")}, "Luhansk"),
        ({"location": "Луганская область, Алчевск"}, "Luhansk"),
    ],
)
def test_a_site_whose_text_names_an_embargoed_region_is_looked_at(facts, words):
    row = checked(with_site(**facts), rule_code="regions")["site-1"]
    assert (row.result, row.kind, row.citation) == (
        Result.REVIEW, Kind.DESTINATION, "15 CFR 746.6; 31 CFR ch. V",
    )  # fmt: skip
    assert words in row.explanation
    assert row.advice


@pytest.mark.parametrize("location", ["Kyiv", "Lviv, Donetska", "Crimeville", "Nairobi, Krimson Road", ""])
def test_only_whole_words_tell_of_a_region(location):
    found = checked(with_site(location=location), rule_code="regions")
    assert bool(found) == (location == "Lviv, Donetska")


def test_the_address_of_a_party_and_the_text_of_a_market_are_read_too():
    market = TargetMarket(key="market-1", name="Ukraine", countries=(UA,), end_users="Schools of Kerch.")
    package = with_parties(party(address="1 Sovetskaya, Donetsk"), markets=(market,))
    assert set(checked(package, rule_code="regions")) == {"party-1", "market-1"}


# Classes


def classes(**facts):
    return checked(complete_package(components=(hardware(**facts),)), rule_code="classification")


@pytest.mark.parametrize(
    ("tpp", "density", "reached"),
    [
        ("4800", "0", "3A090.a"), ("4799", "5.92", "3A090.a"), ("1600", "5.92", "3A090.a"),
        ("1599", "5.92", ""), ("2400", "1.6", "3A090.b"), ("2400", "1.59", ""), ("2399", "1.6", ""),
        ("1600", "3.2", "3A090.b"), ("1600", "3.19", ""),
    ],
)  # fmt: skip
def test_what_reaches_a_threshold_and_states_another_class_is_a_red_flag(tpp, density, reached):
    facts = {"eccn": "5A992.c", "tpp": Decimal(tpp), "performance_density": Decimal(density)}
    found = classes(**facts)
    if reached:
        row = found["component-1"]
        assert row.result == Result.RED_FLAG
        assert f"it reaches {reached}, but the stated class is 5A992.c" in row.explanation
    else:
        assert set(found) == {"package"}
    for fits in ({"eccn": "3A090.a"}, {"eccn": "5A002.z"}, {"is_datacenter": False}):
        assert set(classes(**facts | fits)) == {"package"}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"eccn": ""}, "without a class"),
        ({"eccn": "unclassified yet"}, "without a class"),
        ({"tpp": None}, "processing performance is not stated"),
        ({"eccn": "EAR99", "tpp": Decimal(2000)}, "may reach 3A090.a: its performance density decides"),
    ],
)
def test_what_is_missing_for_a_class_is_asked(facts, words):
    row = classes(**facts)["component-1"]
    assert row.result == Result.NOT_ENOUGH
    assert words in row.explanation


def test_a_component_under_the_itar_is_for_another_department():
    row = classes(jurisdiction="itar")["component-1"]
    assert (row.result, "Department of State" in row.explanation) == (Result.REVIEW, True)


def test_the_thresholds_hold_from_their_day():
    package = complete_package(components=(hardware(eccn="EAR99", tpp=Decimal(9000)),))
    assert checked(package, date(2023, 11, 16), kind=Kind.CLASSIFICATION) == {}
    assert checked(package, date(2023, 11, 17), kind=Kind.CLASSIFICATION)["component-1"].effective_from


@pytest.mark.parametrize(
    ("facts", "is_flagged"),
    [
        ({"compute_band": ComputeBand.ABOVE_26}, True),
        ({"compute_band": ComputeBand.ABOVE_26, "weights": "open"}, False),
        ({"compute_band": ComputeBand.ABOVE_26, "eccn": "4E091"}, False),
        ({"compute_band": ComputeBand.FROM_25}, False),
    ],
)
def test_closed_weights_above_the_recalled_threshold_are_looked_at_no_more(facts, is_flagged):
    parts = complete_package().components
    package = complete_package(components=(*parts[:2], parts[2].model_copy(update=facts), *parts[3:]))
    found = checked(package, rule_code="model-weights")
    assert bool(found) == is_flagged
    if is_flagged:
        row = found["component-3"]
        assert (row.result, row.confidence, "does not enforce" in row.explanation) == (
            Result.REVIEW, "U", True,
        )  # fmt: skip


# Exceptions and validated end users


@pytest.mark.parametrize(
    ("name", "on", "words"),
    [
        ("Core42 LLC", TODAY, "an exception may reach it until 2027-04-06"),
        ("Core42 LLC", date(2027, 4, 7), "Its exception ended 2027-04-06."),
        ("Microsoft Gulf FZ LLC", date(2027, 4, 7), "an exception may reach it."),
        ("x.AI Corp.", TODAY, "Bears the name of xAI"),
    ],
)
def test_a_party_that_bears_the_name_of_an_exception_is_told_with_its_last_day(name, on, words):
    row = checked(with_parties(party(name), markets=(TO_AE,)), on, kind=Kind.EXCEPTION)["party-1"]
    assert (row.result, row.citation) == (Result.REVIEW, "91 FR 43034")
    assert words in row.explanation


@pytest.mark.parametrize("name", ["The Metal Works", "Metaphor Ltd", "Valley Apple Farm", "G4 Security"])
def test_others_bear_no_such_name_and_the_requirement_stays(name):
    (row,) = checked(with_parties(party(name), markets=(TO_AE,)), kind=Kind.EXCEPTION).values()
    assert (row.subject_key, row.result) == ("package", Result.CLEAR)
    assert "The license requirement stays." in row.explanation


def test_exceptions_are_looked_at_where_the_package_goes_there_from_the_day_of_the_rule():
    assert checked(with_parties(party("Core42")), kind=Kind.EXCEPTION) == {}
    package = with_parties(party("Core42"), markets=(TO_AE,))
    assert checked(package, date(2026, 7, 9), kind=Kind.EXCEPTION) == {}
    assert checked(package, date(2026, 7, 10), kind=Kind.EXCEPTION)


def test_without_entries_on_file_a_validated_end_user_is_looked_up_by_hand():
    assert checked(with_site(country=KE), kind=Kind.VALIDATED) == {}
    row = checked(with_site(country=GE), kind=Kind.VALIDATED)["site-1"]
    assert row.result == Result.REVIEW
    assert "supplement no. 7 to 15 CFR part 748 are not on file here" in row.explanation


@pytest.mark.parametrize(
    ("entry", "result", "words"),
    [
        ("Fictional Member-1", Result.REVIEW, "whose entry ended 2026-11-21"),
        ("Somebody Else", Result.CLEAR, "Nobody who works there bears the name"),
    ],
)
def test_entries_that_an_installation_writes_down_are_compared(tmp_path, settings, entry, result, words):
    rules = json.loads(Path(settings.COMPLIANCE_RULES_FILE).read_text())
    (veu,) = [rule for rule in rules["rules"] if rule["code"] == "veu"]
    veu["parties"] = [{"name": entry, "until": "2026-11-21"}]
    kept = tmp_path / "rules.json"
    kept.write_text(json.dumps(rules))
    settings.COMPLIANCE_RULES_FILE = str(kept)
    row = checked(with_site(country=GE), kind=Kind.VALIDATED)["site-1"]
    assert (row.result, words in row.explanation) == (result, True)


# Owners of an outside party that another package states


def stated(*holders, listed=(), unsettled=()):
    return StatedElsewhere(7, holders, {key: frozenset({"SDN"}) for key in listed}, frozenset(unsettled))


def test_owners_that_another_package_states_count_like_one_s_own():
    package = with_parties(party())
    owner = holder("owner", "0.5").model_copy(update={"key": "party-1/owner"})
    for known, result in (
        (Known({}, (), {"party-1": stated(owner, listed=["party-1/owner"])}), Result.BLOCKED),
        (Known({}, (), {"party-1": stated(owner, unsettled=["party-1/owner"])}), Result.REVIEW),
        (Known({}, (), {}), None),
    ):
        row = checked(package, known=known, rule_code="ofac-50").get("party-1")
        assert (row and row.result) == result
        if row:
            assert row.sources == [7]
            assert "Some of what is known of One comes from another proposal." in row.facts


@pytest.mark.parametrize("tie", ["an owner between", "a match decided there"])
def test_a_member_that_bears_the_name_of_an_owner_elsewhere_rests_on_that_proposal_too(tie):
    """Parties of one name are one in the tree: what another package says of it reaches a member here."""
    package = with_parties(party())
    first = package.consortium.members[0]
    mine = holder("top", "0.6") if tie == "a match decided there" else holder("somebody", "0.6")
    facts = first.organization.model_copy(update={"holders": (mine,)})
    members = (first.model_copy(update={"organization": facts}), *package.consortium.members[1:])
    changed = package.consortium.model_copy(update={"members": members})
    package = package.model_copy(update={"consortium": changed})
    between = holder("between", "0.7", name=facts.legal_name).model_copy(update={"key": "party-1/between"})
    owns = "" if tie == "a match decided there" else between.key
    top = holder("top", "0.3").model_copy(update={"key": "party-1/top", "owns": owns})
    elsewhere = stated(between, top, listed=["party-1/top"])
    row = checked(package, known=Known({}, (), {"party-1": elsewhere}), rule_code="ofac-50")[first.key]
    assert "Top" in row.explanation
    assert row.sources == [7]
    assert not checked(package, known=Known({}, ()), rule_code="ofac-50")[first.key].sources


PARTNER = "Zephyr Harbor Networks"


def of_other(desk, *, name=PARTNER, holders=None):
    """A proposal of which the partner is a member, owned by a listed party that was confirmed."""
    proposal = make.at_intake()
    before = make.version_of(proposal).value
    owners = holders or (Holder(key="owner", name="Fable Petrochemical Holding", share=Decimal("0.6")),)
    first = before.consortium.members[0]
    facts = first.organization.model_copy(update={"legal_name": name, "holders": owners})
    members = (first.model_copy(update={"organization": facts}), *before.consortium.members[1:])
    make.new_version(proposal, {"consortium": before.consortium.model_copy(update={"members": members})})
    profile_version(make.version_of(proposal), Proposal.objects.for_detail().get(pk=proposal.pk))
    run = make.screened(proposal, desk)
    for check in run.checks.exclude(result="no_hit"):
        services.adjudicate(check, by=desk, outcome="confirmed", reason="The same register.")
    return proposal


def with_partner(proposal):
    before = make.version_of(proposal).value.compliance
    one = before.parties[0].model_copy(update={"legal_name": f"{PARTNER} Ltd.", "country": None})
    make.new_version(proposal, {"compliance": before.model_copy(update={"parties": (one,)})})
    return proposal


def of_partner(run):
    return ComplianceCheck.objects.filter(
        run=run, rule_code="ofac-50", subject_name__startswith=PARTNER
    ).first()


@db
def test_owners_of_an_outside_party_are_known_where_it_is_a_member_elsewhere(client, reference_data):
    desk, reader = officer(), officer()
    source = of_other(desk)
    proposal = make.accepted(desk)
    row = of_partner(make.screened(with_partner(proposal), desk))
    assert (row.result, row.sources) == (Result.BLOCKED, [source.pk])
    assert any("60 percent" in fact for fact in row.facts)

    def shown(person):
        return html.unescape(page(client, person, "compliance", proposal.number).content.decode())

    assert "Fable Petrochemical Holding" in shown(reader)
    services.recuse(source, person=reader, by=desk, reason="A cousin.")
    assert "Fable Petrochemical Holding" not in shown(reader)
    assert RESTS_ELSEWHERE in shown(reader)
    assert "Fable Petrochemical Holding" in shown(desk)
    text = str(packet_of(services.prepare_determination(proposal, by=desk)))
    assert RESTS_ELSEWHERE in text
    assert "Fable Petrochemical Holding" not in text
    # Somebody reads here now to whom the source is closed: the next screening does not rest on it.
    assert of_partner(make.screened(proposal, desk)) is None


SECRET = "Fable Petrochemical Holding"


@db
def test_what_rests_on_another_proposal_is_told_on_no_way_to_whom_that_one_is_closed(client, reference_data):
    desk, reader = officer(), officer()
    source = of_other(desk)
    proposal = with_partner(make.at_intake())
    make.screened(proposal, desk)
    make.reviewed(proposal, desk)

    def read_by(person):
        shown = [
            page(client, person, "compliance-list"),
            page(client, person, "compliance-list", show="open", kind=Kind.OWNERSHIP.value),
            page(client, person, "compliance", proposal.number),
            page(client, person, "intake-proposal", proposal.number),
            press(client, person, "intake-accept", proposal.number),
            page(client, person, "proposal", proposal.number),
        ]
        return [html.unescape(answer.content.decode()) for answer in shown]

    assert [SECRET in text for text in read_by(reader)] == [True, True, True, False, False, False]
    services.recuse(source, person=reader, by=desk, reason="A cousin.")
    closed = read_by(reader)
    assert not any(SECRET in text for text in closed)
    assert sum(RESTS_ELSEWHERE in text for text in closed) >= 4
    with pytest.raises(NotReady) as refused:
        services.accept_proposal(proposal, by=desk)
    (barred,) = [one.message for one in refused.value.problems if one.code == "compliance-bars"]
    assert RESTS_ELSEWHERE in barred
    assert SECRET not in barred


@db
@pytest.mark.parametrize("what", ["another name", "another country", "itself"])
def test_owners_are_not_taken_from_elsewhere_where_nothing_ties_the_two(reference_data, what):
    desk = officer()
    source = of_other(desk)
    if what == "itself":
        assert owners_stated_elsewhere(make.version_of(source)) == {}
        return
    proposal = with_partner(make.at_intake())
    assert set(owners_stated_elsewhere(make.version_of(proposal)))
    before = make.version_of(proposal).value.compliance
    seat = {"country": Place(code="BR", name="Brazil")} if what == "another country" else {"legal_name": "X"}
    one = before.parties[0].model_copy(update=seat)
    make.new_version(proposal, {"compliance": before.model_copy(update={"parties": (one,)})})
    assert owners_stated_elsewhere(make.version_of(proposal)) == {}


@db
def test_every_outside_party_of_a_name_is_looked_up_and_many_take_as_many_statements_as_one(
    reference_data,
):
    """Two entries of one name are two parties; neither hides the owners of the other."""
    desk = officer()
    of_other(desk)
    proposal = with_partner(make.at_intake())
    version = make.version_of(proposal)
    with CaptureQueriesContext(connection) as for_one:
        assert len(owners_stated_elsewhere(version)) == 1
    before = make.version_of(proposal).value.compliance
    again = before.parties[0].model_copy(update={"key": "party-again", "legal_name": PARTNER.upper()})
    far = again.model_copy(update={"key": "party-far", "country": Place(code="BR", name="Brazil")})
    other = again.model_copy(update={"key": "party-other", "legal_name": "Quill Harbor Foundry"})
    parties = (far, *before.parties, again, other)
    second = of_other(desk, name="Quill Harbor Foundry")
    make.new_version(proposal, {"compliance": before.model_copy(update={"parties": parties})})
    version = make.version_of(proposal)
    with CaptureQueriesContext(connection) as for_many:
        found = owners_stated_elsewhere(version)
    assert set(found) == {before.parties[0].key, "party-again", "party-other"}
    assert found["party-other"].proposal == second.pk
    assert len(for_many) == len(for_one)
    assert all(any("/owner" in key for key in one.listed) for one in found.values())


def test_a_site_without_a_country_is_read_all_the_same():
    site = Site(key="site-9", name="Somewhere", location="Yalta")
    before = complete_package().operating_model
    package = complete_package(operating_model=before.model_copy(update={"sites": (site,)}))
    assert set(checked(package, rule_code="regions")) == {"site-9"}


@db
@pytest.mark.parametrize("is_closed", [False, True])
def test_a_match_that_is_decided_elsewhere_later_has_what_rests_on_it_screened_again(
    is_closed, reference_data
):
    """Unless somebody reads here to whom that proposal is closed: nothing of it counts here then."""
    desk = officer()
    source = of_other(desk)
    proposal = with_partner(make.at_intake())
    profile_version(make.version_of(proposal), Proposal.objects.for_detail().get(pk=proposal.pk))
    version = make.screened(proposal, desk).version

    def is_due():
        return services.to_screen_again().filter(pk=version.pk).exists()

    before = is_due()
    if is_closed:
        services.recuse(source, person=officer(), by=desk, reason="A cousin.")
    opinion = Adjudication.objects.get(party_check__run__version__proposal=source, outcome="confirmed")
    with clock.moved_to(clock.instant() + timedelta(hours=1)):
        for person in (desk, officer()):
            services.correct_adjudication(opinion, by=person, reason="Another register.")
        since = is_due()
    with clock.moved_to(clock.instant() + timedelta(hours=2)):
        row = of_partner(make.screened(proposal, desk))
        assert (before, since, is_due()) == (False, not is_closed, False)
    assert (row and row.result) == (None if is_closed else Result.CLEAR)
