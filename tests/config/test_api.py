"""The API answers everybody in one form, shows what the pages show, at a fixed cost."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

import pytest
import schemathesis
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections, connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import exceptions
from rest_framework.request import Request
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from config.api import problem_response
from config.wsgi import application
from evaluation.enums import DesignationStatus
from evaluation.models import CatalogEntry
from program.models import AuditEvent, User
from program.request_context import request_id
from program.revisions import StaleRevision
from program.transitions import NotReady, Problem, Transition, WrongStatus
from proposals.enums import ProposalStatus
from tests.factories.financing import bring_designation_to, designated
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import ConsortiumFactory, ProposalFactory

pytestmark = pytest.mark.django_db
LISTS = ("calls", "proposals", "designations")
PROBLEM = "application/problem+json"
schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
RELAXED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.fixture(autouse=True)
def _demonstration(settings):
    """Government offices enter without a second factor, which is tested elsewhere."""
    settings.DEMONSTRATION = True


def ask(case, but_for=(), **how):
    """Call the application in this process and check the answer; the test's connection stays open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        # a made-up cursor is a text like any other to the schema, and refused
        case.call_and_validate(excluded_checks=[positive_data_acceptance, *but_for], **how)
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def get(client, path, person=None, **query):
    if person:
        client.force_login(
            User.objects.get(pk=person.pk), backend="allauth.account.auth_backends.AuthenticationBackend"
        )
    return client.get(f"/api/v1/{path}", query)


def released(designation, **shown):
    return CatalogEntry.objects.create(
        designation=designation, title="Hospitals of Kenya", summary="Released words.",
        markets=[{"code": "KE", "name": "Kenya"}], countries=[{"code": "KE", "name": "Kenya"}],
        members=["Fictional Systems"], sectors=["healthcare"],
        released_by=designation.proposal.created_by, released_at=designation.designated_at, **shown,
    )  # fmt: skip


def numbers(response):
    assert response.status_code == 200, response.content
    return [row["number"] for row in response.json()["results"]]


# One form of errors


def answer_to(error):
    response = problem_response(error, {"request": None})
    return response.status_code, response.data, response


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PermissionDenied("secret reason"), 403),
        (Http404("No Proposal matches"), 404),
        (ValidationError({"title": ["Too long."]}), 400),
        (ValidationError("Wrong."), 400),
        (exceptions.NotAuthenticated(), 401),
        (exceptions.MethodNotAllowed("PUT"), 405),
        (exceptions.NotAcceptable(), 406),
        (exceptions.UnsupportedMediaType("text/csv"), 415),
        (exceptions.Throttled(wait=3), 429),
        (OperationalError("canceling statement"), 503),
    ],
)
def test_error_is_mapped_to_a_problem(error, status):
    code, body, response = answer_to(error)
    assert code == status == body["status"]
    assert response.content_type == PROBLEM
    assert list(body) == ["type", "title", "status", "detail", "request_id", "problems"]
    for secret in ("secret", "matches", "canceling"):
        assert secret not in str(body)


@pytest.mark.parametrize("error", [PermissionDenied("Not yours."), exceptions.PermissionDenied("Not yours.")])
def test_refusal_of_a_resource_is_on_the_record_of_the_person(rf, error):
    person, request = UserFactory(), Request(rf.post("/api/v1/proposals/7/submit/"))
    request.user = person
    problem_response(error, {"request": request})
    (event,) = AuditEvent.objects.of(person)
    facts = {"method": "POST", "route": "/api/v1/proposals/7/submit/", "reason": "Not yours."}
    assert (event.act, json.loads(event.body)["after"]) == ("user.refused", facts)


def test_other_errors_and_strangers_leave_no_refusal_on_the_record(rf):
    person, request = UserFactory(), Request(rf.get("/api/v1/proposals/7/"))
    request.user = person
    problem_response(Http404(), {"request": request})
    problem_response(exceptions.NotAuthenticated(), {"request": request})
    problem_response(PermissionDenied("Not yours."), {"request": Request(rf.get("/api/v1/proposals/7/"))})
    assert not AuditEvent.objects.exists()


