/** The picker: the question before a stop, the filter, the launch forms, and what is announced when something changes. */

import { confirmStops } from "./confirm.js";
import { filterTypes } from "./find_types.js";
import { prepareForms } from "./launch_forms.js";
import { follow } from "./live/follow.js";
import { say } from "./live/say.js";
import { keepTimes, sayTimes } from "./live/times.js";
import { closeMenus } from "./menus.js";

/** Session id to its name and state, as one's own lists show them now. */
function states() {
  const cards = document.querySelectorAll("#yours [data-session], #ended [data-session]");
  return new Map([...cards].map((card) => [card.dataset.session, `${card.dataset.name}: ${card.dataset.state}`]));
}

closeMenus();
confirmStops();
prepareForms();
filterTypes();
keepTimes();

document.querySelector("[aria-invalid=true]")?.focus();
if (document.getElementById("refusal")) {
  // This is the answer to a launch: loading the page again must not launch again.
  history.replaceState(null, "", document.querySelector(".brand").href);
}

const again = document.getElementById("again-form");
again.addEventListener("submit", (event) => {
  if (again.dataset.sent) {
    event.preventDefault();
  }
  again.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => { delete again.dataset.sent; });

let known = states();
follow(() => {
  prepareForms();
  filterTypes();
  sayTimes();
  const now = states();
  const changed = [...now].filter(([id, text]) => known.get(id) !== text).map(([, text]) => text);
  changed.forEach(say);
  known = now;
});
