"""A person's proposals: the list, a new one, and the overview of one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, Exists, OuterRef, Q
from django.db.models.functions import Cast
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from program import clock
from program.models import Agency, AuditEvent, Call, Document, Organization
from program.record_words import facts_in_words
from program.requests import SignedInRequest, number_said
from program.transitions import NotReady, available
from program.waiting import team_tasks
from proposals import services
from proposals.composition import compose
from proposals.edits import WITH_FILES
from proposals.enums import OUT_OF_CONSORTIUM, ProposalStatus, TeamRole
from proposals.explanation import status_explained
from proposals.forms.consortia import NewProposalForm
from proposals.lifecycle import TRANSITIONS, WITHDRAW
from proposals.models import (
    AnchorOffer,
    Comment,
    Consortium,
    Invitation,
    Membership,
    Proposal,
    TeamMember,
    TimeRequest,
)
from proposals.querysets import CLOSES_AT
from proposals.services.reading import named
from proposals.services.submissions import takes_changes
from proposals.standing import Standing, standings_of
from proposals.views.workspace import seen, show, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

PER_PAGE = 25
SHOWN_EVENTS = 15
SHOWN_SENT = 100

ACTS = {
    "proposal.create": "Draft begun",
    "proposal.certify": "Certified",
    "proposal.submit": "Submitted",
    "proposal.resubmit": "Submitted again",
    "proposal.return": "Returned for correction",
    "proposal.accept": "Accepted for evaluation",
    "proposal.withdraw": "Withdrawn",
    "proposal.lapse": "Lapsed when the time to submit was over",
    "proposal.ask_time": "More time asked for",
    "proposal.extend": "More time given",
    "proposal.reopen": "Draft open again",
    "timerequest.decline": "More time declined",
    "proposal.designate": "Designation announced",
    "proposal.decline": "Announced: not selected",
    "proposal.attach": "File added",
    "proposal.detach": "File removed",
    "proposal.replace_file": "File replaced",
    "proposal.remove_row": "Row removed",
    "proposal.import": "Package file taken over",
    "proposal.copy": "Begun with the rows of an earlier proposal",
    "proposal.import_components": "Table of components taken over",
    "proposal.restore_row": "Removed row put back",
    "proposal.mark": "Matter marked as confidential",
    "proposal.change_mark": "Mark of confidentiality changed",
    "proposal.unmark": "Mark of confidentiality taken off",
    "proposal.report_change": "Material change reported",
    "proposal.read": "Read by a government office",
    "proposal.lose_certification": "Certification lost by a change",
    "designation.suspend": "Designation suspended",
    "designation.reinstate": "Designation active again",
    "designation.revoke": "Designation revoked",
    "designation.expire": "Designation expired",
    "designation.meet_condition": "Condition of the designation met",
    "designation.amend": "Amendment of the designation announced",
    "designation.amendment_in_force": "Amendment of the designation in force",
    "designation.release_catalog_entry": "Text released for the public catalog",
    "designation.withdraw_catalog_entry": "Public catalog entry taken out",
    "membership.consent": "Member consented",
    "membership.leave": "Member left the consortium",
    "membership.remove": "Member removed by the anchor",
    "grant.give": "Access given",
    "grant.revoke": "Access taken back",
}

OFFICIAL_ACTS = frozenset(
    {
        "proposal.return", "proposal.accept", "proposal.lapse", "proposal.designate", "proposal.decline",
        "proposal.extend", "proposal.reopen", "timerequest.decline",
        "designation.suspend", "designation.reinstate", "designation.revoke", "designation.expire",
        "designation.meet_condition", "designation.amend", "designation.amendment_in_force",
    }
)  # fmt: skip
#: A member goes; its organization is named.
GOING = ("membership.leave", "membership.remove")
NAMING_PEOPLE = frozenset({"grant.give", "grant.revoke"})
#: Acts whose note names a row of the desk and says nothing to the consortium.
WITHOUT_NOTE = frozenset({"proposal.designate", "proposal.decline"})


@require_safe
def proposal_list(request: SignedInRequest) -> HttpResponse:
    """Mine: number, call, status in words, what happens now, deadline; 25 a page, the newest first."""
    after = number_said(request.GET.get("after", ""))
    rows = Proposal.objects.visible_to(request.user).for_list()
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: PER_PAGE + 1])
    at = clock.now()
    known = standings_of(found[:PER_PAGE])
    shown = [(row, status_explained(row, at=at, standing=known[row.pk])) for row in found[:PER_PAGE]]
    more = f"?after={shown[-1][0].pk}" if len(found) > PER_PAGE else ""
    return render(request, "proposals/list.html", {"rows": shown, "next": more, "is_first": not after})


@require_http_methods(["GET", "HEAD", "POST"])
def proposal_new(request: SignedInRequest) -> HttpResponse:
    """Begin a draft under an open call, with a consortium that exists or a new one."""
    if not request.user.has_perm("proposals.add_consortium"):
        raise PermissionDenied("Government offices do not propose.")
    organizations = administered(request)
    calls = Call.objects.open_at(clock.now()).filter(cancelled_at=None).order_by("closes_at", "pk")
    taken = list(
        Proposal.objects.live_under(calls).filter(consortium__in=anchored(request)).select_related("call")
    )
    under = Counter(row.consortium_id for row in taken)
    full = [consortium for consortium, number in under.items() if number >= len(calls)]
    form = NewProposalForm(
        request.POST or None,
        initial={"call": request.GET.get("call", ""), "source": request.GET.get("from", "")},
        calls=calls,
        # Who presses twice sent one that is taken by now
        consortia=anchored(request).exclude(pk__in=() if request.method == "POST" else full),
        organizations=organizations,
        sources=earlier(request),
    )
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        source = data.pop("source", None)
        try:
            if source:
                proposal = services.copy_proposal(source, by=request.user, **data)
            else:
                proposal = services.begin_proposal(by=request.user, **data)
        except services.AlreadyBegun as twice:
            return redirect("proposals:copied" if source else "proposals:detail", twice.proposal.pk)
        except NotReady as refusal:
            for problem in refusal.problems:
                form.add_error(None, problem.message)
        else:
            messages.success(request, "Your draft is ready. Nothing is sent until you submit.")
            return redirect("proposals:copied" if source else "proposals:detail", proposal.pk)
    here = f"{reverse('proposals:new')}?call={request.GET.get('call', '')}"
    facts = {
        "form": form,
        "calls": list(calls),
        "taken": [row for row in taken if request.user.has_perm("proposals.view_proposal", row)],
        "has_organization": organizations.exists() or anchored(request).exists(),
        "here": here,
    }
    return render(request, "proposals/new.html", facts)


def administered(request: SignedInRequest) -> QuerySet[Organization]:
    """Organizations whose facts the person keeps."""
    return Organization.objects.filter(affiliations__user=request.user, affiliations__is_administrator=True)


def anchored(request: SignedInRequest) -> QuerySet[Consortium]:
    """Consortia whose anchor the person administers."""
    places = TeamMember.objects.of(request.user).filter(membership__is_anchor=True, role="administrator")
    return Consortium.objects.filter(pk__in=places.values("membership__consortium"))


def earlier(request: SignedInRequest) -> QuerySet[Proposal]:
    """Proposals whose rows a new one may begin with: of consortia whose anchor the person administers."""
    rows = Proposal.objects.visible_to(request.user).filter(consortium__in=anchored(request))
    return rows.select_related("consortium").order_by("-pk")


@require_safe
def proposal_copied(request: SignedInRequest, pk: int) -> HttpResponse:
    """What a draft that began with the rows of an earlier proposal does not have of it."""
    space = workspace(request, pk, "detail")
    event = AuditEvent.objects.of(space.proposal).filter(act="proposal.copy").first()
    if event is None:
        raise Http404
    body = event.said
    facts = {
        "from_number": body["before"].get("number", ""),
        "left_out": body["after"].get("left_out", []),
        "note": body["note"],
    }
    return show(request, "proposals/copied.html", space, facts)


@require_safe
def proposal_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    """The overview: layers, checklist, deadline, team, U.S. content, what happens now, activity."""
    proposal = seen(request, pk)
    if not request.user.has_perm("proposals.view_draft_proposal", proposal):
        return redirect("proposals:version", pk, proposal.version_count)
    space = workspace(request, pk, "detail")
    at = clock.now()
    latest = space.proposal.versions.select_related("receipt").order_by("-number").first()
    people = TeamMember.objects.by_member(space.proposal.consortium_id)
    facts: dict[str, Any] = {
        "explained": status_explained(space.proposal, at=at, standing=space.standing),
        "now": at,
        "latest": latest,
        "has_changes": latest is not None
        and space.may_edit
        and latest.sha256 != compose(space.proposal).sha256,
        "acts": acts_of(request, space.proposal),
        "tasks": team_tasks(request.user, proposal) if proposal.status == ProposalStatus.DESIGNATED else [],
        "may_report": latest is not None
        and takes_changes(space.proposal)
        and request.user.has_perm("proposals.report_change_proposal", space.proposal),
        "activity": list(activity_of(space.proposal, space.standing, space.members)),
        "members": [(member, people.get(member.pk, [])) for member in space.members],
        "changes": list(space.proposal.material_changes.select_related("reported_by")) if latest else [],
    }
    return show(request, "proposals/detail.html", space, facts)


@require_safe
def totals(request: SignedInRequest, pk: int) -> HttpResponse:
    """The small panel at the side of every page of the workspace; asked for again after each save."""
    return show(request, "proposals/_totals.html", workspace(request, pk), {})


def acts_of(request: SignedInRequest, proposal: Proposal) -> list[dict[str, str]]:
    """What the person may do to the proposal as it stands, with the page that does it."""
    pages = {"submit": "proposals:review", "resubmit": "proposals:review", "withdraw": "proposals:withdraw"}
    may_send = not proposal.call.cancelled_at and request.user.has_perm("proposals.change_proposal", proposal)
    labels = {"submit": "Review, certify and submit", "resubmit": "Review and submit again"}
    return [
        {
            "name": transition.name,
            "label": labels.get(transition.name, transition.label),
            "url": reverse(pages[transition.name], args=[proposal.pk]),
            "description": transition.description,
        }
        for transition in available(TRANSITIONS, proposal, request.user)
        if transition.name in pages and (transition is WITHDRAW or may_send)
    ]


def activity_of(
    proposal: Proposal, standing: Standing, members: list[Membership], most: int = SHOWN_EVENTS
) -> Iterator[dict[str, Any]]:
    """The newest events that are the consortium's to know, in words.

    How agencies work on it (screening, assignments, grants to reviewers) is theirs; officials are named by
    their office.
    """
    names = {str(row.pk): row.organization.legal_name for row in members}
    of_member = {"subject_type": Membership._meta.label_lower}
    own = Q(act="membership.consent", subject_id__in=list(names), **of_member)
    gone = Membership.objects.filter(consortium=proposal.consortium_id, status__in=OUT_OF_CONSORTIUM)
    keys = gone.annotate(key=Cast("pk", CharField())).values("key")
    own |= Q(act__in=GOING, subject_id__in=keys, **of_member)
    asked = TimeRequest.objects.filter(proposal=proposal).annotate(key=Cast("pk", CharField())).values("key")
    own |= Q(subject_type=TimeRequest._meta.label_lower, subject_id__in=asked)
    for record in (proposal, *standing.records):
        own |= Q(subject_type=record._meta.label_lower, subject_id=str(record.pk))
    events = AuditEvent.objects.filter(own, act__in=ACTS).select_related("actor")
    told: list[tuple[AuditEvent, dict[str, Any]]] = []
    for event in events.order_by("-at", "-pk").iterator(chunk_size=100):
        body = event.said
        if not event.act.startswith("grant.") or _is_own_grant(body):
            told.append((event, body))
        if len(told) == most:
            break
    agencies = dict(Agency.objects.values_list("code", "display_name"))
    files = _files_of(proposal, {_file_in(body) for _, body in told} - {""})
    for event, body in told:
        is_reading = event.act == "proposal.read"
        facts = ""
        if event.act in NAMING_PEOPLE:
            facts = facts_in_words(body)
        elif is_reading:
            facts = _what_was_read(body, files)
        elif event.act in WITH_FILES:
            facts = files.get(_file_in(body), "")
        elif event.act.startswith("membership."):
            facts = names.get(event.subject_id) or _organization(event)
        yield {
            "heading": ACTS[event.act],
            "at": event.at,
            "by": named(body["after"].get("agencies", ""), agencies) if is_reading else _who(event, body),
            "clause": event.clause,
            "facts": facts,
            "note": "" if event.act in WITHOUT_NOTE else body["note"],
            "tone": "info"
            if event.act in ("proposal.submit", "proposal.resubmit", "proposal.accept")
            else "neutral",
        }


def _file_in(body: dict[str, Any]) -> str:
    """The SHA-256 of the file that an event names, the new one where it replaced another."""
    said = body["after"] or body["before"]
    return str(said.get("document", "")) if isinstance(said, dict) else ""


def _files_of(proposal: Proposal, wanted: set[str]) -> dict[str, str]:
    """What the proposal's files are called, those that were replaced included, by their SHA-256."""
    if not wanted:
        return {}
    own = Q(attachments__proposal=proposal) | Q(replaced_in__attachment__proposal=proposal)
    return {file.sha256: str(file) for file in Document.objects.filter(own, sha256__in=wanted).distinct()}


