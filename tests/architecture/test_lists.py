"""What a list costs does not depend on its length: statements for one row and for three, one literal number.

Every page without a key in its address stands in exactly one of the three tables here, so that a new list
is counted or said to be none. Lists that belong to one record are counted here beside them.
"""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from config.second_factor import VERIFIED
from evaluation.models import ScreeningList
from program import audit, clock
from program.enums import OfficeRole
from program.models import Affiliation, User
from program.services.questions import ask_question
from proposals import services
from proposals.models import Proposal
from tests.architecture.routes import OURS
from tests.factories import evaluation as make
from tests.factories.program import OrganizationFactory, UserFactory, issued_call, officer
from tests.factories.proposals import (
    ConsortiumFactory,
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    certified,
    representative_of,
    submitted,
)
from tests.statements import statements

pytestmark = pytest.mark.django_db

COUNTED_BY = {
    "api-call-list": "config/test_api.py::test_list_costs_five_statements_at_most_whatever_its_length",
    "api-designation-list": "config/test_api.py::test_list_costs_five_statements_at_most_whatever_its_length",
    "api-proposal-list": "config/test_api.py::test_list_costs_five_statements_at_most_whatever_its_length",
    "api-question-list": "evaluation/test_rounds.py::test_api_costs_the_same_for_one_question_and_for_three",
    "evaluation:catalog": "evaluation/test_statement_counts.py::"
    "test_catalog_costs_one_statement_until_a_change",
    "evaluation:catalog-map": "evaluation/test_catalog.py::test_costs_the_same_whatever_its_length",
    "evaluation:catalog-feed": "evaluation/test_catalog.py::test_costs_the_same_whatever_its_length",
    **{
        f"evaluation:{name}": "evaluation/test_ethics.py::"
        "test_lists_of_the_official_cost_the_same_for_one_and_for_many"
        for name in ("conflict-cases", "interest-people")
    },
    "evaluation:interests": "evaluation/test_ethics.py::test_own_interests_cost_the_same_for_many",
    "evaluation:insights": "evaluation/test_insights.py::test_page_costs_the_same_whatever_is_counted",
    "evaluation:more-time": "evaluation/test_more_time.py::test_list_costs_the_same_for_one_row_and_three",
    "evaluation:reviewers": "evaluation/test_reviewers.py::"
    "test_page_costs_the_same_for_one_reviewer_and_for_three",
    "evaluation:suggestion": "evaluation/test_suggestions.py::"
    "test_suggestion_costs_the_same_for_one_proposal_and_for_three",
    "evaluation:papers": "evaluation/test_papers.py::test_list_costs_the_same_for_one_row_and_three",
    "evaluation:desk": "evaluation/test_statement_counts.py::test_desk_costs_the_same_whatever_its_length",
    **{
        f"evaluation:{name}": "evaluation/test_statement_counts.py::"
        "test_lists_of_the_desk_cost_the_same_for_one_row_and_three"
        for name in ("intake", "screening", "compliance-list", "determinations", "designations")
    },
    **{
        f"financing:{name}": "financing/test_views.py::"
        "test_lists_cost_the_same_for_one_row_and_for_three"
        for name in (
            "edag", "designations", "tools", "meetings", "actions", "workstreams", "partnerships", "barriers",
        )
    },
    **{
        f"program:{name}": "program/test_directive_pages.py::"
        "test_pages_cost_the_same_for_one_row_and_for_three"
        for name in ("directives", "directives-json", "agency-actions", "desk-directives")
    },
    "program:calls": "program/test_statement_counts.py::test_list_of_calls_costs_one_statement",
    "program:desk-calls": "program/test_statement_counts.py::test_desk_list_costs_the_same_for_one_and_three",
    "program:deliveries": "program/test_deliveries.py::test_costs_the_same_for_one_row_and_for_three",
    "program:suppressions": "program/test_deliveries.py::test_list_costs_the_same_for_one_row_and_for_three",
    "program:refusals": "program/test_subscriptions.py::test_refusals_cost_the_same_for_one_and_for_three",
    "program:outages": "program/test_outages.py::test_log_costs_the_same_for_one_row_and_for_three",
    "program:closures": "program/test_closures.py::test_register_costs_the_same_for_one_row_and_for_three",
    "program:calendar": "program/test_feeds.py::test_page_costs_the_same_for_one_day_and_for_three",
    "program:notice-kinds": "program/test_catalogue.py::test_list_asks_no_more_for_many_kinds",
    "program:notices": "program/test_statement_counts.py::test_inbox_costs_the_same_for_one_and_three",
    "program:offices": "program/test_people.py::test_list_asks_the_database_the_same_number_of_times",
    "proposals:list": "proposals/test_statement_counts.py::"
    "test_list_says_what_happens_now_with_a_fixed_number_of_statements",
}  # fmt: skip

