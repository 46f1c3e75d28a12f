"""Figures, other weights and files of an evaluation: right, for officials, over what they may read."""

from __future__ import annotations

import csv
import importlib
import io
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from openpyxl import load_workbook

from evaluation import fulfilling, services
from evaluation.clocks import days_of
from evaluation.insights import figures, listings
from evaluation.insights.figures import OWN_PART, insights_of
from evaluation.insights.readers import counted_for, left_out_of
from evaluation.insights.weights import sensitivity
from evaluation.models import AgencyScore, Referral
from evaluation.schedule import end_left_referrals, lapse_due_referrals
from program import clock
from program.enums import OfficeRole
from program.models import Agency, AuditEvent, Organization
from proposals.models import Proposal
from tests.evaluation.pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, OfficeFactory, officer
from tests.factories.proposals import MembershipFactory, RecusalFactory, TeamMemberFactory
from tests.statements import statements

pytestmark = pytest.mark.django_db
KINDS = ("csv", "xlsx")


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()


@pytest.fixture
def official():
    return officer(OfficeRole.AUDITOR)


def figure(user, call, key):
    found = insights_of(user, call).figure(key)
    return {row[0]: dict(zip(found.headings[1:], row[1:], strict=True)) for row in found.rows}


def timeliness(user, proposal):
    """What is counted of each agency, by its code."""
    names = {str(make.referral_of(proposal, code).agency): code for code in make.EVALUATING}
    rows = figure(user, proposal.call, "timeliness")
    return {names[name]: list(row.values()) for name, row in rows.items()}


def scored(proposal, agency="STATE", *values):
    """Sheets of as many reviewers of an agency, each with one value for every criterion."""
    for value in values:
        assignment = make.assigned(proposal, agency, person=make.reviewer(agency))
        review = make.filled_review(assignment, value)
        services.submit_review(review, by=review.reviewer)


def moved_back(proposal, **days):
    """Moments of a proposal so many days ago."""
    at = clock.now()
    Proposal.objects.filter(pk=proposal.pk).update(
        **{name: at - timedelta(days=number) for name, number in days.items()}
    )


def kept_scores(proposal, agency, **values):
    """What sheets of an agency said of the criteria with these codes: ``(lowest, median, highest)``."""
    version = make.version_of(proposal)
    for code, (lowest, median, highest) in values.items():
        AgencyScore.objects.create(
            version=version,
            agency=Agency.objects.get(code=agency),
            criterion=proposal.call.criteria.get(code=code),
            sheet_count=3,
            mean=median,
            median=median,
            lowest=lowest,
            highest=highest,
        )


def another(call, **facts):
    return make.accepted(call=call, **facts)


