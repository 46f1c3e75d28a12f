"""The discussion of a proposal among who evaluates it: threads, what is new, and the form to speak."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db.models import Max, Q
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from evaluation import discussing, services
from evaluation.forms import AddressedField, AnswerCommentForm, CommentForm, EditCommentForm
from evaluation.models import DiscussionComment, DiscussionDraft, DiscussionText
from evaluation.notices import discussion_page
from evaluation.querysets.consultation import EVALUATED
from evaluation.querysets.discussion import discussed_by
from evaluation.services.assignments import declare_first_on
from evaluation.services.discussion import DRAFTED, draft_of
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.saving import conflict_page, keep_draft, texts_of
from program.acts import lay_beside
from program.enums import OfficeRole
from program.limits import count_use
from program.models import User
from program.order import implements
from program.requests import is_autosave, number_said
from program.revisions import StaleRevision, revision_read
from program.transitions import NotReady, require
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem

PAGE = 20
#: Of a search; more words than these are not looked for
MOST_WORDS = 8
LONGEST_SEARCH = 100


@dataclass
class Said:
    """A comment as the page shows it: the text that stands, those before it, and what its reader may do."""

    comment: DiscussionComment
    may_answer: bool
    may_change: bool
    reads_withdrawn: bool
    below: list[Said] = field(default_factory=list)

    @property
    def text(self) -> DiscussionText:
        return list(self.comment.texts.all())[-1]

    @property
    def earlier(self) -> list[DiscussionText]:
        """The former texts; those of a withdrawn comment are read by auditors alone."""
        if self.text.is_withdrawal and not self.reads_withdrawn:
            return []
        return [text for text in self.comment.texts.all() if text.number < self.text.number]


@dataclass
class Speaking:
    """What the form of the page is for: a new comment, an answer, or another text for one's own."""

    form: CommentForm | AnswerCommentForm | EditCommentForm
    answers: DiscussionComment | None = None
    edits: DiscussionComment | None = None
    draft: DiscussionDraft | None = None
    seen: int = 0
    sent_as: UUID = field(default_factory=uuid4)


@implements("s.3(d)")
@require_safe
def discussion(request: SignedInRequest, number: str) -> HttpResponse:
    """What this person may read of it; reading is marked by a press, not by looking."""
    return show_discussion(request, number)


def find(request: SignedInRequest, number: str) -> Proposal:
    """The proposal whose discussion this person reads; for all others there is none."""
    rows = discussed_by(request.user).select_related("consortium", "call")
    found: Proposal | None = rows.filter(number=number).first()
    if found is None:
        hidden = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
        declare_first_on(hidden.pk, request.user)
        raise Http404
    return found


def visible(request: SignedInRequest, proposal: Proposal) -> Any:
    return DiscussionComment.objects.visible_to(request.user).of(proposal)


def find_comment(request: SignedInRequest, proposal: Proposal, said: str) -> DiscussionComment:
    """The comment whose key is ``said``, when the person may read it."""
    rows = visible(request, proposal).select_related(
        "author", "agency", "party", "criterion", "reviews_of", "version__proposal"
    )
    found: DiscussionComment = get_object_or_404(rows.defer("version__package"), pk=number_said(said) or 0)
    return found


def show_discussion(
    request: SignedInRequest,
    number: str,
    problems: Iterable[Problem] = (),
    speaking: Speaking | None = None,
    status: int = 200,
) -> HttpResponse:
    user, found = request.user, find(request, number)
    has_voice = user.has_perm("evaluation.add_discussioncomment", found)
    may_write = has_voice and found.status in EVALUATED
    if speaking is None and may_write:
        speaking = speaking_of(request, found)
    rows = visible(request, found)
    threads = rows.filter(thread=None)
    if (only := number_said(request.GET.get("thread", ""))) is not None:
        threads = threads.filter(pk=only)
    asked = " ".join(request.GET.get("q", "")[:LONGEST_SEARCH].replace("\0", "").split())
    if asked:
        count_use(request, "search")
        hits = rows.saying(asked.split()[:MOST_WORDS]).order_by()
        threads = threads.filter(Q(pk__in=hits.values("pk")) | Q(pk__in=hits.values("thread")))
    if (before := number_said(request.GET.get("before", ""))) is not None:
        threads = threads.filter(pk__lt=before)
    page = list(threads.for_list(user).order_by("-pk")[: PAGE + 1])
    shown = page[:PAGE]
    facts = {
        "proposal": found,
        "tally": discussing.tally_of(user, found),
        "up_to": DiscussionText.objects.filter(comment__in=rows.order_by().values("pk")).aggregate(
            last=Max("pk")
        )["last"],
        "threads": laid_out(shown, rows, user, may_write=may_write),
        "only": only,
        "asked": asked,
        "next": address(request, shown[-1].pk) if len(page) > PAGE else "",
        "newest": address(request, None) if before is not None else "",
        "owes_sheet": discussing.owes_sheet_on(user, found),
        "citation": discussing.CITATION,
        "has_voice": has_voice,
        "may_write": may_write,
        "speaking": speaking,
        "problems": problems,
    }
    return render(request, "evaluation/discussion.html", facts, status=status)


