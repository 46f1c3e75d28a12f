"""The public catalog as foreign buyers use it: filters, open data with its schema, the feed."""

from __future__ import annotations

import csv
import io
from math import hypot
from xml.etree import ElementTree

import jsonschema
import pytest
from django.urls import reverse

from evaluation import services
from evaluation.folding import fold, folded_words
from evaluation.models import CatalogEntry, ComplianceCheck
from evaluation.schedule import offer_countries_again
from evaluation.worldmap import HEIGHT, REGIONS, TARGET, WIDTH, places, region_of, spread
from program.reference import read
from tests.evaluation.pages import page
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of
from tests.factories.remembered import remembered
from tests.savepoints import taken_back
from tests.statements import statements

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"
KENYA, ECOWAS = {"code": "KE", "name": "Kenya"}, {"code": "ECOWAS", "name": "ECOWAS"}
OWN = {"code": "", "name": "Gulf hospitals"}


@remembered
def listed(title="Stack", designation=None, **facts):
    """An entry as it stands once it is public."""
    designation = designation or make.designated()
    values = {"summary": "A stack.", "contact_email": "sales@firm.example", **facts}
    values.setdefault("countries", [each for each in values.get("markets", ()) if each["code"] in places()])
    entry = CatalogEntry(
        designation=designation, title=title, released_by=designation.proposal.created_by,
        released_at=designation.designated_at, **values,
    )  # fmt: skip
    entry.folded = folded_words(entry)
    entry.save()
    return entry


@pytest.fixture
def three(db):
    return three_entries()


@remembered
def three_entries():
    return [
        listed(
            "Hospital AI", layers={"hardware": "Servers.", "models": ""}, sectors=["healthcare"],
            markets=[KENYA, OWN], members=["Harbor Light, Inc."],
        ),
        listed(
            "Crop advice", layers={"models": 'Speech in "nine" languages.'}, sectors=["agriculture"],
            markets=[KENYA, ECOWAS], consortium="Granary Alliance",
        ),
        listed("Grid planner", summary="For 100% of the islands."),
    ]  # fmt: skip


def opened(client, **asked):
    response = client.get(reverse("evaluation:catalog"), asked)
    assert response.status_code == 200
    return response


def titles(client, **asked):
    return {card["entry"].title for card in opened(client, **asked).context["cards"]}


def table(client, **asked):
    response = opened(client, format="csv", **asked)
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def entries_of_feed(client):
    response = client.get(reverse("evaluation:catalog-feed"))
    assert response["Content-Type"].startswith("application/atom+xml")
    return ElementTree.fromstring(response.content).findall(f"{ATOM}entry")  # noqa: S314 (our own)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {"Hospital AI", "Crop advice", "Grid planner"}),
        ({"layer": "hardware"}, {"Hospital AI"}),
        ({"layer": "models"}, {"Crop advice"}),
        ({"sector": "agriculture"}, {"Crop advice"}),
        ({"market": "KE"}, {"Hospital AI", "Crop advice"}),
        ({"market": "Gulf hospitals"}, {"Hospital AI"}),
        ({"market": "KE", "sector": "healthcare", "layer": "hardware", "q": "hospital"}, {"Hospital AI"}),
        ({"market": "ECOWAS", "sector": "healthcare"}, set()),
        ({"q": "harbor LIGHT"}, {"Hospital AI"}),
        ({"q": "alliance"}, {"Crop advice"}),
        ({"q": '"nine" speech'}, {"Crop advice"}),
        ({"q": "advice servers"}, set()),
        ({"q": "100%"}, {"Grid planner"}),
        ({"q": "%"}, {"Grid planner"}),
        ({"q": "hardware"}, set()),
        ({"q": '"'}, {"Hospital AI", "Crop advice", "Grid planner"}),
    ],
)  # fmt: skip
def test_filters_combine_on_page_and_in_open_data(client, three, asked, found):
    assert titles(client, **asked) == found
    assert {line["Title"] for line in table(client, **asked)} == found
    data = opened(client, format="json", **asked).json()
    assert ({each["title"] for each in data["packages"]}, data["found"]) == (found, len(found))


