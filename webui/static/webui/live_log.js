/**
 * Follows a session's log: asks for what was written behind the place that the page has, and appends it.
 *
 * The page stays where the reader is, unless that is the end. A page that nobody sees asks nothing.
 */

const INTERVAL = 2000;
/** Milliseconds between two looks. */
const AFTER_FAILURE = 10000;
const MOST_CHARACTERS = 500000;
/** Of the log in the page; what is older goes. */
const NEAR_END = 32;
/** Pixels from the end that count as being there. */

export function followLog() {
  const box = document.getElementById("log");
  const pause = document.getElementById("log-pause");
  const state = document.getElementById("log-state");
  const download = document.getElementById("log-download");
  const texts = JSON.parse(document.getElementById("log-texts").textContent);
  let next = Number(box.dataset.next);
  let paused = false;
  let timer = 0;
  let turn = 0; // an answer to an earlier question than the last one counts for nothing
  box.scrollTop = box.scrollHeight;

  function say(name) {
    box.dataset.following = name;
    if (state.textContent !== texts[name]) {
      state.textContent = texts[name];
    }
  }

  function append(text) {
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    box.append(text);
    const tooMuch = box.textContent.length - MOST_CHARACTERS;
    if (tooMuch > 0) {
      const before = box.scrollHeight;
      const shown = box.textContent;
      box.textContent = shown.slice(shown.indexOf("\n", tooMuch) + 1);
      box.scrollTop -= before - box.scrollHeight;
    }
    if (atEnd) {
      box.scrollTop = box.scrollHeight;
    }
  }

  function finish(name) {
    say(name);
    pause.hidden = true;
  }

  async function look() {
    const mine = ++turn;
    let answer = null;
    try {
      answer = await fetch(`${box.dataset.follow}?after=${next}`, { headers: { Accept: "application/json" } });
    } catch {
      answer = null;
    }
    if (mine !== turn) {
      return;
    }
    if (answer === null || answer.status >= 500) {
      say("unreachable");
      timer = setTimeout(look, AFTER_FAILURE);
    } else if (!answer.ok || answer.redirected) {
      finish("refused");
    } else {
      const part = await answer.json();
      if (mine === turn) {
        show(part);
      }
    }
  }

  function show(part) {
    if (part.text) {
      append(part.skipped ? `${texts.skipped}\n${part.text}` : part.text);
    }
    next = part.next;
    download.hidden = next === 0;
    if (part.over) {
      finish("over");
    } else {
      say("following");
      plan();
    }
  }

  function plan() {
    turn += 1;
    clearTimeout(timer);
    timer = document.hidden || paused ? 0 : setTimeout(look, INTERVAL);
  }

  if (box.dataset.over === "true") {
    finish("over");
    return;
  }
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? texts.resume : texts.pause;
    turn += 1;
    clearTimeout(timer);
    say(paused ? "paused" : "following");
    if (!paused) {
      look();
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!pause.hidden) {
      plan();
    }
  });
  say("following");
  plan();
}
