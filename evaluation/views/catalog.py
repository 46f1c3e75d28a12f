"""The public catalog: active designations, and of each only what its anchor released."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.contrib.auth.decorators import login_not_required
from django.contrib.syndication.views import Feed
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse, reverse_lazy
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import linebreaks
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from evaluation.documents import DISCLAIMER
from evaluation.folding import fold
from evaluation.models import CatalogEntry, Designation
from evaluation.opendata import HEADINGS, amendments_of, facts_of, lines_of, schema_of
from evaluation.terms import public_lines
from evaluation.worldmap import (
    HEIGHT,
    NARROWEST,
    REGIONS,
    TARGET,
    WIDTH,
    Point,
    Region,
    blocs_like_countries,
    places,
    region_of,
    spread,
)
from program import kept
from program.enums import StackLayer
from program.limits import limited
from program.order import implements
from program.prepared import Prepared
from program.reference import read
from program.requests import number_said
from program.spreadsheets import sent, written_in_lines
from program.transitions import Problem
from program.writes import WRITES, writes_of
from proposals.enums import Sector

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import TextChoices
    from django.http import StreamingHttpResponse

    from evaluation.querysets.catalog import CatalogQuerySet

PAGE = 24
LATEST = 3
IN_FEED = 30
LONGEST = 200
MOST_WORDS = 8
#: What the address may ask, and what the page calls it
FIELDS = {"q": "words", "layer": "layer", "sector": "sector", "market": "market"}
#: Which of it is chosen from a list
CHOSEN: Final[dict[str, type[TextChoices]]] = {"layer": StackLayer, "sector": Sector}
#: The pages of the catalog that were read last, as they were written
CARDS: Final = kept.Kept(64)
#: Another answer once a row is written that the pages are written from; a test holds the tables equal
WRITTEN: Final = Prepared(
    lambda: CatalogEntry.objects.order_by().values_list(WRITES, writes_of(Designation.objects.all()))
)
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Sought:
    """What the address asks of the catalog; what nothing can answer is left out."""

    q: str = ""
    layer: str = ""
    sector: str = ""
    market: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Sought:
        said = {name: said_of(request, name) for name in FIELDS}
        return cls(**{name: "" if is_unknown(name, value) else value for name, value in said.items()})

    @property
    def demands(self) -> dict[str, Q]:
        """What each thing that is asked demands of an entry."""
        words = re.sub(r'["\\]', " ", fold(self.q)).split()[:MOST_WORDS]
        demands = {
            "q": Q(*(Q(folded__contains=word) for word in words)),
            "layer": describes(self.layer),
            "sector": Q(sectors__contains=[self.sector]),
            "market": meant_for(self.market),
        }
        return {name: demand for name, demand in demands.items() if getattr(self, name) and demand}

    def address(self, **changes: str) -> str:
        """The query of an address that asks the same but for ``changes``; empty ones leave a thing out."""
        asked = QueryDict(mutable=True)
        asked.update({name: said for name, said in {**asdict(self), **changes}.items() if said})
        return f"?{asked.urlencode()}"


def said_of(request: HttpRequest, name: str) -> str:
    """What the address asks under ``name``; the code of a country or a bloc may be in small letters."""
    said = request.GET.get(name, "").strip()[:LONGEST]
    if name == "market" and (said.upper() in places() or said.upper() in blocs()):
        return said.upper()
    return said


@cache
def blocs() -> dict[str, str]:
    """The names of all blocs by their codes."""
    return {code: bloc["name"] for code, bloc in read("regional_blocs")["blocs"].items()}


def is_unknown(name: str, value: str) -> bool:
    """Whether the catalog knows no such value of a filter that is chosen from a list."""
    if name == "market":
        is_code = value in places() or value in blocs() or value in blocs().values()
        return bool(value) and not is_code and not public_entries().filter(meant_for(value)).exists()
    return bool(value) and name in CHOSEN and value not in CHOSEN[name]


def unknown_in(request: HttpRequest, *, in_codes: bool = False) -> list[Problem]:
    """What the address asks that the catalog does not know, and what it knows; a program is told codes."""
    asked = ((name, said_of(request, name)) for name in FIELDS)
    unknown = [(name, value) for name, value in asked if is_unknown(name, value)]
    return [
        Problem(
            "unknown",
            f"There is no {FIELDS[name]} “{value}” in the catalog. {known_of(name, in_codes=in_codes)}",
            field=name,
        )
        for name, value in unknown
    ]


def known_of(name: str, *, in_codes: bool) -> str:
    if name not in CHOSEN:
        return "Choose one from the list, or give the code of a country, such as KE."
    chosen = CHOSEN[name]
    return f"Known are: {', '.join(chosen.values if in_codes else chosen.labels)}."


def word_of_market(value: str) -> str:
    """What the page calls a market that no package is meant for."""
    return str(read("countries")["countries"].get(value) or blocs().get(value) or value)


def refused(problems: list[Problem], kind: str) -> HttpResponse:
    """Open data is not given for a question that the catalog does not understand: it would be too much."""
    if kind == "json":
        told = [{"code": each.code, "field": each.field, "message": each.message} for each in problems]
        return JsonResponse({"problems": told}, status=422)
    words = "\n".join(each.message for each in problems)
    return HttpResponse(words, content_type="text/plain; charset=utf-8", status=422)


def meant_for(market: str) -> Q:
    """Entries for a country, by itself or in a bloc, or for a bloc or another market, by code or name."""
    if market in places():
        return Q(countries__contains=[{"code": market}])
    return Q(markets__contains=[{"code": market}]) | Q(markets__contains=[{"name": market}])


def describes(layer: str) -> Q:
    """Entries that say something of the layer."""
    return Q(layers__has_key=layer) & ~Q(layers__contains={layer: ""})


def public_entries() -> CatalogQuerySet:
    return CatalogEntry.objects.public().for_list()


def page_of(request: HttpRequest, rows: CatalogQuerySet) -> tuple[list[CatalogEntry], str]:
    """One keyset page of ``rows``, and the query of the address of the next."""
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
def catalog(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Cards of designated packages; as open data with ``?format=json``, all in one with ``?format=csv``."""
    sought = Sought.of(request)
    rows = public_entries().filter(*sought.demands.values())
    kind = request.GET.get("format")
    if kind in ("csv", "json") and (unknown := unknown_in(request, in_codes=True)):
        return refused(unknown, kind)
    if kind == "csv":
        lines = lines_of(rows.with_amendments(), request.build_absolute_uri)
        return sent("csv", "catalog-of-designated-packages", written_in_lines(HEADINGS, lines))
    if kind == "json":
        entries, following = page_of(request, rows.with_amendments())
        return JsonResponse(
            {
                **signed(request),
                "found": rows.order_by().count(),
                "next": request.build_absolute_uri(following) if following else "",
                "packages": [facts_of(entry, request.build_absolute_uri) for entry in entries],
            }
        )
    made_from = (WRITTEN.ask(), request.GET.urlencode())

    def facts() -> dict[str, str]:
        return {"catalog": CARDS.text(made_from, lambda: cards_of(request, sought))}

    return kept.shown(request, "evaluation/catalog.html", facts, made_from=made_from)


