"""Makers of files that must pass and of files that must fail, each as bytes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pikepdf
from PIL import Image

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


# PDF


def pdf(change=None, **options):
    """A one-page PDF; ``change`` alters it before it is written."""
    document = pikepdf.new()
    document.add_blank_page(page_size=(612, 792))
    if change:
        change(document)
    output = io.BytesIO()
    document.save(output, **options)
    return output.getvalue()


def open_action(**action):
    def change(document):
        document.Root.OpenAction = document.make_indirect(pikepdf.Dictionary(**action))

    return change


def nested_script(document):
    """A script in a direct dictionary, in an array, in an annotation that nothing else refers to."""
    action = pikepdf.Dictionary(
        S=pikepdf.Name.URI, URI="https://example.org", Next=[pikepdf.Dictionary(JS="app.alert(1)")]
    )
    document.pages[0].Annots = pikepdf.Array(
        [pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=action)]
    )


def attachment(document):
    document.attachments["notes.txt"] = pikepdf.AttachedFileSpec(document, b"hello", filename="notes.txt")


def xfa(document):
    form = document.make_stream(b"<xdp/>")
    document.Root.AcroForm = pikepdf.Dictionary(Fields=[], XFA=form)


def go_to_first_page(document):
    document.Root.OpenAction = pikepdf.Array([document.pages[0].obj, pikepdf.Name.Fit])


def object_stream_bomb():
    """A PDF whose object stream unpacks to 300 MB."""
    payload = zlib.compress(b" " * (300 << 20), 9)
    body = b"%PDF-1.5\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    offsets = {1: 9}
    offsets[3] = len(body)
    body += b"3 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n" % len(payload)
    body += payload + b"\nendstream\nendobj\n"
    offsets[4] = len(body)
    rows = b"".join(
        struct.pack(">BIH", *row)
        for row in [(0, 0, 65535), (1, offsets[1], 0), (2, 3, 0), (1, offsets[3], 0), (1, offsets[4], 0)]
    )
    body += b"4 0 obj\n<</Type/XRef/Size 5/W[1 4 2]/Root 1 0 R/Length %d>>\nstream\n" % len(rows)
    body += rows + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % offsets[4]
    return body


# Office


def office(
    kind="docx", *, main=None, extra=None, types="", relations="", omit=(), compression=zipfile.ZIP_DEFLATED
):
    """The smallest document or workbook, with ``extra`` parts and ``relations`` of the main part."""
    folder, part = {"docx": ("word", "document.xml"), "xlsx": ("xl", "workbook.xml")}[kind]
    main = main or {"docx": WORD, "xlsx": EXCEL}[kind]
    parts = {
        "[Content_Types].xml": (
            f'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="{PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="{RELATIONS}"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{types}'
            f'<Override PartName="/{folder}/{part}" ContentType="{main}"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="{folder}/{part}"/></Relationships>'
        ),
        f"{folder}/{part}": "<document/>",
        f"{folder}/_rels/{part}.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>'
        ),
    }
    return archive(
        {name: text for name, text in parts.items() if name not in omit} | (extra or {}), compression
    )


def archive(parts, compression=zipfile.ZIP_DEFLATED):
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compression) as target:
        for name, text in parts.items():
            target.writestr(name, text)
    return output.getvalue()


def relation(kind, target, *, mode=""):
    mode = f' TargetMode="{mode}"' if mode else ""
    return f'<Relationship Id="x1" Type="{OFFICE}/{kind}" Target="{target}"{mode}/>'


def understated_bomb():
    """An archive whose list says 10 bytes where a part unpacks to 210 MB."""
    data = bytearray(office(extra={"word/media/image1.png": b"\0" * (210 << 20)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(
            b"word/media/image1.png", 0 if signature == b"PK\x03\x04" else data.index(b"PK\x01\x02")
        )
        start = data.rindex(signature, 0, at)
        data[start + offset : start + offset + 4] = struct.pack("<L", 10)
    return bytes(data)


def renamed_entry(old, new):
    """A document in which a part bears a name that no honest writer gives; both names have one length."""
    assert len(old) == len(new)
    return office(extra={old.decode(): "x"}).replace(old, new)


# Images


def image(kind="PNG", size=(40, 30), mode="RGB", **options):
    output = io.BytesIO()
    Image.new(mode, size, 0 if mode in {"1", "L", "P"} else None).save(output, kind, **options)
    return output.getvalue()


def noise(kind="PNG"):
    """A picture that fills some kilobytes."""
    output = io.BytesIO()
    Image.effect_noise((300, 200), 60).save(output, kind)
    return output.getvalue()


def oversized_png():
    """A PNG whose header states 30,000 by 30,000 pixels."""
    data = bytearray(image("PNG"))
    data[16:24] = struct.pack(">LL", 30_000, 30_000)
    data[29:33] = struct.pack(">L", zlib.crc32(data[12:29]))
    return bytes(data)
