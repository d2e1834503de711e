/**
 * Where a share's link leads. What is behind the # of the address is the link's secret: it is taken out of the address
 * at once, posted to ask what it is worth, and posted once more when the visitor accepts. Until then, or until it turns
 * out to be worth nothing, this tab alone keeps it: over a login, and when the page is loaded again. Who is not logged in
 * may come as a guest instead, where the site lets guests in.
 */

import { localTimes } from "./local_times.js";
import { closeMenus } from "./menus.js";

const KEPT = "share";
const byId = (id) => document.getElementById(id);
const page = byId("share-link-page");
const loggedIn = page.dataset.loggedIn === "true";
/** What is worth showing instead of what the page says: an offer, a refusal, too many refusals. */
const TOLD = [200, 404, 429];

/** Where a browser may not remember, the link has to be opened again after a login, or when the page was loaded again. */
function keep(secret) {
  try {
    if (secret) {
      sessionStorage.setItem(KEPT, secret);
    } else {
      sessionStorage.removeItem(KEPT);
    }
  } catch {
    // Nothing is kept.
  }
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

async function ask(secret) {
  const form = byId("share-accept");
  form.elements.secret.value = secret;
  let answer = null;
  try {
    answer = await fetch(page.dataset.ask, { method: "POST", body: new FormData(form), redirect: "manual" });
  } catch {
    // Said below.
  }
  if (answer?.type === "opaqueredirect") {
    location.reload(); // logged out meanwhile: the page then says so
    return;
  }
  if (!TOLD.includes(answer?.status)) {
    byId("share-failed").hidden = false;
    page.dataset.state = "failed";
    return;
  }
  byId("share-answer").innerHTML = await answer.text();
  localTimes();
  const offered = answer.status === 200;
  if (answer.status === 404 && loggedIn) {
    keep(""); // a login would not help
  }
  form.hidden = !offered;
  byId("share-login")?.classList.toggle("outline", offered);
  page.dataset.state = offered ? "offered" : "refused";
  form.addEventListener("submit", () => {
    keep("");
    form.querySelector("button").disabled = true; // twice would use it up twice
  });
}

closeMenus();
const secret = location.hash.slice(1) || kept();
if (location.hash) {
  history.replaceState(null, "", location.pathname);
}
if (page.dataset.state === "waiting") {
  keep(secret);
  if (page.dataset.mayAsk === "true") {
    if (secret) {
      ask(secret);
    } else {
      page.dataset.state = "empty";
    }
  } else {
    page.dataset.state = "login";
  }
}
// Another link in the same tab.
window.addEventListener("hashchange", () => location.reload());