def cards_of(request: HttpRequest, sought: Sought) -> str:
    """What the page holds of the catalog; the same for everybody."""
    demands = sought.demands
    entries, following = page_of(request, public_entries().filter(*demands.values()))
    told = list(CatalogEntry.objects.public().counted(Q(*demands.values())))
    counted, markets = counts_of(told), markets_of(told)
    found, total = next(((row["fit"], row["n"]) for row in told if row["each"] == "*"), (0, 0))
    facts = {
        "cards": [card_of(entry) for entry in entries],
        "next": following,
        "sought": sought,
        "unknown": unknown_in(request),
        "is_narrowed": bool(demands),
        "layers": [(layer, layer.label, counted[layer]) for layer in StackLayer],
        "sectors": [(each, each.label, counted[each]) for each in Sector],
        "markets": markets,
        "market_occurs": any(value == sought.market for value, *_ in markets),
        "market_word": word_of_market(sought.market),
        "found": found,
        "total": total,
        "looser": [] if found else looser(sought, demands),
        "first": sought.address(),
        "page_size": PAGE,
        "json": sought.address(format="json"),
        "csv": sought.address(format="csv"),
        "disclaimer": DISCLAIMER,
    }
    return render_to_string("evaluation/_catalog.html", facts)


@dataclass(frozen=True)
class Marked:
    """A country with its packages: its mark stands ``at``, it lies at ``place``, if it is on the map."""

    code: str
    name: str
    address: str
    count: int
    region: str
    place: Point | None = None
    at: Point | None = None


