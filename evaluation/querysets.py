"""Who may see what of the evaluation, asked once, and what each list reads.

Everything hangs on a proposal and is seen only by who may see that proposal: a recusal closes all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce

from evaluation.enums import (
    Adjudicated,
    AmendmentStatus,
    AssignmentStatus,
    CatalogReleaseStatus,
    CheckResult,
    ClockAct,
    ComplianceResult,
    ConflictCaseStatus,
    DesignationStatus,
    DeterminationStatus,
    Grade,
    InformationRequestStatus,
    Outcome,
    ReferralStatus,
    ReviewStatus,
    Weighed,
)
from program.deadlines import local_day
from program.enums import OfficeRole
from program.gathering import Rows, gather
from program.models import Delegation, Paper
from program.prepared import Constant
from program.reminders import HAS_COME, OVERDUE, EndOfDay, StartOfDay, days_before, half_since, reaching
from proposals.enums import MembershipStatus, ProposalStatus
from proposals.models import Proposal
from proposals.querysets import by_office, closed_to, counsel_grants, leads_in_force

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.contrib.auth.models import AnonymousUser
    from django.db.models.functions import TruncDate

    from program.models import User

P = TypeVar("P", bound=Paper)

OFFICIALS = (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR)
LAST_DAY = days_before(1)
#: Amendments of which everybody knows who may see the designation
TOLD = (AmendmentStatus.ANNOUNCED, AmendmentStatus.IN_FORCE, AmendmentStatus.LAPSED)
#: Designations that can be suspended, amended and ended
LIVE = (DesignationStatus.ACTIVE, DesignationStatus.SUSPENDED)
#: Time for which the clock stood is no time
POSITION_STEPS = (half_since(F("opened_at") + F("stood_for")), days_before(3), LAST_DAY)
ANSWER_STEPS = (days_before(3), LAST_DAY)
ESCALATION_STEPS = (days_before(3), LAST_DAY, OVERDUE)
CONFLICT_STEPS = (days_before(3), LAST_DAY, OVERDUE)
CONDITION_STEPS = (*map(days_before, (30, 7)), LAST_DAY, OVERDUE)
SIGN_FOR_AGENCY = (OfficeRole.LEAD, OfficeRole.REVIEWER)
DELEGATED_BY = {
    Delegation.SIGN_POSITION: OfficeRole.LEAD,
    Delegation.SIGN_DETERMINATION: OfficeRole.DECISION_OFFICIAL,
}
#: Where reviewers are assigned
ASSIGNABLE = (ProposalStatus.SUBMITTED, ProposalStatus.UNDER_EVALUATION)
RUNNING = (ReferralStatus.OPEN, ReferralStatus.ACKNOWLEDGED)
#: What a new package is compared with
COMPARED = (
    ProposalStatus.SUBMITTED,
    ProposalStatus.RETURNED,
    ProposalStatus.UNDER_EVALUATION,
    ProposalStatus.DESIGNATED,
)
EXPIRY_STEPS = tuple(map(days_before, (60, 30)))
DEFERRAL_STEPS = (HAS_COME,)
TWO_PEOPLE_SCORE = 95


def is_official(user: User | AnonymousUser) -> bool:
    """Whether the person works in the Program office, decides or audits."""
    return user.is_authenticated and user.holds(*OFFICIALS)


def reads_every_consultation(user: User | AnonymousUser) -> bool:
    """Officials, and leads of agencies; a reviewer sees only that of their own agency."""
    return is_official(user) or (user.is_authenticated and user.holds(OfficeRole.LEAD))


def delegations_that_hold(*acts: str, on: TruncDate | None = None) -> models.QuerySet[Delegation]:
    """The delegations of ``acts`` in force today (``on``), of givers who hold the office themselves."""
    offices = apps.get_model("program", "Office").objects.in_force(on=on)
    given = offices.filter(user=OuterRef("given_by"), agency=OuterRef("agency"))
    holds = Q(pk__in=[])
    for act in acts:
        holds |= Q(Exists(given.filter(role=DELEGATED_BY[act])), act=act)
    return Delegation.objects.in_force(on=on).filter(holds)


def delegations_in_force(user: User, act: str) -> models.QuerySet[Delegation]:
    """The delegations by which ``user`` may do ``act`` today, of givers who hold the office themselves."""
    return delegations_that_hold(act).filter(given_to=user.pk)


def decides(user: User | AnonymousUser) -> bool:
    """Whether the person holds the decision or signs for who holds it."""
    if not user.is_authenticated:
        return False
    if user.holds(OfficeRole.DECISION_OFFICIAL):
        return True
    return user.is_government and delegations_in_force(user, Delegation.SIGN_DETERMINATION).exists()


class OfProposalQuerySet(models.QuerySet):
    """Rows that belong to a proposal by the look-up ``path`` and that officials alone may see."""

    path: ClassVar[str] = "proposal"

    def of_visible(self, user: User | AnonymousUser) -> Self:
        return self.filter(**{f"{self.path}__in": Proposal.objects.visible_to(user)})

    def of_office(self, user: User | AnonymousUser) -> Self:
        """Rows of proposals that the person may see and does not work for: an office gives nothing there."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(~Q(**{f"{self.path}__in": closed_to(user)}), by_office(user, f"{self.path}__"))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.of_office(user) if is_official(user) else self.none()


