"""The mails about signing in, in the portal's own words: what the library would send, said plainly.

One row for each mail that django-allauth can send; a test holds the table complete. ``program.sign_in``
renders them with ``templates/emails/sign_in.*`` as text and HTML, like every other mail of the portal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class SignInMail:
    """``text`` and ``after`` may name values in braces; ``link`` names the value that is the address.

    ``tells_of_change`` adds when and from where the account was changed, and what to do about it.
    """

    title: str
    text: str
    link: str = ""
    link_words: str = ""
    after: str = ""
    tells_of_change: bool = False


def changed(title: str, text: str) -> SignInMail:
    return SignInMail(title, text, tells_of_change=True)


CONFIRM: Final = SignInMail(
    "Confirm your e-mail address",
    "This address was given for an account of the {site_name}. Confirm that it is yours, then sign in.",
    "activate_url",
    "Confirm this address",
    "If you did not ask for an account, do nothing: without your confirmation it stays closed.",
)
RESET: Final = SignInMail(
    "Choose a new password",
    "A new password was asked for, for your account of the {site_name}.",
    "password_reset_url",
    "Choose a new password",
    "If you did not ask, do nothing: your password stays as it is.",
)

MAILS: Final[dict[str, SignInMail]] = {
    "account/email/email_confirmation": CONFIRM,
    "account/email/email_confirmation_signup": CONFIRM,
    "account/email/account_already_exists": SignInMail(
        "You have an account already",
        "An account was asked for with {email}. There is one already, so nothing was changed. If you have "
        "forgotten the password, choose a new one.",
        "password_reset_url",
        "Choose a new password",
        "If it was not you, do nothing.",
    ),
    "account/email/unknown_account": SignInMail(
        "There is no account with this address",
        "A new password was asked for with {email}, but no account has this address. You may "
        "have used another one, or you can create an account.",
        "signup_url",
        "Create an account",
        "If it was not you, do nothing.",
    ),
    "account/email/password_reset_key": RESET,
    "account/email/login_code": SignInMail(
        "Your code to sign in",
        "Type this code on the page that asks for it: {code}",
        after="If you are not signing in, do nothing.",
    ),
    "account/email/password_reset_code": SignInMail(
        "Your code to choose a new password",
        "Type this code on the page that asks for it: {code}",
        after="If you did not ask for it, do nothing.",
    ),
    "account/email/email_changed": changed(
        "Your e-mail address was changed", "You now sign in with {to_email} instead of {from_email}."
    ),
    "account/email/email_confirm": changed(
        "Your e-mail address is confirmed", "The e-mail address of your account is confirmed."
    ),
    "account/email/email_deleted": changed(
        "An e-mail address was removed", "{deleted_email} no longer belongs to your account."
    ),
    "account/email/password_changed": changed(
        "Your password was changed", "Your account has a new password."
    ),
    "account/email/password_reset": changed(
        "Your password was changed", "A new password was chosen with the link that we sent you."
    ),
    "account/email/password_set": changed("A password was set", "Your account now has a password."),
    "mfa/email/recovery_codes_generated": changed(
        "New recovery codes were made", "The recovery codes that you had before no longer work."
    ),
    "mfa/email/totp_activated": changed(
        "An authenticator app was added", "Your account now asks for a code of your authenticator app."
    ),
    "mfa/email/totp_deactivated": changed(
        "The authenticator app was removed", "Your account no longer asks for a code of an authenticator app."
    ),
    "mfa/email/webauthn_added": changed(
        "A security key was added", "You can now confirm with it that it is you who signs in."
    ),
    "mfa/email/webauthn_removed": changed(
        "A security key was removed", "It can no longer be used to sign in to your account."
    ),
    "socialaccount/email/account_connected": changed(
        "A way to sign in was added", "You can now sign in with {provider}."
    ),
    "socialaccount/email/account_disconnected": changed(
        "A way to sign in was removed", "You can no longer sign in with {provider}."
    ),
}


class Known(dict[str, object]):
    """The values of a mail; one that is missing is left out rather than breaking the mail."""

    def __missing__(self, key: str) -> str:
        return ""
