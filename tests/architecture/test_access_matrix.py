"""Role x state x recusal for every channel, and role x recusal for every act (design 6 and 9).

The tables say who may, as the design has it; every cell that they do not name is a refusal. Who is recused
is refused wherever the same office is not, but for the one proposal from which nobody was recused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from django.db import transaction
from django.urls import resolve, reverse

from evaluation import services
from evaluation.models import CatalogRelease, ComplianceCheck, PartyCheck
from evaluation.tasks import render_letter, render_packet
from program import clock
from program.enums import DeliveryState
from program.models import Agency, Delivery, Notice
from program.services.feeds import address_of
from proposals.models import ReceiptPaper
from proposals.services import ask_package_pdf
from proposals.tasks import render_package, render_receipt
from tests.architecture.addresses import client_of, content_of, refuses, text_of
from tests.architecture.every_state import (
    AT_INTAKE,
    CHOSEN,
    DRAFTED,
    KEPT,
    NEVER_SENT,
    SIGNED,
    SPOKEN,
    STATES,
    TOLD,
    build,
)
from tests.architecture.routes import OURS
from tests.architecture.tables import touched_since, writes
from tests.factories import evaluation as make

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

EVERY = set(STATES)
SENT = EVERY - NEVER_SENT
TAKEN = SENT - AT_INTAKE
DECIDED = DRAFTED | SIGNED | TOLD
CONSULTED = {KEPT, "consulted"}
WITH_SHEETS = CONSULTED | DECIDED
#: Of which the ethics official decides whether one reviewer may review them
HELD = SENT - {KEPT}
#: Of which an agency is still asked for its position
ASKED = CONSULTED | {"accepted"}

#: Who reads the package of a proposal in which states, whatever the channel
TEAM = {"representative": EVERY, "member of the consortium": EVERY, "counsel": EVERY}
OFFICIALS = {
    "program officer": SENT, "second program officer": SENT, "decision official": SENT, "auditor": SENT,
}  # fmt: skip
AGENCIES = {"lead": TAKEN, "lead of another agency": TAKEN, "reviewer": TAKEN}
EDAG = {"EDAG officer": CHOSEN}
OFFICES = OFFICIALS | AGENCIES | EDAG
READERS = TEAM | OFFICES
#: Who is told, by their numbers alone, which proposals are closed to them
CLOSED_TO = {
    "recused program officer": HELD, "recused decision official": HELD, "recused auditor": HELD,
    "recused lead": HELD, "recused reviewer": HELD,
}  # fmt: skip
#: Who reads that there is something, and what of it, beside the package
TOLD_OF = READERS | {"ethics official": HELD, "held reviewer": SENT} | dict.fromkeys(CLOSED_TO, SENT)
OFFICERS = dict.fromkeys(("program officer", "second program officer"), SENT)
SOUGHT = "signed"


def only(table, states):
    return {role: held & states for role, held in table.items()}


#: Everybody reads these, recused or not: the public catalog, with active designations alone
PUBLIC = {"catalog", "catalog, searched", "catalog as JSON", "catalog as CSV", "catalog feed", "latest"}
LISTS = {
    "my proposals": READERS,
    "proposals by API": READERS,
    "proposals of a market": OFFICES,
    "queue": OFFICIALS | AGENCIES | {"ethics official": HELD},
    "intake": only(OFFICIALS, AT_INTAKE),
    "screening": only(OFFICIALS, {"consulted"}),
    "determinations": only(OFFICIALS, DECIDED) | {"lead": TOLD, "lead of another agency": TOLD},
    "designations": only(OFFICES, CHOSEN),
    "designations by API": only(READERS, CHOSEN),
    "board of the EDAG": only(OFFICIALS | EDAG, CHOSEN),
    "announcement of many": {"decision official": SIGNED},
    "one sought by its number": only(READERS, {SOUGHT}),
    "record, by the number": {"auditor": {SOUGHT}},
    "conflict cases": {"ethics official": HELD},
    "one's own interests": {"held reviewer": HELD, **CLOSED_TO},
    "interests of others": {},
    "reviewers": {},
    "export of reviewers": {},
    "suggested reviewers": only(OFFICERS, ASKED) | {"lead of another agency": {"accepted"}},
    "compliance checks": only(OFFICIALS, ASKED | {"prepared", "signed", "deferred"}),
    "scores as CSV": only(OFFICIALS, WITH_SHEETS),
    "reviews as CSV": only(OFFICIALS, WITH_SHEETS),
    "reviews as XLSX": only(OFFICIALS, WITH_SHEETS),
    "positions as CSV": only(OFFICIALS, WITH_SHEETS),
    "positions as XLSX": only(OFFICIALS, WITH_SHEETS),
}
#: Channels that tell of some of what the person may read, and of nothing else
WITHIN = {"tasks", "notices", "calendar", "mail", "mail that failed", "insights", "weights", "PDFs set aside"}


@pytest.fixture(scope="module")
def world(standing):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
        made = build()
        told = list(Notice.objects.filter(kind__startswith="evaluation").values_list("pk", flat=True))
        Delivery.objects.filter(notice__in=told).update(state=DeliveryState.FAILED)
        yield made


@pytest.fixture(scope="module")
def clients(world):
    return {role: client_of(person) for role, person in world.people.items()}


def addresses_of(world, channel, person):
    """The addresses of one channel; where it goes by call or by number, one for each proposal."""
    signed = [world.proposals[state].determinations.last().pk for state in sorted(DECIDED)]
    call = f"call={world.call.number}"
    match channel:
        case "my proposals":
            return [reverse("proposals:list")]
        case "proposals by API":
            return [f"{reverse('api-proposal-list')}?{call}"]
        case "one sought by its number":
            return [f"{reverse('api-proposal-list')}?number={world.proposals[SOUGHT].number}"]
        case "proposals of a market":
            return [reverse("financing:country", args=["KE"])]
        case "queue":
            return [reverse("evaluation:desk"), f"{reverse('evaluation:desk')}?status=late"]
        case "announcement of many":
            asked = "&".join(f"determination={pk}" for pk in signed)
            return [f"{reverse('evaluation:announcements')}?{asked}"]
        case "record, by the number":
            return [f"{reverse('evaluation:record')}?proposal={world.proposals[SOUGHT].number}"]
        case "insights" | "weights":
            name = "insights" if channel == "insights" else "insight-weights"
            return [f"{reverse(f'evaluation:{name}')}?{call}&weight-1=50"]
        case "mail that failed":
            return [f"{reverse('program:deliveries')}?state=failed"]
        case "calendar":
            feed = getattr(person, "calendar_feed", None)
            return [address_of(feed).removeprefix("https://portal.test")] if feed else []
        case _ if " as " in channel and channel not in PUBLIC:
            table, _, kind = channel.partition(" as ")
            path = reverse("evaluation:insight-export", args=[table, kind.lower()])
            return [f"{path}?{call}"]
    return [PLAIN[channel]()]


PLAIN = {
    "intake": partial(reverse, "evaluation:intake"),
    "screening": partial(reverse, "evaluation:screening"),
    "determinations": partial(reverse, "evaluation:determinations"),
    "designations": partial(reverse, "evaluation:designations"),
    "designations by API": partial(reverse, "api-designation-list"),
    "board of the EDAG": partial(reverse, "financing:designations"),
    "catalog": partial(reverse, "evaluation:catalog"),
    "catalog, searched": lambda: f"{reverse('evaluation:catalog')}?q=zebra",
    "catalog as JSON": lambda: f"{reverse('evaluation:catalog')}?format=json",
    "catalog as CSV": lambda: f"{reverse('evaluation:catalog')}?format=csv",
    "catalog feed": partial(reverse, "evaluation:catalog-feed"),
    "latest": partial(reverse, "evaluation:latest-designations"),
    "tasks": partial(reverse, "proposals:tasks"),
    "notices": partial(reverse, "program:notices"),
    "mail": partial(reverse, "program:deliveries"),
    "PDFs set aside": partial(reverse, "evaluation:papers"),
    "conflict cases": partial(reverse, "evaluation:conflict-cases"),
    "one's own interests": partial(reverse, "evaluation:interests"),
    "interests of others": partial(reverse, "evaluation:interest-people"),
    "reviewers": partial(reverse, "evaluation:reviewers"),
    "export of reviewers": partial(reverse, "evaluation:reviewers-export", args=["csv"]),
    "suggested reviewers": partial(reverse, "evaluation:suggestion"),
    "compliance checks": partial(reverse, "evaluation:compliance-list"),
}


def may(table, role):
    """What the table says of ``role``; who is recused or held keeps what is not closed to them."""
    _, is_kept_away, office = role.partition("recused ") if "recused " in role else role.partition("held ")
    if is_kept_away and role not in table:
        return table.get(office, set()) & {KEPT}
    return table.get(role, set())


def found_by(world, client, addresses):
    found = set()
    for address in addresses:
        is_part = address == reverse("evaluation:latest-designations")
        response = client.get(address, headers={"HX-Request": "true"} if is_part else {})
        assert response.status_code < 500, address
        if response.status_code == 200:
            text = text_of(content_of(response))
            for asked in parse_qs(address.partition("?")[2]).values():  # is said again in its field
                text = text.replace(f'value="{asked[0]}"', "")
            found |= world.spoken_of(text)
    return found


def told_apart(role, found, wanted):
    """A line for each cell of the matrix that is wrong."""
    yield from (f"{role} finds the {state} one" for state in sorted(found - wanted))
    yield from (f"{role} misses the {state} one" for state in sorted(wanted - found))


@pytest.mark.parametrize("channel", LISTS)
def test_each_list_and_export_shows_each_person_exactly_theirs(world, clients, channel):
    wrong = []
    for role, person in world.people.items():
        found = found_by(world, clients[role], addresses_of(world, channel, person))
        wanted = may(LISTS[channel], role)
        if channel == "designations by API":
            wanted = wanted | {"designated"}
        wrong += told_apart(role, found, wanted)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("channel", sorted(PUBLIC))
def test_everybody_reads_of_the_active_designation_alone(world, clients, channel):
    """What the anchor released is public, for who is recused too; of the others nobody learns anything."""
    for role in ("anonymous", "representative", "program officer", "reviewer", "recused reviewer"):
        found = found_by(world, clients[role], addresses_of(world, channel, world.people[role]))
        assert found == {"designated"}, (role, found)


@pytest.mark.parametrize("channel", sorted(WITHIN))
def test_what_is_told_besides_is_told_of_what_one_may_read(world, clients, channel):
    wrong, told = [], set()
    for role, person in world.people.items():
        found = found_by(world, clients[role], addresses_of(world, channel, person))
        told |= found
        wrong += told_apart(role, found - may(TOLD_OF, role), set())
    assert not wrong, "\n".join(wrong)
    assert told or channel in {"insights", "weights", "PDFs set aside"}, "Nobody is told anything here."


@pytest.mark.parametrize("role", ["held reviewer", *CLOSED_TO])
def test_of_what_is_held_or_closed_one_reads_the_number_alone(world, clients, role):
    """On every page that tells of it; what the package says is closed."""
    client, person = clients[role], world.people[role]
    channels = ("one's own interests", "tasks", "notices", "mail", "calendar")
    addresses = [address for channel in channels for address in addresses_of(world, channel, person)]
    if role not in CLOSED_TO:
        addresses += [reverse("evaluation:conflict-case", args=[world.cases[state].pk]) for state in HELD]
    texts = {address: text_of(content_of(client.get(address))) for address in addresses}
    assert set().union(*map(world.spoken_of, texts.values())) >= HELD
    closed = [
        (address, state) for address, text in texts.items() for state in HELD if f"zebra{state}" in text
    ]
    assert not closed


def test_each_comment_is_read_by_those_whom_its_grade_names(world, clients):
    """ADR 23: to the Program office, its officers and who speaks with them; the rest is read by offices."""
    by_office = {
        "own_agency:STATE": ("lead", "reviewer", "auditor"),
        "all_agencies": (*OFFICIALS, *AGENCIES),
        "program_office": (*OFFICERS, "auditor"),
    }
    for state in sorted(CONSULTED):
        address = reverse("evaluation:discussion", args=[world.proposals[state].number])
        texts = {role: text_of(content_of(client.get(address))) for role, client in clients.items()}
        for room, author in SPOKEN.items():
            said = f"zebra{state}, to {room}."
            table = {role: {state} for role in by_office[room]}
            readers = {role for role in clients if may(table, role)}
            assert {role for role, text in texts.items() if said in text} == readers | {author}, (state, room)


def proposal(world, state):
    return world.proposals[state]


def version_of(name, *more):
    return lambda world, state: reverse(name, args=[proposal(world, state).pk, 1, *more])


def by_number(name):
    return lambda world, state: reverse(name, args=[proposal(world, state).number])


def by_key(name, find):
    return lambda world, state: reverse(name, args=[find(world, state).pk])


def referral(world, state, agency="STATE"):
    return make.referral_of(proposal(world, state), agency)


def determination(world, state):
    return proposal(world, state).determinations.last()


def designation(world, state):
    return proposal(world, state).designations.get()


def amendment(world, state):
    return world.amendments[state]


def case(world, state):
    return world.cases[state]


def of_designation(name, *more):
    return lambda world, state: reverse(name, args=[designation(world, state).number, *more])


def theirs(name):
    return lambda world, state: reverse(name, args=[proposal(world, state).pk])


def part(name, *more):
    return lambda world, state: reverse(name, args=[proposal(world, state).pk, "hardware", *more])


#: Each page, file and answer of one proposal: its address, in which states it is there, and for whom
OBJECTS = {
    "page of the team": (theirs("proposals:detail"), {"draft", "signed"}, READERS),
    "working copy": (part("proposals:part"), {"consulted"}, TEAM),
    "package as JSON": (theirs("proposals:package-json"), {"consulted"}, TEAM),
    "workbook": (theirs("proposals:package-workbook"), {"consulted"}, TEAM),
    "deadline as calendar": (theirs("proposals:calendar"), {"draft"}, TEAM),
    "API": (theirs("api-proposal-detail"), EVERY, READERS),
    "version": (version_of("proposals:version"), {"submitted", "accepted", "designated"}, READERS),
    "version as JSON": (version_of("proposals:receipt-json", "package"), {"declined"}, READERS),
    "receipt": (version_of("proposals:receipt-of"), {"signed"}, READERS),
    "receipt as PDF": (version_of("proposals:receipt-pdf"), {"signed"}, READERS),
    "package as PDF": (version_of("proposals:package-pdf"), {"signed"}, READERS),
    "questions": (theirs("evaluation:questions"), {"consulted"}, READERS),
    "question by API": (
        by_key("api-question-detail", lambda w, s: proposal(w, s).information_requests.get()),
        {"consulted"}, READERS,
    ),
    "page of the desk": (
        by_number("evaluation:proposal"), {KEPT, "returned", "signed", "withdrawn"}, OFFICES,
    ),
    "compliance": (by_number("evaluation:compliance"), {"accepted"}, OFFICIALS),
    "intake": (by_number("evaluation:intake-proposal"), {"submitted"}, OFFICIALS),
    "assignments": (
        by_number("evaluation:assignments"), {"accepted"},
        OFFICIALS | {"lead": TAKEN, "lead of another agency": TAKEN, "decision official": set()},
    ),
    "consultation": (by_key("evaluation:position", referral), {"prepared"}, OFFICIALS | AGENCIES),
    "sheet": (
        by_key("evaluation:review", lambda w, s: w.sheets[s]), {"consulted"},
        OFFICIALS | {"lead": TAKEN, "reviewer": TAKEN},
    ),
    "escalation": (
        by_key("evaluation:escalation", lambda w, s: proposal(w, s).escalations.get()), {"consulted"},
        OFFICIALS | {"lead": TAKEN, "lead of another agency": TAKEN},
    ),
    "determination": (
        by_key("evaluation:determination", determination), {"prepared", "signed", "declined", "designated"},
        OFFICIALS | {"lead": TOLD, "lead of another agency": TOLD},
    ),
    "packet as JSON": (
        by_key("evaluation:packet", determination), {"prepared", "deferred"},
        OFFICIALS | {"lead": TOLD, "lead of another agency": TOLD},
    ),
    "packet as PDF": (
        by_key("evaluation:packet-pdf", determination), {"signed", "declined"},
        OFFICIALS | {"lead": TOLD, "lead of another agency": TOLD},
    ),
    "letter": (
        by_key("evaluation:letter", lambda w, s: proposal(w, s).letters.last()), {"declined", "designated"},
        READERS,
    ),
    "designation": (of_designation("evaluation:designation"), {"suspended"}, OFFICES),
    "catalog review": (of_designation("evaluation:catalog-review"), {"designated"}, OFFICES),
    "discussion": (
        by_number("evaluation:discussion"), {"submitted", "consulted", "designated"}, OFFICIALS | AGENCIES,
    ),
    "conflict case": (
        by_key("evaluation:conflict-case", case), {"returned", "consulted", "designated"},
        {"ethics official": HELD, "held reviewer": HELD},
    ),
    "amendment": (by_key("evaluation:amendment", amendment), CHOSEN, OFFICIALS),
    "amendment as JSON": (by_key("evaluation:amendment-json", amendment), CHOSEN, OFFICIALS),
    "announcement of an amendment": (
        by_key("evaluation:amendment-announcement", amendment), {"suspended"}, OFFICIALS,
    ),
    "designation at the EDAG": (of_designation("financing:designation"), {"suspended"}, OFFICIALS | EDAG),
    "suspended designation by API": (of_designation("api-designation-detail"), {"suspended"}, READERS),
}  # fmt: skip


def is_open(response):
    if response.status_code == 302:
        return "/accounts/" not in response.headers["Location"]
    return response.status_code == 200


@pytest.mark.parametrize("name", OBJECTS)
def test_each_record_opens_for_exactly_those_who_may_read_it(world, clients, name):
    address_in, states, table = OBJECTS[name]
    wrong = []
    for state in sorted(states):
        address = address_in(world, state)
        for role, client in clients.items():
            response = client.get(address)
            assert response.status_code < 500, (role, address)
            opened = {state} if is_open(response) else set()
            wrong += told_apart(role, opened, may(table, role) & {state})
    assert not wrong, "\n".join(wrong)


#: Files of a proposal that are read as a PDF, each with what a worker makes it of, and for whom
PAPERS = {
    "receipt": (
        version_of("proposals:receipt-pdf"),
        lambda world, state: render_receipt(
            ReceiptPaper.objects.get(receipt__version__proposal=proposal(world, state)).pk
        ),
        {"consulted", "signed"},
        READERS,
    ),
    "package": (
        version_of("proposals:package-pdf"),
        lambda world, state: render_package(
            ask_package_pdf(proposal(world, state).versions.get(), by=world.people["representative"]).pk
        ),
        {"consulted", "signed"},
        READERS,
    ),
    "packet": (
        by_key("evaluation:packet-pdf", determination),
        lambda world, state: render_packet(
            services.ask_packet_pdf(determination(world, state), by=world.people["decision official"]).pk
        ),
        {"signed", "declined"},
        OFFICIALS | {"lead": TOLD, "lead of another agency": TOLD},
    ),
    "letter": (
        by_key("evaluation:letter", lambda w, s: proposal(w, s).letters.last()),
        lambda world, state: render_letter(proposal(world, state).letters.last().paper.pk),
        {"declined"},
        READERS,
    ),
}
#: What is said of a proposal for some of its readers alone: the words, and who may read them wherever
SAID_TO_SOME = {
    "A sister works there.": {"ethics official", "held reviewer"},
    "A former employer is a member.": set(OFFICIALS),
    "Measured in two wards.": {*OFFICIALS, *AGENCIES},
    "It works and helps an ally.": {*OFFICIALS, *AGENCIES},
    "Fictional Holdings": {"ethics official", "held reviewer"},
    "Fictional Dragonfly": set(READERS),
    **{f", to {room}.": {*OFFICIALS, *AGENCIES} for room in SPOKEN},
}


@pytest.mark.parametrize("name", PAPERS)
def test_each_pdf_says_to_each_reader_only_what_they_may_read(world, clients, name, settings, tmp_path):
    """Made by the press from the record, opened by everybody, and read: not only whether it opens."""
    settings.MEDIA_ROOT = str(tmp_path)
    address_in, make_it, states, table = PAPERS[name]
    wrong = []
    for state in sorted(states):
        make_it(world, state)
        address = address_in(world, state)
        for role, client in clients.items():
            content = content_of(response := client.get(address))
            is_read = response.status_code == 200 and content.startswith(b"%PDF-")
            wrong += told_apart(role, {state} if is_read else set(), may(table, role) & {state})
            if not is_read:
                continue
            text = " ".join(text_of(content).split())
            assert len(text) > 200, "nothing can be judged"
            wrong += told_apart(role, world.spoken_of(text), {state})
            wrong += [
                f"{role} reads “{words}” in the {name} of the {state} one"
                for words, readers in SAID_TO_SOME.items()
                if words in text and role not in readers
            ]
    assert not wrong, "\n".join(wrong)


@dataclass
class Act:
    """An act on the proposal of one state: where it is sent, who may, and who only hears why not."""

    address: Any
    state: str
    who: tuple[str, ...]
    body: Callable[..., dict[str, Any]] = lambda world, state: {}
    in_vain: tuple[str, ...] = ()


OFFICER = ("program officer", "second program officer")
CHIEF = ("decision official",)
LEAD = ("lead",)
LEADS = ("lead", "lead of another agency")
SIDE = ("representative", "member of the consortium", "counsel")
IN_GOVERNMENT = (
    *OFFICIALS, *AGENCIES, *EDAG, "reviewer of the agency, never assigned", "reviewer of another agency",
    "held reviewer", "ethics official", "ethics official of another agency",
    "recused program officer", "recused decision official", "recused auditor", "recused lead",
    "recused reviewer",
)  # fmt: skip
SPEAKING = (*OFFICER, *CHIEF, *LEADS, "reviewer")


def own(name, find, *more):
    """An address under the proposal's number with the key of a record."""
    return lambda world, state: reverse(
        name, args=[proposal(world, state).number, find(world, state).pk, *more]
    )


