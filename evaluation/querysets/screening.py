"""Checks of parties against lists: which are the newest, which wait, which bar."""

from __future__ import annotations

from typing import Self

from django.apps import apps
from django.db import models
from django.db.models import (
    BooleanField,
    Case,
    Count,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    When,
)

from evaluation.enums import Adjudicated, CheckResult
from evaluation.querysets.proposals import OfProposalQuerySet
from program.prepared import Constant

TWO_PEOPLE_SCORE = 95


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
        that; ``clearing_count`` how many of them it takes. ``is_confirmed`` and ``is_cleared`` follow. What
        was said before the match was opened anew does not count.
        """
        opinions = apps.get_model("evaluation", "Adjudication").objects
        reopenings = opinions.filter(party_check=OuterRef("pk"), outcome=Adjudicated.REOPENED)
        confirmations = opinions.filter(party_check=OuterRef("pk"), outcome=Adjudicated.CONFIRMED)
        corrects = Q(adjudications__pk__gt=F("confirmation"), adjudications__replaces__isnull=False)
        cleared = Q(adjudications__outcome=Adjudicated.FALSE_POSITIVE) & (Q(confirmation=None) | corrects)
        cleared &= Q(reopening=None) | Q(adjudications__pk__gt=F("reopening"))
        two_people = Q(confirmation__isnull=False) | Q(score__gte=Constant(TWO_PEOPLE_SCORE))
        two_people |= Q(result=CheckResult.UNREADABLE)
        enough = Q(cleared_count__gte=F("clearing_count"))
        return self.annotate(
            confirmation=Subquery(confirmations.order_by("-pk").values("pk")[:1]),
            reopening=Subquery(reopenings.order_by("-pk").values("pk")[:1]),
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
        opinions = opinions.select_related(
            "decided_by", "replaces__decided_by", "carried_from__party_check__run__version__proposal"
        ).defer("carried_from__party_check__run__version__package")
        said = models.Prefetch("adjudications", opinions)
        return self.select_related(
            "entry", "run__version__proposal__consortium", "run__screening_list"
        ).prefetch_related(said)