def laid_out(begun: list[DiscussionComment], rows: Any, user: User, *, may_write: bool) -> list[Said]:
    """Each thread with what was answered in it and ``user`` may read, in the order it was said."""
    audits = user.holds(OfficeRole.AUDITOR)

    def said(comment: DiscussionComment) -> Said:
        stands = not any(text.is_withdrawal for text in comment.texts.all())
        own = comment.author_id == user.pk
        return Said(comment, may_write and stands, may_write and stands and own, audits)

    threads = {comment.pk: said(comment) for comment in begun}
    for comment in rows.filter(thread__in=threads).for_list(user).order_by("pk"):
        threads[comment.thread_id].below.append(said(comment))
    return list(threads.values())


def address(request: HttpRequest, before: int | None) -> str:
    """The same search, continued below the thread ``before``, or from the newest."""
    query = request.GET.copy()
    for name in ("before", "answer", "edit"):
        query.pop(name, None)
    if before is not None:
        query["before"] = str(before)
    return f"?{query.urlencode()}"


# The form


def speaking_of(request: SignedInRequest, proposal: Proposal) -> Speaking:
    """The form that the address asks for, with what its writer has typed before."""
    if said := request.GET.get("edit", ""):
        comment = find_comment(request, proposal, said)
        require("evaluation.change_discussioncomment", request.user, comment)
        last, draft = comment.texts.latest("number"), draft_of(proposal, request.user, edits=comment)
        seen, text = (draft.seen, draft.text) if draft else (last.number, last.text)
        return Speaking(EditCommentForm(initial={"text": text}), edits=comment, seen=seen, draft=draft)
    said = request.GET.get("answer", "")
    answers = find_comment(request, proposal, said) if said else None
    draft = draft_of(proposal, request.user, answers=answers)
    form = form_for(request, proposal, answers, initial=written(draft) if draft else offered(request))
    return Speaking(form, answers=answers, draft=draft)


def offered(request: SignedInRequest) -> dict[str, Any]:
    """What a link to the form has chosen before."""
    return {"about": request.GET.get("about", "")}


def written(draft: DiscussionDraft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in DRAFTED}


def form_for(
    request: SignedInRequest,
    proposal: Proposal,
    answers: DiscussionComment | None,
    data: Any = None,
    initial: dict[str, Any] | None = None,
    *,
    is_draft: bool = False,
) -> AnswerCommentForm:
    """The form of a new comment, or of an answer, which is about the same and offers no wider a room."""
    user = request.user
    agencies = discussing.agencies_of(user, proposal)
    rooms = discussing.rooms_of(agencies, answers)
    people = discussing.people_to_name(user, proposal, agencies)
    start = {**(initial or {})}
    if answers is not None:
        start["room"] = start.get("room") or (rooms[0].code if rooms else "")
        form = AnswerCommentForm(data, initial=start, rooms=rooms, people=people)
    else:
        subjects = discussing.subjects_for(user, proposal, agencies)
        form = CommentForm(data, initial=start, rooms=rooms, people=people, subjects=subjects)
    addressed: AddressedField = form.fields["mentions"]  # type: ignore[assignment]
    addressed.is_draft = is_draft
    addressed.names_of = partial(discussing.gone_from, user, proposal, agencies)
    return form


def posted(request: SignedInRequest, proposal: Proposal, *, is_draft: bool = False) -> Speaking:
    """The form as it was sent. Raises PermissionDenied for who has no voice."""
    require("evaluation.add_discussioncomment", request.user, proposal)
    if is_draft and (said := request.POST.get("edits", "")):
        comment = find_comment(request, proposal, said)
        seen = revision_read(request.POST.get("seen", ""))
        draft = draft_of(proposal, request.user, edits=comment)
        return Speaking(EditCommentForm(request.POST), edits=comment, seen=seen, draft=draft)
    said = request.POST.get("answers", "")
    answers = find_comment(request, proposal, said) if said else None
    form = form_for(request, proposal, answers, request.POST, is_draft=is_draft)
    draft = draft_of(proposal, request.user, answers=answers)
    return Speaking(form, answers=answers, draft=draft, sent_as=key_said(request.POST.get("sent_as", "")))


