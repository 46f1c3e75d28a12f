"""What the Program office does about mail: send again what did not arrive, keep the suppression list."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from program import audit
from program.enums import DeliveryState
from program.models import Delivery, Suppression
from program.notices import plain
from program.publish import after_commit
from program.transitions import NotReady, Problem, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from program.models import User
    from program.querysets import DeliveryQuerySet

#: What may be sent again; of what is unknown nobody knows whether it arrived
SENT_AGAIN: Final = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
MOST_AT_ONCE: Final = 500
MOST_BYTES: Final = 256 * 1024
#: As long as no address and no reason is: a quotation mark was left open
LONGEST_CELL: Final = 100_000
TOO_LONG: Final = "A row of the file is too long. Look for a quotation mark that is not closed."
MOST_ADDRESSES: Final = 2000


@transaction.atomic
def send_again(deliveries: DeliveryQuerySet, *, by: User) -> int:
    """Owe again what has failed or is unknown among ``deliveries``; returns how many, at most 500 at once.

    Raises NotReady where every address is on the suppression list: nothing would be sent.
    """
    require("program.send_again_delivery", by)
    rows = deliveries.filter(state__in=SENT_AGAIN).with_suppression().order_by("pk")
    locked = rows.select_for_update(of=("self",)).select_related("notice")[:MOST_AT_ONCE]
    found = list(locked)
    ready = [row for row in found if not row.is_suppressed]
    if found and not ready:
        message = "Mail does not reach the address: take it off the suppression list first."
        raise NotReady([Problem("suppressed", message)])
    for row in ready:
        audit.record(row, "delivery.send_again", by=by, before=row.state, after=DeliveryState.OWED)
    Delivery.objects.filter(pk__in=[row.pk for row in ready]).update(
        state=DeliveryState.OWED, attempts=0, faults=0, stops=0, not_before=None, reason=""
    )
    for event in sorted({row.notice.event_id for row in ready}):
        after_commit("program.tasks.deliver_notices", event)
    return len(ready)


@transaction.atomic
def suppress(*, by: User, email: str, note: str = "") -> Suppression:
    """Put one address on the list: nothing is mailed to it any more. Raises ValidationError."""
    require("program.change_suppression", by)
    row = Suppression(email=email.strip().lower(), cause=Suppression.Cause.ADDED, note=note, added_by=by)
    row.full_clean()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # another officer added it, or it bounced, at this moment
        row.full_clean()
        raise
    said = {"of": row.email, "cause": row.cause}
    audit.record(row, "suppression.add", by=by, after=said, note=note)
    return row


@transaction.atomic
def unsuppress(row: Suppression, *, by: User) -> bool:
    """Take an address off the list: it is mailed again from the next notice on. False when it was before."""
    require("program.change_suppression", by)
    held = Suppression.objects.select_for_update().filter(pk=row.pk).first()
    if held is None:
        return False
    audit.record(held, "suppression.remove", by=by, before={"of": held.email, "cause": held.cause})
    held.delete()
    return True


@dataclass
class Imported:
    """What became of a file of addresses, row by row."""

    added: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


@transaction.atomic
def import_suppressions(file: BinaryIO, *, by: User) -> Imported:
    """Put the addresses of a text or CSV file on the list: the first column of each row, a second says why.

    Rows that hold no address are named and left out. Raises NotReady when it is no such file, or too long.
    """
    require("program.change_suppression", by)
    result, rows = Imported(), []
    for number, email, note in _rows_of(file):
        row = Suppression(email=email, cause=Suppression.Cause.IMPORTED, note=plain(note)[:300], added_by=by)
        try:
            row.clean_fields(exclude=["added_by"])
        except ValidationError:
            result.problems.append(f"Row {number}: “{plain(email)[:80]}” is no e-mail address.")
            continue
        rows.append(row)
    if len(rows) > MOST_ADDRESSES:
        raise _refusal(f"The file holds more than {MOST_ADDRESSES} addresses. Import it in parts.")
    if not rows and not result.problems:
        raise _refusal("The file holds no address.")
    wanted = {row.email: row for row in rows}
    added = _put_on_list(wanted)
    result.added, result.known = len(added), len(rows) - len(added)
    if added:
        audit.record(by, "suppression.import", by=by, after={"addresses": added})
    return result


def _put_on_list(wanted: dict[str, Suppression]) -> list[str]:
    """Save those that are not on the list yet; returns their addresses.

    One that comes onto the list at this moment keeps its cause: by the time of each row is told whose it is.
    """
    on_list = Suppression.objects.filter(email__in=wanted)
    known = set(on_list.values_list("email", flat=True))
    new = [wanted[email] for email in sorted(wanted.keys() - known)]
    Suppression.objects.bulk_create(new, ignore_conflicts=True)
    stored = dict(on_list.values_list("email", "created_at"))
    return [row.email for row in new if stored.get(row.email) == row.created_at]


def _rows_of(file: BinaryIO) -> Iterator[tuple[int, str, str]]:
    """Number, address and reason of each row that is not empty; a heading is passed over."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise _refusal("The file is larger than 256 KB. Import it in parts.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal("The file is no text in UTF-8. Save it as CSV UTF-8, or as plain text.") from None
    if not text.replace("\r", "").replace("\n", "").replace("\t", "").isprintable():
        raise _refusal("The file is no plain text. Save it as CSV UTF-8, or as plain text.")
    try:
        lines = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        raise _refusal(TOO_LONG) from None
    if any(len(cell) > LONGEST_CELL for cells in lines for cell in cells):
        raise _refusal(TOO_LONG)
    for number, cells in enumerate(lines, start=1):
        cells = [cell.strip() for cell in cells]
        if any(cells) and not (number == 1 and "@" not in cells[0] and "mail" in cells[0].lower()):
            yield number, cells[0].lower(), cells[1] if len(cells) > 1 else ""


def _refusal(message: str) -> NotReady:
    return NotReady([Problem("file", message, field="file")])
