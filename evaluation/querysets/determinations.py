"""Determinations, announcements and letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Cast

from evaluation.enums import DeterminationStatus, Outcome
from evaluation.querysets.people import decides, is_official
from evaluation.querysets.proposals import OfProposalQuerySet
from program.enums import OfficeRole
from program.reminders import HAS_COME, StartOfDay, reaching
from proposals.enums import ProposalStatus

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser

    from program.models import User

DEFERRAL_STEPS = (HAS_COME,)


class DeterminationQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Officials and signers at every stage; leads once it is announced; nobody outside."""
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if is_official(user) or decides(user):
            return seen
        if user.holds(OfficeRole.LEAD):
            return seen.filter(status=DeterminationStatus.ANNOUNCED)
        return self.none()

    def live(self) -> Self:
        return self.filter(status__in=[DeterminationStatus.DRAFT, DeterminationStatus.SIGNED])

    def cleared(self) -> Self:
        """Drafts that stand on a clearance."""
        return self.filter(status=DeterminationStatus.DRAFT, cleared_at__isnull=False)

    def to_clear(self) -> Self:
        """Drafts put up for clearance, on the version that is evaluated."""
        return self.filter(
            status=DeterminationStatus.DRAFT,
            clearance_asked_at__isnull=False,
            cleared_at=None,
            proposal__status=ProposalStatus.UNDER_EVALUATION,
            version__number=F("proposal__version_count"),
        )

    def overtaken(self) -> Self:
        """Signed ones that cannot be announced: the proposal was withdrawn or has a newer version."""
        moved_on = ~Q(proposal__status=ProposalStatus.UNDER_EVALUATION)
        moved_on |= Q(version__number__lt=F("proposal__version_count"))
        return self.filter(moved_on, status=DeterminationStatus.SIGNED)

    def to_announce(self) -> Self:
        """Signed and not announced, the oldest signature first."""
        return self.filter(status=DeterminationStatus.SIGNED).order_by("signed_at", "pk")

    def not_told(self) -> Self:
        """Those of which nobody was told that they are overtaken."""
        told = apps.get_model("program", "AuditEvent").objects.filter(
            act="determination.overtake",
            subject_type="evaluation.determination",
            subject_id=Cast(OuterRef("pk"), models.CharField()),
        )
        return self.filter(~Exists(told))

    def deferrals(self) -> Self:
        """Announced deferrals on which nobody has gone on; a determination that was recalled is none."""
        begun = self.model._default_manager.filter(
            proposal=OuterRef("proposal"), pk__gt=OuterRef("pk")
        ).exclude(status=DeterminationStatus.RECALLED)
        return self.filter(
            ~Exists(begun),
            status=DeterminationStatus.ANNOUNCED,
            outcome=Outcome.DEFER,
            proposal__status=ProposalStatus.UNDER_EVALUATION,
        )

    def to_remind(self, at: datetime) -> Self:
        """Deferrals whose day has come and which nobody was told of."""
        return reaching(self.deferrals(), DEFERRAL_STEPS, due=StartOfDay("defer_until"), at=at)

    def for_list(self) -> Self:
        return self.select_related(
            "proposal__consortium", "proposal__call", "version", "prepared_by", "cleared_by", "signed_by"
        )


class AnnouncementQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Officials read that several were announced at once; which ones, each determination says."""
        return self.all() if is_official(user) else self.none()


class LetterQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A letter exists only once its act was announced: it is seen by who may see the proposal."""
        return self.of_visible(user) if user.is_authenticated else self.none()
