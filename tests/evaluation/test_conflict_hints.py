"""What a person in government declares about themself, and the hints that are computed from it."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction

from evaluation import services
from evaluation.conflicts import ask_ethics, conflict_hints, who_takes_part
from evaluation.enums import HintKind
from evaluation.models import Interest, InterestConfirmation
from program import clock
from program.enums import OfficeRole
from program.models import Affiliation, AuditEvent
from program.transitions import NotReady
from proposals.enums import ProposalStatus, TeamRole
from proposals.models import Holding
from tests.factories import evaluation as make
from tests.factories.program import CountryFactory, OrganizationFactory, UserFactory, officer
from tests.factories.proposals import ConsortiumFactory, ProposalFactory, TeamMemberFactory
from tests.statements import statements

pytestmark = pytest.mark.django_db
PAIRS = sorted(Path(__file__).parent.glob("name_pairs_*.csv"))


def declared(person, kind="holding", name="", whose="own", **facts):
    return services.declare_interest(by=person, kind=kind, whose=whose, name=name, **facts)


def ethics(agency="STATE"):
    return officer(OfficeRole.ETHICS_OFFICIAL, agency)


def owned_package():
    """A package whose anchor has an owner, who has an owner in turn."""
    consortium = ConsortiumFactory()
    facts = {"organization": consortium.anchor.organization, "holder_country": CountryFactory(code="US")}
    owner = Holding.objects.create(holder_name="Tidewater Capital LLC", share=Decimal("0.20"), **facts)
    Holding.objects.create(holder_name="Old Salt Group Inc.", share=Decimal("0.30"), owned=owner, **facts)
    proposal = ProposalFactory(consortium=consortium, status=ProposalStatus.SUBMITTED)
    return make.version_of(proposal)


def hints(version, person):
    return [(hint.kind, hint.party, hint.role) for hint in conflict_hints(version, [person]).get(person, [])]


def test_a_holding_in_a_member_its_owner_or_the_owner_of_that_one_is_hinted():
    version, person = owned_package(), make.reviewer()
    anchor = version.proposal.consortium.anchor.organization.legal_name
    assert hints(version, person) == []
    declared(person, name="OLD SALT, Incorporated", whose="spouse")
    declared(person, name="Tidewater Capital")
    declared(person, name="Tidewater Pumps")
    assert {(kind, party) for kind, party, _ in hints(version, person)} == {
        (HintKind.HOLDING, "Old Salt Group Inc."),
        (HintKind.HOLDING, "Tidewater Capital LLC"),
    }
    roles = {party: role for _, party, role in hints(version, person)}
    assert roles == {
        "Old Salt Group Inc.": "Owner of Tidewater Capital LLC",
        "Tidewater Capital LLC": f"Owner of {anchor}",
    }
    texts = {hint.text for hint in conflict_hints(version, [person])[person]}
    assert (
        f"The spouse of {person} has a holding in OLD SALT, Incorporated. Old Salt Group Inc. is in the "
        "package: Owner of Tidewater Capital LLC." in texts
    )


def test_an_earlier_employer_is_hinted_for_a_year(settings):
    version, person = owned_package(), make.reviewer()
    for_long = clock.today() - timedelta(days=366)
    declared(person, "employer", "Tidewater Capital", until=for_long)
    assert hints(version, person) == []
    settings.FORMER_EMPLOYER_DAYS = 400
    ((kind, _, _),) = hints(version, person)
    assert kind == HintKind.EARLIER_EMPLOYER
    (hint,) = conflict_hints(version, [person])[person]
    assert (hint.clause, hint.is_financial) == ("5 CFR 2635.502(b)(1)(iv)", False)


def test_who_is_employed_has_a_financial_interest_and_of_family_a_relationship():
    version, person = owned_package(), make.reviewer()
    declared(person, "employer", "Tidewater Capital")
    declared(person, "employer", "Old Salt", whose="spouse")
    found = {hint.party: hint for hint in conflict_hints(version, [person])[person]}
    assert {party: (hint.kind, hint.is_financial) for party, hint in found.items()} == {
        "Tidewater Capital LLC": (HintKind.EMPLOYER, True),
        "Old Salt Group Inc.": (HintKind.EMPLOYER, False),
    }


def test_a_category_of_holdings_is_hinted_where_the_package_is_for_the_sector():
    version, person = owned_package(), make.reviewer()
    sectors = {one.sector for one in version.value.components if getattr(one, "sector", None)}
    assert sectors == {"healthcare"}
    declared(person, "category", sector="agriculture")
    assert hints(version, person) == []
    declared(person, "category", sector="healthcare", name="Example Health Fund")
    (hint,) = conflict_hints(version, [person])[person]
    assert hint.kind == HintKind.CATEGORY
    assert hint.text == (
        f"{person} has holdings in the sector Healthcare (Example Health Fund); the package is for that "
        "sector."
    )


def test_what_the_portal_knows_of_earlier_work_is_hinted_too():
    version, person, other = owned_package(), make.reviewer(), make.reviewer()
    anchor = version.proposal.consortium.anchor
    place = TeamMemberFactory(membership=anchor, user=person, role=TeamRole.CONTRIBUTOR)
    Affiliation.objects.filter(user=person).delete()
    place.removed_at = clock.instant() - timedelta(days=30)
    place.save()
    Affiliation.objects.create(user=other, organization=anchor.organization)
    assert {kind for kind, *_ in hints(version, person)} == {HintKind.EARLIER_EMPLOYER}
    assert {kind for kind, *_ in hints(version, other)} == {HintKind.EMPLOYER}


def test_who_takes_part_is_named_once_with_all_their_roles():
    version = owned_package()
    named = who_takes_part(version)
    assert len({party.name for party in named}) == len(named)
    roles = {party.name: party.role for party in named}
    anchor = version.proposal.consortium.anchor.organization.legal_name
    assert roles["Tidewater Capital LLC"] == f"Owner of {anchor}"
    for party in version.value.parties():
        assert party.role in roles[party.name].split("; ")


def test_who_assigns_is_told_only_to_ask():
    person = make.reviewer()
    words = ask_ethics(person)
    assert words == f"Ask the ethics official of the agency before {person} reviews this proposal."


def test_hints_cost_three_statements_for_one_and_for_many():
    version = owned_package()
    people = [make.reviewer() for _ in range(12)]
    for person in people:
        declared(person, name="Tidewater Capital")
        declared(person, "category", sector="healthcare")
    with statements() as one:
        conflict_hints(version, people[:1])
    with statements() as many:
        found = conflict_hints(version, people)
    assert [len([sql for sql in sent if " FROM " in sql]) for sent in (one, many)] == [3, 3]
    assert {person: len(rows) for person, rows in found.items()} == dict.fromkeys(people, 2)


def alike(version, person):
    found = conflict_hints(version, [person]).get(person, [])
    return {(hint.kind, hint.party) for hint in found if hint.is_alike}


def test_a_name_that_is_only_alike_is_hinted_as_such_with_both_names():
    version, person = owned_package(), make.reviewer()
    declared(person, name="Tidewater Capitol")
    declared(person, "employer", "Old Salts", whose="spouse")
    assert alike(version, person) == {
        (HintKind.HOLDING, "Tidewater Capital LLC"), (HintKind.EMPLOYER, "Old Salt Group Inc."),
    }  # fmt: skip
    texts = {hint.text for hint in conflict_hints(version, [person])[person]}
    anchor = version.proposal.consortium.anchor.organization.legal_name
    assert (
        f"{person} has a holding in Tidewater Capitol. A similar name is in the package: Tidewater Capital "
        f"LLC. Role: Owner of {anchor}. Nobody has decided whether the two names are of one company." in texts
    )
    assert not any(hint.is_financial for hint in conflict_hints(version, [person])[person])


def test_the_same_name_is_no_similar_one_and_each_party_is_hinted_once():
    version, person = owned_package(), make.reviewer()
    declared(person, name="TIDEWATER CAPITAL, L.L.C.")
    ((hint),) = conflict_hints(version, [person])[person]
    assert (hint.party, hint.is_alike, hint.is_financial) == ("Tidewater Capital LLC", False, True)


def test_work_for_an_organization_of_a_similar_name_is_hinted_too():
    version, person = owned_package(), make.reviewer()
    organization = OrganizationFactory(legal_name="Tidewater Capitol Inc.")
    Affiliation.objects.create(user=person, organization=organization)
    assert alike(version, person) == {(HintKind.EMPLOYER, "Tidewater Capital LLC")}


def test_names_of_hundreds_of_other_companies_are_not_alike():
    version, person = owned_package(), make.reviewer()
    names = set()
    for pairs in PAIRS:
        with pairs.open(encoding="utf-8") as file:
            names |= {
                row["name"] for row in csv.DictReader(line for line in file if not line.startswith("#"))
            }
    near = {"Tidewater Pumps", "Tidal Capital", "Salt Lake Group", "Old Stone Group Inc.", "Capital Group"}
    rows = [
        Interest(person=person, kind="holding", whose="own", name=name, declared_at=clock.now())
        for name in names | near
    ]
    Interest.objects.bulk_create(rows)
    assert len(rows) > 300
    assert conflict_hints(version, [person]) == {}
    declared(person, name="Tide Water Capital")
    assert len(conflict_hints(version, [person])[person]) == 1


def test_similar_names_cost_no_statement_more():
    version, people = owned_package(), [make.reviewer() for _ in range(6)]
    for person in people:
        declared(person, name="Tidewater Capitol")
    with statements() as sent:
        found = conflict_hints(version, people)
    assert len(found) == 6 and len([sql for sql in sent if " FROM " in sql]) == 3


def test_interests_are_confirmed_once_a_day_and_anew_where_they_changed():
    person = make.reviewer("STATE")
    first = services.confirm_interests(by=person)
    assert services.confirm_interests(by=person) == first
    assert AuditEvent.objects.filter(act="interestconfirmation.give").count() == 1
    interest = declared(person, name="Tidewater Capital")
    second = services.confirm_interests(by=person)
    assert (second.pk > first.pk, second.interest_count) == (True, 1)
    services.withdraw_interest(interest, by=person, reason="Sold.")
    assert services.confirm_interests(by=person).interest_count == 0
    with clock.moved_to(clock.now() + timedelta(days=1)):
        assert services.confirm_interests(by=person) not in (first, second)
    assert InterestConfirmation.objects.count() == 4


def test_interests_are_read_by_the_person_and_their_ethics_official_alone():
    person, own_ethics, other_ethics = make.reviewer("STATE"), ethics("STATE"), ethics("DOE")
    interest = declared(person, name="Tidewater Capital")
    services.confirm_interests(by=person)
    others = (
        other_ethics, make.lead("STATE"), make.reviewer("STATE"), officer(), officer(OfficeRole.AUDITOR),
        make.decision_official(), UserFactory(),
    )  # fmt: skip
    for reader in (person, own_ethics):
        assert Interest.objects.visible_to(reader).contains(interest)
        assert reader.has_perm("evaluation.view_interest", interest)
        assert InterestConfirmation.objects.visible_to(reader).count() == 1
    for reader in others:
        assert not Interest.objects.visible_to(reader).exists()
        assert not reader.has_perm("evaluation.view_interest", interest)
        assert not InterestConfirmation.objects.visible_to(reader).exists()


def test_the_record_says_that_something_was_declared_and_not_what():
    person = make.reviewer()
    interest = declared(person, name="Tidewater Capital")
    services.withdraw_interest(interest, by=person, reason="Sold the Tidewater shares.")
    bodies = " ".join(AuditEvent.objects.filter(actor=person).values_list("body", flat=True))
    assert "interest.declare" in bodies and "interest.withdraw" in bodies
    assert "Tidewater" not in bodies and "holding" not in bodies


def test_an_entry_is_withdrawn_once_and_kept():
    version, person = owned_package(), make.reviewer()
    interest = declared(person, name="Tidewater Capital")
    with pytest.raises(NotReady, match="already"):
        declared(person, name="TIDEWATER CAPITAL LLC")
    with pytest.raises(NotReady, match="Say why"):
        services.withdraw_interest(interest, by=person, reason=" ")
    with pytest.raises(PermissionDenied):
        services.withdraw_interest(interest, by=make.reviewer(), reason="Not mine.")
    services.withdraw_interest(interest, by=person, reason="Sold.")
    assert hints(version, person) == []
    with pytest.raises(NotReady, match="already"):
        services.withdraw_interest(interest, by=person, reason="Sold.")
    assert Interest.objects.count() == 2
    with pytest.raises(DatabaseError, match="kept as they were written"), transaction.atomic():
        Interest.objects.filter(pk=interest.pk).update(name="Another")
    declared(person, name="Tidewater Capital")


def test_an_interest_says_what_its_kind_needs():
    person = make.reviewer()
    refused = (
        ("holding", {}), ("employer", {"sector": "healthcare", "name": "A"}), ("category", {}),
        ("holding", {"name": "A", "until": clock.today()}),
    )  # fmt: skip
    for kind, facts in refused:
        with pytest.raises(ValidationError):
            declared(person, kind, **facts)
    with pytest.raises(PermissionDenied):
        declared(UserFactory(), name="Tidewater Capital")
