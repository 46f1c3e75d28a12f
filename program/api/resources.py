"""What every resource of the API shares: who asks, declared filters, keyset pages, the form of errors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django_filters import IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import authentication, serializers, throttling
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.viewsets import ReadOnlyModelViewSet

from program.limits import count_use
from program.transitions import TooMany

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rest_framework.pagination import Cursor
    from rest_framework.request import Request
    from rest_framework.views import APIView

PROBLEM_JSON = "application/problem+json"
KEY = re.compile(r"[0-9]{1,18}", re.ASCII)
CURSOR = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)


class SessionAuthentication(authentication.SessionAuthentication):
    """The portal's own session; who is not signed in is told so with 401."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="portal"'


class SessionScheme(OpenApiAuthenticationExtension):
    """How the schema names the portal's session."""

    target_class = "program.api.resources.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class KeysetPagination(CursorPagination):
    """Pages by the key of the last row, newest first: no page costs more than the first."""

    ordering = "-pk"
    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"
    page_size_query_description = "Rows on a page, 1 to 100."

    def get_page_size(self, request: Request) -> int:
        asked = str(request.query_params.get("page_size", self.page_size))
        if not KEY.fullmatch(str(asked)) or not 1 <= int(asked) <= self.max_page_size:
            raise ValidationError({"page_size": ["Give a whole number from 1 to 100."]})
        return int(asked)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for row in parameters:
            if row["name"] == self.page_size_query_param:
                row["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return parameters

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor that a page before gave; a made-up one is refused, never carried to the database."""
        refusal = ValidationError({"cursor": ["Use a cursor from the “next” or “previous” of a page."]})
        if not CURSOR.fullmatch(str(request.query_params.get("cursor", ""))):
            raise refusal
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise refusal from error
        if cursor and cursor.position is not None and not KEY.fullmatch(str(cursor.position)):
            raise refusal
        return cursor


class MomentField(IsoDateTimeField):
    """A moment with any offset, carried on in UTC: PostgreSQL knows offsets below 16 hours only."""

    def clean(self, value: Any) -> datetime | None:
        moment: datetime | None = super().clean(value)
        try:
            return moment.astimezone(UTC) if moment else None
        except OverflowError as error:
            raise forms.ValidationError("This moment lies beyond the calendar.") from error


class MomentFilter(IsoDateTimeFilter):
    """A filter by a moment, ISO 8601."""

    field_class = MomentField


class DeclaredFilters(DjangoFilterBackend):
    """Filters as each resource declares them; an unknown one is refused with 400, not ignored."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        refuse_unknown(request, self.declared(view))
        return super().filter_queryset(request, queryset, view)

    @staticmethod
    def declared(view: Any) -> set[str]:
        if view.action != "list":
            return set()
        filters = view.filterset_class.base_filters if view.filterset_class else ()
        return {*filters, "cursor", "page_size"}

    def get_filterset_class(self, view: Any, queryset: QuerySet | None = None) -> Any:
        """A single record is found by its address alone."""
        return super().get_filterset_class(view, queryset) if view.action == "list" else None


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """Raise ValidationError for query parameters that are not ``known`` or say nothing."""
    names, wrong = set(known), {}
    allowed = f"Known here: {', '.join(sorted(names))}." if names else "None is known here."
    for name, values in request.query_params.lists():
        if name not in names:
            wrong[name] = [f"This parameter is not known. {allowed}"]
        elif len(values) > 1 or not values[0].strip():
            wrong[name] = ["Give one value, or leave the parameter out."]
    if wrong:
        raise ValidationError(wrong)


class ProblemSerializer(serializers.Serializer):
    """One thing that is wrong, with the clause that demands it."""

    code = serializers.CharField()
    field = serializers.CharField(allow_blank=True)
    message = serializers.CharField()
    clause = serializers.CharField(allow_blank=True)


class ProblemDetailsSerializer(serializers.Serializer):
    """An error, RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField()
    problems = ProblemSerializer(many=True)


class ResourceSchema(AutoSchema):
    """Says of each operation which errors it answers, all as problem details."""

    errors: ClassVar[dict[str, str]] = {
        "400": "A parameter is unknown or wrong.",
        "401": "Nobody is signed in.",
        "403": "This is not yours to do.",
        "404": "There is no such record that you may see.",
        "429": "Too many requests: wait as many seconds as Retry-After says.",
        "503": "Try again later.",
    }

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for code, words in self.errors.items():
            answer = self._get_response_for_code(ProblemDetailsSerializer, code, media_types=[PROBLEM_JSON])
            bodies.setdefault(code, {**answer, "description": words})
        return bodies


class OneOfMany(throttling.BaseThrottle):
    """Counts requests to the API by person, or by address of who is not signed in."""

    seconds = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            count_use(request, "api")
        except TooMany as refusal:
            self.seconds = refusal.seconds
            return False
        return True

    def wait(self) -> float:
        return self.seconds - 1


class Resource(ReadOnlyModelViewSet):
    """Lists and single records, read-only; each resource begins at ``visible_to`` the person who asks."""

    authentication_classes = (SessionAuthentication,)
    throttle_classes = (OneOfMany,)
    pagination_class = KeysetPagination
    filter_backends = (DeclaredFilters,)
    filterset_class: Any = None
    schema = ResourceSchema()