def test_a_filter_that_is_not_known_is_said_and_gives_no_open_data(client, three):
    asked = {"sector": "elsewhere", "layer": "hardware"}
    assert titles(client, **asked) == {"Hospital AI"}  # the filter that is known still holds
    shown = opened(client, **asked).text
    assert "There is no sector “elsewhere” in the catalog. Known are: " in shown
    known = shown.partition("Known are: ")[2].partition("</p>")[0]
    assert "Software engineering" in known and "software_engineering" not in known
    assert "the packages below are shown without it" in shown
    assert "is not known" not in opened(client, layer="hardware").text
    for kind in ("json", "csv"):
        refused = client.get(reverse("evaluation:catalog"), {"format": kind, **asked})
        assert refused.status_code == 422 and "elsewhere" in refused.content.decode()
    problem = client.get(reverse("evaluation:catalog"), {"format": "json", **asked}).json()["problems"]
    assert [(each["code"], each["field"]) for each in problem] == [("unknown", "sector")]


def test_an_unknown_market_is_said_and_a_code_in_small_letters_is_a_country(client, three):
    shown = opened(client, market="ZZ")
    assert "There is no market “ZZ” in the catalog." in shown.text and "ZZ (0)" not in shown.text
    assert len(shown.context["cards"]) == 3
    assert client.get(reverse("evaluation:catalog"), {"market": "ZZ", "format": "csv"}).status_code == 422
    assert titles(client, market="ke") == titles(client, market="KE") == {"Hospital AI", "Crop advice"}
    assert titles(client, market="ecowas") == {"Crop advice"}
    assert "Peru (0)" in opened(client, market="pe").text
    both = opened(client, market="ZZ", sector="elsewhere").text
    assert "the packages below are shown without them" in both and "of 3 packages" not in both
    none = opened(client, market="ZZ", q="nowhere").text
    assert "packages below" not in none and "That filter was left out." in none


def flagged(proposal, code, result="denial_likely"):
    run = make.version_of(proposal).screening_runs.first()
    checked = ComplianceCheck.objects.filter(run=run, kind="destination").first()
    facts = {field.attname: getattr(checked, field.attname) for field in checked._meta.concrete_fields}
    facts |= {"id": None, "subject_key": f"country-{code}", "result": result, "advice": "Ask counsel."}
    return ComplianceCheck.objects.create(**{**facts, "rule_code": f"test-{code}", "fingerprint": code * 32})


def test_a_region_offers_nothing_to_a_country_for_which_a_license_would_be_denied(client):
    """In no channel, until an officer has set the finding aside; named by itself a country stays."""
    designation = make.designated()
    kenya, ghana = {"code": "KE", "name": "Kenya"}, {"code": "GH", "name": "Ghana"}
    niger = {"code": "NE", "name": "Niger"}
    facts = {"national_interest": "x", "as_of": "2026-01"}
    markets = [
        {
            **facts,
            "key": "b",
            "kind": "bloc",
            "code": "ECOWAS",
            "name": "ECOWAS",
            "countries": [ghana, niger],
        },
        {**facts, "key": "d", "kind": "country", "code": "KE", "name": "Kenya", "countries": [kenya]},
    ]
    kind = type(designation.version.value.markets[0])
    change = {"markets": tuple(kind.model_validate(market) for market in markets)}
    designation.version = make.new_version(designation.proposal, change)
    designation.save()
    entry = make.published(designation, shows_markets=True)
    assert entry.countries == [ghana, kenya, niger]
    services.screen_version(designation.version, by=officer())
    check = flagged(designation.proposal, "NE")
    flagged(designation.proposal, "KE")
    assert offer_countries_again() == 1
    assert titles(client, market="NE") == set() and titles(client, market="GH") == titles(client, market="KE")
    assert titles(client, market="ECOWAS") == {"Stack"}
    (package,) = opened(client, format="json").json()["packages"]
    assert [each["code"] for each in package["countries"]] == ["GH", "KE"]
    assert [line["Codes of the countries"] for line in table(client)] == ["GH; KE"]
    marked = client.get(reverse("evaluation:catalog-map")).context["countries"]
    assert [country.name for country in marked] == ["Ghana", "Kenya"]
    page = client.get(reverse("evaluation:catalog-entry", args=[designation.number])).text
    assert "not offered until a license decision" in page and "Niger" not in page
    services.weigh(check, by=officer(), outcome="set_aside", reason="A license was given.")
    assert titles(client, market="NE") == {"Stack"}


