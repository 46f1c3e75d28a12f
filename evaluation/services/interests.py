"""What a person in government declares about themself; the record says that, and not what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from evaluation.models import Interest, InterestConfirmation
from evaluation.names import normalize
from program import audit, clock
from program.deadlines import local_day
from program.models import User
from program.transitions import NotReady, Problem, require

if TYPE_CHECKING:
    from datetime import date

IMPARTIALITY = "5 CFR 2635.502"


@transaction.atomic
def declare_interest(
    *, by: User, kind: str, whose: str, name: str = "", sector: str = "", until: date | None = None
) -> Interest:
    """Declare an employer, a holding or a category of holdings; the record says that, and not what."""
    _one_at_a_time(by)
    interest = Interest(
        person=by, kind=kind, whose=whose, name=name.strip(), sector=sector, until=until,
        declared_at=clock.now(),
    )  # fmt: skip
    require("evaluation.add_interest", by, interest)
    interest.full_clean()
    same = by.interests.standing().filter(kind=kind, whose=whose, sector=sector, until=until)
    if any(normalize(other.name) == normalize(interest.name) for other in same):
        raise NotReady([Problem("declared", "You have declared this already.", IMPARTIALITY, field="name")])
    interest.save()
    audit.record(interest, "interest.declare", by=by, clause=IMPARTIALITY)
    return interest


@transaction.atomic
def withdraw_interest(interest: Interest, *, by: User, reason: str) -> Interest:
    """Say that it stands no more, and why; the entry is kept, the one that ends it stands beside it."""
    _one_at_a_time(by)
    require("evaluation.withdraw_interest", by, interest)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say why it stands no more.", IMPARTIALITY, field="reason")])
    if Interest.objects.filter(replaces=interest).exists() or interest.is_withdrawn:
        raise NotReady([Problem("withdrawn", "You have withdrawn this already.", IMPARTIALITY)])
    same: dict[str, Any] = {
        name: getattr(interest, name) for name in ("person", "kind", "whose", "name", "sector", "until")
    }
    ended = Interest(
        **same, replaces=interest, is_withdrawn=True, why_corrected=reason.strip(), declared_at=clock.now()
    )
    ended.full_clean()
    ended.save()
    audit.record(interest, "interest.withdraw", by=by, clause=IMPARTIALITY)
    return ended


@transaction.atomic
def confirm_interests(*, by: User) -> InterestConfirmation:
    """Confirm that what one has declared is complete, also where that is nothing; pressed twice, once a day.

    What was declared or withdrawn since is confirmed anew.
    """
    _one_at_a_time(by)
    require("evaluation.add_interest", by, Interest(person=by))
    last = by.interest_confirmations.first()
    if last is not None and _is_of_today(last):
        return last
    confirmation = InterestConfirmation.objects.create(
        person=by, confirmed_at=clock.now(), interest_count=by.interests.standing().count()
    )
    audit.record(confirmation, "interestconfirmation.give", by=by, clause=IMPARTIALITY)
    return confirmation


def _is_of_today(last: InterestConfirmation) -> bool:
    """Whether it was given today, and nothing was declared or withdrawn since."""
    since = last.person.interests.filter(declared_at__gte=last.confirmed_at)
    return local_day(last.confirmed_at) == clock.today() and not since.exists()


def _one_at_a_time(person: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
