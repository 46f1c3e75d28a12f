from __future__ import annotations

from copy import copy
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from program import clock
from program.deadlines import next_business_day
from program.enums import CallStatus, OfficeRole
from program.models import Call, Criterion, Notice, Question, Requirement, Subscription
from program.requests import page_above
from program.services import calls
from program.services.calls import PAST_THE_ORDER
from program.services.demands import amend_requirements
from program.services.questions import answer_question, ask_question
from program.services.subscriptions import subscribe
from tests.factories.program import (
    AgencyFactory,
    OfficeFactory,
    OrganizationFactory,
    UserFactory,
    approved_call,
    closed_call,
    drafted_call,
    issued_call,
    officer,
)

pytestmark = pytest.mark.django_db
APRIL_FIRST = datetime(2026, 4, 1, 13, tzinfo=UTC)


@pytest.fixture
def signed_in(client):
    """Sign a person in as if with a second factor, which government offices need."""

    def sign_in(user):
        client.force_login(user)
        session = client.session
        session["second_factor_verified"] = user.pk
        session.save()
        return client

    return sign_in


def published(client, address, typed):
    """What comes of pressing once more after the mail was seen."""
    seen = client.post(address, typed).context["preview"].seen
    return client.post(address, typed | {"seen": seen})


def text_of(response):
    return " ".join(response.content.decode().split())


PUBLIC = [
    "home", "calls", "directives", "accessibility", "privacy", "status", "security-txt",
]  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_public_page_opens_without_sign_in(client, reference_data, name):
    assert client.get(reverse(f"program:{name}")).status_code == 200


@pytest.mark.parametrize("rows", [1, 3])
def test_list_of_calls_costs_one_statement(client, django_assert_num_queries, rows):
    for _ in range(rows):
        issued_call()
    with django_assert_num_queries(1):
        response = client.get("/calls/")
    assert text_of(response).count("AIX-C-") >= rows


@pytest.mark.parametrize("rows", [1, 3])
def test_public_call_page_stays_within_two_statements(client, django_assert_num_queries, rows):
    call, person = issued_call(), officer()
    for n in range(rows):
        calls.amend_call(call, by=person, text=f"Text {n}", summary=f"Change {n}", reason="Questions")
        asked = ask_question(call, by=UserFactory(), text=f"Question {n}?")
        answer_question(asked, by=person, answer=f"Answer {n}.")
    with django_assert_num_queries(2):
        response = client.get(f"/calls/{call.number}/")
    with django_assert_num_queries(1):
        assert len(client.get(f"/calls/{call.number}/").content) == len(response.content)
    page = text_of(response)
    assert [f"Change {rows - 1}" in page, f"Answer {rows - 1}." in page] == [True, True]


@pytest.mark.parametrize("rows", [1, 3])
def test_inbox_costs_the_same_for_one_and_three(signed_in, django_assert_num_queries, rows):
    reader = UserFactory()
    subscribe(None, by=reader)
    for _ in range(rows):
        issued_call()
    client = signed_in(reader)
    client.get("/notices/")
    with django_assert_num_queries(6):
        response = client.get("/notices/")
    assert text_of(response).count("New call for proposals") >= rows


@pytest.mark.parametrize("rows", [1, 3])
def test_desk_list_costs_the_same_for_one_and_three(signed_in, django_assert_num_queries, rows):
    for _ in range(rows):
        drafted_call()
    client = signed_in(officer())
    client.get("/desk/calls/")
    with django_assert_num_queries(6):
        client.get("/desk/calls/")


@pytest.mark.parametrize("make", [drafted_call, approved_call])
def test_call_that_was_not_issued_is_not_public(client, make):
    call = make()
    for path in (f"/calls/{call.number}/", f"/calls/{call.number}/deadline.ics"):
        assert client.get(path).status_code == 404
    assert call.number not in text_of(client.get("/calls/"))


def test_page_gives_date_time_zone_rule_and_clause(client):
    call = issued_call()
    page = text_of(client.get(f"/calls/{call.number}/"))
    assert "11:59 p.m. Washington time" in page
    assert "The day the call is issued is day 0." in page
    assert "s.3(b)(i)(A)" in page


def test_user_text_is_never_markup(client):
    call = issued_call(text="<script>alert(1)</script>", summary="<b>bold</b>")
    asked = ask_question(call, by=UserFactory(), text="<img src=x onerror=alert(1)>")
    answer_question(asked, by=officer(), answer="<a href=x>y</a>")
    page = client.get(f"/calls/{call.number}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<a href=x>" not in page
    assert "<b>bold" not in page


def test_private_question_is_on_nobody_elses_page(signed_in, client):
    call, asker = issued_call(), UserFactory()
    asked = ask_question(call, by=asker, text="Canary question", is_confidential=True)
    answer_question(asked, by=officer(), answer="Canary answer")
    assert "Canary" not in text_of(client.get(f"/calls/{call.number}/"))
    assert "Canary" not in text_of(signed_in(UserFactory()).get(f"/calls/{call.number}/"))
    assert "Canary answer" in text_of(signed_in(asker).get(f"/calls/{call.number}/"))


def test_calendar_file_ends_at_the_deadline(client):
    call = issued_call()
    response = client.get(f"/calls/{call.number}/deadline.ics")
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert f"DTEND:{call.closes_at:%Y%m%dT%H%M%SZ}\r\n".encode() in response.content
    assert all(len(line) <= 75 for line in response.content.split(b"\r\n"))


def test_signed_in_person_asks_follows_and_withdraws(signed_in):
    call, person = issued_call(), UserFactory()
    client = signed_in(person)
    client.post(f"/calls/{call.number}/ask/", {"text": "Does cloud count?"})
    asked = Question.objects.get()
    assert (asked.asked_by, asked.text) == (person, "Does cloud count?")
    client.post(f"/questions/{asked.pk}/withdraw/")
    asked.refresh_from_db()
    assert asked.status == "withdrawn"
    client.post(f"/calls/{call.number}/follow/")
    assert Subscription.objects.get().call == call
    client.post(f"/calls/{call.number}/follow/", {"act": "stop"})
    assert not Subscription.objects.exists()
    client.post("/calls/follow/")
    assert Subscription.objects.get().call is None


def test_question_after_the_deadline_is_refused_beside_the_field(signed_in):
    call = issued_call(at=APRIL_FIRST)
    client = signed_in(UserFactory())
    with clock.moved_to(call.closes_at):
        response = client.post(f"/calls/{call.number}/ask/", {"text": "Late?"})
    assert response.status_code == 422
    assert "this call is not open" in text_of(response)


def test_question_of_another_cannot_be_withdrawn(signed_in):
    asked = ask_question(issued_call(), by=UserFactory(), text="Mine?")
    assert signed_in(UserFactory()).post(f"/questions/{asked.pk}/withdraw/").status_code == 404


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/desk/reviews/7/scores/8/", "/desk/reviews/7/"),
        ("/desk/reviews/7/submit/", "/desk/reviews/7/"),
        ("/desk/intake/AIX-2026-0001/findings/", "/desk/intake/AIX-2026-0001/"),
        ("/desk/intake/A <b>/findings/", "/desk/intake/A%20%3Cb%3E/"),
        ("//elsewhere.example/desk/", "/start/"),
    ],
)
def test_the_address_of_a_form_leads_to_the_page_above_it(path, page):
    assert page_above(path) == page


