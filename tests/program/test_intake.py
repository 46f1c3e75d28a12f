from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
from hashlib import sha256

import pikepdf
import pytest
from PIL import Image

from program.intake import CONTENT_TYPES, Refused, clean_name, examine
from tests.program.files import makers

PIXEL_TEXT = "camera of Dana Whitfield"


GOOD = [
    ("plain.pdf", "pdf", makers.pdf),
    ("compressed.pdf", "pdf", lambda: makers.pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate)),
    ("opens-at-page.pdf", "pdf", lambda: makers.pdf(makers.go_to_first_page)),
    ("line-ends-after-the-end.PDF", "pdf", lambda: makers.pdf() + b"\r\n\n"),
    ("plain.docx", "docx", makers.office),
    ("plain.xlsx", "xlsx", lambda: makers.office("xlsx")),
    (
        "linked.docx",
        "docx",
        lambda: makers.office(relations=makers.relation("hyperlink", "https://example.org", mode="External")),
    ),
    (
        "printer.xlsx",
        "xlsx",
        lambda: makers.office("xlsx", extra={"xl/printerSettings/printerSettings1.bin": "x"}),
    ),
    ("table.csv", "csv", lambda: '\ufeffname,value\r\n"a\nb",1\r\nÉtat,٣\r\n'.encode()),
    ("one-line.csv", "csv", lambda: b"a,b"),
    ("picture.png", "png", makers.image),
    ("clear.png", "png", lambda: makers.image(mode="RGBA")),
    ("palette.png", "png", lambda: makers.image(mode="P")),
    ("deep.png", "png", lambda: makers.image(mode="I;16")),
    ("picture.jpg", "jpeg", lambda: makers.image("JPEG")),
    ("picture.jpeg", "jpeg", lambda: makers.image("JPEG", mode="CMYK")),
]


@pytest.mark.parametrize(("name", "kind", "make"), GOOD, ids=[name for name, _, _ in GOOD])
def test_good_file_is_taken(name, kind, make):
    content = make()
    stream = io.BytesIO(content)
    found = examine(stream, name)
    kept = found.content or content
    assert (found.kind, found.content_type, found.clean_name) == (kind, CONTENT_TYPES[kind], name)
    assert (found.size, found.sha256) == (len(kept), sha256(kept).hexdigest())
    assert (found.content is not None) == (kind in {"png", "jpeg"})
    assert stream.tell() == 0


JS = {"S": pikepdf.Name.JavaScript, "JS": "app.alert(1)"}
EXE = b"MZ" + b"\0" * 200

