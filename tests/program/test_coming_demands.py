"""Requirements amended from a later day on: what stands when, who reads it, what can still change."""

from __future__ import annotations

from copy import copy
from datetime import UTC, date, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from program import clock
from program.deadlines import next_business_day, start_of_day
from program.enums import EvidenceType
from program.models import Amendment, AuditEvent, Requirement
from program.services import calls
from program.services.demands import amend_requirements
from program.services.subscriptions import subscribe
from program.transitions import NotReady
from tests.factories.program import RequirementFactory, UserFactory, drafted_call, issued_call, officer
from tests.program.pages import published

pytestmark = pytest.mark.django_db
APRIL_FIRST = datetime(2026, 4, 1, 13, tzinfo=UTC)
FIRST, SECOND, THIRD = date(2026, 4, 10), date(2026, 4, 20), date(2026, 5, 4)
INSTANT = timedelta(microseconds=1)
WORDS = {"summary": "A change.", "reason": "A reason.", "legal_basis": "A statute."}


@pytest.fixture
def call():
    with clock.moved_to(APRIL_FIRST):
        yield issued_call()


def new(code="upkeep", **facts):
    return Requirement(
        code=code,
        **{"title": "A plan of upkeep", "clause": "Program policy", "evidence_type": "text"} | facts,
    )


def amend(call, **facts):
    call.refresh_from_db()
    return amend_requirements(call, by=officer(), **WORDS | facts)


def reworded(call, guidance, code="consortium"):
    row = copy(call.requirements.get(code=code, demanded_to=None))
    row.guidance = guidance
    return row


def guidance_on(call, day, code="consortium"):
    """What stands under a code at the end of a day; None where nothing is demanded."""
    found = [row.guidance for row in call.requirements.demanded(start_of_day(day)) if row.code == code]
    assert len(found) <= 1
    return found[0] if found else None


def codes(refusal):
    return [problem.code for problem in refusal.value.problems]


def text_of(response):
    return " ".join(response.content.decode().split())


def test_nothing_changes_before_the_day_and_everything_with_its_first_instant(call):
    interest = call.requirements.get(code="national-interest")
    was = {row.pk for row in call.requirements.demanded()}
    amendment = amend(
        call, added=[new()], changed=[reworded(call, "Name all.")], withdrawn=[interest], effective_on=SECOND
    )
    midnight = start_of_day(SECOND)
    assert (amendment.published_on, amendment.effective_on) == (date(2026, 4, 1), SECOND)
    assert amendment.effective_at == midnight == datetime(2026, 4, 20, 4, tzinfo=UTC)
    for moment in (APRIL_FIRST, midnight - INSTANT):
        with clock.moved_to(moment):
            assert {row.pk for row in call.requirements.demanded()} == was
        assert {row.pk for row in call.requirements.demanded(moment)} == was
    for moment in (midnight, call.closes_at):
        with clock.moved_to(moment):
            now = {row.code: row for row in call.requirements.demanded()}
        assert (now["consortium"].guidance, "upkeep" in now) == ("Name all.", True)
        assert "national-interest" not in now
        assert {row.pk for row in call.requirements.demanded(moment)} == {row.pk for row in now.values()}


@pytest.mark.parametrize(
    ("day", "code"),
    [(date(2026, 3, 31), "amendment-day"), (date(2026, 7, 1), "amendment-day"), (date(2026, 6, 30), "")],
)
def test_day_lies_between_today_and_the_last_of_the_call(call, day, code):
    assert call.due_on == date(2026, 6, 30)
    if code:
        with pytest.raises(NotReady) as refusal:
            amend(call, added=[new()], effective_on=day)
        assert (codes(refusal), call.amendments.count()) == ([code], 0)
    else:
        assert amend(call, added=[new()], effective_on=day).effective_on == day


def test_day_after_the_close_is_taken_once_the_call_is_extended(call):
    due_on = next_business_day(call.due_on + timedelta(days=14))
    with pytest.raises(NotReady):
        amend(call, added=[new()], effective_on=due_on)
    calls.extend_call(call, by=officer(), due_on=due_on, **WORDS)
    amendment = amend(call, added=[new()], effective_on=due_on)
    calls.extend_call(
        call,
        by=officer(),
        due_on=next_business_day(due_on + timedelta(days=1)),
        **WORDS,
    )
    assert amendment.added.get().demanded_from == start_of_day(due_on)


