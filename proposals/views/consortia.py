"""Who proposes: the consortium, its members and their consent, the team, invitations, owners, counsel."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program.canonical import sha256_hex
from program.enums import StackLayer
from program.models import Country, Organization, Suppression, User
from program.refusals import record_refusal
from program.requests import SignedInRequest
from program.revisions import StaleRevision, revision_read
from program.transitions import NotReady, WrongStatus, available
from proposals import declaration, services
from proposals.consents import COUNTED, amount, changes, together
from proposals.enums import OUT_OF_CONSORTIUM, MembershipStatus, TeamRole
from proposals.forms.consortia import (
    AccessForm,
    ConsentForm,
    ConsortiumForm,
    HoldingForm,
    InviteMemberForm,
    InvitePersonForm,
    MemberRoleForm,
    ReasonForm,
    TeamMemberForm,
)
from proposals.invitations import opened_by
from proposals.lifecycle import MEMBERSHIP_TRANSITIONS
from proposals.models import (
    AnchorOffer,
    Consortium,
    Holding,
    Invitation,
    Membership,
    Proposal,
    ProposalGrant,
    Provision,
    TeamMember,
)
from proposals.services import InvitationRefused
from proposals.views.workspace import show, workspace


@require_http_methods(["GET", "HEAD", "POST"])
def consortium(request: SignedInRequest, pk: int) -> HttpResponse:
    """The consortium: its name, its members with their consent, its proposals; a POST saves name and text."""
    found = get_object_or_404(Consortium.objects.visible_to(request.user), pk=pk)
    form = ConsortiumForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_consortium(
                found, by=request.user, revision=revision_of(request), values=form.values
            )
        except StaleRevision as stale:
            return _stale(request, stale, form, reverse("proposals:consortium", args=[pk]))
        messages.success(request, "Saved.")
        return redirect("proposals:consortium", pk)
    found.refresh_from_db()
    return consortium_page(request, found, form if form.errors else ConsortiumForm(instance=found))


def revision_of(request: SignedInRequest) -> int:
    return revision_read(request.POST.get("revision", ""))


def _stale(request: SignedInRequest, stale: StaleRevision, form: Any, back: str) -> HttpResponse:
    """Both texts and a choice, 409; for records outside a proposal's workspace."""
    fresh = type(form)(instance=stale.record, prefix=form.prefix)
    theirs = fresh.shown()
    rows = [
        {
            "label": field.label,
            "yours": request.POST.get(field.html_name, ""),
            "theirs": theirs[field.html_name],
        }
        for field in fresh
        if request.POST.get(field.html_name, "").replace("\r\n", "\n") != theirs[field.html_name]
    ]
    kept = [(name, value) for name in theirs for value in request.POST.getlist(name)]
    facts = {"rows": rows, "kept": kept, "token": stale.record.revision, "by": "", "back": back}
    return render(request, "proposals/conflict.html", facts, status=409)


def consortium_page(
    request: SignedInRequest, found: Consortium, form: ConsortiumForm, invite: InviteMemberForm | None = None
) -> HttpResponse:
    members = list(
        found.memberships.present()
        .select_related("organization__incorporated_in", "organization__headquartered_in", "consented_by")
        .order_by("-is_anchor", "pk")
    )
    people = TeamMember.objects.visible_to(request.user).by_member(found.pk)
    seen = set(found.memberships.visible_to(request.user).values_list("pk", flat=True))
    may_invite = request.user.has_perm("proposals.invite_consortium", found)
    facts = {
        "consortium": found,
        "form": form,
        "members": [(member, people.get(member.pk, []), member.pk in seen) for member in members],
        "former": list(found.memberships.filter(status__in=OUT_OF_CONSORTIUM).select_related("organization")),
        "proposals": list(
            Proposal.objects.visible_to(request.user).filter(consortium=found).select_related("call")
        ),
        "may_change": request.user.has_perm("proposals.change_consortium", found),
        "offer": AnchorOffer.objects.visible_to(request.user)
        .open()
        .filter(consortium=found)
        .select_related("from_member__organization", "to_member__organization")
        .first(),
        "may_invite": may_invite,
        "invite": invite or (InviteMemberForm(countries=Country.objects.all()) if may_invite else None),
    }
    return render(request, "proposals/consortium.html", facts)


