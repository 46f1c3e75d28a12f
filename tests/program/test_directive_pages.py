"""The pages of the register: what everybody reads, what the desk reads, the forms of the Program office."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from evaluation.services import recuse
from financing.enums import ReferralStatus
from financing.services.meetings import hold_meeting
from program import clock
from program.documents import record_scan
from program.enums import OfficeRole, ScanState
from program.figures import DESK_OF_DUTY, PUBLIC_OF_DUTY, desk_figures, public_figures
from program.lifecycle import CARRY_OUT, DROP, FIND_INCONSISTENT
from program.models import ActionStep, AgencyAction, Directive, Duty, User
from program.services import calls
from program.services import directives as services
from tests.evaluation.pages import sign_in
from tests.factories import evaluation as make
from tests.factories import financing
from tests.factories.directives import DECIDED, action_at, decide, duty, entered, exempted
from tests.factories.program import UserFactory, issued_call, officer

pytestmark = pytest.mark.django_db
READERS = [OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR]
OTHERS = [None, OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER]


def person(role):
    return officer(role) if role else UserFactory()


def text_of(response):
    return " ".join(response.content.decode().split())


def addresses():
    """Every page of the desk's side, with the keys of real records."""
    record, action = duty(), action_at("inconsistent")
    exemption = exempted(action)
    return [
        reverse("program:desk-directives"),
        reverse("program:desk-duty", args=[record.pk]),
        reverse("program:agency-actions"),
        reverse("program:agency-action", args=[action.pk]),
    ], [
        reverse("program:agency-action-new"),
        reverse("program:agency-action-edit", args=[action.pk]),
        reverse("program:agency-action-step", args=[action.pk, "propose"]),
        reverse("program:exemption-new", args=[action.pk]),
        reverse("program:exemption-end", args=[exemption.pk]),
    ]


@pytest.mark.parametrize("role", [*READERS, *OTHERS])
def test_desk_opens_to_its_readers_and_forms_to_the_program_office(client, role):
    read, write = addresses()
    sign_in(client, person(role))
    reads, writes = role in READERS, role == OfficeRole.PROGRAM_OFFICER
    assert {client.get(address).status_code for address in read} == {200 if reads else 404}
    expected = 200 if writes else 403 if reads else 404
    assert {client.get(address).status_code for address in write} == {expected}
    posts = {client.post(address).status_code for address in [read[1], *write]}
    assert posts == {422 if writes else 403 if reads else 404}


DUTY = {
    "state": "fulfilled", "fulfilled_on": "2025-09-01", "responsible": "Administrator of the SBA",
    "consulted": "", "evidence": "Letters of appointment.", "evidence_url": "agency.example/letters",
    "reason": "The letters came in.", "revision": "1",
}  # fmt: skip


def test_duty_is_kept_on_its_page_and_shown_to_everybody(client):
    record, address = duty(), reverse("program:desk-duty", args=[duty().pk])
    sign_in(client, officer())
    file = SimpleUploadedFile("letters.csv", b"person,office\nA. Person,SBA\n")
    response = client.post(address, DUTY | {"upload": file}, follow=True)
    assert "The duty is kept" in text_of(response)
    assert "Evidence in words:</strong> <ins" in text_of(response)
    client.logout()
    page = text_of(client.get("/directives/"))
    for words in ("Letters of appointment.", 'href="https://agency.example/letters"', "letters.csv"):
        assert words in page
    assert "The letters came in." not in page
    record.refresh_from_db()
    assert f"/directives/evidence/{record.evidence_file.sha256}/" in page


def test_stale_form_answers_with_both_texts_and_the_next_save_goes_over_it(client):
    record = duty()
    address = reverse("program:desk-duty", args=[record.pk])
    sign_in(client, officer())
    assert client.post(address, DUTY).status_code == 302
    mine = DUTY | {"evidence": "Minutes of a meeting."}
    response = client.post(address, mine)
    page = text_of(response)
    assert response.status_code == 409
    assert "Letters of appointment." in page and "Minutes of a meeting." in page
    record.refresh_from_db()
    assert record.evidence == "Letters of appointment."
    assert response.context["form"]["revision"].value() == "2"
    assert client.post(address, mine | {"revision": "2"}).status_code == 302
    record.refresh_from_db()
    assert record.evidence == "Minutes of a meeting."


