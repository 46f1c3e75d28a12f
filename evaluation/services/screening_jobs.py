"""Screening in the background: asked for, by people or by what happened, and worked off by the queue."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import (
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)

from evaluation.enums import ScreeningReason
from evaluation.matching import RULESET
from evaluation.models import NamedParty, ScreeningJob, ScreeningList, ScreeningRun
from evaluation.querysets.parties import MEMBER_ROLES
from evaluation.querysets.people import closed_people
from evaluation.rulebook import version_on
from evaluation.services.screening import NO_LIST, PARTIES, compare_parties, keep_run
from evaluation.staleness import overtaken_by
from program import audit, clock
from program.leases import PULSE_SECONDS, is_free
from program.publish import after_commit
from program.revisions import one_at_a_time
from program.ticks import timely
from program.transitions import NotReady, require
from proposals.enums import ProposalStatus
from proposals.models import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from program.models import User

logger = logging.getLogger(__name__)
UNDECIDED = (ProposalStatus.SUBMITTED, ProposalStatus.RETURNED, ProposalStatus.UNDER_EVALUATION)
WATCHED = (*UNDECIDED, ProposalStatus.DESIGNATED)
AT_ONCE = (ScreeningReason.ASKED, ScreeningReason.DETERMINATION)  # a person waits; the sweep does the others
TRIED_AGAIN_AFTER = timedelta(days=1)
LOOKED_BACK = timedelta(days=30)


@transaction.atomic
def ask_for_screening(
    version: Version, *, by: User, reason: ScreeningReason = ScreeningReason.ASKED
) -> ScreeningJob:
    """Have the parties of the version screened in the background; what waits already is not asked twice."""
    require("evaluation.screen_version", by, version.proposal)
    if not ScreeningList.objects.exists():
        raise NotReady([NO_LIST])
    one_at_a_time("screen", version.pk)
    job = ScreeningJob.objects.filter(version=version, finished_at=None).first()
    if job is None:
        job = ScreeningJob.objects.create(version=version, reason=reason, asked_by=by, asked_at=clock.now())
        audit.record(
            version.proposal,
            "proposal.ask_screening",
            by=by,
            clause=PARTIES,
            after={"version": version.number, "reason": str(reason)},
        )
    if reason in AT_ONCE:
        after_commit("evaluation.schedule.screen_parties", job.pk)
    return job


def ask_again(version: Version, *, by: User) -> ScreeningJob:
    """Ask for the screening of a version because what was found before does not hold any more."""
    is_known = ScreeningRun.objects.filter(version=version).exists()
    reason = ScreeningReason.OVERTAKEN if is_known else ScreeningReason.NEW_VERSION
    return ask_for_screening(version, by=by, reason=reason)


def ask_if_stale(version: Version, *, by: User, reason: ScreeningReason) -> ScreeningJob | None:
    """Ask for the screening of a version that has none that holds; nothing without a list."""
    newest = ScreeningList.objects.first()
    run = version.screening_runs.select_related("screening_list").first()
    oldest = clock.now() - timedelta(days=version.proposal.call.check_max_age_days)
    holds = run and run.compliance_version == version_on(clock.today()) and not overtaken_by(run, newest)
    if newest is None or (run and holds and run.run_at >= oldest):
        return None
    return ask_for_screening(version, by=by, reason=reason)


def to_screen_again() -> QuerySet[Version]:
    """Last versions once screened or designated whose screening does not hold, undecided and oldest first.

    Nor does one hold whose owners another proposal states, once a match was decided there. What failed with
    the list in force is tried again after a day, or when somebody asks.
    """
    newest = ScreeningList.objects.first()
    if newest is None:
        return Version.objects.none()
    at = clock.instant()
    age = ExpressionWrapper(
        F("version__proposal__call__check_max_age_days") * Value(timedelta(days=1)), DurationField()
    )
    runs = ScreeningRun.objects.filter(version=OuterRef("pk"))
    holds = runs.filter(
        screening_list=newest,
        ruleset_version=RULESET,
        compliance_version=version_on(clock.today()),
        run_at__gte=Value(at) - age,
    )
    once = Q(Exists(ScreeningRun.objects.filter(version__proposal=OuterRef("proposal"))))
    failed_lately = ~Q(failure="") & Q(asked_at__gte=max(newest.imported_at, at - TRIED_AGAIN_AFTER))
    jobs = ScreeningJob.objects.filter(Q(finished_at=None) | failed_lately, version=OuterRef("pk"))
    last = Version.objects.filter(number=F("proposal__version_count"), proposal__status__in=WATCHED)
    return (
        last.filter(once | Q(proposal__status=ProposalStatus.DESIGNATED), ~Exists(jobs))
        .filter(~Exists(holds) | Q(pk__in=decided_elsewhere_since()))
        .annotate(is_decided=Q(proposal__status=ProposalStatus.DESIGNATED))
        .select_related("proposal")
        .defer("package")
        .order_by("is_decided", "received_at", "pk")
    )


def decided_elsewhere_since() -> set[int]:
    """Versions screened before a match was decided in another proposal whose member is a party of theirs.

    What that member states of its owners counts for the party. Only where everybody to whom that proposal is
    closed has no access to this one: else nothing of it counts here, and a new screening would tell of it.
    """
    given = "version__screening_runs__checks__adjudications"
    lately = {f"{given}__carried_from__isnull": True, f"{given}__decided_at__gte": clock.now() - LOOKED_BACK}
    members = NamedParty.objects.filter(role__in=MEMBER_ROLES, **lately).order_by()
    stated: dict[str, dict[int, datetime]] = {}
    rows = members.values_list("compared", "version__proposal").annotate(last=Max(f"{given}__decided_at"))
    for name, proposal, at in rows:
        stated.setdefault(name, {})[proposal] = at
    named = NamedParty.objects.compared().filter(compared__in=stated).exclude(role__in=MEMBER_ROLES)
    runs = ScreeningRun.objects.filter(version=OuterRef("version")).order_by("-pk").values("run_at")[:1]
    overtaken = [
        (version, proposal, other)
        for version, proposal, name, at in named.annotate(screened_at=Subquery(runs))
        .order_by()
        .values_list("version", "version__proposal", "compared", "screened_at")
        for other, decided_at in stated[name].items()
        if other != proposal and at is not None and at < decided_at
    ]
    closed = closed_people({key for _, *proposals in overtaken for key in proposals}) if overtaken else {}
    return {version for version, here, there in overtaken if closed[there] <= closed[here]}


def waiting_jobs() -> QuerySet[ScreeningJob]:
    """Jobs that nobody works on, the oldest first; also those whose worker died."""
    free = is_free("begun_at", at=clock.instant())
    return ScreeningJob.objects.filter(free, finished_at=None).order_by("pk")


def work_off_each() -> int:
    """Work off what waits, the oldest first, for a while; nothing where another worker is at it."""
    unfinished = ScreeningJob.objects.filter(finished_at=None, begun_at__isnull=False)
    if unfinished.exclude(is_free("begun_at", at=clock.instant())).exists():
        return 0
    return sum(work_off(pk) > 0 for pk in timely(waiting_jobs().values_list("pk", flat=True)))


def work_off(pk: int) -> int:
    """Screen the parties of one job; returns how many. Of two workers one keeps a run, the other nothing."""
    at = clock.instant()
    held = ScreeningJob.objects.filter(is_free("begun_at", at=at), pk=pk, finished_at=None)
    if not held.update(begun_at=at, done_count=0):
        return 0
    job = ScreeningJob.objects.select_related("version__proposal", "asked_by").get(pk=pk)
    told = time.monotonic()

    def tell(done: int, count: int) -> None:
        nonlocal told
        if done == 0 or time.monotonic() > told + PULSE_SECONDS / 10:
            told = time.monotonic()
            facts = {"begun_at": clock.instant(), "done_count": done, "party_count": count}
            ScreeningJob.objects.filter(pk=pk, finished_at=None).update(**facts)

    try:
        return _keep(job, tell)
    except (OperationalError, InterfaceError):
        raise  # the database was busy or away: the sweep begins anew when the lease is over
    except Exception as error:
        logger.exception("A screening failed.", extra={"job": pk})
        ScreeningJob.objects.filter(pk=pk, finished_at=None).update(
            finished_at=clock.instant(), failure=type(error).__name__
        )
        return 0


def _keep(job: ScreeningJob, tell: Callable[[int, int], None]) -> int:
    compared = compare_parties(job.version, tell)
    with transaction.atomic():
        held = ScreeningJob.objects.select_for_update().get(pk=job.pk)
        if held.finished_at:
            return 0
        held.run = keep_run(compared, by=job.asked_by)
        held.party_count = held.done_count = len(compared.parties)
        held.finished_at = clock.instant()
        held.save(update_fields=["run", "party_count", "done_count", "finished_at"])
    return held.done_count
