"""What every page of one proposal's workspace has: the proposal, how far it is, who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render

from program import clock
from program.destinations import rules_on
from program.requests import SignedInRequest, number_said
from proposals.composition import composed, rules_of
from proposals.confidentiality import by_place, marks_of
from proposals.enums import Part, ProposalStatus, TeamRole
from proposals.lifecycle import ASK_TIME
from proposals.models import Attachment, Membership, Proposal, TeamMember
from proposals.places import destinations_of
from proposals.progress import Progress, content_sha256_of, grouped, later_of, progress_of
from proposals.querysets import EDITABLE, REPLACEABLE, ProposalQuerySet
from proposals.readiness import Candidate, rule_in_words
from proposals.rules import is_on_team, know_ties, read_ties
from proposals.standing import Standing, standings_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from program.models import User
    from proposals.places import Destination

AWAY = (
    "The working copy belongs to the consortium. Government offices read the submitted versions, "
    "and only where they may."
)
LOOK_ONLY = "You may read this proposal, not change it."
CLOSED = (
    "The call has closed and what you submitted stands, so the working copy cannot be changed any more. If "
    "the Program office returns the proposal for correction, it opens again."
)


@dataclass
class Workspace:
    """One proposal as its consortium works on it; each question is asked once per page."""

    proposal: Proposal
    user: User
    current: str = ""
    is_whole: bool = False

    @cached_property
    def progress(self) -> Progress:
        if not self.is_whole:
            return progress_of(self.proposal)
        package, rules = composed(self.proposal), rules_of(self.proposal.call)
        return Progress(self.proposal.pk, package, rules, later_of(self.proposal))

    @cached_property
    def standing(self) -> Standing:
        """What the apps above know of the proposal."""
        return standings_of([self.proposal])[self.proposal.pk]

    @cached_property
    def may_edit(self) -> bool:
        return self.user.has_perm("proposals.change_proposal", self.proposal)

    @cached_property
    def may_share(self) -> bool:
        return self.user.has_perm("proposals.share_proposal", self.proposal)

    @cached_property
    def may_release(self) -> bool:
        return self.user.has_perm("proposals.release_proposal", self.proposal)

    @cached_property
    def may_certify(self) -> bool:
        return self.user.has_perm("proposals.certify_proposal", self.proposal)

    @cached_property
    def is_on_team(self) -> bool:
        """Of the consortium; outside counsel reads the proposal, but no page of the team."""
        return is_on_team.test(self.user, self.proposal) or self.user.has_perm(
            "proposals.view_consortium", self.proposal.consortium
        )

    @property
    def members(self) -> list[Membership]:
        """Organizations that are invited or in, as they were read with the proposal."""
        found: list[Membership] = self.proposal.consortium.present_members  # type: ignore[attr-defined]
        return found

    @property
    def attachments(self) -> list[Attachment]:
        """Files that are in the package, as they were read with the proposal."""
        found: list[Attachment] = self.proposal.present_attachments  # type: ignore[attr-defined]
        return found

    @cached_property
    def now(self) -> datetime:
        return clock.now()

    @cached_property
    def limit(self) -> datetime | None:
        """Until when it can be submitted, exclusive; the cure period where that is later."""
        return Candidate.shown(self.proposal, self.progress.package).limit

    @cached_property
    def rule(self) -> str:
        """By which rule that limit was found, in words."""
        call = self.proposal.call
        return call.rule_text if self.is_as_called else rule_in_words(self.proposal, call)

    @property
    def is_as_called(self) -> bool:
        """Whether its time ends with that of every proposal under the call."""
        return self.proposal.closes_at == self.proposal.call.closes_at

    @property
    def may_have_time(self) -> bool:
        """Whether its consortium may ask for more time, or has done so."""
        return self.proposal.status in ASK_TIME.sources and not self.proposal.call.cancelled_at

    @property
    def is_under_way(self) -> bool:
        """Whether a submission is still to come, or still possible: then what lacks for one is shown."""
        if self.proposal.call.cancelled_at:
            return False
        return self.proposal.status in EDITABLE or (
            self.proposal.status in REPLACEABLE and self.proposal.takes_versions(at=self.now)
        )

    @property
    def to_consent(self) -> list[Membership]:
        """Members whose consent to what the package now says of them is still to come."""
        return [member for member in self.members if not member.is_consent_current]

    @cached_property
    def destinations(self) -> dict[str, Destination]:
        """What the rules of today say of each market; three statements, and none without a market."""
        package = self.progress.package
        return destinations_of(package, rules_on(clock.today())) if package.markets else {}

    @cached_property
    def certified_by(self) -> str:
        """Who certified exactly this content; empty when nobody did or it has changed since."""
        given = self.proposal.unused_certifications  # type: ignore[attr-defined]
        if not given:
            return ""
        content = self.progress.package.sha256 if self.is_whole else content_sha256_of(self.proposal)
        return next((row.signer_name for row in given if row.content_sha256 == content), "")

    @property
    def name(self) -> str:
        """What people call the proposal."""
        return self.proposal.title or self.proposal.number or "Untitled proposal"

    @cached_property
    def anchor_roles(self) -> set[str]:
        """The person's roles on the anchor's team."""
        places = TeamMember.objects.of(self.user).filter(
            membership__consortium=self.proposal.consortium_id, membership__is_anchor=True
        )
        return set(places.values_list("role", flat=True))

    @property
    def follows_financing(self) -> bool:
        """Once designated, the anchor's team reads where the federal tools stand."""
        return self.proposal.status == ProposalStatus.DESIGNATED and bool(self.anchor_roles)

    @property
    def chooses_catalog(self) -> bool:
        """While the designation is active, who speaks for the anchor chooses what becomes public."""
        speakers = {TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE}
        may_speak = self.follows_financing and not speakers.isdisjoint(self.anchor_roles)
        return may_speak and self.is_designation_active

    @property
    def is_undecided(self) -> bool:
        """Whether a version may still be sent, now or after a return."""
        return self.proposal.status in (*EDITABLE, *REPLACEABLE)

    @property
    def is_designation_active(self) -> bool:
        return self.standing.designation_status == "active"

    @property
    def is_sent(self) -> bool:
        """Whether a version is with the Government and stands until another replaces it."""
        return self.proposal.status in REPLACEABLE

    @property
    def is_draft(self) -> bool:
        return self.proposal.status == ProposalStatus.DRAFT

    @property
    def parts(self) -> list[tuple[str, Part]]:
        return [(part.value, part) for part in Part]


