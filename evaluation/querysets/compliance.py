"""Checks of destinations, holdings and answers: which stand and which bar."""

from __future__ import annotations

from typing import Self

from django.apps import apps
from django.db import models
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    When,
)

from evaluation.enums import ComplianceResult, Weighed
from evaluation.querysets.proposals import OfProposalQuerySet
from evaluation.querysets.screening import of_newest_run
from program.prepared import Constant
from proposals.enums import ProposalStatus

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

    def not_set_aside(self) -> Self:
        """Flags that stand or wait for people."""
        return self.with_standing().filter(is_off=False)

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
