/**
 * The toolbar that hides itself, so that nothing but the session's screen is to be seen.
 *
 * It goes some seconds after its last use, or at once when the screen is clicked. It comes back when the pointer
 * touches the window's top edge, by the handle on touch screens, when anything in it gets the focus (Tab, or
 * Control+Alt+Shift), and whenever there is no screen. It never goes while it has the focus or the pointer, or while a menu or a question is open.
 *
 * Who wants it to stay ticks "Keep the toolbar in view". Where the system asks for reduced motion that is the start:
 * things that come and go by themselves are the motion meant, and sliding or not makes no difference to it.
 */

import { remember, remembered } from "./preferences.js";

const IDLE = 4000; // milliseconds after its last use
const EDGE = 2; // pixels from the top at which the pointer calls it
const STAY = "stay";

/**
 * @param {HTMLElement} bar the toolbar
 * @param {Line} line the screen's line (see line.js): without a screen the toolbar stays
 */
export function hideByItself(bar, line) {
  const keep = document.getElementById("toolbar-keep");
  const handle = document.getElementById("toolbar-handle");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;
  let pointer = "";

  function inUse() {
    // After a tap browsers leave what was tapped hovered for ever.
    const pointed = pointer === "mouse" && bar.matches(":hover");
    return line.current === null || bar.contains(document.activeElement) || pointed
      || document.querySelector("details.menu[open], dialog[open]") !== null;
  }

  /** "kept" has a place of its own, "shown" lies over the screen's top, "hidden" is out of view. */
  function become(how) {
    document.body.dataset.toolbar = how;
  }

  function show() {
    clearTimeout(timer);
    become(keep.checked ? "kept" : "shown");
    if (!keep.checked) {
      timer = setTimeout(() => (inUse() ? show() : become("hidden")), IDLE);
    }
  }

  function settle() {
    const wish = remembered("toolbar");
    keep.checked = wish === null ? still.matches : wish === STAY;
    show();
  }

  keep.addEventListener("change", () => {
    remember("toolbar", keep.checked ? STAY : "go");
    show();
  });
  for (const use of ["focusin", "focusout", "pointermove", "pointerdown", "toggle"]) {
    bar.addEventListener(use, show, true);
  }
  window.addEventListener("pointerdown", (event) => { pointer = event.pointerType; }, true);
  window.addEventListener("pointermove", (event) => {
    pointer = event.pointerType;
    if (event.clientY <= EDGE && event.buttons === 0) {
      show();
    }
  }, true);
  document.getElementById("screen").addEventListener("pointerdown", () => {
    if (!keep.checked && line.current) {
      clearTimeout(timer);
      become("hidden");
    }
  });
  handle.addEventListener("click", show);
  line.addEventListener("state", show);
  still.addEventListener("change", settle);
  settle();
}
