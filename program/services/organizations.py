"""The facts of an organization, kept by its administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from program import audit
from program.models import Country, Organization, User
from program.revisions import hold

EDITABLE: Final = (
    "legal_name", "aliases", "uei", "cage", "incorporated_in", "headquartered_in", "ultimate_parent",
    "parent_country", "is_small_business",
)  # fmt: skip


@transaction.atomic
def update_organization(
    organization: Organization, *, by: User, revision: int, values: Mapping[str, Any]
) -> Organization:
    """Save what an administrator changed, read at ``revision``; raises StaleRevision after another's save."""
    if not by.has_perm("program.change_organization", organization):
        raise PermissionDenied("Only an administrator of the organization may change its details.")
    hold(organization, revision=revision)
    names = [name for name in EDITABLE if name in values]
    before = {name: str(getattr(organization, name) or "") for name in names}
    for name in names:
        setattr(organization, name, values[name])
    organization.full_clean()
    organization.revision += 1
    organization.save(update_fields=[*names, "revision", "updated_at"])
    after = {name: str(getattr(organization, name) or "") for name in names}
    audit.record(organization, "organization.change", by=by, before=before, after=after)
    return organization


@transaction.atomic
def name_organization(
    legal_name: str, *, by: User, incorporated_in: Country, headquartered_in: Country
) -> Organization:
    """Enter an organization for others to complete: whoever is first of its people keeps its facts."""
    organization = Organization(
        legal_name=legal_name, incorporated_in=incorporated_in, headquartered_in=headquartered_in
    )
    organization.full_clean()
    organization.save()
    audit.record(organization, "organization.name", by=by, after=legal_name)
    return organization
