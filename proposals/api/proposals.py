"""Proposals as the person who asks may see them: the consortium's own, or the Government's by office."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import django_filters
from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from program.api.resources import MomentFilter, Resource
from program.transitions import available
from proposals.enums import ProposalStatus
from proposals.lifecycle import TRANSITIONS
from proposals.models import Proposal, Version

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


class ProposalFilter(django_filters.FilterSet):
    """What narrows the list of proposals."""

    status = django_filters.ChoiceFilter(choices=ProposalStatus.choices)
    call = django_filters.CharFilter(field_name="call__number", label="Number of the call.")
    number = django_filters.CharFilter(label="Number of the proposal.")
    submitted_from = MomentFilter(
        field_name="submitted_at", lookup_expr="gte", label="First submitted at this moment or later."
    )
    submitted_before = MomentFilter(
        field_name="submitted_at", lookup_expr="lt", label="First submitted before this moment."
    )

    class Meta:
        model = Proposal
        fields = ("status", "call", "number", "submitted_from", "submitted_before")


class ProposalRows(serializers.ListSerializer):
    """The rows of a page, of ``ROW``, as ``ProposalSerializer`` writes a record; a test holds the two equal.

    Records and fields by themselves would cost three times as much.
    """

    def to_representation(self, data: Any) -> list[dict[str, Any]]:
        zone = timezone.get_current_timezone()

        def said(at: datetime | None) -> str | None:
            return at.astimezone(zone).isoformat().replace("+00:00", "Z") if at else None

        return [
            {
                "id": row["pk"],
                "number": row["number"],
                "title": row["shown_title"],
                "status": row["status"],
                "call": row["call__number"],
                "consortium": row["consortium__name"],
                "version_count": row["version_count"],
                "submitted_at": said(row["submitted_at"]),
                "accepted_at": said(row["accepted_at"]),
                "updated_at": said(row["updated_at"]),
            }
            for row in data
        ]


ROW: Final = (
    "pk", "number", "shown_title", "status", "call__number", "consortium__name", "version_count",
    "submitted_at", "accepted_at", "updated_at",
)  # fmt: skip


class ProposalSerializer(serializers.ModelSerializer):
    """A proposal as a list shows it; a draft has neither number nor ``submitted_at``."""

    call = serializers.CharField(source="call.number", read_only=True)
    consortium = serializers.CharField(source="consortium.name", read_only=True)
    number = serializers.CharField(read_only=True, allow_null=True)
    title = serializers.CharField(
        source="shown_title",
        read_only=True,
        help_text="The working title for the consortium; for everybody else that of the last version.",
    )

    class Meta:
        model = Proposal
        list_serializer_class = ProposalRows
        fields: tuple[str, ...] = (
            "id",
            "number",
            "title",
            "status",
            "call",
            "consortium",
            "version_count",
            "submitted_at",
            "accepted_at",
            "updated_at",
        )
        read_only_fields = fields


class VersionSerializer(serializers.ModelSerializer):
    """A frozen version: when it was received, whether in time and by which rule, and its SHA-256."""

    class Meta:
        model = Version
        fields = ("number", "sha256", "received_at", "closes_at", "on_time", "on_time_rule")
        read_only_fields = fields


class ProposalDetailSerializer(ProposalSerializer):
    """A proposal with its versions and the acts that are open to the person who asks."""

    versions = VersionSerializer(many=True, read_only=True)
    closes_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Until when a version of it is taken; exclusive."
    )
    transitions = serializers.SerializerMethodField()

    class Meta(ProposalSerializer.Meta):
        fields = (*ProposalSerializer.Meta.fields, "cure_due_at", "closes_at", "versions", "transitions")
        read_only_fields = fields

    def get_transitions(self, proposal: Proposal) -> list[str]:
        return [act.name for act in available(TRANSITIONS, proposal, self.context["request"].user)]


@extend_schema_view(
    list=extend_schema(operation_id="proposals_list", summary="List proposals", tags=["proposals"]),
    retrieve=extend_schema(operation_id="proposals_read", summary="Read one proposal", tags=["proposals"]),
)
class ProposalViewSet(Resource):
    """Proposals; one that you may not see answers like one that does not exist."""

    filterset_class = ProposalFilter
    lookup_value_regex = "[0-9]{1,18}"
    queryset = Proposal.objects.none()

    def get_queryset(self) -> QuerySet[Any, Any]:
        user = self.request.user
        proposals = Proposal.objects.visible_to(user).titled_for(user)
        if self.action == "retrieve":
            versions = Version.objects.defer("package").order_by("-number")
            whole = proposals.select_related("call", "consortium")
            return whole.prefetch_related(Prefetch("versions", queryset=versions))
        return proposals.values(*ROW)

    def get_serializer_class(self) -> Any:
        return ProposalDetailSerializer if self.action == "retrieve" else ProposalSerializer
