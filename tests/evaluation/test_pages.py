"""Every page of the evaluation by the people who use it, and the statements a list costs."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import date, timedelta
from urllib.parse import parse_qsl, quote

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.second_factor import VERIFIED
from evaluation import services
from evaluation.documents import facts_of
from evaluation.enums import PauseReason
from evaluation.models import (
    Assignment,
    CatalogEntry,
    CatalogRelease,
    ComplianceCheck,
    ComplianceDecision,
    Condition,
    Determination,
    Letter,
    ListImport,
    Referral,
    Review,
    ScreeningJob,
)
from evaluation.schedule import (
    end_left_referrals,
    lapse_due_referrals,
    sweep_screenings,
    tell_overtaken_determinations,
)
from evaluation.services.reminders import remind_of_position
from evaluation.subjects import KINDS
from program import clock, moments
from program.acts import DoFirst
from program.clock_account import clock_account
from program.deadlines import end_of_day
from program.enums import OfficeRole, StackLayer
from program.grants import grant
from program.models import Agency, AuditEvent, Criterion, Notice, User
from program.notices import in_full
from program.services.calls import approve_call, reopen_call, send_back_call, update_call
from program.services.record import verify_for_a_while
from program.templatetags.portal import deadline, deadline_date
from proposals.models import Proposal, Recusal
from proposals.services import record_reading, withdraw_proposal
from tests.architecture.forms_on_pages import forms_of
from tests.factories import evaluation as make
from tests.factories.program import (
    CriterionFactory,
    OfficeFactory,
    RequirementFactory,
    approved_call,
    drafted_call,
    officer,
)
from tests.factories.proposals import DocumentFactory, ProposalFactory, representative_of
from tests.statements import statements
from tests.tampering import alter

pytestmark = pytest.mark.django_db
RECORD_STATEMENTS = 9


def sign_in(client, person):
    """As somebody who has used their second factor; that it is asked for is tested elsewhere."""
    client.force_login(person)
    session = client.session
    session[VERIFIED] = person.pk
    session.save()


def page(client, person, name, *args, **query):
    sign_in(client, person)
    return client.get(reverse(f"evaluation:{name}", args=args), query)


def press(client, person, name, *args, **data):
    sign_in(client, person)
    return client.post(reverse(f"evaluation:{name}", args=args), data)


def test_intake_tells_many_requirements_without_a_finding_as_one(client):
    desk, proposal = officer(), make.at_intake()
    while proposal.call.requirements.count() < 5:
        RequirementFactory(call=proposal.call)
    items = list(proposal.call.requirements.all())
    for left in (5, 4, 3, 1):
        found = {f"requirement-{item.pk}": "accepted" for item in items[left:]}
        press(client, desk, "completeness-save", proposal.number, **found)
        shown = page(client, desk, "intake-proposal", proposal.number).text
        as_one = f"{left} requirements have no saved finding."
        assert (as_one in shown, shown.count("Say of “")) == ((True, 0) if left > 3 else (False, left))


def test_intake_page_reviews_screens_and_accepts(client):
    desk = officer()
    proposal = make.at_intake()
    requirement = RequirementFactory(call=proposal.call)
    make.screening_list(desk)
    assert page(client, desk, "intake").status_code == 200
    assert page(client, desk, "intake-proposal", proposal.number).status_code == 200

    missing = press(
        client, desk, "completeness-save", proposal.number, **{f"requirement-{requirement.pk}": "deficient"}
    )
    assert missing.status_code == 422
    assert b"Say what is deficient" in missing.content
    found = {f"requirement-{item.pk}": "accepted" for item in proposal.call.requirements.all()}
    press(client, desk, "completeness-save", proposal.number, **found)
    assert press(client, desk, "intake-screen", proposal.number).status_code == 302
    assert press(client, desk, "intake-screen", proposal.number).status_code == 302
    waiting = page(client, desk, "intake-proposal", proposal.number).content
    assert b"It begins within half a minute." in waiting
    assert b"1 screening waits or is under way" in page(client, desk, "screening").content
    assert press(client, desk, "intake-accept", proposal.number).status_code == 422
    assert (sweep_screenings(), sweep_screenings()) == (1, 0)
    assert b"parties were compared on" in page(client, desk, "intake-proposal", proposal.number).content
    assert press(client, desk, "intake-accept", proposal.number).status_code == 302

    proposal.refresh_from_db()
    assert proposal.status == "under_evaluation"
    again = press(client, desk, "intake-accept", proposal.number)
    assert again.status_code == 302
    proposal.refresh_from_db()
    assert proposal.status == "under_evaluation"


def test_reader_shows_the_package_and_records_the_reading_once_a_day(client):
    desk, proposal = officer(), make.accepted()

    first = page(client, desk, "proposal", proposal.number)
    page(client, desk, "proposal", proposal.number)

    assert first.status_code == 200
    assert b"Accelerator board" in first.content
    assert b"Rift Builders Ltd" in first.content
    (reading,) = AuditEvent.objects.of(proposal).filter(act="proposal.read")
    assert (reading.actor, json.loads(reading.body)["after"]["agencies"]) == (desk, "COMMERCE")


def test_reviewer_declares_then_scores_with_autosave(client):
    proposal = make.accepted()
    proposal.call.criteria.all().delete()
    criterion = CriterionFactory(call=proposal.call, anchors={"1": "Harms it", "5": "Serves it"})
    assignment = make.assigned(proposal, declared=False)
    person = assignment.reviewer
    assert b"Before you read" in page(client, person, "assignment", assignment.pk).content
    press(client, person, "conflict-declare", assignment.pk, has_conflict="no")
    assert page(client, person, "assignment", assignment.pk).status_code == 302
    review = Review.objects.get()
    score = review.scores.get()
    shown = page(client, person, "review", review.pk).text
    assert "1: Harms it" in shown and "5: Serves it" in shown and "2: between 1 and 5" in shown
    sign_in(client, person)
    address = reverse("evaluation:score-save", args=[review.pk, score.pk])
    prefix = f"criterion-{criterion.pk}"
    typed = {"revision": "1", f"{prefix}-value": "4", f"{prefix}-strengths": "Tried in two wards."}

    saved = client.post(address, typed, headers={"x-autosave": "1"})
    stale = client.post(address, typed, headers={"x-autosave": "1"})

    assert saved.json()["revision"] == 2
    assert stale.status_code == 409
    assert stale.json()["theirs"][f"{prefix}-value"] == 4
    refused = press(client, person, "review-submit", review.pk)
    assert refused.status_code == 422
    assert b"Choose an overall recommendation" in refused.content
    looked = press(client, person, "review-submit", review.pk, check="1")
    for answer in (refused, looked):
        area = re.search(r'<textarea[^>]* name="rationale"[^>]*>', answer.text)[0]
        described = re.search(r'aria-describedby="([^"]+)"', area)[1].split()
        assert (answer.status_code, 'aria-invalid="true"' in area) == (422, True)
        assert any(f'id="{one}"' in answer.text and "error" in one for one in described)
        assert 'href="#id_rationale">Give the reasons for your recommendation.' in answer.text
        assert answer.text.count("Choose an overall recommendation.") == 2
    press(
        client,
        person,
        "review-save",
        review.pk,
        revision="1",
        recommendation="support",
        rationale="It works.",
    )
    assert press(client, person, "review-submit", review.pk, check="1").status_code == 204
    review.refresh_from_db()
    assert review.status == "draft"
    following = make.assigned(make.accepted(call=proposal.call), person=person)
    assert press(client, person, "review-submit", review.pk).status_code == 302
    review.refresh_from_db()
    assert review.status == "submitted"
    done = page(client, person, "review", review.pk)
    address = reverse("evaluation:assignment", args=[following.pk])
    assert f'Next in your queue: <a href="{address}">' in done.text.partition('class="site-split"')[0]


def test_not_applicable_takes_back_the_value_that_a_radio_button_cannot(client):
    review = make.filled_review(make.assigned(make.accepted()))
    score = review.scores.first()
    prefix = f"criterion-{score.criterion_id}"
    typed = {"revision": str(score.revision), f"{prefix}-value": "3", f"{prefix}-not_applicable": "on"}
    sign_in(client, review.reviewer)
    address = reverse("evaluation:score-save", args=[review.pk, score.pk])
    answer = client.post(address, typed, headers={"x-autosave": "1"})
    assert answer.status_code == 200
    said = f"“{score.criterion.title}” is kept as not applicable; the score 3 is not."
    assert answer.json()["notice"]["words"].startswith(said)
    score.refresh_from_db()
    assert (score.value, score.not_applicable) == (None, True)

    by_hand = client.post(address, {**typed, "revision": str(score.revision)}, follow=True)
    assert said in by_hand.text
    score.refresh_from_db()
    alone = {"revision": str(score.revision), f"{prefix}-not_applicable": "on"}
    assert "notice" not in client.post(address, alone, headers={"x-autosave": "1"}).json()


def test_the_lead_reads_the_spread_on_a_telephone_too(client):
    proposal, lead = make.accepted(), make.lead()
    review = make.filled_review(make.assigned(proposal))
    services.submit_review(review, by=review.reviewer)
    shown = page(client, lead, "position", make.referral_of(proposal).pk).text
    table = shown[shown.index("usa-table--stacked") : shown.index("</table>")]
    body = table[table.index("<tbody>") :]
    for name in ("Criterion", "Sheets", "Median", "Mean", "Spread"):
        assert f'data-label="{name}"' in body, name
    assert "4 to 4" in body


def test_where_all_consultations_agree_the_queue_of_a_telephone_shows_one_line(client):
    desk = officer()
    agreed, differing = make.accepted(desk), make.accepted(desk)
    make.filed(differing, "STATE")
    shown = page(client, desk, "desk").text
    queue = shown[shown.index('id="queue"') :].split("<tr>")
    rows = {each: next(row for row in queue if f">{each.number}</a>" in row) for each in (agreed, differing)}
    assert rows[agreed].count("site-only-wide") == len(make.EVALUATING)
    assert rows[agreed].count("site-only-narrow") == 1 and "Every agency" in rows[agreed]
    assert "site-only-" not in rows[differing]
    assert f'data-label="{make.referral_of(differing).agency}"' in rows[differing]
    assert "?status=submitted#queue" in shown and "?status=decided#queue" in shown


def test_reviewer_reads_nothing_before_the_declaration(client):
    proposal = make.accepted()
    assignment = make.assigned(proposal, declared=False)
    person, version = assignment.reviewer, make.version_of(proposal)
    declaration = reverse("evaluation:assignment", args=[assignment.pk])
    reads = [
        reverse("evaluation:proposal", args=[proposal.number]),
        reverse("proposals:version", args=[proposal.pk, 1]),
        reverse("proposals:receipt-json", args=[proposal.pk, 1, "package"]),
        reverse("proposals:receipt-json", args=[proposal.pk, 1, "receipt"]),
        reverse("proposals:receipt", args=[proposal.pk]),
        reverse("proposals:versions", args=[proposal.pk]),
        reverse("evaluation:questions", args=[proposal.pk]),
    ]
    sign_in(client, person)
    unmade = client.get(reverse("proposals:receipt-pdf", args=[proposal.pk, 1]), follow=True)
    assert unmade.redirect_chain[-1][0] == declaration
    assert [client.get(read).headers.get("Location") for read in reads] == [declaration] * len(reads)
    shown = client.get(declaration).content.decode()
    assert version.value.title in shown
    assert version.value.markets[0].name in shown
    with pytest.raises(DoFirst):  # as a file of the version is handed out
        record_reading(version, by=person, document=DocumentFactory())
    assert not AuditEvent.objects.filter(act="proposal.read", actor=person).exists()
    services.declare_conflict(assignment, by=person, has_conflict=False)
    assert client.get(reads[0]).status_code == 200


def test_reader_lists_the_parts_of_the_package_and_each_leads_somewhere(client):
    review = make.filled_review(make.assigned(make.accepted()))
    shown = page(client, review.assignment.reviewer, "review", review.pk).text
    side = shown.partition('aria-label="On this page"')[2].partition("</nav>")[0]
    named = re.findall(r'href="#([^"]+)"', side)
    assert {"overview", "consortium", *StackLayer, "markets", "documents", "sheet"} <= set(named)
    assert [name for name in named if f'id="{name}"' not in shown] == []


def test_reviewer_begins_a_sheet_by_pressing_a_button_and_loading_the_page_makes_none(client):
    proposal = make.accepted()
    assignment = make.assigned(proposal)
    person = assignment.reviewer
    assert b"Begin the review" in page(client, person, "assignment", assignment.pk).content
    assert not Review.objects.exists()
    for _ in range(2):
        begun = press(client, person, "review-begin", assignment.pk)
        assert begun["Location"] == reverse("evaluation:review", args=[Review.objects.get().pk])
    make.resubmitted(proposal)
    assert b"waits at intake" in page(client, person, "assignment", assignment.pk).content
    make.accept(proposal, by=officer())
    again = page(client, person, "assignment", assignment.pk)
    assert b"What you wrote on the version before is copied" in again.content
    assert Review.objects.count() == 1
    press(client, person, "review-begin", assignment.pk)
    assert Review.objects.count() == 2
    undeclared = make.assigned(proposal, "DOE", declared=False)
    assert press(client, undeclared.reviewer, "review-begin", undeclared.pk).status_code == 422
    assert Review.objects.count() == 2


def test_stale_or_refused_save_of_a_score_keeps_both_texts(client):
    review = make.filled_review(make.assigned(make.accepted()))
    score, person = review.scores.first(), review.reviewer
    prefix = f"criterion-{score.criterion_id}"
    typed = {f"{prefix}-value": "4", f"{prefix}-strengths": "Typed by hand."}
    refused = press(client, person, "score-save", review.pk, score.pk, **{**typed, f"{prefix}-value": "99"})
    assert refused.status_code == 422
    assert b"Typed by hand." in refused.content
    stale = press(client, person, "score-save", review.pk, score.pk, revision="0", **typed)
    assert stale.status_code == 409
    theirs = {row.theirs for row in stale.context["rows"]}
    assert {row.yours for row in stale.context["rows"]} >= {"Typed by hand."}
    assert score.strengths in theirs
    kept = {**dict(stale.context["kept"]), "revision": stale.context["token"]}
    press(client, person, "score-save", review.pk, score.pk, **kept)
    score.refresh_from_db()
    assert score.strengths == "Typed by hand."


def test_stale_save_of_a_determination_shows_both_texts(client):
    desk = officer()
    determination = make.ready_to_sign(by=desk)
    finding = determination.findings.first()
    typed = {"outcome": "designate", "rationale": "Mine.", f"finding-{finding.requirement_id}-text": "Seen."}
    stale = press(client, desk, "determination-save", determination.pk, revision="0", **typed)
    assert stale.status_code == 409
    both = {(row.yours, row.theirs) for row in stale.context["rows"]}
    assert both >= {("Mine.", "It serves the national interest."), ("Seen.", "Shown in the package.")}
    kept = {**dict(stale.context["kept"]), "revision": stale.context["token"]}
    press(client, desk, "determination-save", determination.pk, **kept)
    determination.refresh_from_db()
    assert determination.rationale == "Mine."


def test_refused_return_keeps_the_note_and_the_finding(client):
    desk, proposal = officer(), make.at_intake()
    refused = press(client, desk, "intake-return", proposal.number, note="Dear consortium")
    assert refused.status_code == 422
    assert b"Dear consortium</textarea>" in refused.content


def test_findings_typed_before_the_return_are_saved_with_it_and_never_lost(client):
    desk, proposal = officer(), make.at_intake()
    requirement = RequirementFactory(call=proposal.call)
    name = f"requirement-{requirement.pk}"
    reason = {f"{name}-reason": "The map is missing: add one."}
    unsaid = press(client, desk, "intake-return", proposal.number, note="Dear", **reason)
    assert (unsaid.status_code, b"The map is missing: add one.</textarea>" in unsaid.content) == (422, True)
    barred = press(client, desk, "intake-accept", proposal.number, **{name: "deficient", **reason})
    assert barred.status_code == 422 and not proposal.versions.get().completeness_reviews.exists()
    assert b"The map is missing: add one.</textarea>" in barred.content
    assert f'value="deficient" id="id_{name}-deficient" checked' in barred.text

    kept = press(client, desk, "completeness-save", proposal.number, note="Dear", **{name: "accepted"})
    assert b"Dear</textarea>" in kept.content
    returned = press(
        client, desk, "intake-return", proposal.number, note="Dear", **{name: "deficient", **reason}
    )
    assert returned.status_code == 302
    assert [item["reason"] for item in proposal.returns.get().items] == ["The map is missing: add one."]


def test_findings_typed_before_the_parties_are_screened_are_saved_with_it_and_never_lost(client):
    desk, proposal = officer(), make.at_intake()
    make.screening_list(desk)
    name = f"requirement-{RequirementFactory(call=proposal.call).pk}"
    screen = reverse("evaluation:intake-screen", args=[proposal.number])
    shown = page(client, desk, "intake-proposal", proposal.number).text
    assert f'form="findings" formaction="{screen}"' in shown and f'action="{screen}"' not in shown.replace(
        "formaction", ""
    )
    found = proposal.versions.get().completeness_reviews

    refused = press(client, desk, "intake-screen", proposal.number, **{name: "deficient"})
    assert (refused.status_code, found.exists(), ScreeningJob.objects.exists()) == (422, False, False)
    assert f'value="deficient" id="id_{name}-deficient" checked' in refused.text
    asked = press(client, desk, "intake-screen", proposal.number, **{name: "accepted"}, note="Dear")
    assert (asked.status_code, found.get().finding, ScreeningJob.objects.count()) == (200, "accepted", 1)
    assert "Dear</textarea>" in asked.text and "The findings are saved. You asked for" in asked.text


def test_page_opened_before_a_colleague_found_something_does_not_overwrite_it(client):
    desk, other, proposal = officer(), officer(), make.at_intake()
    requirement = RequirementFactory(call=proposal.call)
    make.reviewed(proposal, other)
    version = proposal.versions.get()
    review = version.completeness_reviews.get(requirement=requirement)
    name = f"requirement-{requirement.pk}"
    shown = page(client, desk, "intake-proposal", proposal.number)
    assert f'name="{name}-seen" value="{review.revision}"' in shown.text
    seen = {name: "accepted", f"{name}-seen": review.revision}
    services.review_completeness(version, requirement, by=other, finding="deficient", reason="No map.")
    for act in ("completeness-save", "intake-accept"):
        refused = press(client, desk, act, proposal.number, **seen)
        assert refused.status_code == 422
        assert "deficient, “No map.”" in refused.context["problems"][0].message
    review.refresh_from_db()
    assert (review.finding, review.reviewed_by) == ("deficient", other)
    again = {**seen, f"{name}-seen": review.revision}
    assert press(client, desk, "completeness-save", proposal.number, **again).status_code == 302
    review.refresh_from_db()
    assert (review.finding, review.reviewed_by) == ("accepted", desk)


def test_queue_says_that_no_requirement_was_looked_at(client):
    desk, proposal = officer(), make.at_intake()
    assert "none looked at" in page(client, desk, "intake").text
    requirement = RequirementFactory(call=proposal.call)
    version = proposal.versions.get()
    services.review_completeness(version, requirement, by=desk, finding="deficient", reason="No map.")
    shown = page(client, desk, "intake").text
    assert "1 looked at, 1 deficient" in shown and "none looked at" not in shown


def test_consortium_reads_the_day_by_which_agencies_answer_as_the_desk_does(client):
    proposal = make.accepted()
    referral, person = make.referral_of(proposal), representative_of(proposal)
    assert deadline_date(referral.due_at) in page(client, make.lead(), "position", referral.pk).text
    sign_in(client, person)
    for address in (reverse("proposals:detail", args=[proposal.pk]), reverse("proposals:list")):
        assert deadline(referral.due_at) in client.get(address).text


def test_consortium_is_not_told_that_all_goes_on_while_a_clock_waits_for_its_answer(client):
    proposal = make.accepted()
    request = make.asked(proposal)
    held, reason = [make.referral_of(proposal)], PauseReason.INFORMATION
    services.pause_clocks(proposal, by=officer(), referrals=held, reason=reason, question=request)
    sign_in(client, representative_of(proposal))
    told = client.get(reverse("proposals:detail", args=[proposal.pk])).text
    assert f"Question {request.number} of the Government" in told
    assert "the time of an agency may stand until it comes" in told


def test_position_page_of_a_replaced_version_says_so_and_has_no_form(client):
    proposal = make.accepted()
    make.filed(proposal, "STATE")
    old, person = make.referral_of(proposal), make.lead()
    assert page(client, person, "position", old.pk).context["can_file"]
    make.resubmitted(proposal)
    shown = page(client, person, "position", old.pk)
    assert not shown.context["can_file"]
    assert b"once the Program office has accepted it at intake" in shown.content
    assert b"The position that stands" not in shown.content


def test_recused_reviewer_is_offered_nowhere(client):
    desk, proposal = officer(), make.accepted()
    person, other = make.reviewer(), make.reviewer()
    services.recuse(proposal, person=person, by=desk, reason="A share in the anchor.")
    shown = page(client, desk, "assignments", proposal.number).context
    offered = set(shown["assign_form"].fields["reviewer"].queryset)
    assert (person in offered, other in offered) == (False, True)
    assert person not in shown["recuse_form"].fields["replacement"].queryset


def test_consultation_of_a_proposal_that_is_over_is_not_opened_again(client):
    desk, proposal = officer(), make.accepted()
    Referral.objects.update(status="lapsed", lapsed_at=clock.now())
    assert b"Open again" in page(client, desk, "proposal", proposal.number).content
    withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")
    shown = page(client, desk, "proposal", proposal.number).content
    assert (b"Open again" in shown, b"Ask a question" in shown) == (False, False)


@pytest.mark.parametrize("how", ["withdrawn", "replaced"])
def test_signed_determination_that_was_overtaken_is_to_be_recalled(client, how):
    chief = make.decision_official()
    determination = make.signed(by=chief)
    proposal = determination.proposal
    before = [task.what for task in page(client, chief, "desk").context["tasks"]]
    assert before == [f"Announce the determination on {proposal.number}"]
    if how == "withdrawn":
        withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")
        what = "the proposal was withdrawn"
        assert Notice.objects.filter(kind="evaluation.overtaken", recipient=chief).count() == 1, "at once"
    else:
        make.resubmitted(proposal)
        what = "a newer version came in"
    after = [task.what for task in page(client, chief, "desk").context["tasks"]]
    assert after == [f"Recall the determination on {proposal.number}: {what}"]
    told_by_the_clock = [tell_overtaken_determinations(), tell_overtaken_determinations()]
    assert told_by_the_clock == [0 if how == "withdrawn" else 1, 0]
    assert Notice.objects.filter(kind="evaluation.overtaken", recipient=chief).count() == 1
    preview = page(client, chief, "announcement", determination.pk).content.decode()
    assert "It cannot be announced" in preview
    assert "people</strong> are told" not in preview
    assert "in this draft" not in preview
    assert "Signed, and it cannot be announced" in page(client, chief, "determination", determination.pk).text


@pytest.mark.parametrize("how", ["screened", "decided"])
def test_page_of_what_was_signed_shows_its_checks_and_says_what_is_newer(client, how):
    desk = officer()
    determination = make.signed(make.ready_to_sign(by=desk))
    run = determination.version.screening_runs.first()
    when = moments.moment(run.run_at)
    signed = f"{run.party_count} parties screened {when} with “{run.screening_list}”; 0 open."
    newer = "Newer than the signature"
    before = html.unescape(page(client, desk, "determination", determination.pk).text)
    assert (signed in before, newer in before) == (True, False)
    check = ComplianceCheck.objects.filter(run=run).first()
    with clock.moved_to(clock.now() + timedelta(days=2)):
        if how == "screened":
            make.screened(determination.proposal, desk)
            said = "The parties were screened again, "
        else:
            ComplianceDecision.objects.create(
                compliance_check=check, outcome="stands", reason="It is so.", decided_by=desk,
                decided_at=clock.now(),
            )  # fmt: skip
            said = "Decisions on what the checks flagged: 1."
        after = html.unescape(page(client, desk, "determination", determination.pk).text)
    assert (signed in after, newer in after, said in after) == (True, True, True)


def test_position_page_files_and_refuses(client, freshly_signed_in):
    proposal = make.accepted()
    referral, lead = make.referral_of(proposal), make.lead()
    assert page(client, lead, "position", referral.pk).status_code == 200
    refused = press(client, lead, "position-file", referral.pk, stance="object")
    assert refused.status_code == 422
    assert b"Give the reasons" in refused.content

    assert (
        press(client, lead, "position-file", referral.pk, stance="support", rationale="Yes.").status_code
        == 302
    )

    referral.refresh_from_db()
    assert referral.position.stance == "support"


def test_position_page_offers_no_form_after_its_time_and_keeps_what_came_late(client, freshly_signed_in):
    referral, lead = make.referral_of(make.accepted()), make.lead()
    action = reverse("evaluation:position-file", args=[referral.pk])
    with clock.moved_to(referral.due_at - timedelta(seconds=1)):
        before = page(client, lead, "position", referral.pk).text
    with clock.moved_to(referral.due_at):
        after = page(client, lead, "position", referral.pk).text
        late = press(
            client, lead, "position-file", referral.pk, stance="support", rationale="Typed for long."
        )
    assert (action in before, action in after) == (True, False)
    over = "The time for a position is over. The Program office can open the consultation again."
    assert f'site-deadline__left">{over}' in after and f'site-deadline__left">{over}' not in before
    assert late.status_code == 422
    assert "The time for a position ended" in late.text and "Typed for long." in late.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("lapsed", "The time for this position ended on {day}. The Program office can open"),
        ("acknowledged", "{agency} has acknowledged receipt already."),
        ("answered", "{agency} has filed its position already."),
        ("ended", "The consultation has ended: nothing is asked of the agency any more."),
    ],
)  # fmt: skip
def test_who_comes_too_late_to_a_consultation_reads_why_in_words(client, status, words):
    referral, lead = make.referral_of(make.accepted()), make.lead()
    ended = clock.now().replace(hour=5, minute=0, second=0, microsecond=0)
    Referral.objects.filter(pk=referral.pk).update(
        status=status, due_at=ended, lapsed_at=ended, ended_at=ended, answered_at=ended
    )
    sign_in(client, lead)
    action = reverse("evaluation:referral-acknowledge", args=[referral.pk])
    told = client.post(action, follow=True).text
    day = moments.day(moments.last_minute(ended))
    assert f"“Acknowledge receipt” was not done. {words.format(day=day, agency=referral.agency)}" in told
    assert "starts only from" not in told and "No response”" not in told


def test_determination_is_prepared_signed_and_announced_on_pages(client, freshly_signed_in):
    desk, chief = officer(), make.decision_official()
    proposal = make.accepted(desk)
    make.consulted(proposal, DOE="object")
    make.screened(proposal, desk)
    press(client, desk, "determination-prepare", proposal.number)
    determination = Determination.objects.get()
    pk = determination.pk
    assert b"Not ready to sign" in page(client, desk, "determination", pk).content
    findings = {}
    for finding in determination.findings.all():
        findings[f"finding-{finding.requirement_id}-is_met"] = "yes"
        findings[f"finding-{finding.requirement_id}-text"] = "Shown."
    objection = make.referral_of(proposal, "DOE").position_id
    press(
        client,
        desk,
        "determination-save",
        pk,
        **{
            "revision": determination.revision,
            "outcome": "designate",
            "rationale": "Yes.",
            "letter_text": "Well done.",
            "expires_on": "2031-08-31",
            **findings,
            f"objection-{objection}-answer": "Met by a condition.",
        },
    )
    press(
        client,
        desk,
        "condition-add",
        pk,
        **{"condition-text": "Report yearly.", "condition-owner": "The anchor"},
    )
    Condition.objects.create(determination=determination, number=1, text="Report yearly.", owner="The anchor")
    assert b"condition-1-due_on" in page(client, desk, "determination", pk).content
    lacking = {problem.code for problem in page(client, desk, "determination", pk).context["missing"]}
    assert lacking == {f"condition-1-{name}" for name in ("due_on", "evidence", "effect")}
    Condition.objects.update(due_on="2031-01-31", evidence="The report.", effect="Suspension.")
    assert b"Ready to be cleared" in page(client, chief, "determination", pk).content
    press(client, desk, "determination-ready", pk)
    third = officer()
    read = page(client, third, "determination", pk).context["packet_sha256"]
    press(client, third, "determination-clear", pk, packet_sha256=read)
    shown = page(client, chief, "determination", pk)
    assert b"Ready to sign" in shown.content
    assert press(client, chief, "determination-sign", pk, packet_sha256="0" * 64).status_code == 422
    assert (
        press(
            client, chief, "determination-sign", pk, packet_sha256=shown.context["packet_sha256"]
        ).status_code
        == 302
    )
    preview = page(client, chief, "announcement", pk)
    assert b"August 31, 2031" in preview.content
    officers, leads, team = 4, 5, 1
    assert len(preview.context["recipients"]) == officers + leads + team
    press(client, chief, "determination-announce", pk)
    proposal.refresh_from_db()
    assert proposal.status == "designated"
    said, foreseen = facts_of(Letter.objects.get()), preview.context["letter"]
    assert {name: said[name] for name in foreseen} == foreseen
    designation = proposal.designations.get()
    assert page(client, desk, "designation", designation.number).status_code == 200
    assert page(client, desk, "determinations").status_code == 200
    assert page(client, representative_of(proposal), "letter", Letter.objects.get().pk).status_code == 200
    condition = designation.conditions.get()
    told = page(client, representative_of(proposal), "questions", proposal.pk).content
    assert b"January 31, 2031" in told
    for address in (reverse("proposals:tasks"), reverse("proposals:detail", args=[proposal.pk])):
        assert f"Meet condition 1 of {designation.number}" in client.get(address).content.decode()
    owed = page(client, desk, "desk").context["tasks"]
    assert f"Condition 1 of {designation.number}" in {task.what for task in owed}
    press(client, desk, "condition-meet", designation.number, condition.pk, note="Report of 2026")
    press(
        client,
        chief,
        "designation-act",
        designation.number,
        "suspend",
        **{"suspend-reason": "A member left."},
    )
    designation.refresh_from_db()
    assert designation.status == "suspended"


def test_catalog_shows_only_what_was_released(client):
    designation = make.designated()
    person = representative_of(designation.proposal)
    assert b"Full AI stack" not in client.get(reverse("evaluation:catalog")).content
    release = ["catalog-release", designation.proposal_id]
    assert page(client, person, *release).status_code == 200
    assert press(client, person, *release, title="Hospital stack").status_code == 422
    press(
        client,
        person,
        *release,
        title="Hospital stack",
        summary="For district hospitals.",
        layer_hardware="Accelerators.",
        contact_email="sales@firm.example",
    )
    client.logout()
    assert b"Hospital stack" not in client.get(reverse("evaluation:catalog")).content
    desk = officer()
    assert "Accelerators." in page(client, desk, "catalog-review", designation.number).content.decode()
    press(client, desk, "catalog-publish", designation.number, text="1")
    client.logout()

    listed, entry = client.get(reverse("evaluation:catalog")), client.get(f"/catalog/{designation.number}/")
    data = client.get(f"/catalog/{designation.number}/?format=json").json()

    assert b"Hospital stack" in listed.content
    assert b"Accelerators." in entry.content
    assert b"enforceable" in entry.content
    assert b"right" in entry.content
    assert (data["title"], data["members"], data["markets"]) == ("Hospital stack", [], [])
    assert b"Fictional Systems" not in entry.content + listed.content
    services.suspend_designation(designation, by=make.decision_official(), reason="A member left.")
    assert client.get(f"/catalog/{designation.number}/").status_code == 404


def test_second_first_release_overwrites_nothing_and_shows_both_texts(client):
    """Two people fill in the empty form; the second is shown both texts and chooses."""
    designation = make.designated()
    person = representative_of(designation.proposal)
    release = ["catalog-release", designation.proposal_id]
    empty = page(client, person, *release).content.decode()
    assert '<input type="hidden" name="revision" value="0">' in empty
    typed = {"summary": "For clinics.", "contact_email": "sales@firm.example", "revision": "0"}
    assert press(client, person, *release, title="First", **typed).status_code == 302

    second = press(client, person, *release, title="Second", **typed)
    refused = press(client, person, *release, title="", **typed)

    first = CatalogRelease.objects.get()
    assert (second.status_code, first.title) == (409, "First")
    assert "First" in second.content.decode() and "Second" in second.content.decode()
    assert '<input type="hidden" name="revision" value="0">' in refused.content.decode()
    unsaid = {name: value for name, value in typed.items() if name != "revision"}
    assert press(client, person, *release, title="Third", **unsaid).status_code == 409
    over = press(client, person, *release, title="Second", **{**typed, "revision": "1"})
    first.refresh_from_db()
    assert (over.status_code, CatalogRelease.objects.first().title) == (302, "Second")
    assert (first.status, CatalogEntry.objects.count()) == ("withdrawn", 0)


def test_questions_page_answers(client):
    proposal = make.accepted()
    lead, person = make.lead(), representative_of(proposal)
    press(
        client,
        lead,
        "question-ask",
        proposal.number,
        agency=make.AgencyFactory(code="STATE").pk,
        question="Who holds the weights?",
        due_on="2099-01-04",
    )
    question = proposal.information_requests.get()
    assert b"Who holds the weights?" in page(client, person, "questions", proposal.pk).content
    assert press(client, person, "question-answer", proposal.pk, question.pk, answer=" ").status_code == 422
    press(client, person, "question-answer", proposal.pk, question.pk, answer="The anchor.")
    question.refresh_from_db()
    assert question.answer == "The anchor."
    assert b"The anchor." in page(client, lead, "proposal", proposal.number).content


def test_assignments_page_assigns_and_recuses(client):
    desk, proposal, person = officer(), make.accepted(), make.reviewer()
    agency = make.AgencyFactory(code="STATE")
    press(
        client,
        desk,
        "reviewer-assign",
        proposal.number,
        **{"assign-agency": agency.pk, "assign-reviewer": person.pk},
    )
    shown = page(client, desk, "assignments", proposal.number)
    assert shown.status_code == 200 and f"{person}, {agency.display_name}" in shown.text
    assert proposal.assignments.get().reviewer == person
    press(
        client,
        desk,
        "person-recuse",
        proposal.number,
        **{"recuse-person": person.pk, "recuse-reason": "Cousin."},
    )
    assert proposal.recusals.get().user == person
    assert page(client, person, "proposal", proposal.number).status_code == 404


def at_row(record, **fields):
    """The fields of one row of a page, as its buttons send them."""
    return {f"{record.pk}-{name}": value for name, value in fields.items()}


def press_at(client, person, name, record, **fields):
    """Press a button of one row with what was typed there."""
    return press(client, person, name, record.pk, **at_row(record, **fields))


def test_screening_page_settles_a_match(client):
    desk = officer()
    check = make.flagged(make.at_intake(), desk)
    assert b"Fictional Dragonfly Semiconductor" in page(client, desk, "screening").content

    refused = press_at(client, desk, "check-adjudicate", check, outcome="confirmed")
    done = press_at(client, desk, "check-adjudicate", check, outcome="confirmed", reason="Same address.")

    assert (refused.status_code, done.status_code) == (422, 302)
    assert check.adjudications.get().outcome == "confirmed"
    assert b"No open match" in page(client, desk, "screening").content


def test_screening_page_corrects_a_decision_with_its_history(client):
    desk, second = officer(), officer()
    check = make.flagged(make.at_intake(), desk)
    wrong = services.adjudicate(check, by=desk, outcome="confirmed", reason="A slip.")

    confirmed = page(client, desk, "screening", show="confirmed").content.decode()
    refused = press_at(client, desk, "check-correct", check, opinion=wrong.pk, correction=" ")
    press_at(client, desk, "check-correct", check, opinion=wrong.pk, correction="The wrong button.")
    waiting = page(client, second, "screening").content.decode()
    done = press_at(client, second, "check-correct", check, opinion=wrong.pk, correction="I agree.")
    cleared = page(client, second, "screening", show="cleared").content.decode()

    assert "Correct your decision: it is somebody else" in confirmed
    assert (refused.status_code, done.status_code) == (422, 302)
    assert "A second person must confirm the correction" in waiting
    assert f"Correct the decision of {desk.name}" in waiting
    for reason in ("A slip.", "The wrong button.", "I agree."):
        assert reason in cleared
    assert f"(on the decision “Confirmed” of {desk.name}" in cleared
    assert press_at(client, second, "check-correct", check, opinion="x", correction="?").status_code == 404


def test_refused_decision_keeps_what_was_typed(client):
    desk = officer()
    check = make.flagged(make.at_intake(), desk)
    refused = press_at(client, desk, "check-adjudicate", check, outcome="", reason="Same address, see file.")
    assert refused.status_code == 422
    assert "Same address, see file.</textarea>" in refused.content.decode()


def areas(text):
    """What stands in the text areas of a page of rows, by name."""
    found = re.findall(r'name="(\d+-\w+)"[^>]*>([^<]*)</textarea>', text)
    return {name: html.unescape(typed) for name, typed in found}


def test_what_was_typed_at_another_match_stays_when_one_is_recorded(client):
    desk = officer()
    first, second, third = (make.flagged(make.at_intake(), desk) for _ in range(3))
    begun = at_row(second, outcome="false_positive", reason="Half a reason, <not> done.")
    sent = at_row(first, outcome="confirmed", reason="Same address.") | begun | at_row(third, reason="")
    done = press(client, desk, "check-adjudicate", first.pk, **sent)
    text = done.content.decode()
    assert (done.status_code, first.adjudications.get().outcome) == (200, "confirmed")
    assert f"Your decision on {first.party_name} is recorded." in html.unescape(text)
    assert areas(text) == {f"{second.pk}-reason": "Half a reason, <not> done.", f"{third.pk}-reason": ""}
    assert f'value="false_positive" id="id_{second.pk}_false" checked' in text
    assert not second.adjudications.exists()

    refused = press(client, desk, "check-adjudicate", third.pk, **begun, **at_row(third, reason="No choice."))
    assert refused.status_code == 422
    assert f'href="#id_{third.pk}-outcome"' in refused.content.decode()
    assert areas(refused.content.decode()) == {
        f"{second.pk}-reason": "Half a reason, <not> done.", f"{third.pk}-reason": "No choice.",
    }  # fmt: skip


def test_each_button_of_the_screening_page_sends_the_whole_page(client):
    desk = officer()
    checks = [make.flagged(make.at_intake(), desk) for _ in range(2)]
    text = page(client, desk, "screening").content.decode()
    sheets = [one for one in forms_of("/desk/screening/", text) if "/desk/screening/" in one.action]
    assert [one.action for one in sheets if one.by_buttons] == [
        f"/desk/screening/{check.pk}/?show=to-settle&after=" for check in checks
    ]
    assert all(f"{check.pk}-reason" in one.fields for one in sheets if one.by_buttons for check in checks)


def test_a_file_that_was_not_imported_is_told_beside_the_lists_until_a_list_comes(client):
    desk = officer()
    make.flagged(make.at_intake(), desk)
    refused = ListImport.objects.create(
        name="A list", file_date=date(2026, 11, 2), asked_by=desk, asked_at=clock.now(),
        finished_at=clock.now(), refusal="It has no entry.",
    )  # fmt: skip
    told = page(client, desk, "screening").content.decode()
    assert told.index('id="lists"') < told.index("It has no entry.")
    assert "usa-alert--error" not in told
    ListImport.objects.filter(pk=refused.pk).update(finished_at=clock.now() - timedelta(days=400))
    assert "It has no entry." not in page(client, desk, "screening").content.decode()


def test_record_page_searches_and_verifies(client):
    auditor, proposal = officer(OfficeRole.AUDITOR), make.accepted()
    shown = page(client, auditor, "record", proposal=proposal.number)
    assert "Accepted for evaluation" in shown.text
    assert f'href="{reverse("evaluation:proposal", args=[proposal.number])}">Proposal {proposal.number}' in (
        shown.text
    )
    assert press(client, auditor, "record-verify").url == reverse("evaluation:record")
    assert b"The record is being verified" in page(client, auditor, "record").content
    verify_for_a_while()
    shown = page(client, auditor, "record").content
    assert b"The record is sound" in shown
    assert b"The record is being verified" not in shown
    for refused in (page(client, officer(), "record"), press(client, officer(), "record-verify")):
        assert refused.status_code == 403


def test_pages_stand_when_somebody_destroyed_the_text_of_events(client):
    """The record says what it lost; the pages that tell of it stand."""
    auditor, desk, proposal = officer(OfficeRole.AUDITOR), officer(), make.accepted()
    page(client, desk, "proposal", proposal.number)
    alter("UPDATE program_auditevent SET body = CASE id %% 2 WHEN 0 THEN %s ELSE '[]' END", '{"act": ')
    lost = "The text of this event cannot be read."
    assert lost in page(client, auditor, "record", proposal=proposal.number).text
    assert page(client, desk, "proposal", proposal.number).status_code == 200
    sign_in(client, representative_of(proposal))
    assert client.get(reverse("proposals:detail", args=[proposal.pk])).status_code == 200


def test_record_is_filtered_by_act_day_and_subject_and_goes_back_to_the_newest(client, monkeypatch):
    monkeypatch.setattr("evaluation.views.record.PAGE", 3)
    auditor, proposal = officer(OfficeRole.AUDITOR), make.accepted()

    def acts(**query):
        return [entry["event"].act for entry in page(client, auditor, "record", **query).context["events"]]

    assert acts(act="proposal.accept") == ["proposal.accept"]
    assert acts(act="proposal.accept", to="2026-01-01") == []
    subject = f"proposals.proposal:{proposal.pk}"
    assert set(acts(subject=subject)) == set(acts(proposal=proposal.number))
    first = page(client, auditor, "record", subject=subject)
    assert (first.context["newest"], "after=" in first.context["next"]) == ("", True)
    assert f"subject={quote(subject)}" in first.context["next"]
    second = page(client, auditor, "record", **dict(parse_qsl(first.context["next"][1:])))
    assert second.context["newest"] == f"?subject={quote(subject)}"


@pytest.mark.parametrize("rows", [1, 3])
def test_record_costs_the_same_whatever_its_length(client, warm, rows, django_assert_num_queries):
    auditor = officer(OfficeRole.AUDITOR)
    for _ in range(rows):
        make.accepted()
    sign_in(client, auditor)
    client.get(reverse("evaluation:record"), {"act": "proposal.accept"})
    with django_assert_num_queries(RECORD_STATEMENTS):
        shown = client.get(reverse("evaluation:record"), {"act": "proposal.accept"})
    assert len(shown.context["events"]) == rows


def test_record_costs_no_more_for_many_kinds_and_reads_no_package(client, warm):
    auditor = officer(OfficeRole.AUDITOR)
    sign_in(client, auditor)
    client.get(reverse("evaluation:record"))
    make.signed()
    with CaptureQueriesContext(connection) as ran:
        shown = client.get(reverse("evaluation:record"))
    kinds = {entry["event"].subject_type for entry in shown.context["events"]}
    assert {"evaluation.referral", "evaluation.determination", "proposals.proposal"} <= kinds
    assert len(ran) == RECORD_STATEMENTS
    assert not [query["sql"] for query in ran if '"package"' in query["sql"]]


def test_recused_auditor_reads_nothing_of_the_proposal_in_the_record():
    recused, auditor = officer(OfficeRole.AUDITOR), officer(OfficeRole.AUDITOR)
    other, proposal = make.accepted(), make.signed().proposal
    Recusal.objects.create(
        proposal=proposal, user=recused, reason="Kin.", recused_by=recused, recused_at=clock.instant()
    )
    closed = AuditEvent.objects.difference(AuditEvent.objects.visible_to(recused))
    kinds = {event.subject_type.partition(".")[2] for event in closed}
    assert kinds == {"proposal", "assignment", "review", "referral", "determination", "partycheck"} & {
        event.subject_type.partition(".")[2] for event in AuditEvent.objects.all()
    }
    assert {"proposal", "determination"} < kinds
    assert AuditEvent.objects.of(other).visible_to(recused).count() == AuditEvent.objects.of(other).count()
    assert AuditEvent.objects.visible_to(auditor).count() == AuditEvent.objects.count()


def test_every_kind_that_hangs_on_a_proposal_says_so():
    """Each model of the record's subjects that its package can be reached from, whatever the name."""
    free = {"evaluation.screeninglist", "financing.meeting"}
    for label in KINDS:
        if label.startswith(("evaluation.", "financing.")) and label not in free:
            model = apps.get_model(label)
            assert model._base_manager.filter(**{f"{model.proposal_path}__in": []}).query, label