def test_notice_is_read_by_post_only_and_only_by_its_reader(signed_in):
    reader = UserFactory()
    subscribe(None, by=reader)
    issued_call()
    notice = Notice.objects.get(recipient=reader)
    stranger = signed_in(UserFactory())
    assert stranger.post(f"/notices/{notice.pk}/read/").status_code == 404
    client = signed_in(reader)
    refused = client.get(f"/notices/{notice.pk}/read/")
    assert (refused.status_code, refused["Allow"]) == (405, "POST")
    assert "This address cannot be opened like a page" in refused.content.decode()
    assert 'href="/notices/"' in refused.text
    client.get("/notices/")
    notice.refresh_from_db()
    assert notice.read_at is None
    assert client.post(f"/notices/{notice.pk}/read/")["Location"] == notice.url
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_inbox_pages_by_key(signed_in):
    reader = UserFactory()
    subscribe(None, by=reader)
    first = issued_call()
    event = reader.notices.get().event
    Notice.objects.bulk_create(
        Notice(event=event, recipient=reader, kind=f"k{n}", title=f"Notice {n}", text="x", url="/")
        for n in range(25)
    )
    client = signed_in(reader)
    page = client.get("/notices/")
    assert first.number not in text_of(page)
    assert first.number in text_of(client.get(f"/notices/{page.context['older']}"))
    assert client.get("/notices/?before=99999999999999999999").status_code == 200


@pytest.mark.parametrize(
    ("role", "address"),
    [
        (OfficeRole.PROGRAM_OFFICER, "/desk/"),
        (OfficeRole.REVIEWER, "/desk/"),
        (OfficeRole.EDAG_OFFICER, "/edag/"),
        (None, "/organizations/"),
    ],
)
def test_person_begins_where_their_work_is(signed_in, role, address):
    client = signed_in(officer(role) if role else UserFactory())
    assert client.get("/start/")["Location"] == address


def test_member_of_an_organization_begins_at_the_proposals(signed_in):
    person = UserFactory()
    OrganizationFactory().affiliations.create(user=person)
    assert signed_in(person).get("/start/")["Location"] == "/proposals/"


def test_security_txt_expires_in_the_future(client):
    lines = dict(line.split(": ", 1) for line in client.get("/.well-known/security.txt").text.splitlines())
    assert datetime.fromisoformat(lines["Expires"]) > datetime.now(UTC)
    assert lines["Contact"].startswith("mailto:")


def test_directives_show_due_dates_and_what_is_late(client, reference_data):
    page = text_of(client.get("/directives/"))
    assert "October 21, 2025" in page
    assert "March 24, 2025" in page
    assert page.count("Due date passed, no evidence on file") == 1


def test_home_shows_the_open_call_and_says_when_none_is(client, reference_data):
    assert "No call has been issued yet" in text_of(client.get("/"))
    closed = closed_call(APRIL_FIRST)
    assert "No call is open now" in text_of(client.get("/"))
    call = issued_call()
    page = text_of(client.get("/"))
    assert f"/calls/{call.number}/" in page
    assert f"/calls/{closed.number}/" not in page


def test_home_leads_to_the_call_that_closes_first_and_names_the_others(client, reference_data):
    first, later = issued_call(), issued_call()
    Call.objects.filter(pk=first.pk).update(closes_at=later.closes_at - timedelta(days=3))
    response = client.get("/")
    assert response.context["call"] == first
    assert f"/calls/{later.number}/" in text_of(response)


DESK = ["desk-calls", "desk-call-new", "desk-questions"]
OF_A_CALL = [
    "desk-call", "desk-call-edit", "desk-call-preview", "desk-call-amend", "desk-call-extend",
    "desk-call-cancel", "desk-call-discard", "requirement-new", "criterion-new",
    "place-new", "file-new", "desk-call-amend-requirements",
]  # fmt: skip


@pytest.mark.parametrize("name", DESK + OF_A_CALL)
@pytest.mark.parametrize("role", [None, OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.EDAG_OFFICER])
def test_desk_does_not_exist_for_strangers(signed_in, name, role):
    call = drafted_call()
    client = signed_in(officer(role) if role else UserFactory())
    address = reverse(f"program:{name}", args=[call.number] if name in OF_A_CALL else [])
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("name", DESK + OF_A_CALL)
def test_desk_asks_for_sign_in(client, name):
    call = drafted_call()
    response = client.get(reverse(f"program:{name}", args=[call.number] if name in OF_A_CALL else []))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_desk_lists_drafts_first_then_the_newest_issue(signed_in):
    old, new = issued_call(at=APRIL_FIRST), issued_call()
    draft = drafted_call()
    page = text_of(signed_in(officer()).get("/desk/calls/"))
    places = [page.index(f"/desk/calls/{call.number}/") for call in (draft, new, old)]
    assert places == sorted(places)


def form_of(call, **changes):
    page_form = {
        name: "" if value in (None, False) else value
        for name, value in {name: getattr(call, name) for name in calls.EDITABLE}.items()
    }
    return page_form | {"revision": call.revision} | changes


def test_call_goes_from_draft_to_issue_in_the_browser(signed_in):
    drafter, second = officer(), officer()
    client = signed_in(drafter)
    client.post("/desk/calls/new/", {"title": "Second call"})
    call = Call.objects.get(title="Second call")
    desk = f"/desk/calls/{call.number}/"
    page = text_of(client.get(desk))
    assert "Give the Federal Register citation, or say why there is none." in page
    changes = {
        "summary": "A call.", "text": "Propose.", "no_fr_reason": "Later.", "no_control_reason": "Pending.",
    }  # fmt: skip
    client.post(f"{desk}edit/", form_of(call, **changes))
    assert "Nothing is missing" in text_of(client.get(desk))
    assert client.post(f"{desk}ask-approval/").status_code == 302
    assert client.post(f"{desk}approve/").status_code == 403
    client = signed_in(second)
    call.refresh_from_db()
    assert f'name="revision" value="{call.revision}"' in text_of(client.get(desk))
    client.post(f"{desk}approve/", {"revision": call.revision})
    assert client.post(f"{desk}issue/", {"revision": call.revision}).status_code == 200
    seen = client.get(f"{desk}issue/").context["preview"].seen
    client.post(f"{desk}issue/", {"revision": call.revision, "seen": seen})
    call.refresh_from_db()
    assert (call.status, call.approved_by) == (CallStatus.ISSUED, second)
    assert client.get(f"/calls/{call.number}/").status_code == 200


