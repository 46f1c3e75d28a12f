"""Who may do what with federal financing: the EDAG coordinates, each agency decides about its own tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rules

from financing import querysets
from financing.querysets import agencies_in_edag
from program.enums import OfficeRole
from program.rules import is_clock, permit
from proposals.enums import MembershipStatus
from proposals.models import TeamMember

if TYPE_CHECKING:
    from evaluation.models import Designation
    from financing.models import Action, AgendaItem, Match, ToolReferral
    from program.models import User

follows_financing = rules.predicate(querysets.follows_financing)
chairs_edag = rules.predicate(querysets.chairs_edag)


@rules.predicate
def works_in_edag(user: User) -> bool:
    """Chair or officer of the EDAG for an agency whose place is in force, but for observers."""
    return bool(agencies_in_edag(user))


@rules.predicate
def sees_designation(user: User, designation: Designation | None) -> bool:
    """May read the package behind a designation by office: not who is recused from it or works for it."""
    return designation is not None and user.has_perm(
        "proposals.read_by_office_proposal", designation.proposal
    )


@rules.predicate
def sees_package(user: User, record: ToolReferral | Match | None) -> bool:
    """The same for a record about a designation."""
    return record is not None and sees_designation.test(user, record.designation)


@rules.predicate
def holds_the_tool(user: User, referral: ToolReferral | None) -> bool:
    """An EDAG officer of the agency to which the tool was referred."""
    return referral is not None and referral.agency.code in agencies_in_edag(user, OfficeRole.EDAG_OFFICER)


@rules.predicate
def is_on_anchor_team(user: User, referral: ToolReferral | None) -> bool:
    """On the team of the package, for its anchor."""
    return (
        referral is not None
        and TeamMember.objects.active()
        .filter(
            user_id=user.pk or 0,
            membership__is_anchor=True,
            membership__status=MembershipStatus.CONSENTED,
            membership__consortium=referral.designation.proposal.consortium_id,
        )
        .exists()
    )


@rules.predicate
def was_referred(user: User, referral: ToolReferral | None) -> bool:
    """The EDAG has decided; what is only proposed is its own deliberation."""
    return referral is not None and referral.referred_at is not None


@rules.predicate
def sees_item(user: User, item: AgendaItem | None) -> bool:
    return item is not None and (item.referral is None or sees_package.test(user, item.referral))


@rules.predicate
def sees_action(user: User, action: Action | None) -> bool:
    return action is not None and sees_item.test(user, action.item)


@rules.predicate
def owns_action(user: User, action: Any) -> bool:
    return action is not None and action.owner_id == user.pk


for record in ("tool", "edagmember", "meeting", "workstream", "partnership", "marketbarrier", "countryclass"):
    permit(f"financing.view_{record}", follows_financing)

permit("financing.view_match", follows_financing & sees_package)
permit("financing.add_match", works_in_edag & sees_designation)
permit("financing.view_toolreferral", follows_financing & sees_package)
permit("financing.follow_toolreferral", is_on_anchor_team & was_referred)
permit("financing.propose_toolreferral", works_in_edag & sees_designation)
permit("financing.refer_toolreferral", chairs_edag & sees_package)
permit("financing.set_aside_toolreferral", chairs_edag & sees_package)
permit("financing.accept_toolreferral", holds_the_tool & sees_package)
permit("financing.decline_toolreferral", holds_the_tool & sees_package)
permit("financing.commit_toolreferral", holds_the_tool & sees_package)
permit("financing.supersede_toolreferral", holds_the_tool & sees_package)
permit("financing.close_toolreferral", holds_the_tool & sees_package)
permit("financing.suspend_toolreferral", is_clock)
permit("financing.resume_toolreferral", is_clock)

permit("financing.plan_meeting", works_in_edag)
permit("financing.change_meeting", works_in_edag)
permit("financing.hold_meeting", chairs_edag)
permit("financing.view_agendaitem", follows_financing & sees_item)
permit("financing.decide_agendaitem", chairs_edag & sees_item)
permit("financing.view_action", follows_financing & sees_action)
permit("financing.add_action", works_in_edag & sees_item)
permit("financing.finish_action", (owns_action | chairs_edag) & works_in_edag & sees_action)
permit("financing.change_workstream", works_in_edag)
permit("financing.change_partnership", works_in_edag)
permit("financing.change_marketbarrier", works_in_edag)
permit("financing.change_countryclass", works_in_edag)
