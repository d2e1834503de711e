/**
 * Warns shortly before a limit ends the session, and lets its user put that off.
 *
 * A mark in the page, which the live updates change, has the moment; how long it is until then the server is asked,
 * since this computer's clock may be another one. It belongs to the page and not to the line: it stays when the line
 * is cut, and comes again when the page is loaded anew.
 */

import { say } from "../live/say.js";
import { duration } from "../live/times.js";
import { askStatus } from "./status.js";

const AGAIN = 2000; // milliseconds until the server is asked once more when it did not answer

export class EndWarning {
  #byId = (id) => document.getElementById(id);
  #place = this.#byId("end-warning");
  #form = this.#byId("keep-form");
  #status;
  #texts;
  #back;
  #tell;
  #until = "";
  #timer = 0;
  #sending = false;

  /**
   * @param {string} status the session's status address
   * @param {object} texts what to say
   * @param {() => void} back puts the focus where typing goes to the session
   * @param {(sentence: string) => void} tell tells the user how it went
   */
  constructor(status, texts, back, tell) {
    this.#status = status;
    this.#texts = texts;
    this.#back = back;
    this.#tell = tell;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keep();
    });
  }

  /** Where the keyboard leads while there is something to press; null otherwise. */
  get button() {
    return this.#place.hidden || this.#form.hidden ? null : this.#byId("keep");
  }

  /** Looks at the mark: shows, changes or takes away the warning. */
  look() {
    const { until } = this.#byId("ending").dataset;
    if (until !== this.#until) {
      this.#until = until;
      this.#ask();
    }
  }

  /** The session is over, or the user goes. */
  hide() {
    clearTimeout(this.#timer);
    const focused = this.#place.contains(document.activeElement);
    this.#place.hidden = true;
    if (focused) {
      this.#back();
    }
  }

  async #ask() {
    const until = this.#until;
    if (!until) {
      this.hide();
      return;
    }
    const asked = performance.now();
    const answer = await askStatus(this.#status);
    if (until !== this.#until) {
      return; // it has changed meanwhile, and been asked for again
    }
    if (answer.kind === "unreachable") {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask(), AGAIN);
    } else if (answer.kind === "known" && answer.status.end) {
      this.#show(answer.status.end, asked);
    } else {
      this.hide();
    }
  }

  #show(end, asked) {
    const words = (seconds) => end.words.replace("{}", duration(seconds));
    const count = () => {
      const left = end.left - (performance.now() - asked) / 1000;
      this.#byId("end-warning-words").textContent = words(left);
      this.#timer = left > 0 ? setTimeout(count, 1000) : 0;
    };
    clearTimeout(this.#timer);
    this.#form.hidden = this.#byId("end-warning-way").hidden = !end.keep;
    this.#place.hidden = false;
    count();
    say(end.keep ? `${words(end.left)} ${this.#texts.keepHow}` : words(end.left));
  }

  async #keep() {
    if (this.#sending) {
      return; // the button is not disabled meanwhile, since it would lose the focus
    }
    this.#sending = true;
    const kept = await this.#asked();
    this.#sending = false;
    this.#tell(kept ? this.#texts.kept : this.#texts.notKept);
    if (kept) {
      this.hide();
    }
  }

  /** Asks the server to keep the session; whether it does. */
  async #asked() {
    try {
      const body = new FormData(this.#form);
      const response = await fetch(this.#form.action, { method: "POST", body, redirect: "error" });
      return response.ok && (await response.json()).kept;
    } catch {
      return false;
    }
  }
}
