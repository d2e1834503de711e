/** Keys that a keyboard lacks, or that a browser or a system keeps for itself. Modifiers stay down until pressed again. */

const KEYSYMS = new Map([
  ["ControlLeft", 0xffe3],
  ["AltLeft", 0xffe9],
  ["ShiftLeft", 0xffe1],
  ["MetaLeft", 0xffeb], // Super
  ["Tab", 0xff09],
  ["Escape", 0xff1b],
]);
const F1 = 0xffbe;

/** The keysym of a key that is named as in `KeyboardEvent.code`. */
function keysymOf(code) {
  return KEYSYMS.get(code) ?? F1 + Number(code.slice(1)) - 1;
}

/**
 * @param {Line} line see line.js
 * @param {() => void} back puts the focus where typing goes to the session
 */
export function wireExtraKeys(line, back) {
  const keys = [...document.querySelectorAll("button[data-key]")];
  const modifiers = keys.filter((key) => key.hasAttribute("aria-pressed"));

  /** Whoever pressed it by pointer goes on typing; by keyboard, the focus stays on the button. */
  function done(event) {
    if (event.detail > 0) {
      back();
    }
  }

  for (const key of keys) {
    const code = key.dataset.key;
    key.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays where typing goes
    key.addEventListener("click", (event) => {
      if (modifiers.includes(key)) {
        const down = key.getAttribute("aria-pressed") !== "true";
        key.setAttribute("aria-pressed", String(down));
        line.current?.rfb.sendKey(keysymOf(code), code, down);
      } else {
        line.current?.rfb.sendKey(keysymOf(code), code);
      }
      done(event);
    });
  }
  document.getElementById("tool-ctrl-alt-del")?.addEventListener("click", (event) => {
    line.current?.rfb.sendCtrlAltDel();
    done(event);
  });
  // The VNC server lifts what a viewer that is gone, or only looks, has left down.
  line.addEventListener("state", () => {
    for (const key of modifiers) {
      if (!line.current || !line.acting) {
        key.setAttribute("aria-pressed", "false");
      }
    }
  });
}
