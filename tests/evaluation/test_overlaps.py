"""Other proposals that share parties with one at the desk, and those that are likely the same again."""

from __future__ import annotations

import importlib
from decimal import Decimal

import pytest
from django.apps import apps

from evaluation import services
from evaluation.models import NamedParty, VersionProfile
from evaluation.overlaps import duplicates_of, overlaps_of
from evaluation.profiles import named_in
from evaluation.services.profiles import profile_version
from program.enums import OfficeRole
from program.models import User
from proposals.composition import compose
from proposals.enums import ProposalStatus
from proposals.models import Holding, Proposal
from proposals.services import submissions, withdraw_proposal
from tests.evaluation.pages import page
from tests.factories import evaluation as make
from tests.factories.program import CountryFactory, OrganizationFactory, officer
from tests.factories.proposals import (
    ConsortiumFactory,
    MembershipFactory,
    ProposalFactory,
    RecusalFactory,
    representative_of,
    submitted,
)
from tests.statements import statements

pytestmark = pytest.mark.django_db
COMMON = {"Rift Builders Ltd", "Kenya District Hospitals Authority"}


def shared(proposal, reader=None):
    """By number of each other proposal, the parties in both without those of every factory."""
    found = overlaps_of(make.version_of(proposal), reader or officer()).rows
    return {
        other.proposal.number: [party for party in other.parties if party.here not in COMMON]
        for other in found
    }


def with_owner(name, **facts):
    """A submitted proposal whose anchor has the owner ``name``."""
    consortium = ConsortiumFactory()
    organization = consortium.anchor.organization
    Holding.objects.create(
        organization=organization, holder_name=name, holder_country=CountryFactory(code="US"),
        share=Decimal("0.20"), **facts,
    )  # fmt: skip
    return ProposalFactory(consortium=consortium, status=ProposalStatus.SUBMITTED)


def with_member(package, **facts):
    """The consortium of a package of one member, with other facts of that one."""
    member = package.consortium.members[0]
    organization = member.organization.model_copy(update=facts)
    members = (member.model_copy(update={"organization": organization}),)
    return package.consortium.model_copy(update={"members": members})


def again(proposal, **facts):
    """The same consortium's proposal under another call."""
    return ProposalFactory(consortium=proposal.consortium, status=ProposalStatus.SUBMITTED, **facts)


def test_parties_in_both_are_named_with_their_roles_on_both_sides_across_calls():
    member = MembershipFactory(
        consortium=ConsortiumFactory(), organization=OrganizationFactory(legal_name="Boreal Steel AG")
    )
    here = ProposalFactory(consortium=member.consortium, status=ProposalStatus.SUBMITTED)
    there = with_owner("BOREAL STEEL")

    assert here.call_id != there.call_id
    owner = f"Owner of {there.consortium.anchor.organization.legal_name}"
    assert shared(here)[there.number] == [("Boreal Steel AG", "Member", "BOREAL STEEL", owner)]
    assert shared(there)[here.number] == [("BOREAL STEEL", owner, "Boreal Steel AG", "Member")]


def test_an_owner_of_an_owner_is_a_party_and_public_shareholders_are_none():
    consortium = ConsortiumFactory()
    organization = consortium.anchor.organization
    direct = Holding.objects.create(
        organization=organization, holder_name="Halcyon Holdings", share=Decimal("0.20"),
        holder_country=CountryFactory(code="US"),
    )  # fmt: skip
    Holding.objects.create(
        organization=organization, holder_name="Halcyon Family Trust", owned=direct, share=Decimal("1"),
        holder_country=CountryFactory(code="US"),
    )  # fmt: skip
    here = ProposalFactory(consortium=consortium, status=ProposalStatus.SUBMITTED)
    there = with_owner("Halcyon Family Trust LLC")

    (party,) = shared(here)[there.number]
    assert (party.here, party.role_here) == ("Halcyon Family Trust", "Owner of Halcyon Holdings")
    assert not NamedParty.objects.filter(compared="public shareholders").exists()


