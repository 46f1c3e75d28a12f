from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections, transaction
from django.urls import reverse

from program import clock, library
from program.checks import ORDER_CODES, warnings_of
from program.clock_account import clock_account
from program.deadlines import next_business_day
from program.enums import CallStatus, OfficeRole
from program.lifecycle import CALL_TRANSITIONS
from program.models import (
    Agency,
    AuditEvent,
    Call,
    Closure,
    Criterion,
    IneligibleJurisdiction,
    Notice,
    Requirement,
)
from program.revisions import StaleRevision
from program.schedule import SETTLING, close_due_calls
from program.services import calls
from program.services.demands import amend_requirements
from program.services.subscriptions import subscribe
from program.transitions import NotReady, WrongStatus, perform
from tests.factories.program import (
    AgencyFactory,
    CallFactory,
    RequirementFactory,
    UserFactory,
    approved_call,
    closed_call,
    drafted_call,
    issued_call,
    officer,
)

pytestmark = pytest.mark.django_db
APRIL_FIRST = datetime(2026, 4, 1, 13, tzinfo=UTC)


def acts_of(subject):
    return list(AuditEvent.objects.of(subject).values_list("act", flat=True))


def codes(refusal):
    return [problem.code for problem in refusal.value.problems]


class TestDrafting:
    def test_draft_is_seeded_from_the_library(self, reference_data):
        call = calls.draft_call(by=officer(), title="Second call")
        assert list(call.requirements.values_list("code", flat=True)) == [
            requirement.code for requirement in library.REQUIREMENTS
        ]
        assert sum(call.criteria.filter(is_independent=False).values_list("weight", flat=True)) == 100
        assert set(call.ineligible_jurisdictions.filter(layer="").values_list("country_id", flat=True)) == {
            "CN", "HK", "MO",
        }  # fmt: skip
        assert set(
            call.ineligible_jurisdictions.filter(layer="data").values_list("country_id", flat=True)
        ) == {"CN", "HK", "MO", "RU"}
        assert not call.ineligible_jurisdictions.filter(layer="hardware").exists()
        assert acts_of(call) == ["call.draft"]

    def test_library_holds_every_code_the_order_needs_with_its_clause(self):
        by_code = {requirement.code: requirement for requirement in library.REQUIREMENTS}
        assert len(by_code) == 12
        assert set(ORDER_CODES) < set(by_code)
        assert all(requirement.clause for requirement in library.REQUIREMENTS)

    def test_drafts_are_numbered_within_the_year(self):
        person = officer()
        first = calls.draft_call(by=person, title="One").number
        second = calls.draft_call(by=person, title="Two").number
        assert (first[:11], int(second[-4:])) == (f"AIX-C-{clock.today().year}-"[:11], int(first[-4:]) + 1)

    def test_stranger_may_not_draft(self):
        with pytest.raises(PermissionDenied):
            calls.draft_call(by=UserFactory(), title="Mine")
        with pytest.raises(PermissionDenied):
            calls.draft_call(by=officer(OfficeRole.DECISION_OFFICIAL), title="Mine")

    def test_copy_takes_texts_and_parts_but_no_clock_and_no_control_number(self, reference_data):
        call = issued_call(control_number="0625-0001", control_expires_on=date(2030, 1, 1))
        copied = calls.copy_call(call, by=officer(), title="Second call")
        assert (copied.status, copied.text, copied.control_number, copied.closes_at) == (
            CallStatus.DRAFT, call.text, "", None,
        )  # fmt: skip
        for model in (Requirement, Criterion, IneligibleJurisdiction):
            old, new = model.objects.filter(call=call), model.objects.filter(call=copied)
            assert new.count() == old.count() > 0
            assert not set(new.values_list("pk")) & set(old.values_list("pk"))

    def test_saving_never_refuses_an_incomplete_draft(self):
        call = drafted_call()
        calls.update_call(call, by=officer(), revision=call.revision, changes={"title": "", "text": ""})
        call.refresh_from_db()
        assert (call.title, call.text) == ("", "")

    @pytest.mark.parametrize("share", ["-0.01", "100.01", "500"])
    def test_presumption_holds_at_a_share_of_a_whole(self, share):
        call = drafted_call()
        with pytest.raises(ValidationError) as refused:
            calls.update_call(
                call, by=officer(), revision=call.revision, changes={"us_content_presumption": Decimal(share)}
            )
        assert set(refused.value.message_dict) == {"us_content_presumption"}

    def test_change_is_recorded_with_the_text_before_and_after(self):
        call = drafted_call()
        calls.update_call(call, by=officer(), revision=call.revision, changes={"cure_days": 14})
        event = AuditEvent.objects.of(call).last()
        assert event.act == "call.change"
        assert '"after":{"cure_days":"14"},"at"' in event.body
        assert '"before":{"cure_days":"10"}' in event.body

    def test_stale_save_changes_nothing(self):
        call = drafted_call()
        read = call.revision
        other = Call.objects.get(pk=call.pk)
        calls.update_call(other, by=officer(), revision=read, changes={"title": "First"})
        with pytest.raises(StaleRevision) as refusal:
            calls.update_call(call, by=officer(), revision=read, changes={"title": "Second"})
        assert refusal.value.record.title == "First"
        assert Call.objects.get(pk=call.pk).title == "First"

    def test_parts_are_added_changed_and_removed(self):
        call = drafted_call()
        person = officer()
        part = calls.save_part(
            Requirement(call=call, code="page-limit", title="Page limit", clause="Program policy"), by=person
        )
        part.title = "Limit of pages"
        calls.save_part(part, by=person)
        calls.remove_part(part, by=person)
        assert acts_of(call)[-3:] == [
            "call.add_requirement", "call.change_requirement", "call.remove_requirement",
        ]  # fmt: skip
        assert not call.requirements.filter(code="page-limit").exists()

    def test_part_is_not_saved_over_what_another_officer_saved(self):
        call, first, second = drafted_call(), officer(), officer()
        mine, theirs = (Criterion.objects.get(call=call, code="adoption") for _ in range(2))
        theirs.title = "Theirs"
        calls.save_part(theirs, by=first, revision=1)
        mine.title = "Mine"
        with pytest.raises(StaleRevision) as refusal:
            calls.save_part(mine, by=second, revision=1)
        assert (refusal.value.record.title, refusal.value.record.revision) == ("Theirs", 2)
        with pytest.raises(StaleRevision):
            calls.remove_part(mine, by=second, revision=1)
        assert Criterion.objects.get(pk=mine.pk).title == "Theirs"
        calls.save_part(mine, by=second, revision=2)
        assert Criterion.objects.get(pk=mine.pk).title == "Mine"

    def test_part_that_was_removed_does_not_come_back_by_a_save(self):
        call, person = drafted_call(), officer()
        open_at_mine = call.requirements.get(code="national-interest")
        calls.remove_part(call.requirements.get(code="national-interest"), by=person, revision=1)
        for act in (calls.save_part, calls.remove_part):
            with pytest.raises(NotReady, match="Somebody removed this requirement"):
                act(open_at_mine, by=person, revision=1)
        assert not call.requirements.filter(code="national-interest").exists()

    @pytest.mark.parametrize(
        ("anchors", "refused"), [({"0": "x"}, True), ({"6": "x"}, True), ({"1": "x"}, False)]
    )
    def test_only_values_of_the_scale_have_words(self, anchors, refused):
        part = drafted_call().criteria.get(code="adoption")
        part.anchors = {**anchors, "5": "y"}
        if refused:
            with pytest.raises(ValidationError, match="The scale goes from 1 to 5: take out the words for"):
                calls.save_part(part, by=officer())
        else:
            calls.save_part(part, by=officer())
        assert ("x" in Criterion.objects.get(pk=part.pk).anchors.values()) is not refused

    @pytest.mark.parametrize(("model", "code"), [(Requirement, "layer-security"), (Criterion, "adoption")])
    def test_entry_of_the_library_comes_back_once_at_its_place(self, model, code):
        call, person = drafted_call(), officer()
        was = model.objects.get(call=call, code=code)
        calls.remove_part(model.objects.get(call=call, code=code), by=person)
        assert [entry.code for entry in calls.absent_entries(call, model)] == [code]
        back = calls.add_from_library(call, by=person, model=model, code=code)
        assert (calls.facts_of(back), back.sort_order) == (calls.facts_of(was), was.sort_order)
        for wrong in (code, "no-such-entry"):
            with pytest.raises(NotReady):
                calls.add_from_library(call, by=person, model=model, code=wrong)
        assert model.objects.filter(call=call, code=code).count() == 1

    def test_notices_come_from_the_library_and_are_the_calls_own_from_then_on(self, client):
        call = drafted_call()
        assert (call.privacy_text, call.confidentiality_text) == (library.PRIVACY, library.CONFIDENTIALITY)
        changes = {"privacy_text": "Our own privacy.", "confidentiality_text": "Our own marks."}
        calls.update_call(call, by=officer(), revision=call.revision, changes=changes)
        issued_call(from_draft=call)
        page = client.get(reverse("program:call-detail", args=[call.number])).content.decode()
        assert ["Our own privacy." in page, "Our own marks." in page] == [True, True]
        assert library.CONFIDENTIALITY[:40] not in page
        call.refresh_from_db()
        with pytest.raises(WrongStatus):
            calls.update_call(call, by=officer(), revision=call.revision, changes={"privacy_text": "Other."})

    def test_library_is_closed_to_strangers_and_for_what_is_no_draft(self):
        call = drafted_call()
        call.criteria.get(code="adoption").delete()
        details = {"model": Criterion, "code": "adoption"}
        with pytest.raises(PermissionDenied):
            calls.add_from_library(call, by=UserFactory(), **details)
        with pytest.raises(WrongStatus):
            calls.add_from_library(approved_call(), by=officer(), **details)

    def test_listed_place_is_added_changed_and_removed(self, reference_data):
        call, person = drafted_call(), officer()
        place = IneligibleJurisdiction(
            call=call, country_id="KE", layer="data", reason="A law.", source="A list.", confidence="S",
            effective_from=date(2026, 1, 1),
        )  # fmt: skip
        calls.save_part(place, by=person)
        place.effective_to = date(2025, 1, 1)
        with pytest.raises(ValidationError):
            calls.save_part(place, by=person)
        place.effective_to = date(2027, 1, 1)
        calls.save_part(place, by=person, revision=1)
        again = IneligibleJurisdiction(
            call=call, country_id="KE", layer="data", reason="Again.", effective_from=date(2026, 1, 1)
        )
        with pytest.raises(ValidationError, match="listed from that day already"):
            calls.save_part(again, by=person)
        with pytest.raises(StaleRevision):
            calls.remove_part(place, by=person, revision=1)
        calls.remove_part(place, by=person, revision=place.revision)
        assert acts_of(call)[-3:] == ["call.add_place", "call.change_place", "call.remove_place"]

    def test_save_without_a_change_raises_no_revision(self):
        call = drafted_call()
        read = call.revision
        calls.update_call(call, by=officer(), revision=read, changes={"title": call.title})
        assert Call.objects.get(pk=call.pk).revision == read

    @pytest.mark.parametrize("make", [approved_call, issued_call])
    def test_call_is_frozen_once_approved(self, make):
        call = make()
        with pytest.raises(WrongStatus):
            calls.update_call(call, by=officer(), revision=call.revision, changes={"title": "Other"})
        with pytest.raises(WrongStatus):
            calls.save_part(Criterion(call=call, code="x", title="X"), by=officer())
        with pytest.raises(WrongStatus):
            calls.remove_part(call.requirements.first(), by=officer())