def test_not_ready_lists_every_problem_with_its_clause():
    problems = [
        Problem("missing-data", "Describe the layer.", "s.3(b)(i)(B)", "data", "component-1-name"),
        Problem("no-market", "Name a market.", "s.3(b)(ii)"),
    ]
    code, body, _ = answer_to(NotReady(problems))
    assert code == 422
    assert body["problems"] == [
        {"code": "missing-data", "field": "component-1-name", "message": "Describe the layer.",
         "clause": "s.3(b)(i)(B)"},
        {"code": "no-market", "field": "", "message": "Name a market.", "clause": "s.3(b)(ii)"},
    ]  # fmt: skip


def test_wrong_status_and_stale_revision_are_conflicts():
    call = issued_call()
    assert answer_to(WrongStatus(Transition("approve", {"draft"}, "approved"), call))[0] == 409
    assert answer_to(StaleRevision(call, 1))[0] == 409


def test_wrong_fields_are_named_one_by_one():
    _, body, _ = answer_to(
        exceptions.ValidationError({"market": {"code": ["Unknown."]}, "title": ["A", "B"]})
    )
    assert [(row["field"], row["message"]) for row in body["problems"]] == [
        ("market.code", "Unknown."), ("title", "A"), ("title", "B"),
    ]  # fmt: skip


def test_unforeseen_error_says_nothing_of_itself(caplog):
    token = request_id.set("a-request")
    try:
        code, body, _ = answer_to(RuntimeError("password of the database"))
    finally:
        request_id.reset(token)
    assert (code, body["request_id"]) == (500, "a-request")
    assert "password" not in str(body)
    assert "A resource of the API failed." in caplog.text


# Who sees what


def test_public_calls_and_released_designations_need_no_sign_in(client):
    call, designation, hidden = issued_call(), designated(), designated()
    released(designation)
    assert call.number in numbers(get(client, "calls/"))
    assert numbers(get(client, "designations/")) == [designation.number]
    assert get(client, f"designations/{hidden.number}/").status_code == 404
    bring_designation_to(designation, DesignationStatus.SUSPENDED)
    assert numbers(get(client, "designations/")) == []


def test_released_designation_tells_a_stranger_only_what_was_released(client):
    designation = designated()
    released(designation)
    body = get(client, f"designations/{designation.number}/").json()
    assert body["proposal"] is None
    assert (body["released"]["markets"], body["released"]["members"]) == ([], [])
    inside = get(client, f"designations/{designation.number}/", officer()).json()
    assert inside["proposal"] == designation.proposal_id
    CatalogEntry.objects.update(shows_markets=True)
    shown = get(client, f"designations/{designation.number}/").json()["released"]
    assert (shown["markets"], shown["members"]) == ([{"code": "KE", "name": "Kenya"}], [])


def test_draft_call_is_for_the_program_office(client):
    call = issued_call()
    type(call).objects.filter(pk=call.pk).update(status="draft", issued_at=None)
    assert get(client, f"calls/{call.number}/").status_code == 404
    assert get(client, f"calls/{call.number}/", officer()).status_code == 200


def test_proposals_ask_for_a_sign_in(client):
    for path in ("proposals/", "proposals/1/"):
        response = get(client, path)
        assert (response.status_code, response["content-type"]) == (401, PROBLEM)
        assert response["WWW-Authenticate"] == 'Session realm="portal"'


def test_proposal_of_others_answers_like_an_absent_one(client):
    proposal = ProposalFactory(status=ProposalStatus.SUBMITTED)
    for person in (UserFactory(), ConsortiumFactory().created_by, officer("reviewer", "DOE")):
        foreign, absent = (get(client, f"proposals/{pk}/", person) for pk in (proposal.pk, 10**9))
        bodies = [response.json() | {"request_id": ""} for response in (foreign, absent)]
        assert foreign.status_code == absent.status_code == 404
        assert bodies[0] == bodies[1]
        assert numbers(get(client, "proposals/", person)) == []


