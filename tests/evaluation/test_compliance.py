"""Compliance checks: what the rules of a day say of a package, who decides on it, and what it bars."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.urls import reverse
from guardian.shortcuts import assign_perm
from pypdf import PdfReader

from evaluation import services
from evaluation.compliance import Known, findings
from evaluation.enums import ComplianceKind as Kind
from evaluation.enums import ComplianceResult as Result
from evaluation.enums import Outcome, Weighed
from evaluation.models import (
    ComplianceCheck,
    ComplianceDecision,
    Determination,
    PacketPaper,
    PartyCheck,
    ScreeningJob,
)
from evaluation.packets import packet_of, packet_text, render_packet
from evaluation.rulebook import barring_lists
from evaluation.schedule import sweep_screenings
from evaluation.staleness import stale_because
from program import clock
from program.destinations import Membership, Rules, Stop
from program.documents import open_document
from program.models import AuditEvent, Country, CountryGroup, Embargo, GroupMembership
from program.moments import moment
from program.transitions import NotReady
from proposals.enums import ComplianceAnswer, ComputeBand
from proposals.package import Country as Place
from proposals.package import Holder, OutsideParty, TargetMarket
from proposals.services import withdraw_proposal
from tests.evaluation.pages import areas, at_row, page, press, press_at, sign_in
from tests.factories import evaluation as make
from tests.factories.packages import complete_package, hardware, member
from tests.factories.program import officer
from tests.factories.proposals import representative_of
from tests.proposals.test_checks import consortium

LISTED_OWNER = "Fable Petrochemical Holding"
TODAY, START = date(2026, 11, 22), date(2026, 1, 1)
US, KE, CN, CU, GE = (Place(code=code, name=code) for code in ("US", "KE", "CN", "CU", "GE"))
GROUPS = {"KE": ["B"], "CN": ["D:1", "D:5"], "GE": ["D:1"]}


@pytest.fixture(autouse=True)
def no_groups(request):
    """Rows say what a test says: the facts of the portal are kept from one test to the next."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        for model in (Embargo, GroupMembership, CountryGroup):
            model.objects.all().delete()


def places(on=TODAY):
    rows = [Membership(group, code, START, confidence="S2") for code in GROUPS for group in GROUPS[code]]
    stops = [Stop("CU", "31 CFR part 515", "Embargoed as a whole.", START)]
    return Rules.of(on, {"KE": "Kenya", "CN": "China", "CU": "Cuba", "GE": "Georgia"}, rows, stops)


def checked(package, on=TODAY, known=None, **wanted):
    """The findings of one kind, or of one rule, by subject."""
    found = findings(package, places(on), known or Known({}, ()))
    return {
        row.subject_key: row
        for row in found
        if all(getattr(row, name) == value for name, value in wanted.items())
    }


def confirmed(*names, on_list="SDN"):
    return Known(dict.fromkeys(names, frozenset({on_list})), ())


def holder(key, share, **facts):
    return Holder(key=key, share=share and Decimal(share), **{"name": key.title(), "country": US} | facts)


# Places


@pytest.mark.parametrize(
    ("country", "result"),
    [
        (KE, Result.CLEAR), (US, Result.CLEAR), (CU, Result.BLOCKED), (CN, Result.DENIAL_LIKELY),
        (GE, Result.LICENSE_LIKELY), (Place(code="XX", name="Nowhere"), Result.REVIEW),
    ],
)  # fmt: skip
def test_each_destination_is_checked_by_the_rules_of_the_day(country, result):
    market = TargetMarket(key="m", name="The market", kind="country", code=country.code, countries=(country,))
    row = checked(complete_package(markets=(market,)), kind=Kind.DESTINATION)[f"country-{country.code}"]
    assert (row.result, row.facts[0]) == (result, "Target market: The market")
    assert bool(row.advice) == (result != Result.CLEAR)


def test_a_destination_states_rule_day_and_the_components_it_touches():
    market = TargetMarket(key="m", kind="country", code="CN", countries=(CN,))
    row = checked(complete_package(markets=(market,)), kind=Kind.DESTINATION)["country-CN"]
    assert row.citation == "15 CFR part 740, supp. 1, Country Group D:5"
    assert (row.effective_from, row.confidence) == (START, "S2")
    assert row.facts[-1] == "Components of a class of advanced computing: Accelerator board."


@pytest.mark.parametrize(
    ("seat", "home", "on", "result", "rule"),
    [
        (US, US, TODAY, Result.CLEAR, "places"),
        (CN, US, TODAY, Result.DENIAL_LIKELY, "parent-guidance"),
        (US, CN, TODAY, Result.DENIAL_LIKELY, "parent-guidance"),
        (CN, US, date(2026, 5, 30), Result.DENIAL_LIKELY, "places"),
        (CU, US, TODAY, Result.BLOCKED, "places"),
        (None, US, TODAY, Result.REVIEW, "places"),
    ],
)
def test_headquarters_and_incorporation_of_members_are_checked(seat, home, on, result, rule):
    one = member(headquartered_in=seat, incorporated_in=home)
    row = checked(complete_package(consortium=consortium(one)), on, kind=Kind.HEADQUARTERS)["member-1"]
    assert (row.result, row.rule_code) == (result, rule)


