/**
 * The viewer's page: puts the line to the session and the toolbar's tools together; each is a module of viewer/.
 *
 * `window.__viewer` tells tests and the curious: `state` (see viewer/line.js), `connects`, `rfb` and `lastClose`.
 */

import { confirmStops } from "./confirm.js";
import { follow } from "./live/follow.js";
import { localTimes } from "./local_times.js";
import { closeMenus } from "./menus.js";
import { wireSharing } from "./sharing.js";
import { wireClipboard } from "./viewer/clipboard.js";
import { wireExtraKeys } from "./viewer/extra_keys.js";
import { wireFigures } from "./viewer/figures.js";
import { wireFullscreen } from "./viewer/fullscreen.js";
import { hideByItself } from "./viewer/hiding.js";
import { watchKeyboard } from "./viewer/keyboard.js";
import { EndWarning } from "./viewer/end_warning.js";
import { Line } from "./viewer/line.js";
import { Cover } from "./viewer/notice.js";
import { wirePicture } from "./viewer/picture.js";
import { wireScreenshot } from "./viewer/screenshot.js";
import { wireSoftKeyboard } from "./viewer/soft_keyboard.js";
import { followLine, messages } from "./viewer/toolbar.js";
import { stayVisible } from "./viewer/visible_part.js";

const byId = (id) => document.getElementById(id);
const page = byId("viewer");
const screen = byId("screen");
const bar = byId("viewer-bar");
const texts = JSON.parse(byId("viewer-texts").textContent);
const reasons = JSON.parse(byId("viewer-reasons").textContent);
const line = new Line(page, screen, texts, reasons, new Cover(texts));

wirePicture(line, page.dataset.own === "true"); // before the line: it has a say in how the first picture comes
line.begin();

const say = messages();
const enter = () => line.current?.rfb.focus({ preventScroll: true });
/** Where typing goes to the session: the on-screen keyboard's field stays where it is. */
const back = () => (document.activeElement === byId("soft-keyboard") || enter());

line.addEventListener("connect", () => {
  // Not while the user writes into the clipboard, or has a menu open.
  if (document.activeElement === document.body || page.contains(document.activeElement)) {
    enter();
  }
});
const warning = new EndWarning(page.dataset.status, texts, back, say);
warning.look();
const shared = wireSharing(say);
const { control } = byId("rights").dataset;
follow(() => {
  localTimes();
  shared();
  warning.look();
  if (byId("rights").dataset.control !== control) {
    location.reload(); // the toolbar has other tools then
  }
}, { quiet: true });
closeMenus();
localTimes();
confirmStops(() => line.leave());
watchKeyboard(screen, () => (warning.button ?? byId("tool-enter")).focus());
line.addEventListener("state", () => {
  if (line.state === "ended" || line.state === "failed") {
    warning.hide();
  }
});
hideByItself(bar, line);
followLine(line);
wireClipboard(texts, line, say, page.dataset.own === "true");
wireExtraKeys(line, back);
wireFigures(line);
wireFullscreen(enter);
wireScreenshot(line, page.dataset.name, say, texts);
wireSoftKeyboard(line);
stayVisible();

byId("tool-enter").addEventListener("click", enter);
byId("view-only")?.addEventListener("change", (event) => { line.viewOnly = event.target.checked; });
byId("notice-retry").addEventListener("click", () => line.retryNow());
window.addEventListener("online", () => line.retryNow());
for (const link of document.querySelectorAll("[data-leave]")) {
  link.addEventListener("click", (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!elsewhere) {
      line.leave();
    }
  });
}
// Back from the browser's cache of pages: its line is gone and its texts are old.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});

window.__viewer = Object.freeze({
  get state() { return line.state; },
  get connects() { return line.connects; },
  get rfb() { return line.rfb; },
  get lastClose() { return line.lastClose; },
});
