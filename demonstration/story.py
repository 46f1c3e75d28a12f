"""What became of each proposal up to its decision, act by act, under the names of those who act."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import uuid4

from django.db import transaction

from demonstration.calls import closing, opened_on
from demonstration.consortia import FOLDER, Book, Facts, Formation
from demonstration.people import official
from demonstration.timeline import TIMELINES, at_work
from evaluation import services as evaluation
from evaluation.enums import Adjudicated, CompletenessFinding, PauseReason
from evaluation.listfile import HEADER
from evaluation.models import (
    Assignment,
    Determination,
    DiscussionComment,
    PartyCheck,
    Position,
    Referral,
    ScreeningList,
)
from program import clock
from program.clock_account import clock_account
from program.models import Agency, Call, User
from proposals import services as proposals
from proposals.models import Proposal, SupportRequest

STORY: Final[Facts] = json.loads((FOLDER / "story.json").read_text(encoding="utf-8"))
LIST_NAME: Final = "Screening list of the demonstration (fictional parties)"
CRITERIA: Final = (
    "national-interest",
    "full-stack",
    "operating-model",
    "adoption",
    "security",
    "compliance-risk",
)
GOOD: Final = 4


@transaction.atomic
def play(book: Book, facts: Facts, call: Call) -> bool:
    """Make one consortium and carry its proposal to its state; False if it is there already."""
    if Proposal.objects.filter(consortium__name=facts["name"]).exists():
        return False
    Story(book, facts, call).play()
    return True


class Story:
    """One proposal from its consortium to its decision."""

    def __init__(self, book: Book, facts: Facts, call: Call) -> None:
        self.key, self.facts, self.call = facts["key"], facts, call
        self.times = TIMELINES[self.key]
        self.told: Facts = STORY["consortia"].get(self.key, {})
        self.formation = Formation(book, facts, call, self.on(self.times.begun, 9))
        self.officer = official("officer")
        self.proposal: Proposal

    def play(self) -> None:
        consortium = self.formation.form()
        if self.times.begun < 0:  # formed before the call opened, drafted once it was open
            self.formation.days.moment = self.on(0, 10)
        self.proposal = self.formation.draft(consortium)
        if self.times.submitted is None:
            if self.facts["state"] == "lapsed":
                self.lapse()
            return
        self.submit(self.times.submitted)
        if self.times.returned:
            self.give_back(self.times.returned)
        if self.times.accepted:
            self.accept(self.times.accepted)
        if self.times.withdrawn:
            self.withdraw(self.times.withdrawn)
        elif self.told:
            self.evaluate()

    def on(self, day: int, hour: int, minute: int = 0) -> datetime:
        """A working hour so many days after the issue of the call."""
        return at_work(opened_on(self.call) + timedelta(days=day), hour, minute)

    # The consortium

    def submit(self, day: int) -> None:
        self.formation.days.moment = max(self.formation.days.moment, self.on(day, 13))
        self.formation.attach(self.proposal)
        self.formation.submit(self.proposal)
        if self.times.submitted_again:
            self.formation.days.moment = self.on(self.times.submitted_again, 11)
            self.change()
            self.formation.submit(
                self.proposal, note="More cover and two more hospitals; nothing else changes."
            )

    def change(self) -> None:
        """What the second version says otherwise: a larger sum for one support, and a new sentence."""
        founder = self.formation.founder
        with self.formation.days.later(hours=1):
            self.proposal.refresh_from_db()
            summary = f"{self.proposal.summary} Version 2 adds two hospitals on the coast."
            proposals.save_row(
                self.proposal, by=founder, values={"summary": summary}, revision=self.proposal.revision
            )
            request: SupportRequest = self.proposal.support_requests.get(mechanism="political_risk_insurance")
            values = {"amount_usd": request.amount_usd + 5_000_000 if request.amount_usd else None}
            proposals.save_row(request, by=founder, values=values, revision=request.revision)

    def withdraw(self, day: int) -> None:
        with clock.moved_to(self.on(day, 15)):
            proposals.withdraw_proposal(
                self.proposal,
                by=self.formation.founder,
                note="Our member Larkspur AI is reorganized; we will come back with a new partner.",
            )
        with clock.moved_to(self.on(day, 15) + timedelta(minutes=1)):  # as the clock does it
            for referral in Referral.objects.left_open().filter(version__proposal=self.proposal):
                evaluation.end_referral(referral, by=clock_account())

    def lapse(self) -> None:
        with clock.moved_to(closing(self.call) + timedelta(minutes=5)):
            proposals.lapse_proposal(self.proposal, by=clock_account())

    # Intake

    def look_through(self) -> None:
        """Find on every requirement of the newest version; the file names what is deficient."""
        version = self.proposal.versions.get(number=self.proposal.version_count)
        deficient = STORY["deficient"].get(self.key, {})
        for requirement in self.call.requirements.all():
            reason = deficient.get(requirement.code, "")
            finding = CompletenessFinding.DEFICIENT if reason else CompletenessFinding.ACCEPTED
            evaluation.review_completeness(
                version, requirement, by=self.officer, finding=finding, reason=reason
            )

    def screen(self) -> None:
        """Screen the parties; two officers settle a flag. One flag stays open: Orchard's."""
        version = self.proposal.versions.get(number=self.proposal.version_count)
        proposals.record_reading(version, by=self.officer)
        run = evaluation.screen_version(version, by=self.officer)
        if self.key == "orchard":
            return
        for check in PartyCheck.objects.filter(run=run).open():
            said = set(check.adjudications.values_list("decided_by", flat=True))
            for officer in (self.officer, official("second-officer")):
                if officer.pk in said:
                    continue
                evaluation.adjudicate(
                    check,
                    by=officer,
                    outcome=Adjudicated.FALSE_POSITIVE,
                    reason="Another company: other owners, another registration number, another line of "
                    "business.",
                )

    def give_back(self, day: int) -> None:
        with clock.moved_to(self.on(day, 10)):
            self.look_through()
        with clock.moved_to(self.on(day, 14)):
            evaluation.return_proposal(
                self.proposal, by=self.officer, note="Two parts are not complete; the rest is in order."
            )

    def accept(self, day: int) -> None:
        with clock.moved_to(self.on(day, 10)):
            self.screen()
        with clock.moved_to(self.on(day, 13)):
            self.look_through()
        with clock.moved_to(self.on(day, 15)):
            evaluation.accept_proposal(self.proposal, by=self.officer)

    # Evaluation

    @cached_property
    def start(self) -> int:
        """The day of acceptance, from which the evaluation counts."""
        return self.times.accepted or 0

    @cached_property
    def pace(self) -> int:
        """Days from one agency to the next: the first call gave thirty days, the open one fourteen."""
        return 4 if self.call.consultation_days > 20 else 2

    def evaluate(self) -> None:
        self.assign()
        for number, (code, sheet) in enumerate(self.told["reviews"].items()):
            self.review(code, sheet, self.on(self.start + 3 + number % 3, 10 + number))
        if question := self.told.get("question"):
            self.ask(question)
        for number, (code, position) in enumerate(self.told.get("positions", {}).items()):
            self.take_position(code, position, self.on(self.start + 5 + self.pace * number, 11 + number))
        if reason := self.told.get("reopened"):
            self.let_lapse(reason)
            self.pause()
        if escalation := self.told.get("escalation"):
            self.take_further(escalation)
        if discussion := self.told.get("discussion"):
            self.discuss(discussion)
        if decision := self.told.get("determination"):
            self.decide(decision)

    def assign(self) -> None:
        """Each lead names a reviewer; one is recused on the next day and replaced."""
        with clock.moved_to(self.on(self.start, 16)):
            for agency in Agency.objects.filter(is_evaluating=True):
                reviewer = official(f"reviewer-{agency.code}")
                lead = official(f"lead-{agency.code}")
                evaluation.assign_reviewer(self.proposal, reviewer=reviewer, agency=agency, by=lead)
        if recusal := self.told.get("recusal"):
            with clock.moved_to(self.on(self.start + 1, 9)):
                evaluation.recuse(
                    self.proposal,
                    person=official("reviewer-STATE"),
                    by=official("lead-STATE"),
                    reason=recusal["reason"],
                    replacement=official("reviewer2-STATE"),
                )

        if asked := self.told.get("ethics"):
            with clock.moved_to(self.on(self.start + 1, 10)):
                self.ask_ethics(asked)

    def ask_ethics(self, asked: Facts) -> None:
        """Two reviewers declare what touches the package; a lead asks about one of them."""
        until = clock.today() - timedelta(days=asked["left_days_ago"])
        person, other = official("reviewer2-STATE"), official("reviewer2-COMMERCE")
        evaluation.declare_interest(
            by=person, kind="employer", whose="own", name=asked["employer"], until=until
        )
        evaluation.declare_interest(by=other, kind="holding", whose="spouse", name=asked["holding"])
        for one in (person, other):
            evaluation.confirm_interests(by=one)
        evaluation.ask_ethics_official(
            self.proposal, person=person, agency=Agency.objects.get(code="STATE"),
            by=official("lead-STATE"), text=asked["text"],
        )  # fmt: skip

    def review(self, code: str, sheet: Facts, at: datetime) -> None:
        """One sheet: no conflict declared, scored line by line, submitted when it has a recommendation."""
        assignment = Assignment.objects.active().get(proposal=self.proposal, agency__code=code)
        reviewer = User.objects.get(pk=assignment.reviewer_id)
        with clock.moved_to(at):
            evaluation.declare_conflict(assignment, by=reviewer, has_conflict=False)
            review = evaluation.open_review(assignment, by=reviewer)
            proposals.record_reading(review.version, by=reviewer)
            lines = {line.criterion.code: line for line in review.scores.select_related("criterion")}
            for criterion, value in zip(CRITERIA, sheet["values"], strict=True):
                if value is not None:
                    line = lines[criterion]
                    evaluation.save_score(
                        line, by=reviewer, values=self.reasons(criterion, value), revision=line.revision
                    )
        if not sheet["recommendation"]:
            return
        with clock.moved_to(at + timedelta(hours=1, minutes=20)):
            values = {"recommendation": sheet["recommendation"], "rationale": sheet["rationale"]}
            evaluation.save_review(review, by=reviewer, values=values, revision=review.revision)
            evaluation.submit_review(review, by=reviewer)

    def reasons(self, criterion: str, value: int) -> Facts:
        """A strength from 4 up, a weakness from 4 down: a middling line has both."""
        said = self.told["lines"][criterion]
        return {
            "value": value,
            "strengths": said["strength"] if value >= GOOD else "",
            "weaknesses": said["weakness"] if value <= GOOD else "",
        }

    def ask(self, question: Facts) -> None:
        at = self.on(self.start + 4, 15)
        with clock.moved_to(at):
            asked = evaluation.ask_consortium(
                self.proposal,
                by=official(f"lead-{question['agency']}"),
                agency=Agency.objects.get(code=question["agency"]),
                question=question["text"],
                due_on=self.answer_due(at),
            )
        if answer := question.get("answer"):
            with clock.moved_to(at + timedelta(days=4, hours=-4)):
                evaluation.answer_question(asked, by=self.formation.founder, answer=answer)
        self.asked = asked

    def answer_due(self, at: datetime) -> date:
        """Ten days; for the question that is still open a day that lies ahead when the story is made."""
        if closing(self.call) > clock.instant():
            return at.date() + timedelta(days=28)
        return at.date() + timedelta(days=10)

    def take_position(self, code: str, position: Facts, at: datetime) -> None:
        referral = Referral.objects.get(version__proposal=self.proposal, agency__code=code)
        lead = official(f"lead-{code}")
        with clock.moved_to(at - timedelta(hours=26)):
            evaluation.acknowledge_referral(referral, by=lead)
        with clock.moved_to(at):
            evaluation.file_position(
                referral,
                by=lead,
                stance=position["stance"],
                rationale=position["rationale"],
                conditions=position["conditions"],
                parts_commented=position["parts"],
            )

    def let_lapse(self, reason: str) -> None:
        """Who has not answered when the clock ends is shown as no response; Energy gets twelve more days."""
        energy = next(one for one in self.end_consultations() if one.agency.code == "DOE")
        with clock.moved_to(self.on(self.start + 16, 11)):
            evaluation.reopen_referral(
                energy, by=self.officer, due_on=self.on(self.start + 28, 9).date(), reason=reason
            )

    def take_further(self, said: Facts) -> None:
        """What was said of an objection when the two offices met."""
        at = self.on(self.start + 16, 15)
        with clock.moved_to(at):
            evaluation.add_to_escalation(
                self.proposal.escalations.get(agency__code=said["agency"]),
                by=self.officer,
                level=said["level"],
                met_on=self.on(self.start + 15, 10).date(),
                participants=said["participants"],
                minutes=said["minutes"],
            )

    def discuss(self, said: list[Facts]) -> None:
        """What they say to each other, each to whom it is for; ``answers`` counts what was said before."""
        comments: list[DiscussionComment] = []
        for line in said:
            with clock.moved_to(self.on(self.start + 16, 15, 10 + 10 * len(comments))):
                comments.append(
                    evaluation.write_comment(
                        self.proposal, by=official(line["by"]), room=line["room"], text=line["text"],
                        about=line.get("about", ""), place=line.get("place", ""), sent_as=uuid4(),
                        answers=comments[line["answers"]] if "answers" in line else None,
                    )
                )  # fmt: skip

    def pause(self) -> None:
        """The office lets one clock wait for the answer that is still out."""
        code = self.told["question"]["pauses"]
        referral = Referral.objects.get(version__proposal=self.proposal, agency__code=code)
        with clock.moved_to(self.on(self.start + 16, 12)):
            evaluation.pause_clocks(
                self.proposal, by=self.officer, referrals=[referral], reason=PauseReason.INFORMATION,
                question=self.asked, note="The position of Energy turns on it.",
            )  # fmt: skip

    def end_consultations(self) -> list[Referral]:
        """The clock ends what nobody answered."""
        unanswered = list(Referral.objects.filter(version__proposal=self.proposal, position=None))
        for referral in unanswered:
            with clock.moved_to(referral.due_at + timedelta(minutes=2)):
                evaluation.lapse_referral(referral, by=clock_account())
        return unanswered

    # Decision

    def decide(self, decision: Facts) -> None:
        day = self.times.decided or 0
        with clock.moved_to(self.on(day - 2, 10)):
            self.screen()  # a determination rests on checks of the last days
            determination = self.prepare(decision)
        with clock.moved_to(self.on(day - 1, 16)):
            evaluation.ask_to_clear(determination, by=self.officer)
        with clock.moved_to(self.on(day - 1, 17)):
            evaluation.clear_determination(determination, by=official("second-officer"))
        with clock.moved_to(self.on(day, 11)):
            evaluation.sign_determination(determination, by=official("decision"))
        if self.times.announced:
            with clock.moved_to(self.on(self.times.announced, 14)):
                evaluation.announce_determination(determination, by=official("decision"))

    def prepare(self, decision: Facts) -> Determination:
        determination = evaluation.prepare_determination(self.proposal, by=self.officer)
        values = {
            "outcome": decision["outcome"],
            "rationale": decision["rationale"],
            "letter_text": decision["letter"],
        }
        evaluation.save_determination(
            determination, by=self.officer, values=values, revision=determination.revision
        )
        unmet = decision.get("unmet", ())
        for finding in determination.findings.select_related("requirement"):
            code = finding.requirement.code
            text = STORY["findings"][code]["unmet" if code in unmet else "met"]
            evaluation.save_finding(
                finding,
                by=self.officer,
                values={"text": text, "is_met": code not in unmet},
                revision=finding.revision,
            )
        for code, answer in decision.get("objections", {}).items():
            standing = Position.objects.standing().filter(referral__version__proposal=self.proposal)
            objection = standing.get(referral__agency__code=code)
            evaluation.answer_objection(determination, objection, by=self.officer, answer=answer)
        for condition in decision.get("conditions", ()):
            due_on = clock.today() + timedelta(days=condition["due_days"])
            values = {name: condition[name] for name in ("text", "owner", "evidence", "effect")}
            evaluation.save_condition(determination, by=self.officer, values={**values, "due_on": due_on})
        return determination


