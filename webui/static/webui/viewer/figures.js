/** Figures of the line while somebody looks at them: updates and kilobytes a second, milliseconds there and back. */

const EVERY = 1000; // milliseconds
const UNKNOWN = "–";

/** @param {Line} line see line.js */
export function wireFigures(line) {
  const place = document.getElementById("figures");
  const menu = place.closest("details");
  let timer = 0;
  let before = null;

  function show(name, value, digits = 0) {
    const text = value === null ? UNKNOWN : value.toLocaleString(document.documentElement.lang, {
      minimumFractionDigits: digits, maximumFractionDigits: digits,
    });
    place.querySelector(`[data-figure="${name}"]`).textContent = text;
  }

  function look() {
    const connection = line.current;
    const now = connection && {
      rfb: connection.rfb, at: performance.now(), updates: connection.rfb.updates, bytes: connection.received,
    };
    const comparable = now && before?.rfb === now.rfb;
    const seconds = comparable ? (now.at - before.at) / 1000 : 0;
    show("updates", comparable ? (now.updates - before.updates) / seconds : null);
    show("rate", comparable ? (now.bytes - before.bytes) / 1000 / seconds : null);
    show("roundtrip", now ? now.rfb.roundTrip : null, 1);
    now?.rfb.measureRoundTrip();
    before = now;
  }

  menu.addEventListener("toggle", () => {
    clearInterval(timer);
    before = null;
    if (menu.open) {
      look();
      timer = setInterval(look, EVERY);
    }
  });
}