def test_refused_is_what_is_withdrawn_already_or_there_already(call):
    interest = call.requirements.get(code="national-interest")
    amend(call, withdrawn=[interest], added=[new()], effective_on=SECOND)
    for facts in ({"withdrawn": [interest]}, {"changed": [interest], "effective_on": THIRD}):
        with pytest.raises(NotReady) as refusal:
            amend(call, **facts)
        assert codes(refusal) == ["demand-ends"]
        assert "from Monday, April 20, 2026 on" in str(refusal.value)
    for day in (None, FIRST, THIRD):
        with pytest.raises(ValidationError, match="with this code already"):
            amend(call, added=[new()], effective_on=day)
    with pytest.raises(ValidationError, match="with this code on that day"):
        amend(call, added=[new("national-interest", evidence_type="package")], effective_on=FIRST)
    with pytest.raises(NotReady) as refusal:
        amend(call, taken_back=[call.requirements.get(code="consortium")])
    assert codes(refusal) == ["demand-not-coming"]
    with pytest.raises(NotReady) as refusal:
        amend(call, taken_back=[interest], effective_on=THIRD)
    assert codes(refusal) == ["demand-taken-back-later"]
    assert call.amendments.count() == 1
    amend(call, added=[new("national-interest", evidence_type="package")], effective_on=SECOND)
    assert guidance_on(call, SECOND, "national-interest") == ""


def test_what_the_order_requires_is_missing_on_no_day(call):
    layer = call.requirements.get(code="layer-data")
    optional = copy(layer)
    optional.is_mandatory = False
    for facts in ({"withdrawn": [layer]}, {"changed": [optional]}):
        with pytest.raises(NotReady) as refusal:
            amend(call, effective_on=SECOND, **facts)
        assert codes(refusal) == ["call-order-requirements"]
    choice = new("grid", evidence_type="choice", choices="One")
    with pytest.raises(NotReady) as refusal:
        amend(call, added=[choice], effective_on=SECOND)
    assert codes(refusal) == ["requirement-choices"]
    assert not call.amendments.exists()


@pytest.mark.parametrize(
    ("day", "stands"),
    [
        (date(2026, 4, 1), {FIRST: "Mended.", SECOND: "Mended.", THIRD: "Mended."}),
        (FIRST, {FIRST - timedelta(1): "", FIRST: "Mended.", SECOND: "Mended.", THIRD: "Mended."}),
        (SECOND, {SECOND - timedelta(1): "", SECOND: "Mended.", THIRD: "Mended."}),
        (THIRD, {SECOND - timedelta(1): "", SECOND: "Announced.", THIRD: "Mended."}),
    ],
)
def test_second_amendment_replaces_what_is_still_to_come(call, day, stands):
    before = guidance_on(call, FIRST)
    amend(call, changed=[reworded(call, "Announced.")], effective_on=SECOND)
    amend(call, changed=[reworded(call, "Mended.")], effective_on=day)
    assert {each: guidance_on(call, each) for each in stands} == {
        each: words or before for each, words in stands.items()
    }


@pytest.mark.parametrize("day", [FIRST, SECOND])
def test_withdrawal_reaches_what_is_still_to_come(call, day):
    amend(call, added=[new(guidance="Announced.")], effective_on=SECOND)
    announced = call.requirements.get(code="upkeep")
    amend(call, withdrawn=[announced], effective_on=day)
    assert {guidance_on(call, each, "upkeep") for each in (FIRST, SECOND, THIRD)} == {None}
    announced.refresh_from_db()
    assert announced.demanded_to == announced.demanded_from


