"""Whether what an official declared touches a proposal on which they act, and is not answered yet.

Reviewers declare before the first reading. Who accepts, signs or clears declares where something is hinted,
each for themself and for one proposal, so that no conflict of one person keeps an office from its work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import Max, OuterRef, Subquery
from django.db.models.functions import Greatest

from evaluation.conflicts import Hint, cleared_at, hints_of_each
from evaluation.models import Interest, OfficialDeclaration
from program.models import Affiliation, User
from program.transitions import NotReady, Problem
from proposals.models import TeamMember, Version

if TYPE_CHECKING:
    from datetime import datetime

    from proposals.models import Proposal

IMPARTIALITY: Final = "5 CFR 2635.502"


def hints_to_answer(proposal: Proposal, by: User) -> list[Hint]:
    """Hints about ``by`` that neither they nor the ethics official have answered; three statements for none.

    An answer is about the version, about what was declared and about where the portal knew the person to work
    by then: whatever is newer asks again.
    """
    last = Version.objects.filter(proposal=proposal, number=proposal.version_count).defer("package").first()
    if last is None:
        return []
    hints = hints_of_each([last.pk], [by])[last.pk].get(by, [])
    if not hints:
        return []
    told = Interest.objects.standing().filter(person=by).aggregate(newest=Max("declared_at"))["newest"]
    asked_since = max(at for at in (last.received_at, told, employed_since(by)) if at)
    said = OfficialDeclaration.objects.filter(version=last, person=by).aggregate(at=Max("declared_at"))["at"]
    cleared = cleared_at([proposal.pk], [by.pk]).get((proposal.pk, by.pk))
    return [] if any(at and at >= asked_since for at in (said, cleared)) else hints


def employed_since(person: User) -> datetime | None:
    """When the portal last learned of an organization for which the person works or worked; one statement."""
    teams = TeamMember.objects.filter(user=OuterRef("pk")).order_by("-created_at").values("created_at")[:1]
    works = Affiliation.objects.filter(user=OuterRef("pk")).order_by("-created_at").values("created_at")[:1]
    newest = Greatest(Subquery(works), Subquery(teams))  # PostgreSQL leaves out what is not known
    return User.objects.filter(pk=person.pk).values_list(newest, flat=True).get()


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
