/** A list that htmx fetches again when its filters change: its page goes on by what is shown now. */

import { say } from "./live/say.js";

/** @param {() => void} shown called when another list is on the page */
export function followFilters(shown) {
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (!xhr.responseURL || event.detail.isError || new URL(xhr.responseURL).pathname !== location.pathname) {
      // Logged out meanwhile, or refused: the answer is another page, of which no part belongs here.
      event.preventDefault();
      location.assign(xhr.responseURL || location.href);
    }
  });
  // The form says "settle:0ms", so nothing that is meant for the list before comes between the swap and this.
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "changing") {
      shown();
      say(document.getElementById("found").textContent);
    }
  });
}
