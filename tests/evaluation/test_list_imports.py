"""A list in the background: whole or not at all, once, and told apart from the list before."""

from __future__ import annotations

import io
import json
import threading
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, transaction
from django.urls import reverse

from evaluation import services
from evaluation.models import ListChange, ListDifference, ListImport, ScreeningEntry, ScreeningList
from evaluation.schedule import import_list, sweep_imports
from evaluation.services import lists
from evaluation.staleness import stale_because
from program import clock, spool
from program.leases import LEASE
from program.models import AuditEvent
from program.revisions import one_at_a_time
from program.transitions import NotReady
from tests.evaluation.pages import sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.statements import statements

pytestmark = pytest.mark.django_db

WHOLE = make.LIST.read_bytes()
LINES = WHOLE.splitlines(keepends=True)
FACTS = {"name": "Consolidated Screening List", "file_date": date(2026, 11, 20)}


@pytest.fixture
def desk(reference_data):
    return officer()


def ask(content, by, **facts):
    return services.ask_for_import(io.BytesIO(content), by=by, **FACTS, **facts)


def listed(**facts):
    entry = {"source": "Entity List (EL) - BIS", "id": "k1", "name": "Fictional Falcon", **facts}
    return entry


def as_json(*entries):
    return json.dumps({"results": list(entries)}).encode()


def test_a_file_is_imported_once_and_is_in_force_once_all_is_kept(desk, django_capture_on_commit_callbacks):
    wanted = ask(WHOLE, desk, source="consolidated.csv")
    pieces = wanted.pieces
    with pytest.raises(NotReady, match="Another import is under way"):
        ask(b"".join(LINES[:-1]), desk)
    assert not ScreeningList.objects.exists()

    assert all(spool.storage().exists(piece) for piece in pieces)
    with django_capture_on_commit_callbacks(execute=True):
        assert import_list(wanted.pk) == len(LINES) - 1
    assert (import_list(wanted.pk), sweep_imports()) == (0, 0)
    made = ScreeningList.objects.get()
    wanted.refresh_from_db()
    assert (wanted.screening_list, wanted.read_count, wanted.refusal) == (made, len(LINES) - 1, "")
    assert (made.source, made.imported_by, made.entries.count()) == (
        "consolidated.csv",
        desk,
        made.entry_count,
    )
    assert not any(spool.storage().exists(piece) for piece in pieces)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"".join([*LINES[:5], b"one,two\n", *LINES[5:]]), "Line 6 has 2 columns instead of 29."),
        (WHOLE[:-200], "Line"),
        (as_json(listed(), listed(name="")), "Entry 2 names no party or no list."),
        (as_json(listed(), listed())[:-9], "the file is cut"),
        (WHOLE, "Exactly this file was imported before, as of November 1, 2026."),
        (as_json(listed()), "It may be cut; confirm that it is complete."),
    ],
)
def test_a_file_that_is_refused_on_its_way_changes_nothing_and_says_why(client, desk, content, words):
    before = make.screening_list(desk)
    wanted = ask(content, desk)
    assert import_list(wanted.pk) == 0
    wanted.refresh_from_db()
    assert words in wanted.refusal
    assert list(ScreeningList.objects.all()) == [before]
    assert ScreeningEntry.objects.count() == before.entry_count
    sign_in(client, desk)
    page = client.get(reverse("evaluation:screening")).content.decode()
    assert "The last file, “" in page
    assert words in page
    ask(b"".join(LINES[:-1]), desk)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", LINES[0], as_json(), b"{}"])
def test_what_the_first_entry_shows_to_be_wrong_is_refused_at_once(client, desk, content):
    with pytest.raises(NotReady):
        ask(content, desk)
    assert not ListImport.objects.exists()


def test_only_who_may_import_asks_for_it(desk):
    for person in (make.lead(), make.decision_official()):
        with pytest.raises(PermissionDenied):
            ask(WHOLE, person)
    assert not ListImport.objects.exists()


def test_the_page_says_how_far_an_import_is(client, desk):
    sign_in(client, desk)
    file = SimpleUploadedFile("consolidated.csv", WHOLE)
    answer = client.post(
        reverse("evaluation:list-import"), {**FACTS, "file_date": "2026-11-20", "file": file}
    )
    assert answer.status_code == 302
    screening = reverse("evaluation:screening")
    assert b"It begins within half a minute." in client.get(screening).content
    ListImport.objects.update(read_count=4000)
    assert b"4,000 entries read so far" in client.get(screening).content
    assert sweep_imports() == len(LINES) - 1
    page = client.get(screening).content
    assert b"is being imported" not in page
    assert b"Not compared" in page