class TestApproval:
    def test_second_officer_approves(self):
        call = drafted_call()
        second = officer()
        calls.approve_call(call, by=second)
        call.refresh_from_db()
        assert (call.status, call.approved_by) == (CallStatus.APPROVED, second)

    def test_drafter_may_not_approve(self):
        call = drafted_call()
        with pytest.raises(PermissionDenied):
            calls.approve_call(call, by=call.created_by)
        assert Call.objects.get(pk=call.pk).status == CallStatus.DRAFT

    def test_what_is_approved_is_what_was_read(self):
        call, writer, second = drafted_call(), officer(), officer()
        read = call.revision
        changes = {"cure_days": 14, "text": "Other words."}
        calls.update_call(call, by=writer, revision=read, changes=changes)
        calls.save_part(call.criteria.get(code="adoption"), by=writer)
        with pytest.raises(StaleRevision):
            calls.approve_call(call, by=second, revision=read)
        assert Call.objects.get(pk=call.pk).status == CallStatus.DRAFT
        changed = calls.changes_since(call, read)
        assert [(event.act, event.actor) for event in changed] == [
            ("call.change_criterion", writer), ("call.change", writer),
        ]  # fmt: skip
        assert sorted(changed[1].said["after"]) == ["cure_days", "text"]
        calls.approve_call(call, by=second, revision=call.revision)
        assert call.status == CallStatus.APPROVED

    def test_drafter_is_refused_whatever_revision_was_read(self):
        call = drafted_call()
        with pytest.raises(PermissionDenied):
            calls.approve_call(call, by=call.created_by, revision=0)

    @pytest.mark.parametrize("what", ["text", "criterion", "removed"])
    def test_who_changed_the_draft_may_not_approve_either(self, what):
        """Nobody approves words of their own, whoever began the draft."""
        call, second, third = approved_call(), officer(), officer()
        calls.reopen_call(call, by=second)
        if what == "text":
            changes = {"text": "Wholly rewritten."}
            calls.update_call(call, by=second, revision=call.revision, changes=changes)
        elif what == "criterion":
            calls.save_part(call.criteria.first(), by=second)
        else:
            calls.remove_part(call.requirements.exclude(code="").last(), by=second)
        calls.update_call(call, by=third, revision=call.revision, changes={})
        with pytest.raises(PermissionDenied):
            calls.approve_call(call, by=second)
        assert third.has_perm("program.approve_call", call)

    def test_everything_missing_is_said_at_once(self):
        names = ("title", "summary", "text", "no_fr_reason", "certification_text", "privacy_text")
        call = CallFactory(**dict.fromkeys((*names, "confidentiality_text"), ""))
        with pytest.raises(NotReady) as refusal:
            calls.approve_call(call, by=officer())
        assert codes(refusal) == [
            "call-title", "call-summary", "call-text", "call-publication", "call-requirements", "call-rubric",
            "call-certification", "call-privacy", "call-confidentiality",
        ]  # fmt: skip
        assert all(problem.clause and problem.part for problem in refusal.value.problems)

    def test_requirement_of_the_order_cannot_be_left_out(self):
        call = drafted_call()
        call.requirements.filter(code="layer-security").delete()
        call.requirements.filter(code="target-markets").update(is_mandatory=False)
        with pytest.raises(NotReady, match="layer-security, target-markets") as refusal:
            calls.approve_call(call, by=officer())
        assert codes(refusal) == ["call-order-requirements"]

    def test_national_interest_is_policy_and_may_be_left_out(self):
        call = drafted_call()
        call.requirements.filter(code="national-interest").delete()
        calls.approve_call(call, by=officer())
        assert call.status == CallStatus.APPROVED

    @pytest.mark.parametrize(("weight", "total"), [(29, 99), (31, 101)])
    def test_weights_must_add_up(self, weight, total):
        call = drafted_call()
        call.criteria.filter(code="national-interest").update(weight=weight)
        with pytest.raises(NotReady, match=f"add up to {total}"):
            calls.approve_call(call, by=officer())

    def test_weights_add_up_on_the_sheet_of_every_agency(self):
        call, person = drafted_call(), officer()
        _, state, _ = (AgencyFactory(code=code) for code in ("COMMERCE", "STATE", "DOE"))
        security = call.criteria.get(code="security")
        calls.save_part(security, by=person, agencies=[state])
        assert acts_of(call)[-1] == "call.change_criterion"
        assert AuditEvent.objects.of(call).last().said["after"]["agencies"] == "STATE"
        others = Agency.objects.filter(is_evaluating=True).exclude(code="STATE")
        with pytest.raises(NotReady, match=f"for {', '.join(map(str, others))} add up to 85"):
            calls.approve_call(call, by=officer())
        of_the_others = Criterion(call=call, code="reach", title="Reach", weight=15)
        calls.save_part(of_the_others, by=person, agencies=others)
        calls.approve_call(call, by=officer())
        assert call.status == CallStatus.APPROVED
        copied = calls.copy_call(call, by=person, title="Copy")
        assert [agency.code for agency in copied.criteria.get(code="security").agencies.all()] == ["STATE"]

    def test_independent_criterion_stands_outside_the_total(self):
        call = drafted_call()
        call.criteria.filter(code="compliance-risk").update(weight=10)
        with pytest.raises(NotReady) as refusal:
            calls.approve_call(call, by=officer())
        assert codes(refusal) == ["criterion-independent"]

    def test_on_demand_calls_are_not_open(self):
        call = drafted_call(call_type="on_demand")
        with pytest.raises(NotReady) as refusal:
            calls.approve_call(call, by=officer())
        assert codes(refusal) == ["call-type"]

    def test_asking_for_approval_tells_the_other_officers(self):
        call, other = drafted_call(), officer()
        calls.ask_for_approval(call, by=call.created_by)
        told = Notice.objects.filter(kind="call-to-approve").values_list("recipient", flat=True)
        assert list(told) == [other.pk]

    def test_nobody_is_asked_where_every_officer_has_written_on_the_draft(self):
        call, other = drafted_call(), officer()
        call.written_by.add(other)
        with pytest.raises(NotReady, match="Nobody is left who could approve"):
            calls.ask_for_approval(call, by=call.created_by)
        assert "call.ask_approval" not in acts_of(call)
        officer()
        calls.ask_for_approval(call, by=call.created_by)

    def test_requirement_that_no_part_of_the_package_answers_is_refused(self):
        call = drafted_call()
        RequirementFactory(call=call, code="zzz", title="Parts", evidence_type="package")
        with pytest.raises(NotReady) as refusal:
            calls.approve_call(call, by=officer())
        assert [problem.code for problem in refusal.value.problems] == ["requirement-unanswerable"]

    def test_answered_requirement_is_not_amended_into_one_that_nobody_can_give(self):
        draft = drafted_call()
        RequirementFactory(call=draft, code="reach", evidence_type="text")
        call = issued_call(from_draft=draft)
        row = call.requirements.get(code="reach")
        row.evidence_type = "package"
        with pytest.raises(NotReady, match="nobody could give it"):
            amend_requirements(call, by=officer(), changed=[row], summary="s", reason="r")

    def test_asking_in_two_tabs_mails_once_until_the_draft_is_changed(self):
        call, _ = drafted_call(), officer()
        calls.ask_for_approval(call, by=call.created_by)
        with pytest.raises(NotReady, match="were asked already"):
            calls.ask_for_approval(call, by=call.created_by)
        assert Notice.objects.filter(kind="call-to-approve").count() == 1
        calls.update_call(call, by=call.created_by, revision=call.revision, changes={"cure_days": 14})
        calls.ask_for_approval(call, by=call.created_by)
        assert Notice.objects.filter(kind="call-to-approve").count() == 2

    def test_drafters_are_told_of_the_approval(self):
        call, writer, second = drafted_call(), officer(), officer()
        calls.update_call(call, by=writer, revision=call.revision, changes={"cure_days": 14})
        calls.approve_call(call, by=second)
        told = Notice.objects.filter(kind="call-approved")
        assert set(told.values_list("recipient", flat=True)) == {call.created_by_id, writer.pk}
        assert {(notice.url, notice.clause) for notice in told} == {
            (f"/desk/calls/{call.number}/", "E.O. 14320 s.3(b)")
        }
        assert all(second.name in notice.text for notice in told)

    def test_drafters_are_told_why_a_draft_was_sent_back_once(self):
        call, second = drafted_call(), officer()
        calls.ask_for_approval(call, by=call.created_by)
        calls.send_back_call(call, by=second, note="Say what a market is.")
        notice = Notice.objects.get(kind="call-sent-back")
        assert (notice.recipient, notice.text.endswith("Say what a market is.")) == (call.created_by, True)
        assert Call.objects.get(pk=call.pk).status == CallStatus.DRAFT
        with pytest.raises(NotReady, match="sent back already"):
            calls.send_back_call(call, by=officer(), note="Again.")
        calls.ask_for_approval(call, by=call.created_by)
        calls.send_back_call(call, by=second, note="Still.")
        assert Notice.objects.filter(kind="call-sent-back").count() == 2

    def test_draft_is_sent_back_by_another_and_with_a_reason_only(self):
        call = drafted_call()
        for person in (call.created_by, UserFactory()):
            with pytest.raises(PermissionDenied):
                calls.send_back_call(call, by=person, note="Why.")
        with pytest.raises(NotReady):
            calls.send_back_call(call, by=officer(), note=" ")
        with pytest.raises(WrongStatus):
            calls.send_back_call(approved_call(), by=officer(), note="Why.")
        assert not Notice.objects.filter(kind="call-sent-back").exists()

    def test_drafter_and_approver_are_told_when_the_approval_is_void(self):
        call = approved_call()
        approver = call.approved_by
        calls.reopen_call(call, by=officer(), note="The text changed.")
        told = Notice.objects.filter(kind="call-sent-back").values_list("recipient", flat=True)
        assert set(told) == {call.created_by_id, approver.pk}

    def test_reopened_call_needs_a_new_approval(self):
        call = approved_call()
        calls.reopen_call(call, by=officer(), note="The text changed.")
        call.refresh_from_db()
        assert (call.status, call.approved_by) == (CallStatus.DRAFT, None)


