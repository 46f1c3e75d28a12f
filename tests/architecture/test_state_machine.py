"""Anybody tries anything in any order (C05, C31): what must hold after every step of a package's life.

Hypothesis draws acts and actors; the real services do or refuse them on PostgreSQL, each example inside a
savepoint. A refusal changes nothing; a success moves a record only along its table of transitions.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from evaluation import lifecycle as evaluation_life
from evaluation import services as evaluating
from evaluation.models import (
    Designation,
    Determination,
    Letter,
    Position,
    Referral,
    Review,
)
from evaluation.schedule import lapse_due_referrals
from financing import lifecycle as financing_life
from financing.models import Commitment, Tool, ToolReferral
from financing.reference import load_tools
from financing.schedule import follow_designations
from financing.services import referrals as tools
from program import audit, clock
from program.clock_account import clock_account
from program.enums import OfficeRole
from program.models import AuditEvent, Notice, User
from program.reference import load_reference_data
from program.transitions import NotReady, WrongStatus
from proposals import lifecycle as proposal_life
from proposals import services
from proposals.models import Proposal, Receipt, Recusal, Version
from tests.factories import evaluation as make
from tests.factories import financing
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ProposalFactory, certified, representative_of

pytestmark = pytest.mark.django_db
TABLES = {
    Proposal: proposal_life.TRANSITIONS,
    Referral: evaluation_life.REFERRAL_TRANSITIONS,
    Determination: evaluation_life.DETERMINATION_TRANSITIONS,
    Designation: evaluation_life.DESIGNATION_TRANSITIONS,
    ToolReferral: financing_life.TRANSITIONS,
}
EDGES = {
    model: {(source, transition.target) for transition in table for source in transition.sources}
    for model, table in TABLES.items()
}
# Acts that the examples must have carried out, or they prove little
DEEP = {
    "submit_proposal", "accept_proposal", "file_position", "recuse", "prepare_determination",
    "sign_determination",
    "announce_determination", "propose_referral",
}  # fmt: skip
REFUSALS = (WrongStatus, NotReady, PermissionDenied)
ACTORS = (
    "representative", "contributor", "stranger", "officer", "second officer", "third officer", "chief",
    "auditor", "reviewer",
    *make.EVALUATING, "recused", "chair", "holder", "other holder",
)  # fmt: skip
actors = st.sampled_from(ACTORS)


def mostly(name):
    """The person whose act it is, and every now and then anybody."""
    return st.one_of(st.just(name), st.just(name), actors)


base, reached = {}, Counter()


def build():
    """The people, and one package that is certified and not submitted."""
    load_reference_data()
    load_tools()
    clock_account()
    proposal = ProposalFactory(complete=True)
    certified(proposal)
    from_roles = {
        "representative": representative_of(proposal),
        "contributor": UserFactory(),
        "stranger": UserFactory(),
        "officer": officer(),
        "second officer": officer(),
        "third officer": officer(),
        "chief": make.decision_official(),
        "auditor": officer(OfficeRole.AUDITOR),
        "reviewer": make.reviewer("STATE"),
        **{code: make.lead(code) for code in make.EVALUATING},
        "recused": make.lead("DOE"),
        "chair": financing.chair(),
        "holder": financing.edag_officer("EXIM"),
        "other holder": financing.edag_officer("DFC"),
    }
    make.screening_list(from_roles["officer"])
    base.update(proposal=proposal.pk, people={name: person.pk for name, person in from_roles.items()})


def statuses():
    """The status of every record that has a life, by its kind and key."""
    return {
        (model, pk): status for model in TABLES for pk, status in model.objects.values_list("pk", "status")
    }


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.before, self.asked_at = statuses(), -1

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    # People and records as they stand now

    def person(self, name):
        return User.objects.get(pk=base["people"][name])

    @property
    def proposal(self):
        return Proposal.objects.get(pk=base["proposal"])

    def last(self, model):
        return model.objects.order_by("-pk").first()

    def attempt(self, act, *args, by, **details):
        """Do ``act`` or take its refusal, which must leave no trace."""
        events, rows = AuditEvent.objects.count(), statuses()
        try:
            with transaction.atomic():
                act(*args, by=self.person(by), **details)
        except REFUSALS:
            assert (AuditEvent.objects.count(), statuses()) == (events, rows)
            return False
        assert AuditEvent.objects.count() > events, f"{act.__name__} left no event"
        reached[act.__name__] += 1
        return True

    # How far the package is when the example begins

    @initialize(stage=st.integers(0, 6), objector=st.sampled_from(["", "DOE", "STATE"]))
    def begin(self, stage, objector):
        steps = [
            lambda: self.submit("representative"),
            lambda: self.take_in("officer"),
            lambda: [self.file(code, code, "object" if code == objector else "support")
                for code in make.EVALUATING],
            lambda: (self.screen("officer"), self.prepare("officer"), self.complete("officer")),
            lambda: (self.clear_and_sign("chief", "third officer"), self.announce("chief")),
            lambda: self.propose_tool("chair"),
        ]  # fmt: skip
        for step in steps[:stage]:
            step()
            self.everything_holds()

    # The consortium

    @rule(by=mostly("representative"))
    def submit(self, by):
        self.attempt(services.submit_proposal, self.proposal, by=by)

    @rule(
        by=st.sampled_from(["representative", "contributor", "stranger"]),
        title=st.sampled_from(["One", "Two"]),
    )
    def submit_again(self, by, title):
        Proposal.objects.filter(pk=base["proposal"]).update(title=title)
        try:
            with transaction.atomic():
                certified(self.proposal, self.person("representative"))
        except REFUSALS:
            return
        self.attempt(services.resubmit_proposal, self.proposal, by=by)

    @rule(by=actors)
    def withdraw(self, by):
        self.attempt(services.withdraw_proposal, self.proposal, by=by, note="We found another way.")

    # The Program office and the agencies

    @rule(by=mostly("officer"))
    def look_through(self, by):
        if version := self.proposal.latest_version:
            for item in self.proposal.call.requirements.all():
                self.attempt(evaluating.review_completeness, version, item, by=by, finding="accepted")

    @rule(by=mostly("officer"))
    @precondition(lambda self: self.proposal.latest_version)
    def take_in(self, by):
        """The whole intake at a stretch, as an officer does it on a good day."""
        self.look_through(by)
        self.screen(by)
        self.accept(by)

    @rule(by=mostly("officer"))
    def accept(self, by):
        self.attempt(evaluating.accept_proposal, self.proposal, by=by)

    @rule(by=mostly("officer"))
    def send_back(self, by):
        version, item = self.proposal.latest_version, self.proposal.call.requirements.first()
        if version and item:
            finding = {"finding": "deficient", "reason": "The provenance is missing."}
            self.attempt(evaluating.review_completeness, version, item, by=by, **finding)
            self.attempt(evaluating.return_proposal, self.proposal, by=by)

    @rule(by=mostly("officer"))
    def screen(self, by):
        if version := self.proposal.latest_version:
            self.attempt(evaluating.screen_version, version, by=by)

    @rule(
        agency=st.sampled_from(make.EVALUATING),
        by=actors | st.just(""),
        stance=st.sampled_from(["support", "object"]),
    )
    def file(self, agency, by, stance):
        by = by or agency
        if referral := Referral.objects.filter(agency__code=agency).order_by("-pk").first():
            self.attempt(evaluating.file_position, referral, by=by, stance=stance, rationale="Reasons.")

    @rule(agency=st.sampled_from(make.EVALUATING), by=mostly("officer"), goes_on=st.booleans())
    def stop_clock(self, agency, by, goes_on):
        referral = Referral.objects.filter(agency__code=agency).order_by("-pk").first()
        if referral and goes_on:
            self.attempt(evaluating.resume_referral, referral, by=by)
        elif referral:
            facts = {"referrals": [referral], "reason": "offices_closed", "note": "A storm."}
            self.attempt(evaluating.pause_clocks, self.proposal, by=by, **facts)

    @rule(agency=st.sampled_from(make.EVALUATING))
    def let_consultation_end(self, agency):
        Referral.objects.filter(agency__code=agency).update(due_at=clock.now() - timedelta(minutes=2))
        lapse_due_referrals()

    @rule(who=st.sampled_from(["recused", "reviewer", "DOE"]), by=mostly("officer"))
    def recuse(self, who, by):
        self.attempt(evaluating.recuse, self.proposal, person=self.person(who), by=by, reason="A cousin.")

    # The decision

    @rule(by=mostly("officer"))
    def prepare(self, by):
        self.attempt(evaluating.prepare_determination, self.proposal, by=by)

    @rule(by=st.sampled_from(["officer", "second officer", "chief", "stranger"]))
    @precondition(lambda self: Determination.objects.exists())
    def complete(self, by):
        if not (record := self.last(Determination)):
            return
        try:
            with transaction.atomic():
                for finding in record.findings.all():
                    evaluating.save_finding(
                        finding, by=self.person(by), values={"is_met": True, "text": "Shown."}, revision=None
                    )
                for referral in Referral.objects.filter(position__stance="object", version=record.version):
                    evaluating.answer_objection(
                        record, referral.position, by=self.person(by), answer="Met by a condition."
                    )
                values = {"outcome": "designate", "rationale": "Yes.", "letter_text": "Well done."}
                evaluating.save_determination(record, by=self.person(by), revision=None, values=values)
        except REFUSALS:
            pass

    @rule(by=mostly("chief"), clears=mostly("third officer"))
    @precondition(lambda self: Determination.objects.exists())
    def clear_and_sign(self, by, clears):
        if record := self.last(Determination):
            self.attempt(evaluating.ask_to_clear, record, by="officer")
            self.attempt(evaluating.clear_determination, record, by=clears)
            self.attempt(evaluating.sign_determination, record, by=by)

    @rule(by=mostly("chief"))
    @precondition(lambda self: Determination.objects.exists())
    def recall(self, by):
        if record := self.last(Determination):
            self.attempt(evaluating.recall_determination, record, by=by, reason="An error.")

    @rule(by=mostly("chief"))
    @precondition(lambda self: Determination.objects.exists())
    def announce(self, by):
        if record := self.last(Determination):
            self.attempt(evaluating.announce_determination, record, by=by)

    @rule(by=mostly("chief"), act=st.sampled_from(["suspend", "reinstate", "revoke"]))
    @precondition(lambda self: Designation.objects.exists())
    def change_designation(self, by, act):
        if record := self.last(Designation):
            self.attempt(getattr(evaluating, f"{act}_designation"), record, by=by, reason="A member left.")

    # Federal financing

    @rule(by=mostly("chair"))
    @precondition(lambda self: Designation.objects.exists())
    def propose_tool(self, by):
        if record := self.last(Designation):
            self.attempt(
                tools.propose_referral, record, by=by, tool=Tool.objects.get(code="direct_loan"),
                market="Kenya",
                purpose="The data center.", lead_officer=self.person("holder"), amount_is_tbd=True,
            )  # fmt: skip

    @rule(by=mostly("chair"))
    @precondition(lambda self: ToolReferral.objects.exists())
    def refer_tool(self, by):
        if record := self.last(ToolReferral):
            self.attempt(tools.refer_tool, record, by=by)

    @rule(by=mostly("holder"), act=st.sampled_from(["accept_referral", "close_referral"]))
    @precondition(lambda self: ToolReferral.objects.exists())
    def move_tool(self, by, act):
        if record := self.last(ToolReferral):
            self.attempt(getattr(tools, act), record, by=by)

    @rule(by=mostly("holder"))
    @precondition(lambda self: ToolReferral.objects.exists())
    def commit_tool(self, by):
        if record := self.last(ToolReferral):
            self.attempt(
                tools.commit_referral, record, by=by, amount_usd=1_000_000, committed_on=clock.today(),
                instrument_reference="Board action 1",
            )  # fmt: skip

    @rule(by=mostly("holder"))
    @precondition(lambda self: ToolReferral.objects.exists())
    def decline_tool(self, by):
        if record := self.last(ToolReferral):
            self.attempt(tools.decline_referral, record, by=by, reason="Not this buyer.")

    @rule()
    @precondition(lambda self: ToolReferral.objects.exists())
    def follow(self):
        follow_designations()

    # What must hold after every step

    @invariant()
    def everything_holds(self):
        """Asked again only when the record has grown: a step that was refused left everything as it was."""
        events = AuditEvent.objects.count()
        if events == self.asked_at:
            return
        self.asked_at = events
        self.only_allowed_transitions()
        self.versions_are_numbered_without_gap_and_have_their_receipts()
        self.record_is_sound()
        self.everybody_is_told_once()
        self.who_prepares_does_not_sign()
        self.decision_rests_on_five_consultations()
        self.recused_and_strangers_see_nothing()
        self.signed_is_invisible_to_the_consortium_until_it_is_announced()
        self.government_sees_nothing_that_was_never_submitted()
        self.designation_follows_from_an_announced_decision()
        self.tools_stand_only_on_an_active_designation()

    def only_allowed_transitions(self):
        now = statuses()
        for key, status in now.items():
            was = self.before.get(key)
            if was is not None and was != status:
                assert reachable(EDGES[key[0]], was, status), (key, was, status)
        assert not self.before.keys() - now.keys(), "a record vanished"
        self.before = now

    def versions_are_numbered_without_gap_and_have_their_receipts(self):
        numbers = list(Version.objects.order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, self.proposal.version_count + 1))
        receipts = list(Receipt.objects.order_by("version__number"))
        assert len(receipts) == len(numbers)
        assert all(second.previous_sha256 == first.sha256 for first, second in pairwise(receipts))

    def record_is_sound(self):
        assert audit.verify().is_sound

    def everybody_is_told_once(self):
        told = Counter(Notice.objects.values_list("event", "recipient", "kind"))
        assert not [key for key, times in told.items() if times > 1]

    def who_prepares_does_not_sign(self):
        records = list(Determination.objects.all())
        assert all(record.signed_by_id != record.prepared_by_id for record in records)
        assert all(record.signed_by_id for record in records if record.status in ("signed", "announced"))
        for record in records:
            assert record.cleared_by_id or not record.signed_by_id
            assert record.cleared_by_id is None or record.cleared_by_id not in (
                record.prepared_by_id, record.signed_by_id, *record.written_by.values_list("pk", flat=True),
            )  # fmt: skip
        assert sum(record.status in ("draft", "signed") for record in records) <= 1

    def decision_rests_on_five_consultations(self):
        for record in Determination.objects.filter(status__in=["signed", "announced"]):
            states = Counter(Referral.objects.filter(version=record.version).values_list("status", flat=True))
            assert states["answered"] + states["lapsed"] == len(make.EVALUATING), states

    def recused_and_strangers_see_nothing(self):
        names = {base["people"][name] for name in ("stranger", "contributor")}
        away = User.objects.filter(pk__in=names | set(Recusal.objects.values_list("user_id", flat=True)))
        kinds = (
            Proposal, Version, Referral, Position, Review, Determination, Letter, Designation, ToolReferral,
        )  # fmt: skip
        there = [model for model in kinds if model.objects.exists()]
        for person in away:
            for model in there:
                assert not model.objects.visible_to(person).exists(), (person, model)
            assert not person.has_perm("proposals.view_proposal", self.proposal)

    def signed_is_invisible_to_the_consortium_until_it_is_announced(self):
        team = self.person("representative")
        for model in (Determination, Position, Referral):
            assert not (model.objects.exists() and model.objects.visible_to(team).exists()), model
        if not Determination.objects.filter(status="announced").exists():
            assert not Letter.objects.visible_to(team).exists()
            assert not Designation.objects.visible_to(team).exists()
            assert self.proposal.status not in ("designated", "not_selected")
            assert not Notice.objects.filter(
                recipient=team, kind__in=["evaluation.signed", "evaluation.announced"]
            ).exists()

    def government_sees_nothing_that_was_never_submitted(self):
        if self.proposal.submitted_at is None:
            for name in ("officer", "chief", "auditor", "STATE", "reviewer", "holder"):
                assert not Proposal.objects.visible_to(self.person(name)).exists(), name

    def designation_follows_from_an_announced_decision(self):
        for record in Designation.objects.select_related("determination"):
            assert (record.determination.status, record.determination.outcome) == ("announced", "designate")
            assert self.proposal.status == "designated"
        assert Designation.objects.filter(status__in=["active", "suspended"]).count() <= 1

    def tools_stand_only_on_an_active_designation(self):
        for record in ToolReferral.objects.select_related("designation", "tool__agency"):
            assert record.agency_id == record.tool.agency_id
            if record.status in ("committed",):
                assert Commitment.objects.filter(referral=record).count() == 1
            elif record.designation.status != "active" and record.is_open:
                assert record.stage == "suspended"
        unreferred = ToolReferral.objects.filter(referred_at=None)
        followed = ToolReferral.objects.followed_by(self.person("representative"))
        assert not (set(unreferred) & set(followed))


def reachable(edges, source, target):
    """One rule may do two acts, such as a consultation that lapses for several: follow at most two."""
    middle = {after for before, after in edges if before == source}
    return target in middle or any((each, target) in edges for each in middle)


def test_life_of_a_package_whoever_tries_whatever(django_db_setup):
    build()
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=40,
            stateful_step_count=15,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # a failing example is short enough as it is
        ),
    )
    assert reached.keys() >= DEEP, f"Never reached: {DEEP - reached.keys()}"
