"""Designations, their conditions and their amendments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from evaluation.enums import AmendmentStatus, DesignationStatus
from evaluation.querysets.people import decides, is_official
from evaluation.querysets.proposals import LAST_DAY, OfProposalQuerySet
from program.deadlines import local_day
from program.reminders import OVERDUE, EndOfDay, days_before, reaching
from proposals.models import Proposal

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.contrib.auth.models import AnonymousUser

    from program.models import User

#: Amendments of which everybody knows who may see the designation
TOLD = (AmendmentStatus.ANNOUNCED, AmendmentStatus.IN_FORCE, AmendmentStatus.LAPSED)
#: Designations that can be suspended, amended and ended
LIVE = (DesignationStatus.ACTIVE, DesignationStatus.SUSPENDED)
CONDITION_STEPS = (*map(days_before, (30, 7)), LAST_DAY, OVERDUE)
EXPIRY_STEPS = tuple(map(days_before, (60, 30)))


class DesignationQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.of_visible(user) if user.is_authenticated else self.none()

    def active(self) -> Self:
        return self.filter(status=DesignationStatus.ACTIVE)

    def due_to_expire(self, day: date) -> Self:
        """Active or suspended ones whose last day lies before ``day``; what amends them comes first."""
        return self.filter(
            ~Exists(
                apps.get_model("evaluation", "DesignationAmendment")
                .objects.due(day)
                .filter(designation=OuterRef("pk"))
            ),
            status__in=LIVE,
            expires_on__lt=day,
        )

    def to_remind(self, at: datetime) -> Self:
        """Active or suspended ones whose last day is near."""
        rows = self.filter(status__in=LIVE, expires_on__gte=local_day(at))
        return reaching(rows, EXPIRY_STEPS, due=EndOfDay("expires_on"), at=at)

    def for_list(self) -> Self:
        """With the number of conditions still to be met and the date of the next; none once it has ended."""
        conditions = apps.get_model("evaluation", "Condition").objects.open()
        conditions = conditions.filter(designation=OuterRef("pk"))
        counted = conditions.order_by().values("designation").annotate(n=Count("pk")).values("n")
        due = conditions.order_by().values("designation").annotate(due=models.Min("due_on")).values("due")
        return self.select_related("proposal__consortium", "version", "catalog_entry").annotate(
            open_condition_count=Coalesce(Subquery(counted), 0), next_due_on=Subquery(due)
        )


class ConditionQuerySet(OfProposalQuerySet):
    path = "designation__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of designations one may see, and drafted ones of determinations one may see."""
        designations = apps.get_model("evaluation", "Designation").objects.visible_to(user)
        determinations = apps.get_model("evaluation", "Determination").objects.visible_to(user)
        return self.filter(Q(designation__in=designations) | Q(determination__in=determinations))

    def open(self) -> Self:
        """Those of active and suspended designations that are neither met nor lifted."""
        return self.filter(designation__status__in=LIVE, met_at=None, lifted_at=None)

    def to_remind(self, at: datetime) -> Self:
        """Conditions of live designations that are not met, before their last day, on it and after it."""
        rows = self.open().filter(due_on__isnull=False)
        return reaching(rows, CONDITION_STEPS, due=EndOfDay("due_on"), at=at)


class AmendmentQuerySet(OfProposalQuerySet):
    path = "designation__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """At every stage for officials and signers; announced ones for who may see the designation."""
        if not user.is_authenticated:
            return self.none()
        told = Q(status__in=TOLD, designation__proposal__in=Proposal.objects.visible_to(user))
        if is_official(user) or decides(user):
            return self.filter(told | Q(designation__proposal__in=Proposal.objects.read_by_office(user)))
        return self.filter(told)

    def told(self) -> Self:
        """Announced ones, in force or not, by their numbers."""
        return self.filter(status__in=TOLD).order_by("number")

    def coming(self) -> Self:
        """Announced ones whose day has not come, in the order in which they take effect."""
        return self.filter(status=AmendmentStatus.ANNOUNCED).order_by("effective_on", "number")

    def later_than(self, day: date) -> Self:
        """Announced ones that take effect after ``day``."""
        return self.coming().filter(effective_on__gt=day)

    def in_force(self) -> Self:
        return self.filter(status=AmendmentStatus.IN_FORCE).order_by("number")

    def live(self) -> Self:
        """Drafts and signed ones, which a change of the designation overtakes."""
        return self.filter(status__in=[AmendmentStatus.DRAFT, AmendmentStatus.SIGNED])

    def due(self, day: date) -> Self:
        """Announced ones whose day has come, or whose designation has ended before it."""
        return self.coming().filter(Q(effective_on__lte=day) | ~Q(designation__status__in=LIVE))

    def to_clear(self) -> Self:
        """Drafts put up for clearance."""
        return self.filter(status=AmendmentStatus.DRAFT, clearance_asked_at__isnull=False, cleared_at=None)

    def for_list(self) -> Self:
        return self.select_related(
            "designation__proposal__consortium", "designation__version", "prepared_by", "saved_by",
            "cleared_by", "signed_by", "delegation__given_by", "delegation__given_to",
        )  # fmt: skip
