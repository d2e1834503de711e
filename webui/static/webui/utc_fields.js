/** Beside fields that take a moment in UTC: what it is on the reader's own clock, while one types. */

const format = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
  dateStyle: "medium",
  timeStyle: "short",
  hourCycle: "h23",
});

/** Has every `<output data-own-clock="TEXT WITH {}" for="FIELD">` follow its field. */
export function utcFields() {
  for (const shown of document.querySelectorAll("output[data-own-clock]")) {
    const field = document.getElementById(shown.htmlFor.value);
    const say = () => {
      const moment = new Date(`${field.value}Z`);
      shown.value = Number.isNaN(moment.valueOf()) ? "" : shown.dataset.ownClock.replace("{}", () => format.format(moment));
    };
    field.addEventListener("input", say);
    // A browser that leads back fills fields in again, and says nothing of it before this.
    addEventListener("pageshow", say);
    say();
  }
}
