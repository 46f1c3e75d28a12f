"""What changed since this person last read a version, the filter to it, and the search inside."""

from __future__ import annotations

import re

import pytest

from evaluation import services
from evaluation.models import Review
from program.models import User
from proposals.services import record_reading
from tests.evaluation.pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.proposals.test_hits import Texts
from tests.statements import statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal():
    return make.accepted()


def read(proposal, person):
    record_reading(make.version_of(proposal), by=person)


def further(proposal, title, **change):
    return make.new_version(proposal, {"title": title} | change)


def section(shown, name):
    return shown.text.split(f'<section id="{name}"')[1].split("</section>")[0]


def known(client, person, proposal, **query):
    since = page(client, person, "proposal", proposal.number, **query).context["since"]
    return since and (since.number, since.how)


def test_a_first_version_changed_nothing(client, proposal):
    shown = page(client, officer(), "proposal", proposal.number)
    assert shown.context["since"] is None
    assert 'id="changes"' not in shown.text


def test_each_is_shown_what_changed_since_they_read(client, proposal):
    early, late, never = officer(), officer(), officer()
    read(proposal, early)
    market = make.version_of(proposal).value.markets[0]
    further(proposal, "Second title", markets=(market.model_copy(update={"end_users": "Clinics."}),))
    read(proposal, late)
    further(proposal, "Third title")

    assert known(client, early, proposal) == (1, "read")
    assert known(client, late, proposal) == (2, "read")
    assert known(client, never, proposal) == (2, "")
    parts = {
        person: [
            str(row.part) for row in page(client, person, "proposal", proposal.number).context["changed"]
        ]
        for person in (early, late)
    }
    assert parts == {early: ["overview", "markets"], late: ["overview"]}
    shown = section(page(client, early, "proposal", proposal.number), "changes")
    assert "What changed since you read it" in shown
    assert f'href="#{market.key}"' in shown


def test_what_is_read_now_stays_compared_with_what_was_read_before(client, proposal):
    person = officer()
    read(proposal, person)
    further(proposal, "Second title")
    assert [known(client, person, proposal) for _ in range(2)] == [(1, "read")] * 2


def test_a_reviewer_is_shown_what_changed_since_they_reviewed(client, proposal):
    assignment = make.assigned(proposal)
    services.submit_review(make.filled_review(assignment), by=assignment.reviewer)
    further(proposal, "Second title")
    shown = page(client, User.objects.get(pk=assignment.reviewer_id), "proposal", proposal.number)
    assert shown.context["since"].how == "reviewed"
    assert "which you reviewed on" in shown.text


def test_the_package_beside_a_new_sheet_marks_what_changed_with_both_words(client, proposal):
    assignment = make.assigned(proposal)
    reviewer = User.objects.get(pk=assignment.reviewer_id)
    services.submit_review(make.filled_review(assignment), by=reviewer)
    first = page(client, reviewer, "review", Review.objects.get().pk)
    assert (first.context["changed"], "site-changed" in first.text) == ([], False)
    package = make.version_of(proposal).value
    market = package.markets[0].model_copy(update={"end_users": "Clinics alone."})
    further(proposal, "Second title", markets=(market, *package.markets[1:]))
    second = services.open_review(assignment, by=reviewer)

    shown = page(client, reviewer, "review", second.pk)
    assert shown.context["changed_heading"] == "Changed since you reviewed version 1"
    banner, contents = shown.text.partition("Changed since you reviewed")[2], shown.text.partition("<h1>")[0]
    for part in ("overview", "markets"):
        assert f'<a href="#changed-{part}">' in banner
        assert re.search(
            rf'<a href="#{part}">.{{,80}}</span><span .{{,250}}changed</span>', contents, re.DOTALL
        )
        assert shown.text.count(f'id="changed-{part}"') == 1
    assert 'href="#changed-hardware"' not in banner and 'id="changed-hardware"' not in shown.text
    told = shown.text.partition('id="changed-markets"')[2].partition("</details>")[0]
    assert f'href="#{market.key}"' in told and "<del>" in told and "Clinics" in told and "alone." in told
    assert 'id="changed-' not in page(client, reviewer, "proposal", proposal.number).text


def begun(proposal, assignment, *, handed_in, title="", **change):
    """The sheet on the next version, or on the first where no title is given."""
    if title:
        further(proposal, title, **change)
    sheet = make.filled_review(assignment)
    if handed_in:
        services.submit_review(sheet, by=assignment.reviewer)
    return sheet


def markets_of(proposal):
    market = make.version_of(proposal).value.markets[0]
    return (market.model_copy(update={"end_users": "Clinics alone."}),)


def compared(client, sheet):
    shown = page(client, User.objects.get(pk=sheet.reviewer_id), "review", sheet.pk)
    return shown.context["changed_heading"], [str(part) for part, _ in shown.context["changed"]]


def test_a_draft_that_never_came_in_hides_nothing_that_its_version_changed(client, proposal):
    assignment = make.assigned(proposal)
    begun(proposal, assignment, handed_in=True)
    begun(proposal, assignment, handed_in=False, title="Second title", markets=markets_of(proposal))
    third = begun(proposal, assignment, handed_in=False, title="Third title")
    heading, parts = compared(client, third)
    assert heading == "Changed since you reviewed version 1"
    assert {"overview", "markets"} <= set(parts)


