"""What a call must have before it is approved and issued: one function per rule, each with its clause."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from program import clock
from program.closures import counted_closures
from program.deadlines import (
    CALL_DAYS,
    NO_CLOSURES,
    CallClock,
    call_clock,
    is_business_day,
    long_date,
    next_business_day,
    why_not_business,
)
from program.enums import CallType, EvidenceType
from program.library import REQUIREMENTS
from program.models import Agency
from program.transitions import Problem
from program.withheld import WITHHELD, withheld_for

if TYPE_CHECKING:
    from datetime import date, datetime

    from program.models import Call, Criterion

FULL_WEIGHT = 100
LIBRARY_CODES = frozenset(entry.code for entry in REQUIREMENTS)
PRA = "44 U.S.C. 3507; 5 CFR 1320.5"
LAYER_CODES = ("layer-hardware", "layer-data", "layer-models", "layer-security", "layer-applications")
ORDER_CODES = (
    *LAYER_CODES,
    "us-manufacture",
    "target-markets",
    "operating-model",
    "support-requested",
    "compliance",
)


def has_title_and_text(call: Call) -> Iterator[Problem]:
    """A public call says what it asks for, s.3(b)."""
    for field, words in (("title", "a title"), ("summary", "a summary"), ("text", "the text of the call")):
        if not getattr(call, field).strip():
            yield Problem(f"call-{field}", f"Give the call {words}.", "s.3(b)", "text", field)


def says_where_published(call: Call) -> Iterator[Problem]:
    """A call cites the Federal Register, or the record says why not."""
    if not call.fr_citation.strip() and not call.no_fr_reason.strip():
        message = "Give the Federal Register citation, or say why there is none."
        yield Problem("call-publication", message, "s.3(b)", "text", "fr_citation")


def is_of_an_open_type(call: Call) -> Iterator[Problem]:
    """Only pre-set consortia are called for so far; on-demand calls are not open."""
    if call.call_type != CallType.PRE_SET:
        message = "Calls for on-demand consortia are not open: no such call has been authorized."
        yield Problem("call-type", message, "s.3(b)", "text", "call_type")


def asks_all_the_order_requires(call: Call, *, at: datetime | None = None) -> Iterator[Problem]:
    """A call requires of every proposal what s.3(b)(i) to (v) lists."""
    requirements = list(call.requirements.demanded(at))
    if not requirements:
        message = "Add the requirements of s.3(b)(i) to (v); the library holds them."
        yield Problem("call-requirements", message, "s.3(b)", "requirements")
        return
    required = {
        requirement.code
        for requirement in requirements
        if requirement.is_mandatory and requirement.evidence_type == EvidenceType.PACKAGE
    }
    if missing := [code for code in ORDER_CODES if code not in required]:
        message = f"Require what the order requires; mandatory and from the library: {', '.join(missing)}."
        yield Problem("call-order-requirements", message, "s.3(b)(i)-(v)", "requirements")


def cites_every_requirement(call: Call, *, at: datetime | None = None) -> Iterator[Problem]:
    """A requirement names the clause or the policy that demands it."""
    for requirement in call.requirements.demanded(at):
        if not requirement.clause.strip():
            message = f"Say under which clause the call requires “{requirement.title}”."
            yield Problem("requirement-clause", message, "s.3(b)", "requirements")
        if requirement.evidence_type == EvidenceType.CHOICE and len(requirement.offered) < 2:
            message = f"Give at least two choices for “{requirement.title}”."
            yield Problem("requirement-choices", message, "s.3(b)", "requirements")


def asks_for_what_can_be_given(call: Call, *, at: datetime | None = None) -> Iterator[Problem]:
    """A part of the package answers requirements of the library only; any other is answered by itself."""
    for requirement in call.requirements.demanded(at):
        if requirement.evidence_type == EvidenceType.PACKAGE and requirement.code not in LIBRARY_CODES:
            message = (
                f"No part of the package answers “{requirement.title}”, which is not in the library: nobody"
                " could give it. Choose how it is answered."
            )
            yield Problem("requirement-unanswerable", message, "s.3(b)", "requirements")


def has_a_rubric_of_full_weight(call: Call) -> Iterator[Problem]:
    """The weights on each agency's sheet add up to 100, independent criteria aside, s.3(d)."""
    criteria = list(call.criteria.prefetch_related("agencies"))
    if not any(not criterion.is_independent for criterion in criteria):
        message = "Add the criteria by which reviewers score; the library holds a default rubric."
        yield Problem("call-rubric", message, "s.3(d)", "criteria")
    else:
        for total, agencies in totals_of(criteria).items():
            if total != FULL_WEIGHT:
                of = f" for {', '.join(agencies)}" if agencies else ""
                message = f"The weights{of} add up to {total}, not to {FULL_WEIGHT} percent."
                yield Problem("call-weights", message, "s.3(d)", "criteria")
    for criterion in criteria:
        if criterion.is_independent and criterion.weight:
            message = f"“{criterion.title}” is independent and stands outside the total: set its weight to 0."
            yield Problem("criterion-independent", message, "s.3(d)", "criteria")


