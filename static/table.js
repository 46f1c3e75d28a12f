/*
 * The table of components from the keyboard and the clipboard. Each row is a form that site.js saves by itself;
 * here the focus moves between rows, and cells pasted from a spreadsheet go to the page that shows first what
 * they would change.
 */
(() => {
  "use strict";

  const grid = document.querySelector("[data-grid]");
  if (!grid) return;

  const FIELDS = ".site-grid__cell :is(input, select, textarea)";
  const LEAVE_AFTER = 400;
  const fieldsOf = (row) => Array.from(row.querySelectorAll(FIELDS));

  function enter(field) {
    if (!field) return false;
    field.focus();
    if (field.tagName === "INPUT") field.select();
    return true;
  }

  function below(field, step) {
    const row = field.closest(".site-grid__row");
    const rows = Array.from(grid.querySelectorAll(".site-grid__row"));
    const next = rows[rows.indexOf(row) + step];
    return next && fieldsOf(next)[fieldsOf(row).indexOf(field)];
  }

  function beside(field, step) {
    const fields = fieldsOf(field.closest(".site-grid__row"));
    return fields[fields.indexOf(field) + step];
  }

  /* Where the caret stands; a field whose whole text is selected is at both ends, as after moving into it. */
  function caret(field) {
    const { selectionStart: start, selectionEnd: end, value } = field;
    const whole = start === 0 && end === value.length;
    const lines = field.tagName === "TEXTAREA";
    return {
      first: whole || end === 0,
      last: whole || start === value.length,
      top: !lines || !value.slice(0, start).includes("\n"),
      bottom: !lines || !value.slice(end).includes("\n"),
    };
  }

  function target(event) {
    const field = event.target;
    const isSelect = field.tagName === "SELECT";
    if (event.key === "Enter") {
      if (field.tagName === "TEXTAREA" && !event.ctrlKey) return undefined;
      return below(field, event.shiftKey ? -1 : 1) || null;
    }
    if (event.ctrlKey || event.shiftKey || isSelect || field.hasAttribute("list")) return undefined;
    const at = caret(field);
    if (event.key === "ArrowDown" && at.bottom) return below(field, 1);
    if (event.key === "ArrowUp" && at.top) return below(field, -1);
    if (event.key === "ArrowRight" && at.last) return beside(field, 1);
    if (event.key === "ArrowLeft" && at.first) return beside(field, -1);
    return undefined;
  }

  grid.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.metaKey || !event.target.matches(FIELDS)) return;
    const field = target(event);
    /* Enter in the last row stays there: it must not send the form and leave the page. */
    if (field === null) event.preventDefault();
    else if (field && enter(field)) event.preventDefault();
  });

  grid.addEventListener("paste", (event) => {
    const form = document.getElementById("grid-paste");
    if (!form || !event.target.matches(FIELDS)) return;
    const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n");
    const isText = event.target.tagName === "TEXTAREA" && !text.includes("\t");
    if (isText || !/[\t\n]/.test(text.replace(/\n+$/, ""))) return;
    event.preventDefault();
    form.querySelector("textarea").value = text;
    /* What was typed in the row is saved as it is left; only then the page goes. */
    event.target.blur();
    setTimeout(() => form.requestSubmit(), LEAVE_AFTER);
  });
})();
