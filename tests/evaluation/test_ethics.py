"""The ethics official: what is declared or asked closes the proposal at once, until they have decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from evaluation import services
from evaluation.discussing import workers_for
from evaluation.ethics_tasks import conflicts_to_decide
from evaluation.models import AgencyScore, Assignment, ConflictCase, Interest
from evaluation.office_tasks import office_tasks
from evaluation.packets import packet_of
from evaluation.querysets.discussion import discussed_by
from evaluation.views.assignments import to_ask_about
from program import clock
from program.enums import OfficeRole
from program.models import AuditEvent, Delivery, Notice, User
from program.notices import deliver
from program.transitions import NotReady, WrongStatus
from proposals.models import Proposal, Recusal
from tests.evaluation.pages import page, press, sign_in
from tests.evaluation.test_access import sees
from tests.evaluation.test_conflict_hints import declared, ethics, owned_package
from tests.evaluation.test_reminders import remind_at
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, officer
from tests.factories.proposals import RecusalFactory
from tests.statements import statements

pytestmark = pytest.mark.django_db
CLEARED = {"basis": "5 CFR 2635.502(d)", "reason": "Only this reviewer knows the grid."}
RECUSED = {"basis": "5 CFR 2635.502(e)", "reason": "The work ended last month."}


def asked(proposal=None, about="relationship", assignment=None):
    """A reviewer of State who has put something before the ethics official."""
    assignment = assignment or make.assigned(proposal or make.accepted(), declared=False)
    person = assignment.reviewer
    services.declare_conflict(
        assignment, by=person, has_conflict=True, text="My sister works for the anchor.", about=about
    )
    return ConflictCase.objects.get(person=person)


def now(person):
    """The person as they are stored now."""
    return User.objects.get(pk=person.pk)


def told(kind):
    return set(Notice.objects.filter(kind=f"evaluation.{kind}").values_list("recipient__name", flat=True))


def names(*people):
    return {person.name for person in people}


def without_official(desk):
    """What the desk of the Program office says of cases that nobody may decide."""
    return [task.what for task in office_tasks(now(desk)) if "without an ethics official" in task.what]


def test_until_it_is_decided_the_person_reads_nothing_in_any_channel():
    proposal, official = make.accepted(), ethics()
    assignment = make.assigned(proposal)
    assert sees(now(assignment.reviewer), proposal)
    case = services.ask_ethics_official(
        proposal, person=assignment.reviewer, agency=assignment.agency, by=make.lead("STATE"),
        text="Look at the owner.",
    )  # fmt: skip
    person = now(assignment.reviewer)
    assert sees(person, proposal) == set()
    assert not Proposal.objects.visible_to(person).exists()
    assert not person.has_perm("proposals.view_proposal", proposal)
    assert not person.has_perm("proposals.evaluate_proposal", proposal)
    assert Assignment.objects.get().status == "active"
    assert (told("conflict_to_decide"), told("no_ethics_official")) == (names(official), set())

    services.clear_conflict(case, by=official, **CLEARED)

    assert sees(now(person), proposal)
    assert now(person).has_perm("proposals.evaluate_proposal", proposal)
    assert (
        not Recusal.objects.exists()
        and Recusal.every.get().lifted_at == ConflictCase.objects.get().decided_at
    )


def test_who_is_cleared_begins_and_submits_the_review():
    proposal, official = make.accepted(), ethics()
    CriterionFactory(call=proposal.call)
    case = asked(proposal)
    assignment = case.assignment
    services.clear_conflict(case, by=official, **CLEARED)
    person = now(case.person)
    assert told("conflict_decided") == names(person)
    review = services.open_review(assignment, by=person)
    assignment.reviewer = person
    services.submit_review(make.filled_review(assignment), by=person)
    review.refresh_from_db()
    assert review.status == "submitted"


def test_who_is_cleared_takes_part_in_the_discussion_and_is_told_of_it():
    proposal, official = make.accepted(), ethics()
    case = asked(proposal)
    assert case.person not in workers_for(case.agency, proposal)
    services.clear_conflict(case, by=official, **CLEARED)
    assert proposal in discussed_by(now(case.person))
    assert case.person in workers_for(case.agency, proposal)


def test_a_sheet_counts_until_it_is_decided_and_no_more_after_a_recusal():
    proposal, official, lead = make.accepted(), ethics(), make.lead("STATE")
    criterion = CriterionFactory(call=proposal.call)
    first, second = make.assigned(proposal), make.assigned(proposal)

    def counted():
        return AgencyScore.objects.get(agency=first.agency, criterion=criterion).sheet_count

    services.submit_review(make.filled_review(first, 4), by=first.reviewer)
    services.end_assignment(first, by=lead, reason="On leave.")
    case = services.ask_ethics_official(
        proposal, person=first.reviewer, agency=first.agency, by=lead, text="A hint."
    )
    services.submit_review(make.filled_review(second, 4), by=second.reviewer)
    assert counted() == 2
    services.recuse_conflict(case, by=official, **RECUSED)
    assert counted() == 1


def test_a_recusal_ends_the_assignment_and_names_the_replacement_at_once():
    proposal, official, lead = make.accepted(), ethics(), make.lead("STATE")
    case, other = asked(proposal), make.reviewer("STATE")
    with pytest.raises(NotReady):
        services.recuse_conflict(case, by=official, replacement=make.reviewer("DOE"), **RECUSED)
    case.refresh_from_db()
    assert case.status == "open"

    services.recuse_conflict(case, by=official, replacement=other, **RECUSED)

    recusal = Recusal.objects.get()
    assert (recusal.user, recusal.replaced_by, recusal.recused_by) == (case.person, other, official)
    assert "sister" not in recusal.reason and "last month" not in recusal.reason
    assert proposal.assignments.get(status="active").reviewer == other
    assert Assignment.objects.get(reviewer=case.person).status == "ended"
    assert told("conflict_decided") == names(case.person)
    assert told("reviewer_recused") == names(lead)
    event = AuditEvent.objects.of(case).get(act="conflictcase.recuse")
    assert (event.actor, event.clause) == (official, "5 CFR 2635.502(e)")
    assert (RECUSED["reason"] in event.body) and ("sister" not in event.body)
    with pytest.raises(WrongStatus):
        services.recuse_conflict(case, by=official, **RECUSED)


@pytest.mark.parametrize("act", ["clear", "recuse"])
def test_whether_it_was_a_financial_interest_is_kept_with_the_case(act):
    proposal, official = make.accepted(), ethics()
    case = asked(proposal, about="financial")
    if act == "clear":
        basis = "18 U.S.C. 208(b)(1)"
        services.clear_conflict(case, by=official, basis=basis, reason="Waiver of May 4.")
    else:
        basis = "5 CFR 2635.402(c)"
        services.recuse_conflict(case, by=official, basis=basis, reason="Shares.")
    assert AuditEvent.objects.of(case).filter(clause=basis).count() == 1
    others = AuditEvent.objects.exclude(subject_type="evaluation.conflictcase")
    assert not [event.act for event in others if basis in event.body or basis == event.clause]
    assert basis not in Recusal.every.get().reason + Assignment.objects.get().ended_reason
    told = Notice.objects.exclude(recipient__in=[case.person, official])
    assert not [notice for notice in told if basis in notice.text + notice.clause]


def test_who_reviews_for_two_agencies_is_recused_for_both_and_replaced_for_that_of_the_case():
    proposal, official = make.accepted(), ethics()
    case, other = asked(proposal), make.reviewer("STATE")
    elsewhere = officer(OfficeRole.REVIEWER, "DOE").offices.get()
    elsewhere.user = case.person
    elsewhere.save()
    # Not by a service, which gives no second agency to who is held
    Assignment.objects.create(
        proposal=proposal, agency=elsewhere.agency, reviewer=case.person, assigned_by=official,
        assigned_at=clock.now(),
    )  # fmt: skip

    services.recuse_conflict(case, by=official, replacement=other, **RECUSED)

    assert not Assignment.objects.active().filter(reviewer=case.person).exists()
    active = Assignment.objects.active().filter(proposal=proposal)
    assert [(row.reviewer, row.agency) for row in active] == [(other, case.agency)]


def test_nobody_decides_about_themself_nor_for_another_agency():
    person = officer(OfficeRole.REVIEWER, "STATE")
    own = person.offices.get()
    own.pk, own.role = None, OfficeRole.ETHICS_OFFICIAL
    own.save()
    desk = officer()
    case = asked(assignment=make.assigned(make.accepted(), person=now(person), declared=False))
    assert names(desk) <= told("no_ethics_official")
    for other in (now(person), ethics("DOE"), make.lead("STATE"), desk, make.decision_official()):
        with pytest.raises(PermissionDenied):
            services.clear_conflict(case, by=other, **CLEARED)
    second = ethics("STATE")
    services.clear_conflict(case, by=second, **CLEARED)
    with pytest.raises(IntegrityError, match="cleared_by_another"), transaction.atomic():
        ConflictCase.objects.update(decided_by=person)


def test_an_official_who_is_recused_from_the_proposal_decides_nothing_on_it():
    proposal, first, second = make.accepted(), ethics(), ethics()
    RecusalFactory(proposal=proposal, user=first)
    case = asked(proposal)
    assert told("conflict_to_decide") == names(second)
    assert not ConflictCase.objects.visible_to(now(first)).exists()
    with pytest.raises(PermissionDenied):
        services.clear_conflict(case, by=now(first), **CLEARED)


@pytest.mark.parametrize("how", ["declared", "found"])
def test_a_financial_interest_is_not_authorized_by_the_agency(how):
    official = ethics()
    if how == "declared":
        case = asked(about="financial")
    else:
        proposal = owned_package().proposal
        person = make.reviewer()
        declared(person, name="Tidewater Capital")
        case = services.ask_ethics_official(
            proposal, person=person, agency=official.offices.get().agency, by=officer(), text="A hint."
        )
    for basis in ("5 CFR 2635.502(d)", "5 CFR 2635.502(c)(2)"):
        with pytest.raises(NotReady, match="matter of 18 U"):
            services.clear_conflict(case, by=official, basis=basis, reason="We need them.")
    services.clear_conflict(case, by=official, basis="18 U.S.C. 208(b)(1)", reason="Waiver of May 4.")


def test_a_decision_needs_its_clause_and_its_reason():
    official, case = ethics(), asked()
    for act, facts in (
        (services.clear_conflict, {**CLEARED, "reason": " "}),
        (services.clear_conflict, {**CLEARED, "basis": "5 CFR 2635.502(e)"}),
        (services.clear_conflict, {**CLEARED, "basis": "my own"}),
        (services.recuse_conflict, {**RECUSED, "reason": " "}),
        (services.recuse_conflict, {**RECUSED, "basis": "5 CFR 2635.502(d)"}),
        (services.recuse_conflict, {**RECUSED, "basis": ""}),
    ):
        with pytest.raises(NotReady):
            act(case, by=official, **facts)
    case.refresh_from_db()
    assert case.status == "open"


@pytest.mark.parametrize("who", ["person", "lead", "officer"])
def test_a_recusal_without_the_official_settles_the_open_case(who):
    lead, desk = make.lead("STATE"), officer()
    case = asked()
    by = {"person": case.person, "lead": lead, "officer": desk}[who]
    services.recuse(case.proposal, person=case.person, by=by, reason="I stay away.")
    case.refresh_from_db()
    assert (case.status, case.decided_by, case.basis) == ("recused", by, "")
    assert Recusal.objects.get().reason == "I stay away."
    assert Assignment.objects.get().status == "ended"
    with pytest.raises(WrongStatus):
        services.clear_conflict(case, by=ethics(), **CLEARED)


def test_it_is_asked_once_and_not_about_who_is_recused_or_holds_no_office():
    proposal, lead = make.accepted(), make.lead("STATE")
    person, agency = make.reviewer("STATE"), lead.offices.get().agency
    facts = {"agency": agency, "by": lead, "text": "Look at the owner."}
    with pytest.raises(NotReady, match="holds no office"):
        services.ask_ethics_official(proposal, person=make.reviewer("DOE"), **facts)
    with pytest.raises(NotReady, match="Say what"):
        services.ask_ethics_official(proposal, person=person, **{**facts, "text": " "})
    for other in (make.lead("DOE"), make.reviewer("STATE"), officer(OfficeRole.AUDITOR)):
        with pytest.raises(PermissionDenied):
            services.ask_ethics_official(proposal, person=person, **{**facts, "by": other})
    services.ask_ethics_official(proposal, person=person, **facts)
    with pytest.raises(NotReady, match="closed to"):
        services.ask_ethics_official(proposal, person=person, **facts)
    with pytest.raises(NotReady):
        services.assign_reviewer(proposal, reviewer=person, agency=agency, by=lead)


def test_the_person_is_told_although_the_proposal_is_closed_and_others_only_while_it_is_open(mailoutbox):
    official, lead = ethics(), make.lead("STATE")
    case = asked()
    for pk in Delivery.objects.values_list("pk", flat=True):
        deliver(pk)
    subjects = {mail.to[0]: mail.subject for mail in mailoutbox}
    number = case.proposal.number
    assert f"{number} is closed to you until the ethics official decides" in subjects[case.person.email]
    assert f"Decide whether {case.person} may review {number}" in subjects[official.email]
    assert f"{case.person} waits for the ethics official on {number}" in subjects[lead.email]
    assert all("sister" not in mail.body for mail in mailoutbox)


def test_who_is_no_ethics_official_any_more_is_sent_nothing_of_what_waits(mailoutbox):
    official = ethics()
    asked()
    official.offices.update(effective_to=clock.today())
    for pk in Delivery.objects.values_list("pk", flat=True):
        deliver(pk)
    assert official.email not in {mail.to[0] for mail in mailoutbox}


def test_the_packet_names_who_is_recused_and_not_who_waits():
    proposal, official = make.accepted(), ethics()
    case = asked(proposal)
    determination = make.ready_to_sign(proposal)
    assert packet_of(determination)["recusals"] == []
    services.recuse_conflict(case, by=official, **RECUSED)
    (row,) = packet_of(determination)["recusals"]
    assert row["name"] == case.person.name


def test_cases_are_read_by_the_person_and_their_ethics_official_alone(client):
    official, case = ethics(), asked()
    readers = {official: 200, case.person: 200}
    for other in (
        ethics("DOE"), make.lead("STATE"), make.reviewer("STATE"), officer(), officer(OfficeRole.AUDITOR)
    ):  # fmt: skip
        readers[other] = 404
    for person, answer in readers.items():
        assert page(client, now(person), "conflict-case", case.pk).status_code == answer, person
        assert now(person).has_perm("evaluation.view_conflictcase", case) == (answer == 200)
        listed = page(client, now(person), "conflict-cases")
        holds = now(person).holds(OfficeRole.ETHICS_OFFICIAL)
        assert listed.status_code == (200 if holds else 403), person
        assert (case.proposal.number in listed.text) == (person == official)


def test_reviewer_asks_and_the_official_decides_by_pages(client):
    official = ethics()
    assignment = make.assigned(make.accepted(), declared=False)
    person, number = assignment.reviewer, assignment.proposal.number
    sent = {"has_conflict": "ask", "text": "My sister works there."}
    refused = press(client, person, "conflict-declare", assignment.pk, **sent)
    assert refused.context["form"].errors == {"about": ["Say what it is about."]}
    press(client, person, "conflict-declare", assignment.pk, about="relationship", **sent)
    case = ConflictCase.objects.get()
    assert page(client, person, "assignment", assignment.pk).status_code == 404
    again = press(client, person, "conflict-declare", assignment.pk, has_conflict="yes", text="Kin.")
    assert "You have declared this already." in client.get(again.url).text
    assert press(client, now(make.reviewer()), "conflict-declare", assignment.pk).status_code == 404
    assert page(client, person, "proposal", number).status_code == 404
    own = page(client, person, "conflict-case", case.pk).text
    assert "My sister works there." in own and "Recuse myself" in own and "Let them review" not in own
    assert f"Decide whether {person} may review {number}" in page(client, official, "desk").text
    assert str(person) in page(client, official, "conflict-cases").text
    decided = {"clear-basis": "18 U.S.C. 208(b)(1)", "clear-reason": ""}
    refused = press(client, official, "conflict-clear", case.pk, **decided)
    assert (refused.status_code, refused.context["clear_form"].errors) == (
        422, {"reason": ["Give the reason for the decision."]},
    )  # fmt: skip
    press(client, official, "conflict-clear", case.pk, **{**decided, "clear-reason": "Waiver of May 4."})
    again = press(client, official, "conflict-clear", case.pk, **{**decided, "clear-reason": "Again."})
    assert (again.status_code, again.context["typed"][-1]["text"]) == (409, "Again.")
    assert ConflictCase.objects.get().reason == "Waiver of May 4."
    assert page(client, person, "assignment", assignment.pk).status_code == 200
    late = press(client, person, "conflict-recuse-oneself", case.pk, reason="Too late.")
    assert late.status_code == 409 and "Too late." in late.text and "Recuse myself" not in late.text
    assert ConflictCase.objects.get().status == "cleared"


def test_who_may_replace_stands_with_their_hints_before_the_official_alone(client):
    version, official, other = owned_package(), ethics(), make.reviewer("STATE")
    declared(other, name="Tidewater Capital")
    make.accept(version.proposal, officer())
    case = asked(version.proposal)
    words = f"Hint: {other} has a holding in Tidewater Capital."
    assert words in page(client, official, "conflict-case", case.pk).text
    assert "Hint:" not in page(client, case.person, "conflict-case", case.pk).text


def test_a_decision_that_is_late_is_said_to_be_with_the_assignments(client):
    ethics()
    case, lead = asked(), make.lead("STATE")
    number = case.proposal.number
    assert "decides by" in page(client, lead, "assignments", number).text
    with clock.moved_to(case.due_at):
        late = page(client, lead, "assignments", number).text
    assert "was to decide by" in late
    assert "Overdue" in late


def test_the_last_official_who_stays_away_leaves_it_to_the_program_office_at_once(client):
    only, case, desk, lead = ethics(), asked(), officer(), make.lead("STATE")
    number = case.proposal.number
    shown = page(client, only, "conflict-case", case.pk).text
    assert "nobody decides until the Program office has appointed another ethics official" in shown
    assert without_official(desk) == []

    answer = press(client, only, "conflict-stay-away", case.pk, **{"away-reason": "A cousin."})

    said = client.get(answer.url).text
    assert "has no other ethics official who may decide" in said and "another decides" not in said
    assert names(desk) <= told("no_ethics_official")
    heard = Notice.objects.get(kind="evaluation.no_ethics_official", recipient=desk)
    assert str(case.person) in heard.text
    assert without_official(desk) == ["1 conflict of interest without an ethics official to decide it"]
    waits = page(client, lead, "assignments", number).text
    assert "has no ethics official who may decide it" in waits and "is to be decided by" in waits
    with clock.moved_to(case.due_at):
        waits = page(client, lead, "assignments", number).text
    assert "was to be decided by" in waits and "was to decide by" not in waits
    ethics()
    assert without_official(desk) == []
    assert "the ethics official of" in page(client, lead, "assignments", number).text


def test_an_official_whose_account_is_closed_decides_nothing(client):
    only, case, desk = ethics(), asked(), officer()
    User.objects.filter(pk=only.pk).update(is_active=False)
    assert list(ConflictCase.objects.without_official()) == [case]
    assert len(without_official(desk)) == 1


def test_where_another_official_may_decide_the_program_office_is_not_told(client):
    first, second, case, desk = ethics(), ethics(), asked(), officer()
    assert "and another ethics official of" in page(client, first, "conflict-case", case.pk).text
    answer = press(client, first, "conflict-stay-away", case.pk, **{"away-reason": "A cousin."})
    assert "and another ethics official decides." in client.get(answer.url).text
    assert told("no_ethics_official") == set() and without_official(desk) == []
    # A lead who keeps the second one away leaves nobody either
    services.recuse(case.proposal, person=second, by=make.lead("STATE"), reason="A cousin.")
    assert names(desk) <= told("no_ethics_official")


def test_official_recuses_and_replaces_by_page_and_others_do_not(client):
    official, case, other = ethics(), asked(), make.reviewer("STATE")
    sent = {"recuse-basis": RECUSED["basis"], "recuse-reason": "Kin.", "recuse-replacement": other.pk}
    for stranger in (make.lead("STATE"), ethics("DOE"), officer()):
        assert press(client, stranger, "conflict-recuse", case.pk, **sent).status_code == 404
        assert press(client, stranger, "conflict-clear", case.pk, **sent).status_code == 404
    assert press(client, official, "conflict-recuse", case.pk, **sent).status_code == 302
    case.refresh_from_db()
    assert (case.status, case.recusal.replaced_by) == ("recused", other)
    assert "Kin." in page(client, case.person, "conflict-case", case.pk).text


def test_an_official_stays_away_by_page_and_others_recuse_one(client):
    first, second, case = ethics(), ethics(), asked()

    def pressed(person, reason="A cousin."):
        return press(client, person, "conflict-stay-away", case.pk, **{"away-reason": reason})

    for stranger in (make.lead("STATE"), ethics("DOE"), officer()):
        assert pressed(stranger).status_code == 404
    assert pressed(case.person).status_code == 403
    refused = pressed(first, " ")
    assert (refused.status_code, refused.context["away_form"].errors) == (
        422, {"reason": ["Give the reason for the recusal."]},
    )  # fmt: skip
    assert "I stay away from this case" in refused.text
    assert pressed(first).status_code == 302
    assert Recusal.objects.get(user=first).recused_by == first
    assert page(client, first, "conflict-case", case.pk).status_code == 404
    assert page(client, second, "conflict-case", case.pk).context["may_decide"]
    sent = {"recuse-person": second.pk, "recuse-reason": "A cousin."}
    press(client, make.lead("STATE"), "person-recuse", case.proposal.number, **sent)
    assert Recusal.objects.filter(user=second).exists()


def test_person_recuses_themself_while_nobody_has_decided(client):
    ethics()
    case = asked()
    refused = press(client, case.person, "conflict-recuse-oneself", case.pk, reason=" ")
    assert refused.status_code == 422
    long = press(client, case.person, "conflict-recuse-oneself", case.pk, reason="Long. " * 4000)
    assert (long.status_code, len(long.context["own_form"]["reason"].value())) == (422, 24000)
    assert press(client, make.reviewer(), "conflict-recuse-oneself", case.pk, reason="I").status_code == 404
    press(client, case.person, "conflict-recuse-oneself", case.pk, reason="I stay away.")
    case.refresh_from_db()
    assert (case.status, case.decided_by) == ("recused", case.person)


def test_who_assigns_is_told_to_ask_and_reads_no_holding(client):
    proposal = owned_package().proposal
    lead, person, other = make.lead("STATE"), make.reviewer("STATE"), make.reviewer("STATE")
    make.accept(proposal, officer())
    declared(person, name="Tidewater Capital", whose="spouse")
    shown = page(client, lead, "assignments", proposal.number)
    assert shown.context["to_ask_about"] == [
        f"Ask the ethics official of the agency before {person} reviews this proposal."
    ]
    told = shown.text.replace("Describe no holding.", "")
    assert "Tidewater" not in told and "holding" not in told
    sent = {"assign-agency": lead.offices.get().agency.pk, "assign-reviewer": person.pk}
    client.post(reverse("evaluation:reviewer-assign", args=[proposal.number]), sent)
    assert "Ask the ethics official" in client.get("/notices/").text
    own = page(client, person, "assignment", Assignment.objects.get().pk).text
    assert f"The spouse of {person} has a holding in Tidewater Capital." in own
    asking = {"ask-person": person.pk, "ask-text": "The portal says so."}
    assert press(client, other, "conflict-raise", proposal.number, **asking).status_code in (403, 404)
    assert press(client, make.lead("DOE"), "conflict-raise", proposal.number, **asking).status_code == 422
    press(client, lead, "conflict-raise", proposal.number, **asking)
    case = ConflictCase.objects.get()
    assert (case.person, case.assignment) == (person, Assignment.objects.get())
    listed = page(client, lead, "assignments", proposal.number)
    assert list(listed.context["waiting"]) == [case]
    assert "The portal says so." not in listed.text
    assert f"Why {person} is recused" in listed.text
    official = ethics()
    full = page(client, official, "conflict-case", case.pk).text
    assert f"The spouse of {person} has a holding in Tidewater Capital." in full
    page(client, person, "conflict-case", case.pk)
    read = AuditEvent.objects.of(proposal).filter(act="proposal.read", actor__in=[official, person])
    assert [event.actor for event in read] == [official]


def test_whom_the_official_cleared_is_warned_of_no_more_and_declares_just_that(client):
    proposal = owned_package().proposal
    lead, person, official = make.lead("STATE"), make.reviewer("STATE"), ethics()
    make.accept(proposal, officer())
    declared(person, name="Tidewater Capital")
    assignment = make.assigned(proposal, person=person, declared=False)
    case = services.ask_ethics_official(
        proposal, person=person, agency=assignment.agency, by=lead, text="A hint.", assignment=assignment
    )
    other = make.assigned(proposal, declared=False)
    with pytest.raises(NotReady, match="No ethics official"):
        services.declare_conflict(other, by=other.reviewer, has_conflict=True, is_cleared=True)
    assert to_ask_about(proposal, [person])
    services.clear_conflict(case, by=official, basis="18 U.S.C. 208(b)(1)", reason="Waiver of May 4.")
    assert to_ask_about(proposal, [person]) == []
    assert "cleared me of" in page(client, person, "assignment", assignment.pk).text
    press(client, person, "conflict-declare", assignment.pk, has_conflict="cleared")
    assert not Recusal.objects.exists() and ConflictCase.objects.count() == 1
    assert assignment.reviews.exists()
    ConflictCase.objects.update(decided_at=clock.instant() - timedelta(days=1))  # before that version
    assert to_ask_about(proposal, [person])


def test_who_assigns_recuses_whom_the_official_has_not_decided_about_by_page(client):
    lead, case = make.lead("STATE"), asked()
    number, sent = case.proposal.number, {"recuse-person": case.person.pk}
    assert press(client, lead, "person-recuse", number, **sent).status_code == 422
    assert (
        press(client, lead, "person-recuse", number, **sent, **{"recuse-reason": "Kin."}).status_code == 302
    )
    case.refresh_from_db()
    assert (case.status, case.decided_by) == ("recused", lead)
    assert (
        press(client, lead, "person-recuse", number, **sent, **{"recuse-reason": "Kin."}).status_code == 422
    )


def test_lists_of_the_official_cost_the_same_for_one_and_for_many(client):
    official = ethics()
    counts = []
    for _ in range(2):
        for person in (make.reviewer("STATE"), make.reviewer("STATE")):
            declared(person, name="Tidewater Capital")
            services.confirm_interests(by=person)
            asked(assignment=make.assigned(make.accepted(), person=person, declared=False))
        sent = []
        for name in ("conflict-cases", "interest-people"):
            page(client, official, name)
            with statements() as seen:
                assert page(client, official, name).status_code == 200
            sent.append(len(seen))
        counts.append(sent)
    assert counts[0] == counts[1]


def test_own_interests_cost_the_same_for_many(client):
    person, counts = make.reviewer(), []
    for number in range(2):
        for letter in "AB":
            gone = declared(person, name=f"Sold {letter} {number}")
            services.withdraw_interest(gone, by=person, reason="Sold.")
            declared(person, name=f"Firm {letter} {number}")
        page(client, person, "interests")
        with statements() as sent:
            assert page(client, person, "interests").status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_person_declares_withdraws_and_confirms_by_page(client, settings):
    person = make.reviewer()
    refused = press(client, person, "interests", kind="category", whose="own")
    assert (refused.status_code, refused.context["form"].errors) == (
        422, {"sector": ["Choose the sector of the holdings."]},
    )  # fmt: skip
    sent = {"kind": "holding", "whose": "own", "name": "Tidewater Capital"}
    address = reverse("evaluation:interests")
    assert [client.post(address, sent).status_code for _ in range(2)] == [302, 422]
    interest = Interest.objects.get()
    assert "Tidewater Capital" in page(client, person, "interests").text
    assert "Tidewater" not in page(client, make.reviewer(), "interests").text
    assert page(client, person, "interests").context["is_due"]
    press(client, person, "interests-confirm")
    assert not page(client, person, "interests").context["is_due"]
    settings.INTERESTS_HOLD_DAYS = 0
    assert page(client, person, "interests").context["is_due"]
    assert press(client, make.reviewer(), "interest-withdraw", interest.pk, reason="x").status_code == 404
    assert press(client, person, "interest-withdraw", interest.pk, reason=" ").status_code == 422
    long = press(client, person, "interest-withdraw", interest.pk, reason="Sold " * 4000)
    assert long.status_code == 422 and f'value="{"Sold " * 4000}"' in long.text
    press(client, person, "interest-withdraw", interest.pk, reason="Sold.")
    late = press(client, person, "interest-withdraw", interest.pk, reason="All are sold.")
    assert late.status_code == 422 and "All are sold." in late.text
    assert not Interest.objects.standing().exists() and "Sold." in page(client, person, "interests").text
    official = ethics("STATE")
    declared(person, name="Old Salt")
    listed = page(client, official, "interest-people")
    assert "Old Salt" in listed.text and "To be confirmed" in listed.text
    assert "Old Salt" not in page(client, ethics("DOE"), "interest-people").text
    assert page(client, make.lead("STATE"), "interest-people").status_code == 403


def test_a_case_is_due_within_the_days_of_the_setting(settings):
    settings.ETHICS_DECISION_DAYS = 3
    ethics()
    case = asked()
    day = timezone.localtime(case.due_at, clock.WASHINGTON).date()
    assert day - clock.today() == timedelta(days=4)


def test_who_decides_is_reminded_and_the_office_where_nobody_may():
    desk, official, other = officer(), ethics(), ethics("DOE")
    case = asked()
    number = case.proposal.number
    wanted = "1 conflict of interest without an ethics official to decide it"
    remind_at(case.due_at - timedelta(days=4), case.due_at - timedelta(days=3))
    assert titles(official) == [f"3 days left to decide whether {case.person} may review {number}"]
    assert wanted not in [task.what for task in office_tasks(now(desk))]
    RecusalFactory(proposal=case.proposal, user=official)
    assert wanted in [task.what for task in office_tasks(now(desk))]
    remind_at(case.due_at - timedelta(days=1))
    assert titles(desk) == [f"Appoint an ethics official of {case.agency}"]
    third = ethics()
    assert wanted not in [task.what for task in office_tasks(now(desk))]
    remind_at(case.due_at)
    assert titles(third) == [f"Whether {case.person} may review {number} was not decided in time"]
    services.clear_conflict(case, by=third, **CLEARED)
    remind_at(case.due_at + timedelta(days=1))
    assert (len(titles(official)), len(titles(third)), titles(other)) == (1, 1, [])


def test_where_a_recusal_leaves_nobody_to_sign_those_who_appoint_are_told_and_find_it_at_their_desk():
    proposal, desk, official, other = make.accepted(), officer(), ethics(), ethics("DOE")
    lead, second = make.lead("STATE"), make.lead("STATE")
    unsigned = f"the position of {lead.offices.get().agency} on {proposal.number}"

    def waiting(person, words):
        return [task.what for task in at_desk(now(person)) if words in task.what]

    services.recuse(proposal, person=second, by=second, reason="My sister works there.")
    assert told("nobody_signs") == set() and not waiting(desk, unsigned)
    services.recuse(proposal, person=lead, by=lead, reason="My brother works there.")
    officers = User.objects.filter(offices__role=OfficeRole.PROGRAM_OFFICER)
    assert told("nobody_signs") == names(*officers, official) >= names(desk)
    assert len(waiting(desk, unsigned)) == 1
    assert len(waiting(official, "Nobody may sign for the Department of State")) == 1
    assert not waiting(other, "Nobody may sign for the Department of State")
    RecusalFactory(proposal=proposal, user=official)
    assert not waiting(official, "Nobody may sign")

    make.delegated(lead, make.reviewer("STATE"))  # nobody signs for who is recused
    assert len(waiting(desk, unsigned)) == 1
    third = make.lead("STATE")
    assert not waiting(desk, unsigned)
    services.ask_ethics_official(
        proposal, person=third, agency=third.offices.get().agency, by=desk, text="Look at the owner."
    )
    assert len(waiting(desk, unsigned)) == 1
    assert Notice.objects.filter(kind="evaluation.nobody_signs", recipient=desk).count() == 2


def test_who_is_recused_is_told_of_it_and_nothing_of_the_proposal(client):
    proposal, desk = make.accepted(), officer()
    person = make.assigned(proposal).reviewer
    services.recuse(proposal, person=person, by=desk, reason="A cousin is their counsel.")
    told = Notice.objects.get(recipient=person, closed_at=None)
    assert (told.kind, told.url) == ("evaluation.recused", f"{reverse('evaluation:interests')}#closed")
    assert proposal.number in told.title and f">{told.title}<" in client_page(client, person, "/notices/")
    shown = page(client, person, "interests").text
    closed = shown[shown.index('id="closed"') :]
    assert f"Proposal {proposal.number}, since" in closed and str(desk) in closed
    for secret in (proposal.submitted_title, proposal.consortium.name, "A cousin is their counsel."):
        assert secret not in shown
    missing = page(client, person, "proposal", proposal.number)
    assert missing.status_code == 404 and f"{reverse('evaluation:interests')}#closed" in missing.text
    absent = page(client, person, "proposal", "AIX-2026-99999")
    said = [
        answer.text[answer.text.index("<main") : answer.text.index("</main")] for answer in (missing, absent)
    ]
    assert absent.status_code == 404 and said[0] == said[1] and proposal.number not in said[0]
    assert 'id="closed"' not in page(client, desk, "interests").text


def test_who_recuses_themself_is_not_told_what_they_did():
    proposal, lead = make.accepted(), make.lead()
    services.recuse(proposal, person=lead, by=lead, reason="My brother works there.")
    assert not Notice.objects.filter(kind="evaluation.recused").exists()


def client_page(client, person, address):
    sign_in(client, person)
    return client.get(address).text


def at_desk(person):
    return [*office_tasks(person), *conflicts_to_decide(person)]


def titles(person):
    kinds = ("conflict_due", "conflict_overdue", "no_ethics_official")
    rows = Notice.objects.filter(recipient=person, kind__in=[f"evaluation.{kind}" for kind in kinds])
    return list(rows.order_by("pk").values_list("title", flat=True))