def totals_of(criteria: list[Criterion]) -> dict[int, list[str]]:
    """The weights on a sheet add up to what, and for which agencies; for none where all sheets are alike."""
    weighed = [criterion for criterion in criteria if not criterion.is_independent]
    if not any(criterion.agencies.all() for criterion in criteria):
        return {sum(criterion.weight for criterion in weighed): []}
    totals: dict[int, list[str]] = {}
    for agency in Agency.objects.filter(is_evaluating=True):
        total = sum(criterion.weight for criterion in weighed if criterion.is_asked_of(agency))
        totals.setdefault(total, []).append(str(agency))
    return totals


def has_certification_text(call: Call) -> Iterator[Problem]:
    """Whoever signs a proposal must see what is signed, 18 U.S.C. 1001."""
    if not call.certification_text.strip():
        message = "Give the text that the authorized representative certifies."
        yield Problem("call-certification", message, "18 U.S.C. 1001", "notices", "certification_text")


def has_notices(call: Call) -> Iterator[Problem]:
    """Who is asked is told why, and what becomes of confidential matter, 5 U.S.C. 552a(e)(3), 552(b)(4)."""
    if not call.privacy_text.strip():
        message = "Give the privacy notice; the library holds one."
        yield Problem("call-privacy", message, "5 U.S.C. 552a(e)(3)", "notices", "privacy_text")
    if not call.confidentiality_text.strip():
        message = "Give the notice on confidential business information; the library holds one."
        yield Problem(
            "call-confidentiality", message, "5 U.S.C. 552(b)(4)", "notices", "confidentiality_text"
        )


def has_files_that_open(call: Call) -> Iterator[Problem]:
    """A file of a call is public from its issue on: by then its malware scan is over."""
    for file in call.files.current().select_related("document"):
        if reason := withheld_for(file.document):
            message = f"“{file.title}” cannot be handed out: {WITHHELD[reason]}"
            yield Problem("call-file-withheld", message, "s.3(b)", "files")


def may_collect_information(call: Call) -> Iterator[Problem]:
    """A collection displays a valid OMB control number, or an officer recorded why there is none."""
    if call.no_control_reason.strip():
        return
    if not call.control_number:
        message = "Give the OMB control number, or record why there is none."
        yield Problem("call-control-number", message, PRA, "notices", "control_number")
    elif call.control_expires_on is None:
        message = "Give the day on which the OMB control number expires."
        yield Problem("call-control-expiry", message, PRA, "notices", "control_expires_on")
    elif call.control_expires_on < clock.today():
        message = f"The OMB control number expired on {long_date(call.control_expires_on)}."
        yield Problem("call-control-expired", message, PRA, "notices", "control_expires_on")


