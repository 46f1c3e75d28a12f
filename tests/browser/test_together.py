"""Several people and a bad day, in real browsers: what was typed is saved or still on the page (R15, R16)."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import expect

from program.models import Country
from proposals.models import Component
from proposals.services import remove_team_member, save_row
from tests.browser.people import PASSWORD, code_of, with_second_factor
from tests.factories import evaluation as make
from tests.factories.program import UserFactory
from tests.factories.proposals import ProposalFactory, TeamMemberFactory, representative_of
from tests.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("together")]
EXPECTED = re.compile(r"ERR_INTERNET_DISCONNECTED|status of (401|403|404|409)|ERR_FAILED")
PARAGRAPH = "Designed in Arizona; the memory comes from"


@pytest.fixture
def proposal(portal):
    return ProposalFactory(complete=True)


@pytest.fixture
def ada(proposal):
    person = representative_of(proposal)
    person.set_password(PASSWORD)
    person.save()
    return with_second_factor(person)


@pytest.fixture
def ben(proposal):
    person = UserFactory(name="Ben Okafor")
    person.set_password(PASSWORD)
    person.save()
    return TeamMemberFactory(membership=proposal.consortium.anchor, user=person).user


@pytest.fixture(autouse=True)
def only_unexpected(faults):
    """A browser reports every refused answer; here they are what is tested."""
    yield
    faults[:] = [fault for fault in faults if not EXPECTED.search(fault)]


@pytest.fixture
def row(proposal):
    return proposal.components.filter(layer="hardware").first()


@pytest.fixture
def address(proposal, row):
    return reverse("proposals:row-edit", args=[proposal.pk, "hardware", row.key])


def field_of(one, row):
    return one.page.locator(f"#id_{row.key}-us_manufacture")


def text_of(row):
    return Component.objects.get(pk=row.pk).us_manufacture


def status_of(one):
    return one.page.locator("main form[data-autosave] [data-autosave-status]").first


def forget_sessions():
    """Every session ends, and the codes that were used once are forgotten with the time that passed."""
    Session.objects.all().delete()
    cache.clear()


def sign_in_window(one, user):
    """Follow the link beside the text, and sign in where it leads, with both factors."""
    with one.page.expect_popup() as opened:
        one.page.get_by_role("link", name="Sign in in a new window").click()
    window = opened.value
    window.fill("#id_login", user.email)
    window.fill("#id_password", PASSWORD)
    window.locator("form:has(#id_password) button[type=submit]").first.click()
    if secret := getattr(user, "totp_secret", ""):
        window.fill("#id_code", code_of(secret))
        window.locator("form:has(#id_code) button[type=submit]").first.click()
    return window


def test_two_people_edit_the_same_row_and_both_texts_are_shown(person, ada, ben, row, address):
    first, second = person(ada), person(ben)
    first.visit(address)
    second.visit(address)
    expect(second.page.locator("[data-presence]")).to_contain_text(f"{ada.name} is on this part since")
    field_of(first, row).fill("Ada: all of it in Arizona.")
    expect(status_of(first)).to_contain_text("Saved")
    field_of(second, row).fill("Ben: most of it in Texas.")
    expect(status_of(second)).to_contain_text("Not saved")
    expect(status_of(second)).to_be_in_viewport()
    expect(field_of(second, row)).to_be_focused()
    panel = second.page.get_by_role("region", name="Two texts")
    expect(panel).to_contain_text("Ada: all of it in Arizona.")
    expect(panel).to_contain_text("Ben: most of it in Texas.")
    assert text_of(row) == "Ada: all of it in Arizona."
    panel.get_by_role("button", name="Save mine over theirs").click()
    wait_until(lambda: text_of(row) == "Ben: most of it in Texas.")


def test_two_choices_are_compared_by_their_names_and_theirs_is_shown_when_taken(person, ada, ben, proposal):
    market = proposal.markets.get()
    one = person(ada).visit(reverse("proposals:row-edit", args=[proposal.pk, "markets", market.key]))
    values = {
        "country": None,
        "list_name": "Alps",
        "countries": list(Country.objects.filter(pk__in=["CH", "DE"])),
    }
    save_row(market, by=ben, values=values, revision=market.revision)
    country = one.page.locator("[role=combobox]")
    country.fill("Ghana")
    country.press("Enter")
    panel = one.page.get_by_role("region", name="Two texts")
    expect(panel).to_contain_text("Ghana")
    expect(one.page.locator("[data-many-chosen]")).to_have_text("2 chosen: Germany, Switzerland")
    panel.get_by_role("button", name="Take theirs").click()
    expect(country).to_have_value("")
    expect(one.page.locator("[data-many-chosen]")).to_have_text("2 chosen: Germany, Switzerland")
    expect(status_of(one)).to_contain_text("You now see their text")


def test_two_windows_of_one_reviewer_are_told_apart_and_only_what_changed_is_named(person, portal):
    reviewer = with_second_factor(make.reviewer("STATE"))
    reviewer.set_password(PASSWORD)
    reviewer.save()
    sheet = make.filled_review(make.assigned(make.accepted(), person=reviewer))
    score = sheet.scores.first()
    first = person(reviewer).visit(reverse("evaluation:review", args=[sheet.pk]))
    second = first.context.new_page()
    second.goto(first.page.url)
    field, status = (f"#id_criterion-{score.criterion_id}-strengths", "[data-autosave-status]")
    line = "main form[data-autosave]"
    first.page.locator(field).fill("Tried in two wards.")
    expect(first.page.locator(line).first.locator(status)).to_contain_text("Saved")
    second.locator(field).fill("Tried in three wards.")
    told = second.locator(line).first.locator(status)
    expect(told).to_contain_text("You saved this in another window")
    panel = second.get_by_role("region", name="Two texts")
    expect(panel).to_contain_text("From the other window")
    expect(panel).to_contain_text("Tried in two wards.")
    expect(panel).not_to_contain_text("Not applicable")
    panel.get_by_role("button", name="Save the text of this window").click()
    expect(told).to_contain_text("Saved")
    expect(told).not_to_contain_text("meanwhile")
    score.refresh_from_db()
    assert (score.strengths, score.value, score.not_applicable) == ("Tried in three wards.", 4, False)


def test_session_ends_in_a_paragraph_and_the_text_is_saved_after_the_sign_in(person, ada, ben, row, address):
    one = person(ada).visit(address)
    field_of(one, row).fill(PARAGRAPH)
    expect(status_of(one)).to_contain_text("Saved")
    forget_sessions()
    field_of(one, row).press_sequentially(" Korea.")
    expect(status_of(one)).to_contain_text("Not saved: you are signed out.")
    assert text_of(row) == PARAGRAPH
    # Somebody else signs in at this computer: nothing is saved under that name
    window = sign_in_window(one, ben)
    expect(status_of(one)).to_contain_text("now signed in as Ben Okafor")
    assert (text_of(row), field_of(one, row).input_value()) == (PARAGRAPH, f"{PARAGRAPH} Korea.")
    if not window.is_closed():
        window.close()
    forget_sessions()
    page = one.context.new_page()
    page.goto(f"{one.address}/accounts/login/?next={reverse('program:signed-in')}")
    page.fill("#id_login", ada.email)
    page.fill("#id_password", PASSWORD)
    page.locator("form:has(#id_password) button[type=submit]").first.click()
    page.fill("#id_code", code_of(ada.totp_secret))
    page.locator("form:has(#id_code) button[type=submit]").first.click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    wait_until(lambda: text_of(row) == f"{PARAGRAPH} Korea.")
    expect(status_of(one)).to_contain_text("Saved")
    kept = one.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "Arizona" not in kept


def test_sign_in_window_closes_by_itself_and_the_text_is_saved(person, ada, row, address):
    one = person(ada).visit(address)
    forget_sessions()
    field_of(one, row).fill(PARAGRAPH)
    expect(status_of(one)).to_contain_text("Not saved: you are signed out.")
    window = sign_in_window(one, ada)
    wait_until(lambda: text_of(row) == PARAGRAPH)
    expect(status_of(one)).to_contain_text("Saved")
    if not window.is_closed():
        window.wait_for_event("close")


def test_browser_is_killed_and_reopened_on_the_same_part(person, ben, row, address):
    one = person(ben).visit(address)
    field_of(one, row).fill(PARAGRAPH)
    expect(status_of(one)).to_contain_text("Saved")
    field_of(one, row).press_sequentially(" Ko")
    one.context.close()
    again = person(None)
    again.page.goto(again.address + address)
    again.page.fill("#id_login", ben.email)
    again.page.fill("#id_password", PASSWORD)
    again.page.locator("form:has(#id_password) button[type=submit]").first.click()
    again.page.wait_for_url(f"**{address}")
    assert field_of(again, row).input_value().startswith(PARAGRAPH)


def test_offline_for_a_while_and_saved_when_the_line_is_back(person, ben, row, address):
    one = person(ben).visit(address)
    one.context.set_offline(True)
    field_of(one, row).fill(PARAGRAPH)
    expect(status_of(one)).to_contain_text("the connection is broken")
    field_of(one, row).press_sequentially(" Korea.")
    one.context.set_offline(False)
    wait_until(lambda: text_of(row) == f"{PARAGRAPH} Korea.")
    expect(status_of(one)).to_contain_text("Saved")


def test_removed_while_typing_is_said_in_words_and_the_text_stays(person, ada, ben, row, address):
    one = person(ben).visit(address)
    remove_team_member(ben.team_places.get(), by=ada)
    before = text_of(row)
    field_of(one, row).fill(PARAGRAPH)
    expect(status_of(one)).to_contain_text("you are no longer on the team")
    assert (text_of(row), field_of(one, row).input_value()) == (before, PARAGRAPH)


def test_comment_is_not_lost_when_the_session_has_ended(person, ben, proposal, row, address):
    one = person(ben).visit(address)
    one.page.get_by_text("Write a comment").click()
    field = one.page.locator("#id_comment-text")
    field.press_sequentially("Is this so, @Be")
    one.page.get_by_role("listbox", name="People to mention").get_by_role("option", name="Ben Okafor").click()
    expect(field).to_have_value("Is this so, @Ben Okafor ")
    forget_sessions()
    one.page.get_by_role("button", name="Add the comment").click()
    expect(one.page.get_by_role("alert")).to_contain_text("Not sent: you are signed out")
    sign_in_window(one, ben)
    one.page.wait_for_timeout(500)
    with one.page.expect_navigation():
        one.page.get_by_role("button", name="Add the comment").click()
    expect(one.page.locator(".site-talk")).to_contain_text("Is this so, @Ben Okafor")
    assert list(proposal.comments.get().mentions.all()) == [ben]