class TestFigures:
    def test_funnel_counts_each_in_every_step_that_it_reached(self, official):
        designated = make.designated()
        call = designated.proposal.call
        running, decided = another(call), another(call)
        make.consulted(decided)
        make.at_intake(call=call)
        steps = figure(official, call, "funnel")
        assert {name: row["Proposals"] for name, row in steps.items()} == {
            "Submitted": 4,
            "Accepted for evaluation": 3,
            "All agencies answered, or their time is over": 2,
            "A determination was announced": 1,
            "Designated today": 1,
            "Designation suspended today": 0,
            "Designation revoked or expired": 0,
        }
        assert steps["Accepted for evaluation"]["Percent of those submitted"] == 75.0
        assert running.status == "under_evaluation"

    @pytest.mark.parametrize(
        ("act", "step"),
        [
            ("suspend_designation", "Designation suspended today"),
            ("revoke_designation", "Designation revoked or expired"),
        ],
    )
    def test_what_is_suspended_or_ended_is_not_designated_today(self, official, act, step):
        designation = make.designated()
        getattr(services, act)(designation, by=make.decision_official(), reason="A member left.")
        steps = figure(official, designation.proposal.call, "funnel")
        assert (steps["Designated today"]["Proposals"], steps[step]["Proposals"]) == (0, 1)

    def test_drafts_and_other_calls_are_in_no_figure(self, official):
        proposal = make.accepted()
        make.accepted()
        found = insights_of(official, proposal.call)
        assert (found.counted, found.left_out) == (1, 0)
        Proposal.objects.filter(pk=proposal.pk).update(status="lapsed", submitted_at=None, accepted_at=None)
        cache.clear()
        assert insights_of(official, proposal.call).counted == 0

    def test_ages_stand_by_status_in_days(self, official):
        first = make.at_intake()
        others = [make.at_intake(call=first.call) for _ in range(2)]
        for proposal, days in zip((first, *others), (10, 40, 100), strict=True):
            moved_back(proposal, submitted_at=days)
        row = figure(official, first.call, "ages")["Submitted"]
        assert list(row.values()) == [1, 1, 0, 1, 40.0, 100.0]

    def test_agencies_keep_their_time_or_not(self, official):
        proposal = make.accepted()
        now = clock.now()
        for code, answered in (("STATE", 4), ("DOE", 1)):
            make.filed(proposal, code)
            referral = make.referral_of(proposal, code)
            Referral.objects.filter(pk=referral.pk).update(
                opened_at=now - timedelta(days=10),
                answered_at=now - timedelta(days=answered),
                due_at=now - timedelta(days=3),
            )
        Referral.objects.filter(version__proposal=proposal, agency__code="DOD").update(
            status="lapsed", lapsed_at=now
        )
        told = timeliness(official, proposal)
        assert told["STATE"] == [1, 1, 0, 0, 0, 0, 0, 6.0, 6.0]
        assert told["DOE"] == [1, 0, 1, 0, 0, 0, 0, 9.0, 9.0]
        assert told["DOD"] == [1, 0, 0, 1, 0, 0, 0, None, None]
        assert told["OSTP"] == [1, 0, 0, 0, 1, 0, 0, None, None]

    def test_clock_of_a_new_version_counts_and_a_kept_position_does_not(self, official):
        proposal = make.accepted()
        make.filed(proposal, "STATE", parts_commented=["security"])
        make.filed(proposal, "DOE", "object")
        make.resubmitted(proposal)
        make.accept(proposal, officer())
        end_left_referrals()
        carried = {code: make.referral_of(proposal, code).carry for code in ("STATE", "DOE")}
        assert carried == {"STATE": "keep", "DOE": "reopen"}
        with clock.moved_to(make.referral_of(proposal, "DOE").due_at + timedelta(days=1)):
            assert lapse_due_referrals() == 4
        told = timeliness(official, proposal)
        assert told["STATE"][:4] == [1, 1, 0, 0]
        assert told["DOE"][:4] == [2, 1, 0, 1]
        assert told["OSTP"][:4] == [1, 0, 0, 1]

    def test_answer_in_time_stays_in_time_however_late_it_is_replaced(self, official):
        proposal = make.accepted()
        referral = make.referral_of(proposal, "DOE")
        with clock.moved_to(answered := referral.opened_at + timedelta(days=4)):
            make.filed(proposal, "DOE")
        with clock.moved_to(referral.due_at + timedelta(days=9)):
            make.filed(proposal, "DOE", "object")
        referral.refresh_from_db()
        assert referral.answered_at == answered
        assert referral.position.stance == "object"
        assert timeliness(official, proposal)["DOE"] == [1, 1, 0, 0, 0, 0, 0, 4.0, 4.0]
        assert days_of(referral, clock.now()).elapsed == 4

    def test_stages_begin_with_the_first_acceptance(self, official):
        proposal, chief = make.accepted(), make.decision_official()
        moved_back(proposal, submitted_at=20, accepted_at=10)
        deferral = make.signed(by=chief, proposal=proposal, outcome="defer")
        services.announce_determination(deferral, by=chief)
        proposal.refresh_from_db()
        make.resubmitted(proposal)
        make.accept(proposal, officer())
        rows = figure(official, proposal.call, "stages")
        assert list(rows["From submission to acceptance"].values())[:2] == [10.0, 1]
        assert list(rows["From acceptance to the first announcement"].values())[:2] == [10.0, 1]

    def test_first_moments_that_later_ones_had_taken_come_back(self):
        proposal = make.accepted()
        position = make.filed(proposal, "STATE")
        accepted_at, late = proposal.accepted_at, clock.now() + timedelta(days=40)
        Referral.objects.update(answered_at=late)
        Proposal.objects.update(accepted_at=late)
        migration = importlib.import_module("evaluation.migrations.0048_first_moments_stay")
        with connection.cursor() as cursor:
            for told in (migration.FIRST_ANSWERS, migration.FIRST_ACCEPTANCES):
                cursor.execute(told)
        proposal.refresh_from_db()
        assert make.referral_of(proposal, "STATE").answered_at == position.signed_at
        assert proposal.accepted_at == accepted_at

    def test_consortia_wait_beside_larger_and_smaller_ones(self, official):
        alone = make.accepted()
        invited, some, many = (another(alone.call) for _ in range(3))
        for proposal, members, status in (
            (invited, 9, "invited"),
            (some, 3, "consented"),
            (many, 6, "consented"),
        ):
            present = proposal.consortium.memberships.filter(status="consented").count()
            for _ in range(members - present):
                MembershipFactory(consortium=proposal.consortium, status=status)
        for proposal, days in {alone: 6, invited: 10, some: 20, many: 30}.items():
            moved_back(proposal, submitted_at=50, accepted_at=50 - days)
        row = figure(official, alone.call, "sizes")["From submission to acceptance"]
        assert row == {
            "1 or 2 members: days": 8.0, "1 or 2 members: number": 2,
            "3 to 5 members: days": 20.0, "3 to 5 members: number": 1,
            "6 members and more: days": 30.0, "6 members and more: number": 1,
        }  # fmt: skip

    def test_small_businesses_wait_beside_the_others(self, official):
        small, other = make.accepted(), None
        other = another(small.call)
        Organization.objects.filter(memberships__consortium=small.consortium).update(is_small_business=True)
        moved_back(small, submitted_at=20, accepted_at=14)
        moved_back(other, submitted_at=20, accepted_at=10)
        row = figure(official, small.call, "stages")["From submission to acceptance"]
        assert list(row.values()) == [8.0, 2, 6.0, 1, 10.0, 1]

    def test_medians_and_distances_stand_by_agency(self, official):
        proposal = make.accepted()
        call = proposal.call
        code = call.criteria.first().code
        other = another(call)
        kept_scores(proposal, "STATE", **{code: (1, 2, 3)})
        kept_scores(other, "STATE", **{code: (3, 3, 3)})
        kept_scores(other, "DOE", **{code: (1, 3, 5)})
        names = {agency: str(make.referral_of(proposal, agency).agency) for agency in ("STATE", "DOE", "DOD")}
        title = call.criteria.first().title
        medians, spreads, apart = (
            figure(official, call, key)[title] for key in ("medians", "spreads", "disagreements")
        )
        assert [medians[names[code]] for code in ("STATE", "DOE", "DOD")] == [2.5, 3.0, None]
        assert [spreads[names[code]] for code in ("STATE", "DOE")] == [1.0, 4.0]
        assert [apart[names[code]] for code in ("STATE", "DOE")] == ["1 of 2", "1 of 1"]
        disputes = insights_of(official, call).disputes
        assert [(row.number, row.highest - row.lowest) for row in disputes] == [
            (other.number, 4),
            (proposal.number, 2),
        ]

    @pytest.mark.parametrize(("lowest", "highest"), [(1, 5), (0, 1), (1, 4), (0, 100)])
    def test_database_and_record_agree_on_what_disagrees(self, lowest, highest):
        proposal = make.accepted()
        criterion = CriterionFactory(call=proposal.call, lowest=lowest, highest=highest)
        for number, apart in enumerate(range(highest - lowest + 1)):
            if number < len(make.EVALUATING):
                kept_scores(
                    proposal, make.EVALUATING[number], **{criterion.code: (lowest, lowest, lowest + apart)}
                )
        rows = AgencyScore.objects.filter(criterion=criterion)
        disagreed = set(rows.filter(figures._apart()))
        assert disagreed == {row for row in rows if row.is_disagreed}
        assert rows.count() > 1

    def test_they_are_kept_for_a_while_for_readers_of_the_same(self, official):
        proposal = make.accepted()
        insights_of(official, proposal.call)
        another(proposal.call)
        with statements() as sent:
            assert insights_of(officer(OfficeRole.AUDITOR), proposal.call).counted == 1
        assert not any("percentile_cont" in sql.lower() for sql in sent)
        recused = officer(OfficeRole.AUDITOR)
        RecusalFactory(proposal=proposal, user=recused)
        assert insights_of(recused, proposal.call).counted == 1
        cache.clear()
        assert insights_of(official, proposal.call).counted == 2


