// A question and what else the server is asked → its JSON, or a Problem that says what a person can do about it.

const KEY = "odqa-key"; // In this tab alone, until it is closed.
const MOST_SECONDS = 600;

export class Problem extends Error {
  // `wait` is in how many seconds it is worth trying again, null where that is no matter of time.
  constructor(title, detail, { status = 0, wait = null } = {}) {
    super(title);
    Object.assign(this, { title, detail, status, wait });
  }
}

export function keepKey(key) {
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    // Storage may be forbidden; the key then lasts until the page is left.
  }
  kept = key;
}

let kept = "";

function key() {
  try {
    return sessionStorage.getItem(KEY) || kept;
  } catch {
    return kept;
  }
}

export const get = (path, values, signal) => call(`${path}?${new URLSearchParams(values)}`, { signal });

export const post = (path, value, signal) =>
  call(path, { method: "POST", signal, body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

async function call(path, options) {
  const headers = { Accept: "application/json", ...options.headers };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(
      "The server cannot be reached",
      "See whether you are online and whether odqa serve is still running, then try again.",
    );
  }
  const found = await body(response);
  if (response.ok && found !== null) return found;
  throw problem(response, found || {});
}

async function body(response) {
  if (response.status === 204) return {};
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null; // Something between us and the server answered, or the connection broke.
  }
}

function problem(response, found) {
  const { status } = response;
  const detail = sentence(typeof found.detail === "string" ? found.detail : "");
  const title = sentence(typeof found.title === "string" ? found.title : "").replace(/\.$/, "");
  if (status === 401 || status === 403) return new Problem("This server asks for a key", detail, { status });
  if (status === 503 || status === 429) {
    const wait = Math.min(MOST_SECONDS, Math.max(1, parseInt(response.headers.get("Retry-After"), 10) || 5));
    return new Problem(title || "The server is busy", detail, { status, wait });
  }
  if (status === 504) return new Problem(title || "That took too long", detail || "Try again, with fewer passages to read.", { status });
  if (response.ok) return new Problem("That was no answer of odqa", "See whether the address is right, then try again.", { status });
  return new Problem(title || `The server failed (${status})`, detail || "Try again; if it fails again, tell whoever runs the server.", { status });
}

function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return "";
  return trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? "" : ".");
}
