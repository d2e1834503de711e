/** The dashboard: moments in the reader's own time, and pages that follow what happens. */

import { followFilters } from "./filters.js";
import { follow } from "./live/follow.js";
import { localTimes } from "./local_times.js";
import { closeMenus } from "./menus.js";
import { fillTokens } from "./tokens.js";
import { utcFields } from "./utc_fields.js";

closeMenus();
localTimes();
utcFields();
document.querySelector("[aria-invalid=true]")?.focus();

if (document.getElementById("live")) {
  const dress = () => {
    fillTokens();
    localTimes();
  };
  const page = follow(dress);
  followFilters(() => {
    dress();
    page.again();
  });
}
