/** The page of a session's details: its log, the question before a stop, and moments in the reader's own time. */

import { confirmStops } from "./confirm.js";
import { followLog } from "./live_log.js";
import { localTimes } from "./local_times.js";
import { closeMenus } from "./menus.js";

closeMenus();
confirmStops();
localTimes();
followLog();

document.body.addEventListener("htmx:afterSwap", () => localTimes());

// A page that nobody sees asks nothing; it looks as soon as it is seen again.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) {
    event.preventDefault();
  }
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    window.htmx.trigger("#details", "look");
  }
});
