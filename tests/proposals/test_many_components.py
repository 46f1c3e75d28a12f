"""Very many components stay usable: pages are bounded, totals and checks are over all of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from program.enums import StackLayer
from proposals.composition import compose, composed, rules_of
from proposals.models import Component, Proposal
from proposals.progress import SHOWN_OF_KIND, Progress, content_sha256_of, progress_of
from tests.factories.program import RequirementFactory
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.proposals.test_tables import sign_in
from tests.statements import statements

pytestmark = pytest.mark.django_db
MANY = 60
TEXTS = [
    column.name
    for column in Component._meta.concrete_fields
    if column.get_internal_type() in ("TextField", "CharField") and not column.choices
]


@pytest.fixture
def proposal(places):
    return ProposalFactory(complete=True)


def lines(proposal, number, **values):
    made = [
        Component(
            proposal=proposal, layer="hardware", name=f"Rack {place}", total_value_usd=Decimal("10.10"),
            us_content_value_usd=Decimal("9.09"), **values,
        )
        for place in range(number)
    ]  # fmt: skip
    return Component.objects.bulk_create(made)


def address(name, proposal, *more):
    return reverse(f"proposals:{name}", args=[proposal.pk, *more])


@pytest.mark.parametrize("text", ["", " \n\u00a0\u2003", "\n said", "Words " * 50])
@pytest.mark.parametrize("layer", StackLayer)
def test_outline_shows_the_same_problems_and_totals_as_the_whole(proposal, layer, text):
    values = dict.fromkeys(TEXTS, text[:30]) | {"name": text[:30], "description": text}
    chosen = {"subtype": "chip", "total_value_usd": Decimal("3.30")} if layer == "hardware" else {}
    Component.objects.create(
        proposal=proposal, layer=layer, country_of_origin_id="CN", **{**values, **chosen}
    )
    Component.objects.create(proposal=proposal, layer=layer)
    whole, pages = Proposal.objects.for_detail().get(), Proposal.objects.for_pages().get()
    told = []
    for progress in (Progress(proposal.pk, composed(whole), rules_of(whole.call)), progress_of(pages)):
        told.append(
            (
                [(line.code, [problem.problem for problem in line.problems]) for line in progress.checklist],
                [flag.problem for flag in progress.flags],
                progress.us_content,
                progress.layers,
                progress.parts,
            )
        )
    assert told[0] == told[1]


def of_pages(proposal):
    return progress_of(Proposal.objects.for_pages().get(pk=proposal.pk))


def remove(rows):
    rows.last().delete()


WRITES = {
    "a row saved": lambda rows: rows.first().save(),
    "rows changed in one statement": lambda rows: rows.update(maker="Other"),
    "the same once more": lambda rows: rows.update(maker="Other"),
    "a row removed": remove,
    "a row added": lambda rows: rows.create(proposal=rows.first().proposal, layer="data"),
}


def test_progress_is_found_anew_once_a_row_is_written(proposal, django_assert_num_queries):
    """Within one transaction too, where every write bears the same number."""
    rows = Component.objects.filter(proposal=proposal)
    for write in WRITES.values():
        before = of_pages(proposal)
        with django_assert_num_queries(2):  # the proposal, and the day
            assert of_pages(proposal) is before
        write(rows)
        assert of_pages(proposal) is not before
        assert len(of_pages(proposal).package.components) == rows.count()


def test_progress_is_found_anew_once_anything_else_changes(proposal):
    def codes():
        return {problem.code for problem in of_pages(proposal).problems}

    assert "missing-market" not in codes()
    proposal.markets.all().delete()
    assert "missing-market" in codes()
    RequirementFactory(call=proposal.call, code="own-demand", evidence_type="text")
    assert "own-demand" in [line.code for line in of_pages(proposal).checklist]


def test_pages_of_many_components_are_bounded_and_cost_the_same_statements(client, proposal):
    sign_in(client, representative_of(proposal))
    pages = [
        ("part", "hardware"),
        ("table", "hardware"),
        ("table-import", "hardware"),
        ("detail",),
        ("review",),
    ]
    sent = {}
    for number in (3, MANY):
        lines(proposal, number)
        for page in pages:
            client.get(address(page[0], proposal, *page[1:]))
            with statements() as told:
                answer = client.get(address(page[0], proposal, *page[1:]))
            assert answer.status_code == 200
            sent.setdefault(page, []).append(len(told))
    assert {page: counts for page, counts in sent.items() if len(set(counts)) > 1} == {}
    page = client.get(address("part", proposal, "hardware"))
    total = Component.objects.filter(proposal=proposal, layer="hardware").count()
    assert len(page.context["rows"]) == 25
    assert f"1 to 25 of {total} components" in page.content.decode()
    last = client.get(address("part", proposal, "hardware") + "?page=99")
    assert len(last.context["rows"]) == total - 25 * 2
    assert client.get(address("part", proposal, "hardware") + "?page=x").status_code == 200
    content = compose(proposal).hardware
    assert page.context["progress"].us_content.whole.total_usd == sum(
        line.total_value_usd for line in content if line.total_value_usd is not None
    )


def test_problems_of_many_components_are_counted_by_their_kind(client, proposal):
    sign_in(client, representative_of(proposal))
    lines(proposal, MANY, us_manufacture="Assembled in Ohio")
    for page in (("part", "hardware"), ("detail",), ("review",)):
        text = client.get(address(page[0], proposal, *page[1:])).content.decode()
        assert f"{MANY - SHOWN_OF_KIND} more: give its maker" in text
        assert text.count(": give its maker.") == SHOWN_OF_KIND


def test_row_of_the_table_saves_its_columns_alone_and_bears_a_conflict(client, proposal):
    by = representative_of(proposal)
    sign_in(client, by)
    row = lines(proposal, 30, description="Kept", eccn="3A090")[29]
    page = client.get(address("table", proposal, "hardware") + "?page=2")
    (shown,) = [one for one in page.context["rows"] if one["row"].pk == row.pk]
    posted = {**shown["form"].shown(), "revision": shown["token"]}
    where = address("table-row", proposal, "hardware", row.key)
    mine = {**posted, f"{row.key}-quantity": "1,200", f"{row.key}-country_of_origin": "ke"}
    with statements() as told:
        answer = client.post(where, mine, headers={"X-Autosave": "1"})
    assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    assert len(told) <= 9
    row.refresh_from_db()
    assert (row.quantity, row.country_of_origin_id, row.description, row.eccn) == (
        1200,
        "KE",
        "Kept",
        "3A090",
    )
    theirs = {**posted, f"{row.key}-quantity": "7"}
    answer = client.post(where, theirs, headers={"X-Autosave": "1"})
    assert answer.status_code == 409
    assert answer.json()["yours"][f"{row.key}-quantity"] == "7"
    assert answer.json()["theirs"][f"{row.key}-quantity"] == "1,200"
    assert client.post(where, theirs).status_code == 409
    bad = {**mine, "revision": "2", f"{row.key}-country_of_origin": "Atlantis"}
    answer = client.post(where, bad, headers={"X-Autosave": "1"})
    assert answer.status_code == 422
    assert "no country that the portal knows" in str(answer.json())
    answer = client.post(where, bad)
    assert answer.status_code == 200
    assert "Atlantis" in answer.content.decode()
    answer = client.post(where, {**mine, "revision": "2", f"{row.key}-maker": "Helios"})
    assert answer.url.endswith(f"?page=2#{row.key}")


def test_content_is_hashed_once_for_each_state(proposal, django_assert_num_queries):
    """A word of a component that no outline knows counts."""
    loaded = Proposal.objects.for_pages().get(pk=proposal.pk)
    assert content_sha256_of(loaded) == compose(proposal).sha256
    with django_assert_num_queries(0):
        content_sha256_of(loaded)
    Component.objects.filter(proposal=proposal).update(description="Another word")
    assert content_sha256_of(Proposal.objects.for_pages().get(pk=proposal.pk)) == compose(proposal).sha256


def test_page_says_who_certified_until_a_word_is_another(client, proposal):
    certified(proposal)
    sign_in(client, representative_of(proposal))
    page = reverse("proposals:part", args=[proposal.pk, "hardware"])
    given = f"Given by {representative_of(proposal).name}"
    assert given in client.get(page).content.decode()
    Component.objects.filter(proposal=proposal).update(description="Another word")
    assert given not in client.get(page).content.decode()
