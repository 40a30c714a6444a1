// What is asked, chosen and clicked → requests to the server; what comes back → the page. The address says what is shown:
// #q=… is a question with how it is asked, #document=… a place in a document, nothing is the beginning.

import { confidence, counted, results } from "./answers.js";
import { Problem, get, keepKey, post } from "./server.js";
import { Stretch, element, flow } from "./text.js";

const HISTORY = "odqa-history";
const REMEMBERED = 50; // Questions of the history.
const HELD = 20; // Results that can be come back to without asking again.
const WINDOW = 30_000; // Characters of a document that are shown at first on each side of a place.
const NEAREST = 3; // Passages that are shown where there is no answer.
const RETRIES = 5; // Of a server that is busy, before a person is asked.
const DEFAULTS = { k: "20", n: "3", mode: "hybrid", sure: "" };

const at = (id) => document.getElementById(id);
let server = { indexes: [], feedback: false };
let filters = [];
let running = null; // The AbortController of what is being waited for.
let asked = ""; // The address of the last question, to come back to.
let left = null; // The link by which the answers were left.
const held = new Map(); // An address → the results that it showed.

// --- What is shown: one of the working line, the problem, the key, the results, the document ---

function show(id) {
  for (const one of ["working", "problem", "key", "results", "document"]) at(one).hidden = one !== id;
  at("results").setAttribute("aria-busy", String(id === "working"));
}

function tell(text) {
  at("status").textContent = text;
}

// Run what may take long, showing that it does; what is not finished when the next begins is stopped.
async function work(text, action, tries = 0) {
  if (running) running.abort();
  const own = (running = new AbortController());
  const begun = performance.now();
  const tick = () => {
    const seconds = Math.floor((performance.now() - begun) / 1000);
    at("working-text").textContent = seconds ? `${text} ${seconds} s` : text;
  };
  tick();
  tell(text);
  show("working");
  const timer = setInterval(tick, 1000);
  try {
    await action(own.signal, begun);
  } catch (error) {
    if (own === running) fail(error, (again) => work(text, action, again), tries);
  } finally {
    clearInterval(timer);
    if (own === running) running = null;
  }
}

function fail(error, again, tries) {
  tell(error.name === "AbortError" ? "Stopped." : "");
  if (error.name === "AbortError") return show(null);
  if (!(error instanceof Problem)) {
    console.error(error);
    error = new Problem("The page failed", `${error.message}. Load it again; if it fails again, tell whoever runs the server.`);
  }
  if (error.status === 401 || error.status === 403) return askForKey(error, again);
  const box = at("problem");
  const retry = element("button", { type: "button", text: "Try again", onclick: () => again(0) });
  box.replaceChildren(element("h2", { text: error.title }), ...(error.detail ? [element("p", { text: error.detail })] : []));
  if (error.wait !== null && tries < RETRIES) box.append(countdown(error.wait, () => again(tries + 1)));
  box.append(retry);
  show("problem");
}

function countdown(seconds, then) {
  const made = element("p", { "aria-live": "off", text: `Trying again in ${seconds} s.` });
  const until = performance.now() + 1000 * seconds;
  const timer = setInterval(() => {
    const remaining = Math.ceil((until - performance.now()) / 1000);
    if (!made.isConnected || at("problem").hidden) return clearInterval(timer);
    made.textContent = `Trying again in ${Math.max(0, remaining)} s.`;
    if (remaining > 0) return undefined;
    clearInterval(timer);
    return then();
  }, 250);
  return made;
}

function askForKey(problem, again) {
  show("key");
  at("key-help").textContent = `${problem.detail ? `${problem.detail} ` : ""}Whoever runs the server has the key. It is kept in this tab only, until you close it.`;
  at("key-value").value = "";
  at("key-value").focus();
  at("key").onsubmit = (event) => {
    event.preventDefault();
    keepKey(at("key-value").value.trim());
    at("key-value").value = "";
    again(0);
  };
}

// --- A question ---

function chosen() {
  return server.indexes.find((one) => one.name === at("index").value) || server.indexes[0] || { name: "", fields: {}, examples: [] };
}

// The form → the values of an address, only those that are not what they are anyway.
function address() {
  const values = new URLSearchParams({ q: at("question").value.trim() });
  if (server.indexes.length > 1) values.set("index", chosen().name);
  for (const [name, usual] of Object.entries(DEFAULTS)) if (at(name).value !== usual) values.set(name, at(name).value);
  for (const filter of filters) values.append("filter", filter);
  return `#${values}`;
}

function fill(values) {
  at("question").value = values.get("q") || "";
  for (const [name, usual] of Object.entries(DEFAULTS)) at(name).value = possible(at(name), values.get(name)) ?? usual;
  const index = values.get("index");
  if (index && server.indexes.some((one) => one.name === index)) at("index").value = index;
  filters = values.getAll("filter");
  describe();
}

