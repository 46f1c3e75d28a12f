"""Certify, submit, submit again, withdraw, lapse: what turns the working copy into the record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction

from program import audit, clock, moments, notices
from program.canonical import canonical_json, sha256_hex
from program.publish import after_commit
from program.transitions import NotReady, Problem, perform, require
from proposals.checks import all_problems
from proposals.composition import rules_of
from proposals.edits import edits_since
from proposals.enums import AuthorityBasis, Part, ProposalStatus
from proposals.lifecycle import LAPSE, RESUBMIT, SUBMIT, WITHDRAW
from proposals.models import (
    Certification,
    LostCertification,
    MaterialChange,
    Proposal,
    Receipt,
    ReceiptPaper,
    Version,
)
from proposals.notice_kinds import ARRIVED, CERTIFICATION_LOST, CHANGE_REPORTED, LAPSED, SUBMITTED, WITHDRAWN
from proposals.notices import address, desk_address, intake_officers, team_of, tell_both
from proposals.readiness import Candidate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from program.models import AuditEvent, Call, User
    from program.transitions import Transition

CERTIFY_CLAUSE = "18 U.S.C. 1001"
CHANGE_CLAUSE = "E.O. 14320 s.3(b)(v)"
FROZEN: Final[list[Callable[[Version, Proposal], object]]] = []


def when_frozen(act: Callable[[Version, Proposal], object]) -> None:
    """Have ``act`` done with each version and its working copy, in the transaction that submits it."""
    FROZEN.append(act)


#: What the apps above do in the transaction of a withdrawal
TAKEN_BACK: Final[list[Callable[[Proposal], object]]] = []


def when_withdrawn(act: Callable[[Proposal], object]) -> None:
    """Have ``act`` done with each submitted proposal that is withdrawn, in the transaction that does so."""
    TAKEN_BACK.append(act)


@transaction.atomic
def certify_proposal(
    proposal: Proposal,
    *,
    by: User,
    content_sha256: str,
    typed_signature: str,
    authority_basis: str,
    signer_title: str = "",
    authority_note: str = "",
    shown_at: datetime | None = None,
) -> Certification:
    """Certify exactly the content that the signer was shown; any later edit leaves it without effect.

    Raises NotReady when the package has problems, when it is no longer the one that was shown (at
    ``shown_at``: then it says who changed what), or when the signature is not the signer's name.
    """
    proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update())
    require("proposals.certify_proposal", by, proposal)
    candidate = Candidate(proposal)
    call = candidate.working.call
    problems = list(all_problems(candidate.package, rules_of(call)))
    if candidate.sha256 != content_sha256:
        problems += _changed_since(candidate.working, shown_at)
    if " ".join(typed_signature.split()).casefold() != " ".join(by.name.split()).casefold():
        problems.append(
            _refusal(
                "signature", f"Sign with your full name as it is recorded: {by.name}.", "typed_signature"
            )
        )
    if authority_basis not in AuthorityBasis:
        problems.append(_refusal("authority", "Say why you may sign for the anchor.", "authority_basis"))
    if not (signer_title or by.title).strip():
        problems.append(_refusal("signer-title", "Give your title.", "signer_title"))
    if problems:
        raise NotReady(problems)
    anchor = candidate.package.anchor
    certification = Certification.objects.create(
        proposal=proposal,
        content_sha256=content_sha256,
        signer=by,
        signer_name=by.name,
        signer_title=signer_title or by.title,
        organization_name=anchor.organization.legal_name if anchor else "",
        authority_basis=authority_basis,
        authority_note=authority_note,
        statement_version=call.certification_version,
        statement_text=call.certification_text,
        typed_signature=typed_signature,
        signed_at=clock.instant(),
    )
    audit.record(
        proposal, "proposal.certify", by=by, after={"content_sha256": content_sha256}, clause=CERTIFY_CLAUSE
    )
    return certification


def _changed_since(proposal: Proposal, shown_at: datetime | None) -> list[Problem]:
    """One problem for each person and part that changed after the page was shown."""
    edits = edits_since(proposal, shown_at) if shown_at else []
    again = "Read it again, then certify."
    if not edits:
        message = f"The package has changed since it was shown to you. {again}"
        return [_refusal("content-changed", message, "")]
    return [
        Problem(
            "content-changed",
            f"The package has changed since it was shown to you: {edit}. {again}",
            CERTIFY_CLAUSE,
            edit.part,
        )
        for edit in edits
    ]


@transaction.atomic
def note_lost_certification(certification: Certification, *, by: User) -> LostCertification:
    """Tell its signer, once, that the package is no longer what was certified, with who changed what."""
    proposal = Proposal.objects.select_for_update(of=("self",)).get(pk=certification.proposal_id)
    require("proposals.note_loss_proposal", by, proposal)
    if not Certification.objects.standing().filter(pk=certification.pk).exists():
        raise NotReady([_refusal("noted", "This certification was used, replaced or noted as lost.", "")])
    edits = edits_since(proposal, certification.signed_at)
    said = [*map(str, edits), *amended_since(proposal.call, certification.signed_at)]
    changes = "; ".join(said) or "a colleague changed it"
    loss = LostCertification.objects.create(certification=certification, noted_at=clock.instant())
    event = audit.record(
        proposal,
        "proposal.lose_certification",
        by=by,
        after={"content_sha256": certification.content_sha256},
        note=f"Given by {certification.signer_name}. Since then {changes}.",
        clause=CERTIFY_CLAUSE,
    )
    signers = [certification.signer] if certification.signer.is_active else []
    signed_at = moments.moment(certification.signed_at)
    url = f"{address(proposal)}review-and-submit/"
    notices.owe(event, CERTIFICATION_LOST, signers, url=url, signed_at=signed_at, changes=changes)
    return loss


def amended_since(call: Call, moment: datetime) -> list[str]:
    """The amendments of what ``call`` asks that came into force after ``moment``, in words."""
    rows = call.amendments.filter(effective_at__gt=moment, effective_at__lte=clock.instant())
    return [f"amendment {row.number} of the call changed what it asks" for row in rows]


def _refusal(code: str, message: str, field: str) -> Problem:
    return Problem(code, message, CERTIFY_CLAUSE, Part.OVERVIEW, field)


@transaction.atomic
def submit_proposal(proposal: Proposal, *, by: User, note: str = "") -> Version:
    """Hand the proposal to the Department of Commerce within the window of s.3(c).

    Freezes a version and issues its receipt. Pressed twice, or by two people at once, the second gets
    WrongStatus: there is one version and one receipt.
    """
    return _submit(SUBMIT, proposal, by=by, note=note)


@transaction.atomic
def resubmit_proposal(proposal: Proposal, *, by: User, note: str = "") -> Version:
    """Replace the last version until the close, or correct a returned proposal within its cure period."""
    return _submit(RESUBMIT, proposal, by=by, note=note)


def _submit(transition: Transition, proposal: Proposal, *, by: User, note: str) -> Version:
    candidate = Candidate(proposal, by)

    def changes() -> dict[str, Any]:
        return {
            "version_count": proposal.version_count + 1,
            "number": proposal.number or _next_number(candidate.received_at),
            "cure_due_at": None,
            "submitted_title": candidate.package.title,
        }

    checked = replace(transition, checks=(lambda _: candidate.problems(),))
    event = perform(checked, proposal, by=by, note=note, changes=changes)
    version = _freeze(candidate, by=by, note=note)
    receipt = _issue_receipt(candidate, version, at=event.at)
    facts = {
        "number": proposal.number,
        "version": version.number,
        "receipt": receipt.number,
        "received_at": moments.moment_to_the_second(version.received_at),
    }
    tell_both(event, proposal, team=SUBMITTED, officers=ARRIVED, **facts)
    return version


def _next_number(at: datetime) -> str:
    """``AIX-2026-0001``: the year in Washington and one running number; a gap means nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('proposals_number_seq')")
        return f"AIX-{at.astimezone(clock.WASHINGTON).year}-{cursor.fetchone()[0]:04}"


