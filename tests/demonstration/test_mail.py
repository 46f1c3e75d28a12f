"""The mail folder of the demonstration is read as the file-based backend writes it."""

from __future__ import annotations

import os

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from demonstration.mail import newest_mails


@pytest.fixture
def folder(settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


def send(subject, text, to="person@firm.example"):
    message = EmailMultiAlternatives(subject, text, to=[to], connection=get_connection())
    message.attach_alternative("<p>the other form</p>", "text/html")
    message.send()


def test_newest_mail_comes_first_with_its_text_part(folder):
    send("Grüße aus Nairobi", "Zażółć gęślą jaźń.\n\nhttps://portal.test/accounts/confirm-email/abc/")
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    send("Second", "The newer one.")
    mails = newest_mails(10)
    assert [mail.subject for mail in mails] == ["Second", "Grüße aus Nairobi"]
    assert mails[1].text == "Zażółć gęślą jaźń.\n\nhttps://portal.test/accounts/confirm-email/abc/"
    assert mails[1].to == "person@firm.example"
    assert mails[1].at is not None


def test_several_mails_of_one_connection_are_told_apart(folder):
    connection = get_connection()
    connection.open()
    connection.send_messages(
        [EmailMultiAlternatives(f"Mail {number}", "Text.", to=["a@firm.example"]) for number in (1, 2)]
    )
    connection.close()
    assert [mail.subject for mail in newest_mails(10)] == ["Mail 2", "Mail 1"]


def test_no_more_than_asked_and_nothing_without_a_folder(folder):
    assert newest_mails(10) == []
    for number in range(4):
        send(f"Mail {number}", "Text.")
    assert len(newest_mails(3)) == 3