def test_second_officer_is_told_of_a_draft_that_waits_for_approval(client):
    drafter, other = officer(), officer()
    call = drafted_call(by=drafter)
    assert f"Approve the draft of call {call.number}" in page(client, other, "desk").text
    assert "Approve the draft" not in page(client, drafter, "desk").text


@pytest.mark.parametrize("act", [send_back_call, reopen_call])
def test_draft_that_was_sent_back_waits_for_those_who_wrote_it_with_the_reason(client, act):
    drafter, writer, second = officer(), officer(), officer()
    call = drafted_call(by=drafter)
    update_call(call, by=writer, revision=call.revision, changes={"cure_days": 14})
    if act is reopen_call:
        approve_call(call, by=second)
    act(call, by=second, note="Say what a market is.")
    task = f"Revise the draft that was sent back of call {call.number}"
    for person in (drafter, writer):
        assert page(client, person, "desk").text.count(task) == 1
    assert task not in page(client, second, "desk").text
    sign_in(client, drafter)
    address = reverse("program:desk-call", args=[call.number])
    shown = client.get(address).text
    assert "This draft was sent back" in shown and "Say what a market is." in shown
    update_call(call, by=drafter, revision=call.revision, changes={"cure_days": 15})
    assert task not in page(client, drafter, "desk").text
    assert "This draft was sent back" not in client.get(address).text


