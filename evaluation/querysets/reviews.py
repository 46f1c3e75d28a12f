"""Assignments, score sheets and the scores of agencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery

from evaluation.enums import AssignmentStatus, DeterminationStatus, ReferralStatus, ReviewStatus
from evaluation.querysets.people import is_official
from evaluation.querysets.proposals import OfProposalQuerySet, OfVersionQuerySet
from program.enums import OfficeRole
from program.gathering import Rows, gather
from program.prepared import AnyOf
from proposals.enums import MembershipStatus, ProposalStatus
from proposals.querysets import counsel_grants

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import AnonymousUser
    from django.db.models.expressions import Combinable

    from evaluation.querysets.consultation import ReferralQuerySet
    from program.models import User

#: Where reviewers are assigned
ASSIGNABLE = (ProposalStatus.SUBMITTED, ProposalStatus.UNDER_EVALUATION)
#: Where a consultation takes no sheet any more
OVER = (ReferralStatus.LAPSED, ReferralStatus.ENDED)
#: Where nobody waits for one, though it may come in once the agency has answered
UNASKED = (*OVER, ReferralStatus.ANSWERED)


def owes_sheet(user: User) -> Q:
    """Whether ``user`` is to review the version of a row and has not handed the sheet in."""
    mine = apps.get_model("evaluation", "Assignment").objects.held_by(user)
    sheets = apps.get_model("evaluation", "Review").objects.filter(
        reviewer=user.pk, status=ReviewStatus.SUBMITTED, version=OuterRef("version")
    )
    return Q(Exists(mine.filter(proposal=OuterRef("version__proposal")))) & ~Q(Exists(sheets))


def consultations_of_assignments() -> ReferralQuerySet:
    """Where assignments are the outer rows: the consultation of each one's agency on the latest version."""
    rows: ReferralQuerySet = apps.get_model("evaluation", "Referral").objects.filter(
        version__proposal=OuterRef("proposal"),
        version__number=OuterRef("proposal__version_count"),
        agency=OuterRef("agency"),
    )
    return rows


def sheets_given_back(outer: Callable[[str], Any] = OuterRef) -> ReviewQuerySet:
    """Where assignments are the ``outer`` rows: the sheet on the latest version that the lead gave back."""
    sheets: ReviewQuerySet = apps.get_model("evaluation", "Review").objects.filter(
        assignment=outer("pk"),
        status=ReviewStatus.DRAFT,
        submitted_at__isnull=False,
        version__number=outer("proposal__version_count"),
    )
    return sheets


def what_closes_sheets(proposal: Any, number: Any, agency: Any) -> dict[str, Combinable]:
    """What closes the sheets of an ``agency`` on version ``number`` of a ``proposal``, as columns of a row.

    How its consultation stands and until when it lasts, and whether a decision on that version is signed.
    """
    version = {"version__proposal": proposal, "version__number": number}
    referrals = apps.get_model("evaluation", "Referral").objects.filter(**version, agency=agency)
    return {
        "consulted": Subquery(referrals.values("status")[:1]),
        "consulted_until": Subquery(referrals.values("due_at")[:1]),
        "is_decided": Exists(signed_on(proposal, number)),
    }


def signed_on(proposal: Any, number: Any) -> models.QuerySet[Any]:
    """The signed determination on version ``number`` of a ``proposal``; one is announced or recalled soon."""
    return apps.get_model("evaluation", "Determination").objects.filter(
        version__proposal=proposal, version__number=number, status=DeterminationStatus.SIGNED
    )


def reviewed_for(user: User) -> Q:
    """Whether the agency of a row is one of which ``user`` is a reviewer today; known before the rows are."""
    codes = user.agencies_as(OfficeRole.REVIEWER)
    if not codes:
        return Q(pk__in=[])
    agencies = apps.get_model("program", "Agency").objects.filter(code__in=codes)
    return Q(AnyOf(F("agency"), ArraySubquery(agencies.order_by().values("pk"))))


