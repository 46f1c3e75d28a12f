"""The public catalog and what is to be released in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Count, F, Func, Q, Value

from evaluation.enums import CatalogReleaseStatus, DesignationStatus
from evaluation.querysets.proposals import OfProposalQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from program.models import User


class CatalogQuerySet(OfProposalQuerySet):
    path = "designation__proposal"

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

    def withheld(self) -> Self:
        """Public entries of which a text is kept back until it is reviewed."""
        return self.public().filter(withheld_at__isnull=False)

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


class CatalogReleaseQuerySet(OfProposalQuerySet):
    path = "designation__proposal"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of designations one may see."""
        designations = apps.get_model("evaluation", "Designation").objects.visible_to(user)
        return self.filter(designation__in=designations)

    def waiting(self) -> Self:
        """Texts that the Program office has not decided on, of designations in force."""
        return self.filter(status=CatalogReleaseStatus.PROPOSED, designation__status=DesignationStatus.ACTIVE)

    def published(self) -> Self:
        """Texts that an officer has read and published."""
        return self.filter(status=CatalogReleaseStatus.PUBLISHED)