class TestReaders:
    def test_recused_working_for_it_or_owing_a_review_it_is_left_out(self, official):
        proposal = make.accepted()
        call = proposal.call
        owed, recused, own = another(call), another(call), another(call)
        person = officer(OfficeRole.PROGRAM_OFFICER)
        RecusalFactory(proposal=recused, user=person)
        OfficeFactory(user=person, role=OfficeRole.REVIEWER, agency=make.referral_of(proposal).agency)
        make.assigned(owed, person=person)
        TeamMemberFactory(membership=own.consortium.anchor, user=person)
        assert left_out_of(person, call) == sorted([owed.pk, recused.pk, own.pk])
        assert list(counted_for(person, call)) == [proposal]
        assert counted_for(official, call).count() == 4
        office = set(Proposal.objects.read_by_office(person).filter(call=call))
        assert set(counted_for(person, call)) == office - {owed}

    @pytest.mark.parametrize("role", [OfficeRole.REVIEWER, OfficeRole.EDAG_OFFICER])
    def test_other_offices_and_applicants_are_turned_away(self, client, role):
        proposal = make.accepted()
        names = [("insights",), ("insight-weights",), ("insight-export", "scores", "csv")]
        for person in (officer(role, "STATE"), proposal.created_by):
            for name, *args in names:
                assert page(client, person, name, *args).status_code == 403

    def test_a_lead_reads_how_the_own_agency_scored_and_of_no_other(self, client):
        proposal = make.accepted()
        call, lead = proposal.call, make.lead("STATE")
        shown = page(client, lead, "insights")
        assert [figure.key for figure in shown.context["insights"].figures] == list(OWN_PART)
        medians = shown.context["insights"].figure("medians")
        state, energy = (str(Agency.objects.get(code=code)) for code in ("STATE", "DOE"))
        assert medians.headings == ["Criterion", "Scale", state]
        assert {len(row) for row in medians.rows} == {3}
        assert energy not in shown.text.partition("<main")[2] and "Try other weights" not in shown.text
        assert page(client, lead, "insight-export", "medians", "csv").status_code == 200
        for table in ("scores", "timeliness"):
            assert page(client, lead, "insight-export", table, "csv").status_code == 403
        assert page(client, lead, "insight-weights").status_code == 403
        assert reverse("evaluation:insights") in page(client, lead, "desk").text
        assert call.number in shown.text

    def test_a_figure_is_stacked_on_a_telephone_with_the_heading_at_each_number(self, client, official):
        make.accepted()
        shown = page(client, official, "insights").text
        assert shown.count("usa-table--stacked") == len(
            page(client, official, "insights").context["insights"].figures
        )
        assert 'data-label="1 or 2 members: days"' in shown

    def test_who_is_turned_away_reads_whose_page_it_is_and_what_to_do(self, client):
        person = officer(OfficeRole.REVIEWER, "STATE")
        make.accepted()
        said = page(client, person, "insights").text
        assert "This page is for program officers, decision officials, auditors and agency leads." in said
        assert "You hold: Reviewer" in said and "Ask one of them" in said and "may have ended" not in said


