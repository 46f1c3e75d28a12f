"""Questions to the database about federal financing, and who may see what of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from django.apps import apps
from django.db import models
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When

from financing.enums import DONE_STATUSES, OPEN_STATUSES, MemberRole, ReferralStatus
from program import clock
from program.enums import OfficeRole
from proposals.enums import MembershipStatus

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from django.contrib.auth.models import AnonymousUser

    from program.models import User

IN_EDAG = (OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER)
READS_FINANCING = (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR)
ACTIVE = "active"
TOLD_TO_CONSORTIUM = ~Q(status=ReferralStatus.PROPOSED) & Q(referred_at__isnull=False)


def edag_places(user: User) -> dict[str, str]:
    """Agency code to role, of every agency with a place in the EDAG today; read once per request."""
    places: dict[str, str] | None = getattr(user, "edag_places_held", None)
    if places is None:
        members = apps.get_model("financing", "EdagMember").objects.in_force(clock.today())
        places = dict(members.values_list("agency__code", "role"))
        user.edag_places_held = places  # type: ignore[attr-defined]
    return places


def agencies_in_edag(user: User, *roles: str) -> set[str]:
    """Agencies for which this person works in the EDAG today (in one of ``roles``, when given).

    An office of an agency whose place has ended gives nothing, and an observer's gives only sight.
    """
    held = user.agencies_as(*(roles or IN_EDAG))
    places = edag_places(user) if held else {}
    return {code for code in held if places.get(code, MemberRole.OBSERVER) != MemberRole.OBSERVER}


def chairs_edag(user: User) -> bool:
    """Chairs the EDAG for the Secretary of State, s.4(a)."""
    return "STATE" in agencies_in_edag(user, OfficeRole.EDAG_CHAIR)


def follows_financing(user: User | AnonymousUser) -> bool:
    """Whether a person's office lets them read the EDAG's records."""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.holds(*READS_FINANCING) or sits_in_edag(user)


def sits_in_edag(user: User) -> bool:
    """Whether one of the person's EDAG offices is of an agency that has a place there today."""
    held = user.agencies_as(*IN_EDAG)
    return bool(held and held & edag_places(user).keys())


class StageSum(NamedTuple):
    """Referrals of one stage: how many, and their amounts by kind of support, which are never added up."""

    number: int
    usd: dict[str, Decimal]


class EdagRecordQuerySet(models.QuerySet):
    """Records of the EDAG that are about no single package: all of them, or none."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.all() if follows_financing(user) else self.none()


class EdagMemberQuerySet(EdagRecordQuerySet):
    def in_force(self, on: date) -> Self:
        return self.filter(Q(effective_to=None) | Q(effective_to__gt=on), effective_from__lte=on)


class ToolQuerySet(EdagRecordQuerySet):
    def for_list(self) -> Self:
        """Each tool with its holder and conditions: two statements."""
        return self.select_related("agency").prefetch_related("conditions")


class OfPackageQuerySet(models.QuerySet):
    """Rows about one package each; a recusal or a missing right to the proposal closes them too."""

    def of_packages_seen_by(self, user: User | AnonymousUser, path: str) -> Self:
        if not follows_financing(user):
            return self.none()
        proposals: QuerySet = apps.get_model("proposals", "Proposal").objects.read_by_office(user)
        return self.filter(**{f"{path}__in": proposals})


class MatchQuerySet(OfPackageQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.of_packages_seen_by(user, "designation__proposal")

    def current(self) -> Self:
        return self.filter(superseded_at=None)


class ToolReferralQuerySet(OfPackageQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The rows that ``financing.view_toolreferral`` allows; a test holds the two equal."""
        return self.of_packages_seen_by(user, "designation__proposal")

    def followed_by(self, user: User | AnonymousUser) -> Self:
        """The rows that ``financing.follow_toolreferral`` allows: to the anchor's team, once referred."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        places = apps.get_model("proposals", "TeamMember").objects.active()
        own = places.filter(
            user_id=user.pk, membership__is_anchor=True, membership__status=MembershipStatus.CONSENTED
        )
        return self.filter(
            TOLD_TO_CONSORTIUM, designation__proposal__consortium__in=own.values("membership__consortium")
        )

    def with_stage(self) -> Self:
        """Add ``counted_stage``: open without an active designation counts as suspended."""
        return self.annotate(
            counted_stage=Case(
                When(Q(status__in=OPEN_STATUSES) & ~Q(designation__status=ACTIVE), then=Value("suspended")),
                default=F("status"),
                output_field=models.CharField(),
            )
        )

    def at_stage(self, stage: str) -> Self:
        return self.with_stage().filter(counted_stage=stage)

    def stage_sums(self) -> dict[str, StageSum]:
        """Of each stage the number of referrals and the sums of their amounts, each kind of support apart.

        A committed referral counts by the commitment that stands, alone; one that was declined or set aside
        adds nothing.
        """
        amount = Case(
            When(status__in=DONE_STATUSES, then=F("commitment__amount_usd")), default=F("amount_usd")
        )
        stages = self.with_stage().order_by().values_list("counted_stage", "tool__kind")
        rows = stages.annotate(stage_count=Count("pk"), stage_amount=Sum(amount)).order_by("tool__kind")
        sums: dict[str, StageSum] = {}
        for stage, kind, number, total in rows:
            so_far = sums.get(stage, StageSum(0, {}))
            usd = so_far.usd | ({kind: total} if total else {})
            sums[stage] = StageSum(so_far.number + number, usd)
        return sums

    def for_list(self) -> Self:
        """Everything a row of a list prints."""
        return self.select_related(
            "tool", "agency", "lead_officer", "country", "designation__proposal__consortium", "commitment"
        )

    def to_suspend(self) -> Self:
        """Open referrals whose designation is no longer active."""
        return self.filter(status__in=OPEN_STATUSES).exclude(designation__status=ACTIVE)

    def to_resume(self) -> Self:
        """Suspended referrals whose designation is active again."""
        return self.filter(status=ReferralStatus.SUSPENDED, designation__status=ACTIVE)


class MeetingQuerySet(EdagRecordQuerySet):
    def for_list(self) -> Self:
        open_actions = Q(items__actions__pk__isnull=False, items__actions__done_at=None)
        rows = self.select_related("chair").annotate(
            item_count=Count("items", distinct=True),
            open_action_count=Count("items__actions", filter=open_actions, distinct=True),
        )
        return rows.order_by("-starts_at", "-pk")


class AgendaItemQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Items of the EDAG's meetings, but for those about a package that this person may not see."""
        if not follows_financing(user):
            return self.none()
        referrals = apps.get_model("financing", "ToolReferral").objects.visible_to(user)
        return self.filter(Q(referral=None) | Q(referral__in=referrals))


class ActionQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        items = apps.get_model("financing", "AgendaItem").objects.visible_to(user)
        return self.filter(item__in=items)

    def unfinished(self) -> Self:
        return self.filter(done_at=None)

    def for_list(self) -> Self:
        return self.select_related("item__meeting", "owner")
