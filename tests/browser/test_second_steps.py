"""What stands after the first of two steps: shown before it is done, whatever was typed, on every screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from program import clock
from program.deadlines import next_business_day
from program.enums import OfficeRole
from program.models import AuditEvent, Subscription
from program.services.questions import ask_question
from program.services.subscriptions import subscribe
from tests.architecture.hostile import scripts_in
from tests.browser.people import with_second_factor
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import ProposalFactory, submitted

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MARKUP = '</textarea></pre><h2>Injected</h2><img src=x onerror=alert(1)> & "quoted" {{ 7*7 }} '
LONG = MARKUP + "w" * 90 + " and on. "
WORDS = {"summary": LONG * 4, "reason": LONG * 8, "legal_basis": MARKUP}
SKIPPED = """() => [...document.querySelectorAll('main h1, main h2, main h3, main h4, main h5')]
    .map(each => +each.tagName[1]).filter((level, n, all) => n && level > all[n - 1] + 1)"""


def second_steps(call, proposal, question):
    """Where the first step is taken, what is typed there, and the button that leads on."""
    later = next_business_day(call.due_on + timedelta(days=7), []).isoformat()
    amend = "program:desk-call-amend"
    return {
        (amend, call.number): ({"text": LONG * 28, **WORDS}, ""),
        (f"{amend}-requirements", call.number): (
            {
                "new-code": "upkeep",
                "new-title": LONG,
                "new-clause": "Program policy",
                "new-guidance": LONG * 8,
                "new-evidence_type": "text",
                **WORDS,
            },
            "",
        ),
        ("program:desk-call-add-file", call.number): (WORDS, ""),
        ("program:desk-call-extend", call.number): (
            {"due_on": later, "understood": True, **WORDS},
            "",
        ),
        ("program:desk-call-cancel", call.number): ({"reason": LONG * 8}, ""),
        ("program:desk-question", question.pk): (
            {"published_text": LONG * 8, "answer": LONG * 28},
            "See how the wording differs",
        ),
        ("program:closure-new",): ({"day": "2027-03-16", "authority": LONG, "source": LONG * 4}, ""),
        ("evaluation:proposal-extend", proposal.number): (
            {"due_on": later, "reason": LONG * 8, "legal_basis": MARKUP, "understood": True},
            "",
        ),
    }


def test_second_steps_show_what_was_typed_as_text_and_keep_it(person, portal, faults):
    by = with_second_factor(officer(OfficeRole.PROGRAM_OFFICER))
    call = issued_call()
    proposal = submitted(ProposalFactory(call=call, complete=True)).proposal
    ProposalFactory(call=call)
    subscribe(call, by=UserFactory())
    Subscription.objects.create(email="reader@firm.example", confirmed_at=clock.now())
    question = ask_question(call, by=UserFactory(), text="Who may lead?")
    reader, before = person(by), AuditEvent.objects.exclude(act__startswith="user.").count()
    for (name, *keys), (typed, button) in second_steps(call, proposal, question).items():
        page, main = reader.page, reader.page.locator("main")
        page.goto(portal + reverse(name, args=keys))
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        reader.fill(**typed)
        form = main.locator("form[method=post]", has=page.locator(f"[name='{next(iter(typed))}']"))
        pressed = page.get_by_role("button", name=button) if button else reader.button_of(form)
        with page.expect_navigation():
            pressed.click()
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        reader.seen.clear()
        reader.check()
        assert scripts_in(page.content()) == [], name
        assert page.get_by_role("heading", name="Injected").count() == 0, name
        assert page.evaluate(SKIPPED) == [], name
        for field, value in typed.items():
            if value is not True:
                kept = main.locator(f"[name='{field}']").first.input_value()
                assert kept.replace("\r\n", "\n").strip() == value.strip(), (name, field)
    assert AuditEvent.objects.exclude(act__startswith="user.").count() == before
