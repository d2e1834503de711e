/**
 * Moments that are said in the reader's own words: the server writes `<time datetime=…>` with UTC in it, so the same
 * state gives the same text, and this puts in how long it is until then (`data-countdown`, "{}" is the duration;
 * `data-over` when it has passed) or what the reader's clock shows then (`data-clock`).
 */

const language = document.documentElement.lang || undefined;
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** A number of seconds in its two largest units, or its one when it is short. */
export function duration(seconds) {
  let left = Math.max(0, Math.ceil(seconds));
  const first = UNITS.findIndex(([, length]) => left >= length);
  if (first === -1) {
    return unit("second", 0);
  }
  const parts = [];
  for (const [name, length] of UNITS.slice(first, left >= 300 && left < 3600 ? first + 1 : first + 2)) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count) {
      parts.push(unit(name, count));
    }
  }
  return parts.join(" ");
}

function unit(name, count) {
  return new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" }).format(count);
}

function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function count(element) {
  const left = (Date.parse(element.dateTime) - Date.now()) / 1000;
  say(element, left > 0 ? element.dataset.countdown.replace("{}", duration(left)) : element.dataset.over);
}

/** Says all moments on the page as they are now. */
export function sayTimes() {
  document.querySelectorAll("time[data-countdown]").forEach(count);
  for (const element of document.querySelectorAll("time[data-clock]")) {
    const at = new Date(element.dateTime).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
    say(element, element.dataset.clock.replace("{}", at));
  }
}

/** Says them, and again every second. */
export function keepTimes() {
  sayTimes();
  setInterval(sayTimes, 1000);
}