class OfVersionQuerySet(OfProposalQuerySet):
    """Rows of one version that officials alone may see."""

    path = "version__proposal"


def owes_sheet(user: User) -> Q:
    """Whether ``user`` is to review the version of a row and has not handed the sheet in."""
    mine = apps.get_model("evaluation", "Assignment").objects.active().filter(reviewer=user.pk)
    sheets = apps.get_model("evaluation", "Review").objects.filter(
        reviewer=user.pk, status=ReviewStatus.SUBMITTED, version=OuterRef("version")
    )
    return Q(Exists(mine.filter(proposal=OuterRef("version__proposal")))) & ~Q(Exists(sheets))


class NamedPartyQuerySet(OfVersionQuerySet):
    """Names in the last version of each proposal, compared with those of another."""

    def shared_with(self, version: Any) -> Self:
        """Names that ``version`` names too, of other proposals that are live or designated."""
        names = self.model._default_manager.filter(version=version.pk).order_by()
        rows = self.compared().filter(compared__in=names.values("compared"))
        return rows.exclude(version__proposal=version.proposal_id)

    def compared(self) -> Self:
        """Names in the last version of what is live or designated."""
        return self.filter(
            version__proposal__status__in=COMPARED,
            version__number=F("version__proposal__version_count"),
        )

    def for_list(self) -> Self:
        """With the proposal and what tells whether it is a duplicate; anchors first."""
        rows = self.select_related("version__proposal__call", "version__profile")
        return rows.defer("version__package").order_by("-is_anchor", "-version", "pk")