def test_list_of_proposals_is_that_of_visible_to(client):
    ProposalFactory()
    submitted = ProposalFactory(status=ProposalStatus.SUBMITTED)
    for person in (submitted.created_by, officer(), officer("auditor"), UserFactory()):
        seen = type(submitted).objects.visible_to(User.objects.get(pk=person.pk))
        ids = [row["id"] for row in get(client, "proposals/", person).json()["results"]]
        assert ids == list(seen.order_by("-pk").values_list("pk", flat=True))


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
def test_row_of_the_list_says_what_the_record_says(client, zone):
    proposals = [ProposalFactory(status=status) for status in ("draft", "submitted", "under_evaluation")]
    type(proposals[1]).objects.filter(pk=proposals[1].pk).update(title="A working title")
    people = [officer(), *(proposal.created_by for proposal in proposals)]
    found = []
    with override(zone):
        for person in people:
            for row in get(client, "proposals/", person).json()["results"]:
                record = get(client, f"proposals/{row['id']}/", person).json()
                assert row == {name: record[name] for name in row}
                found.append((row["id"], row["title"], row["updated_at"][-1]))
    assert len(found) == 5 and {end for *_, end in found} == {"Z" if zone == "UTC" else "0"}
    assert sum(title == "A working title" for _, title, _ in found) == 1


def test_time_of_one_proposal_is_its_own(client):
    proposal = ProposalFactory(status=ProposalStatus.SUBMITTED)
    later = proposal.call.closes_at + timedelta(days=3)
    type(proposal).objects.filter(pk=proposal.pk).update(extended_to=later)
    body = get(client, f"proposals/{proposal.pk}/", proposal.created_by).json()
    assert datetime.fromisoformat(body["closes_at"]) == later


def test_address_with_a_line_break_is_absent_like_any_other(client):
    answer = client.get("/api/v1/proposals/%0A/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_detail_lists_versions_and_the_acts_that_are_open(client):
    proposal = ProposalFactory(status=ProposalStatus.SUBMITTED)
    body = get(client, f"proposals/{proposal.pk}/", proposal.created_by).json()
    assert body["transitions"] == ["resubmit", "withdraw"]
    assert datetime.fromisoformat(body["closes_at"]) == proposal.call.closes_at
    assert [version["sha256"] for version in body["versions"]] == [proposal.latest_version.sha256]
    assert get(client, f"proposals/{proposal.pk}/", officer()).json()["transitions"] == ["return", "accept"]


# Filters and pages


@pytest.mark.parametrize("name", LISTS)
def test_unknown_parameter_is_refused_not_ignored(client, name):
    person = officer()
    for path in (f"{name}/", f"{name}/?format=json"):
        query = {} if "?" in path else {"statos": "draft"}
        response = get(client, path, person, **query)
        assert (response.status_code, response["content-type"]) == (400, PROBLEM)
        assert response.json()["problems"][0]["field"] in ("statos", "format")


def test_unknown_parameter_of_a_single_record_is_refused(client):
    call = issued_call()
    assert get(client, f"calls/{call.number}/", status="draft").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"status": "nowhere"}, {"status": ""}, {"number": ["A", "B"]}, {"page_size": "0"},
        {"page_size": "101"}, {"page_size": "x"}, {"cursor": "%%%"},
        {"cursor": "cD1hYmM="}, {"cursor": base64.b64encode(b"p=" + b"9" * 40).decode()},
        {"cursor": "bz0tNQ=="}, {"submitted_from": "yesterday"},
        {"submitted_from": "0001-01-01T00:00:00+12:00"}, {"call": "a\x00b"},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_value_is_refused_with_its_field(client, query):
    response = get(client, "proposals/", officer(), **query)
    assert (response.status_code, response["content-type"]) == (400, PROBLEM)
    assert [row["field"] for row in response.json()["problems"]] == list(query)


@pytest.mark.parametrize("moment", ["1084-11-12T16:56:47-22:43", "2026-01-01T00:00:00Z", "2026-01-01T00:00"])
def test_moment_of_any_offset_narrows(client, moment):
    ProposalFactory(status=ProposalStatus.SUBMITTED)
    assert len(numbers(get(client, "proposals/", officer(), submitted_from=moment))) == 1
    assert numbers(get(client, "proposals/", officer(), submitted_before=moment)) == []


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 19, "9" * 60, "-1", "1e5", "%00", "१"])
def test_id_beyond_any_record_answers_404(client, number):
    response = get(client, f"proposals/{number}/", officer())
    assert (response.status_code, response["content-type"]) == (404, PROBLEM)


