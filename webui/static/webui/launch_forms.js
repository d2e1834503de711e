/** Launch forms: fields that depend on others, one launch a press, and what is entered belongs to who enters it. */

import { dependentFields } from "./dependent_fields.js";

const known = new WeakSet();

/** @param {Document|Element} where looks for forms that are new on the page */
export function prepareForms(where = document) {
  const token = document.querySelector("input[name=csrfmiddlewaretoken][value]:not([value=''])")?.value;
  for (const form of where.querySelectorAll("form.launch")) {
    const field = form.querySelector("input[name=csrfmiddlewaretoken]");
    if (!field.value && token) {
      field.value = token;
    }
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