def screening_list(at: datetime, *, added: tuple[Facts, ...] = ()) -> ScreeningList:
    """The list of fictional parties as of a day, imported by the program officer; made once.

    What it overtakes is screened again, as the clock does.
    """
    if made := ScreeningList.objects.filter(name=LIST_NAME, file_date=at.date()).first():
        return made
    rows = [*STORY["screening_list"], *added]
    with clock.moved_to(at):
        made = evaluation.import_screening_list(
            list_file(rows),
            by=official("officer"),
            name=LIST_NAME,
            file_date=at.date(),
            source="Made up for the demonstration, in the form of the Consolidated Screening List",
        )
    screen_again(at)
    return made


def describe_reviewers(call: Call) -> None:
    """What each lead says of the reviewers of the agency, and how many each proposal of the call needs."""
    for key, said in STORY["reviewers"].items():
        code = key.partition("-")[2]
        evaluation.describe_reviewer(
            official(key), agency=Agency.objects.get(code=code), by=official(f"lead-{code}"), **said
        )
    for key, tags in STORY["named_for"].items():
        said, code = STORY["reviewers"][key], key.partition("-")[2]
        evaluation.describe_reviewer(
            official(key),
            agency=Agency.objects.get(code=code),
            by=official("officer"),
            named_for=tags,
            **said,
        )
    for code, number in STORY["reviewers_needed"].items():
        agency = Agency.objects.get(code=code)
        evaluation.set_reviewers_needed(call, agency=agency, number=number, by=official(f"lead-{code}"))


def screen_again(at: datetime) -> None:
    """Screen what a list or a rule of that day has overtaken, as the clock does."""
    with clock.moved_to(at):
        for version in evaluation.to_screen_again():
            evaluation.screen_version(version, by=clock_account())


def list_file(rows: list[Facts]) -> io.BytesIO:
    """``rows`` as a Consolidated Screening List file."""
    file = io.StringIO()
    writer = csv.DictWriter(file, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(file.getvalue().encode())