// What an address gives for a field, where the field can have it.
function possible(field, value) {
  const can = field.options ? [...field.options].some((one) => one.value === value) : /^[1-9]\d{0,3}$/.test(value);
  return can ? value : null;
}

function request() {
  const value = { index: chosen().name, question: at("question").value.trim(), k: Number(at("k").value), n: Number(at("n").value), mode: at("mode").value, filters };
  return at("sure").value ? { ...value, min_confidence: Number(at("sure").value) } : value;
}

function showAnswers(hash) {
  const known = held.get(hash);
  asked = hash;
  document.title = `${at("question").value} – odqa`;
  if (known) return showResults(known);
  const value = request();
  return work(`Searching, and reading ${counted(value.k, "passage")}…`, async (signal, begun) => {
    const response = await post("ask", { ...value, explain: true }, signal);
    response.seconds = (performance.now() - begun) / 1000;
    const made = await results(response, {
      question: value.question,
      least: value.min_confidence || 0,
      passage: (id) => get("passages", { id, index: value.index }, signal),
      nearest: () => post("search", { ...value, k: NEAREST }, signal),
      link: (id, start, end) => `#${new URLSearchParams({ document: id, index: value.index, start, end })}`,
      leave: (link) => (left = { hash, link }),
      say: server.feedback && ((verdict, answer) => post("feedback", { question: value.question, verdict, index: value.index, ...(answer ? { answer } : {}) })),
    });
    made.lastChild.append(permalink());
    held.set(hash, made);
    if (held.size > HELD) held.delete(held.keys().next().value);
    remember(value.question, hash);
    showResults(made);
    tell(spoken(response));
  });
}

function showResults(made) {
  if (running) running.abort();
  running = null;
  at("results").replaceChildren(made);
  show("results");
  if (left && left.hash === asked && made.contains(left.link)) left.link.focus(); // It scrolls there, too.
  left = null;
}

function spoken(response) {
  const [first] = response.answers;
  if (!first) return "No answer found.";
  return `${counted(response.answers.length, "answer")}. The first, ${confidence(first.confidence).words.toLowerCase()}: ${first.text}`;
}

function permalink() {
  const made = element("a", { href: asked, text: "Link to this question" });
  made.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(location.href);
      made.textContent = "Link copied";
    } catch {
      made.textContent = "The link is in the address bar";
    }
    tell(made.textContent);
  });
  return made;
}

// --- A document ---

function showDocument(values) {
  const [id, index] = [values.get("document"), values.get("index") || chosen().name];
  const [start, end] = ["start", "end"].map((name) => Math.max(0, Number(values.get(name)) || 0));
  return work("Opening the document…", async (signal) => {
    const found = await get("documents", { id, index }, signal);
    const whole = new Stretch(found.text, 0, [{ start: 0, end: 0 }]);
    const mark = end > start && end <= whole.length ? [whole.unit(start), whole.unit(end)] : null;
    const title = found.title || found.source || found.id;
    document.title = `${title} – odqa`;
    const facts = Object.entries({ source: found.source, ...found.metadata }).filter(([, value]) => value !== "" && value !== null);
    at("document").replaceChildren(
      element("p", {}, element("a", { href: asked || "#", text: asked ? "← Back to the answers" : "← Ask a question" })),
      element("h2", { text: title }),
      element("dl", {}, ...facts.map(([name, value]) => element("div", {}, element("dt", { text: name }), element("dd", { text: typeof value === "string" ? value : JSON.stringify(value) })))),
      ...excerpt(found.text, mark, mark ? mark[0] : whole.unit(start)),
    );
    show("document");
    tell(`${title}, opened${mark ? " at the answer" : ""}.`);
    at("document").focus({ preventScroll: true });
    const marked = at("document").querySelector("mark");
    if (marked) marked.scrollIntoView({ block: "center" });
    else scrollTo(0, 0);
  });
}

// The text around a place, of a long document with buttons that show more.
function excerpt(text, mark, around) {
  const holder = element("div", { class: "text" });
  const line = (unit, step) => {
    const found = step < 0 ? text.lastIndexOf("\n\n", unit) : text.indexOf("\n\n", unit);
    return found < 0 || Math.abs(found - unit) > WINDOW ? unit : found;
  };
  let [low, high] = [around < WINDOW ? 0 : line(around - WINDOW, -1), around + WINDOW >= text.length ? text.length : line(around + WINDOW, 1)];
  const draw = (from, to) => {
    const stretch = new Stretch(text.slice(from, to), 0);
    return flow(stretch, mark && mark[0] >= from && mark[1] <= to ? [mark[0] - from, mark[1] - from] : null);
  };
  holder.append(draw(low, high));
  const above = element("button", { type: "button", text: "Show what is before", hidden: low === 0 });
  const below = element("button", { type: "button", text: "Show more", hidden: high === text.length });
  above.addEventListener("click", () => {
    const from = low < 2 * WINDOW ? 0 : line(low - 2 * WINDOW, -1);
    holder.prepend(draw(from, low));
    low = from;
    above.hidden = low === 0;
  });
  below.addEventListener("click", () => {
    const to = high + 2 * WINDOW >= text.length ? text.length : line(high + 2 * WINDOW, 1);
    holder.append(draw(high, to));
    high = to;
    below.hidden = high === text.length;
  });
  return [above, holder, below];
}

