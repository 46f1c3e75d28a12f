"""The discussion of a proposal, by who may read each comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce, NullIf

from evaluation.enums import Grade
from evaluation.querysets.consultation import positions_to_sign
from evaluation.querysets.interests import owes_declaration
from evaluation.querysets.people import delegations_in_force, reached, signs_for
from evaluation.querysets.proposals import OfVersionQuerySet
from evaluation.querysets.reviews import assigned_to, owes_sheet
from program.enums import OfficeRole
from program.models import Delegation
from proposals.models import Proposal
from proposals.querysets import leads_in_force

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from program.models import User


def takes_part(user: User, proposal: str = "pk", *, writing: bool = False) -> Q:
    """Whether ``user`` has a hand in the evaluation of the proposal at ``proposal``.

    The Program office and who decides; for an agency who leads it, who signs for it and who was assigned.
    For ``writing`` a delegation must reach the proposal: from what its giver is recused, nobody speaks for
    them.
    """
    if user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL):
        return Q(pk__isnull=False)
    leads = Q(Exists(leads_in_force(user)))
    assigned = Q(Exists(assigned_to(user).filter(proposal=OuterRef(proposal))))
    if writing:
        signs = Q(signs_for(user, proposal))
        decides = Q(reached(user, Delegation.SIGN_DETERMINATION, proposal))
    else:
        signs = Q(Exists(positions_to_sign(user)))
        decides = Q(Exists(delegations_in_force(user, Delegation.SIGN_DETERMINATION)))
    return leads | signs | assigned | decides


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
    return rows.filter(takes_part(user, writing=writing))


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
        """Everything that a comment prints; the texts in the order they were written, the last one stands.

        With ``addressed``, the names of those to whom it is addressed.
        """
        mentions: Any = apps.get_model("evaluation", "DiscussionComment")._meta.get_field("mentions")
        named = mentions.remote_field.through._default_manager.filter(discussioncomment=OuterRef("pk"))
        name = Coalesce(NullIf("user__name", Value("")), "user__email", output_field=models.TextField())
        names = ArraySubquery(named.order_by("user__name", "user").values_list(name))
        rows = self.annotate(is_new=self.new_to(user), addressed=names).select_related(
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
