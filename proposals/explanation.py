"""What a proposal's status means for its consortium: what happens now, who holds it, what could move it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proposals.enums import ProposalStatus as S
from proposals.standing import Standing

if TYPE_CHECKING:
    from datetime import datetime

    from proposals.models import Proposal

NO_DATE = "No date is set for this step; you are told as soon as it ends."
CONSORTIUM = "Your consortium"
COMMERCE = "The Program office, Department of Commerce"
KNOWN = "what is in it. The Program office knows that this draft exists, because more time was asked for"
ASK_FOR_TIME = "If something kept you from submitting in time, the anchor can ask for more time."
#: What a designation that is not active means, and what could still move it.
NOT_ACTIVE = {
    "suspended": (
        "is suspended. Federal tools are not matched or referred meanwhile, and the public catalog does not "
        "show the package.",
        "The decision official reinstates the designation or revokes it, with reasons. You must report "
        "material changes.",
    ),
    "revoked": (
        "was revoked. The package is no longer a priority AI export package, and federal tools are not "
        "referred any more.",
        "Nothing: a revocation is not undone. Your consortium may answer a later call with a new proposal.",
    ),
    "expired": (
        "has expired. The package is no longer a priority AI export package, and federal tools are not "
        "referred any more.",
        "Nothing: the designation has ended. Your consortium may answer a later call with a new proposal.",
    ),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A status in plain words; ``until`` is the earliest next date, an exclusive bound when ``is_limit``.

    ``badge`` stands in place of the status where the status alone would mislead.
    Where a step has no date, ``until_words`` say so.
    """

    happens: str
    holder: str
    moves: str
    until: datetime | None = None
    until_words: str = ""
    is_limit: bool = False
    tone: str = "info"
    badge: str = ""


