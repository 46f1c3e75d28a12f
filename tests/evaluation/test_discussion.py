"""The discussion of a proposal: each grade for exactly its readers, in every channel; nothing taken out."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse

from evaluation import discussing, services
from evaluation.discussing import tally_of
from evaluation.enums import Grade
from evaluation.models import DiscussionComment, DiscussionDraft, DiscussionRead, DiscussionText
from evaluation.packets import packet_text
from program import clock, notices
from program.enums import DeliveryState, OfficeRole
from program.models import Agency, AuditEvent, Delegation, Delivery, MailPreference, Notice, User
from program.revisions import StaleRevision
from program.transitions import NotReady
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories import financing
from tests.factories.program import CriterionFactory, OfficeFactory, UserFactory, issued_call, officer
from tests.factories.proposals import TeamMemberFactory, representative_of
from tests.statements import statements

pytestmark = pytest.mark.django_db
STATE, ALL, OFFICE = "own_agency:STATE", "all_agencies", "program_office"


@pytest.fixture
def proposal():
    return make.accepted()


@pytest.fixture
def author(proposal):
    return make.assigned(proposal, "STATE").reviewer


def said(proposal, by, room=ALL, text="The hall is not secure.", **facts):
    return services.write_comment(proposal, by=by, room=room, text=text, **{"sent_as": uuid4(), **facts})


def refused(call, *args, **facts):
    with pytest.raises(NotReady) as refusal:
        call(*args, **facts)
    return [problem.code for problem in refusal.value.problems]


def sees(person, comment):
    return DiscussionComment.objects.visible_to(person).filter(pk=comment.pk).exists()


def texts(comment):
    return list(comment.texts.values_list("number", "text", "is_withdrawal"))


# Who reads what: the three grades for every kind of reader, in every channel

READERS = {
    "reviewer of State": lambda proposal: make.assigned(proposal, "STATE").reviewer,
    "lead of State": lambda proposal: make.lead("STATE"),
    "delegate of State": lambda proposal: delegate(),
    "reviewer of Energy": lambda proposal: make.assigned(proposal, "DOE").reviewer,
    "lead of Energy": lambda proposal: make.lead("DOE"),
    "program officer": lambda proposal: officer(),
    "decision official": lambda proposal: make.decision_official(),
    "auditor": lambda proposal: officer(OfficeRole.AUDITOR),
    "reviewer who has not declared": lambda proposal: make.assigned(proposal, declared=False).reviewer,
    "reviewer of State, not assigned": lambda proposal: make.reviewer("STATE"),
    "EDAG officer": lambda proposal: financing.edag_officer("EXIM"),
    "consortium's representative": representative_of,
    "program officer on the team": lambda proposal: insider(proposal),
    "nobody": lambda proposal: UserFactory(),
}  # fmt: skip
OF_STATE = {"reviewer of State", "lead of State", "delegate of State"}
READ_BY = {
    STATE: OF_STATE | {"auditor"},
    ALL: OF_STATE
    | {"reviewer of Energy", "lead of Energy", "program officer", "decision official", "auditor"},
    OFFICE: {"program officer", "auditor"},
}
TAKES_PART = READ_BY[ALL]


def delegate():
    person = make.reviewer("STATE")
    make.delegated(make.lead("STATE"), person, Delegation.SIGN_POSITION)
    return person


def insider(proposal):
    person = officer()
    TeamMemberFactory(membership=proposal.consortium.anchor, user=person)
    return person


@pytest.mark.parametrize("room", READ_BY)
def test_a_grade_is_read_by_exactly_its_readers_on_page_search_and_count(client, proposal, author, room):
    people = {name: make_one(proposal) for name, make_one in READERS.items()}
    people = {name: User.objects.get(pk=person.pk) for name, person in people.items()}
    comment = said(proposal, author, room, "Zephyr is the word.")
    address = reverse("evaluation:discussion", args=[proposal.number])
    listed, shown, found, counted, opened, entered = set(), set(), set(), set(), set(), set()
    for name, person in people.items():
        if sees(person, comment):
            listed.add(name)
        assert sees(person, comment) == person.has_perm("evaluation.view_discussioncomment", comment)
        sign_in(client, person)
        looked = client.get(address)
        if looked.status_code == 200:
            opened.add(name)
        if "Zephyr is the word." in looked.text:
            shown.add(name)
        searched = client.get(address, {"q": "zephyr WORD"})
        if searched.status_code == 200 and [one.comment for one in searched.context["threads"]] == [comment]:
            found.add(name)
        if (tally := tally_of(person, proposal)) and tally == (1, 1):
            counted.add(name)
        desk = client.get(reverse("evaluation:proposal", args=[proposal.number]))
        if address in desk.text:
            entered.add(name)
        assert "Zephyr" not in desk.text
    assert listed == shown == found == counted == READ_BY[room]
    assert opened == entered == TAKES_PART
    assert sees(author, comment)


@pytest.mark.parametrize("name", sorted(TAKES_PART))
def test_a_recusal_closes_all_of_it_and_what_was_said_stays(client, proposal, author, name):
    person = User.objects.get(pk=READERS[name](proposal).pk)
    said(proposal, author, ALL, "Zephyr.")
    own = None
    if name != "auditor":
        own = said(proposal, person, ALL, "Said before.")
        answer = said(proposal, author, ALL, "Answered.", answers=own)
        assert Notice.objects.visible_to(person).filter(event__subject_id=answer.pk).exists()
    services.recuse(proposal, person=person, by=officer(), reason="A cousin is a member.")
    person = User.objects.get(pk=person.pk)
    assert not DiscussionComment.objects.visible_to(person).exists()
    assert not Notice.objects.visible_to(person).filter(kind__startswith="evaluation.discussion").exists()
    assert tally_of(person, proposal) is None
    assert not AuditEvent.objects.visible_to(person).filter(act="discussioncomment.answer").exists()
    assert page(client, person, "discussion", proposal.number).status_code == 404
    for act, keys in (("comment-write", ()), ("comment-draft", ()), ("discussion-read", ())):
        assert press(client, person, act, proposal.number, *keys, room=ALL, text="No.").status_code == 404
    if own:
        with pytest.raises(PermissionDenied):
            said(proposal, person)
        with pytest.raises(PermissionDenied):
            services.edit_comment(own, by=person, text="Otherwise.", seen=1)
        kept = page(client, officer(), "discussion", proposal.number)
        assert "Said before." in kept.text and str(person) in kept.text


def test_an_ended_assignment_closes_it(proposal, author):
    comment = said(proposal, author)
    services.end_assignment(proposal.assignments.get(), by=make.lead("STATE"), reason="Moved on.")
    assert not sees(User.objects.get(pk=author.pk), comment)


def test_the_packet_the_catalog_and_the_consortium_know_nothing_of_it(client, proposal, author):
    said(proposal, author, ALL, "Zephyr.")
    determination = make.ready_to_sign(proposal)
    assert "Zephyr" not in packet_text(determination) and "discussion" not in packet_text(determination)
    person = representative_of(proposal)
    sign_in(client, person)
    for name, key in (("evaluation:questions", proposal.pk), ("proposals:detail", proposal.pk)):
        text = client.get(reverse(name, args=[key])).text
        assert "Zephyr" not in text and "iscussion" not in text
    assert not Notice.objects.visible_to(person).filter(kind__startswith="evaluation.discussion").exists()


def test_the_record_tells_an_auditor_who_spoke_to_whom_and_not_what_was_said(client, proposal, author):
    comment = said(proposal, author, STATE, "Zephyr.")
    auditor = officer(OfficeRole.AUDITOR)
    shown = page(client, auditor, "record", act="discussioncomment.write")
    assert "Comment written in the discussion" in shown.text and "To: Own agency" in shown.text
    assert reverse("evaluation:discussion", args=[proposal.number]) in shown.text
    assert "Zephyr" not in shown.text
    assert AuditEvent.objects.of(comment).get().clause == "E.O. 14320 s.3(d)"


# One's own review first


@pytest.fixture
def judged():
    """A proposal with a criterion, and two reviewers of State and one of Energy whose sheets are not in."""
    call = issued_call()
    CriterionFactory(call=call)
    proposal = make.accepted(call=call)
    return proposal, *(make.assigned(proposal, code) for code in ("STATE", "STATE", "DOE"))


def handed_in(assignment):
    services.submit_review(make.filled_review(assignment), by=assignment.reviewer)
    return assignment.reviewer


def test_what_is_said_on_criteria_and_reviews_is_hidden_until_ones_own_review_is_in(client, judged):
    proposal, first, second, third = judged
    speaker = handed_in(first)
    criterion = f"criterion:{proposal.call.criteria.first().pk}"
    plain = said(proposal, speaker, ALL, "On the whole.", about="part:data", place="4.2")
    on_criterion = said(proposal, speaker, ALL, "I gave two.", about=criterion)
    on_reviews = said(proposal, speaker, STATE, "They differ.", about="reviews:STATE")
    to_office = said(proposal, speaker, OFFICE, "They differ much.", about="reviews:STATE")
    for owing in (second.reviewer, third.reviewer):
        assert set(DiscussionComment.objects.visible_to(owing)) == {plain}
        assert tally_of(owing, proposal).written == 1
        shown = page(client, owing, "discussion", proposal.number)
        assert "I gave two." not in shown.text and "They differ." not in shown.text
        assert "shown once your own review" in shown.text and "Data pipelines and labeling, 4.2" in shown.text
    everything = {plain, on_criterion, on_reviews}
    assert set(DiscussionComment.objects.visible_to(make.lead("STATE"))) == everything
    assert set(DiscussionComment.objects.visible_to(handed_in(second))) == everything
    assert set(DiscussionComment.objects.visible_to(handed_in(third))) == {plain, on_criterion}
    assert set(DiscussionComment.objects.visible_to(officer())) == {plain, on_criterion, to_office}


@pytest.mark.parametrize("role", [OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR])
def test_an_office_helps_nobody_who_owes_a_sheet(judged, role):
    proposal, first, *_ = judged
    speaker = handed_in(first)
    comment = said(proposal, speaker, OFFICE, "They differ.", about="reviews:STATE")
    both = make.reviewer("STATE")
    OfficeFactory(user=both, role=role, agency=Agency.objects.get(code="COMMERCE"))
    both = User.objects.get(pk=both.pk)
    assert sees(both, comment)
    assignment = make.assigned(proposal, "STATE", person=both)
    assert not sees(both, comment)
    handed_in(assignment)
    assert sees(both, comment)


def test_who_owes_a_sheet_speaks_on_a_criterion_and_not_on_reviews(judged):
    proposal, first, second, _ = judged
    speaker, owing = handed_in(first), second.reviewer
    criterion = f"criterion:{proposal.call.criteria.first().pk}"
    own = said(proposal, owing, STATE, "Mine.", about=criterion)
    answer = said(proposal, speaker, STATE, "I gave two.", answers=own)
    assert set(DiscussionComment.objects.visible_to(owing)) == {own}
    assert answer.criterion == own.criterion
    assert refused(said, proposal, owing, STATE, about="reviews:STATE") == ["about"]


def test_a_new_version_hides_only_what_is_said_on_it(judged):
    proposal, first, second, _ = judged
    reviewers = handed_in(first), handed_in(second)
    before = said(proposal, reviewers[0], STATE, "They differ.", about="reviews:STATE")
    make.resubmitted(proposal)
    make.accept(proposal, officer())
    after = said(proposal, make.lead("STATE"), STATE, "They differ again.", about="reviews:STATE")
    assert (before.version.number, after.version.number) == (1, 2)
    assert (sees(reviewers[1], before), sees(reviewers[1], after)) == (True, False)


def test_a_sheet_given_back_takes_what_was_owed_in_mail_with_it(judged, mailoutbox):
    """Whom a comment is hidden from again gets no mail about it that was still owed."""
    proposal, first, second, _ = judged
    speaker, other = handed_in(first), handed_in(second)
    said(proposal, speaker, STATE, "They differ.", about="reviews:STATE")
    owed = Delivery.objects.get(notice__recipient=other, notice__kind="evaluation.discussion_added")
    services.reopen_review(other.reviews.get(), by=make.lead("STATE"), note="Say why.")
    notices.deliver(owed.pk)
    owed.refresh_from_db()
    assert owed.state == DeliveryState.DROPPED
    assert not [mail for mail in mailoutbox if "New comment" in mail.subject]


def test_nobody_says_to_all_what_only_one_agency_reads(judged):
    proposal, first, *_ = judged
    speaker = handed_in(first)
    about = {"about": "reviews:STATE"}
    assert refused(said, proposal, speaker, ALL, **about) == ["room"]
    assert refused(said, proposal, officer(), ALL, **about) == ["room"]
    assert refused(said, proposal, make.lead("DOE"), "own_agency:DOE", **about) == ["about"]
    assert said(proposal, officer(), OFFICE, **about).reviews_of.code == "STATE"
    with pytest.raises(IntegrityError), transaction.atomic():
        DiscussionComment.objects.create(
            version=make.version_of(proposal), grade=Grade.ALL_AGENCIES, author=speaker, sent_as=uuid4(),
            reviews_of=Agency.objects.get(code="STATE"), at=proposal.updated_at,
        )  # fmt: skip


# Answers


def test_an_answer_is_for_the_same_or_for_fewer(proposal, author):
    energy = make.lead("DOE")
    everybody = said(proposal, author, ALL, about="part:data", place="4.2")
    assert [room.code for room in discussing.rooms_of([], everybody)] == [ALL, OFFICE]
    to_own = said(proposal, energy, "own_agency:DOE", "Among us.", answers=everybody)
    to_office = said(proposal, energy, OFFICE, "To you.", answers=everybody)
    assert (to_own.agency.code, to_own.thread, to_own.part, to_own.place) == ("DOE", everybody, "data", "4.2")
    assert not sees(author, to_own) and not sees(author, to_office)
    assert sees(energy, to_office) and sees(officer(), to_office)

    own = said(proposal, author, STATE)
    for wider in (ALL, OFFICE, "own_agency:DOE"):
        assert refused(said, proposal, make.lead("STATE"), wider, answers=own) == ["room"]
    assert said(proposal, make.lead("STATE"), STATE, answers=own).answers == own
    for stranger in (energy, officer()):
        with pytest.raises(PermissionDenied):
            said(proposal, stranger, ALL, answers=own)


def test_the_program_office_speaks_with_whoever_wrote_to_it(proposal, author):
    desk, lead = officer(), make.lead("STATE")
    asked = said(proposal, author, OFFICE, "Is this allowed?")
    assert not sees(lead, asked)
    answer = said(proposal, desk, OFFICE, "It is.", answers=asked)
    thanks = said(proposal, author, OFFICE, "Thanks.", answers=answer)
    assert [each.party for each in (asked, answer, thanks)] == [author] * 3
    assert sees(author, answer) and sees(officer(), thanks) and not sees(lead, thanks)
    assert answer.room == f"Program office and {author}" and asked.room == "Program office and its author"
    for wider in (ALL, STATE):
        assert refused(said, proposal, author, wider, answers=answer) == ["room"]


def test_every_answer_is_read_by_nobody_who_does_not_read_what_it_answers(proposal, author):
    """Grades, agencies and parties crossed: over all readers, an answer reaches a part of the readers."""
    people = [User.objects.get(pk=make_one(proposal).pk) for make_one in READERS.values()]
    speakers = [author, *people]
    for room in READ_BY:
        begun = said(proposal, author, room)
        readers = {person.pk for person in speakers if sees(person, begun)}
        for person in speakers:
            if not person.has_perm("evaluation.add_discussioncomment", proposal) or not sees(person, begun):
                continue
            for narrower in discussing.rooms_of(discussing.agencies_of(person, proposal), begun):
                answer = said(proposal, person, narrower.code, answers=begun)
                reached = {each.pk for each in speakers if sees(each, answer)}
                assert reached <= readers and person.pk in reached


# Who writes, and until when


@pytest.mark.parametrize("name", sorted(READERS))
def test_who_takes_part_writes_and_others_are_answered_as_if_there_was_nothing(client, proposal, name):
    person = User.objects.get(pk=READERS[name](proposal).pk)
    answer = press(client, person, "comment-write", proposal.number, room=ALL, text="I think so.")
    if name in TAKES_PART - {"auditor"}:
        assert answer.url == reverse("evaluation:discussion", args=[proposal.number])
        assert DiscussionComment.objects.get().author == person
        return
    expected = {"auditor": 403, "reviewer who has not declared": 302}.get(name, 404)
    assert answer.status_code == expected
    if expected == 302:
        assert "/desk/assigned/" in answer.url
    assert not DiscussionComment.objects.exists()
    with pytest.raises(PermissionDenied):
        said(proposal, person)


@pytest.mark.parametrize("ended", ["withdrawn", "designated"])
def test_when_the_evaluation_is_over_it_is_read_and_not_written_in(client, ended):
    desk = officer()
    proposal = make.accepted(desk)
    comment = said(proposal, desk, ALL, "Before the end.")
    if ended == "withdrawn":
        withdraw_proposal(proposal, by=representative_of(proposal), note="No more.")
    else:
        Proposal.objects.filter(pk=proposal.pk).update(status=ProposalStatus.DESIGNATED)
    proposal.refresh_from_db()
    assert refused(said, proposal, desk) == ["closed"]
    assert refused(said, proposal, desk, answers=comment) == ["closed"]
    assert refused(services.edit_comment, comment, by=desk, text="After.", seen=1) == ["closed"]
    assert refused(services.withdraw_comment, comment, by=desk) == ["closed"]
    shown = page(client, desk, "discussion", proposal.number)
    assert "Before the end." in shown.text and "closed" in shown.text and shown.context["speaking"] is None
    typed = press(client, desk, "comment-write", proposal.number, room=ALL, text="Too late.")
    assert typed.status_code == 422 and "Too late." not in [
        text.text for text in DiscussionText.objects.all()
    ]


def test_it_goes_on_while_a_newer_version_is_at_intake(proposal, author):
    make.resubmitted(proposal)
    assert proposal.status == ProposalStatus.SUBMITTED
    assert said(proposal, author).version.number == 2


# Written once, edited, withdrawn


def test_a_form_sent_twice_says_it_once(client, proposal, author):
    facts = {"room": ALL, "text": "Once.", "sent_as": str(uuid4())}
    for _ in range(2):
        assert press(client, author, "comment-write", proposal.number, **facts).status_code == 302
    assert [each.text for each in DiscussionText.objects.all()] == ["Once."]
    other = make.lead("DOE")
    with pytest.raises(Exception, match="Sent as"):
        said(proposal, other, sent_as=facts["sent_as"])


def test_an_edit_keeps_the_former_text_and_a_withdrawal_that_there_was_one(client, proposal, author):
    comment = said(proposal, author, ALL, "First words.")
    press(client, author, "comment-edit", proposal.number, comment.pk, text="Second words.", seen="1")
    assert texts(comment) == [(1, "First words.", False), (2, "Second words.", False)]
    shown = page(client, officer(), "discussion", proposal.number).text
    assert "Second words." in shown and "First words." in shown and "Earlier text" in shown
    for _ in range(2):
        press(client, author, "comment-withdraw", proposal.number, comment.pk)
    assert texts(comment)[2:] == [(3, "", True)]
    shown = page(client, officer(), "discussion", proposal.number).text
    assert "Withdrawn by its author" in shown and str(author) in shown and "words." not in shown
    assert "First words." in page(client, officer(OfficeRole.AUDITOR), "discussion", proposal.number).text
    assert refused(services.edit_comment, comment, by=author, text="Third.", seen=3) == ["withdrawn"]
    assert refused(said, proposal, officer(), answers=comment) == ["withdrawn"]
    acts = AuditEvent.objects.of(comment).values_list("act", flat=True)
    assert [act.partition(".")[2] for act in acts] == ["write", "edit", "withdraw"]


def test_of_two_edits_neither_is_lost(client, proposal, author):
    comment = said(proposal, author, ALL, "First.")
    services.edit_comment(comment, by=author, text="From one window.", seen=1)
    with pytest.raises(StaleRevision):
        services.edit_comment(comment, by=author, text="From the other.", seen=1)
    facts = {"text": "From the other.", "seen": "1"}
    both = press(client, author, "comment-edit", proposal.number, comment.pk, **facts)
    assert both.status_code == 409 and "From one window." in both.text and "From the other." in both.text
    assert comment.texts.count() == 2
    over = press(client, author, "comment-edit", proposal.number, comment.pk, **facts | {"seen": "2"})
    assert 'name="seen" value="2"' in both.text and both.text.count('name="seen"') == 1
    assert over.status_code == 302 and texts(comment)[-1][1] == "From the other."


def test_the_same_text_again_is_no_edit(proposal, author):
    comment = said(proposal, author, ALL, "The same.")
    services.edit_comment(comment, by=author, text="The same. ", seen=1)
    assert comment.texts.count() == 1


def test_nobody_edits_or_withdraws_what_another_said(client, proposal, author):
    comment = said(proposal, author)
    for person in (make.lead("STATE"), officer(), officer(OfficeRole.AUDITOR)):
        for act, facts in (("comment-edit", {"text": "Mine.", "seen": "1"}), ("comment-withdraw", {})):
            assert press(client, person, act, proposal.number, comment.pk, **facts).status_code == 403
        assert page(client, person, "discussion", proposal.number, edit=comment.pk).status_code in (200, 403)
    energy = make.lead("DOE")
    own = said(proposal, author, STATE)
    assert press(client, energy, "comment-withdraw", proposal.number, own.pk).status_code == 404
    assert page(client, energy, "discussion", proposal.number, answer=own.pk).status_code == 404
    assert DiscussionText.objects.count() == 2


def test_the_database_keeps_what_was_said(proposal, author):
    comment = said(proposal, author)
    for row in (comment, comment.texts.get()):
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(at=comment.version.received_at)
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk)._raw_delete("default")


# Bad input


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"room": "", "text": "To nobody."}, "room"),
        ({"room": "own_agency:DOE", "text": "To others."}, "room"),
        ({"room": "everybody", "text": "To the world."}, "room"),
        ({"room": ALL, "text": " \n "}, "text"),
        ({"room": ALL, "text": "a" * 6001}, "text"),
        ({"room": ALL, "text": "A bell \x07 rings."}, "text"),
        ({"room": ALL, "text": "About what?", "about": "part:kitchen"}, "about"),
        ({"room": ALL, "text": "About what?", "about": "criterion:99999999"}, "about"),
        ({"room": ALL, "text": "About whom?", "about": "reviews:DOE"}, "about"),
        ({"room": ALL, "text": "Where?", "place": "a" * 121}, "place"),
        ({"room": ALL, "text": "To whom?", "mentions": ["99999999"]}, "mentions"),
        ({"room": ALL, "text": "To whom?", "mentions": ["x"]}, "mentions"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_text_kept(client, proposal, author, facts, field):
    answer = press(client, author, "comment-write", proposal.number, sent_as="no key", **facts)
    assert answer.status_code == 422
    assert answer.context["problems"] or answer.context["speaking"].form.errors
    assert f"id_{field}" in answer.text
    if facts["text"].strip():
        assert facts["text"].strip()[:20].replace("\x07", "") in answer.text.replace("\x07", "")
    assert not DiscussionComment.objects.exists()


def test_addresses_that_name_nothing_are_answered(client, proposal, author):
    for query in ({"answer": "x"}, {"edit": "0"}, {"answer": "9" * 30}):
        assert page(client, author, "discussion", proposal.number, **query).status_code == 404
    for query in ({"thread": "9" * 17}, {"before": "-1"}, {"q": "%_ \\"}, {"thread": "x"}):
        assert page(client, author, "discussion", proposal.number, **query).status_code == 200
    assert page(client, author, "discussion", "AIX-2026-99999").status_code == 404
    assert press(client, author, "discussion-read", proposal.number, up_to="x").status_code == 302


def test_a_thread_has_an_end(monkeypatch, proposal, author):
    monkeypatch.setattr("evaluation.services.discussion.MOST_ANSWERS", 1)
    begun = said(proposal, author)
    answer = said(proposal, author, answers=begun)
    assert refused(said, proposal, author, answers=answer) == ["full"]


def test_what_is_typed_is_shown_as_text(client, proposal, author):
    said(proposal, author, ALL, "<script>alert(1)</script>\nSecond line https://evil.example/")
    shown = page(client, officer(), "discussion", proposal.number).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>Second line" in shown
    assert 'href="https://evil.example' not in shown


# Notices


def told(comment):
    rows = Notice.objects.filter(event__subject_type="evaluation.discussioncomment")
    rows = rows.filter(event__subject_id=str(comment.pk))
    return {(row.kind.rpartition("_")[2], row.recipient) for row in rows}


def test_a_room_hears_of_a_thread_and_who_took_part_of_an_answer(proposal, author):
    lead, colleague, energy, desk = make.lead(), make.assigned(proposal).reviewer, make.lead("DOE"), officer()
    assert told(said(proposal, author, STATE)) == {("added", lead), ("added", colleague)}
    desks = {("added", person) for person in User.objects.filter(offices__role=OfficeRole.PROGRAM_OFFICER)}
    assert ("added", desk) in desks
    assert told(said(proposal, author, OFFICE)) == desks
    begun = said(proposal, author, ALL)
    assert told(begun) == set()
    first = said(proposal, energy, ALL, answers=begun)
    assert told(first) == {("added", author)}
    assert told(said(proposal, desk, ALL, answers=first)) == {("added", author), ("added", energy)}
    assert told(said(proposal, energy, "own_agency:DOE", answers=begun)) == set()
    assert told(said(proposal, desk, ALL)) == {("added", author), ("added", energy)}


def test_who_is_named_is_told_once_and_only_what_they_may_read(client, proposal, author):
    lead, energy = make.lead(), make.lead("DOE")
    named = said(proposal, author, STATE, mentions=[lead])
    assert told(named) == {("named", lead)}
    for stranger in (energy, UserFactory(), representative_of(proposal)):
        assert refused(said, proposal, author, STATE, mentions=[stranger]) == ["mentions"]
    assert DiscussionComment.objects.count() == 1
    notice = Notice.objects.get(recipient=lead)
    assert "not secure" not in notice.title + notice.text and str(author) in notice.text
    assert notice.url.endswith(f"?thread={named.pk}#comment-{named.pk}")
    sign_in(client, lead)
    assert "The hall is not secure." in client.get(notice.url).text
    data = {"room": STATE, "text": "Look.", "mentions": [str(energy.pk)]}
    answer = press(client, author, "comment-write", proposal.number, **data)
    assert answer.status_code == 422 and str(energy) in answer.text


def test_what_is_addressed_is_told_to_them_alone_and_says_so_to_its_readers(client, proposal, author):
    lead, colleague, desk = make.lead(), make.assigned(proposal).reviewer, officer()
    begun = said(proposal, author, STATE, mentions=[lead])
    assert told(begun) == {("named", lead)}
    assert sees(colleague, begun) and tally_of(colleague, proposal).new == 1
    assert f"Addressed to {lead}" in page(client, colleague, "discussion", proposal.number).text
    answer = said(proposal, colleague, STATE, answers=begun, mentions=[lead])
    assert told(answer) == {("named", lead), ("added", author)}
    assert told(said(proposal, author, OFFICE, mentions=[desk])) == {("named", desk)}
    assert "Addressed to" not in page(client, make.lead("DOE"), "discussion", proposal.number).text


def test_who_does_not_read_the_grade_cannot_be_named_and_the_refusal_says_what_to_do(
    client, proposal, author
):
    energy = make.lead("DOE")
    data = {"room": STATE, "text": "Look at the hall.", "mentions": [str(energy.pk)]}
    answer = press(client, author, "comment-write", proposal.number, **data)
    assert answer.status_code == 422 and "Look at the hall." in answer.text
    (words,) = answer.context["speaking"].form.errors["mentions"]
    state = Agency.objects.get(code="STATE")
    assert words == (
        f"{energy} cannot be named: not among who reads “Own agency, {state}”. Nothing was sent. Take out "
        "the name, or choose other readers."
    )
    assert not DiscussionComment.objects.exists()


@pytest.mark.parametrize("gone", ["recused", "out of office", "asked about"])
def test_who_takes_part_no_more_is_named_in_the_refusal_and_the_text_is_kept(client, proposal, author, gone):
    lead = make.lead()
    data = {"room": STATE, "text": "Look at the hall.", "mentions": [str(lead.pk)]}
    assert typing(client, author, proposal.number, revision=0, **data).status_code == 200
    if gone == "recused":
        services.recuse(proposal, person=lead, by=officer(), reason="A cousin.")
    elif gone == "asked about":
        services.ask_ethics_official(
            proposal, person=lead, agency=Agency.objects.get(code="STATE"), by=officer(), text="A cousin."
        )
    else:
        ended = clock.today() - timedelta(days=1)
        lead.offices.update(effective_from=ended - timedelta(days=30), effective_to=ended)
    answer = press(client, author, "comment-write", proposal.number, **data)
    form = answer.context["speaking"].form
    assert answer.status_code == 422 and form["text"].value() == "Look at the hall."
    assert form.errors["mentions"] == [
        f"{lead} takes no part in this evaluation any more: recused from it, kept away until the ethics "
        "official decides, or out of office. Nothing was sent, and your text is kept. Who takes no part is "
        "not offered below: send it as it is now, or address it anew."
    ]
    assert not DiscussionComment.objects.exists()
    kept = typing(client, author, proposal.number, **data | {"text": "Look at both halls.", "revision": 1})
    assert kept.status_code == 200 and DiscussionDraft.objects.get().text == "Look at both halls."
    again = press(client, author, "comment-write", proposal.number, **data | {"mentions": []})
    assert again.status_code == 302 and told(DiscussionComment.objects.get()) == set()


def test_a_recusal_between_the_form_and_the_act_is_said_as_such(proposal, author):
    lead = make.lead()
    services.recuse(proposal, person=lead, by=officer(), reason="A cousin.")
    with pytest.raises(NotReady, match=f"{lead} takes no part in this evaluation any more"):
        said(proposal, author, STATE, mentions=[lead])


def test_the_refusal_names_nobody_whom_one_could_not_have_named(client, proposal, author):
    theirs = make.assigned(proposal, "DOE").reviewer
    for stranger in (theirs, UserFactory(), representative_of(proposal)):
        data = {"room": ALL, "text": "Look.", "mentions": [str(stranger.pk)]}
        answer = press(client, author, "comment-write", proposal.number, **data)
        (words,) = answer.context["speaking"].form.errors["mentions"]
        assert str(stranger) not in words and words.startswith("Somebody whom you named takes no part")


def test_who_reads_a_comment_is_asked_at_once_for_three_and_for_twelve(proposal, author):
    comment, costs = said(proposal, author, STATE), []
    strangers = [make.lead("DOE"), UserFactory(), make.reviewer(), UserFactory(is_active=False)]
    make.assigned(proposal, person=strangers[2], declared=False)
    people = [make.lead(), make.assigned(proposal).reviewer, officer(OfficeRole.AUDITOR)]
    for more in (0, 9):
        people += [make.lead() for _ in range(more)]
        asked = list(User.objects.filter(pk__in=[one.pk for one in (*people, *strangers)]))
        with statements() as sent:
            found = discussing.readers_among(comment, asked)
        assert set(found) == set(people)
        assert found == [person for person in asked if sees(person, comment)]
        costs.append(len(sent))
    assert costs == [2, 2]
    assert discussing.readers_among(comment, [strangers[1]]) == []
    assert discussing.readers_among(comment, people[:1]) == people[:1]


def test_people_to_name_do_not_tell_who_reviews_for_another_agency(proposal, author):
    colleague = make.assigned(proposal).reviewer
    theirs = make.assigned(proposal, "DOE").reviewer
    lead, desk = make.lead("DOE"), officer()
    agencies = discussing.agencies_of(author, proposal)
    people = set(discussing.people_to_name(author, proposal, agencies))
    assert {colleague, lead, desk} <= people and not people & {theirs, author}
    said(proposal, theirs, ALL)
    assert theirs in set(discussing.people_to_name(author, proposal, agencies))
    services.recuse(proposal, person=lead, by=officer(), reason="A cousin.")
    assert lead not in set(discussing.people_to_name(author, proposal, agencies))


def test_the_notice_waits_for_the_daily_digest(proposal, author):
    lead = make.lead()
    MailPreference.objects.create(user=lead, choice="daily")
    said(proposal, author, STATE)
    assert Delivery.objects.get(notice__recipient=lead).state == DeliveryState.WAITING


# New since one read


def test_what_is_new_is_counted_until_it_is_marked_as_read(client, proposal, author):
    lead = make.lead()
    first = said(proposal, author, ALL, "First.")
    assert tally_of(lead, proposal) == (1, 1) and tally_of(author, proposal) == (1, 0)
    shown = page(client, lead, "discussion", proposal.number)
    second = said(proposal, author, ALL, "Second, after the page was opened.")
    for _ in range(2):
        press(client, lead, "discussion-read", proposal.number, up_to=shown.context["up_to"])
    assert tally_of(lead, proposal) == (2, 1) and DiscussionRead.objects.count() == 1
    assert tally_of(officer(), proposal) == (2, 2)
    services.edit_comment(first, by=author, text="First, in other words.", seen=1)
    assert tally_of(lead, proposal) == (2, 2)
    services.withdraw_comment(second, by=author)
    assert tally_of(lead, proposal) == (1, 1)


def test_what_was_hidden_while_one_read_is_new_when_it_is_shown(judged):
    proposal, first, second, _ = judged
    speaker, owing = handed_in(first), second.reviewer
    said(proposal, speaker, STATE, "They differ.", about="reviews:STATE")
    last = said(proposal, speaker, STATE, "On the whole.").texts.get()
    services.mark_discussion_read(proposal, by=owing, up_to=last.pk)
    assert tally_of(owing, proposal) == (1, 0)
    handed_in(second)
    assert tally_of(owing, proposal) == (2, 1)


def test_nobody_marks_what_they_may_not_read(proposal, author):
    text = said(proposal, author, STATE).texts.get()
    assert services.mark_discussion_read(proposal, by=make.lead("DOE"), up_to=text.pk) == 0
    assert services.mark_discussion_read(proposal, by=make.lead("STATE"), up_to=text.pk) == 1


def test_pages_of_the_desk_lead_to_it_with_the_count(client, proposal, author):
    said(proposal, officer(), ALL)
    sheet = make.filled_review(proposal.assignments.get())
    lead = make.lead()
    link = reverse("evaluation:discussion", args=[proposal.number])
    for person, name, key in (
        (lead, "proposal", proposal.number),
        (lead, "position", make.referral_of(proposal).pk),
        (author, "review", sheet.pk),
    ):
        shown = page(client, person, name, key)
        assert link in shown.text and "1 new" in shown.text, name


# Drafts


def typing(client, person, number, *, script=True, **fields):
    sign_in(client, person)
    headers = {"X-Autosave": "1"} if script else {}
    return client.post(reverse("evaluation:comment-draft", args=[number]), fields, headers=headers)


def test_what_is_typed_is_kept_for_its_writer_alone_until_it_is_sent(client, proposal, author):
    number, colleague = proposal.number, make.assigned(proposal).reviewer
    first = typing(client, author, number, text="The h", revision=0)
    facts = {"text": "The hall", "room": STATE, "about": "part:data", "place": "4.2", "mentions": []}
    second = typing(client, author, number, revision=first.json()["revision"], **facts)
    assert (first.status_code, second.status_code) == (200, 200)
    form = page(client, author, "discussion", number).context["speaking"].form
    assert (form["text"].value(), form["room"].value(), form["about"].value()) == (
        "The hall",
        STATE,
        "part:data",
    )
    assert page(client, colleague, "discussion", number).context["speaking"].draft is None
    assert not DiscussionComment.objects.exists() and not Notice.objects.filter(
        kind__startswith="evaluation.discussion"
    )
    assert "data-autosave data-one-writer" in page(client, author, "discussion", number).text
    stale = typing(client, author, number, text="Another window", revision=0)
    assert stale.status_code == 409 and stale.json()["theirs"]["text"] == "The hall"
    by_hand = typing(client, author, number, script=False, text="Another window", revision=0)
    assert by_hand.status_code == 409 and "The hall" in by_hand.text
    press(client, author, "comment-write", number, **facts)
    assert not DiscussionDraft.objects.exists() and DiscussionComment.objects.get().place == "4.2"


def test_a_draft_of_an_answer_stands_beside_that_of_a_comment(client, proposal, author):
    comment, number = said(proposal, officer(), ALL), proposal.number
    typing(client, author, number, text="A comment", revision=0)
    typing(client, author, number, text="An answer", room=ALL, answers=comment.pk, revision=0)
    opened = page(client, author, "discussion", number, answer=comment.pk)
    assert opened.context["speaking"].form["text"].value() == "An answer"
    press(client, author, "comment-write", number, text="An answer", room=ALL, answers=comment.pk)
    assert DiscussionDraft.objects.get().text == "A comment"
    by_hand = typing(client, author, number, script=False, text="A longer comment", revision=1)
    assert by_hand.status_code == 302 and "Nobody else reads it." in client.get(by_hand.url).text


def test_an_edit_keeps_its_draft_until_it_is_made(client, proposal, author):
    comment, number = said(proposal, author, ALL, "First words."), proposal.number
    typing(client, author, number, text="A new comment", revision=0)
    facts = {"edits": comment.pk, "seen": 1}
    first = typing(client, author, number, text="Second", revision=0, **facts)
    assert first.status_code == 200 and first.json()["revision"] == 1
    by_hand = typing(client, author, number, script=False, text="Second words.", revision=1, **facts)
    assert by_hand.url.endswith(f"?edit={comment.pk}#write")
    opened = client.get(by_hand.url)
    assert opened.context["speaking"].form["text"].value() == "Second words."
    assert "the comment still stands as it was" in opened.text and texts(comment) == [
        (1, "First words.", False)
    ]
    stale = typing(client, author, number, text="Third", revision=1, **facts)
    assert stale.status_code == 409 and stale.json()["theirs"] == {"text": "Second words."}
    assert (
        page(client, author, "discussion", number).context["speaking"].form["text"].value() == "A new comment"
    )
    press(client, author, "comment-edit", number, comment.pk, text="Second words.", seen="1")
    assert texts(comment)[-1] == (2, "Second words.", False)
    assert DiscussionDraft.objects.get().text == "A new comment"


def test_a_draft_of_an_edit_is_about_the_text_that_stood_then(client, proposal, author):
    comment, number = said(proposal, author, ALL, "First words."), proposal.number
    typing(client, author, number, text="From one window.", revision=0, edits=comment.pk, seen=1)
    services.edit_comment(comment, by=author, text="From another.", seen=1)
    assert not DiscussionDraft.objects.exists()
    typing(client, author, number, text="From one window.", revision=0, edits=comment.pk, seen=1)
    speaking = page(client, author, "discussion", number, edit=comment.pk).context["speaking"]
    assert (speaking.seen, speaking.form["text"].value()) == (1, "From one window.")
    both = press(client, author, "comment-edit", number, comment.pk, text="From one window.", seen="1")
    assert both.status_code == 409 and "From another." in both.text


def test_nobody_keeps_a_draft_for_the_comment_of_another_nor_for_a_withdrawn_one(client, proposal, author):
    comment, number = said(proposal, author, ALL, "First words."), proposal.number
    facts = {"text": "Mine.", "revision": 0, "edits": comment.pk, "seen": 1}
    assert typing(client, officer(), number, **facts).status_code == 403
    typing(client, author, number, **facts)
    services.withdraw_comment(comment, by=author)
    assert not DiscussionDraft.objects.exists()
    late = typing(client, author, number, **facts)
    assert late.status_code == 422 and late.json()["errors"]["__all__"] == ["This comment was withdrawn."]
    assert not DiscussionDraft.objects.exists()


def test_a_draft_is_kept_for_nobody_without_a_voice_and_not_after_the_end(client, proposal, author):
    for person, status in ((officer(OfficeRole.AUDITOR), 403), (representative_of(proposal), 404)):
        assert typing(client, person, proposal.number, text="No.", revision=0).status_code == status
    Proposal.objects.filter(pk=proposal.pk).update(status=ProposalStatus.NOT_SELECTED)
    answer = typing(client, author, proposal.number, text="Too late.", revision=0)
    assert answer.status_code == 422 and "closed" in answer.json()["errors"]["__all__"][0]
    assert typing(client, author, proposal.number, script=False, text="Late.", revision=0).status_code == 422
    assert not DiscussionDraft.objects.exists()


# Lists


def test_it_is_paged_and_searched(client, monkeypatch, proposal, author):
    monkeypatch.setattr("evaluation.views.discussion.PAGE", 2)
    begun = [said(proposal, author, ALL, f"Thread {number} on the hall.") for number in range(3)]
    said(proposal, officer(), ALL, "A heron stands in it.", answers=begun[0])
    said(proposal, make.lead("DOE"), "own_agency:DOE", "A secret heron.", answers=begun[1])
    first = page(client, author, "discussion", proposal.number)
    assert [one.comment for one in first.context["threads"]] == [begun[2], begun[1]]
    rest = client.get(first.wsgi_request.path + first.context["next"])
    assert [one.comment for one in rest.context["threads"]] == [begun[0]] and not rest.context["next"]
    found = page(client, author, "discussion", proposal.number, q="HERON  stands")
    assert [one.comment for one in found.context["threads"]] == [begun[0]]
    assert not page(client, author, "discussion", proposal.number, q="secret").context["threads"]
    services.edit_comment(begun[2], by=author, text="Another text.", seen=1)
    assert not page(client, author, "discussion", proposal.number, q="Thread 2").context["threads"]


@pytest.mark.parametrize("role", ["reviewer", "officer"])
def test_page_costs_the_same_for_one_thread_and_for_three(client, warm, proposal, author, role):
    person = author if role == "reviewer" else officer()
    address = reverse("evaluation:discussion", args=[proposal.number])
    costs = []
    for added in (1, 2):
        for _ in range(added):
            begun = said(proposal, author, ALL, mentions=[])
            services.edit_comment(begun, by=author, text="In other words.", seen=1)
            said(proposal, make.lead("DOE"), ALL, answers=begun)
        sign_in(client, person)
        client.get(address)
        with statements() as sent:
            assert client.get(address).status_code == 200
        costs.append(len(sent))
    assert costs == [COST[role]] * 2, "\n".join(sent)


COST = {"reviewer": 19, "officer": 17}
