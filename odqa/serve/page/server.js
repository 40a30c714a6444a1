// What the page wants to know → requests to the server, and its answers in the form that the page needs; what fails →
// a Problem that says what a person can do about it. Only this file knows the server's addresses.

const KEY = "odqa-key"; // In this tab alone, until it is closed.
const ASKS_FOR_A_KEY = "This server asks for a key";
const MOST_SECONDS = 600;
const TITLES = {
  400: "This cannot be asked like that",
  404: "That is not there",
  408: "That took too long",
  413: "That is too long",
  422: "This cannot be asked like that",
  504: "That took too long",
};

export class Problem extends Error {
  // `wait` is in how many seconds it is worth trying again, null where that is no matter of time.
  constructor(title, detail, { status = 0, wait = null } = {}) {
    super(title);
    Object.assign(this, { title, detail, status, wait });
  }
}

// The indexes with what can be filtered by and asked, and whether feedback is taken.
export async function served(signal) {
  const { indexes, feedback } = await get("indexes", {}, signal);
  const fields = (index) =>
    Object.fromEntries(index.fields.map(({ name, values }) => [name, values.map((one) => one.value)]));
  return {
    feedback,
    indexes: indexes.map((index) => ({ ...index, fields: fields(index), examples: index.questions })),
  };
}

export const ask = (request, signal) => post("ask", { ...request, explain: true }, signal);

export async function search({ index, question, mode, filters }, k, signal) {
  return (await post("search", { index, question, mode, filters, k }, signal)).hits;
}

// A passage, its number in its document, and its neighbours there.
export async function passage(index, id, signal) {
  const { passage: own, number, before, after } = await get("passages", { index, id }, signal);
  return { passage: own, number, before: before.at(-1), after: after[0] };
}

// So many passages of a document from the one with the number `first` on, with what is known of the document.
export async function document(index, id, first, limit, signal) {
  const { document: origin, ...found } = await get("documents", { index, id, first, limit }, signal);
  return { ...origin, ...found };
}

export const say = (question, verdict, index, place) => post("feedback", { question, verdict, index, ...place });

export function keepKey(key) {
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    // Storage may be forbidden; the key then lasts until the page is left.
  }
  kept = key;
}

let kept = "";

export function key() {
  try {
    return sessionStorage.getItem(KEY) || kept;
  } catch {
    return kept;
  }
}

const get = (path, values, signal) => call(`${path}?${new URLSearchParams(values)}`, { signal });

const post = (path, value, signal) =>
  call(path, { method: "POST", signal, body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

async function call(path, options) {
  // No key has other characters, and of some of them the browser makes no header.
  if (/[^\x20-\x7e]/.test(key())) throw new Problem(ASKS_FOR_A_KEY, "", { status: 401 });
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
  if (response.ok)
    return new Problem("That was no answer of odqa", "See whether the address is right, then try again.", { status });
  if (status === 401) return new Problem(ASKS_FOR_A_KEY, detail, { status });
  if (status === 503 || status === 429) {
    const wait = Math.min(MOST_SECONDS, Math.max(1, parseInt(response.headers.get("Retry-After"), 10) || 5));
    return new Problem("The server is busy", detail, { status, wait });
  }
  return new Problem(
    TITLES[status] || `The server failed (${status})`,
    detail || "Try again; if it fails again, tell whoever runs the server.",
    { status },
  );
}

function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return "";
  return trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? "" : ".");
}
