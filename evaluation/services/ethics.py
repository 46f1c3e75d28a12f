"""What an agency's ethics official is asked and decides; until then the person reads nothing, anywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from evaluation.conflicts import conflict_hints
from evaluation.discussing import DISCUSS
from evaluation.enums import OF_FINANCIAL, RECUSING, ConflictAbout, ConflictBasis
from evaluation.lifecycle import CLEAR_CONFLICT, RECUSE_CONFLICT
from evaluation.models import Assignment, ConflictCase, Referral
from evaluation.notice_kinds import (
    CLOSED_UNTIL_DECIDED,
    CONFLICT_DECIDED,
    CONFLICT_TO_DECIDE,
    MAY_REVIEW,
    NO_ETHICS_OFFICIAL,
    NOBODY_SIGNS,
    REVIEWER_RECUSED,
    WAITS_FOR_ETHICS,
)
from evaluation.notices import ethics_officials, in_words, leads_of, program_officers
from program import audit, clock, notices
from program.deadlines import end_of_day
from program.enums import OfficeRole
from program.notices import Audience
from program.revisions import one_at_a_time
from program.transitions import NotReady, Problem, perform, require
from proposals.models import Proposal, Recusal, Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from program.models import Agency, AuditEvent, User

IMPARTIALITY = "5 CFR 2635.502"


@transaction.atomic
def ask_ethics_official(
    proposal: Proposal,
    *,
    person: User,
    agency: Agency,
    by: User,
    text: str,
    about: str = ConflictAbout.HINT,
    assignment: Assignment | None = None,
) -> ConflictCase:
    """Put before the ethics official of the agency whether ``person`` may review the proposal.

    The proposal is closed to the person from this moment on: pages, lists, search, files, API and mail.
    """
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    one_at_a_time(DISCUSS, proposal.pk)
    at = clock.now()
    case = ConflictCase(
        proposal=proposal, person=person, agency=agency, assignment=assignment, about=about,
        text=text.strip(), raised_by=by, raised_at=at,
        due_at=end_of_day(clock.today() + timedelta(days=settings.ETHICS_DECISION_DAYS)),
    )  # fmt: skip
    require("evaluation.add_conflictcase", by, case)
    if problems := _asking_problems(case):
        raise NotReady(problems)
    case.recusal = Recusal(
        proposal=proposal, user=person, reason=f"The ethics official of {agency} is asked.", recused_by=by,
        recused_at=at,
    )  # fmt: skip
    case.recusal.full_clean()
    case.recusal.save()
    case.full_clean()
    case.save()
    notices.close_notices(proposal, person)
    _tell_of_question(case, by)
    return case


def _asking_problems(case: ConflictCase) -> list[Problem]:
    problems = []
    if not case.text:
        problems.append(Problem("text", "Say what the conflict may be.", IMPARTIALITY, field="text"))
    if not case.person.offices.in_force().filter(agency=case.agency).exists():
        message = f"{case.person} holds no office in {case.agency}."
        problems.append(Problem("office", message, IMPARTIALITY, field="person"))
    if case.proposal.recusals.filter(user=case.person).exists():
        message = f"The proposal is closed to {case.person} already."
        problems.append(Problem("recused", message, IMPARTIALITY, field="person"))
    return problems


def _tell_of_question(case: ConflictCase, by: User) -> None:
    proposal, person = case.proposal, case.person
    facts = {
        "person": str(person), "number": proposal.number, "agency": str(case.agency),
        "due": in_words(case.due_at),
    }  # fmt: skip
    event = audit.record(case, "conflictcase.raise", by=by, clause=IMPARTIALITY, after={"about": case.about})
    officials = ethics_officials(case.agency, proposal).exclude(pk=person.pk)
    notices.owe(event, CONFLICT_TO_DECIDE, officials, url=case_page(case), **facts)
    notices.owe(event, CLOSED_UNTIL_DECIDED, [person], url=case_page(case), **facts)
    held = audit.record(proposal, "proposal.hold", by=by, clause=IMPARTIALITY, after={"person": person.email})
    leads = leads_of(case.agency, proposal).exclude(pk__in=[person.pk, by.pk])
    notices.owe(held, WAITS_FOR_ETHICS, leads, url=assignments_page(proposal), **facts)
    codes = {case.agency.code, *person.agencies_as(OfficeRole.ETHICS_OFFICIAL)}
    tell_without_official(proposal, held, agencies=codes)
    tell_of_no_signer(proposal, person, held)


def tell_of_no_signer(proposal: Proposal, person: User, event: AuditEvent) -> None:
    """Tell who appoints, where nobody is left who signs for an agency of a person who is kept away."""
    left = Referral.objects.filter(version__proposal=proposal).without_signer().select_related("agency")
    for referral in left.filter(agency__in=person.offices.in_force().values("agency")):
        facts = {"number": proposal.number, "agency": f"the {referral.agency.name}"}
        officials = ethics_officials(referral.agency, proposal)
        notices.owe_each(
            event,
            Audience(NOBODY_SIGNS, program_officers(proposal), reverse("program:offices")),
            Audience(NOBODY_SIGNS, officials.exclude(pk=person.pk), reverse("evaluation:conflict-cases")),
            **facts,
        )


def tell_without_official(proposal: Proposal, event: AuditEvent, *, agencies: Iterable[str]) -> None:
    """Tell the Program office about whom nobody may decide since ``event``, in one of ``agencies``."""
    rows = ConflictCase.objects.without_official().filter(proposal=proposal, agency__code__in=agencies)
    waiting: dict[Agency, list[str]] = {}
    for case in rows.select_related("agency", "person").order_by("pk"):
        waiting.setdefault(case.agency, []).append(str(case.person))
    for agency, people in waiting.items():
        notices.owe(
            event, NO_ETHICS_OFFICIAL, program_officers(proposal), url=reverse("program:offices"),
            agency=str(agency), number=proposal.number, person=" or ".join(people),
        )  # fmt: skip


@transaction.atomic
def clear_conflict(case: ConflictCase, *, by: User, basis: str, reason: str) -> AuditEvent:
    """Let the person review: the ethics official says under which clause and why; the proposal opens."""
    Proposal.objects.select_for_update().get(pk=case.proposal_id)
    require("evaluation.clear_conflictcase", by, case)
    if problems := _clearing_problems(case, basis, reason):
        raise NotReady(problems)
    event = perform(
        replace(CLEAR_CONFLICT, clause=basis), case, by=by, note=reason,
        changes=lambda: {"decided_by": by, "basis": basis, "reason": reason.strip()},
    )  # fmt: skip
    recusal, proposal = case.recusal, case.proposal
    recusal.lifted_at = event.at
    recusal.save(update_fields=["lifted_at", "updated_at"])
    # Which clause opened it says whether the interest was a financial one: the case alone names it
    opened = audit.record(
        proposal, "proposal.lift_hold", by=by, clause=IMPARTIALITY, after={"person": case.person.email}
    )
    facts = {"person": str(case.person), "number": proposal.number, "agency": str(case.agency)}
    decision = "you may review it"
    notices.owe(event, CONFLICT_DECIDED, [case.person], url=case_page(case), decision=decision, **facts)
    leads = leads_of(case.agency, proposal).exclude(pk=case.person_id)
    notices.owe(opened, MAY_REVIEW, leads, url=assignments_page(proposal), **facts)
    return event


def _clearing_problems(case: ConflictCase, basis: str, reason: str) -> list[Problem]:
    problems = _reason_problems(reason)
    if basis not in ConflictBasis or basis in RECUSING:
        message = "Choose a clause under which the person may review."
        problems.append(Problem("basis", message, IMPARTIALITY, field="basis"))
    elif basis not in OF_FINANCIAL and is_financial(case):
        message = (
            "A financial interest is a matter of 18 U.S.C. 208: no authorization or finding under 5 CFR "
            "2635.502 opens it. Recuse the person, or name the waiver, the exemption, or that there is none."
        )
        problems.append(Problem("financial", message, "18 U.S.C. 208", field="basis"))
    return problems


def is_financial(case: ConflictCase) -> bool:
    """Whether it is declared as a financial interest, or what is declared elsewhere says so."""
    if case.about == ConflictAbout.FINANCIAL:
        return True
    version = Version.objects.get(proposal=case.proposal_id, number=case.proposal.version_count)
    hints = conflict_hints(version, [case.person]).get(case.person, [])
    return any(hint.is_financial for hint in hints)


def _reason_problems(reason: str) -> list[Problem]:
    if reason.strip():
        return []
    return [Problem("reason", "Give the reason for the decision.", IMPARTIALITY, field="reason")]


def settle_by_recusal(case: ConflictCase, *, by: User, basis: str, reason: str) -> AuditEvent:
    """End an open case with the recusal of its person; part of the transaction of that recusal."""
    if problems := _reason_problems(reason):
        raise NotReady(problems)
    if basis and basis not in RECUSING:
        message = "Choose a clause under which the person is recused."
        raise NotReady([Problem("basis", message, IMPARTIALITY, field="basis")])
    return perform(
        replace(RECUSE_CONFLICT, clause=basis or IMPARTIALITY), case, by=by, note=reason if basis else "",
        changes=lambda: {"decided_by": by, "basis": basis, "reason": reason.strip()},
    )  # fmt: skip


def tell_of_recusal(case: ConflictCase, event: AuditEvent, *, had_assignment: bool) -> None:
    """Tell the person; the leads are told with the assignment that ends, or else here."""
    facts = {"number": case.proposal.number, "agency": str(case.agency), "person": str(case.person)}
    if event.actor_id != case.person_id:
        decision = "you are recused, and it stays closed to you"
        notices.owe(event, CONFLICT_DECIDED, [case.person], url=case_page(case), decision=decision, **facts)
    if not had_assignment:
        leads = leads_of(case.agency, case.proposal)
        notices.owe(event, REVIEWER_RECUSED, leads, url=assignments_page(case.proposal), **facts)


def case_page(case: ConflictCase) -> str:
    return reverse("evaluation:conflict-case", args=[case.pk])


def assignments_page(proposal: Proposal) -> str:
    return reverse("evaluation:assignments", args=[proposal.number])
