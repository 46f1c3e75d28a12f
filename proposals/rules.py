"""Who may do what with consortia and proposals; a recusal stands above every right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import rules
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Exists, Subquery
from django.db.models.functions import Coalesce, JSONArray

from program import clock
from program.enums import OfficeRole
from program.models import User
from program.prepared import Given, Prepared
from program.rules import (
    granted,
    holds,
    is_auditor,
    is_clock,
    is_decision_official,
    is_program_officer,
    permit,
)
from proposals.enums import MembershipStatus, ProposalStatus, TeamRole
from proposals.models import Membership, Proposal, Recusal, TeamMember, TimeRequest
from proposals.querysets import (
    EDITABLE,
    IN_CONSORTIUM,
    READS_SUBMITTED,
    REPLACEABLE,
    counsel_grants,
    evaluates,
    leads_in_force,
    reads_designated,
    signing_delegations,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from proposals.models import AnchorOffer, Consortium


# The consortium's own people


class Ties(NamedTuple):
    """How a person is tied to a proposal: ``(role, for the anchor)`` on its team, recusal, grant."""

    roles: frozenset[tuple[str, bool]]
    is_recused: bool
    is_counsel: bool

    @property
    def is_inside(self) -> bool:
        """On the team, or counsel who was given a right on the proposal."""
        return bool(self.roles) or self.is_counsel

    @property
    def opens_working_copy(self) -> bool:
        """What ``proposals.view_draft_proposal`` says of them; a test holds the two equal."""
        return self.is_inside and not self.is_recused


def ties(asking: rules.Predicate, user: User, proposal: Proposal) -> Ties:
    """The ties as they stand now, read once for all the predicates of one question.

    A page that only shows has them read once for all its questions, see ``know_ties``.
    """
    shown: tuple[int | None, Ties] | None = getattr(proposal, "known_ties", None)
    if shown is not None and shown[0] == user.pk:
        return shown[1]
    known = {} if asking.context is None else asking.context
    key = (user.pk, proposal.pk)
    if key not in known:
        known[key] = read_ties(user, proposal.pk or 0, proposal.consortium_id)
    return known[key]


def know_ties(proposal: Proposal, user: User, known: Ties) -> None:
    """Keep how ``user`` is tied to ``proposal``, for a page that shows it and changes nothing.

    An act asks anew: never call this on a record that is handed to a service.
    """
    proposal.known_ties = (user.pk, known)  # type: ignore[attr-defined]


def read_ties(user: User, proposal: int, consortium: int | None = None) -> Ties:
    """The ties to a proposal by its key; one that is not stored yet has a ``consortium`` alone."""
    found = ties_now.ask(person=user.pk or 0, proposal=proposal, consortium=consortium)
    roles, recused, counsel = found or ([], False, False)
    return Ties(frozenset((role, anchor) for role, anchor in roles), recused, counsel)


@Prepared
def ties_now() -> QuerySet[User, tuple[Any, ...]]:
    """``(role, for the anchor)`` on the team, whether recused, whether counsel."""
    person, proposal, consortium = (
        Given(name, BigIntegerField()) for name in ("person", "proposal", "consortium")
    )
    its_own = Subquery(Proposal.objects.filter(pk=proposal).values("consortium"))
    places = TeamMember.objects.of(person).filter(membership__consortium=Coalesce(consortium, its_own))
    recusals = Recusal.objects.filter(user=person, proposal=proposal)
    counsel = counsel_grants(person).filter(content_object=proposal)
    return User.objects.filter(pk=person).values_list(
        ArraySubquery(places.values_list(JSONArray("role", "membership__is_anchor"))),
        Exists(recusals),
        Exists(counsel),
    )


@rules.predicate(bind=True)
def is_on_team(self: rules.Predicate, user: User, proposal: Proposal | None) -> bool:
    return proposal is not None and bool(ties(self, user, proposal).roles)


@rules.predicate(bind=True)
def is_inside(self: rules.Predicate, user: User, proposal: Proposal | None) -> bool:
    """On the team, or counsel; also true without a proposal, so that its negation opens nothing by itself."""
    return proposal is None or ties(self, user, proposal).is_inside


@rules.predicate(bind=True)
def may_lead(self: rules.Predicate, user: User, proposal: Proposal | None) -> bool:
    """An administrator or authorized representative of any member."""
    leading = (TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE)
    return proposal is not None and any(role in leading for role, _ in ties(self, user, proposal).roles)


@rules.predicate(bind=True)
def represents_anchor(self: rules.Predicate, user: User, proposal: Proposal | None) -> bool:
    """An authorized representative of the anchor."""
    wanted = (TeamRole.AUTHORIZED_REPRESENTATIVE, True)
    return proposal is not None and wanted in ties(self, user, proposal).roles


@rules.predicate(bind=True)
def speaks_for_anchor(self: rules.Predicate, user: User, proposal: Proposal | None) -> bool:
    """An administrator or authorized representative of the anchor."""
    leading = (TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE)
    return proposal is not None and any(
        for_anchor and role in leading for role, for_anchor in ties(self, user, proposal).roles
    )


@rules.predicate
def may_answer_request(user: User, request: TimeRequest | None) -> bool:
    """Reads it by office: neither works for its proposal nor is recused from it."""
    return request is not None and TimeRequest.objects.read_by_office(user).filter(pk=request.pk).exists()


@rules.predicate
def may_see_request(user: User, request: TimeRequest | None) -> bool:
    return request is not None and TimeRequest.objects.visible_to(user).filter(pk=request.pk).exists()


@rules.predicate
def administers_anchor(user: User, record: Proposal | Consortium | None) -> bool:
    """An administrator of the anchor; asked of a proposal or of its consortium."""
    if record is None:
        return False
    consortium = getattr(record, "consortium_id", record.pk)
    places = TeamMember.objects.of(user).filter(membership__consortium=consortium)
    return places.filter(role=TeamRole.ADMINISTRATOR, membership__is_anchor=True).exists()


@rules.predicate
def is_in_consortium(user: User, consortium: Consortium | None) -> bool:
    """On the team for an organization that is invited or in."""
    return (
        consortium is not None
        and TeamMember.objects.active()
        .filter(user_id=user.pk or 0, membership__consortium=consortium.pk)
        .exists()
    )


@rules.predicate
def sees_membership(user: User, membership: Membership | None) -> bool:
    """Of this member itself, or of one that has consented: who is only invited reads nobody else's part."""
    return membership is not None and Membership.objects.visible_to(user).filter(pk=membership.pk).exists()


