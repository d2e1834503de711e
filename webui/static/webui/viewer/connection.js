/**
 * One line to the session's screen: a websocket and the noVNC that speaks on it.
 *
 * noVNC's own `disconnect` event calls a cut line clean, so the websocket's close code is what counts. It is listened
 * to here before noVNC listens, and noVNC is told first, so that it takes the end as expected.
 */

import { Screen } from "./screen.js";

const SHIFT = 0xffe1;
const WAKING = 600; // milliseconds in which a brand-new X server may lose keys after the first one

export class Connection extends EventTarget {
  #hungUp = false;

  /**
   * @param {HTMLElement} place where noVNC puts its canvas
   * @param {URL} url the websocket's address
   * @param {boolean} viewOnly whether input is kept back
   */
  constructor(place, url, viewOnly) {
    super();
    this.connected = false;
    this.said = "";
    /** Bytes that came from the server. */
    this.received = 0;
    const socket = new WebSocket(url);
    socket.addEventListener("open", () => this.dispatchEvent(new Event("open")));
    socket.addEventListener("message", (event) => { this.received += event.data.byteLength; });
    socket.addEventListener("close", (event) => this.#closed(event));
    // In the same task as the websocket: a VNC server speaks first, and noVNC must not miss it.
    this.rfb = new Screen(place, socket);
    this.rfb.viewOnly = viewOnly;
    this.rfb.addEventListener("connect", () => {
      this.connected = true;
      this.dispatchEvent(new Event("connect"));
    });
    for (const name of ["clipboard", "credentialsrequired"]) {
      this.rfb.addEventListener(name, (event) => {
        this.dispatchEvent(new CustomEvent(name, { detail: event.detail }));
      });
    }
    this.rfb.addEventListener("disconnect", () => { this.#hungUp = true; });
    this.rfb.addEventListener("securityfailure", (event) => {
      this.said = event.detail.reason || String(event.detail.status);
    });
  }

  /** Hangs up as somebody who closes the window does. */
  leave() {
    if (!this.#hungUp) {
      this.rfb.disconnect();
    }
  }

  /**
   * The first keys that reach a brand-new X server are lost: a Shift that nobody sees is lost in their place, and
   * what is typed meanwhile waits until the X server has got over it.
   */
  wakeKeyboard() {
    this.rfb.sendKey(SHIFT, "ShiftLeft", true);
    this.rfb.sendKey(SHIFT, "ShiftLeft", false);
    this.rfb.holdKeys(WAKING);
  }

  #closed({ code, reason }) {
    this.connected = false;
    this.leave();
    const detail = { code, reason: reason || this.said, refused: this.said !== "" };
    this.dispatchEvent(new CustomEvent("closed", { detail }));
  }
}
