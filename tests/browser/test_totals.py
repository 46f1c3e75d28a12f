"""The panel at the side follows what is typed: after each save, without loading the page again."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.browser.people import with_second_factor
from tests.factories.proposals import ProposalFactory, representative_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_us_content_and_what_is_missing_are_live_with_their_three_states(person, portal, faults):
    proposal = ProposalFactory(complete=True)
    line = proposal.components.filter(layer="hardware").first()
    one = person(with_second_factor(representative_of(proposal)))
    one.visit(reverse("proposals:row-edit", args=[proposal.pk, "hardware", line.key]))
    totals = one.page.locator("#totals")
    assert "60.00%" in totals.inner_text() and "Nothing" in totals.inner_text()
    field = one.page.locator("[name$='us_content_value_usd']")
    for typed, said in (("2500000", "70.00%"), ("100000", "Not presumed"), ("", "Not computable")):
        field.fill(typed)
        field.blur()
        totals.get_by_text(said).wait_for()
    assert "1 thing" in totals.inner_text()
    one.visit(reverse("proposals:detail", args=[proposal.pk]))
    assert one.page.locator("svg.site-picture--wide").bounding_box()["width"] > 500
    assert not one.page.locator("svg.site-picture--narrow").is_visible()