def _freeze(candidate: Candidate, *, by: User, note: str) -> Version:
    version = Version.objects.create(
        proposal=candidate.proposal,
        number=candidate.proposal.version_count,
        package=candidate.text,
        sha256=candidate.sha256,
        certification=candidate.certification,
        submitted_by=by,
        note=note,
        received_at=candidate.received_at,
        closes_at=candidate.limit,  # type: ignore[misc]  # the check for lateness refused a call without one
        on_time=candidate.on_time,
        on_time_rule=candidate.rule_text,
    )
    version.value = candidate.package  # what its text says; nobody need read it back
    for act in FROZEN:
        act(version, candidate.working)
    return version


def _issue_receipt(candidate: Candidate, version: Version, *, at: datetime) -> Receipt:
    """The receipt's text holds all that its PDF prints and all that a stranger needs to verify it."""
    proposal, package, certification = candidate.proposal, candidate.package, version.certification
    before = candidate.previous.receipt if candidate.previous else None
    number = f"{proposal.number}-R{version.number}"
    body: dict[str, Any] = {
        "anchor": package.anchor.organization.legal_name if package.anchor else "",
        "authority_basis": certification.authority_basis,
        "call_number": package.call.number,
        "call_title": package.call.title,
        "certification_text": certification.statement_text,
        "certification_version": certification.statement_version,
        "certified_at": certification.signed_at.isoformat(),
        "closes_at": version.closes_at.isoformat(),
        "consortium": package.consortium.name,
        "content_sha256": version.sha256,
        "files": [
            {"name": file.name, "sha256": file.sha256, "size": file.size} for file in package.documents
        ],
        "number": number,
        "on_time": version.on_time,
        "previous_receipt_sha256": before.sha256 if before else "",
        "proposal_number": proposal.number,
        "received_at": version.received_at.isoformat(),
        "rule_citation": candidate.call.rule_citation,
        "rule_text": version.on_time_rule,
        "signer_name": certification.signer_name,
        "signer_title": certification.signer_title,
        "title": package.title,
        "version_number": version.number,
    }
    text = canonical_json(body)
    receipt = Receipt.objects.create(
        version=version,
        number=number,
        body=text,
        sha256=sha256_hex(text),
        previous_sha256=before.sha256 if before else "",
        issued_at=at,
    )
    paper = ReceiptPaper.objects.create(receipt=receipt)
    after_commit("proposals.tasks.render_receipt", paper.pk)
    return receipt


