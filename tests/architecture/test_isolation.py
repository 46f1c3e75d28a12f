"""Nobody gets a record of others by its id, by any verb, or inside a record of their own (C02).

What every page says to everybody is judged in test_pages, what every form does in test_forms.
"""

from __future__ import annotations

import re
from collections import Counter
from copy import deepcopy
from itertools import product

import pytest
from django.urls import reverse

from evaluation.models import Review
from evaluation.services import recuse
from program.models import AuditEvent
from proposals.models import Proposal
from proposals.services import remove_team_member
from tests.architecture.addresses import (
    ABSENT,
    answer,
    client_of,
    comparable,
    content_of,
    keyed,
    lists,
    refuses,
    without,
)
from tests.architecture.tables import touched_since, writes
from tests.architecture.two_consortia import build, on_team, sees
from tests.factories import evaluation as make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def built(standing):
    return build()


@pytest.fixture
def world(built, monkeypatch):
    """Both consortia; a test may change its own copy, and what it writes is taken back."""
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
    return deepcopy(built)


VERBS = ("head", "options", "put", "patch", "delete")
STRANGERS = ("their representative", "recused program officer", "recused reviewer")


@pytest.mark.slow
def test_no_verb_tells_a_record_of_others_from_an_absent_one(world):
    """Those that a view refuses before it looks are told apart by nobody."""
    wrong, compared, nothing = [], Counter(), {}
    entries = list(keyed(world))
    for role in STRANGERS:
        person, client, visible = world.people[role], client_of(world.people[role]), {}
        for (name, real, absent, sees_it), verb in product(entries, VERBS):
            if sees_it not in visible:
                visible[sees_it] = bool(sees_it(person))
            if visible[sees_it] or refuses(name, verb) or name == "proposals:invitation":
                continue
            address, elsewhere = reverse(name, kwargs=real), reverse(name, kwargs=absent)
            if (role, name, verb) not in nothing:
                nothing[role, name, verb] = comparable(answer(client, verb, elsewhere), elsewhere)
            found = answer(client, verb, address)
            compared[verb] += 1
            if comparable(found, address) != nothing[role, name, verb]:
                wrong.append(f"{role} can tell {verb.upper()} {address} ({found[0]}) from an absent key")
    assert not wrong, "\n".join(wrong)
    assert compared.keys() == set(VERBS) and min(compared.values()) >= 30, compared


def test_no_verb_but_post_changes_anything_for_its_owner(world):
    client, asked = client_of(world.people["our representative"]), Counter()
    earlier = writes()
    for (name, real, *_), verb in product(keyed(world), VERBS[1:]):
        if not refuses(name, verb):
            status, *_ = answer(client, verb, reverse(name, kwargs=real))
            asked[verb] += 1
            assert status in (403, 404, 405) or (verb == "options" and name.startswith("api-")), name
    assert touched_since(earlier) == []
    assert min(asked.values()) >= 30, asked


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
        ("proposals:version-document-page", file_, {"sha256": "0" * 64}),
        ("proposals:version-document-shown", file_, {"sha256": "0" * 64}),
        ("proposals:access-revoke", {"pk": other.pk, "user": world.counsel.pk}, {"user": ABSENT}),
        ("proposals:comment", {"pk": other.pk, "comment": world.comment.pk}, {"comment": ABSENT}),
        ("proposals:comment-assign", {"pk": other.pk, "comment": world.comment.pk}, {"comment": ABSENT}),
        ("proposals:mark", {"pk": other.pk, "mark": world.marking.pk}, {"mark": ABSENT}),
        ("proposals:mark-remove", {"pk": other.pk, "mark": world.marking.pk}, {"mark": ABSENT}),
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
        ("evaluation:referral-resume", {"number": other.number, "pk": world.referral.pk}),
        ("evaluation:referral-reopen", {"number": other.number, "pk": world.referral.pk}),
        ("evaluation:assignment-end", {"number": other.number, "pk": world.assignment.pk}),
        ("evaluation:condition-meet", {"number": world.designation.number, "pk": world.condition.pk}),
        ("evaluation:amendment-condition-remove", {"pk": world.amendment.pk, "change_pk": ABSENT}),
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


def test_recused_reviewer_finds_nothing_of_the_proposal_at_any_address(world):
    """Neither its number nor a word of it; a reviewer who is not recused finds them at many.

    Of the recusal itself the person is told, by the number alone.
    """
    addresses = [*lists(), *(reverse(name, kwargs=real) for name, real, _, _ in keyed(world))]
    others = ("/invitations/", "/receipts/offline/")  # the text about receipts has a number for its examples
    addresses = [address for address in addresses if not address.startswith(others)]
    words = re.compile("zebra(?!duty)", re.I)  # duties are public
    wanted = re.compile(rf"{words.pattern}|{world.inside.number}\b", re.I)
    tells = (reverse("evaluation:interests"), reverse("program:notices"))

    def found_by(role):
        person = world.people[role]
        client, (sheet,) = client_of(person), Review.objects.filter(reviewer=person)
        own = [
            reverse("evaluation:assignment", args=[sheet.assignment_id]),
            reverse("evaluation:review", args=[sheet.pk]),
        ]
        return [
            address
            for address in own + addresses
            if (words if address in tells else wanted).search(
                without(answer(client, "get", address)[2], address)
            )
        ]

    assert found_by("recused reviewer") == []
    assert len(found_by("assigned reviewer")) > 15


def test_recused_reviewer_does_nothing_with_the_sheet_that_they_had_begun(world):
    person = world.people["recused reviewer"]
    client, sheet = client_of(person), Review.objects.get(reviewer=person)
    acts = [
        ("conflict-declare", [sheet.assignment_id]), ("review-begin", [sheet.assignment_id]),
        ("review-save", [sheet.pk]), ("score-save", [sheet.pk, sheet.scores.first().pk]),
        ("review-submit", [sheet.pk]), ("review-reopen", [sheet.pk]),
    ]  # fmt: skip
    earlier = writes()
    answers = [client.post(reverse(f"evaluation:{name}", args=keys)).status_code for name, keys in acts]
    assert answers == [404] * len(acts)
    assert touched_since(earlier) == []


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


def test_an_assigned_reviewer_reads_nothing_of_the_package_before_the_declaration(world):
    """But for the declaration itself, which names the title and the parties.

    For the agency whose room, sheets and position stand at addresses of the world.
    """
    owed = make.assigned(world.inside, "STATE", declared=False)
    client, wrong, shown = client_of(owed.reviewer), [], set()
    declaration = reverse("evaluation:assignment", args=[owed.pk])
    assert client.get(declaration).status_code == 200
    room = reverse("evaluation:position", args=[world.referral.pk])
    assert client.get(room).headers["Location"] == declaration
    open_to_all = re.compile(rb"zebra(?!duty|text|designated)\w*", re.I)
    for name, real, _, _ in keyed(world):
        if name == "api-proposal-detail":  # says the title, as every list does
            continue
        address = reverse(name, kwargs=real)
        found = client.get(address)
        for word in set(open_to_all.findall(content_of(found))):
            wrong.append(f"{address} says {word.decode()}")
        if found.status_code == 200:
            shown.add(name)
    assert not wrong, "\n".join(wrong)
    # Who holds the link of an invitation reads it; the other says whether a PDF is made
    assert shown == {"proposals:invitation", "proposals:paper-state"}
    assert not AuditEvent.objects.filter(act="proposal.read", actor=owed.reviewer).exists()