def key_said(said: str) -> UUID:
    try:
        return UUID(said)
    except ValueError:
        return uuid4()


@require_POST
def comment_write(request: SignedInRequest, number: str) -> HttpResponse:
    """Say it; a form that is sent twice says it once."""
    found = find(request, number)
    speaking = posted(request, found)
    form, answers = speaking.form, speaking.answers

    def again(problems: list[Problem]) -> HttpResponse:
        elsewhere = lay_beside(form, problems)
        refused = [*problems_of(form), *elsewhere]
        return show_discussion(request, number, refused, speaking, status=422)

    if not form.is_valid():
        return again([])
    said = {**form.cleaned_data}
    mentions = User.objects.filter(pk__in=said.pop("mentions"))
    return carry_out(
        request, services.write_comment, found,
        done="Your answer is in the discussion." if answers else "Your comment is in the discussion.",
        to=discussion_page(found, thread=answers.begun_by) if answers else discussion_page(found),
        again=again, answers=answers, mentions=mentions, sent_as=speaking.sent_as, **said,
    )  # fmt: skip


@require_POST
def comment_draft(request: SignedInRequest, number: str) -> HttpResponse:
    """Keep what is written so far; it is said to nobody."""
    found = find(request, number)
    speaking = posted(request, found, is_draft=True)
    answers, edits = speaking.answers, speaking.edits
    page, about = discussion_page(found), ""
    if edits:
        about = f"?edit={edits.pk}"
    elif answers:
        about = f"?answer={answers.pk}"

    def again(problems: list[Problem], status: int) -> HttpResponse:
        return show_discussion(request, number, problems, speaking, status=status)

    def fresh(draft: DiscussionDraft) -> EditCommentForm:
        if edits:
            return EditCommentForm(initial={"text": draft.text})
        return form_for(request, found, answers, initial=written(draft))

    try:
        return keep_draft(
            request, speaking.form,
            partial(
                services.keep_discussion_draft, found, by=request.user, answers=answers, edits=edits,
                seen=speaking.seen,
            ),
            fresh=fresh, again=again, said="The draft is kept. Nobody else reads it.",
            back=f"{page}{about}#write",
        )  # fmt: skip
    except NotReady as refusal:
        if is_autosave(request):
            said = [problem.message for problem in refusal.problems]
            return JsonResponse({"errors": {"__all__": said}}, status=422)
        return again(refusal.problems, 422)


@require_POST
def comment_edit(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    """Put another text in the place of one's own."""
    found = find(request, number)
    comment = find_comment(request, found, str(pk))
    form, seen = EditCommentForm(request.POST), revision_read(request.POST.get("seen", ""))
    page = discussion_page(found, thread=comment.begun_by, comment=comment.pk)

    def again(problems: list[Problem]) -> HttpResponse:
        elsewhere = lay_beside(form, problems)
        refused = [*problems_of(form), *elsewhere]
        speaking = Speaking(
            form, edits=comment, seen=seen, draft=draft_of(found, request.user, edits=comment)
        )
        return show_discussion(request, number, refused, speaking, status=422)

    def both_texts(stale: StaleRevision) -> HttpResponse:
        texts = texts_of(request, EditCommentForm(initial={"text": stale.record.text}))
        by = "You, in another window,"
        return conflict_page(request, texts, revision=stale.record.revision, by=by, back=page, held_as="seen")

    require("evaluation.change_discussioncomment", request.user, comment)
    if not form.is_valid():
        return again([])
    return carry_out(
        request, services.edit_comment, comment, done="The text is changed; the former is kept.",
        to=page, again=again, conflict=both_texts, seen=seen, **form.cleaned_data,
    )  # fmt: skip


@require_POST
def comment_withdraw(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    """Take back what one said."""
    found = find(request, number)
    comment = find_comment(request, found, str(pk))
    return carry_out(
        request, services.withdraw_comment, comment, done="It is withdrawn. That there was one stays.",
        to=discussion_page(found, thread=comment.begun_by, comment=comment.pk),
        again=lambda problems: show_discussion(request, number, problems, status=422),
    )  # fmt: skip


@require_POST
def discussion_read(request: SignedInRequest, number: str) -> HttpResponse:
    """Mark what the page showed as read."""
    found = find(request, number)
    up_to = number_said(request.POST.get("up_to", "")) or 0
    services.mark_discussion_read(found, by=request.user, up_to=up_to)
    return redirect(discussion_page(found))
