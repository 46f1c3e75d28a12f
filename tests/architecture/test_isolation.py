"""Nobody gets a record of others by its id, and nobody reads a field that is not theirs (C02, C03).

Every address of the portal that names a record is asked for with real keys by everybody. Who may not see
the record gets to the byte what a key without a record gets; a canary word appears only for its readers.
"""

from __future__ import annotations

import io
import re
from copy import deepcopy
from functools import cache, partial
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from config.second_factor import VERIFIED
from evaluation.models import LetterPaper
from evaluation.querysets import papers_of
from evaluation.services import recuse
from proposals.enums import Part
from proposals.invitations import token_of
from proposals.models import Proposal
from proposals.services import remove_team_member
from tests.architecture.routes import OURS
from tests.architecture.two_consortia import build, on_team, sees

pytestmark = pytest.mark.django_db
ABSENT = 99_999_999
NOWHERE = "AIX-2026-99999"
# One pattern for all; what a page shows anew each time is not part of its answer
CHANGING = re.compile(
    r'(name="csrfmiddlewaretoken" value="[^"]*")|("request_id": ?"[^"]*")|(nonce="[^"]*")|(data-now="[^"]*")'
)
# Addresses that name no record of a consortium: public matter, or the Government's own household
OPEN = {
    "program:call-detail", "program:call-calendar", "program:call-follow", "program:call-ask",
    "api-call-detail",
    "evaluation:catalog-entry", "financing:country", "financing:country_class",
    "financing:workstream", "financing:barrier", "financing:partnership",
    "program:office-end", "program:delegation-end", "program:session-end",
}  # fmt: skip

# Addresses under a proposal that say something new once it is designated
LATER = {
    "api-proposal-detail", "proposals:detail", "proposals:version", "financing:support",
    "evaluation:questions",
    "evaluation:catalog-release", "evaluation:catalog-withdraw",
}  # fmt: skip
# Who also sends forms to what they may not see
SENDERS = {
    "nobody", "their representative", "our former contributor", "recused program officer", "recused lead",
    "unassigned reviewer", "edag officer",
}  # fmt: skip


@pytest.fixture(scope="module")
def built(standing):
    return build()


@pytest.fixture
def world(built, monkeypatch):
    """Both consortia; a test may change its own copy, and what it writes is taken back."""
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
    return deepcopy(built)


def by_name():
    return {route.name: route.pattern for route in OURS if "<" in route.pattern}


def keyed(world):
    """Of every address that names a record: its name, the real keys, absent keys, and who may see it."""
    routes = by_name()
    seen = {record: partial(listed, record=getattr(world, record)) for record in world.records}
    for name, pattern in routes.items():
        if name in OPEN:
            continue
        yield from cases(world, name, pattern, seen)


def listed(user, record):
    """Whether the record stands in the list of what ``user`` may see."""
    return type(record).objects.visible_to(user).filter(pk=record.pk).exists()


def reads_paper(world, user):
    return papers_of(LetterPaper, user).filter(pk=world.letter.paper.pk).exists()


def reads_by_office(proposal, user):
    return Proposal.objects.read_by_office(user).filter(pk=proposal.pk).exists()


