"""Questions of the Government to the consortium: ask, answer, withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Max, Q

from evaluation.due import due_from_now, rule_in_words
from evaluation.enums import InformationRequestStatus, PauseReason
from evaluation.lifecycle import ANSWER_QUESTION, WITHDRAW_QUESTION
from evaluation.models import AnswerDraft, AnswerFile, InformationRequest
from evaluation.notice_kinds import ANSWERED, ASKED, QUESTION_WITHDRAWN
from evaluation.notices import desk_page, in_words, questions_page
from evaluation.services.pauses import hold_proposal, pause_clocks, release_clocks
from program import audit, clock, days, notices
from program.deadlines import end_of_day
from program.documents import store_document
from program.enums import Mark
from program.intake import Refused, examine
from program.revisions import StaleRevision
from program.transitions import NotReady, Problem, WrongStatus, perform, require
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.notices import team_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from django.core.files import File

    from evaluation.models import Referral
    from program.deadlines import Period
    from program.intake import Examined
    from program.models import Agency, AuditEvent, Document, User

ORDER = "E.O. 14320 s.3(d)"
MOST_FILES = 5
#: While it is weighed whether to designate; what is asked of a designated package is no round
LIMITED = (ProposalStatus.SUBMITTED, ProposalStatus.UNDER_EVALUATION)
ASKABLE = (ProposalStatus.SUBMITTED, ProposalStatus.UNDER_EVALUATION, ProposalStatus.DESIGNATED)


def next_round(proposal: Proposal) -> int:
    """The round to which a further question belongs: that of the open ones, else the one after the last.

    Questions that were withdrawn make no round.
    """
    rows = proposal.information_requests.exclude(status=InformationRequestStatus.WITHDRAWN)
    is_open = Count("pk", filter=Q(status=InformationRequestStatus.OPEN))
    found = rows.aggregate(last=Max("round"), open=is_open)
    return (found["last"] or 0) + (0 if found["open"] else 1)


@transaction.atomic
def ask_consortium(
    proposal: Proposal,
    *,
    by: User,
    agency: Agency,
    question: str,
    due_on: date | None = None,
    period: Period | None = None,
    pauses: Iterable[Referral] = (),
    sent_as: UUID | None = None,
) -> InformationRequest:
    """Ask one numbered question about the latest version, to be answered by the end of a day.

    The day is named, ``due_on``, or counted from today by ``period``. The clocks of the consultations
    ``pauses`` stand until it is answered, withdrawn or overdue. A form that is sent again, ``sent_as`` the
    same, brings the question that it asked before: the consortium is asked and told once.
    """
    proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update())
    request = InformationRequest(proposal=proposal, agency=agency, question=question.strip(), asked_by=by)
    require("evaluation.add_informationrequest", by, request)
    if sent_as and (asked := proposal.information_requests.filter(sent_as=sent_as, asked_by=by).first()):
        return asked
    problems = []
    if proposal.status not in ASKABLE:
        problems.append(
            Problem(
                "not-askable",
                "Questions are asked while a proposal is submitted or evaluated, and once it is designated.",
                ORDER,
            )
        )
    further, limit = next_round(proposal), proposal.call.question_rounds
    if limit is not None and further > limit and proposal.status in LIMITED:
        rounds = "1 round" if limit == 1 else f"{limit} rounds"
        problems.append(
            Problem(
                "rounds",
                f"The call allows {rounds} of questions to a consortium, and this would be round {further}.",
                ORDER,
                field="question",
            )
        )
    if not request.question:
        problems.append(Problem("question", "Write the question.", ORDER, field="question"))
    counted = due_from_now(period) if period else None
    due_on = counted.due_on if counted else due_on
    if due_on is None or due_on <= clock.today():
        problems.append(Problem("due", "The last day for the answer must lie ahead.", ORDER, field="due_on"))
    elif refused := days.refusal(due_on):
        problems.append(Problem("due", refused, ORDER, field="due_on"))
    if problems or due_on is None:
        raise NotReady(problems)
    last = proposal.information_requests.aggregate(last=Max("number"))["last"] or 0
    request.number, request.round = last + 1, further
    request.version = proposal.versions.get(number=proposal.version_count)
    request.due_at = end_of_day(due_on)
    request.due_rule = rule_in_words(counted) if counted else "Day set by the office that asks."
    request.asked_at, request.sent_as = clock.now(), sent_as or uuid4()
    request.full_clean(exclude=["status"])
    request.save()
    event = audit.record(
        request, "informationrequest.ask", by=by, after={"number": request.number}, clause=ORDER
    )
    notices.owe(
        event,
        ASKED,
        team_of(proposal.consortium_id),
        url=questions_page(proposal),
        number=proposal.number,
        question=request.number,
        due=in_words(request.due_at),
    )
    if waiting := list(pauses):
        pause_clocks(proposal, by=by, referrals=waiting, reason=PauseReason.INFORMATION, question=request)
    return request


@transaction.atomic
def save_answer_draft(request: InformationRequest, *, by: User, answer: str, revision: int) -> AnswerDraft:
    """Keep what is written of an answer so far, for everybody who writes it; nothing is sent.

    ``revision`` is 0 where there was none yet. Raises StaleRevision when somebody saved another text.
    """
    request.refresh_from_db(from_queryset=InformationRequest.objects.select_for_update(of=("self",)))
    require("evaluation.draft_informationrequest", by, request)
    if request.status != InformationRequestStatus.OPEN:
        raise WrongStatus(ANSWER_QUESTION, request, tried="Save the draft")
    draft = AnswerDraft.objects.filter(request=request).select_related("saved_by").first()
    if draft is None:
        draft = AnswerDraft(request=request, revision=0)
    elif draft.answer == answer:
        return draft
    if draft.revision != revision:
        raise StaleRevision(draft, revision)
    draft.answer, draft.saved_by = answer, by
    draft.revision += 1
    draft.full_clean(exclude=["request", "saved_by"])
    draft.save()
    return draft


def answer_question(
    request: InformationRequest,
    *,
    by: User,
    answer: str,
    uploads: Sequence[File[bytes]] = (),
    revision: int | None = None,
) -> AuditEvent:
    """Answer for the consortium, with files; a late answer is taken and shown with its time.

    One file that cannot be kept refuses the whole answer and is named: half an answer helps nobody. Files
    are examined before the transaction begins: it takes seconds for a large one. ``revision`` is that of the
    draft that the page showed: who would send an older text than a colleague's gets StaleRevision.
    """
    require("evaluation.answer_informationrequest", by, request)
    problems = []
    if not answer.strip():
        problems.append(Problem("answer", "Write the answer.", ORDER, field="answer"))
    if len(uploads) > MOST_FILES:
        problems.append(
            Problem("files", f"An answer takes at most {MOST_FILES} files.", ORDER, field="files")
        )
    files = [] if problems else list(_examined(uploads, problems))
    if problems:
        raise NotReady(problems)
    return _answer(request, by, answer, files, revision)


@transaction.atomic
def _answer(
    request: InformationRequest,
    by: User,
    answer: str,
    files: Sequence[tuple[File[bytes], Examined]],
    revision: int | None,
) -> AuditEvent:
    hold_proposal(request.proposal)
    InformationRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    draft = AnswerDraft.objects.filter(request=request).select_related("saved_by").first()
    is_open = request.status == InformationRequestStatus.OPEN
    if draft and is_open and revision is not None and draft.revision != revision and draft.answer != answer:
        raise StaleRevision(draft, revision)
    event = perform(ANSWER_QUESTION, request, by=by)
    documents = [_kept(upload, found, by) for upload, found in files]
    for document in documents:  # who sends a file with an answer lets it be opened, scanned or not
        document.released_by, document.released_at = by, event.at
        document.save(update_fields=["released_by", "released_at", "updated_at"])
    AnswerFile.objects.bulk_create(AnswerFile(request=request, document=document) for document in documents)
    request.answer, request.answered_by = answer.strip(), by
    request.clean_fields(exclude=[f.name for f in request._meta.fields if f.name != "answer"])
    request.save(update_fields=["answer", "answered_by", "updated_at"])
    release_clocks(request, why=f"Question {request.number} was answered.")
    notices.owe(
        event,
        ANSWERED,
        [request.asked_by],
        url=desk_page(request.proposal),
        number=request.proposal.number,
        question=request.number,
    )
    return event


def _examined(
    uploads: Sequence[File[bytes]], problems: list[Problem]
) -> Iterator[tuple[File[bytes], Examined]]:
    """Each file that may be kept; the others are added to ``problems`` by their names."""
    for upload in uploads:
        try:
            yield upload, examine(upload, upload.name or "")  # type: ignore[arg-type]  # a File streams
        except Refused as refusal:
            problems.append(_refused(upload, refusal))


def _kept(upload: File[bytes], found: Examined, by: User) -> Document:
    why = "Answers a question."
    try:
        return store_document(upload, by=by, mark=Mark.BUSINESS_CONFIDENTIAL, justification=why, found=found)
    except Refused as refusal:
        raise NotReady([_refused(upload, refusal)]) from refusal


def _refused(upload: File[bytes], refusal: Refused) -> Problem:
    words = f"{upload.name}: {refusal.message} {refusal.what_to_do}".strip()
    return Problem("files", words, ORDER, field="files")


@transaction.atomic
def withdraw_question(request: InformationRequest, *, by: User, note: str = "") -> AuditEvent:
    """Take back a question that is not answered yet."""
    proposal = request.proposal
    hold_proposal(proposal)
    event = perform(WITHDRAW_QUESTION, request, by=by, note=note)
    release_clocks(request, why=f"Question {request.number} was withdrawn.")
    notices.owe(
        event,
        QUESTION_WITHDRAWN,
        team_of(proposal.consortium_id),
        url=questions_page(proposal),
        number=proposal.number,
        question=request.number,
    )
    return event