def signed_and_not_announced() -> models.QuerySet[Any]:
    """The proposals of which the decision on the latest version is signed and not announced yet."""
    determinations = apps.get_model("evaluation", "Determination").objects.order_by()
    latest = {"version__number": F("version__proposal__version_count"), "status": DeterminationStatus.SIGNED}
    return determinations.filter(**latest).values("version__proposal")


class AgencyScoreQuerySet(OfVersionQuerySet):
    """What sheets say together: nobody reads it who still owes one of their own on that version."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return super().visible_to(user).read_by(user) if user.is_authenticated else self.none()

    def read_by(self, user: User) -> Self:
        return self.filter(~owes_sheet(user))


class AssignmentQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own while it lasts, those of the agency one leads, all for officials."""
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if is_official(user):
            return seen
        own = Q(reviewer=user.pk, status=AssignmentStatus.ACTIVE) & reviewed_for(user)
        return seen.filter(own | Q(agency__code__in=user.agencies_as(OfficeRole.LEAD)))

    def active(self) -> Self:
        return self.filter(status=AssignmentStatus.ACTIVE)

    def held_by(self, user: User) -> Self:
        """Active ones of ``user`` for agencies of which they are a reviewer today.

        Who is in office elsewhere by now reviews for the old agency no more, whatever was assigned to them.
        """
        return self.active().filter(reviewed_for(user), reviewer=user.pk)

    def free_to_read(self) -> Self:
        """Active ones whose reviewer declared that no conflict stands, or was cleared of what does."""
        cases = apps.get_model("evaluation", "ConflictCase").objects
        cleared = Exists(cases.cleared(OuterRef("proposal"), OuterRef("reviewer")))
        return self.active().filter(Q(conflict__has_conflict=False) | (Q(conflict__isnull=False) & cleared))

    def open_reviews(self) -> Self:
        """Active ones whose latest sheet is not in while the position of their agency is asked for.

        ``due_at`` is when that position is due, None while no clock runs.
        """
        referrals = consultations_of_assignments()
        unasked = referrals.filter(status__in=UNASKED)
        rows = self.active().filter(~Exists(unasked), proposal__status__in=ASSIGNABLE)
        running = referrals.filter(paused_at=None)
        return rows.with_sheets().filter(is_in=False).annotate(due_at=Subquery(running.values("due_at")[:1]))

    def with_due_date(self) -> Self:
        """With ``due_at``, when the position of their agency is due while it is awaited, and ``is_paused``.

        A sheet has no day of its own: it is of use until the agency files its position. ``is_given_back``
        says whether the lead waits for it all the same.
        """
        awaited = consultations_of_assignments().awaited()
        return self.annotate(
            due_at=Subquery(awaited.filter(paused_at=None).values("due_at")[:1]),
            is_paused=Exists(awaited.filter(paused_at__isnull=False)),
            is_given_back=Exists(sheets_given_back()),
        )

    def with_sheets(self) -> Self:
        """With ``is_in``: whether the sheet for the latest version was submitted."""
        sheets = apps.get_model("evaluation", "Review").objects.filter(
            assignment=OuterRef("pk"),
            status=ReviewStatus.SUBMITTED,
            version__number=OuterRef("proposal__version_count"),
        )
        return self.annotate(is_in=Exists(sheets))

    def owed_by(self, user: User) -> Self:
        """What ``user`` reviews and whose sheet for the latest version is not in and still asked for."""
        owed = self.held_by(user).exclude(proposal__status=ProposalStatus.WITHDRAWN)
        return owed.for_list().filter(is_in=False)

    def asked_of(self, user: User) -> Self:
        """Those that ``user`` owes and can do something about today.

        A sheet is written on exactly the version that was sent to the agency, while its consultation lasts:
        not on one that waits at intake, where only the declaration can be given, nor once the agency has
        answered or its time has ended, nor while the decision on it is signed. After the answer one is asked
        for that the lead gave back.
        """
        given_back = sheets_given_back(lambda name: OuterRef(OuterRef(name)))
        answered = Q(~Exists(given_back), status=ReferralStatus.ANSWERED)  # one condition, for the index
        unasked = consultations_of_assignments().filter(Q(status__in=OVER) | answered)
        signed = AnyOf(F("proposal"), ArraySubquery(signed_and_not_announced()))
        undeclared = Q(proposal__status=ProposalStatus.SUBMITTED, conflict__isnull=True)
        evaluated = Q(~Exists(unasked), ~Q(signed), proposal__status=ProposalStatus.UNDER_EVALUATION)
        return self.owed_by(user).filter(undeclared | evaluated)

    def for_list(self) -> Self:
        """With ``is_in``: whether the sheet for the latest version was submitted."""
        return self.select_related("agency", "reviewer", "proposal__consortium", "conflict").with_sheets()


