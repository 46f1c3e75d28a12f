"""``static/site.js`` alone in a real browser; pages and answers of the server come from the test."""

from __future__ import annotations

import json
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from django.conf import settings
from django.template import Context, Template
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SITE = "https://portal.test"
FORM = """
<form method="post" action="/part/" data-autosave novalidate>
  <input type="hidden" name="revision" value="3">
  <div class="site-field">
    <label for="id_title">Title</label><input id="id_title" name="title" value="Old">
  </div>
  <button class="usa-button" id="save">Save</button>
  {% include "components/_autosave.html" %}
</form>"""


@pytest.fixture
def portal(chromium):
    """``portal.show(markup)`` opens a page with it; ``portal.answers`` are what the server says, one each."""
    context = chromium.new_context()
    page = context.new_page()
    page.clock.install()
    state = SimpleNamespace(page=page, answers=[], sent=[], faults=[])
    page.on("pageerror", lambda error: state.faults.append(str(error)))

    def serve(route):
        request = route.request
        if request.method == "POST":
            body = request.post_data or ""
            state.sent.append({"headers": request.headers, "body": body})
            answer = state.answers.pop(0)
            if answer == "broken":
                return route.abort()
            status, content = answer
            headers = {"location": "/accounts/login/"} if status == 302 else {}
            return route.fulfill(
                status=status, body=json.dumps(content), content_type="application/json", headers=headers
            )
        if request.url.endswith("/site.js"):
            return route.fulfill(path=settings.BASE_DIR / "static/site.js", content_type="text/javascript")
        return route.fulfill(body=state.html, content_type="text/html")

    def show(markup, *, attributes='data-sign-in-url="/accounts/login/"', **values):
        content = Template("{% load uswds portal %}" + markup).render(Context(values))
        state.html = (
            f'<!doctype html><html lang="en"><title>Page</title><body {attributes}><main>{content}</main>'
            '<script src="/site.js"></script></body></html>'
        )
        page.goto(SITE)

    state.show = show
    page.route("**/*", serve)
    yield state
    assert state.faults == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    context.close()


def sent_field(portal, name, number=-1):
    """The value of a field in one of the requests, sent as multipart or as a query."""
    body = portal.sent[number]["body"]
    if f'name="{name}"' in body:
        return body.split(f'name="{name}"')[1].split("\r\n")[2]
    return parse_qs(body)[name][0]


def type_title(portal, text):
    portal.page.fill("#id_title", text)
    portal.page.clock.run_for(2000)


def test_autosave_says_when_it_saved_and_takes_the_new_revision(portal):
    portal.answers = [(200, {"saved_at": "2026-06-01T18:02:00Z", "revision": 4}), (200, {"revision": 5})]
    portal.show(FORM)
    type_title(portal, "New")
    expect(portal.page.get_by_role("status")).to_contain_text("Saved")
    assert portal.sent[0]["headers"]["x-autosave"] == "1"
    assert (sent_field(portal, "title"), sent_field(portal, "revision")) == ("New", "3")
    type_title(portal, "Newer")
    expect(portal.page.locator("[name=revision]")).to_have_value("5")
    assert sent_field(portal, "revision") == "4"


def test_what_the_portal_tells_beside_an_answer_stays_while_one_types(portal):
    notice = {"words": "Version 2 was submitted.", "link": "Open the sheet", "url": "/sheet/"}
    portal.answers = [
        (200, {"revision": 4}),
        (200, {"revision": 5, "notice": notice}),
        (422, {"errors": {"__all__": ["It is handed in."]}, "notice": notice}),
        (200, {"revision": 6}),
    ]
    portal.show(FORM)
    told = portal.page.get_by_role("alert")
    type_title(portal, "New")
    expect(portal.page.get_by_role("status")).to_contain_text("Saved")
    expect(told).to_have_count(0)
    type_title(portal, "Newer")
    expect(told).to_have_text("Version 2 was submitted. Open the sheet.")
    expect(told.get_by_role("link")).to_have_attribute("href", "/sheet/")
    expect(portal.page.get_by_role("status")).to_contain_text("Saved")
    expect(portal.page.locator("#id_title")).to_have_value("Newer")
    said = told.element_handle()
    type_title(portal, "Newest")
    expect(portal.page.get_by_role("status")).to_contain_text("It is handed in.")
    assert said.evaluate("one => one.isConnected")  # not said again
    type_title(portal, "Last")
    expect(told).to_have_count(0)


