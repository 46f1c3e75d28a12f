"""Talk about the working copy among the consortium's own people: comment, answer, assign, resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from program import audit, clock, notices
from program.notices import Audience
from program.transitions import require
from proposals.models import Comment
from proposals.notice_kinds import COMMENT_ANSWERED, COMMENT_ASSIGNED, MENTIONED
from proposals.notices import comment_address
from proposals.querysets import readers_of_working_copy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from program.models import AuditEvent, User
    from proposals.models import Proposal

CLAUSE = "E.O. 14320 s.3(b)"
NOT_A_READER = (
    "Choose somebody who can read this proposal today: a person of the team or counsel. Who has left or is "
    "recused cannot be asked."
)


@transaction.atomic
def add_comment(
    proposal: Proposal,
    *,
    by: User,
    part: str,
    text: str,
    row_key: str = "",
    field: str = "",
    assigned_to: User | None = None,
    mentions: Iterable[User] = (),
) -> Comment:
    """Say something about a part, a row or a field; who is assigned has it as a task until it is resolved.

    Raises ValidationError for people who cannot read the working copy: a notice to them would tell of it.
    """
    require("proposals.view_draft_proposal", by, proposal)
    _require_readers(proposal, [assigned_to, *mentions])
    comment = Comment(
        proposal=proposal,
        part=part,
        row_key=row_key,
        field=field,
        text=text,
        author=by,
        assigned_to=assigned_to,
    )
    return _write(comment, by=by, act="comment.add", mentions=mentions)


@transaction.atomic
def answer_comment(comment: Comment, *, by: User, text: str, mentions: Iterable[User] = ()) -> Comment:
    """Reply below a comment; its author and whom it is assigned to are told."""
    root = _held(comment, by)
    _require_readers(root.proposal, mentions)
    answer = Comment(
        proposal=root.proposal,
        part=root.part,
        row_key=root.row_key,
        field=root.field,
        parent=root,
        text=text,
        author=by,
    )
    return _write(answer, by=by, act="comment.answer", mentions=mentions)


@transaction.atomic
def assign_comment(comment: Comment, *, by: User, to: User | None) -> AuditEvent:
    """Make a comment somebody's task, or nobody's."""
    root = _held(comment, by)
    _require_readers(root.proposal, [to])
    before = root.assigned_to.email if root.assigned_to else ""
    root.assigned_to = to
    root.save(update_fields=["assigned_to", "updated_at"])
    after = to.email if to else ""
    event = audit.record(root, "comment.assign", by=by, before=before, after=after, clause=CLAUSE)
    if to and to.pk != by.pk:
        notices.owe(event, COMMENT_ASSIGNED, [to], url=comment_address(root))
    return event


@transaction.atomic
def resolve_comment(comment: Comment, *, by: User) -> AuditEvent | None:
    """Settle a comment; None when somebody did so before."""
    root = _held(comment, by)
    if root.resolved_at:
        return None
    root.resolved_at, root.resolved_by = clock.instant(), by
    root.save(update_fields=["resolved_at", "resolved_by", "updated_at"])
    return audit.record(root, "comment.resolve", by=by, clause=CLAUSE)


@transaction.atomic
def reopen_comment(comment: Comment, *, by: User) -> AuditEvent | None:
    """Open a settled comment again; None when it is open."""
    root = _held(comment, by)
    if not root.resolved_at:
        return None
    root.resolved_at = root.resolved_by = None
    root.save(update_fields=["resolved_at", "resolved_by", "updated_at"])
    event = audit.record(root, "comment.reopen", by=by, clause=CLAUSE)
    if root.assigned_to and root.assigned_to != by:
        readers = readers_of_working_copy(root.proposal).filter(pk=root.assigned_to.pk)
        notices.owe(event, COMMENT_ASSIGNED, readers, url=comment_address(root))
    return event


def _held(comment: Comment, by: User) -> Comment:
    """The comment that begins the talk, locked and read again; the right is asked as it stands now."""
    key = comment.parent_id or comment.pk
    root: Comment = (
        Comment.objects.select_for_update(of=("self",))
        .select_related("proposal", "assigned_to", "author")
        .get(pk=key)
    )
    require("proposals.view_draft_proposal", by, root.proposal)
    return root


def _require_readers(proposal: Proposal, people: Iterable[User | None]) -> None:
    wanted = {person.pk for person in people if person is not None}
    if wanted and readers_of_working_copy(proposal).filter(pk__in=wanted).count() != len(wanted):
        raise ValidationError(NOT_A_READER)


def _write(comment: Comment, *, by: User, act: str, mentions: Iterable[User]) -> Comment:
    """Keep the comment, record that it was written (not what it says) and tell whom it concerns."""
    comment.full_clean(exclude=["proposal", "parent", "author", "assigned_to"])
    comment.save()
    root = comment.parent or comment
    readers = {person.pk: person for person in readers_of_working_copy(comment.proposal)}
    named = {person.pk for person in mentions} | {
        key for key, person in readers.items() if f"@{person.name}" in comment.text
    }
    comment.mentions.set(named)
    event = audit.record(root, act, by=by, after={"comment": comment.pk}, clause=CLAUSE)
    others = readers.keys() - {by.pk}
    assigned = {root.assigned_to_id} & others
    answered = {root.author_id, root.assigned_to_id} & others if comment.parent else set()
    told = assigned if not comment.parent else set()
    url = comment_address(root)
    notices.owe_each(
        event,
        Audience(COMMENT_ASSIGNED, [readers[key] for key in told], url),
        Audience(MENTIONED, [readers[key] for key in (named & others) - told], url),
        Audience(COMMENT_ANSWERED, [readers[key] for key in answered - named], url),
    )
    return comment
