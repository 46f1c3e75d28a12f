"""What the record is about: the name of each event's subject, and the page that shows it to this reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.apps import apps
from django.db.models import Case, TextField, Value, When
from django.db.models.functions import Cast
from django.urls import reverse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from program.models import AuditEvent, User


class Kind(NamedTuple):
    """How subjects of one kind are named: ``noun`` before the texts at ``names``, at most two.

    ``page`` is opened with the value at ``key``, where ``page_since`` names no moment or one that has come.
    """

    noun: str
    names: tuple[str, ...] = ()
    page: str = ""
    key: str = "pk"
    page_since: str = ""


OF_PROPOSAL: Final = "proposal__number"
OF_VERSION: Final = "version__proposal__number"
OF_RUN: Final = "run__version__proposal__number"
PROPOSAL: Final = "evaluation:proposal"
KINDS: Final[dict[str, Kind]] = {
    "program.call": Kind("Call", ("number",), "program:call-detail", "number", "issued_at"),
    "program.question": Kind("Question about call", ("call__number",)),
    "program.user": Kind("", ("email",)),
    "program.organization": Kind("", ("legal_name",)),
    "program.appointment": Kind("Appointment of", ("user__email",)),
    "program.office": Kind("Office of", ("user__email",)),
    "program.delegation": Kind("Delegation to", ("given_to__email",)),
    "proposals.proposal": Kind("Proposal", ("number",), PROPOSAL, "number"),
    "proposals.consortium": Kind("", ("name",)),
    "proposals.membership": Kind("", ("organization__legal_name", "consortium__name")),
    "proposals.anchoroffer": Kind("Anchor role of", ("consortium__name",)),
    "evaluation.assignment": Kind("Assignment on", (OF_PROPOSAL,), "evaluation:assignments", OF_PROPOSAL),
    "evaluation.review": Kind("Review of", (OF_VERSION,), PROPOSAL, OF_VERSION),
    "evaluation.referral": Kind("Consultation on", (OF_VERSION,), PROPOSAL, OF_VERSION),
    "evaluation.informationrequest": Kind("Question on", (OF_PROPOSAL,), PROPOSAL, OF_PROPOSAL),
    "evaluation.escalation": Kind("Escalation on", (OF_PROPOSAL,), "evaluation:escalation"),
    "evaluation.discussioncomment": Kind("Comment on", (OF_VERSION,), "evaluation:discussion", OF_VERSION),
    "evaluation.partycheck": Kind("Party of", (OF_RUN,), PROPOSAL, OF_RUN),
    "evaluation.compliancecheck": Kind("Compliance check of", (OF_RUN,), PROPOSAL, OF_RUN),
    "evaluation.screeninglist": Kind("", ("name",)),
    "evaluation.determination": Kind("Determination on", (OF_VERSION,), "evaluation:determination"),
    "evaluation.designation": Kind("Designation", ("number",), "evaluation:designation", "number"),
    "evaluation.designationamendment": Kind("Amendment of", ("designation__number",), "evaluation:amendment"),
    "evaluation.catalogrelease": Kind(
        "Catalog text of", ("designation__number",), "evaluation:catalog-review", "designation__number"
    ),
    "financing.toolreferral": Kind("Referral", ("number",), "financing:referral", "number"),
    "financing.meeting": Kind("Meeting", ("title",), "financing:meeting"),
}


class Subject(NamedTuple):
    """``key`` asks the record for every event of the same subject."""

    name: str
    url: str
    key: str


def subjects_of(events: Iterable[AuditEvent], reader: User) -> dict[str, Subject]:
    """The subjects of a page of the record by their keys: one statement, whatever its length and kinds.

    What the reader may not see has its kind and number, and no link.
    """
    wanted: dict[str, set[str]] = {}
    for event in events:
        wanted.setdefault(event.subject_type, set()).add(event.subject_id)
    asked = [named(label, KINDS[label], ids, reader) for label, ids in wanted.items() if label in KINDS]
    rows = asked[0].union(*asked[1:], all=True) if asked else []
    found = {(label, pk): (names, page_key) for label, pk, page_key, *names in rows}
    return {
        f"{label}:{pk}": subject(label, pk, *found.get((label, pk), ([], "")))
        for label, ids in wanted.items()
        for pk in ids
    }


def named(label: str, kind: Kind, ids: set[str], reader: User) -> QuerySet[Any, Any]:
    """Label, key, the value that opens the page, and two names of the records that ``reader`` may see."""
    rows: Any = apps.get_model(label)._default_manager.all()
    if hasattr(rows, "visible_to"):
        rows = rows.visible_to(reader)
    page_key: Any = text(kind.key)
    if kind.page_since:
        page_key = Case(
            When(**{f"{kind.page_since}__isnull": True}, then=Value("")),
            default=page_key,
            output_field=TextField(),
        )
    first, second = (*map(text, kind.names), Value(""))[:2]
    constant = Value(label, output_field=TextField())
    return rows.filter(pk__in=ids).order_by().values_list(constant, text("pk"), page_key, first, second)


def text(path: str) -> Cast:
    return Cast(path, TextField())


def subject(label: str, pk: str, names: list[str], page_key: str) -> Subject:
    kind, key = KINDS.get(label, Kind("")), f"{label}:{pk}"
    if not any(names):
        noun = kind.noun or str(apps.get_model(label)._meta.verbose_name).capitalize()
        return Subject(f"{noun} {pk}", "", key)
    name = " ".join(filter(None, [kind.noun, ", ".join(filter(None, names))]))
    return Subject(name, reverse(kind.page, args=[page_key]) if kind.page and page_key else "", key)