class ReviewQuerySet(OfProposalQuerySet):
    path = "version__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own; others' of one's agency, all for officials, once they are in.

        Whoever owes a sheet on that version sees no other's until their own is in too.
        """
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        own = Q(reviewer=user.pk, assignment__status=AssignmentStatus.ACTIVE) & reviewed_for(user)
        submitted = Q(status=ReviewStatus.SUBMITTED)
        owes = owes_sheet(user)
        if is_official(user):
            return seen.filter(own | (submitted & ~owes))
        agencies = user.agencies_as(OfficeRole.LEAD, OfficeRole.REVIEWER)
        return seen.filter(own | (submitted & Q(agency__code__in=agencies) & ~owes))

    def held(self) -> Self:
        """Locked with its proposal and assignment, and read with all that its checks and rights need.

        One statement, which passes over a sheet that another transaction holds. Sheets of one proposal come
        in one by one, so that what an agency scores together misses none.
        """
        rows = self.select_for_update(
            of=("version__proposal", "assignment", "self"), no_key=True, skip_locked=True
        )
        places = apps.get_model("proposals", "TeamMember").objects.active()
        on_team = places.filter(
            user=OuterRef("reviewer"),
            membership__status=MembershipStatus.CONSENTED,
            membership__consortium=OuterRef("version__proposal__consortium"),
        )
        counsel = counsel_grants(OuterRef("reviewer")).filter(content_object=OuterRef("version__proposal"))
        return gather(
            rows.select_related("agency", "assignment__conflict", "version__proposal__call")
            .defer("version__package")
            .annotate(reviewer_is_inside=Exists(on_team) | Exists(counsel)),
            Rows("scores"),
            Rows("version__proposal__call__criteria", many=(Rows("agencies"),)),
            Rows("version__proposal__recusals"),
            Rows("version__proposal__proposalgrant", one=("permission",), to_attr="grants_given"),
            Rows("agency__offices", one=("user",), where=Q(role=OfficeRole.LEAD), to_attr="lead_offices"),
        )

    def with_consultation(self) -> Self:
        """With all that ``why_sheet_closed`` asks of a sheet."""
        proposal, number = OuterRef("version__proposal"), OuterRef("version__proposal__version_count")
        facts = what_closes_sheets(proposal, number, OuterRef("agency"))
        return self.select_related("version__proposal", "agency").annotate(**facts)

    def submitted(self) -> Self:
        return self.filter(status=ReviewStatus.SUBMITTED)

    def for_list(self) -> Self:
        return self.select_related("agency", "reviewer", "version__proposal")


def assigned_to(user: User) -> models.QuerySet[Any]:
    """The assignments by which ``user`` reviews today: who has not declared yet has none."""
    rows = apps.get_model("evaluation", "Assignment").objects.free_to_read()
    return rows.held_by(user)


def assignments_of(user: Any) -> models.QuerySet[Any]:
    """All assignments of ``user`` for agencies of which they are a reviewer today."""
    return apps.get_model("evaluation", "Assignment").objects.held_by(user)
