"""How the evaluation goes as a whole: counted in the database, over what its reader may read.

Figures tell of many proposals at once and are kept for a few minutes; nothing here ranks proposals by one
number: each agency's scores stand by themselves.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from django.core.cache import cache
from django.db import connection
from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    Subquery,
    Value,
)
from django.db.models.functions import Cast, Extract, Greatest

from evaluation.enums import Carry, DesignationStatus, DeterminationStatus, ReferralStatus
from evaluation.insights.readers import left_out_of
from evaluation.models import AgencyScore, Designation, Determination, Referral
from evaluation.models.reviews import DISAGREEMENT
from evaluation.querysets.consultation import RUNNING
from program import clock
from program.models import Agency
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from django.db.models import QuerySet

    from program.models import Call, User

KEPT_SECONDS: Final = 300
DAY: Final = 86_400
#: Days up to which a proposal counts among those of one age; the last are older
AGES: Final = (30, 60, 90)
MOST_DISPUTED: Final = 25


class Percentile(Aggregate):
    """The value that the given share (0 to 1) of the values does not exceed, between two of them by line."""

    function = "PERCENTILE_CONT"

    def __init__(self, expression: Any, share: float = 0.5, **options: Any) -> None:
        super().__init__(expression, output_field=options.pop("output_field", FloatField()), **options)
        self.template = f"%(function)s({share:g}) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True)
class Figure:
    """A table of numbers; ``bars`` is the column (from 0) that is also drawn.

    A cell is a text, a number or None, which says that there is nothing to count.
    """

    key: str
    title: str
    note: str
    headings: list[str]
    rows: list[list[str | int | float | None]]
    bars: int | None = None

    @property
    def longest(self) -> float:
        """The largest number among those that are drawn, to which the others are drawn."""
        return max((self._drawn(row) for row in self.rows), default=0)

    @property
    def lines(self) -> list[tuple[str, list[tuple[str, Any, int | None]]]]:
        """Each row by its heading; of its cells the column's heading, the cell and the length of its bar."""
        return [
            (
                str(row[0]),
                [
                    (
                        self.headings[place],
                        cell,
                        self._percent(cell) if place == self.bars and cell is not None else None,
                    )
                    for place, cell in enumerate(row)
                ][1:],
            )
            for row in self.rows
        ]

    def _drawn(self, row: Sequence[Any]) -> float:
        cell = row[self.bars] if self.bars is not None else None
        return cell if isinstance(cell, int | float) else 0

    def _percent(self, cell: Any) -> int:
        return round(100 * cell / self.longest) if isinstance(cell, int | float) and self.longest else 0


@dataclass(frozen=True)
class Dispute:
    """A criterion on which the sheets of one agency lie far apart."""

    number: str
    title: str
    agency: str
    criterion: str
    lowest: int
    highest: int
    sheets: int


@dataclass(frozen=True)
class Insights:
    """Everything that the page shows of one call, as counted ``at`` that moment."""

    at: datetime
    counted: int
    left_out: int
    figures: list[Figure] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)

    def figure(self, key: str) -> Figure | None:
        return next((figure for figure in self.figures if figure.key == key), None)


#: What a lead reads: how the reviewers of the own agency scored
OWN_PART: Final = ("medians", "spreads", "disagreements")


def own_part(whole: Insights, agencies: Collection[str]) -> Insights:
    """Of the scores what is of these agencies, and nothing else of the figures."""

    def narrowed(figure: Figure) -> Figure:
        kept = [n for n, name in enumerate(figure.headings) if name in (*agencies, "Criterion", "Scale")]
        rows = [[row[n] for n in kept] for row in figure.rows]
        return replace(figure, headings=[figure.headings[n] for n in kept], rows=rows)

    return replace(
        whole,
        figures=[narrowed(figure) for figure in whole.figures if figure.key in OWN_PART],
        disputes=[dispute for dispute in whole.disputes if dispute.agency in agencies],
    )


def insights_of(user: User, call: Call) -> Insights:
    """The figures for ``user``, at most five minutes old; counted anew where nobody has kept them."""
    left_out = left_out_of(user, call)
    whose = hashlib.sha256(repr(left_out).encode()).hexdigest()[:16]
    key = f"insights:{call.pk}:{whose}"
    if (kept := cache.get(key)) is None:
        cache.set(key, kept := asdict(_count(call, left_out)), KEPT_SECONDS)
    return Insights(
        at=kept["at"],
        counted=kept["counted"],
        left_out=kept["left_out"],
        figures=[Figure(**figure) for figure in kept["figures"]],
        disputes=[Dispute(**dispute) for dispute in kept["disputes"]],
    )


