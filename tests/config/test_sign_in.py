from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import allauth
import pytest
import requests
import time_machine
from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from program.enums import OfficeRole
from program.middleware import STARTED
from program.models import AuditEvent, Suppression, User
from program.refusals import MOST_IN_AN_HOUR
from program.requests import client_address
from program.sign_in_mail import MAILS
from tests.config.identity_provider import CLIENT, identity_provider
from tests.factories.program import OfficeFactory, UserFactory, officer
from tests.factories.proposals import ConsortiumFactory
from tests.processes import free_port, mail_server

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
AAL2 = "http://idmanagement.gov/ns/assurance/aal/2"


@pytest.fixture(autouse=True)
def no_rate_limits_left_over():
    cache.clear()


def sign_in(client, person, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": person.email, "password": password})


def current_code(secret):
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def test_every_mail_that_the_library_can_send_has_our_words():
    folder = Path(allauth.__file__).parent / "templates"
    sent = {
        str(file.relative_to(folder)).removesuffix("_subject.txt")
        for file in folder.glob("*/email/*_subject.txt")
    }
    assert sent
    assert sent == set(MAILS)


@pytest.mark.parametrize(
    ("refusal", "said", "unsaid"),
    [
        ("550 No such person", "refused known@firm.example", "did not"),
        ("550 5.7.1 Relaying denied", "did not take mail to known@firm.example just now", "refused"),
        ("451 Try again later", "did not take mail to known@firm.example just now", "refused"),
        ("", "Our mail server did not answer", "known@firm.example"),
    ],
)
def test_refused_address_reads_as_refused_and_not_as_a_server_that_is_away(
    client, settings, refusal, said, unsaid
):
    UserFactory(email="known@firm.example")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = server.hostname, server.port, 2
        server.refuses, server.refusal = {"known@firm.example"}, refusal
        if not refusal:
            settings.EMAIL_PORT = free_port()
        reset = reverse("account_reset_password")
        page = client.post(reset, {"email": "known@firm.example"}, follow=True)
        (told,) = [str(message) for message in page.context["messages"]]
        assert said in told and unsaid not in told


@pytest.mark.parametrize("prefix", MAILS)
def test_sign_in_mail_is_text_and_html_in_our_words(prefix, rf):
    values = {
        name: f"https://portal.test/{name}/" for name in ("activate_url", "password_reset_url", "signup_url")
    }
    values |= {
        name: f"the {name}" for name in ("code", "to_email", "from_email", "deleted_email", "provider")
    }
    values |= {"timestamp": datetime(2026, 7, 1, 18, 5, tzinfo=UTC), "ip": "192.0.2.7", "user_agent": "<b>"}
    written = MAILS[prefix]
    message = get_adapter().render_mail(prefix, "ada@firm.example", values)
    (page, kind), text = message.alternatives[0], message.body
    assert (message.subject, kind) == (written.title, "text/html")
    for body in (text, re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)):
        assert written.title in body
        assert settings.SITE_NAME in body
        assert written.after in body
        assert not re.search(r"example\.com|Hello from|[{}]|None", body)
        assert (values.get(written.link) or written.title) in body
        assert ("July 1, 2026, 2:05 p.m. Washington time" in body) == written.tells_of_change
    assert "<b>" not in page


@pytest.mark.parametrize("has_account", [False, True])
def test_nothing_is_mailed_to_an_address_that_mail_does_not_reach_and_the_page_says_so(client, has_account):
    if has_account:
        UserFactory(email="known@firm.example")
    row = Suppression.objects.create(email="known@firm.example", cause="bounced", added_by=UserFactory())
    asked = {"path": reverse("account_reset_password"), "data": {"email": "Known@firm.example"}}
    page = client.post(**asked, follow=True)
    assert mail.outbox == []
    assert "mail to known@firm.example is not delivered" in page.text and settings.SUPPORT_EMAIL in page.text
    row.delete()
    cache.clear()
    page = client.post(**asked, follow=True)
    assert [message.to for message in mail.outbox] == [["known@firm.example"]]
    assert "is not delivered" not in page.text