SPELLINGS = (
    ("Córdoba", "cordoba"), ("Cordoba", "CÓRDOBA"), ("Türkiye", "turkiye"), ("Łódź", "lodz"),
    ("Straße", "strasse"), ("Ærø", "aero"), ("İzmir", "izmir"), ("Cafe\u0301", "CAFÉ"),
)  # fmt: skip


def test_search_sees_no_accents(client):
    one, another, third = [make.designated() for _ in range(3)]
    wrong = []
    for kept, asked in SPELLINGS:
        with taken_back():
            listed(kept, designation=one)
            listed("Another", designation=another, summary="Other.", consortium=f"House of {kept}")
            listed("Third", designation=third)
            found = titles(client, q=asked), {line["Title"] for line in table(client, q=asked)}
        if found != ({kept, "Another"},) * 2:
            wrong.append((kept, asked, found))
    assert wrong == []


def test_folding_keeps_what_has_no_mark():
    assert fold("100% “AI” для 東京") == "100% “ai” для 東京"


def test_country_finds_the_bloc_that_holds_it_and_no_own_list(client):
    """As the version was designated: a bloc with its members then; an own list is a name."""
    designation = make.designated()
    kenya = {"code": "KE", "name": "Kenya"}
    ghana, niger = {"code": "GH", "name": "Ghana"}, {"code": "NE", "name": "Niger"}
    facts = {"key": "b", "national_interest": "x", "as_of": "2026-01"}
    markets = [
        {**facts, "kind": "bloc", "code": "ECOWAS", "name": "ECOWAS", "countries": [ghana, kenya]},
        {**facts, "key": "c", "kind": "list", "name": "Gulf hospitals", "countries": [niger]},
        {**facts, "key": "d", "kind": "country", "code": "KE", "name": "Kenya", "countries": [kenya]},
    ]
    kind = type(designation.version.value.markets[0])
    change = {"markets": tuple(kind.model_validate(market) for market in markets)}
    designation.version = make.new_version(designation.proposal, change)
    designation.save()
    entry = make.published(designation, shows_markets=True)
    assert entry.countries == [ghana, kenya]
    for asked, found in (("GH", {"Stack"}), ("KE", {"Stack"}), ("ECOWAS", {"Stack"}), ("NE", set())):
        assert titles(client, market=asked) == found, asked
    assert opened(client).context["markets"] == [
        ("ECOWAS", "ECOWAS", 1), ("GH", "Ghana", 1), ("Gulf hospitals", "Gulf hospitals", 1),
        ("KE", "Kenya", 1),
    ]  # fmt: skip
    (package,) = opened(client, market="GH", format="json").json()["packages"]
    assert {each["code"] for each in package["countries"]} >= {"GH", "KE"}
    data = client.get("/api/v1/designations/", {"market": "gh"}).json()
    assert [each["number"] for each in data["results"]] == [designation.number]
    make.published(designation)
    assert titles(client, market="GH") == set()


