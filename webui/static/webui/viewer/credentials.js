/** Asks for the name and password that a VNC server of its own wants. They go to noVNC and are kept nowhere. */

/**
 * @param {Connection} connection whose server asks (see connection.js)
 * @param {string[]} types what it asks for: "username", "password", "target"
 */
export function askCredentials(connection, types) {
  const dialog = document.getElementById("credentials-dialog");
  const username = document.getElementById("credentials-username");
  const password = document.getElementById("credentials-password");
  document.getElementById("credentials-username-field").hidden = !types.includes("username");
  document.getElementById("credentials-password-field").hidden = !types.includes("password");
  dialog.addEventListener("close", () => {
    const given = { username: username.value, password: password.value, target: "" };
    username.value = password.value = "";
    if (dialog.returnValue === "given" && connection.rfb) {
      connection.rfb.sendCredentials(given);
    } else {
      connection.leave();
    }
    dialog.returnValue = "";
  }, { once: true });
  dialog.showModal();
}
