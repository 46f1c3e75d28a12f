"""Determinations announced, singly or many together: the consortium is told, and a designation begins."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from evaluation.documents import issue_letter
from evaluation.enums import DeterminationStatus, LetterKind, Outcome
from evaluation.hearers import tell_hearers, told_of_new_designation
from evaluation.lifecycle import ANNOUNCE
from evaluation.models import Announcement, Designation, Determination, Letter
from evaluation.notice_kinds import ANNOUNCED
from evaluation.notices import desk_page, holders, program_officers, questions_page
from evaluation.services.escalations import close_on_decision
from program import audit, clock, notices
from program.enums import OfficeRole
from program.models import Agency, AuditEvent, User
from program.transitions import NotReady, Problem, WrongStatus, perform, require
from proposals.lifecycle import ANNOUNCE_DESIGNATED, ANNOUNCE_NOT_SELECTED
from proposals.models import Proposal
from proposals.notices import team_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

logger = logging.getLogger(__name__)
ORDER = "E.O. 14320 s.3(d)"
#: How many determinations one press announces; each in its own transaction, within one request
MOST_TOGETHER = 25
NOT_ANNOUNCED = "determination.stay_signed"


def announcement_recipients(determination: Determination) -> list[User]:
    """Everybody whom the announcement owes a notice: of the decision, and of the designation that begins."""
    people = told_of_decision(determination.proposal)
    if determination.outcome == Outcome.DESIGNATE:
        people |= {person.pk: person for person in told_of_new_designation(determination.proposal)}
    told = (person for person in people.values() if person.is_active and not person.is_service)
    return sorted(told, key=lambda person: person.name)


def told_of_decision(proposal: Proposal) -> dict[int, User]:
    """The consortium's team, the five agencies' leads and the Program office, by key."""
    people = {person.pk: person for person in team_of(proposal.consortium_id)}
    for agency in Agency.objects.filter(is_evaluating=True):
        people |= {person.pk: person for person in holders(proposal, OfficeRole.LEAD, agency=agency)}
    return people | {person.pk: person for person in program_officers(proposal)}


@transaction.atomic
def announce_determination(
    determination: Determination, *, by: User, together: Announcement | None = None
) -> AuditEvent:
    """Tell the consortium; from now on the decision is visible, and a designation begins.

    One transaction: the proposal's status, the designation with its number, the letter and the notices. A
    deferral decides nothing; any other outcome ends the escalations that are open.
    """
    Proposal.objects.select_for_update().get(pk=determination.proposal_id)

    def changes() -> dict[str, Any]:
        return {"announced_with": together}

    event = perform(ANNOUNCE, determination, by=by, note=determination.outcome, changes=changes)
    letter = {
        Outcome.DESIGNATE: _announce_designation,
        Outcome.NOT_SELECT: _announce_not_selected,
        Outcome.DEFER: _announce_deferral,
    }[Outcome(determination.outcome)](determination, by, event.at)
    proposal = determination.proposal
    if determination.outcome != Outcome.DEFER:
        close_on_decision(determination, by=by)
    team = {person.pk for person in team_of(proposal.consortium_id)}
    for person in told_of_decision(proposal).values():
        url = questions_page(proposal) if person.pk in team else desk_page(proposal)
        notices.owe(event, ANNOUNCED, [person], url=url, number=letter.proposal.number)
    return event


def why_not_announced(rows: Iterable[Determination]) -> dict[int, AuditEvent]:
    """For those of ``rows`` that are signed still: the event that says why their last announcement failed."""
    keys = [str(row.pk) for row in rows if row.status == DeterminationStatus.SIGNED]
    if not keys:
        return {}
    events = AuditEvent.objects.filter(
        act=NOT_ANNOUNCED, subject_type=Determination._meta.label_lower, subject_id__in=keys
    )
    return {int(event.subject_id): event for event in events.order_by("sequence")}


@dataclass
class Announced:
    """What came of one press: what is announced, what is not, each with why, and what was before it."""

    announcement: Announcement
    done: list[Determination] = field(default_factory=list)
    left: list[tuple[Determination, list[str]]] = field(default_factory=list)
    before: list[Determination] = field(default_factory=list)


def announce_together(chosen: Iterable[int], *, by: User) -> Announced:
    """Announce each of the signed determinations ``chosen`` (by key) in its own transaction.

    One event begins the announcement and one ends it; what fails stays signed and is named. Whoever presses
    again, or after a process has died, announces only what is still signed. Raises NotReady when nothing is.
    """
    keys = list(chosen)
    rows = Determination.objects.visible_to(by).to_announce().filter(pk__in=keys)
    found = list(rows.for_list()[:MOST_TOGETHER])
    if not found:
        raise NotReady([Problem("nothing-signed", "None of these waits to be announced any more.", ORDER)])
    for determination in found:
        require("evaluation.announce_determination", by, determination)
    announced = Determination.objects.visible_to(by).filter(pk__in=keys, status=DeterminationStatus.ANNOUNCED)
    with transaction.atomic():
        announcement = Announcement.objects.create(by=by, at=clock.now())
        after = {"determinations": [determination.pk for determination in found]}
        audit.record(announcement, "announcement.begin", by=by, after=after, clause=ORDER)
    came = Announced(announcement, before=list(announced.for_list()))
    for determination in found:
        try:
            announce_determination(determination, by=by, together=announcement)
        except NotReady as refusal:
            came.left.append((determination, [problem.message for problem in refusal.problems]))
        except (WrongStatus, PermissionDenied) as refusal:
            determination.refresh_from_db(fields=["status"])
            if determination.status == DeterminationStatus.ANNOUNCED:
                came.before.append(determination)
            else:
                came.left.append((determination, [str(refusal)]))
        except Exception:
            facts = {"record": f"evaluation.determination {determination.pk}"}
            logger.exception("A determination was not announced.", extra=facts)
            came.left.append((determination, ["Something failed here that is not the record's. Try again."]))
        else:
            came.done.append(determination)
    for determination, reasons in came.left:
        if determination.status == DeterminationStatus.SIGNED:
            audit.record(determination, NOT_ANNOUNCED, by=by, note=" ".join(reasons), clause=ORDER)
    after = {"announced": [row.pk for row in came.done], "left": [row.pk for row, _ in came.left]}
    audit.record(announcement, "announcement.end", by=by, after=after, clause=ORDER)
    return came


def _announce_designation(determination: Determination, by: User, at: datetime) -> Letter:
    proposal = determination.proposal
    perform(ANNOUNCE_DESIGNATED, proposal, by=by, note=f"Determination {determination.pk}")
    designation = Designation.objects.create(
        number=_next_number(at),
        proposal=proposal,
        version=determination.version,
        determination=determination,
        designated_at=at,
        expires_on=determination.expires_on,
    )
    determination.conditions.update(designation=designation)
    event = audit.record(
        designation,
        "designation.begin",
        by=by,
        clause=ORDER,
        after={
            "number": designation.number,
            "proposal": proposal.number,
            "version": determination.version.number,
        },
    )
    tell_hearers(event, designation)
    return _letter(LetterKind.DESIGNATION, determination, at, designation)


def _announce_not_selected(determination: Determination, by: User, at: datetime) -> Letter:
    perform(ANNOUNCE_NOT_SELECTED, determination.proposal, by=by, note=f"Determination {determination.pk}")
    return _letter(LetterKind.NOT_SELECTED, determination, at)


def _announce_deferral(determination: Determination, by: User, at: datetime) -> Letter:
    return _letter(LetterKind.DEFERRAL, determination, at)


def _letter(
    kind: LetterKind, determination: Determination, at: datetime, designation: Designation | None = None
) -> Letter:
    signer = determination.signed_by
    if signer is None:
        raise WrongStatus(ANNOUNCE, determination)
    delegation = determination.delegation
    return issue_letter(
        kind,
        proposal=determination.proposal,
        at=at,
        determination=determination,
        designation=designation,
        reason=determination.letter_text,
        signer=signer.name,
        signer_title=signer.title,
        delegation=str(delegation) if delegation else "",
    )


def _next_number(at: datetime) -> str:
    """``AIX-D-2026-0001``: the year in Washington and one running number; a gap means nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('evaluation_designation_number_seq')")
        return f"AIX-D-{at.astimezone(clock.WASHINGTON).year}-{cursor.fetchone()[0]:04}"
