"""The log of mail at the desk: what went to whom, what did not, and the addresses it does not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, F, Q, Sum
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program import clock
from program.enums import DeliveryState
from program.forms import AddressFileForm, SuppressionForm
from program.models import UNDER_WAY, Delivery, Mailing, Spread, Subscription, Suppression
from program.notice_kinds import CATALOGUE
from program.notices import MANY
from program.querysets import LATE
from program.record_words import act_in_words
from program.requests import number_said
from program.services import mail, subscriptions
from program.transitions import NotReady
from program.views.catalogue import kinds_by_area

if TYPE_CHECKING:
    from django.http import HttpResponse

    from program.querysets import DeliveryQuerySet
    from program.requests import SignedInRequest

PAGE = 50
MAILINGS = 3


@require_safe
def delivery_list(request: SignedInRequest) -> HttpResponse:
    """Mail by state and kind, the newest first; for the Program office and auditors."""
    asked = filters_of(request)
    rows = chosen(request, asked)
    before = number_said(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("notice__recipient").with_suppression().order_by("-pk")[: PAGE + 1])
    given = {name: value for name, value in asked.items() if value}
    older = f"?{urlencode({**given, 'before': found[PAGE - 1].pk})}" if len(found) > PAGE else ""
    newest = f"?{urlencode(given)}" if before else ""
    context = {
        "deliveries": found[:PAGE],
        "mailings": mailings(),
        "asked": asked,
        "is_filtered": bool(given),
        "states": [*DeliveryState.choices, (LATE, "Owed for more than five minutes")],
        "areas": kinds_by_area(),
        "older": older,
        "newest": newest,
        "may_act": request.user.has_perm("program.send_again_delivery"),
        "resendable": mail.SENT_AGAIN,
    }
    return render(request, "program/desk/deliveries.html", context)


def filters_of(request: SignedInRequest) -> dict[str, str]:
    """What the page is asked to show; words that it does not know count as none."""
    if not request.user.has_perm("program.view_delivery"):
        raise Http404
    said = request.POST if request.method == "POST" else request.GET
    state, kind = said.get("state", ""), said.get("kind", "")
    return {
        "state": state if state in (*DeliveryState.values, LATE) else "",
        "kind": kind if kind in CATALOGUE else "",
    }


def chosen(request: SignedInRequest, asked: dict[str, str]) -> DeliveryQuerySet:
    rows: DeliveryQuerySet = Delivery.objects.visible_to(request.user)
    if asked["state"] == LATE:
        rows = rows.late(clock.instant())
    elif asked["state"]:
        rows = rows.filter(state=asked["state"])
    return rows.filter(notice__kind=asked["kind"]) if asked["kind"] else rows


def mailings() -> list[dict[str, Any]]:
    """The latest mass mailings of the Program's own events, but for drafts, with how far they are."""
    gone, shown = [DeliveryState.SENT, DeliveryState.GATHERED], Q(deliveries__notice__is_for_draft=False)
    latest = Mailing.objects.filter(event__subject_type__startswith="program.").order_by("-pk")
    rows = (
        Mailing.objects.filter(pk__in=latest.values("pk")[:MAILINGS])
        .order_by("-pk")
        .values("pk", act=F("event__act"), at=F("event__at"))
        .annotate(
            total=Count("deliveries", filter=shown),
            sent=Count("deliveries", filter=shown & Q(deliveries__state__in=gone)),
            waiting=Count("deliveries", filter=shown & Q(deliveries__state__in=UNDER_WAY)),
        )
    )
    left = Spread.objects.filter(mailing__in=[row["pk"] for row in rows], is_for_draft=False)
    unwritten = dict(left.values_list("mailing").annotate(left=Sum(F("total") - F("told"))).order_by())
    return [
        {
            **row,
            "what": act_in_words(row["act"]),
            "total": row["total"] + unwritten.get(row["pk"], 0),
            "waiting": row["waiting"] + unwritten.get(row["pk"], 0),
            "not_sent": row["total"] - row["sent"] - row["waiting"],
        }
        for row in rows
        if row["total"] + unwritten.get(row["pk"], 0) > MANY
    ]


