"""Amendments of a designation: by three people, of exactly what was read, on their day, never wider."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string

from evaluation import services
from evaluation.decided import sha256_to_clear
from evaluation.documents import facts_of
from evaluation.lifecycle import CLEAR_AMENDMENT
from evaluation.models import (
    CatalogEntry,
    Condition,
    Designation,
    DesignationAmendment,
    Letter,
)
from evaluation.notices import signers_of_decision
from evaluation.schedule import amend_designations, expire_due_designations
from evaluation.terms import lines_of, terms_of
from program import clock
from program.models import AuditEvent, Delegation, Notice
from program.revisions import StaleRevision
from program.transitions import NotReady, WrongStatus
from tests.beside import act_while
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def refused(service, *args, **details):
    with pytest.raises(NotReady) as refusal, transaction.atomic():
        service(*args, **details)
    return {problem.code for problem in refusal.value.problems}


def told(kind):
    rows = Notice.objects.filter(kind=f"evaluation.{kind}")
    return set(rows.values_list("recipient", flat=True))


def told_of_draft(kind):
    """Of a notice that is told of determinations and of amendments alike: who had it of an amendment."""
    rows = Notice.objects.filter(
        kind=f"evaluation.{kind}", event__subject_type="evaluation.designationamendment"
    )
    return set(rows.values_list("recipient", flat=True))


def days(number):
    return clock.today() + timedelta(days=number)


def on_day(number):
    return clock.moved_to(clock.now() + timedelta(days=number))


# Who does what


def test_four_acts_by_four_people_and_each_is_in_the_record():
    desk, third, chief = officer(), officer(), make.decision_official()
    amendment = make.drafted_amendment(by=desk)
    with pytest.raises(PermissionDenied):
        services.clear_amendment(amendment, by=desk)
    assert refused(services.clear_amendment, amendment, by=third) == {"not-asked"}
    services.ask_to_clear_amendment(amendment, by=desk)
    assert refused(services.ask_to_clear_amendment, again(amendment), by=desk) == {"asked"}
    assert third.pk in told_of_draft("to_clear")
    assert desk.pk not in told_of_draft("to_clear")
    assert "not-cleared" in refused(services.sign_amendment, again(amendment), by=chief)
    services.clear_amendment(again(amendment), by=third)
    assert refused(services.clear_amendment, again(amendment), by=officer()) == {"cleared"}
    assert chief.pk in told_of_draft("to_sign")
    assert not {desk.pk, third.pk} & told_of_draft("to_sign")
    services.sign_amendment(again(amendment), by=chief)
    with pytest.raises(WrongStatus):
        services.sign_amendment(again(amendment), by=chief)
    services.announce_amendment(again(amendment), by=chief)
    with pytest.raises(WrongStatus):
        services.announce_amendment(again(amendment), by=chief)
    acts = [event.act for event in AuditEvent.objects.of(amendment)]
    assert acts == [
        f"designationamendment.{act}"
        for act in ("prepare", "ask_to_clear", "clear", "sign", "announce", "take_effect")
    ]
    assert Letter.objects.filter(kind="amendment").count() == 1


@pytest.mark.parametrize("worked_as", ["prepared", "written", "cleared"])
def test_who_worked_on_it_or_cleared_it_does_not_sign_it(worked_as):
    desk, person = officer(), officer()
    make.delegated(make.decision_official(), person, Delegation.SIGN_DETERMINATION, "COMMERCE")
    person = again(person)
    draft = make.drafted_amendment(by=person if worked_as == "prepared" else desk)
    if worked_as == "written":
        services.save_amendment(draft, by=person, values={"reason": "Mine."}, revision=None)
    ready = make.cleared_amendment(draft, by=person if worked_as == "cleared" else None)
    with pytest.raises(PermissionDenied):
        services.sign_amendment(ready, by=again(person))
    other = officer()
    make.delegated(make.decision_official(), other, Delegation.SIGN_DETERMINATION, "COMMERCE")
    services.sign_amendment(again(ready), by=again(other))
    signed = again(ready)
    assert (signed.signed_by, signed.delegation.given_to) == (other, other)
    with pytest.raises(PermissionDenied):
        services.announce_amendment(signed, by=again(other))


def test_offices_without_the_act_and_the_recused_are_refused():
    designation, desk = make.with_condition(), officer()
    for person in (
        make.lead(),
        make.reviewer(),
        make.decision_official(),
        representative_of(designation.proposal),
    ):
        with pytest.raises(PermissionDenied):
            services.prepare_amendment(again(designation), by=person)
    services.recuse(designation.proposal, person=desk, by=officer(), reason="A cousin.")
    with pytest.raises(PermissionDenied):
        services.prepare_amendment(again(designation), by=again(desk))


@pytest.mark.parametrize("other", ["prepared_by", "signed_by"])
def test_the_database_keeps_the_three_apart(other):
    signed = make.signed_amendment()
    rows = DesignationAmendment.objects.filter(pk=signed.pk)
    with pytest.raises(IntegrityError, match="amendment_cleared_by_another"), transaction.atomic():
        rows.update(cleared_by=getattr(signed, other))
    with pytest.raises(IntegrityError, match="amendment_signed_by_another"), transaction.atomic():
        rows.update(signed_by=signed.prepared_by)
    with pytest.raises(IntegrityError, match="amendment_announced_whole"), transaction.atomic():
        rows.update(status="announced")


# Exactly what was read


def test_clearance_and_signature_are_of_exactly_what_was_read():
    desk, third, chief = officer(), officer(), make.decision_official()
    amendment = make.drafted_amendment(by=desk)
    services.ask_to_clear_amendment(amendment, by=desk)
    read = sha256_to_clear(again(amendment))
    services.clear_amendment(again(amendment), by=third, body_sha256=read)
    assert refused(services.sign_amendment, again(amendment), by=chief, body_sha256=read) == {
        "amendment-changed"
    }
    services.sign_amendment(again(amendment), by=chief)
    signed = again(amendment)
    body = json.loads(signed.body)
    assert body["clearance"]["body_sha256"] == signed.cleared_sha256 == read
    assert [line["after"] for line in lines_of(signed)] == ["Lifted"]
    with pytest.raises(WrongStatus):
        services.save_amendment(signed, by=desk, values={"reason": "Else."}, revision=None)


def test_a_change_of_the_draft_undoes_the_clearance_and_says_so():
    desk, third, chief = officer(), officer(), make.decision_official()
    ready = make.cleared_amendment(make.drafted_amendment(by=desk), by=third)
    assert told_of_draft("cleared") == {desk.pk}
    services.save_amendment(ready, by=desk, values={"reason": ready.reason}, revision=None)
    assert again(ready).cleared_at is not None
    services.save_amendment(again(ready), by=desk, values={"reason": "Other reasons."}, revision=None)
    draft = again(ready)
    assert (draft.cleared_by, draft.cleared_sha256, draft.clearance_asked_at) == (None, "", None)
    assert told_of_draft("clearance_undone") >= {desk.pk, third.pk, chief.pk}
    assert told_of_draft("clearance_undone") - {desk.pk, third.pk} == set(
        signers_of_decision(draft.proposal).values_list("pk", flat=True)
    )


def test_two_texts_of_one_draft_meet():
    draft = make.drafted_amendment()
    read = draft.revision
    services.save_amendment(draft, by=officer(), values={"reason": "Mine."}, revision=read)
    with pytest.raises(StaleRevision):
        services.save_amendment(
            draft, by=officer(), values={"reason": "Mine too."}, revision=draft.revision - 1
        )


def meets(designation):
    condition = designation.conditions.first()
    services.mark_condition_met(condition, by=officer(), note="The report of May.")


def suspends(designation):
    services.suspend_designation(designation, by=make.decision_official(), reason="One left.")


def suspends_for_a_while(designation):
    suspends(designation)
    services.reinstate_designation(again(designation), by=make.decision_official(), reason="It is back.")


def revokes(designation):
    services.revoke_designation(designation, by=make.decision_official(), reason="All left.")


def amends(designation):
    make.amended(designation=designation, lifts=False, changes_last_day=True, expires_on=days(400))


CHANGES = [meets, suspends, suspends_for_a_while, revokes, amends]


@pytest.mark.parametrize("change", CHANGES)
def test_another_change_makes_what_was_signed_stale_and_is_told(change):
    desk, third, chief = officer(), officer(), make.decision_official()
    amendment = make.cleared_amendment(
        make.drafted_amendment(by=desk, lifts=False, changes_last_day=True, expires_on=days(300)), by=third
    )
    services.sign_amendment(amendment, by=chief)
    change(again(amendment.designation))
    assert told("amendment_overtaken") == {desk.pk, third.pk, chief.pk}
    codes = refused(services.announce_amendment, again(amendment), by=chief)
    assert "overtaken" in codes
    assert ("designation-ended" in codes) == (change is revokes)
    assert refused(services.recall_amendment, again(amendment), by=chief, reason=" ") == {"reason"}
    services.recall_amendment(again(amendment), by=chief, reason="It was overtaken.")
    assert again(amendment).status == "recalled"
    assert Letter.objects.filter(kind="amendment").count() == (change is amends)


@pytest.mark.parametrize("change", CHANGES)
def test_another_change_undoes_the_clearance_of_a_draft(change):
    ready = make.cleared_amendment(
        make.drafted_amendment(lifts=False, changes_last_day=True, expires_on=days(300))
    )
    change(again(ready.designation))
    draft = again(ready)
    assert (draft.cleared_by, draft.status) == (None, "draft")
    assert draft.clearance_asked_at is not None
    assert ready.prepared_by_id in told("amendment_overtaken")
    assert "not-cleared" in refused(services.sign_amendment, draft, by=make.decision_official())


# Which designations, and what


def test_suspended_ones_are_amended_and_ended_ones_are_not():
    chief = make.decision_official()
    designation = make.with_condition()
    suspends(designation)
    amendment = make.amended(designation=again(designation))
    assert amendment.status == "in_force"
    assert again(designation).status == "suspended"
    services.revoke_designation(again(designation), by=chief, reason="All left.")
    assert refused(services.prepare_amendment, again(designation), by=officer()) == {"designation-ended"}


def test_it_lacks_what_is_said_all_at_once():
    designation, desk = make.with_condition(), officer()
    draft = services.prepare_amendment(designation, by=desk)
    services.save_amendment(draft, by=desk, values={"clause": ""}, revision=None)
    assert refused(services.ask_to_clear_amendment, again(draft), by=desk) == {
        "nothing-changed", "reason", "clause"
    }  # fmt: skip
    values = {
        "reason": "So.", "clause": "s.3(d)", "effective_on": days(-1), "changes_last_day": True,
        "expires_on": days(-2),
    }  # fmt: skip
    services.save_amendment(again(draft), by=desk, values=values, revision=None)
    assert refused(services.ask_to_clear_amendment, again(draft), by=desk) == {
        "effective-past", "last-day-early"
    }  # fmt: skip


def test_it_narrows_and_never_widens():
    designation, desk = make.two_markets(), officer()
    package = designation.version.value
    draft = make.drafted_amendment(designation, by=desk, removed_markets=[m.key for m in package.markets])
    assert refused(services.ask_to_clear_amendment, again(draft), by=desk) == {"no-market"}
    first = [each.key for each in package.components if each.layer == package.components[0].layer]
    values = {"removed_markets": [], "removed_components": first}
    services.save_amendment(again(draft), by=desk, values=values, revision=None)
    assert refused(services.ask_to_clear_amendment, again(draft), by=desk) == {
        f"no-{package.components[0].layer}"
    }
    values = {"removed_markets": ["of-another-package"], "removed_components": []}
    services.save_amendment(again(draft), by=desk, values=values, revision=None)
    assert refused(services.ask_to_clear_amendment, again(draft), by=desk) == {"not-designated"}
    values = {"removed_markets": ["market-ghana"], "removed_components": ["component-other"]}
    services.save_amendment(again(draft), by=desk, values=values, revision=None)
    make.amended(again(draft))
    left = again(designation).package
    assert {m.name for m in left.markets} == {m.name for m in package.markets} - {"Ghana"}
    assert len(left.components) == len(package.components) - 1
    assert again(designation).removed_targets == ["GH"]
    assert again(designation).version.value == package


def test_conditions_are_changed_added_and_lifted_and_numbers_are_never_used_again():
    designation, desk = make.with_condition(), officer()
    draft = services.prepare_amendment(designation, by=desk)
    first = designation.conditions.get()
    said = {**make.CONDITION, "due_on": days(30)}
    services.save_condition_change(draft, by=desk, kind="lift", condition=first)
    row = services.save_condition_change(
        draft, by=desk, kind="change", condition=first, values={**said, "text": "Report each month."}
    )
    assert draft.condition_changes.get() == row
    services.save_condition_change(draft, by=desk, kind="add", values={**said, "text": "Keep logs."})
    services.save_amendment(draft, by=desk, values={"reason": "More often."}, revision=None)
    amendment = make.amended(again(draft))
    assert [(c.number, c.text) for c in designation.conditions.all()] == [
        (1, "Report each month."), (2, "Keep logs.")
    ]  # fmt: skip
    assert designation.conditions.get(number=2).added_by == amendment
    lines = {line["what"]: (line["before"], line["after"]) for line in lines_of(amendment)}
    assert lines["Condition 1, text"] == ("Report each quarter.", "Report each month.")
    assert lines["Condition 2, text"] == ("", "Keep logs.")
    assert json.loads(designation.determination.packet)["conditions"][0]["text"] == "Report each quarter."

    second = make.drafted_amendment(again(designation), lifts=False)
    last = designation.conditions.get(number=2)
    services.save_condition_change(second, by=desk, kind="lift", condition=last)
    make.amended(again(second))
    third = make.drafted_amendment(again(designation), lifts=False)
    services.save_condition_change(third, by=desk, kind="add", values=said)
    make.amended(again(third))
    numbers = [(c.number, c.lifted_at is None) for c in designation.conditions.all()]
    assert numbers == [(1, True), (2, False), (3, True)]
    numbered = designation.amendments.order_by("number").values_list("number", flat=True)
    assert list(numbered) == [1, 2, 3]
    assert refused(services.mark_condition_met, again(last), by=desk, note="It.") == {"not-open"}


def test_a_condition_of_the_past_of_another_or_met_is_refused():
    designation, desk = make.with_condition(), officer()
    draft = services.prepare_amendment(designation, by=desk)
    condition, other = designation.conditions.get(), make.with_condition().conditions.get()
    change = services.save_condition_change
    late = {**make.CONDITION, "due_on": days(-1)}
    assert refused(change, draft, by=desk, kind="add", values=late) == {"due"}
    assert refused(change, draft, by=desk, kind="lift", condition=other) == {"not-open"}
    change(
        again(draft),
        by=desk,
        kind="change",
        condition=condition,
        values={**make.CONDITION, "due_on": days(5)},
    )
    values = {"reason": "So.", "effective_on": days(6)}
    services.save_amendment(again(draft), by=desk, values=values, revision=None)
    assert refused(services.ask_to_clear_amendment, again(draft), by=desk) == {"condition-due"}
    services.mark_condition_met(condition, by=desk, note="It.")
    assert refused(change, again(draft), by=desk, kind="lift", condition=again(condition)) == {"not-open"}
    services.save_amendment(again(draft), by=desk, values={"effective_on": None}, revision=None)
    codes = refused(services.ask_to_clear_amendment, again(draft), by=desk)
    assert codes == {"condition-not-open", "nothing-changed"}


def test_a_draft_is_given_up_once_and_stays_as_it_was():
    draft, desk, third = make.drafted_amendment(), officer(), officer()
    make.cleared_amendment(draft, by=third)
    services.drop_amendment(again(draft), by=desk)
    assert told("amendment_dropped") == {draft.prepared_by_id, third.pk}
    with pytest.raises(WrongStatus):
        services.drop_amendment(again(draft), by=desk)
    with pytest.raises(WrongStatus):
        services.save_amendment(again(draft), by=desk, values={"reason": "Else."}, revision=None)
    assert again(draft).condition_changes.count() == 1


def test_sent_back_with_its_reason():
    desk, third = officer(), officer()
    draft = make.drafted_amendment(by=desk)
    assert refused(services.send_amendment_back, draft, by=third, reason="No.") == {"not-asked"}
    ready = make.cleared_amendment(again(draft))
    services.send_amendment_back(ready, by=third, reason="Name the law.")
    draft = again(draft)
    assert (draft.cleared_by, draft.clearance_asked_at) == (None, None)
    assert "Name the law." in draft.clearance_note
    assert told_of_draft("sent_back") == {desk.pk}


# On its day


def test_a_later_day_changes_nothing_before_it_and_comes_by_the_clock():
    designation = make.two_markets()
    make.published(designation, shows_markets=True)
    amendment = make.amended(
        designation=designation, effective_on=days(10), removed_markets=["market-ghana"],
        changes_last_day=True, expires_on=days(100),
    )  # fmt: skip
    assert (amendment.status, amendment.number) == ("announced", 1)
    before = again(designation)
    assert (before.expires_on, before.removed_markets) == (None, [])
    assert Condition.objects.open().filter(designation=designation).count() == 1
    assert [m["name"] for m in CatalogEntry.objects.get().markets] == ["Kenya", "Ghana"]
    assert terms_of(before)["expires_on"] is None
    assert terms_of(before, on=days(10))["expires_on"] == days(100).isoformat()
    with on_day(9):
        assert amend_designations() == 0
    with on_day(10):
        assert (amend_designations(), amend_designations()) == (1, 0)
    after = again(designation)
    assert (after.expires_on, after.removed_markets) == (days(100), ["market-ghana"])
    assert not Condition.objects.open().filter(designation=designation).exists()
    entry = CatalogEntry.objects.get()
    assert [m["name"] for m in entry.markets] == ["Kenya"]
    assert entry.amended_at == again(amendment).in_force_at
    assert again(amendment).public_markets == ["Ghana"]
    team = representative_of(designation.proposal).pk
    assert team in told("amended")
    assert team in told("amendment_in_force")


def test_its_letter_says_the_difference_and_the_terms_from_its_day():
    designation = make.two_markets()
    amendment = make.amended(designation=designation, effective_on=days(10), removed_markets=["market-ghana"])
    said = facts_of(Letter.objects.get(kind="amendment"))
    assert said["amendment"]["number"] == 1
    assert said["amendment"]["effective_on"] == days(10)
    assert [line["after"] for line in said["amendment"]["changes"]] == ["Lifted", "Removed"]
    assert (said["markets"], said["conditions"]) == (["Kenya"], [])
    assert said["signer_name"] == amendment.signed_by.name


def test_its_letter_says_of_a_condition_that_it_is_met_and_not_what_follows_if_it_is_not():
    designation = make.two_markets()
    services.mark_condition_met(designation.conditions.get(), by=officer(), note="The report is here.")
    make.amended(designation=designation, lifts=False, removed_markets=["market-ghana"])
    facts = facts_of(Letter.objects.get(kind="amendment"))
    assert [row["met_on"] for row in facts["conditions"]] == [clock.today()]
    for template in ("pdf/letter.html", "evaluation/_letter.html"):
        text = render_to_string(template, {**facts, "facts": facts})
        assert "Met on" in text
        assert make.CONDITION["effect"] not in text


def test_one_of_an_earlier_day_goes_before_what_was_announced_and_leaves_its_letter_true():
    designation = make.with_condition()
    first = make.drafted_amendment(designation, lifts=False, effective_on=days(10))
    first = make.amended(make.with_added_condition(first))
    early = make.drafted_amendment(
        again(designation), lifts=False, changes_last_day=True, expires_on=days(90), effective_on=days(5)
    )
    second = make.amended(make.with_added_condition(early))
    stands = AuditEvent.objects.get(act="designationamendment.stand")
    assert (stands.subject_id, "Amendment 2" in stands.said["note"]) == (str(first.pk), True)
    with on_day(10):
        assert refused(services.take_effect, again(first), by=first.signed_by) == {"not-next"}
        assert amend_designations() == 2
    in_force = [again(row).in_force_at for row in (second, first)]
    assert in_force == sorted(in_force)
    assert again(designation).expires_on == days(90)
    named = {
        row.added_by.number: (row.number, f"Condition {row.number}")
        for row in designation.conditions.all()
        if row.added_by
    }
    assert [number for number, _ in named.values()] == [2, 3]
    for amendment in (first, second):
        number, name = named[amendment.number]
        assert any(line["what"].startswith(name) for line in lines_of(again(amendment))), number


CONTRADICTIONS = {
    "last day": (
        {"changes_last_day": True, "expires_on": 200}, {"changes_last_day": True, "expires_on": 100},
        "Last day",
    ),
    "ends before": ({"removed_markets": ["market-ghana"]}, {"changes_last_day": True, "expires_on": 7},
                    "would end before that day"),
    "market": ({"removed_markets": ["market-ghana"]}, {"removed_markets": ["market-ghana"]},
               "from “Ghana” to “Removed”, would not change"),
    "no market": ({"removed_markets": ["market-ghana"]}, {"removed_markets": ["kenya"]},
                  "No target market would be left"),
    "condition": ({"lifts": True}, {"lifts": True}, "Condition 1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_one_of_an_earlier_day_is_refused_where_the_later_letter_would_not_be_true(kind):
    later, earlier = (
        {key: days(value) if key == "expires_on" else value for key, value in said.items()}
        for said in CONTRADICTIONS[kind][:2]
    )
    words = CONTRADICTIONS[kind][2]
    designation = make.two_markets()
    if "kenya" in earlier.get("removed_markets", ()):
        earlier["removed_markets"] = [designation.version.value.markets[0].key]
    announced = make.amended(designation=designation, effective_on=days(10), **{"lifts": False, **later})
    early = make.drafted_amendment(again(designation), effective_on=days(5), **{"lifts": False, **earlier})
    (problem,) = (one for one in CLEAR_AMENDMENT.problems(early) if one.code == "contradicts-later")
    assert str(announced) in problem.message and words in problem.message
    assert "contradicts-later" in refused(services.ask_to_clear_amendment, early, by=early.prepared_by)
    same_day = services.save_amendment(
        again(early), by=early.prepared_by, values={"effective_on": days(10)}, revision=None
    )
    assert "contradicts-later" not in {one.code for one in CLEAR_AMENDMENT.problems(again(same_day))}


def test_what_was_met_since_the_announcement_is_no_contradiction():
    designation = make.with_condition()
    make.amended(designation=designation, effective_on=days(10))
    meets(designation)
    early = make.drafted_amendment(
        again(designation), lifts=False, changes_last_day=True, expires_on=days(90), effective_on=days(5)
    )
    assert CLEAR_AMENDMENT.problems(early) == []


def test_a_condition_that_is_met_before_the_day_stays_met():
    designation = make.with_condition()
    make.amended(designation=designation, effective_on=days(10))
    meets(designation)
    with on_day(10):
        assert amend_designations() == 1
    condition = designation.conditions.get()
    assert (condition.lifted_at, condition.met_note) == (None, "The report of May.")


def test_with_the_designation_ends_what_was_to_come():
    designation = make.with_condition()
    amendment = make.amended(designation=designation, effective_on=days(10))
    revokes(again(designation))
    assert again(amendment).status == "lapsed"
    assert representative_of(designation.proposal).pk in told("amendment_lapsed")
    with on_day(11):
        assert amend_designations() == 0
    assert designation.conditions.get().lifted_at is None


def test_a_late_clock_lets_no_designation_expire_that_was_prolonged():
    designation = make.with_condition()
    Designation.objects.filter(pk=designation.pk).update(expires_on=days(20))
    make.amended(
        designation=again(designation), lifts=False, effective_on=days(20), changes_last_day=True,
        expires_on=days(200),
    )  # fmt: skip
    with on_day(21):
        assert expire_due_designations() == 0
        assert amend_designations() == 1
        assert expire_due_designations() == 0
    assert again(designation).status == "active"


def test_a_day_that_passed_since_the_signature_is_not_announced():
    signed = make.signed_amendment(effective_on=days(3))
    with on_day(4):
        assert refused(services.announce_amendment, signed, by=signed.signed_by) == {"effective-past"}


def test_a_text_that_waits_is_published_without_what_was_removed():
    designation = make.two_markets()
    text = make.released(designation, shows_markets=True)
    make.amended(designation=designation, removed_markets=["market-ghana"])
    entry = services.publish_catalog_entry(again(text), by=officer())
    assert [m["name"] for m in entry.markets] == ["Kenya"]


def test_announced_to_exactly_the_people_of_the_preview():
    amendment = make.signed_amendment()
    expected = {person.pk for person in services.amendment_recipients(amendment)}
    Notice.objects.all().delete()
    services.announce_amendment(amendment, by=amendment.signed_by)
    assert set(Notice.objects.values_list("recipient", flat=True)) == expected


# Two at once


@pytest.mark.django_db(transaction=True)
def test_of_two_signers_at_once_one_signs():
    ready, first, second = make.cleared_amendment(), make.decision_official(), make.decision_official()
    refusal = act_while(
        lambda: services.sign_amendment(again(ready), by=second),
        lambda: services.sign_amendment(ready, by=first),
    )
    assert isinstance(refusal, WrongStatus)
    assert again(ready).signed_by == first
    assert AuditEvent.objects.filter(act="designationamendment.sign").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_condition_met_beside_the_announcement_is_lifted_or_met_and_never_both():
    signed, desk = make.signed_amendment(), officer()
    condition = signed.designation.conditions.get()
    refusal = act_while(
        lambda: services.mark_condition_met(again(condition), by=desk, note="It."),
        lambda: services.announce_amendment(signed, by=signed.signed_by),
    )
    assert isinstance(refusal, NotReady)
    assert (again(condition).met_at, again(condition).lifted_by) == (None, signed)
