"""Whatever stands on a page leads somewhere: what a person is offered is open to that person.

Each role follows the links of its own pages, from the front page on. No link may answer 4xx or 5xx or name
an anchor that its page lacks, no page may use an id twice, and no form may stand before a person whom its
act refuses. The forms are sent as a browser would send them, and what they did is taken back.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.db import transaction
from django.urls import Resolver404, resolve, reverse

from financing.reference import load_tools
from program.enums import OfficeRole
from program.models import AuditEvent, Delegation, User
from program.record_words import WORDS
from program.reference import load_reference_data
from proposals import services
from proposals.enums import TeamRole
from tests.architecture.addresses import client_of
from tests.architecture.forms_on_pages import forms_of
from tests.architecture.two_consortia import build
from tests.factories import evaluation as make
from tests.factories.financing import edag_officer
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import MembershipFactory, ProposalFactory, TeamMemberFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# Of pages of one kind, with one set of parameters, this many are opened by each role
OF_A_KIND = 2
# Pages that say the same to everybody, and whose links are many: opened once, by nobody signed in
SAME_FOR_ALL = {
    "order", "program:directives", "program:accessibility", "program:privacy", "program:status",
    "evaluation:catalog", "evaluation:catalog-entry", "evaluation:catalog-map",
    "evaluation:latest-designations",
    "financing:country", "financing:country_class",
}  # fmt: skip
# What a program says when nobody has said it in words
UNSAID = re.compile(r"<(?!option)[^<>]*>\s*(None|\{\}|\[\])\s*<")
# A sign-in page is the library's; ending the session would end the crawl
ELSEWHERE = ("/accounts/", "/static/", "/api/")
ROLES = [
    "anonymous", "nobody", "our representative", "representative only", "our contributor",
    "second administrator", "counsel", "editing counsel", "program_officer", "assigned reviewer",
    "lead of DOD", "delegate", "decision_official", "edag chair", "edag officer", "tool holder", "auditor",
]  # fmt: skip


class Page(HTMLParser):
    """What a page offers: links, ids, and which of its addresses are asked for by themselves."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.links, self.ids = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        facts = dict(attributes)
        if facts.get("id"):
            self.ids.append(facts["id"])
        if tag == "a" and facts.get("href"):
            self.links.append(facts["href"])
        if tag == "form" and (facts.get("method") or "get").lower() == "get" and facts.get("action"):
            self.links.append(facts["action"])
        if facts.get("hx-get"):
            self.links.append(facts["hx-get"])


@pytest.fixture
def people(monkeypatch):
    """One person for each role, in a portal where something of everything goes on."""
    load_reference_data()
    load_tools()
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
    world = build()
    found = world.people
    ours, owner = world.consortium, found["our representative"]
    second = MembershipFactory(consortium=ours, invited_by=owner)
    found["second administrator"] = TeamMemberFactory(membership=second, role=TeamRole.ADMINISTRATOR).user
    found["editing counsel"] = UserFactory()
    for proposal in (world.draft, world.inside):
        services.grant_access(
            proposal, to=found["editing counsel"], by=owner, permission="proposals.change_proposal"
        )
    services.grant_access(world.inside, to=found["counsel"], by=owner)
    found["representative only"] = TeamMemberFactory(
        membership=ours.anchor, role=TeamRole.AUTHORIZED_REPRESENTATIVE
    ).user
    found["tool holder"], found["edag officer"] = found["edag officer"], edag_officer("DFC")
    found["delegate"] = officer(OfficeRole.LEAD, "COMMERCE")
    make.delegated(
        found["decision_official"], found["delegate"], Delegation.SIGN_DETERMINATION, agency="COMMERCE"
    )
    ProposalFactory(status="submitted", consortium=world.other.consortium)  # waits for intake
    return {role: fresh(found[role]) for role in ROLES}


def fresh(person):
    return User.objects.get(pk=person.pk) if person.is_authenticated else person


def kind_of(address):
    """The name of the page at ``address`` and the parameters it is asked with."""
    parts = urlsplit(address)
    name = resolve(unquote(parts.path)).view_name
    return name, tuple(sorted(re.findall(r"(?:^|&)([^=&]+)=", parts.query)))


def crawl(client, role):
    """Follow every link; yields what is wrong."""
    start = reverse("program:home")
    waiting, seen, of_kind = deque([(start, "")]), {start}, Counter()
    anchors, ids, sent = [], {}, Counter()
    while waiting:
        address, source = waiting.popleft()
        answer = client.get(address, follow=True)
        landed = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        if answer.status_code >= 400:
            yield f"{role}: {source} leads to {address}, which answers {answer.status_code}"
            continue
        if role != "anonymous" and landed.startswith(reverse("account_login")):
            yield f"{role}: {source} leads to {address}, which asks to sign in"
        if answer.streaming or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        text = answer.content.decode()
        page = Page(text)
        ids[address] = set(page.ids)
        yield from (
            f"{role}: {address} has id {one!r} twice" for one, n in Counter(page.ids).items() if n > 1
        )
        if left := UNSAID.search(text):
            yield f"{role}: {address} shows {left[0]!r}"
        for form in forms_of(landed, text):
            yield from sending(client, role, address, form, sent)
        for link in page.links:
            to, _, anchor = urljoin(landed, link).partition("#")
            if not to.startswith("/") or to.startswith(ELSEWHERE):
                continue
            if anchor:
                anchors.append((address, to, anchor))
            if to in seen:
                continue
            seen.add(to)
            try:
                kind = kind_of(to)
            except Resolver404:
                yield f"{role}: {address} leads to {to}, which is no page"
                continue
            of_kind[kind] += 1
            if of_kind[kind] <= OF_A_KIND and (role == "anonymous" or kind[0] not in SAME_FOR_ALL):
                waiting.append((to, address))
    for source, to, anchor in anchors:
        if to in ids and anchor not in ids[to]:
            yield f"{role}: {source} leads to {to}#{anchor}, which is not on that page"


def sending(client, role, address, form, sent):
    """Send a form; it may be answered that something is missing, never that the person may not."""
    to = urlsplit(form.action).path
    if to.startswith(ELSEWHERE):
        return
    name = resolve(unquote(to)).view_name
    act = name, tuple(sorted(form.fields))
    sent[act] += 1
    if sent[act] > OF_A_KIND:
        return
    with transaction.atomic():
        answer = client.post(form.action, form.fields)
        transaction.set_rollback(True)
    if answer.status_code in (403, 404, 405) or answer.status_code >= 500:
        yield f"{role}: {address} offers {to}, which answers {answer.status_code}"


def test_every_link_and_form_is_open_to_whom_it_is_shown(people):
    wrong = [fault for role, person in people.items() for fault in crawl(client_of(person), role)]
    assert not wrong, "\n".join(wrong)
    acts = set(AuditEvent.objects.values_list("act", flat=True))
    assert sorted(acts - set(WORDS)) == []
