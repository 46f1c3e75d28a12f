"""A new draft begins with the rows of an earlier proposal, and says what it does not have of it."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from program.models import Affiliation, AuditEvent
from proposals import services
from proposals.comparison import compare
from proposals.composition import compose
from proposals.enums import Part
from proposals.models import Attachment, Consortium, Membership, Proposal
from tests.factories.program import OrganizationFactory, issued_call
from tests.factories.proposals import (
    ConsortiumFactory,
    DocumentFactory,
    MembershipFactory,
    ProposalFactory,
    RecusalFactory,
    representative_of,
    submitted,
)
from tests.proposals.test_imports import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    proposal = ProposalFactory(complete=True)
    asked = proposal.call.requirements.create(
        code="own-1", title="Power", clause="Call, s.4", evidence_type="text", is_mandatory=False
    )
    proposal.answers.create(requirement=asked, text="From the grid.")
    by = representative_of(proposal)
    component = proposal.components.first()
    document = DocumentFactory(uploaded_by=by)
    services.attach_document(proposal, document, by=by, part="hardware", row_key=component.key)
    return proposal


def left_out(proposal):
    (event,) = AuditEvent.objects.of(proposal).filter(act="proposal.copy")
    return json.loads(event.body)["after"]["left_out"]


def test_copy_under_another_call_says_the_same_under_new_keys(source):
    submitted(source)
    by, call = representative_of(source), issued_call()
    before = compose(source)
    copy = services.copy_proposal(source, call, by=by)
    after = compose(copy)
    assert compose(source) == before
    assert not {row.key for row in after.components} & {row.key for row in before.components}
    said = [row.model_dump(exclude={"key"}) for row in before.components]
    assert [row.model_dump(exclude={"key"}) for row in after.components] == said
    assert after.compliance.statements == before.compliance.statements
    parts = {change.part for change in compare(before, after) if change.kind == "changed"}
    assert parts == {Part.OVERVIEW}, "the call alone is another"
    (file,) = copy.attachments.all()
    assert (file.mark, file.justification) == ("business_confidential", "")
    assert file.row_key == copy.components.first().key
    assert copy.certifications.count() == 0 and copy.status == "draft" and copy.number is None
    assert left_out(copy) == [
        f"Answers to requirements of call {source.call.number} are taken only where {call.number} asks the "
        "same.",
        "The answer to “Power”: this call does not ask that.",
        "Why 1 file or part is confidential: the marks are carried, their reasons have to be given again.",
        "Certifications, receipts and versions: the new draft is certified and submitted by itself.",
    ]


def test_answer_is_carried_where_the_call_asks_the_same(source):
    call = issued_call()
    call.requirements.create(code="own-1", title="Power", clause="Call, s.2", evidence_type="text")
    copy = services.copy_proposal(source, call, by=representative_of(source))
    assert copy.answers.get().text == "From the grid."
    other = issued_call()
    other.requirements.create(code="own-1", title="Water", clause="Call, s.2", evidence_type="text")
    copy = services.copy_proposal(source, other, by=representative_of(source))
    assert not copy.answers.exists()
    assert "The answer to “Power”: this call asks “Water” instead." in left_out(copy)


def test_another_consortium_of_the_same_anchor_takes_what_its_members_supply(source):
    by = representative_of(source)
    partner = MembershipFactory(consortium=source.consortium, organization=OrganizationFactory())
    source.components.filter(layer="data").update(supplier=partner)
    other = ConsortiumFactory(created_by=by)
    Membership.objects.filter(pk=other.anchor.pk).update(organization=source.consortium.anchor.organization)
    copy = services.copy_proposal(source, issued_call(), by=by, consortium=other)
    suppliers = {row.layer: row.supplier for row in copy.components.select_related("supplier")}
    assert suppliers["data"] is None and suppliers["models"] == other.anchor
    lines = left_out(copy)
    assert f"{partner.organization.legal_name} is not a member of this consortium." in lines
    assert "Clinical labeling: its member is not in this consortium, so none is named." in lines


def test_copy_is_of_the_same_anchor_and_by_who_may_read_the_working_copy(source):
    by, call = representative_of(source), issued_call()
    stranger = ConsortiumFactory()
    with pytest.raises(PermissionDenied):
        services.copy_proposal(source, call, by=stranger.created_by, consortium=stranger)
    services.grant_access(source, to=stranger.created_by, by=by)
    with pytest.raises(PermissionDenied, match="same anchor"):
        services.copy_proposal(source, call, by=stranger.created_by, consortium=stranger)
    RecusalFactory(proposal=source, user=by)
    with pytest.raises(PermissionDenied):
        services.copy_proposal(source, call, by=by)
    assert not Proposal.objects.filter(call=call).exists()


def test_page_begins_a_copy_and_lists_what_was_not_carried(source, client):
    by, call = representative_of(source), issued_call()
    signed_in(client, by)
    page = client.get(reverse("proposals:new"), {"from": source.pk})
    assert f'value="{source.pk}" selected' in page.content.decode()
    answer = client.post(reverse("proposals:new"), {"call": call.number, "source": source.pk}, follow=True)
    copy = Proposal.objects.get(call=call)
    assert answer.redirect_chain[-1][0] == reverse("proposals:copied", args=[copy.pk])
    assert "this call does not ask that" in answer.content.decode()
    assert copy.title == source.title and Consortium.objects.count() == 1
    assert client.get(reverse("proposals:copied", args=[source.pk])).status_code == 404
    assert Attachment.objects.filter(proposal=copy).count() == 1


def test_copy_pressed_twice_is_one_draft(source, client):
    by, call = representative_of(source), issued_call()
    signed_in(client, by)
    anchor = source.consortium.anchor.organization
    Affiliation.objects.update_or_create(user=by, organization=anchor, defaults={"is_administrator": True})
    founded = {"consortium_name": "Once more", "organization": anchor.pk, "role_text": "Leads."}
    sent = {"call": call.number, "source": source.pk, **founded}
    first, second = (client.post(reverse("proposals:new"), sent) for _ in range(2))
    copy = Proposal.objects.get(call=call)
    assert first.url == second.url == reverse("proposals:copied", args=[copy.pk])
    assert Consortium.objects.filter(name="Once more").count() == 1


def test_page_offers_no_proposal_of_others(source, client):
    stranger = ConsortiumFactory()
    signed_in(client, stranger.created_by)
    sent = {"call": issued_call().number, "source": source.pk, "consortium": stranger.pk}
    answer = client.post(reverse("proposals:new"), sent)
    assert "source" not in answer.context["form"].fields if answer.context else True
    assert not Proposal.objects.exclude(pk=source.pk).filter(components__isnull=False).exists()
