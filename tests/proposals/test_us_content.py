from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proposals.enums import HardwareType, Presumption
from proposals.us_content import LABEL, us_content
from tests.factories.packages import amounts, hardware

MET, NOT, NONE = Presumption.PRESUMED_MET, Presumption.NOT_PRESUMED, Presumption.NOT_COMPUTABLE


@pytest.mark.parametrize(
    ("total", "us", "state", "percent"),
    [
        ("100.00", "51.00", MET, "51.00"),
        ("1000000.00", "509999.00", NOT, "50.99"),
        ("100000000.00", "50999999.99", NOT, "50.99"),
        ("999999999999999999.99", "510000000000000000.00", MET, "51.00"),
        ("999999999999999999.99", "509999999999999999.99", NOT, "50.99"),
        ("3.00", "2.00", MET, "66.66"),
        ("100.00", "0.00", NOT, "0.00"),
        ("100.00", "100.00", MET, "100.00"),
        ("0.00", "0.00", NONE, None),
        (None, "1.00", NONE, None),
        ("100.00", None, NONE, None),
    ],
)
def test_presumption(total, us, state, percent):
    figure = us_content([hardware(total=total, us=us)])
    assert (figure.state, figure.percent) == (state, percent and Decimal(percent))


def test_what_nobody_gave_is_not_said_to_be_nothing():
    whole = us_content([hardware(total="100.00", us=None)]).whole
    assert (whole.is_total_given, whole.is_us_content_given) == (True, False)


def test_nothing_is_not_computable():
    assert us_content([]).state == NONE


def test_one_line_without_a_value_makes_the_whole_not_computable():
    figure = us_content([hardware(), hardware("component-9", us=None)])
    assert (figure.state, figure.incomplete) == (NONE, ("component-9",))


def test_threshold_is_the_calls():
    lines = [hardware(total="100.00", us="60.00")]
    assert us_content(lines, threshold=Decimal("60.00")).state == MET
    assert us_content(lines, threshold=Decimal("60.01")).state == NOT


def test_either_reading_of_cloud_services_can_be_computed():
    lines = [
        hardware(total="100.00", us="50.00"),
        hardware("component-2", "100.00", "90.00", subtype="cloud"),
    ]
    whole, without = us_content(lines), us_content(lines, without=[HardwareType.CLOUD])
    assert (whole.percent, without.percent) == (Decimal("70.00"), Decimal("50.00"))
    assert [(kind, part.percent) for kind, part in whole.by_subtype] == [
        (HardwareType.ACCELERATOR, Decimal("50.00")), (HardwareType.CLOUD, Decimal("90.00")),
    ]  # fmt: skip
    assert whole.label == LABEL


@given(st.lists(st.tuples(amounts, amounts), max_size=20))
def test_display_never_rounds_up_over_the_threshold(pairs):
    lines = [hardware(f"component-{n}", max(pair), min(pair)) for n, pair in enumerate(pairs)]
    figure = us_content(lines)
    if figure.percent is None:
        assert figure.state == NONE
    else:
        assert (figure.state == MET) == (figure.percent >= 51)
        assert 0 <= figure.percent <= 100
        assert figure.whole.total_usd == sum(part.total_usd for _, part in figure.by_subtype)
