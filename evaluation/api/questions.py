"""What the Government asks a consortium, E.O. 14320 s.3(d): numbered, in rounds, each with its last day."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from evaluation.enums import InformationRequestStatus
from evaluation.models import InformationRequest
from evaluation.querysets.interests import owes_declaration
from program.api.resources import Resource


class InformationRequestFilter(django_filters.FilterSet):
    """What narrows the list of questions."""

    proposal = django_filters.NumberFilter(
        field_name="proposal", min_value=1, max_value=2**63 - 1, label="Id of the proposal."
    )
    round = django_filters.NumberFilter(min_value=1, max_value=2**15 - 1, label="Number of the round.")
    status = django_filters.ChoiceFilter(choices=InformationRequestStatus.choices)

    class Meta:
        model = InformationRequest
        fields = ("proposal", "round", "status")


class InformationRequestSerializer(serializers.ModelSerializer):
    """A question; ``rounds_allowed`` is what the call allows, and none where it sets no limit.

    Its answer is read on the page of the proposal, where each reading is recorded.
    """

    agency = serializers.CharField(source="agency.code")
    version = serializers.IntegerField(source="version.number")
    rounds_allowed = serializers.IntegerField(source="proposal.call.question_rounds", allow_null=True)

    class Meta:
        model = InformationRequest
        fields = (
            "id", "proposal", "version", "number", "round", "rounds_allowed", "status", "agency", "question",
            "asked_at", "due_at", "answered_at", "withdrawn_at",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(operation_id="questions_list", summary="List questions", tags=["questions"]),
    retrieve=extend_schema(operation_id="questions_read", summary="Read one question", tags=["questions"]),
)
class InformationRequestViewSet(Resource):
    """Questions about proposals that you may see; the consortium that answers reads its own."""

    filterset_class = InformationRequestFilter
    lookup_value_regex = "[0-9]{1,18}"
    queryset = InformationRequest.objects.none()

    def get_queryset(self) -> QuerySet[InformationRequest]:
        user = self.request.user
        rows = InformationRequest.objects.visible_to(user).filter(~owes_declaration(user, "proposal"))
        return (
            rows.select_related("agency", "proposal__call")
            .select_related("version")
            .defer("version__package")
        )

    def get_serializer_class(self) -> Any:
        return InformationRequestSerializer