def test_conflict_shows_both_texts_and_keeps_mine_only_when_told(portal):
    conflict = {"yours": {"title": "Mine"}, "theirs": {"title": "Theirs"}, "revision": 9, "by": "Dana Reyes"}
    portal.answers = [(409, conflict), (200, {"revision": 10})]
    portal.show(FORM)
    type_title(portal, "Mine")
    panel = portal.page.get_by_role("region", name="Two texts")
    expect(panel).to_contain_text("Mine")
    expect(panel).to_contain_text("Theirs")
    expect(portal.page.locator("#id_title")).to_be_focused()
    portal.page.get_by_role("button", name="Compare the two texts").click()
    expect(panel).to_be_focused()
    type_title(portal, "Mine still")
    assert len(portal.sent) == 1
    panel.get_by_role("button", name="Save mine over theirs").click()
    expect(portal.page.locator("[name=revision]")).to_have_value("10")
    assert (sent_field(portal, "title"), sent_field(portal, "revision")) == ("Mine still", "9")


def test_conflict_can_be_settled_with_their_text(portal):
    portal.answers = [(409, {"yours": {"title": "Mine"}, "theirs": {"title": "<b>Theirs"}, "revision": 9})]
    portal.show(FORM)
    type_title(portal, "Mine")
    portal.page.get_by_role("button", name="Take theirs").click()
    expect(portal.page.locator("#id_title")).to_have_value("<b>Theirs")
    expect(portal.page.locator("[name=revision]")).to_have_value("9")


def test_the_other_text_of_a_form_with_one_writer_is_ones_own(portal):
    portal.answers = [(409, {"theirs": {"title": "Over there", "maker": "Causeway"}, "revision": 9})]
    portal.show(TWO_FIELDS.replace("data-autosave ", "data-autosave data-one-writer "))
    type_title(portal, "Here")
    status, panel = (portal.page.get_by_role("status"), portal.page.get_by_role("region", name="Two texts"))
    expect(status).to_contain_text("Not saved. You saved this in another window")
    expect(panel.get_by_role("heading", name="From this window")).to_be_visible()
    expect(panel.get_by_role("heading", name="From the other window")).to_be_visible()
    expect(panel).not_to_contain_text("heirs")
    panel.get_by_role("button", name="Take the text of the other window").click()
    expect(portal.page.locator("#id_title")).to_have_value("Over there")
    expect(status).to_have_text("You now see the text of the other window. Nothing of this window was saved.")

    portal.answers = [
        (409, {"theirs": {"title": "Over there", "maker": "Helios"}, "revision": 10}),
        (200, {}),
    ]
    type_title(portal, "Here")
    expect(status).to_contain_text("You changed in another window meanwhile: Maker")


TWO_FIELDS = FORM.replace(
    '<button class="usa-button"',
    '<div class="site-field"><label for="id_maker">Maker</label>'
    '<input id="id_maker" name="maker" value="Old"></div>'
    '<button class="usa-button"',
)


def test_what_only_they_changed_is_shown_and_what_only_i_changed_is_saved(portal):
    theirs = {"theirs": {"title": "Old", "maker": "Causeway"}, "revision": 9, "by": "Dana Reyes"}
    portal.answers = [(409, theirs), (200, {"revision": 10})]
    portal.show(TWO_FIELDS)
    type_title(portal, "Mine")
    portal.page.clock.run_for(2000)
    expect(portal.page.get_by_role("status")).to_contain_text("Dana Reyes changed meanwhile: Maker")
    expect(portal.page.locator("#id_maker")).to_have_value("Causeway")
    expect(portal.page.get_by_role("region", name="Two texts")).to_have_count(0)
    sent = [sent_field(portal, name) for name in ("title", "maker", "revision")]
    assert sent == ["Mine", "Causeway", "9"]


def test_of_several_conflicts_each_is_chosen_by_itself(portal):
    theirs = {"theirs": {"title": "Theirs", "maker": "Causeway"}, "revision": 9}
    portal.answers = [(409, theirs), (200, {"revision": 10})]
    portal.show(TWO_FIELDS)
    portal.page.fill("#id_maker", "Helios")
    type_title(portal, "Mine")
    panel = portal.page.get_by_role("region", name="Two texts")
    panel.get_by_role("radiogroup", name="Maker").get_by_label("Theirs").check()
    panel.get_by_role("button", name="Save what is chosen").click()
    expect(portal.page.locator("[name=revision]")).to_have_value("10")
    assert [sent_field(portal, name) for name in ("title", "maker")] == ["Mine", "Causeway"]
    assert "two-texts" not in portal.sent[-1]["body"]


