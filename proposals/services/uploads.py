"""A file comes in pieces: each is kept as it arrives, and whoever sends it goes on where it stopped.

Only the person who began an upload sees it, adds to it and finishes it. It counts nowhere until it is
whole, examined and attached; what is left behind goes within a day.
"""

from __future__ import annotations

import re
from hashlib import sha256 as digest_of
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from django.core.files import File
from django.db import transaction
from django.db.models import Sum

from program import clock, spool
from program.intake import Refused, announced, examine
from program.transitions import require
from proposals.models import Proposal, Upload
from proposals.services.files import require_room
from proposals.services.purging import tell_of_purge

if TYPE_CHECKING:
    from collections.abc import Callable

    from program.intake import Examined
    from program.models import User
    from proposals.models import Attachment

PIECE: Final = 1 << 20  # what the page sends at once
LARGEST_PIECE: Final = 4 << 20
MOST_OPEN: Final = 20


class WrongOffset(Exception):
    """The piece does not go on where the upload stopped; ``upload.received`` says where that is."""

    def __init__(self, upload: Upload, words: str) -> None:
        super().__init__(words)
        self.upload = upload


@transaction.atomic
def begin_upload(proposal: Proposal, *, by: User, name: str, size: int, sha256: str = "") -> Upload:
    """Announce a file; the same file announced again by the same person goes on where it stopped.

    It is the same by name, size and SHA-256; without a hash every announcement is new. Raises Refused.
    """
    held = Proposal.objects.select_for_update(of=("self",)).select_related("call").get(pk=proposal.pk)
    require("proposals.change_proposal", by, held)
    sha256 = sha256.lower()
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        words = "The SHA-256 of a file is 64 of the signs 0 to 9 and a to f."
        raise Refused("hash-form", words, "Correct it or leave it out.")
    kept_name = announced(name, size)
    mine = Upload.objects.filter(proposal=proposal, begun_by=by, attachment=None)
    if sha256 and (found := mine.filter(name=kept_name, size=size, sha256=sha256).first()):
        return found
    under_way = Upload.objects.filter(proposal=proposal, attachment=None).aggregate(size=Sum("size"))["size"]
    require_room(proposal, size + (under_way or 0))
    if mine.count() >= MOST_OPEN:
        words = f"You have {MOST_OPEN} unfinished uploads in this proposal."
        raise Refused("too-many-uploads", words, "Finish or discard one of them first.")
    return Upload.objects.create(proposal=proposal, begun_by=by, name=kept_name, size=size, sha256=sha256)


@transaction.atomic
def add_piece(upload: Upload, *, by: User, offset: int, content: bytes) -> Upload:
    """Keep the bytes that follow what is there. The same piece again changes nothing.

    Raises WrongOffset for a gap, an overlap or other bytes than those that came before; Refused for more
    than was announced, and where the disk has no room: the earlier pieces stay.
    """
    upload = _mine(upload, by)
    digest, length = digest_of(content).hexdigest(), len(content)
    if not length:
        raise Refused("empty", "The piece is empty.", "Send the bytes that follow.")
    if offset < upload.received:
        if _is_there(upload, offset, length, digest):
            return upload
        raise WrongOffset(
            upload, "Other bytes have arrived for this place: another window may be sending them."
        )
    if offset > upload.received:
        raise WrongOffset(upload, f"The next byte is number {upload.received}, and this piece begins later.")
    if offset + length > upload.size:
        words = f"The file was announced with {upload.size:,} bytes, and more have come."
        raise Refused("more-than-announced", words, "Discard this upload and begin again.")
    piece = {"file": spool.put(content), "size": length, "sha256": digest}
    upload.pieces = [*upload.pieces, piece]
    upload.received += length
    upload.save(update_fields=["pieces", "received", "updated_at"])
    return upload


def _is_there(upload: Upload, offset: int, length: int, digest: str) -> bool:
    start = 0
    for piece in upload.pieces:
        if start == offset:
            return bool(piece["size"] == length and piece["sha256"] == digest)
        start += piece["size"]
    return False


def whole(upload: Upload, *, by: User) -> tuple[BinaryIO, Examined]:
    """The whole file, examined, in a temporary file that the caller closes. No transaction: it takes seconds.

    Raises WrongOffset while bytes are missing. Raises Refused for what is no good; such an upload is over.
    """
    if not upload.is_whole:
        raise WrongOffset(upload, f"{upload.received:,} of {upload.size:,} bytes have arrived.")
    file = spool.joined(piece["file"] for piece in upload.pieces)
    try:
        if upload.sha256 and upload.sha256 != _hash(file):
            raise Refused(
                "hash-differs",
                "What arrived is not the file that was announced: its SHA-256 differs.",
                "The file may have been saved while it was sent. Choose it again.",
            )
        return file, examine(file, upload.name)
    except Refused as refusal:
        file.close()
        if refusal.code != "no-room":
            drop_upload(upload, by=by)
        raise
    except BaseException:
        file.close()
        raise


def _hash(file: BinaryIO) -> str:
    digest = digest_of()
    while block := file.read(1 << 20):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def finish_upload(
    upload: Upload, *, by: User, keep: Callable[[File[Any], Examined], Attachment]
) -> Attachment:
    """Make of a whole upload what ``keep`` makes of its file, once; again it answers what it became.

    Raises what `whole` and ``keep`` raise. What ``keep`` refuses leaves the upload as it is.
    """
    if upload.attachment is not None:
        return upload.attachment
    file, found = whole(upload, by=by)
    with file, transaction.atomic():
        held = _mine(upload, by)
        if held.attachment is not None:
            return held.attachment
        attachment = keep(File(file, name=held.name), found)
        pieces = [piece["file"] for piece in held.pieces]
        Upload.objects.filter(pk=held.pk).update(attachment=attachment, pieces=[])
        transaction.on_commit(lambda: spool.drop(pieces), robust=True)
    return attachment


@transaction.atomic
def drop_upload(upload: Upload, *, by: User) -> None:
    """Forget an upload and its bytes: the person's choice, or it was no good."""
    held = Upload.objects.select_for_update(of=("self",)).filter(pk=upload.pk, begun_by=by).first()
    if held is not None:
        _forget(held)


def purge_uploads() -> int:
    """Forget what nobody has sent a piece of for 22 hours, and pieces that no upload names.

    An upload that never became a document leaves an event.
    """
    limit, purged = clock.instant() - spool.AGE, 0
    for pk in list(Upload.objects.filter(updated_at__lt=limit).values_list("pk", flat=True)):
        with transaction.atomic():
            rows = Upload.objects.select_for_update(of=("self",), skip_locked=True)
            rows = rows.select_related("proposal", "begun_by")
            if held := rows.filter(pk=pk, updated_at__lt=limit).first():
                if held.attachment_id is None:
                    tell_of_purge(held, "Unfinished upload", held.begun_by)
                _forget(held)
                purged += 1
    known = {piece["file"] for pieces in Upload.objects.values_list("pieces", flat=True) for piece in pieces}
    return purged + spool.remove_strays(known)


def _forget(upload: Upload) -> None:
    pieces: list[Any] = [piece["file"] for piece in upload.pieces]
    upload.delete()
    transaction.on_commit(lambda: spool.drop(pieces), robust=True)


def _mine(upload: Upload, by: User) -> Upload:
    """The upload locked and read again, with the right to change its proposal asked as it stands now."""
    rows = Upload.objects.select_for_update(of=("self",)).select_related("proposal__call", "attachment")
    held = rows.get(pk=upload.pk, begun_by=by)
    require("proposals.change_proposal", by, held.proposal)
    return held
