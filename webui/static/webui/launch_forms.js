/** Launch forms: fields that depend on others, one launch a press, and what is entered belongs to who enters it. */

import { dependentFields } from "./dependent_fields.js";
import { fillTokens } from "./tokens.js";

const known = new WeakSet();

/** @param {Document|Element} where looks for forms that are new on the page */
export function prepareForms(where = document) {
  fillTokens(where);
  for (const form of where.querySelectorAll("form.launch")) {
    if (known.has(form)) {
      form.dispatchEvent(new Event("morphed"));
      continue;
    }
    known.add(form);
    dependentFields(form);
    form.addEventListener("input", () => { form.dataset.touched = ""; });
    // A second press would ask for a second session.
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
      }
      form.dataset.sent = "yes";
    });
  }
}

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.launch")) {
    delete form.dataset.sent;
  }
});