def test_mine_over_theirs_takes_back_nothing_that_i_never_touched(portal):
    theirs = {"theirs": {"title": "Theirs", "maker": "Causeway"}, "revision": 9, "by": "Dana Reyes"}
    portal.answers = [(409, theirs), (200, {"revision": 10})]
    portal.show(TWO_FIELDS)
    type_title(portal, "Mine")
    panel = portal.page.get_by_role("region", name="Two texts")
    expect(panel).not_to_contain_text("Maker")
    panel.get_by_role("button", name="Save mine over theirs").click()
    expect(portal.page.locator("[name=revision]")).to_have_value("10")
    assert [sent_field(portal, name) for name in ("title", "maker")] == ["Mine", "Causeway"]


def test_answer_that_was_lost_is_no_conflict_with_oneself(portal):
    kept = {"theirs": {"title": "Mine"}, "revision": 4, "by": "Ada"}
    portal.answers = ["broken", (409, kept), (200, {"revision": 5})]
    portal.show(FORM)
    type_title(portal, "Mine")
    portal.page.fill("#id_title", "Mine, and more")
    portal.page.clock.run_for(6000)
    expect(portal.page.locator("[name=revision]")).to_have_value("4")
    portal.page.clock.run_for(2000)
    expect(portal.page.locator("[name=revision]")).to_have_value("5")
    expect(portal.page.get_by_role("region", name="Two texts")).to_have_count(0)
    assert sent_field(portal, "title") == "Mine, and more"


def test_what_is_wrong_with_the_whole_row_is_said(portal):
    portal.answers = [(422, {"errors": {"__all__": ["Choose a country, or a bloc."]}})]
    portal.show(FORM)
    type_title(portal, "Mine")
    expect(portal.page.get_by_role("status")).to_contain_text("Not saved: Choose a country, or a bloc.")


def test_field_that_is_refused_is_told_from_those_that_are_saved(portal):
    errors = {"errors": {"maker": ["Name a maker."]}, "saved_at": "2026-06-01T18:02:00Z", "revision": 4}
    portal.answers = [(422, errors), (200, {"revision": 5})]
    portal.show(TWO_FIELDS)
    portal.page.fill("#id_maker", "")
    type_title(portal, "Mine")
    expect(portal.page.get_by_role("status")).to_contain_text("but not 1 field: it needs a correction.")
    portal.page.fill("#id_maker", "Helios")
    portal.page.clock.run_for(2000)
    expect(portal.page.locator("[name=revision]")).to_have_value("5")
    assert sent_field(portal, "revision") == "4"


def test_refused_field_is_marked_and_described(portal):
    portal.answers = [(422, {"errors": {"title": ["Say it in fewer words."]}}), (200, {"revision": 4})]
    portal.show(FORM)
    type_title(portal, "Long")
    field = portal.page.locator("#id_title")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Say it in fewer words.")
    type_title(portal, "Short")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(portal.page.get_by_text("Say it in fewer words.")).to_have_count(0)


@pytest.mark.parametrize("answer", [(401, {"sign_in": "/accounts/login/"}), (403, {}), (302, {})])
def test_signed_out_person_keeps_the_text_and_gets_a_way_back(portal, answer):
    portal.answers = [answer]
    portal.show(FORM)
    type_title(portal, "Typed")
    expect(portal.page.get_by_role("link", name="Sign in in a new window")).to_have_attribute(
        "href", "/accounts/login/"
    )
    expect(portal.page.locator("#id_title")).to_have_value("Typed")
    type_title(portal, "Typed more")
    assert len(portal.sent) == 1


def test_refusal_for_good_is_said_in_words_and_not_asked_again(portal):
    portal.answers = [(403, {"message": "You may read this proposal, not change it."})]
    portal.show(FORM)
    type_title(portal, "Typed")
    expect(portal.page.get_by_role("status")).to_contain_text(
        "Not saved: You may read this proposal, not change it. Your text is still on this page"
    )
    type_title(portal, "Typed more")
    assert len(portal.sent) == 1


def test_who_types_without_a_pause_is_saved_within_fifteen_seconds(portal):
    portal.answers = [(200, {"revision": 4}), (200, {"revision": 5})]
    portal.show(FORM)
    for second in range(14):
        portal.page.fill("#id_title", f"Typed for {second} seconds")
        portal.page.clock.run_for(1000)
    assert len(portal.sent) >= 1
    portal.page.clock.run_for(2000)
    expect(portal.page.locator("[name=revision]")).to_have_value("5")


