"""Files of the package: added, replaced, put into another part, and let go without a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, Sum

from program import audit, clock
from program.documents import store_document
from program.enums import ScanState
from program.intake import Refused
from program.models import Document
from program.revisions import hold
from program.transitions import NotReady, Problem, require
from program.withheld import withheld_for
from proposals.models import Answer, Attachment, Proposal, ReplacedFile
from proposals.services.drafts import attach_document

if TYPE_CHECKING:
    from django.core.files import File
    from django.db.models import QuerySet

    from program.intake import Examined
    from program.models import AuditEvent, User
    from program.prepared import Given

CLAUSE = "E.O. 14320 s.3(b)"


@transaction.atomic
def add_file(
    proposal: Proposal,
    file: File[Any],
    *,
    found: Examined,
    by: User,
    part: str,
    mark: str,
    justification: str = "",
    caption: str = "",
    row_key: str = "",
    is_released: bool = False,
) -> Attachment:
    """Keep an examined file and put it into a part of the package. Raises Refused where there is no room."""
    _hold_files_of(proposal, by)
    document = store_document(
        file,
        by=by,
        mark=mark,
        justification=justification,
        found=found,
        quota=lambda size: require_room(proposal, size),
    )
    attachment = attach_document(proposal, document, by=by, part=part, row_key=row_key, caption=caption)
    if is_released and withheld_for(document) == "unscanned":
        release_file(attachment, by=by)
    return attachment


@transaction.atomic
def replace_file(
    attachment: Attachment,
    file: File[Any],
    *,
    found: Examined,
    by: User,
    revision: int | None,
    is_released: bool = False,
) -> Attachment:
    """Put a newer file in the place of an earlier one, in every part of the package that points to it.

    The earlier one stays listed and stays in the versions that were submitted with it. Raises
    StaleRevision, and Refused where there is no room or the bytes are the same.
    """
    _hold_files_of(attachment.proposal, by)
    hold(attachment, revision=revision, with_related=("proposal", "document"))
    earlier = attachment.document
    if found.sha256 == earlier.sha256:
        raise Refused("same-file", "This is the very file that is in the package.", "Choose the newer file.")
    document = store_document(
        file,
        by=by,
        mark=attachment.mark,
        justification=attachment.justification,
        found=found,
        quota=lambda size: require_room(attachment.proposal, size),
    )
    places = Attachment.objects.filter(proposal=attachment.proposal_id, document=earlier, removed_at=None)
    at = clock.now()
    ReplacedFile.objects.bulk_create(
        ReplacedFile(attachment_id=pk, document=earlier, replaced_by=by, replaced_at=at)
        for pk in places.order_by("pk").values_list("pk", flat=True)
    )
    places.update(document=document, revision=F("revision") + 1, updated_at=at)
    answers = Answer.objects.filter(proposal=attachment.proposal_id, document=earlier)
    answers.update(document=document, revision=F("revision") + 1, updated_at=at)
    attachment.refresh_from_db()
    audit.record(
        attachment.proposal,
        "proposal.replace_file",
        by=by,
        before={"document": earlier.sha256},
        after={"document": document.sha256},
    )
    if is_released and withheld_for(document) == "unscanned":
        release_file(attachment, by=by)
    return attachment


@transaction.atomic
def attach_again(
    attachment: Attachment, *, by: User, part: str, row_key: str = "", caption: str = ""
) -> Attachment:
    """Let another part point to a file that is in the package; the file is stored once."""
    _hold_files_of(attachment.proposal, by)
    document = attachment.document
    same = Attachment.objects.filter(proposal=attachment.proposal_id, document=document, removed_at=None)
    if same.filter(part=part, row_key=row_key).exists():
        raise NotReady([Problem("there-already", "This part has the file already.", CLAUSE)])
    new = attach_document(
        attachment.proposal,
        document,
        by=by,
        part=part,
        row_key=row_key,
        caption=caption or attachment.caption,
    )
    new.mark, new.justification = attachment.mark, attachment.justification
    new.save(update_fields=["mark", "justification", "updated_at"])
    return new


@transaction.atomic
def release_file(attachment: Attachment, *, by: User) -> AuditEvent | None:
    """Let a file be downloaded although it was not scanned: its owner's own choice.

    Raises NotReady for one that waits for its scan or is infected. None when it is released already.
    """
    proposal = attachment.proposal
    require("proposals.release_proposal", by, proposal)
    document = Document.objects.select_for_update().get(pk=attachment.document_id)
    if document.released_at is not None or document.scan_state == ScanState.CLEAN:
        return None
    if withheld_for(document) != "unscanned":
        words = "Only a file that no scan will come for can be let go: this one waits, or malware was found."
        raise NotReady([Problem("not-to-release", words, "")])
    document.released_by, document.released_at = by, clock.now()
    document.save(update_fields=["released_by", "released_at", "updated_at"])
    attachment.document = document
    return audit.record(proposal, "proposal.release_file", by=by, after={"document": document.sha256})


def files_of(proposal: Proposal | Given) -> QuerySet[Document]:
    """Every file that the portal keeps for a proposal: in the package, replaced, or removed from it."""
    attached = Q(pk__in=Attachment.objects.filter(proposal=proposal).values("document"))
    replaced = Q(pk__in=ReplacedFile.objects.filter(attachment__proposal=proposal).values("document"))
    return Document.objects.filter(attached | replaced)


def require_room(proposal: Proposal, size: int) -> None:
    """Raise Refused when one more file of ``size`` bytes is more than the portal keeps for a proposal."""
    kept = files_of(proposal).aggregate(count=Count("pk"), size=Sum("size"))
    most, ask = settings.PROPOSAL_MAX_BYTES, f"Ask the Program office for more: {settings.SUPPORT_EMAIL}."
    if kept["count"] >= settings.PROPOSAL_MAX_FILES:
        words = f"The portal keeps {settings.PROPOSAL_MAX_FILES} files for a proposal, earlier ones too."
        raise Refused("too-many-files", words, ask)
    left = most - (kept["size"] or 0)
    if size > left:
        raise Refused(
            "quota",
            f"The portal keeps {most / 1048576:,.0f} MB of files for a proposal, removed ones too. "
            f"{max(left, 0) / 1048576:,.0f} MB are left.",
            f"Make the file smaller. {ask}",
        )


def _hold_files_of(proposal: Proposal, by: User) -> None:
    """Of two files that come at once, the second is measured against what the first has left."""
    held = Proposal.objects.select_for_update(of=("self",)).select_related("call").get(pk=proposal.pk)
    require("proposals.change_proposal", by, held)
