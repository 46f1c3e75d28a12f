/*
 * Sends a chosen file in pieces before its form goes: progress, a way to stop, and an upload that was cut off
 * goes on where it stopped, also after signing in again. Without this script the form sends the file itself.
 */
(() => {
  "use strict";

  const RETRIES = [2000, 5000, 10000, 15000];
  const LARGEST_HASHED = 256 * 1024 * 1024;
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const megabytes = (bytes) => (bytes / 1048576).toLocaleString("en-US", { maximumFractionDigits: 1 });

  /* The hash by which the portal knows the same file again, and knows that it arrived as it was chosen. */
  async function hashOf(file) {
    if (!window.crypto?.subtle || file.size > LARGEST_HASHED) return "";
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  class Stopped extends Error {}
  class Refused extends Error {}
  class SignedOut extends Error {}

  class Sending {
    constructor(form, field) {
      this.form = form;
      this.field = field;
      this.token = form.querySelector("[name='csrfmiddlewaretoken']").value;
      this.bar = element("progress", { class: "site-upload__bar", max: "100", value: "0", "aria-label": "Upload" });
      this.words = element("p", { class: "site-upload__words" });
      this.spoken = element("p", { class: "usa-sr-only", role: "status", "aria-live": "polite" });
      this.stopButton = element("button", { class: "usa-button usa-button--outline", type: "button" }, "Stop");
      this.panel = element("div", { class: "site-upload" }, this.bar, this.words, this.stopButton, this.spoken);
      this.stopButton.addEventListener("click", () => (this.running ? this.stop() : this.run()));
      this.leaving = (event) => this.running && event.preventDefault();
      window.addEventListener("beforeunload", this.leaving);
      form.querySelector("[type='submit'], button:not([type='button'])").before(this.panel);
    }

    say(text, { bad = false, aloud = true } = {}) {
      this.words.replaceChildren(...[].concat(text));
      this.words.classList.toggle("site-upload__words--bad", bad);
      if (aloud) this.spoken.textContent = this.words.textContent;
    }

    stop() {
      this.stopped = true;
      this.abort?.abort();
    }

    pause(text, options) {
      this.running = false;
      this.stopButton.textContent = "Go on";
      this.say(text, options);
    }

    async run() {
      const [file] = this.field.files;
      this.running = true;
      this.stopped = false;
      this.stopButton.textContent = "Stop";
      this.say("Preparing the file…");
      try {
        if (this.sent?.file !== file) this.sent = { file, sha256: await hashOf(file) };
        if (!this.sent.url) await this.begin(file);
        else await this.look();
        await this.sendFrom(file);
        this.finish();
      } catch (problem) {
        if (problem instanceof Stopped) this.pause("Stopped. What has arrived is kept for a day.");
        else if (problem instanceof SignedOut) this.pause(this.signIn(), { bad: true });
        else if (problem instanceof Refused) this.refuse(problem.message);
        else this.refuse("The file could not be read. Choose it again.");
      }
    }

    signIn() {
      const address = document.body.dataset.signInUrl;
      const link = element("a", { href: address, target: "_blank", rel: "noopener" }, "Sign in in a new tab");
      return ["You are signed out. What has arrived is kept. ", link, ", then come back and press Go on."];
    }

    /* Ask until somebody answers: a lost connection is waited for, everything else is the caller's matter. */
    async ask(address, options) {
      for (let failures = 0; ; failures += 1) {
        if (this.stopped) throw new Stopped();
        this.abort = new AbortController();
        try {
          const headers = { "X-CSRFToken": this.token, Accept: "application/json", ...options.headers };
          const answer = await fetch(address, {
            credentials: "same-origin",
            redirect: "manual",
            ...options,
            headers,
            signal: this.abort.signal,
          });
          if (answer.type === "opaqueredirect" || answer.status === 401) throw new SignedOut();
          if (answer.status !== 408 && (answer.status < 500 || answer.status === 507)) {
            return { status: answer.status, body: await answer.json().catch(() => ({})) };
          }
        } catch (problem) {
          if (problem instanceof SignedOut) throw problem;
          if (this.stopped) throw new Stopped();
        }
        this.say("The connection is broken. The upload goes on by itself when it is back.", { bad: true });
        const wait = RETRIES[Math.min(failures, RETRIES.length - 1)];
        await new Promise((resolve) => {
          setTimeout(resolve, wait);
          window.addEventListener("online", resolve, { once: true });
          this.stopButton.addEventListener("click", resolve, { once: true });
        });
      }
    }

    async begin(file) {
      const content = new URLSearchParams({ name: file.name, size: file.size, sha256: this.sent.sha256 });
      const { status, body } = await this.ask(this.form.dataset.upload, { method: "POST", body: content });
      if (status === 403) throw new SignedOut();
      if (status >= 400) throw new Refused(body.message || "The portal does not take this file.");
      Object.assign(this.sent, body);
    }

    /* Where the upload stands, with a fresh token: after signing in again the page's own is out of date. */
    async look() {
      const { status, body } = await this.ask(this.sent.url, { method: "GET" });
      if (status === 403) throw new Refused("You may no longer change this proposal.");
      if (status !== 200) {
        delete this.sent.url;
        return this.begin(this.sent.file);
      }
      this.token = body.token;
      this.form.querySelector("[name='csrfmiddlewaretoken']").value = body.token;
      this.sent.offset = body.offset;
    }

    async sendFrom(file) {
      const started = performance.now();
      const first = this.sent.offset;
      let looked = false;
      while (this.sent.offset < file.size) {
        this.show(started, first);
        const { offset, piece, url } = this.sent;
        const { status, body } = await this.ask(url, {
          method: "POST",
          body: file.slice(offset, offset + piece),
          headers: { "Content-Type": "application/octet-stream", "Upload-Offset": String(offset) },
        });
        if (status === 403 && !looked) {
          looked = true;
          await this.look();
        } else if (status === 409) {
          if (body.offset === offset) throw new Refused(body.message);
          this.sent.offset = body.offset;
        } else if (status >= 400) {
          throw new Refused(body.message || "The portal did not take the file. Choose it again.");
        } else {
          looked = false;
          this.sent.offset = body.offset;
        }
      }
    }

    show(started, first) {
      const { offset, file } = this.sent;
      const seconds = (performance.now() - started) / 1000;
      const left = ((file.size - offset) / Math.max(1, offset - first)) * seconds;
      const parts = [`${megabytes(offset)} of ${megabytes(file.size)} MB have arrived`];
      if (seconds > 3 && offset > first) {
        parts.push(left < 90 ? "about a minute left" : `about ${Math.round(left / 60)} minutes left`);
      }
      const percent = Math.floor((offset / file.size) * 100);
      const aloud = Math.floor(percent / 25) !== Math.floor((this.bar.value || 0) / 25);
      this.bar.value = percent;
      this.say(`${parts.join(", ")}.`, { aloud });
    }

    finish() {
      this.running = false;
      this.bar.value = 100;
      this.say("The file has arrived and is being checked…");
      this.stopButton.remove();
      this.form.querySelector("[name='upload']").value = this.sent.id;
      this.field.disabled = true;
      this.form.submit();
    }

    refuse(message) {
      this.running = false;
      delete this.sent;
      window.removeEventListener("beforeunload", this.leaving);
      this.panel.replaceWith(element("p", { class: "usa-error-message", role: "alert" }, message));
      this.field.focus();
      delete this.form.dataset.sending;
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-upload]");
    const field = form?.querySelector("input[type='file']");
    if (!field?.files.length || field.disabled || !field.files[0].size) return;
    event.preventDefault();
    if (form.dataset.sending) return;
    form.dataset.sending = "1";
    for (const old of form.querySelectorAll(":scope > .usa-error-message")) old.remove();
    new Sending(form, field).run();
  }, true);

  /* Coming back by the browser's back button, the form is as it was. */
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-upload][data-sending]")) {
      delete form.dataset.sending;
      form.querySelector(".site-upload")?.remove();
      form.querySelector("input[type='file']").disabled = false;
    }
  });
})();