def test_everything_that_is_missing_is_shown_with_its_place(signed_in):
    drafter = officer()
    call = calls.draft_call(by=drafter, title="Bare")
    response = signed_in(officer()).post(f"/desk/calls/{call.number}/approve/", {"revision": call.revision})
    page = text_of(response)
    assert response.status_code == 422
    assert f"/desk/calls/{call.number}/edit/#id_text" in page
    assert "Give the call the text of the call." in page


def test_stale_save_answers_409_with_both_texts(signed_in):
    call = drafted_call()
    calls.update_call(
        Call.objects.get(pk=call.pk), by=officer(), revision=call.revision, changes={"summary": "Theirs."}
    )
    client = signed_in(officer())
    response = client.post(f"/desk/calls/{call.number}/edit/", form_of(call, summary="Mine."))
    assert response.status_code == 409
    page = text_of(response)
    assert ["Theirs." in page, "Mine." in page] == [True, True]
    call.refresh_from_db()
    assert call.summary == "Theirs."
    assert f'name="revision" value="{call.revision}"' in page


def test_preview_shows_what_is_typed_and_saves_nothing(signed_in):
    call = drafted_call()
    client, desk = signed_in(officer()), f"/desk/calls/{call.number}/"
    edit = text_of(client.get(f"{desk}edit/"))
    assert f'hx-post="{desk}preview/" hx-include="#call-form"' in edit
    assert f'<a href="{desk}preview/">' in edit
    typed = form_of(call, title="Typed just now", summary="", text="<b>Not saved</b>", cure_days="many")
    response = client.post(f"{desk}preview/", typed)
    page = text_of(response)
    assert (response.status_code, "<html" in page, "Typed just now" in page) == (200, False, True)
    assert ["&lt;b&gt;Not saved&lt;/b&gt;" in page, call.summary in page] == [True, False]
    saved = Call.objects.get(pk=call.pk)
    assert (saved.title, saved.text, saved.revision) == (call.title, call.text, call.revision)
    assert client.post(f"{desk}preview/", form_of(call, set_due_on="2030-01-01")).status_code == 200


def test_preview_of_a_call_that_is_issued_shows_what_was_issued(signed_in):
    call = issued_call()
    response = signed_in(officer()).post(f"/desk/calls/{call.number}/preview/", form_of(call, text="Typed."))
    assert ["Typed." in text_of(response), call.text in text_of(response)] == [False, True]


def test_autosave_answers_in_json(signed_in):
    call = drafted_call()
    client = signed_in(officer())
    address, headers = f"/desk/calls/{call.number}/edit/", {"X-Autosave": "1"}
    saved = client.post(address, form_of(call, summary="One."), headers=headers)
    assert (saved.status_code, saved.json()["revision"]) == (200, call.revision + 1)
    stale = client.post(address, form_of(call, summary="Two."), headers=headers)
    assert (stale.status_code, stale.json()["yours"], stale.json()["theirs"]) == (
        409, {"summary": "Two."}, {"summary": "One."},
    )  # fmt: skip
    wrong = client.post(
        address, form_of(call, revision=call.revision + 1, control_number="12"), headers=headers
    )
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["control_number"])


def test_text_typed_for_a_draft_that_was_approved_meanwhile_is_not_lost(signed_in):
    call = drafted_call()
    client, address = signed_in(officer()), f"/desk/calls/{call.number}/edit/"
    typed = form_of(call, summary="A summary of mine.")
    calls.approve_call(call, by=officer())
    response = client.post(address, typed)
    page = text_of(response)
    assert (response.status_code, "What you typed was not saved" in page) == (409, True)
    assert ["A summary of mine." in page, "“Approved”" in page, "burden" in page] == [True, True, False]
    script = client.post(address, typed, headers={"X-Autosave": "1"})
    assert (script.status_code, list(script.json())) == (409, ["message"])
    back = client.post(f"/desk/calls/{call.number}/send-back/", {"back-note": "A reason of mine."})
    assert (back.status_code, "A reason of mine." in text_of(back)) == (409, True)
    call.refresh_from_db()
    assert (call.status, call.summary == "A summary of mine.") == ("approved", False)


def test_requirement_and_criterion_are_kept_at_the_desk(signed_in):
    call = drafted_call()
    client = signed_in(officer())
    desk = f"/desk/calls/{call.number}"
    client.post(
        f"{desk}/requirements/new/",
        {"code": "pages", "title": "Pages", "clause": "Policy", "evidence_type": "number", "sort_order": 5},
    )
    requirement = Requirement.objects.get(call=call, code="pages")
    client.post(
        f"{desk}/criteria/new/",
        {
            "code": "extra", "title": "Extra", "weight": 0, "lowest": 1, "highest": 5, "sort_order": 99,
            "is_independent": "on", "anchors_text": "5: Very good\n1: Poor",
        },
    )  # fmt: skip
    assert Criterion.objects.get(call=call, code="extra").anchors == {"5": "Very good", "1": "Poor"}
    client.post(f"{desk}/requirements/{requirement.pk}/remove/", {"revision": requirement.revision})
    assert not Requirement.objects.filter(pk=requirement.pk).exists()
    twice = client.post(
        f"{desk}/criteria/new/",
        {"code": "extra", "title": "Extra", "weight": 0, "lowest": 5, "highest": 1, "sort_order": 99},
    )
    assert twice.status_code == 422


def test_approval_is_asked_for_once_by_who_does_not_give_it(signed_in):
    call = drafted_call()
    page, ask = f"/desk/calls/{call.number}/", f"/desk/calls/{call.number}/ask-approval/"
    assert ask not in signed_in(officer()).get(page).text
    client = signed_in(call.created_by)
    assert ask in client.get(page).text
    client.post(ask)
    shown = client.get(page).text
    assert ask not in shown and f"{call.created_by.name} asked for approval" in shown


def test_approval_of_a_draft_that_changed_says_who_changed_what(signed_in):
    call, writer = drafted_call(), UserFactory(name="Wanda Writer")
    read = call.revision
    OfficeFactory(user=writer)
    calls.update_call(call, by=writer, revision=read, changes={"cure_days": 14})
    calls.save_part(call.requirements.get(code="compliance"), by=writer)
    client = signed_in(officer())
    for posted in ({"revision": read}, {}):
        response = client.post(f"/desk/calls/{call.number}/approve/", posted)
        assert response.status_code == 409
        page = text_of(response)
        assert "Wanda Writer" in page
        assert "(Compliance with export control, outbound investment and end-user rules)" in page
        assert "(days to correct a returned proposal after closing)" in page
    call.refresh_from_db()
    assert call.status == CallStatus.DRAFT
    client.post(f"/desk/calls/{call.number}/approve/", {"revision": call.revision})
    call.refresh_from_db()
    assert call.status == CallStatus.APPROVED


