/** Says moments in the reader's own time zone and language; without this script they stand there in UTC. */

const format = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
  dateStyle: "medium",
  timeStyle: "medium",
  hourCycle: "h23",
});

/** @param {ParentNode} within where to look for moments */
export function localTimes(within = document) {
  for (const time of within.querySelectorAll("time[data-local]")) {
    const there = new Date(time.dateTime);
    if (!Number.isNaN(there.valueOf())) {
      time.title = time.title || time.textContent;
      time.textContent = format.format(there);
      delete time.dataset.local;
    }
  }
}
