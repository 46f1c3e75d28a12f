"""Grants: a right on one object that one person gives another, stored by guardian, decided by ``rules``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import transaction
from guardian.shortcuts import assign_perm, remove_perm
from guardian.utils import get_user_obj_perms_model

from program import audit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AnonymousUser
    from django.db import models
    from django.db.models import QuerySet

    from program.models import AuditEvent, User
    from program.prepared import Whoever


@transaction.atomic
def grant(
    permission: str, *, on: models.Model, to: User, by: User, note: str = "", clause: str = ""
) -> AuditEvent:
    """Give ``to`` the right ``permission`` (``app.verb_model``) on one object; the caller asked ``by``'s."""
    assign_perm(permission.partition(".")[2], to, on)
    return audit.record(
        on, "grant.give", by=by, after={"permission": permission, "to": to.email}, note=note, clause=clause
    )


@transaction.atomic
def revoke(
    permission: str, *, on: models.Model, of: User, by: User, note: str = "", clause: str = ""
) -> AuditEvent:
    """Take the right ``permission`` on one object back from ``of``."""
    remove_perm(permission.partition(".")[2], of, on)
    return audit.record(
        on, "grant.revoke", by=by, before={"permission": permission, "of": of.email}, note=note, clause=clause
    )


@transaction.atomic
def revoke_each(
    permissions: Iterable[str], *, on: models.Model, of: User, by: User, clause: str = ""
) -> AuditEvent | None:
    """Take back what stands of ``permissions`` on one object, as one act; None when nothing stands."""
    wanted = {permission.partition(".")[2]: permission for permission in permissions}
    rows: Any = get_user_obj_perms_model(on)._default_manager
    standing = rows.filter(user=of, content_object_id=on.pk, permission__codename__in=wanted)
    locked = standing.select_related("permission").select_for_update(of=("self",))
    taken = sorted(wanted[row.permission.codename] for row in locked)
    if not taken:
        return None
    standing.delete()
    return audit.record(
        on, "grant.revoke", by=by, before={"permissions": taken, "of": of.email}, clause=clause
    )


def granted_pks(permission: str, user: User | AnonymousUser | Whoever) -> QuerySet:
    """Keys of the objects on which ``user`` was granted ``permission``; none for a stranger."""
    app_label, _, codename = permission.partition(".")
    model = apps.get_model(app_label, codename.rpartition("_")[2])
    grants = get_user_obj_perms_model(model)._default_manager.filter(  # type: ignore[arg-type]
        user_id=user.pk or 0, permission__codename=codename, permission__content_type__app_label=app_label
    )
    return grants.values("content_object_id")
