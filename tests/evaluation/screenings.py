"""A newer list, and how a flag of a screening stands."""

from __future__ import annotations

import io
from datetime import date

from evaluation import services
from evaluation.models import PartyCheck
from tests.factories import evaluation as make


def judged(check):
    """Whether the check is open, confirmed, cleared and waiting for somebody."""
    rows = PartyCheck.objects.filter(pk=check.pk)
    return [rows.open().exists(), rows.confirmed().exists(), rows.cleared().exists(), rows.waiting().exists()]


def newer_list(desk):
    """The list once more, without two of its rows."""
    rows = make.LIST.read_bytes().splitlines(keepends=True)[:-2]
    return services.import_screening_list(
        io.BytesIO(b"".join(rows)), by=desk, name="Newer", file_date=date(2026, 11, 2)
    )
