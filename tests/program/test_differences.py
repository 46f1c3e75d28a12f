from __future__ import annotations

import random
import textwrap
import time

from hypothesis import given
from hypothesis import strategies as st

from program.differences import Segment, compare_texts

TEXT = st.text(st.sampled_from("ab \n."), max_size=60)


def test_changed_words_are_told_apart():
    assert compare_texts("Due in May.\nKept.\n", "Due in June.\nKept.\n") == (
        Segment("same", "Due in "),
        Segment("removed", "May.\n"),
        Segment("added", "June.\n"),
        Segment("same", "Kept.\n"),
    )


@given(TEXT, TEXT)
def test_segments_give_both_texts_back(before, after):
    segments = compare_texts(before, after)
    assert "".join(s.text for s in segments if s.kind != "added") == before
    assert "".join(s.text for s in segments if s.kind != "removed") == after


def test_long_text_that_was_wrapped_anew_takes_no_time_that_is_squared():
    """Ten times the words would take a hundred times as long."""
    chance = random.Random(14320)
    words = [f"w{chance.paretovariate(0.7):.0f}" for _ in range(20_000)]

    def seconds(count):
        text = " ".join(words[:count])
        before, after = textwrap.fill(text, 80), textwrap.fill(text, 100)
        start = time.process_time()
        segments = compare_texts(before, after)
        taken = time.process_time() - start
        assert "".join(s.text for s in segments if s.kind != "added") == before
        return taken

    assert seconds(20_000) < 40 * seconds(2_000)


@given(TEXT)
def test_same_text_has_no_difference(text):
    assert all(segment.kind == "same" for segment in compare_texts(text, text))
