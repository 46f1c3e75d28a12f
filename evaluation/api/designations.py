"""Priority AI export packages, E.O. 14320 s.3(d): what was released, and more for those inside."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from evaluation.enums import AmendmentStatus, DesignationStatus
from evaluation.models import CatalogEntry, Designation, DesignationAmendment
from evaluation.terms import lines_of, public_lines
from evaluation.worldmap import places
from program.api.resources import Resource
from program.enums import StackLayer
from proposals.enums import Sector


class DesignationFilter(django_filters.FilterSet):
    """What narrows the list of designations; sector and market as released for the catalog."""

    status = django_filters.ChoiceFilter(choices=DesignationStatus.choices)
    sector = django_filters.ChoiceFilter(
        choices=Sector.choices, method="narrow_to_sector", label="Sector as released."
    )
    market = django_filters.CharFilter(
        method="narrow_to_market", max_length=30, label="Code of a released target market, such as KE."
    )

    class Meta:
        model = Designation
        fields = ("status", "sector", "market")

    def narrow_to_sector(self, designations: QuerySet, name: str, value: str) -> QuerySet:
        return designations.filter(_released() & Q(catalog_entry__sectors__contains=[value]))

    def narrow_to_market(self, designations: QuerySet, name: str, value: str) -> QuerySet:
        code = value.upper()
        where = "countries" if code in places() else "markets"
        shown = Q(
            catalog_entry__shows_markets=True, **{f"catalog_entry__{where}__contains": [{"code": code}]}
        )
        return designations.filter(_released() & shown)


def _released() -> Q:
    """Designations whose catalog entry everybody may see."""
    return Q(catalog_entry__in=CatalogEntry.objects.public())


class MarketSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()


class ReleasedSerializer(serializers.ModelSerializer):
    """What the anchor released: markets and members only where it said so."""

    layers = serializers.DictField(
        child=serializers.CharField(), help_text=f"By layer: {', '.join(StackLayer)}."
    )
    sectors = serializers.ListField(child=serializers.CharField())
    markets = serializers.SerializerMethodField()
    consortium = serializers.SerializerMethodField()
    members = serializers.SerializerMethodField()

    class Meta:
        model = CatalogEntry
        fields = ("title", "summary", "layers", "sectors", "markets", "consortium", "members", "released_at")
        read_only_fields = fields

    @extend_schema_field(MarketSerializer(many=True))
    def get_markets(self, entry: CatalogEntry) -> list[dict[str, str]]:
        rows = entry.markets if entry.shows_markets else []
        return [{"code": row.get("code", ""), "name": row.get("name", "")} for row in rows]

    def get_consortium(self, entry: CatalogEntry) -> str:
        return entry.consortium if entry.shows_consortium else ""

    def get_members(self, entry: CatalogEntry) -> list[str]:
        return [str(name) for name in entry.members] if entry.shows_members else []


class ChangeSerializer(serializers.Serializer):
    """One line of the difference: ``kind`` is last_day, condition, market or component."""

    kind = serializers.CharField()
    what = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class DesignationAmendmentSerializer(serializers.Serializer):
    """An announced amendment; those outside read it once it is in force, and of it what is public."""

    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=AmendmentStatus.choices)
    effective_on = serializers.DateField()
    changes = ChangeSerializer(many=True)


class DesignationSerializer(serializers.ModelSerializer):
    """A designation; ``proposal`` is an id for who may see it, ``released`` is what the catalog shows."""

    proposal = serializers.SerializerMethodField()
    amendments = serializers.SerializerMethodField()
    released = serializers.SerializerMethodField()

    class Meta:
        model = Designation
        fields = ("number", "status", "designated_at", "expires_on", "amendments", "proposal", "released")
        read_only_fields = fields

    def get_proposal(self, designation: Any) -> int | None:
        return designation.proposal_id if designation.seen_inside else None

    @extend_schema_field(DesignationAmendmentSerializer(many=True))
    def get_amendments(self, designation: Any) -> list[dict[str, Any]]:
        seen = designation.seen_inside
        return [
            {
                "number": row.number,
                "status": row.status,
                "effective_on": row.effective_on,
                "changes": lines_of(row)
                if seen
                else public_lines(row, shows_markets=designation.catalog_entry.shows_markets),
            }
            for row in designation.told_amendments
            if seen or row.status == AmendmentStatus.IN_FORCE
        ]

    @extend_schema_field(ReleasedSerializer(allow_null=True))
    def get_released(self, designation: Any) -> dict[str, Any] | None:
        return ReleasedSerializer(designation.catalog_entry).data if designation.is_released else None


@extend_schema_view(
    list=extend_schema(operation_id="designations_list", summary="List designations", tags=["designations"]),
    retrieve=extend_schema(
        operation_id="designations_read", summary="Read one designation", tags=["designations"]
    ),
)
class DesignationViewSet(Resource):
    """Designated packages; without sign-in the active ones that were released for the catalog."""

    permission_classes = (AllowAny,)
    filterset_class = DesignationFilter
    lookup_field = "number"
    lookup_value_regex = "[A-Za-z0-9-]{1,20}"
    queryset = Designation.objects.none()

    def get_queryset(self) -> QuerySet[Designation]:
        inside = Designation.objects.visible_to(self.request.user)
        entries = CatalogEntry.objects.public().filter(designation=OuterRef("pk"))
        return (
            Designation.objects.annotate(
                seen_inside=Exists(inside.filter(pk=OuterRef("pk"))), is_released=Exists(entries)
            )
            .filter(Q(seen_inside=True) | Q(is_released=True))
            .select_related("catalog_entry")
            .prefetch_related(
                Prefetch("amendments", DesignationAmendment.objects.told(), to_attr="told_amendments")
            )
        )

    def get_serializer_class(self) -> Any:
        return DesignationSerializer
