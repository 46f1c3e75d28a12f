"""Party screening: imported lists, what a run found, and what people made of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from evaluation.enums import LONGEST_TEXT, Adjudicated, ChangeKind, CheckResult, ScreeningReason
from evaluation.querysets.proposals import OfVersionQuerySet
from evaluation.querysets.screening import PartyCheckQuerySet
from program.models import User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField


class ScreeningList(models.Model):
    """One imported file of the Consolidated Screening List; a later file is a new row.

    So is the same file imported again because the row that it ``corrects`` bears a wrong day.
    """

    append_only: ClassVar[bool] = True

    name = models.CharField(max_length=200)
    source = models.CharField("where the file comes from", max_length=300, blank=True)
    file_date = DayColumn("date of the file")
    sha256 = models.CharField("SHA-256", max_length=64)
    ruleset_version = models.CharField(max_length=20)
    entry_count = models.PositiveIntegerField()
    imported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()
    corrects = models.OneToOneField(
        "self", models.PROTECT, null=True, editable=False, related_name="corrected_by"
    )
    reason = PlainTextField(
        "why the day is corrected", longest=LONGEST_TEXT, blank=True, default="", db_default=""
    )

    class Meta:
        ordering = ["-pk"]
        permissions = [("import_screeninglist", "import")]
        constraints = [
            models.UniqueConstraint(
                name="list_file_imported_once",
                violation_error_message="Exactly this file was imported before.",
                fields=["sha256"],
                condition=Q(corrects=None),
            ),
            models.CheckConstraint(
                name="list_correction_says_why",
                violation_error_message="Give the reason.",
                condition=Q(corrects=None, reason="") | (Q(corrects__isnull=False) & ~Q(reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.file_date}"


class ScreeningEntry(models.Model):
    """One listed party as the file says it; ``names`` are normalized by the ruleset of its import.

    ``fingerprint`` is the SHA-256 of the row: a decision holds for the same party and the same entry only.
    """

    screening_list = models.ForeignKey(ScreeningList, models.CASCADE, related_name="entries")
    external_id = models.CharField(max_length=64)
    source = models.CharField(max_length=200)
    list_code = models.CharField(max_length=8, blank=True)
    party_type = models.CharField(max_length=40, blank=True)
    name = models.TextField()
    alt_names = models.JSONField(default=list, blank=True)
    addresses = models.TextField(blank=True)
    countries = models.JSONField(default=list, blank=True)
    programs = models.TextField(blank=True)
    citation = models.TextField(blank=True)
    remarks = models.TextField(blank=True)
    source_url = models.TextField(blank=True)
    names = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64, db_index=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "screening entries"

    def __str__(self) -> str:
        return f"{self.name} ({self.list_code or self.source})"


class ListImport(models.Model):
    """That a file is to be imported: how far it is, and the list it became or why it was refused.

    The file waits in ``pieces`` until it is over. A worker claims it by ``begun_at``, for a lease.
    """

    name = models.CharField(max_length=200)
    source = models.CharField(max_length=300, blank=True)
    file_date = DayColumn("date of the file")
    accept_smaller = models.BooleanField(default=False)
    reason = PlainTextField(
        "why the day is corrected", longest=LONGEST_TEXT, blank=True, default="", db_default=""
    )
    pieces = models.JSONField(default=list, editable=False)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True, editable=False)
    read_count = models.PositiveIntegerField(default=0, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    screening_list = models.OneToOneField(
        ScreeningList, models.PROTECT, null=True, editable=False, related_name="asked"
    )
    refusal = models.TextField(blank=True, editable=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="list_import_says_what_it_came_to",
                violation_error_message=NOT_KEPT,
                condition=Q(finished_at=None, screening_list=None, refusal="")
                | Q(finished_at__isnull=False, screening_list__isnull=False, refusal="")
                | (Q(finished_at__isnull=False, screening_list=None) & ~Q(refusal="")),
            ),
        ]

    def __str__(self) -> str:
        return f"Import of {self.name} of {self.file_date}"


class ListDifference(models.Model):
    """How many entries a list added, removed and changed against the one before."""

    append_only: ClassVar[bool] = True

    screening_list = models.OneToOneField(ScreeningList, models.PROTECT, related_name="difference")
    before = models.ForeignKey(ScreeningList, models.PROTECT, related_name="+")
    added_count = models.PositiveIntegerField()
    removed_count = models.PositiveIntegerField()
    changed_count = models.PositiveIntegerField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.screening_list} against {self.before}"


class ListChange(models.Model):
    """One entry that a list added, removed or changed; what is only in one of the two has no other."""

    append_only: ClassVar[bool] = True

    difference = models.ForeignKey(ListDifference, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=ChangeKind)
    entry = models.ForeignKey(ScreeningEntry, models.PROTECT, null=True, related_name="+")
    before = models.ForeignKey(ScreeningEntry, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(name="list_change_by_kind", fields=["difference", "kind", "id"])]
        constraints = [
            models.CheckConstraint(
                name="list_change_names_its_entries",
                violation_error_message=NOT_KEPT,
                condition=Q(kind="added", entry__isnull=False, before=None)
                | Q(kind="removed", entry=None, before__isnull=False)
                | Q(kind="changed", entry__isnull=False, before__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.entry or self.before}"


class ScreeningRun(models.Model):
    """One screening of all parties of a version against one list by one ruleset."""

    append_only: ClassVar[bool] = True

    version = models.ForeignKey(Version, models.PROTECT, related_name="screening_runs")
    screening_list = models.ForeignKey(ScreeningList, models.PROTECT, related_name="runs")
    ruleset_version = models.CharField(max_length=20)
    compliance_version = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="Of the rules on places, owners, outbound and end use.",
    )
    inputs_sha256 = models.CharField(
        max_length=64, help_text="Of the names and countries that were screened."
    )
    party_count = models.PositiveIntegerField()
    potential_count = models.PositiveIntegerField()
    run_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    run_at = models.DateTimeField()
    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Screening of {self.version}"

    @property
    def proposal(self) -> Proposal:
        return self.version.proposal


class ScreeningJob(models.Model):
    """That the parties of a version are to be screened, and why; how far it is, and the run it came to.

    Of one version, one waits at a time. A worker that begins claims it by ``begun_at``, for a lease.
    """

    version = models.ForeignKey(Version, models.PROTECT, related_name="screening_jobs")
    reason = models.CharField(max_length=20, choices=ScreeningReason)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True, editable=False)
    party_count = models.PositiveIntegerField(default=0, editable=False)
    done_count = models.PositiveIntegerField(default=0, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    run = models.OneToOneField(ScreeningRun, models.PROTECT, null=True, editable=False, related_name="job")
    failure = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="one_screening_waits_by_version",
                violation_error_message=NOT_KEPT,
                fields=["version"],
                condition=Q(finished_at=None),
            ),
            models.CheckConstraint(
                name="screening_job_says_what_it_came_to",
                violation_error_message=NOT_KEPT,
                condition=Q(finished_at=None, run=None, failure="")
                | Q(finished_at__isnull=False, run__isnull=False, failure="")
                | (Q(finished_at__isnull=False, run=None) & ~Q(failure="")),
            ),
        ]

    def __str__(self) -> str:
        return f"Screening of {self.version}, {self.get_reason_display()}"


class PartyCheck(models.Model):
    """What one run found for one party and (for a match) one entry; never changed, a new run is new rows."""

    append_only: ClassVar[bool] = True
    proposal_path: ClassVar[str] = "run__version__proposal"

    run = models.ForeignKey(ScreeningRun, models.PROTECT, related_name="checks")
    party_key = models.CharField(max_length=80)
    party_name = models.CharField(max_length=300)
    party_role = models.CharField(max_length=400)
    identity = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Of names, countries and what tells it from a namesake; the same in other proposals.",
    )
    query = models.JSONField(help_text="The names and countries compared.")
    result = models.CharField(max_length=20, choices=CheckResult)
    score = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    entry = models.ForeignKey(ScreeningEntry, models.PROTECT, null=True, related_name="checks")
    explanation = models.TextField()
    citation = models.CharField(max_length=200, blank=True)
    nearest = models.JSONField(default=list, help_text="The three nearest entries below the band, for audit.")
    objects = PartyCheckQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        permissions = [("screen_version", "screen"), ("adjudicate_partycheck", "adjudicate")]
        indexes = [
            models.Index(
                name="party_of_all_proposals", fields=["identity", "entry"], condition=~Q(identity="")
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="potential_match_names_entry",
                violation_error_message=NOT_KEPT,
                condition=~Q(result="potential_match") | Q(entry__isnull=False),
            ),
            models.CheckConstraint(
                name="check_score_in_range",
                violation_error_message=NOT_KEPT,
                condition=Q(score__gte=0, score__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party_name}: {self.get_result_display()}"

    @property
    def version(self) -> Version:
        return self.run.version

    @property
    def proposal(self) -> Proposal:
        return self.run.version.proposal


class Adjudication(models.Model):
    """What one person made of a potential match, with the reason; a second opinion is a second row.

    A match at 95 and above, or a name that cannot be compared, is cleared only by two people. A confirmation
    stands at once, until two people have corrected it, whatever the score: each correction is a row that
    names what it ``replaces``. One that was ``carried_from`` an earlier screening, of this proposal or of
    another with the same party, may be opened anew: what stands before that row counts no more.
    """

    append_only: ClassVar[bool] = True

    party_check = models.ForeignKey(PartyCheck, models.PROTECT, related_name="adjudications")
    outcome = models.CharField(max_length=20, choices=Adjudicated)
    reason = PlainTextField(longest=LONGEST_TEXT)
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    carried_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="adjudicated_once_by_person",
                violation_error_message="You have decided on this match already.",
                fields=["party_check", "decided_by"],
                condition=Q(replaces=None, carried_from=None),
            ),
            models.UniqueConstraint(
                name="corrected_once_by_person",
                violation_error_message="You have corrected this decision already.",
                fields=["party_check", "decided_by", "replaces"],
                condition=Q(carried_from=None),
            ),
            models.CheckConstraint(
                name="adjudication_says_why",
                violation_error_message="Give the reason.",
                condition=~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} by {self.decided_by}"
