"""The letters, each frozen as canonical JSON; a worker makes the PDF from that text alone."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from evaluation.enums import LetterKind, Outcome
from evaluation.models import Condition, Letter, LetterPaper
from evaluation.packets import day_said, referrals_of, us_content_facts
from evaluation.terms import difference, said_of
from program import clock, papers, pdf
from program.canonical import canonical_json, sha256_hex
from program.enums import StackLayer
from program.publish import after_commit

if TYPE_CHECKING:
    from evaluation.models import Designation, DesignationAmendment, Determination
    from proposals.models import Proposal, Version
    from proposals.package import Package

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
LAYER_TEXT: Final = 1200


def issue_letter(
    kind: str,
    *,
    proposal: Proposal,
    at: datetime,
    determination: Determination | None = None,
    designation: Designation | None = None,
    amendment: DesignationAmendment | None = None,
    reason: str = "",
    signer: str = "",
    signer_title: str = "",
    delegation: str = "",
) -> Letter:
    """Freeze the letter of an act, part of the act's transaction; its PDF is owed from now on."""
    version = (determination or designation).version  # type: ignore[union-attr]  # one of the two is given
    decided = determination or designation.determination  # type: ignore[union-attr]
    package = designation.package if designation else version.value
    body = canonical_json(
        {
            **_package_facts(version, package),
            "kind": str(kind),
            "designation_number": designation.number if designation else "",
            "proposal_number": proposal.number,
            "version_number": version.number,
            "content_sha256": version.sha256,
            "designated_on": day_said(designation.designated_at.astimezone(clock.WASHINGTON).date())
            if designation
            else None,
            "deferred_until": day_said(decided.defer_until),
            "announced_at": at.isoformat(),
            "status": designation.get_status_display() if designation else "",
            "reason": reason,
            **_terms(decided, designation.expires_on if designation else None, designates=bool(designation)),
            **(_amended(amendment) if amendment else {}),
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
    rows = Condition.objects.filter(determination=decided, lifted_at=None) if designates else ()
    return {
        "expires_on": day_said(expires_on),
        "conditions": [_printed({"number": row.number, **said_of(row)}) for row in rows],
        "consulted": [referral.agency.display_name for referral in referrals_of(decided.version)],
    }


def _printed(condition: dict[str, Any]) -> dict[str, Any]:
    return {name: condition[name] for name in ("number", "text", "owner", "due_on", "evidence", "effect")}


def _printed_as_amended(condition: dict[str, Any]) -> dict[str, Any]:
    """A condition of the terms after an amendment, with the day on which it was met, if it was."""
    met = condition["met_at"]
    day = datetime.fromisoformat(met).astimezone(clock.WASHINGTON).date() if met else None
    return {**_printed(condition), "met_on": day_said(day)}


def _amended(amendment: DesignationAmendment) -> dict[str, Any]:
    """What a signed amendment changes from which day on, and the terms as they stand from then on."""
    said = json.loads(amendment.body)
    after, on = said["after"], amendment.effective_on or clock.today()
    return {
        "amendment": {
            "number": amendment.number or 0,
            "effective_on": day_said(on),
            "clause": amendment.clause,
            "changes": difference(said["before"], after),
        },
        "markets": [row["name"] for row in after["markets"]],
        "layers": [
            {
                "label": str(layer.label),
                "summary": _layer_summary(
                    [row["name"] for row in after["components"] if row["layer"] == layer]
                ),
            }
            for layer in StackLayer
        ],
        "expires_on": after["expires_on"],
        "conditions": [_printed_as_amended(row) for row in after["conditions"]],
    }


def letter_of_amendment(amendment: DesignationAmendment) -> dict[str, Any]:
    """What the letter of a signed amendment will say, for its preview."""
    version = amendment.designation.version
    return {
        **_package_facts(version, version.value),
        **_read(_amended(amendment)),
        "reason": amendment.reason,
        "signer_name": amendment.signed_by.name if amendment.signed_by else "",
        "authority": AUTHORITY,
        "disclaimer": DISCLAIMER,
    }


def letter_before(determination: Determination) -> dict[str, Any]:
    """What the letter of a signed determination will say, for its preview."""
    designates = determination.outcome == Outcome.DESIGNATE
    expires_on = determination.expires_on if designates else None
    terms = _terms(determination, expires_on, designates=designates)
    return {
        **_package_facts(determination.version, determination.version.value),
        **_read({**terms, "deferred_until": day_said(determination.defer_until)}),
        "reason": determination.letter_text,
        "signer_name": determination.signed_by.name if determination.signed_by else "",
        "authority": AUTHORITY,
        "disclaimer": DISCLAIMER,
    }


def _package_facts(version: Version, package: Package) -> dict[str, Any]:
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
    days: dict[str, Any] = {
        name: date.fromisoformat(body[name])
        for name in ("designated_on", "expires_on", "deferred_until")
        if body.get(name)
    }
    conditions = [
        {**condition, **{name: _day_of(condition.get(name)) for name in ("due_on", "met_on")}}
        for condition in body["conditions"]
    ]
    if amendment := body.get("amendment"):
        on = date.fromisoformat(amendment["effective_on"])
        days["amendment"] = {**amendment, "effective_on": on}
    return {**body, **days, "conditions": conditions}


def _day_of(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


TEMPLATES: Final = {LetterKind.DESIGNATION: "pdf/designation_letter.html"}


def render_letter(pk: int) -> bool:
    """Make one owed PDF; True when this call made it. Repeatable, and safe to run twice at once."""

    def press(paper: LetterPaper) -> tuple[str, bytes]:
        letter = paper.letter
        template = TEMPLATES.get(LetterKind(letter.kind), "pdf/letter.html")
        content = pdf.render(template, facts_of(letter), title=f"{letter}, {letter.proposal.number}")
        return f"{letter.proposal.number}-{letter.kind}.pdf", content

    return papers.make(LetterPaper, pk, press)
