"""Files of a call: kept while it is a draft, public once it is issued, each only after its malware scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from program import audit, clock
from program.documents import store_document
from program.enums import Mark, ScanState
from program.intake import Refused
from program.models import CallFile, Document
from program.services.calls import hold_draft, save_draft
from program.transitions import NotReady, Problem
from program.withheld import withheld_for

if TYPE_CHECKING:
    from django.core.files import File

    from program.intake import Examined
    from program.models import AuditEvent, Call, User

MOST_FILES: Final = 20
CLAUSE: Final = "s.3(b)"


@transaction.atomic
def add_file(call: Call, file: File[bytes], *, found: Examined, title: str, by: User) -> CallFile:
    """Keep an examined file with a draft call; raises NotReady where it has its number of files already."""
    hold_draft(call, by=by)
    if call.files.count() >= MOST_FILES:
        raise NotReady(
            [Problem("call-files", f"A call has at most {MOST_FILES} files.", CLAUSE, field="file")]
        )
    try:
        document = store_document(file, by=by, mark=Mark.PUBLIC, found=found)
    except Refused as refusal:
        raise NotReady([Problem("call-file", str(refusal), CLAUSE, field="file")]) from refusal
    kept = CallFile(call=call, document=document, title=title or document.name)
    kept.full_clean()
    kept.save()
    note_change(call, "call.add_file", kept, by=by)
    return kept


@transaction.atomic
def remove_file(file: CallFile, *, by: User) -> None:
    """Take a file out of a draft call; the record keeps its name and hash."""
    hold_draft(file.call, by=by)
    if CallFile.objects.filter(pk=file.pk).exists():
        note_change(file.call, "call.remove_file", file, by=by)
        file.delete()


@transaction.atomic
def release_file(file: CallFile, *, by: User) -> None:
    """Let a file that no scanner can look through be handed out; the record says who decided it."""
    hold_draft(file.call, by=by)
    document = Document.objects.select_for_update().get(pk=file.document_id)
    if document.released_at is not None or document.scan_state == ScanState.CLEAN:
        return
    if withheld_for(document) != "unscanned":
        words = "Only a file that no scan will come for can be let go: this one waits, or malware was found."
        raise NotReady([Problem("not-to-release", words, CLAUSE)])
    document.released_by, document.released_at = by, clock.now()
    document.save(update_fields=["released_by", "released_at", "updated_at"])
    note_change(file.call, "call.change_file", file, by=by)


def note_change(call: Call, act: str, file: CallFile, *, by: User) -> AuditEvent:
    """Write down a change of the files: it is a change of the draft, and who made it does not approve it."""
    save_draft(call)
    call.written_by.add(by)
    facts = {"title": file.title, "name": file.document.name, "sha256": file.document.sha256}
    return audit.record(call, act, by=by, after=facts, clause=CLAUSE)