def test_parties_outside_the_consortium_are_checked_as_well_and_unknown_is_never_clear():
    facts = complete_package().compliance.model_copy(
        update={
            "parties": (
                OutsideParty(
                    key="party-1", legal_name="One", country=KE, headquartered_in=CN, parent_country=CU
                ),
                OutsideParty(key="party-2", legal_name="Two", country=KE),
            )
        }
    )
    package = complete_package(compliance=facts)
    seats, above = (checked(package, kind=kind) for kind in (Kind.HEADQUARTERS, Kind.PARENTS))
    assert [seats[key].result for key in ("party-1", "party-2")] == [Result.DENIAL_LIKELY, Result.REVIEW]
    assert [above[key].result for key in ("party-1", "party-2")] == [Result.BLOCKED, Result.REVIEW]


@pytest.mark.parametrize(
    ("facts", "result"),
    [
        ({"ultimate_parent": "Top", "parent_country": CN}, Result.DENIAL_LIKELY),
        ({"ultimate_parent": "Top"}, Result.REVIEW),
        ({"holders": [holder("a", "0.5", country=CN)]}, Result.DENIAL_LIKELY),
        ({"holders": [holder("a", "0.49", country=CN)]}, Result.REVIEW),
        ({"holders": [holder("a", "0.01", country=CN, has_control=True)]}, Result.DENIAL_LIKELY),
        ({"holders": [holder("a", "0.9", country=None)]}, Result.REVIEW),
        ({"holders": []}, Result.REVIEW),
        ({}, Result.CLEAR),
    ],
)
def test_parents_and_owners_count_by_country(facts, result):
    package = complete_package(consortium=consortium(member(**facts)))
    assert checked(package, kind=Kind.PARENTS)["member-1"].result == result


# Owners: the cases of domain notes 5.3

CASES = [
    ("half", [("bad", "0.5", None)], Result.BLOCKED),
    ("below half", [("bad", "0.499999", None), ("fund", "0.5", None)], Result.RED_FLAG),
    ("two together", [("bad", "0.25", None), ("worse", "0.25", None)], Result.BLOCKED),
    ("through an owner", [("hub", "0.5", None), ("bad", "0.5", "hub")], Result.BLOCKED),
    ("through less than half", [("hub", "1", None), ("bad", "0.4", "hub")], Result.RED_FLAG),
    (
        "half along chains only",
        [("bad", "0.4", None), ("hub", "0.6", None), ("bad 2", "0.49", "hub")],
        Result.REVIEW,
    ),
    ("not known", [("bad", None, None), ("fund", "0.4", None)], Result.REVIEW),
    ("130 percent", [("fund", "0.7", None), ("bank", "0.6", None)], Result.INCONSISTENT),
    ("130 percent, half of it listed", [("bad", "0.7", None), ("bank", "0.6", None)], Result.BLOCKED),
    ("a circle", [("hub", "0.6", "top"), ("top", "0.6", "hub"), ("hub 2", "0.6", None)], Result.CLEAR),
    (
        "a circle above",
        [("hub", "0.6", None), ("top", "0.6", "hub"), ("hub ", "0.6", "top")],
        Result.INCONSISTENT,
    ),
    ("half is not stated", [("fund", "0.5", None)], Result.REVIEW),
    ("nobody listed", [("fund", "0.51", None)], Result.CLEAR),
]  # fmt: skip


def owned(rows):
    """A package whose one member has these owners; a name of the list before its number is listed."""
    holders = [
        Holder(key=f"h{n}", name=name.strip(), share=share and Decimal(share), country=US,
               owns=next((f"h{m}" for m, other in enumerate(rows) if other[0] == of), None))
        for n, (name, share, of) in enumerate(rows)
    ]  # fmt: skip
    known = confirmed(*(f"h{n}" for n, row in enumerate(rows) if row[0].split()[0] in ("bad", "worse")))
    return complete_package(consortium=consortium(member(holders=holders))), known