class AgencyScoreQuerySet(OfVersionQuerySet):
    """What sheets say together: nobody reads it who still owes one of their own on that version."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return super().visible_to(user).read_by(user) if user.is_authenticated else self.none()

    def read_by(self, user: User) -> Self:
        return self.filter(~owes_sheet(user))


class FindingQuerySet(OfProposalQuerySet):
    path = "determination__proposal"


def of_newest_run() -> Q:
    """Whether a check was made by the latest screening of the last version of its proposal."""
    runs = apps.get_model("evaluation", "ScreeningRun").objects.filter(version=OuterRef("run__version"))
    newest = Subquery(runs.order_by("-pk").values("pk")[:1])
    return Q(run=newest, run__version__number=F("run__version__proposal__version_count"))


class PartyCheckQuerySet(OfProposalQuerySet):
    path = "run__version__proposal"

    def newest(self) -> Self:
        """Checks of the latest run of each proposal's last version."""
        return self.filter(of_newest_run())

    def with_opinions(self) -> Self:
        """With ``confirmation``, the newest one's key or none, and what stands against it.

        ``cleared_count`` is how many people found a false positive, where there is a confirmation: corrected
        that; ``clearing_count`` how many of them it takes. ``is_confirmed`` and ``is_cleared`` follow.
        """
        opinions = apps.get_model("evaluation", "Adjudication").objects
        confirmations = opinions.filter(party_check=OuterRef("pk"), outcome=Adjudicated.CONFIRMED)
        corrects = Q(adjudications__pk__gt=F("confirmation"), adjudications__replaces__isnull=False)
        cleared = Q(adjudications__outcome=Adjudicated.FALSE_POSITIVE) & (Q(confirmation=None) | corrects)
        two_people = Q(confirmation__isnull=False) | Q(score__gte=Constant(TWO_PEOPLE_SCORE))
        two_people |= Q(result=CheckResult.UNREADABLE)
        enough = Q(cleared_count__gte=F("clearing_count"))
        return self.annotate(
            confirmation=Subquery(confirmations.order_by("-pk").values("pk")[:1]),
            cleared_count=Count("adjudications__decided_by", filter=cleared, distinct=True),
            clearing_count=Case(
                When(two_people, then=Constant(2)), default=Constant(1), output_field=IntegerField()
            ),
            is_cleared=ExpressionWrapper(enough, BooleanField()),
            is_confirmed=ExpressionWrapper(Q(confirmation__isnull=False) & ~enough, BooleanField()),
        )

    def flagged(self) -> Self:
        return self.exclude(result=CheckResult.NO_HIT).with_opinions()

    def open(self) -> Self:
        """Flags that nobody has settled: not confirmed, and cleared by too few people."""
        return self.flagged().filter(is_confirmed=False, is_cleared=False)

    def confirmed(self) -> Self:
        """Matches whose confirmation stands; one person's correction does not end it."""
        return self.flagged().filter(is_confirmed=True)

    def cleared(self) -> Self:
        return self.flagged().filter(is_cleared=True)

    def waiting(self) -> Self:
        """What a person is to look at: open flags, and confirmations that one person has corrected."""
        flagged = self.flagged().filter(is_cleared=False)
        return flagged.filter(Q(is_confirmed=False) | Q(cleared_count__gt=Constant(0)))

    def for_list(self) -> Self:
        """With every opinion, who gave it and what it replaced."""
        opinions = apps.get_model("evaluation", "Adjudication").objects.order_by("pk")
        said = models.Prefetch("adjudications", opinions.select_related("decided_by", "replaces__decided_by"))
        return self.select_related(
            "entry", "run__version__proposal__consortium", "run__screening_list"
        ).prefetch_related(said)


#: Proposals whose flags wait for people: they may still be taken in, referred, decided or go on designated
WEIGHED = (
    ProposalStatus.SUBMITTED, ProposalStatus.RETURNED, ProposalStatus.UNDER_EVALUATION,
    ProposalStatus.DESIGNATED,
)  # fmt: skip