def closes_on_a_lawful_day(call: Call) -> Iterator[Problem]:
    """The last day lies in the time to come; one later than the order gives needs a reason, s.3(c)."""
    if call.set_due_on is None:
        return
    today = clock.today()
    if call.set_due_on < today:
        message = f"The last day, {long_date(call.set_due_on)}, has passed already."
        yield Problem("call-due-passed", message, "s.3(c)", "schedule", "set_due_on")
    elif call.rolls_forward and not is_business_day(call.set_due_on, closures := counted_closures()):
        message = (
            f"{long_date(call.set_due_on)} is {why_not_business(call.set_due_on, closures)}, and the deadline"
            " of this call falls on a federal business day. Choose"
            f" {long_date(next_business_day(call.set_due_on, closures))} or another one."
        )
        yield Problem("call-due-day", message, "s.3(c)", "schedule", "set_due_on")
    elif expected_clock(call, today).is_later_than_order and not call.set_due_reason.strip():
        message = f"{LATER_THAN_ORDER} Record the justification."
        yield Problem("call-due-reason", message, "s.3(c)", "schedule", "set_due_reason")


PAST_THE_ORDER = (
    "This last day is later than the 90th day after issue. E.O. 14320 s.3(c) requires proposals no later than"
    " 90 days after the call is issued."
)
LATER_THAN_ORDER = (
    "The last day is later than the 90th day after issue. The order requires proposals no later than 90 days"
    " after the call is issued."
)
APPROVAL_CHECKS = (
    has_title_and_text,
    says_where_published,
    is_of_an_open_type,
    asks_all_the_order_requires,
    cites_every_requirement,
    asks_for_what_can_be_given,
    has_a_rubric_of_full_weight,
    has_certification_text,
    has_notices,
    has_files_that_open,
)
ISSUE_CHECKS = (*APPROVAL_CHECKS, may_collect_information, closes_on_a_lawful_day)


def is_due_to_close(call: Call) -> Iterator[Problem]:
    """A call closes at ``closes_at`` and not before, s.3(c)."""
    if call.closes_at is None or clock.now() < call.closes_at:
        message = "The call is open until its deadline; only an extension or a cancellation changes that."
        yield Problem("call-not-due", message, "s.3(c)")


def is_before_its_deadline(call: Call) -> Iterator[Problem]:
    """A call is changed or cancelled while proposals can still come in, and not after, s.3(c)."""
    if call.closes_at is None or clock.now() >= call.closes_at:
        message = "The deadline has passed: the call can no longer be changed or cancelled."
        yield Problem("call-over", message, "s.3(c)")


def expected_clock(call: Call, issued_on: date, closures: Collection[date] | None = None) -> CallClock:
    """The clock the call would have, were it issued on ``issued_on``; with the closures counted now."""
    return call_clock(
        issued_on,
        rolls_forward=call.rolls_forward,
        set_due_on=call.set_due_on,
        closures=counted_closures() if closures is None else closures,
    )


def past_the_order(call: Call) -> str:
    """The warning, in public, of a last day later than the order gives, citing s.3(c); or nothing.

    Closures are asked for only where they could matter: one can move the 90th day.
    """
    if call.issued_on is None or call.due_on is None:
        return ""
    if call.due_on <= expected_clock(call, call.issued_on, NO_CLOSURES).rolled_day_90:
        return ""
    return PAST_THE_ORDER if call.due_on > expected_clock(call, call.issued_on).rolled_day_90 else ""


def warnings_of(call: Call, issued_on: date) -> list[Problem]:
    """What does not keep the call from being issued but must be seen, whatever the reasons recorded."""
    found, expected = [], expected_clock(call, issued_on)
    if call.issued_at is not None and not call.set_due_on and (late := past_the_order(call)):
        found.append(Problem("later-than-order", late, "s.3(c)", "schedule", "set_due_on"))
    elif expected.is_later_than_order:
        reason = call.set_due_reason.strip()
        message = LATER_THAN_ORDER + (f" The justification on record: {reason}" if reason else "")
        found.append(Problem("later-than-order", message, "s.3(c)", "schedule", "set_due_on"))
    elif call.issued_at is None and issued_on <= expected.due_on < expected.day_90:
        message = (
            f"The day that was set, {long_date(expected.due_on)}, leaves consortia {expected.days_given} of"
            f" the {CALL_DAYS} days that the order allows."
        )
        found.append(Problem("short-window", message, "s.3(c)", "schedule", "set_due_on"))
    if call.no_control_reason.strip() and not call.control_number:
        message = "The call shows no OMB control number: nobody is bound to answer it."
        found.append(Problem("no-control-number", message, "5 CFR 1320.6", "notices", "control_number"))
    return found
