/**
 * The session's clipboard: a panel that works everywhere, and without the panel where the browser lets a page read
 * and write the computer's clipboard. The latter only when the user has ticked it: what one copies elsewhere is often
 * nobody's business, and the browser asks for it once more. The tick is remembered for one's own sessions alone.
 */

import { remember, remembered } from "./preferences.js";

const MOST = 262144; // bytes that TigerVNC takes (its MaxCutText); it drops more without a word
const AUTOMATIC = "automatic";

/**
 * @param {object} texts what to say
 * @param {Line} line see line.js
 * @param {(sentence: string) => void} say tells the user where the panel may be shut
 * @param {boolean} own whether it is a session of the user's own
 */
export function wireClipboard(texts, line, say, own) {
  const byId = (id) => document.getElementById(id);
  const text = byId("clipboard-text");
  const note = byId("clipboard-note");
  const automatic = byId("clipboard-automatic");
  let shared = null; // what both sides have, as far as we know

  /** Sends it, or says why not. */
  function send(wanted) {
    shared = wanted;
    if (new TextEncoder().encode(wanted).length > MOST) {
      return texts.clipboardTooLong;
    }
    line.current?.rfb.clipboardPasteFrom(wanted);
    return texts.clipboardSent;
  }

  /** From this computer into the session. */
  async function fetchText() {
    if (!automatic.checked || !byId("clipboard-send") || !line.acting || !line.current || !document.hasFocus()) {
      return;
    }
    let found;
    try {
      found = await navigator.clipboard.readText();
    } catch {
      await settle();
      return;
    }
    if (found !== "" && found !== shared) {
      const outcome = send(found);
      if (outcome === texts.clipboardTooLong) {
        say(outcome);
      }
    }
  }

  /** Ticked only where the browser plays along. */
  async function settle() {
    const permission = await permissionToRead();
    byId("clipboard-automatic-row").hidden = permission === "unknown";
    automatic.disabled = permission === "denied" || permission === "unknown";
    if (automatic.checked && automatic.disabled) {
      automatic.checked = false;
      note.textContent = texts.clipboardRefused;
    }
  }

  byId("clipboard-send")?.addEventListener("click", () => { note.textContent = send(text.value); });
  automatic.checked = own && remembered("clipboard") === AUTOMATIC;
  automatic.addEventListener("change", () => {
    if (own) {
      remember("clipboard", automatic.checked ? AUTOMATIC : "panel");
    }
    fetchText();
  });
  line.addEventListener("clipboard", async ({ detail }) => {
    text.value = shared = detail.text;
    note.textContent = texts.clipboardArrived;
    if (automatic.checked) {
      try {
        await navigator.clipboard.writeText(detail.text);
      } catch {
        // Another window has the focus, or the browser wants a click first: the panel has the text.
      }
    }
  });
  line.addEventListener("connect", fetchText);
  byId("screen").addEventListener("focusin", fetchText);
  window.addEventListener("focus", fetchText);
  settle();
}

/** "granted", "prompt", "denied", or "unknown" where pages cannot ask, as on plain http and in Firefox. */
async function permissionToRead() {
  if (!navigator.clipboard?.readText) {
    return "unknown";
  }
  try {
    return (await navigator.permissions.query({ name: "clipboard-read" })).state;
  } catch {
    return "unknown";
  }
}
