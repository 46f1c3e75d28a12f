"""Who wants to hear of a call, or of every call of the Program."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from program.models import Call, Subscription, User

if TYPE_CHECKING:
    from django.db.models import QuerySet


#: People whom an app above tells of a call without their asking, as a subquery of their keys.
ALSO_TOLD: Final[list[Callable[[Call], QuerySet]]] = []


def also_tells(people: Callable[[Call], QuerySet]) -> Callable[[Call], QuerySet]:
    """Tell ``people``, too, what happens to a call, whether they follow it or not."""
    ALSO_TOLD.append(people)
    return people


def subscribers(call: Call) -> QuerySet[User]:
    """Active people who follow ``call`` or the whole Program, or are concerned by it; each once."""
    following = Subscription.objects.filter(Q(call=call) | Q(call=None))
    told = Q(pk__in=following.values("user"))
    for people in ALSO_TOLD:
        told |= Q(pk__in=people(call))
    return User.objects.filter(told, is_active=True)


def follows(user: User, call: Call | None) -> bool:
    return Subscription.objects.filter(user=user, call=call).exists()


@transaction.atomic
def subscribe(call: Call | None, *, by: User) -> Subscription:
    """Let ``by`` hear of ``call``, or (None) of every call; following twice is following once."""
    subscription, _ = Subscription.objects.get_or_create(user=by, call=call)
    return subscription


@transaction.atomic
def unsubscribe(call: Call | None, *, by: User) -> bool:
    """Tell ``by`` nothing more of ``call``; False when they did not follow it."""
    return bool(Subscription.objects.filter(user=by, call=call).delete()[0])