class TestDiscard:
    def test_draft_is_given_up_with_a_reason_and_stays_on_the_record(self):
        call, writer = drafted_call(), officer()
        calls.update_call(call, by=writer, revision=call.revision, changes={"cure_days": 14})
        calls.discard_call(call, by=writer, reason="Another call takes its place.", revision=call.revision)
        call.refresh_from_db()
        assert (call.status, call.is_discarded) == (CallStatus.CANCELLED, True)
        assert call.cancel_reason == "Another call takes its place."
        assert Notice.objects.get(kind="call-discarded").recipient == call.created_by
        assert acts_of(call)[-1] == "call.discard"
        assert not Call.objects.public().filter(pk=call.pk).exists()
        for again in (calls.discard_call, calls.reopen_call):
            with pytest.raises(WrongStatus):
                again(call, by=writer, **({"reason": "r"} if again is calls.discard_call else {}))

    def test_draft_that_changed_meanwhile_is_not_discarded(self):
        call = drafted_call()
        read = call.revision
        calls.update_call(call, by=officer(), revision=read, changes={"cure_days": 14})
        with pytest.raises(StaleRevision):
            calls.discard_call(call, by=call.created_by, reason="r", revision=read)
        assert Call.objects.get(pk=call.pk).status == CallStatus.DRAFT

    def test_only_a_draft_is_discarded_by_an_officer_with_a_reason(self):
        with pytest.raises(PermissionDenied):
            calls.discard_call(drafted_call(), by=UserFactory(), reason="r")
        with pytest.raises(NotReady):
            calls.discard_call(drafted_call(), by=officer(), reason=" ")
        for make in (approved_call, issued_call):
            with pytest.raises(WrongStatus):
                calls.discard_call(make(), by=officer(), reason="r")

    def test_cancelled_call_is_not_discarded(self):
        call = issued_call()
        calls.cancel_call(call, by=officer(), reason="r")
        assert call.is_discarded is False


