"""Everything about one target market: screening, packages, tools and commitments, partnerships, barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

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
from program.requests import SignedInRequest
from program.templatetags.uswds import tone_of
from program.transitions import NotReady
from proposals.models import Proposal, TargetMarket, Version

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.models import User
    from proposals.package import Package


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
    classes = [row for row in place.financing_classes.select_related("set_by") if row.holds(today)]
    facts: dict[str, Any] = {
        "country": place,
        "screening": screening,
        "tone": tone_of(screening.result),
        "groups": CountryGroup.objects.filter(code__in=screening.groups),
        "standing": classes[0] if classes else None,
        "packages": targeting(place, request.user),
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


def targeting(place: Country, user: User) -> list[tuple[Proposal, str]]:
    """Submitted packages whose frozen version targets ``place``, with the name of the market; newest first.

    The rows of the working copy find the candidates; what counts and is shown is the submitted version, so
    that nothing unsubmitted is told.
    """
    markets = TargetMarket.objects.filter(proposal=OuterRef("pk")).filter(
        Q(country=place) | Q(bloc__countries=place) | Q(countries=place)
    )
    candidates: QuerySet[Proposal] = (
        Proposal.objects.visible_to(user)
        .filter(Exists(markets), submitted_at__isnull=False)
        .select_related("consortium")
        .prefetch_related("designations")
        .order_by("-submitted_at")[:PAGE_SIZE]
    )
    proposals = list(candidates)
    versions = Version.objects.current().filter(proposal__in=[proposal.pk for proposal in proposals])
    values = {version.proposal_id: version.value for version in versions}
    found = ((proposal, _market(values.get(proposal.pk), place.pk)) for proposal in proposals)
    return [(proposal, market) for proposal, market in found if market]


def _market(package: Package | None, code: str) -> str:
    """The market of ``package`` that holds the country, by its name; empty when there is none."""
    for market in package.markets if package else ():
        if any(place.code == code for place in market.countries):
            return market.name
    return ""


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
