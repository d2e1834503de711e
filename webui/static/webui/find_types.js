/** Filters the types as one types: every word has to stand in a type's name, category or description. */

import { say } from "./live/say.js";

const SETTLED = 400;
let field = null;
let count = null;
let timer = 0;

function words() {
  return field.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
}

/** Shows what fits, also after the list has changed; returns how many those are. */
export function filterTypes() {
  if (!field?.isConnected) {
    connect();
    if (!field) {
      return 0;
    }
  }
  document.getElementById("find").hidden = false;
  const wanted = words();
  let found = 0;
  for (const category of document.querySelectorAll("#types .category")) {
    let here = 0;
    for (const card of category.querySelectorAll(".card.type")) {
      const text = card.dataset.find.toLocaleLowerCase();
      card.hidden = !wanted.every((word) => text.includes(word));
      here += card.hidden ? 0 : 1;
    }
    category.hidden = here === 0;
    found += here;
  }
  count.textContent = wanted.length ? JSON.parse(field.dataset.found)[found] : "";
  return found;
}

function connect() {
  field = document.getElementById("find-text");
  count = document.getElementById("find-count");
  if (!field) {
    return;
  }
  field.addEventListener("input", () => {
    filterTypes();
    // Said once somebody has stopped typing, not at every letter.
    clearTimeout(timer);
    timer = setTimeout(() => {
      say(count.textContent);
    }, SETTLED);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && field.value) {
      event.preventDefault();
      field.value = "";
      field.dispatchEvent(new Event("input"));
    }
  });
}