@rules.predicate
def speaks_for_member(user: User, membership: Membership | None) -> bool:
    """An administrator or authorized representative of this member, invited or in."""
    return (
        membership is not None
        and TeamMember.objects.active()
        .filter(
            user_id=user.pk or 0,
            membership=membership.pk,
            role__in=[TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE],
        )
        .exists()
    )


@rules.predicate
def represents_member(user: User, membership: Membership | None) -> bool:
    """An authorized representative of this member, invited or in: who may bind it."""
    return (
        membership is not None
        and TeamMember.objects.active()
        .filter(user_id=user.pk or 0, membership=membership.pk, role=TeamRole.AUTHORIZED_REPRESENTATIVE)
        .exists()
    )


@rules.predicate
def administers_member(user: User, membership: Membership | None) -> bool:
    """An administrator of this member itself: nobody else staffs it, the anchor's people neither."""
    return (
        membership is not None
        and TeamMember.objects.active()
        .filter(user_id=user.pk or 0, membership=membership.pk, role=TeamRole.ADMINISTRATOR)
        .exists()
    )


@rules.predicate
def administers_anchor_of(user: User, membership: Membership | None) -> bool:
    """An administrator of the anchor of the consortium that this member is in or invited to."""
    return (
        membership is not None
        and membership.status in IN_CONSORTIUM
        and administers_anchor.test(user, membership.consortium)
    )


