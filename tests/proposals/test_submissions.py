from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from program import clock
from program.canonical import canonical_json, sha256_hex
from program.clock_account import clock_account
from program.enums import OfficeRole
from program.models import AuditEvent, Notice, User
from program.services.calls import close_call
from program.transitions import NotReady, WrongStatus
from proposals import services
from proposals.composition import compose
from proposals.edits import edits_since
from proposals.enums import Part, ProposalStatus, TeamRole
from proposals.models import Certification, Component, Proposal, Receipt, ReceiptPaper, TeamMember, Version
from proposals.notices import intake_officers, team_and_officers, team_of
from proposals.package import Package
from proposals.schedule import note_lost_certifications
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import (
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    bring_to,
    certified,
    representative_of,
    submitted,
)
from tests.proposals.pages import sign_in as signed_in
from tests.statements import statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal():
    return ProposalFactory(complete=True)


@pytest.fixture
def warm(db):
    """The cache of content types is filled, as in a process that serves."""
    ContentType.objects.get_for_models(*apps.get_models())


def codes(refusal):
    return {problem.code for problem in refusal.value.problems}


def test_submission_freezes_exactly_what_was_certified(proposal):
    package = compose(proposal)
    version = submitted(proposal)
    assert (version.number, version.sha256) == (1, package.sha256)
    assert version.package == package.to_json() and version.value == package
    assert sha256_hex(version.package) == version.certification.content_sha256
    assert proposal.status == ProposalStatus.SUBMITTED
    assert proposal.submitted_at is not None and proposal.version_count == 1
    year = version.received_at.astimezone(clock.WASHINGTON).year
    assert proposal.number.startswith(f"AIX-{year}-")


def test_receipt_can_be_verified_from_its_text_alone(proposal):
    receipt = submitted(proposal).receipt
    body = json.loads(receipt.body)
    assert canonical_json(body) == receipt.body and sha256_hex(receipt.body) == receipt.sha256
    assert (body["number"], body["on_time"], body["previous_receipt_sha256"]) == (
        f"{proposal.number}-R1", True, ""
    )  # fmt: skip
    assert ReceiptPaper.objects.get().receipt == receipt


def test_second_version_names_the_receipt_before_it(proposal):
    first = submitted(proposal).receipt
    Proposal.objects.filter(pk=proposal.pk).update(title="A better title")
    certified(proposal)
    second = services.resubmit_proposal(proposal, by=representative_of(proposal))
    assert (second.number, second.receipt.previous_sha256) == (2, first.sha256)
    assert first.version.value.title != second.value.title == "A better title"
    assert Proposal.objects.get().submitted_at == proposal.submitted_at


def test_team_and_officers_are_told_without_the_content(proposal):
    intake = officer()
    submitted(proposal)
    told = dict(Notice.objects.filter(kind__startswith="proposals.").values_list("recipient", "kind"))
    assert told[representative_of(proposal).pk] == "proposals.submitted"
    assert told[intake.pk] == "proposals.arrived"
    assert not Notice.objects.filter(text__contains=proposal.title).exists()


def test_submission_is_one_event_in_the_record(proposal):
    submitted(proposal)
    acts = list(AuditEvent.objects.of(proposal).values_list("act", flat=True))
    assert acts == ["proposal.certify", "proposal.submit"]


def test_all_problems_come_at_once():
    proposal = ProposalFactory()
    with pytest.raises(NotReady) as refusal:
        services.submit_proposal(proposal, by=representative_of(proposal))
    clauses = {problem.clause for problem in refusal.value.problems}
    assert {f"E.O. 14320 s.3(b)(i)({letter})" for letter in "ABCDE"} < clauses
    assert {"E.O. 14320 s.3(b)(ii)", "E.O. 14320 s.3(b)(iii)", "E.O. 14320 s.3(b)(iv)"} < clauses
    assert {"E.O. 14320 s.3(b)(v)", "18 U.S.C. 1001"} < clauses
    proposal.refresh_from_db()
    assert (proposal.status, Version.objects.count()) == (ProposalStatus.DRAFT, 0)


