/**
 * Asks before a session is stopped. Each Stop button submits one form (#stop-form) with an address of its own, so
 * the question stays open whatever happens to the list that the button is in; without this script it stops at once.
 */

/** @param {() => void} stopping called when it was confirmed, just before the form is sent */
export function confirmStops(stopping = () => {}) {
  const form = document.getElementById("stop-form");
  const dialog = document.getElementById("stop-dialog");
  if (!form || !dialog) {
    return;
  }
  let buttonId = "";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.action = event.submitter.formAction;
    buttonId = event.submitter.id;
    document.getElementById("stop-name").textContent = event.submitter.dataset.name;
    dialog.showModal();
  });
  document.getElementById("stop-confirm").addEventListener("click", () => {
    stopping();
    form.submit();
  });
  document.getElementById("stop-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => document.getElementById(buttonId)?.focus());
}