@dataclass(frozen=True)
class Zoom:
    """A region of the map that holds countries with packages: its mark on the world, and its address."""

    name: str
    address: str
    countries: int
    at: Point
    is_shown: bool


@implements("s.3(d)")
@login_not_required
@require_safe
def catalog_map(request: HttpRequest) -> HttpResponse:
    """The countries for which packages are meant, on a map of the world or of a region, and as a table."""
    countries: list[Marked] = []
    others: list[tuple[str, str, int]] = []
    for value, name, n in markets_of(list(CatalogEntry.objects.public().counted(Q()))):
        address = f"{reverse('evaluation:catalog')}{Sought(market=value).address()}"
        if value in places():
            countries.append(Marked(value, name, address, n, region_of(value), places()[value]))
        else:
            others.append((name, address, n))
    region = REGIONS.get(request.GET.get("region", ""))
    shown = [country for country in countries if country.place and region == REGIONS[country.region]]
    facts = {
        "countries": countries,
        "placed": [country for country in countries if country.place],
        "marked": side_by_side(shown, region) if region else [],
        "unmarked": [country.name for country in countries if country.place is None],
        "regions": zooms_of(countries, region),
        "region": region,
        **drawn(region or World(WIDTH, HEIGHT)),
        "others": others,
        "width": WIDTH,
        "height": HEIGHT,
    }
    return render(request, "evaluation/catalog_map.html", facts)


class World(NamedTuple):
    """The whole map, as the template draws a region."""

    width: float
    height: float
    x: float = 0
    y: float = 0
    name: str = ""

    @property
    def target(self) -> float:
        return self.width * TARGET / NARROWEST


def drawn(view: Region | World) -> dict[str, Any]:
    """The measures of what is drawn on the map, so that it can be hit and read on a narrow screen."""
    size = round(view.width / 26, 2)
    return {
        "view": view,
        "half": round(view.target / 2 + 0.01, 2),
        "mark": round(view.target / 3.2, 2),
        "size": size,
        "words_x": round(view.x + size / 2, 2),
        "words_y": round(view.y + view.height - size / 2, 2),
    }


def zooms_of(countries: list[Marked], shown: Region | None) -> list[Zoom]:
    """The regions in which a country has packages."""
    counted = Counter(country.region for country in countries)
    page = reverse("evaluation:catalog-map")
    region_mark = World(WIDTH, HEIGHT).target / 2
    return [
        Zoom(
            region.name,
            f"{page}?region={code}",
            counted[code],
            Point(min(region.x + region.width / 2, WIDTH - region_mark), region.y + region.height / 2),
            region == shown,
        )
        for code, region in REGIONS.items()
        if counted[code]
    ]


def side_by_side(countries: list[Marked], region: Region) -> list[Marked]:
    """The marks of a region, none of which hides another."""
    at = spread({country.code: country.place for country in countries if country.place}, region)
    return [replace(country, at=at[country.code]) for country in countries]


def counts_of(told: list[dict[str, Any]]) -> Counter[str]:
    """How many entries describe each layer and name each sector."""
    return Counter({row["each"]: row["n"] for row in told if isinstance(row["each"], str)})


