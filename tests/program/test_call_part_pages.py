"""Requirements, criteria and places of a call: kept at the desk, refused in words, read in public."""

from __future__ import annotations

from datetime import timedelta

import pytest

from program import clock
from program.models import Criterion, Requirement
from program.services import calls
from tests.factories.program import AgencyFactory, drafted_call, issued_call, officer
from tests.program.pages import as_they_stand, form_of, published, requirement_typed, text_of

pytestmark = pytest.mark.django_db


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


def test_text_typed_for_a_part_of_a_call_that_was_approved_meanwhile_is_shown(signed_in):
    call, writer = drafted_call(), officer()
    calls.approve_call(call, by=officer())
    address = f"/desk/calls/{call.number}/requirements/new/"
    answer = signed_in(writer).post(address, requirement_typed())
    assert answer.status_code == 409 and "Colour of the racks" in text_of(answer)
    assert not call.requirements.filter(code="colour").exists()


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