class ComplianceCheckQuerySet(OfProposalQuerySet):
    path = "run__version__proposal"

    def newest(self) -> Self:
        """The last row of each subject under each rule of its run."""
        same = {name: OuterRef(name) for name in ("run", "kind", "subject_key", "rule_code")}
        later = apps.get_model("evaluation", "ComplianceCheck").objects.filter(**same, pk__gt=OuterRef("pk"))
        return self.filter(~Exists(later))

    def of_last_versions(self) -> Self:
        """What counts of the latest screening of each proposal's last version."""
        return self.newest().filter(of_newest_run())

    def flagged(self) -> Self:
        return self.exclude(result__in=[ComplianceResult.NEITHER, ComplianceResult.CLEAR])

    def with_standing(self) -> Self:
        """Flags with ``is_standing`` and ``is_off``, as the properties of one say: ``stands``, ``set_aside``.

        Neither is one that waits for people.
        """
        decisions = apps.get_model("evaluation", "ComplianceDecision").objects
        of_one = decisions.filter(compliance_check=OuterRef("pk"))
        newest = Subquery(of_one.filter(outcome=Weighed.STANDS).order_by("-pk").values("pk")[:1])
        set_aside = Q(decisions__outcome=Weighed.SET_ASIDE)
        two_people = Q(result=ComplianceResult.BLOCKED) | Q(standing_pk__isnull=False)
        enough = Q(people__gte=Case(When(two_people, then=Constant(2)), default=Constant(1)))
        rows = self.flagged().annotate(standing_pk=newest)
        since = Q(standing_pk=None) | Q(decisions__pk__gt=F("standing_pk"))
        return rows.annotate(
            people=Count("decisions__decided_by", filter=set_aside & since, distinct=True),
            is_off=ExpressionWrapper(enough, BooleanField()),
            is_standing=ExpressionWrapper(Q(standing_pk__isnull=False) & ~enough, BooleanField()),
        )

    def open(self) -> Self:
        """Flags of proposals that go on, on which people have not come to a decision."""
        rows = self.filter(run__version__proposal__status__in=WEIGHED).with_standing()
        return rows.filter(is_off=False, is_standing=False)

    def standing(self) -> Self:
        return self.with_standing().filter(is_standing=True)

    def set_aside(self) -> Self:
        return self.with_standing().filter(is_off=True)

    def for_list(self) -> Self:
        """With the proposal that each is of."""
        return self.select_related("run__version__proposal__consortium").defer("run__version__package")

    def barring(self) -> Self:
        return self.filter(result=ComplianceResult.BLOCKED)

    def with_decisions(self) -> Self:
        """With what people made of each, and who."""
        decisions = apps.get_model("evaluation", "ComplianceDecision").objects.order_by("pk")
        return self.prefetch_related(models.Prefetch("decisions", decisions.select_related("decided_by")))


