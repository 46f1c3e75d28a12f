"""What was refused to whom, on the record of the person (control C25)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from program import audit, clock
from program.models import AuditEvent
from program.paths import without_keys

if TYPE_CHECKING:
    from django.http import HttpRequest

    from program.models import User

#: Failed sign-ins that a record takes in an hour; more may be a stranger's doing, who fills no record
MOST_IN_AN_HOUR: Final = 20
FAILED: Final = "user.sign_in_failed"
WHO: Final = "Whoever it was gave the address of this account and was not signed in."
LAST: Final = f"{WHO} Further failures within the hour are in the log alone."


def record_refusal(request: HttpRequest, reason: str) -> None:
    """Record that an act was refused for lack of a right; nothing where nobody is signed in."""
    if request.user.is_authenticated:
        facts = {"method": request.method, "route": without_keys(request.path), "reason": reason[:200]}
        audit.record(request.user, "user.refused", by=request.user, after=facts)


def record_failed_sign_in(person: User, *, address: str, step: str) -> None:
    """Record that a sign-in to the account of ``person`` failed from ``address``, at ``step``.

    The event stands under the person's name, as nobody else is known. A lockout ends what one address can
    add (five in 15 minutes), ``MOST_IN_AN_HOUR`` what many can.
    """
    since = clock.instant() - timedelta(hours=1)
    known = AuditEvent.objects.of(person).filter(act=FAILED, at__gt=since).count()
    if known < MOST_IN_AN_HOUR:
        note = LAST if known == MOST_IN_AN_HOUR - 1 else WHO
        audit.record(person, FAILED, by=person, after={"address": address, "step": step}, note=note)