def test_any_edit_voids_the_certification(proposal):
    certified(proposal)
    component = proposal.components.first()
    services.save_row(component, by=representative_of(proposal), values={"name": "Other"}, revision=1)
    with pytest.raises(NotReady) as refusal:
        services.submit_proposal(proposal, by=representative_of(proposal))
    assert codes(refusal) == {"certification"}


def test_certification_is_of_what_was_shown_and_signed_by_name(proposal):
    by = representative_of(proposal)
    with pytest.raises(NotReady) as refusal:
        services.certify_proposal(
            proposal, by=by, content_sha256="0" * 64, typed_signature="X", authority_basis="whim"
        )
    assert codes(refusal) == {"content-changed", "signature", "authority"}
    assert Certification.objects.count() == 0


def test_certification_ends_with_the_right_to_give_it(proposal):
    by = representative_of(proposal)
    other = TeamMemberFactory(
        membership=proposal.consortium.anchor, role=TeamRole.AUTHORIZED_REPRESENTATIVE
    ).user
    certified(proposal, by)
    TeamMember.objects.filter(user=by, role=TeamRole.AUTHORIZED_REPRESENTATIVE).update(
        removed_at=clock.instant()
    )
    with pytest.raises(PermissionDenied):
        services.submit_proposal(proposal, by=by)
    with pytest.raises(NotReady) as refusal:
        services.submit_proposal(proposal, by=other)
    assert codes(refusal) == {"certification"}


def test_contributor_cannot_certify_or_submit(proposal):
    person = TeamMemberFactory(membership=proposal.consortium.anchor).user
    for act in (services.submit_proposal, services.resubmit_proposal):
        with pytest.raises(PermissionDenied):
            act(proposal, by=person)
    with pytest.raises(PermissionDenied):
        certified(proposal, person)


@pytest.mark.parametrize(("before", "on_time"), [(timedelta(milliseconds=1), True), (timedelta(0), False)])
def test_deadline_is_exclusive_to_the_millisecond(proposal, before, on_time):
    certified(proposal)
    with clock.moved_to(proposal.call.closes_at - before):
        if on_time:
            version = services.submit_proposal(proposal, by=representative_of(proposal))
            assert (version.on_time, version.received_at) == (True, proposal.call.closes_at - before)
            assert version.closes_at == proposal.call.closes_at and "s.3(c)" in version.on_time_rule
        else:
            with pytest.raises(NotReady) as refusal:
                services.submit_proposal(proposal, by=representative_of(proposal))
            assert codes(refusal) == {"late"}


def test_status_of_the_call_is_not_asked(proposal):
    """The closer may have run while this transaction waited: what was received in time stands."""
    certified(proposal)
    account = clock_account()
    with clock.moved_to(proposal.call.closes_at + timedelta(seconds=1)):
        close_call(proposal.call, by=account)
    with clock.moved_to(proposal.call.closes_at - timedelta(milliseconds=1)):
        assert services.submit_proposal(proposal, by=representative_of(proposal)).on_time


def test_fifty_clicks_make_one_version(proposal):
    certified(proposal)
    by = representative_of(proposal)
    services.submit_proposal(proposal, by=by)
    for _ in range(49):
        with pytest.raises(WrongStatus):
            services.submit_proposal(Proposal.objects.get(), by=by)
    assert (Version.objects.count(), Receipt.objects.count()) == (1, 1)


def test_resubmission_must_say_something_new(proposal):
    submitted(proposal)
    with pytest.raises(NotReady) as refusal:
        services.resubmit_proposal(proposal, by=representative_of(proposal))
    assert codes(refusal) == {"unchanged", "certification"}


def test_returned_proposal_is_corrected_within_its_cure_period(proposal):
    submitted(proposal)
    after = proposal.call.closes_at + timedelta(days=1)
    due = proposal.call.closes_at + timedelta(days=10)
    with clock.moved_to(after):
        Proposal.objects.filter(pk=proposal.pk).update(
            status=ProposalStatus.RETURNED, cure_due_at=due, title="Corrected"
        )
        certified(proposal)
    with clock.moved_to(due), pytest.raises(NotReady) as refusal:
        services.resubmit_proposal(proposal, by=representative_of(proposal))
    assert codes(refusal) == {"late"}
    with clock.moved_to(due - timedelta(milliseconds=1)):
        version = services.resubmit_proposal(proposal, by=representative_of(proposal))
    assert (version.closes_at, version.number, proposal.cure_due_at) == (due, 2, None)


