"""A new version while the last is evaluated: back to intake, on to the agencies by a rule per part."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils.html import escape
from django.utils.text import get_text_list

from evaluation import schedule, services
from evaluation.enums import Carry
from evaluation.models import CompletenessReview, Determination, Referral, Review, ScreeningJob
from evaluation.since import said_of
from program import clock, moments
from program.clock_account import clock_account
from program.models import AuditEvent, Notice
from program.transitions import NotReady, WrongStatus
from proposals.comparison import FieldInWords
from proposals.enums import Part, ProposalStatus
from proposals.explanation import status_explained
from proposals.models import Proposal
from proposals.services import resubmit_proposal, save_row, withdraw_proposal
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import RequirementFactory, officer
from tests.factories.proposals import certified, representative_of

pytestmark = pytest.mark.django_db


def codes(refusal):
    return {problem.code for problem in refusal.value.problems}


def statuses(proposal, number):
    rows = Referral.objects.filter(version__proposal=proposal, version__number=number)
    return dict(rows.values_list("agency__code", "status"))


def test_a_new_version_goes_back_to_intake_and_ends_what_runs():
    proposal = make.accepted()
    make.filed(proposal, "STATE")
    make.assigned(proposal, "DOE", reader := make.reviewer("DOE"))
    watcher = make.lead("DOE")
    clock_account()  # in office before the clock is moved

    version = make.resubmitted(proposal)

    assert (version.number, proposal.status) == (2, ProposalStatus.SUBMITTED)
    assert status_explained(proposal, at=clock.now()).happens.startswith("The new version was received")
    with clock.moved_to(clock.now() + timedelta(days=60)):
        assert schedule.lapse_due_referrals() == 0
    assert (schedule.end_left_referrals(), schedule.end_left_referrals()) == (4, 0)
    assert statuses(proposal, 1) == {**dict.fromkeys(make.EVALUATING, "ended"), "STATE": "answered"}
    told = Notice.objects.filter(kind="evaluation.version_replaced", recipient__in=[watcher, reader])
    assert told.count() == 2


@pytest.mark.parametrize(
    ("stance", "parts", "wanted"),
    [
        ("support", ["security"], Carry.KEEP),
        ("support", ["overview"], Carry.REOPEN),
        ("support", [], Carry.REOPEN),
        ("object", ["security"], Carry.REOPEN),
    ],
)
def test_acceptance_keeps_or_opens_each_consultation_by_rule(stance, parts, wanted):
    desk = officer()
    proposal = make.accepted(desk)
    before = make.filed(proposal, "STATE", stance, parts_commented=parts)
    make.resubmitted(proposal)

    make.accept(proposal, desk)

    referral = make.referral_of(proposal)
    assert (referral.version.number, referral.carry) == (2, wanted)
    assert referral.carry_reason
    assert (referral.position == before) == (wanted == Carry.KEEP)
    assert referral.status == ("answered" if wanted == Carry.KEEP else "open")
    assert statuses(proposal, 2).keys() == set(make.EVALUATING)
    # Before the clock has ended what ran on version 1, its time is over for nobody
    with clock.moved_to(clock.now() + timedelta(days=60)):
        assert schedule.lapse_due_referrals() == (4 if wanted == Carry.KEEP else 5)
    assert "lapsed" not in statuses(proposal, 1).values()


def test_a_position_on_the_replaced_version_is_refused_in_words():
    proposal = make.accepted()
    old = make.referral_of(proposal)
    make.resubmitted(proposal)
    for _ in range(2):  # at intake, and once the new version was accepted
        with pytest.raises(NotReady) as refusal:
            services.file_position(old, by=make.lead(), stance="support", rationale="Reasons.")
        assert codes(refusal) == {"version-replaced"}
        if proposal.status == ProposalStatus.SUBMITTED:
            make.accept(proposal, officer())


def test_a_running_consultation_does_not_end_before_its_time():
    referral = make.referral_of(make.accepted())
    with pytest.raises(NotReady) as refusal:
        services.end_referral(referral, by=clock_account())
    assert codes(refusal) == {"not-left"}


def test_nothing_is_replaced_or_edited_after_the_close():
    proposal = make.accepted()
    row, by = proposal.components.first(), representative_of(proposal)
    save_row(row, by=by, values={"name": "Board of the second series"}, revision=row.revision)
    certified(proposal)
    with clock.moved_to(proposal.call.closes_at):
        with pytest.raises(NotReady) as refusal:
            resubmit_proposal(proposal, by=by)
        assert codes(refusal) == {"late"}
        with pytest.raises(PermissionDenied):
            save_row(row, by=by, values={"name": "Too late"}, revision=row.revision)
        assert not Proposal.objects.editable_by(by).exists()
        assert not by.has_perm("proposals.change_proposal", Proposal.objects.get())
    proposal.refresh_from_db()
    assert (proposal.status, proposal.version_count) == (ProposalStatus.UNDER_EVALUATION, 1)
    assert Proposal.objects.editable_by(by).get() == proposal


def test_a_signed_determination_is_not_given_away_and_not_announced():
    """Refusing the new version would tell the consortium that it is decided."""
    determination = make.signed()
    proposal = Proposal.objects.get()
    make.resubmitted(proposal)
    chief = make.decision_official()
    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)
    assert "not-under-evaluation" in codes(refusal)
    services.recall_determination(determination, by=chief, reason="A new version came in.")
    make.accept(proposal, officer())
    make.consulted(proposal)
    again = services.prepare_determination(proposal, by=officer())
    assert again.version.number == 2


def test_a_draft_determination_takes_up_the_version_that_was_accepted():
    desk = officer()
    draft = make.ready_to_sign(by=desk)
    proposal = Proposal.objects.get()
    with pytest.raises(NotReady) as refusal:
        services.renew_determination(draft, by=desk)
    assert codes(refusal) == {"version-current"}
    make.resubmitted(proposal)
    with pytest.raises(NotReady) as refusal:
        services.renew_determination(draft, by=desk)
    assert codes(refusal) == {"version-not-accepted"}
    make.accept(proposal, desk)
    make.consulted(proposal)
    with pytest.raises(NotReady) as refusal:
        services.sign_determination(draft, by=make.decision_official())
    assert "version-replaced" in codes(refusal)
    with pytest.raises(PermissionDenied):
        services.renew_determination(draft, by=make.decision_official())

    services.renew_determination(draft, by=desk)

    draft = Determination.objects.get(pk=draft.pk)
    assert (draft.version.number, draft.status, draft.rationale) == (
        2, "draft", "It serves the national interest."
    )  # fmt: skip
    with pytest.raises(NotReady) as refusal:
        services.sign_determination(draft, by=make.decision_official())
    assert {code.partition("-")[0] for code in codes(refusal)} == {"finding", "not"}
    make.found(draft)
    make.signed(draft)
    draft.refresh_from_db()
    with pytest.raises(WrongStatus):
        services.renew_determination(draft, by=desk)


def test_pages_say_what_became_of_the_version_before(client):
    desk = officer()
    proposal = make.accepted(desk)
    sign_in(client, representative_of(proposal))
    before = client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    assert "Review and submit again" in before and "goes through intake again" in before
    assert "changes that were not submitted" not in before
    Proposal.objects.filter(pk=proposal.pk).update(title="Typed since")
    edited = client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    assert "changes that were not submitted" in edited
    review = client.get(reverse("proposals:review", args=[proposal.pk]))
    assert review.context["is_over"] is False and review.context["may_submit"]
    make.resubmitted(proposal)

    sign_in(client, desk)
    intake = client.get(reverse("evaluation:intake-proposal", args=[proposal.number])).content.decode()
    assert "What version 2 changed" in intake and "In version 1: accepted" in intake
    desk_page = client.get(reverse("evaluation:proposal", args=[proposal.number])).content.decode()
    assert "replaced one that was under evaluation" in desk_page

    sign_in(client, representative_of(proposal))
    with clock.moved_to(proposal.call.closes_at):
        after = client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
        review = client.get(reverse("proposals:review", args=[proposal.pk]))
    assert "Review and submit again" not in after
    assert review.context["is_over"] is True


def test_findings_on_what_did_not_change_are_offered_filled_in_and_saved_by_a_person_alone(client):
    desk, proposal = officer(), make.at_intake()
    there = {row.code: row for row in proposal.call.requirements.all()}
    rows = {
        code: there.get(code) or RequirementFactory(call=proposal.call, code=code)
        for code in ("layer-hardware", "target-markets", "of-this-call")
    }
    own = RequirementFactory(call=proposal.call, code="pledge", evidence_type="text", is_mandatory=False)
    first = proposal.versions.get()
    for row in (*rows.values(), own):
        CompletenessReview.objects.create(
            version=first, requirement=row, finding="accepted", clause=row.clause, reviewed_by=desk
        )
    package = first.value
    market = package.markets[0].model_copy(update={"end_users": "Clinics alone."})
    second = make.new_version(proposal, {"markets": (market, *package.markets[1:])})

    shown = page(client, desk, "intake-proposal", proposal.number)
    held = shown.context["held"]
    expected = {rows["layer-hardware"].pk, own.pk}
    assert expected <= held.keys() and not {rows["target-markets"].pk, rows["of-this-call"].pk} & held.keys()
    assert f"Take over {len(held)} findings of version 1 where nothing changed" in shown.text
    assert "What it concerns changed since: look again." in shown.text and " checked>" not in shown.text

    typed = {"take-over": "1", f"requirement-{own.pk}": "deficient"}
    filled = press(client, desk, "completeness-save", proposal.number, **typed)
    assert not second.completeness_reviews.exists()
    assert f'id="id_requirement-{rows["layer-hardware"].pk}-accepted" checked' in filled.text
    assert f'id="id_requirement-{own.pk}-deficient" checked' in filled.text
    assert f'id="id_requirement-{rows["target-markets"].pk}-accepted" checked' not in filled.text
    assert "data-unsent" in filled.text
    notice = filled.text.index("Not saved yet")
    assert filled.text.index("</h1>") < notice < filled.text.index("Evidence of receipt")
    assert 'tabindex="-1" aria-label="Not saved yet" data-takes-focus' in filled.text
    assert 'Filled in under <a href="#completeness">Completeness</a>: ' in filled.text
    assert "data-takes-focus" not in shown.text


def found_before(desk):
    """A second version at intake that changed its title alone, and every finding on the first accepted."""
    proposal = make.at_intake()
    RequirementFactory(call=proposal.call, code="pledge", evidence_type="text")
    make.reviewed(proposal, desk)
    make.new_version(proposal)
    make.screened(proposal, desk)
    return proposal


def form_of(shown):
    """What a browser sends of the findings on a page: the version, what is chosen, typed, and seen."""
    name = r"requirement-\d+"
    read = re.findall(r'type="hidden" name="(read-version)" value="(\d+)"', shown.text)
    seen = re.findall(rf'name="({name}-seen)" value="(\d*)"', shown.text)
    chosen = re.findall(rf'name="({name})" value="(\w+)"[^>]* checked>', shown.text)
    typed = re.findall(rf'name="({name}-reason)"[^>]*>([^<]*)</textarea>', shown.text)
    return dict([*read, *seen, *chosen, *typed])


@pytest.mark.parametrize("act", ["completeness-save", "intake-accept", "intake-screen"])
def test_what_is_taken_over_is_saved_by_the_first_press(client, act):
    desk = officer()
    proposal = found_before(desk)
    filled = press(client, desk, "completeness-save", proposal.number, **{"take-over": "1"})
    form = form_of(filled)
    taken = {name for name, value in form.items() if value == "accepted"}
    assert taken and {form[f"{name}-seen"] for name in taken} == {"0"}
    others = {f"requirement-{row.pk}": "accepted" for row, *_ in filled.context["lines"]}

    answer = press(client, desk, act, proposal.number, **(form | others))

    assert answer.status_code == 302
    found = make.version_of(proposal).completeness_reviews
    assert set(found.values_list("finding", flat=True)) == {"accepted"} and found.count() == len(others)
    proposal.refresh_from_db()
    assert (proposal.status == "under_evaluation") == (act == "intake-accept")


def test_what_is_taken_over_is_refused_where_somebody_else_found_something_meanwhile(client):
    desk, other = officer(), officer()
    proposal = found_before(other)
    pledge = proposal.call.requirements.get(code="pledge")
    filled = press(client, desk, "completeness-save", proposal.number, **{"take-over": "1"})
    facts = {"by": other, "finding": "deficient", "reason": "No pledge."}
    services.review_completeness(make.version_of(proposal), pledge, **facts)

    refused = press(client, desk, "completeness-save", proposal.number, **form_of(filled))

    assert refused.status_code == 422
    (problem,) = refused.context["problems"]
    assert problem.code == "found-meanwhile" and "deficient, “No pledge.”" in problem.message
    assert make.version_of(proposal).completeness_reviews.get(requirement=pledge).reviewed_by == other
    again = press(client, desk, "completeness-save", proposal.number, **form_of(refused))
    assert again.status_code == 302
    assert make.version_of(proposal).completeness_reviews.get(requirement=pledge).finding == "accepted"


def test_to_take_over_replaces_nothing_that_a_colleague_found_while_another_finding_stood_typed(client):
    desk, other = officer(), officer()
    proposal = found_before(other)
    pledge = proposal.call.requirements.get(code="pledge")
    name = f"requirement-{pledge.pk}"
    typed = form_of(page(client, desk, "intake-proposal", proposal.number)) | {name: "accepted"}
    facts = {"by": other, "finding": "deficient", "reason": "No pledge."}
    services.review_completeness(make.version_of(proposal), pledge, **facts)

    filled = press(client, desk, "completeness-save", proposal.number, **typed, **{"take-over": "1"})
    assert form_of(filled)[name] == "accepted"
    refused = press(client, desk, "completeness-save", proposal.number, **form_of(filled))

    assert [problem.code for problem in refused.context["problems"]] == ["found-meanwhile"]
    assert make.version_of(proposal).completeness_reviews.get(requirement=pledge).finding == "deficient"


def test_page_opened_on_the_version_before_is_told_of_that_and_of_no_colleague(client):
    desk, proposal = officer(), make.at_intake()
    RequirementFactory(call=proposal.call, code="pledge", evidence_type="text")
    make.reviewed(proposal, desk)
    opened = form_of(page(client, desk, "intake-proposal", proposal.number))
    make.new_version(proposal)
    refused = press(client, desk, "completeness-save", proposal.number, **opened)
    assert refused.status_code == 422 and "Somebody else" not in refused.text
    assert "Version 2 came after you opened this page on version 1. Nothing was done." in refused.text
    assert press(client, desk, "completeness-save", proposal.number, **form_of(refused)).status_code == 302


@pytest.mark.parametrize("act", ["completeness-save", "intake-screen", "intake-accept", "intake-return"])
def test_page_opened_on_the_version_before_does_nothing_to_the_new_one(client, act):
    desk, proposal = officer(), make.at_intake()
    opened = form_of(page(client, desk, "intake-proposal", proposal.number))
    found = {f"requirement-{item.pk}": "accepted" for item in proposal.call.requirements.all()}
    make.new_version(proposal)
    refused = press(client, desk, act, proposal.number, **{**opened, **found, "note": "Dear consortium"})
    assert refused.status_code == 422 and "came after you opened this page on version 1" in refused.text
    assert not CompletenessReview.objects.filter(version__number=2).exists()
    assert not ScreeningJob.objects.exists()
    proposal.refresh_from_db()
    assert proposal.status == "submitted"


def test_nothing_is_filled_in_once_the_version_is_no_longer_at_intake(client):
    desk = officer()
    proposal = found_before(desk)
    pledge = RequirementFactory(call=proposal.call, code="of-late", evidence_type="text", is_mandatory=False)
    first = proposal.versions.get(number=1)
    CompletenessReview.objects.create(
        version=first, requirement=pledge, finding="accepted", clause=pledge.clause, reviewed_by=desk
    )
    make.accept(proposal, desk)
    make.version_of(proposal).completeness_reviews.filter(requirement=pledge).delete()
    shown = press(client, desk, "completeness-save", proposal.number, **{"take-over": "1"})
    assert not shown.context["takes_over"] and "Not reviewed" in shown.text


def test_the_intake_says_of_each_agency_what_acceptance_means_for_it(client):
    desk = officer()
    first = make.at_intake()
    assert page(client, desk, "intake-proposal", first.number).context["foreseen"] == []
    proposal = make.accepted(desk)
    make.filed(proposal, "STATE", parts_commented=["hardware"])
    make.filed(proposal, "DOE")
    make.resubmitted(proposal)

    shown = page(client, desk, "intake-proposal", proposal.number)
    said = {agency.code: words for agency, words, _ in shown.context["foreseen"]}
    assert said["STATE"] == "its position is kept, and it is not asked"
    assert said["DOE"] == "it is asked for a position again"
    assert said["OSTP"] == "it is asked for a position" and len(said) == 5
    assert "Each has" not in shown.text and "The position speaks of the whole package." in shown.text
    make.accept(proposal, desk)
    kept = Referral.objects.filter(version__number=2, carry="keep")
    assert [row.agency.code for row in kept] == ["STATE"]


def accepted_by_hand(client, desk, proposal):
    """What the officer reads after accepting the last version, and what the consortium is told of it."""
    make.reviewed(proposal, desk)
    make.screened(proposal, desk)
    assert press(client, desk, "intake-accept", proposal.number).status_code == 302
    said = [
        str(message)
        for message in get_messages(client.get(f"/desk/proposals/{proposal.number}/").wsgi_request)
    ]
    notices = Notice.objects.filter(kind="proposals.accepted", recipient=representative_of(proposal))
    return said, notices.latest("pk").text


@pytest.mark.parametrize(
    ("keeping", "said"),
    [
        ((), "The proposal is under evaluation; five agencies are consulted."),
        (
            ("STATE",),
            "The proposal is under evaluation again; 4 of the 5 agencies are asked: {asked}. "
            "1 position stays: {kept}.",
        ),
        (
            ("STATE", "DOE", "OSTP", "DOD"),
            "The proposal is under evaluation again; 1 of the 5 agencies is asked: {asked}. "
            "4 positions stay: {kept}.",
        ),
        (
            make.EVALUATING,
            "The proposal is under evaluation again; no agency is asked. 5 positions stay: {kept}.",
        ),
    ],
)
def test_acceptance_tells_who_is_asked_and_the_consortium_nothing_of_who_keeps(client, keeping, said):
    desk, proposal = officer(), make.at_intake()
    first = accepted_by_hand(client, desk, proposal)
    assert first == (
        ["The proposal is under evaluation; five agencies are consulted."],
        f"Version 1 of proposal {proposal.number} was accepted. The five agencies are now consulted.",
    )
    for agency in keeping:
        make.filed(proposal, agency, parts_commented=["hardware"])
    make.resubmitted(proposal)

    (words,), told = accepted_by_hand(client, desk, proposal)

    rows = Referral.objects.filter(version__number=2)
    asked, kept = (
        get_text_list([str(row.agency) for row in rows if (row.carry == Carry.KEEP) == stays], "and")
        for stays in (False, True)
    )
    assert words == said.format(asked=asked, kept=kept)
    assert told == (
        f"Version 2 of proposal {proposal.number} was accepted. The agencies' consultation goes on with this "
        "version."
    )


def test_a_consultation_says_what_ended_it(client):
    proposal, lead = make.accepted(), make.lead()
    old = make.referral_of(proposal)
    make.resubmitted(proposal)
    schedule.end_left_referrals()

    (line,) = page(client, lead, "desk").context["lines"]
    states = {column.state for _, column in line["cells"] if column}
    room = page(client, lead, "position", old.pk).content.decode()
    first = page(client, lead, "proposal", proposal.number, version=1)

    assert states == {c.state for c in first.context["columns"]} == {"Replaced by version 2"}
    assert "Replaced by version 2" in room and "withdrawn" not in room
    note = AuditEvent.objects.of(old).get(act="referral.end").said["note"]
    assert note == "Version 1 was replaced by version 2."

    withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")
    (line,) = page(client, lead, "desk").context["lines"]
    assert {column.state for _, column in line["cells"] if column} == {"Replaced by version 2"}


def test_desk_and_intake_say_when_the_version_that_waits_came_in(client):
    """Also their order: a first version that came between the two of another proposal waits longer."""
    desk = officer()
    proposal = make.accepted(desk)
    first = proposal.submitted_at
    with clock.moved_to(first + timedelta(days=2)):
        between = make.at_intake()
    with clock.moved_to(first + timedelta(days=5)):
        make.resubmitted(proposal)
    with clock.moved_to(first + timedelta(days=7)):
        lines = page(client, desk, "desk").context["lines"]
        board = page(client, desk, "desk").content.decode()
        queue = page(client, desk, "intake")
    (line,) = (line for line in lines if line["number"] == proposal.number)

    received = make.version_of(proposal).received_at
    assert received - first > timedelta(days=4)
    assert line["proposal"].received_at == received
    assert f"Version 2, submitted {moments.day(received)}" in board
    rows = [(row, waiting) for row, waiting, _ in queue.context["proposals"]]
    assert rows == [(between, "5 days"), (proposal, "2 days")]
    shown = queue.content.decode()
    assert moments.day(received) in shown and moments.day(first) not in shown
    beyond = page(client, desk, "intake", after=between.pk).context["proposals"]
    assert [row for row, *_ in beyond] == [proposal]


def test_what_changed_is_said_by_field_with_both_words(client):
    desk = officer()
    proposal = make.accepted(desk)
    before = proposal.title
    make.resubmitted(proposal, title="A new title", summary="Written anew. " * 30)

    intake = page(client, desk, "intake-proposal", proposal.number)
    reader = page(client, desk, "proposal", proposal.number)

    for shown, (part,) in ((intake, intake.context["changes"]), (reader, reader.context["changed"])):
        (row,) = part.rows
        assert (part.part, row.words) == (Part.OVERVIEW, f"{Part.OVERVIEW.label}: changed")
        assert set(row.fields) == {f"Title: “{before}” became “A new title”", "Summary: rewritten"}
        assert all(escape(words) in shown.content.decode() for words in row.fields)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("Nurses", "Doctors", "Users: “Nurses” became “Doctors”"),
        ("", "Doctors", "Users: “Doctors”, where nothing stood"),
        ("Nurses", "", "Users: “Nurses” was taken out"),
        ("Nurses\nMidwives", "Nurses", "Users: “Nurses; Midwives” became “Nurses”"),
        ("x" * 121, "Doctors", "Users: rewritten"),
        ("", "x" * 121, "Users: written, where nothing stood"),
        ("x" * 121, "", "Users: the text was taken out"),
    ],
)
def test_a_field_that_changed_reads_in_one_line(before, after, wanted):
    assert said_of(FieldInWords("Users", before, after)) == wanted


def test_reviews_of_a_replaced_version_stay_listed_and_count_for_it_alone(client):
    desk = officer()
    proposal, lead = make.accepted(desk), make.lead()
    assignment, other = make.assigned(proposal), make.assigned(proposal)
    sheet = make.filled_review(assignment)
    services.submit_review(sheet, by=assignment.reviewer)
    make.filled_review(other)  # never handed in: nobody else reads it
    make.resubmitted(proposal)
    make.accept(proposal, desk)
    position = make.referral_of(proposal).pk
    words = f"On version 1; not counted for a later one. Changed since: {Part.OVERVIEW.label}."

    for person, name, argument in (
        (lead, "position", position),
        (lead, "proposal", proposal.number),
        (desk, "proposal", proposal.number),
        (lead, "assignments", proposal.number),
    ):
        shown = page(client, person, name, argument)
        text = shown.content.decode()
        assert (words in text, text.count("not counted for a later one")) == (True, 1)
        assert reverse("evaluation:review", args=[sheet.pk]) in text
        assert not list(shown.context.get("scores") or ())
        assert not list(shown.context.get("reviews") or ())
    assert words not in page(client, lead, "proposal", proposal.number, version=1).content.decode()
    assert words not in page(client, make.lead("DOE"), "proposal", proposal.number).content.decode()

    services.submit_review(services.open_review(assignment, by=assignment.reviewer), by=assignment.reviewer)
    for name, argument in (("position", position), ("assignments", proposal.number)):
        assert words not in page(client, lead, name, argument).content.decode()
    assert list(page(client, lead, "position", position).context["scores"])


def test_who_types_on_a_replaced_sheet_is_told_and_keeps_the_text(client):
    proposal = make.accepted()
    assignment = make.assigned(proposal)
    sheet = make.filled_review(assignment)
    line = sheet.scores.first()

    def saved(text, name="review-save", keys=(sheet.pk,), prefix=""):
        sign_in(client, assignment.reviewer)
        revision = str(Review.objects.get(pk=sheet.pk).revision)
        typed = {"rationale": text, "recommendation": "support", "revision": revision}
        if prefix:
            typed = {f"{prefix}-value": "4", f"{prefix}-strengths": text, "revision": line.revision}
        return client.post(
            reverse(f"evaluation:{name}", args=keys), typed, headers={"X-Autosave": "1"}
        ).json()

    assert "notice" not in saved("Read once.")
    make.resubmitted(proposal)

    answer = saved("Read twice.")
    assert answer["saved_at"]
    assert answer["notice"] == {
        "words": "The consortium has submitted version 2. This sheet speaks of version 1 and cannot be "
        "submitted any more. What you write here is kept, and copied when you begin your sheet for version "
        "2. Version 2 waits at intake. You can begin the review once the Program office has accepted that "
        "version; it stands among your tasks then."
    }
    line.refresh_from_db()
    of_line = saved("Line.", "score-save", (sheet.pk, line.pk), f"criterion-{line.criterion_id}")
    assert of_line["notice"] == answer["notice"]
    refused = client.post(reverse("evaluation:review-submit", args=[sheet.pk]))
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "Version 1 was replaced while you wrote." in text and "Read twice." in text
    assert "Version 2 waits at intake." in text and "Open the sheet for version 2" not in text

    make.accept(proposal, officer())
    notice = saved("Read again.")["notice"]
    assert notice["words"] == (
        "The consortium has submitted version 2. This sheet speaks of version 1 and cannot be submitted any "
        "more. What you write here is kept and copied when you open your sheet for version 2."
    )
    assert notice["url"] == reverse("evaluation:assignment", args=[assignment.pk])
    begun = services.open_review(assignment, by=assignment.reviewer)
    assert begun.rationale == "Read again."
    assert "is not copied there any more" in saved("Read thrice.")["notice"]["words"]
    assert Review.objects.get(pk=sheet.pk).rationale == "Read thrice."


def test_who_types_on_a_replaced_sheet_is_told_at_the_top_of_the_sheet(client):
    proposal = make.accepted()
    assignment = make.assigned(proposal)
    sheet = make.filled_review(assignment)
    shown = page(client, assignment.reviewer, "review", sheet.pk).text.partition('id="sheet"')[2]
    assert shown.index("data-notice-place") < shown.index("data-until-notice") < shown.index("data-autosave")
    address = reverse("evaluation:review-save", args=[sheet.pk])

    def saved():
        typed = {"rationale": "Read.", "revision": str(Review.objects.get(pk=sheet.pk).revision)}
        return client.post(address, typed, headers={"X-Autosave": "1"}).json()

    assert saved()["of_page"] is False
    make.resubmitted(proposal)
    assert saved()["of_page"] is True
    assert "data-until-notice" not in page(client, assignment.reviewer, "review", sheet.pk).text


def test_who_writes_a_position_on_a_replaced_version_is_told_and_finds_the_text(client):
    proposal, lead = make.accepted(), make.lead()
    old = make.referral_of(proposal)

    def saved(text, revision):
        sign_in(client, lead)
        typed = {"stance": "support", "rationale": text, "conditions": "", "revision": revision}
        address = reverse("evaluation:position-draft", args=[old.pk])
        return client.post(address, typed, headers={"X-Autosave": "1"}).json()

    assert "notice" not in saved("It helps.", 0)
    make.resubmitted(proposal)
    answer = saved("It helps an ally.", 1)
    assert answer["saved_at"]
    assert answer["notice"]["words"].startswith(
        "The consortium has submitted version 2. No position on version 1"
    )
    schedule.end_left_referrals()
    refused = saved("Typed when it had ended.", 2)
    assert refused["errors"] and refused["notice"] == answer["notice"]
    room = page(client, lead, "position", old.pk)
    assert not room.context["can_file"]
    assert "Draft that was not filed" in room.text and "It helps an ally." in room.text
    assert "It helps an ally." not in page(client, officer(), "position", old.pk).text
