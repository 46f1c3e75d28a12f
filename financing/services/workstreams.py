"""The records of s.4(c): where a workstream stands, partnerships, barriers to market access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from financing.models import MarketBarrier, Partnership, Workstream
from program import audit
from program.revisions import hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from program.models import Agency, Country, User

Kept = Workstream | Partnership | MarketBarrier


@transaction.atomic
def change_workstream(
    workstream: Workstream,
    *,
    lead: Agency,
    lead_officer: User | None,
    status_text: str,
    revision: int,
    by: User,
) -> Workstream:
    """Say who leads a responsibility of s.4(c) and where it stands.

    Raises StaleRevision when somebody else saved it since ``revision``.
    """
    _require("financing.change_workstream", by)
    hold(workstream, revision=revision)
    values = {"lead": lead, "lead_officer": lead_officer, "status_text": status_text}
    return _keep(workstream, values, by=by, clause=workstream.clause)


@transaction.atomic
def keep_partnership(
    partnership: Partnership,
    *,
    name: str,
    workstream: Workstream,
    status: str,
    summary: str,
    countries: Iterable[Country],
    by: User,
    revision: int | None = None,
) -> Partnership:
    """Enter or change an initiative or partnership, s.4(c)(iii)."""
    _require("financing.change_partnership", by)
    if partnership.pk:
        hold(partnership, revision=revision)
    values = {"name": name, "workstream": workstream, "status": status, "summary": summary}
    return _keep(partnership, values, by=by, clause="s.4(c)(iii)", countries=list(countries))


@transaction.atomic
def keep_barrier(
    barrier: MarketBarrier,
    *,
    country: Country,
    title: str,
    description: str,
    effect: str,
    status: str,
    source: str,
    by: User,
    revision: int | None = None,
) -> MarketBarrier:
    """Enter or change a barrier to market access, s.4(c)(v)."""
    _require("financing.change_marketbarrier", by)
    if barrier.pk:
        hold(barrier, revision=revision)
    values = {
        "country": country,
        "title": title,
        "description": description,
        "effect": effect,
        "status": status,
        "source": source,
    }
    return _keep(barrier, values, by=by, clause="s.4(c)(v)")


def _require(permission: str, by: User) -> None:
    if not by.has_perm(permission):
        raise PermissionDenied("You may not keep the EDAG's records.")


def _keep(
    record: Kept, values: dict[str, Any], *, by: User, clause: str, countries: Sequence[Country] | None = None
) -> Any:
    """Save ``values`` on a row that is held (or new), and record what changed."""
    before = _words(record, values) if record.pk else {}
    if record.pk and isinstance(record, Partnership):
        before["countries"] = _codes(record.countries.all())
    verb = "change" if record.pk else "enter"
    for name, value in values.items():
        setattr(record, name, value)
    if record.pk:
        record.revision += 1
    record.full_clean()
    record.save()
    after = _words(record, values)
    if countries is not None and isinstance(record, Partnership):
        record.countries.set(countries)
        after["countries"] = _codes(countries)
    audit.record(
        record,
        f"{record._meta.model_name}.{verb}",
        by=by,
        clause=clause,
        before={name: text for name, text in before.items() if text != after[name]},
        after=after,
    )
    return record


def _codes(countries: Iterable[Country]) -> str:
    return ", ".join(sorted(country.code for country in countries))


def _words(record: Kept, names: Iterable[str]) -> dict[str, str]:
    return {name: str(getattr(record, name) or "") for name in names}
