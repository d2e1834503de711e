/**
 * Keeps a page up to date: by a websocket that brings what changed, and while there is none by asking every half
 * minute. `body[data-live]` says how: "socket", "poll" or "away"; `body[data-live-by]` how the last change came.
 */

import { applyFragments } from "./apply.js";

const POLL_EVERY = 30_000;
const FIRST_RETRY = 500;
const LONGEST_RETRY = 30_000;
const RIGHT_WITHDRAWN = 4001;

/**
 * @param {() => void} changed called after each change of the page
 * @param {{quiet?: boolean}} options quiet: the page itself says when the server is away or the right to it is gone
 * @returns {{again: () => void}} again: to be called when the page has come to show something else
 */
export function follow(changed, { quiet = false } = {}) {
  const stale = document.getElementById("stale");
  let address = null;
  let seen = "";
  let socket = null;
  let wait = FIRST_RETRY;
  let retry = 0;
  let polling = false;

  function read() {
    const place = document.getElementById("live");
    address = new URL(place.dataset.address, location.href);
    seen = place.dataset.seen;
  }

  function question(scheme) {
    const url = new URL(address);
    url.searchParams.set("seen", seen);
    url.protocol = scheme;
    return url;
  }

  function take(message, by) {
    seen = message.digest;
    applyFragments(message.fragments);
    document.body.dataset.liveBy = by;
    // The frame around the page has parts that change on every page.
    document.dispatchEvent(new Event("live"));
    changed();
  }

  function status(now) {
    document.body.dataset.live = now;
    stale.hidden = quiet || now !== "away";
  }

  function reload() {
    if (!quiet) {
      location.reload();
    }
  }

  function listen() {
    clearTimeout(retry);
    if (socket) {
      return;
    }
    const opened = new WebSocket(question(location.protocol === "https:" ? "wss:" : "ws:"));
    socket = opened;
    opened.addEventListener("open", () => {
      wait = FIRST_RETRY;
      status("socket");
    });
    opened.addEventListener("message", (event) => {
      if (socket === opened) {
        take(JSON.parse(event.data), "socket");
      }
    });
    opened.addEventListener("close", (event) => {
      if (socket !== opened) {
        return;
      }
      socket = null;
      if (event.code === RIGHT_WITHDRAWN) {
        reload();
        return;
      }
      if (document.body.dataset.live === "socket") {
        status("poll");
      }
      // Not all pages at once when a server is back.
      retry = setTimeout(listen, wait * (0.5 + Math.random()));
      wait = Math.min(2 * wait, LONGEST_RETRY);
      if (wait > 4 * FIRST_RETRY) {
        ask();
      }
    });
  }

  async function ask() {
    if (polling || document.hidden || document.body.dataset.live === "socket") {
      return;
    }
    polling = true;
    const asked = address;
    try {
      const answer = await fetch(question(location.protocol), { redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect" || answer.status === 404) {
        reload();
      } else if (answer.status === 200) {
        const message = await answer.json();
        if (asked === address) {
          take(message, "poll");
        }
        status("poll");
      } else {
        status(answer.status === 204 ? "poll" : "away");
      }
    } catch {
      status("away");
    } finally {
      polling = false;
    }
  }

  function anew() {
    socket?.close();
    socket = null;
    listen();
  }

  read();
  listen();
  setInterval(ask, POLL_EVERY);
  window.addEventListener("online", listen);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      listen();
      ask();
    }
  });
  // A page that comes back from the browser's cache has lost its socket without a word.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      anew();
    }
  });
  return {
    again() {
      read();
      anew();
    },
  };
}