def test_button_saves_what_was_typed_last_before_it_leaves_the_page(portal):
    portal.answers = [(302, {})]
    portal.show(FORM)
    portal.page.fill("#id_title", "Typed")
    portal.page.click("#save")
    expect(portal.page.get_by_role("status")).to_contain_text("you are signed out")
    expect(portal.page.locator("#id_title")).to_have_value("Typed")
    assert portal.sent[0]["headers"]["x-autosave"] == "1"
    assert len(portal.sent) == 1


def test_broken_connection_is_said_and_tried_again(portal):
    portal.answers = ["broken", (200, {"revision": 4})]
    portal.show(FORM)
    type_title(portal, "Typed")
    expect(portal.page.get_by_role("status")).to_contain_text("Not saved: the connection is broken.")
    portal.page.clock.run_for(6000)
    expect(portal.page.get_by_role("status")).to_contain_text("Saved")
    assert sent_field(portal, "title") == "Typed"


def test_link_of_the_summary_unfolds_the_field_and_shows_what_stands_above_it(portal):
    problem = SimpleNamespace(message="Say why.", field="reason")
    portal.show(
        "{% error_summary problems=problems %}" + '<p style="height: 300vh"></p><div data-scrolled-to>'
        '<p style="height: 10vh" id="said">Say why.</p><details><summary>Why</summary>'
        '<textarea id="id_reason"></textarea></details></div><p style="height: 300vh"></p>',
        problems=[problem],
    )  # fmt: skip
    portal.page.get_by_role("link", name="Say why.").click()
    expect(portal.page.locator("#id_reason")).to_be_focused()
    expect(portal.page.locator("#said")).to_be_in_viewport(ratio=0.9)


def test_notice_that_the_answer_begins_with_has_the_focus(portal):
    portal.show('<section id="not-saved" tabindex="-1" data-takes-focus>Not saved yet</section>' + FORM)
    expect(portal.page.locator("#not-saved")).to_be_focused()


def test_error_summary_has_the_focus_and_leads_to_the_field(portal):
    problem = SimpleNamespace(message="Give a title.", clause="22 U.S.C. 9621", field="title")
    portal.show("{% error_summary problems=problems %}" + FORM, problems=[problem])
    expect(portal.page.locator("#error-summary")).to_be_focused()
    portal.page.get_by_role("link", name="Give a title.").click()
    expect(portal.page.locator("#id_title")).to_be_focused()


def test_act_with_a_question_goes_only_after_the_answer(portal):
    portal.answers = [(200, {})]
    portal.show("{% post_button 'Withdraw' '/withdraw/' confirm='Withdraw this proposal?' %}")
    portal.page.get_by_role("button", name="Withdraw").click()
    dialog = portal.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Withdraw this proposal?")
    expect(dialog.get_by_role("button", name="Go back")).to_be_focused()
    portal.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert portal.sent == []
    portal.page.get_by_role("button", name="Withdraw").click()
    with portal.page.expect_request("**/withdraw/"):
        dialog.get_by_role("button", name="Withdraw").click()
    assert len(portal.sent) == 1


def test_countdown_uses_the_server_clock_and_ends_with_its_words(portal):
    portal.show(
        '<p class="site-deadline__left"><time datetime="2026-07-01T04:00:00Z" data-countdown'
        ' data-over="Intake is closed.">1 hour</time> left</p>',
        attributes='data-now="2026-07-01T02:58:30Z"',
    )
    left = portal.page.locator("p")
    expect(left).to_have_text("1 hour 1 minute left")
    portal.page.clock.run_for(62 * 60 * 1000)
    expect(left).to_have_text("Intake is closed.")


def test_counter_counts_line_breaks_as_the_server_does(portal):
    portal.show(
        '<textarea id="id_text" maxlength="10">abc</textarea><span data-counter-for="id_text">Up to 10</span>'
    )
    counter = portal.page.locator("[data-counter-for]")
    expect(counter).to_have_text("7 characters left")
    portal.page.fill("#id_text", "abcd\nefghi")
    expect(counter).to_have_text("1 character too many")


def test_session_that_ends_soon_is_told_and_extended(portal):
    portal.show("<h1>Work</h1>", attributes='data-session-seconds="600" data-session-url="/session/"')
    portal.page.clock.run_for(5.5 * 60 * 1000)
    dialog = portal.page.get_by_role("dialog", name="Are you still there?")
    expect(dialog).to_be_visible()
    with portal.page.expect_request("**/session/"):
        dialog.get_by_role("button", name="Stay signed in").click()
    expect(dialog).to_have_count(0)


