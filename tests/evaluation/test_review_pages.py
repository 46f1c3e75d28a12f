"""The pages of a reviewer: the declaration, the reader, and the score sheet until it is handed in."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.models import Review
from program.acts import DoFirst
from program.enums import StackLayer
from program.models import AuditEvent, Notice
from proposals.services import record_reading
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, officer
from tests.factories.proposals import DocumentFactory

pytestmark = pytest.mark.django_db


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
    theirs, words = stale.json()["theirs"], stale.json()["words"]
    assert (theirs[f"{prefix}-value"], words[f"{prefix}-value"]["theirs"]) == ("4", "4: between 1 and 5")
    assert theirs[f"{prefix}-not_applicable"] == "False"  # as the page's script reads a box without a tick
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


def test_a_line_that_is_saved_by_hand_says_so_where_it_stands(client):
    review = make.filled_review(make.assigned(make.accepted()))
    score = review.scores.first()
    page(client, review.reviewer, "review", review.pk)
    saves = {
        f"criterion-{score.criterion_id}": (
            reverse("evaluation:score-save", args=[review.pk, score.pk]),
            {f"criterion-{score.criterion_id}-strengths": "By hand.", "revision": score.revision},
            f"“{score.criterion.title}” is saved.",
        ),
        "overall": (
            reverse("evaluation:review-save", args=[review.pk]),
            {"rationale": "By hand.", "revision": review.revision},
            "The overall part is saved.",
        ),
    }
    for place, (address, typed, said) in saves.items():
        answer = client.post(address, typed)
        assert answer.url == f"{reverse('evaluation:review', args=[review.pk])}#{place}"
        shown = client.get(answer.url).text
        assert said in shown.partition("<h1>")[0]
        line = shown.partition(f'id="{place}"')[2].partition("</form>")[0]
        assert re.search(rf"<p [^>]*data-autosave-status[^>]*>{re.escape(said)}</p>", line)
        assert shown.count(said) == 2
        assert said not in client.get(answer.url).text


def test_a_window_that_stays_open_is_told_to_load_the_page_again(client):
    review = make.filled_review(make.assigned(make.accepted()))
    score = review.scores.first()
    services.submit_review(review, by=review.reviewer)
    sign_in(client, review.reviewer)
    saves = (("review-save", [review.pk], review), ("score-save", [review.pk, score.pk], score))
    for name, keys, row in saves:
        address, typed = reverse(f"evaluation:{name}", args=keys), {"revision": row.revision}
        answer = client.post(address, typed, headers={"x-autosave": "1"})
        [told] = answer.json()["errors"]["__all__"]
        assert answer.status_code == 422 and told.startswith("“Save the sheet” was not done")
        assert told.endswith("Load the page again to see where it stands.") and "now shows" not in told
        by_hand = client.post(address, typed)
        assert by_hand.status_code == 409 and "the page now shows where it stands." in by_hand.text


def test_refusal_of_a_declaration_stands_beside_its_field(client):
    assignment = make.assigned(make.accepted(), declared=False)
    refused = press(client, assignment.reviewer, "conflict-declare", assignment.pk, has_conflict="yes")
    assert refused.status_code == 422
    assert refused.context["form"].errors == {"text": ["Say what the conflict is."]}
    assert 'href="#id_text">The conflict: Say what the conflict is.' in refused.text


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