@require_POST
def invite(request: SignedInRequest, pk: int) -> HttpResponse:
    """Invite a member organization by the address of a person of it."""
    found = get_object_or_404(Consortium.objects.visible_to(request.user), pk=pk)
    if not request.user.has_perm("proposals.invite_consortium", found):
        raise PermissionDenied("Only an administrator of the anchor may invite members.")
    form = InviteMemberForm(request.POST, countries=Country.objects.all())
    if form.is_valid():
        try:
            services.invite_organization(found, by=request.user, **form.cleaned_data)
        except ValidationError as errors:
            form.add_error(None, errors.messages)
        else:
            messages.success(
                request, f"The invitation goes to {form.cleaned_data['email']}. It ends after two weeks."
            )
            return redirect("proposals:consortium", pk)
    return consortium_page(request, found, ConsortiumForm(instance=found), form)


def member_seen(request: SignedInRequest, pk: int) -> Membership:
    rows = Membership.objects.visible_to(request.user).select_related(
        "organization", "consortium", "consented_by"
    )
    member: Membership = get_object_or_404(rows, pk=pk)
    return member


def invitations_of(found: Membership) -> list[Invitation]:
    """The latest invitations of a member, each with whether mail reaches its address."""
    listed = Suppression.objects.filter(email=OuterRef("email"))
    rows = found.invitations.select_related("sent_by", "accepted_by")
    return list(rows.annotate(is_suppressed=Exists(listed))[:20])


@require_safe
def member(request: SignedInRequest, pk: int) -> HttpResponse:
    """One member: its role, its consent, its people, its invitations."""
    return member_page(request, member_seen(request, pk))


def member_page(
    request: SignedInRequest,
    found: Membership,
    *,
    role: MemberRoleForm | None = None,
    person: InvitePersonForm | None = None,
    place: TeamMemberForm | None = None,
) -> HttpResponse:
    people = User.objects.filter(affiliations__organization=found.organization_id, is_active=True)
    may_staff = request.user.has_perm("proposals.staff_membership", found)
    may_open = not may_staff and request.user.has_perm("proposals.open_membership", found)
    facts = {
        "member": found,
        "organization": found.organization,
        "team": list(found.team.active().select_related("user").order_by("role", "pk")),
        "invitations": invitations_of(found) if may_staff or may_open else [],
        "consents": list(found.consents.select_related("given_by").order_by("-pk")[:10]),
        "provisions": provisions_of(found),
        "may_change": request.user.has_perm("proposals.change_membership", found),
        "may_staff": may_staff,
        "may_open": may_open,
        "may_ask": found.status == MembershipStatus.CONSENTED
        and not found.is_consent_current
        and request.user.has_perm("proposals.ask_membership", found),
        "may_keep_facts": request.user.has_perm("program.change_organization", found.organization),
        "changes": changes_since(found) if found.status == MembershipStatus.CONSENTED else [],
        "role_form": role or MemberRoleForm(initial={"role_text": found.role_text}),
        "person_form": person or InvitePersonForm(first=may_open),
        "place_form": place or TeamMemberForm(people=people),
        "acts": {transition.name for transition in available(MEMBERSHIP_TRANSITIONS, found, request.user)},
    }
    return render(request, "proposals/member.html", facts)


def parts_in_words(found: Membership) -> list[dict[str, Any]]:
    """What the member is asked to supply, line by line with its sums, and to do, by proposal."""
    part = services.part_of(found)
    titles = titles_in(found)
    return [
        {
            "title": titles.get(row["proposal"], ""),
            "layers": [_layer_in_words(row, layer) for layer in StackLayer if layer in row["layers"]],
            "sites": row["sites"],
        }
        for row in part
    ]


def titles_in(found: Membership) -> dict[int, str]:
    return dict(Proposal.objects.filter(consortium=found.consortium_id).values_list("pk", "title"))


def _layer_in_words(part: dict[str, Any], layer: StackLayer) -> dict[str, Any]:
    lines = [line for line in part["lines"] if line["layer"] == layer]
    return {
        "code": f"{part['proposal']}-{layer.value}",
        "label": layer.label,
        "words": part["layers"][layer],
        "lines": [
            {"name": line["name"], "numbers": [(label, amount(name, line[name])) for name, label in COUNTED]}
            for line in lines
        ],
        "sums": [
            (label, amount(name, together(lines, name))) for name, label in COUNTED if name != "quantity"
        ],
        "has_numbers": any(line[name] for line in lines for name, _ in COUNTED),
    }


def changes_since(found: Membership) -> list[str]:
    """What the member is asked again about, in words: how its terms differ from those it accepted."""
    accepted = found.consents.order_by("-pk").first()
    if accepted is None or found.is_consent_current:
        return []
    return changes(accepted.terms, services.terms_of(found), titles_in(found))