def test_what_is_refused_stands_beside_its_field(client):
    record = duty()
    sign_in(client, officer())
    response = client.post(
        reverse("program:desk-duty", args=[record.pk]), DUTY | {"evidence": "", "evidence_url": ""}
    )
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {"evidence"}


def test_review_is_walked_through_the_pages(client):
    sign_in(client, officer())
    facts = {"agency": "Agency of Examples", "title": "Guidance", "effect": "It told offices."}
    entered_at = client.post(reverse("program:agency-action-new"), facts)["Location"]
    action = AgencyAction.objects.get()
    assert entered_at == reverse("program:agency-action", args=[action.pk])
    decision = {
        "decided_by": "Director of OMB", "decided_on": "2025-04-03", "reason": "In the way.",
        "evidence": "A memorandum.", "evidence_url": "", "measure": "rescind",
    }  # fmt: skip

    def revision():
        return AgencyAction.objects.get().revision

    for step in ("find_inconsistent", "propose", "carry_out", "finalize"):
        address = reverse("program:agency-action-step", args=[action.pk, step])
        assert address in text_of(client.get(entered_at))
        assert client.post(address, decision | {"revision": revision()}).status_code == 302
        if step == "propose":
            given = {
                "text": "Small offices.", "basis": "5 U.S.C. 301", "granted_by": "The head",
                "granted_on": "2025-04-04", "until": "2099-01-01", "revision": revision(),
            }  # fmt: skip
            assert client.post(reverse("program:exemption-new", args=[action.pk]), given).status_code == 302
    page = text_of(client.get(entered_at))
    assert "Rescinded, final" in page and "The review of this action is over" in page
    client.logout()
    public = text_of(client.get("/directives/"))
    assert "Rescinded, final" in public and "with the review or its last day" in public
    assert "Director of OMB" in public and "entered by" not in public


def test_step_that_another_comes_before_shows_no_form_and_says_which(client):
    action = entered()
    sign_in(client, officer())
    address = reverse("program:agency-action-step", args=[action.pk, "finalize"])
    answer = client.get(address, follow=True)
    assert answer.redirect_chain == [(reverse("program:agency-action", args=[action.pk]), 302)]
    assert "comes after" in text_of(answer) and "“Under review”" in text_of(answer)


def test_step_pressed_twice_says_who_was_first(client):
    action = entered()
    address = reverse("program:agency-action-step", args=[action.pk, "find_inconsistent"])
    decision = {
        "decided_by": "Director of OMB", "decided_on": "2025-04-03", "reason": "In the way.",
        "evidence": "A memorandum.", "revision": "1",
    }  # fmt: skip
    sign_in(client, officer())
    client.post(address, decision)
    response = client.post(address, decision | {"reason": "A reason of my own.", "evidence": ""})
    page = text_of(response)
    assert (response.status_code, "Somebody may have acted before you" in page) == (409, True)
    stands = AgencyAction.objects.get().get_status_display()
    assert ["A reason of my own." in page, stands in page, "<textarea" in page] == [True, True, False]
    assert action.steps.count() == 1


def test_step_on_an_action_that_moved_on_is_kept_in_its_form(client):
    action = action_at("inconsistent")
    sign_in(client, officer())
    address = reverse("program:agency-action-step", args=[action.pk, "find_consistent"])
    decision = {"decided_by": "Director of OMB", "decided_on": "2025-04-03", "reason": "A reason of my own."}
    response = client.post(address, decision | {"evidence": "A memorandum.", "revision": "1"})
    page = text_of(response)
    assert (response.status_code, "Read first what was saved meanwhile" in page) == (409, True)
    assert ["A reason of my own.</textarea>" in page, "Both texts are the same" in page] == [True, False]


