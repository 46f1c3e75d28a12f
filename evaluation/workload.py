"""Who reviews for each agency, how much lies open with them, and where reviewers are lacking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from evaluation.models import Assignment, Referral, ReviewerProfile, ReviewersNeeded
from evaluation.models.reviewers import in_words
from program import clock
from program.enums import CallStatus, OfficeRole
from program.models import Agency, Call, Office

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from program.models import User

SOON: Final = timedelta(days=7)


def agencies_of(user: User) -> QuerySet[Agency]:
    """Agencies for which the person may assign: all of the five, or the one they lead."""
    evaluating = Agency.objects.filter(is_evaluating=True)
    if user.holds(OfficeRole.PROGRAM_OFFICER):
        return evaluating
    return evaluating.filter(code__in=user.agencies_as(OfficeRole.LEAD))


def agencies_shown_to(user: User) -> QuerySet[Agency]:
    """Agencies whose reviewers the person may read of."""
    return Agency.objects.filter(is_evaluating=True) if user.holds(OfficeRole.AUDITOR) else agencies_of(user)


@dataclass
class Reviewer:
    """A reviewer of one agency, what is said of them, and what lies open with them, for whichever agency."""

    person: User
    agency: Agency
    profile: ReviewerProfile | None = None
    open: int = 0
    due_soon: int = 0
    late: int = 0

    @property
    def capacity(self) -> int:
        said = self.profile.capacity if self.profile else None
        return settings.REVIEWER_CAPACITY if said is None else said

    @property
    def room(self) -> int:
        return max(0, self.capacity - self.open)

    @property
    def expertise(self) -> list[str]:
        return self.profile.expertise if self.profile else []

    @property
    def named_for(self) -> list[str]:
        return self.profile.named_for if self.profile else []

    @property
    def knows(self) -> str:
        return ", ".join(in_words(self.expertise))

    @property
    def goes_first_for(self) -> str:
        return ", ".join(in_words(self.named_for))

    @property
    def percent(self) -> int:
        """Open reviews as a share of the capacity, as far as a bar can show it."""
        return min(100, round(100 * self.open / self.capacity)) if self.capacity else 100 * bool(self.open)


@dataclass
class Room:
    """The reviewers of one agency, by name."""

    agency: Agency
    reviewers: list[Reviewer] = field(default_factory=list)


def rooms_of(agencies: Iterable[Agency]) -> list[Room]:
    """The reviewers of each agency today; three statements."""
    rooms = {agency.pk: Room(agency) for agency in agencies}
    offices = (
        Office.objects.in_force()
        .filter(agency__in=list(rooms), role=OfficeRole.REVIEWER)
        .select_related("user")
        .order_by("user__name", "user")
    )
    held = {(office.agency_id, office.user_id): office.user for office in offices}
    profiles = {
        (profile.agency_id, profile.reviewer_id): profile
        for profile in ReviewerProfile.objects.filter(agency__in=list(rooms))
    }
    loads = loads_of({person for _, person in held})
    for (agency, key), person in held.items():
        room = rooms[agency]
        room.reviewers.append(
            Reviewer(person, room.agency, profiles.get((agency, key)), **loads.get(key, {}))
        )
    return list(rooms.values())


def load_of(person: User, agency: Agency) -> Reviewer:
    """What lies open with one reviewer of the agency; two statements."""
    profile = ReviewerProfile.objects.filter(agency=agency, reviewer=person).first()
    return Reviewer(person, agency, profile, **loads_of({person.pk}).get(person.pk, {}))


def loads_of(people: set[int]) -> dict[int, dict[str, int]]:
    """Open reviews of each person that has some: all, due within seven days, and late."""
    now = clock.now()
    rows: Any = (
        Assignment.objects.open_reviews()
        .filter(reviewer__in=people)
        .order_by()
        .values("reviewer")
        .annotate(
            open=Count("pk"),
            due_soon=Count("pk", filter=Q(due_at__gt=now, due_at__lte=now + SOON)),
            late=Count("pk", filter=Q(due_at__lte=now)),
        )
    )
    return {row.pop("reviewer"): row for row in rows}


def with_needs(referrals: QuerySet[Referral]) -> QuerySet[Any]:
    """With ``needed`` and ``assigned``: reviewers that the agency gives the proposal, and those it has.

    Who holds the office no more is not counted, whatever was assigned to them.
    """
    said = ReviewersNeeded.objects.filter(call=OuterRef("version__proposal__call"), agency=OuterRef("agency"))
    offices = Office.objects.in_force().filter(
        user=OuterRef("reviewer"), agency=OuterRef("agency"), role=OfficeRole.REVIEWER
    )
    assigned = (
        Assignment.objects.active()
        .filter(Exists(offices), proposal=OuterRef("version__proposal"), agency=OuterRef("agency"))
        .order_by()
        .values("agency")
        .annotate(number=Count("pk"))
    )
    return referrals.annotate(
        needed=Coalesce(Subquery(said.values("number")), Value(settings.REVIEWERS_NEEDED)),
        assigned=Coalesce(Subquery(assigned.values("number")), Value(0)),
    )


def short_of_reviewers(user: User) -> QuerySet[Any]:
    """Open consultations of the person's agencies that have fewer reviewers than they need."""
    rows = Referral.objects.visible_to(user).awaited().filter(agency__in=agencies_of(user))
    return with_needs(rows).filter(assigned__lt=F("needed"))


@dataclass(frozen=True)
class Need:
    """How many reviewers an agency gives each proposal of a call, and how many proposals lack some."""

    call: Call
    agency: Agency
    needed: int
    proposals: int = 0
    lacking: int = 0


def needs_of(user: User, agencies: Iterable[Agency]) -> list[Need]:
    """One line for each agency and each call that is open or under which an agency is still asked."""
    agencies = list(agencies)
    awaited = with_needs(Referral.objects.visible_to(user).awaited().filter(agency__in=agencies))
    counted: dict[tuple[int, int], dict[str, Any]] = {
        (row["version__proposal__call"], row["agency"]): row
        for row in awaited.order_by()
        .values("version__proposal__call", "agency")
        .annotate(proposals=Count("pk"), lacking=Count("pk", filter=Q(assigned__lt=F("needed"))))
    }
    said = {
        (row.call_id, row.agency_id): row.number
        for row in ReviewersNeeded.objects.filter(agency__in=agencies)
    }
    is_shown = Q(status=CallStatus.ISSUED) | Q(pk__in={call for call, _ in counted})
    lines = []
    for call in Call.objects.filter(is_shown).order_by("-issued_at", "-pk"):
        for agency in agencies:
            found = counted.get((call.pk, agency.pk), {"proposals": 0, "lacking": 0})
            needed = said.get((call.pk, agency.pk), settings.REVIEWERS_NEEDED)
            lines.append(Need(call, agency, needed, found["proposals"], found["lacking"]))
    return lines
