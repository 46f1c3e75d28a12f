"""The pages of the screening: matches decided and corrected row by row, lists, and what is stale."""

from __future__ import annotations

import html
import io
from datetime import date, timedelta

import pytest

from evaluation import services
from evaluation.models import ListImport
from program import clock
from tests.architecture.forms_on_pages import forms_of
from tests.evaluation.pages import areas, at_row, page, press, press_at
from tests.factories import evaluation as make
from tests.factories.program import officer

pytestmark = pytest.mark.django_db


def test_screening_page_settles_a_match(client):
    desk = officer()
    check = make.flagged(make.at_intake(), desk)
    assert b"Fictional Dragonfly Semiconductor" in page(client, desk, "screening").content

    refused = press_at(client, desk, "check-adjudicate", check, outcome="confirmed")
    done = press_at(client, desk, "check-adjudicate", check, outcome="confirmed", reason="Same address.")

    assert (refused.status_code, done.status_code) == (422, 302)
    assert check.adjudications.get().outcome == "confirmed"
    assert b"No open match" in page(client, desk, "screening").content


def test_screening_page_corrects_a_decision_with_its_history(client):
    desk, second = officer(), officer()
    check = make.flagged(make.at_intake(), desk)
    wrong = services.adjudicate(check, by=desk, outcome="confirmed", reason="A slip.")

    confirmed = page(client, desk, "screening", show="confirmed").content.decode()
    refused = press_at(client, desk, "check-correct", check, opinion=wrong.pk, correction=" ")
    press_at(client, desk, "check-correct", check, opinion=wrong.pk, correction="The wrong button.")
    waiting = page(client, second, "screening").content.decode()
    done = press_at(client, second, "check-correct", check, opinion=wrong.pk, correction="I agree.")
    cleared = page(client, second, "screening", show="cleared").content.decode()

    assert "Correct your decision: it is somebody else" in confirmed
    assert (refused.status_code, done.status_code) == (422, 302)
    assert "A second person must confirm the correction" in waiting
    assert f"Correct the decision of {desk.name}" in waiting
    for reason in ("A slip.", "The wrong button.", "I agree."):
        assert reason in cleared
    assert f"(on the decision “Confirmed” of {desk.name}" in cleared
    assert press_at(client, second, "check-correct", check, opinion="x", correction="?").status_code == 404


def test_refused_decision_keeps_what_was_typed(client):
    desk = officer()
    check = make.flagged(make.at_intake(), desk)
    refused = press_at(client, desk, "check-adjudicate", check, outcome="", reason="Same address, see file.")
    assert refused.status_code == 422
    assert "Same address, see file.</textarea>" in refused.content.decode()


def test_what_was_typed_at_another_match_stays_when_one_is_recorded(client):
    desk = officer()
    first, second, third = (make.flagged(make.at_intake(), desk) for _ in range(3))
    begun = at_row(second, outcome="false_positive", reason="Half a reason, <not> done.")
    sent = at_row(first, outcome="confirmed", reason="Same address.") | begun | at_row(third, reason="")
    done = press(client, desk, "check-adjudicate", first.pk, **sent)
    text = done.content.decode()
    assert (done.status_code, first.adjudications.get().outcome) == (200, "confirmed")
    assert f"Your decision on {first.party_name} is recorded." in html.unescape(text)
    assert areas(text) == {f"{second.pk}-reason": "Half a reason, <not> done.", f"{third.pk}-reason": ""}
    assert f'value="false_positive" id="id_{second.pk}_false" checked' in text
    assert not second.adjudications.exists()

    refused = press(client, desk, "check-adjudicate", third.pk, **begun, **at_row(third, reason="No choice."))
    assert refused.status_code == 422
    assert f'href="#id_{third.pk}-outcome"' in refused.content.decode()
    assert areas(refused.content.decode()) == {
        f"{second.pk}-reason": "Half a reason, <not> done.", f"{third.pk}-reason": "No choice.",
    }  # fmt: skip


