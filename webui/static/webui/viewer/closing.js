/**
 * What the end of a websocket means for the viewer: the relay's close codes (remote_service.relay.closing) and those
 * of RFC 6455, section 7.4. A table and two numbers; no page, no clock.
 */

/** The session is over, or about to be: nothing to come back to. */
export const OVER = "over";
/** Worth some tries: the session may go on, but trying for ever would hide that it does not. */
export const FEW = "few";
/** Trying again would lead to the same refusal. */
export const REFUSED = "refused";
/** The line was cut, or the server is away: worth trying for as long as the page is open. */
export const AGAIN = "again";

export const START_FAILED = 4010;
export const RESTARTING = 1012;
/** No goodbye at all: nobody listens, a proxy answers for the server, or the line broke. */
export const CUT = 1006;
export const MOST_FEW = 5;

const VERDICTS = new Map([
  [1000, OVER], // its program ended, or its user stopped it
  [4004, OVER], // gone
  [4008, OVER], // idle for too long
  [4009, OVER], // its longest time is up
  [START_FAILED, OVER],
  [4013, OVER], // stopped by staff
  [4001, FEW], // logged out: the page asks the server before it believes it
  [4002, AGAIN], // its user may do something else now, and comes back with that
  [4003, REFUSED], // what its user may do cannot be enforced there
  [4011, FEW], // its screen was lost
  [1011, FEW], // the relay failed
  [1005, FEW], // noVNC gave up on what it was sent
  [RESTARTING, AGAIN],
  [CUT, AGAIN],
]);

export function verdict(code) {
  return VERDICTS.get(code) ?? AGAIN;
}

/** Milliseconds before try number `attempt`, counted from 0. */
export function backOff(attempt) {
  return Math.min(250 * 2 ** attempt, 10000);
}

const VALUE = /%\((\w+)\)s/;

/**
 * A reason as the page says it: as far as it begins with a sentence that it knows, or if it is one with values in it.
 *
 * @param {string} reason what the server said, in English
 * @param {Object<string, string>} sentences English to the page's language; `%(name)s` is where a value comes
 */
export function inWords(reason, sentences) {
  for (const [sentence, words] of Object.entries(sentences)) {
    const found = sentence.match(VALUE) ? reason.match(shape(sentence)) : null;
    if (found) {
      return words.replaceAll(new RegExp(VALUE, "g"), (_all, name) => found.groups[name]);
    }
    if (reason.startsWith(sentence)) {
      return words + reason.slice(sentence.length);
    }
  }
  return reason;
}

/** What fits a sentence; as `recognised` of remote_service finds it. */
function shape(sentence) {
  const parts = sentence.split(VALUE);
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const value = (name, place) => `(?<${name}>${place > 1 || parts[0] ? ".+" : "\\S+"})`;
  return new RegExp(`^${parts.map((part, place) => (place % 2 ? value(part, place) : literal(part))).join("")}$`, "s");
}