def check_of(model):
    return lambda world, state: model.objects.filter(run__version__proposal=proposal(world, state)).first()


def question(world, state):
    return proposal(world, state).information_requests.get()


def sheet(world, state):
    return world.sheets[state]


def score(world, state):
    found = world.sheets[state]
    return reverse("evaluation:score-save", args=[found.pk, found.scores.first().pk])


def condition(world, state):
    found = designation(world, state)
    return reverse("evaluation:condition-meet", args=[found.number, found.conditions.get().pk])


def answer_to(name):
    return lambda world, state: reverse(name, args=[proposal(world, state).pk, question(world, state).pk])


def findings(world, state):
    requirements = proposal(world, state).call.requirements.all()
    return {f"requirement-{requirement.pk}": "accepted" for requirement in requirements}


def reviewer_of_state(world, state):
    reviewer = world.people["reviewer of the agency, never assigned"]
    return {"assign-agency": Agency.objects.get(code="STATE").pk, "assign-reviewer": reviewer.pk}


def person_of_state(world, state):
    person = world.people["reviewer of the agency, never assigned"]
    return {"recuse-person": person.pk, "recuse-reason": "A cousin."}


def new_last_day(world, state):
    return {f"reopen-{referral(world, state).pk}-due_on": clock.today() + timedelta(days=9)}


