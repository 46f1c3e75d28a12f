"""Escalations of objections and their minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db.models import Exists, F, OuterRef, Q

from evaluation.enums import ReferralStatus
from evaluation.querysets.consultation import EVALUATED
from evaluation.querysets.people import decides, is_official, signs_for
from evaluation.querysets.proposals import LAST_DAY, OfProposalQuerySet
from program.enums import OfficeRole
from program.reminders import OVERDUE, days_before, reaching

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser

    from program.models import User

ESCALATION_STEPS = (days_before(3), LAST_DAY, OVERDUE)


class EscalationQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for officials and who signs the decision; for others as the objection itself is."""
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if is_official(user) or decides(user):
            return seen
        return seen.filter(_told(user) | Q(signs_for(user, "proposal", "agency")))

    def told_to(self, user: User) -> Self:
        """Those of which the offices of ``user`` read, on whichever proposals: no delegation is asked for.

        As of the objection itself, a lead reads of another agency's once their own has answered that version.
        """
        return self if is_official(user) else self.filter(_told(user))

    def open(self) -> Self:
        """Those that are not over, on proposals that are still decided on: also while a new version waits."""
        return self.filter(closed_at=None, proposal__status__in=EVALUATED)

    def to_remind(self, at: datetime) -> Self:
        """Open ones at three days, on the last day and once it is over."""
        return reaching(self.open(), ESCALATION_STEPS, due=F("due_at"), at=at)

    def for_list(self) -> Self:
        return self.select_related(
            "agency", "proposal__consortium", "position__signed_by", "position__delegation__given_by",
            "position__delegation__given_to", "position__referral__version", "position__referral__agency",
        ).defer("position__referral__version__package")  # fmt: skip


def _told(user: User) -> Q:
    agencies = user.agencies_as(OfficeRole.LEAD)
    if not agencies:
        return Q(pk__in=[])
    answered = apps.get_model("evaluation", "Referral").objects.filter(
        version=OuterRef("position__referral__version"),
        agency__code__in=agencies,
        status=ReferralStatus.ANSWERED,
    )
    return Q(agency__code__in=agencies) | Q(Exists(answered))


class EscalationEntryQuerySet(OfProposalQuerySet):
    path = "escalation__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        escalations = apps.get_model("evaluation", "Escalation").objects.visible_to(user)
        return self.filter(escalation__in=escalations)