def _count(call: Call, left_out: list[int]) -> Insights:
    rows = Proposal.objects.filter(call=call, submitted_at__isnull=False).exclude(pk__in=left_out)
    now = clock.now()
    agencies = list(Agency.objects.filter(is_evaluating=True))
    figures = [
        _funnel(rows),
        _ages(call, left_out, now),
        _timeliness(rows, agencies, now),
        *_stages(call, left_out),
    ]
    scores = AgencyScore.objects.filter(
        version__proposal__in=rows,
        version__number=F("version__proposal__version_count"),
        sheet_count__gt=0,
    ).order_by()
    figures += _scores(scores, call, agencies)
    return Insights(now, rows.count(), len(left_out), figures, _disputes(scores))


# How far they came


def _funnel(rows: QuerySet[Proposal]) -> Figure:
    running = Referral.objects.filter(version__proposal=OuterRef("pk"), status__in=RUNNING)
    announced = Determination.objects.filter(proposal=OuterRef("pk"), status=DeterminationStatus.ANNOUNCED)
    decided = (ProposalStatus.DESIGNATED, ProposalStatus.NOT_SELECTED)
    newest = Designation.objects.filter(proposal=OuterRef("pk")).order_by("-designated_at", "-pk")
    rows = rows.annotate(stands=Subquery(newest.values("status")[:1]))
    found = rows.annotate(is_running=Exists(running), is_announced=Exists(announced)).aggregate(
        submitted=Count("pk"),
        accepted=Count("pk", filter=Q(accepted_at__isnull=False)),
        consulted=Count(
            "pk",
            filter=Q(status__in=decided)
            | Q(accepted_at__isnull=False, is_running=False, status=ProposalStatus.UNDER_EVALUATION),
        ),
        announced=Count("pk", filter=Q(is_announced=True)),
        designated=Count("pk", filter=Q(stands=DesignationStatus.ACTIVE)),
        suspended=Count("pk", filter=Q(stands=DesignationStatus.SUSPENDED)),
        ended=Count("pk", filter=Q(stands__in=(DesignationStatus.REVOKED, DesignationStatus.EXPIRED))),
    )
    steps = [
        ("Submitted", "submitted"),
        ("Accepted for evaluation", "accepted"),
        ("All agencies answered, or their time is over", "consulted"),
        ("A determination was announced", "announced"),
        ("Designated today", "designated"),
        ("Designation suspended today", "suspended"),
        ("Designation revoked or expired", "ended"),
    ]
    return Figure(
        "funnel",
        "How far proposals came",
        "Each proposal counts in every step that it has reached, whatever became of it later.",
        ["Step", "Proposals", "Percent of those submitted"],
        [[words, found[name], share_of(found[name], found["submitted"])] for words, name in steps],
        bars=1,
    )


def _ages(call: Call, left_out: list[int], now: datetime) -> Figure:
    waiting = (ProposalStatus.SUBMITTED, ProposalStatus.RETURNED, ProposalStatus.UNDER_EVALUATION)
    asked: dict[str, Any] = {
        "call": call.pk,
        "left_out": left_out,
        "now": now,
        "waiting": list(map(str, waiting)),
        "ages": list(AGES),
    }
    with connection.cursor() as cursor:
        cursor.execute(WAITED, asked)
        found = {status: cells for status, *cells in cursor.fetchall()}
    ages = [f"{after + 1} to {up_to}" for after, up_to in pairwise(AGES)]
    headings = [f"Up to {AGES[0]} days", *ages, f"Over {AGES[-1]}"]
    nothing: list[Any] = [*[0] * len(headings), None, None]
    return Figure(
        "ages",
        "How long the undecided ones have waited",
        "Days since the first submission, for proposals that no announced determination has decided. Time "
        "for which the clock of one of its consultations was paused does not count.",
        ["Where it stands", *headings, "Median days", "Longest, days"],
        [
            [
                ProposalStatus(status).label,
                *(
                    cell if isinstance(cell, int) else rounded(cell)
                    for cell in found.get(str(status), nothing)
                ),
            ]
            for status in waiting
        ],
        bars=len(headings) + 1,
    )