def test_exemption_is_ended_on_its_page(client):
    action = action_at("inconsistent")
    exemption = exempted(action)
    sign_in(client, officer())
    address = reverse("program:exemption-end", args=[exemption.pk])
    assert address in text_of(client.get(reverse("program:agency-action", args=[action.pk])))
    assert client.post(address, {"reason": "The office closed."}).status_code == 302
    assert client.post(address, {"reason": "Again."}).status_code == 422
    assert "The office closed." in text_of(client.get("/directives/"))


def test_days_that_cannot_be_right_are_shown_as_they_were_entered_and_marked(client):
    action = action_at("inconsistent", taken_on=date(2025, 4, 3))
    facts = DECIDED | {"action": action, "recorded_by": officer(), "recorded_at": clock.now()}
    days = {
        "before the day on which the action was taken": date(2025, 4, 2),
        "before the day of an earlier decision": date(2025, 4, 20),
    }
    decide(action, CARRY_OUT, "suspend", decided_on=date(2025, 5, 1))
    for day in days.values():
        ActionStep.objects.create(**facts | {"step": "propose", "measure": "revise", "decided_on": day})
    client.force_login(UserFactory())
    page = text_of(client.get("/directives/"))
    assert [page.count(words) for words in days] == [1, 1]
    assert page.count("Day in doubt") == len(days)
    assert "April 20, 2025" in page


def test_public_reads_of_an_action_from_the_finding_on(client):
    waiting, dropped = entered(title="Zebra waiting"), entered(title="Zebra dropped")
    decide(dropped, DROP)
    assert "Zebra" not in text_of(client.get("/directives/"))
    assert client.get("/directives.json").json()["agency_actions"] == []
    decide(waiting, FIND_INCONSISTENT)
    assert "Zebra waiting" in text_of(client.get("/directives/"))
    shown = client.get("/directives.json").json()["agency_actions"]
    assert [(row["title"], row["standing"]) for row in shown] == [("Zebra waiting", "Found inconsistent")]


def test_open_data_says_what_the_page_says_and_names_no_officer(client, reference_data):
    person, record = officer(), Duty.objects.get(directive__number="14179", clause="5(b)")
    services.keep_duty(
        record, by=person, revision=1, reason="Kept inside", values={"evidence": "Two new memoranda."}
    )
    action = action_at("done")
    exempted(action, person)
    with clock.moved_to(datetime(2025, 3, 20, 12, tzinfo=UTC)):
        said = client.get("/directives.json").json()
    by_clause = {
        (each["number"], row["clause"]): row for each in said["directives"] for row in each["duties"]
    }
    assert len(by_clause) == 16
    row = by_clause["14179", "5(b)"]
    assert (row["starts_on"], row["due_on"], row["days_left"]) == ("2025-01-23", "2025-03-24", 4)
    assert (row["state"], row["has_evidence"]) == ("open", True)
    assert row["evidence"] == {"words": "Two new memoranda.", "link": "", "file": None}
    assert by_clause["14320", "3(a)"]["days_left"] is None
    assert by_clause["14320", "3(c)"]["timing"].startswith("90 days from the issue of each call")
    assert [each["step"] for each in said["agency_actions"][0]["decisions"]] == [
        "find_inconsistent", "carry_out",
    ]  # fmt: skip
    text = json.dumps(said)
    assert person.email not in text and person.name not in text and "Kept inside" not in text


# Files of evidence


def filed(action=None, **details):
    upload = SimpleUploadedFile("letters.csv", b"person,office\nA. Person,SBA\n")
    if action:
        decide_with_file(action, upload, details.pop("step"))
        return action.steps.last().evidence_file
    record = services.keep_duty(
        duty(), by=officer(), revision=1, reason="They came.", values={"evidence": "Letters."}, upload=upload
    )
    return record.evidence_file


def decide_with_file(action, upload, step):
    values = {
        "decided_by": "Director", "decided_on": clock.today(), "reason": "Why.", "evidence": "",
        "evidence_url": "",
    }  # fmt: skip
    services.take_step(action, step, by=officer(), revision=action.revision, values=values, upload=upload)