def test_approved_call_waits_for_whoever_issues_it(client):
    call = approved_call()
    assert f"Issue call {call.number}" in page(client, officer(), "desk").text


def test_reviews_are_in_only_when_none_is_out(client):
    desk, proposal = officer(), make.accepted()
    assert "eviews" not in page(client, desk, "desk").context["lines"][0]["reviews"]
    first, _ = make.assigned(proposal, by=desk), make.assigned(proposal, "DOE", by=desk)
    services.submit_review(make.filled_review(first), by=first.reviewer)
    assert "1 of 2 reviews in" in page(client, desk, "desk").text
    last = Assignment.objects.get(agency__code="DOE")
    services.submit_review(make.filled_review(last), by=last.reviewer)
    assert "Reviews are in" in page(client, desk, "desk").text


def test_refusal_of_a_declaration_stands_beside_its_field(client):
    assignment = make.assigned(make.accepted(), declared=False)
    refused = press(client, assignment.reviewer, "conflict-declare", assignment.pk, has_conflict="yes")
    assert refused.status_code == 422
    assert refused.context["form"].errors == {"text": ["Say what the conflict is."]}
    assert 'href="#id_text">The conflict: Say what the conflict is.' in refused.text


def test_refusals_about_reviewers_stand_beside_their_fields(client):
    desk, proposal, person = officer(), make.accepted(), make.reviewer()
    sent = {"recuse-person": person.pk, "recuse-reason": " "}
    refused = press(client, desk, "person-recuse", proposal.number, **sent)
    assert refused.context["recuse_form"].errors == {"reason": ["Give the reason for the recusal."]}
    assert 'href="#id_recuse-reason"' in refused.text
    assignment = make.assigned(proposal, person=person, by=desk)
    refused = press(client, desk, "assignment-end", proposal.number, assignment.pk, reason="")
    assert f'href="#id_end_{assignment.pk}"' in refused.text
    assert f'aria-describedby="end_{assignment.pk}_error"' in refused.text


