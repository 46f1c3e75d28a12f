"""What an open call demands is amended in public; what a version was submitted under stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from datetime import datetime
from typing import Final

from django.db import transaction

from program import audit, clock
from program.checks import asks_all_the_order_requires, cites_every_requirement
from program.enums import AmendmentKind
from program.models import Amendment, Call, Requirement, User
from program.services.calls import AMEND, facts_of, hold_open, next_amendment, telling_of_amendment
from program.services.subscriptions import tell
from program.transitions import NotReady, Problem

#: What apps above do when a requirement takes the place of another, in the amendment's transaction.
FOLLOWING: Final[list[Callable[[Requirement, Requirement], object]]] = []


def follows_requirements(act: Callable[[Requirement, Requirement], object]) -> None:
    """Do ``act`` with the requirement that ends and the one that takes its place."""
    if act not in FOLLOWING:
        FOLLOWING.append(act)


@transaction.atomic
def amend_requirements(
    call: Call,
    *,
    by: User,
    added: Sequence[Requirement] = (),
    changed: Sequence[Requirement] = (),
    withdrawn: Sequence[Requirement] = (),
    summary: str,
    reason: str,
    legal_basis: str = "",
    revision: int | None = None,
) -> Amendment:
    """Add, change and withdraw requirements of an open call in one numbered amendment, from this moment on.

    ``changed`` are the rows with their new words, not saved. Raises NotReady where nothing changes, where a
    row is demanded no more, or where the order's own requirements would be missing; StaleRevision when the
    call is not at ``revision``. The drafts under the call are checked anew in the background.
    """
    hold_open(call, AMEND, by=by, revision=revision)
    if not (added or changed or withdrawn):
        raise refusal("demands-empty", "No requirement was added, changed or withdrawn.")
    today, moment = clock.today(), clock.instant()
    amendment = Amendment(
        call=call, number=next_amendment(call), kind=AmendmentKind.DEMANDS, summary=summary, reason=reason,
        legal_basis=legal_basis, published_on=today, effective_on=today,
        due_on_before=call.due_on, due_on_after=call.due_on,
        made_by=by,
    )  # fmt: skip
    amendment.full_clean()
    amendment.save()
    before = [end(row, amendment, moment) for row in (*changed, *withdrawn)]
    begun = [begin(row, amendment, moment) for row in (*changed, *added)]
    for old, new in zip(before, begun[: len(changed)], strict=False):
        for act in FOLLOWING:
            act(old, new)
    if problems := [*asks_all_the_order_requires(call), *cites_every_requirement(call)]:
        raise NotReady(problems)
    call.revision += 1
    call.save(update_fields=["revision", "updated_at"])
    event = audit.record(
        call, "call.amend_requirements", by=by, before={row.code: facts_of(row) for row in before},
        after={row.code: facts_of(row) for row in begun}, note=reason, clause="s.3(b)",
    )  # fmt: skip
    tell(event, telling_of_amendment(amendment), call)
    return amendment


def refusal(code: str, message: str) -> NotReady:
    return NotReady([Problem(code, message, "s.3(b)")])


def end(row: Requirement, amendment: Amendment, moment: datetime) -> Requirement:
    """Let the saved row of ``row`` be demanded until ``moment``; versions received before keep it."""
    saved = Requirement.objects.demanded().filter(pk=row.pk, call=amendment.call).first()
    if saved is None:
        raise refusal("demand-gone", f"The call does not demand “{row.title}” any more.")
    saved.withdrawn_by, saved.demanded_to = amendment, moment
    saved.save(update_fields=["withdrawn_by", "demanded_to"])
    return saved


def begin(row: Requirement, amendment: Amendment, moment: datetime) -> Requirement:
    """A new row with the words of ``row``, demanded from ``moment`` on."""
    new = copy(row)
    new._state = copy(row._state)
    new.pk, new._state.adding = None, True
    new.call, new.added_by, new.withdrawn_by = amendment.call, amendment, None
    new.demanded_from, new.demanded_to, new.checked_on = moment, None, clock.today()
    new.full_clean()
    new.save()
    return new