def test_enter_at_a_choice_settles_no_match_and_keeps_what_is_typed(client):
    desk = officer()
    check = make.flagged(make.at_intake(), desk)
    begun = at_row(check, outcome="confirmed", reason="Half a reason.")
    answer = press(client, desk, "screening", **begun)
    assert (answer.status_code, areas(answer.text)) == (422, {f"{check.pk}-reason": "Half a reason."})
    assert "Nothing is recorded yet: press the button at the match" in answer.text
    assert "data-unsent" in answer.text and f'id="id_{check.pk}_confirmed" checked' in answer.text
    assert not check.adjudications.exists()


def test_each_button_of_the_screening_page_sends_the_whole_page(client):
    desk = officer()
    checks = [make.flagged(make.at_intake(), desk) for _ in range(2)]
    text = page(client, desk, "screening").content.decode()
    sheets = [one for one in forms_of("/desk/screening/", text) if "/desk/screening/" in one.action]
    assert [one.action for one in sheets if one.by_buttons] == [
        f"/desk/screening/{place}?show=to-settle&after=" for place in ("", *(f"{one.pk}/" for one in checks))
    ]
    assert all(f"{check.pk}-reason" in one.fields for one in sheets if one.by_buttons for check in checks)


def test_a_file_that_was_not_imported_is_told_beside_the_lists_until_a_list_comes(client):
    desk = officer()
    make.flagged(make.at_intake(), desk)
    refused = ListImport.objects.create(
        name="A list", file_date=date(2026, 11, 2), asked_by=desk, asked_at=clock.now(),
        finished_at=clock.now(), refusal="It has no entry.",
    )  # fmt: skip
    told = page(client, desk, "screening").content.decode()
    assert told.index('id="lists"') < told.index("It has no entry.")
    assert "usa-alert--error" not in told
    ListImport.objects.filter(pk=refused.pk).update(finished_at=clock.now() - timedelta(days=400))
    assert "It has no entry." not in page(client, desk, "screening").content.decode()


@pytest.mark.parametrize("where", ["intake-proposal", "proposal", "determination", "screening"])
def test_a_stale_screening_says_so_and_why(client, where):
    desk = officer()
    if where == "screening":
        args = []
        proposal = make.flagged(make.at_intake(), desk).proposal
    elif where == "determination":
        draft = make.ready_to_sign(by=desk)
        proposal, args = draft.proposal, [draft.pk]
    else:
        proposal = make.at_intake()
        make.screened(proposal, desk)
        args = [proposal.number]
    words = "A newer list is in force: “Newer of 2026-11-02”."
    fresh = page(client, desk, where, *args).content.decode()
    shorter = io.BytesIO(b"".join(make.LIST.read_bytes().splitlines(keepends=True)[:-2]))
    services.import_screening_list(shorter, by=desk, name="Newer", file_date=date(2026, 11, 2))
    stale = page(client, desk, where, *args).content.decode()
    make.screened(proposal, desk)
    again = page(client, desk, where, *args).content.decode()
    assert [words in html.unescape(text) for text in (fresh, stale, again)] == [False, True, False]
    assert [">Stale<" in text for text in (fresh, stale, again)] == [False, True, False]


def test_lists_are_shown_at_the_address_that_imports_them(client):
    make.screening_list()
    response = page(client, officer(), "list-import")
    assert response.status_code == 200
    assert [listed.name for listed in response.context["lists"]] == ["Fictional list"]


def test_what_a_decision_lacks_is_said_beside_its_fields_and_of_which_party(client):
    desk = officer()
    first, second = (make.flagged(make.at_intake(), desk) for _ in range(2))
    refused = press(client, desk, "check-adjudicate", first.pk, **{f"{first.pk}-outcome": "confirmed"})
    assert refused.status_code == 422
    (problem,) = refused.context["problems"]
    assert problem.message.startswith(f"{first.party_name}: ")
    assert f'id="id_{first.pk}-reason_error"' in refused.text
    assert f'aria-describedby="id_{first.pk}-reason_error" aria-invalid="true"' in refused.text
    assert f"id_{first.pk}-outcome_error" not in refused.text
    assert f"id_{second.pk}-reason_error" not in refused.text
    empty = press(client, desk, "check-adjudicate", first.pk)
    assert f'id="id_{first.pk}-outcome_error"' in empty.text
