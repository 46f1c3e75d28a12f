"""What stands beside a part for everybody who works on it: comments, who is there, what was removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from program.models import User
from program.requests import SignedInRequest
from proposals import presence, services
from proposals.enums import Part
from proposals.forms.together import AnswerCommentForm, AssignForm, CommentForm
from proposals.models import Comment, Component, RemovedRow
from proposals.querysets import readers_by_name, readers_of_working_copy
from proposals.views.kinds import KEY, KINDS, find_to_read, form_of, part_form, place_of
from proposals.views.marks import Marks, marks_beside
from proposals.views.workspace import Workspace, seen, show, to_edit, workspace

if TYPE_CHECKING:
    from proposals.forms.rows import RowForm
    from proposals.models import Proposal


@dataclass
class Talk:
    """A comment with its replies, as a page shows it."""

    comment: Comment
    row: str
    about: str
    place: str
    answer: AnswerCommentForm
    assign: AssignForm


@dataclass
class Beside:
    """Everything that stands beside one part or one row."""

    here: list[presence.Here]
    presence_url: str
    talks: list[Talk]
    settled: list[Talk]
    form: CommentForm
    part: str
    row_key: str
    removed: list[RemovedRow]
    undone: RemovedRow | None
    marks: Marks | None

    @property
    def is_open(self) -> bool:
        return bool(self.form.errors)


def beside(
    request: SignedInRequest,
    space: Workspace,
    part: str,
    row: Any = None,
    form: RowForm | None = None,
    refused: CommentForm | None = None,
) -> Beside:
    """What the page of a part, or of one of its rows, shows beside it; says that the person is there."""
    proposal = space.proposal
    people = readers_to_offer(proposal)
    if request.method == "GET":
        presence.arrive(proposal.pk, part, request.user)
    key = row.key if row is not None else ""
    fields = about_of(form)
    found = Comment.objects.filter(proposal=proposal, part=part, **{"row_key": key} if key else {})
    said = list(found.for_list()) if proposal.has_comments else []  # type: ignore[attr-defined]
    names = names_of(space, said)
    talks = [talk_of(one, people, names, fields) for one in said]
    gone = RemovedRow.objects.filter(proposal=proposal, part=part).select_related("removed_by")
    removed = list(gone) if proposal.has_removed_rows else []  # type: ignore[attr-defined]
    last = request.GET.get("removed", "")
    return Beside(
        here=presence.others_on(proposal.pk, part, people, besides=request.user),
        presence_url=reverse("proposals:presence", args=[proposal.pk, part]),
        talks=[talk for talk in talks if not talk.comment.resolved_at],
        settled=[talk for talk in talks if talk.comment.resolved_at],
        form=refused or comment_form(people, fields, row),
        part=part,
        row_key=key,
        removed=removed if not key or key.startswith("site-") else [],
        undone=next((one for one in removed if str(one.pk) == last), None),
        marks=marks_beside(space, part, row, form),
    )


def readers_to_offer(proposal: Proposal) -> list[User]:
    """Who may be told and be given a comment, by name; nothing else of them is read."""
    found = readers_by_name.ask_all(proposal=proposal.pk, consortium=proposal.consortium_id)
    return [User(pk=pk, name=name) for pk, name in found]


def about_of(form: RowForm | None) -> list[tuple[str, str]]:
    """The fields that a comment can be about, by the names of their columns."""
    return [(name, str(form[name].label)) for name in form.fields] if form is not None else []


def comment_form(people: Any, fields: list[tuple[str, str]], row: Any, data: Any = None) -> CommentForm:
    whole = "This row as a whole" if row is not None else "This part as a whole"
    return CommentForm(data, people=people, whole=whole, fields=fields, prefix="comment")


ROWS = ("markets", "sites", "support_requests", "outside_parties")


def names_of(space: Workspace, comments: list[Comment]) -> dict[str, str]:
    """What the rows are called that ``comments`` are about; of two thousand components only those."""
    keys = [comment.row_key.partition("-") for comment in comments if comment.row_key]
    if not keys:
        return {}
    named = {int(pk) for prefix, _, pk in keys if prefix == Component.prefix and pk.isdecimal()}
    rows = [row for name in ROWS for row in getattr(space.proposal, name).all()]
    components = space.proposal.components.filter(pk__in=named) if named else []
    return {row.key: str(row) for row in [*rows, *space.attachments, *components]}


def talk_of(
    comment: Comment, people: list[User], names: dict[str, str], fields: list[tuple[str, str]]
) -> Talk:
    about = dict(fields).get(comment.field) or comment.field.replace("_", " ").capitalize()
    return Talk(
        comment=comment,
        row=names.get(comment.row_key, "a row that was removed") if comment.row_key else "",
        about=about,
        place=place_of_comment(comment),
        answer=AnswerCommentForm(people=people, prefix=f"answer-{comment.pk}"),
        assign=AssignForm(
            people=people, initial={"assigned_to": comment.assigned_to_id}, prefix=f"assign-{comment.pk}"
        ),
    )


def place_of_comment(comment: Comment) -> str:
    """The page on which the comment stands: of its row, or of its part."""
    match = KEY.match(comment.row_key)
    kind = KINDS.get(match[1]) if match else None
    if kind is not None and kind.has_page:
        return reverse("proposals:row-edit", args=[comment.proposal_id, comment.part, comment.row_key])
    return reverse("proposals:part", args=[comment.proposal_id, comment.part])


# Comments


@require_http_methods(["GET", "HEAD", "POST"])
def comments(request: SignedInRequest, pk: int) -> HttpResponse:
    """Every comment on the working copy, part by part; a POST writes one on the part or row it names."""
    space = workspace(request, pk, "comments")
    if request.method == "POST":
        return _add(request, space)
    people = readers_to_offer(space.proposal)
    wanted = request.GET.get("show", "open")
    rows = Comment.objects.filter(proposal=space.proposal).for_list()
    rows = rows.exclude(resolved_at=None) if wanted == "resolved" else rows.open()
    if wanted == "mine":
        rows = rows.filter(assigned_to=request.user)
    talks: dict[str, list[Talk]] = {}
    said = list(rows.order_by("pk")[:200])
    names = names_of(space, said)
    for comment in said:
        talks.setdefault(comment.part, []).append(talk_of(comment, people, names, []))
    groups = [(part, talks[part]) for part in Part if part in talks]
    return show(request, "proposals/comments.html", space, {"groups": groups, "wanted": wanted})


def _add(request: SignedInRequest, space: Workspace) -> HttpResponse:
    part, key = request.POST.get("part", ""), request.POST.get("row_key", "")
    if part not in Part:
        raise Http404
    pk, people = space.proposal.pk, readers_of_working_copy(space.proposal)
    row, fields = None, about_of(part_form(space.proposal, part))
    if key:
        row, kind = find_to_read(request, pk, part, key)
        fields = about_of(form_of(row, kind))
    form = comment_form(people, fields, row, request.POST)
    if form.is_valid():
        try:
            made = services.add_comment(
                space.proposal, by=request.user, part=part, row_key=key, **form.cleaned_data
            )
        except ValidationError as errors:
            form.add_error(None, errors.messages)
        else:
            messages.success(request, "Your comment is on the page.")
            return redirect(f"{place_of_comment(made)}#{made.key}")
    facts = {"form": form, "part": Part(part), "row_key": key, "row": row}
    return show(request, "proposals/comment_again.html", space, facts)


def talk_seen(request: SignedInRequest, pk: int, comment: int) -> Comment:
    """The comment, when the person reads its working copy; everybody else gets 404."""
    seen(request, pk)
    rows = Comment.objects.visible_to(request.user).select_related("proposal")
    found: Comment = get_object_or_404(rows, pk=comment, proposal=pk, parent=None)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def comment(request: SignedInRequest, pk: int, comment: int) -> HttpResponse:
    """Lead to where a comment stands; a POST replies to it."""
    found = talk_seen(request, pk, comment)
    place = f"{_standing_place(found)}#{found.key}"
    if request.method != "POST":
        return redirect(place)
    form = AnswerCommentForm(
        request.POST, people=readers_of_working_copy(found.proposal), prefix=f"answer-{found.pk}"
    )
    if form.is_valid():
        try:
            services.answer_comment(found, by=request.user, **form.cleaned_data)
        except ValidationError as errors:
            form.add_error(None, errors.messages)
        else:
            return redirect(place)
    facts = {"form": form, "talk": found, "part": Part(found.part)}
    return show(request, "proposals/comment_again.html", workspace(request, pk, "comments"), facts)


def _standing_place(found: Comment) -> str:
    """The page of the row, or the list of comments while the row is removed."""
    if found.resolved_at or RemovedRow.objects.filter(proposal=found.proposal_id, key=found.row_key).exists():
        wanted = "?show=resolved" if found.resolved_at else ""
        return f"{reverse('proposals:comments', args=[found.proposal_id])}{wanted}"
    return place_of_comment(found)


@require_POST
def comment_act(request: SignedInRequest, pk: int, comment: int, act: str) -> HttpResponse:
    """Assign, resolve or reopen a comment."""
    found = talk_seen(request, pk, comment)
    if act == "assign":
        people = readers_of_working_copy(found.proposal)
        form = AssignForm(request.POST, people=people, prefix=f"assign-{found.pk}")
        if form.is_valid():
            chosen: User | None = form.cleaned_data["assigned_to"]
            services.assign_comment(found, by=request.user, to=chosen)
            messages.success(request, f"Assigned to {chosen}." if chosen else "Assigned to nobody.")
        else:
            messages.error(request, "Choose somebody who can read this proposal today.")
    elif act == "resolve":
        services.resolve_comment(found, by=request.user)
        messages.success(request, "The comment is resolved. It stays under “Resolved”.")
    else:
        services.reopen_comment(found, by=request.user)
        messages.success(request, "The comment is open again.")
    return redirect(f"{place_of_comment(found)}#{found.key}")


# Who is there, and what was removed


@require_POST
def presence_beat(request: SignedInRequest, pk: int, part: str) -> JsonResponse:
    """Say that the person looks at the part, or has left it; answer who else is there, in words."""
    proposal = seen(request, pk)
    if not request.user.has_perm("proposals.view_draft_proposal", proposal):
        raise Http404
    if request.POST.get("leaving"):
        presence.leave(pk, part, request.user)
        return JsonResponse({"here": []})
    presence.arrive(pk, part, request.user)
    people = readers_to_offer(proposal)
    here = presence.others_on(pk, part, people, besides=request.user)
    return JsonResponse({"here": [one.words for one in here]})


@require_POST
def row_restore(request: SignedInRequest, pk: int, removed: int) -> HttpResponse:
    """Put a removed row back as it was."""
    proposal = to_edit(request, pk)
    found = RemovedRow.objects.filter(proposal=proposal, pk=removed).first()
    if found is None:
        raise Http404
    back = reverse("proposals:part", args=[pk, found.part])
    try:
        row = services.restore_row(found, by=request.user)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect(back)
    messages.success(request, f"Put back: {row}.")
    noun = KEY.match(found.key)
    kind = KINDS[noun[1]] if noun else None
    return redirect(place_of(row, kind, pk, found.part) if kind else back)
