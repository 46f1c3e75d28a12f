"""Escalations of objections and their minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db.models import F

from evaluation.querysets.people import decides, is_official
from evaluation.querysets.proposals import LAST_DAY, OfProposalQuerySet
from program.enums import OfficeRole
from program.reminders import OVERDUE, days_before, reaching
from proposals.enums import ProposalStatus

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser

    from program.models import User

ESCALATION_STEPS = (days_before(3), LAST_DAY, OVERDUE)


class EscalationQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for officials and who signs the decision; for leads as the objection itself is."""
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if is_official(user) or decides(user):
            return seen
        if not user.holds(OfficeRole.LEAD):
            return self.none()
        positions = apps.get_model("evaluation", "Position").objects.visible_to(user)
        return seen.filter(position__in=positions)

    def open(self) -> Self:
        """Those that are not over, on proposals that are still decided on."""
        return self.filter(closed_at=None, proposal__status=ProposalStatus.UNDER_EVALUATION)

    def to_remind(self, at: datetime) -> Self:
        """Open ones at three days, on the last day and once it is over."""
        return reaching(self.open(), ESCALATION_STEPS, due=F("due_at"), at=at)

    def for_list(self) -> Self:
        return self.select_related(
            "agency", "proposal__consortium", "position__signed_by", "position__referral__version"
        ).defer("position__referral__version__package")


class EscalationEntryQuerySet(OfProposalQuerySet):
    path = "escalation__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        escalations = apps.get_model("evaluation", "Escalation").objects.visible_to(user)
        return self.filter(escalation__in=escalations)
