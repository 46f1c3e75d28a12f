"""A person without a pointing device: every field, link and button is reached and used by keys alone."""

from __future__ import annotations

from tests.browser.people import Person

# What the eye sees of the focus: some of the place is in sight, uncovered, and drawn otherwise than the rest
FOCUS = """one => {
  const drawn = one.matches("[type=radio], [type=checkbox]") ? one.labels[0] : one;
  const group = one.closest(".usa-input-group") || drawn;
  const { left, top, right, bottom } = group.getBoundingClientRect();
  const shares = [0.1, 0.5, 0.9];
  const points = shares.flatMap(x => shares.map(y => [left + x * (right - left), top + y * (bottom - top)]));
  const styles = [one, drawn, group].map(each => getComputedStyle(each));
  styles.push(getComputedStyle(drawn, "::before"));
  return {
    inSight: points.some(point => group.contains(document.elementFromPoint(...point))),
    isMarked: styles.some(style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0),
  };
}"""
FOCUSED = "one => document.activeElement === one"
FAR = "one => document.activeElement === document.body && Boolean(one.closest('main'))"
BEHIND = (
    "one => Boolean(one.compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING)"
)
AWAY = 200


class Typist(Person):
    """Somebody at a keyboard; a place that Tab does not reach, or whose focus nobody sees, is a fault."""

    def press(self, key, times=1):
        for _ in range(times):
            self.page.keyboard.press(key)

    def reach(self, target):
        """Press Tab, or Shift and Tab where the place lies behind, until the focus is there.

        On a page that has just come, past what all pages repeat by the first link of all.
        """
        place = target.element_handle()
        if place.evaluate(FAR):
            self.press("Tab")
            self.press("Enter")
        key = "Shift+Tab" if place.evaluate(BEHIND) else "Tab"
        for _ in range(AWAY):
            if place.evaluate(FOCUSED):
                break
            self.press(key)
        else:
            missed = place.evaluate("one => one.outerHTML")[:160]
            raise AssertionError(f"{self.page.url}: {AWAY} times {key} do not lead to {missed}")
        seen = place.evaluate(FOCUS)
        if not all(seen.values()):
            shown = place.evaluate("one => one.outerHTML")[:160]
            self.faults.append(f"{self.page.url}: the focus is not seen ({seen}) on {shown}")
        return self

    def visit(self, path):
        """By a link of the page where there is one; elsewhere the address is typed."""
        path = path.removeprefix(self.address)
        link = self.page.locator(f"a[href='{path}']:visible")
        if not link.count():
            return super().visit(path)
        return self._go(link.first)

    def follow(self, name):
        return self._go(self.page.get_by_role("link", name=name).first)

    def _go(self, target):
        self.reach(target)
        with self.page.expect_navigation():
            self.press("Enter")
        self.check()
        return self

    def send(self, form, *, confirm=True):
        button = self.button_of(form)
        self.reach(button)
        asks = button.get_attribute("data-confirm")
        with self.page.expect_navigation():
            self.press("Enter")
            if asks and confirm:
                self.page.locator("dialog[open] button").first.wait_for()
                self.reach(self.agreement(button))
                self.press("Enter")
        self.check()
        return self

    def keep(self, form):
        """A row saves by itself; who is at the keyboard goes on to the next."""
        form.get_by_text("Saved").first.wait_for()
        return self

    def put(self, field, value):
        kind = field.evaluate("one => one.closest('.usa-combo-box') ? 'combo' : one.type")
        getattr(self, f"_put_{kind.partition('-')[0]}", self._put_text)(field, value)

    def _put_text(self, field, value):
        self.reach(field)
        self.press("Control+A")
        self.page.keyboard.type(value)

    def _put_combo(self, field, value):
        """Type the name of the choice into the box that stands for the list, and take it."""
        box = field.locator("xpath=ancestor::*[contains(@class, 'usa-combo-box')]")
        name = box.locator(f"select option[value='{value}']").first.inner_text()
        self._put_text(box.locator("input[role=combobox]"), name.strip())
        self.press("Enter")
        assert box.locator("select").input_value() == value

    def _put_select(self, field, value):
        self.reach(field)
        options = field.locator("option").evaluate_all("all => all.map(one => one.value)")
        ahead = options.index(value) - options.index(field.input_value())
        self.press("ArrowDown" if ahead > 0 else "ArrowUp", abs(ahead))
        assert field.input_value() == value

    def _put_radio(self, field, value):
        """Tab comes to the group, the arrows go from choice to choice."""
        group = self.page.locator(f"[name='{field.get_attribute('name')}']")
        chosen = next((one for one in group.all() if one.is_checked()), group.first)
        self.reach(chosen)
        if chosen.element_handle().evaluate("(one, other) => one === other", field.element_handle()):
            self.press("Space")
        for _ in range(group.count()):
            if field.is_checked():
                break
            self.press("ArrowDown")
        assert field.is_checked()

    def _put_checkbox(self, field, value):
        self.reach(field)
        self.press("Space")
