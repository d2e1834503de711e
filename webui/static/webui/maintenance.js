/** The page that stands for all others during maintenance: it comes back by itself. */

import { closeMenus } from "./menus.js";

const LOOK_EVERY = 15_000;

closeMenus();
setInterval(async () => {
  if (document.hidden) {
    return;
  }
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (answer.ok) {
      location.reload();
    }
  } catch {
    // The server itself is away; it may come back.
  }
}, LOOK_EVERY);