def test_what_was_announced_is_taken_back_and_stays_as_it_was(call):
    interest = call.requirements.get(code="national-interest")
    before, is_like = guidance_on(call, FIRST), guidance_on(call, FIRST, "national-interest")
    amend(
        call, added=[new()], changed=[reworded(call, "Announced.")], withdrawn=[interest], effective_on=SECOND
    )
    rows = [call.requirements.get(code=code, demanded_to=None) for code in ("upkeep", "consortium")]
    second = amend(call, taken_back=[*rows, interest])
    assert (guidance_on(call, THIRD), guidance_on(call, THIRD, "upkeep")) == (before, None)
    assert guidance_on(call, THIRD, "national-interest") == is_like is not None
    assert second.effective_on == date(2026, 4, 1)
    assert [
        (each["act"], each["code"], bool(each["before"]), bool(each["after"])) for each in second.demands
    ] == [
        ("Taken back", "upkeep", True, False),
        ("Taken back", "consortium", True, True),
        ("Taken back", "national-interest", False, True),
    ]
    event = AuditEvent.objects.of(call).last()
    assert sorted(event.said["before"]) == ["consortium", "upkeep"]
    with pytest.raises(NotReady) as refusal:
        amend(call, taken_back=rows)
    assert codes(refusal) == ["demand-not-coming"]


def test_copy_of_a_call_demands_what_the_call_demands_that_day(call):
    amend(call, added=[new()], changed=[reworded(call, "Announced.")], effective_on=SECOND)
    with clock.moved_to(start_of_day(SECOND) - INSTANT):
        early = calls.copy_call(call, by=officer(), title="Before")
    with clock.moved_to(start_of_day(SECOND)):
        late = calls.copy_call(call, by=officer(), title="After")
    assert [each.requirements.filter(code="upkeep").count() for each in (early, late)] == [0, 1]
    assert late.requirements.get(code="consortium").guidance == "Announced."
    for copied in (early, late):
        assert not copied.requirements.exclude(demanded_from=None, demanded_to=None).exists()


def test_database_keeps_no_requirement_that_ends_before_it_begins(call):
    amend(call, added=[new()], effective_on=SECOND)
    with pytest.raises(IntegrityError, match="requirement_ends_after_it_began"):
        call.requirements.filter(code="upkeep").update(demanded_to=start_of_day(FIRST))


def test_public_page_and_interface_tell_what_comes_and_from_when(call, client):
    interest = call.requirements.get(code="national-interest")
    amend(
        call,
        added=[new()],
        changed=[reworded(call, "Every chapter.")],
        withdrawn=[interest],
        effective_on=SECOND,
    )
    page = text_of(client.get(f"/calls/{call.number}/"))
    listed = page.partition("What a proposal must give")[2].partition("How it is evaluated")[0]
    table, _, later = listed.partition("From April 20, 2026")
    assert [words in table for words in (interest.title, "A plan of upkeep", "Every chapter.")] == [
        True,
        False,
        False,
    ]
    assert "New: A plan of upkeep" in later and f"Withdrawn: {interest.title}" in later
    assert '<ins class="site-added">Every chapter.' in later
    data = client.get(f"/api/v1/calls/{call.number}/").json()
    assert [row["code"] for row in data["requirements"]].count("upkeep") == 0
    assert [each["day"] for each in data["coming_requirements"]] == ["2026-04-20"]
    assert {
        (change["act"], (change["before"] or {}).get("code"), (change["after"] or {}).get("code"))
        for change in data["coming_requirements"][0]["changes"]
    } == {
        ("New", None, "upkeep"),
        ("Changed", "consortium", "consortium"),
        ("Withdrawn", "national-interest", None),
    }
    assert [row["act"] for row in data["amendments"][0]["demands"]] == ["Changed", "Added", "Withdrawn"]
    with clock.moved_to(start_of_day(SECOND)):
        page, data = (client.get(f"{way}/calls/{call.number}/") for way in ("", "/api/v1"))
    listed = text_of(page).partition("What a proposal must give")[2].partition("How it is evaluated")[0]
    assert ["A plan of upkeep" in listed, "From April 20" in listed] == [True, False]
    assert (data.json()["coming_requirements"], "Added: A plan of upkeep" in text_of(page)) == ([], True)


def test_cancelled_call_announces_nothing(call, client):
    amend(call, added=[new()], effective_on=SECOND)
    call.refresh_from_db()
    calls.cancel_call(call, by=officer(), reason="It is not needed.")
    listed = text_of(client.get(f"/calls/{call.number}/")).partition("What a proposal must give")[2]
    assert "From April 20, 2026" not in listed.partition("How it is evaluated")[0]
    assert client.get(f"/api/v1/calls/{call.number}/").json()["coming_requirements"] == []


