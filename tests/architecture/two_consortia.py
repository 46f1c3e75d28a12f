"""Two consortia with everything that happens to a package, and a canary in every text of the first one's.

A canary is a made-up word. Each word stands for one kind of matter with its own answer to who may read it,
so that a page, file or answer that holds the word can be judged by asking ``visible_to``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models

from evaluation import services as evaluating
from evaluation.models import ComplianceCheck, ConflictCase, PartyCheck, Review
from financing.models import Match
from financing.services.matching import match_tools
from financing.services.meetings import give_action
from program import clock
from program.documents import store_document
from program.enums import Mark, OfficeRole
from program.intake import examine
from program.lifecycle import FIND_INCONSISTENT
from program.models import Agency, AgencyAction, Call, Organization, User
from program.services import questions as call_questions
from proposals import services
from proposals.enums import TeamRole
from proposals.models import (
    AnchorOffer,
    Attachment,
    Consortium,
    Membership,
    OutsideParty,
    Proposal,
    ReceiptPaper,
    TeamMember,
    TimeRequest,
)
from proposals.services import invite_member, invite_person
from proposals.tasks import render_package, render_receipt
from tests.factories import directives, financing
from tests.factories import evaluation as make
from tests.factories.program import (
    CountryFactory,
    CriterionFactory,
    OrganizationFactory,
    UserFactory,
    drafted_call,
    issued_call,
    officer,
)
from tests.factories.proposals import (
    ConsortiumFactory,
    DocumentFactory,
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    fill,
    representative_of,
    submitted,
)

KEPT = {
    "confidence",
    "clause",
    "list_name",
    "eccn",
    "code",
    "number",
    "sha256",
    "uei",
    "cage",
    "nonce",
    "declaration_version",
    "consented_role",
}
RECORDS_RECUSALS = ("program_officer", "auditor", "decision_official")


@dataclass
class Matter:
    """One kind of text: ``word`` stands in it, ``readers`` says who of ``people`` may read it."""

    word: str
    readers: Any


@dataclass
class World:
    """The records of the first consortium by name, and the people by role."""

    people: dict[str, Any]
    records: dict[str, models.Model] = field(default_factory=dict)
    matters: list[Matter] = field(default_factory=list)

    def __getattr__(self, name):
        try:
            return self.__dict__["records"][name]
        except KeyError as error:
            raise AttributeError(name) from error


tails = {"long": "", "short": ""}


def free_texts(record):
    """The columns of ``record`` into which people write what they like."""
    for column in record._meta.concrete_fields:
        is_text = isinstance(column, models.CharField | models.TextField) and not column.choices
        if is_text and column.name not in KEPT and not isinstance(column, models.URLField):
            yield column


def mark_texts(word, *records):
    """Put ``word`` into every free text of ``records`` that nobody checks for its form."""
    for record in records:
        values = {}
        for column in free_texts(record):
            if isinstance(column, models.EmailField):
                values[column.name] = f"{word}@firm.example"
                continue
            text = f"{getattr(record, column.name) or ''} {word}".strip()
            for tail in (tails["long"], tails["short"]):
                if column.max_length is None or len(text) + len(tail) <= column.max_length:
                    text += tail
                    break
            assert column.max_length is None or len(text) <= column.max_length, (record, column.name)
            values[column.name] = text
        type(record)._base_manager.filter(pk=record.pk).update(**values)
        record.refresh_from_db()


def package_rows(proposal):
    """The proposal and every row of its working copy."""
    yield proposal
    for name in (
        "components", "provisions", "markets", "sites", "support_requests", "outside_parties", "attachments",
    ):  # fmt: skip
        yield from getattr(proposal, name).all()
    for site in proposal.sites.all():
        yield from site.roles.filter(membership=None)


def attached(proposal, word):
    """A document of the team in the package, with ``word`` in its name, caption and text.

    It has replaced an earlier one, and another is on its way.
    """
    by = representative_of(proposal)
    earlier, newer = (
        ContentFile(f"party,word\n{party},{word}\n".encode(), name=f"{word}.csv")
        for party in ("Former", "Fictional")
    )
    document = store_document(earlier, by=by, mark=Mark.BUSINESS_CONFIDENTIAL, justification=f"Prices {word}")
    attachment = services.attach_document(
        proposal, document, by=by, part="documents", caption=f"Evidence {word}"
    )
    services.release_file(attachment, by=by)
    services.replace_file(attachment, newer, found=examine(newer, newer.name), by=by, revision=1)
    services.release_file(attachment, by=by)
    services.begin_upload(proposal, by=by, name=f"{word} to come.csv", size=100)
    return attachment


def talked_about(proposal, word):
    """A comment and a mark on the working copy and a row that was taken out of it, with ``word`` in each."""
    by = representative_of(proposal)
    comment = services.add_comment(proposal, by=by, part="hardware", text=word, assigned_to=by)
    services.answer_comment(comment, by=by, text=f"{word}, answered")
    party = services.add_row(OutsideParty(proposal=proposal), by=by, values={"legal_name": f"{word} removed"})
    services.remove_row(party, by=by, revision=1)
    services.set_mark(
        proposal, by=by, part="hardware", mark=Mark.BUSINESS_CONFIDENTIAL, justification=f"{word} prices"
    )
    return comment, proposal.removed_rows.get()


def package(consortium, call, word):
    proposal = ProposalFactory(call=call, consortium=consortium)
    fill(proposal)
    attached(proposal, word)
    mark_texts(word, *package_rows(proposal))
    return proposal


def fresh(people):
    """The same people without what their instances remember of offices."""
    return {
        role: User.objects.get(pk=person.pk) if isinstance(person, User) else person
        for role, person in people.items()
    }


def build(*, tail="", short_tail=""):
    """Three packages of the first consortium: a draft, one under evaluation, one designated and referred.

    ``tail`` is put after every word, or ``short_tail`` where there is less room.
    """
    tails.update(long=tail, short=short_tail or tail)
    try:
        return _build()
    finally:
        tails.update(long="", short="")


def _build():
    make.five_agencies()
    ours, theirs = ConsortiumFactory(), ConsortiumFactory()
    world = World(people={})
    people = world.people
    people["anonymous"] = AnonymousUser()
    people["nobody"] = UserFactory()
    people["our representative"] = ours.created_by
    people["their representative"] = theirs.created_by
    people["our contributor"] = TeamMemberFactory(membership=ours.anchor).user
    people["our former contributor"] = former = TeamMemberFactory(membership=ours.anchor)
    services.remove_team_member(former, by=ours.created_by)
    people["our former contributor"] = former.user
    people["our partner"] = TeamMemberFactory(
        membership=MembershipFactory(consortium=ours), role=TeamRole.ADMINISTRATOR
    ).user
    # Nobody comes to both by the doors: whom an office and a team met otherwise, the office helps to nothing
    for role in (OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR):
        people[f"{role} inside"] = insider = officer(role)
        TeamMemberFactory(membership=ours.anchor, user=insider, role=TeamRole.ADMINISTRATOR)
    people["edag officer inside"] = insider = financing.edag_officer("DFC")
    TeamMemberFactory(membership=ours.anchor, user=insider, role=TeamRole.ADMINISTRATOR)
    for role in (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR):
        people[str(role)] = officer(role)
    people["recused program officer"] = officer()
    people["lead of DOD"] = make.lead("DOD")
    people["unassigned reviewer"] = make.reviewer("DOE")
    people["recused lead"] = make.lead("DOE")
    people["assigned reviewer"] = make.reviewer("STATE")
    people["second assigned reviewer"] = make.reviewer("STATE")
    people["reviewer who asked"] = make.reviewer("STATE")
    people["ethics official"] = officer(OfficeRole.ETHICS_OFFICIAL, "STATE")
    people["ethics official of DOE"] = officer(OfficeRole.ETHICS_OFFICIAL, "DOE")
    people["recused reviewer"] = make.reviewer("STATE")
    people["edag officer"] = financing.edag_officer("EXIM")
    people["edag chair"] = financing.chair()
    people["counsel"] = UserFactory()
    desk, chief = people[str(OfficeRole.PROGRAM_OFFICER)], people[str(OfficeRole.DECISION_OFFICIAL)]

    invite_person(ours.anchor, by=ours.created_by, email="zebraours@firm.example", role="contributor")
    mark_texts("zebraours", ours)
    Membership.objects.filter(consortium=ours).update(role_text="zebraours", consented_role="zebraours")
    organization = ours.anchor.organization
    holding = organization.holdings.create(holder_name="zebraowner", share="0.1")

    # A draft: the Government does not know of it
    draft = package(ours, issued_call(), "zebradraft")
    services.grant_access(draft, to=people["counsel"], by=ours.created_by)
    talked_about(draft, "zebradraft")
    time_request = services.ask_for_time(draft, by=ours.created_by, reason="zebratime, a flood.")

    # Under evaluation: signed inside, nothing announced
    call = issued_call()
    CriterionFactory(call=call)
    inside = package(ours, call, "zebrapackage")
    submitted(inside)
    render_receipt(ReceiptPaper.objects.get(receipt__version__proposal=inside).pk)
    render_package(services.ask_package_pdf(inside.versions.get(), by=ours.created_by).pk)
    make.shorter_list(desk)
    listed = make.screening_list(desk, whole=True)
    make.accept(inside, desk)
    mark_texts("zebraworking", *inside.components.all())
    comment, removed = talked_about(inside, "zebracomment")
    evaluating.recuse(inside, person=people["recused lead"], by=desk, reason="zebrarecusal, a cousin.")
    evaluating.recuse(
        inside, person=people["recused program officer"], by=desk, reason="zebrarecusal, a brother."
    )
    state = Agency.objects.get(code="STATE")
    question = evaluating.ask_consortium(
        inside, by=desk, agency=state, question="zebraquestion?", due_on=clock.today() + timedelta(days=9)
    )
    table = SimpleUploadedFile("zebraquestion.csv", b"zebraquestion,1\n")
    evaluating.answer_question(
        question, by=ours.created_by, answer="zebraquestion, answered.", uploads=[table]
    )
    assignment = make.assigned(inside, person=people["assigned reviewer"], by=desk)
    make.assigned(inside, person=people["second assigned reviewer"], by=desk)
    asking = make.assigned(inside, person=people["reviewer who asked"], by=desk, declared=False)
    interest = evaluating.declare_interest(
        by=asking.reviewer, kind="holding", whose="own", name="zebrainterest"
    )
    evaluating.declare_conflict(
        asking, by=asking.reviewer, has_conflict=True, text="zebraconflict", about="relationship"
    )
    declared = evaluating.declare_as_official(
        inside, by=people["lead of DOD"], has_conflict=False, text="zebradeclared, another company."
    )
    make.filled_review(make.assigned(inside, person=people["recused reviewer"], by=desk))
    evaluating.recuse(inside, person=people["recused reviewer"], by=desk, reason="zebrarecusal, a sister.")
    review = make.filled_review(assignment)
    mark_texts("zebrareview", review, *review.scores.all())
    Review.objects.filter(pk=review.pk).update(private_notes="zebranotes")
    evaluating.submit_review(Review.objects.get(pk=review.pk), by=assignment.reviewer)
    remark = evaluating.write_comment(
        inside, by=assignment.reviewer, room="own_agency:STATE", text="zebraremark", sent_as=uuid4(),
        about="reviews:STATE", place="zebraremark",
    )  # fmt: skip
    evaluating.keep_discussion_draft(
        inside, by=desk, values={"text": "zebrathought", "room": "all_agencies"}, revision=0
    )
    (pause,) = evaluating.pause_clocks(
        inside, by=desk, referrals=[make.referral_of(inside, "STATE")], reason="offices_closed",
        note="zebrapause, a storm.",
    )  # fmt: skip
    position = make.filed(inside, "STATE", rationale="zebraposition")
    determination = evaluating.prepare_determination(inside, by=desk)
    make.found(determination)
    condition = evaluating.save_condition(
        determination,
        by=desk,
        values={
            **dict.fromkeys(("text", "owner", "evidence", "effect"), "zebradetermination"),
            "due_on": clock.today(),
        },
    )
    evaluating.save_determination(
        determination,
        by=desk,
        revision=None,
        values={
            "outcome": "designate",
            "rationale": "zebradetermination",
            "letter_text": "zebradetermination",
        },
    )
    make.filed(inside, "DOE", "object", rationale="zebraobjection")
    escalation = inside.escalations.get()
    evaluating.add_to_escalation(
        escalation, by=desk, level="staff", participants="zebraescalation", minutes="zebraescalation"
    )
    for code in (*make.EVALUATING[2:], "COMMERCE"):
        make.filed(inside, code, rationale=f"zebra{code.lower()}")
    evaluating.sign_determination(make.cleared(determination), by=chief)
    check = PartyCheck.objects.filter(run__version__proposal=inside).first()
    compliance_check = ComplianceCheck.objects.filter(run__version__proposal=inside).first()

    # Designated, with a tool proposed and another referred
    done = package(ours, issued_call(), "zebradesignated")
    submitted(done)
    make.accept(done, desk)
    chosen = make.ready_to_sign(done, by=desk)
    evaluating.sign_determination(chosen, by=chief)
    evaluating.announce_determination(chosen, by=chief)
    designation = done.designations.get()
    text = make.released(designation, title="zebratext", summary="zebratext", contact_name="zebratext")
    amendment = evaluating.prepare_amendment(designation, by=desk)
    said = dict.fromkeys(("text", "owner", "evidence", "effect"), "zebraamendment")
    evaluating.save_condition_change(
        amendment, by=desk, kind="add", values={**said, "due_on": clock.today() + timedelta(days=30)}
    )
    evaluating.save_amendment(amendment, by=desk, values={"reason": "zebraamendment"}, revision=None)
    evaluating.sign_amendment(make.cleared_amendment(amendment), by=chief)
    match_tools(designation, by=people["edag officer"])
    Match.objects.update(reasons=[{"kind": "x", "text": "zebraedag", "citation": "", "confidence": "U"}])
    referral = financing.proposed(designation, purpose="zebraedag", by=people["edag officer"])
    meeting = financing.meeting(by=people["edag chair"], referral=referral)
    item = meeting.items.get()
    mark_texts("zebraedag", item)
    action = give_action(
        item, text="zebraedag", owner=people["edag officer"], due_on=clock.today(), by=people["edag chair"]
    )

    invited = OrganizationFactory()
    invite_member(ours, invited, by=ours.created_by, email="zebrainvited@firm.example", role_text="zebraours")
    people["invited representative"] = TeamMemberFactory(
        membership=ours.memberships.get(organization=invited), role=TeamRole.ADMINISTRATOR
    ).user

    anchor_offer = AnchorOffer.objects.create(
        consortium=ours, from_member=ours.anchor, to_member=ours.memberships.get(organization=invited),
        note="zebraours", offered_by=ours.created_by,
    )  # fmt: skip

    # What the Program office keeps of the orders: an action under review, one with an exemption, a duty
    hidden = directives.entered(desk, title="zebraaction", effect="zebraaction")
    mark_texts("zebraaction", hidden)
    found = directives.decide(directives.entered(desk, title="Guidance, found"), FIND_INCONSISTENT, by=desk)
    exemption = directives.exempted(found, desk)
    duty = directives.duty()
    mark_texts("zebraduty", duty, found, exemption)

    # The other consortium, and a call that is not issued
    other = package(theirs, call, "other")
    submitted(other)
    make.accept(other, desk)
    planned = make_draft_call()
    asked = call_questions.ask_question(
        call, by=ours.created_by, text="zebraours, a question to the desk", is_confidential=True
    )

    world.records = {
        "draft": draft, "inside": inside, "done": done, "other": other, "consortium": ours,
        "membership": ours.anchor, "organization": organization, "holding": holding,
        "invited": Membership.objects.get(consortium=ours, organization=invited),
        "invitation": Membership.objects.get(consortium=ours, organization=invited).invitations.get(),
        "place": TeamMember.objects.filter(membership=ours.anchor, removed_at=None).last(),
        "interest": interest, "conflict_case": asking.conflict_cases.get(),
        "assignment": assignment, "review": review, "score": review.scores.first(),
        "referral": make.referral_of(inside), "position": position, "question": question,
        "escalation": escalation, "remark": remark,
        "determination": determination, "condition": condition, "check": check,
        "compliance_check": compliance_check,
        "amendment": amendment, "designation": designation, "letter": done.letters.get(),
        "tool_referral": referral,
        "meeting": meeting, "item": item, "action": action, "planned": planned, "asked": asked,
        "attachment": Attachment.objects.get(proposal=inside), "counsel": people["counsel"],
        "notice": ours.created_by.notices.first(),
        "duty": duty, "agency_action": found, "hidden_action": hidden, "exemption": exemption,
        "comment": comment, "marking": inside.markings.get(), "removed": removed,
        "anchor_offer": anchor_offer, "time_request": time_request,
        "listed": listed,
        "draft_attachment": Attachment.objects.get(proposal=draft),
    }  # fmt: skip
    world.people = fresh(people)
    world.matters = [
        Matter("zebradraft", may(Proposal, draft)),
        Matter("zebrapackage", may(Proposal, inside)),
        Matter("zebradesignated", may(Proposal, done)),
        Matter("zebraworking", lambda user: on_team(user, ours)),
        Matter("zebracomment", lambda user: on_team(user, ours)),
        Matter("zebratime", may(TimeRequest, time_request)),
        Matter("zebraours", lambda user: reads_consortium(user, world)),
        Matter("zebraowner", lambda user: reads_owners(user, world)),
        Matter("zebrarecusal", lambda user: sees(user, inside) and user.holds(*RECORDS_RECUSALS)),
        Matter("zebrainterest", may(type(interest), interest)),
        Matter("zebraconflict", may(ConflictCase, asking.conflict_cases.get())),
        Matter("zebradeclared", may(type(declared), declared)),
        Matter("zebraquestion", may(type(question), question)),
        Matter("zebrareview", may(Review, review)),
        Matter("zebranotes", lambda user: user.pk == review.reviewer_id),
        Matter("zebraposition", may(type(position), position)),
        Matter("zebraescalation", may(type(escalation), escalation)),
        Matter("zebraremark", may(type(remark), remark)),
        Matter("zebrathought", lambda user: user.pk == desk.pk),
        Matter("zebrapause", may(type(pause), pause)),
        Matter("zebradetermination", may(type(determination), determination)),
        Matter("zebraamendment", may(type(amendment), amendment)),
        Matter("zebratext", may(type(text), text)),
        Matter("zebraaction", may(AgencyAction, hidden)),
        Matter("zebraedag", may(type(referral), referral)),
    ]  # fmt: skip
    return world


def make_draft_call():
    """A call that its program officer has only drafted."""
    call = drafted_call()
    call.ineligible_jurisdictions.create(
        country=CountryFactory(code="KE"), reason="zebracall", effective_from=clock.today()
    )
    call.files.create(title="zebracall", document=DocumentFactory(name="zebracall.pdf"))
    Call.objects.filter(pk=call.pk).update(title="zebracall", summary="zebracall", text="zebracall")
    call.refresh_from_db()
    return call


def may(model, record):
    return lambda user: model.objects.visible_to(user).filter(pk=record.pk).exists()


def sees(user, proposal):
    return Proposal.objects.visible_to(user).filter(pk=proposal.pk).exists()


def on_team(user, consortium):
    return TeamMember.objects.of(user).filter(membership__consortium=consortium).exists()


def reads_owners(user, world):
    """Owners go with the package; partners read them when their own organization has consented."""
    return (
        on_team(user, world.consortium)
        or Organization.objects.visible_to(user).filter(pk=world.organization.pk).exists()
        or any(sees(user, proposal) for proposal in (world.draft, world.inside, world.done))
    )


def reads_consortium(user, world):
    """Names and roles of members go with the package; the rest stays on the team."""
    if not user.is_authenticated:
        return False
    return (
        Consortium.objects.visible_to(user).filter(pk=world.consortium.pk).exists()
        or Organization.objects.visible_to(user).filter(pk=world.organization.pk).exists()
        or any(sees(user, proposal) for proposal in (world.draft, world.inside, world.done))
        or user.holds(OfficeRole.PROGRAM_OFFICER)  # reads the question that the consortium asked
    )
