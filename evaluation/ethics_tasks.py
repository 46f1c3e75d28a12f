"""What waits for an ethics official at the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from evaluation.models import ConflictCase, Referral
from program.enums import OfficeRole
from program.waiting import Task, at_the_desk
from proposals.querysets import closed_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import User

MOST = 20


@at_the_desk
def conflicts_to_decide(user: User) -> Iterator[Task]:
    """Each person about whom the ethics official is asked, then consultations that nobody is left to sign."""
    if not user.holds(OfficeRole.ETHICS_OFFICIAL):
        return
    for case in ConflictCase.objects.to_decide(user).for_list().order_by("due_at", "pk")[:MOST]:
        address = reverse("evaluation:conflict-case", args=[case.pk])
        what = f"Decide whether {case.person} may review {case.proposal.number}"
        yield Task(what, str(case.agency), address, case.due_at)
    agencies = user.agencies_as(OfficeRole.ETHICS_OFFICIAL)
    rows = Referral.objects.without_signer().filter(agency__code__in=agencies)
    rows = rows.filter(~closed_to(user, "version__proposal")).order_by("due_at", "pk")
    for row in rows.select_related("agency", "version__proposal").defer("version__package")[:MOST]:
        consulted = f"the {row.agency.name} on {row.version.proposal.number}"
        what = f"Nobody may sign for {consulted}: have a lead appointed"
        yield Task(what, str(row.agency), reverse("evaluation:conflict-cases"), row.due_at)
