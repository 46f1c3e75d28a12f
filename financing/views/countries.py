"""Everything about one target market: screening, packages, tools and commitments, partnerships, barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, Subquery
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from evaluation.models import Designation
from evaluation.querysets.designations import LIVE
from financing.forms import ClassForm
from financing.models import MarketBarrier, Partnership, ToolReferral
from financing.querysets import follows_financing
from financing.services.matching import classify_country
from financing.views.board import STAGES, in_words
from financing.views.doors import PAGE_SIZE, edag_desk
from program import clock
from program.acts import lay_beside
from program.context_processors import AT_THE_DESK
from program.destinations import rules_on, screen_country
from program.models import Country, CountryGroup
from program.order import implements
from program.requests import SignedInRequest, number_said
from program.templatetags.uswds import tone_of
from program.transitions import NotReady
from proposals.models import Proposal, Version

if TYPE_CHECKING:
    from program.models import User


def find(code: str) -> Country:
    return get_object_or_404(Country, pk=code.upper()[:2]) if len(code) == 2 else _absent()


def _absent() -> Country:
    raise Http404


@implements("s.3(b)(ii)", "s.4(c)(ii)")
@require_safe
def country(request: SignedInRequest, code: str) -> HttpResponse:
    """One target market as this person may see it; for who has no office that reads it, it does not exist."""
    if not follows_financing(request.user) and not request.user.holds(*AT_THE_DESK):
        raise Http404
    return show(request, find(code))


def show(request: SignedInRequest, place: Country, status: int = 200, **more: Any) -> HttpResponse:
    today = clock.today()
    screening = screen_country(place.pk, rules_on(today))
    there = ToolReferral.objects.visible_to(request.user).filter(country=place)
    sums = there.stage_sums()
    referrals = list(there.for_list().order_by("-pk")[:PAGE_SIZE])
    packages, following = targeting(place, request.user, after=request.GET.get("after", ""))
    classes = [row for row in place.financing_classes.select_related("set_by") if row.holds(today)]
    facts: dict[str, Any] = {
        "country": place,
        "screening": screening,
        "tone": tone_of(screening.result),
        "groups": CountryGroup.objects.filter(code__in=screening.groups),
        "standing": classes[0] if classes else None,
        "packages": packages,
        "next_packages": following,
        "referrals": referrals,
        "sums": [
            (stage.label.lower(), sums[stage].number, in_words(sums[stage].usd))
            for stage in STAGES
            if stage in sums
        ],
        "most": PAGE_SIZE,
        "partnerships": Partnership.objects.visible_to(request.user).filter(countries=place),
        "barriers": MarketBarrier.objects.visible_to(request.user).filter(country=place),
        "blocs": place.blocs.all(),
        "may_classify": request.user.has_perm("financing.change_countryclass"),
        "class_form": more.pop("class_form", None) or ClassForm(),
        "today": today,
        "follows": follows_financing(request.user),
        "is_at_desk": request.user.holds(*AT_THE_DESK),
        **more,
    }  # fmt: skip
    return render(request, "financing/country.html", facts, status=status)


def targeting(place: Country, user: User, *, after: str = "") -> tuple[list[tuple[Proposal, str]], str]:
    """Packages whose last submitted version targets ``place``, with the name of the market; newest first.

    The working copy is not asked: what was removed or added there since was not submitted. A country for
    which an amendment has removed the last market of a designation is not targeted by it any more. ``after``
    is the key of the last package of the page before; the address of the page that follows comes second.
    """
    submitted = Version.objects.current().targeting(place.pk).filter(proposal=OuterRef("pk"))
    rows = Proposal.objects.visible_to(user).filter(Exists(submitted), submitted_at__isnull=False)
    narrowed = Designation.objects.filter(
        proposal=OuterRef("pk"), version__number=OuterRef("version_count"), status__in=LIVE,
        removed_targets__contains=[place.pk],
    )  # fmt: skip
    rows = rows.exclude(Exists(narrowed))
    if (last := number_said(after)) is not None:
        rows = rows.filter(_stands_after(last, user))
    rows = rows.select_related("consortium").prefetch_related("designations")
    proposals = list(rows.order_by("-submitted_at", "-pk")[: PAGE_SIZE + 1])
    following = f"?after={proposals[PAGE_SIZE - 1].pk}#packages" if len(proposals) > PAGE_SIZE else ""
    shown = proposals[:PAGE_SIZE]
    current = Version.objects.current().filter(proposal__in=[proposal.pk for proposal in shown])
    versions = {version.proposal_id: version for version in current}
    return [(each, _market(versions[each.pk], each, place.pk)) for each in shown], following


def _stands_after(pk: int, user: User) -> Q:
    """Proposals that stand after this one, the newest submission first; none where it is not seen."""
    at = Subquery(Proposal.objects.visible_to(user).filter(pk=pk).values("submitted_at"))
    return Q(submitted_at__lt=at) | Q(submitted_at=at, pk__lt=pk)


def _market(version: Version, proposal: Proposal, code: str) -> str:
    """The first market of ``version`` that holds the country, by its name; none that was removed."""
    live = [row for row in proposal.designations.all() if row.version_id == version.pk and row.status in LIVE]
    removed = {key for designation in live for key in designation.removed_markets}
    kept = (market for market in version.value.markets if market.key not in removed)
    return next((m.name for m in kept if any(place.code == code for place in m.countries)), "")


@edag_desk
@require_POST
def country_class(request: SignedInRequest, code: str) -> HttpResponse:
    """Confirm or override the class of a country, with its source."""
    place, form = find(code), ClassForm(request.POST)
    if not request.user.has_perm("financing.change_countryclass"):
        raise PermissionDenied("You may not set the class of a country.")
    if not form.is_valid():
        return show(request, place, status=422, class_form=form)
    try:
        classify_country(place, by=request.user, **form.cleaned_data)
    except NotReady as refusal:
        rest = lay_beside(form, refusal.problems)
        return show(request, place, status=422, class_form=form, problems=rest)
    messages.success(request, f"The class of {place} is set from today on. Match packages again to use it.")
    return redirect("financing:country", place.pk)
