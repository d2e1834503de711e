/**
 * Letting others in to one's session, without leaving the page: makes a link and shows it once, hands the keyboard over,
 * revokes. The lists themselves come by live updates.
 */

import { dependentFields } from "./dependent_fields.js";

const byId = (id) => document.getElementById(id);

/**
 * @param {(sentence: string) => void} say tells the owner who has come to look
 * @returns {() => void} to be called after each live update
 */
export function wireSharing(say) {
  const make = byId("share-make");
  byId("share-act")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const { submitter } = event;
    const body = new FormData(event.target, submitter);
    submitter.disabled = true;
    post(submitter.formAction, body).finally(() => { submitter.disabled = false; });
  });
  if (make) {
    make.hidden = false;
    dependentFields(make);
    make.addEventListener("submit", (event) => {
      event.preventDefault();
      makeLink(make);
    });
    byId("share-copy").addEventListener("click", () => copy(make.dataset));
  }
  const tellWho = sayWho(byId("share-act")?.dataset ?? {}, say);
  return () => {
    forgetDeadLink();
    tellWho();
  };
}

/** The answer, or null when there is none. A redirect is one: what was asked for is done. */
async function post(address, body) {
  try {
    return await fetch(address, { method: "POST", body, redirect: "manual" });
  } catch {
    return null;
  }
}

async function makeLink(form) {
  const button = form.querySelector("button[type=submit]");
  const failed = byId("share-failed");
  button.disabled = true;
  const answer = await post(form.action, new FormData(form));
  button.disabled = false;
  const told = answer && (answer.status === 201 || answer.status === 400) ? await answer.json() : null;
  failed.hidden = told !== null;
  failed.textContent = told ? "" : form.dataset.failed;
  showErrors(form, told?.errors ?? {});
  const made = byId("share-made");
  made.hidden = !told?.link;
  byId("share-note").textContent = "";
  if (told?.link) {
    const place = byId("share-link");
    made.dataset.share = told.share;
    delete made.dataset.listed;
    forgetDeadLink();
    place.value = new URL(told.link, location.href).href;
    place.focus({ preventScroll: true });
    place.select();
    made.scrollIntoView({ block: "center" });
  }
}

/** Takes the link out of view once its share is in the list no more; it may be shown before that has arrived. */
function forgetDeadLink() {
  const made = byId("share-made");
  if (!made?.dataset.share) {
    return;
  }
  if (byId(`link-${made.dataset.share}`)) {
    made.dataset.listed = "true";
  } else if (made.dataset.listed) {
    made.hidden = true;
    byId("share-link").value = "";
    byId("share-note").textContent = "";
    delete made.dataset.share;
  }
}

function showErrors(form, errors) {
  let first = null;
  for (const field of form.querySelectorAll("[data-field]")) {
    const input = field.querySelector("input, select");
    const place = field.querySelector(".field-error");
    const sentence = errors[field.dataset.field] ?? "";
    place.textContent = sentence;
    place.hidden = sentence === "";
    input.toggleAttribute("aria-invalid", sentence !== "");
    if (sentence) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", place.id);
      first ??= input;
    }
  }
  first?.focus();
}

async function copy(words) {
  const place = byId("share-link");
  place.select();
  let done = false;
  try {
    await navigator.clipboard.writeText(place.value);
    done = true;
  } catch {
    // Pages on plain http, or without the user's leave, may not write there: it is selected for Ctrl+C.
  }
  byId("share-note").textContent = done ? words.copied : words.notCopied;
}

function sayWho({ watching, staffWatching, staffTyping }, say) {
  const watchers = () => new Map(
    [...document.querySelectorAll("[data-watcher]")].map(({ dataset }) => [dataset.key, dataset]),
  );
  let known = watchers();
  return () => {
    const now = watchers();
    for (const [key, { watcher: name, why, control }] of now) {
      if (watching && !known.has(key)) {
        say(why
          ? (control === undefined ? staffWatching : staffTyping).replace(/\{(name|why)\}/g, (_, part) => ({ name, why })[part])
          : watching.replace("{}", () => name));
      }
    }
    known = now;
  };
}
