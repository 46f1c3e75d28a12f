"""Referrals to agencies, their clocks, positions, and what the consortium is asked meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from evaluation.enums import ClockAct, InformationRequestStatus, ReferralStatus, Stance
from evaluation.querysets.people import (
    delegations_in_force,
    is_official,
    reads_every_consultation,
    signs_for,
)
from evaluation.querysets.proposals import LAST_DAY, OfProposalQuerySet
from program.enums import OfficeRole
from program.models import Delegation
from program.reminders import days_before, half_since, reaching
from proposals.enums import ProposalStatus

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser
    from django.db.models.functions import TruncDate

    from program.models import User

#: Time for which the clock stood is no time
POSITION_STEPS = (half_since(F("opened_at") + F("stood_for")), days_before(3), LAST_DAY)
ANSWER_STEPS = (days_before(3), LAST_DAY)
EVALUATED = (ProposalStatus.SUBMITTED, ProposalStatus.RETURNED, ProposalStatus.UNDER_EVALUATION)
RUNNING = (ReferralStatus.OPEN, ReferralStatus.ACKNOWLEDGED)
#: Where nothing is asked of an agency any more, whatever its clock says
CONSULTED_NO_MORE = (ProposalStatus.WITHDRAWN, ProposalStatus.DESIGNATED, ProposalStatus.NOT_SELECTED)


class ReferralQuerySet(OfProposalQuerySet):
    path = "version__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All five for officials and leads; their own agency's for reviewers."""
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if reads_every_consultation(user):
            return seen
        return seen.filter(agency__code__in=user.agencies_as(OfficeRole.REVIEWER))

    def awaited(self) -> Self:
        """Consultations that wait for a position: of the version that is evaluated, until it is decided."""
        return self.filter(
            status__in=RUNNING,
            version__proposal__status=ProposalStatus.UNDER_EVALUATION,
            version__number=F("version__proposal__version_count"),
        )

    def without_signer(self, *, on: TruncDate | None = None) -> Self:
        """Awaited ones that a recusal leaves with nobody who may sign today (``on``): no lead is left.

        Who is recused from the proposal, or may not sign in any more, is nobody, and nobody signs for them:
        a delegation carries its giver's authority. Read from the recusals, which are few: of agencies
        without any lead it is not asked for each proposal.
        """
        standing = apps.get_model("proposals", "Recusal").objects.order_by()
        recusals = standing.filter(proposal=OuterRef(OuterRef("version__proposal")))
        offices = apps.get_model("program", "Office").objects.in_force(on=on)
        leads = offices.filter(
            ~Exists(recusals.filter(user=OuterRef("user"))),
            agency=OuterRef("agency"), role=OfficeRole.LEAD, user__is_active=True,
        )  # fmt: skip
        rows = self.awaited().filter(version__proposal__in=standing.values("proposal"))
        return rows.filter(~Exists(leads))

    def running(self) -> Self:
        """Awaited ones whose clock runs; one that stands reminds of nothing, and does not lapse."""
        return self.awaited().filter(paused_at=None)

    def to_remind(self, at: datetime) -> Self:
        """Running consultations at half of their time, at three days and on the last day."""
        rows = self.running().filter(due_at__gt=at)
        return reaching(rows, POSITION_STEPS, due=F("due_at"), at=at)

    def due_to_lapse(self, at: datetime) -> Self:
        return self.running().filter(due_at__lte=at)

    def left_open(self) -> Self:
        """Those on proposals that were withdrawn or decided meanwhile, or on versions that were replaced."""
        over = Q(version__proposal__status__in=CONSULTED_NO_MORE)
        replaced = Q(version__number__lt=F("version__proposal__version_count"))
        return self.filter(over | replaced, status__in=RUNNING)

    def current(self) -> Self:
        """Those of the newest version that was referred, per proposal."""
        newer = apps.get_model("evaluation", "Referral").objects.filter(
            version__proposal=OuterRef("version__proposal"),
            agency=OuterRef("agency"),
            version__number__gt=OuterRef("version__number"),
        )
        return self.filter(~Exists(newer))

    def for_list(self) -> Self:
        return self.select_related("agency", "version__proposal__consortium", "position", "previous")