class TestIssue:
    def test_issue_states_the_clock_once(self):
        call = issued_call(at=APRIL_FIRST)
        call.refresh_from_db()
        assert (call.status, call.issued_at, call.issued_on) == ("issued", APRIL_FIRST, date(2026, 4, 1))
        assert (call.day_90, call.due_on) == (date(2026, 6, 30), date(2026, 6, 30))
        assert call.closes_at == datetime(2026, 7, 1, 4, tzinfo=UTC)
        assert call.rule_text.startswith("Counted in calendar days. The day the call is issued is day 0.")

    def test_day_of_issue_is_the_day_in_washington(self):
        call = issued_call(at=datetime(2026, 4, 2, 3, 59, tzinfo=UTC))
        assert call.issued_on == date(2026, 4, 1)

    def test_closure_counts_when_an_officer_says_so(self):
        Closure.objects.create(day=date(2026, 6, 30), authority="Executive order", counts_as_holiday=True)
        assert issued_call(at=APRIL_FIRST).due_on == date(2026, 7, 1)

    def test_issue_tells_subscribers_of_the_program(self):
        reader, other = UserFactory(), UserFactory()
        subscribe(None, by=reader)
        call = issued_call()
        notice = Notice.objects.get(kind="call-issued")
        assert (notice.recipient, notice.url) == (reader, f"/calls/{call.number}/")
        assert not other.notices.exists()

    def test_control_number_or_reason_is_demanded(self):
        call = approved_call(no_control_reason="")
        with pytest.raises(NotReady) as refusal:
            calls.issue_call(call, by=officer())
        assert codes(refusal) == ["call-control-number"]
        call = Call.objects.get(pk=call.pk)
        assert (call.status, call.issued_at, call.closes_at) == (CallStatus.APPROVED, None, None)

    @pytest.mark.parametrize(
        ("expires", "expected"),
        [
            (None, ["call-control-expiry"]),
            (date(2026, 3, 31), ["call-control-expired"]),
            (date(2026, 4, 1), []),
        ],
    )
    def test_control_number_must_be_valid_on_the_day(self, expires, expected):
        with clock.moved_to(APRIL_FIRST):
            call = approved_call(no_control_reason="", control_number="0625-0001", control_expires_on=expires)
            try:
                calls.issue_call(call, by=officer())
                found = []
            except NotReady as refusal:
                found = [problem.code for problem in refusal.problems]
        assert found == expected

    @pytest.mark.parametrize(
        ("set_due_on", "reason", "expected", "warned"),
        [
            (date(2026, 3, 31), "", ["call-due-passed"], False),
            (date(2026, 5, 1), "", [], False),
            (date(2026, 6, 30), "", [], False),
            (date(2026, 7, 1), "", ["call-due-reason"], True),
            (date(2026, 7, 1), "Outage on the last day.", [], True),
        ],
    )
    def test_last_day_may_be_set(self, set_due_on, reason, expected, warned):
        with clock.moved_to(APRIL_FIRST):
            call = approved_call(set_due_on=set_due_on, set_due_reason=reason)
            assert any(w.code == "later-than-order" for w in warnings_of(call, clock.today())) is warned
            try:
                calls.issue_call(call, by=officer())
                found = []
            except NotReady as refusal:
                found = [problem.code for problem in refusal.problems]
        assert found == expected
        if not found:
            assert Call.objects.get(pk=call.pk).due_on == set_due_on

    @pytest.mark.parametrize(
        ("day", "rolls", "refused"),
        [
            (date(2026, 5, 24), True, "a Sunday"),
            (date(2026, 5, 25), True, "Memorial Day"),
            (date(2026, 5, 26), True, ""),
            (date(2026, 5, 24), False, ""),
        ],
    )
    def test_day_that_is_set_is_a_business_day_where_the_deadline_moves_off_others(self, day, rolls, refused):
        with clock.moved_to(APRIL_FIRST):
            call = approved_call(set_due_on=day, rolls_forward=rolls)
            if refused:
                with pytest.raises(NotReady, match="Tuesday, May 26, 2026") as refusal:
                    calls.issue_call(call, by=officer())
                assert refused in str(refusal.value)
            else:
                calls.issue_call(call, by=officer())

    def test_what_is_issued_is_what_was_read(self):
        call, writer = approved_call(), officer()
        read = call.revision
        calls.reopen_call(call, by=writer)
        calls.update_call(call, by=writer, revision=call.revision, changes={"text": "Other words."})
        calls.approve_call(call, by=officer(), revision=call.revision)
        with pytest.raises(StaleRevision):
            calls.issue_call(call, by=officer(), revision=read)
        assert Call.objects.get(pk=call.pk).issued_at is None
        assert [event.act for event in calls.changes_since(call, read)] == ["call.change", "call.reopen"]
        calls.issue_call(call, by=officer(), revision=call.revision)
        assert call.status == CallStatus.ISSUED

    def test_draft_is_not_issued(self):
        with pytest.raises(WrongStatus):
            calls.issue_call(drafted_call(), by=officer())

    def test_stranger_does_not_issue(self):
        call = approved_call()
        with pytest.raises(PermissionDenied):
            calls.issue_call(call, by=UserFactory())
        assert Call.objects.get(pk=call.pk).issued_at is None