def at_intake_since(number, days):
    with clock.moved_to(clock.now() - timedelta(days=days)):
        proposal = make.at_intake()
    Proposal.objects.filter(pk=proposal.pk).update(number=number)
    return Proposal.objects.get(pk=proposal.pk)


def test_intake_puts_the_longest_waiting_first_and_counts_what_its_last_version_lacks(client):
    desk = officer()
    today, longest, one_day = (at_intake_since(f"AIX-2026-0900{n}", n) for n in (0, 9, 1))
    requirement = longest.call.requirements.first()
    facts = {"by": desk, "finding": "deficient", "reason": "Name the maker."}
    services.review_completeness(make.version_of(longest), requirement, **facts)
    make.new_version(longest)
    for each in longest.call.requirements.all()[:2]:
        services.review_completeness(make.version_of(longest), each, **facts)

    shown = page(client, desk, "intake")
    rest = client.get(reverse("evaluation:intake"), {"after": longest.pk})

    listed = [(row.number, waiting, row.deficient_count) for row, waiting, _ in shown.context["proposals"]]
    assert listed == [
        (longest.number, "9 days", 2), (one_day.number, "1 day", 0), (today.number, "today", 0),
    ]  # fmt: skip
    assert [row for row, *_ in rest.context["proposals"]] == [one_day, today]
    assert "9 days" in shown.content.decode()


