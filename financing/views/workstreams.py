"""The six responsibilities of s.4(c), partnerships and market barriers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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
from program.conflicts import conflict_of
from program.models import AuditEvent
from program.order import implements
from program.requests import SignedInRequest
from program.revisions import StaleRevision

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.forms import ModelForm

MOST = 30


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
    """Show the record with its history, and to who may change it the form.

    What is valid is kept; a stale save is answered with 409 and both texts.
    """
    status = 200
    permission = f"financing.change_{form.instance._meta.model_name}"
    if request.method == "POST":
        _require(request, permission)
        if not form.is_valid():
            status = 422
        else:
            try:
                keep(form.cleaned_data)
            except StaleRevision as refusal:
                status = 409
                facts |= conflict_of(form, refusal)
            else:
                messages.success(request, "Saved.")
                return redirect(back)
    facts |= {
        "form": form,
        "is_new": form.instance.pk is None,
        "may_change": request.user.has_perm(permission),
        "record": Record(form),
    }
    return render(request, template, facts, status=status)


@dataclass(frozen=True)
class Record:
    """What is on file, in words, and how it came to be."""

    form: ModelForm

    @cached_property
    def kept(self) -> Any:
        """The record as it stands, whatever was typed."""
        instance = self.form.instance
        return type(instance)._base_manager.get(pk=instance.pk) if instance.pk else instance

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Label and words of each field that the form has."""
        names = [name for name in self.form.fields if name != "revision"]
        return [(str(self.form[name].label), self._words(name)) for name in names]

    def _words(self, name: str) -> str:
        value = getattr(self.kept, name)
        if hasattr(value, "all"):
            return ", ".join(map(str, value.all()))
        display = getattr(self.kept, f"get_{name}_display", None)
        return str((display() if display else value) or "")

    @property
    def history(self) -> list[Change]:
        """What happened to it, the latest first."""
        events = AuditEvent.objects.of(self.kept).select_related("actor")
        return [Change(event, self.kept) for event in events.reverse()[:MOST]]


@dataclass(frozen=True)
class Change:
    """One event of the record, with the fields that it changed."""

    event: AuditEvent
    record: Any

    @property
    def words(self) -> str:
        return "Entered" if self.event.act.endswith(".enter") else "Changed"

    @property
    def fields(self) -> list[tuple[str, str, str]]:
        """Label, what stood before and what stood after, of each field that changed."""
        body = self.event.said
        before, after = body["before"] or {}, body["after"] or {}
        return [
            (*self._named(name, old), self._named(name, after.get(name, ""))[1])
            for name, old in before.items()
        ]

    def _named(self, name: str, value: str) -> tuple[str, str]:
        field = self.record._meta.get_field(name)
        words = dict(getattr(field, "flatchoices", ())).get(value, value)
        return str(field.verbose_name).capitalize(), str(words)
