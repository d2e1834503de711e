/** The toolbar's own work: clipboard, full screen, how the picture fits. What it acts on is the present connection. */

const MOST_CLIPBOARD = 262144; // bytes that TigerVNC takes (its MaxCutText); it drops more without a word
const REMEMBERED = "viewer.scale";

/**
 * @param {object} texts what to say
 * @param {() => (Connection | null)} current the connection of the moment (see connection.js)
 */
export function wireToolbar(texts, current) {
  const byId = (id) => document.getElementById(id);

  byId("tool-keys")?.addEventListener("click", () => {
    current()?.rfb.sendCtrlAltDel();
    current()?.rfb.focus();
  });
  byId("tool-enter").addEventListener("click", () => current()?.rfb.focus());

  // ---- clipboard
  const text = byId("clipboard-text");
  const note = byId("clipboard-note");
  byId("clipboard-send")?.addEventListener("click", () => {
    if (new TextEncoder().encode(text.value).length > MOST_CLIPBOARD) {
      note.textContent = texts.clipboardTooLong;
      return;
    }
    current()?.rfb.clipboardPasteFrom(text.value);
    note.textContent = texts.clipboardSent;
  });

  // ---- full screen
  const fullscreen = byId("tool-fullscreen");
  fullscreen.hidden = !document.fullscreenEnabled;
  fullscreen.addEventListener("click", async () => {
    if (document.fullscreenElement) {
      await document.exitFullscreen();
    } else {
      await document.documentElement.requestFullscreen();
      current()?.rfb.focus();
    }
  });
  document.addEventListener("fullscreenchange", () => {
    fullscreen.setAttribute("aria-pressed", String(document.fullscreenElement !== null));
  });

  // ---- how the picture fits
  const choices = [...document.querySelectorAll("input[name=scale]")];
  const remembered = choices.find((choice) => choice.value === localStorage.getItem(REMEMBERED));
  if (remembered) {
    remembered.checked = true;
  }
  function fit() {
    const connection = current();
    if (!connection) {
      return;
    }
    const { value } = choices.find((choice) => choice.checked);
    // Also when resizing is asked for: a server that cannot resize is scaled then.
    connection.rfb.scaleViewport = value !== "none";
    connection.rfb.resizeSession = value === "resize";
  }
  for (const choice of choices) {
    choice.addEventListener("change", () => {
      localStorage.setItem(REMEMBERED, choice.value);
      fit();
    });
  }

  return {
    fit,
    showClipboard(received) {
      text.value = received;
      note.textContent = texts.clipboardArrived;
    },
  };
}
