"""The days that concern a person, as the apps above contribute them for the calendar feed.

A date says what a notice of it would say and no more: it is read in a calendar outside the portal.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, TypeVar

from django.db.models import DateTimeField, F, Model
from django.db.models.functions import Greatest
from django.urls import reverse

from program import clock
from program.deadlines import end_of_day, start_of_day
from program.demanded import coming_under
from program.enums import DutyState
from program.models import Call, Duty, Subscription
from program.querysets import READS_DIRECTIVES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from program.models import User


Row = TypeVar("Row", bound=Model)
#: A calendar holds no more days than these
MOST_DATES: Final = 500


@dataclass(frozen=True, slots=True)
class DueDate:
    """Something due: ``key`` stays the same when its day moves, ``at`` is the exclusive bound.

    ``instead_of`` is the key of what it takes the place of.
    """

    key: str
    title: str
    url: str
    at: datetime
    stamped_at: datetime
    instead_of: str = ""


#: What apps above answer: the days that concern a person, of what they may see at this moment.
SOURCES: Final[list[Callable[[User], Iterable[DueDate]]]] = []


def has_dates(source: Callable[[User], Iterable[DueDate]]) -> Callable[[User], Iterable[DueDate]]:
    """Show what ``source`` answers in the calendar of a person."""
    SOURCES.append(source)
    return source


def dates_of(user: User) -> list[DueDate]:
    """What is due and concerns ``user``, the earliest first."""
    found = {due.key: due for source in SOURCES for due in source(user)}
    replaced = {due.instead_of for due in found.values()}
    return nearest([due for key, due in found.items() if key not in replaced])


def nearest(dates: list[DueDate], *, most: int = MOST_DATES) -> list[DueDate]:
    """At most ``most`` of ``dates``, those nearest to this moment, before or after; the earliest first."""
    if len(dates) > most:
        now = clock.now()
        dates = nsmallest(most, dates, key=lambda due: abs(due.at - now))
    return sorted(dates, key=lambda due: (due.at, due.key))


def nearest_rows(rows: QuerySet[Row], field: str, *, most: int = MOST_DATES) -> list[Row]:
    """As ``nearest``, of rows due at ``field``, in the database: an agency has more than a calendar holds."""
    is_moment = isinstance(rows.model._meta.get_field(field), DateTimeField)
    moment = clock.in_query() if is_moment else clock.today_in_query()
    return list(rows.order_by(Greatest(F(field) - moment, moment - F(field)), "pk")[:most])


def followed_by(user: User) -> QuerySet[Call]:
    rows = Subscription.objects.of(user)
    calls = Call.objects.public().open_at(clock.now()).defer("text")
    return calls if rows.filter(call=None).exists() else calls.filter(pk__in=rows.values("call"))


@has_dates
def calls_followed(user: User) -> Iterator[DueDate]:
    """Open calls that the person follows."""
    for call in followed_by(user):
        if call.closes_at:
            address = reverse("program:call-detail", args=[call.number])
            yield DueDate(
                f"call-{call.number}",
                f"{call.number}: proposals are due",
                address,
                call.closes_at,
                call.updated_at,
            )


@has_dates
def demands_followed(user: User) -> Iterator[DueDate]:
    """Days on which open calls that the person follows begin to ask for something else."""
    for call in followed_by(user).prefetch_related("requirements"):
        address = reverse("program:call-detail", args=[call.number])
        for each in coming_under(call):
            key = f"demands-{call.number}-{each.day}"
            yield DueDate(key, title_of_demands(call), address, start_of_day(each.day), call.updated_at)


def title_of_demands(call: Call) -> str:
    """What stands in a calendar on the last day before a call asks for something else."""
    return f"{call.number}: last day before its requirements change"


@has_dates
def duties(user: User) -> Iterator[DueDate]:
    """Duties of the orders that are not fulfilled, for those who read the register at the desk."""
    if not user.holds(*READS_DIRECTIVES):
        return
    for duty in Duty.objects.filter(state=DutyState.OPEN, due_on__isnull=False).select_related("directive"):
        if duty.due_on:
            address = reverse("program:desk-duty", args=[duty.pk])
            bound = end_of_day(duty.due_on)
            stamped_at = duty.kept_at or start_of_day(duty.directive.signed_on)
            yield DueDate(f"duty-{duty.pk}", f"Duty of {duty}", address, bound, stamped_at)