#: A row for each status: how many are as old as each of ``AGES`` says, the median and the longest, in days
WAITED: Final = """
WITH stood AS (
    SELECT proposal_id, SUM(UPPER(span) - LOWER(span)) AS time FROM (
        SELECT version.proposal_id, UNNEST(RANGE_AGG(
            TSTZRANGE(pause.at, GREATEST(COALESCE(ended.at, %(now)s), pause.at))
        )) AS span
        FROM evaluation_clockevent AS pause
        JOIN evaluation_referral AS referral ON referral.id = pause.referral_id
        JOIN proposals_version AS version ON version.id = referral.version_id
        JOIN proposals_proposal AS proposal
            ON proposal.id = version.proposal_id AND proposal.call_id = %(call)s
        LEFT JOIN evaluation_clockevent AS ended ON ended.ends_id = pause.id
        WHERE pause.act = 'paused' GROUP BY version.proposal_id
    ) AS spans GROUP BY proposal_id
), aged AS (
    SELECT proposal.status,
        EXTRACT(EPOCH FROM %(now)s - proposal.submitted_at - COALESCE(stood.time, INTERVAL '0'))::float
            / 86400 AS days
    FROM proposals_proposal AS proposal LEFT JOIN stood ON stood.proposal_id = proposal.id
    WHERE proposal.call_id = %(call)s AND proposal.submitted_at IS NOT NULL
        AND proposal.status = ANY (%(waiting)s) AND proposal.id <> ALL (%(left_out)s::bigint[])
)
SELECT status, COUNT(*) FILTER (WHERE passed = 0), COUNT(*) FILTER (WHERE passed = 1),
    COUNT(*) FILTER (WHERE passed = 2), COUNT(*) FILTER (WHERE passed = 3),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days), MAX(days)
FROM aged CROSS JOIN LATERAL (
    SELECT COUNT(*) AS passed FROM UNNEST(%(ages)s::float[]) AS age WHERE days > age
) AS ages GROUP BY status
"""


# How long it takes


def _timeliness(rows: QuerySet[Proposal], agencies: list[Agency], now: datetime) -> Figure:
    took = _days(F("answered_at") - F("opened_at") - F("stood_for"))
    answered = Q(answered_at__isnull=False)
    found: dict[Any, Any] = {
        row["agency"]: row
        for row in Referral.objects.filter(version__proposal__in=rows)
        .exclude(carry=Carry.KEEP)
        .exclude(status=ReferralStatus.ENDED)
        .annotate(took=took)
        .order_by()
        .values("agency")
        .annotate(
            referred=Count("pk"),
            on_time=Count("pk", filter=answered & Q(answered_at__lt=F("due_at"))),
            late=Count("pk", filter=answered & Q(answered_at__gte=F("due_at"))),
            lapsed=Count("pk", filter=Q(status=ReferralStatus.LAPSED)),
            running=Count("pk", filter=Q(status__in=RUNNING, due_at__gt=now, paused_at=None)),
            paused=Count("pk", filter=Q(paused_at__isnull=False)),
            over=Count("pk", filter=Q(status__in=RUNNING, due_at__lte=now, paused_at=None)),
            middle=Percentile("took", filter=answered),
            most=Percentile("took", 0.9, filter=answered),
        )
    }
    counts = ("referred", "on_time", "late", "lapsed", "running", "paused", "over")
    return Figure(
        "timeliness",
        "How the agencies keep their time",
        "Consultations that were opened for the first time, anew or to confirm a position, by the first "
        "answer to each; a position that was kept from an earlier version took nobody time. Nine of ten "
        "answers came within the days of the last column. Days do not count the time for which a clock was "
        "paused.",
        [
            "Agency", "Referred", "In time", "Late", "No response", "Running", "Paused", "Overdue",
            "Median days", "Nine of ten, days",
        ],
        [
            [
                str(agency),
                *(found[agency.pk][name] if agency.pk in found else 0 for name in counts),
                rounded(found[agency.pk]["middle"]) if agency.pk in found else None,
                rounded(found[agency.pk]["most"]) if agency.pk in found else None,
            ]
            for agency in agencies
        ],
        bars=len(counts) + 1,
    )  # fmt: skip