def _what_was_read(body: dict[str, Any], files: dict[str, str]) -> str:
    """The version, and the file where it was one; a PDF of the package is no file of the proposal."""
    version = f"version {body['after'].get('version', '')}"
    if not (read := _file_in(body)):
        return f"The package, {version}"
    return (
        f"The file “{files[read]}”, {version}"
        if read in files
        else f"A PDF or a file of an answer, {version}"
    )


def _organization(event: AuditEvent) -> str:
    """The member that has gone, by name."""
    return str(Membership.objects.select_related("organization").get(pk=event.subject_id).organization)


def _is_own_grant(body: dict[str, Any]) -> bool:
    """Whether it gives or takes the access of counsel, which the consortium itself decides."""
    grant = body["after"] or body["before"]
    taken = {grant.get("permission"), *(grant.get("permissions") or ())}
    return not taken.isdisjoint({"proposals.view_proposal", "proposals.change_proposal"})


def _who(event: AuditEvent, body: dict[str, Any]) -> str:
    return body["standing"] if event.act in OFFICIAL_ACTS else str(event.actor)


@require_safe
def tasks(request: SignedInRequest) -> HttpResponse:
    """What waits for this person: invitations, offers, consents, comments, drafts, with their dates."""
    at = clock.now()
    invitations = [
        (invitation, services.token_of(invitation))
        for invitation in Invitation.objects.filter(
            email=request.user.email,
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=at,
            membership__status__in=["invited", "consented"],
        ).select_related("membership__consortium", "membership__organization", "sent_by")
    ]
    speaking = TeamMember.objects.active().filter(user=request.user.pk).exclude(role="contributor")
    members = Membership.objects.present().filter(pk__in=speaking.values("membership"))
    to_consent = [m for m in members.select_related("consortium", "organization") if not m.is_consent_current]
    open_rows = Proposal.objects.visible_to(request.user).filter(
        status__in=["draft", "returned"],
        consortium__in=TeamMember.objects.of(request.user).values("membership__consortium"),
    )
    rows = open_rows.select_related("call", "consortium").order_by(CLOSES_AT, "pk")[:PER_PAGE]
    drafts = list(rows)
    sent = list(sent_by(request))
    known = standings_of([*drafts, *sent])
    facts = {
        "invitations": invitations,
        "to_consent": to_consent,
        "rows": [
            (row, status_explained(row, at=at, standing=known[row.pk]), known[row.pk]) for row in drafts
        ],
        "questions": [(row, one) for row in [*drafts, *sent] for one in known[row.pk].questions],
        "designated": [(row, known[row.pk]) for row in sent if is_next_step_open(row, known[row.pk])],
        "offers": list(
            AnchorOffer.objects.open()
            .filter(to_member__in=speaking.values("membership"))
            .select_related("consortium", "from_member__organization", "to_member__organization")
        ),
        "comments": list(
            Comment.objects.visible_to(request.user)
            .open()
            .filter(assigned_to=request.user)
            .select_related("proposal", "author")[:PER_PAGE]
        ),
        "tasks": team_tasks(request.user),
    }
    return render(request, "proposals/tasks.html", facts)


def sent_by(request: SignedInRequest) -> QuerySet[Proposal]:
    """Proposals of the person's consortia that the Government has, and whether they speak for the anchor."""
    places = TeamMember.objects.of(request.user)
    speaking = places.filter(
        membership__is_anchor=True,
        membership__consortium=OuterRef("consortium"),
        role__in=[TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE],
    )
    rows = Proposal.objects.visible_to(request.user).filter(
        status__in=["submitted", "under_evaluation", "designated"],
        consortium__in=places.values("membership__consortium"),
    )
    chosen = rows.select_related("call", "consortium").annotate(speaks_for_anchor=Exists(speaking))
    return chosen.order_by("-pk")[:SHOWN_SENT]


def is_next_step_open(proposal: Proposal, standing: Standing) -> bool:
    """Whether an active designation waits for the anchor to choose what the public catalog is to show."""
    is_active = standing.designation_status == "active" and standing.owes_catalog_text
    return is_active and proposal.speaks_for_anchor  # type: ignore[attr-defined]
