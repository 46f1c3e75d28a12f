"""How a status changes: a table of transitions as data, and ``perform``, the only code that assigns one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import BigIntegerField
from django.db.transaction import TransactionManagementError

from program import audit
from program.joining import joined
from program.prepared import Given, Prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from django.db import models
    from django.db.models import QuerySet

    from program.models import AuditEvent, Delegation, User


@dataclass(frozen=True)
class Problem:
    """Why a record is not ready: what is wrong and what to do, under which clause, and where."""

    code: str
    message: str
    clause: str = ""
    part: str = ""
    field: str = ""


Check = "Callable[[Any], Iterable[Problem]]"


@dataclass(frozen=True)
class Transition:
    """One act that carries a record from one of ``sources`` to ``target``.

    The right it needs follows from its name: ``<app>.<name>_<model>``. ``stamps`` are date-time fields
    that take the event's moment, ``first_stamps`` those that take the first such moment and keep it.
    ``label`` is what the button says.
    """

    name: str
    sources: frozenset[str]
    target: str
    clause: str = ""
    checks: tuple[Callable[[Any], Iterable[Problem]], ...] = ()
    stamps: tuple[str, ...] = ()
    first_stamps: tuple[str, ...] = ()
    label: str = ""
    description: str = ""

    def __init__(
        self,
        name: str,
        sources: Iterable[str],
        target: str,
        *,
        clause: str = "",
        checks: Sequence[Callable[[Any], Iterable[Problem]]] = (),
        stamps: Sequence[str] = (),
        first_stamps: Sequence[str] = (),
        label: str = "",
        description: str = "",
    ) -> None:
        values = {
            "name": name,
            "sources": frozenset(map(str, sources)),
            "target": str(target),
            "clause": clause,
            "checks": tuple(checks),
            "stamps": tuple(stamps),
            "first_stamps": tuple(first_stamps),
            "label": label or name.replace("_", " ").capitalize(),
            "description": description,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    def __str__(self) -> str:
        return self.name

    def permission(self, record: models.Model | type[models.Model]) -> str:
        """The right this transition needs, such as ``proposals.submit_proposal``."""
        return f"{record._meta.app_label}.{self.name}_{record._meta.model_name}"

    def problems(self, record: Any) -> list[Problem]:
        """Everything that keeps ``record`` from being ready, all at once."""
        return [problem for check in self.checks for problem in check(record)]


@dataclass
class WrongStatus(Exception):
    """The record is not in a status from which the transition starts; nothing was changed.

    ``tried`` names the act where it is another that is open for just as long, such as saving a draft.
    """

    transition: Transition
    record: Any
    tried: str = ""
    status: str = field(init=False)

    def __post_init__(self) -> None:
        self.status = str(self.record.status)

    def __str__(self) -> str:
        """In the words of the record, ``why_too_late``, else by the names of its statuses."""
        return self._said("; the page now shows where it stands.")

    @property
    def on_open_page(self) -> str:
        """The same where the answer goes to a script, and the page stays as it was."""
        return self._said(". Load the page again to see where it stands.")

    def _said(self, where_it_stands: str) -> str:
        act = self.tried or self.transition.label
        if words := getattr(self.record, "why_too_late", ""):
            return f"“{act}” was not done. {words}"
        labels = dict(self.record._meta.get_field("status").flatchoices)
        froms = " or ".join(sorted(f"“{labels.get(s, s)}”" for s in self.transition.sources))
        noun = self.record._meta.verbose_name
        return (
            f"“{act}” was not done: this {noun} is now “{labels.get(self.status, self.status)}”, and that "
            f"can be done only while it is {froms}. Somebody may have acted before you{where_it_stands}"
        )


@dataclass
class NotReady(Exception):
    """The checks of a transition found problems; nothing was changed."""

    problems: list[Problem]

    def __str__(self) -> str:
        return " ".join(problem.message for problem in self.problems)


@dataclass
class TooMany(Exception):
    """It was done as often as is allowed; nothing was changed. It can be done again in ``seconds``."""

    message: str
    seconds: int

    def __str__(self) -> str:
        return self.message


class Held:
    """Records that are locked and read with what hangs on them, by a question that is written once.

    ``rows`` pass over what another transaction holds: a statement that waits reads the rows that hang on the
    record as they were before. Then ``read`` waits first, and asks again.
    """

    def __init__(self, rows: Callable[[], QuerySet]) -> None:
        self.rows = rows
        self._asked = Prepared(lambda: rows().filter(pk=Given("record", BigIntegerField())).order_by())

    def read(self, pk: int) -> Any:
        """The record with all that ``rows`` read of it, none of it older than the lock.

        Raises TransactionManagementError outside of a transaction, where nothing would be locked.
        """
        if not connection.in_atomic_block:
            raise TransactionManagementError("A record is held within a transaction only.")
        if found := self._asked.rows(record=pk):
            return found[0]
        rows = self.rows()
        of, no_key = rows.query.select_for_update_of, rows.query.select_for_no_key_update
        rows.select_for_update(of=of, no_key=no_key).get(pk=pk)
        return rows.get(pk=pk)


@joined()
def perform(
    transition: Transition,
    record: Any,
    *,
    by: User,
    note: str = "",
    delegation: Delegation | None = None,
    changes: Callable[[], Mapping[str, Any]] | None = None,
    held: Held | None = None,
) -> AuditEvent:
    """Carry ``record`` along ``transition``; return the audit event that says so.

    The row is locked and read again first: of two people pressing one button, one succeeds. ``held`` reads
    it where rights and checks need more than its own columns.
    ``changes`` is asked, once the record is ready, for other columns that change with its status; what it
    writes itself, the caller's transaction takes back. Raises PermissionDenied, WrongStatus or NotReady, and
    whatever ``changes`` raises, having changed nothing.
    """
    if held is None:
        record.refresh_from_db(from_queryset=type(record)._base_manager.select_for_update())
    else:
        record.__dict__.update(held.read(record.pk).__dict__)
    if not by.has_perm(transition.permission(record), record):
        raise PermissionDenied(f"You may not do this: {transition.label}.")
    if record.status not in transition.sources:
        raise WrongStatus(transition, record)
    if problems := transition.problems(record):
        raise NotReady(problems)

    before, record.status = record.status, transition.target
    values = dict(changes()) if changes else {}
    act = f"{record._meta.model_name}.{transition.name}"
    event = audit.record(
        record,
        act,
        by=by,
        before=before,
        after=record.status,
        note=note,
        clause=transition.clause,
        delegation=delegation,
    )
    values |= dict.fromkeys(transition.stamps, event.at)
    values = {name: event.at for name in transition.first_stamps if getattr(record, name) is None} | values
    for name, value in values.items():
        setattr(record, name, value)
    record.save(update_fields=["status", "updated_at", *values])
    return event


def require(permission: str, by: User, record: Any = None) -> None:
    """Raise PermissionDenied unless ``by`` holds ``permission``."""
    if not by.has_perm(permission, record):
        raise PermissionDenied("You may not do this.")


def available(transitions: Iterable[Transition], record: Any, user: User) -> list[Transition]:
    """The transitions that ``user`` may do to ``record`` as it stands, ready or not."""
    return [
        transition
        for transition in transitions
        if record.status in transition.sources and user.has_perm(transition.permission(record), record)
    ]