# Pages without rows of their own, or with the rows of the law only; forms; addresses that only take a POST
NO_LIST = {
    "healthz", "readyz", "order", "api-root", "api-absent", "api-docs", "api-schema",
    "program:home", "program:security-txt", "program:accessibility", "program:privacy", "program:status",
    "program:session", "program:signed-in",
    "program:start", "program:follow",
    "program:mail-preference", "program:subscribe", "program:subscription-asked", "program:notices-read",
    "program:delivery-send-again", "program:suppression-import",
    "program:outage-new", "program:closure-new",
    "program:desk-call-new", "program:agency-action-new",
    "program:office-appoint", "program:office-delegate", "program:organization-new",
    "proposals:new", "proposals:receipts", "proposals:receipts-offline",
    "proposals:schema", "proposals:schema-json",
    "evaluation:announcements", "evaluation:announce-together", "evaluation:interests-confirm",
    "evaluation:reviewers-needed", "evaluation:suggestion-confirm",
    "evaluation:record-verify", "evaluation:insight-weights", "evaluation:catalog-schema",
    "financing:plan", "financing:partnership_new", "financing:barrier_new",
}  # fmt: skip


class List(NamedTuple):
    """A list of one person: where it is, and what adds a row to it."""

    person: User | None
    add: object
    key: list = []


def tasks():
    person = UserFactory()
    consortium = ConsortiumFactory(created_by=person)

    def add():
        proposal = ProposalFactory(consortium=consortium)
        services.add_comment(proposal, by=person, part="data", text="Which?", assigned_to=person)
        inviting = ConsortiumFactory()
        invited = Affiliation.objects.create(
            user=UserFactory(), organization=OrganizationFactory(), is_administrator=True, added_by=person
        ).organization
        Affiliation.objects.create(user=person, organization=invited, is_administrator=True, added_by=person)
        services.invite_member(
            inviting, invited, by=inviting.created_by, email=person.email, role_text="Supplies models."
        )

    return List(person, add)


def versions():
    proposal = ProposalFactory(complete=True)
    by = representative_of(proposal)

    def add():
        Proposal.objects.filter(pk=proposal.pk).update(title=f"Stack {proposal.version_count}")
        proposal.refresh_from_db()
        if proposal.version_count:
            certified(proposal)
            services.resubmit_proposal(proposal, by=by)
        else:
            submitted(proposal)

    return List(by, add, [proposal.pk])


def consortium():
    found = ConsortiumFactory()

    def add():
        TeamMemberFactory(membership=MembershipFactory(consortium=found))
        ProposalFactory(consortium=found)

    return List(found.created_by, add, [found.pk])


def member():
    found = ConsortiumFactory()

    def add():
        TeamMemberFactory(membership=found.anchor)
        services.invite_person(
            found.anchor, by=found.created_by, email=UserFactory().email, role="contributor"
        )

    return List(found.created_by, add, [found.anchor.pk])


def owners():
    found = ConsortiumFactory()
    organization = found.anchor.organization
    return List(
        found.created_by,
        lambda: organization.holdings.create(
            holder_name="A fund", share="0.1", holder_country=organization.incorporated_in
        ),
        [organization.pk],
    )