def test_file_of_a_duty_is_handed_to_everybody_as_a_download(client):
    file = filed()
    response = client.get(reverse("program:evidence", args=[file.sha256]))
    assert response["Content-Disposition"] == 'attachment; filename="letters.csv"'
    assert b"".join(response.streaming_content) == b"person,office\nA. Person,SBA\n"
    assert client.get(reverse("program:evidence", args=["0" * 64])).status_code == 404


def test_file_of_evidence_that_was_taken_off_is_gone(client):
    file = filed()
    record = Duty.objects.get(evidence_file=file)
    services.keep_duty(record, by=officer(), revision=2, reason="Wrong.", values={}, remove_file=True)
    assert client.get(reverse("program:evidence", args=[file.sha256])).status_code == 404


def test_infected_file_is_withheld(client):
    file = filed()
    type(file).objects.filter(pk=file.pk).update(scan_state=ScanState.PENDING)
    record_scan(file, ScanState.INFECTED)
    response = client.get(reverse("program:evidence", args=[file.sha256]), follow=True)
    assert "A malware scan found something" in text_of(response)


def test_file_of_a_dropped_action_stays_inside(client):
    file = filed(entered(), step=DROP)
    address = reverse("program:evidence", args=[file.sha256])
    assert client.get(address).status_code == 404
    sign_in(client, officer(OfficeRole.AUDITOR))
    assert client.get(address).status_code == 200


# What fulfils a duty here


def public_numbers():
    rows = list(Duty.objects.select_related("directive"))
    found = public_figures(rows)
    return {(d.directive.number, d.clause): [f.value for f in found[d.pk]] for d in rows if found[d.pk]}


def desk_numbers(user):
    rows = list(Duty.objects.select_related("directive"))
    found = desk_figures(rows, user)
    return {d.clause: [f.value for f in found[d.pk]] for d in rows if d.directive.number == "14320"}


@pytest.fixture
def late_call():
    """A call that was extended past its 90th day, beside one that was not."""
    issued_call()
    call = issued_call()
    day = call.due_on + timedelta(days=30)
    while day.weekday() > 3:
        day += timedelta(days=1)
    calls.extend_call(
        call, by=officer(), due_on=day, summary="Later", reason="An outage.", legal_basis="15 CFR 4"
    )
    return call


def test_public_numbers_tell_nothing_of_what_is_not_decided(financing_data, late_call):
    before = public_numbers()
    assert before == {
        ("14320", "3(b)"): [2], ("14320", "3(c)"): [1], ("14320", "3(d)"): [0], ("14179", "5(a)"): [0],
    }  # fmt: skip
    proposal = make.accepted()
    issued = public_numbers()["14320", "3(b)"]
    make.filed(proposal, "STATE", rationale="Yes.")
    entered()
    after = public_numbers()
    assert after["14320", "3(d)"] == [0] and after["14179", "5(a)"] == [0] and issued == [3]
    designation = make.designated()
    assert public_numbers()["14320", "3(d)"] == [0]
    make.published(designation)
    action_at("inconsistent", title="Other")
    after = public_numbers()
    assert after["14320", "3(d)"] == [1] and after["14179", "5(a)"] == [1]


def test_desk_counts_what_the_person_may_see(financing_data):
    inside = make.accepted()
    make.filed(inside, "STATE", rationale="Yes.")
    person = officer()
    before = desk_numbers(person)
    assert (before["3(c)"][-1], before["3(d)"][-1]) == (1, 1)
    assert (before["4(a)"], before["4(b)"], before["4(d)"]) == ([0], [2], [0, 0])
    assert (before["4(c)(i)"], before["4(c)(iii)"], before["4(c)(v)"]) == ([0], [0, 0], [0, 0])
    nobody = desk_numbers(UserFactory())
    assert (nobody["3(c)"][-1], nobody["3(d)"][-1], nobody["4(b)"]) == (0, 0, [0])
    recuse(inside, person=person, by=officer(), reason="A cousin.")
    recused = desk_numbers(User.objects.get(pk=person.pk))
    assert (recused["3(c)"][-1], recused["3(d)"][-1]) == (0, 0)