def test_words_of_a_text_that_hold_later_say_from_when(call, client):
    calls.amend_call(call, by=officer(), text="New words.", effective_on=SECOND, **WORDS)
    note = "amendment 1</a> stand in this text and hold from April 20, 2026"
    assert note in text_of(client.get(f"/calls/{call.number}/"))
    with clock.moved_to(start_of_day(SECOND)):
        assert note not in text_of(client.get(f"/calls/{call.number}/"))


def test_requirement_whose_lines_a_browser_ends_in_another_way_is_not_amended(signed_in):
    draft = drafted_call()
    facts = {"evidence_type": "choice", "choices": "On\nOff", "source": "One.\nTwo.", "sort_order": 5}
    RequirementFactory(call=draft, code="grid", **facts)
    call = issued_call(from_draft=draft)
    desk, client = f"/desk/calls/{call.number}/amend/requirements/", signed_in(officer())
    data = {
        f"{line.prefix}-{name}": str(value).replace("\n", "\r\n")
        for line in client.get(desk).context["lines"]
        for name, value in line.initial.items()
        if value is not None and value is not False
    }
    data |= WORDS | {"revision": call.revision, "new-source": "Program policy", "new-sort_order": 0}
    data |= {"new-evidence_type": "package", "new-is_mandatory": "on"}
    assert client.post(desk, data).status_code == 422
    grid = call.requirements.get(code="grid")
    changed = {f"requirement-{grid.pk}-choices": "On\r\nOff\r\nNone"}
    assert published(client, desk, data | changed).status_code == 302
    assert [row["code"] for row in call.amendments.get().demands] == ["grid"]


def test_officer_names_the_day_replaces_and_takes_back_at_the_desk(call, signed_in):
    desk, client = f"/desk/calls/{call.number}/amend/requirements/", signed_in(officer())

    def sent(**changes):
        page = client.get(desk)
        call.refresh_from_db()
        filled = {
            f"{line.prefix}-{name}": value
            for line in page.context["lines"]
            for name, value in line.initial.items()
            if value not in (None, False)
        }
        blank = {"new-source": "Program policy", "new-sort_order": 0, "new-evidence_type": "package"}
        return page, filled | blank | WORDS | {"revision": call.revision, "new-is_mandatory": "on"} | changes

    interest, consortium = (call.requirements.get(code=code) for code in ("national-interest", "consortium"))
    _, data = sent(effective_on="2026-03-31")
    gone = {f"requirement-{interest.pk}-is_withdrawn": "on"}
    changed = {f"requirement-{consortium.pk}-guidance": "Announced."}
    early = client.post(desk, data | gone)
    assert (early.status_code, "in force from today at the earliest" in text_of(early)) == (422, True)
    announced = data | gone | changed | {"effective_on": "2026-04-20"}
    assert published(client, desk, announced).status_code == 302
    assert "From April 20, 2026" in text_of(client.get(f"/desk/calls/{call.number}/"))
    page, data = sent()
    coming = call.requirements.get(code="consortium", demanded_to=None)
    assert f"consortium: {coming.title} (announced, from April 20, 2026)" in text_of(page)
    assert f"national-interest: {interest.title} (withdrawn from April 20, 2026)" in text_of(page)
    back = {f"requirement-{pk}-is_taken_back": "on" for pk in (coming.pk, interest.pk)}
    later = client.post(desk, data | back | {"effective_on": "2026-05-04"})
    assert (later.status_code, "taken back at once" in text_of(later)) == (422, True)
    assert published(client, desk, data | back).status_code == 302
    assert guidance_on(call, THIRD) == consortium.guidance
    assert guidance_on(call, THIRD, "national-interest") is not None
    page, _ = sent()
    assert ["announced, from" in text_of(page), "withdrawn from" in text_of(page)] == [False, False]


def test_what_is_announced_comes_early_only_where_the_day_is_said(call):
    amend(call, changed=[reworded(call, "Announced.")], effective_on=SECOND)
    slip = reworded(call, "Announced, spelled right.")
    with pytest.raises(NotReady) as refusal:
        amend(call, changed=[slip])
    assert codes(refusal) == ["day-not-said"] and refusal.value.problems[0].field == "effective_on"
    assert guidance_on(call, FIRST) not in ("Announced.", slip.guidance)
    amendment = amend(call, changed=[slip], effective_on=SECOND)
    assert guidance_on(call, FIRST) != slip.guidance and guidance_on(call, SECOND) == slip.guidance
    assert ["Announced." in row["before"] for row in amendment.demands] == [True]


