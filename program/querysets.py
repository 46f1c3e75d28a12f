"""Questions to the database about the Program's own records."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import models
from django.db.models import Count, Exists, Func, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Coalesce, JSONObject, TruncDate

from program import clock
from program.enums import (
    ActionStatus,
    AppointmentStatus,
    CallStatus,
    DeliveryState,
    DutyState,
    OfficeRole,
    QuestionStatus,
)
from program.writes import writes_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser

    from program.models import Call, User

#: Mail that is still owed after this is late
LATE: Final = "late"
LATE_AFTER: Final = timedelta(minutes=5)
#: What decides whether a file is handed out
SCANNED: Final = ("is_generated", "scan_state", "scan_attempts", "released_at")
#: The acts that give a draft back to those who wrote it
SENT_BACK: Final = ("call.send_back", "call.reopen")
PUBLIC_CALL_STATUSES = (CallStatus.ISSUED, CallStatus.CLOSED, CallStatus.CANCELLED)


class AppointmentQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for the Program office and auditors; nobody else learns of an office that is not given."""
        reads = user.is_authenticated and user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR)
        return self.all() if reads else self.none()

    def waiting(self) -> Self:
        return self.filter(status=AppointmentStatus.PROPOSED)

    def to_confirm(self, officer: User) -> Self:
        """Those that ``officer`` has not proposed and that are not of their own person."""
        return self.waiting().exclude(proposed_by=officer.pk).exclude(user=officer.pk)

    def for_list(self) -> Self:
        return self.select_related("user", "agency", "proposed_by").order_by("pk")


class CallQuerySet(models.QuerySet):
    """A cancelled call is public only when it had been issued."""

    def public(self) -> Self:
        """With ``asked_at``, the database's time of the question: what is open is judged by that clock."""
        return self._public(asked_at=clock.in_query())

    def public_in_prepared(self) -> Self:
        """As ``public`` for a prepared question, which is asked with ``**clock.given()``."""
        return self._public(asked_at=clock.in_prepared())

    def _public(self, *, asked_at: Any) -> Self:
        rows = self.filter(status__in=PUBLIC_CALL_STATUSES, issued_at__isnull=False)
        return rows.annotate(asked_at=asked_at)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Issued calls for everybody; drafts for program officers and auditors only."""
        if user.is_authenticated and user.holds(
            OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR
        ):
            return self.all()
        return self.public()

    def open_at(self, at: datetime) -> Self:
        """Calls that take proposals at the moment ``at``."""
        return self.filter(status=CallStatus.ISSUED, closes_at__gt=at)

    def due_to_close(self, at: datetime) -> Self:
        return self.filter(status=CallStatus.ISSUED, closes_at__lte=at)

    def sent_back(self) -> Self:
        """Drafts that were sent back to their drafters, and of which nothing was done since."""
        events = apps.get_model("program", "AuditEvent")._default_manager
        last = events.filter(subject_type="program.call", subject_id=Cast(OuterRef("pk"), models.CharField()))
        acts = Subquery(last.order_by("-sequence").values("act")[:1])
        return self.filter(status=CallStatus.DRAFT).annotate(last_act=acts).filter(last_act__in=SENT_BACK)

    def for_public_page(self, *, sought: str = "") -> Self:
        """All that the public page of a call prints, in one statement: its parts come as lists of rows.

        Of the published answers those with the words ``sought``, or all.
        """
        return self.annotate(
            requirement_rows=rows_of(
                "Requirement", "sort_order",
                "code", "title", "guidance", "clause", "is_mandatory", "max_characters", "source",
                "evidence_type", "choices", "demanded_from", "demanded_to",
            ),
            criterion_rows=rows_of(
                "Criterion", "sort_order", "title", "guidance", "clause", "weight", "is_independent",
                "lowest", "highest", "anchors", also={"agencies": agencies_asked()},
            ),
            place_rows=rows_of(
                "IneligibleJurisdiction", "layer", "layer", "country__name", "reason", "source", "confidence",
                "effective_from", "effective_to",
            ),
            file_rows=rows_of(
                "CallFile", "pk",
                "pk", "title", "document__name", "document__size", "added_by_id", "withdrawn_by_id",
                *(f"document__{name}" for name in SCANNED),
            ),
            amendment_rows=rows_of(
                "Amendment", "number",
                "pk", "number", "kind", "summary", "reason", "legal_basis", "published_on", "effective_on",
                "text_before", "text_after", "due_on_before", "due_on_after", "warning", "demands",
            ),
            outage_rows=outages_beside(),
            question_rows=published_answers(sought),
        )  # fmt: skip

    def with_writes(self) -> Self:
        """``writes`` are other numbers once a row is written that ``for_public_page`` reads; a test says so.

        The tables that belong to no call are small, and are taken whole.
        """
        read = [
            self.model._default_manager.filter(pk=OuterRef("pk")),
            *(part.filter(call=OuterRef("pk")) for part in map(rows_in, PARTS_OF_CALL)),
            agencies_of_criteria().filter(criterion__in=parts_within("Criterion").values("pk")),
            rows_in("AnswerRevision").filter(question__in=parts_within("Question").values("pk")),
            rows_in("Document").filter(pk__in=parts_within("CallFile").values("document")),
            *map(rows_in, ("Agency", "Country", "Outage")),
        ]
        numbers = ArrayField(models.BigIntegerField())
        written = Func(*map(writes_of, read), template="ARRAY[%(expressions)s]", output_field=numbers)
        return self.annotate(writes=written)

    def for_desk_list(self) -> Self:
        """What a row of the desk's list prints; ``open_questions`` is how many wait for an answer."""
        questions = apps.get_model("program", "Question")._default_manager.filter(call=OuterRef("pk"))
        waiting = questions.filter(status=QuestionStatus.ASKED).order_by().values("call")
        counted = Subquery(waiting.annotate(number=Count("*")).values("number"))
        return self.defer("text", "certification_text").annotate(open_questions=Coalesce(counted, 0))


