"""Rows, parts and answers are saved as typed: by hand and by themselves, never over another's text."""

from __future__ import annotations

import pytest

from proposals import services
from proposals.enums import MembershipStatus
from proposals.models import Component, Proposal
from proposals.views.kinds import KINDS
from tests.factories.program import RequirementFactory
from tests.factories.proposals import ConsortiumFactory, MembershipFactory, ProposalFactory, representative_of
from tests.proposals import pages
from tests.proposals.pages import address, autosave, row_url, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member
component = pages.component

ROWS = {
    "component": ("hardware", {"name": "Rack"}),
    "market": ("markets", {"list_name": "Three cities"}),
    "site": ("operating-model", {"name": "Second site"}),
    "support": ("support", {"mechanism": "advocacy"}),
    "party": ("compliance", {"legal_name": "Lender Ltd"}),
}


@pytest.mark.parametrize("kind", ROWS)
def test_row_is_added_edited_and_removed(client, proposal, member, kind):
    part, typed = ROWS[kind]
    sign_in(client, member)
    response = client.post(
        address("row-add", proposal, part, kind),
        {f"new-{kind}-{name}": value for name, value in typed.items()},
    )
    assert response.status_code == 302
    key = response.url.rstrip("/").rpartition("/")[2]
    page = client.get(response.url)
    assert page.status_code == 200
    form = page.context["form"]
    name = (
        "purpose"
        if kind == "support"
        else "address"
        if kind == "party"
        else "national_interest"
        if kind == "market"
        else "name"
    )
    data = {form.add_prefix(n): v for n, v in typed.items()} | {
        form.add_prefix(name): "Changed",
        "revision": "1",
    }
    response = client.post(address("row-edit", proposal, part, key), data)
    assert response.status_code == 302
    row = type(form.instance).objects.get(pk=form.instance.pk)
    assert (getattr(row, name), row.revision, row.saved_by) == ("Changed", 2, member)
    assert client.get(address("row-remove", proposal, part, key)).status_code == 200
    assert (
        client.post(address("row-remove", proposal, part, key), {"revision": "1"}).url
        == page.request["PATH_INFO"]
    )
    assert type(row).objects.filter(pk=row.pk).exists()
    assert client.post(address("row-remove", proposal, part, key), {"revision": "2"}).status_code == 302
    assert not type(row).objects.filter(pk=row.pk).exists()


def test_role_supplier_statement_and_part_are_saved(client, proposal, member):
    sign_in(client, member)
    site, anchor = proposal.sites.get(), proposal.consortium.anchor
    role = {"site": site.pk, "act": "own", "new-own-third_party_name": "Owner Ltd"}
    assert client.post(address("row-add", proposal, "operating-model", "role"), role).status_code == 302
    assert site.roles.filter(act="own", third_party_name="Owner Ltd").count() == 1
    proposal.provisions.all().delete()
    supplier = {"new-provision-membership": anchor.pk, "new-provision-description": "All of it"}
    assert client.post(address("row-add", proposal, "data", "provision"), supplier).status_code == 302
    assert proposal.provisions.get().layer == "data"
    statement = proposal.compliance_statements.get(subject="itar")
    data = {
        "statement-itar-answer": "explain",
        "statement-itar-explanation": "See the annex.",
        "revision": "1",
    }
    assert client.post(address("row-edit", proposal, "compliance", "statement-itar"), data).status_code == 302
    statement.refresh_from_db()
    assert (statement.answer, statement.explanation) == ("explain", "See the annex.")
    page = client.get(address("part", proposal, "overview"))
    data = {"title": "New title", "summary": "S", "revision": page.context["token"]}
    assert client.post(address("part", proposal, "overview"), data).status_code == 302
    proposal.refresh_from_db()
    assert (proposal.title, proposal.contact_name) == ("New title", "")


@pytest.mark.parametrize(
    ("part", "kind", "words"),
    [
        ("markets", "market", "Say first which market it is, then add it."),
        ("support", "support", "Say first which request it is, then add it."),
    ],
)
def test_row_that_says_nothing_is_not_added(client, proposal, member, part, kind, words):
    sign_in(client, member)
    rows = KINDS[kind].model.objects
    before = rows.count()
    answer = client.post(address("row-add", proposal, part, kind))
    assert words in answer.content.decode()
    assert rows.count() == before


