/** What a browser remembers of how its user likes the viewer. Where it may not remember, everything works all the same. */

const PREFIX = "viewer.";

/**
 * @param {string} name such as "scale"
 * @returns {string | null} null when nothing is remembered
 */
export function remembered(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is off or full: the choice holds for this page.
  }
}

/**
 * Radio buttons of one name: checks the remembered one, and remembers what is chosen.
 *
 * @param {string} name of the buttons and of what is remembered
 * @param {() => void} changed called when another was chosen
 * @returns {() => string} tells the present choice
 */
export function rememberedChoice(name, changed) {
  const choices = [...document.querySelectorAll(`input[name="${name}"]`)];
  const before = choices.find((choice) => choice.value === remembered(name));
  if (before) {
    before.checked = true;
  }
  for (const choice of choices) {
    choice.addEventListener("change", () => {
      remember(name, choice.value);
      changed();
    });
  }
  return () => choices.find((choice) => choice.checked).value;
}
