/** The whole screen for the session, and back. Escape ends it, as browsers have it, so nobody is locked in. */

/** @param {() => void} back puts the focus where typing goes to the session */
export function wireFullscreen(back) {
  const button = document.getElementById("tool-fullscreen");
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", async () => {
    if (document.fullscreenElement) {
      await document.exitFullscreen();
    } else {
      await document.documentElement.requestFullscreen();
      back();
    }
  });
  document.addEventListener("fullscreenchange", () => {
    button.setAttribute("aria-pressed", String(document.fullscreenElement !== null));
  });
}
