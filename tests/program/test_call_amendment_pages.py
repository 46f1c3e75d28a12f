"""An issued call is amended, extended and cancelled at the desk, and nothing typed is lost meanwhile."""

from __future__ import annotations

from copy import copy
from datetime import timedelta

import pytest

from program import clock
from program.deadlines import next_business_day
from program.enums import CallStatus
from program.models import Call
from program.services import calls
from program.services.calls import PAST_THE_ORDER
from program.services.demands import amend_requirements
from program.services.subscriptions import subscribe
from tests.factories.program import UserFactory, issued_call, officer
from tests.program.pages import APRIL_FIRST, as_they_stand, published, requirement_typed, text_of

pytestmark = pytest.mark.django_db


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


def test_choices_that_are_one_are_refused_in_an_amendment(signed_in):
    call = issued_call()
    client, address = signed_in(officer()), f"/desk/calls/{call.number}/amend/requirements/"
    sent = {"summary": "A colour.", "reason": "Asked for.", "legal_basis": "b", "revision": call.revision}
    sent |= as_they_stand(client.get(address))
    sent |= {f"new-{name}": value for name, value in requirement_typed(choices="Red\nRED").items()}
    refused = client.post(address, sent)
    assert (refused.status_code, list(refused.context["new"].errors)) == (422, ["choices"])
    assert published(client, address, sent | {"new-choices": "Red\nGreen"}).status_code == 302


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
