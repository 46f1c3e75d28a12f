"""Who may do what with the Program's own records; one predicate per fact, one ``permit`` per right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rules

from program.enums import OfficeRole
from program.grants import granted_pks
from program.querysets import NOT_DECIDED, READS_DIRECTIVES

if TYPE_CHECKING:
    from program.models import User


@rules.predicate
def is_active(user: User) -> bool:
    return bool(user.is_authenticated and user.is_active)


def permit(name: str, predicate: rules.Predicate) -> None:
    """Let active people for whom ``predicate`` holds use the right ``name``."""
    rules.set_perm(name, is_active & predicate)


def holds(*roles: str, agency: str | None = None) -> rules.Predicate:
    """The predicate that a person holds one of these offices today (in ``agency``, when given)."""

    @rules.predicate(name=f"holds({', '.join(roles)}{f' in {agency}' if agency else ''})")
    def holds_office(user: User) -> bool:
        return user.is_authenticated and user.holds(*roles, agency=agency)

    return holds_office


def granted(permission: str) -> rules.Predicate:
    """The predicate that a person was given ``permission`` on exactly this object.

    A record that was locked together with its grants has them as ``grants_given``; nothing is asked then.
    """

    codename = permission.partition(".")[2]

    @rules.predicate(name=f"granted({permission})")
    def was_granted(user: User, record: Any) -> bool:
        if record is None:
            return False
        given = getattr(record, "grants_given", None)
        if given is None:
            return granted_pks(permission, user).filter(content_object_id=record.pk).exists()
        return any(row.user_id == user.pk and row.permission.codename == codename for row in given)

    return was_granted


is_program_officer = holds(OfficeRole.PROGRAM_OFFICER)
is_decision_official = holds(OfficeRole.DECISION_OFFICIAL)
is_auditor = holds(OfficeRole.AUDITOR)
is_clock = holds(OfficeRole.CLOCK)


@rules.predicate
def is_public_call(user: User, call: Any) -> bool:
    return call is not None and call.issued_at is not None


@rules.predicate
def is_call_drafter(user: User, call: Any) -> bool:
    """Began the draft, or has changed it since."""
    return call is not None and (
        call.created_by_id == user.pk or call.written_by.filter(pk=user.pk or 0).exists()
    )


reads_directives = holds(*READS_DIRECTIVES)


@rules.predicate
def is_decided_action(user: User, action: Any) -> bool:
    """Whether the public may read of it: it was found inconsistent, or not."""
    return action is not None and action.status not in NOT_DECIDED


@rules.predicate
def is_own_question(user: User, question: Any) -> bool:
    return question is not None and question.asked_by_id == user.pk


@rules.predicate
def is_published_question(user: User, question: Any) -> bool:
    return question is not None and question.number is not None


@rules.predicate
def has_proposed(user: User, appointment: Any) -> bool:
    return appointment is not None and appointment.proposed_by_id == user.pk


@rules.predicate
def is_appointee(user: User, appointment: Any) -> bool:
    return appointment is not None and appointment.user_id == user.pk


@rules.predicate
def administers_organization(user: User, organization: Any) -> bool:
    return (
        organization is not None
        and organization.affiliations.filter(user=user, is_administrator=True).exists()
    )


permit("program.view_call", is_public_call | is_program_officer | is_decision_official | is_auditor)
permit("program.add_call", is_program_officer)
permit("program.change_call", is_program_officer)
permit("program.approve_call", is_program_officer & ~is_call_drafter)
permit("program.reopen_call", is_program_officer)
permit("program.discard_call", is_program_officer)
permit("program.issue_call", is_program_officer)
permit("program.amend_call", is_program_officer)
permit("program.extend_call", is_program_officer)
permit("program.cancel_call", is_program_officer)
permit("program.add_outage", is_program_officer)
permit("program.add_closure", is_program_officer)
permit("program.close_call", is_clock)
permit("program.view_question", is_published_question | is_own_question | is_program_officer | is_auditor)
for step in ("answer", "correct", "group"):
    permit(f"program.{step}_question", is_program_officer)
permit("program.withdraw_question", is_own_question)
permit("program.view_duty", reads_directives)
permit("program.change_duty", is_program_officer)
permit("program.view_agencyaction", is_decided_action | reads_directives)
permit("program.add_agencyaction", is_program_officer)
permit("program.change_agencyaction", is_program_officer)
for step in ("find_inconsistent", "find_consistent", "propose", "carry_out", "finalize", "drop"):
    permit(f"program.{step}_agencyaction", is_program_officer)
permit("program.add_interimexemption", is_program_officer)
permit("program.end_interimexemption", is_program_officer)
permit("program.view_record", is_auditor)
permit("program.verify_record", is_auditor | is_clock)
permit("program.appoint_office", is_program_officer)
permit("program.confirm_appointment", is_program_officer & ~has_proposed & ~is_appointee)
permit("program.decline_appointment", is_program_officer & ~is_appointee)
permit("program.view_delivery", is_program_officer | is_auditor)
permit("program.send_again_delivery", is_program_officer)
permit("program.change_suppression", is_program_officer)
permit("program.lift_refusal_subscription", is_program_officer)
permit("program.change_organization", administers_organization)