#: The models whose rows belong to one call and stand on its page
PARTS_OF_CALL: Final = (
    "Requirement", "Criterion", "IneligibleJurisdiction", "CallFile", "Amendment", "Question",
)  # fmt: skip


def rows_in(model: str) -> models.QuerySet:
    """All rows of a model of this app."""
    return apps.get_model("program", model)._default_manager.all()


def parts_within(model: str) -> models.QuerySet:
    """The rows of one of a call's parts, for a subquery within one that hangs on the call."""
    return rows_in(model).filter(call=OuterRef(OuterRef("pk"))).order_by()


def rows_of(
    model: str, order: str, *fields: str, also: dict[str, Any] | None = None, **conditions: Any
) -> ArraySubquery:
    """The rows of one of a call's parts as dictionaries, as a subquery; days and times are text.

    ``also`` are further entries of each dictionary, each an expression over its row.
    """
    rows = apps.get_model("program", model)._default_manager.filter(call=OuterRef("pk"), **conditions)
    return in_rows(rows, order, *fields, also=also)


def in_rows(
    rows: models.QuerySet, order: str, *fields: str, also: dict[str, Any] | None = None
) -> ArraySubquery:
    """``rows`` as dictionaries, in a subquery."""
    entries: dict[str, Any] = {**{name: name for name in fields}, **(also or {})}
    return ArraySubquery(rows.order_by(order, "pk").values(row=JSONObject(**entries)))


def outages_beside() -> ArraySubquery:
    """The outages that overlapped the time for which a call was open, as ``rows_of`` gives them."""
    rows = apps.get_model("program", "Outage")._default_manager.standing()
    rows = rows.overlapping(OuterRef("issued_at"), OuterRef("closes_at")).order_by("began_at", "pk")
    return ArraySubquery(
        rows.values(row=JSONObject(began_at="began_at", ended_at="ended_at", affected="affected"))
    )


class RegisterQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """The register as it stands: entries that no later one has corrected, and none made in error."""
        return self.filter(replaced_by=None, is_withdrawn=False)


class ClosureQuerySet(RegisterQuerySet):
    """Days on which federal offices are closed."""


