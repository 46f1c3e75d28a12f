"""An address without an account follows a call; mails and the pages about them on a telephone."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest
from django.urls import reverse

from program.models import Subscription
from program.notice_kinds import CATALOGUE
from program.notices import sample_mail
from program.services.calls import cancel_call
from tests.browser.people import PASSWORD
from tests.factories.program import UserFactory, issued_call, officer
from tests.processes import wait_until

pytestmark = pytest.mark.browser
ADDRESS = "reader@firm.example"


def mail_to(post_office, address, subject):
    """The text of the one mail to an address whose subject holds the words."""

    def found():
        for envelope in post_office.messages:
            message = message_from_bytes(envelope.content, policy=policy.default)
            if envelope.rcpt_tos == [address] and subject in message["Subject"]:
                return message
        return None

    return wait_until(found, what=f"a mail to {address} about {subject}")


def path_in(message, words):
    text = message.get_body(("plain",)).get_content()
    return re.search(rf"{words}: https://portal\.test(\S+)", text)[1]


def test_stranger_follows_a_call_by_mail_is_told_and_stops(person, post_office):
    call, by = issued_call(), officer()
    stranger = person(None, width=390)
    stranger.visit(f"/calls/{call.number}/")
    stranger.page.get_by_label("E-mail address").fill(ADDRESS)
    stranger.page.get_by_role("button", name="Follow by e-mail").click()
    stranger.page.get_by_role("heading", name="Look into your mail").wait_for()
    stranger.check()
    confirm = path_in(mail_to(post_office, ADDRESS, "Confirm"), "Confirm this address")
    stranger.visit(confirm)
    assert not Subscription.objects.get().stands
    stranger.page.get_by_role("button", name="Yes, tell me").click()
    stranger.page.get_by_role("heading", name=f"You are told of call {call.number}").wait_for()
    stranger.check()
    cancel_call(call, by=by, reason="It was issued twice.")
    told = mail_to(post_office, ADDRESS, f"Call {call.number} was cancelled")
    assert path_in(told, "Read on") == f"/calls/{call.number}/"
    stop = path_in(told, "Stop these messages")
    stranger.visit(stop)
    stranger.page.get_by_role("button", name="Stop these messages").click()
    stranger.page.get_by_role("heading", name="These messages have stopped").wait_for()
    assert not Subscription.objects.exists()


def test_pages_about_mail_and_calendar_pass_axe(person, settings):
    settings.DEMONSTRATION = True
    user, desk = UserFactory(), officer()
    for one in (user, desk):
        one.set_password(PASSWORD)
        one.save()
    reader = person(user)
    reader.visit(reverse("program:mail-preference")).visit(reverse("program:calendar"))
    reader.page.get_by_role("button", name="Make the address").click()
    reader.page.get_by_label("Address to subscribe to").wait_for()
    reader.seen.clear()
    reader.check()
    at_desk = person(desk)
    at_desk.visit(reverse("program:notice-kinds")).visit(
        reverse("program:notice-kind", args=["call-amended"])
    )
    framed = at_desk.page.frame_locator("iframe").get_by_role("heading", name="Amendment 1 to call")
    framed.wait_for()
    assert framed.evaluate("each => getComputedStyle(each).fontSize") == "22px"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mail_reads_well_on_a_telephone(chromium, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    for code, kind in CATALOGUE.items():
        ((html, _),) = sample_mail(kind).alternatives
        page.set_content(
            html.replace("<h1>", "<h1>" + "A-long-word" * 12, 1) if code == "call-amended" else html
        )
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, code
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.mail p')).fontSize)") >= 16
        assert page.locator(".act").bounding_box()["height"] >= 44, code
        ink = page.evaluate("getComputedStyle(document.body).color")
        assert ink == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme], code
    assert asked == []
    context.close()
