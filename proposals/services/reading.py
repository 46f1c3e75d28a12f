"""That a government office read a full proposal: the consortium can see which agency and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connection, transaction
from django.db.models import BigIntegerField, CharField
from django.db.models.functions import TruncDate

from program import audit, clock
from program.deadlines import local_day
from program.models import Agency, AuditEvent
from program.prepared import Given, Prepared
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from django.db.models import QuerySet

    from program.models import Document, User
    from proposals.models import Version

ACT = "proposal.read"
CLAUSE = "18 U.S.C. 1905"
GATES: Final[list[Callable[[Version, User], None]]] = []


def before_reading(gate: Callable[[Version, User], None]) -> None:
    """Ask ``gate`` before a reading is recorded: it raises where something must be done first."""
    GATES.append(gate)


class Reading(NamedTuple):
    """An office's reading as the consortium sees it; ``document`` is the hash of a file, if it read one.

    The person is named in the record only.
    """

    on: date
    agencies: str
    version: int
    document: str = ""


def record_reading(version: Version, *, by: User, document: Document | None = None) -> AuditEvent | None:
    """Record that ``by`` read a version or one of its files, the first time on a day.

    Raises DoFirst where something must be done before reading, also where that was recorded already.
    Nothing for the consortium's own people and for machines. The page that shows the version is a GET: this
    record of access is the one thing it may write.
    """
    if not by.is_government or by.is_service:
        return None
    what: dict[str, Any] = {
        "version": version.number,
        "agencies": ", ".join(sorted({agency for _, agency in by.offices_held})),
    }
    if document is not None:
        what["document"] = document.sha256
    for gate in GATES:
        gate(version, by)
    if _is_recorded(version.proposal, by, what):
        return None
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Of two pages opened at once, one writes the event
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [ACT, by.pk])
        if _is_recorded(version.proposal, by, what):
            return None
        return audit.record(version.proposal, ACT, by=by, after=what, clause=CLAUSE)


def _is_recorded(proposal: Proposal, by: User, what: dict[str, Any]) -> bool:
    """Whether ``by`` read exactly this today, by the date in Washington."""
    read = read_today.rows(proposal=str(proposal.pk), person=by.pk, **clock.given())
    return any(event.said["after"] == what for event in read)


@Prepared
def read_today() -> QuerySet[AuditEvent]:
    """What a person read of a proposal today."""
    events = AuditEvent.objects.of_kind(Proposal, Given("proposal", CharField())).filter(act=ACT)
    read = events.filter(actor=Given("person", BigIntegerField()))
    day = TruncDate("at", tzinfo=clock.WASHINGTON)
    return read.alias(day=day).filter(day=clock.today_in_prepared()).only("body")


def last_read_before(version: Version, user: User) -> tuple[int, datetime] | None:
    """The newest version before ``version`` that ``user`` read, with the moment they read it last."""
    events = AuditEvent.objects.of(version.proposal).filter(act=ACT, actor=user).order_by("sequence")
    read: dict[int, datetime] = {}
    for event in events.only("at", "body"):
        if (facts := event.said["after"]) and "document" not in facts and facts["version"] < version.number:
            read[facts["version"]] = event.at
    return max(read.items(), default=None)


def readings_of(proposal: Proposal, *, most: int) -> list[Reading]:
    """The latest readings by government offices, of whatever page or file, one line for office and day."""
    return list(dict.fromkeys(_readings(proposal, most)))


def _readings(proposal: Proposal, most: int) -> Iterator[Reading]:
    events = AuditEvent.objects.of(proposal).filter(act=ACT).order_by("-sequence")[:most]
    shown = dict(Agency.objects.values_list("code", "display_name"))
    for event in events.only("at", "body"):
        if facts := event.said["after"]:
            agencies = named(facts["agencies"], shown)
            yield Reading(local_day(event.at), agencies, facts["version"], facts.get("document", ""))


def named(codes: str, shown: dict[str, str]) -> str:
    """Agencies by the names that the portal shows for their codes."""
    return ", ".join(shown.get(code, code) for code in codes.replace(",", " ").split())