class TestAmendment:
    def test_amendment_is_numbered_and_keeps_the_text_before(self):
        call, reader = issued_call(), UserFactory()
        before = call.text
        subscribe(call, by=reader)
        amendment = calls.amend_call(
            call, by=officer(), text="A new text.", summary="Clearer text.", reason="Questions."
        )
        assert (amendment.number, amendment.text_before, amendment.text_after) == (1, before, "A new text.")
        assert Call.objects.get(pk=call.pk).text == "A new text."
        assert reader.notices.get().url == f"/calls/{call.number}/#amendment-1"

    @pytest.mark.parametrize(("days", "refused"), [(-1, True), (0, False), (10, False), (91, True)])
    def test_amendment_is_in_force_from_a_day_between_today_and_the_last(self, days, refused):
        with clock.moved_to(APRIL_FIRST):
            call = issued_call()
            day = date(2026, 4, 1) + timedelta(days=days)
            words = {"text": "New.", "summary": "s", "reason": "r", "effective_on": day}
            if refused:
                with pytest.raises(NotReady) as refusal:
                    calls.amend_call(call, by=officer(), **words)
                assert codes(refusal) == ["amendment-day"]
            else:
                assert calls.amend_call(call, by=officer(), **words).effective_on == day
        assert call.amendments.exists() is not refused

    def test_followers_are_told_from_when_an_amendment_is_in_force(self):
        with clock.moved_to(APRIL_FIRST):
            call, reader = issued_call(), UserFactory()
            subscribe(call, by=reader)
            day = date(2026, 4, 20)
            calls.amend_call(
                call, by=officer(), text="New.", summary="Clearer.", reason="r", effective_on=day
            )
        assert reader.notices.get().text == "Clearer. In force from Monday, April 20, 2026."

    def test_second_of_two_amendments_from_one_text_is_refused(self):
        call = issued_call()
        read, words = call.revision, {"summary": "s", "reason": "r"}
        mine = Call.objects.get(pk=call.pk)
        calls.amend_call(call, by=officer(), text="First.", revision=read, **words)
        with pytest.raises(StaleRevision) as refusal:
            calls.amend_call(mine, by=officer(), text="Second.", revision=read, **words)
        assert refusal.value.record.text == "First."
        later = next_business_day(call.due_on + timedelta(days=1))
        with pytest.raises(StaleRevision):
            calls.extend_call(mine, by=officer(), due_on=later, legal_basis="b", revision=read, **words)
        assert list(call.amendments.values_list("text_after", flat=True)) == ["First."]
        calls.amend_call(mine, by=officer(), text="Second.", revision=read + 1, **words)
        assert Call.objects.get(pk=call.pk).text == "Second."

    def test_extension_moves_the_deadline_with_reason_and_basis(self):
        with clock.moved_to(APRIL_FIRST):
            call = issued_call()
            extension = calls.extend_call(
                call, by=officer(), due_on=date(2026, 7, 2), summary="Two more days.", reason="Outage.",
                legal_basis="By analogy with Fed. R. Civ. P. 6(a)(3)",
            )  # fmt: skip
            assert "s.3(c)" in calls.warning_of_extension(call, date(2026, 7, 2))
        assert extension.warning == calls.PAST_THE_ORDER
        call.refresh_from_db()
        assert (extension.due_on_before, extension.due_on_after) == (date(2026, 6, 30), date(2026, 7, 2))
        assert (call.day_90, call.due_on) == (date(2026, 6, 30), date(2026, 7, 2))
        assert call.closes_at == datetime(2026, 7, 3, 4, tzinfo=UTC)
        assert call.rule_text.endswith(" from Tuesday, June 30, 2026 to Thursday, July 2, 2026.")

    def test_extension_within_the_ninety_days_carries_no_warning(self):
        with clock.moved_to(APRIL_FIRST):
            call = issued_call(set_due_on=date(2026, 6, 1))
            extension = calls.extend_call(
                call, by=officer(), due_on=date(2026, 6, 30), summary="s", reason="r", legal_basis="b"
            )
        assert extension.warning == ""

    def test_extension_goes_forward_only(self):
        call = issued_call()
        for due_on in (call.due_on, call.due_on - timedelta(days=1)):
            with pytest.raises(NotReady):
                calls.extend_call(call, by=officer(), due_on=due_on, summary="s", reason="r", legal_basis="b")

    def test_extension_ends_on_no_day_from_which_a_deadline_would_move(self):
        """The Fourth of July 2026 is a Saturday, kept on Friday, the third."""
        with clock.moved_to(APRIL_FIRST):
            call, fixed = issued_call(), issued_call(rolls_forward=False)
            details = {"summary": "s", "reason": "r", "legal_basis": "b"}
            for day in (date(2026, 7, 3), date(2026, 7, 4), date(2026, 7, 5)):
                with pytest.raises(NotReady, match=r"Monday, July 6, 2026") as refusal:
                    calls.extend_call(call, by=officer(), due_on=day, **details)
                assert codes(refusal) == ["extension-day"]
            Closure.objects.create(day=date(2026, 7, 6), authority="An order", counts_as_holiday=True)
            with pytest.raises(NotReady, match="Tuesday, July 7, 2026"):
                calls.extend_call(call, by=officer(), due_on=date(2026, 7, 6), **details)
            calls.extend_call(call, by=officer(), due_on=date(2026, 7, 7), **details)
            calls.extend_call(fixed, by=officer(), due_on=date(2026, 7, 4), **details)

    def test_extension_needs_reason_and_legal_basis(self):
        call = issued_call()
        later = next_business_day(call.due_on + timedelta(days=1))
        for missing in ({"reason": ""}, {"legal_basis": ""}):
            details = {"summary": "s", "reason": "r", "legal_basis": "b"} | missing
            with pytest.raises(ValidationError):
                calls.extend_call(call, by=officer(), due_on=later, **details)
        assert Call.objects.get(pk=call.pk).due_on == call.due_on

    def test_nothing_is_amended_after_the_deadline_even_before_the_clock_closed_it(self):
        call = issued_call(at=APRIL_FIRST)
        with clock.moved_to(call.closes_at), pytest.raises(NotReady, match="deadline has passed"):
            calls.amend_call(call, by=officer(), text="New.", summary="s", reason="r")
        with clock.moved_to(call.closes_at - timedelta(microseconds=1)):
            calls.amend_call(call, by=officer(), text="New.", summary="s", reason="r")

    def test_nothing_is_amended_after_close(self):
        call = closed_call(APRIL_FIRST)
        with pytest.raises(WrongStatus):
            calls.amend_call(call, by=officer(), text="New.", summary="s", reason="r")
        with pytest.raises(WrongStatus):
            calls.extend_call(
                call, by=officer(), due_on=date(2026, 8, 3), summary="s", reason="r", legal_basis="b"
            )


