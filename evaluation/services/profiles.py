"""That a version is written down to be compared with other proposals, when it is submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.models import NamedParty, VersionProfile
from evaluation.profiles import compared_text, named_in
from proposals.models import Membership

if TYPE_CHECKING:
    from proposals.models import Version


def profile_version(version: Version) -> VersionProfile:
    """Write down what of a version is compared, within the transaction that submits it."""
    package = version.value
    members = Membership.objects.filter(consortium=version.proposal.consortium_id)
    organizations = {f"member-{pk}": key for pk, key in members.values_list("pk", "organization")}
    profile = VersionProfile.objects.create(
        version=version, title=compared_text(package.title), summary=compared_text(package.summary)
    )
    NamedParty.objects.bulk_create(
        [NamedParty(version=version, **facts) for facts in named_in(package, organizations)], batch_size=500
    )
    return profile
