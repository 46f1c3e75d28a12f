"""What a demonstration's database holds, as JSON on standard output; run as a process of its own."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.db.models import Count  # noqa: E402

from evaluation.models import DiscussionComment  # noqa: E402
from program import audit  # noqa: E402
from program.models import Call, Delivery, Organization, User  # noqa: E402
from proposals.checks import all_problems  # noqa: E402
from proposals.composition import compose, rules_of  # noqa: E402
from proposals.models import Invitation, Proposal, Receipt, TeamMember  # noqa: E402
from proposals.us_content import us_content  # noqa: E402

SERVICE_TABLES = ("sessions.session", "axes.accesslog", "axes.accessattempt", "axes.accessfailurelog")


def stage(proposal):
    """How far a proposal has come, in the words of the file of consortia."""
    designation = proposal.designations.first()
    if designation is None:
        determination = proposal.determinations.first()
        return (
            determination.status
            if determination and proposal.status == "under_evaluation"
            else proposal.status
        )
    stages = set(designation.tool_referrals.values_list("status", flat=True))
    for reached in ("committed", "suspended", "referred"):
        if reached in stages | {designation.status}:
            return reached
    return proposal.status


def consultations(proposal):
    version = proposal.latest_version
    return sorted(
        f"{row.agency.code}: {row.position.stance if row.position else row.status}"
        for row in version.referrals.all()
    )


def kestrel():
    """How full the fullest draft is, and what it still lacks."""
    proposal = Proposal.objects.get(consortium__name__startswith="Kestrel Bay")
    package = compose(proposal)
    attachments = proposal.attachments.all()
    team = TeamMember.objects.filter(membership__consortium=proposal.consortium_id)
    invitations = Invitation.objects.filter(membership__consortium=proposal.consortium_id, accepted_at=None)
    return {
        **dict(proposal.components.order_by().values_list("layer").annotate(Count("pk"))),
        "members": len(package.consortium.members),
        "people": team.values("user").distinct().count(),
        "markets": len(package.markets),
        "sites": len(package.operating_model.sites),
        "support": len(package.support_requests),
        "statements": proposal.compliance_statements.filter(explanation="").count(),
        "answers": len(package.answers),
        "documents": dict(attachments.order_by().values_list("mark").annotate(Count("pk"))),
        "evidence": attachments.exclude(row_key="").count(),
        "open_comments": proposal.comments.filter(parent=None, resolved_at=None).count(),
        "invitations": invitations.count(),
        "missing": sorted({problem.code for problem in all_problems(package, rules_of(proposal.call))}),
        "us_content": us_content(package.hardware).state,
    }


def facts():
    verification = audit.verify()
    proposals = {one.consortium.name: one for one in Proposal.objects.select_related("consortium")}
    return {
        "stages": {name: stage(one) for name, one in proposals.items()},
        "kestrel": kestrel(),
        "orchard": consultations(proposals["Orchard Bridge Alliance"]),
        "orchard_recusals": proposals["Orchard Bridge Alliance"].recusals.count(),
        "orchard_discussion": sorted(
            DiscussionComment.objects.filter(version__proposal=proposals["Orchard Bridge Alliance"])
            .values_list("grade")
            .annotate(Count("pk"))
        ),
        "beacon_sheets": dict(
            proposals["Beacon Street Stack"]
            .versions.get()
            .reviews.values_list("status")
            .annotate(Count("pk"))
        ),
        "calls": sorted(
            [call.fr_citation, call.status, call.issued_on.isoformat(), call.due_on.isoformat()]
            for call in Call.objects.filter(status="closed")
        ),
        "open_calls": Call.objects.filter(status="issued").count(),
        "rows": {
            model._meta.label_lower: model._default_manager.count()
            for model in apps.get_models()
            if model._meta.label_lower not in SERVICE_TABLES
        },
        "is_sound": verification.is_sound,
        "misfits": [str(misfit) for misfit in verification.misfits[:3]],
        "events": verification.event_count,
        "receipts": Receipt.objects.count(),
        "mail_owed": Delivery.objects.filter(state="owed").count(),
        "addresses": list(User.objects.filter(is_service=False).values_list("email", flat=True)),
        "organizations": list(Organization.objects.values_list("legal_name", flat=True)),
    }


if __name__ == "__main__":
    json.dump(facts(), sys.stdout)
