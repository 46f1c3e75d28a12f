from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from program.enums import EvidenceType, Mark, StackLayer
from proposals import checks
from proposals.checks import Ineligible, RequirementRule, Rules, all_problems, flags, problems_by_requirement
from proposals.checks.compliance import is_advanced
from proposals.package import Answer, Consent, Country, DocumentReference, Holder, OperatingModel, Package
from tests.factories.packages import complete_package, hardware, member, packages

CN = Country(code="CN", name="China")
LISTED = Rules(ineligible=(Ineligible("CN", reason="Listed."), Ineligible("RU", "data", "Press report.")))
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
RULES = Rules(
    requirements=tuple(
        RequirementRule(f"r-{kind}", "Say it", "Call, s.9", True, kind, ("a", "b"), 5)
        for kind in EvidenceType
    ),
    ineligible=LISTED.ineligible,
    anchor_must_be_us=True,
)


def codes(problems):
    return {problem.code for problem in problems}


def consortium(*members):
    facts = complete_package().consortium
    return facts.model_copy(update={"members": members})


@quick
@given(packages())
def test_checks_never_raise(package):
    for rules in (checks.NO_RULES, RULES):
        problems = all_problems(package, rules)
        flags(package, rules)
        assert all(problem.code and problem.message and problem.clause for problem in problems)


def test_complete_package_has_no_problem():
    assert all_problems(complete_package(), LISTED) == []


def test_empty_package_has_a_problem_of_every_requirement():
    found = problems_by_requirement(Package(call={"number": "X"}))
    without = {code for code, problems in found.items() if not problems}
    assert without == {"us-manufacture", "national-interest", "marks"}


@pytest.mark.parametrize(
    ("eccn", "is_one"),
    [
        ("3A090.a", True),
        ("4a090", True),
        ("5A992.z", True),
        ("4E091", True),
        ("EAR99", False),
        ("5A992.c", False),
        ("", False),
    ],
)
def test_class_of_advanced_computing_is_known_by_its_number(eccn, is_one):
    assert is_advanced(eccn) == is_one


@pytest.mark.parametrize("layer", StackLayer)
def test_each_layer_is_demanded_under_its_clause(layer):
    letter = "ABCDE"[list(StackLayer).index(layer)]
    kept = tuple(c for c in complete_package().components if c.layer != layer)
    problems = all_problems(complete_package(components=kept))
    assert [(p.code, p.clause, p.part) for p in problems] == [
        (f"missing-{layer}", f"E.O. 14320 s.3(b)(i)({letter})", layer.value)
    ]