class TestClosing:
    def test_clock_closes_at_the_deadline_and_not_before(self):
        call, machine = issued_call(at=APRIL_FIRST), clock_account()
        with clock.moved_to(call.closes_at - timedelta(microseconds=1)), pytest.raises(NotReady):
            calls.close_call(call, by=machine)
        with clock.moved_to(call.closes_at):
            calls.close_call(call, by=machine)
        call.refresh_from_db()
        assert (call.status, call.closed_at) == (CallStatus.CLOSED, call.closes_at)

    def test_nobody_but_the_clock_closes(self):
        call = issued_call(at=APRIL_FIRST)
        with pytest.raises(PermissionDenied):
            calls.close_call(call, by=officer())

    def test_task_leaves_time_for_what_was_received_to_commit(self):
        call = issued_call(at=APRIL_FIRST)
        with clock.moved_to(call.closes_at + SETTLING - timedelta(seconds=1)):
            assert close_due_calls() == 0
        with clock.moved_to(call.closes_at + SETTLING):
            assert close_due_calls() == 1
            assert close_due_calls() == 0
        assert Call.objects.get(pk=call.pk).closed_at == call.closes_at + SETTLING
        assert acts_of(call).count("call.close") == 1

    def test_extended_call_stays_open_at_its_former_deadline(self):
        call = issued_call(at=APRIL_FIRST)
        former = call.closes_at
        with clock.moved_to(former - timedelta(hours=1)):
            calls.extend_call(
                call, by=officer(), due_on=date(2026, 7, 2), summary="s", reason="r", legal_basis="b"
            )
        with clock.moved_to(former + SETTLING):
            assert close_due_calls() == 0

    def test_each_due_call_is_closed_and_no_other(self):
        due = [issued_call(at=APRIL_FIRST), issued_call(at=APRIL_FIRST + timedelta(days=1))]
        open_call = issued_call(at=APRIL_FIRST + timedelta(days=60))
        with clock.moved_to(due[1].closes_at + SETTLING):
            assert close_due_calls() == 2
        assert Call.objects.get(pk=open_call.pk).status == CallStatus.ISSUED

    def test_followers_and_the_calls_officers_are_told_once_that_it_has_closed(self):
        call = issued_call(at=APRIL_FIRST)
        follower, writer = UserFactory(), officer()
        subscribe(call, by=follower)
        subscribe(call, by=call.created_by)
        call.written_by.add(writer)
        Notice.objects.all().delete()
        with clock.moved_to(call.closes_at + SETTLING):
            close_due_calls()
            close_due_calls()
        told = Notice.objects.values_list("kind", "recipient", "url")
        officers = (call.created_by, call.approved_by, writer)
        desk, page = f"/desk/calls/{call.number}/", f"/calls/{call.number}/"
        assert sorted(told) == sorted(
            [("call-closed", follower.pk, page)]
            + [("call-closed-at-desk", person.pk, desk) for person in officers]
        )
        assert "June 30, 2026, 11:59 p.m." in Notice.objects.first().text

    @pytest.mark.django_db(transaction=True)
    def test_call_that_is_held_keeps_no_other_open(self):
        held, other = issued_call(at=APRIL_FIRST), issued_call(at=APRIL_FIRST + timedelta(days=1))
        moment = other.closes_at + SETTLING
        found = []

        def beat():
            with clock.moved_to(moment):
                found.append(close_due_calls())
            connections.close_all()

        with transaction.atomic():
            Call.objects.select_for_update().get(pk=held.pk)
            tick = threading.Thread(target=beat)
            tick.start()
            tick.join(timeout=20)
        assert found == [1]
        assert {call.pk: call.status for call in Call.objects.all()} == {
            held.pk: "issued",
            other.pk: "closed",
        }

    @pytest.mark.django_db(transaction=True)
    def test_second_beat_leaves_a_call_that_another_has_in_hand(self):
        call = issued_call(at=APRIL_FIRST)
        moment = call.closes_at + SETTLING
        found = []

        def second_beat():
            with clock.moved_to(moment):
                found.append(close_due_calls())
            connections.close_all()

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('close-call'), %s)", [call.pk])
            beat = threading.Thread(target=second_beat)
            beat.start()
            beat.join(timeout=10)
        assert found == [0]
        with clock.moved_to(moment):
            assert close_due_calls() == 1


