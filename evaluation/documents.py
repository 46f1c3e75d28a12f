"""What is compiled from the record: the packet before the signer and the letters, each as canonical JSON.

A PDF is made by a worker from the stored letter and nothing else.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from evaluation.enums import LetterKind, Outcome, ReferralStatus
from evaluation.models import AgencyScore, Condition, Letter, LetterPaper, Referral, ScreeningRun
from program import clock, papers, pdf
from program.canonical import canonical_json, sha256_hex
from program.enums import StackLayer
from program.publish import after_commit
from proposals.enums import Presumption
from proposals.us_content import UsContent, us_content

if TYPE_CHECKING:
    from evaluation.models import Designation, Determination
    from proposals.models import Proposal, Version

DISCLAIMER: Final = (
    "Designation is not an export license, a financing commitment or an endorsement, and gives no "
    "enforceable right. Support depends on applicable law and available funds."
)
AUTHORITY: Final = (
    "Section 3(d) of Executive Order 14320, Promoting the Export of the American AI Technology Stack, of "
    "July 23, 2025. Section 5(b): implemented consistent with applicable law and subject to the "
    "availability of appropriations. Section 5(c): it creates no right or benefit, substantive or "
    "procedural, enforceable at law or in equity by any party against the United States."
)
US_CONTENT_WORDS: Final = {
    Presumption.PRESUMED_MET: "Presumed met: at least {threshold} percent of the hardware layer's value.",
    Presumption.NOT_PRESUMED: "Not presumed: below {threshold} percent of the hardware layer's value. This "
    "is no disqualification.",
    Presumption.NOT_COMPUTABLE: "Not computable: a value is missing.",
}
LAYER_TEXT: Final = 1200


def content_of(version: Version) -> UsContent:
    """The U.S. content of a version by the threshold of its call."""
    return us_content(version.value.hardware, threshold=version.proposal.call.us_content_presumption)


def us_content_facts(version: Version) -> dict[str, Any]:
    figure = content_of(version)
    threshold = f"{figure.threshold:f}".rstrip("0").rstrip(".")
    return {
        "state": str(figure.state),
        "state_words": US_CONTENT_WORDS[figure.state].format(threshold=threshold),
        "percent": None if figure.percent is None else f"{figure.percent:f}",
    }


# The packet


def packet_of(determination: Determination) -> dict[str, Any]:
    """Everything that lies before the signer, compiled from the record; it can contradict none of it."""
    version, proposal = determination.version, determination.proposal
    return {
        "kind": "determination-packet",
        "proposal": {
            "number": proposal.number,
            "title": version.value.title,
            "consortium": version.value.consortium.name,
            "call": version.value.call.number,
        },
        "version": {
            "number": version.number,
            "sha256": version.sha256,
            "received_at": version.received_at.isoformat(),
        },
        "outcome": determination.outcome,
        "defer_until": _day(determination.defer_until),
        "expires_on": _day(determination.expires_on),
        "rationale": determination.rationale,
        "letter_text": determination.letter_text,
        "prepared_by": determination.prepared_by.name,
        "findings": [
            {
                "requirement": finding.requirement.code,
                "title": finding.requirement.title,
                "clause": finding.clause,
                "is_met": finding.is_met,
                "text": finding.text,
            }
            for finding in determination.findings.select_related("requirement")
        ],
        "consultations": [_consultation(referral) for referral in _referrals(version)],
        "objections": [
            {"agency": answer.position.referral.agency.code, "answer": answer.answer}
            for answer in determination.objection_answers.select_related("position__referral__agency")
        ],
        "scores": [
            {
                "agency": score.agency.code,
                "criterion": score.criterion.code,
                "sheets": score.sheet_count,
                "median": None if score.median is None else f"{score.median:f}",
                "lowest": score.lowest,
                "highest": score.highest,
            }
            for score in AgencyScore.objects.filter(version=version).select_related("agency", "criterion")
        ],
        "party_checks": _party_checks(version),
        "us_content": us_content_facts(version),
        "conditions": [
            {
                "number": condition.number,
                "text": condition.text,
                "owner": condition.owner,
                "due_on": _day(condition.due_on),
                "evidence": condition.evidence,
                "effect": condition.effect,
            }
            for condition in determination.conditions.all()
        ],
    }


def _referrals(version: Version) -> list[Referral]:
    rows = Referral.objects.filter(version=version).select_related(
        "agency", "position__signed_by", "position__delegation__given_by", "position__delegation__given_to"
    )
    return list(rows)


def _consultation(referral: Referral) -> dict[str, Any]:
    position = referral.position if referral.status == ReferralStatus.ANSWERED else None
    return {
        "agency": referral.agency.code,
        "name": referral.agency.display_name,
        "status": referral.status,
        "due_at": referral.due_at.isoformat(),
        "stance": position.stance if position else "",
        "rationale": position.rationale if position else "",
        "conditions": position.conditions if position else "",
        "signed_by": position.signed_by.name if position else "",
        "signed_at": position.signed_at.isoformat() if position else "",
        "delegation": str(position.delegation) if position and position.delegation else "",
        "carried": referral.carry_reason,
    }


def _party_checks(version: Version) -> dict[str, Any] | None:
    run = ScreeningRun.objects.filter(version=version).select_related("screening_list").first()
    if run is None:
        return None
    checks = run.checks.all()
    return {
        "run_at": run.run_at.isoformat(),
        "list": str(run.screening_list),
        "list_sha256": run.screening_list.sha256,
        "ruleset": run.ruleset_version,
        "parties": run.party_count,
        "flags": run.potential_count,
        "open": checks.open().count(),
        "confirmed": checks.confirmed().count(),
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


# Letters


def issue_letter(
    kind: str,
    *,
    proposal: Proposal,
    at: datetime,
    determination: Determination | None = None,
    designation: Designation | None = None,
    reason: str = "",
    signer: str = "",
    signer_title: str = "",
    delegation: str = "",
) -> Letter:
    """Freeze the letter of an act, part of the act's transaction; its PDF is owed from now on."""
    version = (determination or designation).version  # type: ignore[union-attr]  # one of the two is given
    decided = determination or designation.determination  # type: ignore[union-attr]
    body = canonical_json(
        {
            **_package_facts(version),
            "kind": str(kind),
            "designation_number": designation.number if designation else "",
            "proposal_number": proposal.number,
            "version_number": version.number,
            "content_sha256": version.sha256,
            "designated_on": _day(designation.designated_at.astimezone(clock.WASHINGTON).date())
            if designation
            else None,
            "deferred_until": _day(decided.defer_until),
            "announced_at": at.isoformat(),
            "status": designation.get_status_display() if designation else "",
            "reason": reason,
            **_terms(decided, designation.expires_on if designation else None, designates=bool(designation)),
            "authority": AUTHORITY,
            "disclaimer": DISCLAIMER,
            "signer_name": signer,
            "signer_title": signer_title,
            "delegation": delegation,
        }
    )
    letter = Letter.objects.create(
        proposal=proposal,
        determination=determination,
        designation=designation,
        kind=kind,
        body=body,
        sha256=sha256_hex(body),
        issued_at=at,
    )
    paper = LetterPaper.objects.create(letter=letter)
    after_commit("evaluation.tasks.render_letter", paper.pk)
    return letter


