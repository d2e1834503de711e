/** The dashboard: moments in the reader's own time, and what keeps a page that fetches itself again well-behaved. */

import { localTimes } from "./local_times.js";
import { closeMenus } from "./menus.js";

closeMenus();
localTimes();
document.querySelector("[aria-invalid=true]")?.focus();

document.body.addEventListener("htmx:beforeSwap", (event) => {
  // Logged out meanwhile: the answer is the login page, of which no part belongs here.
  if (new URL(event.detail.xhr.responseURL).pathname !== location.pathname) {
    event.preventDefault();
    location.reload();
  }
});
document.body.addEventListener("htmx:afterSwap", () => localTimes());

// A page that nobody sees asks nothing.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) {
    event.preventDefault();
  }
});
