"""A question written once is asked anew each time."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, IntegrityError, NotSupportedError, connection, transaction
from django.db.models import BigIntegerField, F
from django.test.utils import CaptureQueriesContext

from program import clock, prepared
from program.models import User
from program.models.people import Office
from program.prepared import AnyOf, Given, Holds, Keys, Prepared, PreparedByOffices
from tests.factories.program import OfficeFactory, UserFactory

pytestmark = pytest.mark.django_db
PERSON = Given("person", BigIntegerField())


def test_each_asking_has_its_own_answer():
    question = Prepared(lambda: User.objects.filter(pk=PERSON).values_list("name", "is_active"))
    one, other = UserFactory(), UserFactory(is_active=False)
    assert question.ask(person=one.pk) == (one.name, True)
    assert question.ask(person=other.pk) == (other.name, False)
    assert question.ask(person=0) is None


def test_keys_of_a_prepared_question_narrow_another_statement_and_so_does_whether_there_are_any():
    open_accounts = Prepared(lambda: User.objects.filter(pk=PERSON, is_active=True).values_list("pk"))
    one, other = UserFactory(), UserFactory(is_active=False)
    for person, found in ((one, [one.pk]), (other, [])):
        keys = Keys(open_accounts, person=person.pk)
        assert list(User.objects.filter(pk__in=keys).values_list("pk", flat=True)) == found
        everybody = User.objects.filter(Holds(open_accounts, person=person.pk), pk__in=[one.pk, other.pk])
        assert everybody.count() == 2 * len(found)


@pytest.mark.parametrize("key", [2**63, -(2**63) - 1, 10**30])
def test_key_that_no_row_can_have_finds_none(key):
    UserFactory()
    names = Prepared(lambda: User.objects.filter(pk=PERSON).values_list("name"))
    records = Prepared(lambda: User.objects.filter(pk=PERSON))
    assert (names.ask(person=key), names.ask_all(person=key), records.rows(person=key)) == (None, [], [])


def test_value_that_nobody_gave_is_an_error():
    question = Prepared(lambda: User.objects.filter(pk=PERSON).values_list("name"))
    with pytest.raises(KeyError, match="person"):
        question.ask(proposal=1)


@pytest.mark.parametrize(
    "build",
    [
        lambda: User.objects.filter(pk=4711).values_list("name"),
        lambda: User.objects.filter(pk=1).values_list("name"),
        lambda: Office.objects.in_force(on=date(2026, 1, 1)).filter(user=PERSON).values_list("role"),
        lambda: User.objects.filter(pk=PERSON, created_at__lt=datetime.now(UTC)).values_list("name"),
        lambda: User.objects.filter(pk=PERSON, name="Ada of the works").values_list("name"),
        lambda: User.objects.filter(pk=PERSON, name__icontains="ada").values_list("name"),
        lambda: User.objects.filter(pk=PERSON, name="a" * 41).values_list("name"),
    ],
)
def test_value_that_would_stay_for_ever_is_refused(build):
    with pytest.raises(ValueError, match="let it be Given"):
        Prepared(build).ask(person=1)


def test_offices_follow_the_clock_though_their_question_is_written_once():
    office = OfficeFactory(effective_from=date(2026, 1, 1), effective_to=date(2026, 7, 1))
    held = []
    for moment in (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)):
        with clock.moved_to(moment):
            held.append(User.objects.get(pk=office.user_id).holds(office.role))
    assert held == [True, False]
    assert User.objects.get(pk=office.user_id).holds(office.role) == (clock.today() < office.effective_to)


@pytest.mark.django_db(transaction=True)
def test_page_stands_at_one_moment_and_an_act_at_its_own():
    with clock.one_page():
        first = clock.now()
        assert clock.now() == first
    assert clock.now() > first
    assert clock.now() - first < timedelta(minutes=1)


AGENCIES = Prepared(
    lambda: (
        Office.objects.filter(user=PERSON)
        .select_related("agency", "user")
        .only("role", "agency__code", "user__name")
    )
)


def test_records_are_those_of_the_queryset_with_what_is_loaded_beside_them():
    office = OfficeFactory()
    OfficeFactory()
    [found] = AGENCIES.rows(person=office.user_id)
    assert (found, found.agency.code, found.user.name) == (office, office.agency.code, office.user.name)
    with CaptureQueriesContext(connection) as asked:
        assert found.effective_from == office.effective_from  # was not loaded with it
    assert len(asked) == 1


@pytest.mark.parametrize("plan_once", [True, False])
def test_database_answers_alike_whether_it_plans_once_or_each_time(settings, plan_once):
    settings.PLAN_ONCE = plan_once
    office = OfficeFactory()
    with CaptureQueriesContext(connection) as asked:
        assert [row.pk for row in AGENCIES.rows(person=office.user_id)] == [office.pk]
        assert AGENCIES.rows(person=0) == []
    assert [one["sql"].startswith("EXECUTE") for one in asked] == [plan_once] * 2


def test_question_is_made_known_to_each_connection_once_and_outlives_a_transaction_that_fails():
    known = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'asked_%'"

    def number() -> int:
        with connection.cursor() as cursor:
            cursor.execute(known)
            return cursor.fetchone()[0]

    question = Prepared(lambda: User.objects.filter(pk=PERSON).values_list("email", "name", "pk"))
    before = number()
    with contextlib.suppress(IntegrityError), transaction.atomic():
        question.ask(person=1)
        raise IntegrityError
    question.ask(person=2)
    assert number() == before + 1


def test_array_of_keys_is_given_whole():
    question = Prepared(
        lambda: (
            User.objects.filter(AnyOf(F("pk"), Given("keys", ArrayField(BigIntegerField()))))
            .values_list("pk")
            .order_by("pk")
        )
    )
    one, other, _ = UserFactory(), UserFactory(), UserFactory()
    assert question.ask_all(keys=[one.pk, other.pk]) == sorted([(one.pk,), (other.pk,)])
    assert question.ask_all(keys=[]) == []


def test_offices_make_another_question_and_a_person_does_not():
    built = []

    @PreparedByOffices
    def agencies(reader, role):
        built.append(role)
        codes = reader.agencies_as(role)
        return Office.objects.filter(user=reader.pk, role=role, agency__code__in=codes).values_list(
            "agency__code"
        )

    one, other = OfficeFactory(role="lead"), OfficeFactory(role="lead")
    for office in (one, other, one):
        held = frozenset({(office.role, office.agency.code)})
        assert agencies.of(held, "lead").ask(person=office.user_id) == (office.agency.code,)
        assert agencies.of(held, "lead").ask(person=0) is None
    assert len(built) == len({one.agency.code, other.agency.code})


def test_question_that_can_find_nothing_finds_nothing():
    nobody = Prepared(lambda: User.objects.filter(pk=PERSON, pk__in=[]))
    assert (nobody.rows(person=1), nobody.ask_all(person=1), nobody.ask(person=1)) == ([], [], None)


def test_connection_keeps_as_many_plans_and_learns_those_it_forgot_anew(monkeypatch):
    monkeypatch.setattr(prepared, "MOST_PLANS", 2)
    one = UserFactory()
    questions = [
        Prepared(lambda name=name: User.objects.filter(pk=PERSON, name__gt=name).values_list("pk"))
        for name in ("A", "B", "a", "b")
    ]
    answers = [question.ask(person=one.pk) for question in (*questions, *questions)]
    assert answers[:4] == answers[4:]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'asked_%'")
        assert cursor.fetchone()[0] <= 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("within", [False, True])
def test_column_that_becomes_wider_under_a_running_portal_is_asked_for_anew(within):
    question = Prepared(lambda: User.objects.filter(pk=PERSON).values_list("name", "title"))
    one = UserFactory()
    assert question.ask(person=one.pk) == (one.name, one.title)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE program_user ALTER COLUMN title TYPE varchar(277)")
    try:
        if within:
            with pytest.raises(NotSupportedError), transaction.atomic():
                question.ask(person=one.pk)
            connection.close_if_unusable_or_obsolete()
        assert question.ask(person=one.pk) == (one.name, one.title)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE program_user ALTER COLUMN title TYPE varchar(200)")


def test_what_fails_while_a_question_is_made_known_is_an_error_of_the_database():
    question = Prepared(lambda: User.objects.filter(pk=PERSON).values_list("email", "title", "name"))
    with pytest.raises(DatabaseError), transaction.atomic():
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        question.ask(person=1)