class OutageQuerySet(RegisterQuerySet):
    def overlapping(self, since: Any, until: Any) -> Self:
        """Outages of which a moment lies from ``since`` on and before ``until``."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=since), began_at__lt=until)


def published_answers(sought: str) -> ArraySubquery:
    """The published answers of a call by their numbers, each with all its revisions."""
    given = apps.get_model("program", "AnswerRevision")._default_manager.filter(question=OuterRef("pk"))
    revisions = in_rows(given, "number", "number", "published_text", "answer", "reason", "given_at")
    answers = apps.get_model("program", "Question").objects.public().filter(call=OuterRef("pk"))
    return in_rows(
        answers.with_words(sought), "number", "number", "published_text", "answer", "answered_at", "topic",
        "about", "requirement_code", also={"revisions": revisions},
    )  # fmt: skip


def agencies_of_criteria() -> models.QuerySet:
    """Pairs of a criterion and an agency whose reviewers score it."""
    rows: models.QuerySet = apps.get_model("program", "Criterion").agencies.through._default_manager.all()
    return rows


def agencies_asked() -> ArraySubquery:
    """The names of the agencies whose reviewers alone score a criterion."""
    asked = (
        agencies_of_criteria().filter(criterion=OuterRef("pk")).order_by("agency__sort_order", "agency__code")
    )
    return ArraySubquery(asked.values_list("agency__display_name", flat=True))


class RequirementQuerySet(models.QuerySet):
    def demanded(self, at: datetime | None = None) -> Self:
        """What the call demands at the moment ``at``, or (None) as its requirements stand today."""
        if at is None:
            today = clock.today_in_query()
            rows = self.alias(
                first_on=TruncDate("demanded_from", tzinfo=clock.WASHINGTON),
                ended_on=TruncDate("demanded_to", tzinfo=clock.WASHINGTON),
            )
            begun = Q(demanded_from=None) | Q(first_on__lte=today)
            return rows.filter(begun, Q(demanded_to=None) | Q(ended_on__gt=today))
        began = Q(demanded_from=None) | Q(demanded_from__lte=at)
        return self.filter(began, Q(demanded_to=None) | Q(demanded_to__gt=at))


class CallFileQuerySet(models.QuerySet):
    def current(self) -> Self:
        """Those that belong to the call as it stands; an amendment took the others from it."""
        return self.filter(withdrawn_by=None)


class QuestionQuerySet(models.QuerySet):
    def public(self) -> Self:
        return self.exclude(number=None)

    def for_asker(self) -> Self:
        """What the asker reads of their own, the newest first."""
        own = self.select_related("same_as").prefetch_related("revisions")
        return own.order_by("-asked_at", "-pk")

    def with_words(self, sought: str) -> Self:
        """Those in whose published question, answer or heading all the words stand, in any form; or all."""
        if not sought:
            return self
        words = SearchVector("topic", "published_text", "answer", config="english")
        query = SearchQuery(sought, config="english", search_type="websearch")
        return self.annotate(words=words).filter(words=query)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Published answers for everybody, one's own questions, all of them for program officers."""
        if not user.is_authenticated:
            return self.public()
        if user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR):
            return self.all()
        return self.filter(Q(asked_by=user) | ~Q(number=None))


class AuditEventQuerySet(models.QuerySet):
    def of(self, subject: models.Model) -> Self:
        """The chain of one subject, first event first."""
        return self.of_kind(type(subject), str(subject.pk))

    def of_kind(self, kind: type[models.Model], key: Any) -> Self:
        """As ``of`` the record of this kind with the ``key``, a text."""
        return self.filter(subject_type=kind._meta.label_lower, subject_id=key).order_by("sequence")

    def visible_to(self, user: User) -> Self:
        """The record is the auditor's, but for proposals from which the auditor is recused.

        Histories of one subject go through that subject; others see their own acts.
        """
        if user.is_authenticated and user.holds(OfficeRole.AUDITOR):
            return self.exclude(events_closed_to(user))
        return self.filter(actor_id=user.pk or 0)


#: What apps above answer: the keys of the proposals whose history a person's office does not open.
KEPT_FROM: Final[list[Callable[[User], models.QuerySet]]] = []


def keeps_from_record(keys_of: Callable[[User], models.QuerySet]) -> None:
    """Close the histories of the proposals that ``keys_of`` names to a person, whatever their office."""
    if keys_of not in KEPT_FROM:
        KEPT_FROM.append(keys_of)


def events_closed_to(user: User) -> Q:
    """Events of the proposals from which ``user`` is kept, and of all that hangs on them."""
    closed = Q(pk__in=[])
    for keys_of in KEPT_FROM:
        closed |= events_about(keys_of(user))
    return closed


def events_about(proposals: models.QuerySet | list[int], *, prefix: str = "") -> Q:
    """Events of these proposals (by their keys), and of all that hangs on them.

    A model whose records hang on a proposal says in ``proposal_path`` which look-up leads to it. ``prefix``
    leads from the row that is asked about to its event.
    """
    found = Q(pk__in=[])
    for model in apps.get_models():
        if path := getattr(model, "proposal_path", ""):
            hanging = model._base_manager.filter(**{f"{path}__in": proposals}).order_by()
            keys = hanging.values(key=Cast("pk", models.CharField()))
            kind = model._meta.label_lower
            found |= Q(**{f"{prefix}subject_type": kind, f"{prefix}subject_id__in": keys})
    return found


#: Kinds of notices that tell a consortium of its own working copy, as they say of themselves
HOUSEHOLD_KINDS: Final[set[str]] = set()


def households() -> list[str]:
    """Models whose records are a consortium's own household, of which no office is told."""
    return [model._meta.label_lower for model in apps.get_models() if getattr(model, "is_household", False)]


def deliberations() -> list[str]:
    """Models of whose records only those are told who find them in the list that they may see."""
    return [
        model._meta.label_lower for model in apps.get_models() if getattr(model, "is_deliberative", False)
    ]


