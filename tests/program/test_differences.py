from __future__ import annotations

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


@given(TEXT)
def test_same_text_has_no_difference(text):
    assert all(segment.kind == "same" for segment in compare_texts(text, text))
