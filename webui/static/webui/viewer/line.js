/**
 * The line to the session over time: opens it, follows a start, and brings it back when it is cut. What a closed line
 * means is decided in closing.js, what the user reads meanwhile is in notice.js.
 *
 * `state` is "connecting", "starting", "connected", "reconnecting", "failed", "ended" or "left". Events: "state" after
 * each change, "connect" when a screen is there, "clipboard" with the session's text.
 */

import { AGAIN, backOff, CUT, FEW, inWords, MOST_FEW, OVER, REFUSED, RESTARTING, START_FAILED, verdict } from "./closing.js";
import { Connection } from "./connection.js";
import { askCredentials } from "./credentials.js";
import { askStatus } from "./status.js";

const POLL = 1000; // milliseconds between two looks at a session that is starting or ending
const LEAVING = 2000; // a server that stops answers no more after this
const STABLE = 10000; // a line that held for so long starts a new count of tries

export class Line extends EventTarget {
  #page;
  #place;
  #texts;
  #reasons;
  #cover;
  #control;
  #viewOnly = false;
  #connection = null;
  #tries = 0;
  #fewTries = 0;
  #retryTimer = 0;
  #stableTimer = 0;
  #restarting = false; // the server said that it stops, for good or not, and no screen has come since

  state = "connecting";
  /** How often a screen has come. */
  connects = 0;
  /** The code and reason of the last line that ended, as the server said it. */
  lastClose = null;

  /**
   * @param {HTMLElement} page whose data say where the session is and what this user may do
   * @param {HTMLElement} place where the screen is put
   * @param {object} texts what to say
   * @param {object} reasons what the server says, each with how to say it
   * @param {Cover} cover what lies over the screen while there is none (see notice.js)
   */
  constructor(page, place, texts, reasons, cover) {
    super();
    this.#page = page.dataset;
    this.#place = place;
    this.#texts = texts;
    this.#reasons = reasons;
    this.#cover = cover;
    this.#control = page.dataset.control === "true";
  }

  /** The connection whose screen is there, or null. */
  get current() {
    return this.#connection?.connected ? this.#connection : null;
  }

  /** Whether the user may act on the session and wants to. */
  get acting() {
    return this.#control && !this.#viewOnly;
  }

  /** noVNC of the connection there is, even if it has no screen yet. */
  get rfb() {
    return this.#connection?.rfb ?? null;
  }

  /** Only looks from now on, also on lines to come. */
  set viewOnly(wanted) {
    this.#viewOnly = wanted;
    if (this.#connection) {
      this.#connection.rfb.liftKeys();
      this.#connection.rfb.viewOnly = !this.acting;
    }
    if (this.state === "connected") {
      this.#enterConnected();
    }
  }

  /** Before anything that can wait: the time from Start to the first picture is what a user feels. */
  begin() {
    if (this.#page.state === "stopping") {
      this.#ending(0, "");
      return;
    }
    this.state = this.#page.state === "running" ? "connecting" : "starting";
    document.body.dataset.viewerState = this.state;
    this.#open();
    setTimeout(() => this.#followStart(), POLL / 2);
  }

  retryNow() {
    if (this.#connection === null && (this.state === "reconnecting" || this.state === "failed")) {
      this.#tries = this.#fewTries = 0;
      this.#enterReconnecting();
      this.#open();
    }
  }

  /** The user goes: what the line says from now on is no news, and must not lead elsewhere than the user wanted. */
  leave() {
    this.state = "left";
    clearTimeout(this.#retryTimer);
    this.#connection?.leave();
  }

  #enter(next, words) {
    this.state = next;
    document.body.dataset.viewerState = next;
    this.#cover.say(words);
    this.dispatchEvent(new Event("state"));
  }

  #enterConnected() {
    this.#enter("connected", this.acting ? this.#texts.connected : this.#texts.viewOnly);
  }

