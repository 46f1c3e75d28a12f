"""The working copy: begin it, save it row by row, give counsel access; saving demands nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from program import audit, clock, grants, notices
from program.revisions import hold
from program.services.people import holds_office
from program.transitions import NotReady, Problem, require
from proposals.models import (
    Attachment,
    ComplianceStatement,
    Consortium,
    Marking,
    OperatingRole,
    Proposal,
    Provision,
)
from proposals.notice_kinds import NO_LONGER_SHARED, SHARED
from proposals.notices import address
from proposals.questionnaire import SUBJECTS
from proposals.services.consents import members_of, renew_consents, shares_of
from proposals.services.removal import keep_removed
from proposals.withholding import close_out_of_sight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from program.models import AuditEvent, Call, Document, User
    from proposals.models.parts import Row

R = TypeVar("R", bound="Row | Proposal | Attachment | Marking")
MEMBERS = frozenset({"supplier", "membership"})
RIGHTS = {"proposals.view_proposal": "read", "proposals.change_proposal": "read and edit"}


@transaction.atomic
def create_proposal(call: Call, consortium: Consortium, *, by: User, title: str = "") -> Proposal:
    """Begin a draft under an open call; one live proposal per call and consortium."""
    require("proposals.add_proposal", by, consortium)
    if not call.issued_at or not call.closes_at or call.cancelled_at or clock.now() >= call.closes_at:
        raise NotReady([Problem("call-not-open", "This call takes no new proposals.", "E.O. 14320 s.3(c)")])
    consortium.refresh_from_db(from_queryset=Consortium.objects.select_for_update())
    proposal = Proposal(call=call, consortium=consortium, title=title, created_by=by)
    proposal.full_clean(validate_constraints=False)
    try:
        proposal.validate_constraints()
    except ValidationError as error:
        message = "This consortium already has a proposal under this call."
        raise NotReady([Problem("one-per-call", message, "E.O. 14320 s.3(b)")]) from error
    proposal.save()
    ComplianceStatement.objects.bulk_create(
        ComplianceStatement(proposal=proposal, subject=subject.code) for subject in SUBJECTS
    )
    audit.record(proposal, "proposal.create", by=by, after={"call": call.number}, clause="E.O. 14320 s.3(b)")
    return proposal


@transaction.atomic
def save_row(row: R, *, by: User, values: Mapping[str, Any], revision: int | None) -> R:
    """Save ``values`` (field -> value, lists for many) of one row that was read at ``revision``.

    Raises StaleRevision when somebody saved it since: ``error.record`` holds the text that stands now, the
    caller's own text is in ``values``. Raises ValidationError for what no draft can hold, such as an amount
    of thirty digits. ``revision`` is None for a row that is new in this transaction.
    """
    hold(row, revision=revision, with_related=_way_to_proposal(row))
    require("proposals.change_proposal", by, _proposal_of(row))
    many = {field.name for field in row._meta.many_to_many} & values.keys()
    plain = [name for name in values if name not in many]
    before, members = shares_of(row), members_of(row)
    for name in plain:
        field = row._meta.get_field(name)
        if not field.editable:
            raise PermissionDenied(f"{name} is not edited here.")
        setattr(row, name, values[name])
    if MEMBERS & values.keys():
        _require_own_members(row)
    untouched = [field.name for field in row._meta.concrete_fields if field.name not in plain]
    row.full_clean(exclude=untouched, validate_unique=False)
    for name in many:
        getattr(row, name).set(values[name])
    row.revision += 1
    named = ["saved_by"] if hasattr(row, "saved_by_id") else []
    if named:
        row.saved_by = by  # type: ignore[union-attr]
    if isinstance(row, Proposal):
        row.saved_at = clock.instant()
        named.append("saved_at")
    row.save(update_fields=[*plain, *named, "revision", "updated_at"])
    renew_consents(before ^ shares_of(row), by=by, known=members | members_of(row))
    return row


@transaction.atomic
def add_row(row: R, *, by: User, values: Mapping[str, Any] | None = None) -> R:
    """Add a row that names its proposal (or site) and whatever is known of it."""
    values = dict(values or {})
    _require_change(row, by)
    many = {field.name for field in row._meta.many_to_many} & values.keys()
    for name in values.keys() - many:
        setattr(row, name, values[name])
    _require_own_members(row)
    if hasattr(row, "saved_by_id"):
        row.saved_by = by  # type: ignore[union-attr]
    row.full_clean()
    row.save()
    for name in many:
        getattr(row, name).set(values[name])
    renew_consents(shares_of(row), by=by)
    return row


@transaction.atomic
def remove_row(row: Any, *, by: User, revision: int | None) -> AuditEvent:
    """Remove a row that was read at ``revision``; the record says which and by whom, not what it said.

    It can be put back by ``restore_row`` for as long as the draft can be edited.
    """
    hold(row, revision=revision)
    _require_change(row, by)
    proposal, model, key = row.proposal, row._meta.model_name, row.pk
    keep_removed(row, by=by)
    shares = shares_of(row)
    row.delete()
    renew_consents(shares, by=by)
    return audit.record(proposal, "proposal.remove_row", by=by, before={"row": f"{model} {key}"})


def _way_to_proposal(row: Any) -> tuple[str, ...]:
    """What is read together with a held row: its proposal, and the member that it names."""
    if isinstance(row, Proposal):
        return ()
    proposal = "site__proposal" if isinstance(row, OperatingRole) else "proposal"
    return (proposal, *sorted(name for name in MEMBERS if hasattr(row, f"{name}_id")))


def _proposal_of(row: Any) -> Proposal:
    """The proposal that was read together with the held row: as it stands now."""
    if isinstance(row, Proposal):
        return row
    found: Proposal = row.site.proposal if isinstance(row, OperatingRole) else row.proposal
    return found


def _require_change(row: Any, by: User) -> None:
    """The right is asked of the proposal as it stands now, not as the page loaded it."""
    if isinstance(row, Proposal):
        pk = row.pk
    else:
        pk = row.site.proposal_id if isinstance(row, OperatingRole) else row.proposal_id
    require("proposals.change_proposal", by, Proposal.objects.get(pk=pk))


def _require_own_members(row: Any) -> None:
    """A row names members of its own consortium, a component of its own proposal's call, nothing foreign."""
    for name in sorted(MEMBERS):
        member = getattr(row, name, None)
        if member is not None and member.consortium_id != row.proposal.consortium_id:
            raise ValidationError({name: "This organization is not a member of the consortium."})
    requirement = getattr(row, "requirement", None)
    if requirement is not None and requirement.call_id != row.proposal.call_id:
        raise ValidationError("This requirement belongs to another call.")


