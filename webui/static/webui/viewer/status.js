/** Asks the server how a session is. The answer says what the page can do next, so it never throws. */

/**
 * @param {string} url the session's status address
 * @returns {Promise<{kind: "known", status: object} | {kind: "login" | "gone" | "unreachable"}>}
 */
export async function askStatus(url) {
  let response;
  try {
    response = await fetch(url, { redirect: "manual", cache: "no-store", headers: { Accept: "application/json" } });
    if (response.type === "opaqueredirect") {
      return { kind: "login" };
    }
    if (response.status === 404) {
      return { kind: "gone" };
    }
    if (response.ok) {
      return { kind: "known", status: await response.json() };
    }
  } catch {
    // The network, or an answer cut short: the same as no answer.
  }
  return { kind: "unreachable" };
}
