"""The API under ``/api/v1/``: its router, its one form of errors, its schema and its reference page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.exceptions import ValidationError as ModelError
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, re_path
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import set_rollback

from config.api_reference import Reference, reference_of
from evaluation.api.designations import DesignationViewSet
from evaluation.api.questions import InformationRequestViewSet
from program.api.calls import CallViewSet
from program.api.resources import PROBLEM_JSON
from program.refusals import record_refusal
from program.request_context import request_id
from program.revisions import StaleRevision
from program.transitions import NotReady, Problem, WrongStatus
from proposals.api.proposals import ProposalViewSet

logger = logging.getLogger(__name__)
TITLES = {
    400: "The request is not understood",
    401: "Sign in first",
    403: "This is not yours to do",
    404: "There is no such record",
    405: "This method is not offered here",
    406: "This format is not offered",
    409: "Somebody acted before you",
    415: "This format is not read",
    422: "Not ready",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Try again later",
}


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to any error of a resource: problem details of RFC 9457, nothing internal in them."""
    code, detail, problems, headers = _read(error)
    if code == 500:
        logger.exception("A resource of the API failed.", exc_info=error)
        got_request_exception.send(sender=None, request=context.get("request"))
    set_rollback()
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied) and (
        request := context.get("request")
    ):
        record_refusal(request, str(error))
    return Response(
        problem_of(code, detail, problems), status=code, headers=headers, content_type=PROBLEM_JSON
    )


def problem_of(code: int, detail: str, problems: list[dict[str, str]]) -> dict[str, Any]:
    """The body of an error; ``type`` leads to its words on the reference page."""
    return {
        "type": f"/api/v1/docs/#problem-{code}",
        "title": TITLES.get(code, "Error"),
        "status": code,
        "detail": detail,
        "request_id": request_id.get(),
        "problems": problems,
    }


Reading = tuple[int, str, list[dict[str, str]], dict[str, str]]


def _read(error: Exception) -> Reading:
    """Status, words, problems and headers of an error; one that nobody foresaw is 500 without its text."""
    match error:
        case NotReady():
            return 422, str(error), [_said(problem) for problem in error.problems], {}
        case WrongStatus() | StaleRevision():
            return 409, str(error), [], {}
        case PermissionDenied():
            return 403, "You may not do this.", [], {}
        case Http404() | ObjectDoesNotExist():
            return 404, "There is no such record that you may see.", [], {}
        case ModelError():
            return 400, "Some fields are wrong.", list(_of_fields(_messages(error))), {}
        case exceptions.ValidationError():
            return 400, "Some parameters are wrong.", list(_of_fields(error.detail)), {}
        case exceptions.NotFound():
            return 404, "There is no such record that you may see.", [], {}
        case exceptions.APIException():
            wait = getattr(error, "wait", None)
            headers = {"WWW-Authenticate": header} if (header := getattr(error, "auth_header", None)) else {}
            if wait is not None:
                headers["Retry-After"] = str(int(wait) + 1)
            return error.status_code, str(error.detail), [], headers
        case OperationalError():
            logger.warning("The database did not answer in time.", extra={"error": repr(error)})
            return 503, "The portal is busy. Nothing was changed.", [], {"Retry-After": "5"}
    return 500, "It was noted. Nothing was changed.", [], {}


def _said(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "field": problem.field,
        "message": problem.message,
        "clause": problem.clause,
    }


def _messages(error: ModelError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"": list(error.messages)}


def _of_fields(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Flatten nested messages: ``{"a": {"b": [...]}}`` is a problem of the field ``a.b``."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _of_fields(inner, ".".join(filter(None, [field, str(name)])))
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from _of_fields(inner, field)
    else:
        shown = "" if field == "non_field_errors" else field
        yield {
            "code": getattr(detail, "code", "invalid"),
            "field": shown,
            "message": str(detail),
            "clause": "",
        }


router = SimpleRouter()
router.register("calls", CallViewSet, basename="api-call")
router.register("proposals", ProposalViewSet, basename="api-proposal")
router.register("designations", DesignationViewSet, basename="api-designation")
router.register("questions", InformationRequestViewSet, basename="api-question")


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document; the same for everybody and for the life of the process."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


@cache
def reference() -> Reference:
    """The reference page's values, read once."""
    return reference_of(document())


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document as JSON."""
    return JsonResponse(document(), json_dumps_params={"ensure_ascii": False})


@login_not_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The reference page, made here: no script, no other host."""
    return render(request, "api/reference.html", {"reference": reference(), "errors": TITLES.items()})


@login_not_required
def absent(request: HttpRequest) -> HttpResponse:
    """Whatever else is asked for under the API's address."""
    body = problem_of(404, "There is nothing at this address.", [])
    return JsonResponse(body, status=404, content_type=PROBLEM_JSON)


urlpatterns = [
    path("schema/", schema, name="api-schema"),
    path("docs/", docs, name="api-docs"),
    *router.urls,
    re_path(r"^[\s\S]*/$", absent, name="api-absent"),
    path("", absent, name="api-root"),
]
