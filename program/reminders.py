"""Reminders of what is due: a few steps before the moment, each reached once for each record.

A row stands for every step that was reached, under a unique key with the moment itself: two clocks remind
once, and a moment that was moved arms every step anew. After a standstill only the latest step is reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Value,
    When,
)

from program import clock
from program.models import AuditEvent, Reminder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from django.db.models import Model, QuerySet
    from django.db.models.expressions import Combinable

Rows = TypeVar("Rows", bound="QuerySet[Any]")
NONE: Final = ""


@dataclass(frozen=True)
class Step:
    """A step is reached by what is due at ``horizon(at)`` or before: a moment, or one of a row's own."""

    code: str
    horizon: Callable[[datetime], Any]


def days_before(days: int) -> Step:
    """That many days before, at the same time of day in Washington: a change of its clocks moves nothing."""

    def horizon(at: datetime) -> datetime:
        return (at.astimezone(clock.WASHINGTON) + timedelta(days=days)).astimezone(UTC)

    return Step(f"{days}-days", horizon)


def hours_before(hours: int) -> Step:
    return Step(f"{hours}-hours", lambda at: at + timedelta(hours=hours))


def half_since(began: Combinable) -> Step:
    """Halfway between ``began``, a column or what is computed of some, and the moment itself."""
    half = ExpressionWrapper((F("reminds_of") - began) / 2, output_field=DurationField())
    return Step("half", lambda at: ExpressionWrapper(Value(at) + half, output_field=DateTimeField()))


#: For what goes on being due once its time is over
OVERDUE: Final = Step("overdue", lambda at: at)
#: For a day that is waited for
HAS_COME: Final = Step("has-come", lambda at: at)


class EndOfDay(Func):
    """The exclusive bound of a day in Washington, as ``deadlines.end_of_day`` computes it."""

    template = "((%(expressions)s + 1)::timestamp AT TIME ZONE 'America/New_York')"
    output_field = DateTimeField()


class StartOfDay(Func):
    """The first moment of a day in Washington."""

    template = "((%(expressions)s)::timestamp AT TIME ZONE 'America/New_York')"
    output_field = DateTimeField()


def reaching(rows: Rows, steps: Sequence[Step], *, due: Any, at: datetime) -> Rows:
    """``rows`` that have reached one of ``steps`` (nearest last) and were not reminded of it, soonest first.

    With ``reminds_of``, the moment, and ``step``, the code of the latest step reached.
    """
    cases = [When(reminds_of__lte=step.horizon(at), then=Value(step.code)) for step in reversed(steps)]
    reminded = Reminder.objects.filter(
        subject_type=rows.model._meta.label_lower,
        subject_id=OuterRef("pk"),
        due_at=OuterRef("reminds_of"),
        step=OuterRef("step"),
    )
    rows = rows.annotate(reminds_of=due).annotate(step=Case(*cases, default=Value(NONE)))
    return rows.exclude(step=NONE).exclude(Exists(reminded)).order_by("reminds_of", "pk")


def at_step(
    rows: QuerySet[Any], steps: Sequence[Step], told: Callable[[Any], datetime | None]
) -> tuple[Any, Reminder] | None:
    """The one record that ``rows`` still find at a step, locked, with the row that notes it.

    Part of the transaction that tells the people: it tells them and notes it, or neither. None when another
    clock did, or when the step lay behind as its people learned of the moment, ``told``.
    """
    record = rows.select_for_update(of=("self",), no_key=True).first()
    if record is None:
        return None
    reminder, is_new = Reminder.objects.get_or_create(
        subject_type=record._meta.label_lower,
        subject_id=record.pk,
        due_at=record.reminds_of,
        step=record.step,
        defaults={"reached_at": clock.now()},
    )
    if not is_new or _lay_behind(record, steps, told(record)):
        return None
    return record, reminder


def _lay_behind(record: Any, steps: Sequence[Step], known_since: datetime | None) -> bool:
    """Whether the step of ``record`` was reached before its people learned of the moment."""
    if known_since is None:
        return False
    step = next(step for step in steps if step.code == record.step)
    rows = type(record)._base_manager.filter(pk=record.pk).annotate(reminds_of=Value(record.reminds_of))
    return rows.filter(reminds_of__lte=step.horizon(known_since)).exists()


def last_told(*told: tuple[Model, Sequence[str]]) -> datetime | None:
    """When the record last said one of these acts of these subjects: each told its people the moment."""
    moments = [
        AuditEvent.objects.of(subject).filter(act__in=acts).order_by("-sequence").values_list("at").first()
        for subject, acts in told
    ]
    return max((found[0] for found in moments if found), default=None)


def note(reminder: Reminder, event: AuditEvent) -> AuditEvent:
    """Keep with the step which event told of it."""
    reminder.event = event
    reminder.save(update_fields=["event"])
    return event
