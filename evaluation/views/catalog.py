"""The public catalog: active designations, and of each only what its anchor released."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from evaluation.documents import DISCLAIMER
from evaluation.models import CatalogEntry
from program.enums import StackLayer
from program.limits import limited
from program.order import implements
from program.requests import number_said
from proposals.enums import Sector

PAGE = 24
LATEST = 3
SCHEMA = "urn:ai-exports:catalog:1.0"


def page_of(request: HttpRequest) -> tuple[list[CatalogEntry], str]:
    """One keyset page of public entries by the filters of the address, and the address of the next."""
    rows = CatalogEntry.objects.public().for_list()
    sector, market = request.GET.get("sector", ""), request.GET.get("market", "")
    if sector in Sector:
        rows = rows.filter(sectors__contains=[sector])
    if market:
        rows = rows.filter(markets__contains=[{"code": market.upper()[:30]}])
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    page = found[:PAGE]
    if len(found) <= PAGE:
        return page, ""
    query = request.GET.copy()
    query["after"] = str(page[-1].pk)
    return page, f"?{query.urlencode()}"


@implements("s.3(d)")
@login_not_required
@require_safe
@limited("search")
def catalog(request: HttpRequest) -> HttpResponse:
    """Cards of designated packages; the same as JSON with ``?format=json``."""
    entries, following = page_of(request)
    if request.GET.get("format") == "json":
        return JsonResponse(
            {
                "schema": SCHEMA,
                "disclaimer": DISCLAIMER,
                "next": following,
                "packages": [facts_of(e) for e in entries],
            }
        )
    facts = {
        "cards": [card_of(entry) for entry in entries],
        "next": following,
        "sectors": Sector.choices,
        "sector": request.GET.get("sector", ""),
        "market": request.GET.get("market", ""),
        "disclaimer": DISCLAIMER,
    }
    return render(request, "evaluation/catalog.html", facts)


@implements("s.3(d)", "s.5(c)")
@login_not_required
@require_safe
def catalog_entry(request: HttpRequest, number: str) -> HttpResponse:
    """One designated package as its anchor released it."""
    entry = get_object_or_404(CatalogEntry.objects.public().for_list(), designation__number=number)
    if request.GET.get("format") == "json":
        return JsonResponse({"schema": SCHEMA, "disclaimer": DISCLAIMER, **facts_of(entry)})
    return render(request, "evaluation/catalog_entry.html", {**card_of(entry), "disclaimer": DISCLAIMER})


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def latest_designations(request: HttpRequest) -> HttpResponse:
    """The newest packages of the catalog, for the home page; by itself the address leads to the catalog."""
    if not request.headers.get("HX-Request"):
        return redirect("evaluation:catalog")
    latest = CatalogEntry.objects.public().for_list().order_by("-designation__designated_at", "-pk")[:LATEST]
    return render(request, "evaluation/_latest_designations.html", {"entries": latest})


def card_of(entry: CatalogEntry) -> dict[str, Any]:
    labels = dict(Sector.choices)
    return {
        "entry": entry,
        "designation": entry.designation,
        "sectors": [labels.get(code, code) for code in entry.sectors],
        "layers": [
            {"label": layer.label, "text": entry.layers[layer]}
            for layer in StackLayer
            if entry.layers.get(layer)
        ],
    }


def facts_of(entry: CatalogEntry) -> dict[str, Any]:
    """The released fields as open data."""
    designation = entry.designation
    return {
        "number": designation.number,
        "title": entry.title,
        "summary": entry.summary,
        "designated_at": designation.designated_at.isoformat(),
        "layers": entry.layers,
        "sectors": entry.sectors,
        "markets": entry.markets,
        "members": entry.members,
        "contact": {"name": entry.contact_name, "email": entry.contact_email, "url": entry.contact_url},
        "released_at": entry.released_at.isoformat(),
        "url": reverse("evaluation:catalog-entry", args=[designation.number]),
    }
