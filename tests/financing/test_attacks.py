"""Every address of federal financing, tried by everybody who should not get in or not act."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.urls import reverse

from evaluation.enums import DesignationStatus
from financing.enums import ReferralStatus
from financing.models import MarketBarrier, Partnership, ToolReferral, Workstream
from financing.services.meetings import give_action, hold_meeting
from financing.urls import urlpatterns
from program import clock
from program.models import Agency, AuditEvent, Office
from proposals.enums import TeamRole
from tests.factories.financing import (
    bring_designation_to,
    chair,
    edag_officer,
    fresh,
    meeting,
    proposed,
    referral,
)
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ConsortiumFactory, MembershipFactory, TeamMemberFactory

POSTS = {
    "match", "refer", "set_aside", "accept", "decline", "commit", "supersede", "close", "item_add", "hold",
    "decide", "action_give", "country_class",
}  # fmt: skip
#: The pages about one package, which a recusal closes.
OF_PACKAGE = {
    "designation", "match", "propose", "referral", "refer", "set_aside", "accept", "decline", "commit",
    "supersede", "close", "decide", "action_give", "action_finish",
}  # fmt: skip
OF_HOLDER = {"accept", "decline", "commit", "supersede", "close"}
OF_CHAIR = {"refer", "set_aside"}


@pytest.fixture(autouse=True)
def _demonstration(settings):
    settings.DEMONSTRATION = True


@pytest.fixture
def world():
    """A referred loan with its meeting and action, a partnership and a barrier: keys of every address."""
    record, head = referral(ReferralStatus.REFERRED), chair()
    other = proposed(record.designation, tool="equity")
    held = meeting(referral=other, by=head)
    hold_meeting(held, by=head)
    item = held.items.get()
    action = give_action(item, text="Ask the buyer.", owner=head, due_on=clock.today(), by=fresh(head))
    partnership = Partnership.objects.create(name="P", workstream=Workstream.objects.get(code="iii"))
    barrier = MarketBarrier.objects.create(country_id="KE", title="B")
    keys = {
        "edag/designations/": record.designation.number, "edag/referrals/": record.number,
        "edag/meetings/": held.pk, "edag/items/": item.pk, "edag/actions/": action.pk,
        "edag/workstreams/": "i", "edag/partnerships/": partnership.pk, "edag/barriers/": barrier.pk,
        "countries/": "KE", "proposals/": record.designation.proposal_id,
    }  # fmt: skip
    return record, keys


def addresses(keys):
    """Name to (address, the same with a key that does not exist) of every route of the app."""
    found = {}
    for route in urlpatterns:
        pattern = str(route.pattern)
        if "<" not in pattern:
            found[route.name] = (reverse(f"financing:{route.name}"), None)
            continue
        head = pattern.partition("<")[0]
        absent = "AIX-D-2026-9999" if "slug:number" in pattern else "zz" if "slug" in pattern else 999_999_999
        found[route.name] = tuple(
            reverse(f"financing:{route.name}", args=[key]) for key in (keys[head], absent)
        )
    return found


def ask(client, name, address):
    answer = client.post(address, {}) if name in POSTS else client.get(address)
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, re.sub(r'data-now="[^"]*"', "", text)


def enter(client, person):
    client.force_login(fresh(person), backend="allauth.account.auth_backends.AuthenticationBackend")


def member_of_same(record):
    membership = MembershipFactory(consortium=record.designation.proposal.consortium)
    return TeamMemberFactory(membership=membership, role=TeamRole.ADMINISTRATOR).user


def recused(record, agency="EXIM"):
    person = edag_officer(agency)
    record.designation.proposal.recusals.create(
        user=person, reason="Kin.", recused_by=officer(), recused_at=clock.now()
    )
    return person


def of_usaid():
    """An EDAG officer of the agency whose place ended in 2025."""
    agency = Agency.objects.get(code="USAID")
    return Office.objects.create(
        user=UserFactory(), agency=agency, role="edag_officer", effective_from=date(2024, 7, 1)
    ).user


def changes():
    """Events of the record but for sign-ins, refusals and readings."""
    return AuditEvent.objects.exclude(act="proposal.read").exclude(act__startswith="user.").count()


OUTSIDERS = {
    "another consortium": (lambda r: ConsortiumFactory().created_by, set()),
    "another member": (member_of_same, set()),
    "the anchor": (lambda r: r.designation.proposal.created_by, {"support"}),
    "a stranger": (lambda r: UserFactory(), set()),
    "a reviewer": (lambda r: officer("reviewer", "DOE"), {"country"}),
    "an officer whose agency has left": (lambda r: of_usaid(), set()),
}


@pytest.mark.parametrize("role", OUTSIDERS)
def test_who_does_not_follow_financing_gets_what_an_absent_address_gets(client, world, role):
    record, keys = world
    make, opened = OUTSIDERS[role]
    enter(client, make(record))
    events = changes()
    for name, (address, absent) in addresses(keys).items():
        if name in opened:
            assert ask(client, name, address)[0] == 200, name
        elif name == "edag" and role == "an officer whose agency has left":
            assert ask(client, name, address)[0] == 403
        elif absent is None:
            assert ask(client, name, address)[0] == 404, name
        else:
            assert ask(client, name, address) == ask(client, name, absent), name
            assert ask(client, name, address)[0] == 404, name
    assert changes() == events


def test_nobody_is_sent_to_sign_in_and_changes_nothing(client, world):
    events = changes()
    for name, (address, _) in addresses(world[1]).items():
        answer = client.post(address) if name in POSTS else client.get(address)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/"), name
    assert changes() == events


def test_recusal_closes_page_list_and_act_as_if_there_were_no_package(client, world):
    record, keys = world
    enter(client, recused(record))
    for name, (address, absent) in addresses(keys).items():
        if name in OF_PACKAGE:
            assert ask(client, name, address) == ask(client, name, absent), name
            assert ask(client, name, address)[0] == 404, name
        elif name not in POSTS and name != "support":
            code, text = ask(client, name, address)
            assert code == 200, name
            for secret in (record.designation.number, record.designation.proposal.submitted_title):
                assert secret not in text, (name, secret)
    assert ToolReferral.objects.get(pk=record.pk).status == ReferralStatus.REFERRED


def test_officer_of_another_agency_reads_and_does_not_act(client, world):
    record, keys = world
    enter(client, edag_officer("DFC"))
    for name, (address, _) in addresses(keys).items():
        code, _ = ask(client, name, address)
        if name in OF_HOLDER | OF_CHAIR:
            assert code == 403, name
        elif name == "support":
            assert code == 404
        elif name not in POSTS:
            assert code == 200, name
    assert ToolReferral.objects.get(pk=record.pk).status == ReferralStatus.REFERRED


def test_observer_reads_and_changes_nothing(client, world):
    keys = world[1]
    enter(client, edag_officer("DOE"))
    events = changes()
    refused = (POSTS - {"hold"}) | {
        "propose", "plan", "partnership_new", "barrier_new", "hold",
    }  # fmt: skip
    for name, (address, _) in addresses(keys).items():
        if name in ("support", "plan", "item_add", "decide", "action_give", "hold"):
            continue
        assert ask(client, name, address)[0] == (403 if name in refused else 200), name
    assert changes() == events


@pytest.mark.parametrize("status", [DesignationStatus.SUSPENDED, DesignationStatus.REVOKED])
def test_nothing_of_a_package_moves_once_its_designation_has_ended(client, world, status):
    record, keys = world
    bring_designation_to(record.designation, status)
    before = changes()
    enter(client, edag_officer("EXIM"))
    for name in ("match", "accept"):
        assert ask(client, name, addresses(keys)[name][0])[0] == 422, name
    proposal = {"tool": record.tool_id, "market": "Kenya", "purpose": "X", "amount_usd": "5",
                "lead_officer": record.lead_officer_id}  # fmt: skip
    assert client.post(addresses(keys)["propose"][0], proposal).status_code == 422
    enter(client, chair())
    waiting = ToolReferral.objects.get(status=ReferralStatus.PROPOSED)
    assert client.post(reverse("financing:refer", args=[waiting.number])).status_code == 422
    assert changes() == before


# What EDAG reads of a package is recorded


@pytest.mark.parametrize("name", ["designation", "propose"])
def test_reading_of_a_package_is_recorded_once_a_day_and_person(client, world, name):
    record, keys = world
    for _ in range(2):
        person = edag_officer("DFC")
        enter(client, person)
        for _ in range(2):
            assert client.get(addresses(keys)[name][0]).status_code == 200
        assert AuditEvent.objects.filter(act="proposal.read", actor=person).count() == 1
    event = AuditEvent.objects.filter(act="proposal.read").last()
    assert (event.subject_id, '"agencies":"DFC"' in event.body) == (str(record.designation.proposal_id), True)


def test_reading_that_was_refused_is_not_recorded(client, world):
    record, keys = world
    enter(client, recused(record))
    ask(client, "designation", addresses(keys)["designation"][0])
    assert not AuditEvent.objects.filter(act="proposal.read").exists()
