"""Parties as they are compared with those of other packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db.models import F

from evaluation.querysets.proposals import OfVersionQuerySet
from proposals.enums import ProposalStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What a new package is compared with
COMPARED = (
    ProposalStatus.SUBMITTED,
    ProposalStatus.RETURNED,
    ProposalStatus.UNDER_EVALUATION,
    ProposalStatus.DESIGNATED,
)


#: What ``Package.parties`` calls a member
MEMBER_ROLES = ("Anchor", "Member")


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

    def members_named(self, names: Iterable[str], *, apart_from: Any) -> Self:
        """Members of other consortia by a normalized name, the newest version first."""
        rows = self.compared().filter(compared__in=names, role__in=MEMBER_ROLES)
        rows = rows.exclude(version__proposal=apart_from.proposal_id)
        return rows.select_related("version").order_by("-version", "pk")

    def for_list(self) -> Self:
        """With the proposal and what tells whether it is a duplicate; anchors first."""
        rows = self.select_related("version__proposal__call", "version__profile")
        return rows.defer("version__package").order_by("-is_anchor", "-version", "pk")
