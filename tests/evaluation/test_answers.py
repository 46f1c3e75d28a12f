"""After the submission: what the overview says the Government waits for, and answers with files."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from evaluation import services
from evaluation.checks import states_every_condition_whole
from evaluation.enums import LONGEST_TEXT
from evaluation.models import AnswerDraft, AnswerFile, Determination, Return
from program import clock
from program.models import AuditEvent
from program.transitions import WrongStatus
from proposals import services as proposal_services
from proposals.models import Proposal
from tests.evaluation.pages import page, press, sign_in
from tests.evaluation.test_standing import CONDITION
from tests.factories import evaluation as make
from tests.factories.program import AgencyFactory, UserFactory, officer
from tests.factories.proposals import TeamMemberFactory, representative_of

pytestmark = pytest.mark.django_db


def table(name="weights.csv"):
    return SimpleUploadedFile(name, b"holder,share\nanchor,1\n", content_type="text/csv")


def test_evidence_of_a_condition_is_asked_for_and_handed_in_with_the_answer(client, settings):
    desk = officer()
    draft = make.ready_to_sign(by=desk)
    services.save_condition(draft, by=desk, values=CONDITION)
    proposal = make.designated(determination=draft).proposal
    proposal.refresh_from_db()
    person = representative_of(proposal)
    said = f"mailto:{settings.SUPPORT_EMAIL}"
    way = page(client, person, "questions", proposal.pk).text.split('id="conditions"')[1].split("<h2>")[0]
    assert said in way

    due_on = (clock.today() + timedelta(days=10)).isoformat()
    press(client, desk, "question-ask", proposal.number, due_on=due_on,
          agency=AgencyFactory(code="COMMERCE").pk,
          question="Send the evidence of condition 1.")  # fmt: skip
    question = proposal.information_requests.get()
    sign_in(client, person)
    assert f"#question-{question.pk}" in client.get(reverse("proposals:tasks")).text
    press(client, person, "question-answer", proposal.pk, question.pk, answer="The report.", files=[table()])

    assert [file.document.name for file in question.files.all()] == ["weights.csv"]
    services.mark_condition_met(draft.conditions.get(), by=desk, note="The report.")
    shown = page(client, person, "questions", proposal.pk).text.split('id="conditions"')[1].split("<h2>")[0]
    assert said not in shown


def test_question_is_answered_with_files_that_both_sides_read(client):
    proposal, desk = make.accepted(), officer()
    question, person = make.asked(proposal, desk), representative_of(proposal)
    press(client, person, "question-answer", proposal.pk, question.pk, answer="See the files.",
          files=[table(), table("more.csv")])  # fmt: skip
    question.refresh_from_db()
    assert (question.answer, [file.document.name for file in question.files.all()]) == (
        "See the files.", ["weights.csv", "more.csv"],
    )  # fmt: skip
    address = reverse("evaluation:answer-file", args=[proposal.pk, question.files.first().pk])
    for reader, name, key in ((person, "questions", proposal.pk), (desk, "proposal", proposal.number)):
        assert address in page(client, reader, name, key).content.decode()
        assert b"".join(client.get(address).streaming_content) == b"holder,share\nanchor,1\n"
    read = AuditEvent.objects.filter(
        act="proposal.read", body__contains=question.files.first().document.sha256
    )
    assert [event.actor for event in read] == [desk]
    assert (
        "weights.csv" in page(client, person, "questions", proposal.pk).content.decode().split("Who read")[1]
    )
    sign_in(client, UserFactory())
    assert client.get(address).status_code == 404


def test_file_that_cannot_be_kept_refuses_the_answer_by_its_name_and_keeps_what_was_typed(client):
    proposal, desk = make.accepted(), officer()
    first, second = make.asked(proposal, desk), make.asked(proposal, desk)
    bad = SimpleUploadedFile("run.exe", b"MZ\x00")
    refused = press(client, representative_of(proposal), "question-answer", proposal.pk, first.pk,
                    answer="The anchor holds them.", files=[table(), bad])  # fmt: skip
    text = refused.content.decode()
    assert (refused.status_code, "run.exe:" in text, text.count(">The anchor holds them.</textarea>")) == (
        422,
        True,
        1,
    )
    first.refresh_from_db()
    assert (first.status, AnswerFile.objects.count()) == ("open", 0)
    many = [table(f"{n}.csv") for n in range(services.MOST_FILES + 1)]
    again = press(client, representative_of(proposal), "question-answer", proposal.pk, second.pk,
                  answer="Many.", files=many)  # fmt: skip
    assert again.status_code == 422 and b"at most 5 files" in again.content


def overview(client, person, proposal):
    sign_in(client, person)
    return client.get(reverse("proposals:detail", args=[proposal.pk]))


def test_overview_says_which_question_waits_and_until_when(client):
    proposal = make.accepted()
    person = representative_of(proposal)
    question = make.asked(proposal)
    shown = overview(client, person, proposal).content.decode()
    assert f"#question-{question.pk}" in shown and "wait for your answer" in shown
    with clock.moved_to(question.due_at + timedelta(days=1)):
        assert "is still taken" in overview(client, person, proposal).content.decode()
    services.answer_question(question, by=person, answer="The anchor.")
    assert "wait for your answer" not in overview(client, person, proposal).content.decode()


def test_overview_says_what_to_correct_while_it_is_returned(client):
    proposal = make.at_intake()
    person = representative_of(proposal)
    Return.objects.create(
        proposal=proposal, version=proposal.versions.get(), note="Two things.", returned_by=officer(),
        items=[{"code": "x", "title": "Markets", "clause": "s.3(b)(ii)", "reason": "Name one."}],
        due_at=clock.now() + timedelta(days=10), due_rule="Ten days.", returned_at=clock.now(),
    )  # fmt: skip
    assert "Name one." not in overview(client, person, proposal).content.decode()
    Proposal.objects.filter(pk=proposal.pk).update(status="returned")
    assert "Name one." in overview(client, person, proposal).content.decode()


@pytest.mark.parametrize(("outcome", "is_said"), [("defer", True), ("designate", False)])
def test_overview_says_until_when_the_decision_was_deferred(client, outcome, is_said):
    proposal = make.accepted()
    chief = make.decision_official()
    determination = Determination(
        proposal=proposal, version=proposal.versions.get(), outcome=outcome, prepared_by=officer(),
        defer_until="2027-03-01",
    )  # fmt: skip
    at = clock.now()
    for name, value in (
        ("status", "announced"),
        ("signed_at", at),
        ("signed_by", chief),
        ("announced_at", at),
    ):
        setattr(determination, name, value)
    determination.save()
    shown = overview(client, representative_of(proposal), proposal).content.decode()
    assert ("March 1, 2027" in shown) == is_said


def test_only_the_consortium_reads_its_overview(client):
    proposal = make.accepted()
    sent_on = overview(client, officer(), proposal)
    assert (sent_on.status_code, sent_on.url) == (302, reverse("proposals:version", args=[proposal.pk, 1]))
    assert overview(client, UserFactory(), proposal).status_code == 404


class TestDraftOfAnAnswer:
    """Kept while one types, shared by the team, unknown to the Government until it is sent."""

    @pytest.fixture
    def proposal(self):
        return make.accepted()

    @pytest.fixture
    def question(self, proposal):
        return make.asked(proposal, officer())

    def save(self, client, person, question, answer, revision, **headers):
        sign_in(client, person)
        address = reverse("evaluation:question-draft", args=[question.proposal_id, question.pk])
        return client.post(address, {"answer": answer, "revision": revision}, headers=headers)

    def typed(self, *args):
        return self.save(*args, **{"X-Autosave": "1"})

    def test_is_kept_while_typed_and_colleagues_go_on_with_it(self, client, proposal, question):
        first, second = representative_of(proposal), colleague_of(proposal)
        assert self.typed(client, first, question, "The anchor", 0).json()["revision"] == 1
        shown = page(client, second, "questions", proposal.pk).text
        assert "The anchor" in shown and str(first) in shown and 'name="revision" value="1"' in shown
        assert self.typed(client, second, question, "The anchor holds them.", 1).json()["revision"] == 2
        stale = self.typed(client, first, question, "The anchor does.", 1)
        assert stale.status_code == 409
        said = stale.json()
        assert (said["theirs"], said["by"]) == ({"answer": "The anchor holds them."}, str(second))
        assert self.save(client, first, question, "The anchor does.", 1).status_code == 409
        draft = AnswerDraft.objects.get()
        assert (draft.answer, draft.saved_by) == ("The anchor holds them.", second)

    def test_is_not_seen_by_the_government_nor_written_by_others(self, client, proposal, question):
        self.typed(client, representative_of(proposal), question, "Not yet for you.", 0)
        assert "Not yet for you." not in page(client, question.asked_by, "questions", proposal.pk).text
        assert self.typed(client, question.asked_by, question, "Mine", 1).status_code == 403
        assert self.typed(client, UserFactory(), question, "Mine", 1).status_code == 404

    def test_counsel_who_edits_writes_it_and_sends_nothing(self, client, proposal, question):
        counsel, by = UserFactory(), representative_of(proposal)
        proposal_services.grant_access(proposal, to=counsel, by=by, permission="proposals.change_proposal")
        assert self.typed(client, counsel, question, "Privileged words.", 0).status_code == 200
        shown = page(client, counsel, "questions", proposal.pk).text
        assert "Privileged words." in shown and "Send the answer" not in shown
        with pytest.raises(PermissionDenied):
            services.answer_question(question, by=counsel, answer="Privileged words.")

    def test_older_text_is_not_sent_over_a_colleagues(self, client, proposal, question):
        first, second = representative_of(proposal), colleague_of(proposal)
        self.typed(client, first, question, "One.", 0)
        self.typed(client, second, question, "One and two.", 1)
        press(client, first, "question-answer", proposal.pk, question.pk, answer="One, again.", revision=1)
        question.refresh_from_db()
        assert (question.status, question.answer) == ("open", "")
        press(client, first, "question-answer", proposal.pk, question.pk, answer="One, two.", revision=2)
        question.refresh_from_db()
        assert (question.status, question.answer) == ("answered", "One, two.")
        late = self.typed(client, second, question, "Too late.", 2)
        assert late.status_code == 422 and "Save the draft" in late.text

    def test_text_typed_when_a_colleague_sent_the_answer_is_not_lost(self, client, proposal, question):
        first, second = representative_of(proposal), colleague_of(proposal)
        services.answer_question(question, by=first, answer="Ours.")
        late = self.save(client, second, question, "Words of the second.", 0)
        sent = press(
            client, second, "question-answer", proposal.pk, question.pk, answer="Words of the second."
        )
        for response in (late, sent):
            page = response.content.decode()
            assert (response.status_code, page.count("Words of the second.")) == (409, 1)
            assert ["What you typed was not saved" in page, "Ours." in page] == [True, True]

    def test_text_too_long_is_refused_beside_its_field(self, client, proposal, question):
        answer = self.typed(client, representative_of(proposal), question, "x" * (LONGEST_TEXT + 1), 0)
        assert answer.status_code == 422 and "answer" in answer.json()["errors"]


def colleague_of(proposal):
    return TeamMemberFactory(membership=proposal.consortium.anchor).user


@pytest.mark.parametrize("is_late", [False, True])
def test_a_late_answer_is_marked_late_on_both_sides(client, is_late):
    desk, proposal = officer(), make.accepted()
    request, person = make.asked(proposal, desk), representative_of(proposal)
    with clock.moved_to(request.due_at - timedelta(seconds=0 if is_late else 1)):
        services.answer_question(request, by=person, answer="The anchor alone.")
    for reader, name, args in ((desk, "proposal", proposal.number), (person, "questions", proposal.pk)):
        shown = page(client, reader, name, args).content.decode()
        assert (">Late<" in shown) == is_late
        assert ("it was due by" in shown) == is_late


def test_a_condition_added_twice_stands_once_and_only_a_designation_has_some():
    desk = officer()
    draft = make.ready_to_sign(by=desk)
    one, again = (services.save_condition(draft, by=desk, values=CONDITION) for _ in range(2))
    assert one == again and draft.conditions.count() == 1
    draft.refresh_from_db()
    draft.outcome = "defer"
    assert "conditions" in {problem.code for problem in states_every_condition_whole(draft)}


def test_questions_page_answers(client):
    proposal = make.accepted()
    lead, person = make.lead(), representative_of(proposal)
    press(
        client,
        lead,
        "question-ask",
        proposal.number,
        agency=make.AgencyFactory(code="STATE").pk,
        question="Who holds the weights?",
        due_on="2099-01-04",
    )
    question = proposal.information_requests.get()
    assert b"Who holds the weights?" in page(client, person, "questions", proposal.pk).content
    assert press(client, person, "question-answer", proposal.pk, question.pk, answer=" ").status_code == 422
    press(client, person, "question-answer", proposal.pk, question.pk, answer="The anchor.")
    question.refresh_from_db()
    assert question.answer == "The anchor."
    assert b"The anchor." in page(client, lead, "proposal", proposal.number).content


def test_a_question_is_asked_answered_and_withdrawn_by_the_right_people():
    proposal, desk = make.accepted(), officer()
    first, second = make.asked(proposal, desk), make.asked(proposal, desk)
    with pytest.raises(PermissionDenied):
        services.answer_question(first, by=desk, answer="We answer ourselves.")
    services.answer_question(first, by=representative_of(proposal), answer="The anchor.")
    services.withdraw_question(second, by=desk)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.number, first.status, first.answer) == (1, "answered", "The anchor.")
    assert (second.number, second.status) == (2, "withdrawn")
    with pytest.raises(WrongStatus):
        services.answer_question(second, by=representative_of(proposal), answer="Late.")