class AssignmentQuerySet(OfProposalQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own while it lasts, those of the agency one leads, all for officials."""
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if is_official(user):
            return seen
        own = Q(reviewer=user.pk, status=AssignmentStatus.ACTIVE)
        return seen.filter(own | Q(agency__code__in=user.agencies_as(OfficeRole.LEAD)))

    def active(self) -> Self:
        return self.filter(status=AssignmentStatus.ACTIVE)

    def free_to_read(self) -> Self:
        """Active ones whose reviewer declared that no conflict stands, or was cleared of what does."""
        cases = apps.get_model("evaluation", "ConflictCase").objects
        cleared = Exists(cases.cleared(OuterRef("proposal"), OuterRef("reviewer")))
        return self.active().filter(Q(conflict__has_conflict=False) | (Q(conflict__isnull=False) & cleared))

    def open_reviews(self) -> Self:
        """Active ones whose latest sheet is not in while the position of their agency is asked for.

        ``due_at`` is when that position is due, None while no clock runs.
        """
        referrals = apps.get_model("evaluation", "Referral").objects.filter(
            version__proposal=OuterRef("proposal"),
            version__number=OuterRef("proposal__version_count"),
            agency=OuterRef("agency"),
        )
        over = referrals.filter(status__in=[ReferralStatus.ANSWERED, ReferralStatus.ENDED])
        rows = self.active().filter(~Exists(over), proposal__status__in=ASSIGNABLE)
        running = referrals.filter(paused_at=None)
        return rows.with_sheets().filter(is_in=False).annotate(due_at=Subquery(running.values("due_at")[:1]))

    def with_sheets(self) -> Self:
        """With ``is_in``: whether the sheet for the latest version was submitted."""
        sheets = apps.get_model("evaluation", "Review").objects.filter(
            assignment=OuterRef("pk"),
            status=ReviewStatus.SUBMITTED,
            version__number=OuterRef("proposal__version_count"),
        )
        return self.annotate(is_in=Exists(sheets))

    def owed_by(self, user: User) -> Self:
        """Active assignments of ``user`` whose sheet for the latest version is not in and still asked for."""
        owed = self.active().filter(reviewer=user.pk).exclude(proposal__status=ProposalStatus.WITHDRAWN)
        return owed.for_list().filter(is_in=False)

    def for_list(self) -> Self:
        """With ``is_in``: whether the sheet for the latest version was submitted."""
        return self.select_related("agency", "reviewer", "proposal__consortium", "conflict").with_sheets()


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
        return self.filter(own | (Q(agency__code__in=codes) & ~Q(proposal__in=closed_to(user))))

    def open(self) -> Self:
        return self.filter(status=ConflictCaseStatus.OPEN)

    def cleared(self, proposal: Any, person: Any) -> Self:
        """By which an ethics official let this person review this proposal; the keys, or where they stand."""
        return self.filter(proposal=proposal, person=person, status=ConflictCaseStatus.CLEARED)

    def without_official(self, *, on: TruncDate | None = None) -> Self:
        """Open ones that nobody may decide today (``on``)."""
        offices = apps.get_model("program", "Office").objects.in_force(on=on)
        recused = apps.get_model("proposals", "Recusal").objects.filter(
            proposal=OuterRef(OuterRef("proposal")), user=OuterRef("user")
        )
        officials = offices.filter(role=OfficeRole.ETHICS_OFFICIAL, agency=OuterRef("agency"))
        return self.open().filter(~Exists(officials.filter(~Exists(recused), ~Q(user=OuterRef("person")))))

    def to_remind(self, at: datetime) -> Self:
        """Open ones at three days, on the last day and once it is over."""
        return reaching(self.open(), CONFLICT_STEPS, due=F("due_at"), at=at)

    def to_decide(self, user: User) -> Self:
        """Open cases that ``user`` decides: nobody decides about themself."""
        return self.visible_to(user).open().exclude(person=user.pk)

    def for_list(self) -> Self:
        return self.select_related("proposal", "person", "agency", "decided_by", "recusal__replaced_by")


class ReviewQuerySet(OfProposalQuerySet):
    path = "version__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own; others' of one's agency, all for officials, once they are in.

        Whoever owes a sheet on that version sees no other's until their own is in too.
        """
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        own = Q(reviewer=user.pk, assignment__status=AssignmentStatus.ACTIVE)
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

    def submitted(self) -> Self:
        return self.filter(status=ReviewStatus.SUBMITTED)

    def for_list(self) -> Self:
        return self.select_related("agency", "reviewer", "version__proposal")


class ReferralQuerySet(OfProposalQuerySet):
    path = "version__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All five for officials and leads of evaluating agencies; their own agency's for reviewers."""
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
        """Consultations on proposals that were withdrawn meanwhile, or on versions that were replaced."""
        withdrawn = Q(version__proposal__status=ProposalStatus.WITHDRAWN)
        replaced = Q(version__number__lt=F("version__proposal__version_count"))
        return self.filter(withdrawn | replaced, status__in=RUNNING)

    def current(self) -> Self:
        """Those of the newest version that was referred, per proposal."""
        newer = apps.get_model("evaluation", "Referral").objects.filter(
            version__proposal=OuterRef("version__proposal"),
            agency=OuterRef("agency"),
            version__number__gt=OuterRef("version__number"),
        )
        return self.filter(~Exists(newer))

    def for_list(self) -> Self:
        return self.select_related("agency", "version__proposal__consortium", "position", "carried_from")


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
        """One's own agency's; the others' once one's own has answered; all for officials."""
        if not user.is_authenticated:
            return self.none()
        seen = self.of_office(user)
        if is_official(user):
            return seen
        agencies = user.agencies_as(OfficeRole.LEAD)
        answered = apps.get_model("evaluation", "Referral").objects.filter(
            version=OuterRef("referral__version"), agency__code__in=agencies, status=ReferralStatus.ANSWERED
        )
        return seen.filter(Q(referral__agency__code__in=agencies) | Exists(answered))


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


class ConditionQuerySet(models.QuerySet):
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
        return self.filter(status=AmendmentStatus.ANNOUNCED).order_by("number")

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


def papers_of(kind: type[P], user: User) -> models.QuerySet[P]:
    """PDFs whose proposal ``user`` reads by office; nobody's own proposal is among them."""
    proposals = Proposal.objects.read_by_office(user).order_by()
    rows = kind._default_manager.filter(**{f"{kind.proposal_by}__in": proposals.values("pk")})
    return rows.select_related(kind.proposal_by).defer(*kind.texts)


class CatalogQuerySet(models.QuerySet):
    def public(self) -> Self:
        """Released entries of active designations: the only thing about a proposal that everybody may see."""
        return self.filter(designation__status=DesignationStatus.ACTIVE, withdrawn_at=None)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Public ones for everybody, the entry as such for who may see the designation."""
        public = Q(designation__status=DesignationStatus.ACTIVE, withdrawn_at=None)
        if not user.is_authenticated:
            return self.filter(public)
        designations = apps.get_model("evaluation", "Designation").objects.visible_to(user)
        return self.filter(public | Q(designation__in=designations))

    def for_list(self) -> Self:
        return self.select_related("designation")

    def with_amendments(self) -> Self:
        """With the amendments in force of each designation, as ``amendments_in_force``."""
        rows = apps.get_model("evaluation", "DesignationAmendment").objects.in_force()
        return self.prefetch_related(
            models.Prefetch("designation__amendments", rows, to_attr="amendments_in_force")
        )

    def counted(self, fitting: Q) -> models.QuerySet[Any, Any]:
        """What these entries tell, ``each`` with the number of those that tell it and of those that fit.

        A layer that is described and a sector are a text, a market and each country of a bloc are
        ``{code, name}``, every entry tells "*".
        """
        path = '$.keyvalue() ? (@.value != "").key'
        described = Func(F("layers"), template=f"jsonb_path_query_array(%(expressions)s, '{path}')")
        told = (Value(["*"], models.JSONField()), described, *map(F, ("sectors", "markets", "countries")))
        each = Func(
            *told, function="jsonb_array_elements", arg_joiner=" || ", output_field=models.JSONField()
        )
        each.set_returning = True
        n, fit = Count("pk", distinct=True), Count("pk", distinct=True, filter=fitting or None)
        return self.order_by().annotate(each=each).values("each").annotate(n=n, fit=fit)


class CatalogReleaseQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of designations one may see."""
        designations = apps.get_model("evaluation", "Designation").objects.visible_to(user)
        return self.filter(designation__in=designations)

    def waiting(self) -> Self:
        """Texts that the Program office has not decided on, of designations in force."""
        return self.filter(status=CatalogReleaseStatus.PROPOSED, designation__status=DesignationStatus.ACTIVE)


# The discussion of a proposal


def assigned_to(user: User) -> models.QuerySet[Any]:
    """The assignments by which ``user`` reviews today: who has not declared yet has none."""
    rows = apps.get_model("evaluation", "Assignment").objects.free_to_read()
    return rows.filter(reviewer=user.pk, agency__code__in=user.agencies_as(OfficeRole.REVIEWER))


def positions_to_sign(user: User) -> models.QuerySet[Delegation]:
    """The delegations by which ``user`` signs for an evaluating agency of which they are a reviewer."""
    codes = user.agencies_as(OfficeRole.REVIEWER)
    rows = delegations_in_force(user, Delegation.SIGN_POSITION)
    return rows.filter(agency__is_evaluating=True, agency__code__in=codes)


def owes_declaration(user: User, proposal: str) -> Q:
    """Whether ``user`` is assigned to the proposal at ``proposal`` and has not said if a conflict stands."""
    rows = apps.get_model("evaluation", "Assignment").objects.active()
    rows = rows.filter(reviewer=user.pk, conflict__isnull=True, proposal=OuterRef(proposal))
    return Q(Exists(rows))


def takes_part(user: User, proposal: str = "pk") -> Q:
    """Whether ``user`` has a hand in the evaluation of the proposal at ``proposal``.

    The Program office and who decides; for an agency who leads it, who signs for it and who was assigned.
    """
    if user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL):
        return Q(pk__isnull=False)
    seated = Q(Exists(leads_in_force(user))) | Q(Exists(positions_to_sign(user)))
    assigned = Q(Exists(assigned_to(user).filter(proposal=OuterRef(proposal))))
    return seated | assigned | Q(Exists(delegations_in_force(user, Delegation.SIGN_DETERMINATION)))


