"""Files of a call: kept while it is a draft, public once it is issued, each only after its malware scan.

The files of an issued call change by an amendment alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from program import audit, clock
from program.documents import store_document
from program.enums import AmendmentKind, Mark, ScanState
from program.intake import Refused
from program.models import Amendment, CallFile, Document
from program.services.calls import (
    AMEND,
    hold_draft,
    hold_open,
    next_amendment,
    save_draft,
    telling_of_amendment,
)
from program.services.subscriptions import tell
from program.transitions import NotReady, Problem
from program.withheld import withheld_for

if TYPE_CHECKING:
    from django.core.files import File

    from program.intake import Examined
    from program.models import AuditEvent, Call, User

MOST_FILES: Final = 20
NO_ROOM = f"A call has at most {MOST_FILES} files."
CLAUSE: Final = "s.3(b)"


@transaction.atomic
def add_file(call: Call, file: File[bytes], *, found: Examined, title: str, by: User) -> CallFile:
    """Keep an examined file with a draft call; raises NotReady where it has its number of files already."""
    hold_draft(call, by=by)
    kept = keep(call, file, found=found, title=title, by=by)
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
    is_draft = file.call.issued_at is None
    if is_draft:
        hold_draft(file.call, by=by)
    else:
        hold_open(file.call, AMEND, by=by)
    document = Document.objects.select_for_update().get(pk=file.document_id)
    if document.released_at is not None or document.scan_state == ScanState.CLEAN:
        return
    if withheld_for(document) != "unscanned":
        words = "Only a file that no scan will come for can be let go: this one waits, or malware was found."
        raise NotReady([Problem("not-to-release", words, CLAUSE)])
    document.released_by, document.released_at = by, clock.now()
    document.save(update_fields=["released_by", "released_at", "updated_at"])
    if is_draft:
        note_change(file.call, "call.change_file", file, by=by)
    else:
        audit.record(file.call, "call.release_file", by=by, after=facts_of_file(file), clause=CLAUSE)


@transaction.atomic
def amend_files(
    call: Call,
    *,
    by: User,
    file: File[bytes] | None = None,
    found: Examined | None = None,
    title: str = "",
    withdrawn: CallFile | None = None,
    summary: str,
    reason: str,
    legal_basis: str = "",
    revision: int | None = None,
) -> Amendment:
    """Add a file to an open call, put it in the place of ``withdrawn``, or withdraw that: one amendment.

    What is withdrawn stays readable beside the amendment. Raises NotReady where nothing changes, or
    ``withdrawn`` is not the call's any more; StaleRevision when the call is not at ``revision``.
    """
    hold_open(call, AMEND, by=by, revision=revision)
    if file is None and withdrawn is None:
        raise refusal("files-empty", "No file was added, replaced or withdrawn.")
    if withdrawn is not None and not call.files.current().filter(pk=withdrawn.pk).exists():
        raise refusal("file-gone", f"“{withdrawn.title}” does not belong to the call any more.")
    today = clock.today()
    amendment = Amendment(
        call=call, number=next_amendment(call), kind=AmendmentKind.FILES, summary=summary, reason=reason,
        legal_basis=legal_basis, published_on=today, effective_on=today,
        due_on_before=call.due_on, due_on_after=call.due_on,
        made_by=by,
    )  # fmt: skip
    amendment.full_clean()
    amendment.save()
    if withdrawn is not None:
        withdrawn.withdrawn_by = amendment
        withdrawn.save(update_fields=["withdrawn_by", "updated_at"])
    added = keep(call, file, found=found, title=title, by=by, amendment=amendment) if file else None
    call.revision += 1
    call.save(update_fields=["revision", "updated_at"])
    event = audit.record(
        call, "call.amend_files", by=by, before=facts_of_file(withdrawn), after=facts_of_file(added),
        note=reason, clause=CLAUSE,
    )  # fmt: skip
    tell(event, telling_of_amendment(amendment), call)
    return amendment


def keep(
    call: Call,
    file: File[bytes],
    *,
    found: Examined | None,
    title: str,
    by: User,
    amendment: Amendment | None = None,
) -> CallFile:
    """Store a file of a call that is locked; raises NotReady where it has its number of files already."""
    if not has_room(call):
        raise refusal("call-files", NO_ROOM)
    try:
        document = store_document(file, by=by, mark=Mark.PUBLIC, found=found)
    except Refused as refused:
        raise refusal("call-file", str(refused)) from refused
    kept = CallFile(call=call, document=document, title=title or document.name, added_by=amendment)
    kept.full_clean()
    kept.save()
    return kept


def has_room(call: Call) -> bool:
    """Whether one more file may belong to the call."""
    return call.files.current().count() < MOST_FILES


def refusal(code: str, message: str) -> NotReady:
    return NotReady([Problem(code, message, CLAUSE, field="file")])


def facts_of_file(file: CallFile | None) -> dict[str, str] | str:
    """What the record says of a file."""
    if file is None:
        return ""
    return {"title": file.title, "name": file.document.name, "sha256": file.document.sha256}


def note_change(call: Call, act: str, file: CallFile, *, by: User) -> AuditEvent:
    """Write down a change of the files: it is a change of the draft, and who made it does not approve it."""
    save_draft(call)
    call.written_by.add(by)
    return audit.record(call, act, by=by, after=facts_of_file(file), clause=CLAUSE)