def test_desk_counts_what_the_edag_did(financing_data):
    person, proposed = officer(), financing.proposed()
    held = financing.meeting(referral=proposed)
    assert (desk_numbers(person)["4(a)"], desk_numbers(person)["4(d)"]) == ([0], [0, 0])
    hold_meeting(held, by=financing.chair(), attendance="All.")
    financing.referral(ReferralStatus.COMMITTED)
    financing.referral(ReferralStatus.DECLINED)
    assert (desk_numbers(person)["4(a)"], desk_numbers(person)["4(d)"]) == ([1], [2, 1])


def test_every_duty_that_the_portal_can_show_has_its_numbers(reference_data):
    known = set(Duty.objects.values_list("directive__number", "clause"))
    counted = PUBLIC_OF_DUTY.keys() | DESK_OF_DUTY.keys()
    assert counted <= known
    assert known - counted == {("14320", "3(a)"), ("14179", "4(a)"), ("14179", "5(b)")}


# The state of a duty, in words


def test_home_counts_only_what_something_shows(client, reference_data):
    assert client.get("/").context["duties"] == {"total": 16, "held": 3}
    Duty.objects.filter(clause="4(d)").update(evidence="A report.")
    assert client.get("/").context["duties"] == {"total": 16, "held": 4}


def test_public_page_says_what_nothing_shows_and_how_the_clock_stands(client, reference_data):
    with clock.moved_to(datetime(2025, 3, 1, 12, tzinfo=UTC)):
        page = text_of(client.get("/directives/"))
    assert page.count("No evidence on file") == 13
    assert "Day 37 of 60, 23 days left" in page
    assert page.count("A continuing duty: the order sets no day") == 10
    assert "Fulfilled in time" in page
    with clock.moved_to(datetime(2025, 3, 30, 12, tzinfo=UTC)):
        page = text_of(client.get("/directives/"))
    assert "The day passed 6 days ago" in page and "Due date passed, no evidence on file" in page


# What the pages cost


def add_action(number):
    action = action_at("done", title=f"Guidance {number}")
    exempted(action)


@pytest.mark.parametrize(
    ("name", "role", "cost"),
    [
        ("directives", None, 11),
        ("directives-json", None, 11),
        ("agency-actions", OfficeRole.PROGRAM_OFFICER, 9),
        ("desk-directives", OfficeRole.PROGRAM_OFFICER, 28),
    ],
)
def test_pages_cost_the_same_for_one_row_and_for_three(
    client, financing_data, django_assert_num_queries, name, role, cost
):
    if role:
        sign_in(client, officer(role))
    address, lengths = reverse(f"program:{name}"), []
    for number in range(3):
        add_action(number)
        if number == 1:
            continue
        client.get(address)
        with django_assert_num_queries(cost):
            response = client.get(address)
        lengths.append(len(response.content))
    if name != "desk-directives":
        assert lengths[0] < lengths[1]


def test_long_register_goes_on_from_page_to_page(client, monkeypatch):
    monkeypatch.setattr("program.views.desk_directives.PAGE", 2)
    for number in range(3):
        entered(title=f"Guidance {number}")
    sign_in(client, officer())
    first = client.get(reverse("program:agency-actions"), {"status": "identified"})
    assert [row["action"].title for row in first.context["rows"]] == ["Guidance 0", "Guidance 1"]
    second = client.get(reverse("program:agency-actions") + first.context["next"])
    assert [row["action"].title for row in second.context["rows"]] == ["Guidance 2"]


def test_register_without_reference_data_says_so(client):
    Directive.objects.all().delete()
    assert "The reference data has not been loaded" in text_of(client.get("/directives/"))


def test_directives_show_due_dates_and_what_is_late(client, reference_data):
    page = text_of(client.get("/directives/"))
    assert "October 21, 2025" in page
    assert "March 24, 2025" in page
    assert page.count("Due date passed, no evidence on file") == 1