def provisions_of(found: Membership) -> list[tuple[str, str]]:
    """The layers that the member supplies, with what it supplies, over the consortium's live proposals."""
    live = Provision.objects.filter(membership=found).exclude(proposal__status__in=["withdrawn", "lapsed"])
    said = {row.layer: row.description for row in live.order_by("pk")}
    supplied = set(
        found.components.exclude(proposal__status__in=["withdrawn", "lapsed"]).values_list("layer", flat=True)
    )
    return [(layer.label, said.get(layer, "")) for layer in StackLayer if layer in said or layer in supplied]


@require_POST
def member_role(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change what a member contributes; its consent is asked again."""
    found = member_seen(request, pk)
    form = MemberRoleForm(request.POST)
    if not form.is_valid():
        return member_page(request, found, role=form)
    try:
        services.change_role(
            found, by=request.user, role_text=form.cleaned_data["role_text"], revision=revision_of(request)
        )
    except StaleRevision as stale:
        kept = [("role_text", form.cleaned_data["role_text"])]
        rows = [{"label": "What it contributes", "yours": kept[0][1], "theirs": stale.record.role_text}]
        facts = {
            "rows": rows,
            "kept": kept,
            "token": stale.record.revision,
            "back": reverse("proposals:member", args=[pk]),
        }
        return render(request, "proposals/conflict.html", facts, status=409)
    messages.success(request, "Saved. The member is asked to consent to the new text.")
    return redirect("proposals:member", pk)


@require_POST
def member_ask(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask a member to renew its consent, once its part is written."""
    found = member_seen(request, pk)
    try:
        services.ask_consent(found, by=request.user)
    except NotReady as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(
            request,
            f"{found.organization} supplies again exactly what it accepted. Its consent stands."
            if found.is_consent_current
            else f"{found.organization} was asked to renew its consent.",
        )
    return redirect("proposals:member", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: SignedInRequest, pk: int) -> HttpResponse:
    """What a member is asked to accept, word for word, and its consent."""
    found = member_seen(request, pk)
    form = ConsentForm(request.POST or None, initial={"terms_sha256": sha256_hex(services.terms_of(found))})
    if request.method == "POST" and form.is_valid():
        try:
            services.consent(found, by=request.user, terms_sha256=form.cleaned_data["terms_sha256"])
        except (WrongStatus, ValidationError) as refusal:
            found = member_seen(request, pk)
            messages.error(request, " ".join(getattr(refusal, "messages", [str(refusal)])))
            form = ConsentForm(initial={"terms_sha256": sha256_hex(services.terms_of(found))})
        else:
            messages.success(
                request, f"{found.organization} has consented. You can now work on the proposal."
            )
            return redirect("proposals:consortium", found.consortium_id)
    facts = {
        "member": found,
        "form": form,
        "parts": parts_in_words(found),
        "changes": changes_since(found),
        "may_staff": request.user.has_perm("proposals.staff_membership", found),
        "representatives": found.team.active()
        .filter(role=TeamRole.AUTHORIZED_REPRESENTATIVE)
        .select_related("user")
        .values_list("user__name", flat=True),
        "declaration": declaration,
        "acts": {transition.name for transition in available(MEMBERSHIP_TRANSITIONS, found, request.user)},
        "anchor": found.consortium.anchor,
    }
    return render(request, "proposals/consent.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def decline(request: SignedInRequest, pk: int) -> HttpResponse:
    """Do not join, with a reason if one likes."""
    return _end(
        request, pk, services.decline_membership, "decline", "Decline the invitation", "You have declined."
    )


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: SignedInRequest, pk: int) -> HttpResponse:
    """Leave the consortium; the member's people lose their access with this act."""
    return _end(
        request, pk, services.leave_consortium, "leave", "Leave the consortium", "Your organization has left."
    )


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a member out of the consortium that one's organization leads."""
    done = "The member is out of the consortium. Its people were told."
    return _end(request, pk, services.remove_member, "remove", "Remove this member", done)


def _end(request: SignedInRequest, pk: int, service: Any, act: str, heading: str, done: str) -> HttpResponse:
    found = member_seen(request, pk)
    acts = {transition.name for transition in available(MEMBERSHIP_TRANSITIONS, found, request.user)}
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            service(found, by=request.user, note=form.cleaned_data["note"])
        except WrongStatus as refusal:
            messages.warning(request, str(refusal))
            return redirect("proposals:tasks")
        except NotReady as refusal:
            form.add_error("note", str(refusal))
        else:
            messages.success(request, done)
            if act == "remove":
                return redirect("proposals:consortium", found.consortium_id)
            return redirect("proposals:tasks")
    if act not in acts:
        raise PermissionDenied("You may not do this for the organization.")
    facts = {
        "member": found,
        "form": form,
        "heading": heading,
        "act": act,
        "provisions": provisions_of(found),
    }
    return render(request, "proposals/member_end.html", facts)


@require_POST
def person_invite(request: SignedInRequest, pk: int) -> HttpResponse:
    """Invite one more person to a member's team."""
    found = member_seen(request, pk)
    form = InvitePersonForm(request.POST)
    if not form.is_valid():
        return member_page(request, found, person=form)
    services.invite_person(found, by=request.user, **form.cleaned_data)
    messages.success(
        request, f"The invitation goes to {form.cleaned_data['email']}. It ends after two weeks."
    )
    return redirect("proposals:member", pk)


@require_POST
def team_add(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give a person of the member organization a role on the team."""
    found = member_seen(request, pk)
    people = User.objects.filter(affiliations__organization=found.organization_id, is_active=True)
    form = TeamMemberForm(request.POST, people=people)
    if form.is_valid():
        try:
            services.add_team_member(
                found, form.cleaned_data["user"], by=request.user, role=form.cleaned_data["role"]
            )
        except ValidationError:
            form.add_error("user", "This person already has that role.")
        else:
            messages.success(request, f"{form.cleaned_data['user']} is on the team.")
            back = "consent" if request.POST.get("next") == "consent" else "member"
            return redirect(f"proposals:{back}", pk)
    return member_page(request, found, place=form)


@require_http_methods(["GET", "HEAD", "POST"])
def team_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask, then take a person's role away."""
    rows = TeamMember.objects.visible_to(request.user).select_related("user", "membership__organization")
    place = get_object_or_404(rows, pk=pk, removed_at=None)
    if not request.user.has_perm("proposals.staff_membership", place.membership):
        raise PermissionDenied("Only an administrator of the member may change its team.")
    if request.method == "POST":
        try:
            services.remove_team_member(place, by=request.user)
        except PermissionDenied as refusal:
            record_refusal(request, str(refusal))
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{place.user} is no longer {place.get_role_display().lower()}.")
        back = (
            "proposals:member"
            if Membership.objects.visible_to(request.user).filter(pk=place.membership_id).exists()
            else "proposals:list"
        )
        return redirect(back, *([place.membership_id] if back == "proposals:member" else []))
    return render(request, "proposals/team_remove.html", {"place": place, "member": place.membership})


# Links by e-mail


@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: SignedInRequest, token: str) -> HttpResponse:
    """The page behind a link: says who invites whom to what; only a POST uses it."""
    try:
        found = services.find_invitation(token)
        if request.method == "POST":
            place = services.accept_invitation(token, by=request.user)
            messages.success(request, f"You are on the team of {place.membership.organization}.")
            first = "proposals:consent" if place.membership.status == "invited" else "proposals:consortium"
            return redirect(
                first, place.membership_id if first == "proposals:consent" else place.membership.consortium_id
            )
    except InvitationRefused as refusal:
        used = opened_by(token, request.user)
        if used and Membership.objects.visible_to(request.user).filter(pk=used.membership_id).exists():
            messages.info(request, "You have used this invitation already: you are on the team.")
            return redirect("proposals:member", used.membership_id)
        return render(request, "proposals/invitation_refused.html", {"reason": str(refusal)}, status=410)
    facts = {"invitation": found, "is_addressee": request.user.email == found.email, "token": token}
    return render(request, "proposals/invitation.html", facts)


@require_POST
def invitation_end(request: SignedInRequest, pk: int, act: str) -> HttpResponse:
    """Send a new link, or take one back."""
    visible = Membership.objects.visible_to(request.user)
    found = get_object_or_404(Invitation.objects.filter(membership__in=visible), pk=pk)
    do = {"resend": services.resend_invitation, "revoke": services.revoke_invitation}[act]
    try:
        do(found, by=request.user)
    except InvitationRefused as refusal:
        messages.warning(request, str(refusal))
    else:
        done = {
            "resend": "A new link goes out; the earlier one no longer works.",
            "revoke": "The link no longer works.",
        }
        messages.success(request, done[act])
    return redirect("proposals:member", found.membership_id)


# Counsel


@require_http_methods(["GET", "HEAD", "POST"])
def access(request: SignedInRequest, pk: int) -> HttpResponse:
    """Who sees this proposal: the team by its roles, counsel by a grant; a POST gives counsel access."""
    space = workspace(request, pk, "access")
    form = AccessForm(request.POST or None)
    if request.method == "POST":
        if not space.may_share:
            raise PermissionDenied("Only an administrator of the anchor gives access.")
        if form.is_valid():
            person = User.objects.filter(
                email=form.cleaned_data["email"].strip().lower(), is_active=True
            ).first()
            if person is None or person.is_service:
                form.add_error(
                    "email", "Nobody with this address has an account here. Ask counsel to create one first."
                )
            elif person.is_government:
                form.add_error(
                    "email", "A person in a government office cannot be given access to a working copy."
                )
            else:
                services.grant_access(
                    space.proposal, to=person, by=request.user, permission=form.cleaned_data["right"]
                )
                messages.success(request, f"{person} has access now and is told by e-mail.")
                return redirect("proposals:access", pk)
    facts = {
        "form": form if space.may_share else None,
        "grants": granted(space.proposal),
        "team": team_rows(space.proposal),
    }
    return show(request, "proposals/access.html", space, facts)


def granted(proposal: Proposal) -> list[tuple[User, str]]:
    """People with a grant, with the widest right each has, in words."""
    rights = {"view_proposal": "Read", "change_proposal": "Read and edit"}
    rows: Any = ProposalGrant.objects.filter(content_object=proposal, permission__codename__in=rights)
    people: dict[User, str] = {}
    for row in rows.select_related("user", "permission").order_by("permission__codename", "pk"):
        people.setdefault(row.user, rights[row.permission.codename])
    return list(people.items())


def team_rows(proposal: Proposal) -> list[TeamMember]:
    rows = TeamMember.objects.active().filter(membership__consortium=proposal.consortium_id)
    return list(
        rows.select_related("user", "membership__organization").order_by("membership_id", "role", "pk")
    )


@require_POST
def access_revoke(request: SignedInRequest, pk: int, user: int) -> HttpResponse:
    """Take counsel's access back."""
    space = workspace(request, pk, "access")
    grants: Any = ProposalGrant.objects.filter(content_object=space.proposal)
    person = get_object_or_404(User.objects.filter(pk__in=grants.values("user")), pk=user)
    services.revoke_access(space.proposal, of=person, by=request.user)
    messages.success(request, f"{person} no longer has access.")
    return redirect("proposals:access", pk)


# Owners of an organization


def organization_seen(request: SignedInRequest, pk: int) -> Organization:
    """An organization of one's own, or of a consortium one works in for a member that has consented."""
    mine = Organization.objects.filter(affiliations__user=request.user)
    members = Organization.objects.filter(
        memberships__in=Membership.objects.visible_to(request.user).present()
    )
    rows = Organization.objects.filter(pk__in=mine.values("pk")) | Organization.objects.filter(
        pk__in=members.values("pk")
    )
    found: Organization = get_object_or_404(rows, pk=pk)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def owners(request: SignedInRequest, pk: int) -> HttpResponse:
    """The owners of an organization with shares and control; a POST adds one."""
    organization = organization_seen(request, pk)
    may_change = request.user.has_perm("program.change_organization", organization)
    form = HoldingForm(request.POST or None, instance=Holding(organization=organization))
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied("Only an administrator of the organization may change its owners.")
        if form.is_valid():
            services.save_holding(form.instance, by=request.user, revision=None, values=form.values)
            messages.success(request, "Owner added.")
            return redirect("proposals:owners", pk)
    rows = list(organization.holdings.select_related("holder_country", "owned"))
    facts = {
        "organization": organization,
        "rows": rows,
        "form": form if may_change else None,
        "may_change": may_change,
    }
    return render(request, "proposals/owners.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def owner(request: SignedInRequest, pk: int, holding: int) -> HttpResponse:
    """One owner; a POST saves it, or removes it."""
    organization = organization_seen(request, pk)
    found = get_object_or_404(organization.holdings.select_related("organization"), pk=holding)
    if not request.user.has_perm("program.change_organization", organization):
        raise PermissionDenied("Only an administrator of the organization may change its owners.")
    form = HoldingForm(None if "remove" in request.POST else request.POST or None, instance=found)
    back = reverse("proposals:owners", args=[pk])
    try:
        if request.method == "POST" and "remove" in request.POST:
            services.remove_holding(found, by=request.user, revision=revision_of(request))
            messages.success(request, "Owner removed.")
            return redirect(back)
        if request.method == "POST" and form.is_valid():
            services.save_holding(found, by=request.user, revision=revision_of(request), values=form.values)
            messages.success(request, "Saved.")
            return redirect(back)
    except StaleRevision as stale:
        return _stale(request, stale, form, reverse("proposals:owner", args=[pk, holding]))
    return render(
        request,
        "proposals/owner.html",
        {
            "organization": organization,
            "holding": found,
            "form": form,
            "leaving": services.with_its_owners(found)[1:],
        },
    )
