"""A call at the desk until it is issued: written, previewed, approved, sent back, discarded, and by whom."""

from __future__ import annotations

import pytest
from django.urls import reverse

from program.enums import CallStatus, OfficeRole
from program.models import Call, Notice
from program.services import calls
from tests.factories.program import OfficeFactory, UserFactory, drafted_call, issued_call, officer
from tests.program.pages import APRIL_FIRST, form_of, text_of

pytestmark = pytest.mark.django_db
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