class TestAccount:
    def test_sign_up_is_open_only_after_the_address_is_verified(self, client):
        answer = client.post(
            reverse("account_signup"),
            {
                "name": "Rosa New",
                "title": "Counsel",
                "email": "Rosa@Firm.Example",
                "password1": PASSWORD,
                "password2": PASSWORD,
            },
        )
        assert answer.status_code == 302, answer.context["form"].errors
        person = User.objects.get(email="rosa@firm.example")
        assert (person.name, person.title) == ("Rosa New", "Counsel")
        assert "_auth_user_id" not in client.session
        link = re.search(r"https://portal\.test(/\S+)", mail.outbox[0].body)[1]
        client.get(link)
        assert not person.emailaddress_set.get().verified
        client.post(link)
        assert person.emailaddress_set.get().verified
        assert sign_in(client, person).status_code == 302

    def test_forged_host_does_not_change_links(self, client):
        UserFactory(email="known@firm.example")
        client.post(
            reverse("account_reset_password"), {"email": "known@firm.example"}, HTTP_HOST="testserver"
        )
        assert "https://portal.test/" in mail.outbox[0].body
        assert "testserver" not in mail.outbox[0].body

    @pytest.mark.parametrize("password", ["short one", "AI Exports Program 14320", "x" * 129])
    def test_weak_password_is_refused_with_words(self, client, password):
        answer = client.post(
            reverse("account_signup"),
            {"name": "R", "email": "r@firm.example", "password1": password, "password2": password},
        )
        assert answer.status_code == 200
        assert answer.context["form"].errors["password1"]
        assert not User.objects.filter(email="r@firm.example").exists()

    def test_address_letter_case_does_not_matter(self, client):
        person = UserFactory(email="ada@firm.example")
        client.post(reverse("account_login"), {"login": "ADA@Firm.example", "password": PASSWORD})
        assert client.session["_auth_user_id"] == str(person.pk)

    def test_unknown_address_and_wrong_password_read_alike(self, client):
        person = UserFactory()
        wrong = sign_in(client, person, "wrong wrong wrong wrong")
        unknown = client.post(
            reverse("account_login"), {"login": "nobody@firm.example", "password": PASSWORD}
        )
        assert wrong.status_code == unknown.status_code == 200
        assert wrong.context["form"].errors == unknown.context["form"].errors

    def test_sign_in_is_on_the_record(self, client):
        person = UserFactory()
        sign_in(client, person)
        assert [event.act for event in AuditEvent.objects.of(person)] == ["user.sign_in"]

    def test_wrong_password_is_on_the_record_until_the_lock(self, client):
        person = UserFactory()
        for _ in range(8):
            client.post(
                reverse("account_login"),
                {"login": person.email.upper(), "password": "wrong wrong wrong wrong"},
            )
        events = AuditEvent.objects.of(person)
        assert [event.act for event in events] == ["user.sign_in_failed"] * 5
        said = json.loads(events[0].body)
        assert said["after"] == {"address": "127.0.0.1", "step": "password"}
        assert "Whoever it was" in said["note"]

    def test_wrong_second_factor_is_on_the_record(self, client):
        person = officer()
        TOTP.activate(person, generate_totp_secret())
        sign_in(client, person)
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
        (event,) = AuditEvent.objects.of(person)
        assert event.act == "user.sign_in_failed"
        assert json.loads(event.body)["after"] == {"address": "127.0.0.1", "step": "second factor"}

    def test_strangers_at_many_addresses_do_not_fill_a_record(self):
        person = UserFactory()
        for number in range(MOST_IN_AN_HOUR + 5):
            sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), person, "wrong wrong wrong wrong")
        events = AuditEvent.objects.of(person)
        assert len(events) == MOST_IN_AN_HOUR
        assert ["in the log alone" in event.body for event in events] == [False] * 19 + [True]

    def test_address_of_nobody_leaves_nothing_on_the_record(self, client):
        values = {"login": "nobody@firm.example", "password": PASSWORD}
        client.post(reverse("account_login"), values)
        client.post(reverse("account_login"), values | {"login": "' OR 1=1"})
        assert not AuditEvent.objects.exists()

    def test_closed_account_is_out_with_the_next_request(self, client):
        person = UserFactory()
        client.force_login(person)
        User.objects.filter(pk=person.pk).update(is_active=False)
        answer = client.get(reverse("proposals:list"))
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_login"))


