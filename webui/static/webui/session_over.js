/** The page of a session that is over: the end of its log is in view, and tests see how it ended. */

import { localTimes } from "./local_times.js";
import { closeMenus } from "./menus.js";

closeMenus();
localTimes();
const { state } = document.getElementById("session-over").dataset;
window.__viewer = Object.freeze({ state });
const log = document.getElementById("log");
if (log) {
  log.scrollTop = log.scrollHeight;
}