def test_autosave_answers_saved_invalid_and_signed_out(client, proposal, member, component):
    url, name = row_url(proposal, component), f"{component.key}-name"
    assert autosave(client, url).status_code == 302
    sign_in(client, member)
    saved = autosave(
        client, url, **{name: "Ward triage", f"{component.key}-users": "a\r\nb", "revision": "1"}
    )
    assert (saved.status_code, saved.json()["revision"]) == (200, 2)
    component.refresh_from_db()
    assert (component.name, component.users) == ("Ward triage", "a\nb")
    wrong = autosave(client, url, **{name: "Ward\x07", "revision": "2"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == {name: ["Remove the control characters from this text."]}


def test_stale_save_answers_both_texts_and_loses_neither(client, proposal, member, component):
    url, name = row_url(proposal, component), f"{component.key}-use_case"
    services.save_row(component, by=member, values={"use_case": "Theirs"}, revision=1)
    sign_in(client, member)
    rest = {
        f"{component.key}-{n}": getattr(component, n)
        for n in ("name", "users", "sector", "languages", "localization", "jurisdiction")
    }
    rest[f"{component.key}-supplier"] = component.supplier_id
    posted = {**rest, name: "Mine", "revision": "1"}
    answer = autosave(client, url, **posted)
    assert answer.status_code == 409
    assert answer.json() == {
        "yours": {name: "Mine"},
        "theirs": {name: "Theirs"},
        "words": {name: {"yours": "Mine", "theirs": "Theirs"}},
        "revision": 2,
        "by": str(member),
    }
    page = client.post(url, posted)
    assert page.status_code == 409
    text = page.content.decode()
    assert "Mine" in text
    assert "Theirs" in text
    kept = dict(page.context["kept"]) | {"revision": page.context["token"]}
    assert client.post(url, kept).status_code == 302
    component.refresh_from_db()
    assert component.use_case == "Mine"


def test_two_parts_of_one_row_do_not_quarrel(client, proposal, member):
    sign_in(client, member)
    overview = client.get(address("part", proposal, "overview")).context["token"]
    model = client.get(address("part", proposal, "operating-model")).context["token"]
    first = autosave(client, address("part", proposal, "overview"), title="One", revision=overview)
    assert first.status_code == 200
    second = autosave(
        client, address("part", proposal, "operating-model"), operating_model="Two", revision=model
    )
    assert second.status_code == 200
    stale = autosave(client, address("part", proposal, "overview"), title="Three", revision=overview)
    assert (stale.status_code, stale.json()["theirs"]) == (409, {"title": "One"})


@pytest.mark.parametrize("amount", ["-1", "NaN", "1" * 30, "1e9", "Infinity", "12.345", "ten"])
def test_malformed_amounts_are_refused_beside_the_field(client, proposal, member, amount):
    row = proposal.components.filter(layer="hardware").first()
    sign_in(client, member)
    field = f"{row.key}-total_value_usd"
    answer = autosave(client, row_url(proposal, row), **{field: amount, "revision": "1"})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    page = client.post(row_url(proposal, row), {field: amount, "revision": "1"})
    assert (page.status_code, page.context["form"].errors.get("total_value_usd") is not None) == (200, True)
    assert "error-summary" in page.content.decode()


def test_commas_and_dollars_are_understood_and_missing_things_saved(client, proposal, member):
    row = proposal.components.filter(layer="hardware").first()
    sign_in(client, member)
    key = row.key
    data = {f"{key}-total_value_usd": "$1,250,000.50", "revision": "1"}
    assert autosave(client, row_url(proposal, row), **data).status_code == 200
    row.refresh_from_db()
    assert (str(row.total_value_usd), row.name, row.supplier, row.country_of_origin) == (
        "1250000.50",
        "",
        None,
        None,
    )


def test_posting_what_the_form_does_not_show_changes_nothing(client, proposal, member, component):
    other = ProposalFactory()
    sign_in(client, member)
    token = client.get(address("part", proposal, "overview")).context["token"]
    before = Proposal.objects.filter(pk=proposal.pk).values(
        "status", "number", "consortium", "call", "submitted_at", "version_count", "created_by"
    )[0]
    extra = {
        "status": "designated",
        "number": "AIX-2026-9999",
        "consortium": other.consortium_id,
        "call": other.call_id,
        "submitted_at": "2026-01-01",
        "version_count": 9,
        "created_by": other.created_by_id,
        "id": other.pk,
    }
    assert (
        autosave(
            client, address("part", proposal, "overview"), title="T", revision=token, **extra
        ).status_code
        == 200
    )
    after = Proposal.objects.filter(pk=proposal.pk).values(*before)[0]
    assert after == before
    key = component.key
    extra = {
        f"{key}-proposal": other.pk,
        f"{key}-layer": "hardware",
        f"{key}-total_value_usd": "5",
        "proposal": other.pk,
    }
    assert autosave(client, row_url(proposal, component), **extra, revision="1").status_code == 200
    component.refresh_from_db()
    assert (component.proposal_id, component.layer, component.total_value_usd) == (
        proposal.pk,
        "applications",
        None,
    )


def test_member_of_another_consortium_cannot_be_named_as_supplier(client, proposal, member, component):
    foreign = ConsortiumFactory().anchor
    sign_in(client, member)
    field = f"{component.key}-supplier"
    answer = autosave(client, row_url(proposal, component), **{field: foreign.pk, "revision": "1"})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


ANSWERS = [
    ("text", "text", "We will.", "We will."),
    ("number", "number", "12.5", "12.500000"),
    ("choice", "choice", "Blue", "Blue"),
    ("date", "day", "2027-01-31", "2027-01-31"),
]


@pytest.mark.parametrize(("evidence", "column", "typed", "kept"), ANSWERS)
def test_requirement_of_the_call_is_answered_in_its_own_form(
    client, proposal, member, evidence, column, typed, kept
):
    RequirementFactory(call=proposal.call, code="own-rule", evidence_type=evidence, choices="Red\nBlue")
    url, name = address("row-edit", proposal, "requirements", "answer-own-rule"), f"answer-own-rule-{column}"
    sign_in(client, member)
    page = client.get(address("part", proposal, "requirements"))
    assert f'id="id_{name}"' in page.content.decode()
    first = autosave(client, url, **{name: typed, "revision": "0"})
    assert (first.status_code, first.json()["revision"]) == (200, 1)
    assert str(getattr(proposal.answers.get(), column)) == kept
    wrong = {"text": "x\x00", "number": "NaN", "choice": "Green", "date": "tomorrow"}[evidence]
    refused = autosave(client, url, **{name: wrong, "revision": "1"})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, [name])
    assert autosave(client, address("row-edit", proposal, "requirements", "answer-none")).status_code == 404


def test_first_answer_of_two_people_is_kept_and_shown_to_the_second(client, proposal, member):
    RequirementFactory(call=proposal.call, code="own-rule", evidence_type="text")
    url = address("row-edit", proposal, "requirements", "answer-own-rule")
    sign_in(client, member)
    assert autosave(client, url, **{"answer-own-rule-text": "First", "revision": "0"}).status_code == 200
    second = autosave(client, url, **{"answer-own-rule-text": "Second", "revision": "0"})
    assert (second.status_code, second.json()["theirs"]) == (409, {"answer-own-rule-text": "First"})


def test_supplier_that_has_left_stays_chosen_until_another_one_is(client, proposal):
    sign_in(client, representative_of(proposal))
    gone = MembershipFactory(consortium=proposal.consortium, status=MembershipStatus.LEFT)
    row = proposal.components.filter(layer="hardware").first()
    Component.objects.filter(pk=row.pk).update(supplier=gone)
    chosen = f'<option value="{gone.pk}" selected>No longer a member</option>'
    page = address("row-edit", proposal, "hardware", row.key)
    assert (
        chosen in client.get(page).text and chosen in client.get(address("table", proposal, "hardware")).text
    )
    said = {"revision": row.revision, f"{row.key}-supplier": gone.pk, f"{row.key}-name": ""}
    refused = client.post(page, said | {f"{row.key}-total_value_usd": "many"})
    assert "usa-error-message" in refused.text and chosen in refused.text
    client.post(page, said)
    row.refresh_from_db()
    assert (row.name, row.supplier) == ("", gone)