class TestSession:
    def test_key_is_new_after_sign_in(self, client):
        client.get(reverse("account_login"))
        before = client.session.session_key
        sign_in(client, UserFactory())
        assert client.session.session_key != before

    def test_ends_twelve_hours_after_it_began(self, client):
        client.force_login(UserFactory())
        client.get(reverse("proposals:list"))
        session = client.session
        session[STARTED] = int(time.time()) - 12 * 3600 - 1
        session.save()
        assert client.get(reverse("proposals:list")).url == f"{reverse('account_login')}?next=/proposals/"
        assert "_auth_user_id" not in client.session

    def test_idle_session_ends_after_thirty_minutes_and_a_used_one_goes_on(self, client):
        began = datetime.now(UTC)
        with time_machine.travel(began, tick=False) as moved:
            assert sign_in(client, UserFactory()).cookies["__Host-session"]["max-age"] == ""
            for minutes in (29, 58):
                moved.move_to(began + timedelta(minutes=minutes))
                assert client.get(reverse("proposals:list")).status_code == 200
            moved.move_to(began + timedelta(minutes=58 + 30, seconds=1))
            answer = client.get(reverse("proposals:list"))
            assert answer.status_code == 302
            assert answer.url.startswith(reverse("account_login"))

    def test_work_renews_the_session_once_a_minute(self, client):
        began = datetime.now(UTC)
        with time_machine.travel(began, tick=False) as moved:
            client.force_login(UserFactory())
            writes = []
            for seconds in (0, 1, 59, 60, 61):
                moved.move_to(began + timedelta(seconds=seconds))
                with CaptureQueriesContext(connection) as sent:
                    client.get(reverse("proposals:list"))
                writes.append(sum('UPDATE "django_session"' in one["sql"] for one in sent))
        assert writes == [1, 0, 0, 1, 0]

    def test_busy_session_ends_after_twelve_hours(self, client):
        began = datetime.now(UTC)
        with time_machine.travel(began, tick=False) as moved:
            sign_in(client, UserFactory())
            for step in range(1, 25):
                moved.move_to(began + timedelta(minutes=29.9 * step))
                assert client.get(reverse("proposals:list")).status_code == 200
            moved.move_to(began + timedelta(hours=12, seconds=1))
            assert client.get(reverse("proposals:list")).url == f"{reverse('account_login')}?next=/proposals/"
            assert "_auth_user_id" not in client.session

    def test_person_sees_every_browser_and_signs_the_others_out(self, client):
        person, other = UserFactory(), Client(HTTP_USER_AGENT="Firefox at home", REMOTE_ADDR="192.0.2.7")
        stranger, strangers = UserFactory(), Client(HTTP_USER_AGENT="Somebody else's")
        for browser, who in ((client, person), (other, person), (strangers, stranger)):
            sign_in(browser, who)
        page = client.get(reverse("usersessions_list")).content.decode()
        assert "Firefox at home" in page
        assert "192.0.2.7" in page
        assert page.count("This browser") == 1
        assert "Somebody else" not in page
        assert client.post(reverse("usersessions_list")).status_code == 302
        assert other.get(reverse("proposals:list")).url.startswith(reverse("account_login"))
        assert client.get(reverse("proposals:list")).status_code == 200
        assert strangers.get(reverse("proposals:list")).status_code == 200
        assert "Firefox at home" not in client.get(reverse("usersessions_list")).content.decode()

    def test_person_signs_one_browser_out(self, client):
        person, stranger = UserFactory(), UserFactory()
        lost, kept, strangers = (
            Client(HTTP_USER_AGENT=agent)
            for agent in ("Lost telephone", "Office computer", "Somebody else's")
        )
        for browser, who in ((client, person), (lost, person), (kept, person), (strangers, stranger)):
            sign_in(browser, who)
        keys = dict(UserSession.objects.values_list("user_agent", "pk"))
        ends = {agent: reverse("program:session-end", args=[key]) for agent, key in keys.items()}
        assert client.get(ends["Lost telephone"]).status_code == 405
        for agent in ("Lost telephone", "Lost telephone", "Somebody else's"):
            assert client.post(ends[agent]).url == reverse("usersessions_list")
        assert lost.get(reverse("proposals:list")).url.startswith(reverse("account_login"))
        assert [b.get(reverse("proposals:list")).status_code for b in (client, kept, strangers)] == [200] * 3
        (event,) = AuditEvent.objects.filter(act="user.session_end")
        assert (event.actor, event.subject_id) == (person, str(person.pk))

    def test_own_browser_is_not_ended_from_the_list(self, client):
        sign_in(client, UserFactory())
        (key,) = UserSession.objects.values_list("pk", flat=True)
        assert client.post(reverse("program:session-end", args=[key])).status_code == 302
        assert client.get(reverse("proposals:list")).status_code == 200

    def test_session_that_ended_by_itself_is_listed_no_more(self, client):
        began = datetime.now(UTC)
        person, other = UserFactory(), Client(HTTP_USER_AGENT="Firefox at home")
        with time_machine.travel(began, tick=False) as moved:
            sign_in(other, person)
            moved.move_to(began + timedelta(minutes=31))
            sign_in(client, person)
            assert "Firefox at home" not in client.get(reverse("usersessions_list")).content.decode()

    def test_new_password_signs_every_other_browser_out(self, client):
        person, other = UserFactory(), Client()
        for browser in (client, other):
            sign_in(browser, person)
        new = "a quite different battery staple"
        answer = client.post(
            reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}
        )
        assert answer.status_code == 302
        assert other.get(reverse("proposals:list")).url.startswith(reverse("account_login"))

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_closed_account_is_out_of_every_browser_at_once(self, client, method):
        person, other = UserFactory(), Client()
        for browser in (client, other):
            sign_in(browser, person)
            assert browser.get(reverse("proposals:list")).status_code == 200
        User.objects.filter(pk=person.pk).update(is_active=False)
        for browser in (client, other):
            answer = getattr(browser, method)(reverse("proposals:new"))
            assert answer.url.startswith(reverse("account_login"))
        assert sign_in(Client(), person).url == reverse("account_inactive")

    def test_cookies_are_secure_and_bound_to_the_host(self, client):
        sign_in(client, UserFactory())
        client.get(reverse("account_login"))
        for name in ("__Host-session", "__Host-csrf"):
            cookie = client.cookies[name]
            marks = ("secure", "httponly", "samesite", "path", "domain")
            assert tuple(cookie[mark] for mark in marks) == (
                True, True, "Lax", "/", "",
            )  # fmt: skip

    def test_what_a_page_says_once_travels_in_no_cookie(self, client):
        sign_in(client, UserFactory())
        session = client.session
        session[STARTED] = int(time.time()) - 12 * 3600 - 1
        session.save()
        answers = [client.get(reverse("proposals:list")), client.get(reverse("account_login"))]
        assert "Your session ended after twelve hours." in answers[1].content.decode()
        assert "Your session ended" not in client.get(reverse("account_login")).content.decode()
        assert set(client.cookies) == {"__Host-session", "__Host-csrf"}


