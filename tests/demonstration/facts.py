"""What a demonstration's database holds, as JSON on standard output; run as a process of its own."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.db.models import Count  # noqa: E402

from program import audit  # noqa: E402
from program.models import Call, Delivery, Organization, User  # noqa: E402
from proposals.models import Proposal, Receipt  # noqa: E402

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


def facts():
    verification = audit.verify()
    proposals = {one.consortium.name: one for one in Proposal.objects.select_related("consortium")}
    return {
        "stages": {name: stage(one) for name, one in proposals.items()},
        "orchard": consultations(proposals["Orchard Bridge Alliance"]),
        "orchard_recusals": proposals["Orchard Bridge Alliance"].recusals.count(),
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
