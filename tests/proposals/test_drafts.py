from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from program import clock
from program.models import AuditEvent, Bloc, Notice
from program.revisions import StaleRevision
from program.transitions import NotReady
from proposals import services
from proposals.checks import all_problems
from proposals.composition import compose, rules_of
from proposals.enums import Part, ProposalStatus
from proposals.models import Component, Proposal, Provision, Site, TargetMarket
from proposals.questionnaire import SUBJECTS, ComplianceSubject
from tests.factories.program import CountryFactory, UserFactory, issued_call, officer
from tests.factories.proposals import (
    ConsortiumFactory,
    DocumentFactory,
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    representative_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal():
    return ProposalFactory()


@pytest.fixture
def by(proposal):
    return representative_of(proposal)


def added(proposal, by, **values):
    return services.add_row(Component(proposal=proposal, layer="hardware"), by=by, values=values)


def test_draft_begins_with_every_statement_to_answer():
    consortium = ConsortiumFactory()
    proposal = services.create_proposal(issued_call(), consortium, by=consortium.created_by)
    assert proposal.compliance_statements.count() == len(SUBJECTS)
    assert [subject.code for subject in SUBJECTS] == list(ComplianceSubject)
    with pytest.raises(NotReady):
        services.create_proposal(proposal.call, consortium, by=consortium.created_by)


def test_draft_begins_only_under_an_open_call_and_by_the_anchor():
    consortium, call = ConsortiumFactory(), issued_call()
    person = TeamMemberFactory(membership=consortium.anchor).user
    with pytest.raises(PermissionDenied):
        services.create_proposal(call, consortium, by=person)
    with clock.moved_to(call.closes_at), pytest.raises(NotReady):
        services.create_proposal(call, consortium, by=consortium.created_by)


def test_saving_refuses_nothing_that_is_missing(proposal, by):
    row = added(proposal, by)
    services.save_row(row, by=by, values={"name": "", "total_value_usd": None}, revision=1)
    row.refresh_from_db()
    assert (row.revision, row.saved_by) == (2, by)


def test_stale_save_gets_both_texts_and_changes_nothing(proposal, by):
    row, other = added(proposal, by, name="First"), Component.objects.get
    services.save_row(row, by=by, values={"name": "Second"}, revision=1)
    with pytest.raises(StaleRevision) as refusal:
        services.save_row(other(pk=row.pk), by=by, values={"name": "Third"}, revision=1)
    assert (refusal.value.record.name, refusal.value.read) == ("Second", 1)
    assert other(pk=row.pk).name == "Second"


def test_save_writes_only_the_fields_it_names(proposal, by):
    row = added(proposal, by, name="Board", maker="A")
    copy = Component.objects.get(pk=row.pk)
    services.save_row(row, by=by, values={"maker": "B"}, revision=1)
    copy.name = "Not to be saved"
    services.save_row(copy, by=by, values={"model": "X"}, revision=2)
    row.refresh_from_db()
    assert (row.name, row.maker, row.model) == ("Board", "B", "X")


@pytest.mark.parametrize(
    "values",
    [
        {"total_value_usd": Decimal("9" * 30)},
        {"total_value_usd": Decimal("-1")},
        {"total_value_usd": Decimal("NaN")},
        {"total_value_usd": Decimal("1.001")},
        {"total_value_usd": Decimal("1"), "us_content_value_usd": Decimal("1.01")},
        {"name": "a\x00b"},
        {"quantity": -1},
        {"subtype": "submarine"},
    ],
)
def test_what_no_draft_can_hold_is_refused_before_the_database(proposal, by, values):
    row = added(proposal, by, name="Board")
    with pytest.raises(ValidationError):
        services.save_row(row, by=by, values=values, revision=1)
    assert Component.objects.get().revision == 1


def test_status_and_call_are_not_edited_by_saving(proposal, by):
    for name, value in (("status", "designated"), ("number", "AIX-1"), ("call", issued_call())):
        with pytest.raises(PermissionDenied):
            services.save_row(proposal, by=by, values={name: value}, revision=None)


def test_row_names_nothing_of_another_consortium(proposal, by):
    stranger = MembershipFactory(consortium=ConsortiumFactory())
    with pytest.raises(ValidationError):
        added(proposal, by, supplier=stranger)
    with pytest.raises(ValidationError):
        services.add_row(Provision(proposal=proposal, membership=stranger, layer="data"), by=by)


def test_saving_asks_the_right_as_it_stands_now(proposal, by):
    row, reader = added(proposal, by), UserFactory()
    Proposal.objects.filter(pk=proposal.pk).update(
        status=ProposalStatus.LAPSED
    )  # the page was loaded while it was a draft
    with pytest.raises(PermissionDenied):
        services.save_row(row, by=by, values={"name": "Late"}, revision=1)
    with pytest.raises(PermissionDenied):
        services.save_row(row, by=reader, values={"name": "Foreign"}, revision=1)


def test_row_is_removed_with_its_revision_and_without_its_text(proposal, by):
    row = added(proposal, by, name="Secret board")
    with pytest.raises(StaleRevision):
        services.remove_row(row, by=by, revision=9)
    event = services.remove_row(row, by=by, revision=1)
    assert Component.objects.count() == 0 and "Secret" not in event.body


def test_counsel_reads_or_edits_and_loses_it_at_once(proposal, by):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=by)
    assert counsel.has_perm("proposals.view_proposal", proposal)
    assert not counsel.has_perm("proposals.change_proposal", proposal)
    services.grant_access(proposal, to=counsel, by=by, permission="proposals.change_proposal")
    assert counsel.has_perm("proposals.change_proposal", proposal)
    services.revoke_access(proposal, of=counsel, by=by)
    assert not Proposal.objects.visible_to(counsel).exists()
    for person, permission in (
        (officer(), "proposals.view_proposal"),
        (counsel, "proposals.submit_proposal"),
    ):
        with pytest.raises(PermissionDenied):
            services.grant_access(proposal, to=person, by=by, permission=permission)


