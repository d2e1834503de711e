/**
 * noVNC's screen with what ours needs besides: keys that can be held back, and figures of the line. It knows noVNC's
 * inside (1.7.0: `_framebufferUpdate`, `_handleServerFenceMsg`, `_supportsFence`, `_sock`), so nothing else needs to;
 * tests/browser/test_viewer_figures.py fails when a newer noVNC has them no more.
 */

import RFB from "../../vendor/novnc/core/rfb.js";

const FENCE_REQUEST = 0x80000000; // rfbproto, ClientFence: the other side is to answer
const FENCE_HEADER = 8; // bytes between the message's type and its payload
const MOST_PATIENCE = 10000; // milliseconds after which a fence counts as lost

export class Screen extends RFB {
  #held = null;
  #down = new Map();
  #asked = 0;

  /** Framebuffer updates drawn so far. */
  updates = 0;
  /** Milliseconds to the VNC server and back, as last measured; null when it is not known. */
  roundTrip = null;

  /** Keeps every key back for a while, in order; none is lost. */
  holdKeys(milliseconds) {
    this.#held = [];
    setTimeout(() => {
      const held = this.#held;
      this.#held = null;
      for (const key of held) {
        this.sendKey(...key);
      }
    }, milliseconds);
  }

  sendKey(keysym, code, down) {
    if (this.#held) {
      this.#held.push([keysym, code, down]);
      return;
    }
    if (down) {
      this.#down.set(code, keysym);
    } else {
      this.#down.delete(code);
    }
    super.sendKey(keysym, code, down);
  }

  /** Lets go of every key; for noVNC forgets those that are down when it may only look. */
  liftKeys() {
    for (const [code, keysym] of this.#down) {
      this.sendKey(keysym, code, false);
    }
  }

  /** Asks the VNC server for a sign of life; `roundTrip` has the answer later. Servers without fences give none. */
  measureRoundTrip() {
    const now = performance.now();
    if (this._supportsFence && (this.#asked === 0 || now - this.#asked > MOST_PATIENCE)) {
      this.#asked = now;
      RFB.messages.clientFence(this._sock, FENCE_REQUEST, "");
    }
  }

  _framebufferUpdate() {
    const done = super._framebufferUpdate();
    this.updates += done ? 1 : 0;
    return done;
  }

  _handleServerFenceMsg() {
    if (this._sock.rQwait("fence header", FENCE_HEADER, 1)) {
      return false;
    }
    const header = this._sock.rQpeekBytes(FENCE_HEADER);
    if (header[3] & 0x80) {
      return super._handleServerFenceMsg(); // the server's own question
    }
    const length = FENCE_HEADER + header[7];
    if (this._sock.rQwait("fence payload", length, 1)) {
      return false;
    }
    this._sock.rQskipBytes(length);
    this.roundTrip = performance.now() - this.#asked;
    this.#asked = 0;
    return true;
  }
}
