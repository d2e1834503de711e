/** What changed in a text field, as keys that make the same change at its end. No page, no line. */

/**
 * On-screen keyboards change whole words at once, by what they suggest: the difference is all that can be relied on.
 *
 * @param {string} before the field's text
 * @param {string} after its text now
 * @returns {{erased: number, added: string}} how many characters went from its end, and what came after that
 */
export function change(before, after) {
  const [old, fresh] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same] === fresh[same]) {
    same += 1;
  }
  return { erased: old.length - same, added: fresh.slice(same).join("") };
}