class TestWeights:
    @pytest.fixture
    def call(self):
        proposal = make.accepted()
        call = proposal.call
        call.criteria.all().delete()
        for code, weight in (("a", 80), ("b", 20)):
            CriterionFactory(call=call, code=code, weight=weight, lowest=1, highest=5)
        CriterionFactory(call=call, code="aside", weight=0, is_independent=True, lowest=1, highest=5)
        self.first, self.second = proposal, another(call)
        kept_scores(self.first, "STATE", a=(5, 5, 5), b=(1, 1, 1), aside=(1, 1, 1))
        kept_scores(self.second, "STATE", a=(1, 1, 1), b=(5, 5, 5), aside=(5, 5, 5))
        kept_scores(self.first, "DOE", a=(3, 3, 3), b=(3, 3, 3))
        kept_scores(self.second, "DOE", a=(2, 2, 2), b=(2, 2, 2))
        return call

    def weights(self, call, a, b):
        return {
            criterion.pk: {"a": a, "b": b}[criterion.code]
            for criterion in call.criteria.exclude(code="aside")
        }

    def test_only_what_moves_is_told_by_agency(self, call, official):
        found = sensitivity(official, call, self.weights(call, 20, 80))
        assert (found.compared, found.moved_count) == (4, 2)
        assert [(m.number, m.place, m.new_place, m.total, m.new_total, m.steps) for m in found.moved] == [
            (self.second.number, 2, 1, 20.0, 80.0, 1),
            (self.first.number, 1, 2, 80.0, 20.0, -1),
        ]
        same = sensitivity(official, call, self.weights(call, 70, 30))
        assert (same.compared, same.moved_count, same.moved) == (4, 0, [])

    def test_what_is_left_out_is_in_no_order(self, call):
        person = officer(OfficeRole.AUDITOR)
        RecusalFactory(proposal=self.second, user=person)
        found = sensitivity(person, call, self.weights(call, 20, 80))
        assert (found.compared, found.moved_count) == (2, 0)

    def test_medians_are_read_once_in_a_while_and_the_page_says_when(self, client, call, official):
        asked = {f"weight-{pk}": value for pk, value in self.weights(call, 20, 80).items()}
        page(client, official, "insights")
        costs, shown = [], None
        for _ in range(2):
            with statements() as sent:
                shown = client.get(reverse("evaluation:insight-weights"), {"call": call.number, **asked})
            costs.append(len(sent))
        assert costs == [10, 8]
        assert shown.context["found"].at <= clock.now()

    def test_the_moment_that_is_told_is_asked_before_the_medians_are_read(self, call, official):
        with statements() as sent:
            sensitivity(official, call, self.weights(call, 20, 80))
        asked = [number for number, sql in enumerate(sent) if '"asked_at"' in sql]
        read = [number for number, sql in enumerate(sent) if "evaluation_agencyscore" in sql]
        assert len(asked) == len(read) == 1 and asked < read

    def test_a_criterion_without_a_score_is_in_no_total(self, call, official):
        third = another(call)
        kept_scores(third, "STATE", b=(4, 4, 4))
        found = sensitivity(official, call, self.weights(call, 100, 0))
        assert (found.compared, found.moved_count) == (4, 0)
        found = sensitivity(official, call, self.weights(call, 60, 40))
        assert found.compared == 5
        assert [(m.number, m.place, m.new_place, m.total) for m in found.moved] == [
            (third.number, 2, 1, 75.0),
            (self.first.number, 1, 2, 80.0),
        ]

    def test_equal_totals_share_their_place(self, call, official):
        third = another(call)
        kept_scores(third, "STATE", a=(1, 1, 1), b=(5, 5, 5))
        found = sensitivity(official, call, self.weights(call, 20, 80))
        places = {(m.number, m.place, m.new_place) for m in found.moved}
        assert places == {(self.first.number, 1, 3), (self.second.number, 2, 1), (third.number, 2, 1)}

    def test_page_tries_them_and_stores_nothing(self, client, call, official):
        asked = {f"weight-{pk}": value for pk, value in self.weights(call, 20, 80).items()}
        shown = page(client, official, "insight-weights", call=call.number, **asked)
        assert "2 of 4 places" in shown.text and "down 1" in shown.text and "up 1" in shown.text
        assert sorted(call.criteria.values_list("code", "weight")) == [("a", 80), ("aside", 0), ("b", 20)]
        assert (
            "weight-"
            not in page(client, official, "insight-weights", call=call.number).text.split("<form")[0]
        )

    @pytest.mark.parametrize(
        ("a", "b", "words"),
        [
            (50, 40, "make 90 percent together"),
            (150, -50, "of 100 or less"),
            ("", 100, "Give a weight"),
            ("x", 0, "whole number"),
        ],
    )
    def test_weights_that_make_no_hundred_are_refused_in_words(self, client, call, official, a, b, words):
        asked = {f"weight-{pk}": value for pk, value in self.weights(call, a, b).items()}
        refused = page(client, official, "insight-weights", call=call.number, **asked)
        assert refused.status_code == 422 and words in refused.text and "found" not in refused.context


