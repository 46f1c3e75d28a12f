"""What hangs on a proposal is seen by who may see the proposal: a recusal closes all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models

from evaluation.querysets.people import is_official
from program.reminders import days_before
from proposals.models import Proposal
from proposals.querysets import by_office, closed_to

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from program.models import User

LAST_DAY = days_before(1)


class OfProposalQuerySet(models.QuerySet):
    """Rows that belong to a proposal by the look-up ``path`` and that officials alone may see."""

    path: ClassVar[str] = "proposal"

    def of_visible(self, user: User | AnonymousUser) -> Self:
        return self.filter(**{f"{self.path}__in": Proposal.objects.visible_to(user)})

    def of_office(self, user: User | AnonymousUser) -> Self:
        """Rows of proposals that the person may see and does not work for: an office gives nothing there."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(~closed_to(user, self.path), by_office(user, f"{self.path}__"))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.of_office(user) if is_official(user) else self.none()


class OfVersionQuerySet(OfProposalQuerySet):
    """Rows of one version that officials alone may see."""

    path = "version__proposal"


class FindingQuerySet(OfProposalQuerySet):
    path = "determination__proposal"