@rules.predicate
def has_no_administrator(user: User, membership: Membership | None) -> bool:
    """Nobody of the member has joined as its administrator, or the last one has gone."""
    return (
        membership is not None
        and not TeamMember.objects.active()
        .filter(membership=membership.pk, role=TeamRole.ADMINISTRATOR)
        .exists()
    )


@rules.predicate
def is_anchor_member(user: User, membership: Membership | None) -> bool:
    return membership is not None and membership.is_anchor


@rules.predicate
def has_not_consented(user: User, membership: Membership | None) -> bool:
    return membership is not None and not membership.is_consent_current


@rules.predicate
def is_invited(user: User, membership: Membership | None) -> bool:
    return membership is not None and membership.status == MembershipStatus.INVITED


@rules.predicate
def speaks_for_new_anchor(user: User, offer: AnchorOffer | None) -> bool:
    """An administrator or authorized representative of the member that is offered the anchor's place."""
    return offer is not None and speaks_for_member.test(user, offer.to_member)


@rules.predicate
def binds_new_anchor(user: User, offer: AnchorOffer | None) -> bool:
    """An authorized representative of that member: to lead binds it, as its consent does."""
    return offer is not None and represents_member.test(user, offer.to_member)


@rules.predicate
def administers_offering_anchor(user: User, offer: AnchorOffer | None) -> bool:
    """An administrator of the anchor that offers its place."""
    return offer is not None and administers_anchor.test(user, offer.consortium)


# What state the proposal is in


@rules.predicate
def is_editable(user: User, proposal: Proposal | None) -> bool:
    """Not sent yet, or sent and to be corrected; what was sent can be replaced until the call closes."""
    if proposal is None:
        return False
    return proposal.status in EDITABLE or (
        proposal.status in REPLACEABLE and proposal.takes_versions(at=clock.now())
    )


@rules.predicate
def is_undecided(user: User, proposal: Proposal | None) -> bool:
    """In a status from which a version may still come; whether in time is asked when it is submitted."""
    return proposal is not None and proposal.status in (*EDITABLE, *REPLACEABLE)


@rules.predicate
def was_submitted(user: User, proposal: Proposal | None) -> bool:
    return proposal is not None and proposal.submitted_at is not None


@rules.predicate
def was_accepted(user: User, proposal: Proposal | None) -> bool:
    return proposal is not None and proposal.accepted_at is not None


@rules.predicate
def is_designated(user: User, proposal: Proposal | None) -> bool:
    return proposal is not None and proposal.status == ProposalStatus.DESIGNATED


@rules.predicate(bind=True)
def is_recused(self: rules.Predicate, user: User, proposal: Proposal | None) -> bool:
    """Also true without a proposal, so that its negation never opens anything by itself."""
    if proposal is None:
        return True
    if (known := recusals_read_with(proposal)) is not None:
        return user.pk in known
    return ties(self, user, proposal).is_recused


def recusals_read_with(proposal: Proposal) -> set[int] | None:
    """Keys of the people recused, where the proposal was read together with them."""
    rows = getattr(proposal, "_prefetched_objects_cache", {}).get("recusals")
    return None if rows is None else {row.user_id for row in rows}


@rules.predicate
def follows_designated(user: User) -> bool:
    return user.is_authenticated and reads_designated(user)


@rules.predicate
def leads_evaluating_agency(user: User) -> bool:
    return user.is_authenticated and user.holds(OfficeRole.LEAD) and leads_in_force(user).exists()


@rules.predicate
def signs_for_another(user: User) -> bool:
    """Holds an office, and a delegation in force to sign a determination or an agency's position."""
    return user.is_authenticated and user.is_government and signing_delegations(user).exists()


@rules.predicate
def is_assigned(user: User, proposal: Proposal | None) -> bool:
    """Was given the right to evaluate, and is a reviewer of the agency for which they were assigned."""
    return proposal is not None and evaluates(user).filter(content_object=proposal.pk).exists()


