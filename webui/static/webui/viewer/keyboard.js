/**
 * The way out of the canvas by keyboard, and no key left pressed behind.
 *
 * noVNC takes every key while the canvas has the focus, Tab included. Control, Alt and Shift together lead to the
 * toolbar; `capture` on window is the only place that sees them before noVNC does.
 */

/** AltGr is Control and Alt on some systems, and with Shift it types letters there. */
function isChord(event) {
  return event.ctrlKey && event.altKey && event.shiftKey && !event.getModifierState("AltGraph")
    && /^(Control|Alt|Shift)(Left|Right)$/.test(event.code);
}

/**
 * @param {HTMLElement} screen the canvas is somewhere in it
 * @param {() => void} leave called when the chord was pressed
 */
export function watchKeyboard(screen, leave) {
  window.addEventListener("keydown", (event) => {
    if (isChord(event) && screen.contains(document.activeElement)) {
      event.preventDefault();
      event.stopPropagation();
      leave();
    }
  }, { capture: true });
  // noVNC lifts all keys when the window loses the focus, but not when the canvas does: a Control that is lifted over
  // the toolbar would stay pressed in the session.
  screen.addEventListener("focusout", () => window.dispatchEvent(new Event("blur")));
}
