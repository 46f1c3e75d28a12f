"""Search inside a package as a page shows it: each hit is marked in its place and leads to the next.

What is searched is the rendered page, so a hit is never in what its reader is not shown.
"""

from __future__ import annotations

import re
from html import escape, unescape
from html.parser import HTMLParser
from typing import Final, NamedTuple

FEWEST_LETTERS: Final = 2
MOST_LETTERS: Final = 100
MOST: Final = 500
#: Nothing in these is text that is read in its place
SKIPPED: Final = frozenset(["script", "style", "svg", "title", "textarea", "select", "template"])
#: How the classes end of what is read out and not shown
HIDDEN: Final = "sr-only"
#: A link may not stand in these, so it follows them
CLOSED: Final = frozenset(["a", "button", "summary"])
VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


class Found(NamedTuple):
    """The page with its hits marked, and how many there are; ``is_cut`` where there are more."""

    page: str
    number: int
    is_cut: bool


def wanted(text: str) -> str:
    """What is looked for, as it is shown again: without control characters and outer space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MOST_LETTERS]


def mark_hits(page: str, text: str) -> Found:
    """Mark ``text`` in ``page``, whatever its case, and open what hides it; nothing where it is too short."""
    if len(text) < FEWEST_LETTERS:
        return Found(page, 0, is_cut=False)
    marker = Marker(text)
    marker.feed(page)
    marker.close()
    return marker.found()


class Marker(HTMLParser):
    """Writes a page again as it was, but for the texts in which something is found."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.pattern = re.compile(r"\s+".join(map(re.escape, text.split())), re.IGNORECASE)
        self.pieces: list[str] = []
        self.run: list[str] = []
        self.open: list[tuple[str, int, bool]] = []
        self.waiting: list[int] = []
        self.links: list[tuple[int, int]] = []
        self.count = 0
        self.is_cut = False

    def found(self) -> Found:
        self._end_run()
        for place, number in self.links:
            following = number % self.count + 1
            words = "Next hit" if following > number else "First hit"
            self.pieces[place] = (
                f'<a class="site-next-hit" href="#hit-{following}" aria-label="{words}">'
                f"{'↓' if following > number else '↑'}</a>"
            )
        return Found("".join(self.pieces), self.count, self.is_cut)

    # What is read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_run()
        if tag not in VOID:
            classes = (dict(attrs).get("class") or "").split()
            is_skipped = (
                tag in SKIPPED
                or any(one.endswith(HIDDEN) for one in classes)
                or (bool(self.open) and self.open[-1][2])
            )
            self.open.append((tag, len(self.pieces), is_skipped))
        self.pieces.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_run()
        self.pieces.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self._end_run()
        self.pieces.append(f"</{tag}>")
        for place in range(len(self.open) - 1, -1, -1):
            if self.open[place][0] == tag:
                del self.open[place:]
                break
        if not self._is_closed():
            self._link()

    def handle_data(self, data: str) -> None:
        self.run.append(data)

    def handle_entityref(self, name: str) -> None:
        self.run.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.run.append(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self._end_run()
        self.pieces.append(f"<!--{data}-->")

    # What is written

    def _is_closed(self) -> bool:
        return any(tag in CLOSED for tag, _, _ in self.open)

    def _end_run(self) -> None:
        """Write the text since the last tag, with its hits marked."""
        raw, self.run = "".join(self.run), []
        if not raw:
            return
        if self.open and self.open[-1][2]:
            self.pieces.append(raw)
            return
        text = unescape(raw)
        end = 0
        for match in self.pattern.finditer(text):
            if self.count == MOST:
                self.is_cut = True
                break
            self.count += 1
            self.pieces.append(escape(text[end : match.start()]))
            self.pieces.append(f'<mark id="hit-{self.count}">{escape(match[0])}</mark>')
            self.waiting.append(self.count)
            end = match.end()
            self._open_around()
            if not self._is_closed():
                self._link()
        self.pieces.append(escape(text[end:]) if end else raw)

    def _link(self) -> None:
        """Leave room for the links of the hits that wait for one; where they lead is known at the end."""
        for number in self.waiting:
            self.links.append((len(self.pieces), number))
            self.pieces.append("")
        self.waiting = []

    def _open_around(self) -> None:
        """A hit in what is folded away is shown."""
        for tag, place, _ in self.open:
            if tag == "details" and not re.search(r"\sopen\b", self.pieces[place]):
                self.pieces[place] = self.pieces[place].replace("<details", "<details open", 1)