def test_bloc_with_the_code_of_a_country_is_not_that_country(client):
    union, australia = {"code": "AU", "name": "African Union"}, {"code": "AU", "name": "Australia"}
    listed("For Africa", markets=[union], countries=[KENYA])
    listed("For Australia", markets=[australia])
    assert opened(client).context["markets"] == [
        ("African Union", "African Union", 1), ("AU", "Australia", 1), ("KE", "Kenya", 1),
    ]  # fmt: skip
    assert titles(client, market="AU") == {"For Australia"}
    assert titles(client, market="African Union") == titles(client, market="KE") == {"For Africa"}
    shown = client.get(reverse("evaluation:catalog-map")).context
    assert [country.name for country in shown["countries"]] == ["Australia", "Kenya"]


def test_choices_are_what_occurs_with_the_number_of_packages(client, three):
    shown = opened(client, market="KE").context
    assert shown["markets"] == [
        ("ECOWAS", "ECOWAS", 1), ("Gulf hospitals", "Gulf hospitals", 1), ("KE", "Kenya", 2),
    ]  # fmt: skip
    assert {value: n for value, _, n in shown["layers"] if n} == {"hardware": 1, "models": 1}
    assert {value: n for value, _, n in shown["sectors"] if n} == {"healthcare": 1, "agriculture": 1}
    assert (shown["found"], shown["total"]) == (2, 3)
    services.suspend_designation(three[0].designation, by=make.decision_official(), reason="One left.")
    shown = opened(client, market="KE").context
    assert shown["markets"] == [("ECOWAS", "ECOWAS", 1), ("KE", "Kenya", 1)]
    assert (shown["found"], shown["total"]) == (1, 2)


def test_nothing_found_says_what_to_leave_out(client, three):
    response = opened(client, q="grid", market="KE")
    assert [(name, n) for name, _, n in response.context["looser"]] == [("words", 2), ("market", 1)]
    for _, address, n in response.context["looser"]:
        found = client.get(reverse("evaluation:catalog") + address)
        assert len(found.context["cards"]) == n
    assert "fewer or other words" in opened(client, q="zebra").content.decode()
    assert 'value="PE" selected' in opened(client, market="PE").content.decode()


def test_pages_keep_what_is_asked(client, three, monkeypatch):
    monkeypatch.setattr("evaluation.views.catalog.PAGE", 1)
    first = opened(client, market="KE")
    second = client.get(reverse("evaluation:catalog") + first.context["next"])
    shown = [card["entry"].title for answer in (first, second) for card in answer.context["cards"]]
    assert (shown, second.context["next"]) == (["Crop advice", "Hospital AI"], "")
    data = opened(client, market="KE", format="json").json()
    following = client.get(data["next"]).json()
    assert [each["title"] for each in following["packages"]] == ["Hospital AI"]
    past = opened(client, market="KE", after=three[0].pk)
    assert "past the last one" in past.content.decode()
    monkeypatch.setattr("evaluation.opendata.AT_ONCE", 1)
    assert [line["Title"] for line in table(client, market="KE")] == ["Crop advice", "Hospital AI"]


def test_card_names_the_five_layers(client, three):
    text = opened(client, sector="healthcare").content.decode()
    assert "<strong>Hardware and infrastructure</strong>: Servers." in text
    assert text.count("not described here") == 4