def test_withdrawal_needs_a_reason_and_hides_a_draft_from_government(proposal):
    by, intake = representative_of(proposal), officer()
    with pytest.raises(NotReady):
        services.withdraw_proposal(proposal, by=by, note=" ")
    services.withdraw_proposal(proposal, by=by, note="A member left.")
    assert not Notice.objects.filter(recipient=intake, kind="proposals.withdrawn").exists()
    assert not Proposal.objects.visible_to(intake).exists()


def test_lapse_is_the_clocks_act(proposal):
    with pytest.raises(PermissionDenied):
        services.lapse_proposal(proposal, by=representative_of(proposal))
    with pytest.raises(NotReady):
        services.lapse_proposal(proposal, by=clock_account())
    with clock.moved_to(proposal.call.closes_at):
        services.lapse_proposal(proposal, by=clock_account())
    assert Proposal.objects.get().status == ProposalStatus.LAPSED


def test_material_change_is_reported_only_of_what_was_submitted(proposal):
    with pytest.raises(PermissionDenied):
        services.report_material_change(proposal, by=representative_of(proposal), text="A new owner.")
    bring_to(proposal, ProposalStatus.SUBMITTED)
    change = services.report_material_change(proposal, by=representative_of(proposal), text="A new owner.")
    assert change.proposal == proposal