def test_draft_is_sent_back_and_discarded_at_the_desk(signed_in):
    call = drafted_call()
    desk, client = f"/desk/calls/{call.number}", signed_in(officer())
    assert "Send back to its drafters" in text_of(client.get(f"{desk}/"))
    assert client.post(f"{desk}/send-back/", {"back-note": ""}).status_code == 422
    assert client.post(f"{desk}/send-back/", {"back-note": "Not yet."}).status_code == 302
    again = client.post(f"{desk}/send-back/", {"back-note": "It names no site."})
    assert again.status_code == 422 and "It names no site." in text_of(again)
    assert Notice.objects.get(kind="call-sent-back").recipient == call.created_by
    stale = client.post(f"{desk}/discard/", {"reason": "Nobody needs it.", "revision": 1})
    assert stale.status_code == 409 and "Nobody needs it." in text_of(stale)
    assert client.post(f"{desk}/discard/", {"reason": "", "revision": call.revision}).status_code == 422
    client.post(f"{desk}/discard/", {"reason": "Given up.", "revision": call.revision})
    page = text_of(client.get(f"{desk}/"))
    assert ["This draft was discarded" in page, "Given up." in page, "Edit the draft" in page] == [
        True, True, False,
    ]  # fmt: skip
    listed = text_of(client.get("/desk/calls/"))
    assert listed.index("Discarded drafts") < listed.index(f"/desk/calls/{call.number}/")
    assert client.get(f"{desk}/discard/").status_code == 302


def test_amendment_says_when_it_was_published_and_from_when_it_is_in_force(signed_in):
    with clock.moved_to(APRIL_FIRST):
        call = issued_call()
        client = signed_in(officer())
        words = {"text": "New.", "summary": "s", "reason": "r", "legal_basis": "A statute.", "revision": 0}
        words["revision"] = call.revision
        early = client.post(f"/desk/calls/{call.number}/amend/", words | {"effective_on": "2026-03-31"})
        assert (early.status_code, "in force from today at the earliest" in text_of(early)) == (422, True)
        published(client, f"/desk/calls/{call.number}/amend/", words | {"effective_on": "2026-04-20"})
    client.logout()
    page = text_of(client.get(f"/calls/{call.number}/"))
    assert "Published April 1, 2026 by the Program office, in force from April 20, 2026" in page
    assert "Legal basis:</strong> A statute." in page
    amendment = client.get(f"/api/v1/calls/{call.number}/").json()["amendments"][0]
    assert (amendment["legal_basis"], amendment["effective_on"]) == ("A statute.", "2026-04-20")
    assert "made_by" not in amendment


def test_stale_amendment_and_extension_answer_409_with_both_texts(signed_in):
    call = issued_call(text="As issued.")
    read, words = call.revision, {"summary": "A change.", "reason": "A reason.", "legal_basis": "A basis."}
    calls.amend_call(call, by=officer(), text="Theirs.", summary="s", reason="r")
    desk, client = f"/desk/calls/{call.number}", signed_in(officer())
    response = client.post(f"{desk}/amend/", words | {"text": "Mine.", "revision": read})
    page = text_of(response)
    assert (response.status_code, "Theirs." in page, "Mine." in page) == (409, True, True)
    assert f'name="revision" value="{call.revision}"' in page
    later = next_business_day(call.due_on + timedelta(days=3))
    moved = words | {"due_on": later, "understood": "on", "revision": read}
    response = client.post(f"{desk}/extend/", moved)
    assert (response.status_code, str(call.due_on) in text_of(response)) == (409, True)
    call.refresh_from_db()
    assert (call.text, call.amendments.count()) == ("Theirs.", 1)
    again = words | {"text": "Mine.", "revision": call.revision}
    assert published(client, f"{desk}/amend/", again).status_code == 302


@pytest.mark.parametrize(
    ("page", "typed"),
    [
        ("amend", {"text": "A long amendment.", "summary": "s", "reason": "Why it was written."}),
        ("amend/requirements", {"summary": "A long amendment.", "reason": "Why it was written."}),
        ("extend", {"due_on": "2026-08-03", "reason": "A long amendment. Why it was written."}),
        ("cancel", {"reason": "A long amendment. Why it was written."}),
    ],
)
def test_act_on_a_call_that_closed_meanwhile_gives_back_what_was_typed(signed_in, page, typed):
    call, client = issued_call(), signed_in(officer())
    Call.objects.filter(pk=call.pk).update(status=CallStatus.CLOSED)
    address = f"/desk/calls/{call.number}/{page}/"
    assert client.get(address).status_code == 302
    answer = client.post(address, {"revision": call.revision} | typed)
    assert answer.status_code == 409 and "What you typed was not saved" in answer.text
    assert "A long amendment." in answer.text and "Why it was written." in answer.text


def as_they_stand(page):
    """The fields of all requirements on the page that amends them, nothing changed."""
    return {
        f"{line.prefix}-{name}": value
        for line in page.context["lines"]
        for name, value in line.initial.items()
        if value not in (None, False)
    }


def test_requirements_of_an_open_call_are_amended_at_the_desk_and_compared_in_public(signed_in):
    call = issued_call()
    desk, client = f"/desk/calls/{call.number}/amend/requirements/", signed_in(officer())
    sent = as_they_stand(client.get(desk))
    rows = {row.code: row for row in call.requirements.all()}
    words = {"summary": "A change.", "reason": "A reason.", "legal_basis": "A basis."}
    sent |= words | {"revision": call.revision, "new-source": "Program policy", "new-sort_order": 0,
                     "new-evidence_type": "package", "new-is_mandatory": "on"}  # fmt: skip
    assert client.post(desk, sent).status_code == 422
    layer = f"requirement-{rows['layer-data'].pk}-is_withdrawn"
    refused = client.post(desk, sent | {layer: "on"})
    assert (refused.status_code, "Require what the order requires" in text_of(refused)) == (422, True)
    sent[f"requirement-{rows['compliance'].pk}-guidance"] = "Every chapter."
    sent[f"requirement-{rows['national-interest'].pk}-is_withdrawn"] = "on"
    sent |= {"new-code": "upkeep", "new-title": "A plan of upkeep", "new-clause": "Program policy"}
    sent |= {"new-evidence_type": "text"}
    stale = client.post(desk, sent | {"revision": 1})
    assert (stale.status_code, "Every chapter." in text_of(stale)) == (409, True)
    assert published(client, desk, sent).status_code == 302
    client.logout()
    page = text_of(client.get(f"/calls/{call.number}/"))
    assert "Added: A plan of upkeep" in page
    assert f"Withdrawn: {rows['national-interest'].title}" in page
    changed = page.partition(f"Changed: {rows['compliance'].title}")[2].partition("</details>")[0]
    assert '<ins class="site-added">Every chapter.' in changed
    listed = page.partition("What a proposal must give")[2].partition("How it is evaluated")[0]
    assert ["A plan of upkeep" in listed, rows["national-interest"].title in listed] == [True, False]
    codes = [row["code"] for row in client.get(f"/api/v1/calls/{call.number}/").json()["requirements"]]
    assert (codes.count("compliance"), "upkeep" in codes, "national-interest" in codes) == (1, True, False)