def access():
    proposal = ProposalFactory()
    by = representative_of(proposal)
    return List(by, lambda: services.grant_access(proposal, to=UserFactory(), by=by), [proposal.pk])


def comments():
    proposal = ProposalFactory()
    by = representative_of(proposal)

    def add():
        comment = services.add_comment(proposal, by=by, part="data", text="Which?", assigned_to=by)
        services.answer_comment(comment, by=by, text="Both.")

    return List(by, add, [proposal.pk])


def organizations():
    person = UserFactory()
    return List(
        person,
        lambda: Affiliation.objects.create(
            user=person, organization=OrganizationFactory(), is_administrator=True, added_by=person
        ),
    )


def desk_questions():
    call = issued_call()
    return List(officer(), lambda: ask_question(call, by=UserFactory(), text="Who may lead?"))


def record():
    return List(
        officer(OfficeRole.AUDITOR), lambda: audit.record(UserFactory(), "tests.act", by=UserFactory())
    )


def assignments():
    proposal, desk = make.accepted(), officer()
    agencies = iter(make.EVALUATING)

    def add():
        code = next(agencies)
        make.assigned(proposal, code, by=desk)

    return List(desk, add, [proposal.number])


def questions():
    proposal, desk = make.accepted(), officer()
    return List(representative_of(proposal), lambda: make.asked(proposal, desk), [proposal.pk])


def screening_lists():
    desk = officer()

    def add():
        ScreeningList.objects.create(
            name="Fictional list", file_date=clock.today(), sha256=token_hex(32), ruleset_version="1",
            entry_count=9, imported_by=officer(), imported_at=clock.instant(),
        )  # fmt: skip

    return List(desk, add)


def latest_designations():
    def add():
        make.published(make.designated())

    return List(None, add)


#: Each list that is counted here, with the statements that its page costs whatever its length.
COSTS = {
    "evaluation:assignments": (assignments, 18),
    "evaluation:latest-designations": (latest_designations, 1),
    "evaluation:list-import": (screening_lists, 9),
    "evaluation:questions": (questions, 21),
    "evaluation:record": (record, 9),
    "program:desk-questions": (desk_questions, 6),
    "program:organizations": (organizations, 5),
    "proposals:access": (access, 12),
    "proposals:comments": (comments, 12),
    "proposals:consortium": (consortium, 16),
    "proposals:member": (member, 18),
    "proposals:owners": (owners, 7),
    "proposals:tasks": (tasks, 12),
    "proposals:versions": (versions, 7),
}


def test_every_page_without_a_key_is_counted_or_no_list():
    without_key = {route.name for route in OURS if "<" not in route.pattern}
    tables = [*COUNTED_BY, *NO_LIST, *(name for name in COSTS if name in without_key)]
    assert sorted(tables) == sorted(without_key)


def test_every_count_that_is_kept_elsewhere_is_there():
    for place in set(COUNTED_BY.values()):
        file, _, test = place.partition("::")
        assert f"def {test}(" in (Path(settings.BASE_DIR) / "tests" / file).read_text(), place


@pytest.mark.parametrize("name", COSTS)
def test_list_costs_the_same_for_one_row_and_for_three(client, name):
    ContentType.objects.get_for_models(*apps.get_models())
    build, cost = COSTS[name]
    shown = build()
    if shown.person:
        client.force_login(
            User.objects.get(pk=shown.person.pk), "allauth.account.auth_backends.AuthenticationBackend"
        )
        session = client.session
        session[VERIFIED] = shown.person.pk
        session.save()
    address, lengths = reverse(name, args=shown.key), []
    for added in (1, 2):
        for _ in range(added):
            shown.add()
        assert client.get(address, headers={"HX-Request": "true"}).status_code == 200
        with statements() as sent:
            response = client.get(address, headers={"HX-Request": "true"})
        assert len(sent) == cost, "\n".join(sent)
        lengths.append(len(response.content))
    assert lengths[0] < lengths[1], "The page did not grow, so the rows were not on it."