def discussed_by(user: User | AnonymousUser, *, writing: bool = False) -> models.QuerySet[Proposal]:
    """Proposals whose discussion ``user`` reads; with ``writing`` those in which they have a voice.

    Auditors read and have none; nobody else learns that there is a discussion.
    """
    rows = Proposal.objects.read_by_office(user)
    if not user.is_authenticated:
        return rows
    rows = rows.filter(~owes_declaration(user, "pk"))
    if user.holds(OfficeRole.AUDITOR) and not writing:
        return rows
    return rows.filter(takes_part(user))


class DiscussionCommentQuerySet(OfVersionQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What is said to an agency for who works for it on this proposal, what is said to all for everybody
        who takes part, what is said to the Program office for its officers and who speaks with them.

        All for auditors. Whoever owes a sheet on that version reads nothing of others on a criterion or on
        reviews until their own is in, whatever the grade.
        """
        if not user.is_authenticated:
            return self.none()
        path = self.path
        rows = self.of_office(user).filter(~owes_declaration(user, path))
        plain = Q(criterion=None, reviews_of=None)
        rows = rows.filter(plain | ~owes_sheet(user) | Q(author=user.pk, thread=None))
        if user.holds(OfficeRole.AUDITOR):
            return rows
        seats = Q(agency__code__in=user.agencies_as(OfficeRole.LEAD))
        seats |= Q(agency__in=positions_to_sign(user).values("agency"))
        seats |= Q(Exists(assigned_to(user).filter(proposal=OuterRef(path), agency=OuterRef("agency"))))
        office = Q(grade=Grade.PROGRAM_OFFICE)
        if not user.holds(OfficeRole.PROGRAM_OFFICER):
            office &= Q(party=user.pk)
        seen = Q(grade=Grade.ALL_AGENCIES) | office | (Q(grade=Grade.OWN_AGENCY) & seats)
        return rows.filter(takes_part(user, path), seen)

    def of(self, proposal: Proposal) -> Self:
        return self.filter(version__proposal=proposal.pk)

    def standing(self) -> Self:
        """Those that were not withdrawn."""
        texts = apps.get_model("evaluation", "DiscussionText").objects
        return self.filter(~Exists(texts.filter(comment=OuterRef("pk"), is_withdrawal=True)))

    def new_to(self, user: User) -> Exists:
        """Whether the text that stands is another person's and was not marked as read by ``user``."""
        texts = apps.get_model("evaluation", "DiscussionText").objects.unread_by(user)
        return Exists(texts.filter(comment=OuterRef("pk")))

    def saying(self, words: list[str]) -> Self:
        """Those whose text as it stands holds every one of ``words``."""
        texts = apps.get_model("evaluation", "DiscussionText").objects.standing()
        for word in words:
            texts = texts.filter(text__icontains=word)
        return self.filter(Exists(texts.filter(comment=OuterRef("pk"))))

    def for_list(self, user: User) -> Self:
        """Everything that a comment prints; the texts in the order they were written, the last one stands."""
        rows = self.annotate(is_new=self.new_to(user)).select_related(
            "author", "agency", "party", "criterion", "reviews_of", "answers__author", "version"
        )
        return rows.defer("version__package").prefetch_related("texts")


class DiscussionTextQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """The last text of each comment."""
        later = self.model._default_manager.filter(comment=OuterRef("comment"), number__gt=OuterRef("number"))
        return self.filter(~Exists(later))

    def unread_by(self, user: User) -> Self:
        """Texts of others that stand, and that ``user`` has not marked as read."""
        reads = apps.get_model("evaluation", "DiscussionRead").objects.filter(person=user.pk)
        rows = self.standing().filter(is_withdrawal=False).exclude(comment__author=user.pk)
        return rows.filter(~Exists(reads.filter(text=OuterRef("pk"))))