@pytest.mark.parametrize(("rows", "result"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_half_of_blocked_owners_reaches_a_member(rows, result):
    package, known = owned(rows)
    assert checked(package, known=known, rule_code="ofac-50")["member-1"].result == result


def test_what_does_not_fit_names_the_parties_and_gives_no_figure():
    rows = {name: rows for name, rows, _ in CASES}
    much, circle = (
        checked(package, known=known, rule_code="ofac-50")["member-1"].explanation
        for package, known in (owned(rows["130 percent"]), owned(rows["a circle above"]))
    )
    name = "Fictional member-1, Inc."
    assert much.startswith(f"The owners of {name} add up to 130 percent: fund 70 percent, bank 60 percent.")
    assert circle.startswith("Owners go in a circle: ")
    assert [text.endswith("No share along the chains is computed from that.") for text in (much, circle)] == [
        True
    ] * 2


@pytest.mark.parametrize(
    ("on", "result", "words"),
    [
        (date(2025, 9, 28), None, ""),
        (date(2025, 9, 29), Result.LICENSE_LIKELY, "reaches the party"),
        (date(2025, 11, 9), Result.LICENSE_LIKELY, "reaches the party"),
        (date(2025, 11, 10), Result.RED_FLAG, "suspended through 2026-11-09"),
        (date(2026, 11, 9), Result.RED_FLAG, "may fall under it again"),
        (date(2026, 11, 10), Result.REVIEW, "whether it is in force again is not on file"),
    ],
)
def test_the_affiliates_rule_holds_is_suspended_and_may_revive_by_its_days(on, result, words):
    package, _ = owned([("bad", "0.5", None)])
    row = checked(package, on, confirmed("h0", on_list="EL"), rule_code="affiliates").get("member-1")
    assert (row and row.result) == result
    assert words in (row.explanation if row else "")
    assert (
        checked(package, on, confirmed("h0", on_list="EL"), rule_code="ofac-50")["member-1"].result
        == Result.REVIEW
    )


def test_an_open_match_of_an_owner_with_half_waits_and_a_listed_parent_without_share_is_told():
    package, _ = owned([("fund", "0.9", None)])
    waits = checked(package, known=Known({}, ("h0",)), rule_code="ofac-50")["member-1"]
    one = member(ultimate_parent="Top", parent_country=US)
    parent = checked(
        complete_package(consortium=consortium(one)), known=confirmed("member-1-parent"), rule_code="ofac-50"
    )["member-1"]
    assert (waits.result, "not settled: fund" in waits.explanation) == (Result.REVIEW, True)
    assert (parent.result, "Its ultimate parent is a listed party, Top" in parent.explanation) == (
        Result.REVIEW,
        True,
    )


def test_whoever_looked_a_rule_up_says_so_in_a_file_and_no_release_is_needed(settings, tmp_path):
    text = Path(settings.COMPLIANCE_RULES_FILE).read_text()
    package, _ = owned([("bad", "0.5", None)])
    kept = tmp_path / "rules.json"
    kept.write_text(text.replace('"state": "unknown"', '"state": "in_force"'))
    settings.COMPLIANCE_RULES_FILE = str(kept)
    row = checked(package, TODAY, confirmed("h0", on_list="EL"), rule_code="affiliates")["member-1"]
    assert row.result == Result.LICENSE_LIKELY


def test_the_lists_that_bar_are_dated_and_no_older_copy_of_the_rules_leaves_them_out(settings, tmp_path):
    assert barring_lists(TODAY) == {"DPL", "SDN", "EL", "FSE"}
    assert barring_lists(date(2012, 4, 30)) == {"DPL", "SDN", "EL"}
    rules = json.loads(Path(settings.COMPLIANCE_RULES_FILE).read_text())
    for code, wanted in (
        ("listed-evaders", {"DPL", "SDN", "EL"}),
        ("listed-parties", {"DPL", "SDN", "EL", "FSE"}),
    ):
        rules["rules"] = [rule for rule in rules["rules"] if rule["code"] != code]
        kept = tmp_path / f"without_{code}.json"
        kept.write_text(json.dumps(rules))
        settings.COMPLIANCE_RULES_FILE = str(kept)
        assert barring_lists(TODAY) == wanted


# Questionnaires


def given(answer):
    return answer and ComplianceAnswer(answer)


def answered(answers, band="1e24_1e25", eccn="4A090.a", **changes):
    """A package with these answers; None takes the answer away."""
    before = complete_package()
    statements = [
        row.model_copy(update={"answer": given(answers.get(row.subject, row.answer))})
        for row in before.compliance.statements
    ]
    parts = [hardware(eccn=eccn), *before.components[1:]]
    parts[2] = parts[2].model_copy(update={"compute_band": ComputeBand(band)})
    return complete_package(
        compliance=before.compliance.model_copy(update={"statements": tuple(statements)}),
        components=tuple(parts),
        **changes,
    )


RELATION, EARLIER, ACTIVITY = "outbound-relation", "outbound-24-months", "outbound-covered-activity"
BOTH = {RELATION: "yes", ACTIVITY: "yes"}


@pytest.mark.parametrize(
    ("answers", "facts", "result"),
    [
        ({}, {}, Result.NEITHER),
        ({RELATION: None}, {}, Result.NOT_ENOUGH),
        ({EARLIER: "yes", ACTIVITY: None}, {}, Result.NOT_ENOUGH),
        ({ACTIVITY: "yes"}, {}, Result.REVIEW),
        ({RELATION: "yes"}, {"band": "below_1e23"}, Result.NEITHER),
        ({RELATION: "yes"}, {}, Result.REVIEW),
        (BOTH, {"band": "below_1e23"}, Result.NOT_ENOUGH),
        (BOTH, {"band": "1e23_1e24"}, Result.NOTIFIABLE),
        (BOTH, {"band": "1e24_1e25"}, Result.NOTIFIABLE),
        (BOTH, {"band": "1e25_1e26"}, Result.PROHIBITED),
        (BOTH, {"band": "above_1e26"}, Result.PROHIBITED),
        ({EARLIER: "yes", ACTIVITY: "yes"}, {"band": "1e25_1e26"}, Result.PROHIBITED),
        (BOTH, {"band": "below_1e23", "eccn": "3A090.a"}, Result.PROHIBITED),
        ({**BOTH, "military-training": "yes"}, {"band": "below_1e23"}, Result.PROHIBITED),
        ({}, {"consortium": consortium(member(headquartered_in=CN))}, Result.REVIEW),
    ],
)
def test_answers_on_outbound_investment_are_evaluated(answers, facts, result):
    row = checked(answered(answers, **facts), kind=Kind.OUTBOUND)["package"]
    assert (row.result, row.citation) == (result, "31 CFR 850.217, 850.224")


def test_a_listed_party_makes_any_covered_activity_a_prohibited_one():
    package = answered(BOTH, band="below_1e23")
    row = checked(package, known=confirmed("party-1", on_list="CMIC"), kind=Kind.OUTBOUND)["package"]
    assert row.result == Result.PROHIBITED


def test_a_notification_that_is_not_stated_is_asked_for_with_its_term():
    rows = [
        checked(answered({**BOTH, "outbound-notified": given}, band="1e23_1e24"), kind=Kind.OUTBOUND)[
            "package"
        ]
        for given in ("no", "yes")
    ]
    assert ["due within 30 calendar days" in row.explanation for row in rows] == [True, False]


def test_each_answer_that_is_a_red_flag_is_a_finding_with_its_rule():
    rows = checked(answered({"military-training": "yes", "end-user": "explain"}), kind=Kind.END_USE)
    assert {key: row.result for key, row in rows.items()} == dict.fromkeys(
        ["military-training", "end-user"], Result.RED_FLAG
    )
    assert rows["military-training"].citation == "15 CFR part 744; 15 CFR 744.21, 744.22"


def test_end_use_is_clear_only_when_every_question_is_answered():
    rows = [checked(answered(answers), kind=Kind.END_USE)["package"] for answers in ({}, {"no-power": None})]
    assert [row.result for row in rows] == [Result.CLEAR, Result.NOT_ENOUGH]


# Kept, decided on, barring


def embargoed(code="KE"):
    return Embargo.objects.create(
        country=Country.objects.get(code=code), authority="31 CFR part 515",
        explanation="Embargoed as a whole.", effective_from=START,
    )  # fmt: skip


def newest(proposal, **wanted):
    run = make.version_of(proposal).screening_runs.first()
    return run.compliance_checks.all().newest().with_decisions().get(**wanted)


def codes(act):
    with pytest.raises(NotReady) as refusal:
        act()
    return {problem.code for problem in refusal.value.problems}


db = pytest.mark.django_db


@db
def test_a_screening_keeps_its_checks_with_their_ruleset_and_nobody_changes_them():
    proposal = make.at_intake()
    run = make.screened(proposal)
    rows = list(run.compliance_checks.all())
    assert {row.kind for row in rows} == {*Kind.values} - {Kind.EXCEPTION, Kind.VALIDATED}
    assert {(row.ruleset_version, row.ruled_on) for row in rows} == {(run.compliance_version, clock.today())}
    assert run.compliance_version.startswith("2026-11.3-")
    for change in (
        lambda: ComplianceCheck.objects.update(result="clear"),
        lambda: ComplianceCheck.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
            change()


@db
def test_an_embargoed_destination_bars_acceptance_until_two_officers_set_it_aside():
    desk, second = officer(), officer()
    proposal = make.at_intake()
    embargoed()
    make.reviewed(proposal, desk)
    make.screened(proposal, desk)
    check = newest(proposal, kind=Kind.DESTINATION, result=Result.BLOCKED)

    assert codes(lambda: services.accept_proposal(proposal, by=desk)) == {"compliance-bars"}
    services.weigh(check, by=desk, outcome="set_aside", reason="Licensed by OFAC.")
    assert codes(lambda: services.weigh(check, by=desk, outcome="set_aside", reason="Again.")) == {"decided"}
    assert codes(lambda: services.accept_proposal(proposal, by=desk)) == {"compliance-bars"}
    services.weigh(check, by=second, outcome="set_aside", reason="I read the license.")
    for row in newest_blocked(proposal, Kind.HEADQUARTERS):
        for person in (desk, second):
            services.weigh(row, by=person, outcome="set_aside", reason="The same license.")
    services.accept_proposal(proposal, by=desk)

    event = AuditEvent.objects.filter(act="compliancecheck.weigh").first()
    assert (event.said["note"], event.clause) == ("Licensed by OFAC.", "E.O. 14320 s.3(b)(v)")


def newest_blocked(proposal, kind):
    run = make.version_of(proposal).screening_runs.first()
    return run.compliance_checks.all().newest().barring().filter(kind=kind)


@db
def test_whoever_lets_it_stand_is_overruled_by_two():
    people = [officer() for _ in range(3)]
    proposal = make.at_intake()
    make.screened(proposal, people[0])
    check = newest(proposal, kind=Kind.DESTINATION)
    states = []
    for person, outcome in zip(
        people[:1] * 2 + people[1:], ["set_aside", "stands", "set_aside", "set_aside"], strict=True
    ):
        services.weigh(check, by=person, outcome=outcome, reason="So.")
        states.append(newest(proposal, kind=Kind.DESTINATION).state)
        assert listed_in(states[-1]) >= {check.pk}
        assert not listed_in({"set_aside": "stands", "stands": "set_aside"}[states[-1]])
    assert states == ["set_aside", "stands", "stands", "set_aside"]


def listed_in(state):
    """Keys of the flags that the list across proposals shows for a state."""
    rows = ComplianceCheck.objects.of_last_versions()
    found = {"open": rows.open, "stands": rows.standing, "set_aside": rows.set_aside}[state]()
    return set(found.values_list("pk", flat=True))


@db
def test_the_list_across_proposals_has_each_flag_in_the_state_that_it_says_of_itself(client):
    desk, second = officer(), officer()
    proposals = [make.at_intake() for _ in range(2)]
    embargoed()
    for proposal in proposals:
        make.screened(proposal, desk)
    check = newest(proposals[0], kind=Kind.DESTINATION, result=Result.BLOCKED)
    for person in (desk, second):
        rows = [row for one in proposals for row in flags_of(one)]
        for state in ("open", "stands", "set_aside"):
            assert listed_in(state) == {row.pk for row in rows if row.state == state}
        services.weigh(check, by=person, outcome="set_aside", reason="Licensed.")
    assert check.pk in listed_in("set_aside")

    (told,) = [row for row in page(client, desk, "desk").context["tasks"] if "compliance" in row.what]
    assert told.what == f"{len(listed_in('open'))} compliance flags to decide"
    shown = client.get(told.url)
    assert {row.pk for row in shown.context["checks"]} == listed_in("open")
    of_kind = client.get(told.url, {"show": "set-aside", "kind": Kind.DESTINATION})
    assert [row.pk for row in of_kind.context["checks"]] == [check.pk]
    assert f"/desk/proposals/{proposals[0].number}/compliance/#check-{check.pk}" in of_kind.content.decode()

    withdraw_proposal(proposals[1], by=representative_of(proposals[1]), note="Not now.")
    assert not {row.pk for row in flags_of(proposals[1])} & listed_in("open")


def flags_of(proposal):
    run = make.version_of(proposal).screening_runs.first()
    return [row for row in run.compliance_checks.all().newest().with_decisions() if row.is_flag]


@db
def test_a_replaced_version_leaves_nothing_to_decide(client):
    desk = officer()
    proposal = make.at_intake()
    make.flagged(proposal, desk)
    make.screened(proposal, desk)
    assert listed_in("open")
    make.new_version(proposal, {})
    assert not listed_in("open")
    assert not PartyCheck.objects.newest().waiting().exists()


@db
@pytest.mark.parametrize(
    ("person", "status"), [(officer, 200), (make.decision_official, 200), (make.lead, 403), (None, 403)]
)
def test_the_list_across_proposals_is_read_by_the_office_alone(client, person, status):
    proposal = make.at_intake()
    make.screened(proposal)
    somebody = person() if person else representative_of(proposal)
    assert page(client, somebody, "compliance-list").status_code == status


@db
@pytest.mark.parametrize(
    ("facts", "code"),
    [({"reason": " "}, "reason"), ({"outcome": "clear"}, "outcome")],
)
def test_a_decision_needs_an_outcome_and_a_reason(facts, code):
    proposal = make.at_intake()
    make.screened(proposal)
    check = newest(proposal, kind=Kind.DESTINATION)
    given = {"outcome": "stands", "reason": "So."} | facts
    assert codes(lambda: services.weigh(check, by=officer(), **given)) == {code}
    assert not ComplianceDecision.objects.exists()


@db
def test_what_is_not_flagged_or_was_checked_again_is_not_decided_on():
    proposal = make.at_intake()
    make.screened(proposal)
    clear, old = newest(proposal, kind=Kind.END_USE), newest(proposal, kind=Kind.DESTINATION)
    make.screened(proposal)
    decide = {"by": officer(), "outcome": "stands", "reason": "So."}
    assert codes(lambda: services.weigh(newest(proposal, kind=Kind.END_USE), **decide)) == {"no-flag"}
    assert codes(lambda: services.weigh(clear, **decide)) == {"no-flag", "superseded"}
    assert codes(lambda: services.weigh(old, **decide)) == {"superseded"}


def owned_by_listed(desk, share="0.6"):
    """A proposal at intake whose anchor is owned by a party of the name of a listed one; its open match."""
    proposal = make.at_intake()
    before = make.version_of(proposal).value
    anchor = before.anchor
    owner = Holder(key="holding-9", name=LISTED_OWNER, country=KE, share=Decimal(share))
    facts = anchor.organization.model_copy(update={"holders": (owner,)})
    one = anchor.model_copy(update={"organization": facts})
    members = tuple(one if row.key == anchor.key else row for row in before.consortium.members)
    change = before.consortium.model_copy(update={"members": members})
    make.new_version(proposal, {"consortium": change})
    run = make.screened(proposal, desk)
    return proposal, run.checks.get(party_key="holding-9", entry__list_code="SDN")


@db
def test_a_confirmed_owner_blocks_in_a_new_row_and_two_corrections_lift_it_in_another():
    desk, second = officer(), officer()
    proposal, check = owned_by_listed(desk)
    before = newest(proposal, rule_code="ofac-50")
    opinion = services.adjudicate(check, by=desk, outcome="confirmed", reason="The same register.")
    blocked = newest(proposal, rule_code="ofac-50")
    make.reviewed(proposal, desk)
    barred = codes(lambda: services.accept_proposal(proposal, by=desk))
    for person in (desk, second):
        services.correct_adjudication(opinion, by=person, reason="Another register.")
    after = newest(proposal, rule_code="ofac-50")

    assert [row.result for row in (before, blocked, after)] == [Result.REVIEW, Result.BLOCKED, Result.CLEAR]
    assert LISTED_OWNER in blocked.explanation
    assert barred == {"blocked-party", "compliance-bars"}
    assert ComplianceCheck.objects.filter(pk=before.pk, result=Result.REVIEW).exists()
    assert before.run_id == after.run_id
    services.accept_proposal(proposal, by=desk)


@db
def test_a_decision_is_carried_to_the_same_finding_and_to_no_other_nor_from_who_is_recused():
    desk, second = officer(), officer()
    proposal = make.at_intake()
    embargoed()
    make.screened(proposal, desk)
    for person in (desk, second):
        services.weigh(
            newest(proposal, kind=Kind.DESTINATION), by=person, outcome="set_aside", reason="Licensed."
        )
    states = []
    for change in (
        lambda: None,
        lambda: Embargo.objects.update(explanation="Embargoed by another order."),
        lambda: Embargo.objects.update(explanation="Embargoed as a whole."),
        lambda: services.recuse(proposal, person=second, by=desk, reason="A cousin works there."),
    ):
        change()
        make.screened(proposal, desk)
        states.append(newest(proposal, kind=Kind.DESTINATION).state)
    assert states == ["set_aside", "open", "set_aside", "open"]


@db
def test_what_one_found_to_stand_who_is_recused_since_still_overrules_what_was_set_aside_before():
    desk, second, third = officer(), officer(), officer()
    proposal = make.at_intake()
    embargoed()
    make.screened(proposal, desk)
    for person, outcome in ((desk, "set_aside"), (third, "set_aside"), (second, "stands")):
        services.weigh(
            newest(proposal, kind=Kind.DESTINATION), by=person, outcome=outcome, reason="Looked into."
        )
    services.recuse(proposal, person=second, by=desk, reason="A cousin works there.")
    make.screened(proposal, desk)
    again = newest(proposal, kind=Kind.DESTINATION)
    assert (again.state, again.standing.decided_by) == ("stands", second)


@db
def test_the_counsel_of_a_proposal_sets_nothing_aside_in_it():
    desk, second = officer(), officer()
    proposal = make.at_intake()
    embargoed()
    make.screened(proposal, desk)
    for person in (desk, second):
        services.weigh(
            newest(proposal, kind=Kind.DESTINATION), by=person, outcome="set_aside", reason="Licensed."
        )
    before = newest(proposal, kind=Kind.DESTINATION).state
    assign_perm("proposals.view_proposal", second, proposal)
    make.screened(proposal, desk)
    after = newest(proposal, kind=Kind.DESTINATION)
    assert (before, after.state, after.set_aside_by) == ("set_aside", "open", {desk.pk})


@db
@pytest.mark.parametrize(("person", "status"), [(make.decision_official, 403), (make.lead, 404), (None, 404)])
def test_only_a_program_officer_decides(client, person, status):
    proposal = make.at_intake()
    make.screened(proposal)
    check = newest(proposal, kind=Kind.DESTINATION)
    somebody = person() if person else representative_of(proposal)
    answer = press_at(client, somebody, "compliance-weigh", check, outcome="stands", reason="So.")
    assert answer.status_code == status
    with pytest.raises(PermissionDenied):
        services.weigh(check, by=somebody, outcome="stands", reason="So.")
    assert not ComplianceDecision.objects.exists()


@db
@pytest.mark.parametrize(
    ("person", "status"),
    [(officer, 200), (make.decision_official, 200), (make.lead, 403), (None, 403)],
)
def test_the_checks_are_read_by_the_office_alone(client, person, status):
    proposal = make.at_intake()
    make.screened(proposal)
    somebody = person() if person else representative_of(proposal)
    assert page(client, somebody, "compliance", proposal.number).status_code == status


@db
def test_what_was_typed_at_another_finding_stays_when_one_is_recorded(client):
    desk = officer()
    proposal = make.at_intake()
    embargoed()
    make.screened(proposal, desk)
    first, second = [row for row in flags_of(proposal) if row.state == "open"][:2]
    begun = at_row(second, outcome="stands", reason="Half a reason.")
    sent = at_row(first, outcome="stands", reason="So.") | begun
    done = press(client, desk, "compliance-weigh", first.pk, **sent)
    shown = areas(done.content.decode())
    refused = areas(press(client, desk, "compliance-weigh", first.pk, **begun).content.decode())
    assert done.status_code == 200
    assert ComplianceDecision.objects.get().compliance_check == first
    for typed in (shown, refused):
        assert {name: words for name, words in typed.items() if words} == {
            f"{second.pk}-reason": "Half a reason."
        }


@db
def test_who_has_the_parties_screened_loses_no_decision_that_was_begun(client):
    desk = officer()
    proposal = make.at_intake()
    embargoed()
    make.screened(proposal, desk)
    [check] = [row for row in flags_of(proposal) if row.kind == Kind.DESTINATION]
    here = reverse("evaluation:compliance", args=[proposal.number])
    begun = at_row(check, outcome="stands", reason="Half a reason.") | {"next": here}
    screen = reverse("evaluation:intake-screen", args=[proposal.number])
    sheet = page(client, desk, "compliance", proposal.number).text.partition(
        f'<form method="post" action="{here}"'
    )[2]
    assert f'formaction="{screen}"' in sheet and f'action="{screen}"' not in sheet.replace("formaction", "")
    asked = press(client, desk, "intake-screen", proposal.number, **begun)
    assert (asked.status_code, areas(asked.text)[f"{check.pk}-reason"]) == (200, "Half a reason.")
    assert "data-unsent" in asked.text and f'href="{here}">Look again' in asked.text
    assert press(client, desk, "intake-screen", proposal.number, next=here).headers["Location"] == here

    assert sweep_screenings() == 1
    newer = newest(proposal, kind=Kind.DESTINATION)
    late = areas(press(client, desk, "compliance-weigh", check.pk, **begun).text)
    assert newer.pk != check.pk and late[f"{newer.pk}-reason"] == "Half a reason."


@db
def test_the_page_says_rule_facts_and_what_to_do_and_takes_a_decision(client):
    desk = officer()
    proposal = make.at_intake()
    embargoed()
    make.screened(proposal, desk)
    check = newest(proposal, kind=Kind.DESTINATION)

    shown = html.unescape(page(client, desk, "compliance", proposal.number).content.decode())
    refused = press_at(client, desk, "compliance-weigh", check, outcome="set_aside", reason="")
    done = press_at(client, desk, "compliance-weigh", check, outcome="set_aside", reason="Licensed.")
    after = html.unescape(page(client, desk, "compliance", proposal.number).content.decode())

    for words in ("Embargoed as a whole.", "31 CFR part 515", "Site: Nairobi data center", "What to do:"):
        assert words in shown
    assert (refused.status_code, done.status_code) == (422, 302)
    assert done.url == f"/desk/proposals/{proposal.number}/compliance/#check-{check.pk}"
    assert f"{desk.name}" in after
    assert "A second person must agree" in after
    licensed, last = {"outcome": "set_aside", "reason": "Licensed."}, ComplianceDecision.objects.get()
    press_at(client, officer(), "compliance-weigh", check, **licensed, seen=last.pk)
    settled = page(client, desk, "compliance", proposal.number).text.partition(f'id="check-{check.pk}"')[2]
    settled = settled.partition("</section>")[0]
    assert "Set aside" in settled and "It was flagged: " in settled
    assert "What to do:" not in settled and "In the way" not in settled


def sheet_of(text, check):
    """What the page says of one finding."""
    return html.unescape(text).partition(f'id="check-{check.pk}"')[2].partition("</section>")[0]


def seen_on(text, check):
    """The last decision on a finding that the page says its reader has read."""
    return re.search(rf'name="{check.pk}-seen" value="(\d+)"', text)[1]


@db
@pytest.mark.parametrize("is_other", [True, False])
def test_a_decision_from_an_older_page_is_refused_beside_the_newer_one_until_that_is_read(client, is_other):
    desk = officer()
    second = officer() if is_other else desk
    proposal = make.at_intake()
    make.screened(proposal, desk)
    check = newest(proposal, kind=Kind.DESTINATION)
    seen = seen_on(page(client, second, "compliance", proposal.number).text, check)
    services.weigh(check, by=desk, outcome="set_aside", reason="A license was given.")
    mine = {"outcome": "stands", "reason": "None is on file."}
    stale = press_at(client, second, "compliance-weigh", check, **mine, seen=seen)
    unsaid = press_at(client, second, "compliance-weigh", check, **mine)

    given = check.decisions.get()
    who = f"{desk.name} decided" if is_other else "you decided in another window"
    told = f"After you opened the page, {who} on {moment(given.decided_at)}: Looked into, not in the way."
    for refused in (stale, unsaid):
        assert (refused.status_code, areas(refused.text)[f"{check.pk}-reason"]) == (422, "None is on file.")
        assert f"{told} “A license was given.”" in sheet_of(refused.text, check)
        assert f'id="id_{check.pk}-stands" checked' in refused.text
    assert newest(proposal, kind=Kind.DESTINATION).state == "set_aside"

    read = seen_on(stale.text, check)
    done = press_at(client, second, "compliance-weigh", check, **mine, seen=read)
    assert (done.status_code, newest(proposal, kind=Kind.DESTINATION).state) == (302, "stands")


@db
def test_what_was_decided_on_another_finding_meanwhile_is_not_taken_as_read(client):
    desk, second = officer(), officer()
    proposal = make.at_intake()
    embargoed()
    make.screened(proposal, desk)
    first, other = [row for row in flags_of(proposal) if row.state == "open"][:2]
    services.weigh(other, by=desk, outcome="stands", reason="No license.")
    begun = at_row(other, outcome="set_aside", reason="Licensed.", seen=0)
    sent = at_row(first, outcome="stands", reason="So.", seen=0)
    shown = press(client, second, "compliance-weigh", first.pk, **sent, **begun)
    assert (shown.status_code, seen_on(shown.text, other)) == (200, "0")
    assert press(client, second, "compliance-weigh", other.pk, **begun).status_code == 422
    assert ComplianceDecision.objects.get(compliance_check=other).decided_by == desk


@db
def test_a_refused_decision_is_told_at_its_field_and_by_the_name_of_its_finding(client):
    desk = officer()
    proposal = make.at_intake()
    make.screened(proposal, desk)
    check = newest(proposal, kind=Kind.DESTINATION)
    text = html.unescape(press_at(client, desk, "compliance-weigh", check, outcome="", reason=" ").text)
    summary = text.partition('id="error-summary"')[2].partition("</section>")[0]
    for name, words in (
        ("outcome", "Choose what you decide."), ("reason", "Give the reason for your decision."),
    ):  # fmt: skip
        link = f'<a href="#id_{check.pk}-{name}">{check.subject_name}, {check.rule}: {words}</a>'
        assert link in summary
        assert f'id="id_{check.pk}-{name}_error"><span class="usa-sr-only">Error: </span>{words}' in text
        field = f'id="id_{check.pk}-{name}" aria-describedby="id_{check.pk}-{name}_error"'
        assert field in text
    assert text.count('aria-invalid="true"') == len(Weighed) + 1

    make.screened(proposal, desk)
    late = press_at(client, desk, "compliance-weigh", check, outcome="stands", reason="So.").text
    newer = newest(proposal, kind=Kind.DESTINATION)
    assert (
        f'<a href="#id_{newer.pk}-outcome">{check.subject_name}, {check.rule}: This was checked again' in late
    )
    assert "This was checked again since." in sheet_of(late, newer)


@db
def test_enter_at_a_choice_decides_nothing_asks_for_nothing_and_keeps_what_is_typed(client):
    desk = officer()
    proposal = make.at_intake()
    make.screened(proposal, desk)
    check = newest(proposal, kind=Kind.DESTINATION)
    begun = at_row(check, outcome="stands", reason="Half a reason.", seen=0)
    answer = press(client, desk, "compliance", proposal.number, **begun)
    assert (answer.status_code, areas(answer.text)[f"{check.pk}-reason"]) == (422, "Half a reason.")
    assert "Nothing is recorded yet: press “Record the decision” at the finding" in answer.text
    assert "data-unsent" in answer.text and f'id="id_{check.pk}-stands" checked' in answer.text
    assert not ComplianceDecision.objects.exists() and not ScreeningJob.objects.exists()


@db
@pytest.mark.parametrize("where", ["intake-proposal", "proposal", "determination"])
def test_pages_of_the_proposal_say_what_the_checks_came_to(client, where):
    desk = officer()
    if where == "determination":
        draft = make.ready_to_sign(by=desk)
        proposal, args = draft.proposal, [draft.pk]
    else:
        proposal = make.at_intake()
        make.screened(proposal, desk)
        args = [proposal.number]
    text = page(client, desk, where, *args).content.decode()
    assert reverse("evaluation:compliance", args=[proposal.number]) in text
    assert "Outbound investment" in text


@db
def test_checks_are_stale_once_a_rule_on_places_or_owners_is_another():
    with clock.moved_to(clock.now()):
        run = make.screened(make.at_intake())
    words = "The rules on places, owners, outbound investment or end use have changed since."
    assert stale_because(run) == ""
    group = CountryGroup.objects.create(code="D:5", name="Arms embargoed")
    row = GroupMembership.objects.create(
        group=group, country=Country.objects.get(code="KE"), effective_from=START
    )
    assert stale_because(run) == words
    row.delete()
    assert stale_because(run) == ""
    Embargo.objects.create(
        country=Country.objects.get(code="US"),
        authority="X",
        explanation="X",
        effective_from=date(2999, 1, 1),
    )
    assert stale_because(run) == ""


@db
def test_a_change_of_the_rules_has_the_parties_screened_again_by_the_clock():
    run = make.screened(make.at_intake())
    found = []
    for change in (lambda: None, embargoed):
        change()
        found.append(services.to_screen_again().filter(pk=run.version_id).exists())
    assert found == [False, True]


@db
@pytest.mark.parametrize(("outcome", "is_barred"), [(Outcome.DESIGNATE, True), (Outcome.NOT_SELECT, False)])
def test_a_blocked_destination_bars_a_designation_and_no_refusal(outcome, is_barred):
    desk = officer()
    draft = make.ready_to_sign(by=desk, outcome=outcome)
    embargoed()
    make.screened(draft.proposal, desk)
    act = lambda: services.sign_determination(draft, by=make.decision_official())  # noqa: E731
    if is_barred:
        assert codes(act) == {"compliance-bars", "clearance-overtaken"}
    else:
        make.cleared(draft)
        act()
        assert Determination.objects.get(pk=draft.pk).status == "signed"


@db
def test_the_packet_holds_every_flag_with_its_rule_days_and_decisions(client):
    desk = officer()
    draft = make.ready_to_sign(by=desk)
    check = newest(draft.proposal, kind=Kind.DESTINATION)
    services.weigh(
        check, by=desk, outcome="set_aside", reason="The supplement was read: Kenya is in no group."
    )

    found = packet_of(draft)["compliance"]
    rows = {row["kind"]: row for row in found["flags"]}
    row = rows["destination"]
    text = page(client, desk, "determination", draft.pk).content.decode()
    services.ask_packet_pdf(draft, by=desk)
    paper = PacketPaper.objects.get()
    render_packet(paper.pk)
    paper.refresh_from_db()
    with open_document(paper.document) as file:
        printed = " ".join(
            " ".join(one.extract_text() for one in PdfReader(io.BytesIO(file.read())).pages).split()
        )

    assert (row["state"], row["ruled_on"], found["ruleset"]) == (
        "set_aside", clock.today().isoformat(), check.ruleset_version,
    )  # fmt: skip
    assert row["decisions"][0]["reason"] == "The supplement was read: Kenya is in no group."
    for where in (text, printed):
        assert "The supplement was read: Kenya is in no group." in where
        assert found["ruleset"] in where
    assert packet_text(draft)


@db
@pytest.mark.parametrize("rows", [1, 3])
def test_page_of_the_checks_costs_the_same_whatever_its_length(client, warm, rows, django_assert_num_queries):
    desk = officer()
    proposal = make.at_intake()
    before = make.version_of(proposal).value
    access = tuple(Place(code=code, name=code) for code in ("XA", "XB", "XC")[:rows])
    facts = before.compliance.model_copy(update={"cloud_access_countries": access})
    make.new_version(proposal, {"compliance": facts})
    make.screened(proposal, desk)
    for check in (
        make.version_of(proposal).screening_runs.first().compliance_checks.filter(kind=Kind.DESTINATION)
    ):
        services.weigh(check, by=desk, outcome="set_aside", reason="So.")
    sign_in(client, desk)
    address = reverse("evaluation:compliance", args=[proposal.number])
    client.get(address)
    with django_assert_num_queries(18):
        assert client.get(address).status_code == 200