def test_end_of_access_is_one_event_of_what_stood_and_one_notice(proposal, by):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=by)
    event = services.revoke_access(proposal, of=counsel, by=by)
    assert services.revoke_access(proposal, of=counsel, by=by) is None
    (kept,) = AuditEvent.objects.of(proposal).filter(act="grant.revoke")
    assert kept == event and "proposals.view_proposal" in kept.body
    assert "proposals.change_proposal" not in kept.body
    assert Notice.objects.get(recipient=counsel, event=event).kind == "proposals.no_longer_shared"


def test_factory_makes_what_checks_accept():
    proposal = ProposalFactory(complete=True)
    assert all_problems(compose(proposal), rules_of(proposal.call)) == []


def test_bloc_is_expanded_and_frozen_without_the_united_states(proposal, by):
    bloc = Bloc.objects.create(code="TEST", name="Test bloc", source="A list")
    bloc.countries.set([CountryFactory(code=code) for code in ("US", "KE", "JP")])
    services.add_row(TargetMarket(proposal=proposal), by=by, values={"bloc": bloc})
    before = compose(proposal)
    assert [country.code for country in before.markets[0].countries] == ["JP", "KE"]
    bloc.countries.remove(CountryFactory(code="JP"))
    assert compose(proposal).sha256 != before.sha256


def test_market_is_one_thing(proposal, by):
    values = {"country": CountryFactory(code="KE"), "list_name": "East Africa"}
    with pytest.raises(ValidationError):
        services.add_row(TargetMarket(proposal=proposal), by=by, values=values)
    with pytest.raises(IntegrityError), transaction.atomic():
        TargetMarket.objects.create(proposal=proposal, **values)
    own = services.add_row(
        TargetMarket(proposal=proposal), by=by,
        values={"list_name": "East Africa", "countries": [CountryFactory(code="KE")]},
    )  # fmt: skip
    assert compose(proposal).markets[0].kind == "list" and own.countries.count() == 1


def test_compose_reads_one_statement_whatever_it_holds(django_assert_num_queries):
    proposal = ProposalFactory(complete=True)
    with django_assert_num_queries(1):
        first = compose(proposal)
    for n in range(20):
        Component.objects.create(proposal=proposal, layer="data", name=f"Source {n}")
        Site.objects.create(proposal=proposal, name=f"Site {n}")
    with django_assert_num_queries(1):
        assert compose(proposal) != first


def test_saving_a_row_takes_few_statements(proposal, by, django_assert_max_num_queries):
    row = added(proposal, by)
    with django_assert_max_num_queries(7):
        services.save_row(row, by=by, values={"name": "Board"}, revision=1)


def test_attachment_belongs_to_who_uploaded_it(proposal, by):
    mine, foreign = DocumentFactory(uploaded_by=by), DocumentFactory()
    attachment = services.attach_document(proposal, mine, by=by, part=Part.HARDWARE)
    assert [document.sha256 for document in compose(proposal).documents] == [mine.sha256]
    with pytest.raises(PermissionDenied):
        services.attach_document(proposal, foreign, by=by, part=Part.HARDWARE)
    services.remove_attachment(attachment, by=by, revision=1)
    assert compose(proposal).documents == ()
    assert attachment.removed_at > clock.instant() - timedelta(minutes=1)
