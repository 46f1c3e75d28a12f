"""Public calls for proposals, E.O. 14320 s.3(b)-(c); drafts for the Program office only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from program import clock
from program.api.resources import Resource
from program.demanded import coming_under, demanded
from program.enums import CallStatus, CallType
from program.models import Agency, Amendment, Call, Criterion, Requirement

if TYPE_CHECKING:
    from django.db.models import QuerySet


class CallFilter(django_filters.FilterSet):
    """What narrows the list of calls."""

    status = django_filters.ChoiceFilter(choices=CallStatus.choices)
    call_type = django_filters.ChoiceFilter(choices=CallType.choices)
    is_open = django_filters.ChoiceFilter(
        choices=[("true", "Takes proposals now"), ("false", "Does not")],
        method="narrow_to_open",
        label="Whether the call takes proposals at this moment.",
    )

    class Meta:
        model = Call
        fields = ("status", "call_type", "is_open")

    def narrow_to_open(self, calls: QuerySet, name: str, value: str) -> QuerySet:
        open_now = Call.objects.open_at(clock.now()).values("pk")
        return calls.filter(pk__in=open_now) if value == "true" else calls.exclude(pk__in=open_now)


class CallSerializer(serializers.ModelSerializer):
    """A call as a list shows it; ``closes_at`` is exclusive."""

    class Meta:
        model = Call
        fields = (
            "number",
            "title",
            "call_type",
            "status",
            "summary",
            "issued_at",
            "due_on",
            "closes_at",
            "fr_citation",
        )
        read_only_fields = fields


class RequirementSerializer(serializers.ModelSerializer):
    choices = serializers.ListField(
        child=serializers.CharField(),
        source="offered",
        read_only=True,
        help_text="One of them is the answer.",
    )

    class Meta:
        model = Requirement
        fields = (
            "code", "title", "guidance", "clause", "is_mandatory", "evidence_type", "max_characters",
            "choices",
        )  # fmt: skip
        read_only_fields = fields


class CriterionSerializer(serializers.ModelSerializer):
    anchors = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="What values of the scale mean."
    )

    agencies: serializers.SlugRelatedField[Agency] = serializers.SlugRelatedField(
        slug_field="code",
        many=True,
        read_only=True,
        help_text="Whose reviewers alone score it; empty: those of every agency.",
    )

    class Meta:
        model = Criterion
        fields = (
            "code", "title", "guidance", "clause", "weight", "is_independent", "lowest", "highest", "anchors",
            "agencies",
        )  # fmt: skip
        read_only_fields = fields


class AmendedDemandSerializer(serializers.Serializer):
    """A requirement that an amendment added, changed, withdrew or left as it was after all, in words."""

    act = serializers.ChoiceField(["Added", "Changed", "Withdrawn", "Taken back"], read_only=True)
    code = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    before = serializers.CharField(read_only=True, help_text="Empty: nothing was demanded.")
    after = serializers.CharField(read_only=True, help_text="Empty: nothing is demanded.")


class AmendmentSerializer(serializers.ModelSerializer):
    demands = AmendedDemandSerializer(many=True, read_only=True)

    class Meta:
        model = Amendment
        fields = (
            "number", "kind", "summary", "reason", "legal_basis", "published_on", "effective_on",
            "due_on_before", "due_on_after", "warning", "demands",
        )  # fmt: skip
        read_only_fields = fields


class DemandChangeSerializer(serializers.Serializer):
    """A requirement that is new, changed or withdrawn."""

    act = serializers.ChoiceField(["New", "Changed", "Withdrawn"], read_only=True)
    before = RequirementSerializer(read_only=True, allow_null=True)
    after = RequirementSerializer(read_only=True, allow_null=True)


class ComingSerializer(serializers.Serializer):
    """What changes when a day begins in Washington."""

    day = serializers.DateField(read_only=True)
    changes = DemandChangeSerializer(many=True, read_only=True)


class CallDetailSerializer(serializers.ModelSerializer):
    """A call whole: its text, its clock with the rule, requirements, criteria and amendments."""

    requirements = serializers.SerializerMethodField(help_text="What it demands today.")
    coming_requirements = serializers.SerializerMethodField(
        help_text="What published amendments change on later days, the earliest first."
    )
    criteria = CriterionSerializer(many=True, read_only=True)
    amendments = AmendmentSerializer(many=True, read_only=True)

    class Meta:
        model = Call
        fields = (
            *CallSerializer.Meta.fields,
            "text",
            "day_90",
            "rule_text",
            "rule_citation",
            "control_number",
            "cure_days",
            "cure_unit",
            "us_content_presumption",
            "requirements",
            "coming_requirements",
            "criteria",
            "amendments",
        )
        read_only_fields = fields

    @extend_schema_field(RequirementSerializer(many=True))
    def get_requirements(self, call: Call) -> Any:
        return RequirementSerializer(demanded(call.requirements.all()), many=True).data

    @extend_schema_field(ComingSerializer(many=True))
    def get_coming_requirements(self, call: Call) -> Any:
        return ComingSerializer(coming_under(call), many=True).data


@extend_schema_view(
    list=extend_schema(operation_id="calls_list", summary="List calls for proposals", tags=["calls"]),
    retrieve=extend_schema(operation_id="calls_read", summary="Read one call", tags=["calls"]),
)
class CallViewSet(Resource):
    """Calls for proposals; no sign-in is needed."""

    permission_classes = (AllowAny,)
    filterset_class = CallFilter
    lookup_field = "number"
    lookup_value_regex = "[A-Za-z0-9-]{1,20}"
    queryset = Call.objects.none()

    def get_queryset(self) -> QuerySet[Call]:
        calls = Call.objects.visible_to(self.request.user)
        if self.action == "retrieve":
            return calls.prefetch_related("requirements", "criteria__agencies", "amendments")
        return calls.defer("text", "certification_text", "no_control_reason")

    def get_serializer_class(self) -> Any:
        return CallDetailSerializer if self.action == "retrieve" else CallSerializer