def enter(person, secret, address="203.0.113.9"):
    """Whether password and right code let ``person`` in."""
    browser = Client(REMOTE_ADDR=address)
    sign_in(browser, person)
    browser.post(reverse("mfa_authenticate"), {"code": current_code(secret)})
    return "_auth_user_id" in browser.session


class TestSecondFactor:
    @pytest.mark.parametrize("role", [role for role in OfficeRole if role != OfficeRole.CLOCK])
    def test_every_office_without_one_reaches_enrolment_only(self, client, role):
        client.force_login(officer(role))
        self.reaches_enrolment_only(client)

    def test_neither_does_who_represents_an_anchor(self, client):
        client.force_login(ConsortiumFactory().created_by)
        self.reaches_enrolment_only(client)

    def reaches_enrolment_only(self, client):
        for name in (
            "proposals:list", "evaluation:desk", "program:notices", "program:home", "account_email",
            "account_change_password", "usersessions_list", "program:session", "api-root",
        ):  # fmt: skip
            assert client.get(reverse(name)).url == reverse("mfa_index"), name
        for name in ("proposals:list", "account_email", "account_change_password", "usersessions_list"):
            assert client.post(reverse(name)).url == reverse("mfa_index"), name
        assert client.get(reverse("mfa_index")).status_code == 200
        assert client.get(reverse("account_logout")).status_code == 200

    def test_who_has_just_set_one_up_uses_it_and_enters(self, client):
        """In a session that began with the password alone: the way out is the code, not the password."""
        person, secret = officer(), generate_totp_secret()
        sign_in(client, person)
        TOTP.activate(person, secret)
        assert client.get(reverse("evaluation:desk")).url == reverse("mfa_reauthenticate")
        client.post(reverse("mfa_reauthenticate"), {"code": current_code(secret)})
        assert client.get(reverse("evaluation:desk")).status_code == 200

    def test_consortium_person_needs_none(self, client):
        client.force_login(UserFactory())
        assert client.get(reverse("proposals:list")).status_code == 200

    def test_office_works_after_a_one_time_code_and_the_code_works_once(self, client):
        person = officer()
        secret = generate_totp_secret()
        TOTP.activate(person, secret)
        assert sign_in(client, person).url.startswith(reverse("mfa_authenticate"))
        code = current_code(secret)
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert client.get(reverse("evaluation:desk")).status_code == 200
        other = Client()
        sign_in(other, person)
        other.post(reverse("mfa_authenticate"), {"code": code})
        assert "_auth_user_id" not in other.session

    def test_recovery_code_works_once_and_is_not_stored_in_clear(self, client):
        person = officer()
        TOTP.activate(person, generate_totp_secret())
        codes = RecoveryCodes.activate(person).get_unused_codes()
        stored = str(Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).data)
        assert not any(code in stored for code in codes)
        for browser, enters in ((client, True), (Client(), False)):
            sign_in(browser, person)
            browser.post(reverse("mfa_authenticate"), {"code": codes[0]})
            assert ("_auth_user_id" in browser.session) == enters

    def test_codes_cannot_be_guessed_from_many_addresses(self):
        """Nor by signing in oneself in between; after the pause the right code enters."""
        person, attacker, other = officer(), officer(), officer()
        secrets = {}
        for each in (person, attacker, other):
            secrets[each] = generate_totp_secret()
            TOTP.activate(each, secrets[each])
        began = datetime.now(UTC)
        with time_machine.travel(began, tick=False) as moved:
            for attempt in range(25):
                browser = Client(REMOTE_ADDR=f"192.0.2.{attempt}")
                sign_in(browser, person)
                browser.post(reverse("mfa_authenticate"), {"code": "000000"})
                if attempt % 5 == 4:
                    enter(attacker, secrets[attacker], address=f"192.0.2.{attempt}")
                    moved.shift(timedelta(seconds=1))
            assert not enter(person, secrets[person])
            assert enter(other, secrets[other])
            moved.move_to(began + timedelta(minutes=6))
            assert enter(person, secrets[person])

    def test_demonstration_leaves_it_out(self, client, settings):
        settings.DEMONSTRATION = True
        client.force_login(officer())
        assert client.get(reverse("proposals:list")).status_code == 200


