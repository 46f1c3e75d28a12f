"""The discussion of a proposal among who evaluates it: write, answer, edit, withdraw. Nothing is taken out.

A discussion is written in one at a time, so that who marks it as read has seen what came before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from evaluation import discussing
from evaluation.discussing import DISCUSS, Room, Subject, readers_among, say_gone, workers_for
from evaluation.enums import Grade
from evaluation.models import DiscussionComment, DiscussionDraft, DiscussionRead, DiscussionText
from evaluation.notice_kinds import DISCUSSION_ADDED, DISCUSSION_NAMED
from evaluation.notices import discussion_page, program_officers
from evaluation.querysets.consultation import EVALUATED
from program import audit, clock, notices
from program.models import User
from program.notices import Audience
from program.revisions import StaleRevision, one_at_a_time
from program.transitions import NotReady, Problem, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from proposals.models import Proposal

ORDER = "E.O. 14320 s.3(d)"
DRAFTED = ("room", "about", "place", "text", "mentions")
#: What the service itself names, which nobody types
NAMED_HERE = (
    "version", "thread", "answers", "agency", "party", "criterion", "reviews_of", "author", "standing",
)  # fmt: skip
#: A thread that has grown so long is gone on with in a new one
MOST_ANSWERS = 100
CLOSED = "The discussion is closed: the proposal is not being evaluated any more. It stays readable."


@transaction.atomic
def write_comment(
    proposal: Proposal,
    *,
    by: User,
    room: str,
    text: str,
    sent_as: UUID,
    about: str = "",
    place: str = "",
    answers: DiscussionComment | None = None,
    mentions: Iterable[User] = (),
) -> DiscussionComment:
    """Say something to those whom ``room`` names, or answer a comment; ``sent_as`` is the key of the form.

    A form that is sent again brings the comment that it brought before. An answer is about the same, for the
    same people or for fewer. Raises NotReady with all that stands against it.
    """
    one_at_a_time(DISCUSS, proposal.pk)
    proposal.refresh_from_db(fields=["status", "version_count"])
    require("evaluation.add_discussioncomment", by, answers or proposal)
    if answers is not None:
        require("evaluation.view_discussioncomment", by, answers)
    if sent := DiscussionComment.objects.filter(
        sent_as=sent_as, author=by, version__proposal=proposal
    ).first():
        return sent
    agencies = discussing.agencies_of(by, proposal)
    rooms = {each.code: each for each in discussing.rooms_of(agencies, answers)}
    if answers is not None:
        subject: Subject | None = Subject(answers.part, answers.criterion, answers.reviews_of)
        place = answers.place
    else:
        subject = discussing.subjects_for(by, proposal, agencies).get(about)
    chosen = rooms.get(room)
    problems = [*_state_problems(proposal, answers), *_room_problems(chosen, subject), *_text_problems(text)]
    if problems or chosen is None or subject is None:
        raise NotReady(problems)
    comment = DiscussionComment(
        version=proposal.versions.defer("package").get(number=proposal.version_count),
        thread_id=answers.begun_by if answers else None, answers=answers,
        grade=chosen.grade, agency=chosen.agency, party=_party(chosen, answers, by),
        part=subject.part, criterion=subject.criterion, reviews_of=subject.reviews_of,
        place=place.strip(), author=by, standing=by.standing, sent_as=sent_as, at=clock.now(),
    )  # fmt: skip
    comment.full_clean(exclude=NAMED_HERE)
    comment.save()
    _say(comment, 1, text)
    _drop_draft(proposal, by, answers=answers)
    named = _named(comment, mentions)
    act = "discussioncomment.answer" if answers else "discussioncomment.write"
    event = audit.record(comment, act, by=by, after=_facts(comment), clause=ORDER)
    told = _to_tell(comment, proposal, is_addressed=bool(named))
    page = discussion_page(proposal, thread=comment.begun_by, comment=comment.pk)
    notices.owe_each(
        event,
        Audience(DISCUSSION_NAMED, named, page),
        Audience(DISCUSSION_ADDED, [person for person in told if person not in named], page),
        by=str(by), number=proposal.number, room=chosen.label,
    )  # fmt: skip
    return comment


def _state_problems(proposal: Proposal, answers: DiscussionComment | None) -> list[Problem]:
    problems = []
    if proposal.status not in EVALUATED:
        problems.append(Problem("closed", CLOSED, ORDER))
    if answers is not None and _is_withdrawn(answers):
        problems.append(Problem("withdrawn", "This comment was withdrawn meanwhile.", ORDER))
    if answers is not None:
        said = DiscussionComment.objects.filter(thread=answers.begun_by).count()
        if said >= MOST_ANSWERS:
            message = f"This thread has {MOST_ANSWERS} answers. Begin a new one."
            problems.append(Problem("full", message, ORDER))
    return problems


def _room_problems(room: Room | None, subject: Subject | None) -> list[Problem]:
    if subject is None:
        return [Problem("about", "Choose what the comment is about.", ORDER, field="about")]
    if room is None:
        return [Problem("room", "Choose who reads the comment.", ORDER, field="room")]
    reviewed = subject.reviews_of
    if reviewed and not (room.grade == Grade.PROGRAM_OFFICE or room.agency == reviewed):
        message = (
            f"Who reads the reviews of {reviewed}: {reviewed} and the Program office. Choose one of them."
        )
        return [Problem("room", message, ORDER, field="room")]
    return []


def _text_problems(text: str) -> list[Problem]:
    if not text.strip():
        return [Problem("text", "Write what you want to say.", ORDER, field="text")]
    return []


def _party(room: Room, answers: DiscussionComment | None, by: User) -> User | None:
    """With whom the Program office speaks: who wrote to it first."""
    if room.grade != Grade.PROGRAM_OFFICE:
        return None
    return answers.party if answers and answers.grade == Grade.PROGRAM_OFFICE else by


def _say(
    comment: DiscussionComment, number: int, text: str, *, is_withdrawal: bool = False
) -> DiscussionText:
    said = DiscussionText(
        comment=comment, number=number, text=text.strip(), is_withdrawal=is_withdrawal, at=clock.now()
    )
    said.full_clean(exclude=["comment"])
    said.save()
    return said


def _named(comment: DiscussionComment, mentions: Iterable[User]) -> list[User]:
    """Who is asked to read it. Raises NotReady for people who may not: a notice would tell them of it."""
    people = [person for person in mentions if person.pk != comment.author_id]
    named = readers_among(comment, people)
    if strangers := [person for person in people if person not in named]:
        recused = set(comment.proposal.recusals.values_list("user", flat=True))
        gone = [str(person) for person in strangers if person.pk in recused]
        others = [str(person) for person in strangers if person.pk not in recused]
        messages = [f"{say_gone(gone)} Take out the name."] if gone else []
        if others:
            messages.append(
                f"{', '.join(others)} cannot be named: not among who reads “{comment.room}”. Nothing was "
                "sent. Take out the name, or choose other readers."
            )
        raise NotReady([Problem("mentions", message, ORDER, field="mentions") for message in messages])
    comment.mentions.set(named)
    return named


def _to_tell(comment: DiscussionComment, proposal: Proposal, *, is_addressed: bool) -> list[User]:
    """Who took part and may read it; of a thread that begins in one room, who belongs to that room.

    What is addressed to somebody is told to them, and to who took part: the room reads it without a notice.
    """
    said = DiscussionComment.objects.filter(version__proposal=proposal)
    if comment.thread_id:
        said = said.filter(pk=comment.thread_id) | said.filter(thread=comment.thread_id)
    took_part = User.objects.filter(pk__in=said.values("author"))
    people = {person.pk: person for person in took_part}
    people |= {person.pk: person for person in User.objects.filter(pk__in=said.values("mentions"))}
    answered = comment.answers
    is_elsewhere = answered is None or (answered.grade, answered.agency_id) != (
        comment.grade, comment.agency_id,
    )  # fmt: skip
    if is_elsewhere and not is_addressed:
        if comment.agency:
            people |= {person.pk: person for person in workers_for(comment.agency, proposal)}
        elif comment.grade == Grade.PROGRAM_OFFICE:
            people |= {person.pk: person for person in program_officers(proposal)}
    people.pop(comment.author_id, None)
    return readers_among(comment, people.values())


def _facts(comment: DiscussionComment) -> dict[str, Any]:
    """Who was spoken to and about what, for the record; never what was said."""
    return {
        "grade": str(comment.grade),
        "to": comment.room,
        "about": comment.about,
        "thread": comment.begun_by,
        "version": comment.version.number,
    }


@transaction.atomic
def edit_comment(comment: DiscussionComment, *, by: User, text: str, seen: int) -> DiscussionText:
    """Put another text in the place of one's own; the former stays beside it.

    ``seen`` is the number of the text that stood on the page. Raises StaleRevision where another stands now.
    """
    last = _held(comment, by)
    if problems := [*_withdrawn_problems(last), *_text_problems(text)]:
        raise NotReady(problems)
    if last.text == text.strip():
        _drop_draft(comment.proposal, by, edits=comment)
        return last
    if last.number != seen:
        raise StaleRevision(last, seen)
    said = _say(comment, last.number + 1, text)
    _drop_draft(comment.proposal, by, edits=comment)
    audit.record(comment, "discussioncomment.edit", by=by, after={"text": said.number}, clause=ORDER)
    return said


@transaction.atomic
def withdraw_comment(comment: DiscussionComment, *, by: User) -> DiscussionText:
    """Take back what one said: that there was a comment stays, with its author and its answers."""
    last = _held(comment, by)
    if last.is_withdrawal:
        return last
    said = _say(comment, last.number + 1, "", is_withdrawal=True)
    _drop_draft(comment.proposal, by, edits=comment)
    audit.record(comment, "discussioncomment.withdraw", by=by, after={"text": said.number}, clause=ORDER)
    return said


def _held(comment: DiscussionComment, by: User) -> DiscussionText:
    """The text that stands, while nobody else writes in this discussion."""
    proposal = comment.proposal
    one_at_a_time(DISCUSS, proposal.pk)
    proposal.refresh_from_db(fields=["status", "version_count"])
    require("evaluation.change_discussioncomment", by, comment)
    if problems := _state_problems(proposal, None):
        raise NotReady(problems)
    return DiscussionText.objects.filter(comment=comment).latest("number")


def _is_withdrawn(comment: DiscussionComment) -> bool:
    return DiscussionText.objects.filter(comment=comment, is_withdrawal=True).exists()


def _withdrawn_problems(last: DiscussionText) -> list[Problem]:
    return [Problem("withdrawn", "This comment was withdrawn.", ORDER)] if last.is_withdrawal else []


@transaction.atomic
def mark_discussion_read(proposal: Proposal, *, by: User, up_to: int) -> int:
    """Mark what others said up to the text ``up_to`` as read, as far as ``by`` reads it; returns how much."""
    comments = DiscussionComment.objects.visible_to(by).of(proposal).order_by()
    texts = DiscussionText.objects.unread_by(by).filter(pk__lte=up_to, comment__in=comments.values("pk"))
    now = clock.now()
    reads = [DiscussionRead(text=text, person=by, at=now) for text in texts]
    return len(DiscussionRead.objects.bulk_create(reads, ignore_conflicts=True))


@transaction.atomic
def keep_discussion_draft(
    proposal: Proposal,
    *,
    by: User,
    values: Mapping[str, Any],
    revision: int,
    answers: DiscussionComment | None = None,
    edits: DiscussionComment | None = None,
    seen: int = 0,
) -> DiscussionDraft:
    """Keep what is written of a comment so far, for its author alone; nobody is told, nothing is said.

    ``edits`` is one's own comment that gets another text, ``seen`` the number of the text that stood then.
    Raises StaleRevision when the same person saved another text in another window.
    """
    one_at_a_time(f"{DISCUSS}-draft", proposal.pk, by.pk)
    require("evaluation.add_discussioncomment", by, proposal)
    if answers is not None:
        require("evaluation.view_discussioncomment", by, answers)
    problems = []
    if edits is not None:
        require("evaluation.change_discussioncomment", by, edits)
        problems = _withdrawn_problems(DiscussionText.objects.filter(comment=edits).latest("number"))
    proposal.refresh_from_db(fields=["status"])
    if problems := [*problems, *_state_problems(proposal, None)]:
        raise NotReady(problems)
    draft = draft_of(proposal, by, answers=answers, edits=edits)
    if draft is None:
        draft = DiscussionDraft(
            proposal=proposal, person=by, answers=answers, edits=edits, seen=seen, revision=0
        )
    elif all(getattr(draft, name) == value for name, value in values.items()):
        return draft
    if draft.revision != revision:
        raise StaleRevision(draft, revision)
    for name, value in values.items():
        setattr(draft, name, value)
    draft.revision += 1
    draft.full_clean(exclude=["proposal", "person", "answers", "edits"])
    draft.save()
    return draft


def draft_of(
    proposal: Proposal,
    by: User,
    *,
    answers: DiscussionComment | None = None,
    edits: DiscussionComment | None = None,
) -> DiscussionDraft | None:
    """What ``by`` has written of this and not sent."""
    rows = DiscussionDraft.objects.filter(proposal=proposal, person=by, answers=answers, edits=edits)
    return rows.select_related("person").first()


def _drop_draft(
    proposal: Proposal,
    by: User,
    *,
    answers: DiscussionComment | None = None,
    edits: DiscussionComment | None = None,
) -> None:
    rows = DiscussionDraft.objects.filter(proposal=proposal, person=by, answers=answers, edits=edits)
    rows.delete()