def test_a_sheet_that_was_given_back_was_a_review_once(client, proposal):
    assignment = make.assigned(proposal)
    begun(proposal, assignment, handed_in=True)
    second = begun(proposal, assignment, handed_in=True, title="Second title", markets=markets_of(proposal))
    second.refresh_from_db()
    services.reopen_review(second, by=make.lead(), note="Look again.")
    third = begun(proposal, assignment, handed_in=False, title="Third title")
    assert compared(client, third) == ("Changed since you reviewed version 2", ["overview"])
    assert known(client, assignment.reviewer, proposal) == (2, "reviewed")


def test_nobody_is_told_that_they_reviewed_what_they_only_began(client, proposal):
    assignment = make.assigned(proposal)
    begun(proposal, assignment, handed_in=False)
    begun(proposal, assignment, handed_in=False, title="Second title", markets=markets_of(proposal))
    third = begun(proposal, assignment, handed_in=False, title="Third title")
    heading, parts = compared(client, third)
    assert heading == "Changed since version 1, of which you began a sheet"
    assert {"overview", "markets"} <= set(parts)


@pytest.mark.parametrize(("asked", "wanted"), [("1", 1), ("3", 2), ("0", 2), ("-1", 2), ("x", 2), ("²", 2)])
def test_another_version_is_chosen_to_compare_with(client, proposal, asked, wanted):
    person = officer()
    further(proposal, "Second title")
    read(proposal, person)
    further(proposal, "Third title")
    assert known(client, person, proposal, since=asked)[0] == wanted


def test_only_the_parts_that_changed_are_shown_when_asked(client, proposal):
    person = officer()
    read(proposal, person)
    further(proposal, "Second title")
    whole = page(client, person, "proposal", proposal.number)
    some = page(client, person, "proposal", proposal.number, show="changed")

    for name in ("hardware", "markets", "compliance", "documents"):
        assert f'<section id="{name}"' in whole.text
        assert f'<section id="{name}"' not in some.text
        assert f'href="#{name}"' not in some.text
    assert '<section id="overview"' in some.text
    assert "Only the parts that changed since version 1 are shown" in some.text


def test_nothing_changed_leaves_nothing_out(client, proposal):
    make.new_version(proposal, {"title": make.version_of(proposal).value.title})
    shown = page(client, officer(), "proposal", proposal.number, show="changed")
    assert '<section id="hardware"' in shown.text
    assert "Nothing changed." in shown.text


def test_search_marks_hits_in_the_package_alone(client, proposal):
    shown = page(client, officer(), "proposal", proposal.number, find="nairobi", version="1")
    marked = Texts(shown.text).marked
    assert len(marked) > 1
    assert marked == [f"hit-{n}" for n in range(1, len(marked) + 1)]
    assert f"{len(marked)} hits for “nairobi”" in shown.text
    assert '<input type="hidden" name="version" value="1">' in shown.text
    assert "<mark" not in shown.text.split('<section id="package"')[0]


def test_search_without_a_hit_says_so_and_a_letter_is_too_short(client, proposal):
    desk = officer()
    assert "Nothing here says" in page(client, desk, "proposal", proposal.number, find="zzzz").text
    assert "Type at least 2 letters" in page(client, desk, "proposal", proposal.number, find="n").text
    asked = page(client, desk, "proposal", proposal.number, find="<script>alert(1)</script>").text
    assert "<script>alert" not in asked
    assert "&lt;script&gt;alert(1)" in asked


def test_search_reads_what_the_filter_shows(client, proposal):
    person = officer()
    read(proposal, person)
    further(proposal, "Second title for Nairobi")
    shown = page(client, person, "proposal", proposal.number, find="nairobi", show="changed")
    assert Texts(shown.text).marked == ["hit-1"]


def test_a_reviewer_searches_beside_the_sheet_and_the_recused_nowhere(client, proposal):
    assignment = make.assigned(proposal)
    review = make.filled_review(assignment)
    reviewer = User.objects.get(pk=assignment.reviewer_id)
    assert Texts(page(client, reviewer, "review", review.pk, find="nairobi").text).marked
    services.recuse(proposal, person=reviewer, by=officer(), reason="A former employer is a member.")
    reviewer = User.objects.get(pk=reviewer.pk)
    assert page(client, reviewer, "review", review.pk, find="nairobi").status_code == 404
    assert page(client, reviewer, "proposal", proposal.number, find="nairobi").status_code in (403, 404)


def test_searching_and_reading_often_cost_the_same(client, proposal):
    person = officer()
    sign_in(client, person)
    read(proposal, person)
    further(proposal, "Second title")
    page(client, person, "proposal", proposal.number)
    with statements() as plain:
        page(client, person, "proposal", proposal.number)
    for n in range(3, 6):
        further(proposal, f"Title {n}")
        read(proposal, person)
    with statements() as often:
        shown = page(client, person, "proposal", proposal.number, find="nairobi")
    assert shown.context["since"].number == 4
    assert len(often) == len(plain)
