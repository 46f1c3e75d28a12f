"""Marks of confidentiality: set on a part, a row or a field, changed, taken off, shown to every reader."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from program.enums import Mark
from program.models import AuditEvent
from program.revisions import StaleRevision
from proposals import services
from proposals.composition import compose
from proposals.confidentiality import Blanket, blanket_of_rows, marked_parts, marks_of
from proposals.enums import Part
from proposals.models import Component, Marking
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ProposalFactory, certified, representative_of, submitted
from tests.proposals.pages import address, sign_in

pytestmark = pytest.mark.django_db
WHY = "Its release would tell rivals our margin."
CONFIDENTIAL = Mark.BUSINESS_CONFIDENTIAL


@pytest.fixture
def proposal(places):
    return ProposalFactory(complete=True)


@pytest.fixture
def by(proposal):
    return representative_of(proposal)


@pytest.fixture
def component(proposal):
    return proposal.components.filter(layer="hardware").first()


def marked(proposal, by, part="hardware", **facts):
    return services.set_mark(
        proposal, by=by, part=part, **{"mark": CONFIDENTIAL, "justification": WHY, **facts}
    )


def acts(proposal):
    found = AuditEvent.objects.of(proposal).filter(act__endswith="mark").order_by("sequence")
    return [(event.act, event.said["before"] or None, event.said["after"] or None) for event in found]


# On the pages


@pytest.mark.parametrize("where", ["part", "row", "field"])
def test_member_marks_a_part_a_row_or_a_field(client, proposal, by, component, where):
    key = "" if where == "part" else component.key
    place = {"part": "|", "row": f"{key}|", "field": f"{key}|total_value_usd"}[where]
    sign_in(client, by)
    data = {"part": "hardware", "row_key": key, "mark-place": place, "mark-mark": CONFIDENTIAL}
    answer = client.post(address("marks", proposal), {**data, "mark-justification": WHY}, follow=True)
    marking = Marking.objects.get()
    field = "total_value_usd" if where == "field" else ""
    assert (marking.part, marking.row_key, marking.field) == ("hardware", key, field)
    page = answer.content.decode()
    assert (
        answer.redirect_chain[0][0].endswith("#marks") and WHY in page and "Confidentiality (1 mark)" in page
    )
    whole = Part.HARDWARE.label + (f": {component.name}" if key else "")
    whole += ", Total value, USD" if field else ""
    assert [one.place for one in marks_of(compose(proposal))] == [whole]
    said = {"part": "hardware", "row": key, "field": field, "mark": CONFIDENTIAL}
    assert acts(proposal) == [("proposal.mark", None, {n: v for n, v in said.items() if v})]


def test_mark_is_changed_and_taken_off_by_hand_and_stands_in_the_record(client, proposal, by):
    marking = marked(proposal, by)
    sign_in(client, by)
    prefix = f"marking-{marking.pk}"
    data = {f"{prefix}-mark": CONFIDENTIAL, f"{prefix}-justification": "Prices.", "revision": 1}
    assert client.post(address("mark", proposal, marking.pk), data).status_code == 302
    marking.refresh_from_db()
    assert (marking.justification, marking.revision) == ("Prices.", 2)
    stale = client.post(address("mark", proposal, marking.pk), {**data, f"{prefix}-justification": "Mine."})
    assert stale.status_code == 409 and "It now says Business confidential: Prices." in stale.content.decode()
    assert "Mine." in stale.content.decode()
    client.post(address("mark-remove", proposal, marking.pk), {"revision": 1})
    assert Marking.objects.filter(pk=marking.pk).exists()
    client.post(address("mark-remove", proposal, marking.pk), {"revision": 2})
    assert not Marking.objects.exists()
    assert [act for act, *_ in acts(proposal)] == ["proposal.mark", "proposal.change_mark", "proposal.unmark"]


def test_a_place_is_marked_once_and_the_page_says_so(client, proposal, by):
    marked(proposal, by)
    sign_in(client, by)
    data = {"part": "hardware", "row_key": "", "mark-place": "|", "mark-mark": CONFIDENTIAL}
    answer = client.post(address("marks", proposal), {**data, "mark-justification": "Typed words."})
    page = answer.content.decode()
    assert answer.status_code == 422 and "This is marked already." in page and "Typed words." in page
    data["mark-place"] = "component-999999|"
    assert client.post(address("marks", proposal), data).status_code == 422
    assert Marking.objects.count() == 1


def test_rows_without_a_page_are_marked_from_their_part(client, proposal, by):
    sign_in(client, by)
    for part, key in (
        ("compliance", proposal.compliance_statements.first().key),
        ("hardware", proposal.provisions.filter(layer="hardware").first().key),
        ("consortium", f"member-{proposal.consortium.anchor.pk}"),
        ("overview", ""),
    ):
        place = f"{key}|" if key else "|summary"
        data = {"part": part, "row_key": "", "mark-place": place, "mark-mark": "public"}
        assert client.post(address("marks", proposal), data).status_code == 302, part
    assert Marking.objects.count() == 4


def test_only_who_edits_marks_and_who_reads_sees_the_marks(client, proposal, by, component):
    marking = marked(proposal, by, row_key=component.key)
    counsel, stranger = UserFactory(), representative_of(ProposalFactory())
    services.grant_access(proposal, to=counsel, by=by)
    sign_in(client, counsel)
    page = client.get(address("row-edit", proposal, "hardware", component.key)).content.decode()
    assert WHY in page and "Set the mark" not in page and "Take the mark off" not in page
    data = {"part": "hardware", "mark-place": "|", "mark-mark": CONFIDENTIAL}
    for person, status in ((counsel, 403), (stranger, 404)):
        sign_in(client, person)
        assert client.post(address("marks", proposal), data).status_code == status
        for name in ("mark", "mark-remove"):
            assert client.post(address(name, proposal, marking.pk)).status_code == status
    for person in (counsel, stranger):
        with pytest.raises(PermissionDenied):
            marked(proposal, person)
        with pytest.raises(PermissionDenied):
            services.remove_mark(marking, by=person, revision=None)
    assert Marking.objects.get().revision == 1


def test_government_only_is_not_the_consortiums_to_set(proposal, by):
    marking = marked(proposal, by)
    with pytest.raises(ValidationError):
        marked(proposal, by, part="data", mark=Mark.GOVERNMENT_ONLY)
    with pytest.raises(ValidationError):
        services.change_mark(marking, by=by, values={"mark": Mark.GOVERNMENT_ONLY}, revision=1)
    assert list(Marking.objects.values_list("mark", flat=True)) == [CONFIDENTIAL]


def test_two_who_change_one_mark_do_not_overwrite_each_other(proposal, by):
    marking = marked(proposal, by)
    services.change_mark(marking, by=by, values={"justification": "First."}, revision=1)
    with pytest.raises(StaleRevision):
        services.change_mark(marking, by=by, values={"justification": "Second."}, revision=1)
    assert services.change_mark(marking, by=by, values={"justification": "First."}, revision=2) is None
    assert Marking.objects.get().justification == "First."


def test_mark_without_a_reason_is_a_problem_that_leads_to_its_field(client, proposal, by, component):
    marking = marked(proposal, by, row_key=component.key, justification="")
    sign_in(client, by)
    url = address("row-edit", proposal, "hardware", component.key)
    field = f"id_marking-{marking.pk}-justification"
    review = client.get(address("review", proposal)).content.decode()
    assert f'href="{url}#{field}"' in review
    assert f'id="{field}"' in client.get(url).content.decode()
    part = client.get(address("part", proposal, "hardware")).content.decode()
    row = part[part.index(f'<tr id="{component.key}"') :]
    assert "1 to do" in row[: row.index("</tr>")]


def test_mark_of_a_removed_row_waits_with_its_row(proposal, by, component):
    marked(proposal, by, row_key=component.key)
    kept = marked(proposal, by, part="data")
    services.remove_row(component, by=by, revision=None)
    assert [one.key for one in compose(proposal).markings] == [f"marking-{kept.pk}"]
    services.restore_row(proposal.removed_rows.get(), by=by)
    assert len(compose(proposal).markings) == 2


# Shown to readers


def test_marks_stand_beside_what_they_cover_for_every_reader(client, proposal, by, component):
    marked(proposal, by, row_key=component.key, field="total_value_usd")
    submitted(proposal)
    make.five_agencies()
    make.accept(proposal, officer())
    assignment = make.assigned(proposal)
    sheet = reverse("evaluation:review", args=[make.filled_review(assignment).pk])
    for person, url in (
        (by, address("version", proposal, 1)),
        (by, address("review", proposal)),
        (officer(), reverse("evaluation:proposal", args=[proposal.number])),
        (assignment.reviewer, sheet),
    ):
        sign_in(client, person)
        page = client.get(url).content.decode()
        row = page.index(f'id="{component.key}"')
        assert row < page.index("Reason given: " + WHY, row) < page.index("<dl", row), url
        if person != by:
            assert f"Hardware and infrastructure ({component.name}, Total value" in page


def test_reviewers_banner_says_that_nothing_is_marked(client, proposal):
    submitted(proposal)
    sign_in(client, officer())
    page = client.get(reverse("evaluation:proposal", args=[proposal.number])).content.decode()
    assert "The consortium has marked nothing in it as business confidential." in page


def test_comparison_names_what_a_mark_covers(client, proposal, by, component):
    submitted(proposal)
    marked(proposal, by, row_key=component.key, field="maker")
    certified(proposal)
    services.resubmit_proposal(proposal, by=by)
    sign_in(client, by)
    page = client.get(address("compare", proposal, 2, 1)).content.decode()
    assert f"{component.name}, Maker" in page and component.key not in page
    sign_in(client, officer())
    desk = client.get(reverse("evaluation:proposal", args=[proposal.number])).content.decode()
    assert f"Mark on Hardware and infrastructure: {component.name}, Maker" in desk


# How much is marked


def test_marking_nearly_all_rows_is_warned_about_and_a_field_counts_for_none(client, proposal, by):
    for part in Part:
        marked(proposal, by, part=part)
    package = compose(proposal)
    found = blanket_of_rows(package)
    assert found == Blanket(found.of, found.of) and found.of > 10
    sign_in(client, by)
    for url in (address("part", proposal, "hardware"), address("review", proposal)):
        page = client.get(url).content.decode()
        assert f"{found.marked} of {found.of} rows are marked business confidential" in page
    Marking.objects.all().delete()
    for row in Component.objects.filter(proposal=proposal):
        marked(proposal, by, part=row.layer, row_key=row.key, field="name")
    assert blanket_of_rows(compose(proposal)) is None


def test_marked_parts_are_those_that_hold_confidential_matter(proposal, by, component):
    marked(proposal, by, part="data", mark=Mark.PUBLIC)
    marked(proposal, by, row_key=component.key)
    marked(proposal, by, part="markets")
    assert marked_parts(compose(proposal)) == {
        Part.HARDWARE: [component.name], Part.MARKETS: ["the whole part"]
    }  # fmt: skip
