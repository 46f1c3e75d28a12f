"""A person at a browser: signs in with both factors, reads, types, presses; every page passes axe."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import ClassVar

from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
PASSWORD = "correct horse battery staple"
#: Half minutes by which the clocks of authenticators may go wrong in these tests
AHEAD = 2


class Person:
    """Somebody with a browser of their own; ``faults`` collects console errors and what axe finds."""

    used: ClassVar[dict[str, set[str]]] = {}

    def __init__(self, browser, address, user, faults, *, seen=None, width=1280):
        self.user, self.address, self.faults = user, address, faults
        self.is_official = bool(getattr(user, "totp_secret", ""))
        self.seen = set() if seen is None else seen
        self.context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("pageerror", lambda error: faults.append(f"{self.page.url}: {error}"))
        self.page.on("console", self._listen)
        self.page.on("requestfailed", lambda request: self._failed(request))
        if user:
            self.sign_in()

    def _listen(self, message):
        if message.type == "error":
            self.faults.append(f"{self.page.url}: console: {message.text}")

    def _failed(self, request):
        if not request.url.startswith(self.address):
            self.faults.append(f"{self.page.url}: asked another host: {request.url}")

    def sign_in(self):
        """Password first; who has a second factor types its code."""
        self.visit("/accounts/login/")
        self.page.fill("#id_login", self.user.email)
        self.page.fill("#id_password", PASSWORD)
        self.page.locator("form:has(#id_password) button[type=submit]").first.click()
        secret = getattr(self.user, "totp_secret", None)
        if secret:
            self.page.locator("#id_code").wait_for()
            self.page.fill("#id_code", self.unread_code(secret))
            self.page.locator("form:has(#id_code) button[type=submit]").first.click()
        self.page.wait_for_url(lambda url: "/accounts/" not in url)

    def unread_code(self, secret):
        """A code that was not read yet: of this half minute, or of the next two, which are taken here.

        So nobody waits for a half minute to end who signs in twice, or late in it.
        """
        read = self.used.setdefault(secret, set())
        while not (
            codes := [code for ahead in range(AHEAD + 1) if (code := code_of(secret, ahead)) not in read]
        ):
            time.sleep(1)
        read.add(codes[0])
        return codes[0]

    def visit(self, path):
        """Open a page of the portal; it must answer 200 and pass axe the first time it is seen."""
        answer = self.page.goto(path if path.startswith("http") else self.address + path)
        assert answer.status == 200, f"{path} answered {answer.status}"
        self.check()
        return self

    def check(self):
        """No violation of WCAG 2.2 A or AA that axe knows, no sideways scrolling, one h1."""
        path = re.sub(r"[?#].*", "", self.page.url.removeprefix(self.address))
        shape = re.sub(r"[A-Z]*-?\d[\w-]*", "N", path), self.is_official
        if shape in self.seen:
            return
        self.seen.add(shape)
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        )
        for violation in found["violations"]:
            places = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            self.faults.append(f"{self.page.url}: axe {violation['id']}: {places}")
        self.fits()
        if (headings := self.page.locator("h1").count()) != 1:
            self.faults.append(f"{self.page.url}: {headings} h1")
        lines = self.page.locator("main").inner_text().splitlines()
        if any(line.strip() in ("None", "nan", "[]", "{}", "undefined") for line in lines):
            self.faults.append(f"{self.page.url}: shows an empty value of the program")

    def fits(self):
        """The page scrolls up and down only: as it is, on a telephone of 390 px and at 320 px (reflow)."""
        size = self.page.viewport_size
        for width in (size["width"], 390, 320):
            self.page.set_viewport_size({**size, "width": width})
            wide = self.page.evaluate("document.scrollingElement.scrollWidth")
            if wide > width:
                self.faults.append(f"{self.page.url}: scrolls sideways, {wide} px at {width}")
        self.page.set_viewport_size(size)
        return self

    def form(self, action):
        """The form that posts to an address ending in ``action``."""
        found = self.page.locator(f"form[method=post][action$='{action}']")
        assert found.count(), (
            f"{self.page.url} has no form for {action}:\n{self.page.locator('main').inner_text()}"
        )
        return found.first

    def fill(self, form=None, **values):
        """Put ``values`` into fields whose name is, or ends in ``-``, the key."""
        scope = form or self.page.locator("main")
        for name, value in values.items():
            field = scope.locator(f"[name='{name}'], [name$='-{name}']")
            for one in value if isinstance(value, list) else [value]:
                is_choice = field.first.get_attribute("type") in ("radio", "checkbox") and one is not True
                valued = f"[name='{name}'][value='{one}'], [name$='-{name}'][value='{one}']"
                self.put(scope.locator(valued).first if is_choice else field.first, one)
        return self

    def put(self, field, value):
        """Type ``value`` into one field, choose it in a list, or press the label of a choice."""
        kind = field.evaluate("field => field.type")
        if kind.startswith("select"):
            field.select_option(value)
        elif kind in ("radio", "checkbox"):
            self.page.locator(f"label[for='{field.get_attribute('id')}']").click()
        else:
            field.fill(value)

    def button_of(self, form):
        """The button of a form, or the one that reads as ``form`` says."""
        if isinstance(form, str):
            return self.page.get_by_role("button", name=form, exact=True).first
        return form.locator("button[type=submit], button:not([type])").last

    def agreement(self, button):
        """In the question that an act asks first, the button that says the same once more."""
        name = button.inner_text().strip()
        return self.page.locator("dialog[open]").get_by_role("button", name=name, exact=True)

    def send(self, form, *, confirm=True, told=""):
        """Press the form's button, agree when asked and ``told`` this, wait for the page that answers."""
        target = self.button_of(form)
        with self.page.expect_navigation():
            asks = target.get_attribute("data-confirm")
            target.click()
            if asks and confirm:
                self.page.locator("dialog[open] button").first.wait_for()
                said = self.page.locator("dialog[open]").inner_text()
                assert told in said, said
                self.agreement(target).click()
        self.check()
        return self

    def keep(self, form):
        """Have what was put into a row of a draft saved."""
        return self.send(form)

    def says(self, text):
        """Wait until the page says ``text``."""
        self.page.get_by_text(text).first.wait_for()
        return self

    def follow(self, name):
        """Press a link."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name).first.click()
        self.check()
        return self


def with_second_factor(user):
    """Give ``user`` a time-based one-time code; its secret stands on the object."""
    user.totp_secret = generate_totp_secret()
    TOTP.activate(user, user.totp_secret)
    return user


def code_of(secret, ahead=0):
    """The code that an authenticator shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))
