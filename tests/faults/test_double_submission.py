"""One submission sent twice at once, over HTTP (R03): one version, one receipt, whoever pressed second."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.urls import reverse

from program.models import AuditEvent, Notice
from proposals.enums import TeamRole
from proposals.models import Proposal, Receipt, Version
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, TeamMemberFactory, certified, representative_of
from tests.faults.web import session_of, web_server

pytestmark = pytest.mark.django_db(transaction=True)
PROPOSALS, ROUNDS = 5, 10


@pytest.fixture
def proposals():
    call = issued_call()
    return [ProposalFactory(call=call, complete=True) for _ in range(PROPOSALS)]


def press_in_pairs(proposals, sessions):
    """Submit each proposal once and nine times again, every time by two presses at once; yields the answers.

    ``sessions`` names the two sessions that press, for each proposal.
    """
    with web_server(workers=2) as web, ThreadPoolExecutor(2 * PROPOSALS) as presses:
        for number in range(1, ROUNDS + 1):
            for proposal in proposals:
                Proposal.objects.filter(pk=proposal.pk).update(title=f"Stack of round {number}")
                certified(proposal)
            act = "submit" if number == 1 else "resubmit"
            pressed = [
                presses.submit(
                    web.ask, "POST", reverse(f"proposals:{act}", args=[pk]),
                    session=session, form={"note": ""}
                )
                for pk, pair in sessions.items()
                for session in pair
            ]  # fmt: skip
            answers = [press.result() for press in pressed]
            assert Version.objects.count() == Receipt.objects.count() == number * PROPOSALS
            yield number, [tuple(answers[at : at + 2]) for at in range(0, len(answers), 2)]


def assert_recorded_once(proposals, told):
    """Fifty versions without a gap, one event each, of which ``told`` people have one notice each."""
    wanted = [(proposal.pk, number) for proposal in proposals for number in range(1, ROUNDS + 1)]
    assert list(Version.objects.order_by("proposal", "number").values_list("proposal", "number")) == wanted
    events = AuditEvent.objects.filter(act__in=["proposal.submit", "proposal.resubmit"])
    assert events.count() == PROPOSALS * ROUNDS
    notices = Notice.objects.filter(kind="proposals.submitted")
    assert notices.count() == told * PROPOSALS * ROUNDS
    assert notices.values("event", "recipient").distinct().count() == notices.count()


def test_fifty_double_clicks_make_fifty_versions_with_one_receipt_each(proposals):
    """Both presses of one person lead to the receipt."""
    sessions = {proposal.pk: [session_of(representative_of(proposal))] * 2 for proposal in proposals}
    for _, pairs in press_in_pairs(proposals, sessions):
        for proposal, pair in zip(proposals, pairs, strict=True):
            page = reverse("proposals:receipt", args=[proposal.pk])
            assert [(answer.status, answer.location) for answer in pair] == [(302, page)] * 2
    assert_recorded_once(proposals, told=1)


def test_fifty_pairs_of_two_representatives_make_fifty_versions_with_one_receipt_each(proposals):
    """Of two people of one anchor who press at once, one submits; both find its receipt."""
    people = {}
    for proposal in proposals:
        colleague = TeamMemberFactory(
            membership=proposal.consortium.anchor, role=TeamRole.AUTHORIZED_REPRESENTATIVE
        ).user
        people[proposal.pk] = [representative_of(proposal), colleague]
    sessions = {pk: [session_of(person) for person in pair] for pk, pair in people.items()}
    won = set()
    for number, pairs in press_in_pairs(proposals, sessions):
        for proposal, pair in zip(proposals, pairs, strict=True):
            receipt = reverse("proposals:receipt", args=[proposal.pk])
            assert [(answer.status, answer.location) for answer in pair] == [(302, receipt)] * 2
            version = Version.objects.get(proposal=proposal, number=number)
            won.add(people[proposal.pk].index(version.submitted_by))
    assert won == {0, 1}, "One of the two always came first, so the two never raced."
    assert_recorded_once(proposals, told=2)