is_counsel = granted("proposals.view_proposal") | granted("proposals.change_proposal")
may_evaluate = was_submitted & granted("proposals.evaluate_proposal")
is_evaluator = holds(OfficeRole.REVIEWER) & was_submitted & is_assigned
reads_by_office = (
    (holds(*READS_SUBMITTED) & was_submitted)
    | is_evaluator
    | (leads_evaluating_agency & was_accepted)
    | (is_designated & follows_designated)
    | (was_accepted & signs_for_another)
)
is_reader = is_on_team | is_counsel | reads_by_office
is_editor = is_on_team | granted("proposals.change_proposal")

permit("proposals.add_consortium", ~holds(*OfficeRole))
permit("proposals.view_consortium", is_in_consortium)
permit("proposals.change_consortium", administers_anchor)
permit("proposals.invite_consortium", administers_anchor)
permit("proposals.view_membership", sees_membership)
permit("proposals.change_membership", administers_member | administers_anchor_of)
permit("proposals.staff_membership", administers_member)
permit("proposals.open_membership", administers_anchor_of & has_no_administrator)
permit("proposals.consent_membership", represents_member & has_not_consented)
permit("proposals.ask_membership", administers_anchor_of | is_clock)
permit("proposals.decline_membership", speaks_for_member & is_invited)
permit("proposals.leave_membership", speaks_for_member & ~is_anchor_member)
permit("proposals.remove_membership", administers_anchor_of & ~is_anchor_member)

permit("proposals.accept_anchoroffer", binds_new_anchor)
permit("proposals.decline_anchoroffer", speaks_for_new_anchor)
permit("proposals.withdraw_anchoroffer", administers_offering_anchor)

permit("proposals.add_proposal", administers_anchor)
permit("proposals.view_proposal", is_reader & ~is_recused)
permit("proposals.read_by_office_proposal", ~is_inside & ~is_recused & reads_by_office)
permit("proposals.view_draft_proposal", (is_on_team | is_counsel) & ~is_recused)
permit("proposals.change_proposal", is_editor & is_editable & ~is_recused)
permit("proposals.release_proposal", is_editor & ~is_recused)
permit("proposals.certify_proposal", represents_anchor & is_undecided & ~is_recused)
permit("proposals.submit_proposal", represents_anchor & ~is_recused)
permit("proposals.resubmit_proposal", represents_anchor & ~is_recused)
permit("proposals.withdraw_proposal", represents_anchor & ~is_recused)
permit("proposals.report_change_proposal", may_lead & was_submitted & ~is_recused)
permit("proposals.share_proposal", administers_anchor & ~is_recused)
permit("proposals.lapse_proposal", is_clock)
permit("proposals.ask_time_proposal", speaks_for_anchor & ~is_recused)
permit("proposals.extend_proposal", is_program_officer & ~is_recused & ~is_inside)
permit("proposals.reopen_proposal", is_program_officer & ~is_recused & ~is_inside)
permit("proposals.view_timerequest", may_see_request)
permit("proposals.grant_timerequest", is_program_officer & may_answer_request)
permit("proposals.decline_timerequest", is_program_officer & may_answer_request)
permit("proposals.remind_proposal", is_clock)
permit("proposals.note_loss_proposal", is_clock)
permit("proposals.return_proposal", is_program_officer & was_submitted & ~is_recused & ~is_inside)
permit("proposals.accept_proposal", is_program_officer & was_submitted & ~is_recused & ~is_inside)
permit("proposals.designate_proposal", is_decision_official & was_accepted & ~is_recused & ~is_inside)
permit("proposals.decline_proposal", is_decision_official & was_accepted & ~is_recused & ~is_inside)
permit("proposals.evaluate_proposal", is_evaluator & ~is_recused)
permit("proposals.recuse_proposal", (is_program_officer | is_auditor) & was_submitted & ~is_recused)
