"""The same bad input at each door: typed into a form, brought in a file, checked on the command line.

What a file and a check say of it stands in ``test_package_file.py`` and ``test_check_package.py``; here it is
typed, and brought by a file whose other rows are sound.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.urls import reverse

from proposals.composition import compose
from proposals.forms.rows import HardwareForm
from tests.factories.proposals import ProposalFactory, representative_of
from tests.proposals.test_imports import exported, of_page, sent_file, signed_in

pytestmark = pytest.mark.django_db
TEXTS = {"right to left": "שלום‮ مرحبا", "emoji": "🛰️👩🏽‍🔬🇰🇪", "long": "ж" * 200_000, "formula": "=1+1"}
ABSURD = ["-0.01", "NaN", "Infinity", "9" * 30, "1e400", "1.001"]


@pytest.fixture
def proposal(client):
    proposal = ProposalFactory(complete=True)
    signed_in(client, representative_of(proposal))
    return proposal


def typed(client, proposal, **values):
    """Save fields of the first line of hardware while typing; the errors by field."""
    row = proposal.components.first()
    data = {f"{row.key}-{name}": value for name, value in values.items()}
    kept = HardwareForm(instance=row, prefix=row.key, consortium=proposal.consortium_id).shown()
    address = reverse("proposals:row-edit", args=[proposal.pk, "hardware", row.key])
    answer = client.post(address, {**kept, **data, "revision": row.revision}, headers={"X-Autosave": "1"})
    found = answer.json().get("errors", {})
    return answer.status_code, {name.removeprefix(f"{row.key}-"): errors for name, errors in found.items()}


@pytest.mark.parametrize("amount", ABSURD)
def test_amount_that_is_none_is_refused_at_the_field_and_in_a_file(client, proposal, amount):
    before = compose(proposal)
    status, errors = typed(client, proposal, total_value_usd=amount)
    assert status == 422 and errors["total_value_usd"]
    data = exported(proposal)
    data["components"][0]["total_value_usd"] = amount
    page = sent_file(client, proposal, data)
    assert page.status_code == 422 and "“total_value_usd”" in page.content.decode()
    assert compose(proposal) == before


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("41000000.00", "41,000,000"), ("41000000.5", "41,000,000.50"), ("999", "999"), ("0", "0")],
)
def test_amount_is_shown_as_people_read_it_and_saved_from_there_unchanged(client, proposal, amount, shown):
    row = proposal.components.filter(layer="hardware").first()
    assert typed(client, proposal, total_value_usd=amount, us_content_value_usd="0") == (200, {})
    row.refresh_from_db()
    form = HardwareForm(instance=row, prefix=row.key, consortium=proposal.consortium_id)
    assert f'value="{shown}"' in str(form["total_value_usd"])
    again = HardwareForm(form.shown(), instance=row, prefix=row.key, consortium=proposal.consortium_id)
    assert again.changed_data == []
    assert typed(client, proposal, total_value_usd=shown) == (200, {})
    row.refresh_from_db()
    assert row.total_value_usd == Decimal(amount)


def test_paragraph_beside_a_wrong_amount_is_saved_while_it_is_typed(client, proposal):
    row = proposal.components.first()
    amount, revision = row.total_value_usd, row.revision
    status, errors = typed(client, proposal, total_value_usd="12 or so", description="Two hours of work.")
    assert (status, list(errors)) == (422, ["total_value_usd"])
    row.refresh_from_db()
    assert (row.description, row.total_value_usd, row.revision) == (
        "Two hours of work.",
        amount,
        revision + 1,
    )


def test_paragraph_beside_a_wrong_amount_overwrites_nobody(client, proposal):
    row = proposal.components.first()
    stale = {
        "revision": row.revision - 1,
        f"{row.key}-total_value_usd": "12 or so",
        f"{row.key}-description": "Mine.",
    }
    shown = HardwareForm(instance=row, prefix=row.key, consortium=proposal.consortium_id).shown()
    address = reverse("proposals:row-edit", args=[proposal.pk, "hardware", row.key])
    answer = client.post(address, {**shown, **stale}, headers={"X-Autosave": "1"})
    assert (answer.status_code, set(answer.json())) == (422, {"errors"})
    before = row.description
    row.refresh_from_db()
    assert row.description == before != "Mine."


def test_us_value_above_the_total_is_refused_at_the_field_and_in_a_file(client, proposal):
    status, errors = typed(client, proposal, us_content_value_usd="3000000.01")
    assert (status, list(errors)) == (422, ["us_content_value_usd"])
    data = exported(proposal)
    data["components"][0]["us_content_value_usd"] = "3000000.01"
    page = sent_file(client, proposal, data)
    shown = client.get(page.headers["Location"]).content.decode()
    assert "The U.S. content cannot be worth more than the whole." in shown
    assert 'name="shown_sha256"' not in shown, "there is no button to take it over"


def test_unknown_country_is_refused_at_the_field_and_in_a_file(client, proposal):
    status, errors = typed(client, proposal, country_of_origin="QQ")
    assert (status, list(errors)) == (422, ["country_of_origin"])
    data = exported(proposal)
    data["components"][0]["country_of_origin"] = {"code": "QQ"}
    page = sent_file(client, proposal, data)
    assert "“QQ” is no country that the portal knows" in client.get(page.headers["Location"]).content.decode()


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_any_text_is_kept_to_the_letter_typed_or_brought(client, proposal, text):
    assert typed(client, proposal, description=text) == (200, {})
    assert compose(proposal).components[0].description == text
    data = exported(proposal)
    data["operating_model"]["overview"] = text
    page = sent_file(client, proposal, data).headers["Location"]
    client.post(page, {**of_page(proposal), "shown_sha256": compose(proposal).sha256})
    assert compose(proposal).operating_model.overview == text


def test_control_characters_are_refused_at_the_field_and_in_a_file(client, proposal):
    status, errors = typed(client, proposal, description="a\x07b")
    assert (status, errors) == (422, {"description": ["Remove the control characters from this text."]})
    data = exported(proposal) | {"title": "a\x07b"}
    page = sent_file(client, proposal, json.dumps(data).encode())
    assert (
        page.status_code == 422 and "“title”: The text contains control characters." in page.content.decode()
    )
