"""Pieces of files that are on their way: kept where documents are, read by nobody, gone within a day."""

from __future__ import annotations

import datetime as dt
import tempfile
import uuid
from collections.abc import Collection, Iterable
from typing import IO, BinaryIO, Final, cast

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.utils import timezone

from program.documents import NO_ROOM, no_room
from program.models import Document

FOLDER: Final = "uploads"
AGE: Final = dt.timedelta(hours=22)  # looked for every hour, so gone within a day


def storage() -> Storage:
    """Where documents are kept: every process of the portal reaches it."""
    found: Storage = Document._meta.get_field("file").storage
    return found


def put(content: bytes) -> str:
    """Keep one piece under a random name and return that. Raises Refused where the disk has no room."""
    name = uuid.uuid4().hex
    try:
        return storage().save(f"{FOLDER}/{name[:2]}/{name}", ContentFile(content))
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise no_room() from error


def joined(names: Iterable[str]) -> BinaryIO:
    """The pieces one after another in a temporary file, which goes when it is closed. Raises Refused."""
    whole: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        for name in names:
            with storage().open(name, "rb") as piece:
                while block := piece.read(1 << 20):
                    whole.write(block)
        whole.flush()
    except OSError as error:
        whole.close()
        if error.errno not in NO_ROOM:
            raise
        raise no_room() from error
    whole.seek(0)
    return cast(BinaryIO, whole)


def drop(names: Iterable[str]) -> None:
    """Delete pieces; one that is gone already is no error."""
    for name in names:
        storage().delete(name)


def remove_strays(known: Collection[str]) -> int:
    """Delete old pieces that no upload names, left by transactions that failed; return how many."""
    removed, limit = 0, timezone.now() - AGE
    try:
        folders, _ = storage().listdir(FOLDER)
    except FileNotFoundError:
        return 0
    for folder in sorted(folders):
        for file in sorted(storage().listdir(f"{FOLDER}/{folder}")[1]):
            name = f"{FOLDER}/{folder}/{file}"
            if name not in known and storage().get_modified_time(name) < limit:
                storage().delete(name)
                removed += 1
    return removed