def test_json_fits_the_schema_that_it_names(client, three):
    whole = opened(client, format="json").json()
    one = client.get(f"/catalog/{three[0].designation.number}/?format=json").json()
    assert whole["schema"] == one["schema"]
    schema = client.get(whole["schema"]).json()
    assert schema["$id"] == whole["schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for data in (whole, one) for error in validator.iter_errors(data)] == []
    assert not validator.is_valid({**whole, "packages": [{**whole["packages"][0], "sectors": ["x"]}]})
    assert not validator.is_valid({name: value for name, value in one.items() if name != "contact"})


def test_table_says_what_the_json_says_and_no_cell_is_a_formula(client, three):
    CatalogEntry.objects.filter(pk=three[2].pk).update(title="=1+1", summary="@sum")
    lines = {line["Number"]: line for line in table(client)}
    for package in opened(client, format="json").json()["packages"]:
        line = lines[package["number"]]
        assert line["Companies"] == "; ".join(package["members"])
        assert line["Codes of the countries"] == "; ".join(each["code"] for each in package["countries"])
        assert line["Codes of the markets"] == "; ".join(each["code"] for each in package["markets"])
        assert (line["Consortium"], line["Address"]) == (package["consortium"], package["url"])
    odd = lines[three[2].designation.number]
    assert (odd["Title"], odd["Summary"]) == ("'=1+1", "'@sum")


def test_feed_lists_new_designations_and_takes_no_markup(client, three):
    hostile = "<b>Hospital</b> & \x01AI"
    CatalogEntry.objects.filter(pk=three[0].pk).update(title=hostile, summary="<script>alert(1)</script>")
    found = entries_of_feed(client)
    assert [each.findtext(f"{ATOM}title") for each in found] == [
        "Grid planner", "Crop advice", "<b>Hospital</b> &  AI",
    ]  # fmt: skip
    assert found[2].findtext(f"{ATOM}summary") == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    assert found[2].find(f"{ATOM}link").get("href").endswith(f"/catalog/{three[0].designation.number}/")
    address = reverse("evaluation:catalog-feed")
    link = f'<link rel="alternate" type="application/atom+xml" title="New designations" href="{address}">'
    assert link in opened(client).content.decode()
    assert link in client.get(reverse("program:home")).content.decode()


def test_what_is_undecided_unreleased_or_ended_is_in_no_channel(client):
    make.signed()
    unreleased = make.designated()
    out, ended = listed("Taken out"), listed("Suspended stack")
    services.withdraw_catalog_entry(out.designation, by=representative_of(out.designation.proposal))
    services.suspend_designation(ended.designation, by=make.decision_official(), reason="A member left.")
    package = unreleased.version.value
    hidden = [unreleased.number, package.title, package.consortium.members[0].organization.legal_name]
    answers = [
        opened(client), opened(client, q="stack"), opened(client, format="json"),
        client.get(reverse("evaluation:catalog-feed")),
    ]  # fmt: skip
    texts = [answer.content.decode() for answer in answers] + [str(table(client))]
    for word in [*hidden, "Taken out", "Suspended stack", ended.designation.number]:
        assert not any(word in text for text in texts), word
    assert "No package to show" in opened(client).content.decode()

    shown = listed("Shown", unreleased)
    for word in hidden[1:]:
        assert titles(client, q=word) == set(), word
    assert [line["Title"] for line in table(client)] == [shown.title]
    assert len(entries_of_feed(client)) == 1


def test_consortium_is_named_only_where_its_anchor_says_so(client):
    designation = make.designated()
    person = representative_of(designation.proposal)
    name = designation.version.value.consortium.name
    entry = make.published(designation)
    assert (entry.consortium, titles(client, q=name)) == ("", set())
    assert name in page(client, person, "catalog-release", designation.proposal_id).content.decode()
    entry = make.published(designation, shows_consortium=True)
    assert (entry.consortium, titles(client, q=name)) == (name, {"Stack"})


def test_map_marks_each_country_and_the_table_says_the_same(client, three):
    kosovo, ghana = {"code": "XK", "name": "Kosovo"}, {"code": "GH", "name": "Ghana"}
    antarctica = {"code": "AQ", "name": "Antarctica"}
    listed("Fourth", markets=[kosovo, antarctica, ECOWAS], countries=[kosovo, antarctica, ghana])
    listed("Suspended", markets=[{"code": "PE", "name": "Peru"}])
    suspended = CatalogEntry.objects.get(title="Suspended").designation
    services.suspend_designation(suspended, by=make.decision_official(), reason="One left.")
    shown = client.get(reverse("evaluation:catalog-map"))
    told = [(country.name, country.count) for country in shown.context["countries"]]
    assert told == [("Antarctica", 1), ("Ghana", 1), ("Kenya", 2), ("Kosovo", 1)]
    assert [country.name for country in shown.context["placed"]] == ["Ghana", "Kenya"]
    assert shown.context["marked"] == [] and 'aria-label="Africa: 2 countries"' in shown.text
    (africa,) = shown.context["regions"]
    shown = client.get(africa.address)
    assert [country.name for country in shown.context["marked"]] == ["Ghana", "Kenya"]
    assert {name for name, *_ in shown.context["others"]} == {"ECOWAS", "Gulf hospitals"}
    assert "but in the table: Antarctica, Kosovo." in shown.text
    assert shown.text.count('aria-label="Kenya: 2 packages"') == 1
    for country in shown.context["countries"]:
        assert shown.text.count(f'href="{country.address}"'.replace("&", "&amp;")) >= 1
        assert len(client.get(country.address).context["cards"]) == country.count
    assert reverse("evaluation:catalog-map") in opened(client).text


def test_every_country_has_its_place_on_the_map_or_none():
    assert places().keys() == read("countries")["countries"].keys()
    found = {code for code, point in places().items() if point}
    assert places().keys() - found == {"AQ", "BV", "HM", "XK"}
    assert all(0 <= places()[code].x <= WIDTH and 0 <= places()[code].y <= HEIGHT for code in found)
    kenya, chile = places()["KE"], places()["CL"]
    assert chile.x < WIDTH / 2 < kenya.x and kenya.y < chile.y


@pytest.mark.parametrize("code", REGIONS)
def test_no_mark_of_a_region_hides_another_and_each_can_be_hit_on_a_narrow_screen(code):
    """Every country that the map knows at once; 24 pixels are those of WCAG 2.2, 2.5.8."""
    region = REGIONS[code]
    points = {each: point for each, point in places().items() if point and region_of(each) == code}
    assert points
    found = list(spread(points, region).values())
    nearest = min(
        (hypot(one.x - two.x, one.y - two.y) for i, one in enumerate(found) for two in found[i + 1 :]),
        default=region.target,
    )
    assert nearest * 340 / region.width >= TARGET * 0.99
    assert all(region.x <= at.x <= region.x + region.width for at in found)
    assert all(region.y <= at.y <= region.y + region.height for at in found)


def test_the_marks_of_the_regions_can_be_hit_and_the_map_is_cropped_by_a_link(client):
    listed("One", markets=[KENYA, {"code": "GH", "name": "Ghana"}, {"code": "FJ", "name": "Fiji"}])
    world = client.get(reverse("evaluation:catalog-map"))
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in world.text
    assert world.context["half"] * 2 * 340 / WIDTH >= TARGET
    cropped = client.get(reverse("evaluation:catalog-map"), {"region": "africa"})
    assert 'viewBox="300 88 184 156"' in cropped.text
    assert "Ghana: 1</text>" in cropped.text and 'aria-label="Fiji' not in cropped.text
    unknown = client.get(reverse("evaluation:catalog-map"), {"region": "moon"})
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in unknown.text


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("address", "asked", "count"),
    [
        ("catalog", {}, 3),
        ("catalog", {"q": "stack", "layer": "hardware"}, 4),
        ("catalog", {"format": "json"}, 3),
        ("catalog", {"format": "csv"}, 3),
        ("catalog-feed", {}, 1),
        ("catalog-map", {}, 1),
    ],
)
def test_costs_the_same_whatever_its_length(client, warm, rows, address, asked, count):
    for _ in range(rows):
        listed(markets=[KENYA], layers={"models": "Words."})
    with statements() as sent:
        response = client.get(reverse(f"evaluation:{address}"), asked)
        if response.streaming:
            b"".join(response.streaming_content)
    assert len(sent) == count
