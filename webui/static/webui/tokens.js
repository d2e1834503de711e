/** Forms in fragments are made for nobody in particular: they get the token that the page itself was made with. */

/** @param {Document|Element} where looks for forms without one */
export function fillTokens(where = document) {
  const token = document.querySelector("input[name=csrfmiddlewaretoken][value]:not([value=''])")?.value;
  for (const field of where.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
    if (!field.value && token) {
      field.value = token;
    }
  }
}
