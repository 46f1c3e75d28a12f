"""Program U.S. content (hardware layer): the 51 percent presumption, in exact arithmetic.

A presumption inside a discretionary determination, not a floor: below it a proposal only loses the
presumption. It is a share of content value, never of ownership. The threshold is data of the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from proposals.enums import HardwareType, Presumption

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from proposals.package import HardwareComponent

LABEL: Final = "Program U.S. content (hardware layer)"
THRESHOLD: Final = Decimal(51)


@dataclass(frozen=True, slots=True)
class Sum:
    """Values of some hardware lines; ``percent`` is rounded down to two places, null when not computable.

    A value is given when at least one line has it: what nobody gave is not the same as nothing.
    """

    line_count: int
    total_usd: Decimal
    us_content_usd: Decimal
    percent: Decimal | None
    is_total_given: bool = True
    is_us_content_given: bool = True


@dataclass(frozen=True, slots=True)
class UsContent:
    """The figure with its state, its parts by sub-type and the keys of the lines that lack a value."""

    state: Presumption
    threshold: Decimal
    whole: Sum
    by_subtype: tuple[tuple[HardwareType | None, Sum], ...]
    incomplete: tuple[str, ...]

    @property
    def label(self) -> str:
        return LABEL

    @property
    def percent(self) -> Decimal | None:
        return self.whole.percent


def us_content(
    lines: Iterable[HardwareComponent],
    *,
    threshold: Decimal = THRESHOLD,
    without: Collection[HardwareType] = (),
) -> UsContent:
    """Compute the U.S. content of ``lines``; the comparison with ``threshold`` (percent) is not rounded.

    A line without one of its two values, or a total of zero, makes the figure not computable. ``without``
    leaves sub-types out: whether cloud services count is not settled in any source.
    """
    counted = [line for line in lines if line.subtype not in without]
    incomplete = tuple(
        line.key for line in counted if line.total_value_usd is None or line.us_content_value_usd is None
    )
    share = _share(counted)
    if share is None:
        state = Presumption.NOT_COMPUTABLE
    elif 100 * share >= Fraction(threshold):
        state = Presumption.PRESUMED_MET
    else:
        state = Presumption.NOT_PRESUMED
    subtypes = {line.subtype for line in counted}
    ordered = [*(kind for kind in HardwareType if kind in subtypes), *([None] if None in subtypes else [])]
    by_subtype = tuple((kind, _sum([line for line in counted if line.subtype == kind])) for kind in ordered)
    return UsContent(state, threshold, _sum(counted), by_subtype, incomplete)


def _share(lines: Collection[HardwareComponent]) -> Fraction | None:
    """The exact U.S. share, 0 to 1 (above 1 when a line claims more than its value); null without data."""
    with localcontext(prec=60):
        total = us = Decimal(0)
        for line in lines:
            if line.total_value_usd is None or line.us_content_value_usd is None:
                return None
            total += line.total_value_usd
            us += line.us_content_value_usd
    return Fraction(us) / Fraction(total) if total else None


def _sum(lines: Collection[HardwareComponent]) -> Sum:
    share = _share(lines)
    percent = None if share is None else Decimal(int(share * 10_000)).scaleb(-2)
    with localcontext(prec=60):
        total = sum((line.total_value_usd or Decimal(0) for line in lines), Decimal("0.00"))
        us = sum((line.us_content_value_usd or Decimal(0) for line in lines), Decimal("0.00"))
    return Sum(
        len(lines),
        total,
        us,
        percent,
        is_total_given=any(line.total_value_usd is not None for line in lines),
        is_us_content_given=any(line.us_content_value_usd is not None for line in lines),
    )
