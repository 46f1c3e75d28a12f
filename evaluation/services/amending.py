"""An amendment is announced, takes effect on its day or lapses, and overtakes what is written beside it."""

from __future__ import annotations

import json
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from evaluation.documents import issue_letter
from evaluation.enums import AmendmentStatus, LetterKind, TermChange
from evaluation.hearers import tell_hearers, told_of_change
from evaluation.lifecycle import ANNOUNCE_AMENDMENT, LAPSE_AMENDMENT, TAKE_EFFECT
from evaluation.models import Condition, Designation, DesignationAmendment
from evaluation.notice_kinds import AMENDED, AMENDMENT_IN_FORCE, AMENDMENT_LAPSED, AMENDMENT_OVERTAKEN
from evaluation.notices import program_officers, questions_page
from evaluation.querysets.designations import LIVE
from evaluation.services.announcing import told_of_decision
from evaluation.services.catalog import narrow_entry
from evaluation.services.decisions import people_of, take_clearance_off
from evaluation.terms import MARKET, difference, lines_of
from program import audit, clock, moments, notices
from program.deadlines import local_day
from program.transitions import perform
from proposals.notices import team_of

if TYPE_CHECKING:
    from program.models import AuditEvent, User

ORDER = "E.O. 14320 s.3(d)"
SAID = ("text", "owner", "due_on", "due_rule", "evidence", "effect")


def hold_designation(pk: int) -> None:
    """One act at a time on a designation: its row is locked before those of its amendments and conditions."""
    Designation.objects.select_for_update().get(pk=pk)


def amendment_recipients(amendment: DesignationAmendment) -> list[User]:
    """Everybody whom the announcement owes a notice."""
    people = told_of_decision(amendment.proposal)
    removed = {line["before"] for line in lines_of(amendment) if line["kind"] == MARKET}
    people |= {person.pk: person for person in told_of_change(amendment.designation, removed)}
    told = (person for person in people.values() if person.is_active and not person.is_service)
    return sorted(told, key=lambda person: person.name)


@transaction.atomic
def announce_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """Tell the consortium, with a letter; it is in force at once, or from its day on by the clock.

    It gets its number, counted within the designation. Other amendments that are being written are overtaken.
    """
    hold_designation(amendment.designation_id)

    def changes() -> dict[str, Any]:
        numbers = DesignationAmendment.objects.filter(designation=amendment.designation_id)
        last = numbers.aggregate(last=Max("number"))["last"] or 0
        return {"number": last + 1, "effective_on": amendment.effective_on or clock.today()}

    event = perform(ANNOUNCE_AMENDMENT, amendment, by=by, changes=changes)
    designation, proposal, on = amendment.designation, amendment.proposal, amendment.effective_on
    said = json.loads(amendment.body)
    facts = {"number": designation.number, "amendment": amendment.number, "day": moments.day(_day(on))}
    after = {"amendment": amendment.number, "effective_on": _day(on).isoformat()}
    told = audit.record(
        designation,
        "designation.amend",
        by=by,
        after={**after, "changes": difference(said["before"], said["after"])},
        note=amendment.reason,
        clause=amendment.clause,
        delegation=amendment.delegation,
    )
    signer = amendment.signed_by
    issue_letter(
        LetterKind.AMENDMENT,
        proposal=proposal,
        at=event.at,
        designation=designation,
        amendment=amendment,
        reason=amendment.reason,
        signer=signer.name if signer else "",
        signer_title=signer.title if signer else "",
        delegation=str(amendment.delegation) if amendment.delegation else "",
    )
    team = {person.pk for person in team_of(proposal.consortium_id)}
    for person in told_of_decision(proposal).values():
        url = f"{questions_page(proposal)}#amendments" if person.pk in team else amendment.page
        notices.owe(told, AMENDED, [person], url=url, **facts)
    tell_hearers(told, designation)
    for later in designation.amendments.later_than(_day(on)):
        words = f"{amendment}, in force before it, was checked: it changes what its letter says."
        audit.record(later, "designationamendment.stand", by=by, note=words, clause=ORDER)
    overtake_amendments(designation, by=by, what=f"{amendment} was announced.", besides=amendment)
    if _day(on) <= clock.today():
        take_effect(amendment, by=by)
    return event


def _day(on: date | None) -> date:
    return on or clock.today()


@transaction.atomic
def settle_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """On its day an announced amendment takes effect, or lapses with its designation; the clock's act."""
    hold_designation(amendment.designation_id)
    amendment.refresh_from_db()
    if amendment.designation.status in LIVE:
        return take_effect(amendment, by=by)
    return lapse_amendment(amendment, by=by)


