"""Who may see what of the consortium's side, asked once, and what each page reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from django.apps import apps
from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import Coalesce, Greatest

from program import clock
from program.enums import CallStatus, OfficeRole
from program.gathering import Rows, gather
from program.grants import granted_pks
from program.prepared import AnyOf, Given, Holds, Keys, KeysRead, Prepared, PreparedByOffices, Whoever
from program.reminders import days_before, hours_before, reaching
from program.writes import writes_of
from proposals.enums import AnchorOfferStatus, MembershipStatus, ProposalStatus, TimeRequestStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser

    from program.models import Call, User
    from proposals.models import Proposal

IN_CONSORTIUM = (MembershipStatus.INVITED, MembershipStatus.CONSENTED)
EDITABLE = (ProposalStatus.DRAFT, ProposalStatus.RETURNED)
REMINDER_STEPS: Final = (*map(days_before, (30, 14, 7, 3, 1)), hours_before(6))
#: Before the day on which a call asks for something else
DEMAND_STEPS: Final = tuple(replace(step, code=f"demands-{step.code}") for step in REMINDER_STEPS[:-1])
REPLACEABLE = (ProposalStatus.SUBMITTED, ProposalStatus.UNDER_EVALUATION)
LIVE = (*EDITABLE, *REPLACEABLE)
#: What can be given more time: a draft that has lapsed, too, as ``lifecycle.EXTEND`` says
TIMED = (*LIVE, ProposalStatus.LAPSED)
#: Until when a version is taken, exclusive, as ``Proposal.closes_at`` says; PostgreSQL passes over NULL.
CLOSES_AT: Final = Greatest("call__closes_at", "extended_to")
#: The same of one that was returned, whose cure period may end later
CORRECTION_CLOSES_AT: Final = Greatest("call__closes_at", "extended_to", "cure_due_at")
#: A part that is being written is not asked about at each keystroke, but once, when a day has passed.
ASKED_AFTER: Final = timedelta(days=1)
READS_SUBMITTED = (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR)
READS_DESIGNATED = (OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER)
#: Questions of the app above: whether an office of the EDAG counts, because its agency has a place there.
SITS_IN_EDAG: Final[list[Callable[[User], bool]]] = []
#: Of the app above: the assignments by which somebody evaluates, for an agency of which they are a reviewer.
ASSIGNMENTS: Final[list[Callable[[Any], QuerySet]]] = []

# Everything on a working copy but its components, of which there may be thousands
WORKING: Final = (
    Rows(
        "consortium__memberships",
        one=(
            "organization",
            "organization__incorporated_in",
            "organization__headquartered_in",
            "organization__parent_country",
            "consented_by",
        ),
        many=(Rows("organization__holdings", one=("holder_country",)),),
        where=Q(status__in=IN_CONSORTIUM),
        to_attr="present_members",
    ),
    Rows("provisions"),
    Rows("markets", one=("country", "bloc"), many=(Rows("countries"), Rows("bloc__countries"))),
    Rows("sites", one=("country",), many=(Rows("roles", one=("third_party_country",)),)),
    Rows("support_requests"),
    Rows("compliance_statements"),
    Rows("outside_parties", one=("country", "headquartered_in", "parent_country")),
    Rows("answers", one=("requirement", "document")),
    Rows("cloud_access_countries"),
    Rows("markings"),
    Rows("attachments", one=("document",), where=Q(removed_at=None), to_attr="present_attachments"),
    Rows("call__requirements"),
    Rows("call__ineligible_jurisdictions"),
    Rows("certifications", one=("signer",), where=Q(version=None), to_attr="unused_certifications"),
)


class TeamMemberQuerySet(models.QuerySet):
    def active(self) -> Self:
        """People on a team today, of organizations that are invited or in."""
        return self.filter(removed_at=None, membership__status__in=IN_CONSORTIUM, user__is_active=True)

    def of(self, user: User | AnonymousUser | Given) -> Self:
        """The places of ``user`` for organizations that have consented."""
        person = user if isinstance(user, Given) else user.pk or 0
        return self.active().filter(user=person, membership__status=MembershipStatus.CONSENTED)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The people of every member, once one's own has consented; until then those of one's own."""
        memberships = apps.get_model("proposals", "Membership").objects.visible_to(user)
        return self.filter(membership__in=memberships.values("pk"))

    def by_member(self, consortium: int) -> dict[int, list[Any]]:
        """The places on the team today by the key of their member, those of one person together."""
        found: dict[int, list[Any]] = {}
        rows: QuerySet[Any] = self.active().filter(membership__consortium=consortium).select_related("user")
        for place in rows.order_by("membership", "user__name", "user", "role"):
            found.setdefault(place.membership_id, []).append(place)
        return found


class ConsortiumQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Consortia on whose team the person is, an organization that is only invited included."""
        return self.filter(pk__in=_consortia(user, IN_CONSORTIUM))

    def for_list(self) -> Self:
        """Everything a row of the list prints, with the number of members and of proposals."""
        members = Count("memberships", filter=Q(memberships__status__in=IN_CONSORTIUM), distinct=True)
        return self.annotate(member_count=members, proposal_count=Count("proposals", distinct=True))


class MembershipQuerySet(models.QuerySet):
    def present(self) -> Self:
        """Organizations that are invited or in, not those that declined or left."""
        return self.filter(status__in=IN_CONSORTIUM)

    def due_to_be_asked(self, at: datetime) -> Self:
        """Members whose part changed a day before ``at`` or earlier, and whom nobody has asked since."""
        proposals = apps.get_model("proposals", "Proposal").objects
        live = proposals.filter(consortium=OuterRef("consortium"), status__in=LIVE)
        return self.filter(
            Exists(live),
            status=MembershipStatus.CONSENTED,
            is_part_accepted=False,
            part_changed_at__lte=at - ASKED_AFTER,
            consent_asked_at=None,
        )

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What each member contributes, once one's own has consented; until then one's own membership."""
        own = apps.get_model("proposals", "TeamMember").objects.active().filter(user_id=user.pk or 0)
        inside = Q(consortium__in=_consortia(user, (MembershipStatus.CONSENTED,)))
        return self.filter(inside | Q(pk__in=own.values("membership")))


def _consortia(user: User | AnonymousUser, statuses: tuple[str, ...]) -> QuerySet:
    """Keys of the consortia on whose team ``user`` is, for an organization in one of ``statuses``."""
    places = apps.get_model("proposals", "TeamMember").objects.active()
    return places.filter(user_id=user.pk or 0, membership__status__in=statuses).values(
        "membership__consortium"
    )


def reads_designated(user: User | Whoever) -> bool:
    """Whether ``user`` follows designated packages for an agency that has a place in the EDAG today."""
    if not user.holds(*READS_DESIGNATED):
        return False
    return isinstance(user, Whoever) or all(sits(user) for sits in SITS_IN_EDAG)


def evaluates(user: User | Whoever) -> QuerySet:
    """The grants by which ``user`` evaluates: each with an assignment for an agency whose reviewer they are.

    A grant names no agency; of who is in office elsewhere by now it opens nothing.
    """
    grants = granted_pks("proposals.evaluate_proposal", user)
    for assignments_of in ASSIGNMENTS:
        grants = grants.filter(Exists(assignments_of(user).filter(proposal=OuterRef("content_object"))))
    return grants


def offices_that_read(user: User) -> frozenset[tuple[str, str]]:
    """The offices of ``user`` that open proposals today: with them a question is prepared."""
    if not user.holds(*READS_DESIGNATED) or reads_designated(user):
        return user.offices_held
    return frozenset((role, agency) for role, agency in user.offices_held if role not in READS_DESIGNATED)