// --- Examples, filters, history ---

// What the chosen index offers.
function describe() {
  const index = chosen();
  const fields = { ...index.fields, title: [], source: [], ...index.fields }; // Metadata comes first.
  if (server.indexes.length)
    at("about").textContent = `Answers from ${counted(index.documents, "document")}${server.indexes.length > 1 ? ` of “${index.name}”` : ""}, in ${counted(index.passages, "passage")}`;
  const field = at("filter-field").value;
  at("filter-field").replaceChildren(...Object.keys(fields).map((name) => element("option", { value: name, text: name })));
  if (field in fields) at("filter-field").value = field;
  suggest();
  const examples = index.examples || [];
  at("examples").hidden = !examples.length;
  at("examples").querySelector("ul").replaceChildren(
    ...examples.map((question) => element("li", {}, element("button", { type: "button", text: question, onclick: () => askThis(question) }))),
  );
  at("filters").hidden = !filters.length;
  at("filters").replaceChildren(
    ...filters.map((filter) => element("li", {}, element("button", { type: "button", "aria-label": `Remove the filter ${filter}`, text: filter, onclick: () => setFilters(filters.filter((one) => one !== filter)) }))),
  );
}

function suggest() {
  const values = { ...chosen().fields }[at("filter-field").value] || [];
  at("filter-values").replaceChildren(...values.map((value) => element("option", { value: String(value) })));
}

function addFilter() {
  const [field, operator, value] = ["filter-field", "filter-operator", "filter-value"].map((id) => at(id).value);
  if (!value.trim()) return at("filter-value").focus();
  at("filter-value").value = "";
  // A value that looks like a part of the filter is quoted, as --filter wants it.
  const quoted = value !== value.trim() || /^[=!<>~]|^(["']).*\1$/s.test(value) ? `"${value}"` : value;
  return setFilters([...new Set([...filters, `${field}${operator}${quoted}`])]);
}

function setFilters(changed) {
  filters = changed;
  describe();
  if (at("question").value.trim()) go(address());
}

function askThis(question) {
  at("question").value = question;
  go(address());
}

// Go to an address; one that is shown already is asked anew.
function go(hash) {
  held.delete(hash);
  if (location.hash === hash) route();
  else location.hash = hash;
}

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(HISTORY) || "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one.question === "string" && /^#q=/.test(one.hash)) : [];
  } catch {
    return [];
  }
}

function store(items) {
  try {
    localStorage.setItem(HISTORY, JSON.stringify(items));
  } catch {
    // Storage may be forbidden or full: then there is no history.
  }
  listHistory();
}

function remember(question, hash) {
  store([{ question, hash }, ...stored().filter((one) => one.hash !== hash)].slice(0, REMEMBERED));
}

function listHistory() {
  const items = stored();
  at("history").hidden = !items.length;
  at("history").querySelector("ul").replaceChildren(...items.map(({ question, hash }) => element("li", {}, element("a", { href: hash, text: question }))));
}

// --- The beginning ---

function route() {
  const values = new URLSearchParams(location.hash.slice(1));
  if (values.has("document")) return showDocument(values);
  if (running) running.abort();
  fill(values);
  if (values.get("q")) return showAnswers(location.hash);
  running = null;
  document.title = "odqa";
  tell("");
  show(null);
  return at("question").focus();
}

function begin() {
  return work("Connecting…", async (signal) => {
    server = await get("indexes", {}, signal);
    at("index").replaceChildren(...server.indexes.map((one) => element("option", { value: one.name, text: one.name })));
    at("index").parentElement.hidden = server.indexes.length < 2;
    route();
  });
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (at("question").value.trim()) go(address());
});
at("index").addEventListener("change", describe);
at("filter-field").addEventListener("change", suggest);
at("filter-add").addEventListener("click", addFilter);
at("filter-value").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  addFilter();
});
at("stop").addEventListener("click", () => running && running.abort());
at("forget").addEventListener("click", () => {
  store([]);
  at("question").focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  event.preventDefault();
  at("question").focus();
});
addEventListener("hashchange", route);
listHistory();
begin();
