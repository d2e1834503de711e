/**
 * Shows a launch form's field only while the fields that it depends on have the values that its `data-show-if` names.
 * A hidden field is disabled, so that it is not sent; the server decides again in any case.
 */

export function dependentFields(form) {
  const fields = new Map([...form.querySelectorAll("[data-field]")].map((field) => [field.dataset.field, field]));

  /** The field's value as the server reads it, or undefined while the field is hidden. */
  function value(name) {
    const field = fields.get(name);
    if (!field || field.hidden) {
      return undefined;
    }
    const box = field.querySelector("input[type=checkbox]");
    return box ? String(box.checked) : field.querySelector("select, input").value;
  }

  function isNumber(name) {
    return fields.get(name)?.querySelector("input[type=number]") !== null;
  }

  function holds(name, wanted) {
    const found = value(name);
    if (found === undefined) {
      return false;
    }
    return wanted.some((one) => (isNumber(name) ? found !== "" && Number(found) === Number(one) : found === one));
  }

  function update() {
    // A field may depend on one that itself depends on another: as many rounds as there are fields settle all.
    for (let round = 0, changed = true; changed && round < fields.size; round += 1) {
      changed = false;
      for (const field of fields.values()) {
        const conditions = Object.entries(JSON.parse(field.dataset.showIf ?? "{}"));
        const hidden = !conditions.every(([name, wanted]) => holds(name, wanted));
        changed ||= hidden !== field.hidden;
        field.hidden = hidden;
        for (const input of field.querySelectorAll("input, select")) {
          input.disabled = hidden;
        }
      }
    }
  }

  form.addEventListener("input", update);
  form.addEventListener("morphed", update);
  update();
}