class SubscriptionQuerySet(models.QuerySet):
    def of(self, user: User) -> Self:
        """A person's own, and those of the address from before they had an account."""
        return self.filter(Q(user=user) | Q(user=None, email=user.email, confirmed_at__isnull=False))

    def standing(self) -> Self:
        """Of people, and of addresses that were confirmed."""
        return self.filter(Q(user__isnull=False) | Q(confirmed_at__isnull=False))

    def refused(self) -> Self:
        """Of addresses whose readers want no link to confirm."""
        return self.filter(user=None, refused_at__isnull=False)

    def covering(self, call: Call) -> Self:
        """Those by which one hears of ``call``."""
        return self.standing().filter(Q(call=call) | Q(call=None))

    def of_strangers(self) -> Self:
        """Those of addresses that are nobody's: who has an account by now is told as a person."""
        people = apps.get_model("program", "User")._default_manager.filter(is_active=True, is_service=False)
        return self.filter(user=None).exclude(Exists(people.filter(email=OuterRef("email"))))


#: The kind of notice that carries others by mail and stands in no inbox.
DIGEST: Final = "daily-digest"


class NoticeQuerySet(models.QuerySet):
    def listed(self) -> Self:
        """Those that stand in somebody's list: a digest is a mail, what it gathers stands there itself."""
        return self.filter(closed_at=None).exclude(kind=DIGEST)

    def visible_to(self, user: User) -> Self:
        return self.listed().filter(recipient_id=user.pk or 0)

    def about(self, proposal: models.Model) -> Self:
        """Of events of a proposal, or of whatever hangs on it."""
        return self.filter(events_about([proposal.pk], prefix="event__"))

    def unread(self) -> Self:
        return self.filter(read_at=None)


#: Who reads the desk's side of the register; only program officers write there.
READS_DIRECTIVES = (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR)
NOT_DECIDED = (ActionStatus.IDENTIFIED, ActionStatus.DROPPED)


class DutyQuerySet(models.QuerySet):
    """Duties are public: both orders are."""

    def evidenced(self) -> Self:
        """Those with words, a link or a file on record."""
        return self.exclude(evidence="", evidence_url="", evidence_file=None)

    def held(self) -> Self:
        """Fulfilled, or in hand as a continuing duty; what nothing shows is neither."""
        return self.evidenced().filter(state__in=[DutyState.FULFILLED, DutyState.CONTINUING])


class AgencyActionQuerySet(models.QuerySet):
    def public(self) -> Self:
        """Those about which something is decided; what is under review, and that it is, stays inside."""
        return self.exclude(status__in=NOT_DECIDED)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Decided ones for everybody; all for those who read the register at the desk."""
        is_reader = user.is_authenticated and user.is_active and user.holds(*READS_DIRECTIVES)
        return self.all() if is_reader else self.public()


class ActionStepQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The steps of the actions that the person may see."""
        actions = apps.get_model("program", "AgencyAction").objects.visible_to(user)
        return self.filter(action__in=actions)


class DeliveryQuerySet(models.QuerySet):
    def due(self, at: datetime) -> Self:
        """What is owed and may be tried at ``at``, oldest first."""
        ripe = Q(not_before=None) | Q(not_before__lte=at)
        return self.filter(ripe, state=DeliveryState.OWED).order_by("pk")

    def late(self, at: datetime) -> Self:
        """What has been owed for more than five minutes at ``at``."""
        return self.filter(state=DeliveryState.OWED, notice__created_at__lt=at - LATE_AFTER)

    def with_suppression(self) -> Self:
        """With ``is_suppressed``: mail does not reach the recipient's address."""
        listed = apps.get_model("program", "Suppression")._default_manager
        address = Coalesce("notice__recipient__email", "notice__email")
        return self.annotate(
            mailed_to=address, is_suppressed=Exists(listed.filter(email=OuterRef("mailed_to")))
        )

    def to_tell(self) -> Self:
        """With all by which is asked whether the recipient may be told."""
        rows = self.with_suppression().select_related(
            "notice__recipient", "notice__event", "notice__subscription"
        )
        return rows.defer("notice__event__body")

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The log is the Program office's and the auditors', but for proposals that are closed to them.

        Nor is either told who works on a draft that was never submitted, nor the office of what a consortium
        does with the working copy of one that was.
        """
        if not (user.is_authenticated and user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR)):
            return self.none()
        closed = Q(notice__is_for_draft=True)
        for keys_of in KEPT_FROM:
            closed |= events_about(keys_of(user), prefix="notice__event__")
        if not user.holds(OfficeRole.AUDITOR):
            closed |= Q(notice__event__subject_type__in=households())
            closed |= Q(notice__kind__in=sorted(HOUSEHOLD_KINDS))
        return self.exclude(closed)


class OrganizationQuerySet(models.QuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those the person works for; partners read each other's facts in their consortium."""
        return (
            self.filter(pk__in=user.affiliations.values("organization"))
            if user.is_authenticated
            else self.none()
        )