@pytest.mark.parametrize("where", ["intake-proposal", "proposal", "determination", "screening"])
def test_a_stale_screening_says_so_and_why(client, where):
    desk = officer()
    if where == "screening":
        args = []
        proposal = make.flagged(make.at_intake(), desk).proposal
    elif where == "determination":
        draft = make.ready_to_sign(by=desk)
        proposal, args = draft.proposal, [draft.pk]
    else:
        proposal = make.at_intake()
        make.screened(proposal, desk)
        args = [proposal.number]
    words = "A newer list is in force: “Newer of 2026-11-02”."
    fresh = page(client, desk, where, *args).content.decode()
    shorter = io.BytesIO(b"".join(make.LIST.read_bytes().splitlines(keepends=True)[:-2]))
    services.import_screening_list(shorter, by=desk, name="Newer", file_date=date(2026, 11, 2))
    stale = page(client, desk, where, *args).content.decode()
    make.screened(proposal, desk)
    again = page(client, desk, where, *args).content.decode()
    assert [words in html.unescape(text) for text in (fresh, stale, again)] == [False, True, False]
    assert [">Stale<" in text for text in (fresh, stale, again)] == [False, True, False]


def test_a_reviewer_reads_on_the_sheet_and_in_the_notice_why_it_was_given_back(client):
    assignment, lead = make.assigned(make.accepted()), make.lead("STATE")
    review = make.filled_review(assignment)
    services.submit_review(review, by=assignment.reviewer)
    before = page(client, assignment.reviewer, "review", review.pk).content.decode()
    assert "gave this review back" not in before
    for reason in ("The scale was misread.", "One line {still} says nothing."):
        review.refresh_from_db()
        services.reopen_review(review, by=lead, note=reason)
        shown = page(client, assignment.reviewer, "review", review.pk).content.decode()
        assert reason in shown
        review.refresh_from_db()
        services.submit_review(review, by=assignment.reviewer)
    notices = Notice.objects.filter(kind="evaluation.review_reopened", recipient=assignment.reviewer)
    assert [("misread" in row.text, "{still}" in row.text) for row in notices.order_by("pk")] == [
        (True, False), (False, True),
    ]  # fmt: skip
    assert "The scale was misread." not in shown
    assert {row.url for row in notices} == {reverse("evaluation:review", args=[review.pk])}
    assert reason not in page(client, assignment.reviewer, "review", review.pk).content.decode()


