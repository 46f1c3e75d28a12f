"""Which answers stand: a question of what the call demands at a moment, never of a task that ran."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from program.models import Requirement
    from proposals.models import Answer


def answer_to(requirement: Requirement, answers: Iterable[Answer]) -> Answer | None:
    """The answer of a working copy that stands under ``requirement``, or None.

    It is kept from one requirement to the one that takes its place, where both are answered in the same way.
    """
    return _newest(requirement, answers, is_alike=True)


def earlier_answer(requirement: Requirement, answers: Iterable[Answer]) -> Answer | None:
    """What was answered before ``requirement`` asked for another kind of answer, or None."""
    return _newest(requirement, answers, is_alike=False)


def _newest(requirement: Requirement, answers: Iterable[Answer], *, is_alike: bool) -> Answer | None:
    """Rows of one code are made in the order of their amendments: the highest key is the newest."""
    fitting = [
        answer
        for answer in answers
        if answer.requirement.code == requirement.code
        and answer.requirement_id <= requirement.pk
        and (answer.requirement.evidence_type == requirement.evidence_type) is is_alike
    ]
    return max(fitting, key=lambda answer: answer.requirement_id, default=None)


def standing_answers(
    requirements: Iterable[Requirement], answers: Iterable[Answer]
) -> list[tuple[Requirement, Answer]]:
    """The answers that stand under ``requirements``, in the order in which they were first given."""
    given = list(answers)
    found = [(row, answer) for row in requirements if (answer := answer_to(row, given))]
    return sorted(found, key=lambda pair: pair[1].pk)
