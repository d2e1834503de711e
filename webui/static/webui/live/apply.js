/**
 * Puts fragments into the page: HTML by the id of its element. Elements are changed and not replaced, so what has the
 * focus keeps it; where a fragment has a placeholder for a part that did not come with it, the part stays as it is.
 */

import { Idiomorph } from "../../vendor/idiomorph/idiomorph.esm.js";

function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}

/** Replaces the placeholders in `element`; returns the ids of the parts that came. */
function fillIn(element, arrived, used) {
  for (const place of element.querySelectorAll("template[data-part]")) {
    const id = place.dataset.part;
    const present = document.getElementById(id);
    if (arrived.has(id)) {
      used.add(id);
      fillIn(arrived.get(id), arrived, used);
      place.replaceWith(arrived.get(id));
    } else if (present) {
      const same = document.createElement(present.tagName);
      same.id = id;
      same.dataset.asItIs = "";
      place.replaceWith(same);
    } else {
      place.remove();
    }
  }
}

const callbacks = {
  beforeNodeMorphed(present, next) {
    const asItIs = next.dataset && "asItIs" in next.dataset;
    // What somebody has entered is theirs, and so is what a script of the page keeps (`data-own`).
    return !asItIs && !(present.dataset && ("touched" in present.dataset || "own" in present.dataset));
  },
  // What the reader has opened stays open, whatever the server says of it.
  beforeAttributeUpdated: (name, element) => !(name === "open" && element instanceof HTMLDetailsElement),
};

function morph(present, next) {
  Idiomorph.morph(present, next, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
}

/** The card of a form that stays as it is may have a foot that does not. */
function morphInside(present, next) {
  const form = present.querySelector("form[data-touched]");
  if (form) {
    for (const part of next.querySelectorAll("form [id]")) {
      const inside = form.querySelector(`#${CSS.escape(part.id)}`);
      if (inside && part.classList.contains("card-foot")) {
        morph(inside, part.cloneNode(true));
      }
    }
  }
  morph(present, next);
}

/** @param {Object<string, string>} fragments HTML by element id */
export function applyFragments(fragments) {
  const arrived = new Map(Object.entries(fragments).map(([id, html]) => [id, parse(html)]));
  const used = new Set();
  const focused = focusedPath();
  for (const [id, element] of arrived) {
    if (!used.has(id)) {
      fillIn(element, arrived, used);
    }
  }
  for (const [id, element] of arrived) {
    const present = document.getElementById(id);
    if (!used.has(id) && present) {
      morphInside(present, element);
    }
  }
  giveFocusBack(focused);
}

/** The ids of the element that has the focus and of all around it. */
function focusedPath() {
  const ids = [];
  for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) {
    if (at.id) {
      ids.push(at.id);
    }
  }
  return ids;
}

/** To where it was; or, when that has gone, to the heading of the part that it was in. */
function giveFocusBack(ids) {
  if (!ids.length || (document.activeElement && document.activeElement !== document.body)) {
    return;
  }
  for (const id of ids) {
    const found = document.getElementById(id);
    if (!found) {
      continue;
    }
    const heading = id === ids[0] || found.matches("dialog") ? found : found.querySelector("h1, h2, h3, h4");
    if (heading) {
      if (heading !== found) {
        heading.tabIndex = -1;
      }
      heading.focus({ preventScroll: true });
      if (document.activeElement === heading) {
        return;
      }
    }
  }
}