def counsel_grants(user: Any) -> QuerySet:
    """The rights by which ``user`` (a key or a reference) is counsel to proposals."""
    grants = apps.get_model("proposals", "ProposalGrant").objects.filter(user=user)
    return grants.filter(permission__codename__in=["view_proposal", "change_proposal"])


def on_the_inside(user: User | AnonymousUser) -> Q:
    """Proposals whose working copy ``user`` reads: on the team, or counsel who was given the right."""
    return Q(pk__in=Keys(_inside, person=user.pk or 0))


def by_office(user: User | Whoever, of: str = "") -> Q:
    """Proposals that the offices of ``user`` open, also where the person works for the consortium.

    Of rows that belong to a proposal ``of`` is the path to it, as in ``"version__proposal__"``.
    """
    submitted, accepted = (Q(**{f"{of}{at}__isnull": False}) for at in ("submitted_at", "accepted_at"))
    if user.holds(*READS_SUBMITTED):
        return submitted
    given = {"person": user.pk, **clock.given(user)}
    allowed = Q(pk__in=[])
    reviews = frozenset((OfficeRole.REVIEWER, code) for code in user.agencies_as(OfficeRole.REVIEWER))
    if reviews:
        if isinstance(user, Whoever):  # written once; so the database may ask it of one row at a time
            allowed |= submitted & Q(Exists(evaluates(user).filter(content_object=OuterRef(f"{of}pk"))))
        else:
            allowed |= submitted & Q(**{f"{of}pk__in": Keys(_to_evaluate.of(reviews), **given)})
    if user.holds(OfficeRole.LEAD):
        allowed |= accepted & Q(Holds(_leads, **given))
    if reads_designated(user):
        allowed |= Q(**{f"{of}status": ProposalStatus.DESIGNATED})
    if user.is_government:
        allowed |= accepted & Q(Holds(_signs.of(reviews), **given))
    return allowed


def closed_to(user: User | AnonymousUser, path: str = "pk") -> Q:
    """Proposals on which an office gives ``user`` nothing: one works for them, or is recused from them.

    Of rows that belong to a proposal ``path`` leads to it, as in ``"version__proposal"``. They are a handful
    of keys, which PostgreSQL reads once: of a subquery it would think that each row reads it anew.
    """
    return Q(AnyOf(F(path), KeysRead(_closed, person=user.pk or 0)))


@Prepared
def _inside() -> QuerySet:
    return _on_team().union(_to_counsel(), all=True)


@Prepared
def _recused() -> QuerySet:
    return _recusals()


@Prepared
def _closed() -> QuerySet:
    return _on_team().union(_to_counsel(), _recusals(), all=True)


def _on_team() -> QuerySet:
    person: Any = Whoever()
    proposals = apps.get_model("proposals", "Proposal").objects.order_by()
    return proposals.filter(consortium__in=_consortia(person, (MembershipStatus.CONSENTED,))).values_list(
        "pk"
    )


def _to_counsel() -> QuerySet:
    return counsel_grants(Whoever().pk).order_by().values_list("content_object")


def _recusals() -> QuerySet:
    recusals = apps.get_model("proposals", "Recusal").objects.order_by()
    return recusals.filter(user=Whoever().pk).values_list("proposal")


@PreparedByOffices
def _to_evaluate(reviewer: Any) -> QuerySet:
    return evaluates(reviewer).values_list("content_object_id")


@Prepared
def _leads() -> QuerySet:
    person: Any = Whoever()
    return leads_in_force(person).order_by().values_list("pk")


@PreparedByOffices
def _signs(reviewer: Any) -> QuerySet:
    return signing_delegations(reviewer).order_by().values_list("pk")


def recused(user: User | AnonymousUser) -> Q:
    """Proposals from which ``user`` is recused, and which then are closed to them wholly."""
    return Q(pk__in=Keys(_recused, person=user.pk or 0))