def markets_of(told: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """The markets and the countries of blocs by name: what the address calls each, and its packages."""
    found: dict[str, tuple[str, str, int]] = {}
    for row in told:
        if isinstance(row["each"], str):
            continue
        name, code = row["each"]["name"], row["each"]["code"]
        value = name if not code or blocs_like_countries().get(code) == name else code
        before = found.get(value, (value, name, 0))
        found[value] = (value, before[1], before[2] + row["n"])
    return sorted((market for market in found.values() if market[0]), key=lambda market: fold(market[1]))


def looser(sought: Sought, demands: dict[str, Q]) -> list[tuple[str, str, int]]:
    """What to leave out so that something is found: its name, the address, and the number of packages."""
    if len(demands) < 2:
        return []
    others = {
        name: Count("pk", filter=Q(*(each for other, each in demands.items() if other != name)))
        for name in demands
    }
    counted = public_entries().order_by().aggregate(**{f"without_{name}": n for name, n in others.items()})
    found = [(FIELDS[name], sought.address(**{name: ""}), counted[f"without_{name}"]) for name in demands]
    return [each for each in found if each[2]]


@implements("s.3(d)", "s.5(c)")
@login_not_required
@require_safe
def catalog_entry(request: HttpRequest, number: str) -> HttpResponse:
    """One designated package as its anchor released it."""
    entry = get_object_or_404(public_entries().with_amendments(), designation__number=number)
    if request.GET.get("format") == "json":
        return JsonResponse({**signed(request), **facts_of(entry, request.build_absolute_uri)})
    amendments = [(row, public_lines(row, shows_markets=entry.shows_markets)) for row in amendments_of(entry)]
    facts = {**card_of(entry), "amendments": amendments, "disclaimer": DISCLAIMER}
    if any(each not in entry.countries and each["code"] for each in entry.markets):
        facts["of_region"] = [each["name"] for each in entry.countries] or ["None"]
    return render(request, "evaluation/catalog_entry.html", facts)


def signed(request: HttpRequest) -> dict[str, str]:
    """What every document of the open data says of itself."""
    return {"schema": schema_address(request), "disclaimer": DISCLAIMER}


def schema_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("evaluation:catalog-schema"))


@login_not_required
@require_safe
def catalog_schema(request: HttpRequest) -> HttpResponse:
    """The JSON Schema of the open data."""
    text = json.dumps(schema_of(schema_address(request)), indent=2, ensure_ascii=False)
    return HttpResponse(text, content_type="application/schema+json")


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def latest_designations(request: HttpRequest) -> HttpResponse:
    """The newest packages of the catalog, for the home page; by itself the address leads to the catalog."""
    if not request.headers.get("HX-Request"):
        return redirect("evaluation:catalog")
    return render(request, "evaluation/_latest_designations.html", {"entries": newest(LATEST)})


def newest(most: int) -> CatalogQuerySet:
    rows: CatalogQuerySet = CatalogEntry.objects.public().for_list()
    return rows.order_by("-designation__designated_at", "-pk")[:most]


class DesignationFeed(Feed):
    """New designations in the catalog, for feed readers."""

    feed_type = Atom1Feed
    title = "Designated priority AI export packages"
    subtitle = "New packages in the catalog of the American AI Exports Program, E.O. 14320 s.3(d)."
    link = reverse_lazy("evaluation:catalog")

    def items(self) -> Iterable[CatalogEntry]:
        return newest(IN_FEED)

    def item_title(self, item: CatalogEntry) -> str:
        return NOT_IN_XML.sub(" ", item.title)

    def item_description(self, item: CatalogEntry) -> str:
        return linebreaks(NOT_IN_XML.sub(" ", item.summary), autoescape=True)

    def item_link(self, item: CatalogEntry) -> str:
        return reverse("evaluation:catalog-entry", args=[item.designation.number])

    def item_pubdate(self, item: CatalogEntry) -> datetime:
        return item.designation.designated_at

    def item_updateddate(self, item: CatalogEntry) -> datetime:
        return max(filter(None, [item.released_at, item.amended_at]))


@login_not_required
@require_safe
def catalog_feed(request: HttpRequest) -> HttpResponse:
    """The newest designations in the catalog as an Atom feed."""
    return DesignationFeed()(request)


def card_of(entry: CatalogEntry) -> dict[str, Any]:
    labels = dict(Sector.choices)
    return {
        "entry": entry,
        "designation": entry.designation,
        "sectors": [labels.get(code, code) for code in entry.sectors],
        "layers": [{"label": layer.label, "text": entry.layers.get(layer, "")} for layer in StackLayer],
        "is_described": any(entry.layers.values()),
    }
