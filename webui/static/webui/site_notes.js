/**
 * What stands above every page. An announcement is put away without loading the page again, which would interrupt a
 * viewer or a half-filled form; one that came while the page was open is also said.
 */

import { say } from "./live/say.js";
import { fillTokens } from "./tokens.js";

const place = document.getElementById("site-notes");
const seen = new Set(place.dataset.seen.split(".").filter(Boolean));
const shown = new Set();

function tidy() {
  for (const note of place.querySelectorAll("[data-announcement]")) {
    if (seen.has(note.dataset.announcement)) {
      note.remove();
    }
  }
  for (const section of place.querySelectorAll("section")) {
    if (!section.querySelector(".notice")) {
      section.remove();
    }
  }
  fillTokens(place);
}

/** The announcements that were not there before. */
function news() {
  const notes = [...place.querySelectorAll("[data-announcement]")].filter((note) => !shown.has(note.id));
  notes.forEach((note) => shown.add(note.id));
  return notes.map((note) => note.querySelector("p").textContent);
}

place.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" })
    .then(() => {
      seen.add(form.closest("[data-announcement]").dataset.announcement);
      tidy();
      document.getElementById("main")?.focus();
    })
    .catch(() => form.submit());
});

news();
document.addEventListener("live", () => {
  tidy();
  news().forEach(say);
});