def test_stale_part_answers_409_with_both_texts(signed_in):
    call = drafted_call()
    part = call.criteria.get(code="adoption")
    desk, client = f"/desk/calls/{call.number}/criteria/{part.pk}/", signed_in(officer())
    typed = {
        "code": part.code, "title": "Mine", "weight": part.weight, "lowest": 1, "highest": 5,
        "sort_order": part.sort_order, "anchors_text": "1: Poor", "revision": part.revision,
    }  # fmt: skip
    part.title = "Theirs"
    calls.save_part(part, by=officer())
    response = client.post(desk, typed)
    page = text_of(response)
    assert (response.status_code, "Theirs" in page, "Mine" in page) == (409, True, True)
    assert ("5: Outstanding: shown fully" in page, "What the values mean" in page) == (True, True)
    assert client.post(f"{desk}remove/", {"revision": 1})["Location"] == desk
    assert Criterion.objects.get(pk=part.pk).title == "Theirs"
    assert client.post(desk, typed | {"revision": 2}).status_code == 302
    assert Criterion.objects.get(pk=part.pk).title == "Mine"


def test_what_the_values_of_a_scale_mean_stands_wherever_the_criterion_does(signed_in):
    call = issued_call()
    client = signed_in(officer())
    for address in (
        f"/desk/calls/{call.number}/",
        f"/desk/calls/{call.number}/preview/",
        f"/calls/{call.number}/",
    ):
        page = text_of(client.get(address))
        assert "<li>1: Grave concern</li><li>3: Concern that conditions could meet</li>" in page
        assert "1 to 5" in page
    criteria = client.get(f"/api/v1/calls/{call.number}/").json()["criteria"]
    assert criteria[-1]["anchors"] == {
        "1": "Grave concern", "3": "Concern that conditions could meet", "5": "No concern",
    }  # fmt: skip


def test_words_for_a_value_outside_the_scale_are_refused_beside_the_field(signed_in):
    call = drafted_call()
    part = call.criteria.get(code="adoption")
    typed = {
        "code": part.code, "title": part.title, "weight": part.weight, "lowest": 1, "highest": 5,
        "sort_order": part.sort_order, "revision": part.revision, "anchors_text": "1: Poor\n7: Superb",
    }  # fmt: skip
    response = signed_in(officer()).post(f"/desk/calls/{call.number}/criteria/{part.pk}/", typed)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["anchors_text"]


def test_agencies_that_alone_score_a_criterion_are_chosen_and_public(signed_in):
    call, agency = drafted_call(), AgencyFactory(code="STATE")
    part = call.criteria.get(code="compliance-risk")
    desk, client = f"/desk/calls/{call.number}/", signed_in(officer())
    typed = {
        "code": part.code, "title": part.title, "weight": 0, "is_independent": "on", "lowest": 1,
        "highest": 5, "sort_order": part.sort_order, "revision": 1, "agencies": [agency.pk],
    }  # fmt: skip
    assert client.post(f"{desk}criteria/{part.pk}/", typed).status_code == 302
    assert [chosen.code for chosen in part.agencies.all()] == ["STATE"]
    stale = client.post(f"{desk}criteria/{part.pk}/", typed | {"agencies": []})
    saved = text_of(stale).partition("<h3>Scored by</h3>")[2]
    assert (stale.status_code, saved.partition("Yours")[0].count(str(agency))) == (409, 1)
    calls.approve_call(call, by=officer())
    calls.issue_call(call, by=call.created_by)
    for address in (desk, f"{desk}preview/", f"/calls/{call.number}/"):
        assert text_of(client.get(address)).count(f"Scored only by: {agency}") == 1
    criteria = client.get(f"/api/v1/calls/{call.number}/").json()["criteria"]
    assert [row["agencies"] for row in criteria if row["code"] in ("compliance-risk", "adoption")] == [
        [], ["STATE"],
    ]  # fmt: skip


def test_entry_of_the_library_is_picked_at_the_desk(signed_in):
    call = drafted_call()
    desk, client = f"/desk/calls/{call.number}/", signed_in(officer())
    assert "Add from the library" not in text_of(client.get(desk))
    call.requirements.get(code="compliance").delete()
    call.criteria.get(code="adoption").delete()
    page = text_of(client.get(desk))
    assert ['<option value="compliance">' in page, '<option value="adoption">' in page] == [True, True]
    sent = {"requirement-code": "compliance", "criterion-code": "adoption"}
    assert client.post(f"{desk}requirements/library/", sent).status_code == 302
    assert client.post(f"{desk}criteria/library/", sent).status_code == 302
    assert client.post(f"{desk}criteria/library/", sent).status_code == 422
    assert call.requirements.filter(code="compliance").count() == 1
    assert call.criteria.filter(code="adoption").count() == 1


def test_place_is_listed_at_the_desk_and_shown_with_its_dates_and_how_sure_it_is(signed_in, reference_data):
    call = drafted_call()
    desk, client = f"/desk/calls/{call.number}/", signed_in(officer())
    typed = {
        "country": "KE", "layer": "data", "reason": "A law of the place.", "source": "A list.",
        "confidence": "S", "effective_from": "2026-02-01", "effective_to": "2026-01-01",
    }  # fmt: skip
    assert client.post(f"{desk}places/new/", typed).status_code == 422
    assert client.post(f"{desk}places/new/", typed | {"effective_to": "2027-01-01"}).status_code == 302
    place = call.ineligible_jurisdictions.get(country="KE")
    assert f"{desk}places/{place.pk}/" in text_of(client.get(desk))
    page = text_of(client.get(f"{desk}preview/"))
    row = page[page.index("A law of the place.") :].partition("</tr>")[0]
    assert "In force from February 1, 2026 until January 1, 2027, not included" in row
    assert "To be verified" not in row
    unsure = page[page.index("share sensitive data.") :].partition("</tr>")[0]
    assert "To be verified" in unsure
    assert client.post(f"{desk}places/{place.pk}/remove/", {"revision": 9})["Location"].endswith(
        f"{place.pk}/"
    )
    assert client.post(f"{desk}places/{place.pk}/remove/", {"revision": 1}).status_code == 302
    assert not call.ineligible_jurisdictions.filter(country="KE").exists()


def test_part_of_another_call_is_not_found(signed_in):
    call, other = drafted_call(), drafted_call()
    part = other.requirements.first()
    client = signed_in(officer())
    assert client.get(f"/desk/calls/{call.number}/requirements/{part.pk}/").status_code == 404
    assert client.post(f"/desk/calls/{call.number}/requirements/{part.pk}/remove/").status_code == 404


def test_open_call_is_amended_extended_and_cancelled_at_the_desk(signed_in):
    call = issued_call()
    client = signed_in(officer())
    desk, later = f"/desk/calls/{call.number}", next_business_day(call.due_on + timedelta(days=3))
    words = {"summary": "A change.", "reason": "A reason.", "legal_basis": "A basis."}
    words["revision"] = call.revision
    assert published(client, f"{desk}/amend/", words | {"text": "New text."}).status_code == 302
    words["revision"] += 1
    early = client.post(f"{desk}/extend/", words | {"due_on": call.due_on, "understood": "on"})
    assert (early.status_code, "Choose a day after" in text_of(early)) == (422, True)
    assert PAST_THE_ORDER in text_of(early)
    assert client.post(f"{desk}/extend/", words | {"due_on": later}).status_code == 422
    extension = words | {"due_on": later, "understood": "on"}
    extension["seen"] = client.post(f"{desk}/extend/", extension).context["preview"].seen
    assert client.post(f"{desk}/extend/", extension).status_code == 302
    call.refresh_from_db()
    assert (call.text, call.due_on) == ("New text.", later)
    assert PAST_THE_ORDER in text_of(client.get(f"/calls/{call.number}/"))
    assert client.post(f"{desk}/cancel/", {"reason": ""}).status_code == 422
    assert published(client, f"{desk}/cancel/", {"reason": "Withdrawn."}).status_code == 302
    call.refresh_from_db()
    assert call.status == CallStatus.CANCELLED