REMOVALS = {
    "missing-market": ("E.O. 14320 s.3(b)(ii)", {"markets": ()}),
    "missing-site": (
        "E.O. 14320 s.3(b)(iii)", {"operating_model": OperatingModel(overview="The anchor runs it.")}
    ),
    "missing-support": ("E.O. 14320 s.3(b)(iv)", {"support_requests": ()}),
    "us-manufacture": (
        "E.O. 14320 s.3(b)(i)(A)",
        {"components": (hardware(us_manufacture=" "), *complete_package().components[1:])},
    ),
    "us-content-above-total": (
        "E.O. 14320 s.3(b)(i)(A)",
        {"components": (hardware(us="100.01"), *complete_package().components[1:])},
    ),
    "anchor": ("E.O. 14320 s.3(b)", {"consortium": consortium(member(is_anchor=False))}),
    "missing-title": ("E.O. 14320 s.3(b)", {"title": ""}),
    "license-basis": (
        "E.O. 14320 s.3(b)(v)",
        {"components": (hardware(license_basis=" "), *complete_package().components[1:])},
    ),
    "eccn": ("E.O. 14320 s.3(b)(v)", {"components": (hardware(eccn=""), *complete_package().components[1:])}),
    "national-interest": (
        "Call, national interest",
        {"markets": (complete_package().markets[0].model_copy(update={"national_interest": ""}),)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", REMOVALS)
def test_removing_what_is_demanded_yields_its_clause(code):
    clause, changes = REMOVALS[code]
    problems = all_problems(complete_package(**changes))
    assert [(problem.code, problem.clause) for problem in problems] == [(code, clause)]


@pytest.mark.parametrize("act", ["build", "own", "operate"])
def test_each_site_says_who_builds_owns_operates(act):
    model = complete_package().operating_model
    site = model.sites[0]
    kept = tuple(role for role in site.roles if role.act != act)
    model = model.model_copy(update={"sites": (site.model_copy(update={"roles": kept}),)})
    assert codes(all_problems(complete_package(operating_model=model))) == {f"site-{act}"}


def test_every_statement_is_demanded_and_explained():
    compliance = complete_package().compliance
    for statement in compliance.statements:
        others = tuple(other for other in compliance.statements if other != statement)
        package = complete_package(compliance=compliance.model_copy(update={"statements": others}))
        (problem,) = all_problems(package)
        assert (problem.code, problem.clause) == (f"compliance-{statement.subject}", "E.O. 14320 s.3(b)(v)")


def test_yes_to_a_red_flag_is_explained_and_flagged():
    compliance = complete_package().compliance
    changed = tuple(
        statement.model_copy(update={"answer": "yes"}) if statement.subject == "re-export" else statement
        for statement in compliance.statements
    )
    package = complete_package(compliance=compliance.model_copy(update={"statements": changed}))
    assert codes(all_problems(package)) == {"compliance-re-export-explained"}
    assert codes(flags(package)) == {"answered-yes"}


def test_member_consents_to_its_present_role():
    stale = member().model_copy(update={"consent": Consent(status="consented", is_current=False)})
    assert codes(all_problems(complete_package(consortium=consortium(stale)))) == {"member-consent"}


@pytest.mark.parametrize(
    ("share", "stops"),
    [("0.01", False), ("0.4999", False), ("0.499999", False), ("0.5", True), ("1", True), (None, False)],
)
def test_holder_from_a_listed_country_is_flagged_at_any_share_and_stops_at_half(share, stops):
    holder = Holder(key="h", name="Fund", country=CN, share=share and Decimal(share))
    package = complete_package(consortium=consortium(member(holders=[holder])))
    assert codes(all_problems(package, LISTED)) == ({"entity-owned"} if stops else set())
    assert "holder-listed" in codes(flags(package, LISTED))


def test_listed_holders_are_added_up_and_control_counts_as_ownership():
    halves = [Holder(key=f"h{n}", name="Fund", country=CN, share=Decimal("0.25")) for n in range(2)]
    control = [Holder(key="h", name="Fund", country=CN, share=Decimal("0.01"), has_control=True)]
    for holders in (halves, control):
        package = complete_package(consortium=consortium(member(holders=holders)))
        assert codes(all_problems(package, LISTED)) == {"entity-owned"}


@pytest.mark.parametrize("where", ["incorporated_in", "headquartered_in", "parent_country"])
def test_entity_in_a_listed_country_is_refused_wherever_it_stands(where):
    package = complete_package(consortium=consortium(member(**{where: CN})))
    assert codes(all_problems(package, LISTED)) == {"entity-listed"}
    assert all_problems(package) == []


def test_layer_list_refuses_only_who_supplies_that_layer():
    russia = Country(code="RU", name="Russia")
    other = member("member-2", is_anchor=False, home=russia)
    assert all_problems(complete_package(consortium=consortium(member(), other)), LISTED) == []
    provisions = tuple(
        p.model_copy(update={"member": "member-2"}) if p.layer == "data" else p
        for p in complete_package().provisions
    )
    package = complete_package(consortium=consortium(member(), other), provisions=provisions)
    (problem,) = all_problems(package, LISTED)
    assert (problem.code, problem.part) == ("layer-listed", "data")


def test_call_may_waive_only_what_the_order_does_not_demand():
    empty = Package(call={"number": "X"})
    rules = Rules(requirements=tuple(RequirementRule(code, "", "", False) for code in checks.REQUIREMENTS))
    assert codes(all_problems(empty, rules)) == codes(all_problems(empty))
    market = complete_package().markets[0].model_copy(update={"national_interest": ""})
    assert all_problems(complete_package(markets=(market,)), rules) == []


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (EvidenceType.TEXT, {"text": "short"}, None),
        (EvidenceType.TEXT, {"text": " "}, "missing-r"),
        (EvidenceType.TEXT, {"text": "too long"}, "too-long-r"),
        (EvidenceType.NUMBER, {"number": "0"}, None),
        (EvidenceType.NUMBER, {}, "missing-r"),
        (EvidenceType.CHOICE, {"choice": "a"}, None),
        (EvidenceType.CHOICE, {"choice": "c"}, "not-offered-r"),
        (EvidenceType.DATE, {"day": "2026-11-23"}, None),
        (EvidenceType.FILE, {"document": "0" * 64}, "file-gone-r"),
    ],
)
def test_requirement_of_the_call_is_answered_within_its_limits(kind, value, code):
    rule = RequirementRule("r", "Say it", "Call, s.9", True, kind, ("a", "b"), 5)
    answer = Answer(key="answer-r", requirement="r", evidence_type=kind, **value)
    problems = all_problems(complete_package(answers=(answer,)), Rules(requirements=(rule,)))
    assert [(p.code, p.clause) for p in problems] == ([(code, "Call, s.9")] if code else [])


def test_optional_requirement_may_stay_open():
    rule = RequirementRule("r", "Say it", "Call, s.9", False, EvidenceType.TEXT)
    assert all_problems(complete_package(), Rules(requirements=(rule,))) == []


def test_confidential_mark_needs_its_justification():
    document = DocumentReference(
        key="attachment-1", name="a.pdf", sha256="0" * 64, size=1, mark=Mark.BUSINESS_CONFIDENTIAL
    )
    (problem,) = all_problems(complete_package(documents=(document,)))
    assert (problem.code, problem.clause) == ("mark-justification", "5 U.S.C. 552(b)(4)")


def test_anchor_is_american_only_where_the_call_says_so():
    package = complete_package(consortium=consortium(member(home=Country(code="KE"))))
    assert all_problems(package) == []
    assert codes(all_problems(package, Rules(anchor_must_be_us=True))) == {"anchor-us"}


def test_every_requirement_names_a_check_with_a_docstring():
    for code, (title, clause, check) in checks.REQUIREMENTS.items():
        assert title and clause and check.__doc__, code
