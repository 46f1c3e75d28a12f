from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import signal
import socket
import tempfile
import threading
import time
from pathlib import Path

import pypdf
import pytest

from program import pdf
from tests.program.files import papers

BUNDLED = {"Public-Sans", "Public-Sans-Bold", "Public-Sans-Semi-Bold", "Public-Sans-Italic", "DejaVu-Sans"}
PAGE = "<!DOCTYPE html><html lang='en'><head><title>x</title>{head}</head><body>{body}</body></html>"


def document(body="", head=""):
    return PAGE.format(body=body, head=head)


def read(content):
    return pypdf.PdfReader(io.BytesIO(content))


def text_of(content):
    return "\n".join(page.extract_text() for page in read(content).pages)


def squeezed(text):
    return "".join(text.split())


def fonts_of(content):
    return {
        font.get_object()["/BaseFont"].partition("+")[2]
        for page in read(content).pages
        for font in page["/Resources"]["/Font"].values()
    }


def tags_of(content):
    """The kinds of all elements of the structure tree."""
    found, waiting = set(), [read(content).trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        node = waiting.pop().get_object()
        found.add(node.get("/S"))
        children = node.get("/K", [])
        children = children if isinstance(children, list) else [children]
        waiting += [child for child in children if isinstance(child.get_object(), dict)]
    return found


def folders():
    return set(Path(tempfile.gettempdir()).glob("pdf-*"))


class Listener:
    """Takes connections on 127.0.0.1, counts them and answers with a redirect to a local file."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.hits = 0
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.hits += 1
            connection.sendall(
                b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"
            )
            connection.close()


@pytest.fixture(scope="module")
def listener():
    listener = Listener()
    yield listener
    listener.server.close()


HOSTILE = {
    "http image": {"body": "<img src='http://{host}/a.png'>"},
    "https image": {"body": "<img src='https://{host}/a.png'>"},
    "ftp image": {"body": "<img src='ftp://{host}/a.png'>"},
    "file image": {"body": "<img src='file:///etc/passwd'>"},
    "data image": {"body": "<img src='data:image/png;base64,iVBORw0KGgo='>"},
    "path image": {"body": "<img src='/etc/passwd'>"},
    "relative image": {"body": "<img src='../fonts/fonts.conf'>"},
    "upper case": {"body": "<img src='HTTP://{host}/a.png'>"},
    "object": {"body": "<object data='http://{host}/a.svg'></object>"},
    "embed": {"body": "<embed src='file:///etc/passwd'>"},
    "css import": {"head": "<style>@import url(http://{host}/a.css);</style>"},
    "css link": {"head": "<link rel=stylesheet href='http://{host}/a.css'>"},
    "css file": {"head": "<link rel=stylesheet href='file:///etc/passwd'>"},
    "css background": {"head": "<style>body {{ background: url(http://{host}/a.png) }}</style>", "body": "a"},
    "css list image": {"head": "<style>li {{ list-style-image: url(//{host}/a) }}</style>", "body": "<li>a"},
    "css content": {"head": "<style>p::before {{ content: url(http://{host}/a) }}</style>", "body": "<p>a"},
    "css page": {"head": "<style>@page {{ background: url(file:///etc/passwd) }}</style>", "body": "a"},
    "style attribute": {"body": "<p style='background: url(http://{host}/a.png)'>a"},
    "font": {
        "head": "<style>@font-face {{ font-family: X; src: url(http://{host}/a.ttf) }}</style>",
        "body": "<p style='font-family: X'>a",
    },
    "font file": {
        "head": "<style>@font-face {{ font-family: X; src: url(file:///etc/passwd) }}</style>",
        "body": "<p style='font-family: X'>a",
    },
    "svg image": {
        "body": "<svg width=9 height=9><image href='http://{host}/a.png' width='9' height='9'/></svg>"
    },
    "svg entity": {"body": "<img src='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"/>'>"},
    "attachment": {"head": "<link rel=attachment href='file:///etc/passwd'>"},
    "attached link": {"body": "<a rel=attachment href='file:///etc/passwd'>a</a>"},
    "base": {"head": "<base href='http://{host}/'>", "body": "<img src='a.png'>"},
    "redirect": {"body": "<img src='http://{host}/redirect'>"},
    "css twice removed": {"head": "<link rel=stylesheet href='portal:print.css/../../x.css'>"},
}


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_hostile_document_reaches_nothing(case, listener):
    parts = {place: text.format(host=f"127.0.0.1:{listener.port}") for place, text in HOSTILE[case].items()}
    before = listener.hits
    with pytest.raises(pdf.PdfFailed) as refusal:
        pdf.set_html(document(**parts))
    assert refusal.value.reason == "forbidden"
    assert refusal.value.permanent
    assert listener.hits == before


def test_drawing_elsewhere_is_not_even_asked_for(listener):
    before = listener.hits
    use = f"<svg width=9 height=9><use href='http://127.0.0.1:{listener.port}/a.svg#b'/></svg>"
    assert pdf.set_html(document(use)).startswith(b"%PDF")
    assert listener.hits == before


def test_listener_would_have_counted(listener):
    before = listener.hits
    socket.create_connection(("127.0.0.1", listener.port)).close()
    deadline = time.monotonic() + 5
    while listener.hits == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert listener.hits == before + 1


def test_plain_link_is_kept_and_not_followed(listener):
    before = listener.hits
    content = pdf.set_html(document(f"<a href='http://127.0.0.1:{listener.port}/'>a</a>"))
    assert listener.hits == before
    assert read(content).pages[0]["/Annots"][0].get_object()["/A"]["/URI"].startswith("http://127.0.0.1")


# Limits


LONG = document("<p>" + "word " * 60_000)


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("timeout", {"wall_seconds": 1}),
        ("timeout", {"cpu_seconds": 1}),
    ],
    ids=["wall", "processor"],
)
def test_document_beyond_a_limit_is_stopped(reason, changes):
    pdf.set_html(document("warm"))
    before, started = folders(), time.monotonic()
    with pytest.raises(pdf.PdfFailed) as failure:
        pdf.set_html(LONG, limits=pdf.Limits(**changes))
    assert failure.value.reason == reason
    assert time.monotonic() - started < 20
    assert folders() == before
    assert pdf.set_html(document("after it")).startswith(b"%PDF")


def test_result_beyond_its_size_is_stopped():
    with pytest.raises(pdf.PdfFailed) as failure:
        pdf.set_html(document("a"), limits=pdf.Limits(file_bytes=2_000))
    assert failure.value.reason == "too-large"


@pytest.mark.parametrize("body", ["<p>" + "a" * 3_000_000, "<i>a</i>" * 40_000], ids=["in C", "in Python"])
def test_memory_bomb_is_stopped(body):
    started = time.monotonic()
    with pytest.raises(pdf.PdfFailed) as failure:
        pdf.set_html(document(body), limits=pdf.Limits(memory_bytes=200 << 20))
    assert failure.value.reason == "memory"
    assert time.monotonic() - started < 30


def test_temporary_folder_goes_after_success_and_failure():
    before = folders()
    pdf.set_html(document("a"))
    with pytest.raises(pdf.PdfFailed):
        pdf.set_html(document("<img src='http://x.invalid/'>"))
    assert folders() == before


def test_press_that_dies_is_replaced():
    pdf.set_html(document("a"))
    press = pdf.current_press()
    os.kill(press.process.pid, signal.SIGKILL)
    press.process.wait()
    assert pdf.set_html(document("b")).startswith(b"%PDF")


def test_press_that_dies_in_the_middle_is_one_failure_to_repeat():
    pdf.set_html(document("a"))
    victim = pdf.current_press().process.pid
    threading.Timer(0.5, os.killpg, (victim, signal.SIGKILL)).start()
    with pytest.raises(pdf.PdfFailed) as failure:
        pdf.set_html(LONG)
    assert failure.value.reason == "crashed"
    assert not failure.value.permanent
    assert pdf.set_html(document("b")).startswith(b"%PDF")


class SoftTimeLimit(Exception):
    pass


def test_task_that_is_interrupted_stops_its_document():
    def interrupt(number, frame):
        raise SoftTimeLimit

    pdf.set_html(document("a"))
    process = pdf.current_press().process
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        with pytest.raises(SoftTimeLimit):
            pdf.set_html(LONG)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert process.returncode == -signal.SIGKILL
    assert "page after" in text_of(pdf.set_html(document("page after")))


def test_press_holds_no_secret_and_no_connection(db):
    pdf.set_html(document("a"))
    process = Path("/proc") / str(pdf.current_press().process.pid)
    environment = (process / "environ").read_bytes()
    assert {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry} == {
        b"PATH",
        b"LANG",
        b"FONTCONFIG_FILE",
    }
    sockets = [link for link in (process / "fd").iterdir() if os.readlink(link).startswith("socket:")]
    assert [link.name for link in sockets] == ["0"]


def test_press_ends_with_the_one_that_started_it():
    press = pdf.Press()
    press.set(document("a").encode(), variant="pdf/ua-1", limits=pdf.LIMITS)
    press.line.close()
    assert press.process.wait(10) == 0


def test_press_drops_the_document_when_its_owner_is_gone(tmp_path):
    press = pdf.Press()
    press.set(document("a").encode(), variant="pdf/ua-1", limits=pdf.LIMITS)
    order = {"length": len(LONG), "folder": str(tmp_path), "base": pdf.BASE, "variant": "pdf/ua-1"}
    order |= {"identifier": "00", "limits": dataclasses.asdict(pdf.LIMITS)}
    press.line.sendall(json.dumps(order).encode() + b"\n" + LONG.encode())
    time.sleep(0.3)
    press.line.close()
    assert press.process.wait(10) == 0


def test_process_that_was_forked_starts_its_own_press():
    pdf.set_html(document("a"))
    ours = pdf.current_press()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"other" if pdf.current_press() is not ours else b"same")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    assert os.read(reading, 10) == b"other"
    os.close(reading)


def test_threads_take_turns():
    results = []
    threads = [
        threading.Thread(
            target=lambda n=n: results.append((n, text_of(pdf.set_html(document(f"<p>page {n}")))))
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted((n, text.strip()) for n, text in results) == [(n, f"page {n}") for n in range(4)]


def test_missing_library_is_one_clear_error(monkeypatch, tmp_path):
    broken = tmp_path / "press.py"
    source = (pdf.HERE / "press.py").read_text()
    broken.write_text(
        source.replace("from weasyprint.text.fonts import", "raise OSError('no pango')\n    from x import")
    )
    monkeypatch.setattr(pdf, "HERE", tmp_path)
    with pytest.raises(
        pdf.PdfFailed, match=r"libpango-1\.0-0, libpangoft2-1\.0-0 and libharfbuzz-subset0"
    ) as failure:
        pdf.Press().set(b"a", variant="pdf/ua-1", limits=pdf.LIMITS)
    assert failure.value.reason == "libraries"
    assert not failure.value.permanent


def test_failure_survives_the_way_to_another_process():
    sent = pickle.dumps(pdf.PdfFailed("forbidden", "file:///etc/passwd"))
    failure = pickle.loads(sent)  # noqa: S301
    assert (failure.reason, failure.detail) == ("forbidden", "file:///etc/passwd")
    assert "passwd" not in str(failure)


# The papers


@pytest.fixture(scope="module")
def receipt():
    return pdf.render("pdf/receipt.html", papers.receipt(), title="Receipt 117", mark="Business confidential")


@pytest.fixture(scope="module")
def letter():
    return pdf.render("pdf/designation_letter.html", papers.letter(), title="Designation 1")


def test_paper_is_tagged_titled_and_in_a_language(receipt):
    root = read(receipt).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-US"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert read(receipt).metadata.title == "Receipt 117"
    assert b'pdfuaid:part="1"' in root["/Metadata"].get_data()
    assert {"/Document", "/H1", "/H2", "/P", "/L", "/LI"} <= tags_of(receipt)


def test_paper_has_bookmarks_pages_and_marks(receipt):
    reader = read(receipt)
    first, below = reader.outline[0], reader.outline[1]
    assert first.title == "Receipt for a submitted proposal"
    assert [entry.title for entry in below if not isinstance(entry, list)] == [
        "What was received",
        "The deadline",
        "The content",
        "The certification",
        "How to check this receipt",
        "What this receipt means",
    ]
    for number, page in enumerate(reader.pages, start=1):
        assert f"Page {number} of {len(reader.pages)}" in page.extract_text()
        assert "Business confidential" in page.extract_text()


def test_paper_is_set_in_bundled_fonts_only(receipt, letter):
    assert fonts_of(receipt) | fonts_of(letter) <= BUNDLED


def test_same_paper_has_the_same_bytes(letter):
    assert pdf.render("pdf/designation_letter.html", papers.letter(), title="Designation 1") == letter


def test_receipt_says_what_it_was_given(receipt):
    text = " ".join(text_of(receipt).split())
    values = papers.receipt()
    for name in (
        "number",
        "proposal_number",
        "title",
        "consortium",
        "anchor",
        "rule_citation",
        "signer_name",
    ):
        assert values[name] in text
    assert "Received on time." in text
    assert "November 12, 2026, 4:14:09 p.m. Washington time (2026-11-12 21:14:09 UTC)" in text
    hashes = [values["content_sha256"], values["receipt_sha256"], values["previous_receipt_sha256"]]
    for value in [*hashes, *(file["sha256"] for file in values["files"])]:
        assert value in squeezed(text)


def test_late_receipt_says_so():
    text = text_of(pdf.render("pdf/receipt.html", papers.receipt(on_time=False), title="x"))
    assert "Received after the call closed." in text
    assert "on time." not in text.replace("before this moment is on time.", "")


def test_letter_carries_the_disclaimer_and_its_conditions(letter):
    text = " ".join(text_of(letter).split())
    values = papers.letter()
    assert values["disclaimer"] in text
    assert all(condition["text"] in text for condition in values["conditions"])
    assert all(agency in text for agency in values["consulted"])
    assert "It reaches three markets." in text
    assert "November 18, 2029" in text
    assert "Computed share: 63.41 percent." in text
    assert "Signed under delegation: D-2026-004, for the Secretary of Commerce" in text


@pytest.mark.parametrize("template", ["pdf/receipt.html", "pdf/designation_letter.html"])
def test_missing_part_degrades_to_a_note(template):
    text = text_of(pdf.render(template, {}, title="x"))
    assert "recorded" in text


def test_demonstration_says_so_on_every_page(settings):
    settings.DEMONSTRATION = True
    content = pdf.render("pdf/designation_letter.html", papers.letter(), title="x")
    assert all(
        "Demonstration. Not an official document." in page.extract_text() for page in read(content).pages
    )
    settings.DEMONSTRATION = False
    assert "Demonstration" not in text_of(pdf.render("pdf/receipt.html", papers.receipt(), title="x"))


# What people type (C15)

TYPED = {
    "markup": "<b>bold</b><script>alert(1)</script>",
    "image": "<img src='file:///etc/passwd'>",
    "entity": "&lt;b&gt; &amp;amp;",
    "css": "</style><style>@import url(file:///etc/passwd)</style>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "template": "{{ settings.SECRET_KEY }}{% load x %}",
}


@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED)
@pytest.mark.parametrize("field", ["title", "certification_text"])
def test_typed_markup_stays_text(typed, field):
    content = pdf.render("pdf/receipt.html", papers.receipt(**{field: typed}), title=typed)
    assert squeezed(typed) in squeezed(text_of(content))
    assert read(content).metadata.title == typed


def test_long_word_stays_on_the_paper():
    word = "x" * 20_000
    content = pdf.render("pdf/receipt.html", papers.receipt(certification_text=word), title="x")
    assert squeezed(text_of(content)).count("x") >= 20_000
    assert len(read(content).pages) < 15


def test_letters_of_other_scripts_and_faces_are_drawn_from_bundled_fonts():
    typed = "خطة الصادرات תוכנית Экспорт Εξαγωγή 😀 ✓"
    content = pdf.render("pdf/receipt.html", papers.receipt(title=typed), title="x")
    text = text_of(content)
    assert all(word in text for word in ("Экспорт", "Εξαγωγή", "😀", "✓"))
    assert "A note on this file" not in text
    assert fonts_of(content) <= BUNDLED


def test_letters_that_no_font_has_become_squares_and_a_note():
    content = pdf.render("pdf/receipt.html", papers.receipt(title="中文 plan"), title="x")
    text = text_of(content)
    assert "□□ plan" in text
    assert "A note on this file" in text


@pytest.mark.parametrize("typed", ["a\0b", "a\x1bb", "a\ud800b", "a\ufffeb", "a\u202eb\u202c"])
def test_characters_that_are_no_text_do_no_harm(typed):
    text = text_of(pdf.render("pdf/receipt.html", papers.receipt(title=typed), title="x"))
    assert "Receipt for a submitted proposal" in text
