/*
 * Makes pages that already work without script more pleasant: focus on errors, counters, countdowns,
 * confirmation, autosave, a warning before the session ends. Nothing typed is kept in browser storage.
 */
(() => {
  "use strict";

  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const namedIn = (form) => all("[name]", form).filter((field) => field.form === form);
  const fieldsOf = (form, name) => namedIn(form).filter((field) => field.name === name);

  /* ---- Errors: the summary takes the focus, its links go to the field itself ---- */

  /* A notice that the answer begins with, such as of what is not saved yet, takes it too. */
  function focusErrors(root) {
    const summary = root.querySelector("#error-summary, [data-takes-focus]");
    if (summary) summary.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("#error-summary a[href^='#']");
    if (!link) return;
    const target = document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    const folded = target.closest("details");
    if (folded) folded.open = true;
    const field = target.matches("input, select, textarea") ? target : target.querySelector("input, select, textarea");
    (target.closest(".site-field, [data-scrolled-to]") || target).scrollIntoView({ block: "start" });
    (field || target).focus({ preventScroll: true });
  });

  /* ---- Counters of long texts ---- */

  function startCounter(counter) {
    const field = document.getElementById(counter.dataset.counterFor);
    if (!field || field.dataset.counted) return;
    const limit = field.maxLength;
    const spoken = element("span", { class: "usa-sr-only", "aria-live": "polite" });
    let timer;
    field.dataset.counted = "1";
    counter.setAttribute("aria-hidden", "true");
    counter.after(spoken);
    /* A browser counts a line break as one character, the server as it is sent: two. */
    const left = () => limit - field.value.replace(/\r?\n/g, "\r\n").length;
    const words = (number) => {
      const amount = Math.abs(number);
      const characters = `${amount.toLocaleString("en-US")} character${amount === 1 ? "" : "s"}`;
      return `${characters} ${number < 0 ? "too many" : "left"}`;
    };
    field.removeAttribute("maxlength");
    const show = () => {
      const number = left();
      counter.textContent = words(number);
      counter.classList.toggle("site-counter--over", number < 0);
      clearTimeout(timer);
      timer = setTimeout(() => (spoken.textContent = number < 100 ? words(number) : ""), 1000);
    };
    field.addEventListener("input", show);
    show();
  }

  /* ---- Countdowns: the words of the server, kept current ---- */

  function timeLeft(milliseconds) {
    const minutes = Math.floor(milliseconds / 60000);
    const units = [
      [Math.floor(minutes / 1440), "day"],
      [Math.floor(minutes / 60) % 24, "hour"],
      [minutes % 60, "minute"],
    ];
    while (units.length > 1 && !units[0][0]) units.shift();
    const words = units
      .slice(0, 2)
      .filter(([number]) => number)
      .map(([number, unit]) => `${number} ${unit}${number === 1 ? "" : "s"}`);
    return words.join(" ") || "less than a minute";
  }

  /* The clock of this computer may be wrong: only the time since the page was made is taken from it. */
  const madeAt = Date.parse(document.body.dataset.now) || Date.now();
  const startedAt = performance.now();
  const now = () => madeAt + (performance.now() - startedAt);

  function showCountdowns() {
    for (const clock of all("[data-countdown]")) {
      const left = Date.parse(clock.dateTime) - now();
      if (left > 0) clock.textContent = timeLeft(left);
      else if (clock.dataset.over) (clock.closest(".site-deadline__left") || clock).textContent = clock.dataset.over;
    }
  }

  /* ---- A question before an act ---- */

  function ask({ heading, text, yes, no }) {
    const dialog = element("dialog", { class: "site-dialog", "aria-labelledby": "site-dialog-heading" });
    const agree = element("button", { class: "usa-button", type: "button" }, yes);
    const refuse = element("button", { class: "usa-button usa-button--outline", type: "button" }, no);
    const body = typeof text === "string" ? element("p", {}, text) : text;
    dialog.append(
      element("h2", { id: "site-dialog-heading" }, heading),
      body,
      element("div", { class: "site-buttons" }, agree, refuse),
    );
    document.body.append(dialog);
    return new Promise((resolve) => {
      const answer = (value) => {
        dialog.close();
        dialog.remove();
        resolve(value);
      };
      agree.addEventListener("click", () => answer(true));
      refuse.addEventListener("click", () => answer(false));
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        answer(false);
      });
      dialog.showModal();
      refuse.focus();
    });
  }

  /* What is chosen in the field that the form names: nobody signs unread what stood there before. */
  function chosenIn(form) {
    const name = form?.dataset.confirmNames;
    const field = name && form.querySelector(`[name="${name}"]:checked, select[name="${name}"]`);
    if (!field || !field.value) return "";
    const words = (field.selectedOptions?.[0] || field.labels[0]).textContent.trim();
    const asked = (field.closest("fieldset")?.querySelector("legend") || field.labels[0]).firstChild.textContent.trim();
    return ` ${asked}: ${words}.`;
  }

  async function askThenPress(button) {
    if (button.form?.matches("[data-check-first]") && (await isRefused(button.form))) return press(button);
    const agreed = await ask({
      heading: button.textContent.trim(),
      text: `${button.dataset.confirm}${chosenIn(button.form)}`,
      yes: button.textContent.trim(),
      no: "Go back",
    });
    return agreed ? press(button) : button.focus();
  }

  function press(button) {
    button.dataset.confirmed = "1";
    button.click();
    delete button.dataset.confirmed;
  }

  /* Nobody is asked whether to do what would be refused: the form is sent with `check`, which only looks. */
  async function isRefused(form) {
    form.querySelector("[name=check]")?.remove();
    await saveTyped();
    const content = new FormData(form);
    content.append("check", "1");
    const sent = { method: "POST", body: content, credentials: "same-origin", redirect: "manual" };
    const answer = await fetch(form.action, sent).catch(() => null);
    if (answer?.status !== 422) return false;
    form.append(element("input", { type: "hidden", name: "check", value: "1" }));
    return true;
  }

  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest("button[data-confirm]");
      if (!button || button.dataset.confirmed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      askThenPress(button);
    },
    true,
  );

  /* ---- A form whose text is kept nowhere yet asks first whether its person is still signed in ---- */

  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target;
      if (!form.matches("form[data-keep]") || form.dataset.checked) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const found = await askSession();
      if (found?.person === person) {
        takeToken(found.token);
        form.dataset.checked = "1";
        form.requestSubmit(event.submitter);
        delete form.dataset.checked;
        return;
      }
      const words = found
        ? [`Not sent: this browser is now signed in as ${found.name}. Your text is still on this page.`]
        : ["Not sent: you are signed out or the connection is broken. Your text is still on this page. "];
      if (!found) words.push(signInLink(document.body.dataset.signInUrl), ", then press the button again.");
      form.querySelector("[data-keep-status]")?.remove();
      form.append(
        element("p", { class: "site-autosave site-autosave--bad", role: "alert", "data-keep-status": "" }, ...words),
      );
    },
    true,
  );

  /* Who leaves while such a form holds text that was not sent is asked first */

  const unsent = new Set(all("form[data-unsent]")); // what was refused or is not recorded yet stands typed again
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-keep]");
    if (!form) return;
    const isTyped = (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked;
    const typed = form.matches("[data-unsent]") || all("textarea, input:not([type=hidden])", form).some(isTyped);
    unsent[typed ? "add" : "delete"](form);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.checked) unsent.delete(event.target);
  });
  window.addEventListener("beforeunload", (event) => {
    if (Array.from(unsent).some((form) => form.isConnected)) event.preventDefault();
  });

  /* ---- One press, one submission ---- */

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 8000);
  });
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

  /* ---- Autosave ---- */

  const PAUSE = 1500;
  const LONGEST_WAIT = 10000;
  const RETRIES = [5000, 10000, 15000];
  const autosaves = new Set();

  function timeInWashington(moment) {
    const time = (moment ? new Date(moment) : new Date())
      .toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit", timeZone: "America/New_York" })
      .replace(/\s*([AP])M$/, (_, half) => ` ${half.toLowerCase()}.m.`);
    return `${time} Washington time`;
  }

  const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /* Whose the other text is: of somebody else, or one's own from another window where a form has one writer. */
  const OTHERS = {
    saved: (by) => `Not saved: ${by || "Someone else"} saved this section after you opened it. `,
    changed: (by, labels) => `. ${by || "Someone else"} changed meanwhile: ${labels}`,
    mine: "Yours",
    theirs: "Theirs",
    save: "Save mine over theirs",
    take: "Take theirs",
    taken: "You now see their text. Nothing of yours was saved.",
  };
  const OWN = {
    saved: () => "Not saved. You saved this in another window after you opened it here. ",
    changed: (by, labels) => `. You changed in another window meanwhile: ${labels}`,
    mine: "From this window",
    theirs: "From the other window",
    save: "Save the text of this window",
    take: "Take the text of the other window",
    taken: "You now see the text of the other window. Nothing of this window was saved.",
  };

  /* A form is `away` while its person is signed out, and `refused` when the portal said no. */
  class Autosave {
    constructor(form) {
      autosaves.add(this);
      this.away = false;
      this.refused = false;
      this.form = form;
      this.whose = form.hasAttribute("data-one-writer") ? OWN : OTHERS;
      this.choices = `two-texts-${autosaves.size}-`;
      this.status = form.querySelector("[data-autosave-status]") || this.makeStatus();
      this.dirty = false;
      this.news = "";
      this.unanswered = null; // what was sent when the line broke
      this.wrong = false; // a field was refused: the page holds what nothing else does
      this.failures = 0;
      this.running = null;
      this.blocked = false;
      form.dataset.autosaving = "1";
      this.base = this.snapshot(); // what is saved, as far as this page knows
      form.addEventListener("input", () => {
        this.leaving = false;
        this.changed(PAUSE);
      });
      /* A text that was saved while it was typed is no news when the field is left. */
      form.addEventListener("change", () => (this.dirty || this.differs()) && this.changed(PAUSE));
      form.addEventListener("focusout", () => this.dirty && !this.leaving && this.changed(200));
      form.addEventListener("submit", (event) => this.beforeSubmit(event));
      window.addEventListener("beforeunload", (event) => (this.dirty || this.wrong) && !this.leaving && event.preventDefault());
      window.addEventListener("focus", () => this.dirty && this.failures && this.save());
      window.addEventListener("online", () => this.dirty && this.save());
      document.addEventListener("visibilitychange", () => document.hidden && this.dirty && this.save());
    }

    /* Every field's value as the server writes it, by its name. */
    snapshot() {
      const values = {};
      for (const { name, type } of namedIn(this.form)) {
        if (type !== "file" && !["csrfmiddlewaretoken", "revision"].includes(name)) values[name] = this.valueOf(name);
      }
      return values;
    }

    valueOf(name) {
      const fields = fieldsOf(this.form, name);
      const [{ type, value }] = fields;
      if (type === "radio") return fields.find((field) => field.checked)?.value ?? "";
      if (type === "select-multiple") return Array.from(fields[0].selectedOptions, (one) => one.value).sort();
      if (type !== "checkbox") return value.replace(/\r\n/g, "\n");
      if (fields.length === 1 && !fields[0].closest("[data-many]")) return fields[0].checked ? "True" : "False";
      return fields.filter((field) => field.checked).map((field) => field.value).sort();
    }

    differs() {
      return Object.keys(this.base).some((name) => this.isChanged(name));
    }

    isChanged(name) {
      return !isSame(this.valueOf(name), this.base[name]);
    }

    makeStatus() {
      const status = element("p", { class: "site-autosave", role: "status", "aria-live": "polite" });
      this.form.append(status);
      return status;
    }

    say(text, kind = "") {
      this.status.className = `site-autosave${kind ? ` site-autosave--${kind}` : ""}`;
      this.status.replaceChildren(...(Array.isArray(text) ? text : [text]));
    }

    /* What the portal tells whoever types; it stays, and is said once; what is `ofPage` stands in sight, at the place that the page has for it. */
    tell({ words = "", link = "", url = "" } = {}, ofPage = false) {
      const place = ofPage && this.form.closest("[data-notices]")?.querySelector("[data-notice-place]");
      const after = this.status.nextElementSibling;
      const shown = place ? place.firstElementChild : after?.matches("[data-autosave-notice]") && after;
      if (!words) return shown && shown.remove();
      if (shown && shown.dataset.autosaveNotice === words) return undefined;
      if (shown) shown.remove();
      const told = element("p", { class: "site-autosave site-autosave--bad", role: "alert", "data-autosave-notice": words }, words);
      if (url) told.append(" ", element("a", { href: url }, link), ".");
      return place ? place.append(told) : this.status.after(told);
    }

    changed(wait) {
      if (!this.dirty) this.since = performance.now();
      this.dirty = true;
      if (this.blocked || this.away || this.refused) return;
      clearTimeout(this.timer);
      const longest = Math.max(0, LONGEST_WAIT - (performance.now() - this.since));
      this.timer = setTimeout(() => this.save(), Math.min(wait, longest));
    }

    /* What was typed last is saved here first: who is signed out or was overtaken keeps the text and the page. */
    async beforeSubmit(event) {
      if (this.leaving) return;
      clearTimeout(this.timer);
      if (!this.running && !this.dirty) {
        this.leaving = true;
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      await this.running;
      if (this.away) await comeBack();
      if (this.dirty) await this.save();
      clearTimeout(this.timer);
      if (this.blocked) this.panel.focus();
      if (this.dirty) return;
      this.leaving = true;
      this.form.requestSubmit(event.submitter);
    }

    save() {
      /* What was typed is on its way with the form: a save beside it would come with the old revision. */
      if (this.running || this.blocked || this.away || this.refused || this.leaving || !this.dirty) return this.running;
      this.running = this.send().finally(() => {
        this.running = null;
        if (this.dirty && !this.failures && !this.blocked) this.changed(PAUSE);
      });
      return this.running;
    }

    async send(renewed = false) {
      const content = new FormData(this.form);
      for (const [name, value] of Array.from(content.entries())) if (value instanceof File) content.delete(name);
      this.dirty = false;
      this.since = performance.now();
      this.sent = this.snapshot();
      this.say("Saving…");
      let answer;
      let body = {};
      try {
        answer = await fetch(this.form.action, {
          method: "POST",
          body: content,
          headers: { "X-Autosave": "1", "X-Person": person, Accept: "application/json" },
          credentials: "same-origin",
          redirect: "manual",
        });
        if (answer.type === "opaqueredirect") return this.signedOut();
        body = await answer.json().catch(() => ({}));
      } catch {
        return this.failed("Not saved: the connection is broken. Your text is still on this page; we keep trying.");
      }
      this.tell(body.notice, body.of_page);
      if (answer.ok) return this.saved(body);
      if (answer.status === 409 && !body.message) return this.conflicting(body);
      if (answer.status === 422) return this.invalid(body);
      if (answer.status === 401 && body.other) return this.otherPerson(body.other);
      if (answer.status === 403 && body.stale && !renewed) return this.renew();
      if (body.message) return this.refuse(body.message);
      if (answer.status === 401 || answer.status === 403) return this.signedOut(body.sign_in);
      return this.failed("Not saved: the portal did not answer as it should. We keep trying.");
    }

    takeRevision(revision) {
      if (revision === undefined) return;
      for (const field of fieldsOf(this.form, "revision")) field.value = revision;
    }

    saved({ saved_at: savedAt, revision }) {
      this.failures = 0;
      this.wrong = false;
      this.takeRevision(revision);
      this.base = this.sent;
      this.unanswered = null;
      this.showErrors({});
      this.say(`Saved ${timeInWashington(savedAt)}${this.news}`, "good");
      this.news = "";
      this.form.dispatchEvent(new CustomEvent("site:saved", { bubbles: true }));
      announceActivity();
    }

    failed(words) {
      this.dirty = true;
      this.unanswered = this.sent;
      const wait = RETRIES[Math.min(this.failures, RETRIES.length - 1)];
      this.failures += 1;
      this.say(words, "bad");
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), wait);
    }

    /* The form is older than the session: the same person gets a new token and goes on. */
    async renew() {
      this.dirty = true;
      const found = await askSession();
      if (!found) return this.signedOut();
      if (found.person !== person) return this.otherPerson(found.name);
      takeToken(found.token);
      return this.send(true);
    }

    /* What was taken away may come back: who types on is told so again, and at most every quarter of a minute. */
    refuse(words) {
      this.dirty = true;
      this.refused = true;
      setTimeout(() => (this.refused = false), RETRIES.at(-1));
      this.say(`Not saved: ${words} Your text is still on this page; copy it before you leave.`, "bad");
    }

    signedOut(address = document.body.dataset.signInUrl) {
      this.dirty = true;
      this.failures += 1;
      this.away = true;
      const words = ["Not saved: you are signed out. Your text is still on this page. "];
      if (address) words.push(signInLink(address), ", and it is saved by itself.");
      this.say(words, "bad");
    }

    otherPerson(name) {
      this.dirty = true;
      this.away = true;
      const words = [
        `Not saved: this browser is now signed in as ${name}, and nothing of yours is saved under another name. `,
        "Your text is still on this page. ",
      ];
      const address = document.body.dataset.signOutUrl;
      if (address) words.push(signInLink(address, "Sign out there"), ", then sign in again as yourself.");
      this.say(words, "bad");
    }

    cameBack() {
      this.away = false;
      this.failures = 0;
      if (this.dirty) this.save();
    }

    /* What was not refused may be saved already: then the answer says when. */
    invalid({ errors = {}, saved_at: savedAt, revision }) {
      this.failures = 0;
      this.wrong = true;
      this.takeRevision(revision);
      this.showErrors(errors);
      const { __all__: general = [], ...byField } = errors;
      const number = Object.keys(byField).length;
      if (general.length) return this.say(`Not saved: ${general.join(" ")}`, "bad");
      const fields = number === 1 ? "1 field" : `${number} fields`;
      const needs = `${number === 1 ? "needs" : "need"} a correction`;
      if (!savedAt) return this.say(`Not saved: ${fields} ${needs}.`, "bad");
      for (const [name, value] of Object.entries(this.sent)) if (!(name in errors)) this.base[name] = value;
      this.say(`Saved ${timeInWashington(savedAt)}, but not ${fields}: ${number === 1 ? "it" : "they"} ${needs}.`, "bad");
      this.form.dispatchEvent(new CustomEvent("site:saved", { bubbles: true }));
    }

    showErrors(errors) {
      all("[data-autosave-error]", this.form).forEach((shown) => shown.remove());
      for (const field of all("[data-autosave-invalid]", this.form)) {
        field.removeAttribute("aria-invalid");
        field.setAttribute("aria-describedby", field.dataset.autosaveInvalid);
        if (!field.dataset.autosaveInvalid) field.removeAttribute("aria-describedby");
        delete field.dataset.autosaveInvalid;
      }
      for (const [name, messages] of Object.entries(errors)) {
        const [field] = fieldsOf(this.form, name);
        if (!field) continue;
        const id = `${field.id || name}_autosave_error`;
        const described = field.getAttribute("aria-describedby") || "";
        const shown = element("p", { class: "usa-error-message", id, "data-autosave-error": "" });
        shown.textContent = messages.join(" ");
        (field.closest(".site-many") || field.closest(".usa-input-group, .site-choices") || field).before(shown);
        field.dataset.autosaveInvalid = described;
        field.setAttribute("aria-invalid", "true");
        field.setAttribute("aria-describedby", `${described} ${id}`.trim());
      }
    }

    /* Somebody saved meanwhile. Only a field that both changed is a conflict; the rest of both texts stands. */
    conflicting({ theirs: saved = {}, words = {}, revision, by }) {
      const theirs = Object.fromEntries(
        Object.entries(saved).map(([name, value]) => [name, Array.isArray(value) ? value : String(value ?? "")]),
      );
      for (const [name, value] of Object.entries(this.unanswered || {})) {
        if (isSame(theirs[name], value)) this.base[name] = value; // saved by this page: only the answer was lost
      }
      this.failures = 0;
      const names = Object.keys(theirs).filter((name) => !isSame(theirs[name], this.base[name]));
      const both = names.filter((name) => this.isChanged(name));
      const theirsAlone = names.filter((name) => !both.includes(name));
      const labels = theirsAlone.map((name) => this.labelOf(name)).join(", ");
      if (labels) this.news = this.whose.changed(by, labels);
      this.takeOver(theirs, theirsAlone, both.length ? undefined : revision);
      if (both.length) return this.compare(both, { theirs, words, revision, by });
      this.goOn(`You see what is saved now${this.news}.`);
    }

    labelOf(name) {
      const [field] = fieldsOf(this.form, name);
      return field?.closest(".site-field")?.querySelector("label, legend")?.textContent.trim() || name;
    }

    /* Show their text of `names`; what stands in the other fields is this person's change to it. */
    takeOver(theirs, names, revision) {
      for (const name of names) {
        for (const field of fieldsOf(this.form, name)) {
          if (field.type === "radio" || field.type === "checkbox") {
            field.checked = [].concat(theirs[name]).map(String).includes(field.value) || theirs[name] === "True";
          } else if (field.type !== "file") {
            field.value = theirs[name] ?? "";
            field.dispatchEvent(new Event("input"));
            showChosen(field);
          }
        }
      }
      for (const many of all("[data-many]", this.form)) many.dispatchEvent(new Event("change"));
      Object.assign(this.base, theirs);
      this.takeRevision(revision);
    }

    goOn(words) {
      this.blocked = false;
      this.dirty = this.differs();
      if (this.dirty) return this.running || this.save();
      this.news = "";
      this.say(words);
    }

    /* Both texts beside each other. The caret stays where it is: who types goes on typing. */
    compare(names, { theirs, words, revision, by }) {
      this.dirty = true;
      this.blocked = true;
      const several = names.length > 1;
      const sections = names.map((name, number) => this.bothTexts(name, `${number}`, theirs[name], words[name], several));
      const button = (label, variant, take) => {
        const one = element("button", { class: `usa-button${variant}`, type: "button" }, label);
        one.addEventListener("click", () => {
          const taken = names.filter((name, number) => take(sections[number]));
          panel.remove();
          this.panel = null;
          fieldsOf(this.form, names[0])[0].focus({ preventScroll: true });
          this.takeOver(theirs, taken, revision);
          this.goOn(this.whose.taken);
        });
        return one;
      };
      const chosen = (section) => section.querySelector("input:checked").value === "theirs";
      const buttons = [
        button(this.whose.save, "", () => false),
        button(this.whose.take, " usa-button--outline", () => true),
      ];
      if (several) buttons.unshift(button("Save what is chosen", "", chosen));
      const panel = element(
        "section",
        { class: "site-conflict", tabindex: "-1", role: "region", "aria-label": "Two texts" },
        element("h2", {}, "Two texts of this section"),
        ...sections,
        element("div", { class: "site-buttons" }, ...buttons),
      );
      for (const kind of ["input", "change"]) panel.addEventListener(kind, (event) => event.stopPropagation());
      this.panel = panel;
      (this.status.closest(".site-save") || this.status).before(panel);
      const see = element("button", { class: "usa-button usa-button--unstyled", type: "button" }, "Compare the two texts");
      see.addEventListener("click", () => panel.focus());
      this.say([this.whose.saved(by), see], "bad");
    }

    bothTexts(name, number, theirs, words, several) {
      const mine = this.isChanged(name);
      const text = (whose, heading, value, isChosen) => {
        const choice = element("input", { type: "radio", name: `${this.choices}${number}`, value: whose, class: "usa-radio__input", form: "" });
        choice.checked = isChosen;
        const label = element("label", { class: "usa-radio__label" }, heading);
        choice.id = `${this.choices}${number}-${whose}`;
        label.htmlFor = choice.id;
        const head = several ? element("div", { class: "usa-radio" }, choice, label) : element("h4", {}, heading);
        return element("div", {}, head, element("p", { class: "site-text" }, value));
      };
      return element(
        "section",
        { class: "site-conflict__field" },
        element("h3", {}, this.labelOf(name)),
        element(
          "div",
          { class: "site-conflict__texts", ...(several ? { role: "radiogroup", "aria-label": this.labelOf(name) } : {}) },
          text("mine", this.whose.mine, words?.yours ?? [].concat(this.valueOf(name)).join(", "), mine),
          text("theirs", this.whose.theirs, words?.theirs ?? [].concat(theirs ?? "").join(", "), !mine),
        ),
      );
    }
  }

  /* ---- Sign in again without leaving the page: in a window of its own, and what was typed is saved after it ---- */

  const person = document.body.dataset.person || "";

  function signInLink(address, words = "Sign in in a new window") {
    const after = document.body.dataset.signedInUrl;
    const href = after ? `${address}?next=${encodeURIComponent(after)}` : address;
    const link = element("a", { href, target: "_blank", rel: "noopener" }, words);
    link.addEventListener("click", (event) => {
      const opened = window.open(href, "portal-sign-in", "popup,width=560,height=800");
      if (!opened) return;
      event.preventDefault();
      opened.focus();
    });
    return link;
  }

  /* Who is signed in now, with a token for the forms of this page; nothing when nobody is. */
  async function askSession() {
    const url = document.body.dataset.sessionUrl;
    if (!url) return null;
    const answer = await fetch(url, { credentials: "same-origin", redirect: "manual" }).catch(() => null);
    return answer?.ok ? answer.json().catch(() => null) : null;
  }

  function takeToken(token) {
    for (const field of all("[name=csrfmiddlewaretoken]")) field.value = token;
  }

  async function comeBack() {
    const waiting = Array.from(autosaves).filter((one) => one.away);
    if (!waiting.length) return;
    const found = await askSession();
    if (!found) return;
    if (found.person !== person) return waiting.forEach((one) => one.otherPerson(found.name));
    takeToken(found.token);
    announceActivity();
    waiting.forEach((one) => one.cameBack());
    await Promise.all(waiting.map((one) => one.running));
  }

  window.addEventListener("focus", comeBack);

  /* Another form of the page, as the one that hands a sheet in, waits until what was typed beside it is saved. */
  const settled = new WeakSet();

  const unsavedHere = () => Array.from(autosaves).filter((one) => one.form.isConnected && (one.running || one.dirty));

  async function saveTyped() {
    for (const one of unsavedHere()) {
      clearTimeout(one.timer);
      await one.running;
      await one.save();
      clearTimeout(one.timer);
    }
  }

  async function saveFirst(event) {
    const { target: form, submitter } = event;
    if (settled.delete(form) || form.dataset.autosaving || form.method !== "post") return;
    if (!unsavedHere().length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    await saveTyped();
    settled.add(form);
    form.requestSubmit(submitter);
  }

  document.addEventListener("submit", saveFirst, true);

  /* ---- The session ends after a time without work; say so before ---- */

  const sessionSeconds = Number(document.body.dataset.sessionSeconds || 0);
  const WARNING_SECONDS = 5 * 60;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("portal-activity") : null;
  let lastActive = performance.now();
  let warned = false;

  function announceActivity() {
    lastActive = performance.now();
    channel?.postMessage("active");
  }
  if (channel) {
    channel.onmessage = () => {
      lastActive = performance.now();
      comeBack();
    };
  }

  async function watchSession() {
    const left = sessionSeconds - (performance.now() - lastActive) / 1000;
    if (left > WARNING_SECONDS || warned) return;
    warned = true;
    const minutes = Math.max(1, Math.round(left / 60));
    const clock = element("p", {}, `For your safety you will be signed out in about ${minutes} minutes.`);
    const stay = await ask({
      heading: "Are you still there?",
      text: clock,
      yes: "Stay signed in",
      no: "Go back",
    });
    if (stay) {
      const answer = await fetch(document.body.dataset.sessionUrl, { credentials: "same-origin", redirect: "error" })
        .then((found) => found.ok)
        .catch(() => false);
      if (answer) announceActivity();
    }
    setTimeout(() => (warned = false), 60000);
  }

  /* ---- A list in which one types: the box in front of it says what the list says ---- */

  function showChosen(field) {
    const box = field.closest(".usa-combo-box");
    const shown = box?.querySelector(".usa-combo-box__input");
    if (!shown) return;
    shown.value = field.value ? field.selectedOptions[0].textContent.trim() : "";
    box.classList.toggle("usa-combo-box--pristine", Boolean(field.value));
  }

  /* ---- Many choices: typed to be found, said in one line when they fold away ---- */

  function startMany(many) {
    const find = many.querySelector("[data-many-find]");
    const said = many.querySelector("[data-many-chosen]");
    const choices = all("input[type=checkbox]", many).map((box) => ({ box, label: box.labels[0] }));
    find.hidden = false;
    find.addEventListener("input", (event) => {
      event.stopPropagation(); // nothing of the form has changed
      const wanted = find.value.trim().toLowerCase();
      for (const { label } of choices) label.parentElement.hidden = !label.textContent.toLowerCase().includes(wanted);
    });
    find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    many.addEventListener("change", (event) => {
      if (event.target === find) return event.stopPropagation();
      const chosen = choices.filter(({ box }) => box.checked).map(({ label }) => label.textContent.trim());
      said.textContent = chosen.length ? `${chosen.length} chosen: ${chosen.join(", ")}` : "Choose from the list";
    });
  }

  /* ---- Menus close when one leaves them ---- */

  document.addEventListener("click", (event) => {
    for (const menu of all("details.site-menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("details.site-menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* ---- Start, and start again on what htmx brings in ---- */

  function enhance(root) {
    all("[data-counter-for]", root).forEach(startCounter);
    all("[data-many]", root).forEach(startMany);
    all("form[data-autosave]", root).forEach((form) => form.dataset.autosaving || new Autosave(form));
    if (root.matches?.("form[data-autosave]") && !root.dataset.autosaving) new Autosave(root);
    showCountdowns();
  }

  enhance(document);
  focusErrors(document);
  if (document.querySelector("[data-close-window]") && window.name === "portal-sign-in") setTimeout(() => window.close(), 1500);
  setInterval(showCountdowns, 15000);
  if (sessionSeconds) {
    announceActivity();
    setInterval(watchSession, 15000);
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    enhance(event.target);
    focusErrors(event.target);
    announceActivity();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const place = document.getElementById("page-messages");
    if (!place) return;
    const words =
      event.detail.xhr.status === 403
        ? "You may not do this, or you are signed out."
        : "The portal did not answer as it should. Nothing was changed; load the page again.";
    place.replaceChildren(
      element(
        "div",
        { class: "usa-alert usa-alert--error usa-alert--slim" },
        element("div", { class: "usa-alert__body" }, element("p", { class: "usa-alert__text" }, words)),
      ),
    );
  });
})();
