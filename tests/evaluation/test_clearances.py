"""Between preparing and signing a third person clears exactly the packet that is signed."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from evaluation import services
from evaluation.decided import sha256_to_clear
from evaluation.models import Determination, Finding
from evaluation.packets import packet_of
from evaluation.schedule import tell_overtaken_determinations
from program.canonical import canonical_json, sha256_hex
from program.clock_account import clock_account
from program.models import AuditEvent, Delegation, Notice
from program.transitions import NotReady
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import officer

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def refused(service, *args, **details):
    with pytest.raises(NotReady) as refusal:
        service(*args, **details)
    return {problem.code for problem in refusal.value.problems}


def told(kind):
    rows = Notice.objects.filter(kind=f"evaluation.{kind}")
    return set(rows.values_list("recipient", flat=True))


def tasks(client, person):
    return [task.what for task in page(client, again(person), "desk").context["tasks"]]


def test_who_clears_has_not_worked_on_the_draft_and_does_not_sign_it():
    desk, writer, third = officer(), officer(), officer()
    for person in (desk, third):
        make.delegated(make.decision_official(), person, Delegation.SIGN_DETERMINATION, "COMMERCE")
    draft = make.ready_to_sign(by=again(desk))
    services.save_determination(draft, by=writer, values={"rationale": "Mine."}, revision=None)
    services.ask_to_clear(draft, by=writer)
    outside = (desk, writer, make.lead(), make.reviewer(), make.decision_official())
    for person in outside:
        with pytest.raises(PermissionDenied):
            services.clear_determination(again(draft), by=again(person))
    services.clear_determination(again(draft), by=third)
    with pytest.raises(PermissionDenied):
        services.sign_determination(again(draft), by=again(third))
    assert make.signed(again(draft)).cleared_by == third


def test_who_is_recused_does_not_clear():
    draft, third = make.put_up(), officer()
    services.recuse(draft.proposal, person=third, by=officer(), reason="A cousin.")
    with pytest.raises(PermissionDenied):
        services.clear_determination(again(draft), by=again(third))


@pytest.mark.parametrize("other", ["prepared_by", "signed_by"])
def test_the_database_keeps_clearance_apart(other):
    signed = make.signed()
    with pytest.raises(IntegrityError, match="determination_cleared_by_another"), transaction.atomic():
        Determination.objects.filter(pk=signed.pk).update(cleared_by=getattr(signed, other))
    with pytest.raises(IntegrityError, match="determination_clearance_whole"), transaction.atomic():
        Determination.objects.filter(pk=signed.pk).update(cleared_sha256="")


def test_nothing_is_signed_uncleared():
    draft, chief = make.put_up(), make.decision_official()
    assert refused(services.sign_determination, draft, by=chief) == {"not-cleared"}
    services.clear_determination(again(draft), by=officer())
    services.sign_determination(again(draft), by=chief)


def test_only_what_is_ready_is_put_up_and_only_what_is_put_up_is_cleared():
    desk, third = officer(), officer()
    proposal = make.accepted(desk)
    draft = services.prepare_determination(proposal, by=desk)
    assert "rationale" in refused(services.ask_to_clear, draft, by=desk)
    assert not told("to_clear")
    ready = make.ready_to_sign(by=desk)
    services.save_determination(ready, by=desk, values={"rationale": "Other reasons."}, revision=None)
    assert refused(services.clear_determination, again(ready), by=third) == {"not-asked"}
    services.ask_to_clear(again(ready), by=desk)
    assert third.pk in told("to_clear")
    assert desk.pk not in told("to_clear")
    assert refused(services.ask_to_clear, again(ready), by=desk) == {"asked"}


def test_exactly_the_packet_that_was_read_is_cleared_once():
    draft, third = make.put_up(), officer()
    read = sha256_to_clear(draft)
    make.filed(draft.proposal, "DOE", "no_position")
    assert refused(services.clear_determination, again(draft), by=third, packet_sha256=read) == {
        "packet-changed"
    }
    read = sha256_to_clear(again(draft))
    services.clear_determination(again(draft), by=third, packet_sha256=read)
    assert refused(services.clear_determination, again(draft), by=officer()) == {"cleared"}
    assert AuditEvent.objects.filter(act="determination.clear").count() == 2
    assert again(draft).cleared_sha256 == read


def test_the_signed_packet_names_its_clearance_and_what_was_cleared():
    signed = make.signed()
    packet = json.loads(signed.packet)
    clearance = packet["clearance"]
    assert clearance["cleared_by"] == signed.cleared_by.name
    assert clearance["packet_sha256"] == signed.cleared_sha256
    assert sha256_hex(canonical_json({**packet, "clearance": None})) == signed.cleared_sha256


CHANGES = {
    "decision": lambda draft, by: services.save_determination(
        draft, by=by, values={"rationale": "Other reasons."}, revision=None
    ),
    "finding": lambda draft, by: services.save_finding(
        Finding.objects.filter(determination=draft).first(), by=by, values={"text": "Else."}, revision=None
    ),
    "answer": lambda draft, by: services.answer_objection(
        draft, make.referral_of(draft.proposal, "DOE").position, by=by, answer="Met otherwise."
    ),
    "condition": lambda draft, by: services.save_condition(
        draft, by=by, values={"text": "Report.", "owner": "Anchor", "evidence": "It.", "effect": "None."}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_draft_undoes_the_clearance_and_says_so(client, change):
    desk, third, chief = officer(), officer(), make.decision_official()
    draft = make.ready_to_sign(by=desk, DOE="object")
    make.cleared(make.put_up(draft), by=third)
    Notice.objects.all().delete()

    CHANGES[change](again(draft), desk)

    draft = again(draft)
    assert (draft.cleared_by, draft.cleared_at, draft.cleared_sha256) == (None, None, "")
    assert draft.clearance_asked_at is None
    event = AuditEvent.objects.get(act="determination.undo_clearance", subject_id=str(draft.pk), actor=desk)
    assert json.loads(event.body)["before"]["cleared_by"] == str(third)
    assert told("clearance_undone") == {desk.pk, third.pk, chief.pk}
    assert f"{third} had cleared it" in page(client, chief, "determination", draft.pk).content.decode()
    assert "not-cleared" in refused(services.sign_determination, draft, by=chief)
    CHANGES[change](again(draft), desk)
    assert told("clearance_undone") == {desk.pk, third.pk, chief.pk}


def test_a_save_that_changes_nothing_leaves_the_clearance():
    desk = officer()
    draft = make.ready_to_sign(by=desk)
    services.save_determination(draft, by=desk, values={"rationale": draft.rationale}, revision=None)
    assert again(draft).cleared_at is not None


def test_who_cleared_and_then_writes_undoes_it_whatever_is_written():
    third = officer()
    draft = make.cleared(make.put_up(), by=third)
    services.save_determination(draft, by=third, values={"rationale": draft.rationale}, revision=None)
    assert again(draft).cleared_at is None


def test_a_change_of_the_record_undoes_the_clearance_and_it_is_to_clear_again(client):
    desk, third, chief = officer(), officer(), make.decision_official()
    draft = make.ready_to_sign(by=desk)
    make.cleared(make.put_up(draft), by=third)
    assert tell_overtaken_determinations() == 0
    make.filed(draft.proposal, "DOE", "no_position")

    assert packet_of(again(draft))["clearance"] is None
    assert refused(services.sign_determination, again(draft), by=chief) == {"clearance-overtaken"}
    shown = page(client, chief, "determination", draft.pk)
    assert b"The clearance does not hold any more" in shown.content
    assert b"Sign the determination</button>" not in shown.content
    Notice.objects.all().delete()
    assert (tell_overtaken_determinations(), tell_overtaken_determinations()) == (1, 0)

    assert told("clearance_undone") >= {desk.pk, third.pk, chief.pk}
    clear = f"Clear the determination on {draft.proposal.number}"
    assert clear in tasks(client, third)
    services.clear_determination(again(draft), by=third)
    services.sign_determination(again(draft), by=chief)


@pytest.mark.parametrize("right", ["overtake_determination", "undo_clearance_determination"])
def test_clock_alone_says_what_the_record_left_behind(right):
    draft = make.ready_to_sign()
    people = (clock_account(), officer(), make.decision_official())
    assert [person.has_perm(f"evaluation.{right}", draft) for person in people] == [True, False, False]


def test_a_draft_is_sent_back_with_a_reason(client):
    desk, third, chief = officer(), officer(), make.decision_official()
    draft = make.ready_to_sign(by=desk)
    make.put_up(draft)
    assert refused(services.send_back_determination, draft, by=third, reason=" ") == {"reason"}
    with pytest.raises(PermissionDenied):
        services.send_back_determination(draft, by=again(desk), reason="No.")
    assert press(client, third, "determination-send-back", draft.pk, reason="").status_code == 422
    press(client, third, "determination-send-back", draft.pk, reason="Finding 3 names no evidence.")
    assert told("sent_back") == {desk.pk}
    assert b"Finding 3 names no evidence." in page(client, desk, "determination", draft.pk).content
    number = draft.proposal.number
    assert f"Go on with what was sent back of the determination on {number}" in tasks(client, desk)
    assert f"Clear the determination on {number}" not in tasks(client, third)
    again_refused = refused(services.send_back_determination, again(draft), by=third, reason="Twice.")
    assert again_refused == {"not-asked"}
    # the signer sends a cleared one back too
    services.ask_to_clear(again(draft), by=desk)
    services.clear_determination(again(draft), by=third)
    services.send_back_determination(again(draft), by=chief, reason="The letter is too long.")
    assert again(draft).cleared_at is None


def test_a_draft_is_put_up_cleared_and_signed_on_pages(client, freshly_signed_in):
    desk, third, chief = officer(), officer(), make.decision_official()
    draft = make.ready_to_sign(by=desk)
    services.save_determination(draft, by=desk, values={"rationale": "Other reasons."}, revision=None)
    number = draft.proposal.number
    clear, sign = f"Clear the determination on {number}", f"Sign the determination on {number}"
    assert clear not in tasks(client, third)
    press(client, desk, "determination-ready", draft.pk)
    assert clear in tasks(client, third)
    assert clear not in tasks(client, desk)
    assert sign not in tasks(client, chief)
    assert b"Clear the determination</button>" not in page(client, desk, "determination", draft.pk).content
    shown = page(client, third, "determination", draft.pk)
    assert b"Clear the determination</button>" in shown.content
    wrong = press(client, third, "determination-clear", draft.pk, packet_sha256="0" * 64)
    assert wrong.status_code == 422
    press(client, third, "determination-clear", draft.pk, packet_sha256=shown.context["packet_sha256"])
    assert again(draft).cleared_by == third
    assert clear not in tasks(client, third)
    assert sign in tasks(client, chief)
    assert told("to_sign") == {chief.pk}
    shown = page(client, chief, "determination", draft.pk)
    assert f"Cleared by {third}" in shown.content.decode()
    press(client, chief, "determination-sign", draft.pk, packet_sha256=shown.context["packet_sha256"])
    assert again(draft).status == "signed"


def test_outsiders_find_no_way_to_clear(client, freshly_signed_in):
    draft = make.put_up()
    for person, status in ((make.reviewer(), 404), (make.lead(), 404), (make.decision_official(), 403)):
        answer = press(client, person, "determination-clear", draft.pk, packet_sha256="0" * 64)
        assert answer.status_code == status
    assert again(draft).cleared_at is None