def cases(world, name, pattern, seen):
    def case(real, absent, sees_it):
        yield name, real, {**real, **absent}, sees_it

    def by_pk(record, rule=None, **more):
        return case({"pk": getattr(world, record).pk, **more}, {"pk": ABSENT}, rule or seen[record])

    def reads_facts(user):
        return on_team(user, world.consortium) or seen["organization"](user)

    if name == "api-proposal-detail" or pattern.startswith("proposals/<int:pk>/"):
        for part in ("draft", "inside", "done") if name in LATER else ("draft", "inside"):
            yield from by_pk(part, **rest(world, name, part))
    elif name == "api-designation-detail" or "designations/<" in pattern:
        more = {"act": "suspend"} if "<slug:act>" in pattern else {}
        more |= {"pk": ABSENT - 1} if "<int:pk>" in pattern else {}
        real = {"number": world.designation.number, **more}
        sees_it = seen["designation"] if name.startswith("api-") else partial(reads_by_office, world.done)
        yield from case(real, {"number": "AIX-D-2026-9999"}, sees_it)
    elif re.match(r"desk/(intake|proposals|assignments)/<str:number>", pattern):
        for record in ("inside", "done"):
            more = {"pk": ABSENT - 1} if "<int:pk>" in pattern else {}
            real = {"number": getattr(world, record).number, **more}
            yield from case(real, {"number": NOWHERE}, partial(reads_by_office, getattr(world, record)))
    elif pattern.startswith("desk/calls/<"):
        more = {"pk": world.planned.criteria.first().pk} if "criteria/<int:pk>" in pattern else {}
        more |= {"pk": world.planned.requirements.first().pk} if "requirements/<int:pk>" in pattern else {}
        real = {"number": world.planned.number, **more}
        yield from case(real, {"number": "AIX-C-2026-9999"}, seen["planned"])
    elif pattern.startswith("edag/referrals/<"):
        yield from case({"number": world.tool_referral.number}, {"number": NOWHERE}, seen["tool_referral"])
    elif pattern.startswith("desk/papers/"):
        real = {"kind": "letter", "pk": world.letter.paper.pk}
        yield from case(real, {"kind": "letter", "pk": ABSENT}, partial(reads_paper, world))
    elif name == "proposals:invitation":
        real = {"token": token_of(world.invitation)}
        yield from case(real, {"token": "none:none"}, lambda user: True)
    else:
        prefixes = [
            ("consortia/", "consortium", None),
            ("members/", "membership", None),
            ("team/", "place", None),
            ("anchor-offers/", "anchor_offer", None),
            ("invitations/", "invitation", seen["invited"]),
            ("letters/", "letter", None),
            ("notices/", "notice", None),
            ("questions/", "asked", None),
            ("desk/questions/", "asked", None),
            ("organizations/", "organization", reads_facts if name.startswith("proposals:") else None),
            ("desk/assigned/", "assignment", None),
            ("desk/reviews/", "review", None),
            ("desk/positions/", "referral", None),
            ("desk/determinations/", "determination", None),
            ("desk/screening/", "check", None),
            ("edag/meetings/", "meeting", None),
            ("edag/items/", "item", None),
            ("edag/actions/", "action", None),
        ]
        record, rule = next((r, rule) for prefix, r, rule in prefixes if pattern.startswith(prefix))
        more = {}
        if "<int:holding>" in pattern:
            more["holding"] = world.holding.pk
        if "<int:score_pk>" in pattern:
            more["score_pk"] = world.score.pk
        if "<int:condition_pk>" in pattern:
            more["condition_pk"] = world.condition.pk
        yield from by_pk(record, rule, **more)


def rest(world, name, record):
    """The further keys of an address under a proposal."""
    proposal = getattr(world, record)
    pattern = by_name()[name]
    wanted = set(re.findall(r"<(?:\w+:)?(\w+)>", pattern)) - {"pk"}
    attachment = proposal.attachments.get()
    component = proposal.components.first()
    values = {
        "part": "hardware", "key": component.key, "kind": "component", "user": world.counsel.pk,
        "attachment": attachment.pk, "number": 1, "other": 1, "what": "package",
        "sha256": attachment.document.sha256, "question_pk": world.question.pk,
        "comment": getattr(proposal.comments.first(), "pk", ABSENT),
        "removed": getattr(proposal.removed_rows.first(), "pk", ABSENT),
        "file": world.question.files.get().pk,
        "replaced": attachment.replaced_files.get().pk, "upload": proposal.uploads.get().pk,
    }  # fmt: skip
    assert values["part"] in Part.values
    return {key: values[key] for key in wanted}