BAD = [
    # what the name says
    ("nothing.pdf", "empty", lambda: b""),
    ("program.exe", "type-not-allowed", lambda: EXE),
    ("page.html", "type-not-allowed", lambda: b"<html>"),
    ("README", "type-not-allowed", lambda: b"hello"),
    ("report.pdf.exe", "type-not-allowed", makers.pdf),
    ("macros.docm", "type-not-allowed", makers.office),
    ("drawing.svg", "type-not-allowed", lambda: b"<svg/>"),
    # a name that lies
    ("program.pdf", "extension-mismatch", lambda: EXE),
    ("program.csv", "extension-mismatch", lambda: EXE),
    ("document.pdf", "extension-mismatch", makers.office),
    ("picture.pdf", "extension-mismatch", makers.image),
    ("jpeg.png", "extension-mismatch", lambda: makers.image("JPEG")),
    ("gif.png", "extension-mismatch", lambda: makers.image("GIF")),
    ("workbook.docx", "extension-mismatch", lambda: makers.office("xlsx")),
    ("document.xlsx", "extension-mismatch", makers.office),
    ("old.docx", "extension-mismatch", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
    ("page.csv", "extension-mismatch", lambda: b"<!DOCTYPE html><script>alert(1)</script>"),
    ("late.pdf", "extension-mismatch", lambda: b"<html><script>1</script></html>\n" + makers.pdf()),
    ("moved.pdf", "extension-mismatch", lambda: b"junk\n" + makers.pdf()),
    ("text.pdf", "broken", lambda: b"only text"),
    # PDF
    ("cut.pdf", "broken", lambda: makers.pdf()[:-200]),
    ("head-only.pdf", "broken", lambda: b"%PDF-1.7\n"),
    ("no-page.pdf", "broken", lambda: makers.pdf(lambda document: document.pages.__delitem__(0))),
    ("bomb.pdf", "broken", makers.object_stream_bomb),
    ("locked.pdf", "encrypted", lambda: makers.pdf(encryption=pikepdf.Encryption(owner="o", user="u"))),
    ("rights.pdf", "encrypted", lambda: makers.pdf(encryption=pikepdf.Encryption(owner="o", user=""))),
    ("opens-script.pdf", "pdf-script", lambda: makers.pdf(makers.open_action(**JS))),
    (
        "hidden-script.pdf",
        "pdf-script",
        lambda: makers.pdf(
            makers.open_action(**JS),
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            compress_streams=True,
        ),
    ),
    ("nested-script.pdf", "pdf-script", lambda: makers.pdf(makers.nested_script)),
    (
        "launch.pdf",
        "pdf-script",
        lambda: makers.pdf(makers.open_action(S=pikepdf.Name.Launch, F="calc.exe")),
    ),
    ("sends-form.pdf", "pdf-script", lambda: makers.pdf(makers.open_action(S=pikepdf.Name.SubmitForm))),
    ("attachment.pdf", "pdf-embedded", lambda: makers.pdf(makers.attachment)),
    ("xfa.pdf", "pdf-form", lambda: makers.pdf(makers.xfa)),
    ("zip-behind.pdf", "hybrid", lambda: makers.pdf() + makers.office()),
    ("zip-behind-hidden.pdf", "hybrid", lambda: makers.pdf() + makers.office() + b"%%EOF\n"),
    ("html-behind.pdf", "hybrid", lambda: makers.pdf() + b"<script>alert(1)</script>"),
    # Office
    ("zip.docx", "broken", lambda: makers.archive({"a.xml": "<a/>"})),
    ("no-types.docx", "broken", lambda: makers.office(omit={"[Content_Types].xml"})),
    ("no-main.docx", "broken", lambda: makers.office(omit={"word/document.xml"})),
    ("cut.xlsx", "broken", lambda: makers.office("xlsx")[:-60]),
    ("damaged.docx", "broken", lambda: makers.office(compression=0).replace(b"<document/>", b"<documemt/>")),
    (
        "entities.docx",
        "broken",
        lambda: makers.office(extra={"word/_rels/x.xml.rels": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
    ),
    (
        "template.docx",
        "extension-mismatch",
        lambda: makers.office(main=makers.WORD.replace("document.main", "template.main")),
    ),
    (
        "macro-type.docx",
        "macro",
        lambda: makers.office(main="application/vnd.ms-word.document.macroEnabled.main+xml"),
    ),
    ("macro-part.docx", "macro", lambda: makers.office(extra={"word/vbaProject.bin": "x"})),
    (
        "macro-renamed.docx",
        "macro",
        lambda: makers.office(
            extra={"word/media/image1.png": "x"}, relations=makers.relation("vbaProject", "media/image1.png")
        ),
    ),
    ("macro-sheet.xlsx", "macro", lambda: makers.office("xlsx", extra={"xl/macrosheets/sheet1.xml": "<a/>"})),
    (
        "other-book.xlsx",
        "external",
        lambda: makers.office("xlsx", extra={"xl/externalLinks/externalLink1.xml": "<a/>"}),
    ),
    (
        "far-template.docx",
        "external",
        lambda: makers.office(
            relations=makers.relation("attachedTemplate", "https://example.org/a.dotm", mode="External")
        ),
    ),
    (
        "far-picture.docx",
        "external",
        lambda: makers.office(relations=makers.relation("image", "file://host/share/a.png", mode="External")),
    ),
    ("ole.docx", "embedded", lambda: makers.office(extra={"word/embeddings/oleObject1.bin": "x"})),
    (
        "ole-renamed.docx",
        "embedded",
        lambda: makers.office(relations=makers.relation("oleObject", "media/a.png")),
    ),
    ("html-inside.docx", "embedded", lambda: makers.office(relations=makers.relation("aFChunk", "a.xml"))),
    ("program-inside.docx", "embedded", lambda: makers.office(extra={"word/media/a.exe": EXE})),
    (
        "many.docx",
        "too-many-entries",
        lambda: makers.office(extra={f"word/media/{n}.png": "" for n in range(2_001)}),
    ),
    (
        "bomb.docx",
        "unpacks-too-large",
        lambda: makers.office(extra={"word/media/a.png": b"\0" * (210 << 20)}),
    ),
    ("bomb-that-lies.docx", "broken", makers.understated_bomb),
    ("up.docx", "unsafe-entry", lambda: makers.renamed_entry(b"word/aaaaa.xml", b"../../etc.xml\x78"[:14])),
    ("root.docx", "unsafe-entry", lambda: makers.renamed_entry(b"word/a.xml", b"/etc/a.xml")),
    ("backslash.docx", "unsafe-entry", lambda: makers.renamed_entry(b"word/a.xml", b"word\\a.xml")),
    ("twice.docx", "unsafe-entry", lambda: makers.office(extra={"WORD/document.xml": "<a/>"})),
    ("program-behind.docx", "hybrid", lambda: makers.office() + EXE),
    ("comment.docx", "hybrid", lambda: makers.office()[:-2] + struct.pack("<H", len(EXE)) + EXE),
    # images
    ("cut.png", "broken", lambda: makers.image(size=(400, 300), mode="RGB")[:-80]),
    ("cut.jpg", "broken", lambda: makers.image("JPEG", size=(400, 300))[:-900]),
    ("huge.png", "too-many-pixels", makers.oversized_png),
    ("large.png", "too-many-pixels", lambda: makers.image(mode="1", size=(10_000, 3_001))),
    # CSV
    ("latin.csv", "not-utf8", lambda: "État,1".encode("latin-1")),
    ("nul.csv", "broken", lambda: b"a,b\n\0,c\n"),
    ("escape.csv", "broken", lambda: b"a,\x1b[2J\n"),
    ("endless.csv", "broken", lambda: b"a" * (2 << 20)),
    ("zip-behind.csv", "hybrid", lambda: b"a,b\n" + makers.office()),
]


@pytest.mark.parametrize(("name", "code", "make"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_file_is_refused_by_reason(name, code, make):
    with pytest.raises(Refused) as refusal:
        examine(io.BytesIO(make()), name)
    assert refusal.value.code == code
    assert refusal.value.message
    assert refusal.value.what_to_do


WHOLE = {
    "a.pdf": makers.pdf,
    "a.docx": makers.office,
    "a.xlsx": lambda: makers.office("xlsx"),
    "a.png": makers.noise,
    "a.jpg": lambda: makers.noise("JPEG"),
}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", WHOLE)
def test_upload_that_was_cut_short_is_refused(name, share):
    content = WHOLE[name]()
    assert examine(io.BytesIO(content), name)
    with pytest.raises(Refused) as refusal:
        examine(io.BytesIO(content[: int(len(content) * share)]), name)
    assert refusal.value.code == "broken"


def test_refusal_survives_the_way_to_another_process():
    refusal = pickle.loads(pickle.dumps(Refused("quota", "No room.", "Remove a file.")))  # noqa: S301
    assert (refusal.code, str(refusal), refusal.what_to_do) == ("quota", "No room.", "Remove a file.")


def test_file_over_the_limit_is_refused_without_reading_on(settings):
    settings.DOCUMENT_MAX_BYTES = 200_000

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"a" * size

        def seek(self, *place):
            return 0

    stream = Endless()
    with pytest.raises(Refused) as refusal:
        examine(stream, "endless.csv")
    assert refusal.value.code == "too-large"
    assert stream.given < 400_000


def test_file_at_the_limit_is_taken(settings):
    content = b"a,b\n" * 1000
    settings.DOCUMENT_MAX_BYTES = len(content)
    assert examine(io.BytesIO(content), "a.csv").size == len(content)


def test_large_table_is_read_in_pieces():
    stream = io.BytesIO(b"name,value\n" * 400_000)
    tracemalloc.start()
    examine(stream, "large.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_image_loses_everything_but_its_pixels():
    picture = Image.new("RGB", (30, 20), "#005ea2")
    exif = Image.Exif()
    exif[0x010E] = PIXEL_TEXT
    exif[0x0112] = 6  # lies on its side
    output = io.BytesIO()
    picture.save(output, "JPEG", exif=exif, comment=PIXEL_TEXT)
    found = examine(io.BytesIO(output.getvalue() + b"PK\x03\x04 <script>"), "photo.jpg")
    with Image.open(io.BytesIO(found.content)) as kept:
        assert kept.size == (20, 30)
        assert not kept.getexif()
    assert PIXEL_TEXT.encode() not in found.content
    assert b"<script>" not in found.content


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\dana\\plan.docx", "plan.docx"),
        ("/srv/a\\b/c.csv", "c.csv"),
        ("a\0b\r\nc.pdf", "ab c.pdf"),
        ("in\u202efdp.exe.pdf", "infdp.exe.pdf"),
        ("zero\u200bwidth\ufeff.pdf", "zerowidth.pdf"),
        ("..hidden.pdf", "hidden.pdf"),
        ("trailing.pdf. . ", "trailing.pdf"),
        ("a  b\t c.pdf", "a b c.pdf"),
        ('say "hi" <now>|?.pdf', "say _hi_ _now___.pdf"),
        ("con.pdf", "_con.pdf"),
        ("Plan d\u2019E\u0301tat.pdf", "Plan d\u2019\u00c9tat.pdf"),
        ("خطة.pdf", "خطة.pdf"),
        ("...", "document"),
        ("", "document"),
    ],
)
def test_name_is_cleaned(typed, kept):
    assert clean_name(typed) == kept


def test_long_name_keeps_its_extension():
    name = clean_name("x" * 500 + ".docx")
    assert name == "x" * 195 + ".docx"