def test_question_is_answered_at_the_desk(signed_in):
    asked = ask_question(issued_call(), by=UserFactory(), text="We at Firm X ask.")
    client = signed_in(officer())
    assert "We at Firm X ask." in text_of(client.get("/desk/questions/"))
    client.post(f"/desk/questions/{asked.pk}/", {"published_text": "One asks.", "answer": "Yes."})
    asked.refresh_from_db()
    assert (asked.status, asked.published_text, asked.answer) == ("answered", "One asks.", "Yes.")


@pytest.mark.parametrize("number", ["AIX-C-1999-0001", "nothing"])
def test_absent_call_is_not_found(client, number):
    assert client.get(f"/calls/{number}/").status_code == 404


def test_draft_with_a_deadline_that_rolls_shows_both_days(signed_in):
    call = drafted_call()
    with clock.moved_to(datetime(2026, 1, 5, 15, tzinfo=UTC)):
        page = text_of(signed_in(officer()).get(f"/desk/calls/{call.number}/"))
    assert ["April 5, 2026" in page, "April 6, 2026" in page] == [True, True]
    assert date(2026, 4, 5).weekday() == 6


def test_requirements_that_a_colleague_changed_are_said_first_and_nothing_typed_is_lost(signed_in):
    call, client = issued_call(), signed_in(officer())
    desk, read = f"/desk/calls/{call.number}/amend/requirements/", call.revision
    fields = client.get(desk).context["lines"]
    sent = {f"{line.prefix}-{name}": value or "" for line in fields for name, value in line.initial.items()}
    sent |= {"new-source": "Program policy", "new-sort_order": 0, "new-evidence_type": "package",
             "new-is_mandatory": "on"}  # fmt: skip
    calls.amend_call(call, by=officer(), text="Theirs.", summary="s", reason="r")
    call.requirements.create(code="late", title="Added meanwhile", clause="Call, s.9", evidence_type="text")
    words = {"summary": "Mine.", "reason": "A reason.", "legal_basis": "b"}
    answer = client.post(desk, sent | {"revision": read, **words})
    assert answer.status_code == 409 and "changed after you opened" in answer.text
    assert "This field is required" not in answer.text and "Mine." in answer.text


def test_text_typed_for_a_requirement_that_a_colleague_changed_is_shown(signed_in):
    call, client = issued_call(), signed_in(officer())
    desk, read = f"/desk/calls/{call.number}/amend/requirements/", call.revision
    fields = client.get(desk).context["lines"]
    sent = {f"{line.prefix}-{name}": value or "" for line in fields for name, value in line.initial.items()}
    sent |= {"new-source": "Program policy", "new-sort_order": 0, "new-evidence_type": "package",
             "new-is_mandatory": "on"}  # fmt: skip
    row = call.requirements.get(code="consortium")
    theirs = copy(row)
    theirs.guidance = "Theirs."
    amend_requirements(call, by=officer(), changed=[theirs], summary="s", reason="r")
    sent[f"requirement-{row.pk}-guidance"] = "Name every member, and who owns it."
    words = {"summary": "Mine.", "reason": "A reason.", "legal_basis": "b"}
    answer = client.post(desk, sent | {"revision": read, **words})
    shown = text_of(answer).partition("What you typed was not saved")[2]
    assert answer.status_code == 409 and "Name every member, and who owns it." in shown
    assert "consortium" in shown and "Theirs." in shown


def test_text_typed_for_a_part_of_a_call_that_was_approved_meanwhile_is_shown(signed_in):
    call, writer = drafted_call(), officer()
    calls.approve_call(call, by=officer())
    address = f"/desk/calls/{call.number}/requirements/new/"
    answer = signed_in(writer).post(address, requirement_typed())
    assert answer.status_code == 409 and "Colour of the racks" in text_of(answer)
    assert not call.requirements.filter(code="colour").exists()


def requirement_typed(**changes):
    return {
        "code": "colour", "title": "Colour of the racks", "clause": "Program policy", "is_mandatory": "on",
        "evidence_type": "choice", "choices": "Red\nGreen", "sort_order": 200, "source": "Program policy",
    } | changes  # fmt: skip


def test_the_public_page_says_how_a_requirement_is_answered_and_lists_its_choices(signed_in):
    call, writer = drafted_call(), officer()
    desk, client = f"/desk/calls/{call.number}/", signed_in(writer)
    colour = requirement_typed()
    words = colour | {"code": "plan", "title": "A plan", "evidence_type": "text", "max_characters": 2500}
    number = colour | {"code": "racks", "title": "Number of racks", "evidence_type": "number"}
    for typed in (colour, words, number):
        assert client.post(f"{desk}requirements/new/", typed).status_code == 302
    calls.approve_call(call, by=officer())
    calls.issue_call(call, by=writer)
    for address in (f"{desk}preview/", f"/calls/{call.number}/"):
        page = text_of(client.get(address))
        assert '<span class="site-meta">Answered with one of:</span><ul class="usa-list">' in page
        assert page.count("<li>Red</li><li>Green</li>") == 1
        assert "Answered in words, at most 2,500 characters." in page
        assert "up to six digits may follow its point" in page
    assert "Choice: Red, Green" in text_of(client.get(desk))
    rows = {row["code"]: row for row in client.get(f"/api/v1/calls/{call.number}/").json()["requirements"]}
    assert [rows[code]["choices"] for code in ("colour", "plan")] == [["Red", "Green"], []]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ("Red\n red \nGreen", "“Red” and “red” are one choice. Take one of them out."),
        ("Deep  red\ndeep red", "“Deep  red” and “deep red” are one choice. Take one of them out."),
        ("A\nB\nA", "“A” and “A” are one choice. Take one of them out."),
        (f"Red\n{'G' * 201}", f"Shorten “{'G' * 40}…” to 200 characters."),
    ],
)
def test_choices_that_are_one_or_too_long_are_refused_beside_their_field(signed_in, choices, said):
    call = drafted_call()
    client = signed_in(officer())
    address = f"/desk/calls/{call.number}/requirements/new/"
    refused = client.post(address, requirement_typed(choices=choices))
    assert (refused.status_code, refused.context["form"].errors["choices"]) == (422, [said])
    assert client.post(address, requirement_typed(choices="Red\nGreen")).status_code == 302