@transaction.atomic
def withdraw_proposal(proposal: Proposal, *, by: User, note: str) -> AuditEvent:
    """Take the proposal back, with a reason; a draft that was never submitted stays unknown to government."""
    require("proposals.withdraw_proposal", by, proposal)
    if not note.strip():
        raise NotReady([Problem("withdraw-reason", "Say why you withdraw.", "E.O. 14320 s.3(b)", "", "note")])
    event = perform(WITHDRAW, proposal, by=by, note=note)
    what = f"Proposal {proposal.number}" if proposal.number else "A draft proposal"
    if proposal.submitted_at:
        tell_both(event, proposal, team=WITHDRAWN, officers=WITHDRAWN, what=what)
        for act in TAKEN_BACK:
            act(proposal)
    else:
        notices.owe(event, WITHDRAWN, team_of(proposal.consortium_id), url=address(proposal), what=what)
    return event


@transaction.atomic
def lapse_proposal(proposal: Proposal, *, by: User) -> AuditEvent:
    """Close a draft of a call that is over; the clock's act."""
    event = perform(LAPSE, proposal, by=by)
    call = proposal.call
    if call.cancelled_at:
        over = f"Call {call.number} was cancelled, and the day on which it would have closed has passed."
        moves = "Your consortium may answer a later call."
    else:
        over = f"The time to submit under call {call.number} has ended and your draft was not submitted."
        moves = (
            "If something kept you from submitting in time, the anchor can ask for more time from its page."
        )
    notices.owe(event, LAPSED, team_of(proposal.consortium_id), url=address(proposal), over=over, moves=moves)
    return event


def takes_changes(proposal: Proposal) -> bool:
    """Whether a material change of it still matters: it was submitted and is neither taken back nor lost."""
    return proposal.status not in (ProposalStatus.WITHDRAWN, ProposalStatus.NOT_SELECTED)


@transaction.atomic
def report_material_change(
    proposal: Proposal, *, by: User, text: str, learned_on: date | None = None
) -> MaterialChange:
    """Report a change within 30 calendar days of learning of it; the pattern is 31 CFR 850.406."""
    require("proposals.report_change_proposal", by, proposal)
    problems = []
    if not takes_changes(proposal):
        message = (
            f"This proposal is “{proposal.get_status_display()}”: no material change is reported any more."
        )
        problems.append(Problem("not-pursued", message, CHANGE_CLAUSE))
    if not text.strip():
        problems.append(Problem("change-text", "Say what has changed.", CHANGE_CLAUSE, "", "text"))
    if learned_on is not None and learned_on > clock.today():
        message = "You cannot have learned of it on a day that has not come. Give today or an earlier day."
        problems.append(Problem("learned-in-future", message, CHANGE_CLAUSE, "", "learned_on"))
    if problems:
        raise NotReady(problems)
    change = MaterialChange(
        proposal=proposal, text=text, learned_on=learned_on, reported_by=by, reported_at=clock.instant()
    )
    change.full_clean()
    change.save()
    event = audit.record(
        proposal,
        "proposal.report_change",
        by=by,
        after={"material_change": change.pk},
        clause=CHANGE_CLAUSE,
    )
    notices.owe(
        event, CHANGE_REPORTED, intake_officers(proposal), url=desk_address(proposal), number=proposal.number
    )
    return change
