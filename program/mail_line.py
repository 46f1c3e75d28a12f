"""One line to the mail server, for one message or for many."""

from __future__ import annotations

import re
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import TYPE_CHECKING, Any, Final

from django.core import mail
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

#: Mail servers end a line after some messages; ours is renewed before
MOST_MESSAGES: Final = 100


class ServerAway(SMTPException):
    """No line to the mail server could be opened: no other message would go either."""


class MailLine:
    """Opened when the first message goes, kept for the next ones, opened anew after it broke."""

    def __init__(self) -> None:
        self.backend: Any = mail.get_connection()
        self.count = 0
        self.is_away = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.count = 0
        self.backend.close()

    def hand_over(self, message: mail.EmailMultiAlternatives, *, note_sending: Callable[[], None]) -> None:
        """Give ``message`` to the mail server; ``note_sending`` is told when its outcome becomes uncertain.

        Raises ServerAway, or what ``smtplib`` raises; the line serves the next message in any case.
        """
        if not isinstance(self.backend, SmtpBackend):
            note_sending()
            self.backend.send_messages([message])
            return
        try:
            self._begin(message)
            note_sending()
            self._send(message)
        except (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError):
            self._reset()
            raise
        except BaseException:
            self.close()
            raise
        self.count += 1

    def _begin(self, message: mail.EmailMultiAlternatives) -> None:
        """Up to the text; a kept line that the server has closed meanwhile is opened anew."""
        if self.count >= MOST_MESSAGES:
            self.close()
        try:
            self._address(self._open(), message)
        except SMTPServerDisconnected:
            if not self.count:
                raise
            self.close()
            self._address(self._open(), message)

    def _open(self) -> Any:
        try:
            self.backend.open()
            if self.backend.connection is None:
                raise OSError("no line")
            self.backend.connection.ehlo_or_helo_if_needed()
        except (SMTPException, OSError) as error:
            self.close()
            self.is_away = True
            raise ServerAway(f"The mail server was not reached: {type(error).__name__}") from error
        return self.backend.connection

    @staticmethod
    def _address(smtp: Any, message: mail.EmailMultiAlternatives) -> None:
        code, answer = smtp.mail(envelope_address(message.from_email))
        if code != 250:
            raise SMTPSenderRefused(code, answer, message.from_email)
        for address in map(envelope_address, message.recipients()):
            code, answer = smtp.rcpt(address)
            if code not in (250, 251):
                raise SMTPRecipientsRefused({address: (code, answer)})
        code, answer = smtp.docmd("DATA")
        if code != 354:
            raise SMTPDataError(code, answer)

    def _send(self, message: mail.EmailMultiAlternatives) -> None:
        smtp: Any = self.backend.connection
        body = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
        text = re.sub(rb"(?m)^\.", b"..", body)
        smtp.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code, answer = smtp.getreply()
        if code != 250:
            raise SMTPDataError(code, answer)

    def _reset(self) -> None:
        """Forget the message that was refused; a server that does not answer to this gets a new line."""
        try:
            self.backend.connection.rset()
        except (SMTPException, OSError):
            self.close()


def envelope_address(header: str) -> str:
    """The bare address of ``Name <address>``, its domain in ASCII, as a mail server is told it."""
    return sanitize_address(header, "utf-8").rpartition("<")[2].rstrip(">")