def _terms(decided: Determination, expires_on: date | None, *, designates: bool) -> dict[str, Any]:
    """What was signed beside the reasons: the last day and the conditions, and who was consulted."""
    conditions = Condition.objects.filter(determination=decided) if designates else ()
    return {
        "expires_on": _day(expires_on),
        "conditions": [
            {
                "number": condition.number,
                "text": condition.text,
                "owner": condition.owner,
                "due_on": _day(condition.due_on),
                "evidence": condition.evidence,
                "effect": condition.effect,
            }
            for condition in conditions
        ],
        "consulted": [referral.agency.display_name for referral in _referrals(decided.version)],
    }


def letter_before(determination: Determination) -> dict[str, Any]:
    """What the letter of a signed determination will say, for its preview."""
    designates = determination.outcome == Outcome.DESIGNATE
    expires_on = determination.expires_on if designates else None
    terms = _terms(determination, expires_on, designates=designates)
    return {
        **_package_facts(determination.version),
        **_read({**terms, "deferred_until": _day(determination.defer_until)}),
        "reason": determination.letter_text,
        "signer_name": determination.signed_by.name if determination.signed_by else "",
        "authority": AUTHORITY,
        "disclaimer": DISCLAIMER,
    }


def _package_facts(version: Version) -> dict[str, Any]:
    package = version.value
    return {
        "title": package.title,
        "consortium": package.consortium.name,
        "anchor": package.anchor.organization.legal_name if package.anchor else "",
        "markets": [market.name for market in package.markets],
        "layers": [
            {"label": str(layer.label), "summary": _layer_summary([c.name for c in package.layer(layer)])}
            for layer in StackLayer
        ],
        "us_content": us_content_facts(version),
    }


def _layer_summary(names: list[str]) -> str:
    return "; ".join(filter(None, names))[:LAYER_TEXT]


def facts_of(letter: Letter) -> dict[str, Any]:
    """What the paper prints: the stored text, its days and moments read as such."""
    body: dict[str, Any] = json.loads(letter.body)
    return {
        **_read(body),
        "announced_at": datetime.fromisoformat(body["announced_at"]),
        "kind_words": letter.get_kind_display(),
        "letter_sha256": letter.sha256,
        "verify_url": f"{settings.SITE_URL}/receipts/",
    }


def _read(body: dict[str, Any]) -> dict[str, Any]:
    """The stored text with its days read as such."""
    days = {
        name: date.fromisoformat(body[name])
        for name in ("designated_on", "expires_on", "deferred_until")
        if body.get(name)
    }
    conditions = [
        {**condition, "due_on": date.fromisoformat(condition["due_on"]) if condition["due_on"] else None}
        for condition in body["conditions"]
    ]
    return {**body, **days, "conditions": conditions}


TEMPLATES: Final = {LetterKind.DESIGNATION: "pdf/designation_letter.html"}


def render_letter(pk: int) -> bool:
    """Make one owed PDF; True when this call made it. Repeatable, and safe to run twice at once."""

    def press(paper: LetterPaper) -> tuple[str, bytes]:
        letter = paper.letter
        template = TEMPLATES.get(LetterKind(letter.kind), "pdf/letter.html")
        content = pdf.render(template, facts_of(letter), title=f"{letter}, {letter.proposal.number}")
        return f"{letter.proposal.number}-{letter.kind}.pdf", content

    return papers.make(LetterPaper, pk, press)