  /** The line is down and will be tried again. */
  #enterReconnecting() {
    this.#enter("reconnecting", this.#restarting ? this.#texts.waiting : this.#texts.reconnecting);
  }

  #open() {
    clearTimeout(this.#retryTimer);
    const address = new URL(this.#page.websocket, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const opened = new Connection(this.#place, address, !this.acting);
    this.#connection = opened;
    opened.addEventListener("open", () => this.#waiting());
    opened.addEventListener("connect", () => this.#connected(opened));
    opened.addEventListener("closed", (event) => this.#closed(opened, event.detail));
    opened.addEventListener("clipboard", ({ detail }) => this.dispatchEvent(new CustomEvent("clipboard", { detail })));
    opened.addEventListener("credentialsrequired", (event) => askCredentials(opened, event.detail.types));
  }

  /** The server took the line again, of a session that has shown no screen yet: it is starting still. */
  #waiting() {
    if (this.state === "reconnecting" && this.connects === 0) {
      this.#enter("starting", this.#texts.starting);
      this.#cover.showStart();
      this.#followStart();
    }
  }

  #connected(opened) {
    this.connects += 1;
    this.#restarting = false;
    if (this.connects === 1 && this.acting) {
      opened.wakeKeyboard();
    }
    this.#cover.clear();
    this.#enterConnected();
    this.dispatchEvent(new Event("connect"));
    this.#stableTimer = setTimeout(() => { this.#tries = this.#fewTries = 0; }, STABLE);
  }

  async #closed(was, { code, reason: said, refused }) {
    clearTimeout(this.#stableTimer);
    if (was !== this.#connection || this.state === "left") {
      return;
    }
    this.#connection = null;
    this.lastClose = { code, reason: said };
    const reason = inWords(said, this.#reasons);
    if (verdict(code) === OVER) {
      this.#ending(code, reason);
      return;
    }
    if (refused || verdict(code) === REFUSED) {
      this.#giveUp(refused ? this.#texts.refusedText : this.#texts.limitedText, reason);
      return;
    }
    this.#restarting ||= code === RESTARTING;
    this.#enterReconnecting();
    if (code === RESTARTING) {
      // What it would answer now it may not live to show: the next server knows what has become of the session.
      this.#again(code, reason);
      return;
    }
    const answer = await askStatus(this.#page.status);
    if (answer.kind === "known" && (answer.status.over || answer.status.state === "stopping")) {
      this.#ending(code, answer.status.ending);
    } else if (answer.kind === "known" && !answer.status.watch) {
      location.reload(); // one of the staff, whose reason to look counts no more: the page asks for another
    } else if (answer.kind === "login" || answer.kind === "gone") {
      this.#shutOut(answer.kind);
    } else {
      // While nobody answers for the server, no refusal counts: what lies behind it may only not be there yet.
      this.#again(answer.kind === "unreachable" ? CUT : code, reason);
    }
  }

  /** Waits a while and opens a new line; one that nobody takes away again by itself is tried a few times only. */
  #again(code, reason) {
    if (this.state === "left") {
      return;
    }
    if (verdict(code) === FEW && this.#fewTries >= MOST_FEW) {
      this.#giveUp(this.#texts.gaveUpText, reason);
      return;
    }
    this.#fewTries += verdict(code) === FEW ? 1 : 0;
    const wait = code === RESTARTING ? LEAVING : backOff(this.#tries);
    this.#tries += 1;
    this.#retryTimer = setTimeout(() => this.#open(), wait);
    // A gap too short to be read is not shown as one; the picture simply stands still.
    if (this.#tries > 1 || this.connects === 0 || this.#restarting) {
      const [title, text] = this.#explanation(code);
      this.#cover.showNotice(title, navigator.onLine ? text : this.#texts.offlineText, { reason, retry: true, wait });
    }
  }

  #explanation(code) {
    const texts = this.#texts;
    if (this.#restarting) {
      return [texts.restartTitle, texts.restartText];
    }
    return verdict(code) === AGAIN ? [texts.cutTitle, texts.cutText] : [texts.screenTitle, texts.screenText];
  }

  #giveUp(sentence, reason) {
    const texts = this.#texts;
    this.#enter("failed", texts.lost);
    this.#cover.showNotice(texts.gaveUpTitle, sentence.replace("{}", reason || texts.nothingSaid), { retry: true });
  }

  #shutOut(kind) {
    const texts = this.#texts;
    const login = kind === "login";
    this.#enter("failed", texts.lost);
    const [title, text] = login ? [texts.loginTitle, texts.loginText] : [texts.goneTitle, texts.goneText];
    this.#cover.showNotice(title, text, { login });
  }

  /** Somebody else's session has ended, and with it the right to see what became of it. */
  #overForGuests(reason) {
    this.#enter("ended", this.#texts.lost);
    this.#cover.showNotice(this.#texts.overTitle, this.#texts.overText, { reason });
  }

  /** The session ends: once it is over, the same address is the page that says what became of it. */
  async #ending(code, reason) {
    this.#enter(code === START_FAILED ? "failed" : "ended", this.#texts.ending);
    this.#cover.showEnding(reason);
    for (;;) {
      const answer = await askStatus(this.#page.status);
      if (answer.kind === "gone" && verdict(code) === OVER) {
        this.#overForGuests(reason);
        return;
      }
      if (answer.kind === "login" || answer.kind === "gone") {
        this.#shutOut(answer.kind);
        return;
      }
      if (answer.kind === "known" && answer.status.over) {
        location.reload();
        return;
      }
      if (answer.kind === "known" && answer.status.ending) {
        // Whole, and in the page's language, both of which the reason of a closed line may not be.
        this.#cover.showEnding(answer.status.ending);
      }
      if (answer.kind === "known" && answer.status.state === "running") {
        // A proxy in between said goodbye in the session's name.
        this.#enterReconnecting();
        this.#again(1011, reason);
        return;
      }
      await pause(POLL);
    }
  }

  /** While the session has no screen yet: says how far it is. The line is open already and does not wait for this. */
  async #followStart() {
    const waits = () => this.connects === 0 && ["starting", "connecting"].includes(this.state);
    while (waits()) {
      const answer = await askStatus(this.#page.status);
      if (waits() && answer.kind === "known") {
        this.#cover.showProgress(answer.status);
        this.#enter(answer.status.state === "running" ? "connecting" : "starting", answer.status.words);
      }
      await pause(POLL);
    }
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}