@pytest.mark.parametrize("table", ["version", "certification", "receipt"])
def test_what_was_submitted_is_kept_by_the_database(proposal, table):
    submitted(proposal)
    for statement in (f"UPDATE proposals_{table} SET id = id", f"DELETE FROM proposals_{table}"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_text_is_kept_to_the_letter(proposal):
    hostile = "<script>alert('é')</script> '; DROP TABLE x;-- ‮אב 🛰️ {{ 7*7 }}\n\t" + "z" * 200_000
    Proposal.objects.filter(pk=proposal.pk).update(summary=hostile)
    version = submitted(proposal)
    assert Package.from_json(Version.objects.get(pk=version.pk).package).summary == hostile


@pytest.mark.django_db(transaction=True)  # an act is no savepoint of the test, so that its own are counted
@pytest.mark.parametrize("act", ["submit", "resubmit"])
def test_page_that_submits_costs_nineteen_statements(client, proposal, act, warm):
    officer(OfficeRole.PROGRAM_OFFICER, "COMMERCE")
    by = representative_of(proposal)
    if act == "resubmit":
        submitted(proposal, by)
        Proposal.objects.filter(pk=proposal.pk).update(title="A better title")
    certified(proposal)
    sign_in(client, by)
    with statements(savepoints=True) as sent:
        response = client.post(reverse(f"proposals:{act}", args=[proposal.pk]), {"note": "Now."})
    assert (response.status_code, response.url) == (302, reverse("proposals:receipt", args=[proposal.pk]))
    assert len(sent) == 19, "\n".join(sent)
    told = Notice.objects.filter(event__act=f"proposal.{act}").values_list("kind", flat=True)
    assert set(told) == {"proposals.arrived", "proposals.submitted"}


def sign_in(client, user):
    """A session that has just signed in with a second factor."""
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session.update({
        "second_factor_verified": user.pk, "account_authentication_methods_user": str(user.pk),
        "account_authentication_methods": [{"method": "mfa", "at": time.time()}],
    })  # fmt: skip
    session.save()


class TestTogether:
    """On a real database, with transactions that wait for each other."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def run(self, *works):
        outcomes = []

        def work(act):
            try:
                outcomes.append(act())
            except Exception as error:
                outcomes.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=[act]) for act in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        return outcomes

    def test_two_people_submit_at_once(self):
        proposal = ProposalFactory(complete=True)
        certified(proposal)
        by = representative_of(proposal)

        def submit():
            return services.submit_proposal(Proposal.objects.get(), by=by)

        outcomes = self.run(submit, submit)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Version", "WrongStatus"]
        assert (Version.objects.count(), Receipt.objects.count()) == (1, 1)

    def test_submission_begun_before_the_close_stands_when_it_commits_after(self):
        proposal = ProposalFactory(complete=True)
        certified(proposal)
        by = representative_of(proposal)
        began, may_go_on = threading.Event(), threading.Event()

        def submit():
            with transaction.atomic():
                began_at = clock.now()
                began.set()
                may_go_on.wait(10)
                version = services.submit_proposal(Proposal.objects.get(), by=by)
            return began_at, version

        def close():
            began.wait(10)
            moment = clock.instant()
            with transaction.atomic():
                type(proposal.call).objects.filter(pk=proposal.call_id).update(
                    closes_at=moment, status="closed", closed_at=moment
                )
            may_go_on.set()
            return moment

        outcomes = self.run(submit, close)
        moment = next(outcome for outcome in outcomes if not isinstance(outcome, tuple))
        began_at, version = next(outcome for outcome in outcomes if isinstance(outcome, tuple))
        assert began_at == version.received_at < moment == version.closes_at
        assert version.on_time

    def test_closing_waits_for_a_submission_that_is_under_way(self):
        proposal = ProposalFactory(complete=True)
        certified(proposal)
        by, calls = representative_of(proposal), type(proposal.call).objects.filter(pk=proposal.call_id)
        submitted_now, order = threading.Event(), []

        def submit():
            with transaction.atomic():
                version = services.submit_proposal(Proposal.objects.get(), by=by)
                submitted_now.set()
                time.sleep(0.5)
                order.append("submitted")
            return version

        def close():
            submitted_now.wait(10)
            calls.update(status="closed")
            order.append("closed")

        self.run(submit, close)
        assert order == ["submitted", "closed"]


class TestLostCertification:
    """Any change takes a certification away: it is said before, told after, once, with who and what."""

    @pytest.fixture
    def component(self, proposal):
        certified(proposal)
        return proposal.components.filter(layer="hardware").first()

    def change(self, component, by, name):
        component.refresh_from_db()
        services.save_row(component, by=by, values={"name": name}, revision=component.revision)

    def test_its_signer_is_told_once_who_changed_what(self, client, proposal, component):
        signer, colleague = representative_of(proposal), colleague_of(proposal)
        assert note_lost_certifications() == 0
        for name in ("Another rack", "Yet another rack"):
            self.change(component, colleague, name)
            note_lost_certifications()
        told = Notice.objects.get(kind="proposals.certification_lost")
        assert told.recipient == signer
        assert f"{colleague.name} changed “Hardware and infrastructure”" in told.text
        signed_in(client, signer)
        shown = client.get(reverse("proposals:detail", args=[proposal.pk])).text
        assert "Certification lost by a change" in shown and colleague.name in shown
        review = client.get(reverse("proposals:review", args=[proposal.pk])).text
        assert "The certification no longer counts" in review

    def test_who_changed_one_row_is_named_beside_who_changed_many(self, proposal, component):
        one, many, since = colleague_of(proposal), colleague_of(proposal), clock.instant()
        User.objects.filter(pk=many.pk).update(name="Dora Diligent")
        many.refresh_from_db()
        self.change(component, one, "Another rack")
        for number in range(8):
            row = services.add_row(Component(proposal=proposal, layer="hardware"), by=many)
            self.change(row, many, f"Rack {number}")
        assert [(edit.by, edit.part) for edit in edits_since(proposal, since)] == [
            (many.name, Part.HARDWARE),
            (one.name, Part.HARDWARE),
        ]

    def test_one_given_anew_or_used_is_not_lost(self, proposal, component):
        self.change(component, colleague_of(proposal), "Another rack")
        certified(proposal)
        assert note_lost_certifications() == 0
        services.submit_proposal(proposal, by=representative_of(proposal))
        self.change(component, colleague_of(proposal), "A third rack")
        assert note_lost_certifications() == 0 and not Notice.objects.filter(
            kind="proposals.certification_lost"
        )

    def test_pages_warn_whoever_edits_a_certified_package(self, client, proposal, component):
        colleague = colleague_of(proposal)
        signed_in(client, colleague)
        address = reverse("proposals:part", args=[proposal.pk, "hardware"])
        assert "takes the certification away" in client.get(address).text
        self.change(component, colleague, "Another rack")
        assert "takes the certification away" not in client.get(address).text

    def test_refusal_to_certify_names_person_part_and_place(self, client, proposal):
        signer, colleague = representative_of(proposal), colleague_of(proposal)
        shown = compose(proposal).sha256
        since = clock.now().isoformat()
        self.change(proposal.components.filter(layer="models").first(), colleague, "Another model")
        services.save_row(proposal, by=colleague, values={"title": "Anew"}, revision=proposal.revision)
        signed_in(client, signer, fresh=True)
        facts = {
            "content_sha256": shown,
            "shown_at": since,
            "signer_title": "VP",
            "authority_basis": "officer",
            "typed_signature": signer.name,
        }
        page = client.post(reverse("proposals:certify", args=[proposal.pk]), facts).text
        assert f"{colleague.name} changed “AI models and systems”" in page
        assert f"{colleague.name} changed “Overview”" in page
        assert f'href="{reverse("proposals:part", args=[proposal.pk, "models"])}"' in page
        assert not Certification.objects.exists()


def colleague_of(proposal):
    return TeamMemberFactory(membership=proposal.consortium.anchor, user__name="Cora Colleague").user


# What is written once


def test_who_is_told_of_a_version_are_team_and_intake_officers_and_nobody_is_both(proposal):
    desk, at_work, recused = (officer(OfficeRole.PROGRAM_OFFICER) for _ in range(3))
    RecusalFactory(proposal=proposal, user=recused)
    for person in (at_work, recused):
        TeamMemberFactory(membership=proposal.consortium.anchor, user=person)
    asked = {"proposal": proposal.pk, "consortium": proposal.consortium_id, **clock.given()}
    people = team_and_officers.rows(**asked)
    told = {side: {person for person in people if person.on_team == side} for side in (True, False)}
    assert told[True] == set(team_of(proposal.consortium_id)) >= {at_work, recused}
    assert told[False] == set(intake_officers(proposal)) >= {desk}
    assert not told[False] & {at_work, recused}
    with clock.moved_to(clock.now() - timedelta(days=4000)):
        assert not any(not person.on_team for person in team_and_officers.rows(**asked | clock.given()))


def test_version_holds_the_package_that_its_text_says(proposal):
    version = submitted(proposal)
    kept = Version.objects.get(pk=version.pk)
    assert version.value == kept.value
    assert (kept.sha256, sha256_hex(kept.package)) == (kept.value.sha256, kept.sha256)


def test_who_does_not_see_a_proposal_finds_no_address_to_submit_it(client, proposal):
    certified(proposal)
    stranger, colleague = UserFactory(), TeamMemberFactory(membership=proposal.consortium.anchor).user
    for person, status in ((stranger, 404), (colleague, 403)):
        signed_in(client, person, fresh=True)
        for act, key in (("submit", proposal.pk), ("resubmit", proposal.pk)):
            assert client.post(reverse(f"proposals:{act}", args=[key])).status_code == status
        assert client.post(reverse("proposals:submit", args=[proposal.pk + 999])).status_code == 404
    assert not Version.objects.exists()


def test_row_that_was_removed_meanwhile_is_neither_found_nor_held(client, proposal):
    row, by = proposal.components.first(), representative_of(proposal)
    services.remove_row(Component.objects.get(pk=row.pk), by=by, revision=row.revision)
    with pytest.raises(Component.DoesNotExist):
        services.save_row(row, by=by, values={"name": "Gone"}, revision=row.revision)
    signed_in(client, by)
    path = reverse("proposals:row-edit", args=[proposal.pk, row.layer, row.key])
    assert client.post(path, {f"{row.key}-name": "Gone"}).status_code == 404