def decision(world, state):
    found = determination(world, state)
    return {"outcome": "designate", "rationale": "It serves.", "revision": found.revision}


def new_condition(world, state):
    said_of = dict.fromkeys(("text", "owner", "evidence", "effect"), "A supplier is named.")
    return {f"condition-{name}": value for name, value in {**said_of, "due_on": "2030-01-02"}.items()}


def text_waiting(world, state):
    found = CatalogRelease.objects.filter(designation=designation(world, state)).latest("number")
    return {"text": found.number, "reason": "Say less."}


def comment(name):
    return lambda world, state: reverse(
        name, args=[proposal(world, state).number, world.comments[state, "own_agency:STATE"].pk]
    )


def asked_about(world, state):
    person = world.people["reviewer of the agency, never assigned"]
    return {"ask-person": person.pk, "ask-text": "A cousin works there."}


def amendment_text(world, state):
    found = type(amendment(world, state)).objects.get(pk=amendment(world, state).pk)
    return {"reason": "It narrows.", "clause": found.clause, "revision": found.revision}


def lifted(world, state):
    return {"kind": "lift", "condition": designation(world, state).conditions.get().number}


def lift(world, state):
    found = amendment(world, state)
    keys = [found.pk, found.condition_changes.get().pk]
    return reverse("evaluation:amendment-condition-remove", args=keys)


