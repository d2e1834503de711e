/**
 * The viewer: opens the websocket at once, shows how far the session has come until its screen is there, and brings
 * the line back when it is cut. What a closed line means is decided in viewer/closing.js.
 *
 * `window.__viewer` tells tests and the curious: `state` is "connecting", "starting", "connected", "reconnecting",
 * "failed", "ended" or "left".
 */

import { confirmStops } from "./confirm.js";
import { closeMenus } from "./menus.js";
import { AGAIN, backOff, FEW, MOST_FEW, OVER, RESTARTING, START_FAILED, verdict } from "./viewer/closing.js";
import { Connection } from "./viewer/connection.js";
import { askCredentials } from "./viewer/credentials.js";
import { watchKeyboard } from "./viewer/keyboard.js";
import { Cover } from "./viewer/notice.js";
import { askStatus } from "./viewer/status.js";
import { wireToolbar } from "./viewer/toolbar.js";

const POLL = 1000; // milliseconds between two looks at a session that is starting or ending
const LEAVING = 2000; // a server that stops answers no more after this
const STABLE = 10000; // a line that held for so long starts a new count of tries

const page = document.getElementById("viewer");
const screen = document.getElementById("screen");
const stateLine = document.getElementById("viewer-state");
const texts = JSON.parse(document.getElementById("viewer-texts").textContent);
const control = page.dataset.control === "true";
const address = new URL(page.dataset.websocket, location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

let state = "connecting";
let connection = null;
let connects = 0;
let tries = 0;
let fewTries = 0;
let retryTimer = 0;
let stableTimer = 0;
let lastClose = null;
let restarting = false; // the server said that it stops, for good or not, and no screen has come since

const cover = new Cover(texts);
const toolbar = wireToolbar(texts, () => (connection?.connected ? connection : null));

function enter(next, words) {
  state = next;
  document.body.dataset.viewerState = next;
  if (stateLine.textContent !== words) {
    stateLine.textContent = words;
  }
}

/** The line is down and will be tried again. */
function enterReconnecting() {
  enter("reconnecting", restarting ? texts.waiting : texts.reconnecting);
}

function open() {
  clearTimeout(retryTimer);
  const opened = new Connection(screen, address, control);
  connection = opened;
  opened.addEventListener("open", () => waiting());
  opened.addEventListener("connect", () => connected(opened));
  opened.addEventListener("closed", (event) => closed(opened, event.detail));
  opened.addEventListener("clipboard", (event) => toolbar.showClipboard(event.detail.text));
  opened.addEventListener("credentialsrequired", (event) => askCredentials(opened, event.detail.types));
}

/** The server took the line again, of a session that has shown no screen yet: it is starting still. */
function waiting() {
  if (state === "reconnecting" && connects === 0) {
    enter("starting", texts.starting);
    cover.showStart();
    followStart();
  }
}

function connected(opened) {
  connects += 1;
  restarting = false;
  enter("connected", control ? texts.connected : texts.viewOnly);
  cover.clear();
  toolbar.fit();
  if (connects === 1 && control) {
    opened.wakeKeyboard();
  }
  // Not while the user writes into the clipboard, or has a menu open.
  if (document.activeElement === document.body || page.contains(document.activeElement)) {
    opened.rfb.focus({ preventScroll: true });
  }
  stableTimer = setTimeout(() => { tries = fewTries = 0; }, STABLE);
}

async function closed(was, { code, reason, refused }) {
  clearTimeout(stableTimer);
  if (was !== connection || state === "left") {
    return;
  }
  connection = null;
  lastClose = { code, reason };
  if (verdict(code) === OVER) {
    ending(code, reason);
    return;
  }
  if (refused) {
    giveUp(texts.refusedText, reason);
    return;
  }
  restarting ||= code === RESTARTING;
  enterReconnecting();
  if (code === RESTARTING) {
    // What it would answer now it may not live to show: the next server knows what has become of the session.
    again(code, reason);
    return;
  }
  const answer = await askStatus(page.dataset.status);
  if (answer.kind === "known" && (answer.status.over || answer.status.state === "stopping")) {
    ending(code, answer.status.ending);
  } else if (answer.kind === "login" || answer.kind === "gone") {
    shutOut(answer.kind);
  } else {
    again(code, reason);
  }
}

/** Waits a while and opens a new line; a line that nobody takes away again by itself is tried a few times only. */
function again(code, reason) {
  if (state === "left") {
    return;
  }
  if (verdict(code) === FEW && fewTries >= MOST_FEW) {
    giveUp(texts.gaveUpText, reason);
    return;
  }
  fewTries += verdict(code) === FEW ? 1 : 0;
  const wait = code === RESTARTING ? LEAVING : backOff(tries);
  tries += 1;
  retryTimer = setTimeout(open, wait);
  // A gap too short to be read is not shown as one; the picture simply stands still.
  if (tries > 1 || connects === 0 || restarting) {
    const [title, text] = explanation(code);
    cover.showNotice(title, navigator.onLine ? text : texts.offlineText, { reason, retry: true, wait });
  }
}

function explanation(code) {
  if (restarting) {
    return [texts.restartTitle, texts.restartText];
  }
  return verdict(code) === AGAIN ? [texts.cutTitle, texts.cutText] : [texts.screenTitle, texts.screenText];
}

function giveUp(sentence, reason) {
  enter("failed", texts.lost);
  cover.showNotice(texts.gaveUpTitle, sentence.replace("{}", reason || texts.nothingSaid), { retry: true });
}

function shutOut(kind) {
  const login = kind === "login";
  enter("failed", texts.lost);
  cover.showNotice(login ? texts.loginTitle : texts.goneTitle, login ? texts.loginText : texts.goneText, { login });
}

/** The session ends: once it is over, the same address is the page that says what became of it. */
async function ending(code, reason) {
  enter(code === START_FAILED ? "failed" : "ended", texts.ending);
  cover.showEnding(reason);
  for (;;) {
    const answer = await askStatus(page.dataset.status);
    if (answer.kind === "login" || answer.kind === "gone") {
      shutOut(answer.kind);
      return;
    }
    if (answer.kind === "known" && answer.status.over) {
      location.reload();
      return;
    }
    if (answer.kind === "known" && answer.status.state === "running") {
      // A proxy in between said goodbye in the session's name.
      enterReconnecting();
      again(1011, reason);
      return;
    }
    await pause(POLL);
  }
}

/** While the session has no screen yet: says how far it is. The line is open already and does not wait for this. */
async function followStart() {
  while (connects === 0 && (state === "starting" || state === "connecting")) {
    const answer = await askStatus(page.dataset.status);
    if (connects > 0 || answer.kind !== "known" || !["starting", "connecting"].includes(state)) {
      await pause(POLL);
      continue;
    }
    cover.showProgress(answer.status);
    enter(answer.status.state === "running" ? "connecting" : "starting", answer.status.words);
    await pause(POLL);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

function retryNow() {
  if (connection === null && (state === "reconnecting" || state === "failed")) {
    tries = fewTries = 0;
    enterReconnecting();
    open();
  }
}

/** The user goes: what the line says from now on is no news, and must not lead elsewhere than the user wanted. */
function leave() {
  state = "left";
  clearTimeout(retryTimer);
  connection?.leave();
}

// Before anything that can wait: the time from Start to the first picture is what a user feels.
if (page.dataset.state === "stopping") {
  ending(0, "");
} else {
  state = page.dataset.state === "running" ? "connecting" : "starting";
  document.body.dataset.viewerState = state;
  open();
  setTimeout(followStart, POLL / 2);
}

closeMenus();
confirmStops(leave);
watchKeyboard(screen, () => document.getElementById("tool-enter").focus());
document.getElementById("notice-retry").addEventListener("click", retryNow);
window.addEventListener("online", retryNow);
for (const link of document.querySelectorAll("[data-leave]")) {
  link.addEventListener("click", (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!elsewhere) {
      leave();
    }
  });
}
// Back from the browser's cache of pages: its line is gone and its texts are old.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});

window.__viewer = Object.freeze({
  get state() { return state; },
  get connects() { return connects; },
  get rfb() { return connection?.rfb ?? null; },
  get lastClose() { return lastClose; },
});
