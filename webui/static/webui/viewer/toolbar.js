/** What the toolbar's controls have in common: they work only while they can do something, and say what they did. */

const SHOWN = 6000; // milliseconds that a message stays

/**
 * Keeps `data-needs="screen"` and `data-needs="control"` disabled while there is no screen, or no control over it.
 *
 * @param {Line} line see line.js
 */
export function followLine(line) {
  const controls = document.querySelectorAll("[data-needs]");
  const follow = () => {
    for (const control of controls) {
      control.disabled = !line.current || (control.dataset.needs === "control" && !line.acting);
    }
  };
  line.addEventListener("state", follow);
  follow();
}

/** Says something over the screen's lower edge for a while; screen readers read it out. */
export function messages() {
  const place = document.getElementById("viewer-message");
  let timer = 0;
  return (sentence) => {
    clearTimeout(timer);
    place.textContent = sentence;
    timer = setTimeout(() => { place.textContent = ""; }, SHOWN);
  };
}
