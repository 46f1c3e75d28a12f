"""The same bad input at each door: typed into a form, brought in a file, checked on the command line.

What a file and a check say of it stands in ``test_package_file.py`` and ``test_check_package.py``; here it is
typed, and brought by a file whose other rows are sound.
"""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from proposals.composition import compose
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
    kept = {
        f"{row.key}-{name}": getattr(row, name) or ""
        for name in ("name", "total_value_usd", "us_content_value_usd", "description")
    }
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