class TestLockout:
    def test_fifth_wrong_password_locks_this_address_and_no_other(self, client):
        person = UserFactory()
        for _ in range(5):
            sign_in(client, person, "wrong wrong wrong wrong")
        assert sign_in(client, person).status_code in (403, 429)
        elsewhere = Client(REMOTE_ADDR="192.0.2.7")
        assert sign_in(elsewhere, person).status_code == 302

    def test_forged_forwarding_header_does_not_escape_the_lock(self, client):
        person = UserFactory()
        for number in range(5):
            client.post(
                reverse("account_login"),
                {"login": person.email, "password": "wrong wrong wrong wrong"},
                HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
            )
        assert sign_in(client, person).status_code in (403, 429)


class TestBehindProxies:
    """One proxy, as in production, sets the header; what a client wrote before it stands to the left."""

    FORGED = (
        "",
        "198.51.100.1, ",
        "198.51.100.2, 198.51.100.3, ",
        "10.0.0.1, 127.0.0.1, ::1, ",
        "not an address, ",
        ", , ",
    )

    @pytest.fixture(autouse=True)
    def proxy(self, settings):
        settings.TRUSTED_PROXY_COUNT = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    @staticmethod
    def fail(client, person, forwarded):
        values = {"login": person.email, "password": "wrong wrong wrong wrong"}
        return client.post(reverse("account_login"), values, HTTP_X_FORWARDED_FOR=forwarded)

    @pytest.mark.parametrize("forged", FORGED)
    def test_address_is_what_the_last_proxy_saw(self, rf, forged):
        request = rf.get("/", HTTP_X_FORWARDED_FOR=f"{forged}192.0.2.7", REMOTE_ADDR="172.18.0.5")
        assert client_address(request) == get_adapter().get_client_ip(request) == "192.0.2.7"

    @pytest.mark.parametrize("forged", FORGED)
    def test_of_two_proxies_the_outer_one_is_believed(self, rf, settings, forged):
        settings.TRUSTED_PROXY_COUNT = 2
        request = rf.get("/", HTTP_X_FORWARDED_FOR=f"{forged}192.0.2.7, 172.18.0.9", REMOTE_ADDR="172.18.0.5")
        assert client_address(request) == "192.0.2.7"

    def test_request_that_passed_too_few_proxies_is_known_by_its_own_address(self, rf, settings):
        settings.TRUSTED_PROXY_COUNT = 2
        request = rf.get("/", HTTP_X_FORWARDED_FOR="198.51.100.1", REMOTE_ADDR="172.18.0.5")
        assert client_address(request) == "172.18.0.5"

    def test_forged_addresses_change_no_key_of_the_lockout(self, client):
        person = UserFactory()
        for forged in self.FORGED[:5]:
            self.fail(client, person, f"{forged}192.0.2.7")
        assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"192.0.2.7"}
        for forged in self.FORGED:
            assert self.fail(client, person, f"{forged}192.0.2.7").status_code in (403, 429)

    def test_lock_of_one_address_leaves_another_behind_the_same_proxy_free(self, client):
        person = UserFactory()
        for _ in range(5):
            self.fail(client, person, "192.0.2.7")
        values = {"login": person.email, "password": PASSWORD}
        answer = client.post(reverse("account_login"), values, HTTP_X_FORWARDED_FOR="192.0.2.7, 203.0.113.9")
        assert answer.status_code == 302
        (event,) = AuditEvent.objects.filter(act="user.sign_in")
        assert json.loads(event.body)["after"] == {"address": "203.0.113.9"}