def test_a_lead_who_owes_a_sheet_reads_no_scores_before_it_is_in(client):
    lead, proposal = make.lead("STATE"), make.accepted()
    OfficeFactory(user=lead, role="reviewer", agency=Agency.objects.get(code="STATE"))
    lead = User.objects.get(pk=lead.pk)
    owed, other = make.assigned(proposal, person=lead), make.assigned(proposal)
    services.submit_review(make.filled_review(other), by=other.reviewer)
    referral = make.referral_of(proposal)
    before = page(client, lead, "position", referral.pk)
    unbound = page(client, make.lead("STATE"), "position", referral.pk)
    services.submit_review(make.filled_review(owed), by=lead)
    after = page(client, lead, "position", referral.pk)
    asked = proposal.call.criteria.count()
    assert [len(shown.context["scores"]) for shown in (before, unbound, after)] == [0, asked, asked]
    said = [b"once your own review is in" in shown.content for shown in (before, unbound, after)]
    assert said == [True, False, False]


def test_disagreement_is_marked_by_the_scale_of_its_criterion(client):
    desk, proposal = officer(), make.accepted()
    for value in (2, 4):
        assignment = make.assigned(proposal)
        services.submit_review(make.filled_review(assignment, value=value), by=assignment.reviewer)
    shown = page(client, desk, "proposal", proposal.number).content.decode()
    of_lead = page(client, make.lead("STATE"), "position", make.referral_of(proposal).pk).content.decode()
    Criterion.objects.update(lowest=0, highest=10)
    wider = page(client, desk, "proposal", proposal.number).content.decode()
    assert [text.count("Disagreement") for text in (shown, of_lead, wider)] == [
        proposal.call.criteria.count(), proposal.call.criteria.count(), 0,
    ]  # fmt: skip


