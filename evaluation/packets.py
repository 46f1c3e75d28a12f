"""The packet: everything that lies before the signer of a determination, compiled as canonical JSON.

Its PDF is made by a worker from a stored packet and the signature beside it, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Func, JSONField, Prefetch, Value
from django.db.models.functions import Cast

from evaluation.clocks import Days, days_of
from evaluation.enums import (
    Adjudicated,
    CheckResult,
    ComplianceKind,
    ComplianceResult,
    ConflictCaseStatus,
    DesignationStatus,
    DeterminationStatus,
    EscalationLevel,
    EscalationOutcome,
    InformationRequestStatus,
    Outcome,
    PauseReason,
    ReferralStatus,
    Stance,
    Weighed,
)
from evaluation.models import (
    Adjudication,
    AgencyScore,
    CatalogEntry,
    ClockEvent,
    Designation,
    Escalation,
    EscalationEntry,
    InformationRequest,
    PacketPaper,
    Position,
    Referral,
    ScreeningRun,
)
from evaluation.querysets.consultation import RUNNING
from evaluation.querysets.people import closed_people
from evaluation.weighing import newest_checks, told_to_all
from program import clock, papers, pdf
from program.canonical import canonical_json
from program.deadlines import local_day, long_date
from program.enums import Confidence, Mark, StackLayer
from proposals.enums import Presumption
from proposals.models import Recusal
from proposals.us_content import UsContent, us_content

if TYPE_CHECKING:
    from evaluation.models import ComplianceCheck, Determination, PartyCheck
    from proposals.models import Proposal, Version

US_CONTENT_WORDS: Final = {
    Presumption.PRESUMED_MET: "Presumed met: at least {threshold} percent of the hardware layer's value.",
    Presumption.NOT_PRESUMED: "Not presumed: below {threshold} percent of the hardware layer's value. This "
    "is no disqualification.",
    Presumption.NOT_COMPUTABLE: "Not computable: a value is missing.",
}
STEPS: Final = ("opened_at", "acknowledged_at", "answered_at", "lapsed_at", "ended_at", "paused_at")
STANDING: Final = (DesignationStatus.ACTIVE, DesignationStatus.SUSPENDED)


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


def packet_of(determination: Determination) -> dict[str, Any]:
    """Everything that lies before the signer, compiled from the record; it can contradict none of it.

    Its ``clearance`` is of the packet that has none yet; one that was given on other facts is left out.
    """
    return determination.with_clearance(compiled(determination))


def compiled(determination: Determination) -> dict[str, Any]:
    """The packet without a clearance."""
    version, proposal = determination.version, determination.proposal
    referrals = referrals_of(version)
    at = last_event(referrals)
    return {
        "kind": "determination-packet",
        "marking": Mark.GOVERNMENT_ONLY.value,
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
        "defer_until": day_said(determination.defer_until),
        "expires_on": day_said(determination.expires_on),
        "rationale": determination.rationale,
        "letter_text": determination.letter_text,
        "prepared_by": determination.prepared_by.name,
        "clearance": None,
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
        "consultations": [_consultation(referral, at) for referral in referrals],
        "earlier_positions": _earlier_positions(proposal, referrals),
        "objections": [
            {"agency": answer.position.referral.agency.code, "answer": answer.answer}
            for answer in determination.objection_answers.select_related("position__referral__agency")
        ],
        "escalations": _escalations(proposal),
        "scores": [
            {
                "agency": score.agency.code,
                "criterion": score.criterion.code,
                "title": score.criterion.title,
                "sheets": score.sheet_count,
                "median": None if score.median is None else f"{score.median:f}",
                "lowest": score.lowest,
                "highest": score.highest,
            }
            for score in AgencyScore.objects.filter(version=version).select_related("agency", "criterion")
        ],
        **_party_checks(version),
        "us_content": us_content_facts(version),
        **_market_overlap(version),
        "questions": _questions(proposal),
        "recusals": _recusals(proposal),
        "conditions": [
            {
                "number": condition.number,
                "text": condition.text,
                "owner": condition.owner,
                "due_on": day_said(condition.due_on),
                "evidence": condition.evidence,
                "effect": condition.effect,
            }
            for condition in determination.conditions.all()
        ],
    }


def packet_text(determination: Determination) -> str:
    """The packet as canonical JSON: as it was signed, or for a draft as it stands at this moment."""
    return determination.packet or canonical_json(packet_of(determination))


def referrals_of(version: Version) -> list[Referral]:
    rows = Referral.objects.filter(version=version).select_related(
        "agency", "position__signed_by", "position__delegation__given_by", "position__delegation__given_to"
    )
    pauses = Prefetch("clock_events", ClockEvent.objects.for_list(), to_attr="pauses")
    return list(rows.prefetch_related(pauses))


def _standing(referral: Referral) -> Position | None:
    return referral.position if referral.status == ReferralStatus.ANSWERED else None


def last_event(referrals: list[Referral]) -> datetime:
    """When anything last happened to the consultations: a day that passes alone changes no packet."""
    moments = [getattr(row, name) for row in referrals for name in STEPS]
    for row in referrals:
        for pause in row.pauses:  # type: ignore[attr-defined]
            ended = getattr(pause, "ended_by", None)
            moments += [pause.at, ended.at if ended else None]
    return max((moment for moment in moments if moment is not None), default=clock.now())


def _consultation(referral: Referral, at: datetime) -> dict[str, Any]:
    return {
        "agency": referral.agency.code,
        "name": referral.agency.display_name,
        "status": referral.status,
        "opened_at": referral.opened_at.isoformat(),
        "due_at": referral.due_at.isoformat(),
        "days": asdict(days_of(referral, at)),
        "days_as_of": day_said(local_day(at)) if referral.status in RUNNING else None,
        "pauses": [_paused(pause) for pause in referral.pauses],  # type: ignore[attr-defined]
        **_said(_standing(referral)),
        "carried": referral.carry_reason,
    }


def _paused(pause: ClockEvent) -> dict[str, Any]:
    ended = getattr(pause, "ended_by", None)
    return {
        "reason": pause.reason,
        "question": pause.request.number if pause.request else None,
        "note": pause.note,
        "paused_by": pause.by.name,
        "paused_at": pause.at.isoformat(),
        "resumed_by": ended.by.name if ended else "",
        "resumed_at": ended.at.isoformat() if ended else None,
        "resumed_because": ended.note if ended else "",
    }


def _said(position: Position | None) -> dict[str, str]:
    return {
        "stance": position.stance if position else "",
        "rationale": position.rationale if position else "",
        "conditions": position.conditions if position else "",
        "signed_by": position.signed_by.name if position else "",
        "signed_at": position.signed_at.isoformat() if position else "",
        "delegation": str(position.delegation) if position and position.delegation else "",
    }


def _earlier_positions(proposal: Proposal, referrals: list[Referral]) -> list[dict[str, Any]]:
    """What agencies said of this proposal and what does not stand any more, the oldest first."""
    standing = [position.pk for referral in referrals if (position := _standing(referral))]
    rows = Position.objects.filter(referral__version__proposal=proposal).exclude(pk__in=standing)
    rows = rows.select_related(
        "referral__agency", "referral__version", "signed_by", "delegation__given_by", "delegation__given_to"
    ).defer("referral__version__package", "referral__version__targets")
    return [
        {
            "agency": position.referral.agency.code,
            "name": position.referral.agency.display_name,
            "version": position.referral.version.number,
            **_said(position),
        }
        for position in rows.order_by("pk")
    ]


def _escalations(proposal: Proposal) -> list[dict[str, Any]]:
    """Each objection on its way up: the dissent, beside the answer that the determination gives it."""
    entries = Prefetch("entries", EscalationEntry.objects.select_related("by"))
    return [
        {
            "agency": row.agency.code,
            "name": row.agency.display_name,
            "level": row.level,
            "objection": row.position.rationale,
            "opened_at": row.opened_at.isoformat(),
            "due_at": row.due_at.isoformat(),
            "closed_at": row.closed_at.isoformat() if row.closed_at else None,
            "outcome": row.outcome,
            "entries": [
                {
                    "level": entry.level,
                    "met_on": day_said(entry.met_on),
                    "participants": entry.participants,
                    "minutes": entry.minutes,
                    "outcome": entry.outcome,
                    "added_by": entry.by.name,
                    "added_at": entry.at.isoformat(),
                }
                for entry in row.entries.all()
            ],
        }
        for row in Escalation.objects.filter(proposal=proposal).for_list().prefetch_related(entries)
    ]


def _party_checks(version: Version) -> dict[str, Any]:
    """The last screening, and what people made of each flag of it, with their reasons."""
    run = ScreeningRun.objects.filter(version=version).select_related("screening_list").first()
    if run is None:
        return {"party_checks": None, "adjudications": [], "compliance": None}
    opinions = Adjudication.objects.select_related("decided_by", "carried_from__party_check__run__version")
    opinions = opinions.defer("carried_from__party_check__run__version__package").order_by("pk")
    flags = list(
        run.checks.all()
        .flagged()
        .select_related("entry")
        .prefetch_related(Prefetch("adjudications", opinions))
        .order_by("pk")
    )
    return {
        "party_checks": {
            "run_at": run.run_at.isoformat(),
            "list": str(run.screening_list),
            "list_sha256": run.screening_list.sha256,
            "ruleset": run.ruleset_version,
            "parties": run.party_count,
            "flags": run.potential_count,
            "open": sum(_state(check) == "open" for check in flags),
            "confirmed": sum(_state(check) == "confirmed" for check in flags),
        },
        "adjudications": [_adjudicated(check, version.proposal_id) for check in flags],
        "compliance": _compliance(run) if run.compliance_version else None,
    }


def _compliance(run: ScreeningRun) -> dict[str, Any]:
    """The compliance checks made with a screening: each flag whole, and how many had none."""
    rows = told_to_all(newest_checks(run))
    return {
        "checked_at": run.run_at.isoformat(),
        "ruleset": run.compliance_version,
        "checks": len(rows),
        "unflagged": sum(not row.is_flag for row in rows),
        "open": sum(row.state == "open" for row in rows),
        "flags": [_flagged(row) for row in rows if row.is_flag],
    }


def _flagged(check: ComplianceCheck) -> dict[str, Any]:
    """A flag, as all may read it."""
    return {
        "kind": check.kind,
        "subject": check.subject_name,
        "result": check.result,
        "state": check.state,
        "explanation": check.explanation,
        "facts": check.facts,
        "rule": check.rule,
        "citation": check.citation,
        "effective_from": day_said(check.effective_from),
        "effective_to": day_said(check.effective_to),
        "confidence": check.confidence,
        "ruled_on": day_said(check.ruled_on),
        "decisions": [
            {
                "outcome": decision.outcome,
                "reason": decision.reason,
                "decided_by": decision.decided_by.name,
                "decided_at": decision.decided_at.isoformat(),
                "from_earlier_screening": decision.carried_from_id is not None,
            }
            for decision in check.decisions.all()
        ],
    }


def _state(check: Any) -> str:
    """What the opinions on a flag come to, as ``with_opinions`` reads them."""
    return "confirmed" if check.is_confirmed else "cleared" if check.is_cleared else "open"


def _opinion(opinion: Adjudication, proposal: int) -> dict[str, Any]:
    """An opinion; of one given in another proposal neither the reason nor where, which tell of that one."""
    first = opinion.carried_from
    is_remembered = first is not None and first.party_check.run.version.proposal_id != proposal
    said = {
        "outcome": opinion.outcome,
        "reason": "" if is_remembered else opinion.reason,
        "decided_by": opinion.decided_by.name,
        "decided_at": opinion.decided_at.isoformat(),
        "corrects": opinion.replaces_id is not None,
        "from_earlier_screening": first is not None,
    }
    return said | ({"is_remembered": True} if is_remembered else {})


def _adjudicated(check: PartyCheck, proposal: int) -> dict[str, Any]:
    return {
        "party": check.party_name,
        "role": check.party_role,
        "result": check.result,
        "score": f"{check.score:f}",
        "entry": str(check.entry) if check.entry else "",
        "explanation": check.explanation,
        "state": _state(check),
        "opinions": [_opinion(opinion, proposal) for opinion in check.adjudications.all()],
    }


def _market_overlap(version: Version) -> dict[str, Any]:
    """Active and suspended designations that name a country of this version, with the layers of both.

    The packet is one text for all its readers: a designation that is closed to one of them is named by what
    the public catalog says of it, else it is counted.
    """
    package = version.value
    ours = {country.code: country.name for market in package.markets for country in market.countries}
    layers = {component.layer for component in package.components}
    rows = Designation.objects.filter(status__in=STANDING, version__targets__has_any_keys=sorted(ours))
    rows = rows.exclude(proposal=version.proposal_id).annotate(
        title=in_package("$.title"),
        consortium=in_package("$.consortium.name"),
        layers=in_package("$.components[*].layer"),
    )
    found = rows.order_by("number").values(
        "pk", "number", "proposal", "status", "version__targets", "removed_targets", "title", "consortium",
        "layers",
    )  # fmt: skip
    shared = [
        (dict(row), ours.keys() & set(row["version__targets"]) - set(row["removed_targets"])) for row in found
    ]
    shared = [(row, codes) for row, codes in shared if codes]
    public = _public_of_closed(version.proposal_id, [row for row, _ in shared])
    told = [_as_all_may_read(row, codes, public) for row, codes in shared]
    return {
        "market_overlap": [
            {
                **row,
                "markets": [
                    {"code": code, "name": ours[code]} for code in sorted(codes, key=lambda code: ours[code])
                ],
                "layers": [str(layer) for layer in StackLayer if layer in layers & set(row["layers"])],
            }
            for row, codes in told
            if codes
        ],
        "market_overlap_closed": sum(not codes for _, codes in told),
    }


def _public_of_closed(proposal: int, rows: list[dict[str, Any]]) -> dict[int, CatalogEntry | None]:
    """Those of ``rows`` that are closed to a reader of ``proposal``, each with its public catalog entry."""
    if not rows:
        return {}
    closed = closed_people([proposal, *(row["proposal"] for row in rows)])
    hidden = [row["pk"] for row in rows if not closed[row["proposal"]] <= closed[proposal]]
    entries = CatalogEntry.objects.public().filter(designation__in=hidden) if hidden else ()
    return {**dict.fromkeys(hidden), **{entry.designation_id: entry for entry in entries}}


def _as_all_may_read(
    row: dict[str, Any], codes: set[str], public: dict[int, CatalogEntry | None]
) -> tuple[dict[str, Any], set[str]]:
    """What the packet says of a designation, of which of the countries ``codes``; of none: counted."""
    facts = {"designation": row["number"], "status": row["status"]}
    if row["pk"] not in public:
        of_package = {"title": row["title"][0], "consortium": row["consortium"][0], "layers": row["layers"]}
        return {**facts, **of_package}, codes
    entry = public[row["pk"]]
    if entry is None:
        return facts, set()
    described = [layer for layer, text in entry.layers.items() if text]
    said = {"title": entry.title, "consortium": entry.consortium, "layers": described}
    return {**facts, **said, "from_catalog": True}, codes & {
        place["code"] for place in (*entry.markets, *entry.countries)
    }


def in_package(path: str) -> Func:
    """What a designated version says at ``path``, read by the database: no package is fetched for a title."""
    where = Func(Value(path), template="(%(expressions)s)::jsonpath", output_field=JSONField())
    package = Cast("version__package", JSONField())
    return Func(package, where, function="jsonb_path_query_array", output_field=JSONField())


def _questions(proposal: Proposal) -> list[dict[str, Any]]:
    rows = InformationRequest.objects.filter(proposal=proposal).for_list()
    return [
        {
            "number": row.number,
            "round": row.round,
            "version": row.version.number,
            "agency": row.agency.code,
            "name": row.agency.display_name,
            "status": row.status,
            "question": row.question,
            "asked_by": row.asked_by.name,
            "asked_at": row.asked_at.isoformat(),
            "due_at": row.due_at.isoformat(),
            "answer": row.answer,
            "answered_by": row.answered_by.name if row.answered_by else "",
            "answered_at": row.answered_at.isoformat() if row.answered_at else None,
            "is_late": row.is_late,
            "files": [
                {"name": file.document.name, "sha256": file.document.sha256} for file in row.files.all()
            ],
        }
        for row in rows.order_by("number")
    ]


def _recusals(proposal: Proposal) -> list[dict[str, Any]]:
    """Who stayed away, and for which agencies they held an office that day; not why."""
    rows = Recusal.objects.filter(proposal=proposal).exclude(conflict_case__status=ConflictCaseStatus.OPEN)
    rows = rows.select_related("user")
    return [
        {
            "name": row.user.name,
            "agencies": _agencies(row),
            "recused_at": row.recused_at.isoformat(),
        }
        for row in rows.prefetch_related("user__offices__agency").order_by("pk")
    ]


def _agencies(recusal: Recusal) -> list[str]:
    day = recusal.recused_at.astimezone(clock.WASHINGTON).date()
    held = (office for office in recusal.user.offices.all() if office.is_in_force(day))
    return sorted({office.agency.display_name for office in held})


def day_said(day: date | None) -> str | None:
    return day.isoformat() if day else None


# As people read it

DAYS: Final = (
    "defer_until", "days_as_of", "expires_on", "due_on", "met_on", "effective_from", "effective_to",
    "ruled_on",
)  # fmt: skip
WEIGHED: Final = {"open": "Not decided", "set_aside": "Set aside", "stands": "Found to stand"}
STATES: Final = {"open": "Open", "cleared": "False positive", "confirmed": "Confirmed"}


def packet_in_words(text: str) -> dict[str, Any]:
    """A stored packet with its days and moments read as such, and its codes in words beside them.

    A packet that was signed before a section was known lacks it.
    """
    packet: dict[str, Any] = _read(json.loads(text))
    packet["outcome_words"] = Outcome(packet["outcome"]).label if packet["outcome"] else ""
    for row in packet["consultations"]:
        if "days" in row:
            as_of = row.get("days_as_of")
            row["clock"] = f"{Days(**row['days'])}{f', as of {long_date(as_of)}' if as_of else ''}"
        for pause in row.get("pauses", ()):
            question = f", question {pause['question']}" if pause["question"] else ""
            pause["words"] = f"{PauseReason(pause['reason']).label}{question}"
        row["words"] = Stance(row["stance"]).label if row["stance"] else ReferralStatus(row["status"]).label
    names = {row["agency"]: row["name"] for row in packet["consultations"]}
    for row in (*packet["objections"], *packet.get("scores", ())):
        row["name"] = names.get(row["agency"], row["agency"])
    for row in packet.get("escalations", ()):
        for said in (row, *row["entries"]):
            said["level_words"] = EscalationLevel(said["level"]).label
            said["outcome_words"] = EscalationOutcome(said["outcome"]).label if said["outcome"] else ""
    for row in packet.get("earlier_positions", ()):
        row["words"] = Stance(row["stance"]).label
    for row in packet.get("questions", ()):
        row["words"] = InformationRequestStatus(row["status"]).label
    packet["market_overlap_closed_words"] = _closed_in_words(packet.get("market_overlap_closed", 0))
    for row in packet.get("market_overlap", ()):
        row["words"] = DesignationStatus(row["status"]).label
        row["layer_words"] = [StackLayer(layer).label for layer in row["layers"]]
    for row in packet.get("adjudications", ()):
        row["words"], row["state_words"] = CheckResult(row["result"]).label, STATES[row["state"]]
        for opinion in row["opinions"]:
            opinion["words"] = Adjudicated(opinion["outcome"]).label
    for row in (packet.get("compliance") or {}).get("flags", ()):
        row["words"], row["state_words"] = ComplianceResult(row["result"]).label, WEIGHED[row["state"]]
        row["kind_words"] = ComplianceKind(row["kind"]).label
        row["confidence_words"] = Confidence(row["confidence"]).label
        for decision in row["decisions"]:
            decision["words"] = Weighed(decision["outcome"]).label
    return packet


def _closed_in_words(number: int) -> str:
    if not number:
        return ""
    one = "One more designation, closed to a reader of this packet, names a market of this version."
    many = f"{number} more designations, closed to a reader of this packet, name a market of this version."
    return one if number == 1 else many


def _read(value: Any, name: str = "") -> Any:
    """The JSON value of the field ``name``, with the days and moments in it read as such."""
    if isinstance(value, dict):
        return {key: _read(inside, key) for key, inside in value.items()}
    if isinstance(value, list):
        return [_read(inside) for inside in value]
    if value and name in DAYS:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if value and name.endswith("_at") else value


def signature_of(determination: Determination) -> dict[str, Any]:
    """Who signed when, and under which delegation: what stands beside the packet on its last page."""
    signer, delegation = determination.signed_by, determination.delegation
    return {
        "signed_by": signer.name if signer else "",
        "title": signer.title if signer else "",
        "delegation": str(delegation) if delegation else "",
        "signed_at": determination.signed_at.isoformat() if determination.signed_at else None,
        "recalled_at": determination.recalled_at.isoformat() if determination.recalled_at else None,
        "recall_reason": determination.recall_reason,
    }


MARKS: Final = {
    DeterminationStatus.DRAFT: "Draft, not signed.",
    DeterminationStatus.RECALLED: "Recalled before it was announced.",
}


def packet_facts(paper: PacketPaper) -> dict[str, Any]:
    """What the paper prints: the packet that it stores, and the signature."""
    return {
        **packet_in_words(paper.body),
        "signature": _read(paper.signature),
        "packet_sha256": paper.packet_sha256,
        "is_draft": paper.status == DeterminationStatus.DRAFT,
        "is_recalled": paper.status == DeterminationStatus.RECALLED,
    }


def render_packet(pk: int) -> bool:
    """Make one owed PDF; True when this call made it. Repeatable, and safe to run twice at once."""

    def press(paper: PacketPaper) -> tuple[str, bytes]:
        facts, status = packet_facts(paper), DeterminationStatus(paper.status)
        number = facts["proposal"]["number"]
        mark = " ".join(filter(None, [MARKS.get(status, ""), f"{Mark.GOVERNMENT_ONLY.label}."]))
        content = pdf.render("pdf/packet.html", facts, title=f"Determination packet, {number}", mark=mark)
        return f"{number}-packet-{paper.packet_sha256[:8]}.pdf", content

    return papers.make(PacketPaper, pk, press)