class TestCancellation:
    def test_issued_call_is_cancelled_with_a_reason(self, client):
        call, reader = issued_call(), UserFactory()
        subscribe(call, by=reader)
        calls.cancel_call(call, by=officer(), reason="The Department withdraws the call.")
        call.refresh_from_db()
        assert call.status == CallStatus.CANCELLED
        assert reader.notices.get().text.endswith("The Department withdraws the call.")
        page = client.get(reverse("program:call-detail", args=[call.number])).content.decode()
        assert "The Department withdraws the call." in page

    def test_call_is_not_cancelled_after_the_deadline_even_before_the_clock_closed_it(self):
        over, open_still = issued_call(at=APRIL_FIRST), issued_call(at=APRIL_FIRST)
        with clock.moved_to(over.closes_at), pytest.raises(NotReady, match="deadline has passed"):
            calls.cancel_call(over, by=officer(), reason="Too late.")
        with clock.moved_to(over.closes_at - timedelta(microseconds=1)):
            calls.cancel_call(open_still, by=officer(), reason="In time.")
        over.refresh_from_db()
        assert (over.status, open_still.status) == (CallStatus.ISSUED, CallStatus.CANCELLED)

    def test_reason_is_demanded(self):
        with pytest.raises(NotReady):
            calls.cancel_call(issued_call(), by=officer(), reason=" ")

    def test_stranger_is_refused_before_anything_else(self):
        with pytest.raises(PermissionDenied):
            calls.cancel_call(issued_call(), by=UserFactory(), reason="")


