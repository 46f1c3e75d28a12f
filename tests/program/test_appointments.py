"""Who acts for the Government alone is proposed by one officer and confirmed by another."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from program.enums import CONFIRMED_OFFICES, OfficeRole
from program.models import Appointment, AuditEvent, Notice, Office, User
from program.services import appointments, people
from program.transitions import NotReady, WrongStatus
from tests.beside import act_while
from tests.factories.program import AgencyFactory, UserFactory, officer
from tests.factories.proposals import ConsortiumFactory

pytestmark = pytest.mark.django_db
LEAD = OfficeRole.LEAD


def fresh(person):
    return User.objects.get(pk=person.pk)


@pytest.fixture
def demonstration(settings):
    """Government offices enter without a second factor, which is tested elsewhere."""
    settings.DEMONSTRATION = True


@pytest.fixture
def desk():
    return officer()


@pytest.fixture
def second():
    return officer()


@pytest.fixture
def person():
    return UserFactory(name="Ada Field", email="ada@agency.example")


def proposed(person, by, role=LEAD, agency="DOE"):
    return appointments.propose_appointment(
        person, agency=AgencyFactory(code=agency), role=role, by=by, basis="Memo 7"
    )


def told(kind):
    return set(Notice.objects.filter(kind=kind).values_list("recipient", flat=True))


@pytest.mark.parametrize("role", CONFIRMED_OFFICES)
def test_office_begins_with_the_confirmation_of_a_second_officer(desk, second, person, role):
    agency = "COMMERCE" if role == OfficeRole.PROGRAM_OFFICER else "DOE"
    with pytest.raises(PermissionDenied, match="second program officer"):
        people.appoint(person, agency=AgencyFactory(code=agency), role=role, by=desk, basis="Memo 7")
    appointment = proposed(person, desk, role, agency)
    assert not fresh(person).is_government
    assert second.pk in told("appointment-to-confirm") and desk.pk not in told("appointment-to-confirm")

    appointments.confirm_appointment(appointment, by=second)

    assert fresh(person).holds(role, agency=agency)
    office = person.offices.get()
    assert (office.appointed_by, office.confirmed_by, office.basis) == (desk, second, "Memo 7")
    assert (appointment.office, appointment.decided_by) == (office, second)
    assert told("appointment-confirmed") == {desk.pk, person.pk}
    acts = [(event.act, event.actor) for event in AuditEvent.objects.of(appointment)]
    assert acts == [("appointment.propose", desk), ("appointment.confirm", second)]
    assert AuditEvent.objects.of(office).get().actor == second


@pytest.mark.parametrize("role", sorted(set(OfficeRole) - {*CONFIRMED_OFFICES, OfficeRole.CLOCK}))
def test_other_offices_are_given_by_one_officer(desk, person, role):
    people.appoint(person, agency=AgencyFactory(code="DOE"), role=role, by=desk, basis="Memo 7")
    assert fresh(person).holds(role)


@pytest.mark.parametrize("who", ["proposer", "appointee", "lead", "auditor", "former officer"])
def test_neither_its_proposer_nor_its_person_nor_another_office_confirms_it(desk, second, who):
    person = officer() if who == "appointee" else UserFactory()
    appointment = proposed(person, desk)
    former = officer()
    people.end_office(former.offices.get(), by=desk)
    others = {
        "proposer": desk, "appointee": person, "lead": officer(LEAD, "DOE"),
        "auditor": officer(OfficeRole.AUDITOR), "former officer": former,
    }  # fmt: skip
    with pytest.raises(PermissionDenied):
        appointments.confirm_appointment(appointment, by=fresh(others[who]))
    if who != "proposer":
        with pytest.raises(PermissionDenied):
            appointments.decline_appointment(appointment, by=fresh(others[who]), reason="No.")
    assert not Office.objects.filter(user=person, role=LEAD).exists()


def test_nobody_proposes_themselves_or_without_the_right(desk, second):
    for by, person in ((desk, desk), (officer(LEAD, "DOE"), UserFactory())):
        with pytest.raises(PermissionDenied):
            proposed(person, by)
    assert not Appointment.objects.exists()


def test_proposed_twice_it_waits_once_and_who_holds_the_office_is_not_proposed(desk, second, person):
    first = proposed(person, desk)
    assert proposed(person, second) == first
    assert AuditEvent.objects.filter(act="appointment.propose").count() == 1
    appointments.confirm_appointment(first, by=second)
    with pytest.raises(ValidationError, match="already"):
        proposed(person, desk)


def test_declined_with_a_reason_it_goes_no_further_and_may_be_proposed_anew(desk, second, person):
    appointment = proposed(person, desk)
    with pytest.raises(NotReady):
        appointments.decline_appointment(appointment, by=second, reason=" ")
    appointments.decline_appointment(appointment, by=second, reason="Another memorandum.")
    assert told("appointment-declined") == {desk.pk}
    with pytest.raises(WrongStatus):
        appointments.confirm_appointment(appointment, by=second)
    again = proposed(person, second)
    appointments.decline_appointment(again, by=second, reason="Taken back.")
    assert not fresh(person).is_government


def test_who_has_begun_to_work_for_a_consortium_is_not_confirmed(desk, second):
    appointment = proposed(person := UserFactory(), desk)
    ConsortiumFactory(created_by=person)
    with pytest.raises(ValidationError, match="works for a consortium"):
        appointments.confirm_appointment(appointment, by=second)
    assert Appointment.objects.get().status == "proposed"
    assert not AuditEvent.objects.filter(act="appointment.confirm").exists()


def test_what_an_officer_proposed_who_has_left_is_proposed_anew(desk, second, person):
    third = officer()
    proposed(person, desk)
    people.end_office(desk.offices.get(), by=second)
    with pytest.raises(ValidationError, match="no program officer any more"):
        appointments.confirm_appointment(Appointment.objects.get(), by=second)
    appointments.decline_appointment(Appointment.objects.get(), by=second, reason="Its proposer left.")
    appointments.confirm_appointment(proposed(person, second), by=third)
    assert fresh(person).holds(LEAD)


@pytest.mark.parametrize("column", ["proposed_by", "user"])
def test_the_database_keeps_proposer_person_and_second_officer_apart(desk, second, person, column):
    appointment = proposed(person, desk)
    appointments.confirm_appointment(appointment, by=second)
    same = getattr(appointment, column)
    with pytest.raises(IntegrityError, match="appointment_confirmed_by_another"), transaction.atomic():
        Appointment.objects.update(decided_by=same)
    with pytest.raises(IntegrityError, match="office_confirmed_by_another"), transaction.atomic():
        Office.objects.filter(user=person).update(confirmed_by=same)
    with pytest.raises(IntegrityError, match="appointment_decided_whole"), transaction.atomic():
        Appointment.objects.update(office=None)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_confirm_at_once_one_does():
    desk, second, third, person = officer(), officer(), officer(), UserFactory()
    appointment = proposed(person, desk)
    refusal = act_while(
        lambda: appointments.confirm_appointment(Appointment.objects.get(), by=third),
        lambda: appointments.confirm_appointment(appointment, by=second),
    )
    assert isinstance(refusal, WrongStatus)
    assert person.offices.get().confirmed_by == second


# A portal with one officer


def test_an_officer_alone_is_told_what_to_do_and_the_command_names_the_second(desk, person):
    AgencyFactory(code="COMMERCE")
    with pytest.raises(ValidationError, match="appoint_first_officer"):
        proposed(person, desk)
    with pytest.raises(ValidationError, match="appoint_first_officer"):
        proposed(officer_to_be := UserFactory(), desk, OfficeRole.PROGRAM_OFFICER, "COMMERCE")
    call_command("appoint_first_officer", officer_to_be.email, basis="Memorandum")
    with pytest.raises(CommandError, match="two program officers already"):
        call_command("appoint_first_officer", person.email, basis="Memorandum")
    appointments.confirm_appointment(proposed(person, desk), by=fresh(officer_to_be))
    assert fresh(person).holds(LEAD)


def test_command_names_no_person_twice(desk):
    AgencyFactory(code="COMMERCE")
    with pytest.raises(CommandError, match="holds this office already"):
        call_command("appoint_first_officer", desk.email, basis="Memorandum")


def test_who_leaves_takes_the_second_place_with_them(desk, second, person):
    people.end_office(second.offices.get(), by=desk)
    with pytest.raises(ValidationError, match="Nobody is left"):
        proposed(person, desk)
    call_command("appoint_first_officer", UserFactory().email, basis="Memorandum")
    assert proposed(person, fresh(desk)).status == "proposed"


# Its page


def signed_in(client, person):
    client.logout()
    client.post(reverse("account_login"), {"login": person.email, "password": "correct horse battery staple"})
    return client


@pytest.mark.usefixtures("demonstration")
class TestPages:
    def form(self, person, role=LEAD):
        agency = AgencyFactory(code="DOE").pk
        return {"email": person.email, "agency": agency, "role": role, "basis": "Memo 7"}

    def test_one_proposes_another_confirms(self, client, desk, second, person):
        signed_in(client, desk)
        answer = client.post(reverse("program:office-appoint"), self.form(person), follow=True)
        assert "once a second officer has confirmed it" in answer.text
        appointment = Appointment.objects.get()
        confirm = reverse("program:appointment-confirm", args=[appointment.pk])
        assert confirm not in answer.text and "You proposed it" in answer.text
        client.post(confirm)
        assert Appointment.objects.get().status == "proposed"
        assert AuditEvent.objects.of(desk).filter(act="user.refused").count() == 1

        signed_in(client, second)
        desk_page = client.get(reverse("evaluation:desk"))
        (task,) = (one for one in desk_page.context["tasks"] if "Ada Field" in one.what)
        assert (task.what, task.url) == (
            "Confirm or decline Ada Field as Agency lead", f"{reverse('program:offices')}#waiting"
        )  # fmt: skip
        assert confirm in client.get(reverse("program:offices")).text
        assert "Ada Field now holds" in client.post(confirm, follow=True).text
        assert fresh(person).holds(LEAD, agency="DOE")
        assert "can be done only while it is" in client.post(confirm, follow=True).text

    def test_declined_without_a_reason_the_form_says_so_in_its_place(self, client, desk, second, person):
        appointment = proposed(person, desk)
        signed_in(client, second)
        decline = reverse("program:appointment-decline", args=[appointment.pk])
        answer = client.post(decline)
        assert answer.status_code == 422 and "<details open>" in answer.text
        client.post(decline, {f"appointment-{appointment.pk}-reason": "Another memorandum."})
        assert Appointment.objects.get().reason == "Another memorandum."
        assert "Waiting for a second officer" not in client.get(reverse("program:offices")).text

    def test_an_officer_alone_reads_what_to_do(self, client, desk, person):
        signed_in(client, desk)
        answer = client.post(reverse("program:office-appoint"), self.form(person))
        assert answer.status_code == 422 and "Nobody is left who could confirm" in answer.text

    def test_others_read_nothing_of_it_and_decide_nothing(self, client, desk, second, person):
        appointment = proposed(person, desk)
        for role, status in ((LEAD, 200), (OfficeRole.DECISION_OFFICIAL, 200), (OfficeRole.REVIEWER, 404)):
            signed_in(client, officer(role, "STATE"))
            page = client.get(reverse("program:offices"))
            assert page.status_code == status and "ada@agency.example" not in page.text
            for act in ("confirm", "decline"):
                address = reverse(f"program:appointment-{act}", args=[appointment.pk])
                assert client.post(address).status_code == 404
        signed_in(client, officer(OfficeRole.AUDITOR))
        page = client.get(reverse("program:offices")).text
        assert "ada@agency.example" in page and "Confirm</button>" not in page

    @pytest.mark.parametrize("count", [1, 3])
    def test_page_costs_the_same_for_one_and_for_three(
        self, client, desk, second, count, django_assert_num_queries
    ):
        for _ in range(count):
            proposed(UserFactory(), desk)
        client.force_login(second)
        client.get(reverse("program:offices"))
        with django_assert_num_queries(7):
            client.get(reverse("program:offices"))


@pytest.mark.usefixtures("demonstration")
class TestEnding:
    def test_it_ends_at_once_with_a_reason_and_the_other_officers_are_told(self, client, desk, second):
        lead = officer(LEAD, "DOE")
        office = lead.offices.get()
        address = reverse("program:office-end", args=[office.pk])
        signed_in(client, desk)
        page = client.get(address)
        assert "What ends" in page.content.decode() and str(office) in page.content.decode()
        answer = client.post(address, {"reason": " "})
        assert answer.status_code == 422 and fresh(lead).holds(LEAD)
        client.post(address, {"reason": "She left on November 1."})
        assert not fresh(lead).is_government
        (event,) = AuditEvent.objects.of(office).filter(act="office.end")
        assert event.actor == desk and "She left on November 1." in event.body
        assert second.pk in told("office-ended") and not told("office-ended") & {desk.pk, lead.pk}

    def test_the_list_only_leads_to_the_page_that_says_what_ends(self, client, desk):
        office = officer(LEAD, "DOE").offices.get()
        client.force_login(desk)
        page = client.get(reverse("program:offices")).content.decode()
        address = reverse("program:office-end", args=[office.pk])
        assert f'href="{address}"' in page and f'action="{address}"' not in page

    def test_ones_own_office_may_be_given_up_but_never_the_last(self, client, desk, second):
        signed_in(client, second)
        address = reverse("program:office-end", args=[second.offices.get().pk])
        assert "One program officer is left" in client.get(address).content.decode()
        client.post(address, {"reason": "I change to another office."})
        assert not fresh(second).is_government
        with pytest.raises(PermissionDenied, match="last program officer"):
            appointments.end_with_reason(desk.offices.get(), by=fresh(desk), reason="I leave.")
        assert fresh(desk).holds(OfficeRole.PROGRAM_OFFICER)

    def test_without_a_reason_nothing_ends(self, desk):
        lead = officer(LEAD, "DOE")
        with pytest.raises(NotReady, match="Say why"):
            appointments.end_with_reason(lead.offices.get(), by=desk, reason=" ")
        assert fresh(lead).holds(LEAD)