@transaction.atomic
def provide_layer(
    proposal: Proposal, *, by: User, membership: Any, layer: str, description: str = ""
) -> Provision:
    """Say that a member supplies a layer; said again it is changed."""
    provision = Provision.objects.filter(proposal=proposal, membership=membership, layer=layer).first()
    if provision is None:
        return add_row(
            Provision(proposal=proposal, membership=membership, layer=layer, description=description), by=by
        )
    return save_row(provision, by=by, values={"description": description}, revision=provision.revision)


@transaction.atomic
def set_operating_role(
    site: Any,
    *,
    by: User,
    act: str,
    membership: Any = None,
    third_party_name: str = "",
    third_party_country: Any = None,
) -> OperatingRole:
    """Say who builds, owns or operates a site."""
    return add_row(
        OperatingRole(
            site=site,
            act=act,
            membership=membership,
            third_party_name=third_party_name,
            third_party_country=third_party_country,
        ),
        by=by,
    )


@transaction.atomic
def attach_document(
    proposal: Proposal, document: Document, *, by: User, part: str, row_key: str = "", caption: str = ""
) -> Attachment:
    """Put a stored document into a part of the package; its mark comes with it."""
    if document.uploaded_by_id != by.pk and not document.attachments.filter(proposal=proposal).exists():
        raise PermissionDenied("Only its uploader can attach a file that is new to this proposal.")
    attachment = Attachment(
        proposal=proposal,
        document=document,
        part=part,
        row_key=row_key,
        caption=caption,
        mark=document.mark,
        justification=document.justification,
    )
    add_row(attachment, by=by)
    audit.record(proposal, "proposal.attach", by=by, after={"document": document.sha256, "part": str(part)})
    return attachment


@transaction.atomic
def remove_attachment(attachment: Attachment, *, by: User, revision: int | None) -> AuditEvent:
    """Take a document out of the package; versions that held it keep it."""
    hold(attachment, revision=revision)
    _require_change(attachment, by)
    keep_removed(attachment, by=by)
    attachment.removed_at = timezone.now()
    attachment.revision += 1
    attachment.save(update_fields=["removed_at", "revision", "updated_at"])
    return audit.record(
        attachment.proposal, "proposal.detach", by=by, before={"document": attachment.document.sha256}
    )


@transaction.atomic
def grant_access(
    proposal: Proposal, *, to: User, by: User, permission: str = "proposals.view_proposal"
) -> AuditEvent:
    """Let outside counsel read, or read and edit, one proposal."""
    require("proposals.share_proposal", by, proposal)
    if permission not in RIGHTS or holds_office(to) or not to.is_active:
        raise PermissionDenied("This person cannot be given access to the working copy.")
    event = grants.grant(permission, on=proposal, to=to, by=by, clause="E.O. 14320 s.3(b)")
    notices.owe(event, SHARED, [to], url=address(proposal), right=RIGHTS[permission])
    return event


@transaction.atomic
def revoke_access(proposal: Proposal, *, of: User, by: User) -> AuditEvent | None:
    """Take counsel's access back, whatever it was; None when there was none left."""
    require("proposals.share_proposal", by, proposal)
    event = grants.revoke_each(RIGHTS, on=proposal, of=of, by=by, clause="E.O. 14320 s.3(b)")
    if event:
        close_out_of_sight(of)
        notices.owe(event, NO_LONGER_SHARED, [of], url="/tasks/")
    return event