def client_of(person):
    client = Client(raise_request_exception=False)
    if person.is_authenticated:
        client.force_login(person)
        session = client.session
        session[VERIFIED] = person.pk
        session.save()
    return client


def answer(client, method, address):
    """Status, place and text of an answer, without what is new each time."""
    response = getattr(client, method)(address)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    text = text_of_paper(content) if content.startswith(b"%PDF-") else content.decode("utf-8", "replace")
    place = response.headers.get("Location", "")
    return response.status_code, place, text


@cache
def text_of_paper(content):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def comparable(found, address):
    status, place, text = found
    for said in (address, quote(address, safe=""), quote(address)):
        place, text = place.replace(said, "HERE"), text.replace(said, "HERE")
    return status, place, CHANGING.sub("", text)


def words_of(world, user):
    """The canaries that ``user`` may read nowhere."""
    return [matter.word for matter in world.matters if not (user.is_authenticated and matter.readers(user))]


def lists():
    """Every address without a key: lists, home, desks, the API."""
    return [route.address for route in OURS if "<" not in route.pattern and route.pattern != "accounts/"]


def test_every_address_with_a_key_is_in_the_crawl(world):
    crawled = {name for name, *_ in keyed(world)} | OPEN
    assert crawled == set(by_name())


@pytest.mark.slow
def test_nobody_reads_what_is_not_theirs(world):
    wrong, read = [], {matter.word: set() for matter in world.matters}
    entries = list(keyed(world))
    for role, person in world.people.items():
        client = client_of(person)
        hidden = words_of(world, person)

        def look(address, found, role=role, hidden=hidden):
            text = found[2].lower()
            if found[0] >= 500 and found[0] != 503:
                wrong.append(f"{role} gets {found[0]} at {address}")
            if "zebra" not in text:
                return
            wrong.extend(f"{role} reads {word} at {address}" for word in hidden if word in text)
            for word in read:
                if word in text:
                    read[word].add(role)

        for address in lists():
            look(address, answer(client, "get", address))
        visible, nothing = {}, {}
        for name, real, absent, sees_it in entries:
            key = id(sees_it)
            if key not in visible:
                visible[key] = person.is_authenticated and bool(sees_it(person))
            address, elsewhere = reverse(name, kwargs=real), reverse(name, kwargs=absent)
            found = answer(client, "get", address)
            if name == "proposals:invitation":  # who holds the link is who it was sent to
                continue
            look(address, found)
            if visible[key]:
                continue
            for method in ("get", "post") if role in SENDERS else ("get",):
                found = found if method == "get" else answer(client, method, address)
                look(address, found)
                if (name, method) not in nothing:
                    nothing[name, method] = comparable(answer(client, method, elsewhere), elsewhere)
                if comparable(found, address) != nothing[name, method]:
                    wrong.append(
                        f"{role} can tell {method.upper()} {address} ({found[0]}) from an absent key"
                    )
    assert not wrong, "\n".join(wrong)
    unread = {word for word, roles in read.items() if not roles}
    assert not unread, f"These words appear nowhere, so their crawl proves nothing: {unread}"