class TestFiles:
    def table(self, answer, kind):
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if kind == "csv":
            return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        return [list(row) for row in load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)]

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_figure_and_listing_can_be_taken(self, client, official, kind):
        proposal = make.accepted()
        scored(proposal, "STATE", 2, 5)
        make.filed(proposal, "STATE", rationale="=Reasons that begin like a formula.")
        keys = [figure.key for figure in insights_of(official, proposal.call).figures]
        assert len(keys) == 8
        tables = {
            key: self.table(page(client, official, "insight-export", key, kind), kind)
            for key in (*keys, *listings.LISTINGS)
        }
        assert all(len({len(row) for row in table}) == 1 and len(table) > 1 for table in tables.values())
        criteria = proposal.call.criteria.count()
        assert len(tables["scores"]) == 1 + criteria and len(tables["reviews"]) == 1 + 2 * criteria
        assert {str(row[9]) for row in tables["scores"][1:]} == {"3.50" if kind == "csv" else "3.5"}
        assert tables["positions"][1][4] == "'=Reasons that begin like a formula."

    def test_one_position_of_an_agency_stands_also_across_versions(self, client, official):
        proposal = make.accepted()

        def lines():
            rows = self.table(page(client, official, "insight-export", "positions", "csv"), "csv")[1:]
            return [(row[1], row[3], row[-2]) for row in rows]

        def counted():
            return fulfilling.positions_filed(official).value

        make.filed(proposal, "STATE", parts_commented=["security"])
        make.filed(proposal, "DOE")
        make.filed(proposal, "DOE", "object")
        first = [("1", "Support", "Yes"), ("1", "Support", "No"), ("1", "Object", "Yes")]
        assert (lines(), counted()) == (first, 2)
        make.resubmitted(proposal)
        assert (lines(), counted()) == (first, 2)
        make.accept(proposal, officer())
        asked_again = [*first[:2], ("1", "Object", "No")]
        assert (lines(), counted()) == (asked_again, 1)
        make.filed(proposal, "DOE")
        assert (lines(), counted()) == ([*asked_again, ("2", "Support", "Yes")], 2)
        make.filed(proposal, "STATE", "object")
        answered = [("1", "Support", "No"), *asked_again[1:], ("2", "Support", "Yes")]
        assert (lines(), counted()) == ([*answered, ("2", "Object", "Yes")], 2)

    def test_taking_listings_is_on_the_record_of_the_call(self, client, official):
        call = make.accepted().call
        page(client, official, "insight-export", "reviews", "csv")
        page(client, official, "insight-export", "funnel", "csv")
        (event,) = AuditEvent.objects.of(call).filter(act="call.take_away")
        assert (event.actor, event.said["after"]["table"]) == (official, "Reviews with their reasons")

    def test_what_is_left_out_is_in_no_file(self, client):
        proposal = make.accepted()
        scored(proposal, "STATE", 3)
        make.filed(proposal, "STATE")
        person = officer(OfficeRole.AUDITOR)
        RecusalFactory(proposal=proposal, user=person)
        for key in listings.LISTINGS:
            assert len(self.table(page(client, person, "insight-export", key, "csv"), "csv")) == 1, key

    def test_statements_do_not_grow_with_the_lines(self, client, official):
        proposal = make.accepted()
        scored(proposal, "STATE", 3)
        counts = []
        for _ in range(2):
            sign_in(client, official)
            address = reverse("evaluation:insight-export", args=["reviews", "csv"])
            client.get(address)
            with statements() as sent:
                answer = client.get(address)
                rows = self.table(answer, "csv")
            counts.append(len(sent))
            scored(proposal, "DOE", 3, 4)
        assert counts[0] == counts[1] and len(rows) > 1 + proposal.call.criteria.count()

    def test_workbook_too_long_names_the_other_way(self, client, official, monkeypatch):
        proposal = make.accepted()
        scored(proposal, "STATE", 3)
        monkeypatch.setattr("evaluation.views.insights.MOST_IN_WORKBOOK", 0)
        refused = page(client, official, "insight-export", "scores", "xlsx")
        assert refused.status_code == 422 and "scores.csv" in refused.text
        assert page(client, official, "insight-export", "scores", "csv").status_code == 200

    def test_unknown_tables_kinds_and_calls_are_not_found(self, client, official):
        call = make.accepted().call
        for args, query in (
            (("nothing", "csv"), {}),
            (("scores", "exe"), {}),
            (("scores", "csv"), {"call": "no-such-call"}),
        ):
            assert page(client, official, "insight-export", *args, **query).status_code == 404
        assert page(client, official, "insights", call="no-such-call").status_code == 404
        assert page(client, official, "insights", call=call.number).status_code == 200


def test_page_draws_its_numbers(client, official):
    proposal = make.accepted()
    scored(proposal, "STATE", 1, 5)
    shown = page(client, official, "insights")
    assert "<svg" in shown.text and "How the agencies keep their time" in shown.text
    assert "None" not in shown.text.split("<main")[1]


def test_page_costs_the_same_whatever_is_counted(client, official):
    proposal = make.accepted()
    counts = []
    for _ in range(2):
        cache.clear()
        page(client, official, "insights")
        cache.clear()
        with statements() as sent:
            client.get(reverse("evaluation:insights"))
        counts.append(len(sent))
        another(proposal.call)
    assert counts[0] == counts[1]


def test_page_says_what_is_left_out(client):
    proposal = make.accepted()
    person = officer(OfficeRole.AUDITOR)
    RecusalFactory(proposal=proposal, user=person)
    assert "1 more" in page(client, person, "insights").text


def test_nothing_submitted_says_so(client, official):
    assert "Nothing to count yet" in page(client, official, "insights").text
