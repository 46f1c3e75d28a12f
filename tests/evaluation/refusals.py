"""What a refusal says, as the codes of its problems."""

from __future__ import annotations


def codes(refusal):
    return {problem.code for problem in refusal.value.problems}