@pytest.mark.parametrize("where", ["checked", "_keep"])
def test_a_worker_that_died_is_followed_by_another_without_a_second_list(desk, monkeypatch, where):
    wanted = ask(WHOLE, desk)
    real = getattr(lists, where)

    def dies(*args, **facts):
        real(*args, **facts)
        raise OperationalError("the worker was killed here")

    monkeypatch.setattr(lists, where, dies)
    with pytest.raises(OperationalError):
        import_list(wanted.pk)
    monkeypatch.setattr(lists, where, real)
    assert not ScreeningList.objects.exists()
    assert sweep_imports() == 0
    with clock.moved_to(clock.instant() + LEASE + timedelta(seconds=1)):
        assert sweep_imports() == len(LINES) - 1
    assert ScreeningEntry.objects.count() == len(LINES) - 1


@pytest.mark.django_db(transaction=True)
def test_a_file_that_takes_long_to_keep_is_not_taken_by_another_worker(desk):
    wanted = ask(WHOLE, desk)

    took = []

    def another():
        with clock.moved_to(clock.instant() + 2 * LEASE):
            took.append(import_list(wanted.pk))
        connection.close()

    with transaction.atomic():
        one_at_a_time("import-list")
        thread = threading.Thread(target=another)
        thread.start()
        thread.join()
    assert took == [0]
    assert import_list(wanted.pk) == len(LINES) - 1


def three_lists(desk):
    """Two lists: one entry added, one removed, three changed in name, names and key, one the same."""
    first = [
        listed(id="same", name="Same"),
        listed(id="gone", name="Gone"),
        listed(id="renamed", name="Before"),
        listed(id="named", name="Other names", alt_names=["One"]),
        listed(id="old key", name="New key"),
    ]
    second = [
        listed(id="same", name="Same"),
        listed(id="come", name="Come"),
        listed(id="renamed", name="After"),
        listed(id="named", name="Other names", alt_names=["One", "Two"]),
        listed(id="new key", name="New key"),
    ]
    facts = {"by": desk, "file_date": date(2026, 11, 1)}
    services.import_screening_list(io.BytesIO(as_json(*first)), name="First", **facts)
    return services.import_screening_list(io.BytesIO(as_json(*second)), name="Second", **facts)


def test_a_list_is_told_apart_from_the_one_before(client, desk):
    made = three_lists(desk)
    found = made.difference
    assert (found.added_count, found.removed_count, found.changed_count) == (1, 1, 3)
    told = {(c.kind, c.before and c.before.name, c.entry and c.entry.name) for c in found.changes.all()}
    assert told == {
        ("added", None, "Come"),
        ("removed", "Gone", None),
        ("changed", "Before", "After"),
        ("changed", "Other names", "Other names"),
        ("changed", "New key", "New key"),
    }
    assert ListDifference.objects.count() == 1

    sign_in(client, desk)
    assert "1 added, 1 removed, 3 changed" in client.get(reverse("evaluation:screening")).content.decode()
    address = reverse("evaluation:list-difference", args=[made.pk])
    shown = {
        kind: client.get(address, {"show": kind}).content.decode() for kind in ("", "removed", "changed")
    }
    assert "Come" in shown[""] and "Gone" not in shown[""]
    assert "Gone" in shown["removed"]
    for words in (
        "<del>Before</del> <ins>After</ins>",
        "<del>One</del> <ins>One; Two</ins>",
        "<ins>new key</ins>",
    ):
        assert words in shown["changed"]


def test_the_difference_is_for_the_office_and_of_a_list_that_has_one(client, desk):
    made = three_lists(desk)
    first = ScreeningList.objects.last()
    for person, pk, status in ((desk, made.pk, 200), (desk, first.pk, 404), (make.reviewer(), made.pk, 403)):
        sign_in(client, person)
        assert client.get(reverse("evaluation:list-difference", args=[pk])).status_code == status


def test_a_long_difference_is_paged_at_the_same_cost(client, desk):
    three_lists(desk)
    entries = [listed(id=str(number), name=f"Entry {number:03}") for number in range(60)]
    facts = {"by": desk, "name": "Third", "file_date": date(2026, 11, 1)}
    made = services.import_screening_list(io.BytesIO(as_json(*entries)), **facts)
    sign_in(client, desk)
    address, costs, seen = reverse("evaluation:list-difference", args=[made.pk]), [], []
    query = "?show=added"
    while query:
        with statements() as sent:
            response = client.get(address + query)
        costs.append(len(sent))
        seen += [entry.name for entry, _ in response.context["changes"]]
        query = response.context["next"]
    assert seen == [entry["name"] for entry in entries]
    assert len(costs) == 3
    assert len(set(costs[1:])) == 1
    assert ListChange.objects.filter(difference=made.difference).count() == 60 + 5


