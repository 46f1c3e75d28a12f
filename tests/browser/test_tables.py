"""Two hundred rows from a spreadsheet, then a row edited in the table from the keyboard alone."""

from __future__ import annotations

import pytest

from proposals.models import Component
from tests.browser.people import with_second_factor
from tests.factories.proposals import ProposalFactory, representative_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASTE = """([selector, text]) => {
  const field = document.querySelector(selector);
  const data = new DataTransfer();
  data.setData("text/plain", text);
  field.focus();
  field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""


def test_paste_two_hundred_rows_then_edit_in_the_table_by_keyboard(person):
    proposal = ProposalFactory(complete=True)
    author = person(with_second_factor(representative_of(proposal)))
    page = author.page
    table = f"/proposals/{proposal.pk}/hardware/table/"
    author.visit(f"/proposals/{proposal.pk}/hardware/").visit(f"{table}import/").visit(table)
    there = Component.objects.filter(proposal=proposal, layer="hardware").count()

    copied = "Name\tMaker\tQuantity\n" + "".join(f"Rack {n}\tHelios\t{n + 1:,}\n" for n in range(200))
    with page.expect_navigation():
        page.evaluate(PASTE, [".site-grid__row input[name$='-name']", copied])
    author.says("What the table would change")
    assert page.locator("dt:has-text('Would be added') + dd").inner_text() == "200"
    assert Component.objects.filter(proposal=proposal, layer="hardware").count() == there
    author.check()
    author.send("Take over the table")
    author.says("The table was taken over: 200 added, 0 changed, 0 removed.")

    author.visit(f"{table}?page=2")
    row, below = (page.locator(".site-grid__row").nth(number) for number in (0, 1))
    row.locator("input[name$='-name']").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name").endswith("-maker")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('form').id") == below.get_attribute("id")
    page.keyboard.press("ArrowUp")
    page.keyboard.type("Typed by hand")
    page.keyboard.press("Enter")
    row.get_by_text("Saved").wait_for()
    key = row.get_attribute("id").removeprefix("component-")
    saved = Component.objects.get(pk=key)
    assert (saved.maker, saved.revision) == ("Typed by hand", 2)
    assert page.url.endswith(f"{table}?page=2")


def test_table_of_hardware_fits_a_window_of_1280_pixels(person):
    proposal = ProposalFactory(complete=True)
    author = person(with_second_factor(representative_of(proposal)))
    author.page.set_viewport_size({"width": 1280, "height": 900})
    author.visit(f"/proposals/{proposal.pk}/hardware/table/")
    last = author.page.locator(".site-grid__row").first.get_by_role("link")
    box = last.bounding_box()
    assert box["x"] + box["width"] <= 1280
    frame = author.page.locator(".site-grid-frame")
    assert frame.evaluate("frame => frame.scrollWidth <= frame.clientWidth")
    hint = author.page.get_by_text("The table is wider than this window")
    assert not hint.is_visible()
    author.page.set_viewport_size({"width": 1100, "height": 900})
    assert hint.is_visible()


def test_heading_and_breadcrumb_follow_the_saved_name(person):
    proposal = ProposalFactory(complete=True)
    author = person(with_second_factor(representative_of(proposal)))
    row = proposal.components.filter(layer="hardware").first()
    author.visit(f"/proposals/{proposal.pk}/hardware/{row.key}/")
    field = author.page.locator("input[name$='-name']")
    field.fill("Renamed line")
    field.blur()
    author.page.get_by_role("heading", name="Renamed line", level=1).wait_for()
    assert author.page.locator(".usa-breadcrumb [aria-current=page]").text_content() == "Renamed line"
    assert author.page.title().startswith("Renamed line: ")
