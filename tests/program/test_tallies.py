"""A number on a desk is exact up to a thousand, and reads no more rows than that."""

from __future__ import annotations

import pytest

from program import tallies
from program.models import User
from tests.factories.program import UserFactory


@pytest.mark.django_db
def test_no_more_is_counted_than_is_shown(monkeypatch):
    monkeypatch.setattr(tallies, "MOST", 2)
    made = [UserFactory() for _ in range(4)]
    words = []
    for upto in (0, 2, 4):
        rows = User.objects.filter(pk__in=[user.pk for user in made[:upto]])
        (number,) = User.objects.values_list(tallies.tallied(rows)).get(pk=made[0].pk)
        words.append(tallies.tally_words(number))
    assert words == ["0", "2", "over 2"]


def test_large_numbers_are_written_with_commas():
    assert [tallies.tally_words(number) for number in (999, 1_000, 1_001)] == ["999", "1,000", "over 1,000"]