def test_a_deferral_whose_day_has_come_is_a_task_of_the_office_until_it_is_gone_on_with(client):
    desk, chief = officer(), make.decision_official()
    determination = make.signed(outcome="defer", by=chief)
    services.announce_determination(determination, by=chief)
    proposal = determination.proposal
    name = f"Go on with the decision on {proposal.number}, deferred until this day"

    def tasks(person):
        return [task.what for task in page(client, person, "desk").context["tasks"]]

    assert name not in tasks(desk)
    with clock.moved_to(end_of_day(determination.defer_until - timedelta(days=1))):
        assert name in tasks(desk)
        assert name not in tasks(make.lead("STATE"))
        draft = services.prepare_determination(proposal, by=desk)
        assert name not in tasks(desk)
    assert draft.status == "draft"


# What a list costs: one literal number, with one row and with three. Every page reads session, person,
# offices and notices; the session's end was written by the page before.


@pytest.mark.parametrize("rows", [1, 3])
def test_desk_costs_the_same_whatever_its_length(client, warm, rows, django_assert_num_queries):
    person = make.lead()
    for _ in range(rows):
        make.filed(make.accepted(), "STATE")
    sign_in(client, person)
    client.get(reverse("evaluation:desk"))
    with django_assert_num_queries(10):
        response = client.get(reverse("evaluation:desk"))
    assert response.status_code == 200
    assert len(response.context["lines"]) == rows


def test_reader_with_score_sheet_costs_nine_statements(client, warm, django_assert_num_queries):
    assignment = make.assigned(make.accepted())
    address = reverse("evaluation:review", args=[make.filled_review(assignment).pk])
    sign_in(client, assignment.reviewer)
    client.get(address)
    with django_assert_num_queries(9):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("rows", [1, 3])
def test_catalog_costs_one_statement_until_a_change(client, warm, rows, django_assert_num_queries):
    for _ in range(rows):
        make.published(make.designated())
    with django_assert_num_queries(3):
        response = client.get(reverse("evaluation:catalog"))
    assert len(response.context["cards"]) == rows
    with django_assert_num_queries(1):
        client.get(reverse("evaluation:catalog"))


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("name", "count"),
    [("intake", 10), ("screening", 11), ("compliance-list", 6), ("determinations", 5), ("designations", 6)],
)
def test_lists_of_the_desk_cost_the_same_for_one_row_and_three(
    client, warm, rows, name, count, django_assert_num_queries
):
    desk, chief = officer(), make.decision_official()
    for _ in range(rows):
        if name == "intake":
            make.at_intake()
        elif name in ("screening", "compliance-list"):
            make.flagged(make.at_intake(), desk)
        else:
            make.designated(by=chief)
    sign_in(client, desk)
    client.get(reverse(f"evaluation:{name}"))
    with django_assert_num_queries(count):
        response = client.get(reverse(f"evaluation:{name}"))
    listed = {"intake": "proposals", "screening": "checks", "compliance-list": "checks"}.get(name, name)
    assert len(response.context[listed]) % rows == 0
    assert response.context[listed]


def test_intake_says_of_each_whether_it_came_in_time_and_what_its_parties_need(client):
    desk = officer()
    waiting, settled, unscreened = (make.at_intake() for _ in range(3))
    make.flagged(waiting, desk)
    make.screened(settled, desk)
    shown = page(client, desk, "intake")
    found = {row.pk: row for row, *_ in shown.context["proposals"]}
    told = {pk: (row.is_on_time, row.open_checks, row.screened_at is not None) for pk, row in found.items()}
    assert told == {
        waiting.pk: (True, 1, True),
        settled.pk: (True, 0, True),
        unscreened.pk: (True, 0, False),
    }
    assert all(words in shown.text for words in ("To settle", "Settled", "Not screened", "In time"))


def test_other_offices_and_strangers_are_kept_out(client):
    proposal, stranger = make.accepted(), ProposalFactory().created_by
    outsider = make.reviewer("DOE")
    for person, wanted in ((stranger, 403), (outsider, 404)):
        assert page(client, person, "proposal", proposal.number).status_code == wanted
    assert page(client, stranger, "questions", proposal.pk).status_code == 404
    assert page(client, stranger, "desk").status_code == 403
    assert page(client, outsider, "intake").status_code == 403
    client.logout()
    assert client.get(reverse("evaluation:desk")).status_code == 302


@pytest.mark.django_db(transaction=True)  # an act is no savepoint of the test, so that its own are counted
def test_page_that_submits_a_score_sheet_costs_thirteen_statements(client, warm):
    proposal = make.accepted()
    CriterionFactory.create_batch(3, call=proposal.call)
    make.lead("STATE")
    assignment = make.assigned(proposal)
    sheet = make.filled_review(assignment)
    sign_in(client, assignment.reviewer)
    client.get(reverse("evaluation:review", args=[sheet.pk]))
    with statements(savepoints=True) as sent:
        response = client.post(reverse("evaluation:review-submit", args=[sheet.pk]))
    assert (response.status_code, response.url) == (302, reverse("evaluation:review", args=[sheet.pk]))
    assert len(sent) == 13, "\n".join(sent)


def test_government_reads_the_submitted_title_only(client, warm):
    proposal = make.at_intake()
    proposal.refresh_from_db()
    submitted = proposal.submitted_title
    assert submitted == "Full AI stack for district hospitals"
    Proposal.objects.filter(pk=proposal.pk).update(title="Secret new market")
    desk, team = officer(), representative_of(proposal)
    for name, args in (("desk", []), ("intake", []), ("intake-proposal", [proposal.number]),
                       ("proposal", [proposal.number]), ("questions", [proposal.pk])):  # fmt: skip
        text = page(client, desk, name, *args).content.decode()
        assert "Secret new market" not in text, name
        assert submitted in text or name == "proposal", name
    for person, title in ((desk, submitted), (team, "Secret new market")):
        sign_in(client, person)
        listed = client.get("/api/v1/proposals/").json()["results"]
        detail = client.get(f"/api/v1/proposals/{proposal.pk}/").json()
        assert ([row["title"] for row in listed], detail["title"]) == ([title], title)


def test_desk_shows_when_a_returned_proposal_is_due(client):
    proposal, desk = make.at_intake(), officer()
    item = RequirementFactory(call=proposal.call)
    services.review_completeness(
        make.version_of(proposal), item, by=desk, finding="deficient", reason="Unsigned."
    )
    services.return_proposal(proposal, by=desk)
    (line,) = page(client, desk, "desk").context["lines"]
    assert line["next_due"] == proposal.cure_due_at


