"""What a Word document or an Excel workbook (Office Open XML) may hold."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import BinaryIO, Final
from xml.etree import ElementTree

from program.intake.refusals import CONTENT_TYPES, Refused, broken, hybrid, lying, password

MAX_ENTRIES: Final = 2_000
MAX_UNPACKED: Final = 200 * 1024 * 1024
MAX_XML: Final = 5 * 1024 * 1024
CHUNK: Final = 1 << 16

OFFICE_MAIN: Final = {kind: f"{CONTENT_TYPES[kind]}.main+xml" for kind in ("docx", "xlsx")}
PART_ENDINGS: Final = frozenset(
    "xml rels png jpg jpeg gif bmp tif tiff emf wmf wdp svg vml odttf fntdata".split()  # noqa: SIM905
)
RELATIONSHIP: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
CONTENT: Final = "{http://schemas.openxmlformats.org/package/2006/content-types}"
LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")
END_RECORD: Final = struct.Struct("<4s4H2LH")
DESCRIPTOR: Final = 24
ZIP64_RECORDS: Final = 76


def check_office(stream: BinaryIO, kind: str) -> None:
    """A ZIP archive of parts that Word or Excel writes, of exactly the main type its name says."""
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
            check_entries(entries)
            check_layout(stream, entries, kind)
            check_reading(archive, entries)
            check_types(archive, kind)
            check_relations(archive, entries, kind)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        ElementTree.ParseError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        KeyError,
        ValueError,
        struct.error,
        zlib.error,
        OSError,
    ) as error:
        raise broken(kind) from error


def check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """What the archive's own list says: how many, how large, and under which names."""
    if len(entries) > MAX_ENTRIES:
        raise Refused(
            "too-many-entries",
            f"The file is an archive of more than {MAX_ENTRIES:,} parts.",
            "Split it into smaller documents.",
        )
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise unpacks_too_large()
    names = set()
    for entry in entries:
        name = entry.orig_filename
        folded = name.lower()
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or set(name) & set("\\\0:") or folded in names:
            raise Refused(
                "unsafe-entry",
                "The file is an archive with a part whose name points outside of it or stands twice.",
                "Open it in Word or Excel and save a fresh copy.",
            )
        names.add(folded)
        if entry.flag_bits & 0x1:
            raise password()
        if "vbaproject" in folded or "macrosheets/" in folded:
            raise macro()
        if "externallinks/" in folded:
            raise external()
        if "embeddings/" in folded or "activex/" in folded or folded.endswith("oleobject.bin"):
            raise embedded()
        ending = folded.rpartition(".")[2]
        if not entry.is_dir() and ending not in PART_ENDINGS and "printersettings" not in folded:
            raise embedded()


def check_layout(stream: BinaryIO, entries: list[zipfile.ZipInfo], kind: str) -> None:
    """The parts lie one after another from the first byte, and nothing lies before, between or behind."""
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if not position <= entry.header_offset <= position + DESCRIPTOR:
            raise hybrid(kind)
        if position == 0 and entry.header_offset:
            raise hybrid(kind)
        stream.seek(entry.header_offset)
        header = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
        position = entry.header_offset + LOCAL_HEADER.size + header[-2] + header[-1] + entry.compress_size
    end = stream.seek(0, io.SEEK_END) - END_RECORD.size
    stream.seek(end)
    signature, *_, length, start, _ = END_RECORD.unpack(stream.read(END_RECORD.size))
    if signature != b"PK\5\6" or not 0 <= end - start - length <= ZIP64_RECORDS:
        raise hybrid(kind)
    if not position <= start <= position + DESCRIPTOR:
        raise hybrid(kind)


def check_reading(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """What the parts really unpack to, counted while they are read; a wrong checksum ends it too."""
    unpacked = 0
    for entry in entries:
        with archive.open(entry) as part:
            while block := part.read(CHUNK):
                unpacked += len(block)
                if unpacked > MAX_UNPACKED:
                    raise unpacks_too_large()


def check_types(archive: zipfile.ZipFile, kind: str) -> None:
    """The main part is a document without macros of the very kind; no other part is a macro."""
    types = parse(archive, "[Content_Types].xml")
    overrides = types.iter(f"{CONTENT}Override")
    declared = {node.get("PartName", "").lower(): node.get("ContentType", "") for node in overrides}
    every = [*declared.values(), *(node.get("ContentType", "") for node in types.iter(f"{CONTENT}Default"))]
    if any("macro" in value.lower() or "vba" in value.lower() for value in every):
        raise macro()
    targets = [
        "/" + node.get("Target", "").lstrip("/").lower()
        for node in parse(archive, "_rels/.rels").iter(RELATIONSHIP)
        if node.get("Type", "").endswith("/officeDocument")
    ]
    if len(targets) != 1:
        raise broken(kind)
    main = declared.get(targets[0], "")
    if main != OFFICE_MAIN[kind]:
        other = next((each for each, value in OFFICE_MAIN.items() if value == main), "")
        raise lying(kind, other or "an Office file of another kind", kind)
    if targets[0] not in {f"/{name.lower()}" for name in archive.namelist()}:
        raise broken(kind)


FORBIDDEN_RELATIONS: Final = {
    "vbaProject": "macro",
    "wordVbaData": "macro",
    "xlMacrosheet": "macro",
    "xlIntlMacrosheet": "macro",
    "externalLink": "external",
    "externalLinkPath": "external",
    "oleObject": "embedded",
    "package": "embedded",
    "control": "embedded",
    "activeXControlBinary": "embedded",
    "aFChunk": "embedded",
    "subDocument": "embedded",
}


def check_relations(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], kind: str) -> None:
    """Nothing is fetched from outside when the file opens; links that a reader clicks may point there."""
    reasons = {"macro": macro, "external": external, "embedded": embedded}
    for entry in entries:
        if not entry.filename.lower().endswith(".rels"):
            continue
        for node in parse(archive, entry.filename).iter(RELATIONSHIP):
            relation = node.get("Type", "").rsplit("/", 1)[-1]
            if reason := FORBIDDEN_RELATIONS.get(relation):
                raise reasons[reason]()
            if node.get("TargetMode", "").lower() == "external" and relation != "hyperlink":
                raise external()


def parse(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """The XML of one part. Office writes UTF-8 without a document type, and nothing else is parsed."""
    if archive.getinfo(name).file_size > MAX_XML:
        raise ValueError(name)
    text = archive.read(name).decode("utf-8-sig")
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL) or "\0" in text:
        raise ValueError(name)
    return ElementTree.fromstring(text)  # noqa: S314 no document type, so no entity


def macro() -> Refused:
    return Refused(
        "macro", "The file has macros.", "Save it as a document or workbook without macros (DOCX or XLSX)."
    )


def external() -> Refused:
    return Refused(
        "external",
        "The file takes content from another file or address when it is opened.",
        "Break the links to other files, templates and pictures, and save it again.",
    )


def embedded() -> Refused:
    return Refused(
        "embedded",
        "The file has another file or an object of another program inside it.",
        "Paste charts and tables as pictures, and upload other files on their own.",
    )


def unpacks_too_large() -> Refused:
    return Refused(
        "unpacks-too-large",
        f"The file unpacks to more than {MAX_UNPACKED // 1048576} MB.",
        "Make its pictures smaller or split it into parts.",
    )
