"""One client on one connection, with cookies; the time of an answer ends when its last byte is read."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from bench.counting import HEADER
from demonstration.people import PASSWORD

CSRF_COOKIE = "portal_csrf"


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float
    statements: int
    text: str


class Unexpected(Exception):
    """The portal answered otherwise than the measurement needs."""


class Client:
    """A browser without anything that a browser shows."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        return self._send("GET", path)

    def post(self, path: str, fields: dict[str, str], *, autosave: bool = False) -> Answer:
        """Post a form with the token of the cookie, as a page's form does."""
        body = urlencode({**fields, "csrfmiddlewaretoken": self.cookies.get(CSRF_COOKIE, "")})
        return self._send("POST", path, body, autosave=autosave)

    def sign_in(self, email: str) -> Client:
        """Through the sign-in page; returns itself."""
        self.get("/accounts/login/")
        answer = self.post("/accounts/login/", {"login": email, "password": PASSWORD})
        if answer.status != 302:
            raise Unexpected(f"{email} could not sign in: {answer.status}")
        return self

    def _send(self, method: str, path: str, body: str | None = None, *, autosave: bool = False) -> Answer:
        headers = {
            "Host": "localhost",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://localhost"}
        if autosave:
            headers["X-Autosave"] = "1"
        started = time.perf_counter()
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):
            # The server closed a connection that had waited: nothing was asked yet
            self.connection.close()
            started = time.perf_counter()
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - started
        for header in response.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        statements = int(response.headers.get(HEADER) or 0)
        return Answer(response.status, seconds, statements, content.decode(errors="replace"))


class Form(HTMLParser):
    """The fields of the first form of a page that saves while one types."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.is_inside = self.is_over = False
        self.text_of = self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and "data-autosave" in given and not self.is_over:
            self.is_inside = True
        name = given.get("name", "")
        if not self.is_inside or (not name and tag != "option"):
            return
        if tag == "textarea":
            self.text_of, self.fields[name] = name, ""
        elif tag == "select":
            self.select, self.fields[name] = name, ""
        elif tag == "option" and "selected" in given:
            self.fields[self.select] = given.get("value", "")
        elif tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.is_inside:
            self.is_inside, self.is_over = False, True
        if tag == "textarea":
            self.text_of = ""

    def handle_data(self, data: str) -> None:
        if self.text_of:
            self.fields[self.text_of] += data