def test_nothing_is_saved_beside_a_form_that_is_on_its_way(portal):
    """The server may take long: a save from the page left behind would come with the old revision."""
    portal.answers = [(200, {"revision": 4}), (200, {"revision": 5})]
    portal.show(FORM)
    page = portal.page
    stay = "document.querySelector('form').addEventListener('submit', (event) => event.preventDefault())"
    page.evaluate(stay)
    page.fill("#id_title", "New")
    page.evaluate("document.querySelector('form').requestSubmit()")
    expect(page.locator("[name=revision]")).to_have_value("4")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.getElementById('id_title').dispatchEvent(new Event('change', { bubbles: true }));"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.clock.run_for(5000)
    assert len(portal.sent) == 1
    type_title(portal, "Newer")
    expect(page.locator("[name=revision]")).to_have_value("5")
    assert (sent_field(portal, "title"), sent_field(portal, "revision")) == ("Newer", "4")


@pytest.mark.parametrize("answer", [(200, {"revision": 4}), "broken"])
def test_another_form_waits_until_what_was_typed_beside_it_is_saved(portal, answer):
    portal.answers = [answer, (200, {}), (200, {})]
    portal.show(FORM + "{% post_button 'Hand in' '/hand-in/' %}")
    portal.page.fill("#id_title", "Typed last")
    portal.page.on("dialog", lambda asked: asked.accept())  # what is not saved yet is asked about
    with portal.page.expect_navigation(url="**/hand-in/"):
        portal.page.get_by_role("button", name="Hand in").click()
    assert sent_field(portal, "title", 0) == "Typed last"
    assert ["x-autosave" in one["headers"] for one in portal.sent] == [True, False]


def test_who_leaves_while_a_kept_form_holds_text_is_asked_first(portal):
    portal.show(
        '<form method="post" action="/change/" data-keep><label for="id_text">What</label>'
        '<textarea id="id_text" name="text"></textarea><button>Report</button></form>'
    )

    def may_leave():
        return portal.page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))")

    assert may_leave()
    portal.page.fill("#id_text", "The parent was sold.")
    assert not may_leave()
    portal.page.fill("#id_text", "")
    assert may_leave()
    portal.show('<form data-keep><label><input type="radio" name="a" value="1">One</label></form>')
    portal.page.get_by_label("One").check()
    assert not may_leave()
    portal.show("<form data-keep data-unsent><textarea>Refused a moment ago.</textarea></form>")
    portal.page.locator("textarea").click()  # a browser asks nobody who has done nothing on the page
    assert not may_leave()


CHECKED = """<form method="post" action="/hand-in/" data-check-first><input type="hidden" name="a" value="1">
<button class="usa-button" data-confirm="Hand it in for good?">Hand in</button></form>"""


def test_nobody_is_asked_whether_to_do_what_would_be_refused(portal):
    portal.answers = [(200, {"revision": 4}), (422, {}), (422, {})]
    portal.show(FORM + CHECKED)
    portal.page.fill("#id_title", "Typed last")
    with portal.page.expect_navigation(url="**/hand-in/"):
        portal.page.get_by_role("button", name="Hand in").click()
    saved, looked, shown = portal.sent
    assert "x-autosave" in saved["headers"]
    assert "check" in looked["body"] and parse_qs(shown["body"])["check"] == ["1"]


def test_who_lacks_nothing_is_asked_and_sends_it_after_that(portal):
    portal.answers = [(204, {}), (200, {})]
    portal.show(CHECKED)
    portal.page.get_by_role("button", name="Hand in").click()
    expect(portal.page.get_by_role("dialog")).to_contain_text("Hand it in for good?")
    assert len(portal.sent) == 1
    with portal.page.expect_navigation(url="**/hand-in/"):
        portal.page.get_by_role("dialog").get_by_role("button", name="Hand in").click()
    assert parse_qs(portal.sent[-1]["body"]) == {"a": ["1"]}


def test_a_notice_of_the_page_stands_at_its_place_and_once(portal):
    notice = {"words": "Version 2 was submitted.", "link": "Open the sheet", "url": "/sheet/"}
    told = {"notice": notice, "of_page": True}
    portal.answers = [(200, {"revision": 4, **told}), (200, {"revision": 5, **told})]
    place = '<div class="site-notice-place" data-notice-place></div><p data-until-notice>Saves itself</p>'
    portal.show(f"<div data-notices>{place}{FORM}</div>")
    for words in ("One", "Two"):
        type_title(portal, words)
        expect(portal.page.get_by_role("status")).to_contain_text("Saved")
    told = portal.page.locator("[data-notice-place] [role=alert]")
    expect(told).to_have_count(1)
    expect(told.get_by_role("link", name="Open the sheet")).to_be_visible()
    expect(portal.page.get_by_role("alert")).to_have_count(1)
