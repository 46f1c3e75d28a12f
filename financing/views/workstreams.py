"""The six responsibilities of s.4(c), partnerships and market barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from financing.forms import BarrierForm, PartnershipForm, WorkstreamForm
from financing.models import MarketBarrier, Partnership, Workstream
from financing.services import workstreams as services
from financing.views.doors import FORM, PAGE_SIZE, edag_desk
from financing.views.meetings import after
from program.order import implements
from program.requests import SignedInRequest
from program.revisions import StaleRevision

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.forms import ModelForm


@implements("s.4(c)", "s.4(c)(i)", "s.4(c)(ii)", "s.4(c)(iv)", "s.4(c)(vi)")
@edag_desk
@require_safe
def workstream_list(request: SignedInRequest) -> HttpResponse:
    """The six responsibilities, who leads each and where it stands."""
    rows = Workstream.objects.visible_to(request.user).select_related("lead", "lead_officer")
    facts = {
        "workstreams": rows.annotate(partnership_count=Count("partnerships")).order_by("sort_order"),
        "barrier_count": MarketBarrier.objects.visible_to(request.user).count(),
        "may_change": request.user.has_perm("financing.change_workstream"),
    }
    return render(request, "financing/workstream_list.html", facts)


@edag_desk
@require_http_methods(FORM)
def workstream_edit(request: SignedInRequest, code: str) -> HttpResponse:
    record = get_object_or_404(Workstream.objects.visible_to(request.user).select_related("lead"), code=code)
    _require(request, "financing.change_workstream")
    form = WorkstreamForm(request.POST or None, instance=record, initial={"revision": record.revision})

    def keep(values: dict[str, Any]) -> None:
        fresh = Workstream.objects.get(pk=record.pk)
        services.change_workstream(fresh, by=request.user, **values)

    return edit(
        request, form, keep, "financing:workstreams", "financing/workstream_form.html", workstream=record
    )


@implements("s.4(c)(iii)")
@edag_desk
@require_safe
def partnership_list(request: SignedInRequest) -> HttpResponse:
    rows = (
        Partnership.objects.visible_to(request.user)
        .select_related("workstream")
        .prefetch_related("countries")
    )
    facts = _page(request, rows) | {"may_change": request.user.has_perm("financing.change_partnership")}
    return render(request, "financing/partnership_list.html", facts)


@edag_desk
@require_http_methods(FORM)
def partnership_new(request: SignedInRequest) -> HttpResponse:
    _require(request, "financing.change_partnership")
    form = PartnershipForm(request.POST or None)
    return _edit_partnership(request, form, lambda: Partnership())


@edag_desk
@require_http_methods(FORM)
def partnership_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    record = get_object_or_404(Partnership.objects.visible_to(request.user), pk=pk)
    _require(request, "financing.change_partnership")
    form = PartnershipForm(request.POST or None, instance=record, initial={"revision": record.revision})
    return _edit_partnership(request, form, lambda: Partnership.objects.get(pk=pk))


def _edit_partnership(
    request: SignedInRequest, form: ModelForm, fetch: Callable[[], Partnership]
) -> HttpResponse:
    def keep(values: dict[str, Any]) -> None:
        services.keep_partnership(fetch(), by=request.user, **values)

    return edit(request, form, keep, "financing:partnerships", "financing/partnership_form.html")


@implements("s.4(c)(v)")
@edag_desk
@require_safe
def barrier_list(request: SignedInRequest) -> HttpResponse:
    rows = MarketBarrier.objects.visible_to(request.user).select_related("country")
    facts = _page(request, rows) | {"may_change": request.user.has_perm("financing.change_marketbarrier")}
    return render(request, "financing/barrier_list.html", facts)


@edag_desk
@require_http_methods(FORM)
def barrier_new(request: SignedInRequest) -> HttpResponse:
    _require(request, "financing.change_marketbarrier")
    return _edit_barrier(request, BarrierForm(request.POST or None), lambda: MarketBarrier())


@edag_desk
@require_http_methods(FORM)
def barrier_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    record = get_object_or_404(MarketBarrier.objects.visible_to(request.user), pk=pk)
    _require(request, "financing.change_marketbarrier")
    form = BarrierForm(request.POST or None, instance=record, initial={"revision": record.revision})
    return _edit_barrier(request, form, lambda: MarketBarrier.objects.get(pk=pk))


def _edit_barrier(
    request: SignedInRequest, form: ModelForm, fetch: Callable[[], MarketBarrier]
) -> HttpResponse:
    def keep(values: dict[str, Any]) -> None:
        services.keep_barrier(fetch(), by=request.user, **values)

    return edit(request, form, keep, "financing:barriers", "financing/barrier_form.html")


def _require(request: SignedInRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied("You may read this, not change it.")


def _page(request: SignedInRequest, rows: QuerySet) -> dict[str, Any]:
    start = after(request)
    page = list(rows[start : start + PAGE_SIZE + 1])
    return {"rows": page[:PAGE_SIZE], "next": f"?after={start + PAGE_SIZE}" if len(page) > PAGE_SIZE else ""}


def edit(
    request: SignedInRequest,
    form: ModelForm,
    keep: Callable[[dict[str, Any]], None],
    back: str,
    template: str,
    **facts: Any,
) -> HttpResponse:
    """Show the form; keep what is valid; answer a stale save with 409 and both texts."""
    status, theirs = 200, None
    if request.method == "POST":
        if not form.is_valid():
            status = 422
        else:
            try:
                keep(form.cleaned_data)
            except StaleRevision as refusal:
                status, theirs = 409, refusal
            else:
                messages.success(request, "Saved.")
                return redirect(back)
    facts |= {
        "form": form,
        "stale": theirs,
        "theirs": _texts(form, theirs),
        "is_new": form.instance.pk is None,
    }
    return render(request, template, facts, status=status)


def _texts(form: ModelForm, stale: StaleRevision | None) -> list[tuple[str, Any, Any]]:
    """Label, what was typed and what stands now, where the two differ."""
    if stale is None:
        return []
    pairs = []
    for name, field in form.fields.items():
        now = getattr(stale.record, name, None)
        if name in ("revision", "countries") or now == form.cleaned_data.get(name):
            continue
        pairs.append(
            (str(field.label or name.replace("_", " ").capitalize()), form.cleaned_data.get(name), now)
        )
    return pairs