def histories_closed_to(user: User) -> QuerySet:
    """Keys of the proposals whose record an office does not open to ``user``.

    Those that are closed to them, and those that were never submitted: the Government knows nothing of a
    draft, whoever audits the record.
    """
    proposals = apps.get_model("proposals", "Proposal").objects
    closed = closed_to(user) | Q(submitted_at=None)
    return proposals.filter(closed).order_by().values("pk")


def _working_copies(user: User | AnonymousUser) -> QuerySet:
    proposals = apps.get_model("proposals", "Proposal").objects
    return proposals.working_copies_of(user).order_by().values("pk")


class TimeRequestQuerySet(models.QuerySet):
    def open(self) -> Self:
        """Requests that wait for an answer."""
        return self.filter(status=TimeRequestStatus.ASKED)

    def to_answer(self) -> Self:
        """Open requests for what can still be given time."""
        return self.open().filter(proposal__status__in=TIMED, proposal__call__cancelled_at=None)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of one's own working copies, and what one's office shows."""
        own = Q(proposal__in=_working_copies(user))
        by_office = _read_as_officer(self.model._default_manager.all(), user)
        return self.filter(own | Q(pk__in=by_office.values("pk")))

    def read_by_office(self, user: User | AnonymousUser) -> Self:
        """All for program officers and auditors, but of proposals that they work for or are recused from."""
        return _read_as_officer(self, user)


class ExtensionQuerySet(models.QuerySet):
    def read_by_office(self, user: User | AnonymousUser) -> Self:
        """As of the requests: who was given more time, drafts among them, for officers and auditors."""
        return _read_as_officer(self, user)


def _read_as_officer(rows: Any, user: User | AnonymousUser) -> Any:
    """``rows`` of proposals that ``user`` neither works for nor is recused from, by their office."""
    offices = (OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR)
    if not user.is_authenticated or not user.is_active or not user.holds(*offices):
        return rows.none()
    return rows.filter(~closed_to(user, "proposal"))


class AnchorOfferQuerySet(models.QuerySet):
    def open(self) -> Self:
        """Offers that wait for an answer."""
        return self.filter(status=AnchorOfferStatus.OFFERED)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Offers inside the consortia on whose team the person is, for members that have consented."""
        return self.filter(consortium__in=_consortia(user, (MembershipStatus.CONSENTED,)))


class CommentQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Comments on the working copies that ``user`` reads; nobody else's, no office's."""
        return self.filter(proposal__in=_working_copies(user))

    def open(self) -> Self:
        """Comments that wait for somebody; a reply waits with the comment it answers."""
        return self.filter(parent=None, resolved_at=None)

    def for_list(self) -> Self:
        """Comments with their people and with their replies, in the order they were written."""
        replies = self.model._default_manager.select_related("author").order_by("pk")
        rows = self.filter(parent=None).select_related("author", "assigned_to", "resolved_by")
        return rows.prefetch_related(models.Prefetch("replies", replies))


class RemovedRowQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(proposal__in=_working_copies(user))


class ProposalQuerySet(models.QuerySet):
    def working_copies_of(self, user: User | AnonymousUser) -> Self:
        """The rows that ``proposals.view_draft_proposal`` allows; a test holds the two equal."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(on_the_inside(user)).exclude(recused(user))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The rows that ``proposals.view_proposal`` allows; a test holds the two equal.

        Government sees nothing that was never submitted; a recused person sees nothing at all.
        """
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(on_the_inside(user) | by_office(user)).exclude(recused(user))

    def read_by_office(self, user: User | AnonymousUser) -> Self:
        """The rows that ``proposals.read_by_office_proposal`` allows; a test holds the two equal.

        An office gives nothing on a proposal that one works for.
        """
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(~closed_to(user), by_office(user))

    def titled_for(self, user: User | AnonymousUser) -> Self:
        """With ``shown_title``: the working title for the consortium's side, else the submitted one."""
        working = When(on_the_inside(user), then=F("title"))
        return self.annotate(shown_title=Case(working, default=F("submitted_title")))

    def editable_by(self, user: User | AnonymousUser) -> Self:
        """The rows that ``proposals.change_proposal`` allows; a test holds the two equal."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        allowed = Q(consortium__in=_consortia(user, (MembershipStatus.CONSENTED,)))
        allowed |= Q(pk__in=granted_pks("proposals.change_proposal", user))
        window = Q(call__cancelled_at=None) & (
            Q(call__closes_at__gt=clock.in_query()) | Q(extended_to__gt=clock.in_query())
        )
        rows = self.filter(allowed, Q(status__in=EDITABLE) | Q(window, status__in=REPLACEABLE))
        return rows.exclude(recused(user))

    def for_list(self) -> Self:
        """Everything a row of the list prints; ``layer_count`` is 0 to 5."""
        layers = apps.get_model("proposals", "Component").objects.filter(proposal=OuterRef("pk"))
        counted = layers.order_by().values("proposal").annotate(n=Count("layer", distinct=True)).values("n")
        rows = self.select_related("call", "consortium").annotate(layer_count=models.Subquery(counted))
        return rows.with_asked_time()

    def with_asked_time(self) -> Self:
        """With ``time_was_asked``: then the Program office knows of a draft."""
        asked = apps.get_model("proposals", "TimeRequest").objects.filter(proposal=OuterRef("pk"))
        return self.annotate(time_was_asked=Exists(asked))

    def for_detail(self) -> Self:
        """The whole working copy in one statement, as ``compose`` and the pages read it.

        With it come what its call demands and the certifications that no version has used yet.
        """
        components = Rows("components", one=("country_of_origin", "country_of_assembly"))
        return gather(self.select_related("call", "consortium", "created_by"), components, *WORKING)

    def for_pages(self) -> Self:
        """The working copy without its components, which ``progress_of`` and the pages read as they need.

        ``component_writes`` is another number as soon as one of them is written.
        """
        components = apps.get_model("proposals", "Component").objects.filter(proposal=OuterRef("pk"))
        written = writes_of(components)
        rows = self.select_related("call", "consortium", "created_by").annotate(component_writes=written)
        return gather(rows, *WORKING)

    def with_beside(self) -> Self:
        """With ``open_comment_count``, ``has_comments`` and ``has_removed_rows``, of all its parts."""
        comments = apps.get_model("proposals", "Comment").objects.filter(proposal=OuterRef("pk"))
        removed = apps.get_model("proposals", "RemovedRow").objects.filter(proposal=OuterRef("pk"))
        counted = comments.open().order_by().values("proposal").annotate(n=Count("pk")).values("n")
        return self.with_asked_time().annotate(
            open_comment_count=Coalesce(models.Subquery(counted), 0),
            has_comments=Exists(comments),
            has_removed_rows=Exists(removed),
        )

    def to_remind(self, at: datetime) -> Self:
        """Proposals that may hold unsubmitted work and have reached a step before their time is over.

        The time of a returned one ends with the later of its own close and its cure period.
        """
        cured = When(status=ProposalStatus.RETURNED, then=CORRECTION_CLOSES_AT)
        far = max(step.horizon(at) for step in REMINDER_STEPS)
        near = Q(call__closes_at__lte=far) | Q(status=ProposalStatus.RETURNED, cure_due_at__lte=far)
        rows = self.filter(near, status__in=(*EDITABLE, *REPLACEABLE), call__cancelled_at=None)
        due = Case(cured, default=CLOSES_AT)
        return reaching(rows, REMINDER_STEPS, due=due, at=at).filter(reminds_of__gt=at)

    def to_remind_of_demands(self, call: int, moment: datetime, at: datetime) -> Self:
        """Working copies that reached a step before ``moment``, when ``call`` asks for something else."""
        rows = self.filter(call=call, call__status=CallStatus.ISSUED, status__in=EDITABLE)
        due = models.Value(moment, output_field=models.DateTimeField())
        return reaching(rows, DEMAND_STEPS, due=due, at=at).filter(reminds_of__gt=at)

    def live_under(self, calls: QuerySet | list[int]) -> Self:
        """Proposals that keep their consortium from another one under one of ``calls``."""
        over = [ProposalStatus.LAPSED, ProposalStatus.WITHDRAWN]
        return self.filter(call__in=calls).exclude(status__in=over).select_related("consortium")

    def due_to_lapse(self, at: datetime) -> Self:
        """Drafts of calls that closed at ``at`` or before, but for those that were given more time."""
        over = Q(extended_to=None) | Q(extended_to__lte=at)
        return self.filter(over, status=ProposalStatus.DRAFT, call__closes_at__lte=at)


def readers_of_working_copy(proposal: Proposal) -> QuerySet:
    """Who reads the working copy today: the team of members that have consented, and counsel.

    The people for whom ``proposals.view_draft_proposal`` holds; a test holds the two equal.
    """
    return readers_of(proposal.pk, proposal.consortium_id)


def readers_of(proposal: int | Given, consortium: int | Given) -> QuerySet:
    """As ``readers_of_working_copy``, for a prepared question too."""
    places = apps.get_model("proposals", "TeamMember").objects.active()
    team = places.filter(membership__consortium=consortium, membership__status=MembershipStatus.CONSENTED)
    rights = apps.get_model("proposals", "ProposalGrant").objects.filter(
        content_object=proposal, permission__codename__in=["view_proposal", "change_proposal"]
    )
    recusals = apps.get_model("proposals", "Recusal").objects.filter(proposal=proposal)
    people = apps.get_model("program", "User").objects.filter(is_active=True)
    people = people.filter(Q(pk__in=team.values("user")) | Q(pk__in=rights.values("user")))
    return people.exclude(pk__in=recusals.values("user")).order_by("name", "pk")


@Prepared
def readers_by_name() -> QuerySet[User, tuple[Any, ...]]:
    """Key and name of those who read the working copy, for the pages that offer them."""
    proposal, consortium = (Given(name, models.BigIntegerField()) for name in ("proposal", "consortium"))
    return readers_of(proposal, consortium).values_list("pk", "name")


def editors_of_working_copy(proposal: Proposal) -> QuerySet:
    """Of its readers those who may change it: the team, and counsel with a grant to edit."""
    readers = readers_of_working_copy(proposal)
    rights = apps.get_model("proposals", "ProposalGrant").objects.filter(content_object=proposal.pk)
    on_team = (
        apps.get_model("proposals", "TeamMember")
        .objects.active()
        .filter(membership__consortium=proposal.consortium_id, membership__status=MembershipStatus.CONSENTED)
    )
    edits = rights.filter(permission__codename="change_proposal")
    return readers.filter(Q(pk__in=on_team.values("user")) | Q(pk__in=edits.values("user")))


def leads_in_force(user: User) -> QuerySet:
    """The offices by which ``user`` leads an evaluating agency today."""
    offices = apps.get_model("program", "Office").objects.in_force(on=clock.today_of(user))
    return offices.filter(user_id=user.pk, role=OfficeRole.LEAD, agency__is_evaluating=True)


def signing_delegations(user: User) -> QuerySet:
    """What ``user`` may sign today for a giver who holds the office: determinations, an agency's positions.

    The positions of an agency are signed by its own reviewers alone.
    """
    today = clock.today_of(user)
    delegation = apps.get_model("program", "Delegation")
    offices = apps.get_model("program", "Office").objects.in_force(on=today)
    given_by = offices.filter(user=OuterRef("given_by"), agency=OuterRef("agency"))
    determinations = Q(
        Exists(given_by.filter(role=OfficeRole.DECISION_OFFICIAL)), act=delegation.SIGN_DETERMINATION
    )
    positions = Q(
        Exists(given_by.filter(role=OfficeRole.LEAD)),
        act=delegation.SIGN_POSITION,
        agency__code__in=user.agencies_as(OfficeRole.REVIEWER),
        agency__is_evaluating=True,
    )
    return delegation.objects.in_force(on=today).filter(determinations | positions, given_to=user.pk)


class CertificationQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """The newest certification of each live proposal, not used by a version and not noted as lost."""
        newer = self.model._default_manager.filter(proposal=OuterRef("proposal"), pk__gt=OuterRef("pk"))
        rows = self.filter(~Exists(newer), version=None, loss=None, proposal__status__in=LIVE)
        return rows.select_related("proposal", "signer").order_by("pk")


class VersionQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Versions of the proposals that ``user`` may see."""
        proposals = apps.get_model("proposals", "Proposal").objects.visible_to(user)
        return self.filter(proposal__in=proposals)

    def current(self) -> Self:
        """The last version of each proposal."""
        return self.filter(number=F("proposal__version_count"))

    def targeting(self, code: str) -> Self:
        """Versions one of whose target markets holds the country, as they were submitted, s.3(b)(ii)."""
        return self.filter(targets__contains=[code])


class RecusalQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and all of them for program officers and auditors who are not recused themselves."""
        own = Q(user_id=user.pk or 0)
        if user.is_authenticated and user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR):
            proposals = apps.get_model("proposals", "Proposal").objects.visible_to(user)
            return self.filter(own | Q(proposal__in=proposals))
        return self.filter(own)


class StandingRecusals(models.Manager.from_queryset(RecusalQuerySet)):  # type: ignore[misc]
    """The recusals that stand, as every question of access asks them; a lifted one is history."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(lifted_at=None)


def works_for_proposers(user: User) -> bool:
    """Whether ``user`` is on the team of a consortium, or is counsel with a right on a proposal."""
    places = apps.get_model("proposals", "TeamMember").objects.active()
    return places.filter(user=user).exists() or counsel_grants(user.pk).exists()


def people_proposing(call: Call) -> QuerySet:
    """Keys of the people on the teams of the live proposals under ``call``: its changes concern them."""
    return _on_teams_of(proposed_under(call))


def people_who_submitted(call: Call) -> QuerySet:
    """Those of them whose proposal was submitted: of the others the Government knows nothing."""
    return _on_teams_of(proposed_under(call).exclude(submitted_at=None))


def _on_teams_of(proposals: QuerySet) -> QuerySet:
    places = apps.get_model("proposals", "TeamMember").objects.active()
    return places.filter(
        membership__status=MembershipStatus.CONSENTED,
        membership__consortium__in=proposals.values("consortium"),
    ).values("user")


def proposed_under(call: Call) -> QuerySet:
    """The live proposals under ``call``."""
    ended = [ProposalStatus.WITHDRAWN, ProposalStatus.LAPSED]
    return apps.get_model("proposals", "Proposal").objects.filter(call=call).exclude(status__in=ended)


def consortia_that_submitted(call: Call) -> int:
    """How many consortia have a live proposal under ``call`` that was submitted."""
    submitted = proposed_under(call).exclude(submitted_at=None)
    return int(submitted.aggregate(count=Count("consortium", distinct=True))["count"])


def people_with_more_time(call: Call) -> QuerySet:
    """People on the teams of proposals for which the time goes on although ``call`` closes.

    It was given more time, or was returned and its cure period ends later.
    """
    places = apps.get_model("proposals", "TeamMember").objects.active()
    now = clock.now()
    longer = apps.get_model("proposals", "Proposal").objects.filter(
        Q(status__in=LIVE, extended_to__gt=now) | Q(status=ProposalStatus.RETURNED, cure_due_at__gt=now),
        call=call,
    )
    return apps.get_model("program", "User").objects.filter(
        pk__in=places.filter(membership__consortium__in=longer.values("consortium")).values("user")
    )
