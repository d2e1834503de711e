/** Menus are <details>: this closes them by Escape and by a click elsewhere, and leaves one open at a time. */

export function closeMenus() {
  const open = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") {
      return;
    }
    for (const menu of open()) {
      menu.open = false;
      if (menu.contains(document.activeElement)) {
        menu.querySelector("summary").focus();
      }
    }
  });
  document.addEventListener("pointerdown", (event) => {
    for (const menu of open()) {
      menu.open = menu.contains(event.target);
    }
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.menu[open]")) {
      for (const menu of open()) {
        menu.open = menu === event.target;
      }
    }
  }, true);
}
