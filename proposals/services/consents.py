"""What a member consents to, and when its consent is asked again; ADR 14 says why not at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import transaction
from django.db.models import F

from program import audit, clock, notices
from program.canonical import canonical_json
from program.transitions import NotReady, Problem, require
from proposals import declaration
from proposals.enums import MembershipStatus
from proposals.models import Component, Membership, OperatingRole, Provision, Site
from proposals.notice_kinds import PART_CHANGED
from proposals.notices import people_of
from proposals.querysets import ASKED_AFTER, LIVE

if TYPE_CHECKING:
    from collections.abc import Collection

    from program.models import AuditEvent, User
    from proposals.models import Proposal

CLAUSE: Final = "E.O. 14320 s.3(b)"
#: The columns of a component that its supplier consents to.
LINE: Final = ("name", "quantity", "total_value_usd", "us_content_value_usd")


class Share(NamedTuple):
    """What one row of a package says that one member does: a layer, a line of it, or its act at a site."""

    member: int
    layer: str
    words: str
    line: tuple[Any, ...] = ()


def shares_of(row: Any) -> frozenset[Share]:
    """What ``row`` says of members' parts, a site of those who act there; nothing where none is named."""
    if isinstance(row, Provision) and row.membership_id:
        return frozenset({Share(row.membership_id, row.layer, row.description)})
    if isinstance(row, Component) and row.supplier_id:
        line = (row.pk, *(getattr(row, name) for name in LINE))
        return frozenset({Share(row.supplier_id, row.layer, "", line)})
    if isinstance(row, OperatingRole) and row.membership_id:
        return frozenset({Share(row.membership_id, "", _at_site(row.act, row.site_id, row.site.name))})
    if isinstance(row, Site) and row.pk:
        acts = row.roles.filter(membership__isnull=False).values_list("membership", "act")
        return frozenset(Share(member, "", _at_site(act, row.pk, row.name)) for member, act in acts)
    return frozenset()


def _at_site(act: str, site: int, name: str) -> str:
    return f"{act} at site {site}, {name}"


def shares_in(proposal: Proposal) -> frozenset[Share]:
    """All that the working copy says of its members' parts, for an act that changes many rows at once."""
    provisions = Provision.objects.filter(proposal=proposal).values_list("membership", "layer", "description")
    said = {Share(*row) for row in provisions}
    components = Component.objects.filter(proposal=proposal, supplier__isnull=False).order_by()
    for member, layer, *line in components.values_list("supplier", "layer", "pk", *LINE):
        said.add(Share(member, layer, "", tuple(line)))
    roles = OperatingRole.objects.filter(site__proposal=proposal, membership__isnull=False).order_by()
    acts = roles.values_list("membership", "act", "site", "site__name")
    return frozenset(said | {Share(member, "", _at_site(*at_site)) for member, *at_site in acts})


def members_of(row: Any) -> frozenset[Membership]:
    """The member that ``row`` names."""
    named = (getattr(row, name, None) for name in ("supplier", "membership"))
    return frozenset(member for member in named if member is not None)


def renew_consents(changed: Collection[Share], *, by: User, known: Collection[Membership] = ()) -> None:
    """The consent of the members of these shares is to be renewed; nobody is asked yet, see ``ask_consent``.

    The anchor's is not: its representative certifies the whole package. ``known`` are members that were read
    already, so that the anchor is not looked for.
    """
    asked = {share.member for share in changed} - {member.pk for member in known if member.is_anchor}
    if not asked:
        return
    members = Membership.objects.filter(pk__in=asked, is_anchor=False).order_by("pk")
    held = members.select_for_update(no_key=True).values_list("pk", "status", "is_part_accepted")
    # Asked once the rows are held: whoever consents meanwhile has read the part as it was
    stale = [pk for pk, status, accepted in held if accepted and status == MembershipStatus.CONSENTED]
    if not stale:
        return
    at = clock.instant()
    Membership.objects.filter(pk__in=stale).update(
        is_part_accepted=False, part_changed_at=at, revision=F("revision") + 1, updated_at=at
    )
    for membership in Membership.objects.filter(pk__in=stale).order_by("pk"):
        audit.record(membership, "membership.change_part", by=by, clause=CLAUSE)


