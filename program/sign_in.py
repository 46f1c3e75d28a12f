"""How people sign in: our words on top of django-allauth, and Login.gov as an identity provider."""

from __future__ import annotations

import logging
import time
from smtplib import SMTPRecipientsRefused
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import filter_users_by_email
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMultiAlternatives
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse

from program import audit
from program.middleware import STARTED
from program.notices import is_gone, is_suppressed
from program.refusals import record_failed_sign_in
from program.requests import client_address
from program.sign_in_mail import MAILS, Known

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialLogin
    from django.core.mail import EmailMessage
    from django.http import HttpRequest

    from program.models import User

logger = logging.getLogger(__name__)
ASSURANCE = "identity_assurance"
#: What the page says where nothing is mailed
NOT_DELIVERED: Final = (
    "Nothing was sent: mail to {email} is not delivered. Its mail server has refused it, or the Program "
    "office has put it on its list. Write to {support}. Once it is off the list, ask again here."
)
REFUSED: Final = (
    "Nothing was sent: the mail server refused {email}. Look whether the address is written rightly. If it "
    "is, write to {support}."
)
REFUSED_FOR_NOW: Final = (
    "Nothing was sent: the mail server did not take mail to {email} just now. Try again in a few minutes. "
    "If that does not help, write to {support}."
)
NO_ANSWER: Final = "Our mail server did not answer, so nothing was sent. Try again in a few minutes."


class NameForm(forms.Form):
    """What sign-up asks beyond e-mail address and password."""

    name = forms.CharField(
        label="Full name", max_length=200, widget=forms.TextInput({"autocomplete": "name"})
    )
    title = forms.CharField(
        label="Job title",
        max_length=200,
        required=False,
        widget=forms.TextInput({"autocomplete": "organization-title"}),
    )
    field_order = ("name", "title", "email", "password1", "password2")

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name, user.title = self.cleaned_data["name"], self.cleaned_data["title"]
        user.save(update_fields=["name", "title", "updated_at"])


class AccountAdapter(DefaultAccountAdapter):
    """Addresses are folded, links come from the portal's own address, mail never breaks a request."""

    def clean_email(self, email: str) -> str:
        return str(super().clean_email(email)).strip().lower()

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Wrong passwords count for the person at this address: nobody locks another out from elsewhere."""
        key = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{key}:{client_address(request)}"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return settings.SITE_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def get_reset_password_from_key_url(self, key: str) -> str:
        user, _, token = key.partition("-")
        return settings.SITE_URL + reverse("account_reset_password_from_key", args=[user, token])

    def format_email_subject(self, subject: str) -> str:
        prefix = "[Demonstration] " if settings.DEMONSTRATION else ""
        return prefix + " ".join(subject.split())

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        """The mail in our words, text and HTML; the library's own template where we have none."""
        if (written := MAILS.get(template_prefix)) is None:
            return super().render_mail(template_prefix, email, context, headers)
        values = {**context, "email": email, "site_name": settings.SITE_NAME}
        facts = {
            **values,
            "mail": written,
            "text": written.text.format_map(Known(values)),
            "link": context.get(written.link, ""),
            "support_email": settings.SUPPORT_EMAIL,
            "is_demonstration": settings.DEMONSTRATION,
        }
        to = [email] if isinstance(email, str) else email
        message = EmailMultiAlternatives(
            self.format_email_subject(written.title),
            render_to_string("emails/sign_in.txt", facts).strip(),
            self.get_from_email(),
            to,
            headers=headers,
        )
        message.attach_alternative(render_to_string("emails/sign_in.html", facts), "text/html")
        return message

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send it, or say on the page why it was not; nothing is sent to an address that mail does not reach.

        What the page says is the same whether the address has an account or not.
        """
        request = context.get("request")
        if is_suppressed(email):
            logger.warning("Sign-in mail was not sent: suppressed.", extra={"template": template_prefix})
            if request is not None:
                messages.error(request, NOT_DELIVERED.format(email=email, support=settings.SUPPORT_EMAIL))
            return
        site = SimpleNamespace(name=settings.SITE_NAME, domain=urlsplit(settings.SITE_URL).netloc)
        try:
            super().send_mail(template_prefix, email, {**context, "current_site": site})
        except OSError as error:
            facts = {"template": template_prefix, "error": type(error).__name__}
            logger.error("Sign-in mail was not sent.", extra=facts)
            if request is not None:
                said = why_not_sent(error).format(email=email, support=settings.SUPPORT_EMAIL)
                messages.error(request, said)


def why_not_sent(error: OSError) -> str:
    """What the page says of a mail that did not go: an address that was refused is no server that is away."""
    if not isinstance(error, SMTPRecipientsRefused):
        return NO_ANSWER
    ((code, answer),) = error.recipients.values()
    return REFUSED if is_gone(code, f"{code} {answer.decode('utf-8', 'replace')}") else REFUSED_FOR_NOW


class MFAAdapter(DefaultMFAAdapter):
    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity = super().get_public_key_credential_rp_entity()
        return {**entity, "name": settings.SITE_NAME}


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Accounts are told apart by issuer and subject; the level of assurance is checked, not assumed."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        claims = sociallogin.account.extra_data
        acr = (claims.get("id_token") or {}).get("acr") or (claims.get("userinfo") or {}).get("acr") or ""
        if settings.LOGIN_GOV_ACR and acr != settings.LOGIN_GOV_ACR:
            messages.error(
                request,
                "Your identity provider did not confirm a second factor. Sign in there with two factors.",
            )
            raise ImmediateHttpResponse(redirect(settings.LOGIN_URL))
        request.session[ASSURANCE] = acr

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        claims = sociallogin.account.extra_data.get("userinfo") or sociallogin.account.extra_data
        full = " ".join(filter(None, [claims.get("given_name"), claims.get("family_name")]))
        user.email = (user.email or "").strip().lower()
        user.name = (claims.get("name") or full or user.email.partition("@")[0])[:200]
        return user


def name_for_lockout(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Whose failed sign-ins are counted: the address as typed, folded."""
    typed = (credentials or {}).get("email") or request.POST.get("login") or ""
    return str(typed).strip().lower()


def record_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Put a sign-in on the record of the person, and let the session's twelve hours begin."""
    request.session[STARTED] = int(time.time())
    audit.record(user, "user.sign_in", by=user, after={"address": client_address(request)})


def record_sign_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Put a sign-out on the record of the person."""
    if user is not None:
        audit.record(user, "user.sign_out", by=user)


def record_wrong_password(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Put a wrong password on the record of the person whose account it was for, while it is not locked.

    Of an address that belongs to nobody the log alone knows.
    """
    if request is None or not AxesProxyHandler.is_allowed(request, credentials):
        return
    for person in filter_users_by_email(name_for_lockout(request, credentials), prefer_verified=True)[:1]:
        record_failed_sign_in(person, address=client_address(request), step="password")


def record_wrong_code(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Put a wrong one-time or recovery code on the record of the person whose password was right."""
    record_failed_sign_in(user, address=client_address(request), step="second factor")


def client_for_log(username: str, ip_address: str, user_agent: str, path_info: Any, request: Any) -> str:
    """Who failed to sign in, as the log says it: from where, not by which e-mail address."""
    return ip_address or "an unknown address"
