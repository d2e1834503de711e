/** The page of a session's details: its log, the question before a stop, and moments in the reader's own time. */

import { confirmStops } from "./confirm.js";
import { follow } from "./live/follow.js";
import { say } from "./live/say.js";
import { followLog } from "./live_log.js";
import { localTimes } from "./local_times.js";
import { closeMenus } from "./menus.js";
import { wireSharing } from "./sharing.js";

closeMenus();
confirmStops();
localTimes();
followLog();
const shared = wireSharing(say);
follow(() => {
  localTimes();
  shared();
});
