"""Requested, referred and committed support side by side, with totals that count no dollar twice.

Pure functions. A referral that is committed counts by its commitment alone; what was requested is never
added to what was referred; money provided, risk covered and assistance are summed apart, because a
guarantee may stand behind the very loan that another line counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from financing.enums import ReferralStatus, SupportKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from financing.models import Tool, ToolReferral
    from proposals.package import SupportRequest

WITH_HOLDER = (ReferralStatus.REFERRED, ReferralStatus.ACCEPTED)
COMMITTED = (ReferralStatus.COMMITTED, ReferralStatus.CLOSED)


@dataclass(frozen=True)
class Amount:
    """A sum of stated amounts, with how many entries it covers and how many state none."""

    usd: Decimal
    count: int
    undetermined: int

    @classmethod
    def of(cls, amounts: Iterable[Decimal | None]) -> Amount:
        values = list(amounts)
        stated = [value for value in values if value is not None]
        return cls(sum(stated, Decimal(0)), len(values), len(values) - len(stated))

    @property
    def is_empty(self) -> bool:
        return self.count == 0

    @property
    def is_all_undetermined(self) -> bool:
        return self.count > 0 and self.count == self.undetermined


@dataclass(frozen=True)
class Line:
    """One tool: what was asked for, what stands with its holder, what it has committed."""

    tool: Any
    label: str
    kind: str
    requested: Amount
    referred: Amount
    committed: Amount
    referrals: tuple[Any, ...]

    @property
    def is_unmet(self) -> bool:
        """Asked for, and neither referred nor committed."""
        return not self.requested.is_empty and self.referred.is_empty and self.committed.is_empty

    @property
    def is_unrequested(self) -> bool:
        return self.requested.is_empty


@dataclass(frozen=True)
class Total:
    """One kind of support; totals of different kinds are not added."""

    kind: str
    requested: Amount
    referred: Amount
    committed: Amount

    @property
    def label(self) -> str:
        return SupportKind(self.kind).label if self.kind else "Other support (no financing tool)"


@dataclass(frozen=True)
class Stack:
    lines: tuple[Line, ...]
    totals: tuple[Total, ...]


def stack(
    requests: Collection[SupportRequest], referrals: Collection[ToolReferral], tools: Collection[Tool]
) -> Stack:
    """Line up what was requested in the submitted version with referrals and their commitments.

    ``referrals`` are those of one designation, with tool and commitment loaded. Only what counts now is
    summed: a proposed, declined or suspended referral has its row but no amount in a total.
    """
    by_code = {tool.code: tool for tool in tools}
    order = [tool.code for tool in tools]
    labels = {r.mechanism.value: r.mechanism.label for r in requests if r.mechanism}
    used = {*labels, *(referral.tool.code for referral in referrals)}
    codes = [code for code in order if code in used] + [code for code in labels if code not in by_code]
    lines = []
    for code in codes:
        tool = by_code.get(code)
        own = tuple(referral for referral in referrals if referral.tool.code == code)
        lines.append(
            Line(
                tool=tool,
                label=tool.name if tool else labels[code],
                kind=tool.kind if tool else "",
                requested=Amount.of(
                    r.amount_usd for r in requests if r.mechanism and r.mechanism.value == code
                ),
                referred=Amount.of(r.amount_usd for r in own if r.stage in WITH_HOLDER),
                committed=Amount.of(_committed(own)),
                referrals=own,
            )
        )
    kinds = [*SupportKind.values, ""]
    totals = [
        Total(
            kind=kind,
            requested=_sum(line.requested for line in lines if line.kind == kind),
            referred=_sum(line.referred for line in lines if line.kind == kind),
            committed=_sum(line.committed for line in lines if line.kind == kind),
        )
        for kind in kinds
        if any(line.kind == kind for line in lines)
    ]
    return Stack(tuple(lines), tuple(totals))


def _committed(referrals: Iterable[ToolReferral]) -> list[Decimal | None]:
    return [
        referral.commitment.amount_usd
        for referral in referrals
        if referral.status in COMMITTED and referral.commitment is not None
    ]


def _sum(amounts: Iterable[Amount]) -> Amount:
    parts = list(amounts)
    return Amount(
        sum((part.usd for part in parts), Decimal(0)),
        sum(part.count for part in parts),
        sum(part.undetermined for part in parts),
    )
