/** What covers the screen while there is none: the phases of a start, or why the line is down and what comes next. */

export class Cover {
  #byId = (id) => document.getElementById(id);
  #ticking = 0;

  constructor(texts) {
    this.texts = texts;
    this.progress = this.#byId("viewer-progress");
    this.notice = this.#byId("viewer-notice");
  }

  /** The line's state in a word or two, in the toolbar; read out when it changes. */
  say(words) {
    const place = this.#byId("viewer-state");
    if (place.textContent !== words) {
      place.textContent = words;
    }
  }

  /** The screen is there: nothing covers it. */
  clear() {
    clearInterval(this.#ticking);
    this.progress.hidden = true;
    this.notice.hidden = true;
  }

  /** How far a session that has no screen yet has come. */
  showProgress({ progress, phases }) {
    this.#byId("progress-line").textContent = progress;
    for (const { key, status } of phases) {
      const item = document.querySelector(`[data-phase="${key}"]`);
      item.className = status;
      item.toggleAttribute("aria-current", status === "current");
      if (status === "current") {
        item.setAttribute("aria-current", "step");
      }
    }
  }

  /** The line is open, and waits with us for the session. */
  showStart() {
    clearInterval(this.#ticking);
    this.notice.hidden = true;
    this.progress.hidden = false;
  }

  /** The session is being ended; its page will say why. */
  showEnding(reason) {
    clearInterval(this.#ticking);
    this.notice.hidden = true;
    this.progress.hidden = false;
    this.#byId("progress-title").textContent = this.texts.endingTitle;
    this.#byId("phases").hidden = true;
    this.#byId("progress-line").textContent = reason;
  }

  /**
   * Why there is no line.
   *
   * @param {string} title
   * @param {string} text
   * @param {{reason?: string, retry?: boolean, login?: boolean, wait?: number}} more what the server said, which
   *   buttons there are, and after how many milliseconds the next try comes
   */
  showNotice(title, text, { reason = "", retry = false, login = false, wait = 0 } = {}) {
    this.progress.hidden = true;
    this.notice.hidden = false;
    this.#byId("notice-title").textContent = title;
    this.#byId("notice-text").textContent = text;
    this.#byId("notice-reason").textContent = reason;
    this.#byId("notice-retry").hidden = !retry;
    this.#byId("notice-login")?.toggleAttribute("hidden", !login); // guests have no login
    this.#count(wait);
  }

  #count(wait) {
    clearInterval(this.#ticking);
    const place = this.#byId("notice-countdown");
    const end = performance.now() + wait;
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      place.textContent = left > 0 ? this.texts.countdown.replace("{}", left) : this.texts.trying;
    };
    if (wait === 0) {
      place.textContent = "";
      return;
    }
    tick();
    this.#ticking = setInterval(tick, 500);
  }
}
