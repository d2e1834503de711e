/** The picker: the question before a stop, fields that depend on others, and what is announced after a poll. */

import { confirmStops } from "./confirm.js";
import { dependentFields } from "./dependent_fields.js";
import { closeMenus } from "./menus.js";

closeMenus();
confirmStops();
for (const form of document.querySelectorAll("form.launch")) {
  dependentFields(form);
  // A second press would ask for a second session.
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.launch")) {
    delete form.dataset.sent;
  }
});

document.querySelector("[aria-invalid=true]")?.focus();
if (document.getElementById("refusal")) {
  // This is the answer to a launch: loading the page again must not launch again.
  history.replaceState(null, "", document.querySelector(".brand").href);
}

/** Session id to its name and state, as the list shows them now. */
function states() {
  const cards = document.querySelectorAll("#sessions [data-session]");
  return new Map([...cards].map((card) => [card.dataset.session, `${card.dataset.name}: ${card.dataset.state}`]));
}

let known = states();
let openDetails = [];
document.body.addEventListener("htmx:beforeSwap", () => {
  openDetails = [...document.querySelectorAll("#sessions details[open]")].map((details) => details.id);
});
document.body.addEventListener("htmx:afterSwap", () => {
  for (const id of openDetails) {
    document.getElementById(id)?.setAttribute("open", "");
  }
  const now = states();
  const changed = [...now].filter(([id, text]) => known.get(id) !== text).map(([, text]) => text);
  if (changed.length) {
    document.getElementById("announcements").textContent = changed.join(". ");
  }
  known = now;
});

// A page that nobody sees asks nothing; it looks as soon as it is seen again.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) {
    event.preventDefault();
  }
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    window.htmx.trigger("#sessions", "look");
  }
});

const stale = document.getElementById("stale");
document.body.addEventListener("htmx:sendError", () => { stale.hidden = false; });
document.body.addEventListener("htmx:responseError", () => { stale.hidden = false; });
document.body.addEventListener("htmx:afterOnLoad", () => { stale.hidden = true; });
