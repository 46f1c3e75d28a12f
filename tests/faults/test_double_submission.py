"""One submission sent twice at once, over HTTP (R03): one version, one receipt, one page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.urls import reverse

from program.models import AuditEvent, Notice
from proposals.models import Proposal, Receipt, Version
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.faults.web import session_of, web_server

pytestmark = pytest.mark.django_db(transaction=True)
PROPOSALS, ROUNDS = 5, 10


def test_fifty_double_clicks_make_fifty_versions_with_one_receipt_each():
    """Five proposals, each submitted once and nine times submitted again; every press comes twice."""
    call = issued_call()
    proposals = [ProposalFactory(call=call, complete=True) for _ in range(PROPOSALS)]
    people = {proposal.pk: representative_of(proposal) for proposal in proposals}
    sessions = {pk: session_of(person) for pk, person in people.items()}
    with web_server() as web, ThreadPoolExecutor(2 * PROPOSALS) as presses:
        for number in range(1, ROUNDS + 1):
            for proposal in proposals:
                Proposal.objects.filter(pk=proposal.pk).update(title=f"Stack of round {number}")
                certified(proposal, people[proposal.pk])
            act = "submit" if number == 1 else "resubmit"
            pressed = [
                presses.submit(
                    web.ask, "POST", reverse(f"proposals:{act}", args=[pk]),
                    session=sessions[pk], form={"note": ""}
                )
                for pk in sessions
                for _ in range(2)
            ]  # fmt: skip
            answers = [press.result() for press in pressed]
            pages = [reverse("proposals:receipt", args=[pk]) for pk in sessions for _ in range(2)]
            assert [(answer.status, answer.location) for answer in answers] == [(302, page) for page in pages]
            assert Version.objects.count() == Receipt.objects.count() == number * PROPOSALS
    wanted = [(proposal.pk, number) for proposal in proposals for number in range(1, ROUNDS + 1)]
    assert list(Version.objects.order_by("proposal", "number").values_list("proposal", "number")) == wanted
    events = AuditEvent.objects.filter(act__in=["proposal.submit", "proposal.resubmit"])
    assert events.count() == PROPOSALS * ROUNDS
    told = Notice.objects.filter(kind="proposals.submitted")
    assert told.count() == PROPOSALS * ROUNDS == told.values("event", "recipient").distinct().count()
