"""Organizations: register one, keep its facts, see who works for it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from program.forms import OrganizationForm
from program.models import Organization
from program.requests import SignedInRequest
from program.revisions import StaleRevision, revision_read
from program.services.organizations import update_organization
from program.services.people import register_organization


@require_safe
def organization_list(request: SignedInRequest) -> HttpResponse:
    """The organizations one works for."""
    places = request.user.affiliations.select_related("organization__headquartered_in").order_by(
        "organization__legal_name"
    )
    return render(request, "program/organizations.html", {"places": list(places)})


@require_http_methods(["GET", "HEAD", "POST"])
def organization_new(request: SignedInRequest) -> HttpResponse:
    """Register an organization; who does so becomes its administrator and goes on where they came from."""
    if request.user.is_government:
        raise PermissionDenied("Government offices do not register organizations.")
    form = OrganizationForm(request.POST or None)
    after = request.POST.get("next", request.GET.get("next", ""))
    if not url_has_allowed_host_and_scheme(after, allowed_hosts=None):
        after = ""
    if request.method == "POST" and form.is_valid():
        organization = register_organization(form.instance, by=request.user)
        messages.success(request, f"{organization} is registered. You are its administrator.")
        return redirect(after or reverse("program:organization", args=[organization.pk]))
    return render(request, "program/organization_new.html", {"form": form, "after": after})


@require_http_methods(["GET", "HEAD", "POST"])
def organization(request: SignedInRequest, pk: int) -> HttpResponse:
    """The facts of an organization; its administrators change them, colleagues and partners read them."""
    found = get_object_or_404(Organization.objects.visible_to(request.user), pk=pk)
    may_change = request.user.has_perm("program.change_organization", found)
    if request.method == "POST" and not may_change:
        raise PermissionDenied("Only an administrator of the organization may change its details.")
    form = OrganizationForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        revision = revision_read(request.POST.get("revision", ""))
        try:
            update_organization(found, by=request.user, revision=revision, values=changed)
        except StaleRevision as stale:
            return _conflict(request, form, stale)
        messages.success(
            request,
            "Saved. Drafts of your consortia show the new facts; submitted versions keep the old ones.",
        )
        return redirect("program:organization", pk)
    facts = {
        "organization": found,
        "revision": Organization.objects.values_list("revision", flat=True).get(pk=pk),
        "form": form,
        "may_change": may_change,
        "people": list(found.affiliations.select_related("user").order_by("user__name", "pk")),
    }
    return render(request, "program/organization.html", facts)


def _conflict(request: SignedInRequest, form: OrganizationForm, stale: StaleRevision) -> HttpResponse:
    """Both texts of every field that differs, and a choice: 409."""
    fresh = OrganizationForm(instance=stale.record)
    rows = []
    for field in form:
        theirs = str(fresh[field.name].value() or "")
        yours = str(field.value() or "") if field.name != "is_small_business" else str(bool(field.value()))
        theirs = theirs if field.name != "is_small_business" else str(bool(fresh[field.name].value()))
        if yours.replace("\r\n", "\n") != theirs:
            rows.append({"label": field.label, "yours": yours, "theirs": theirs})
    kept = [(name, value) for name in form.fields for value in request.POST.getlist(name)]
    facts = {"rows": rows, "kept": kept, "revision": stale.record.revision, "organization": stale.record}
    return render(request, "program/organization_conflict.html", facts, status=409)
