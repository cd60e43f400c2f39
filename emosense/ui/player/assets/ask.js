// Questions to the server that outlast an interruption: they are asked again, with growing pauses.

const FIRST_PAUSE = 700; // milliseconds
const LONGEST_PAUSE = 10_000;
export const GONE = [401, 403, 404, 410]; // asking again would not help

// The server's refusal of a request: its status and text (both of RFC 9110).
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// Milliseconds before the next attempt, after so many that failed.
export function pauseAfter(failures) {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1));
}

// Waits, or until the network is there again.
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}

// The JSON of an answer and its entity tag. Throws Refused for what is gone, and for the statuses in `final`;
// whatever else fails is asked again, as often as `attempts` says. onTrouble is told why, and null at the end.
export async function ask(url, { signal, onTrouble = () => {}, final = [], attempts = Infinity, ...options }) {
  for (let failures = 1; ; failures++) {
    let wait = pauseAfter(failures);
    let trouble = "The server does not answer";
    try {
      const response = await fetch(url, { ...options, signal });
      if (response.ok) {
        const answer = { content: await response.json(), tag: response.headers.get("etag") };
        onTrouble(null);
        return answer;
      }
      const text = await response.text();
      if ([...GONE, ...final].includes(response.status)) {
        onTrouble(null);
        throw new Refused(response.status, text);
      }
      wait = Math.max(wait, 1000 * (Number(response.headers.get("retry-after")) || 0));
      trouble = `The server answers with status ${response.status}`;
    } catch (error) {
      if (signal.aborted || error instanceof Refused) throw error;
    }
    if (failures === attempts) {
      onTrouble(null);
      throw new Error(`${trouble}.`);
    }
    onTrouble(`${trouble}: it is asked again.`);
    await pause(wait, signal);
    signal.throwIfAborted();
  }
}