def test_officer_sees_open_matches_and_questions_among_the_tasks(client):
    desk = officer()
    assert not page(client, desk, "desk").context["tasks"]
    make.flagged(make.at_intake(), desk)
    tasks = {task.what: task.url for task in page(client, desk, "desk").context["tasks"]}
    assert tasks["1 match of a party to settle"] == reverse("evaluation:screening")


def test_what_waits_for_officers_is_asked_of_the_one_who_asks(client):
    proposal, reading = make.at_intake(), officer()
    make.flagged(proposal, reading)
    leading, recused, inside = officer(), officer(), officer()
    OfficeFactory(user=leading, role=OfficeRole.LEAD, agency=Agency.objects.get(code="STATE"))
    Recusal.objects.create(
        proposal=proposal, user=recused, reason="Kin.", recused_by=recused, recused_at=clock.instant()
    )
    grant("proposals.view_proposal", on=proposal, to=inside, by=representative_of(proposal))
    flags = ComplianceCheck.objects.of_last_versions().open().count()
    waiting = {
        "1 match of a party to settle", f"{flags} compliance flags to decide", f"Take {proposal.number} in",
    }  # fmt: skip

    def told(person):
        return {task.what for task in page(client, person, "desk").context["tasks"]}

    for person, seen in ((reading, waiting), (leading, waiting), (recused, set()), (inside, set())):
        assert told(User.objects.get(pk=person.pk)) == seen
    assert told(reading) == waiting


def test_lists_are_shown_at_the_address_that_imports_them(client):
    make.screening_list()
    response = page(client, officer(), "list-import")
    assert response.status_code == 200
    assert [listed.name for listed in response.context["lists"]] == ["Fictional list"]


def test_home_page_counts_and_shows_designated_packages(client):
    address = reverse("evaluation:latest-designations")
    assert "No package is in the" in client.get(address, headers={"HX-Request": "true"}).content.decode()
    make.published(make.designated())
    home = client.get(reverse("program:home"))
    assert [(f.value, f.url) for f in home.context["figures"]] == [(1, reverse("evaluation:catalog"))]
    assert address in home.content.decode()
    assert "Stack" in client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert client.get(address).url == reverse("evaluation:catalog")


def test_workspace_leads_to_what_the_government_writes_and_gives(client):
    designation = make.designated()
    proposal = designation.proposal
    sign_in(client, representative_of(proposal))
    text = client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    for name in ("evaluation:questions", "evaluation:catalog-release", "financing:support"):
        assert reverse(name, args=[proposal.pk]) in text, name


def test_a_recalled_determination_and_the_one_made_of_it_lead_to_each_other(client):
    desk, chief = officer(), make.decision_official()
    recalled = make.signed(make.ready_to_sign(by=desk), by=chief)
    services.recall_determination(recalled, by=chief, reason="A new fact came in.")
    assert "was carried over" not in page(client, desk, "determination", recalled.pk).text
    press(client, desk, "determination-prepare", recalled.proposal.number)
    again = Determination.objects.live().get()

    old = page(client, desk, "determination", recalled.pk).text
    new = page(client, desk, "determination", again.pk).text

    assert reverse("evaluation:determination", args=[again.pk]) in old.split("Recalled</h")[1]
    told = new.split("Carried over from a recalled determination")[1].split("</p>")[0]
    assert reverse("evaluation:determination", args=[recalled.pk]) in told
    assert "A new fact came in." in told


def test_reviewer_reads_why_positions_are_hidden_and_the_same_count_in_the_queue(client):
    proposal = make.accepted()
    reviewer, lead = make.assigned(proposal).reviewer, make.lead()
    make.filed(proposal, "DOE")
    make.filed(proposal, "STATE")

    shown = page(client, reviewer, "proposal", proposal.number)

    assert [(c.agency, c.state, c.note) for c in shown.context["columns"]] == [
        (str(make.referral_of(proposal).agency), "Answered", "Read by the agencies' leads")
    ]
    assert not shown.context["positions"]
    assert "The consultation of your agency" in shown.text
    (line,) = page(client, reviewer, "desk").context["lines"]
    assert line["summary"] == shown.context["summary"] == "1 of 1 in"
    assert {c.state for c in page(client, lead, "proposal", proposal.number).context["columns"]} == {
        "Support", "Awaited",
    }  # fmt: skip
    (line,) = page(client, lead, "desk").context["lines"]
    assert line["summary"] == "2 of 5 in"


def test_withdrawal_ends_the_open_consultations_in_words(client):
    proposal = make.accepted()
    assignment, lead = make.assigned(proposal, "STATE"), make.lead("STATE")
    make.filed(proposal, "DOE")
    withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")
    assert end_left_referrals() == 4
    assert end_left_referrals() == 0
    with clock.moved_to(clock.now() + timedelta(days=200)):
        assert lapse_due_referrals() == 0
    kinds = {"evaluation.consultation_ended", "evaluation.lapsed"}
    told = Notice.objects.filter(kind__in=kinds).values_list("recipient", "kind")
    people = (lead, assignment.reviewer)
    assert set(told) == {(person.pk, "evaluation.consultation_ended") for person in people}
    columns = page(client, lead, "proposal", proposal.number).context["columns"]
    states = sorted(column.state for column in columns)
    assert states == ["Answered", *["Ended: proposal withdrawn"] * 4]
    room = page(client, lead, "position", make.referral_of(proposal, "STATE").pk)
    assert "Ended: proposal withdrawn" in room.content.decode()
    assert not room.context["can_file"]
    assert not page(client, assignment.reviewer, "desk").context["tasks"]


def test_notice_cites_a_bare_clause_as_one_of_the_order():
    assert (in_full("s.3(b)"), in_full("18 U.S.C. 1001"), in_full("")) == (
        "E.O. 14320 s.3(b)", "18 U.S.C. 1001", "",
    )  # fmt: skip


def test_list_of_designations_says_since_when_each_stands_so_and_what_is_public(client):
    designation = make.designated()
    make.published(designation)
    chief, desk = make.decision_official(), officer()
    assert "Published, not shown" not in (shown := page(client, desk, "designations").text)
    assert reverse("evaluation:catalog-entry", args=[designation.number]) in shown
    later = clock.now() + timedelta(days=40)
    services.suspend_designation(designation, by=chief, reason="A member left.")
    type(designation).objects.update(suspended_at=later)
    shown = " ".join(page(client, desk, "designations").text.split())
    began = moments.day(designation.designated_at)
    assert f"since {moments.day(later)}, designated {began}" in shown
    assert "Published, not shown" in shown and "Released" not in shown
    assert reverse("evaluation:catalog-entry", args=[designation.number]) not in shown


def test_history_of_a_proposal_is_read_to_its_end_page_by_page(client, monkeypatch):
    monkeypatch.setattr("evaluation.views.proposals.SHOWN", 2)
    desk, auditor = officer(), officer(OfficeRole.AUDITOR)
    proposal = make.accepted(desk)
    make.filed(proposal, "DOE", "object")
    shown = page(client, desk, "proposal", proposal.number)
    assert not shown.context["newest_history"]
    address, found = reverse("evaluation:proposal", args=[proposal.number]), []
    while True:
        entries = shown.context["history"]
        found += [entry["event"].pk for entry in entries]
        if not (older := shown.context["older_history"]):
            break
        assert len(entries) == 2 and f'href="{older.split("#")[0]}' in shown.text
        shown = client.get(address + older)
        assert shown.context["newest_history"] == "?#history"
    assert len(found) > 4 and found == sorted(set(found), reverse=True)
    submitted = AuditEvent.objects.of(proposal).filter(act="proposal.submit").values_list("pk", flat=True)
    assert set(submitted) and set(submitted) <= set(found)
    record = f"{reverse('evaluation:record')}?proposal={proposal.number}"
    assert record not in shown.text and record in page(client, auditor, "proposal", proposal.number).text


def test_history_names_the_agency_of_each_consultation(client):
    desk = officer()
    proposal = make.accepted(desk)
    make.filed(proposal, "DOE", "object")
    referral = make.referral_of(proposal, "DOE")
    due = referral.due_at - timedelta(days=2)
    for agency in ("STATE", "OSTP"):
        with clock.moved_to(due):
            assert remind_of_position(make.referral_of(proposal, agency), by=clock_account())
    told = [entry["heading"] for entry in page(client, desk, "proposal", proposal.number).context["history"]]
    names = [make.referral_of(proposal, agency).agency for agency in ("OSTP", "STATE")]
    reminded = [heading for heading in told if "reminded" in heading]
    assert reminded == [f"Agency reminded of its position: {name}" for name in names]
    assert any(heading.endswith(f": {referral.agency}") for heading in told)