@require_POST
def send_again(request: SignedInRequest) -> HttpResponse:
    """Send again one delivery, or all that the filters show."""
    asked = filters_of(request)
    rows = chosen(request, asked)
    if one := request.POST.get("delivery", ""):
        rows = rows.filter(pk=number_said(one) or 0)
        if not rows.exists():
            raise Http404
    try:
        count = mail.send_again(rows, by=request.user)
    except NotReady as refusal:
        messages.error(request, str(refusal))
    else:
        if count:
            messages.success(request, f"{count} message{'s' if count > 1 else ''} will be sent again.")
        else:
            messages.warning(request, "Nothing was sent again: somebody may have pressed before you.")
    given = urlencode({name: value for name, value in asked.items() if value})
    return redirect(f"{reverse('program:deliveries')}?{given}" if given else "program:deliveries")


@require_http_methods(["GET", "HEAD", "POST"])
def suppression_list(request: SignedInRequest) -> HttpResponse:
    """Addresses that mail does not reach, the newest first; the Program office adds to them."""
    if not request.user.has_perm("program.view_delivery"):
        raise Http404
    form = SuppressionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row = mail.suppress(by=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None if "__all__" in error.message_dict else "email", error.messages[0])
        else:
            messages.success(request, f"Nothing is mailed to {row.email} any more.")
            return redirect("program:suppressions")
    return suppressions_page(request, form, AddressFileForm())


def suppressions_page(
    request: SignedInRequest, form: SuppressionForm, file_form: AddressFileForm, imported: Any = None
) -> HttpResponse:
    rows = Suppression.objects.select_related("added_by").order_by("-pk")
    sought = request.GET.get("address", "").strip().lower()
    if sought:
        rows = rows.filter(email__contains=sought)
    before = number_said(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    given = {"address": sought} if sought else {}
    older = f"?{urlencode(given | {'before': str(found[PAGE - 1].pk)})}" if len(found) > PAGE else ""
    context = {
        "rows": found[:PAGE],
        "form": form,
        "file_form": file_form,
        "imported": imported,
        "sought": sought,
        "older": older,
        "newest": f"{request.path}?{urlencode(given)}" if before else "",
        "may_act": request.user.has_perm("program.change_suppression"),
    }
    status = 422 if form.errors or file_form.errors else 200
    return render(request, "program/desk/suppressions.html", context, status=status)


@require_POST
def suppression_import(request: SignedInRequest) -> HttpResponse:
    """Put the addresses of a file on the list, and say which rows hold none."""
    if not request.user.has_perm("program.view_delivery"):
        raise Http404
    form, imported = AddressFileForm(request.POST, request.FILES), None
    if form.is_valid():
        try:
            imported = mail.import_suppressions(form.cleaned_data["file"], by=request.user)
        except NotReady as refusal:
            form.add_error("file", str(refusal))
    return suppressions_page(request, SuppressionForm(), form, imported)


@require_POST
def suppression_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take one address off the list."""
    if not request.user.has_perm("program.view_delivery"):
        raise Http404
    row = get_object_or_404(Suppression, pk=pk)
    if mail.unsuppress(row, by=request.user):
        messages.success(request, f"{row.email} is mailed again from the next notice on.")
    else:
        messages.warning(request, f"Somebody took {row.email} off the list before you.")
    return redirect("program:suppressions")


@require_safe
def refusal_list(request: SignedInRequest) -> HttpResponse:
    """Addresses whose readers want no link to follow calls, the newest first."""
    if not request.user.has_perm("program.view_delivery"):
        raise Http404
    rows = Subscription.objects.refused().select_related("call").order_by("-pk")
    sought = request.GET.get("address", "").strip().lower()
    if sought:
        rows = rows.filter(email__contains=sought)
    before = number_said(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    given = {"address": sought} if sought else {}
    older = f"?{urlencode(given | {'before': str(found[PAGE - 1].pk)})}" if len(found) > PAGE else ""
    context = {
        "rows": found[:PAGE],
        "sought": sought,
        "older": older,
        "newest": f"{request.path}?{urlencode(given)}" if before else "",
        "may_act": request.user.has_perm("program.lift_refusal_subscription"),
    }
    return render(request, "program/desk/refusals.html", context)


@require_POST
def refusal_lift(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let one address be sent links again."""
    if not request.user.has_perm("program.view_delivery"):
        raise Http404
    row = get_object_or_404(Subscription.objects.refused(), pk=pk)
    if subscriptions.lift_refusal(row, by=request.user):
        messages.success(request, f"{row.email} can ask to follow calls again.")
    else:
        messages.warning(request, f"Somebody lifted it for {row.email} before you.")
    return redirect("program:refusals")