def _stages(call: Call, left_out: list[int]) -> list[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(
            STAGES, {"call": call.pk, "left_out": left_out, "sizes": [one for one, _ in SIZES[1:]]}
        )
        found = {name: cells for name, *cells in cursor.fetchall()}
    stages = [
        ("From submission to acceptance", "intake"),
        ("From acceptance to the last agency's answer", "consultation"),
        ("From acceptance to the first announcement", "decision"),
        ("From submission to the first announcement", "whole"),
    ]

    def rows(first: int, groups: int) -> list[list[str | int | float | None]]:
        nothing: list[Any] = [None, 0] * (3 + len(SIZES))
        return [
            [
                words,
                *(
                    cell if isinstance(cell, int) else rounded(cell)
                    for cell in found.get(name, nothing)[2 * first : 2 * (first + groups)]
                ),
            ]
            for words, name in stages
        ]

    few = (
        "The median of few proposals says little: their number stands beside it. Time for which the clock of "
        "one of a proposal's consultations was paused does not count."
    )
    return [
        Figure(
            "stages",
            "Whether applicants wait alike",
            "Median days of each stage, for anchors that say that they are U.S. small businesses and for all "
            f"others. {few}",
            ["Stage", *_headings("All", "Small business", "Others")],
            rows(0, 3),
            bars=1,
        ),
        Figure(
            "sizes",
            "Whether large and small consortia wait alike",
            f"Median days of each stage, by how many organizations take part in the consortium today. {few}",
            ["Stage", *_headings(*(words for _, words in SIZES))],
            rows(3, len(SIZES)),
            bars=1,
        ),
    ]


def _headings(*groups: str) -> list[str]:
    return [f"{group}: {what}" for group in groups for what in ("days", "number")]


#: Consortia by their members: from how many, and in words
SIZES: Final = ((0, "1 or 2 members"), (3, "3 to 5 members"), (6, "6 members and more"))
#: A row for each stage: median days and number of all, of small businesses, of others, then of each size
STAGES: Final = """
WITH counted AS (
    SELECT id, consortium_id, submitted_at, accepted_at FROM proposals_proposal
    WHERE call_id = %(call)s AND submitted_at IS NOT NULL AND id <> ALL (%(left_out)s::bigint[])
), consulted AS (
    SELECT version.proposal_id, MAX(GREATEST(referral.answered_at, referral.lapsed_at))
        FILTER (WHERE referral.carry <> 'keep') AS at
    FROM evaluation_referral AS referral
    JOIN proposals_version AS version ON version.id = referral.version_id
    JOIN counted ON counted.id = version.proposal_id
    WHERE referral.ended_at IS NULL GROUP BY version.proposal_id
    HAVING NOT BOOL_OR(referral.status IN ('open', 'acknowledged'))
), stood AS (
    SELECT version.proposal_id,
        RANGE_AGG(TSTZRANGE(pause.at, GREATEST(COALESCE(ended.at, 'infinity'), pause.at))) AS spans
    FROM evaluation_clockevent AS pause
    JOIN evaluation_referral AS referral ON referral.id = pause.referral_id
    JOIN proposals_version AS version ON version.id = referral.version_id
    JOIN counted ON counted.id = version.proposal_id
    LEFT JOIN evaluation_clockevent AS ended ON ended.ends_id = pause.id
    WHERE pause.act = 'paused' GROUP BY version.proposal_id
), announced AS (
    SELECT determination.proposal_id, MIN(determination.announced_at) AS at
    FROM evaluation_determination AS determination JOIN counted ON counted.id = determination.proposal_id
    WHERE determination.status = 'announced' GROUP BY determination.proposal_id
), sized AS (
    SELECT consortium_id, WIDTH_BUCKET(COUNT(*), %(sizes)s::bigint[]) AS size
    FROM proposals_membership WHERE status = 'consented' GROUP BY consortium_id
), stages AS (
    SELECT organization.is_small_business AS is_small, COALESCE(sized.size, 0) AS size, stage.name,
        EXTRACT(EPOCH FROM stage.until - stage.since - COALESCE((
            SELECT SUM(UPPER(span) - LOWER(span)) FROM (
                SELECT UNNEST(stood.spans * TSTZMULTIRANGE(
                    TSTZRANGE(stage.since, GREATEST(stage.since, stage.until))
                )) AS span
            ) AS within
        ), INTERVAL '0')) / 86400.0 AS days
    FROM counted
    JOIN proposals_membership AS anchor
        ON anchor.consortium_id = counted.consortium_id AND anchor.is_anchor
    JOIN program_organization AS organization ON organization.id = anchor.organization_id
    LEFT JOIN sized ON sized.consortium_id = counted.consortium_id
    LEFT JOIN consulted ON consulted.proposal_id = counted.id
    LEFT JOIN stood ON stood.proposal_id = counted.id
    LEFT JOIN announced ON announced.proposal_id = counted.id
    CROSS JOIN LATERAL (VALUES
        ('intake', counted.submitted_at, counted.accepted_at),
        ('consultation', counted.accepted_at, consulted.at),
        ('decision', counted.accepted_at, announced.at),
        ('whole', counted.submitted_at, announced.at)
    ) AS stage (name, since, until)
)
SELECT name, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days), COUNT(days),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE is_small),
    COUNT(days) FILTER (WHERE is_small),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE NOT is_small),
    COUNT(days) FILTER (WHERE NOT is_small),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE size = 0),
    COUNT(days) FILTER (WHERE size = 0),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE size = 1),
    COUNT(days) FILTER (WHERE size = 1),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE size = 2),
    COUNT(days) FILTER (WHERE size = 2)
FROM stages GROUP BY name
"""


# What the sheets say


def _scores(scores: QuerySet[AgencyScore], call: Call, agencies: list[Agency]) -> list[Figure]:
    apart = _apart()
    found = {
        (row["criterion"], row["agency"]): row
        for row in scores.values("criterion", "agency").annotate(
            middle=Percentile("median"),
            apart_by=Percentile(F("highest") - F("lowest")),
            scored=Count("pk"),
            apart=Count("pk", filter=apart),
        )
    }
    criteria = list(call.criteria.prefetch_related("agencies"))
    names = [str(agency) for agency in agencies]

    def table(
        key: str,
        title: str,
        note: str,
        cell: Any,
        scale: bool = False,
        *,
        first: Sequence[str] = ("Criterion",),
    ) -> Figure:
        rows: list[list[str | int | float | None]] = [
            [
                criterion.title,
                *([f"{criterion.lowest} to {criterion.highest}"] if scale else []),
                *(
                    cell(found[criterion.pk, agency.pk]) if (criterion.pk, agency.pk) in found else None
                    for agency in agencies
                ),
            ]
            for criterion in criteria
        ]
        first = ["Criterion", "Scale"] if scale else ["Criterion"]
        return Figure(key, title, note, [*first, *names], rows)

    return [
        table(
            "medians",
            "Medians by criterion and agency",
            "The middle of the proposals' medians, newest versions only. Agencies stand side by side: no "
            "number blends them.",
            lambda row: rounded(row["middle"]),
            scale=True,
        ),
        table(
            "spreads",
            "How far an agency's reviewers lie apart",
            "The middle of the distances between the lowest and the highest sheet of one proposal.",
            lambda row: rounded(row["apart_by"]),
        ),
        table(
            "disagreements",
            "Where they disagree",
            "Proposals whose sheets lie at least half of the scale apart, of those that were scored.",
            lambda row: f"{row['apart']} of {row['scored']}",
        ),
    ]


def _apart() -> Q:
    """As ``AgencyScore.is_disagreed`` says of one row; a test holds the two equal."""
    scale = F("criterion__highest") - F("criterion__lowest")
    bound = Greatest(Value(1.0), Cast(scale, FloatField()) * Value(DISAGREEMENT), output_field=FloatField())
    return Q(highest__gte=ExpressionWrapper(F("lowest") + bound, output_field=FloatField()))


def _disputes(scores: QuerySet[AgencyScore]) -> list[Dispute]:
    scale = Cast(F("criterion__highest") - F("criterion__lowest"), FloatField())
    share = ExpressionWrapper((F("highest") - F("lowest")) / scale, output_field=FloatField())
    rows = scores.filter(_apart()).select_related("version__proposal", "agency", "criterion")
    return [
        Dispute(
            number=row.version.proposal.number or "",
            title=row.version.proposal.submitted_title,
            agency=str(row.agency),
            criterion=row.criterion.title,
            lowest=row.lowest or 0,
            highest=row.highest or 0,
            sheets=row.sheet_count,
        )
        for row in rows.defer("version__package").order_by(share.desc(), "-version", "pk")[:MOST_DISPUTED]
    ]


# Numbers


def share_of(number: int, whole: int) -> float | None:
    return round(100 * number / whole, 1) if whole else None


def rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 1)


def _days(duration: Any) -> Any:
    seconds = Extract(ExpressionWrapper(duration, output_field=DurationField()), "epoch")
    return ExpressionWrapper(seconds / float(DAY), output_field=FloatField())
