from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from django.template import engines
from hypothesis import HealthCheck, given, settings

from proposals.package import CallReference, Consent, ConsortiumFacts, Package, Provision
from proposals.picture import NO_SUPPLIER, extent, picture_of, wrapped
from tests.factories.packages import complete_package, hardware, member, packages

EMPTY = Package(call=CallReference(number="AIX-C-2026-0001"))
LONG = "Fictional Semiconductor Manufacturing and Advanced Packaging Holdings of North America, Limited"


def in_layer(package, number=0):
    return picture_of(package).layers[number]


def test_complete_package_lacks_nothing():
    picture = picture_of(complete_package())
    assert [layer.letter for layer in picture.layers] == list("ABCDE")
    assert [(len(layer.supplies), layer.component_count, layer.missing) for layer in picture.layers] == [
        (1, 1, ())
    ] * 5
    hardware_layer, *others = picture.layers
    assert (hardware_layer.total_usd, hardware_layer.percent) == (Decimal("100.00"), Decimal("60.00"))
    assert [layer.percent for layer in others] == [None] * 4 and picture.idle == ()


def test_empty_package_says_what_is_missing_in_each_layer():
    assert [layer.missing for layer in picture_of(EMPTY).layers] == [
        ("No component yet", "No member supplies this layer yet")
    ] * 5


def test_each_supplier_has_its_own_value_and_share():
    second = member("member-2", is_anchor=False)
    package = complete_package(
        consortium=ConsortiumFacts(members=(member(), second)),
        components=(hardware(), hardware("component-9", "300.00", "30.00", supplier="member-2")),
    )
    layer = in_layer(package)
    assert [(s.component_count, s.total_usd, s.percent) for s in layer.supplies] == [
        (1, Decimal("100.00"), Decimal("60.00")), (1, Decimal("300.00"), Decimal("10.00")),
    ]  # fmt: skip
    assert layer.percent == Decimal("22.50")


def test_what_lacks_is_said_in_words():
    second, third = member("member-2", is_anchor=False), member("member-3", is_anchor=False)
    package = complete_package(
        consortium=ConsortiumFacts(members=(member(), second, third)),
        components=(hardware(total=None), hardware("component-9", supplier=None)),
        provisions=(Provision(key="provision-1", member="member-2", layer="hardware"),),
    )
    layer = in_layer(package)
    assert layer.missing == (
        "1 component without a supplier", "1 member named without a component", "1 line without both values",
    )  # fmt: skip
    assert layer.percent is None
    assert [(s.name, s.is_named, s.is_empty) for s in layer.supplies][-1] == (NO_SUPPLIER, False, False)
    assert picture_of(package).idle == (third.organization.legal_name,)


def test_member_that_has_not_consented_and_a_line_that_lacks_something_have_a_broken_edge():
    waiting = member("member-2", is_anchor=False)
    waiting = waiting.model_copy(update={"consent": Consent()})
    package = complete_package(
        consortium=ConsortiumFacts(members=(member(), waiting)),
        components=(hardware(), hardware("component-9", supplier="member-2")),
    )
    layer = in_layer(package)
    assert [supply.is_open for supply in layer.supplies] == [False, True]
    assert layer.missing == ("the consent of 1 member",)
    drawing = picture_of(package).wide
    assert "Has not consented" in [line.text for line in drawing.lines]
    (first,) = picture_of(complete_package(), lacking={"component-1"}).layers[0].supplies
    assert first.is_open and first.to_come == "1 component to complete"
    assert not any(box.is_open for box in picture_of(complete_package()).wide.boxes)
    assert any(box.is_open for box in picture_of(complete_package(), lacking={"component-1"}).wide.boxes)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packages())
def test_every_line_of_every_drawing_fits_its_place(package):
    picture = picture_of(package)
    for drawing in (picture.wide, picture.narrow, *picture.printed):
        for box in (*drawing.bands, *drawing.boxes):
            assert box.x >= 0 and box.x + box.width <= drawing.width
            assert box.y >= 0 and box.y + box.height <= drawing.height
        assert all(0 < line.y < drawing.height for line in drawing.lines)


@pytest.mark.parametrize("count", [1, 7, 12])
def test_twelve_members_with_long_names_stay_apart(count):
    members = tuple(
        member(f"member-{n}", is_anchor=n == 1, legal_name=f"{n} {LONG}") for n in range(1, count + 1)
    )
    package = complete_package(
        consortium=ConsortiumFacts(members=members),
        components=tuple(hardware(f"component-{n}", supplier=f"member-{n}") for n in range(1, count + 1)),
    )
    for drawing in (picture_of(package).wide, picture_of(package).narrow):
        boxes = sorted(drawing.boxes, key=lambda box: (box.y, box.x))
        for one, next_one in pairwise(boxes):
            assert next_one.y >= one.y + one.height or next_one.x >= one.x + one.width
        if count > 1:  # one name has room enough
            assert any(line.text.endswith("…") for line in drawing.lines)


@pytest.mark.parametrize("text", ["", "Short", LONG, "X" * 300, "組合" * 90, "שלום " * 40])
def test_words_break_into_two_lines_at_most(text):
    lines = wrapped(text, 200, 15)
    assert len(lines) <= 2 and all(extent(line) * 15 <= 200 for line in lines)


def test_page_holds_the_drawing_for_the_eye_and_the_table_for_everybody():
    html = (
        engines["django"]
        .from_string("{% load packages %}{% package_picture package %}")
        .render({"package": complete_package(title="<script>")})
    )
    assert html.count("<svg") == 2 == html.count('aria-hidden="true" focusable="false"')
    assert "style=" not in html and "<table" in html and "Fictional member-1, Inc." in html
