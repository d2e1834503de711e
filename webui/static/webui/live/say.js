/** A page's one polite live region: what is said at the same moment is read out together. */

let waiting = [];

/** @param {string} text */
export function say(text) {
  if (!waiting.length) {
    queueMicrotask(() => {
      const region = document.getElementById("announcements");
      if (region) {
        region.textContent = waiting.join(". ");
      }
      waiting = [];
    });
  }
  waiting.push(text);
}
