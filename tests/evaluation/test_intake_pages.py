"""The pages of intake: findings, screening, acceptance and return, and nothing typed is lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.models import ScreeningJob
from evaluation.schedule import sweep_screenings
from program import clock
from proposals.models import Proposal
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import RequirementFactory, officer

pytestmark = pytest.mark.django_db


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


def at_field(shown, field):
    """What is said at a field of the page, whether it is tied to that, and the fold around the field."""
    said = re.search(rf'<ul [^>]*id="{field}_error">(.*?)</ul>', shown.text)
    tied = re.search(rf'<(textarea|fieldset)[^>]*aria-describedby="{field}_error"[^>]*>', shown.text)
    return said and said[1], tied and tied[0]


def test_what_is_refused_of_a_finding_is_said_at_its_field_too(client):
    desk, proposal = officer(), make.at_intake()
    first, second, untouched = (RequirementFactory(call=proposal.call) for _ in range(3))
    typed = {f"requirement-{first.pk}": "deficient", f"requirement-{second.pk}-reason": "The map is missing."}
    refused = press(client, desk, "completeness-save", proposal.number, **typed)
    assert refused.status_code == 422

    said, tied = at_field(refused, f"id_requirement-{first.pk}-reason")
    assert "Say what is deficient in" in said and 'aria-invalid="true"' in tied
    fold = refused.text.partition(f'id="requirement-{first.pk}"')[2].partition("<summary>")[0]
    assert fold.endswith("<details open>")
    said, tied = at_field(refused, f"id_requirement-{second.pk}-accepted")
    assert "Choose accepted or deficient for" in said and tied.startswith("<fieldset")
    assert at_field(refused, f"id_requirement-{untouched.pk}-reason") == (None, None)
    assert refused.text.count('aria-invalid="true"') == 1


def test_long_reason_is_refused_at_its_field_and_unfolds_it(client):
    desk, proposal = officer(), make.at_intake()
    name = f"requirement-{RequirementFactory(call=proposal.call).pk}"
    typed = {name: "accepted", f"{name}-reason": "x" * 20_001}
    refused = press(client, desk, "completeness-save", proposal.number, **typed)
    said, tied = at_field(refused, f"id_{name}-reason")
    assert refused.status_code == 422 and said and 'aria-invalid="true"' in tied


def test_address_of_the_findings_leads_back_to_the_intake_when_it_is_opened_again(client):
    desk, proposal = officer(), make.at_intake()
    again = page(client, desk, "completeness-save", proposal.number)
    assert (again.status_code, again.url) == (302, f"/desk/intake/{proposal.number}/")
    assert page(client, make.reviewer("DOE"), "completeness-save", proposal.number).status_code in (403, 404)


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