def test_a_file_is_of_no_day_that_lies_ahead():
    tomorrow = clock.today() + timedelta(days=1)
    with pytest.raises(NotReady, match="lies ahead"):
        services.ask_for_import(
            io.BytesIO(as_json(listed())), by=officer(), **{**FACTS, "file_date": tomorrow}
        )
    assert not ListImport.objects.exists()


def test_the_day_of_the_list_in_force_is_corrected_by_importing_it_once_more_with_a_reason(client, desk):
    make.screening_list(desk)
    proposal = make.accepted(desk)
    right = FACTS["file_date"] - timedelta(days=3)
    why = "The day of the download was given; the file bears another."
    before = ScreeningList.objects.get()
    run = make.screened(proposal, desk)

    wanted = services.ask_for_import(io.BytesIO(WHOLE), by=desk, **FACTS | {"file_date": right}, reason=why)
    assert import_list(wanted.pk) == before.entry_count
    made, old = ScreeningList.objects.all()
    assert (made.file_date, made.corrects, made.reason, made.sha256) == (right, before, why, before.sha256)
    assert (old, old.file_date) == (before, before.file_date)
    found = made.difference
    assert (found.added_count, found.removed_count, found.changed_count) == (0, 0, 0)
    act = AuditEvent.objects.get(act="screeninglist.import", subject_id=str(made.pk))
    assert (act.said["before"], act.said["note"]) == ({"file_date": str(before.file_date)}, why)
    assert stale_because(run) == f"A newer list is in force: “{made}”."
    sign_in(client, desk)
    assert f"{why}</td>" in client.get(reverse("evaluation:screening")).content.decode()
    again = services.ask_for_import(
        io.BytesIO(WHOLE), by=desk, **FACTS | {"file_date": right - timedelta(days=1)}, reason="Once more."
    )
    assert import_list(again.pk) == before.entry_count
    assert ScreeningList.objects.first().corrects == made


@pytest.mark.parametrize(
    ("content", "day", "reason", "words"),
    [
        (WHOLE, date(2026, 11, 1), "Again.", "The list bears this day already. Give the right one."),
        (WHOLE, date(2026, 10, 30), "", "as of November 1, 2026. If that day is wrong, say why."),
        (b"".join(LINES[:-1]), date(2026, 10, 30), "A typo.", "there is no day to correct."),
    ],
)
def test_what_corrects_no_day_is_refused_and_says_why(desk, content, day, reason, words):
    before = make.screening_list(desk)
    wanted = services.ask_for_import(
        io.BytesIO(content), by=desk, **FACTS | {"file_date": day}, reason=reason
    )
    assert import_list(wanted.pk) == 0
    wanted.refresh_from_db()
    assert words in wanted.refusal
    assert list(ScreeningList.objects.all()) == [before]


def test_an_older_list_is_not_brought_into_force_by_a_correction(desk):
    make.screening_list(desk)
    newest = make.shorter_list(desk)
    wanted = services.ask_for_import(
        io.BytesIO(WHOLE), by=desk, **FACTS | {"file_date": date(2026, 10, 30)}, reason="A typo."
    )
    assert import_list(wanted.pk) == 0
    wanted.refresh_from_db()
    assert wanted.refusal.startswith("A newer list is in force")
    assert ScreeningList.objects.first() == newest


def test_a_list_is_imported_once_and_a_broken_file_changes_nothing():
    desk = officer()
    make.screening_list(desk)
    good = make.LIST.read_bytes()
    broken = {
        "header": good.replace(b"_id,source", b"id,source", 1),
        "columns": good + b"one,two\n",
        "cut": good.rstrip()[:-200] + b'"unclosed',
        "bytes": good + b"\xff" * 40,
        "empty": good.splitlines(keepends=True)[0],
        "twice": good,
    }
    for content in broken.values():
        with pytest.raises(NotReady):
            services.import_screening_list(
                io.BytesIO(content), by=desk, name="x", file_date=date(2026, 11, 2)
            )
    with pytest.raises(PermissionDenied):
        services.import_screening_list(
            io.BytesIO(good), by=make.lead(), name="x", file_date=date(2026, 11, 2)
        )
    assert ScreeningList.objects.get().entry_count == ScreeningEntry.objects.count() == 14


def test_a_much_shorter_list_must_be_confirmed():
    desk = officer()
    make.screening_list(desk)
    short = io.BytesIO(b"".join(make.LIST.read_bytes().splitlines(keepends=True)[:4]))
    facts = {"by": desk, "name": "Short", "file_date": date(2026, 11, 2)}
    with pytest.raises(NotReady):
        services.import_screening_list(short, **facts)
    short.seek(0)
    assert services.import_screening_list(short, **facts, accept_smaller=True).entry_count == 3