PER_PAGE: Final = 25


@dataclass(frozen=True)
class Page:
    """A piece of a long list: ``first`` (from 0) and ``until`` cut it out; the rest is what its links say."""

    first: int
    until: int
    previous: str
    next: str
    shown: str

    @classmethod
    def of(
        cls, request: SignedInRequest, total: int, noun: str, *, per: int = PER_PAGE, place: int | None = None
    ) -> Page:
        """The page asked for, or the one with a ``place``; nonsense is the first, too many the last."""
        last = max(1, -(-total // per))
        number = min(max(number_said(request.GET.get("page", ""), digits=6) or 1, 1), last)
        if place is not None:
            number = place // per + 1
        first, until = (number - 1) * per, min(number * per, total)
        if last == 1:
            return cls(first, until, "", "", "")
        return cls(
            first,
            until,
            f"?page={number - 1}" if number > 1 else "",
            f"?page={number + 1}" if number < last else "",
            f"{first + 1:,} to {until:,} of {total:,} {noun}",
        )


def seen(request: SignedInRequest, pk: int, queryset: ProposalQuerySet | None = None) -> Proposal:
    """The proposal, when the person may see it; strangers get 404."""
    rows = queryset if queryset is not None else Proposal.objects.select_related("call", "consortium")
    found: Proposal = get_object_or_404(rows.visible_to(request.user), pk=pk)
    return found


def to_edit(request: SignedInRequest, pk: int) -> Proposal:
    """The proposal, when the person may change it: strangers get 404, who may only look 403."""
    found = Proposal.objects.editable_by(request.user).filter(pk=pk).first()
    if found is None:
        proposal = seen(request, pk)
        sent = proposal.status in REPLACEABLE and not proposal.takes_versions(at=clock.now())
        raise PermissionDenied(CLOSED if sent else LOOK_ONLY)
    return found


def workspace(request: SignedInRequest, pk: int, current: str = "") -> Workspace:
    """The working copy, its components in outline; who sees only versions gets 403."""
    return _opened(request, pk, Proposal.objects.for_pages().with_beside(), current)


def whole_workspace(request: SignedInRequest, pk: int, current: str = "") -> Workspace:
    """The working copy with every word of its components, for the page that shows them all."""
    space = _opened(request, pk, Proposal.objects.for_detail().with_beside(), current)
    space.is_whole = True
    return space


def _opened(request: SignedInRequest, pk: int, rows: ProposalQuerySet, current: str) -> Workspace:
    """Whoever is tied to it needs no other right: asked for first, in words that are written once."""
    shows = request.method in ("GET", "HEAD")
    known = read_ties(request.user, pk) if shows else None
    if known is not None and known.opens_working_copy:
        proposal = get_object_or_404(rows, pk=pk)
    else:
        proposal = seen(request, pk, rows)
    if known is not None:
        know_ties(proposal, request.user, known)
    if not request.user.has_perm("proposals.view_draft_proposal", proposal):
        raise PermissionDenied(AWAY)
    return Workspace(proposal, request.user, current)


def show(
    request: SignedInRequest, template: str, space: Workspace, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Render a page of the workspace."""
    facts = {
        "space": space,
        "proposal": space.proposal,
        "progress": space.progress,
        "marked": by_place(marks_of(space.progress.with_early)),
        "missing_groups": grouped(context.get("missing", ())),
        **context,
    }
    return render(request, template, facts, status=status)
