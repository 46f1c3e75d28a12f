from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from program import clock
from program.enums import OfficeRole
from program.models import AuditEvent, Delegation, Office, User
from program.services import people
from tests.factories.program import AgencyFactory, OrganizationFactory, UserFactory, officer
from tests.factories.proposals import ConsortiumFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def demonstration(settings):
    settings.DEMONSTRATION = True  # no second factor; what it leaves out is tested in test_sign_in.py


def fresh(person):
    return User.objects.get(pk=person.pk)


def test_nobody_is_a_superuser():
    person = UserFactory()
    with pytest.raises(IntegrityError, match="nobody_is_superuser"), transaction.atomic():
        User.objects.filter(pk=person.pk).update(is_superuser=True)


def test_address_is_one_person_whatever_its_letter_case():
    UserFactory(email="ada@firm.example")
    with pytest.raises(ValidationError, match="already exists"):
        User.objects.create_user("ADA@Firm.Example", name="Other Ada")


def test_office_holds_between_its_days_and_ends_at_once():
    by, person = officer(), UserFactory()
    office = people.appoint(
        person, agency=AgencyFactory(code="STATE"), role=OfficeRole.LEAD, by=by, basis="Memo 1",
        confirmed_by=officer(),
    )  # fmt: skip
    assert fresh(person).holds(OfficeRole.LEAD, agency="STATE")
    assert not fresh(person).holds(OfficeRole.LEAD, agency="COMMERCE")
    people.end_office(office, by=by)
    assert not fresh(person).is_government
    assert [event.act for event in AuditEvent.objects.of(office)] == ["office.appoint", "office.end"]


def test_future_office_gives_nothing_yet():
    person = UserFactory()
    people.appoint(
        person, agency=AgencyFactory(), role=OfficeRole.LEAD, by=officer(),
        effective_from=clock.today() + timedelta(days=1), confirmed_by=officer(),
    )  # fmt: skip
    assert not fresh(person).is_government


def test_nobody_appoints_themselves_or_without_the_right():
    by, agency = officer(), AgencyFactory()
    with pytest.raises(PermissionDenied):
        people.appoint(by, agency=agency, role=OfficeRole.DECISION_OFFICIAL, by=by)
    with pytest.raises(PermissionDenied):
        people.appoint(UserFactory(), agency=agency, role=OfficeRole.LEAD, by=officer(OfficeRole.LEAD))
    assert not Office.objects.filter(role=OfficeRole.DECISION_OFFICIAL).exists()


def test_new_portal_gets_its_first_two_program_officers_by_command_and_no_third():
    AgencyFactory(code="COMMERCE")
    first, second, third = UserFactory(), UserFactory(), UserFactory()
    call_command("appoint_first_officer", first.email.upper(), basis="Memorandum of November 1")
    assert fresh(first).holds(OfficeRole.PROGRAM_OFFICER, agency="COMMERCE")
    assert AuditEvent.objects.of(first.offices.get()).get().act == "office.appoint"
    call_command("appoint_first_officer", second.email, basis="Memorandum of November 2")
    with pytest.raises(CommandError, match="two program officers already"):
        call_command("appoint_first_officer", third.email, basis="Memorandum")
    with pytest.raises(CommandError, match="sign up first"):
        call_command("appoint_first_officer", "nobody@agency.example", basis="Memorandum")
    assert fresh(second).holds(OfficeRole.PROGRAM_OFFICER, agency="COMMERCE")
    assert not fresh(third).is_government


def test_only_the_holder_of_an_office_delegates_its_act():
    lead, other = officer(OfficeRole.LEAD, "DOE"), officer(OfficeRole.REVIEWER, "DOE")
    values = {
        "to": other,
        "agency": AgencyFactory(code="DOE"),
        "authority": "Order 7",
        "effective_from": date(2026, 1, 1),
        "effective_to": None,
    }
    delegation = people.delegate(by=lead, act=Delegation.SIGN_POSITION, **values)
    assert list(Delegation.objects.in_force()) == [delegation]
    with pytest.raises(PermissionDenied):
        people.delegate(by=lead, act=Delegation.SIGN_DETERMINATION, **values)
    with pytest.raises(PermissionDenied):
        people.end_delegation(delegation, by=other)
    people.end_delegation(delegation, by=lead)
    assert not Delegation.objects.in_force().exists()


@pytest.mark.parametrize(
    ("make", "act"),
    [
        (lambda: ConsortiumFactory().created_by, Delegation.SIGN_POSITION),
        (lambda: UserFactory(), Delegation.SIGN_POSITION),
        (lambda: officer(OfficeRole.REVIEWER, "STATE"), Delegation.SIGN_POSITION),
        (lambda: UserFactory(), Delegation.SIGN_DETERMINATION),
        (lambda: ConsortiumFactory().created_by, Delegation.SIGN_DETERMINATION),
    ],
)
def test_who_could_not_sign_is_given_no_delegation(make, act):
    """An applicant, a stranger, another agency's reviewer: the page must not say that they may sign."""
    role, agency = {
        Delegation.SIGN_POSITION: (OfficeRole.LEAD, "DOE"),
        Delegation.SIGN_DETERMINATION: (OfficeRole.DECISION_OFFICIAL, "COMMERCE"),
    }[act]
    with pytest.raises(ValidationError):
        people.delegate(
            by=officer(role, agency), to=make(), act=act, agency=AgencyFactory(code=agency),
            authority="Order 7", effective_from=clock.today(), effective_to=None,
        )  # fmt: skip
    assert not Delegation.objects.exists()