@transaction.atomic
def ask_consent(membership: Membership, *, by: User) -> AuditEvent:
    """Ask a member to renew its consent: the anchor when its part is written, else the clock after a day.

    Asked at most once a day. Where its part says again what it accepted, nobody is asked: that stands.
    """
    membership.refresh_from_db(from_queryset=Membership.objects.select_for_update(of=("self",)))
    require("proposals.ask_membership", by, membership)
    if membership.status != MembershipStatus.CONSENTED or membership.is_consent_current:
        raise NotReady([Problem("nothing-to-ask", "This member has no consent to renew.", CLAUSE)])
    at = clock.instant()
    if membership.consent_asked_at and membership.consent_asked_at > at - ASKED_AFTER:
        message = "This member was asked within the last day. You can ask it again tomorrow."
        raise NotReady([Problem("asked-already", message, CLAUSE)])
    accepted = membership.consents.order_by("-pk").values_list("terms", flat=True).first()
    stands = accepted == terms_of(membership)
    values: dict[str, Any] = (
        {"is_part_accepted": True, "part_changed_at": None} if stands else {"consent_asked_at": at}
    )
    Membership.objects.filter(pk=membership.pk).update(**values, revision=F("revision") + 1, updated_at=at)
    membership.refresh_from_db()
    if stands:
        return audit.record(membership, "membership.restore_part", by=by, clause=CLAUSE)
    event = audit.record(membership, "membership.ask_consent", by=by, clause=CLAUSE)
    facts = {
        "organization": membership.organization.legal_name,
        "consortium": membership.consortium.name,
    }
    notices.owe(event, PART_CHANGED, people_of(membership), url=f"/members/{membership.pk}/consent/", **facts)
    return event


def part_of(membership: Membership) -> list[dict[str, Any]]:
    """What a member does in each live proposal of the consortium: layers with words, lines, sites."""
    live = {"proposal__consortium": membership.consortium_id, "proposal__status__in": LIVE}
    layers: dict[int, dict[str, str]] = defaultdict(dict)
    lines: dict[int, list[dict[str, str]]] = defaultdict(list)
    sites: dict[int, list[str]] = defaultdict(list)
    components = Component.objects.filter(**live, supplier=membership).order_by("layer", "sort_order", "pk")
    for row in components.only("proposal_id", "layer", *LINE):
        layers[row.proposal_id][row.layer] = ""
        said = {name: _said(getattr(row, name)) for name in LINE}
        lines[row.proposal_id].append({"key": row.key, "layer": row.layer, **said})
    for provision in Provision.objects.filter(**live, membership=membership):
        layers[provision.proposal_id][provision.layer] = provision.description
    roles = OperatingRole.objects.filter(
        site__proposal__consortium=membership.consortium_id,
        site__proposal__status__in=LIVE,
        membership=membership,
    )
    for role in roles.select_related("site").order_by("site", "act"):
        sites[role.site.proposal_id].append(f"{role.get_act_display()} {role.site.name}".strip())
    return [
        {
            "proposal": proposal,
            "layers": layers[proposal],
            "lines": lines[proposal],
            "sites": sites[proposal],
        }
        for proposal in sorted(layers.keys() | sites.keys())
    ]


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def terms_of(membership: Membership) -> str:
    """Canonical JSON of everything that a member accepts: role, part and declaration, word for word."""
    return canonical_json(
        {
            "consortium": membership.consortium.name,
            "declaration": declaration.TEXT,
            "declaration_version": declaration.VERSION,
            "organization": membership.organization.legal_name,
            "part": part_of(membership),
            "role": membership.role_text,
        }
    )
