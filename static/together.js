/*
 * For pages that several people work on: says who else is there while the page is looked at, and offers the
 * names of the team after an @. Without it the page shows who was there when it was loaded, and people are
 * mentioned by the check boxes.
 */
(() => {
  "use strict";

  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";

  /* ---- Who is here: told every 25 seconds, by pages that are looked at and worked on ---- */

  const BEAT = 25000;
  const IDLE = 5 * 60 * 1000;
  const place = document.querySelector("[data-presence]");
  let lastWork = performance.now();
  let over = false;

  function show(lines) {
    const words = lines.join("\n");
    if (place.dataset.shown === words) return;
    place.dataset.shown = words;
    place.replaceChildren(
      ...lines.map((line) => {
        const shown = document.createElement("p");
        shown.className = "site-meta";
        shown.textContent = line;
        return shown;
      }),
    );
  }

  /* Only work keeps the session alive, so a page that nobody touches falls silent and is forgotten. */
  async function beat() {
    if (over || document.hidden || performance.now() - lastWork > IDLE) return;
    const content = new FormData();
    content.set("csrfmiddlewaretoken", token());
    const answer = await fetch(place.dataset.presence, {
      method: "POST",
      body: content,
      credentials: "same-origin",
      redirect: "manual",
    }).catch(() => null);
    if (!answer) return;
    if (answer.ok) show((await answer.json()).here);
    else show([]);
    if (answer.status === 404) over = true;
  }

  function leave() {
    const content = new FormData();
    content.set("csrfmiddlewaretoken", token());
    content.set("leaving", "1");
    navigator.sendBeacon(place.dataset.presence, content);
  }

  if (place) {
    place.dataset.shown = all("p", place)
      .map((line) => line.textContent)
      .join("\n");
    for (const name of ["keydown", "pointerdown", "scroll"]) {
      document.addEventListener(name, () => (lastWork = performance.now()), { passive: true });
    }
    document.addEventListener("visibilitychange", () => document.hidden || beat());
    window.addEventListener("pagehide", leave);
    setInterval(beat, BEAT);
  }

  /* ---- Mentions: names after an @, chosen by arrow keys; the check box is ticked with the name ---- */

  class Mentions {
    constructor(form, number) {
      this.field = form.querySelector("textarea");
      this.people = all("[type=checkbox][name$=mentions]", form).map((box) => ({
        box,
        name: form.querySelector(`label[for="${box.id}"]`).textContent.trim(),
      }));
      if (!this.field || !this.people.length) return;
      this.list = document.createElement("ul");
      this.list.className = "site-mentions";
      this.list.id = `mentions-${number}`;
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", "People to mention");
      this.list.hidden = true;
      this.field.after(this.list);
      this.field.setAttribute("aria-autocomplete", "list");
      this.field.setAttribute("aria-controls", this.list.id);
      this.field.addEventListener("input", () => this.look());
      this.field.addEventListener("keydown", (event) => this.press(event));
      this.field.addEventListener("blur", () => this.close());
    }

    /* What stands between the last @ and the cursor. */
    begun() {
      const before = this.field.value.slice(0, this.field.selectionStart);
      const found = /(?:^|\s)@([^@\n]{0,40})$/.exec(before);
      return found ? found[1] : null;
    }

    look() {
      const begun = this.begun();
      const wanted = begun?.toLowerCase();
      this.found = begun === null ? [] : this.people.filter(({ name }) => name.toLowerCase().startsWith(wanted));
      this.found = this.found.filter(({ name }) => name !== begun.trim()).slice(0, 8);
      if (!this.found.length) return this.close();
      this.list.replaceChildren(
        ...this.found.map(({ name }, number) => {
          const option = document.createElement("li");
          option.id = `${this.list.id}-${number}`;
          option.setAttribute("role", "option");
          option.textContent = name;
          option.addEventListener("mousedown", (event) => {
            event.preventDefault();
            this.choose(number);
          });
          return option;
        }),
      );
      this.list.hidden = false;
      this.mark(0);
    }

    mark(number) {
      this.at = (number + this.found.length) % this.found.length;
      Array.from(this.list.children).forEach((option, other) => option.setAttribute("aria-selected", other === this.at));
      this.field.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    }

    press(event) {
      if (this.list.hidden) return;
      const acts = {
        ArrowDown: () => this.mark(this.at + 1),
        ArrowUp: () => this.mark(this.at - 1),
        Enter: () => this.choose(this.at),
        Tab: () => this.choose(this.at),
        Escape: () => this.close(),
      };
      if (!acts[event.key]) return;
      event.preventDefault();
      acts[event.key]();
    }

    choose(number) {
      const { box, name } = this.found[number];
      const cursor = this.field.selectionStart;
      const start = cursor - this.begun().length;
      this.field.setRangeText(`${name} `, start, cursor, "end");
      box.checked = true;
      this.close();
    }

    close() {
      this.list.hidden = true;
      this.field.removeAttribute("aria-activedescendant");
    }
  }

  all("form[data-mentions]").forEach((form, number) => new Mentions(form, number));

  /* ---- What a page is called follows the name that was saved on it ---- */

  document.addEventListener("site:saved", () => {
    const heading = document.querySelector("h1[data-named-by]");
    const field = heading && document.getElementById(heading.dataset.namedBy);
    const before = heading?.textContent.trim();
    const now = (field?.selectedOptions?.[0]?.textContent ?? field?.value ?? "").trim();
    if (!now || now === before || field.getAttribute("aria-invalid") === "true") return;
    document.title = document.title.replace(before, now);
    for (const shown of [heading, ...all('.usa-breadcrumb [aria-current="page"] > span')]) shown.textContent = now;
  });

  /* ---- A link to a comment opens what is folded around it ---- */

  function openTarget() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    for (let folded = target?.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
    target?.scrollIntoView({ block: "start" });
  }
  window.addEventListener("hashchange", openTarget);
  if (/^#(comment-|removed|new-comment)/.test(location.hash)) openTarget();
})();
