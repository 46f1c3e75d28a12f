"""Declared interests and the cases of the ethics officials."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, Value

from evaluation.enums import ConflictCaseStatus
from evaluation.querysets.proposals import LAST_DAY
from program.enums import OfficeRole
from program.reminders import HAS_COME, OVERDUE, days_before, reaching
from proposals.querysets import closed_to

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser
    from django.db.models.functions import TruncDate

    from program.models import User

#: A statement of interests is asked for anew once it is over, and once
INTERESTS_STEPS = (HAS_COME,)
CONFLICT_STEPS = (days_before(3), LAST_DAY, OVERDUE)


def holds_for() -> timedelta:
    """For how long a statement of interests holds, by the setting."""
    return timedelta(days=settings.INTERESTS_HOLD_DAYS)


def holds_until() -> ExpressionWrapper:
    """Until when a confirmation holds, by the setting."""
    return ExpressionWrapper(F("confirmed_at") + Value(holds_for()), output_field=models.DateTimeField())


def as_ethics_official(user: User | AnonymousUser, path: str) -> Q:
    """Rows of people, at the look-up ``path``, who hold an office where ``user`` is the ethics official."""
    codes = user.agencies_as(OfficeRole.ETHICS_OFFICIAL) if user.is_authenticated else set()
    if not codes:
        return Q(pk__in=[])
    offices = apps.get_model("program", "Office").objects.in_force().filter(agency__code__in=codes)
    return Q(**{f"{path}__in": offices.exclude(role=OfficeRole.CLOCK).values("user")})


class InterestQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and those of the people of the agency whose ethics official one is; nobody else's."""
        return self.filter(Q(person=user.pk or 0) | as_ethics_official(user, "person"))

    def standing(self) -> Self:
        """What is declared today: neither corrected nor withdrawn."""
        return self.filter(replaced_by=None, is_withdrawn=False)


class ConfirmationQuerySet(models.QuerySet):
    def latest_ones(self) -> Self:
        """The last one of each person: those before it hold no more."""
        later = self.model._default_manager.filter(person=OuterRef("person"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(later))

    def to_remind(self, at: datetime) -> Self:
        """Last ones of people in office that hold no more, and of which nobody was reminded."""
        offices = apps.get_model("program", "Office").objects.in_force().exclude(role=OfficeRole.CLOCK)
        rows = self.latest_ones().filter(Exists(offices.filter(user=OuterRef("person"))))
        return reaching(rows, INTERESTS_STEPS, due=holds_until(), at=at)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(Q(person=user.pk or 0) | as_ethics_official(user, "person"))


class ConflictCaseQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and for ethics officials those of their agency, but of proposals closed to them."""
        if not user.is_authenticated:
            return self.none()
        own = Q(person=user.pk)
        codes = user.agencies_as(OfficeRole.ETHICS_OFFICIAL)
        if not codes:
            return self.filter(own)
        return self.filter(own | (Q(agency__code__in=codes) & ~closed_to(user, "proposal")))

    def open(self) -> Self:
        return self.filter(status=ConflictCaseStatus.OPEN)

    def cleared(self, proposal: Any, person: Any) -> Self:
        """By which an ethics official let this person review this proposal; the keys, or where they stand."""
        return self.filter(proposal=proposal, person=person, status=ConflictCaseStatus.CLEARED)

    def without_official(self, *, on: TruncDate | None = None) -> Self:
        """Open ones that nobody may decide today (``on``)."""
        return self.open().filter(~self._official_exists(on=on))

    def with_official(self) -> Self:
        """Each with ``has_official``: whether anybody may decide it today."""
        return self.annotate(has_official=self._official_exists())

    @staticmethod
    def _official_exists(*, on: TruncDate | None = None) -> Exists:
        offices = apps.get_model("program", "Office").objects.in_force(on=on)
        recused = apps.get_model("proposals", "Recusal").objects.filter(
            proposal=OuterRef(OuterRef("proposal")), user=OuterRef("user")
        )
        officials = offices.filter(
            role=OfficeRole.ETHICS_OFFICIAL, agency=OuterRef("agency"), user__is_active=True
        )
        return Exists(officials.filter(~Exists(recused), ~Q(user=OuterRef("person"))))

    def to_remind(self, at: datetime) -> Self:
        """Open ones at three days, on the last day and once it is over."""
        return reaching(self.open(), CONFLICT_STEPS, due=F("due_at"), at=at)

    def to_decide(self, user: User) -> Self:
        """Open cases that ``user`` decides: nobody decides about themself."""
        return self.visible_to(user).open().exclude(person=user.pk)

    def for_list(self) -> Self:
        return self.select_related("proposal", "person", "agency", "decided_by", "recusal__replaced_by")


class OfficialDeclarationQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and for ethics officials those of their agency, but on proposals closed to them."""
        if not user.is_authenticated:
            return self.none()
        codes = user.agencies_as(OfficeRole.ETHICS_OFFICIAL)
        apart = Q(agency__code__in=codes) & ~closed_to(user, "version__proposal")
        return self.filter(Q(person=user.pk) | apart) if codes else self.filter(person=user.pk)

    def for_list(self) -> Self:
        return self.select_related("version__proposal", "person", "agency").defer("version__package")


def owes_declaration(user: User | AnonymousUser, proposal: str) -> Q:
    """Whether ``user`` is assigned to the proposal at ``proposal`` and has not said if a conflict stands."""
    if not user.is_authenticated:
        return Q(pk__in=[])
    rows = apps.get_model("evaluation", "Assignment").objects.held_by(user)
    return Q(Exists(rows.filter(conflict__isnull=True, proposal=OuterRef(proposal))))
