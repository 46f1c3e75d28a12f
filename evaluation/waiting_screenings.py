"""How far the screening of a version is that was asked for, for the pages that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation.models import ScreeningJob

if TYPE_CHECKING:
    from proposals.models import Version


def job_facts(version: Version) -> dict[str, Any]:
    """The last job of the version, and how many wait before it where it waits."""
    job = ScreeningJob.objects.filter(version=version).select_related("asked_by").last()
    is_waiting = job is not None and job.finished_at is None and job.begun_at is None
    before = ScreeningJob.objects.filter(finished_at=None, pk__lt=job.pk) if is_waiting and job else None
    return {"screening_job": job, "jobs_ahead": before.count() if before is not None else 0}
