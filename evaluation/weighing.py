"""What the compliance checks of a screening come to, for the pages and the packet that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation.checked import ORDER
from evaluation.enums import ComplianceKind, ComplianceResult
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluation.models import ComplianceCheck, ScreeningRun
    from program.models import User


#: Instead of what another proposal says, to whom that one is closed and in a text for all
RESTS_ELSEWHERE = (
    "It rests on owners that are known otherwise; who they are is on file with the Program office."
)


def newest_checks(run: ScreeningRun | None) -> list[ComplianceCheck]:
    """The checks of a run that count, what flags most first; two statements."""
    if run is None:
        return []
    rows = run.compliance_checks.all().newest().with_decisions()
    return sorted(rows, key=lambda row: (ORDER.index(ComplianceResult(row.result)), row.pk))


def told_to(user: User, rows: list[ComplianceCheck]) -> list[ComplianceCheck]:
    """The checks as ``user`` may read them: what another proposal says is told to whom that one is open."""
    sources = {source for row in rows for source in row.sources}
    may_read = Proposal.objects.read_by_office(user).filter(pk__in=[*sources, 0])
    closed = sources - set(may_read.values_list("pk", flat=True))
    return [_without_others(row) if closed & set(row.sources) else row for row in rows]


def told_to_all(rows: Iterable[ComplianceCheck]) -> list[ComplianceCheck]:
    """The checks as every reader of their proposal may read them: nothing of what another one says."""
    return [_without_others(row) if row.sources else row for row in rows]


def _without_others(check: ComplianceCheck) -> ComplianceCheck:
    check.explanation, check.facts = RESTS_ELSEWHERE, []
    return check


def compliance_facts(run: ScreeningRun | None) -> dict[str, Any]:
    """Of each kind how many were checked, flagged and are open, and the worst result; what bars."""
    rows = newest_checks(run)
    kinds = []
    for kind in ComplianceKind:
        of_kind = [row for row in rows if row.kind == kind]
        if of_kind:
            flags = [row for row in of_kind if row.is_flag]
            kinds.append(
                {
                    "label": kind.label,
                    "worst": of_kind[0],
                    "count": len(of_kind),
                    "flags": len(flags),
                    "open": sum(row.state == "open" for row in flags),
                }
            )
    return {
        "compliance_kinds": kinds,
        "compliance_open": sum(row["open"] for row in kinds),
        "compliance_barring": [row for row in rows if row.bars and not row.is_set_aside],
    }