def test_a_member_is_known_by_its_organization_when_it_was_renamed():
    organization = OrganizationFactory(legal_name="Old Name Works")
    here = submitted_with(organization)
    organization.legal_name = "Wholly Different"
    organization.save()
    there = submitted_with(organization)

    (party,) = shared(here)[there.number]
    assert party == ("Old Name Works", "Member", "Wholly Different", "Member")


def submitted_with(organization):
    member = MembershipFactory(consortium=ConsortiumFactory(), organization=organization)
    return ProposalFactory(consortium=member.consortium, status=ProposalStatus.SUBMITTED)


def test_the_last_version_counts_and_only_of_what_is_live_or_designated():
    here, there = with_owner("Halcyon Trust"), with_owner("Halcyon Trust")
    assert shared(here)[there.number]
    consortium = with_member(make.version_of(there).value, holders=())
    version = make.new_version(there, {"consortium": consortium})
    profile_version(version, Proposal.objects.for_detail().get(pk=there.pk))
    assert shared(here)[there.number] == []
    assert shared(there)[here.number] == []

    withdraw_proposal(there, by=representative_of(there), note="We found another way.")
    designated, declined = (
        ProposalFactory(consortium=here.consortium, status=status)
        for status in (ProposalStatus.DESIGNATED, ProposalStatus.NOT_SELECTED)
    )
    assert there.number not in shared(here)
    assert declined.number not in shared(here)
    assert shared(here)[designated.number]


def test_the_same_anchor_with_a_package_near_to_it_is_a_likely_duplicate_and_says_why():
    first = ProposalFactory(status=ProposalStatus.SUBMITTED)
    second = again(first, title="The full AI stack for district hospitals")
    other = ProposalFactory(status=ProposalStatus.SUBMITTED)

    found = overlaps_of(make.version_of(second), officer()).rows

    assert [(row.proposal, row.is_likely_duplicate) for row in found] == [(first, True), (other, False)]
    assert found[0].why == [
        "the same anchor", "nearly the same title (95 percent alike)", "the same summary",
        "the same target markets",
    ]  # fmt: skip


def test_the_same_anchor_alone_is_no_duplicate():
    first = ProposalFactory(status=ProposalStatus.SUBMITTED)
    draft = ProposalFactory(consortium=first.consortium, complete=True, title="Irrigation by satellite")
    draft.summary = "Soil sensors and forecasts tell farms in dry valleys when to water."
    draft.save()
    submitted(draft)

    (row,) = overlaps_of(make.version_of(draft), officer()).rows
    assert (row.has_same_anchor, row.why) == (True, [])


@pytest.mark.parametrize("where", ["intake-proposal", "proposal"])
def test_pages_show_what_the_reader_may_see_and_a_recusal_hides_it(client, where):
    desk = officer()
    here = with_owner("Halcyon Trust")
    there = again(here)

    shown = page(client, desk, where, here.number)
    assert there.number in shown.text
    assert "Likely duplicate" in shown.text
    assert "Because of the same anchor" in shown.text
    assert "Halcyon Trust" in shown.text.split('id="overlaps"')[1]

    services.recuse(there, person=desk, by=officer(), reason="A former employer is a member.")
    hidden = page(client, User.objects.get(pk=desk.pk), where, here.number)
    assert hidden.status_code == 200
    assert there.number not in hidden.text
    assert "No other live or designated proposal that you may read" in hidden.text


def test_a_lead_and_a_reviewer_are_shown_no_overlaps(client):
    proposal = make.accepted()
    make.accepted()
    lead = make.lead("STATE")
    assert "overlaps" not in page(client, lead, "proposal", proposal.number).text
    assert overlaps_of(make.version_of(proposal), lead).rows == []


@pytest.mark.parametrize("where", ["intake-proposal", "proposal"])
def test_one_other_proposal_and_four_cost_the_same(client, where):
    auditor = officer(OfficeRole.AUDITOR)
    here = with_owner("Halcyon Trust")
    again(here)
    page(client, auditor, where, here.number)
    with statements() as one:
        page(client, auditor, where, here.number)
    for _ in range(3):
        again(here)
    with statements() as four:
        shown = page(client, auditor, where, here.number)
    assert len(shown.context["overlaps"].rows) == 4
    assert len(one) == len(four)