@transaction.atomic
def take_effect(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """Change the terms of the designation, and what the catalog shows of it, as announced.

    A condition that was met since stays as it was met; an added one has the number that its letter gives it.
    """
    hold_designation(amendment.designation_id)
    event = perform(TAKE_EFFECT, amendment, by=by)
    designation, changes = amendment.designation, json.loads(amendment.body)["changes"]
    _change_conditions(amendment, designation, event)
    before = _targets(designation)
    designation.removed_markets = sorted({*designation.removed_markets, *changes["markets"]})
    designation.removed_components = sorted({*designation.removed_components, *changes["components"]})
    designation.removed_targets = sorted({*designation.removed_targets, *(before - _targets(designation))})
    if changes["last_day"] is not None:
        said = changes["last_day"]["to"]
        designation.expires_on = date.fromisoformat(said) if said else None
    designation.revision += 1
    designation.save(
        update_fields=[
            "removed_markets", "removed_components", "removed_targets", "expires_on", "revision",
            "updated_at",
        ]
    )  # fmt: skip
    amendment.public_markets = narrow_entry(designation, by=by, at=event.at, removed=changes["components"])
    amendment.save(update_fields=["public_markets", "updated_at"])
    began = audit.record(
        designation, "designation.amendment_in_force", by=by, after={"amendment": amendment.number},
        clause=amendment.clause,
    )  # fmt: skip
    tell_hearers(began, designation)
    announced = amendment.announced_at
    if announced is not None and local_day(announced) < _day(amendment.effective_on):
        _tell_who_is_bound(began, AMENDMENT_IN_FORCE, amendment)
    return event


def _targets(designation: Designation) -> set[str]:
    return {place.code for market in designation.package.markets for place in market.countries}


def _change_conditions(amendment: DesignationAmendment, designation: Designation, event: AuditEvent) -> None:
    standing = {row.pk: row for row in Condition.objects.select_for_update().filter(designation=designation)}
    numbers = count(json.loads(amendment.body)["before"]["last_number"] + 1)
    for change in amendment.condition_changes.all():
        said = {name: getattr(change, name) for name in SAID}
        row = standing.get(change.condition_id or 0)
        if change.kind == TermChange.ADD:
            Condition.objects.create(
                determination_id=designation.determination_id, designation=designation, number=next(numbers),
                added_by=amendment, **said,
            )  # fmt: skip
            continue
        if row is None or not row.is_open:
            continue
        if change.kind == TermChange.LIFT:
            said = {"lifted_at": event.at, "lifted_by": amendment}
        for name, value in said.items():
            setattr(row, name, value)
        row.revision += 1
        row.save(update_fields=[*said, "revision", "updated_at"])


def _tell_who_is_bound(event: AuditEvent, kind: Any, row: DesignationAmendment) -> None:
    proposal = row.proposal
    facts = {"number": row.designation.number, "amendment": row.number}
    url = f"{questions_page(proposal)}#amendments"
    notices.owe(event, kind, team_of(proposal.consortium_id), url=url, **facts)
    notices.owe(event, kind, program_officers(proposal), url=row.page, **facts)


@transaction.atomic
def lapse_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """An announced amendment of a designation that ended before its day never takes effect."""
    event = perform(LAPSE_AMENDMENT, amendment, by=by)
    _tell_who_is_bound(event, AMENDMENT_LAPSED, amendment)
    return event


def overtake_amendments(
    designation: Designation, *, by: User, what: str, besides: DesignationAmendment | None = None
) -> None:
    """Tell who works on amendments of ``designation`` that it has changed; part of the change.

    A clearance does not outlast it, and what is signed cannot be announced. With the designation ends what
    was announced for a later day.
    """
    rows = designation.amendments.live().select_for_update(of=("self",))
    for amendment in rows.exclude(pk__in=[besides.pk] if besides else []).order_by("pk"):
        giver = take_clearance_off(amendment, what) if amendment.is_draft and amendment.cleared_at else None
        event = audit.record(
            amendment,
            "designationamendment.overtake",
            by=by,
            before=str(giver or ""),
            note=what,
            clause=ORDER,
        )
        remedy = (
            "Read the draft again on the terms as they stand."
            if amendment.status == AmendmentStatus.DRAFT
            else "Recall it; it cannot be announced."
        )
        facts = {"number": designation.number, "what": what, "remedy": remedy}
        people = people_of(amendment, giver)
        notices.owe(event, AMENDMENT_OVERTAKEN, people, url=amendment.page, **facts)
    if designation.status not in LIVE:
        for amendment in designation.amendments.coming():
            lapse_amendment(amendment, by=by)