def test_choices_that_are_one_are_refused_in_an_amendment(signed_in):
    call = issued_call()
    client, address = signed_in(officer()), f"/desk/calls/{call.number}/amend/requirements/"
    sent = {"summary": "A colour.", "reason": "Asked for.", "legal_basis": "b", "revision": call.revision}
    sent |= as_they_stand(client.get(address))
    sent |= {f"new-{name}": value for name, value in requirement_typed(choices="Red\nRED").items()}
    refused = client.post(address, sent)
    assert (refused.status_code, list(refused.context["new"].errors)) == (422, ["choices"])
    assert published(client, address, sent | {"new-choices": "Red\nGreen"}).status_code == 302


@pytest.mark.parametrize("second", ["5: Very good", "05: Very good"])
def test_two_lines_for_one_value_of_a_scale_are_refused_and_both_are_named(signed_in, second):
    call = drafted_call()
    part = call.criteria.get(code="adoption")
    typed = {
        "code": part.code, "title": part.title, "weight": part.weight, "lowest": 1, "highest": 5,
        "sort_order": part.sort_order, "revision": part.revision, "anchors_text": f"5: Superb\n{second}",
    }  # fmt: skip
    client, address = signed_in(officer()), f"/desk/calls/{call.number}/criteria/{part.pk}/"
    refused = client.post(address, typed)
    said = "Two lines say what 5 means: “Superb” and “Very good”. Keep one of them."
    assert (refused.status_code, refused.context["form"].errors["anchors_text"]) == (422, [said])
    assert client.post(address, typed | {"anchors_text": "04: Very good"}).status_code == 302
    assert Criterion.objects.get(pk=part.pk).anchors == {"4": "Very good"}


@pytest.mark.parametrize("value", ["--5", "9" * 5000])
def test_a_value_that_is_no_number_is_refused_in_words(signed_in, value):
    call = drafted_call()
    part = call.criteria.get(code="adoption")
    typed = {"code": part.code, "title": part.title, "anchors_text": f"{value}: Superb", "revision": 1}
    refused = signed_in(officer()).post(f"/desk/calls/{call.number}/criteria/{part.pk}/", typed)
    assert refused.status_code == 422
    assert "as a value, a colon and words" in refused.context["form"].errors["anchors_text"][0]


def test_a_code_that_is_taken_or_no_code_is_refused_in_plain_words(signed_in):
    call = drafted_call()
    client, desk = signed_in(officer()), f"/desk/calls/{call.number}/"
    criterion = {
        "code": "adoption",
        "title": "Again",
        "weight": 0,
        "lowest": 1,
        "highest": 5,
        "sort_order": 9,
    }
    for page, typed, noun in (
        ("criteria", criterion, "criterion"),
        ("requirements", requirement_typed(code="compliance"), "requirement"),
    ):
        taken = client.post(f"{desk}{page}/new/", typed)
        said = [f"The call has a {noun} with this code already."]
        assert (taken.status_code, taken.context["form"].errors) == (422, {"code": said})
        wrong = client.post(f"{desk}{page}/new/", typed | {"code": "two words"})
        said = ["Use letters, digits, hyphens and underscores only, such as local-training."]
        assert (wrong.status_code, wrong.context["form"].errors["code"]) == (422, said)


def test_extension_shows_which_day_will_stand_before_it_is_published(signed_in):
    call, colleague = issued_call(at=APRIL_FIRST), officer()
    address = f"/desk/calls/{call.number}/extend/"
    typed = {
        "summary": "A week more.", "reason": "An outage.", "legal_basis": "A basis.", "understood": "on",
        "due_on": date(2026, 7, 7), "revision": call.revision,
    }  # fmt: skip
    with clock.moved_to(datetime(2026, 6, 1, 13, tzinfo=UTC)):
        client = signed_in(officer())
        shown = client.post(address, typed)
        page, seen = text_of(shown), shown.context["preview"].seen
        assert "<strong>Tuesday, July 7, 2026, 11:59 p.m. Washington time</strong>" in page
        assert "Tuesday, June 30, 2026, 11:59 p.m. Washington time" in page
        assert "it cannot be taken back" in page
        assert Call.objects.get(pk=call.pk).due_on == date(2026, 6, 30)
        other = client.post(address, typed | {"seen": seen, "due_on": date(2026, 7, 8)})
        assert (other.status_code, "Wednesday, July 8, 2026, 11:59 p.m." in text_of(other)) == (200, True)
        words = {"summary": "Two days.", "reason": "An outage.", "legal_basis": "A basis."}
        calls.extend_call(call, by=colleague, due_on=date(2026, 7, 2), **words)
        stale = client.post(address, typed | {"seen": seen})
        again = client.post(address, typed | {"seen": seen, "revision": call.revision})
        assert (stale.status_code, again.status_code) == (409, 200)
        assert "Thursday, July 2, 2026, 11:59 p.m. Washington time" in text_of(again)
        assert Call.objects.get(pk=call.pk).due_on == date(2026, 7, 2)
        seen = again.context["preview"].seen
        assert client.post(address, typed | {"seen": seen, "revision": call.revision}).status_code == 302
    assert Call.objects.get(pk=call.pk).due_on == date(2026, 7, 7)


def test_cancelled_call_counts_no_days_and_speaks_of_none(signed_in):
    call = issued_call()
    address, desk = f"/calls/{call.number}/", f"/desk/calls/{call.number}/"
    client = signed_in(officer())
    subscribe(call, by=officer())
    day, rolling = date_words(call.due_on), "a decision may come before the call closes"
    pages = [client.get(page) for page in (address, desk, "/desk/calls/")]
    assert [text_of(page).count("data-countdown") > 0 for page in pages] == [True, True, True]
    assert rolling in text_of(pages[0])
    calls.cancel_call(call, by=officer(), reason="The Program ends.")
    pages = [client.get(page) for page in (address, desk, "/desk/calls/", "/calls/")]
    assert [text_of(page).count("data-countdown") for page in pages] == [0, 0, 0, 0]
    assert [day in text_of(page).partition("Record")[0] for page in pages] == [False] * 4
    assert rolling not in text_of(pages[0])
    assert "The Program ends." in text_of(pages[1])


def date_words(day):
    return f"{day:%B} {day.day}, {day.year}"


def test_issue_dialog_says_which_day_begins_and_until_when_proposals_come_in(signed_in):
    with clock.moved_to(APRIL_FIRST):
        client = signed_in(officer())
        call = approved_call()
        page = text_of(client.get(f"/desk/calls/{call.number}/"))
        said = (
            "Today, Wednesday, April 1, 2026, is day 0; day 90 is Tuesday, June 30, 2026. Proposals are "
            "taken until the end of Tuesday, June 30, 2026, 90 days from today."
        )
        assert said in page and said in text_of(client.get(f"/desk/calls/{call.number}/issue/"))
        short = approved_call(set_due_on=date(2026, 4, 10))
        page = text_of(client.get(f"/desk/calls/{short.number}/"))
        assert "Friday, April 10, 2026, 9 days from today: an officer set this last day." in page
        assert "leaves consortia 9 of the 90 days that the order allows." in page
        long = approved_call(set_due_on=date(2026, 7, 8), set_due_reason="A long outage.")
        page = text_of(client.get(f"/desk/calls/{long.number}/"))
        assert "The justification on record: A long outage." in page
        assert "Record the justification" not in page


