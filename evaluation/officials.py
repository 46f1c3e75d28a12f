"""Whether what an official declared touches a proposal on which they act, and is not answered yet.

Reviewers declare before the first reading. Who accepts, signs or clears declares where something is hinted,
each for themself and for one proposal, so that no conflict of one person keeps an office from its work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import Max

from evaluation.conflicts import Hint, cleared_at, hints_of_each
from evaluation.models import Interest, OfficialDeclaration
from program.transitions import NotReady, Problem
from proposals.models import Version

if TYPE_CHECKING:
    from program.models import User
    from proposals.models import Proposal

IMPARTIALITY: Final = "5 CFR 2635.502"


def hints_to_answer(proposal: Proposal, by: User) -> list[Hint]:
    """Hints about ``by`` that neither they nor the ethics official have answered; three statements for none.

    An answer is about the version and about what was declared by then: either one that is newer asks again.
    """
    last = Version.objects.filter(proposal=proposal, number=proposal.version_count).defer("package").first()
    if last is None:
        return []
    hints = hints_of_each([last.pk], [by])[last.pk].get(by, [])
    if not hints:
        return []
    told = Interest.objects.standing().filter(person=by).aggregate(newest=Max("declared_at"))["newest"]
    asked_since = max(last.received_at, told) if told else last.received_at
    said = OfficialDeclaration.objects.filter(version=last, person=by).aggregate(at=Max("declared_at"))["at"]
    cleared = cleared_at([proposal.pk], [by.pk]).get((proposal.pk, by.pk))
    return [] if any(at and at >= asked_since for at in (said, cleared)) else hints


def conflict_problems(proposal: Proposal, by: User) -> list[Problem]:
    """What keeps an official from an act until they have said whether a conflict stands against it."""
    if not hints_to_answer(proposal, by):
        return []
    message = (
        f"Something that you declared, or an employer of yours, may touch proposal {proposal.number}. Say "
        "first whether a conflict of interest stands against your act: this page shows what it is, and leads "
        "to where you say it."
    )
    return [Problem("declare-first", message, IMPARTIALITY)]


def answer_first(proposal: Proposal, by: User) -> dict[str, Any]:
    """Raises NotReady where ``conflict_problems`` finds any; among a transition's changes it is none."""
    if problems := conflict_problems(proposal, by):
        raise NotReady(problems)
    return {}