def status_explained(proposal: Proposal, *, at: datetime, standing: Standing | None = None) -> Explanation:
    """Explain ``proposal`` as it stands at ``at``; reads nothing but it, its call and ``standing``."""
    call, status, standing = proposal.call, S(proposal.status), standing or Standing()
    is_open = proposal.takes_versions(at=at)
    if status in (S.DRAFT, S.RETURNED) and call.cancelled_at:
        what = "this draft cannot be submitted" if status == S.DRAFT else "no correction is taken any more"
        return Explanation(
            f"The call was cancelled, so {what}.",
            CONSORTIUM,
            "You can begin a proposal under another call with its rows. An authorized representative of the "
            "anchor may withdraw it.",
            tone="bad",
        )
    if status == S.DRAFT and not is_open:
        return Explanation(
            "The time to submit is over and this draft was not submitted. It lapses within minutes.",
            "The Program's clock",
            f"A draft cannot be submitted after its time. {ASK_FOR_TIME}",
            tone="bad",
        )
    if status == S.DRAFT:
        return Explanation(
            "The consortium is working on the package. Nothing has been sent, and no government office "
            f"can see {KNOWN if getattr(proposal, 'time_was_asked', False) else 'it'}.",
            CONSORTIUM,
            "The anchor's authorized representative certifies and submits it. A draft that is not "
            "submitted in time lapses.",
            proposal.closes_at,
            "The call closes" if proposal.closes_at == call.closes_at else "Your own, longer time ends",
            is_limit=True,
            tone="waiting",
        )
    if status == S.SUBMITTED:
        again = " You may still submit a new version, which replaces this one." if is_open else ""
        return Explanation(
            _received(proposal),
            COMMERCE,
            f"The Program office accepts it for evaluation, or returns it and names what to correct.{again}",
            proposal.closes_at if is_open else None,
            "You can replace it until" if is_open else NO_DATE,
            is_limit=True,
        )
    if status == S.RETURNED:
        limit = proposal.closes_at
        if limit and at >= limit:
            return Explanation(
                "The Program office asked for corrections, and the time to submit them is over.",
                COMMERCE,
                f"A correction is not taken any more. {ASK_FOR_TIME} You may withdraw.",
                until_words=NO_DATE,
                tone="bad",
            )
        return Explanation(
            "The Program office asks for corrections. Correct what it names, certify and submit again.",
            CONSORTIUM,
            "A corrected version, submitted in time, goes back to the Program office.",
            limit,
            "Submit the correction before",
            is_limit=True,
            tone="waiting",
        )
    if status == S.UNDER_EVALUATION:
        until, until_words = _next_of_evaluation(standing, at)
        again = " You may still submit a new version; it goes through intake again." if is_open else ""
        return Explanation(
            "The Secretary of Commerce evaluates the package in consultation with the four agencies that "
            "section 3(d) of the order names.",
            "The Department of Commerce and the agencies it consults",
            f"{_asks(standing)}"
            "The decision official signs a determination; you are told on the day it is announced. "
            "Until then you may be asked for information, you must report material changes, and you may "
            f"withdraw.{again}",
            until,
            until_words,
            is_limit=until is not None,
            tone="waiting" if standing.questions else "info",
        )
    if status == S.DESIGNATED and standing.designation_status in NOT_ACTIVE:
        happens, moves = NOT_ACTIVE[standing.designation_status]
        reason = f" The reasons given: {standing.reason}" if standing.reason else ""
        return Explanation(
            f"Designation {standing.designation} {happens}{reason}",
            "Nobody: the designation has ended" if standing.is_ended else COMMERCE,
            moves,
            tone=standing.tone,
            badge=standing.badge,
        )
    if status == S.DESIGNATED:
        return Explanation(
            "The package is designated a priority AI export package. Designation is not an export license, a "
            "financing commitment or an endorsement.",
            "The Economic Diplomacy Action Group, for Federal support",
            "Federal tools are matched and referred under section 4 of the order. You must report "
            "material changes.",
            tone="good",
        )
    if status == S.NOT_SELECTED:
        return Explanation(
            "The package was not selected. The letter gives the reasons.",
            "Nobody: this proposal is finished",
            "Your consortium may answer a later call with a new proposal.",
            tone="neutral",
        )
    if status == S.LAPSED and call.cancelled_at:
        return Explanation(
            "The call was cancelled before this draft was submitted.",
            "Nobody: this draft is finished",
            "You can still read it. Your consortium may answer a later call.",
            tone="neutral",
        )
    if status == S.LAPSED:
        return Explanation(
            "The time to submit ended before this draft was submitted.",
            "Nobody: this draft is finished",
            f"You can still read it. {ASK_FOR_TIME} Your consortium may answer a later call.",
            tone="neutral",
        )
    return Explanation(
        "The consortium took this proposal back.",
        "Nobody: this proposal is finished",
        "Your consortium may begin a new proposal under the same call while it is open."
        if call.takes_submissions(at=at)
        else "Your consortium may answer a later call with a new proposal.",
        tone="neutral",
    )


def _next_of_evaluation(standing: Standing, at: datetime) -> tuple[datetime | None, str]:
    """An answer that is owed, else the agencies' time by their own clocks; not which of them, nor why."""
    for asked in standing.questions[:1]:
        return asked.due_at, f"Answer question {asked.number} by"
    if standing.is_clock_paused:
        return None, "The agencies' time to answer is paused. Its last day moves by the days of the pause."
    if standing.consulted_until is None:
        return None, NO_DATE
    if at < standing.consulted_until:
        return standing.consulted_until, "Agencies are asked to answer by"
    return None, "The agencies' time to answer is over. No date is set for the determination."


def _asks(standing: Standing) -> str:
    """The questions that wait for an answer, before what else could move the proposal."""
    numbers = sorted(question.number for question in standing.questions)
    if not numbers:
        return ""
    named = ", ".join(map(str, numbers))
    return f"You answer what the Government asks (question{'s' if len(numbers) > 1 else ''} {named}). "


def _received(proposal: Proposal) -> str:
    """The first version, a correction or a replacement: what has arrived, and what it does."""
    number = proposal.version_count
    if proposal.accepted_at:
        return (
            "The new version was received and replaces the one that was being evaluated. The Program office "
            "reads whether it is complete; then the agencies go on with it."
        )
    if number > 1:
        return (
            f"Version {number} was received and replaces version {number - 1}, which stays readable. The "
            "Program office reads whether it is complete."
        )
    return "The package was received. The Program office reads whether it is complete."