def test_own_record_with_a_key_of_others_inside_is_absent(world):
    """An address with two keys: the first is one's own, the second another's."""
    their, inside, other = world.people["their representative"], world.inside, world.other
    component, statement = inside.components.first(), inside.attachments.get()
    row_, no_row = {"pk": other.pk, "part": "hardware", "key": component.key}, {"key": "component-99999999"}
    file_ = {"pk": other.pk, "number": 1, "sha256": statement.document.sha256}
    question_ = {"pk": other.pk, "question_pk": world.question.pk}
    owner_ = {"pk": other.consortium.anchor.organization_id, "holding": world.holding.pk}
    files = [f"proposals:document{which}" for which in ("", "-replace", "-again", "-release")]
    earlier_ = {"pk": other.pk, "attachment": other.attachments.get().pk}
    earlier_ |= {"replaced": statement.replaced_files.get().pk}
    upload_ = {"pk": other.pk, "upload": inside.uploads.get().pk}
    doubles = [
        ("proposals:row-edit", row_, no_row),
        ("proposals:row-remove", row_, no_row),
        *((name, {"pk": other.pk, "attachment": statement.pk}, {"attachment": ABSENT}) for name in files),
        ("proposals:document-earlier", earlier_, {"replaced": ABSENT}),
        ("proposals:upload", upload_, {"upload": ABSENT}),
        ("proposals:upload-discard", upload_, {"upload": ABSENT}),
        ("proposals:version-document", file_, {"sha256": "0" * 64}),
        ("proposals:access-revoke", {"pk": other.pk, "user": world.counsel.pk}, {"user": ABSENT}),
        ("proposals:comment", {"pk": other.pk, "comment": world.comment.pk}, {"comment": ABSENT}),
        ("proposals:comment-assign", {"pk": other.pk, "comment": world.comment.pk}, {"comment": ABSENT}),
        ("proposals:row-restore", {"pk": other.pk, "removed": world.removed.pk}, {"removed": ABSENT}),
        ("evaluation:question-answer", question_, {"question_pk": ABSENT}),
        ("proposals:owner", owner_, {"holding": ABSENT}),
    ]  # fmt: skip
    client = client_of(their)
    for name, real, absent in doubles:
        address, elsewhere = reverse(name, kwargs=real), reverse(name, kwargs={**real, **absent})
        for method in ("get", "post"):
            found = answer(client, method, address)
            assert found[0] in (403, 404, 405), (name, method, found[0])
            assert comparable(found, address) == comparable(answer(client, method, elsewhere), elsewhere), (
                name
            )


def test_desk_address_with_a_key_of_another_proposal_is_absent(world):
    desk, other = world.people["program_officer"], world.other
    doubles = [
        ("evaluation:question-withdraw", {"number": other.number, "pk": world.question.pk}),
        ("evaluation:referral-reopen", {"number": other.number, "pk": world.referral.pk}),
        ("evaluation:assignment-end", {"number": other.number, "pk": world.assignment.pk}),
        ("evaluation:condition-meet", {"number": world.designation.number, "pk": world.condition.pk}),
    ]
    client = client_of(desk)
    for name, real in doubles:
        assert answer(client, "post", reverse(name, kwargs=real))[0] == 404, name


def test_recusal_closes_every_page_at_once(world):
    """The same session, before and after: no page remembers a right."""
    lead = world.people["lead of DOD"]
    client, addresses = client_of(lead), [
        reverse("evaluation:proposal", args=[world.inside.number]),
        reverse("proposals:version", args=[world.inside.pk, 1]),
        reverse("proposals:receipt-pdf", args=[world.inside.pk, 1]),
        reverse("proposals:receipt-json", args=[world.inside.pk, 1, "package"]),
        reverse("api-proposal-detail", args=[world.inside.pk]),
    ]  # fmt: skip
    assert [client.get(address).status_code for address in addresses] == [200] * 5
    recuse(world.inside, person=lead, by=world.people["program_officer"], reason="A cousin.")
    assert [client.get(address).status_code for address in addresses] == [404] * 5
    assert not sees(lead, world.inside)
    assert not Proposal.objects.visible_to(lead).filter(pk=world.inside.pk).exists()


def test_removal_from_the_team_closes_every_page_at_once(world):
    person, administrator = world.people["our contributor"], world.people["our representative"]
    client = client_of(person)
    addresses = [
        reverse("proposals:detail", args=[world.draft.pk]),
        reverse("proposals:consortium", args=[world.consortium.pk]),
    ]
    assert [client.get(address).status_code for address in addresses] == [200] * 2
    remove_team_member(person.team_places.get(removed_at=None), by=administrator)
    assert [client.get(address).status_code for address in addresses] == [404] * 2
    assert not on_team(person, world.consortium)