def test_the_list_takes_three_statements():
    here, desk = with_owner("Halcyon Trust"), officer()
    for _ in range(3):
        again(here)
    version = make.version_of(here)
    assert desk.holds(OfficeRole.PROGRAM_OFFICER)
    with statements() as sent:
        assert len(overlaps_of(version, desk).rows) == 3
    assert len(sent) == 3


def test_one_page_of_the_queue_looks_at_so_many_anchors_and_compares_no_summary_in_vain(monkeypatch):
    first = ProposalFactory(status=ProposalStatus.SUBMITTED)
    versions = [make.version_of(first), make.version_of(again(first))]
    monkeypatch.setattr("evaluation.overlaps.MOST", 3)
    with statements() as sent:
        assert len(duplicates_of(versions, officer())) == 2
    assert sent[-1].endswith("LIMIT 3")
    compared = []
    monkeypatch.setattr("evaluation.overlaps._near", lambda what, *_: compared.append(what) or [])
    monkeypatch.setattr("evaluation.overlaps._same_markets", lambda *_: [])
    assert duplicates_of(versions, officer()) == {}
    assert set(compared) == {"title"}


def test_what_was_submitted_before_is_written_down_by_the_migration(monkeypatch):
    monkeypatch.setattr(submissions, "FROZEN", [])
    proposal = with_owner("Halcyon Trust")
    version = make.version_of(proposal)
    assert not version.named_parties.exists()

    migration = importlib.import_module("evaluation.migrations.0028_parties_named")
    for _ in range(2):
        migration.profile_what_was_submitted(apps, None)

    anchor = proposal.consortium.anchor
    assert version.named_parties.get(compared=f"#{anchor.organization_id}").role == "Anchor"
    assert version.named_parties.get(compared="halcyon trust").role.startswith("Owner of")
    profile = VersionProfile.objects.get(version=version)
    assert profile.title == "full ai stack for district hospitals"


def test_a_long_name_is_compared_as_far_as_it_is_kept():
    proposal = ProposalFactory(complete=True)
    package = compose(proposal)
    consortium = with_member(package, legal_name="word " * 900)
    rows = list(named_in(package.model_copy(update={"consortium": consortium}), {}))
    assert max(len(row["compared"]) for row in rows) == 300


def test_the_queue_marks_what_is_likely_the_same_again_for_who_may_read_the_other(client):
    first = ProposalFactory(status=ProposalStatus.SUBMITTED)
    twin, other = again(first), ProposalFactory(status=ProposalStatus.SUBMITTED)
    desk, recused = officer(), officer()
    RecusalFactory(proposal=first, user=recused)

    def marked(person):
        rows = page(client, person, "intake").context["proposals"]
        return {row.pk: [one.number for one in duplicates] for row, _, duplicates in rows}

    assert marked(desk) == {first.pk: [twin.number], twin.pk: [first.number], other.pk: []}
    assert marked(recused) == {twin.pk: [], other.pk: []}
    shown = page(client, desk, "intake").content.decode()
    assert "Likely duplicate" in shown and f"of {twin.number}" in shown


def test_names_in_arabic_are_written_anew_for_versions_submitted_before():
    version = make.version_of(with_owner("شركة النور للتجارة"))
    old = NamedParty.objects.get(version=version, compared="نور للتجاره")
    earlier = {"party_key": old.party_key, "name": old.name, "role": old.role, "version": version}
    other = make.version_of(with_owner("Another Owner"))
    NamedParty.objects.create(**earlier | {"version": other, "compared": "شركة النور للتجارة"})
    write_anew = importlib.import_module("evaluation.migrations.0034_names_in_arabic").write_anew

    for _ in range(2):
        write_anew(apps, None)

    rows = NamedParty.objects.filter(name=old.name).values_list("version", "compared")
    assert sorted(rows) == sorted(
        [(version.pk, "نور للتجاره"), (other.pk, "شركة النور للتجارة"), (other.pk, "نور للتجاره")]
    )
