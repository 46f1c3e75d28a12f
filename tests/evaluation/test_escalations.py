"""The escalation of an objection: opened with it, added to, settled or withdrawn; it bars nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse

from evaluation import services
from evaluation.models import Escalation, EscalationEntry
from evaluation.packets import packet_text
from evaluation.schedule import open_left_escalations
from program import clock
from program.deadlines import Period, Unit, end_of_day, local_day, long_date
from program.enums import OfficeRole
from program.models import AuditEvent, Delegation, Notice
from program.transitions import NotReady
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page, press
from tests.evaluation.test_reminders import remind_at
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SAID = {
    "level": "staff",
    "participants": "Staff of Energy and Commerce.",
    "minutes": "They disagree on the hall.",
}


@pytest.fixture
def desk():
    return officer()


@pytest.fixture
def proposal(desk):
    return make.accepted(desk)


@pytest.fixture
def escalation(proposal):
    make.filed(proposal, "DOE", "object", rationale="The hall is not secure.")
    return Escalation.objects.get()


def added(escalation, by, **facts):
    return services.add_to_escalation(escalation, by=by, **{**SAID, **facts})


def refused(escalation, by, **facts):
    with pytest.raises(NotReady) as refusal:
        added(escalation, by, **facts)
    return [problem.code for problem in refusal.value.problems]


# Pressed twice


def test_a_form_sent_twice_adds_once_and_other_words_once_more(client, escalation, desk):
    shown = page(client, desk, "escalation", escalation.pk).context["form"]
    sent = {**SAID, "sent_as": str(shown["sent_as"].value())}
    for _ in range(2):
        assert press(client, desk, "escalation-add", escalation.pk, **sent).status_code == 302
    assert [entry.minutes for entry in escalation.entries.all()] == [SAID["minutes"]]
    assert AuditEvent.objects.of(escalation).filter(act="escalation.add").count() == 1
    # Who goes back and writes something else is not told that it is kept while it is lost
    press(client, desk, "escalation-add", escalation.pk, **{**sent, "minutes": "They met again."})
    assert [entry.minutes for entry in escalation.entries.all()] == [SAID["minutes"], "They met again."]
    # Also the outcome, with which it is over
    ended = {**sent, "minutes": "Settled.", "outcome": "settled"}
    for _ in range(2):
        assert press(client, desk, "escalation-add", escalation.pk, **ended).status_code == 302
    assert escalation.entries.count() == 3


def test_what_is_no_key_of_a_form_keeps_nobody_from_adding(client, escalation, desk):
    for key in ("no key", ""):
        press(client, desk, "escalation-add", escalation.pk, **SAID, sent_as=key)
    assert escalation.entries.count() == 2


# With the positions


def test_objection_opens_its_escalation_with_the_day_of_the_call(proposal, escalation):
    due_on = local_day(escalation.opened_at) + timedelta(days=proposal.call.escalation_days)
    assert (escalation.proposal, escalation.agency.code, escalation.level) == (proposal, "DOE", "staff")
    assert escalation.position == make.referral_of(proposal, "DOE").position
    assert end_of_day(due_on) <= escalation.due_at <= end_of_day(due_on + 4 * DAY)
    assert escalation.due_rule.startswith("Counted in calendar days.")
    event = AuditEvent.objects.of(escalation).get()
    assert (event.act, event.clause) == ("escalation.open", "E.O. 14320 s.3(d)")


@pytest.mark.parametrize("stance", ["support", "support_with_conditions", "no_position"])
def test_other_positions_open_none(proposal, stance):
    make.filed(proposal, "DOE", stance)
    assert not Escalation.objects.exists()


def test_another_position_ends_it_and_another_objection_begins_it_again(proposal, escalation, desk):
    added(escalation, desk, level="principals")
    make.filed(proposal, "DOE", "support")
    escalation.refresh_from_db()
    assert (escalation.is_open, escalation.outcome) == (False, "no_longer_objects")
    assert escalation.entries.last().minutes == "The agency filed another position: Support."
    with clock.moved_to(clock.now() + 3 * DAY):
        make.filed(proposal, "DOE", "object", rationale="Still not secure.")
    again = Escalation.objects.get()
    assert (again.is_open, again.outcome, again.level) == (True, "", "principals")
    assert again.position.rationale == "Still not secure."
    assert again.due_at > escalation.due_at
    acts = AuditEvent.objects.of(escalation).order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["escalation.open", "escalation.add", "escalation.close", "escalation.reopen"]


def test_objection_in_other_words_goes_on_with_what_is_open(proposal, escalation):
    make.filed(proposal, "DOE", "object", rationale="In other words.")
    again = Escalation.objects.get()
    assert (again.position.rationale, again.due_at) == ("In other words.", escalation.due_at)


def test_page_keeps_the_earlier_objections_in_sight(client, proposal, escalation, desk):
    before = escalation.position.rationale
    make.filed(proposal, "DOE", "object", rationale="Still not secure.")
    shown = page(client, desk, "escalation", escalation.pk).text
    assert shown.index("Still not secure.") < shown.index("Said before") < shown.index(before)
    assert "objecting again gives no new time" in shown


def test_escalation_goes_on_over_a_new_version(proposal, escalation, desk):
    make.resubmitted(proposal)
    make.accept(proposal, desk)
    assert make.referral_of(proposal, "DOE").status == "open"
    assert Escalation.objects.get().is_open
    make.filed(proposal, "DOE", "object", rationale="The second version neither.")
    again = Escalation.objects.get()
    assert (again.pk, again.position.rationale) == (escalation.pk, "The second version neither.")
    make.filed(proposal, "DOE", "support")
    assert not Escalation.objects.get().is_open


# What is added


def test_entries_raise_the_level_set_a_day_and_end_it(escalation, desk):
    with clock.moved_to(clock.now() + DAY):
        met = clock.today()
        added(escalation, desk, level="principals", met_on=met, period=Period(5, unit=Unit.BUSINESS))
    escalation.refresh_from_db()
    assert escalation.level == "principals"
    assert escalation.due_rule.startswith("5 federal business days from")
    added(escalation, desk, level="interagency", outcome="objection_stands")
    escalation.refresh_from_db()
    assert (escalation.is_open, escalation.outcome) == (False, "objection_stands")
    rows = escalation.entries.values_list("level", "outcome", "met_on")
    assert list(rows) == [("principals", "", met), ("interagency", "objection_stands", None)]


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({"level": "moon"}, ["level"]),
        ({"participants": " ", "minutes": ""}, ["participants", "minutes"]),
        ({"outcome": "no_longer_objects"}, ["outcome"]),
        ({"outcome": "won"}, ["outcome"]),
        ({"met_on": lambda: clock.today() + DAY}, ["met-on"]),
        ({"due_on": lambda: clock.today()}, ["due"]),
        ({"due_on": lambda: clock.today() + DAY, "outcome": "settled"}, ["due"]),
    ],
)
def test_everything_that_is_wrong_is_said_at_once(escalation, desk, facts, codes):
    facts = {name: value() if callable(value) else value for name, value in facts.items()}
    assert refused(escalation, desk, **facts) == codes
    assert not EscalationEntry.objects.exists()


def test_level_never_goes_back(escalation, desk):
    added(escalation, desk, level="interagency")
    assert refused(escalation, desk, level="principals") == ["level"]


def test_nothing_is_added_once_it_is_over_or_the_proposal_is_withdrawn(proposal, escalation, desk):
    added(escalation, desk, outcome="settled")
    assert refused(escalation, desk) == ["over"]
    make.filed(proposal, "STATE", "object")
    other = Escalation.objects.get(agency__code="STATE")
    withdraw_proposal(proposal, by=representative_of(proposal), note="Another way.")
    assert refused(other, desk) == ["over"]


def test_entries_are_kept_as_written(escalation, desk):
    entry = added(escalation, desk)
    for change in (lambda: EscalationEntry.objects.update(minutes="Other."), entry.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


# Who


@pytest.mark.parametrize("role", ["lead", "reviewer", "decision_official", "auditor", "consortium"])
def test_program_office_alone_adds(proposal, escalation, role):
    person = {
        "lead": lambda: make.lead("DOE"), "reviewer": lambda: make.assigned(proposal, "DOE").reviewer,
        "decision_official": make.decision_official, "auditor": lambda: officer(OfficeRole.AUDITOR),
        "consortium": lambda: representative_of(proposal),
    }[role]()  # fmt: skip
    with pytest.raises(PermissionDenied):
        added(escalation, person)


def test_office_leads_and_decision_official_read_it_and_nobody_else(client, proposal, escalation, desk):
    added(escalation, desk, minutes="Minutes of the meeting.")
    state, chief = make.lead("STATE"), make.decision_official()
    make.filed(proposal, "STATE")  # before, State reads of no other agency's stance
    delegate = officer(OfficeRole.REVIEWER, "COMMERCE")
    make.delegated(chief, delegate, Delegation.SIGN_DETERMINATION, "COMMERCE")
    for person in (desk, make.lead("DOE"), state, chief, officer(OfficeRole.AUDITOR), delegate):
        assert "Minutes of the meeting." in page(client, person, "escalation", escalation.pk).text, person
    outside = [representative_of(proposal), make.assigned(proposal, "DOE").reviewer, make.lead("OSTP")]
    for person in outside:
        assert page(client, person, "escalation", escalation.pk).status_code == 404, person
    shown = page(client, outside[0], "questions", proposal.pk).text
    assert "Minutes" not in shown and "scalation" not in shown


def test_office_and_agency_and_decision_official_are_told(proposal, desk):
    lead, chief, other = make.lead("DOE"), make.decision_official(), make.lead("STATE")
    make.filed(proposal, "DOE", "object")
    added(Escalation.objects.get(), desk, level="principals")
    for kind in ("evaluation.escalation_opened", "evaluation.escalation_changed"):
        told = set(Notice.objects.filter(kind=kind).values_list("recipient", flat=True))
        assert {desk.pk, lead.pk, chief.pk} <= told
        assert other.pk not in told


# Pages


def test_office_adds_on_the_page_and_the_proposal_leads_there(client, proposal, escalation, desk):
    address = reverse("evaluation:escalation", args=[escalation.pk])
    assert address in page(client, desk, "proposal", proposal.number).text
    assert address in page(client, make.lead("DOE"), "position", escalation.position.referral_id).text
    refusal = press(client, desk, "escalation-add", escalation.pk, level="staff", minutes=" ")
    assert refusal.status_code == 422 and "#id_participants" in refusal.text
    done = press(client, desk, "escalation-add", escalation.pk, **SAID, due_on="", days="5", unit="business")
    assert done.status_code == 302
    assert "They disagree on the hall." in page(client, desk, "escalation", escalation.pk).text


def test_open_escalation_is_a_task_of_the_office_with_its_day(client, proposal, escalation, desk):
    shown = page(client, desk, "desk")
    tasks = {task.url: task for task in shown.context["tasks"]}
    task = tasks[reverse("evaluation:escalation", args=[escalation.pk])]
    assert task.due_at == escalation.due_at
    added(escalation, desk, outcome="settled")
    assert not any("scalation" in task.what for task in page(client, desk, "desk").context["tasks"])


def test_determination_warns_of_an_open_escalation_and_is_signed_all_the_same(client, desk):
    draft = make.ready_to_sign(by=desk, DOE="object")
    chief = make.decision_official()
    escalation = Escalation.objects.get()
    warned = f"The escalation of the objection of {escalation.agency}</a> is open"
    assert warned in page(client, chief, "determination", draft.pk).text
    services.sign_determination(draft, by=chief)
    draft.refresh_from_db()
    (row,) = json.loads(draft.packet)["escalations"]
    assert (row["agency"], row["outcome"], row["closed_at"]) == ("DOE", "", None)


@pytest.mark.parametrize("outcome", ["designate", "not_select"])
def test_announced_decision_closes_what_is_open_with_its_answer(client, desk, outcome):
    draft = make.ready_to_sign(by=desk, outcome=outcome, DOE="object")
    chief = make.decision_official()
    services.sign_determination(draft, by=chief)
    assert Escalation.objects.get().is_open
    services.announce_determination(draft, by=chief)
    escalation = Escalation.objects.get()
    assert (escalation.is_open, escalation.outcome) == (False, "objection_stands")
    entry, event = escalation.entries.get(), AuditEvent.objects.of(escalation).latest("pk")
    assert (event.act, event.actor, entry.by) == ("escalation.close", chief, chief)
    assert event.said["note"] == entry.minutes
    assert entry.minutes.startswith("The determination was announced: ")
    assert entry.minutes.endswith("It answers the objection: The concern is met by a condition.")
    assert "The objection stands" in page(client, desk, "escalation", escalation.pk).text


def test_deferral_leaves_the_escalation_open(desk):
    draft = make.ready_to_sign(by=desk, outcome="defer", DOE="object")
    chief = make.decision_official()
    services.sign_determination(draft, by=chief)
    services.announce_determination(draft, by=chief)
    assert Escalation.objects.get().is_open


def test_announcement_leaves_as_it_was_what_was_over_before(desk):
    draft = make.ready_to_sign(by=desk, DOE="object")
    added(Escalation.objects.get(), desk, outcome="settled")
    chief = make.decision_official()
    draft = make.signed(draft, chief)
    services.announce_determination(draft, by=chief)
    assert (Escalation.objects.get().outcome, EscalationEntry.objects.count()) == ("settled", 1)


def test_packet_holds_what_was_said_beside_the_answer(desk):
    draft = make.ready_to_sign(by=desk, DOE="object")
    added(Escalation.objects.get(), desk, level="principals", outcome="objection_stands")
    packet = json.loads(packet_text(draft))
    (row,) = packet["escalations"]
    assert row["entries"][0]["minutes"] == SAID["minutes"]
    assert row["outcome"] == "objection_stands"
    assert packet["objections"][0]["answer"]


def test_no_warning_once_the_escalation_is_over(client, desk):
    draft = make.ready_to_sign(by=desk, DOE="object")
    added(Escalation.objects.get(), desk, outcome="objection_stands")
    assert "</a> is open" not in page(client, make.decision_official(), "determination", draft.pk).text


def test_both_sides_are_reminded_until_it_is_settled_and_of_a_new_day_anew(proposal, escalation, desk):
    lead, other = make.lead("DOE"), make.lead("STATE")
    due = escalation.due_at
    remind_at(due - 4 * DAY, due - 3 * DAY, due - 2 * DAY, due - DAY, due, due + DAY)
    for person in (desk, lead):
        assert told(person) == [
            f"3 days left to settle the objection of {escalation.agency} to {proposal.number}",
            f"1 day left to settle the objection of {escalation.agency} to {proposal.number}",
            f"The objection of {escalation.agency} to {proposal.number} was not settled in time",
        ]
    assert not told(other)

    with clock.moved_to(due + DAY):
        added(escalation, desk, due_on=local_day(due + 20 * DAY))
    escalation.refresh_from_db()
    remind_at(escalation.due_at - DAY)
    assert len(told(lead)) == 4
    added(escalation, desk, outcome="settled")
    remind_at(escalation.due_at + DAY)
    assert len(told(lead)) == 4


def told(person):
    kinds = ("evaluation.escalation_due", "evaluation.escalation_overdue")
    rows = Notice.objects.filter(recipient=person, kind__in=kinds)
    return list(rows.order_by("pk").values_list("title", flat=True))


# Objections of before


def of_before():
    Escalation.objects.filter(entries=None).delete()
    assert (open_left_escalations(), open_left_escalations()) == (1, 0)
    return Escalation.objects.get()


def test_objection_filed_before_gets_a_record_that_says_so_once(client, desk, proposal):
    make.filed(proposal, "DOE", "object", rationale="The hall is not secure.")
    make.filed(proposal, "STATE", "support")
    Notice.objects.all().delete()
    escalation = of_before()
    assert escalation.agency.code == "DOE"
    assert escalation.position == make.referral_of(proposal, "DOE").position
    assert escalation.is_open and escalation.due_at > clock.now()
    filed = f"the objection was filed on {long_date(clock.today())}"
    entry = escalation.entries.get()
    assert filed in entry.minutes and entry.by.is_service
    assert entry.minutes in escalation.due_rule
    event = AuditEvent.objects.of(escalation).get()
    assert (event.act, event.actor, event.said["note"]) == (
        "escalation.open",
        entry.by,
        escalation.due_rule,
    )
    told = Notice.objects.filter(kind="evaluation.escalation_opened").values_list("recipient", flat=True)
    assert set(told) >= {desk.pk, escalation.position.signed_by_id}
    assert entry.minutes in page(client, desk, "escalation", escalation.pk).text
    added(escalation, desk)
    assert escalation.entries.count() == 2


@pytest.mark.parametrize("case", ["withdrawn position", "decided", "withdrawn proposal"])
def test_no_record_is_opened_for_what_stands_no_more(desk, case):
    if case == "decided":
        draft, chief = make.ready_to_sign(DOE="object"), make.decision_official()
        Escalation.objects.all().delete()
        services.announce_determination(make.signed(draft, chief), by=chief)
    else:
        proposal = make.accepted(desk)
        make.filed(proposal, "DOE", "object")
        Escalation.objects.all().delete()
        if case == "withdrawn position":
            make.filed(proposal, "DOE", "support")
        else:
            withdraw_proposal(proposal, by=representative_of(proposal), note="Enough.")
    assert open_left_escalations() == 0
    assert not Escalation.objects.exists()


def test_nobody_but_the_clock_opens_a_record_afterwards(desk, proposal):
    make.filed(proposal, "DOE", "object")
    Escalation.objects.all().delete()
    position = make.referral_of(proposal, "DOE").position
    with pytest.raises(PermissionDenied):
        services.open_left_escalation(position, by=desk)
    assert not Escalation.objects.exists()
