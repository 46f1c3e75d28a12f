"""A proposal in each state that the evaluation knows, brought there by the services, and everybody near.

The people are the same for all of them. Whoever is recused is so from every proposal that was submitted but
one, ``KEPT``, so that a list that shows them nothing else still shows that. Of whom the ethics official is to
decide, the same holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import AnonymousUser

from evaluation import services
from evaluation.enums import Outcome
from evaluation.services.intake import review_completeness
from program import clock
from program.enums import OfficeRole
from program.models import Agency, User
from program.services.feeds import open_feed
from proposals.enums import TeamRole
from proposals.models import OutsideParty
from proposals.services import grant_access, withdraw_proposal
from tests.architecture.two_consortia import mark_texts
from tests.factories import evaluation as make
from tests.factories import financing
from tests.factories.program import CountryFactory, CriterionFactory, UserFactory, issued_call, officer
from tests.factories.proposals import (
    ConsortiumFactory,
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    fill,
    submitted,
)

KEPT = "kept"
NEVER_SENT = {"draft", "discarded"}
AT_INTAKE = {"submitted", "returned"}
TAKEN_IN = {KEPT, "accepted", "consulted", "withdrawn"}
DRAFTED = {"prepared"}
SIGNED = {"signed"}
CHOSEN = {"designated", "suspended"}
TOLD = {"deferred", "declined", *CHOSEN}
#: What is said in the discussion of a proposal, to whom and by whom
SPOKEN = {
    "own_agency:STATE": "reviewer", "all_agencies": "lead of another agency", "program_office": "reviewer",
}  # fmt: skip
STATES = (
    "draft", "discarded", "submitted", "returned", "kept", "accepted", "consulted", "withdrawn",
    "prepared", "signed", "deferred", "declined", "designated", "suspended",
)  # fmt: skip
OUTCOMES = {"deferred": Outcome.DEFER, "declined": Outcome.NOT_SELECT}


@dataclass
class World:
    people: dict[str, Any]
    call: Any = None
    proposals: dict[str, Any] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)
    sheets: dict[str, Any] = field(default_factory=dict)
    cases: dict[str, Any] = field(default_factory=dict)
    amendments: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, Any] = field(default_factory=dict)
    interest: Any = None

    def spoken_of(self, text):
        """The states whose proposal ``text`` names, by its words or its number."""
        text = text.lower()
        return {state for state, words in self.words.items() if any(word in text for word in words)}


def build():
    make.five_agencies()
    others = ConsortiumFactory()
    people = {
        "anonymous": AnonymousUser(),
        "nobody": UserFactory(),
        "representative": UserFactory(title="Vice President"),
        "member of the consortium": UserFactory(),
        "counsel": UserFactory(),
        "member of another consortium": others.created_by,
        "program officer": officer(),
        "second program officer": officer(),
        "decision official": make.decision_official(),
        "auditor": officer(OfficeRole.AUDITOR),
        "lead": make.lead("STATE"),
        "lead of another agency": make.lead("DOE"),
        "reviewer": make.reviewer("STATE"),
        "reviewer of the agency, never assigned": make.reviewer("STATE"),
        "reviewer of another agency": make.reviewer("DOE"),
        "held reviewer": make.reviewer("STATE"),
        "ethics official": officer(OfficeRole.ETHICS_OFFICIAL, "STATE"),
        "ethics official of another agency": officer(OfficeRole.ETHICS_OFFICIAL, "DOE"),
        "EDAG officer": financing.edag_officer("EXIM"),
        "recused program officer": officer(),
        "recused decision official": make.decision_official(),
        "recused auditor": officer(OfficeRole.AUDITOR),
        "recused lead": make.lead("STATE"),
        "recused reviewer": make.reviewer("STATE"),
    }
    world = World(people)
    make.screening_list(people["program officer"])
    for person in people.values():
        if isinstance(person, User):
            open_feed(by=person)
    world.interest = services.declare_interest(
        by=people["held reviewer"], kind="holding", whose="own", name="Fictional Holdings"
    )
    world.call = issued_call()
    CriterionFactory(call=world.call)
    for state in STATES:
        world.proposals[state] = bring(world, state)
    world.people = {
        role: User.objects.get(pk=person.pk) if isinstance(person, User) else person
        for role, person in people.items()
    }
    return world


def bring(world, state):
    """A package with its state in its words, taken as far as that by the services.

    Each has a consortium of its own, with the same people, so that all stand under one call.
    """
    people = world.people
    consortium = ConsortiumFactory(created_by=people["representative"])
    TeamMemberFactory(
        membership=MembershipFactory(consortium=consortium),
        user=people["member of the consortium"],
        role=TeamRole.ADMINISTRATOR,
    )
    proposal = ProposalFactory(call=world.call, consortium=consortium)
    fill(proposal)
    word = f"zebra{state}"
    world.words[state] = {word}
    mark_texts(word, proposal, *proposal.components.all())
    grant_access(proposal, to=people["counsel"], by=people["representative"])
    if state == "discarded":
        withdraw_proposal(proposal, by=people["representative"], note="Not now.")
    if state not in NEVER_SENT:
        if state == "consulted":
            name = "Fictional Dragonfly Semiconductor"
            OutsideParty.objects.create(
                proposal=proposal, role="end_user", legal_name=name, country=CountryFactory(code="KE")
            )
        submitted(proposal)
        world.words[state].add(proposal.number.lower())
        evaluate(world, state, proposal)
    proposal.refresh_from_db()
    return proposal


def evaluate(world, state, proposal):
    people, desk = world.people, world.people["program officer"]
    if state == "returned":
        requirement = proposal.call.requirements.first()
        review_completeness(
            make.version_of(proposal), requirement, by=desk, finding="deficient", reason="One page is blank."
        )
        services.return_proposal(proposal, by=desk)
    if state not in AT_INTAKE:
        make.accept(proposal, desk)
        consult(world, state, proposal)
    keep_away(world, state, proposal)
    if state == "withdrawn":
        withdraw_proposal(proposal, by=people["representative"], note="We found another way.")
    if state in DRAFTED | SIGNED | TOLD:
        decide(world, state, proposal)


def consult(world, state, proposal):
    people, desk = world.people, world.people["program officer"]
    sheet = assigned(world, proposal, "reviewer")
    world.sheets[state] = sheet
    assigned(world, proposal, "recused reviewer")
    assigned(world, proposal, "held reviewer")
    if state in {"accepted", "withdrawn"}:
        return
    services.submit_review(sheet, by=people["reviewer"])
    if state in {KEPT, "consulted"}:
        make.filed(proposal, "STATE", rationale=f"zebra{state}")
        make.filed(proposal, "DOE", "object", rationale=f"zebra{state}")
        services.ask_consortium(
            proposal, by=desk, agency=Agency.objects.get(code="COMMERCE"), question=f"zebra{state}?",
            due_on=clock.today() + timedelta(days=9),
        )  # fmt: skip
        for room, role in SPOKEN.items():
            world.comments[state, room] = services.write_comment(
                proposal, by=people[role], room=room, text=f"zebra{state}, to {room}.", sent_as=uuid4()
            )


def assigned(world, proposal, role):
    assignment = make.assigned(proposal, person=world.people[role], by=world.people["program officer"])
    return make.filled_review(assignment)


def keep_away(world, state, proposal):
    """Recuse whom it says; what one of them may review waits for the ethics official."""
    if state == KEPT:
        return
    for role, person in world.people.items():
        if role.startswith("recused"):
            reason = "A former employer is a member."
            services.recuse(proposal, person=person, by=world.people["program officer"], reason=reason)
    person = world.people["held reviewer"]
    world.cases[state] = services.ask_ethics_official(
        proposal, person=person, agency=Agency.objects.get(code="STATE"), by=world.people["program officer"],
        text="A sister works there.", assignment=proposal.assignments.filter(reviewer=person).first(),
    )  # fmt: skip


def decide(world, state, proposal):
    people, chief = world.people, world.people["decision official"]
    determination = make.ready_to_sign(
        proposal, by=people["program officer"], outcome=OUTCOMES.get(state, Outcome.DESIGNATE)
    )
    condition = {"due_on": clock.today() + timedelta(days=40)}
    condition |= dict.fromkeys(("text", "owner", "evidence", "effect"), f"zebra{state}")
    if state in DRAFTED:
        return
    if state in CHOSEN:
        services.save_condition(determination, by=people["program officer"], values=condition)
        make.cleared(determination)
    services.sign_determination(determination, by=chief)
    if state in TOLD:
        services.announce_determination(determination, by=chief)
    if state in CHOSEN:
        designation = proposal.designations.get()
        world.words[state].add(designation.number.lower())
        make.published(designation, by=people["second program officer"], title=f"zebra{state}")
        make.released(designation, title=f"zebra{state} anew")
    if state == "suspended":
        services.suspend_designation(designation, by=chief, reason="A member is under sanction.")
    if state in CHOSEN:
        draft = make.drafted_amendment(designation, by=people["program officer"], reason=f"zebra{state}")
        signed = partial(make.signed_amendment, draft, by=chief)
        world.amendments[state] = signed() if state == "suspended" else draft
