/** How the picture comes: how it fits the window, and what it may cost the line. Remembered in this browser. */

import { rememberedChoice } from "./preferences.js";

// noVNC's levels, 0 to 9. More compression than this costs the VNC server more than the line gains.
const QUALITIES = {
  best: { quality: 9, compression: 2 },
  balanced: { quality: 6, compression: 2 },
  low: { quality: 1, compression: 6 },
};

const KEYBOARD_GOES = 1500; // milliseconds within which the keyboard of a busy touch screen has slid away as well

/** Whether there may be a touch screen's keyboard in the window. */
function writing() {
  return matchMedia("(any-pointer: coarse)").matches && document.activeElement?.localName === "textarea";
}

/**
 * @param {Line} line see line.js
 * @param {boolean} own whether it is a session of the user's own: whoever looks at another's takes the size it has
 */
export function wirePicture(line, own) {
  const fitting = rememberedChoice("scale", apply);
  const quality = rememberedChoice("quality", apply);

  function apply() {
    const rfb = line.current?.rfb;
    if (!rfb) {
      return;
    }
    // Also when resizing is asked for: a server that cannot resize is scaled then.
    rfb.scaleViewport = fitting() !== "none";
    resize();
    const levels = QUALITIES[quality()];
    rfb.qualityLevel = levels.quality;
    rfb.compressionLevel = levels.compression;
  }

  /** What a keyboard leaves of the window is no size for a session: it keeps its own meanwhile, and is scaled. */
  function resize() {
    const rfb = line.current?.rfb;
    const wanted = own && fitting() === "resize" && !writing();
    if (rfb && rfb.resizeSession !== wanted) {
      rfb.resizeSession = wanted;
    }
  }

  line.addEventListener("connect", apply);
  document.addEventListener("focusin", resize);
  document.addEventListener("focusout", () => setTimeout(resize, KEYBOARD_GOES));
}