def need(world, state):
    return {"agency": "STATE", "call": world.call.number, "number": 3}


def suggested(world, state):
    person = world.people["reviewer of the agency, never assigned"]
    return {"row": f"{referral(world, state).pk}-{person.pk}"}


def said(**values):
    return lambda world, state: values


ACTS = {
    "find on completeness": Act(by_number("evaluation:completeness-save"), "submitted", OFFICER, findings),
    "accept": Act(by_number("evaluation:intake-accept"), "submitted", OFFICER),
    "return": Act(by_number("evaluation:intake-return"), "submitted", OFFICER),
    "screen": Act(by_number("evaluation:intake-screen"), "submitted", OFFICER),
    "give more time": Act(by_number("evaluation:proposal-extend"), "submitted", OFFICER),
    "settle a match": Act(by_key("evaluation:check-adjudicate", check_of(PartyCheck)), "consulted", OFFICER),
    "weigh a flag": Act(
        by_key("evaluation:compliance-weigh", check_of(ComplianceCheck)), "consulted", OFFICER
    ),
    "assign": Act(
        by_number("evaluation:reviewer-assign"), "consulted", (*OFFICER, *LEADS), reviewer_of_state
    ),
    "recuse": Act(by_number("evaluation:person-recuse"), "consulted", (*OFFICER, *LEADS), person_of_state),
    "end an assignment": Act(
        own("evaluation:assignment-end", lambda w, s: sheet(w, s).assignment), "accepted",
        (*OFFICER, *LEAD, "reviewer"), said(reason="Ill."),
    ),
    "declare": Act(
        by_key("evaluation:conflict-declare", lambda w, s: sheet(w, s).assignment), "accepted", ("reviewer",)
    ),
    "save a sheet": Act(by_key("evaluation:review-save", sheet), "accepted", ("reviewer",)),
    "save a score": Act(score, "accepted", ("reviewer",)),
    "submit a sheet": Act(by_key("evaluation:review-submit", sheet), "accepted", ("reviewer",)),
    "reopen a sheet": Act(by_key("evaluation:review-reopen", sheet), "consulted", LEAD),
    "acknowledge": Act(by_key("evaluation:referral-acknowledge", referral), "accepted", LEAD),
    "draft a position": Act(by_key("evaluation:position-draft", referral), "accepted", LEAD),
    "file a position": Act(by_key("evaluation:position-file", referral), "accepted", LEAD),
    "write to an escalation": Act(
        by_key("evaluation:escalation-add", lambda w, s: proposal(w, s).escalations.get()), "consulted",
        OFFICER,
        said(level="staff", participants="Both.", minutes="Talked."),
    ),
    "pause clocks": Act(by_number("evaluation:clocks-pause"), "consulted", OFFICER),
    "let a clock go on": Act(own("evaluation:referral-resume", referral), "consulted", OFFICER),
    "consult again": Act(own("evaluation:referral-reopen", referral), "consulted", OFFICER, new_last_day),
    "ask": Act(by_number("evaluation:question-ask"), "consulted", (*OFFICER, *LEADS)),
    "withdraw a question": Act(own("evaluation:question-withdraw", question), "consulted", OFFICER),
    "answer a question": Act(answer_to("evaluation:question-answer"), "consulted", SIDE[:2]),
    "draft an answer": Act(answer_to("evaluation:question-draft"), "consulted", SIDE[:2]),
    "prepare": Act(by_number("evaluation:determination-prepare"), "consulted", OFFICER),
    "save a determination": Act(
        by_key("evaluation:determination-save", determination), "prepared", OFFICER, decision
    ),
    "add a condition": Act(by_key("evaluation:condition-add", determination), "prepared", OFFICER,
        new_condition),
    "renew": Act(by_key("evaluation:determination-renew", determination), "prepared", OFFICER),
    "put up for clearance": Act(by_key("evaluation:determination-ready", determination), "prepared", OFFICER),
    "clear": Act(by_key("evaluation:determination-clear", determination), "prepared", OFFICER[1:]),
    "send back": Act(
        by_key("evaluation:determination-send-back", determination), "prepared", (*OFFICER[1:], *CHIEF)
    ),
    "sign": Act(by_key("evaluation:determination-sign", determination), "prepared", CHIEF),
    "recall": Act(by_key("evaluation:determination-recall", determination), "signed", CHIEF),
    "announce": Act(by_key("evaluation:determination-announce", determination), "signed", CHIEF),
    "ask for the packet": Act(
        by_key("evaluation:packet-ask", determination), "signed", (*OFFICER, *CHIEF, "auditor")
    ),
    **{
        act: Act(of_designation("evaluation:designation-act", act), "designated", CHIEF)
        for act in ("suspend", "revoke")
    },
    "reinstate": Act(of_designation("evaluation:designation-act", "reinstate"), "suspended", CHIEF),
    "find a condition met": Act(condition, "designated", OFFICER),
    "publish": Act(of_designation("evaluation:catalog-publish"), "designated", OFFICER, text_waiting),
    "show a withheld text": Act(
        of_designation("evaluation:catalog-restore"), "designated", OFFICER,
        lambda world, state: {"restore-reason": "It names another rack."},
    ),
    "give a text back": Act(of_designation("evaluation:catalog-return"), "designated", OFFICER, text_waiting),
    "release": Act(theirs("evaluation:catalog-release"), "designated", SIDE[:1]),
    "take out of the catalog": Act(theirs("evaluation:catalog-withdraw"), "designated", SIDE[:1]),
    "speak": Act(
        by_number("evaluation:comment-write"), "consulted", SPEAKING, said(room="all_agencies", text="Look.")
    ),
    "draft a comment": Act(
        by_number("evaluation:comment-draft"), "consulted", SPEAKING, said(room="all_agencies", text="Look.")
    ),
    "mark as read": Act(
        by_number("evaluation:discussion-read"), "consulted", (*SPEAKING, "auditor"), said(up_to=2**62)
    ),
    "edit a comment": Act(
        comment("evaluation:comment-edit"), "consulted", ("reviewer",), said(text="Look again.", seen=1)
    ),
    "withdraw a comment": Act(comment("evaluation:comment-withdraw"), "consulted", ("reviewer",)),
    "ask the ethics official": Act(
        by_number("evaluation:conflict-raise"), "consulted", (*OFFICER, *LEADS), asked_about
    ),
    "clear a conflict": Act(
        by_key("evaluation:conflict-clear", case), "consulted", ("ethics official",),
        said(**{"clear-basis": "5 CFR 2635.502(c)(2)", "clear-reason": "It ended."}),
    ),
    "recuse by a conflict": Act(
        by_key("evaluation:conflict-recuse", case), "consulted", ("ethics official",),
        said(**{"recuse-basis": "5 CFR 2635.502(e)", "recuse-reason": "It stands."}),
    ),
    "stay away from a case": Act(
        by_key("evaluation:conflict-stay-away", case), "consulted", ("ethics official",),
        said(**{"away-reason": "It is too near."}),
    ),
    "declare by office": Act(
        by_number("evaluation:own-conflict"), "consulted", (*OFFICER, *CHIEF, *LEADS),
        said(has_conflict="no", text="Another company."),
    ),
    "recuse oneself": Act(
        by_key("evaluation:conflict-recuse-oneself", case), "consulted", ("held reviewer",),
        said(reason="It is too near."),
    ),
    "withdraw an interest": Act(
        lambda world, state: reverse("evaluation:interest-withdraw", args=[world.interest.pk]), "consulted",
        ("held reviewer",), said(reason="Sold."),
    ),
    "confirm interests": Act(
        lambda world, state: reverse("evaluation:interests-confirm"), "consulted", IN_GOVERNMENT
    ),
    "say how many reviewers": Act(
        lambda world, state: reverse("evaluation:reviewers-needed"), "consulted",
        (*OFFICER, *LEAD, "recused program officer", "recused lead"), need,
    ),
    "confirm a suggestion": Act(
        lambda world, state: reverse("evaluation:suggestion-confirm"), "accepted", (*OFFICER, *LEAD),
        suggested, ("lead of another agency", "recused program officer", "recused lead"),
    ),
    "begin an amendment": Act(of_designation("evaluation:amendment-prepare"), "designated", OFFICER),
    "save an amendment": Act(
        by_key("evaluation:amendment-save", amendment), "designated", OFFICER, amendment_text
    ),
    "amend a condition": Act(
        by_key("evaluation:amendment-condition", amendment), "designated", OFFICER, lifted
    ),
    "leave a condition": Act(lift, "designated", OFFICER),
    "put up an amendment": Act(by_key("evaluation:amendment-ready", amendment), "designated", OFFICER),
    "give up an amendment": Act(by_key("evaluation:amendment-drop", amendment), "designated", OFFICER),
    "clear an amendment": Act(by_key("evaluation:amendment-clear", amendment), "designated", OFFICER[1:]),
    "send back an amendment": Act(
        by_key("evaluation:amendment-send-back", amendment), "designated", (*OFFICER[1:], *CHIEF)
    ),
    "sign an amendment": Act(by_key("evaluation:amendment-sign", amendment), "designated", CHIEF),
    "recall an amendment": Act(by_key("evaluation:amendment-recall", amendment), "suspended", CHIEF),
    "announce an amendment": Act(by_key("evaluation:amendment-announce", amendment), "suspended", CHIEF),
    "certify": Act(theirs("proposals:certify"), "draft", SIDE[:1]),
    "submit": Act(theirs("proposals:submit"), "draft", SIDE[:1]),
    "resubmit": Act(theirs("proposals:resubmit"), "consulted", SIDE[:1]),
    "withdraw": Act(theirs("proposals:withdraw"), "consulted", SIDE[:1]),
    "report a change": Act(theirs("proposals:report-change"), "consulted", SIDE[:2]),
    "add a component": Act(
        part("proposals:row-add", "component"), "draft",
        SIDE[:2],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_each_act_is_refused_to_everybody_whose_it_is_not(world, clients, name):
    """As absent or as forbidden, and nothing is changed; whose it is hears something else."""
    act, wrong = ACTS[name], []
    address, body = act.address(world, act.state), act.body(world, act.state)
    for role, client in clients.items():
        if act.state in NEVER_SENT and role.startswith("recused"):
            role = role.removeprefix("recused ")
        earlier, point = writes(), transaction.savepoint()
        response = client.post(address, body)
        changed = touched_since(earlier)
        transaction.savepoint_rollback(point)
        assert response.status_code < 500, (role, address)
        is_refused = response.status_code in (403, 404) or not is_open_to(response)
        if role in (*act.who, *act.in_vain) and is_refused:
            wrong.append(f"{role} is refused: {response.status_code}")
        elif role not in (*act.who, *act.in_vain) and not is_refused:
            wrong.append(f"{role} is heard: {response.status_code}")
        elif role not in act.who and changed:
            wrong.append(f"{role} changed {changed}")
    assert not wrong, "\n".join(wrong)


def is_open_to(response):
    return not (response.status_code == 302 and "/accounts/login" in response.headers["Location"])


def test_every_act_of_the_evaluation_on_a_proposal_is_in_the_table(world):
    """An address that takes a POST alone and names a record of the evaluation."""
    elsewhere = {"evaluation:review-begin", "evaluation:condition-remove", "evaluation:check-correct",
             "evaluation:check-reopen", "evaluation:announce-together", "evaluation:paper-again",
             "evaluation:time-decline", "evaluation:record-verify"}  # fmt: skip
    met = {resolve(act.address(world, act.state)).view_name for act in ACTS.values()}
    posts = {
        route.name for route in OURS if route.name.startswith("evaluation:") and refuses(route.name, "get")
    }
    assert posts - met == elsewhere
