"""Who sees which page of the consortium, who changes nothing there, and that typed text is never markup."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from program import grants
from program.models import AuditEvent
from proposals.enums import ProposalStatus
from proposals.models import Component, Proposal
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import (
    MembershipFactory,
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    representative_of,
)
from tests.proposals import pages
from tests.proposals.pages import PAGES, address, row_url, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member
contributor = pages.contributor
counsel = pages.counsel
stranger = pages.stranger
component = pages.component

CORPUS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7|add:7 }}"


def test_every_page_is_shown_to_the_team_to_contributors_and_to_counsel(
    client, proposal, member, contributor, counsel
):
    for person, forms in ((member, True), (contributor, True), (counsel, False)):
        sign_in(client, person)
        for name, args in PAGES:
            response = client.get(address(name, proposal, *args))
            assert response.status_code == 200, (person, name, args)
            text = response.content.decode()
            assert text.count("<h1") == 1
            assert ("data-autosave" in text) == (
                forms and args in (("overview",), ("operating-model",), ("compliance",))
            )


def test_every_page_is_hidden_from_another_consortium_and_closed_to_strangers(client, proposal, stranger):
    for name, args in PAGES:
        response = client.get(address(name, proposal, *args))
        assert (response.status_code, response.url.split("?")[0]) == (302, reverse("account_login"))
    sign_in(client, stranger)
    for name, args in PAGES:
        assert client.get(address(name, proposal, *args)).status_code == 404, (name, args)


def test_government_reads_versions_and_never_the_working_copy(client, places):
    proposal = ProposalFactory(complete=True, status=ProposalStatus.SUBMITTED)
    sign_in(client, officer())
    response = client.get(address("detail", proposal))
    assert (response.status_code, response.url) == (302, address("version", proposal, 1))
    assert client.get(address("version", proposal, 1)).status_code == 200
    assert client.get(address("part", proposal, "hardware")).status_code == 403
    assert client.get(address("review", proposal)).status_code == 403
    assert AuditEvent.objects.filter(act="proposal.read", subject_id=str(proposal.pk)).count() == 1


def test_counsel_who_reads_and_strangers_change_nothing(client, proposal, counsel, stranger, component):
    for person, expected in ((counsel, 403), (stranger, 404)):
        sign_in(client, person)
        posts = [
            (row_url(proposal, component), {f"{component.key}-name": "X", "revision": "1"}),
            (address("row-remove", proposal, "applications", component.key), {"revision": "1"}),
            (address("row-add", proposal, "hardware", "component"), {"new-component-name": "X"}),
            (address("part", proposal, "overview"), {"title": "X", "revision": "1"}),
            (
                address("document-add", proposal),
                {"file": SimpleUploadedFile("a.csv", b"a,b\n1,2\n"), "part": "documents", "mark": "public"},
            ),
            (address("withdraw", proposal), {"note": "X"}),
            (address("access", proposal), {"email": "a@b.example", "right": "proposals.view_proposal"}),
        ]
        for url, data in posts:
            assert client.post(url, data).status_code == expected, (person, url)
    component.refresh_from_db()
    assert (component.name, proposal.components.count()) == ("Hospital triage", 7)


def test_row_of_another_proposal_and_wrong_part_are_not_found(client, proposal, member, stranger):
    foreign = Component.objects.create(
        proposal=Proposal.objects.exclude(pk=proposal.pk).get(), layer="data", name="Theirs"
    )
    sign_in(client, member)
    for part, key in (
        ("data", foreign.key),
        ("hardware", f"component-{10**25}"),
        ("data", "component-x"),
        ("data", "holding-1"),
        ("markets", proposal.components.first().key),
        ("models", proposal.components.first().key),
    ):
        assert client.get(address("row-edit", proposal, part, key)).status_code == 404, (part, key)


def test_hostile_text_is_shown_escaped_on_every_page(client, proposal, member):
    values = {"name": CORPUS, "description": CORPUS, "maker": CORPUS, "us_manufacture": CORPUS}
    Component.objects.filter(proposal=proposal, layer="hardware").update(**values)
    Component.objects.filter(proposal=proposal).exclude(layer="hardware").update(
        name=CORPUS, description=CORPUS
    )
    proposal.markets.update(end_users=CORPUS, national_interest=CORPUS)
    proposal.sites.update(name=CORPUS, kind=CORPUS, location=CORPUS)
    proposal.support_requests.update(purpose=CORPUS, other_text=CORPUS)
    proposal.compliance_statements.update(explanation=CORPUS)
    proposal.outside_parties.update(legal_name=CORPUS)
    proposal.consortium.memberships.update(role_text=CORPUS)
    Proposal.objects.filter(pk=proposal.pk).update(
        title=CORPUS[:200], summary=CORPUS, operating_model=CORPUS, program_summary=CORPUS
    )
    sign_in(client, member)
    rows = [
        ("row-edit", ("hardware", proposal.components.first().key)),
        ("row-edit", ("operating-model", proposal.sites.get().key)),
        ("row-edit", ("markets", proposal.markets.get().key)),
        ("row-remove", ("hardware", proposal.components.first().key)),
    ]
    urls = [address(name, proposal, *args) for name, args in [*PAGES, *rows]]
    urls += [
        reverse("proposals:member", args=[proposal.consortium.anchor.pk]),
        reverse("proposals:consortium", args=[proposal.consortium_id]),
    ]
    urls += [reverse("proposals:list"), reverse("proposals:consent", args=[proposal.consortium.anchor.pk])]
    for url in urls:
        text = client.get(url).content.decode()
        assert "<script>alert" not in text, url
        assert "<img src=x" not in text, url


def test_who_may_only_read_is_not_asked_to_remove(client, proposal, counsel, contributor, component):
    url = address("row-remove", proposal, "applications", component.key)
    found = [sign_in(client, person).get(url).status_code for person in (counsel, contributor)]
    assert found == [403, 200]


@pytest.mark.parametrize("status", ProposalStatus)
def test_editable_rows_and_the_right_to_change_agree(places, status):
    proposal = ProposalFactory(status=status)
    member = representative_of(proposal)
    reader, editor, recused = (
        UserFactory(),
        UserFactory(),
        TeamMemberFactory(membership=proposal.consortium.anchor).user,
    )
    grants.grant("proposals.view_proposal", on=proposal, to=reader, by=member)
    grants.grant("proposals.change_proposal", on=proposal, to=editor, by=member)
    RecusalFactory(proposal=proposal, user=recused)
    invited = MembershipFactory(
        consortium=proposal.consortium, status="invited", consented_by=None, consented_at=None
    )
    waiting = TeamMemberFactory(membership=invited).user
    for person in (member, reader, editor, recused, waiting, officer(), UserFactory()):
        listed = Proposal.objects.editable_by(person).contains(proposal)
        assert listed == person.has_perm("proposals.change_proposal", proposal), person