def test_filters_narrow_and_pages_follow_each_other(client):
    person = officer()
    rows = [ProposalFactory(status=ProposalStatus.SUBMITTED) for _ in range(3)]
    call = rows[0].call.number
    assert numbers(get(client, "proposals/", person, call=call)) == [rows[0].number]
    assert numbers(get(client, "proposals/", person, status="draft")) == []
    seen, path = [], "/api/v1/proposals/?page_size=2"
    while path:
        body = client.get(path).json()
        seen += [row["number"] for row in body["results"]]
        path = body["next"]
    assert seen == [row.number for row in reversed(rows)]


def test_designations_are_found_by_released_sector_and_market(client):
    designation = designated()
    released(designation)
    assert numbers(get(client, "designations/", sector="healthcare")) == [designation.number]
    assert numbers(get(client, "designations/", sector="education")) == []
    assert numbers(get(client, "designations/", market="KE")) == [], "the market was not released"
    CatalogEntry.objects.update(shows_markets=True)
    assert numbers(get(client, "designations/", market="ke")) == [designation.number]


@pytest.mark.parametrize("count", [1, 3])
def test_list_costs_five_statements_at_most_whatever_its_length(client, count):
    for _ in range(count):
        released(designated())
    ContentType.objects.get_for_model(User)
    get(client, "proposals/", officer())
    for name in LISTS:
        with CaptureQueriesContext(connection) as captured:
            assert len(numbers(get(client, f"{name}/"))) == count
        statements = [row["sql"] for row in captured if "SAVEPOINT" not in row["sql"]]
        assert len(statements) == (5 if name == "designations" else 4), statements


# The schema and its page


def test_schema_is_openapi_3_1_and_says_its_errors(client):
    document = get(client, "schema/").json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        f"/api/v1/{path}"
        for path in (
            "calls/", "calls/{number}/", "proposals/", "proposals/{id}/", "designations/",
            "designations/{number}/", "questions/", "questions/{id}/",
        )
    }  # fmt: skip
    for methods in document["paths"].values():
        assert set(methods) == {"get"}
        assert PROBLEM in methods["get"]["responses"]["404"]["content"]


def test_reference_page_names_every_operation_and_error(client):
    text = get(client, "docs/").content.decode()
    for words in (
        "List calls for proposals",
        "/api/v1/proposals/{id}/",
        "versions[].sha256",
        'id="problem-422"',
    ):
        assert words in text


@pytest.mark.parametrize("path", ["", "x/", "calls/a/b/", "proposals/1/submit/"])
def test_address_that_does_not_exist_answers_in_the_same_form(client, path):
    response = get(client, path)
    assert (response.status_code, response["content-type"]) == (404, PROBLEM)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("name", LISTS)
def test_nothing_can_be_written(client, name, method):
    get(client, f"{name}/", officer())
    response = getattr(client, method)(f"/api/v1/{name}/", {"title": "X"}, content_type="application/json")
    assert (response.status_code, response["content-type"]) == (405, PROBLEM)


@schema.parametrize()
@settings(max_examples=15, **RELAXED)
def test_strangers_find_no_fault_in_the_schema(case):
    ask(case)


@schema.parametrize()
@settings(max_examples=15, **RELAXED)
def test_officers_find_no_fault_in_the_schema(case, client):
    if not User.objects.filter(email="officer@commerce.example").exists():
        person = officer()
        User.objects.filter(pk=person.pk).update(email="officer@commerce.example")
        get(client, "calls/", person)
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    # the officer's own session goes along with what is generated for the cookie
    ask(case, [negative_data_rejection, ignored_auth], cookies=cookies)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    st.sampled_from(LISTS),
    st.dictionaries(
        st.sampled_from(
            [
                "status",
                "cursor",
                "page_size",
                "call",
                "number",
                "market",
                "sector",
                "is_open",
                "submitted_from",
                "q",
            ]
        ),
        words,
        max_size=3,
    ),
)
@settings(max_examples=80, **RELAXED)
def test_whatever_is_asked_is_answered_in_form(client, name, query):
    response = client.get(f"/api/v1/{name}/", query)
    assert response.status_code in (200, 400, 401)
    assert response["content-type"] == ("application/json" if response.status_code == 200 else PROBLEM)