def test_last_day_past_the_order_says_so_on_the_public_page_and_at_the_desk(client, signed_in):
    reason = "A hurricane closed the ports."
    with clock.moved_to(APRIL_FIRST):
        late = approved_call(set_due_on=date(2026, 7, 8), set_due_reason=reason)
        page = text_of(signed_in(officer()).get(f"/desk/calls/{late.number}/issue/"))
        assert PAST_THE_ORDER in page and reason in page
        calls.issue_call(late, by=officer())
        in_time, extended = issued_call(), issued_call()
        calls.extend_call(
            extended, by=officer(), due_on=date(2026, 7, 8), summary="s", reason="r", legal_basis="b"
        )
        shown = {}
        for call in (late, in_time, extended):
            public, desk = f"/calls/{call.number}/", f"/desk/calls/{call.number}/"
            top = text_of(client.get(public)).partition('id="timeline"')[0]
            shown[call.pk] = [PAST_THE_ORDER in top, reason in top, "s.3(c)" in top]
            assert ("90th day after issue" in text_of(client.get(desk))) == (call != in_time)
    assert shown == {late.pk: [True, True, True], in_time.pk: [False, False, True],
                     extended.pk: [True, False, True]}  # fmt: skip


def test_amendment_pressed_twice_by_one_person_is_said_to_be_published_already(signed_in):
    call, client = issued_call(), signed_in(officer())
    desk = f"/desk/calls/{call.number}/amend/"
    subscribe(call, by=UserFactory())
    typed = {"text": "Forty pages.", "summary": "Pages.", "reason": "Asked.", "legal_basis": "A statute.",
             "revision": call.revision}  # fmt: skip
    typed["seen"] = client.post(desk, typed).context["preview"].seen
    assert client.post(desk, typed).status_code == 302
    again = client.post(desk, typed, follow=True)
    assert "That is published already" in text_of(again) and call.amendments.count() == 1
    other = signed_in(officer()).post(desk, typed)
    assert other.status_code == 409


def test_what_would_be_refused_is_not_offered_and_the_reason_is_said(signed_in):
    call, reader = drafted_call(no_fr_reason=""), officer()
    desk, client = f"/desk/calls/{call.number}/", signed_in(reader)
    page = text_of(client.get(desk))
    assert f'action="{desk}approve/"' not in page
    assert "It cannot be approved yet: 1 point of" in page
    assert client.post(f"{desk}approve/", {"revision": call.revision}).status_code == 422
    changes = {"no_fr_reason": "Not sent yet.", "no_control_reason": ""}
    calls.update_call(call, by=officer(), revision=call.revision, changes=changes)
    page = text_of(client.get(desk))
    assert f'action="{desk}approve/"' in page
    assert "It cannot be approved yet" not in page
    calls.approve_call(call, by=reader)
    page = text_of(client.get(desk))
    assert f'action="{desk}issue/"' not in page
    assert "It cannot be issued yet" in page
    seen = client.get(f"{desk}issue/").context["preview"].seen
    assert client.post(f"{desk}issue/", {"revision": call.revision, "seen": seen}).status_code == 422


def test_call_past_its_deadline_offers_no_cancellation(signed_in):
    call = issued_call(at=APRIL_FIRST)
    desk = f"/desk/calls/{call.number}/"
    for at, offered in ((APRIL_FIRST + timedelta(days=9), True), (call.closes_at, False)):
        with clock.moved_to(at):
            page = text_of(signed_in(officer()).get(desk))
        assert (f'href="{desk}cancel/"' in page) is offered


def test_texts_of_no_length_and_days_to_come_are_refused_where_they_are_typed(signed_in):
    call, client = drafted_call(), signed_in(officer())
    desk, tomorrow = f"/desk/calls/{call.number}/", clock.today() + timedelta(days=1)
    typed = requirement_typed(evidence_type="text", choices="", max_characters=0)
    refused = client.post(f"{desk}requirements/new/", typed)
    assert refused.context["form"].errors == {"max_characters": ["Give a number of 1 or more."]}
    refused = client.post(f"{desk}edit/", form_of(call, cure_days=91))
    assert refused.context["form"].errors == {"cure_days": ["Give a number of 90 or less."]}
    refused = client.post(f"{desk}edit/", form_of(call, fr_published_on=tomorrow))
    assert ["still to come" in said for said in refused.context["form"].errors["fr_published_on"]] == [True]
    place = {"country": "KE", "reason": "A law.", "source": "A source.", "confidence": "high"}
    refused = client.post(f"{desk}places/new/", place | {"checked_on": tomorrow})
    assert ["still to come" in said for said in refused.context["form"].errors["checked_on"]] == [True]


def test_new_row_of_a_call_stands_after_the_others_where_no_place_is_given(signed_in):
    call, client = drafted_call(), signed_in(officer())
    desk = f"/desk/calls/{call.number}/"
    for page, typed in (
        ("requirements", requirement_typed(sort_order="")),
        (
            "criteria",
            {"code": "colour", "title": "Colour", "weight": 0, "lowest": 1, "highest": 5, "sort_order": ""},
        ),
    ):
        shown = client.get(f"{desk}{page}/new/")
        assert shown.context["form"]["sort_order"].value() is None
        assert client.post(f"{desk}{page}/new/", typed).status_code == 302
        rows = list(getattr(call, page).order_by("sort_order"))
        assert rows[-1].code == "colour" and rows[-1].sort_order > rows[-2].sort_order
    opened = issued_call()
    sent = as_they_stand(client.get(f"/desk/calls/{opened.number}/amend/requirements/"))
    sent |= {f"new-{name}": value for name, value in requirement_typed(sort_order="").items()}
    sent |= {"summary": "A colour.", "reason": "Asked.", "legal_basis": "b", "revision": opened.revision}
    assert published(client, f"/desk/calls/{opened.number}/amend/requirements/", sent).status_code == 302
    assert opened.requirements.order_by("sort_order").last().code == "colour"


def test_asking_to_approve_what_is_no_draft_names_the_act_that_was_pressed(signed_in):
    call, client = issued_call(), signed_in(officer())
    answer = client.post(f"/desk/calls/{call.number}/ask-approval/", follow=True)
    assert "“Ask for approval” was not done" in text_of(answer)


def test_discarded_draft_says_so_where_a_call_is_copied(signed_in):
    kept, given_up = drafted_call(), drafted_call()
    calls.discard_call(given_up, by=given_up.created_by, reason="Written twice.")
    page = signed_in(officer()).get("/desk/calls/new/")
    labels = dict(page.context["form"].fields["copied_from"].choices)
    shown = [str(labels[key]).endswith("(discarded draft)") for key in labels if key]
    assert sorted(shown) == [False, True] and kept.number in text_of(page)
