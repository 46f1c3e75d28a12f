"""A call from its workshop to its public page, its amendments and its questions; axe on every page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from program.models import Call, Question
from tests.browser.people import with_second_factor
from tests.factories.program import UserFactory, officer
from tests.program.files import makers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEXT = "1. What is asked. A full-stack package.\n\n2. How to propose. In this portal."


def test_call_goes_from_its_workshop_to_its_amendments_and_answers(person, settings):
    settings.CLAMAV_URL = ""
    desk, second = person(with_second_factor(officer())), person(with_second_factor(officer()))
    asker, reader = person(UserFactory(name="Zebra Person")), person(None)

    draft(desk)
    call = Call.objects.get()
    address = reverse("program:desk-call", args=[call.number])
    second.visit(address).send("Approve").says("The call is approved.")
    desk.visit(f"{address}issue/").send("Issue the call").says("The call is issued")

    public = reverse("program:call-detail", args=[call.number])
    reader.visit(public).says("What a proposal must give")
    reader.says("No answer has been published yet.")
    ask(asker, public, "May we at Zebra lead a consortium?")
    ask(asker, public, "Does leased cloud count as hardware?")
    ask(asker, public, "Is rented cloud hardware?")

    desk.visit(f"{address}amend/")
    desk.fill(
        text=f"{TEXT} Files may be PDF.", summary="Files may be PDF.", reason="Several people asked.",
        legal_basis="E.O. 14320 s.3(b)",
    )  # fmt: skip
    desk.send("Go on to the mail").send("Publish the amendment").says("The amendment is public")
    replace_file(desk, address)
    answer_all(desk)

    reader.visit(public).says("Files may be PDF.")
    reader.page.get_by_text("What changed in the text").click()
    reader.says("The guide is newer.").says("Replaced:")
    reader.fill(q="clouds")
    reader.page.get_by_role("button", name="Search").click()
    reader.page.wait_for_url(lambda url: "q=clouds" in url)
    reader.says("1 answer has “clouds”").says("It depends on who owns it.")
    reader.page.get_by_text("What was corrected").click()
    reader.says("It was too short.")
    assert "May one lead" not in reader.page.locator("main").inner_text()
    reader.follow("Show all answers").says("May one lead a consortium?")
    reader.follow("Group by part of the call").says("Who may not take part")
    assert "zebra" not in reader.page.content().lower()
    asker.visit(public).says("answered under No. 2")


def draft(desk):
    """A draft with a file that is ready, and another officer asked to approve it."""
    desk.visit(reverse("program:desk-call-new")).fill(title="A call for packages").send("Make the draft")
    address = desk.page.url
    desk.follow("Edit the draft")
    desk.fill(
        summary="Packages for export.", text=TEXT, no_fr_reason="It is sent after the issue.",
        no_control_reason="Fewer than ten are asked.",
    )  # fmt: skip
    desk.says("Saved").send("Save")
    desk.visit(f"{address}files/new/")
    give_file(desk, "guide.pdf")
    desk.fill(title="A guide").send("Save")
    desk.send(desk.form("/release/"))
    desk.follow("Preview").says("A full-stack package.")
    desk.visit(address).send("Ask for approval").says("The other program officers were told")


def give_file(desk, name):
    content = {"name": name, "mimeType": "application/pdf", "buffer": makers.pdf()}
    desk.page.set_input_files("input[type=file]", files=[content])


def ask(asker, public, text):
    asker.visit(public).fill(text=text).send("Send the question")
    asker.says("Your question went to the Program office.")


def replace_file(desk, address):
    desk.visit(address).follow("Replace or withdraw")
    desk.fill(
        title="A newer guide", summary="The guide is newer.", reason="The first had an error.",
        legal_basis="E.O. 14320 s.3(b)",
    )  # fmt: skip
    desk.send("Go on to the mail")
    give_file(desk, "guide-2.pdf")
    desk.send("Publish the amendment").says("The amendment is public")
    desk.send(desk.form("/release/"))
    desk.visit(f"{address}amend/files/").visit(f"{address}amend/requirements/")


def answer_all(desk):
    """One answer in other words, one that is corrected, one under its number."""
    lead, leased, rented = (
        reverse("program:desk-question", args=[question.pk]) for question in Question.objects.order_by("pk")
    )
    desk.visit(reverse("program:desk-questions")).visit(lead)
    desk.fill(published_text="May one lead a consortium?", answer="Yes.", topic="Members", about="places")
    desk.send("See how the wording differs").says("Nothing is published yet.")
    desk.send("Give the answer").says("The answer is given.")
    desk.visit(leased).fill(answer="No.", topic="Hardware").send("Give the answer")
    desk.visit(f"{leased}correct/").fill(answer="It depends on who owns it.", reason="It was too short.")
    desk.send("Publish the correction").says("The corrected answer stands")
    desk.visit(rented).fill(number="2").send("Answer under this number").says("answered under No. 2")
    desk.visit(leased).fill(topic="Hardware and cloud").send("Save").says(
        "The question stands where you put it"
    )
