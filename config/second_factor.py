"""Nobody works in a government office, or signs for an anchor, without a second factor.

The demonstration leaves this out and says so on every page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from program.models import User
from program.sign_in import ASSURANCE
from proposals.enums import TeamRole
from proposals.models import TeamMember

if TYPE_CHECKING:
    from collections.abc import Callable

    GetResponse = Callable[[HttpRequest], HttpResponse]

VERIFIED = "second_factor_verified"
#: What a person without it may open: setting one up, using it, leaving.
ENROLMENT = (
    "/accounts/2fa/", "/accounts/reauthenticate/", "/accounts/login/", "/accounts/logout/",
    "/accounts/confirm-email/", "/accounts/oidc/", "/static/", "/healthz", "/readyz",
)  # fmt: skip


def second_factor(get_response: GetResponse) -> GetResponse:
    """Send who needs a second factor and has not used one to enrolment, and serve nothing else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.DEMONSTRATION or not request.user.is_authenticated or request.path.startswith(ENROLMENT):
            return get_response(request)
        if request.session.get(VERIFIED) == request.user.pk:
            return get_response(request)
        if was_used(request):
            request.session[VERIFIED] = request.user.pk
        elif is_needed(request.user):
            messages.warning(
                request,
                "Your office needs a second factor. Set one up, then sign in with it; nothing else is open.",
            )
            return redirect("mfa_index" if not is_mfa_enabled(request.user) else "mfa_reauthenticate")
        return get_response(request)

    return middleware


def is_needed(user: User) -> bool:
    """Whether ``user`` holds an office or is an authorized representative (one or two queries)."""
    return (
        user.is_government
        or TeamMember.objects.filter(
            user=user, role=TeamRole.AUTHORIZED_REPRESENTATIVE, removed_at=None
        ).exists()
    )


def was_used(request: HttpRequest) -> bool:
    """Whether this session was signed in with a second factor, ours or the identity provider's."""
    methods = {record.get("method") for record in get_authentication_records(request, request.user)}
    by_provider = bool(settings.LOGIN_GOV_ACR) and request.session.get(ASSURANCE) == settings.LOGIN_GOV_ACR
    return "mfa" in methods or ("socialaccount" in methods and by_provider)