def test_public_page_says_what_overtook_an_announcement(call, client):
    amend(call, changed=[reworded(call, "Announced.")], added=[new()], effective_on=SECOND)
    amend(call, changed=[reworded(call, "Otherwise.", "compliance")], effective_on=SECOND)
    with clock.moved_to(start_of_day(FIRST)):
        amend(call, taken_back=[call.requirements.get(code="upkeep")])
    with clock.moved_to(start_of_day(THIRD)):
        amend(call, changed=[reworded(call, "Later.")])
    shown = client.get(f"/calls/{call.number}/")
    found = {row["number"]: row["overtaken_by"] for row in shown.context["amendments"]}
    assert found == {1: [3], 2: [], 3: [], 4: []}
    assert "changed or took back something of it" in text_of(shown)


def test_what_is_brought_forward_is_compared_with_what_stands_that_day(call):
    standing = call.requirements.get(code="consortium").guidance
    amend(call, changed=[reworded(call, "Announced.")], effective_on=SECOND)
    amendment = amend(call, changed=[reworded(call, "At once.")], effective_on=clock.today())
    (said,) = amendment.demands
    assert standing in said["before"] and "At once." in said["after"]


def test_page_shows_what_will_be_published_and_refuses_what_contradicts_itself(call, signed_in):
    draft = issued_call(from_draft=drafted_call())
    desk, client = f"/desk/calls/{draft.number}/amend/requirements/", signed_in(officer())
    subscribe(draft, by=UserFactory())

    def sent(**changes):
        page = client.get(desk)
        draft.refresh_from_db()
        filled = {
            f"{line.prefix}-{name}": value
            for line in page.context["lines"]
            for name, value in line.initial.items()
            if value not in (None, False)
        }
        blank = {"new-source": "Program policy", "new-sort_order": 0, "new-evidence_type": "package"}
        return filled | blank | WORDS | {"revision": draft.revision, "new-is_mandatory": "on"} | changes

    row = draft.requirements.get(code="consortium")
    changed = {f"requirement-{row.pk}-guidance": "Announced.", "effective_on": "2026-04-20"}
    shown = client.post(desk, sent(**changed))
    assert [each["title"] for each in shown.context["to_publish"]] == [row.title]
    assert "What will be published" in shown.text and not draft.amendments.exists()
    seen = {"seen": shown.context["preview"].seen}
    assert client.post(desk, sent(**changed, **seen)).status_code == 302

    coming = draft.requirements.get(code="consortium", demanded_to=None)
    both = {f"requirement-{coming.pk}-is_taken_back": "on", f"requirement-{coming.pk}-guidance": "Other."}
    refused = client.post(desk, sent(**both))
    assert (refused.status_code, "taken back alone" in text_of(refused)) == (422, True)
    assert draft.amendments.count() == 1

    nobody = {"new-code": "heat-map", "new-title": "A map", "new-clause": "Program policy"}
    refused = client.post(desk, sent(**nobody))
    assert (refused.status_code, "nobody could give it" in text_of(refused)) == (422, True)
    assert not draft.requirements.filter(code="heat-map").exists()


def test_amendments_from_before_say_what_they_changed():
    call = issued_call(from_draft=drafted_call())
    interest = call.requirements.get(code="national-interest")
    amendment = amend(call, added=[new()], changed=[reworded(call, "Name all.")], withdrawn=[interest])
    said = sorted(amendment.demands, key=lambda row: row["code"])
    moment = call.requirements.get(code="upkeep").demanded_from
    Amendment.objects.update(demands=[], effective_at=None)
    import_module("program.migrations.0029_amended_later").say_what_was_amended(apps, None)
    amendment.refresh_from_db()
    assert sorted(amendment.demands, key=lambda row: row["code"]) == said
    assert amendment.effective_at == moment
    assert EvidenceType.TEXT.label in said[-1]["after"]
