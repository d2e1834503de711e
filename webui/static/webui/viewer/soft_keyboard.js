/**
 * The keyboard of a touch screen, which opens only for a text field: an invisible one has the focus, and what comes
 * into it goes on to the session as keys. It holds some filling, so that there is something to erase.
 */

import keysyms from "../../vendor/novnc/core/input/keysymdef.js";
import { change } from "./typed.js";

const FILLING = "_".repeat(50);
const MOST = 500; // characters before the field is filled anew
const BACKSPACE = 0xff08;
const RETURN = 0xff0d;
const TAB = 0xff09;
// Neither Tab, which leads on to the next control as everywhere, nor Backspace, which the field's text tells.
const NAMED = new Map([
  ["Enter", RETURN], ["Escape", 0xff1b], ["Delete", 0xffff],
  ["ArrowLeft", 0xff51], ["ArrowUp", 0xff52], ["ArrowRight", 0xff53], ["ArrowDown", 0xff54],
  ["Home", 0xff50], ["End", 0xff57], ["PageUp", 0xff55], ["PageDown", 0xff56],
]);

function keysymOf(character) {
  if (character === "\n") {
    return RETURN;
  }
  return character === "\t" ? TAB : keysyms.lookup(character.codePointAt(0));
}

/** @param {Line} line see line.js */
export function wireSoftKeyboard(line) {
  const button = document.getElementById("tool-keyboard");
  const field = document.getElementById("soft-keyboard");
  if (!button) {
    return;
  }
  let known = FILLING;
  button.hidden = !matchMedia("(any-pointer: coarse)").matches;

  function refill() {
    field.value = known = FILLING;
    field.setSelectionRange(known.length, known.length);
  }

  function press(keysym) {
    line.current?.rfb.sendKey(keysym, "");
  }

  // Else the button would take the focus, and with it the keyboard that is to be shut.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    if (document.activeElement === field) {
      field.blur();
    } else {
      field.disabled = false;
      field.focus();
    }
  });
  field.addEventListener("focus", () => {
    button.setAttribute("aria-pressed", "true");
    refill();
  });
  field.addEventListener("blur", () => {
    button.setAttribute("aria-pressed", "false");
    field.disabled = true; // nobody gets there by Tab
  });
  field.addEventListener("keydown", (event) => {
    if (!event.isComposing && NAMED.has(event.key)) {
      event.preventDefault();
      press(NAMED.get(event.key));
      refill(); // what was written is done: nothing goes back behind it
    }
  });
  field.addEventListener("input", (event) => {
    const { erased, added } = change(known, field.value);
    known = field.value;
    for (let count = 0; count < erased; count += 1) {
      press(BACKSPACE);
    }
    for (const character of added) {
      press(keysymOf(character));
    }
    if (!event.isComposing && (known.length < FILLING.length / 2 || known.length > MOST)) {
      refill();
    }
  });
}
