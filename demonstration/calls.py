"""Two calls: the Program's real first one with its real dates, and one that is open today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from demonstration.people import official, person
from demonstration.timeline import at_work, monday_before
from program import clock
from program.clock_account import clock_account
from program.enums import EvidenceType
from program.models import Call, Requirement
from program.services import calls
from program.services.questions import answer_question, answer_under, ask_question, correct_answer
from program.services.subscriptions import subscribe

FOLDER: Final = Path(__file__).resolve().parent / "data"
FIRST_CITATION: Final = "FR Doc. 2026-06952"
FIRST_TITLE: Final = "American AI Exports Program: Call for Proposals for Pre-Set Consortia"
OPEN_TITLE: Final = "Second call for proposals from pre-set consortia (demonstration)"
ISSUED: Final = datetime(2026, 4, 1, 9, 0, tzinfo=clock.WASHINGTON)
OPEN_FOR: Final = timedelta(days=21)

FIRST_SUMMARY: Final = (
    "The Department of Commerce, International Trade Administration, called for proposals from pre-set "
    "consortia for the American AI Exports Program: full-stack AI export packages under E.O. 14320 s.3(b). "
    "The call opened on April 1, 2026 and closed on June 30, 2026."
)
FIRST_TEXT: Final = (FOLDER / "first-call.txt").read_text(encoding="utf-8").strip()
FIRST_NO_CONTROL: Final = (
    "The OMB control number of the first call is not stated in any source that was read."
)
OPEN_SUMMARY: Final = (
    "A fictional call for this demonstration. Industry-led consortia propose full-stack AI export packages "
    "for partner countries. Proposals are due no later than the 90th day after issue, and may be "
    "considered before."
)
OPEN_TEXT: Final = (FOLDER / "open-call.txt").read_text(encoding="utf-8").strip()
AMENDED_TEXT: Final = OPEN_TEXT.replace(
    "4. How to propose. In this portal, before the deadline stated above.",
    "4. How to propose. In this portal, before the deadline stated above. Supporting files may be PDF, "
    "Word, Excel, CSV, PNG or JPEG, up to 100 MB each.",
)


#: What the open call asks beyond the order, each with another kind of answer; none of it is demanded.
PARTICULAR: Final[tuple[dict[str, Any], ...]] = (
    {
        "code": "training-plan",
        "title": "Training of the partner's own people",
        "guidance": "Who is trained, by whom, in which language, and what they can do alone afterwards.",
        "evidence_type": EvidenceType.TEXT,
        "max_characters": 3000,
    },
    {
        "code": "jobs-in-us",
        "title": "Jobs in the United States in the first three years",
        "guidance": "Full-time jobs of members and their suppliers, created or kept.",
        "evidence_type": EvidenceType.NUMBER,
    },
    {
        "code": "delivery-form",
        "title": "Form of delivery",
        "guidance": "How a customer gets the computing.",
        "evidence_type": EvidenceType.CHOICE,
        "choices": "Sale\nLease with transfer of title\nComputing as a service\nSeveral of these",
    },
    {
        "code": "first-delivery",
        "title": "Planned day of the first delivery",
        "guidance": "The day on which a first customer can work with the package.",
        "evidence_type": EvidenceType.DATE,
    },
    {
        "code": "partner-letter",
        "title": "Letter of a partner government or buyer",
        "guidance": "One letter that names the package; more may be added among the documents.",
        "evidence_type": EvidenceType.FILE,
    },
)


@dataclass(frozen=True)
class PlayedQuestion:
    """A question about the open call: asked so many days after issue, answered (if at all) so many later."""

    asked: int
    text: str
    published: str = ""
    answered: int = 0
    answer: str = ""
    is_private: bool = False
    topic: str = ""
    requirement: str = ""
    #: A correction, so many days after the answer, and why
    corrected: int = 0
    correction: str = ""
    reason: str = ""
    #: The number of the published answer that answers it, too
    under: int = 0


QUESTIONS: Final = (
    PlayedQuestion(
        2,
        "Our servers are assembled in Texas with power supplies from Mexico. Is the whole line counted as "
        "U.S. content?",
        "Is a line of hardware assembled in the United States counted wholly as U.S. content?",
        3,
        "No. For each line give the total value and the value of its U.S. content. A part made abroad is "
        "not U.S. content, wherever the line is assembled. The share is computed over the whole layer.",
        topic="U.S. content",
        requirement="us-manufacture",
        corrected=6,
        correction="No. For each line give the total value and the value of its U.S. content. A part made "
        "abroad is not U.S. content, wherever the line is assembled. The share is computed over the whole "
        "hardware layer.",
        reason="It was not clear of which layer the share is computed.",
    ),
    PlayedQuestion(
        5,
        "Can a university hospital in the target country be a member, or only an end user?",
        "May an organization of the target country be a member of the consortium?",
        2,
        "Yes, if it contributes to a layer and is not of a listed jurisdiction. An organization that only "
        "uses the package is named as an end user, not as a member.",
        topic="Who may take part",
        requirement="consortium",
    ),
    PlayedQuestion(
        9,
        "Do we have to name an amount for every kind of Federal support?",
        "",
        3,
        "No. Give an amount where you have one and leave it empty where it is still to be determined. Name "
        "the purpose in either case.",
        topic="Federal support",
        requirement="support-requested",
    ),
    PlayedQuestion(
        14,
        "May the ministry of health that will use the applications join the consortium?",
        answered=1,
        under=2,
    ),
    PlayedQuestion(
        18,
        "One of our members is being acquired. May we replace the anchor after we have submitted?",
        is_private=True,
    ),
    PlayedQuestion(19, "May two consortia offer the same model in the same market?"),
)


@transaction.atomic
def first_call() -> Call:
    """The real first call, closed, with its real dates; its text says of each fact where it comes from."""
    if call := Call.objects.filter(fr_citation=FIRST_CITATION).first():
        return call
    with clock.moved_to(datetime(2026, 3, 18, 10, 0, tzinfo=clock.WASHINGTON)):
        call = calls.draft_call(by=official("officer"), title=FIRST_TITLE)
        calls.update_call(
            call,
            by=official("officer"),
            revision=call.revision,
            changes={
                "summary": FIRST_SUMMARY,
                "text": FIRST_TEXT,
                "fr_citation": FIRST_CITATION,
                "fr_published_on": date(2026, 4, 10),
                "no_control_reason": FIRST_NO_CONTROL,
            },
        )
    with clock.moved_to(ISSUED - timedelta(days=2)):
        calls.approve_call(call, by=official("second-officer"))
    with clock.moved_to(ISSUED):
        calls.issue_call(call, by=official("officer"))
    with clock.moved_to(closing(call) + timedelta(minutes=1)):
        calls.close_call(call, by=clock_account())
    return call


@transaction.atomic
def open_call() -> Call:
    """The open call of the demonstration, issued about three weeks before it is made; then it stays."""
    if call := Call.objects.filter(title=OPEN_TITLE).first():
        return call
    issue = at_work(monday_before(clock.today() - OPEN_FOR), 9)
    with clock.moved_to(issue - timedelta(days=9)):
        call = calls.draft_call(by=official("officer"), title=OPEN_TITLE)
        calls.update_call(
            call,
            by=official("officer"),
            revision=call.revision,
            changes={
                "summary": OPEN_SUMMARY,
                "text": OPEN_TEXT,
                "no_fr_reason": "A demonstration publishes nothing in the Federal Register.",
                "no_control_reason": "A demonstration collects no information from the public.",
                "consultation_days": 14,
                "question_rounds": 3,
            },
        )
        last = call.requirements.count()
        for order, facts in enumerate(PARTICULAR, start=last + 1):
            requirement = Requirement(
                call=call, clause="Call, section 3", is_mandatory=False, sort_order=order * 10, **facts
            )
            calls.save_part(requirement, by=official("officer"))
        calls.ask_for_approval(call, by=official("officer"))
    with clock.moved_to(issue - timedelta(days=3)):
        calls.approve_call(call, by=official("second-officer"))
    asker = person("rosa.lindqvist@bluepine-models.example", "Rosa Lindqvist", "Vice President, Programs")
    with clock.moved_to(issue - timedelta(days=1)):
        for follower in (asker, official("lead-STATE"), official("edag-chair")):
            subscribe(None, by=follower)
    with clock.moved_to(issue):
        calls.issue_call(call, by=official("officer"))
    for question in QUESTIONS:
        _play(call, question, issue)
    with clock.moved_to(issue + timedelta(days=11, hours=2)):
        calls.amend_call(
            call,
            by=official("second-officer"),
            text=AMENDED_TEXT,
            summary="Section 4 now says which kinds of files may be attached and how large they may be.",
            reason="Several consortia asked. Nothing else changes.",
            legal_basis="E.O. 14320 s.3(b)",
        )
    return call


def _play(call: Call, question: PlayedQuestion, issue: datetime) -> None:
    asker = person("rosa.lindqvist@bluepine-models.example", "Rosa Lindqvist", "Vice President, Programs")
    asked_at = issue + timedelta(days=question.asked, hours=3)
    with clock.moved_to(asked_at):
        asked = ask_question(call, by=asker, text=question.text, is_confidential=question.is_private)
    answered_at = asked_at + timedelta(days=question.answered)
    if question.under:
        with clock.moved_to(answered_at):
            answer_under(asked, by=official("second-officer"), number=question.under)
    if question.answer:
        with clock.moved_to(answered_at):
            answer_question(
                asked, by=official("officer"), answer=question.answer, published_text=question.published,
                topic=question.topic, requirement_code=question.requirement,
            )  # fmt: skip
    if question.correction:
        with clock.moved_to(answered_at + timedelta(days=question.corrected)):
            correct_answer(asked, by=official("officer"), answer=question.correction, reason=question.reason)


def opened_on(call: Call) -> date:
    """The day on which the call was issued; raises ValueError for one that was not."""
    if call.issued_on is None:
        raise ValueError(f"{call} was not issued.")
    return call.issued_on


def closing(call: Call) -> datetime:
    """The moment at which the call closes; raises ValueError for one that was not issued."""
    if call.closes_at is None:
        raise ValueError(f"{call} was not issued.")
    return call.closes_at
