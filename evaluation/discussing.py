"""To whom somebody can speak in the discussion of a proposal, about what, and how much is new to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Count, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import JSONArray

from evaluation.enums import Grade, ReviewStatus
from evaluation.models import Assignment, DiscussionComment, Review
from evaluation.notices import holders, signers_for
from evaluation.querysets.consultation import positions_to_sign
from evaluation.querysets.discussion import discussed_by
from evaluation.querysets.reviews import assigned_to
from program import clock
from program.enums import OfficeRole
from program.models import Agency, Criterion, Office, User
from program.prepared import Given, PreparedByOffices
from program.requests import number_said
from proposals.enums import Part
from proposals.querysets import offices_that_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

    from proposals.models import Proposal

#: What is done to a discussion one at a time; a recusal is too, so that nobody is told beside it
DISCUSS = "discuss"
#: Why it is kept from who asks for records
CITATION = "5 U.S.C. 552(b)(5)"
MEANINGS = {
    Grade.OWN_AGENCY: "Its leads, who signs for it, and its reviewers of this proposal.",
    Grade.ALL_AGENCIES: "Everybody who works on this proposal for one of the five agencies, the Program "
    "office, and who decides.",
    Grade.PROGRAM_OFFICE: "Program officers and you. No agency reads it, not your own either.",
}


class Room(NamedTuple):
    """Who is spoken to; ``code`` names it in a form."""

    grade: Grade
    agency: Agency | None = None
    party: User | None = None

    @property
    def code(self) -> str:
        return f"{self.grade}:{self.agency.code}" if self.agency else str(self.grade)

    @property
    def label(self) -> str:
        return f"{self.grade.label}, {self.agency}" if self.agency else str(self.grade.label)

    @property
    def meaning(self) -> str:
        if self.party:
            return f"Program officers and {self.party}, nobody else of an agency."
        return MEANINGS[self.grade]


class Subject(NamedTuple):
    """What a comment is about: a part, a criterion, an agency's reviews, or nothing of these: the whole."""

    part: str = ""
    criterion: Criterion | None = None
    reviews_of: Agency | None = None

    @property
    def kind(self) -> str:
        if self.criterion:
            return "Criteria of the call"
        return "Reviews" if self.reviews_of else "Parts of the package"

    @property
    def label(self) -> str:
        if self.criterion:
            return self.criterion.title
        return f"Reviews of {self.reviews_of}" if self.reviews_of else str(Part(self.part).label)


class Tally(NamedTuple):
    """How many comments a person may read, and how many of them are new to them."""

    written: int
    new: int

    @property
    def words(self) -> str:
        said = f"{self.written} comment{'' if self.written == 1 else 's'}" if self.written else "no comment"
        return f"{said}, {self.new} new" if self.new else said


def tally_of(user: User, proposal: Proposal) -> Tally | None:
    """What stands in the discussion for ``user``; None for who takes no part in it. One statement."""
    asked = tallies.of(offices_that_read(user))
    said = asked.ask(person=user.pk, proposal=proposal.pk, **clock.given())
    return Tally(*said[0] or (0, 0)) if said else None


@PreparedByOffices
def tallies(reader: Any) -> QuerySet[Proposal, tuple[Any, ...]]:
    """How many comments stand and how many of them are new, ``[n, new]``, or null where none stands."""
    rows = DiscussionComment.objects.visible_to(reader).standing().order_by()
    rows = rows.filter(version__proposal=OuterRef("pk")).alias(is_new=rows.new_to(reader))
    counted = rows.values("version__proposal").annotate(
        said=JSONArray(Count("pk"), Count("pk", filter=Q(is_new=True)))
    )
    here = discussed_by(reader).filter(pk=Given("proposal", BigIntegerField())).order_by()
    return here.values_list(Subquery(counted.values("said")))


def agencies_of(user: User, proposal: Proposal) -> list[Agency]:
    """The evaluating agencies for which ``user`` works on the proposal."""
    works = Q(code__in=user.agencies_as(OfficeRole.LEAD))
    works |= Q(pk__in=positions_to_sign(user).values("agency"))
    works |= Q(pk__in=assigned_to(user).filter(proposal=proposal.pk).values("agency"))
    return list(Agency.objects.filter(works, is_evaluating=True))


def rooms_of(agencies: Iterable[Agency], answers: DiscussionComment | None = None) -> list[Room]:
    """To whom somebody of these agencies can speak.

    An answer is for the same people as what it answers, which come first, or for fewer of them.
    """
    own = [Room(Grade.OWN_AGENCY, agency) for agency in agencies]
    everybody, office = Room(Grade.ALL_AGENCIES), Room(Grade.PROGRAM_OFFICE)
    if answers is None:
        return [*own, everybody, office]
    if answers.grade == Grade.OWN_AGENCY:
        return [room for room in own if room.agency == answers.agency]
    if answers.grade == Grade.PROGRAM_OFFICE:
        return [office._replace(party=answers.party)]
    return [everybody, *own, office]


def owes_sheet_on(user: User, proposal: Proposal) -> bool:
    """Whether ``user`` is to review the last version of the proposal and has not handed the sheet in."""
    handed_in = Review.objects.filter(
        reviewer=user.pk, status=ReviewStatus.SUBMITTED,
        version__proposal=proposal.pk, version__number=proposal.version_count,
    )  # fmt: skip
    mine = Assignment.objects.held_by(user).filter(proposal=proposal.pk)
    return mine.filter(~Exists(handed_in)).exists()