class TestLoginGov:
    @pytest.fixture(autouse=True)
    def configured(self, settings):
        with identity_provider(acr=AAL2) as provider:
            settings.SOCIALACCOUNT_PROVIDERS = {
                "openid_connect": {
                    "OAUTH_PKCE_ENABLED": True,
                    "APPS": [
                        {
                            "provider_id": "login-gov",
                            "name": "Login.gov",
                            "client_id": CLIENT,
                            "secret": "",
                            "settings": {"server_url": provider.address, "fetch_userinfo": True},
                        }
                    ],
                }
            }
            self.provider = provider
            yield

    def walk(self, client):
        """Press the button, follow the provider's redirect, come back."""
        start = client.post(reverse("openid_connect_login", args=["login-gov"]), HTTP_HOST="portal.test")
        back = requests.get(start.url, allow_redirects=False, timeout=5).headers["Location"]
        return client.get(
            back.removeprefix("http://portal.test").removeprefix("https://portal.test"),
            HTTP_HOST="portal.test",
        )

    def test_person_signs_in_by_issuer_and_subject(self, client):
        self.walk(client)
        person = User.objects.get()
        assert (person.email, person.name) == ("ada@agency.example", "Ada Example")
        assert client.session["_auth_user_id"] == str(person.pk)
        account = person.socialaccount_set.get()
        assert (account.provider, account.uid) == ("login-gov", "subject-1")

    def test_same_address_at_the_provider_does_not_take_over_an_account(self, client):
        victim = UserFactory(email="ada@agency.example")
        self.walk(client)
        assert client.session.get("_auth_user_id") != str(victim.pk)
        assert not victim.socialaccount_set.exists()

    def test_lower_assurance_is_refused(self, client):
        self.provider.acr = "http://idmanagement.gov/ns/assurance/ial/1"
        self.walk(client)
        assert "_auth_user_id" not in client.session
        assert not User.objects.exists()

    def test_its_second_factor_opens_an_office(self, client):
        self.walk(client)
        person = User.objects.get()
        OfficeFactory(user=person, role=OfficeRole.PROGRAM_OFFICER)
        assert client.get(reverse("proposals:list")).status_code == 200

    def test_is_off_by_default(self, client, settings):
        settings.SOCIALACCOUNT_PROVIDERS = {}
        assert "Login.gov" not in client.get(reverse("account_login")).content.decode()


class TestFormWhoseSessionEnded:
    """Who presses a button after their session ended comes back to the page with the form, told that
    nothing was done."""

    def press(self, client, **headers):
        answer = client.post(reverse("program:notices-read"), headers=headers)
        address, _, query = answer.url.partition("?")
        assert address == reverse("account_login")
        return parse_qs(query)["next"][0]

    def test_sign_in_leads_back_to_its_page(self, client):
        person = UserFactory()
        page = reverse("program:notices") + "?after=3"
        back = self.press(client, referer=f"http://testserver{page}")
        assert back == page
        assert "nothing was done" in client.get(reverse("account_login")).text
        answer = client.post(
            reverse("account_login"), {"login": person.email, "password": PASSWORD, "next": back}
        )
        assert answer.url == page
        assert client.get(answer.url).status_code == 200

    @pytest.mark.parametrize(
        "said", ["", "https://elsewhere.example/notices/", "http://testserver", "nonsense"]
    )
    def test_without_a_page_of_ours_it_leads_to_the_start(self, client, said):
        assert self.press(client, referer=said) == reverse("program:start")
