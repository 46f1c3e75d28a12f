"""The choice of reviewers beside every choice there is, on sizes where all of them can be tried."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain, combinations, product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluation import balance
from evaluation.balance import Gap, NoChoice, Person, best, best_of_each, choose

people_drawn = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=0, max_size=4
).map(lambda drawn: [Person(10 + number, *each) for number, each in enumerate(drawn)])  # fmt: skip


@st.composite
def rooms(draw):
    people = draw(people_drawn)
    keys = [person.key for person in people]
    allowed = st.lists(st.sampled_from(keys), unique=True) if keys else st.just([])
    gaps = [
        Gap(
            number, number, draw(st.integers(0, 3)), [(key, draw(st.integers(0, 7))) for key in draw(allowed)]
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    return gaps, people


def subsets(gap):
    keys = [key for key, _ in gap.fits]
    return chain.from_iterable(combinations(keys, size) for size in range(min(gap.missing, len(keys)) + 1))


def loads(pairs, people):
    return {person.key: person.load + sum(key == person.key for _, key in pairs) for person in people}


def is_allowed(pairs, gaps, people):
    after = loads(pairs, people)
    fits = {gap.key: dict(gap.fits) for gap in gaps}
    return (
        len(set(pairs)) == len(pairs)
        and all(key in fits[gap] for gap, key in pairs)
        and all(sum(of == gap.key for of, _ in pairs) <= gap.missing for gap in gaps)
        and all(after[p.key] <= max(p.capacity, p.load) for p in people)
    )


def worth(pairs, gaps, people):
    """More is better: places filled, then fits, then the evenness of the loads."""
    fits = {gap.key: dict(gap.fits) for gap in gaps}
    uneven = sum(load**2 for load in loads(pairs, people).values())
    return len(pairs), sum(fits[gap][key] for gap, key in pairs), -uneven


def every_choice(gaps, people):
    for taken in product(*(list(subsets(gap)) for gap in gaps)):
        pairs = [(gap.key, key) for gap, keys in zip(gaps, taken, strict=True) for key in keys]
        if is_allowed(pairs, gaps, people):
            yield pairs


@settings(max_examples=200, deadline=None)
@given(rooms())
@example(([Gap(0, 0, 1, [(10, 2), (11, 2)])], [Person(10, 3, 9), Person(11, 0, 9)]))
@example(([Gap(0, 0, 1, [(10, 2), (11, 2)])], [Person(10, 0, 9), Person(11, 3, 9)]))
@example(([Gap(0, 0, 1, [(10, 7)]), Gap(1, 1, 1, [(10, 7)])], [Person(10, 4, 5)]))
@example(([Gap(0, 0, 1, [(10, 1), (11, 0)])], [Person(10, 4, 5), Person(11, 0, 5)]))
@example(([Gap(0, 0, 2, [(10, 0), (11, 7)]), Gap(1, 1, 1, [(11, 7)])], [Person(10, 3, 4), Person(11, 0, 2)]))
def test_choice_is_allowed_and_none_is_better(room):
    gaps, people = room
    pairs = best(gaps, people).pairs
    assert is_allowed(pairs, gaps, people)
    most = max(worth(other, gaps, people) for other in every_choice(gaps, people))
    assert worth(pairs, gaps, people) == most


def test_who_reviews_for_two_agencies_reads_no_proposal_twice_and_has_one_load():
    person = Person(1, 0, 2)
    rooms = [
        [Gap(1, 7, 1, [(1, 0)])],
        [Gap(2, 7, 1, [(1, 0)])],
        [Gap(3, 8, 1, [(1, 0)]), Gap(4, 9, 1, [(1, 0)])],
    ]
    first, same, other = best_of_each([(gaps, [person]) for gaps in rooms])
    assert (first.pairs, same.pairs) == ([(1, 1)], [])
    assert other.pairs in ([(3, 1)], [(4, 1)])


def test_own_process_answers_the_same_and_ends_when_it_takes_too_long(monkeypatch):
    room = ([Gap(1, 7, 1, [(1, 0), (2, 3)])], [Person(1, 0, 2), Person(2, 1, 2)])
    assert [choice.pairs for choice in choose([room])] == [[(1, 2)]]
    assert choose([]) == []
    monkeypatch.setattr(balance, "SECONDS", 0.01)
    with pytest.raises(NoChoice):
        choose([room])


def test_numeric_libraries_are_loaded_by_no_web_process():
    code = (
        "import django, sys; django.setup(); import config.urls;"
        "sys.exit(any(name in sys.modules for name in ('scipy', 'numpy')))"
    )
    env = {
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "DATABASE_URL": "postgres://check@localhost/check",
        "REDIS_URL": "redis://localhost/0",
    }
    root = Path(balance.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], env=env, cwd=root).returncode == 0
