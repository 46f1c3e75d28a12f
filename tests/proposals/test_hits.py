"""Search inside a package: hits are marked where they stand, and nothing else of the page changes."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from proposals.hits import MOST, mark_hits, wanted

PAGE = (
    '<section id="data"><h2>Labels &amp; pipelines</h2><p>Clinical labels, <a href="/labels/?a=1&amp;b=2">'
    'labels</a> of the clinic.</p><details class="x"><summary>Labels</summary><p>More</p></details>'
    '<svg><title>labels</title></svg><span class="usa-sr-only">labels</span><br><img alt="labels"></section>'
)


class Texts(HTMLParser):
    """What of a page is text, and what is marked in it."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.marked, self.tags = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "mark":
            self.marked.append(dict(attrs)["id"])

    def handle_data(self, data):
        self.texts.append(data)


def test_hits_are_marked_whatever_their_case_and_lead_to_the_next():
    found = mark_hits(PAGE, "labels")

    assert (found.number, found.is_cut) == (4, False)
    assert Texts(found.page).marked == ["hit-1", "hit-2", "hit-3", "hit-4"]
    link = '<a class="site-next-hit" href="#hit-{}" aria-label="{} hit">'
    assert f'<mark id="hit-1">Labels</mark>{link.format(2, "Next")}' in found.page
    assert f'<mark id="hit-3">labels</mark></a>{link.format(4, "Next")}' in found.page
    assert f"</summary>{link.format(1, 'First')}" in found.page
    assert '<details open class="x">' in found.page
    assert '<svg><title>labels</title></svg><span class="usa-sr-only">labels</span>' in found.page
    assert 'href="/labels/?a=1&amp;b=2"' in found.page


@pytest.mark.parametrize("text", ["", "l", "nowhere", "section", "href"])
def test_a_page_without_hits_stays_as_it_was(text):
    assert mark_hits(PAGE, text) == (PAGE, 0, False)


@pytest.mark.parametrize("text", ["&amp;", "&lt;", "<script>", '" onclick="a()', "<img src=x onerror=a()>"])
def test_what_is_looked_for_never_becomes_markup(text):
    written = "<p>&lt;script&gt;a()&lt;/script&gt; &quot; onclick=&quot;a() &amp;lt; &amp;amp;"
    page = f"{written} &lt;img src=x onerror=a()&gt;</p>"
    found = mark_hits(page, text)

    assert found.number == 1
    assert set(Texts(found.page).tags) == {"p", "mark", "a"}
    shown = "".join(Texts(found.page).texts).replace("↑", "")
    assert shown == "".join(Texts(page).texts)


def test_an_ampersand_is_found_as_it_is_read_and_space_of_any_width_is_one():
    found = mark_hits("<p>Labels &amp;\n   pipelines</p>", "labels & pipelines")
    assert found.number == 1


def test_more_hits_than_are_marked_are_said():
    found = mark_hits(f"<p>{'ab ' * (MOST + 1)}</p>", "ab")
    assert (found.number, found.is_cut) == (MOST, True)
    assert mark_hits(f"<p>{'ab ' * MOST}</p>", "ab")[1:] == (MOST, False)


def test_what_is_looked_for_is_one_line_of_printable_letters():
    assert wanted("  a\x00b \n c ") == "a b c"
    assert len(wanted("a" * 999)) == 100