class ClockEventQuerySet(OfProposalQuerySet):
    """What befell the clocks of consultations; who reads of a consultation reads of its clock."""

    path = "referral__version__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        referrals = apps.get_model("evaluation", "Referral").objects.visible_to(user)
        return self.filter(referral__in=referrals)

    def pauses(self) -> Self:
        return self.filter(act=ClockAct.PAUSED)

    def standing(self) -> Self:
        """Pauses that are not over."""
        return self.pauses().filter(ended_by=None)

    def for_list(self) -> Self:
        """Pauses with who began and who ended each, the oldest first."""
        return self.pauses().select_related("referral__agency", "by", "request", "ended_by__by")


class PositionQuerySet(OfProposalQuerySet):
    path = "referral__version__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own agency's, also for who signs for it; the others' once one's own has answered, for leads.

        All for officials.
        """
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if is_official(user):
            return seen
        agencies = user.agencies_as(OfficeRole.LEAD)
        answered = apps.get_model("evaluation", "Referral").objects.filter(
            version=OuterRef("referral__version"), agency__code__in=agencies, status=ReferralStatus.ANSWERED
        )
        own = Q(referral__agency__code__in=agencies)
        own |= Q(signs_for(user, "referral__version__proposal", "referral__agency"))
        return seen.filter(own | Q(Exists(answered)))

    def standing(self) -> Self:
        """What agencies say today: of each its position on the newest version that was referred to it.

        It may have been filed on an earlier version and kept; once an agency is asked again, nothing of it
        stands until it answers.
        """
        return self.filter(_stands())

    def with_standing(self) -> Self:
        """Each with ``stands``: whether it is among the ``standing`` ones."""
        return self.annotate(stands=_stands())

    def objections(self) -> Self:
        return self.filter(stance=Stance.OBJECT)

    def left_unescalated(self) -> Self:
        """Objections that are an agency's newest position on a proposal still evaluated, without a record."""
        proposal, agency = OuterRef("referral__version__proposal"), OuterRef("referral__agency")
        newer = apps.get_model("evaluation", "Referral").objects.filter(
            version__proposal=proposal, agency=agency, position__isnull=False,
            version__number__gt=OuterRef("referral__version__number"),
        )  # fmt: skip
        known = apps.get_model("evaluation", "Escalation").objects.filter(proposal=proposal, agency=agency)
        return self.filter(
            ~Exists(newer), ~Exists(known), stance=Stance.OBJECT, referral__position=F("pk"),
            referral__version__proposal__status__in=EVALUATED,
        )  # fmt: skip


def _stands() -> Exists:
    answered = apps.get_model("evaluation", "Referral").objects.filter(status=ReferralStatus.ANSWERED)
    return Exists(answered.current().filter(position=OuterRef("pk")))


class InformationRequestQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Everybody who may see the proposal: the consortium that answers and the offices that read."""
        return self.of_visible(user) if user.is_authenticated else self.none()

    def for_list(self) -> Self:
        rows = self.select_related("agency", "version", "asked_by", "answered_by")
        return rows.prefetch_related("files__document")

    def open(self) -> Self:
        return self.filter(status=InformationRequestStatus.OPEN)

    def holding_clocks(self, at: datetime) -> Self:
        """Open questions whose time was over at ``at`` while a clock still stands for them."""
        standing = apps.get_model("evaluation", "ClockEvent").objects.standing()
        return self.open().filter(Exists(standing.filter(request=OuterRef("pk"))), due_at__lte=at)

    def to_remind(self, at: datetime) -> Self:
        """Open questions on proposals that still answer, at three days and on the last day."""
        ended = (ProposalStatus.WITHDRAWN, ProposalStatus.NOT_SELECTED)
        rows = self.open().filter(due_at__gt=at).exclude(proposal__status__in=ended)
        return reaching(rows, ANSWER_STEPS, due=F("due_at"), at=at)


class AnswerFileQuerySet(OfProposalQuerySet):
    """Files of answers; who may see the question may read them."""

    path = "request__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.of_visible(user) if user.is_authenticated else self.none()


def positions_to_sign(user: User) -> models.QuerySet[Delegation]:
    """The delegations by which ``user`` signs for an evaluating agency of which they are a reviewer."""
    codes = user.agencies_as(OfficeRole.REVIEWER)
    rows = delegations_in_force(user, Delegation.SIGN_POSITION)
    return rows.filter(agency__is_evaluating=True, agency__code__in=codes)
