"""Comments are the consortium's own: who writes, who is told, who never hears of them."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from program import notices
from program.enums import OfficeRole
from program.models import AuditEvent, Delivery, Notice
from proposals import services
from proposals.composition import compose
from proposals.models import Comment, Proposal
from proposals.querysets import readers_of_working_copy
from proposals.rules import read_ties
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import (
    ConsortiumFactory,
    MembershipFactory,
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    representative_of,
    submitted,
)
from tests.proposals.pages import sign_in
from tests.statements import statements

pytestmark = pytest.mark.django_db
COMMENTS_PAGE, PART_PAGE = 12, 18
SECRET = "The margin on the boards is zebra percent."


@pytest.fixture
def proposal(places):
    return ProposalFactory(complete=True)


@pytest.fixture
def ada(proposal):
    return representative_of(proposal)


@pytest.fixture
def ben(proposal):
    member = MembershipFactory(consortium=proposal.consortium)
    return TeamMemberFactory(membership=member, user=UserFactory(name="Ben Okafor")).user


@pytest.fixture
def counsel(proposal, ada):
    person = UserFactory(name="Cleo Counsel")
    services.grant_access(proposal, to=person, by=ada)
    return person


def said(proposal, by, **more):
    return services.add_comment(proposal, by=by, part="hardware", text=SECRET, **more)


def told(person):
    return sorted(
        Notice.objects.filter(recipient=person, kind__contains="comment").values_list("kind", flat=True)
    ) + sorted(
        Notice.objects.filter(recipient=person, kind="proposals.mentioned").values_list("kind", flat=True)
    )


def test_assigned_person_is_told_once_and_without_the_text(proposal, ada, ben, counsel):
    comment = said(proposal, ada, assigned_to=ben, mentions=[ben, counsel])
    assert told(ben) == ["proposals.comment_assigned"]
    assert told(counsel) == ["proposals.mentioned"]
    assert told(ada) == []
    Delivery.objects.exclude(notice__recipient__in=[ben, counsel]).delete()
    for delivery in Delivery.objects.all():
        notices.deliver(delivery.pk)
    texts = [str(message.message()) for message in mail.outbox]
    assert len(texts) >= 2
    assert not [text for text in texts if "zebra" in text]
    event = AuditEvent.objects.of(comment).get()
    assert (event.act, "zebra" in event.body) == ("comment.add", False)


def test_name_after_an_at_is_a_mention(proposal, ada, ben):
    comment = services.add_comment(proposal, by=ada, part="markets", text="Is this so, @Ben Okafor?")
    assert list(comment.mentions.all()) == [ben]
    assert told(ben) == ["proposals.mentioned"]


def test_reply_tells_the_author_and_whom_it_is_assigned_to(proposal, ada, ben, counsel):
    comment = said(proposal, ada, assigned_to=ben)
    answer = services.answer_comment(comment, by=counsel, text="It is right.")
    assert (answer.parent, answer.part) == (comment, "hardware")
    assert told(ada) == ["proposals.comment_answered"]
    assert told(ben) == ["proposals.comment_answered", "proposals.comment_assigned"]


def test_comment_is_resolved_and_reopened_by_somebody(proposal, ada, ben):
    comment = said(proposal, ada, assigned_to=ben)
    services.resolve_comment(comment, by=ben)
    assert services.resolve_comment(comment, by=ada) is None
    comment.refresh_from_db()
    assert (comment.resolved_by, Comment.objects.open().count()) == (ben, 0)
    services.reopen_comment(comment, by=ada)
    comment.refresh_from_db()
    assert (comment.resolved_at, comment.resolved_by, comment.assigned_to) == (None, None, ben)
    acts = AuditEvent.objects.of(comment).order_by("sequence").values_list("act", flat=True)
    assert list(acts) == ["comment.add", "comment.resolve", "comment.reopen"]


def test_nobody_outside_can_be_assigned_or_mentioned(proposal, ada, ben):
    stranger, recused = UserFactory(), ben
    RecusalFactory(proposal=proposal, user=recused)
    comment = said(proposal, ada)
    for person in (stranger, recused, officer()):
        with pytest.raises(ValidationError):
            said(proposal, ada, mentions=[person])
        with pytest.raises(ValidationError):
            services.assign_comment(comment, by=ada, to=person)
    assert Comment.objects.count() == 1


def test_readers_rule_and_queryset_name_the_same_people(proposal, ada, ben, counsel):
    invited = TeamMemberFactory(
        membership=MembershipFactory(consortium=proposal.consortium, status="invited", consented_at=None)
    ).user
    gone = TeamMemberFactory(membership=proposal.consortium.anchor)
    services.remove_team_member(gone, by=ada)
    recused = TeamMemberFactory(membership=proposal.consortium.anchor).user
    RecusalFactory(proposal=proposal, user=recused)
    Proposal.objects.filter(pk=proposal.pk).update(status="submitted", submitted_at=gone.created_at)
    everybody = [
        ada, ben, counsel, invited, gone.user, recused, UserFactory(), ConsortiumFactory().created_by,
        *(officer(role) for role in (OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR)),
    ]  # fmt: skip
    readers = set(readers_of_working_copy(proposal))
    comment = said(proposal, ada)
    for person in everybody:
        may = person.has_perm("proposals.view_draft_proposal", proposal)
        assert (person in readers) == may, person
        assert read_ties(person, proposal.pk).opens_working_copy == may, person
        assert Proposal.objects.working_copies_of(person).contains(proposal) == may, person
        assert Comment.objects.visible_to(person).contains(comment) == may, person
    assert readers == {ada, ben, counsel}


def test_comment_is_nowhere_outside_the_working_copy(client, proposal, ada):
    before = compose(proposal).sha256
    comment = said(proposal, ada)
    assert compose(proposal).sha256 == before
    version = submitted(proposal)
    assert "zebra" not in version.package
    desk = sign_in(client, officer())
    assert desk.get(reverse("proposals:comments", args=[proposal.pk])).status_code == 403
    for name in ("comment", "comment-assign", "comment-resolve", "comment-reopen"):
        address = reverse(f"proposals:{name}", args=[proposal.pk, comment.pk])
        assert desk.post(address).status_code == 404, name
    for address in (
        reverse("proposals:version", args=[proposal.pk, 1]),
        reverse("evaluation:proposal", args=[proposal.number]),
        reverse("proposals:receipt-json", args=[proposal.pk, 1, "package"]),
    ):
        page = desk.get(address)
        assert (page.status_code, b"zebra" in page.content) == (200, False), address


def test_who_leaves_or_is_recused_loses_the_comments_at_once(client, proposal, ada, ben):
    comment = said(proposal, ada, assigned_to=ben)
    sign_in(client, ben)
    tasks = reverse("proposals:tasks")
    addresses = [
        reverse("proposals:comments", args=[proposal.pk]),
        reverse("proposals:part", args=[proposal.pk, "hardware"]),
        tasks,
    ]
    assert [b"zebra" in client.get(address).content for address in addresses] == [True] * 3
    RecusalFactory(proposal=proposal, user=ben)
    assert [client.get(address).status_code for address in addresses] == [404, 404, 200]
    assert b"zebra" not in client.get(tasks).content
    answer = reverse("proposals:comment", args=[proposal.pk, comment.pk])
    assert client.post(answer, {f"answer-{comment.pk}-text": "Still here?"}).status_code == 404
    with pytest.raises(PermissionDenied):
        services.answer_comment(comment, by=ben, text="Still here?")


def test_walk_through_the_pages(client, proposal, ada, ben):
    row = proposal.components.filter(layer="hardware").first()
    sign_in(client, ada)
    posted = {
        "part": "hardware",
        "row_key": row.key,
        "comment-field": "tpp",
        "comment-text": SECRET,
        "comment-assigned_to": ben.pk,
        "comment-mentions": [ben.pk],
    }
    page = client.post(reverse("proposals:comments", args=[proposal.pk]), posted, follow=True)
    comment = Comment.objects.get()
    assert (comment.row_key, comment.field, comment.assigned_to) == (row.key, "tpp", ben)
    text = page.content.decode()
    assert SECRET in text
    assert "About “Total processing performance”" in text
    assert "Comments (1 open)" in text
    assert "1 open comment" in client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    sign_in(client, ben)
    here = reverse("proposals:comment", args=[proposal.pk, comment.pk])
    assert client.get(here).url == (
        reverse("proposals:row-edit", args=[proposal.pk, "hardware", row.key]) + f"#comment-{comment.pk}"
    )
    assert client.post(here, {f"answer-{comment.pk}-text": "From the data sheet."}).status_code == 302
    empty = client.post(here, {f"answer-{comment.pk}-text": ""})
    assert "This field is required" in empty.content.decode()
    assert (
        client.post(reverse("proposals:comment-resolve", args=[proposal.pk, comment.pk])).status_code == 302
    )
    settled = client.get(reverse("proposals:comments", args=[proposal.pk]), {"show": "resolved"})
    assert "From the data sheet." in settled.content.decode()
    services.remove_row(row, by=ada, revision=row.revision)
    services.reopen_comment(comment, by=ada)
    assert client.get(here).url.startswith(reverse("proposals:comments", args=[proposal.pk]))


def test_pages_ask_the_same_whatever_the_number_of_comments(client, proposal, ada, ben):
    sign_in(client, ada)
    addresses = [
        reverse("proposals:comments", args=[proposal.pk]),
        reverse("proposals:part", args=[proposal.pk, "markets"]),
    ]
    counts = []
    for _ in range(2):
        comment = services.add_comment(proposal, by=ada, part="markets", text="Which?", assigned_to=ben)
        services.answer_comment(comment, by=ben, text="Both.")
        for address in addresses:
            client.get(address)
        for address in addresses:
            with statements() as sent:
                assert b"Both." in client.get(address).content
            counts.append(len(sent))
    assert counts == [COMMENTS_PAGE, PART_PAGE] * 2
