"""What makes an acceptance, a review and a determination ready, one function per demand.

Every check yields all it finds. What a check cannot know counts as missing, never as clear.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Q, Value
from django.db.models.functions import Coalesce

from evaluation import decided
from evaluation.enums import (
    CompletenessFinding,
    DesignationStatus,
    DeterminationStatus,
    Outcome,
    ReferralStatus,
    Stance,
)
from evaluation.models import AgencyScore, CompletenessReview, Referral, ScreeningRun
from evaluation.querysets.consultation import CONSULTED_NO_MORE, RUNNING
from evaluation.rulebook import barring_lists
from evaluation.sheets import why_closed
from evaluation.staleness import stale_because
from evaluation.weighing import told_to_all
from program import clock
from program.models import Agency
from program.moments import day, last_minute
from program.transitions import Problem
from proposals.enums import ProposalStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evaluation.models import CatalogRelease, Decision, Designation, Determination, Review
    from proposals.models import Proposal, Version

ORDER: Final = "E.O. 14320 s.3(d)"
PARTIES: Final = "E.O. 14320 s.3(b)(v)"
CONDITION_WORDS: Final = {
    "owner": "who must meet it",
    "due_on": "until when",
    "evidence": "the evidence that shows it",
    "effect": "what follows if it is not met",
}
POSITION_FIELDS: Final = ("stance", "rationale", "conditions")
COUNTED: Final = ("sheets", "lowest", "highest")


# A proposal at intake


def has_no_deficient_item(proposal: Proposal) -> Iterator[Problem]:
    """No requirement of the latest version was found deficient."""
    for review in _deficient(proposal):
        yield Problem(
            f"deficient-{review.requirement.code}",
            f"“{review.requirement.title}” was found deficient. Return the proposal, or change the finding.",
            review.clause,
            "completeness",
            f"requirement-{review.requirement_id}",
        )


def finds_on_every_mandatory_item(proposal: Proposal) -> Iterator[Problem]:
    """Somebody has looked at every mandatory requirement in exactly the latest version."""
    version = proposal.versions.only("received_at").get(number=proposal.version_count)
    found = CompletenessReview.objects.filter(version=version).values("requirement")
    demanded = proposal.call.requirements.demanded(version.received_at)
    for requirement in demanded.filter(is_mandatory=True).exclude(pk__in=found):
        yield Problem(
            f"not-found-{requirement.code}",
            f"Say of “{requirement.title}” whether it is accepted or deficient.",
            requirement.clause,
            "completeness",
            f"requirement-{requirement.pk}-accepted",
        )


def was_screened(proposal: Proposal) -> Iterator[Problem]:
    """The parties of exactly the latest version were compared with a screening list."""
    runs = ScreeningRun.objects.filter(version__proposal=proposal, version__number=proposal.version_count)
    if not runs.exists():
        yield Problem("not-screened", "Screen the parties of this version.", PARTIES, "screening")


def has_no_blocked_party(proposal: Proposal) -> Iterator[Problem]:
    """No match on a list that bars by the rules of today stands confirmed in the newest screening.

    A name that cannot be compared and was found by hand to be that of a listed party bars as well.
    """
    runs = ScreeningRun.objects.filter(version__proposal=proposal, version__number=proposal.version_count)
    if run := runs.first():
        yield from _blocked_parties(run)


def has_no_barring_finding(proposal: Proposal) -> Iterator[Problem]:
    """No destination, seat, parent or owner is blocked in the newest checks, or two people let it pass."""
    runs = ScreeningRun.objects.filter(version__proposal=proposal, version__number=proposal.version_count)
    if run := runs.first():
        yield from _barring_findings(run)


def rests_on_current_screening(proposal: Proposal) -> Iterator[Problem]:
    """The newest screening was made with the list and the ruleset in force, on the parties as they are."""
    runs = ScreeningRun.objects.filter(version__proposal=proposal, version__number=proposal.version_count)
    if run := runs.select_related("version").first():
        yield from _stale_screening(run)


def names_deficient_items(proposal: Proposal) -> Iterator[Problem]:
    """A return tells the consortium what to correct, item by item."""
    if not _deficient(proposal):
        yield Problem(
            "nothing-deficient",
            "Find at least one requirement deficient, with the reason, before you return the proposal.",
            "E.O. 14320 s.3(b)",
            "completeness",
        )


def _deficient(proposal: Proposal) -> list[CompletenessReview]:
    reviews = CompletenessReview.objects.filter(
        version__proposal=proposal,
        version__number=proposal.version_count,
        finding=CompletenessFinding.DEFICIENT,
    )
    return list(reviews.select_related("requirement"))


ACCEPTANCE: Final = (
    finds_on_every_mandatory_item,
    has_no_deficient_item,
    was_screened,
    rests_on_current_screening,
    has_no_blocked_party,
    has_no_barring_finding,
)


# A consultation


def is_left(referral: Referral) -> Iterator[Problem]:
    """A consultation ends before its time only with its proposal, or with its version."""
    proposal = referral.version.proposal
    is_replaced = referral.version.number < proposal.version_count
    if proposal.status not in CONSULTED_NO_MORE and not is_replaced:
        message = (
            "The proposal was neither withdrawn nor decided, and no newer version has replaced this one."
        )
        yield Problem("not-left", message, ORDER)


def is_out_of_time(referral: Referral) -> Iterator[Problem]:
    """A consultation lapses once its time is over and not before, also when it was opened again meanwhile."""
    if referral.paused_at is not None:
        yield Problem("paused", "The clock of this consultation is paused.", ORDER)
    elif referral.due_at > clock.now():
        yield Problem("not-due", "The time of this consultation is not over.", ORDER)


def is_still_consulted(referral: Referral) -> Iterator[Problem]:
    """A consultation is opened again only on the version that is evaluated."""
    proposal = referral.version.proposal
    if proposal.status != ProposalStatus.UNDER_EVALUATION or referral.version.number < proposal.version_count:
        yield Problem(
            "consultation-over",
            "The agencies are not consulted on this version any more: the proposal was decided or withdrawn, "
            "or a newer version came in.",
            ORDER,
        )


# A score sheet


def is_free_of_conflict(review: Review) -> Iterator[Problem]:
    """The reviewer declared before reading that no conflict of interest stands against it."""
    conflict = getattr(review.assignment, "conflict", None)
    if conflict is None:
        yield Problem(
            "conflict-not-declared", "Declare first whether you have a conflict of interest.", ORDER
        )
    elif conflict.has_conflict and not review.assignment.is_cleared:
        yield Problem(
            "conflict", "You declared a conflict of interest; this review cannot be submitted.", ORDER
        )


def is_asked_for(review: Review) -> Iterator[Problem]:
    """A sheet speaks of the version under evaluation, and comes in while its agency is asked and no later."""
    number, newest = review.version.number, review.version.proposal.version_count
    closed = why_closed(review.version.proposal, review.agency)
    if number != newest:
        where = (
            closed.message if closed else f"Open the sheet for version {newest}, where it has been copied."
        )
        message = f"Version {number} was replaced while you wrote. Your text is kept. {where}"
        yield Problem("version-replaced", message, ORDER)
    elif closed:
        yield replace(closed, message=f"{closed.message} Your text is kept.")


def could_come_in_again(review: Review) -> Iterator[Problem]:
    """A sheet is given back only where it could be handed in anew; else its scores would be lost to all."""
    number, newest = review.version.number, review.version.proposal.version_count
    if number != newest:
        message = (
            f"Version {number} was replaced by version {newest}. What is said of it stays as it came in."
        )
        yield Problem("version-replaced", message, ORDER)
    elif closed := why_closed(review.version.proposal, review.agency):
        yield closed


def scores_every_criterion(review: Review) -> Iterator[Problem]:
    """Each criterion that the agency is asked has a value on its scale, or says that it does not apply."""
    scores = {score.criterion_id: score for score in review.scores.all()}
    for criterion in review.version.proposal.call.criteria.all():
        if not criterion.is_asked_of(review.agency):
            continue
        score = scores.get(criterion.pk)
        field = f"criterion-{criterion.pk}-value"
        if score is None or (score.value is None and not score.not_applicable):
            yield Problem(
                f"score-{criterion.code}",
                f"Score “{criterion.title}”, or mark it not applicable.",
                criterion.clause or ORDER,
                "scores",
                field,
            )
        elif score.value is not None and not criterion.lowest <= score.value <= criterion.highest:
            yield Problem(
                f"scale-{criterion.code}",
                f"“{criterion.title}” is scored from {criterion.lowest} to {criterion.highest}.",
                criterion.clause or ORDER,
                "scores",
                field,
            )
        elif score.value is not None and not (score.strengths.strip() or score.weaknesses.strip()):
            yield Problem(
                f"reasons-{criterion.code}",
                f"Give a strength or a weakness for “{criterion.title}”.",
                criterion.clause or ORDER,
                "scores",
                f"criterion-{criterion.pk}-strengths",
            )


def recommends_with_reasons(review: Review) -> Iterator[Problem]:
    """An overall recommendation with its rationale: the number alone is no advice."""
    if not review.recommendation:
        yield Problem("recommendation", "Choose an overall recommendation.", ORDER, "", "recommendation")
    if not review.rationale.strip():
        yield Problem("rationale", "Give the reasons for your recommendation.", ORDER, "", "rationale")


REVIEW_CHECKS: Final = (
    is_free_of_conflict,
    is_asked_for,
    scores_every_criterion,
    recommends_with_reasons,
)


# A determination


def is_under_evaluation(determination: Determination) -> Iterator[Problem]:
    """Nothing is decided on a proposal that was withdrawn, or whose new version waits for intake."""
    proposal = determination.proposal
    if proposal.status != ProposalStatus.UNDER_EVALUATION:
        yield Problem(
            "not-under-evaluation",
            f"The proposal is not under evaluation, it is “{proposal.get_status_display()}”.",
            ORDER,
            "decision",
        )


def decides_with_reasons(determination: Determination) -> Iterator[Problem]:
    """An outcome and the reasons for it; a deferral has its date."""
    if not determination.outcome:
        yield Problem("outcome", "Choose the outcome.", ORDER, "decision", "outcome")
    if not determination.rationale.strip():
        yield Problem("rationale", "Give the reasons for the determination.", ORDER, "decision", "rationale")
    if determination.outcome == Outcome.DEFER and determination.defer_until is None:
        yield Problem(
            "defer-until", "Give the day until which it is deferred.", ORDER, "decision", "defer_until"
        )
    if determination.outcome == Outcome.NOT_SELECT and not determination.letter_text.strip():
        yield Problem(
            "letter-text",
            "Write the reasons that the consortium will read in the letter.",
            ORDER,
            "decision",
            "letter_text",
        )


def names_days_that_lie_ahead(determination: Determination) -> Iterator[Problem]:
    """No day that is decided lies behind: asked at the signature, and again when it is announced."""
    today, later = clock.today(), "Give a later one."
    until, last = determination.defer_until, determination.expires_on
    if determination.outcome == Outcome.DEFER and until is not None and until <= today:
        what = "The day until which it is deferred"
        yield _too_late(determination, what, later, "defer-until", "decision", "defer_until")
    if determination.outcome != Outcome.DESIGNATE:
        return
    if last is not None and last <= today:
        what = "The last day of the designation"
        yield _too_late(determination, what, later, "expires-on", "decision", "expires_on")
    for condition in determination.conditions.all():
        if condition.due_on is not None and condition.due_on < today:
            what, code = f"The day of condition {condition.number}", f"condition-{condition.number}-due_on"
            anew = "Remove the condition and add it anew."
            yield _too_late(determination, what, anew, code, "conditions", code)


def _too_late(
    determination: Determination, what: str, remedy: str, code: str, part: str, field: str
) -> Problem:
    """A day that does not lie ahead; of a signed determination no day can be changed."""
    if determination.status == DeterminationStatus.SIGNED:
        message = f"{what} has come since the signature. Recall the determination and sign a new one."
        return Problem(code, message, ORDER, part)
    return Problem(code, f"{what} does not lie ahead. {remedy}", ORDER, part, field)


def decides_current_version(determination: Determination) -> Iterator[Problem]:
    """The determination is made on the version that was last submitted."""
    if determination.version.number != determination.proposal.version_count:
        is_signed = determination.status == DeterminationStatus.SIGNED
        yield Problem(
            "version-replaced",
            f"Version {determination.version.number} was replaced by version "
            f"{determination.proposal.version_count}. "
            + (
                "Recall the determination; another is made on the new version once that is accepted."
                if is_signed
                else "Once that is accepted, take it up in this draft."
            ),
            ORDER,
            "decision",
        )


def has_newer_version(determination: Determination) -> Iterator[Problem]:
    """A draft is carried to a newer version only once that was accepted for evaluation."""
    proposal = determination.proposal
    if determination.version.number == proposal.version_count:
        yield Problem("version-current", "This draft is on the last version already.", ORDER, "decision")
    elif proposal.status != ProposalStatus.UNDER_EVALUATION:
        yield Problem(
            "version-not-accepted",
            f"Version {proposal.version_count} has not been accepted for evaluation.",
            ORDER,
            "decision",
        )


def states_every_condition_whole(determination: Determination) -> Iterator[Problem]:
    """A condition says who must do what until when, how it is shown and what follows if it is not met."""
    conditions = determination.conditions.all()
    if determination.outcome != Outcome.DESIGNATE:
        if conditions:
            message = "Only a designation has conditions. Take them out, or say them among the reasons."
            yield Problem("conditions", message, ORDER, "conditions")
        return
    for condition in conditions:
        for name, words in CONDITION_WORDS.items():
            value = getattr(condition, name)
            if not (value.strip() if isinstance(value, str) else value):
                yield Problem(
                    f"condition-{condition.number}-{name}",
                    f"{condition}: state {words}. Remove it and add it anew, whole.",
                    ORDER,
                    "conditions",
                    f"condition-{condition.number}-{name}",
                )


def consulted_all_five(determination: Determination) -> Iterator[Problem]:
    """Each of the five agencies has answered, or its clock has ended without an answer."""
    if determination.outcome == Outcome.DEFER:
        return
    referrals = {
        referral.agency_id: referral
        for referral in Referral.objects.filter(version=determination.version_id).select_related("agency")
    }
    for agency in Agency.objects.filter(is_evaluating=True):
        referral = referrals.get(agency.pk)
        if referral is None:
            yield Problem(
                f"not-referred-{agency.code}",
                f"{agency} was not consulted on this version.",
                ORDER,
                "consultation",
            )
        elif referral.status not in (ReferralStatus.ANSWERED, ReferralStatus.LAPSED):
            yield Problem(
                f"consultation-open-{agency.code}",
                f"The consultation of {agency} is {'paused' if referral.paused_at else 'still running'}.",
                ORDER,
                "consultation",
            )


def finds_on_every_requirement(determination: Determination) -> Iterator[Problem]:
    """A finding, met or not, in words, for each requirement of the call."""
    if determination.outcome == Outcome.DEFER:
        return
    findings = {finding.requirement_id: finding for finding in determination.findings.all()}
    received = determination.version.received_at
    for requirement in determination.proposal.call.requirements.all():
        if not requirement.is_demanded(received):
            continue
        finding = findings.get(requirement.pk)
        if finding is None or finding.is_met is None or not finding.text.strip():
            yield Problem(
                f"finding-{requirement.code}",
                f"Find on “{requirement.title}”: met or not, and why.",
                requirement.clause,
                "findings",
                f"finding-{requirement.pk}-text",
            )


def answers_every_objection(determination: Determination) -> Iterator[Problem]:
    """An objection blocks nothing, and is answered in writing."""
    for referral in _unanswered_objections(determination):
        yield Problem(
            f"objection-{referral.agency.code}",
            f"Answer the objection of {referral.agency}.",
            ORDER,
            "objections",
            f"objection-{referral.position_id}-answer",
        )


def _unanswered_objections(determination: Determination) -> list[Referral]:
    """Consultations whose standing position objects and has no answer; a deferral owes none."""
    if determination.outcome == Outcome.DEFER:
        return []
    answered = {
        answer.position_id for answer in determination.objection_answers.all() if answer.answer.strip()
    }
    objections = Referral.objects.filter(version=determination.version_id, position__stance=Stance.OBJECT)
    return [row for row in objections.select_related("agency") if row.position_id not in answered]


def rests_on_fresh_party_checks(determination: Determination) -> Iterator[Problem]:
    """Parties were screened within the age that the call states, and by what is in force; no flag is open."""
    if determination.outcome != Outcome.DEFER:
        days = determination.proposal.call.check_max_age_days
        yield from party_checks(
            determination.version, days, bars_listed=determination.outcome == Outcome.DESIGNATE
        )


def party_checks(version: Version, days: int, *, bars_listed: bool = True) -> Iterator[Problem]:
    """What keeps an act from resting on the screening of ``version``, not older than ``days``."""
    run = version.screening_runs.first()
    if run is None:
        yield Problem("not-screened", "Screen the parties of this version.", PARTIES, "screening")
        return
    if run.run_at < clock.now() - timedelta(days=days):
        yield Problem(
            "checks-too-old",
            f"The parties were last screened more than {days} days ago. Screen them again.",
            PARTIES,
            "screening",
        )
    yield from _stale_screening(run)
    yield from _open_matches(run)
    if bars_listed:
        yield from _blocked_parties(run)
        yield from _barring_findings(run)


def _stale_screening(run: ScreeningRun) -> Iterator[Problem]:
    if reason := stale_because(run):
        yield Problem("stale-screening", f"{reason} Screen the parties again.", PARTIES, "screening")


def _open_matches(run: ScreeningRun) -> Iterator[Problem]:
    for name in sorted(set(run.checks.all().open().values_list("party_name", flat=True))):
        yield Problem("open-match", f"Settle the potential match of {name}.", PARTIES, "screening")


def _blocked_parties(run: ScreeningRun) -> Iterator[Problem]:
    confirmed = run.checks.all().confirmed()
    blocked = confirmed.filter(Q(entry__list_code__in=sorted(barring_lists(clock.today()))) | Q(entry=None))
    for name, code in sorted(set(blocked.values_list("party_name", Coalesce("entry__list_code", Value(""))))):
        on_list = (
            f"a confirmed match on the {code} list" if code else "confirmed by hand to be a listed party"
        )
        yield Problem("blocked-party", f"{name} is {on_list}.", PARTIES, "screening")


def _barring_findings(run: ScreeningRun) -> Iterator[Problem]:
    """What bars, in words for everybody who meets the refusal: nothing of what another proposal says."""
    for check in told_to_all(run.compliance_checks.all().newest().barring().with_decisions()):
        if not check.is_set_aside:
            yield Problem(
                "compliance-bars",
                f"{check.get_kind_display()}, {check.subject_name}: {check.explanation} Two people may set "
                "this aside, with their reasons.",
                PARTIES,
                "screening",
            )


DETERMINATION_CHECKS: Final = (
    is_under_evaluation,
    decides_with_reasons,
    names_days_that_lie_ahead,
    decides_current_version,
    states_every_condition_whole,
    consulted_all_five,
    finds_on_every_requirement,
    answers_every_objection,
    rests_on_fresh_party_checks,
)


def is_cleared(record: Decision) -> Iterator[Problem]:
    """Another official has cleared exactly the text that is signed."""
    if record.cleared_by is None:
        yield Problem("not-cleared", f"The {record.in_words} has not been cleared.", ORDER, "clearance")
    elif record.cleared_sha256 != decided.sha256_to_clear(record):
        message = (
            f"What {record.cleared_by} cleared has changed since, or the record on which it rests. It is to "
            "be read and cleared again."
        )
        yield Problem("clearance-overtaken", message, ORDER, "clearance")


# An announcement: what may have changed since the signature


def is_still_under_evaluation(determination: Determination) -> Iterator[Problem]:
    """Nothing is announced to a consortium that has withdrawn, nor decided a second time."""
    proposal = determination.proposal
    if proposal.status != ProposalStatus.UNDER_EVALUATION:
        yield Problem(
            "not-under-evaluation",
            f"The proposal is not under evaluation any more, it is “{proposal.get_status_display()}”. "
            "Recall the determination.",
            ORDER,
            "decision",
        )


def leaves_no_new_objection(determination: Determination) -> Iterator[Problem]:
    """An objection filed since the signature is not in the signed packet: it wants a new determination."""
    for referral in _unanswered_objections(determination):
        yield Problem(
            f"objection-{referral.agency.code}",
            f"{referral.agency} has objected since the signature. Recall the determination and answer the "
            "objection in a new one.",
            ORDER,
            "objections",
        )


def decides_on_positions_that_stand(determination: Determination) -> Iterator[Problem]:
    """What each agency says now is what the signed packet holds; a deferral rests on no position."""
    if determination.outcome == Outcome.DEFER or not determination.packet:
        return
    signed = {row["agency"]: row for row in json.loads(determination.packet)["consultations"]}
    said_elsewhere = {row.pk for row in _unanswered_objections(determination)}
    rows = Referral.objects.filter(version=determination.version_id).exclude(pk__in=said_elsewhere)
    for referral in rows.select_related("agency", "position"):
        position = referral.position if referral.status == ReferralStatus.ANSWERED else None
        before = signed.get(referral.agency.code, {})
        stands = [str(getattr(position, name, "")) for name in POSITION_FIELDS]
        if stands != [before.get(name, "") for name in POSITION_FIELDS]:
            is_now = f"is now “{position.get_stance_display()}”" if position else "stands no more"
            yield Problem(
                f"position-{referral.agency.code}",
                f"The position of {referral.agency} {is_now} and not what was signed on. Recall the "
                "determination and sign a new one on the positions as they stand.",
                ORDER,
                "consultation",
            )


def rests_on_scores_that_stand(determination: Determination) -> Iterator[Problem]:
    """No reviewer of a counted sheet was recused since the signature; a deferral rests on no score."""
    if determination.outcome == Outcome.DEFER or not determination.packet:
        return
    packet = json.loads(determination.packet)
    if "scores" not in packet:  # a packet of before
        return
    signed = {(row["agency"], row["criterion"]): [row[name] for name in COUNTED] for row in packet["scores"]}
    scores = AgencyScore.objects.filter(version=determination.version_id).select_related(
        "agency", "criterion"
    )
    stand = {
        (score.agency.code, score.criterion.code): [score.sheet_count, score.lowest, score.highest]
        for score in scores
    }
    names = {row["agency"]: row["name"] for row in packet["consultations"]}
    changed = {agency for agency, criterion in signed.keys() | stand.keys()
        if signed.get((agency, criterion)) != stand.get((agency, criterion))}  # fmt: skip
    for agency in sorted(changed):
        yield Problem(
            f"scores-{agency}",
            f"The scores of {names.get(agency, agency)} were counted anew since the signature, as after a "
            "recusal. Recall the determination and sign a new one on the reviews as they stand.",
            ORDER,
            "consultation",
        )


def asks_no_agency_again(determination: Determination) -> Iterator[Problem]:
    """Nothing is announced while an agency is consulted anew; a deferral rests on no position."""
    if determination.outcome == Outcome.DEFER:
        return
    rows = Referral.objects.filter(version=determination.version_id, status__in=RUNNING)
    for referral in rows.select_related("agency"):
        until = (
            "with its clock paused"
            if referral.paused_at
            else f"until the end of {day(last_minute(referral.due_at))}"
        )
        yield Problem(
            f"consultation-open-{referral.agency.code}",
            f"{referral.agency} is consulted again since the signature, {until}. Announce once that time is "
            "over without a position, or recall the determination and sign a new one on what it says.",
            ORDER,
            "consultation",
        )


def designates_no_blocked_party(determination: Determination) -> Iterator[Problem]:
    """The newest screening, made since the signature or before, holds and bars no designation."""
    if determination.outcome != Outcome.DESIGNATE:
        return
    run = determination.version.screening_runs.first()
    if run is None:
        yield Problem("not-screened", "Screen the parties of this version.", PARTIES, "screening")
        return
    yield from _stale_screening(run)
    yield from _open_matches(run)
    yield from _blocked_parties(run)
    yield from _barring_findings(run)


ANNOUNCEMENT_CHECKS: Final = (
    is_still_under_evaluation,
    names_days_that_lie_ahead,
    decides_current_version,
    leaves_no_new_objection,
    decides_on_positions_that_stand,
    rests_on_scores_that_stand,
    asks_no_agency_again,
    designates_no_blocked_party,
)


# A designation


def is_past_its_last_day(designation: Designation) -> Iterator[Problem]:
    """A designation expires once its last day has passed in Washington; one without a last day never does."""
    if designation.expires_on is None or designation.expires_on >= clock.today():
        yield Problem("not-due", "The last day of this designation has not passed.", ORDER)


def is_of_active_designation(release: CatalogRelease) -> Iterator[Problem]:
    """Only an active designation stands in the catalog."""
    if release.designation.status != DesignationStatus.ACTIVE:
        status = release.designation.get_status_display().lower()
        yield Problem("not-active", f"The designation is {status}; nothing of it is public.", ORDER)