BARRED = [(t, s) for t in CALL_TRANSITIONS for s in CallStatus if s not in t.sources]


@pytest.mark.parametrize(("transition", "status"), BARRED, ids=str)
def test_transition_is_barred_from_every_other_status(transition, status):
    at = {} if status in ("draft", "approved") else {
        "issued_at": APRIL_FIRST, "issued_on": date(2026, 4, 1), "due_on": date(2026, 6, 30),
        "closes_at": datetime(2026, 7, 1, 4, tzinfo=UTC),
    }  # fmt: skip
    call = CallFactory(status=status, **at)
    by = clock_account() if transition.name == "close" else officer()
    with pytest.raises(WrongStatus):
        perform(transition, call, by=by)


@pytest.mark.parametrize("status", CallStatus)
@pytest.mark.parametrize("role", [None, *OfficeRole])
def test_list_and_record_agree_on_who_may_view(role, status):
    at = {} if status in ("draft", "approved") else {
        "issued_at": APRIL_FIRST, "issued_on": date(2026, 4, 1), "due_on": date(2026, 6, 30),
        "closes_at": datetime(2026, 7, 1, 4, tzinfo=UTC),
    }  # fmt: skip
    call = CallFactory(status=status, **at)
    user = officer(role) if role else UserFactory()
    assert Call.objects.visible_to(user).contains(call) == user.has_perm("program.view_call", call)


def test_pages_judge_by_the_databases_clock_whatever_the_web_machine_says(client):
    call = issued_call()
    for wrong in (call.closes_at + timedelta(minutes=10), clock.now() - timedelta(minutes=10)):
        with time_machine.travel(wrong):
            shown = client.get(reverse("program:call-detail", args=[call.number]))
            listed = client.get(reverse("program:calls"))
            start = client.get(reverse("program:home"))
        assert "Start a proposal" in shown.content.decode() and listed.context["calls"] == [(call, True)]
        assert start.context["call"] == call
        assert "</time> left" in shown.content.decode() and "</time> left" in start.content.decode()