def test_delegation_that_is_over_before_it_is_given_is_refused():
    lead, other = officer(OfficeRole.LEAD, "DOE"), officer(OfficeRole.REVIEWER, "DOE")
    with pytest.raises(ValidationError, match="last day is over"):
        people.delegate(
            by=lead, to=other, act=Delegation.SIGN_POSITION, agency=AgencyFactory(code="DOE"),
            authority="Order 7", effective_from=date(2020, 1, 1), effective_to=date(2020, 12, 1),
        )  # fmt: skip


def test_last_program_officer_stays(client, demonstration):
    first, second = officer(), officer()
    office = second.offices.get()
    people.end_office(office, by=first)
    with pytest.raises(PermissionDenied, match="last program officer"):
        people.end_office(first.offices.get(), by=fresh(first))
    values = {"login": first.email, "password": "correct horse battery staple"}
    client.post(reverse("account_login"), values)
    page = client.post(reverse("program:office-end", args=[first.offices.get().pk]), {"reason": "I leave."})
    assert page.status_code == 422 and "This is the last program officer" in page.content.decode()
    assert Office.objects.in_force().filter(user=first).exists()


@pytest.mark.parametrize(
    ("uei", "is_right"),
    [
        ("H7RBLMXQ2T45", True),
        (" h7rblmxq2t45 ", True),
        ("07RBLMXQ2T45", False),
        ("H7RBLMXO2T45", False),
        ("H7RB", False),
    ],
)
def test_uei_has_its_form(uei, is_right):
    firm = OrganizationFactory.build(
        uei=uei,
        incorporated_in=OrganizationFactory().incorporated_in,
        headquartered_in=OrganizationFactory().headquartered_in,
    )
    if is_right:
        firm.full_clean()
        assert firm.uei == "H7RBLMXQ2T45"
    else:
        with pytest.raises(ValidationError, match="O and I never occur"):
            firm.full_clean()


@pytest.mark.usefixtures("demonstration")
class TestPages:
    def test_program_officer_appoints_and_ends(self, client):
        by, person = officer(), UserFactory(email="new@agency.example")
        client.post(reverse("account_login"), {"login": by.email, "password": "correct horse battery staple"})
        answer = client.post(
            reverse("program:office-appoint"),
            {
                "email": "NEW@agency.example",
                "agency": AgencyFactory(code="DOD").pk,
                "role": "reviewer",
                "basis": "Memo",
            },
        )
        assert answer.url == reverse("program:offices")
        office = person.offices.get()
        client.post(reverse("program:office-end", args=[office.pk]), {"reason": "The detail ended."})
        assert not fresh(person).is_government

    def test_refused_appointment_and_delegation_are_on_the_record_of_who_tried(self, client):
        by = officer()
        lead = officer(OfficeRole.LEAD, "DOE")
        delegate = {
            "email": UserFactory().email,
            "agency": AgencyFactory(code="DOE").pk,
            "act": Delegation.SIGN_DETERMINATION,
            "authority": "Order 7",
            "effective_from": "2026-01-01",
            "effective_to": "2027-01-01",
        }
        appoint = {"email": by.email, "agency": AgencyFactory().pk, "role": "reviewer", "basis": "Memo"}
        for person, page, posted, reason in (
            (by, "program:office-appoint", appoint, "You may not appoint this person."),
            (
                lead,
                "program:office-delegate",
                delegate,
                "Only the holder of the office may delegate its acts.",
            ),
        ):
            values = {"login": person.email, "password": "correct horse battery staple"}
            client.post(reverse("account_login"), values)
            assert client.post(reverse(page), posted).status_code == 422
            (event,) = AuditEvent.objects.of(person).filter(act="user.refused")
            facts = {"method": "POST", "route": reverse(page), "reason": reason}
            assert json.loads(event.body)["after"] == facts
            client.logout()

    def test_old_sign_in_is_challenged_and_nothing_changes(self, client):
        client.force_login(officer())
        person = UserFactory()
        answer = client.post(
            reverse("program:office-appoint"),
            {"email": person.email, "agency": AgencyFactory().pk, "role": "reviewer", "basis": "Memo"},
        )
        assert answer.url.startswith(reverse("account_reauthenticate"))
        assert not person.offices.exists()

    @pytest.mark.parametrize("role", [OfficeRole.REVIEWER, OfficeRole.EDAG_OFFICER])
    def test_others_find_no_such_page(self, client, role):
        client.force_login(officer(role))
        assert client.get(reverse("program:offices")).status_code == 404
        assert client.get(reverse("program:office-appoint")).status_code == 404
        assert client.get(reverse("program:office-delegate")).status_code == 404

    @pytest.mark.parametrize("count", [1, 3])
    def test_list_asks_the_database_the_same_number_of_times(self, client, count, django_assert_num_queries):
        by = officer()
        for _ in range(count):
            officer(OfficeRole.LEAD, "STATE")
        client.force_login(by)
        client.get(reverse("program:offices"))
        with django_assert_num_queries(7):
            client.get(reverse("program:offices"))
