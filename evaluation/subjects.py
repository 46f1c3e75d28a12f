"""What the record is about: the name of each event's subject, and the page that shows it to this reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.apps import apps
from django.urls import reverse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from program.models import AuditEvent, User


class Kind(NamedTuple):
    """How subjects of one kind are named: ``noun`` before the values at ``names``; ``related`` is read along.

    ``page`` is opened with the value at ``key``.
    """

    noun: str
    names: tuple[str, ...] = ()
    page: str = ""
    key: str = "pk"
    related: tuple[str, ...] = ()


OF_PROPOSAL: Final = "proposal.number"
OF_VERSION: Final = "version.proposal.number"
PROPOSAL: Final = "evaluation:proposal"
KINDS: Final[dict[str, Kind]] = {
    "program.call": Kind("Call", ("number",), "program:call-detail", "number"),
    "program.question": Kind("Question about call", ("call.number",), related=("call",)),
    "program.user": Kind("", ("email",)),
    "program.organization": Kind("", ("legal_name",)),
    "program.office": Kind("Office of", ("user.email",), related=("user",)),
    "program.delegation": Kind("Delegation to", ("given_to.email",), related=("given_to",)),
    "proposals.proposal": Kind("Proposal", ("number",), PROPOSAL, "number"),
    "proposals.consortium": Kind("", ("name",)),
    "proposals.membership": Kind("", ("organization.legal_name", "consortium.name"),
                                 related=("organization", "consortium")),
    "proposals.anchoroffer": Kind("Anchor role of", ("consortium.name",), related=("consortium",)),
    "evaluation.assignment": Kind("Assignment on", (OF_PROPOSAL,), "evaluation:assignments", OF_PROPOSAL,
                                  ("proposal",)),
    "evaluation.review": Kind("Review of", (OF_VERSION,), PROPOSAL, OF_VERSION, ("version__proposal",)),
    "evaluation.referral": Kind("Consultation on", (OF_VERSION,), PROPOSAL, OF_VERSION,
                                ("version__proposal",)),
    "evaluation.informationrequest": Kind("Question on", (OF_PROPOSAL,), PROPOSAL, OF_PROPOSAL,
                                          ("proposal",)),
    "evaluation.partycheck": Kind("Party of", ("run.version.proposal.number",), PROPOSAL,
                                  "run.version.proposal.number", ("run__version__proposal",)),
    "evaluation.screeninglist": Kind("", ("name",)),
    "evaluation.determination": Kind("Determination on", (OF_VERSION,), "evaluation:determination", "pk",
                                     ("version__proposal",)),
    "evaluation.designation": Kind("Designation", ("number",), "evaluation:designation", "number"),
    "financing.toolreferral": Kind("Referral", ("number",), "financing:referral", "number"),
    "financing.meeting": Kind("Meeting", ("title",), "financing:meeting"),
}  # fmt: skip


class Subject(NamedTuple):
    """``key`` asks the record for every event of the same subject."""

    name: str
    url: str
    key: str


def subjects_of(events: Iterable[AuditEvent], reader: User) -> dict[str, Subject]:
    """The subjects of a page of the record by their keys: one statement for each kind, whatever its length.

    What the reader may not see has its kind and number, and no link.
    """
    wanted: dict[str, set[str]] = {}
    for event in events:
        wanted.setdefault(event.subject_type, set()).add(event.subject_id)
    found: dict[str, Subject] = {}
    for label, ids in wanted.items():
        kind, records = KINDS.get(label, Kind("")), records_of(label, ids, reader)
        for pk in ids:
            key = f"{label}:{pk}"
            found[key] = subject(kind, records.get(pk), label, pk, key)
    return found


def records_of(label: str, ids: set[str], reader: User) -> dict[str, Any]:
    model = apps.get_model(label)
    rows: Any = model._default_manager.all()
    if hasattr(rows, "visible_to"):
        rows = rows.visible_to(reader)
    kind = KINDS.get(label)
    if kind is None:
        return {}
    return {str(row.pk): row for row in rows.filter(pk__in=ids).select_related(*kind.related)}


def subject(kind: Kind, record: Any, label: str, pk: str, key: str) -> Subject:
    noun = kind.noun or str(apps.get_model(label)._meta.verbose_name).capitalize()
    names = [str(value) for path in kind.names if (value := value_at(record, path))] if record else []
    if not names:
        return Subject(f"{noun} {pk}", "", key)
    name = " ".join(filter(None, [kind.noun, ", ".join(names)]))
    goes = kind.page and (label != "program.call" or record.issued_at)
    return Subject(name, reverse(kind.page, args=[value_at(record, kind.key)]) if goes else "", key)


def value_at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = getattr(record, name)
    return record