def subjects_for(user: User, proposal: Proposal, agencies: Sequence[Agency]) -> dict[str, Subject]:
    """What ``user`` can speak about, by the codes of the form.

    Of reviews who reads them: for their own agencies, an officer for all five; nobody whose own is not in.
    """
    found = {"": Subject()} | {f"part:{part}": Subject(part=part) for part in Part}
    for criterion in proposal.call.criteria.all():
        found[f"criterion:{criterion.pk}"] = Subject(criterion=criterion)
    if owes_sheet_on(user, proposal):
        return found
    is_officer = user.holds(OfficeRole.PROGRAM_OFFICER)
    reviewed = Agency.objects.filter(is_evaluating=True) if is_officer else agencies
    return found | {f"reviews:{agency.code}": Subject(reviews_of=agency) for agency in reviewed}


def people_to_name(user: User, proposal: Proposal, agencies: Iterable[Agency]) -> Any:
    """Whom ``user`` can ask to read: leads, program officers, who works for one's own agency, who spoke.

    Who reviews for another agency is not told by this list.
    """
    leads = holders(proposal, OfficeRole.LEAD).filter(offices__agency__is_evaluating=True)
    known = Q(pk__in=leads.values("pk"))
    known |= Q(pk__in=holders(proposal, OfficeRole.PROGRAM_OFFICER).values("pk"))
    spoke = DiscussionComment.objects.visible_to(user).of(proposal).order_by()
    known |= Q(pk__in=spoke.values("author"))
    for agency in agencies:
        known |= Q(pk__in=workers_for(agency, proposal).values("pk"))
    recused = proposal.recusals.values("user")
    people = with_agencies(User.objects.filter(known, is_active=True))
    return people.exclude(pk=user.pk).exclude(pk__in=recused).order_by("agency_names", "name", "pk")


def gone_from(user: User, proposal: Proposal, agencies: Iterable[Agency], keys: Iterable[str]) -> list[str]:
    """Names of those of ``keys`` whom ``user`` could have named, and who take part no more.

    Leads, program officers, who held an office in one's own agency, who spoke: of others no name is told.
    """
    offices = Office.objects.filter(role=OfficeRole.PROGRAM_OFFICER)
    offices |= Office.objects.filter(role=OfficeRole.LEAD, agency__is_evaluating=True)
    offices |= Office.objects.filter(agency__in=list(agencies))
    spoke = DiscussionComment.objects.visible_to(user).of(proposal).order_by()
    known = Q(pk__in=offices.values("user")) | Q(pk__in=spoke.values("author"))
    people = User.objects.filter(known, pk__in=[key for key in map(number_said, keys) if key is not None])
    return [str(person) for person in people.order_by("name", "pk")]


def say_gone(names: Sequence[str]) -> str:
    """Why a comment that names people was not sent: they take part no more."""
    who = ", ".join(names) or "Somebody whom you named"
    takes = "take" if len(names) > 1 else "takes"
    return (
        f"{who} {takes} no part in this evaluation any more: recused from it, kept away until the ethics "
        "official decides, or out of office. Nothing was sent, and your text is kept."
    )


def with_agencies(people: QuerySet[User]) -> Any:
    """With ``agency_names``, by which a list tells people apart."""
    offices = Office.objects.in_force().filter(user=OuterRef("pk"))
    names = offices.order_by("agency__display_name").values("agency__display_name").distinct()
    return people.annotate(agency_names=ArraySubquery(names))


def workers_for(agency: Agency, proposal: Proposal) -> QuerySet[User]:
    """Who works on the proposal for the agency: who signs for it, and its reviewers who have declared."""
    assigned = proposal.assignments.free_to_read().filter(agency=agency)
    reviewers = holders(proposal, OfficeRole.REVIEWER, agency=agency).filter(
        pk__in=assigned.values("reviewer")
    )
    return User.objects.filter(
        Q(pk__in=signers_for(agency, proposal).values("pk")) | Q(pk__in=reviewers.values("pk"))
    )


def readers_among(comment: DiscussionComment, people: Iterable[User]) -> list[User]:
    """Those of ``people`` who may read the comment; two statements, whatever their number.

    Each is asked the one question that their page asks.
    """
    asked = list(people)
    if not asked:
        return []
    read_offices(asked)
    rows = DiscussionComment.objects.order_by()
    questions = [
        rows.visible_to(person)
        .filter(pk=comment.pk)
        .annotate(reader=Value(person.pk, output_field=BigIntegerField()))
        .values_list("reader", flat=True)
        for person in asked
    ]
    readers: set[Any] = set(rows.none().union(*questions, all=True))
    return [person for person in asked if person.pk in readers]


def read_offices(people: Iterable[User]) -> None:
    """Let each of ``people`` know the offices that they hold today, in one statement for all."""
    held: dict[int, set[tuple[str, str]]] = {person.pk: set() for person in people if person.is_active}
    rows = Office.objects.in_force().filter(user__in=held).order_by()
    for key, role, agency in rows.values_list("user", "role", "agency__code"):
        held[key].add((role, agency))
    for person in people:
        person.offices_held = frozenset(held.get(person.pk, ()))
