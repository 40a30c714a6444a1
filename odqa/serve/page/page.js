// What is asked, chosen and clicked → requests to the server; what comes back → the page. The address says what is
// shown: #q=… is a question with how it is asked, #document=… a place in a document, nothing is the beginning.

import { results } from "./answers.js";
import { AROUND, documentPage, titleOf } from "./documents.js";
import * as past from "./history.js";
import * as server from "./server.js";
import { element, showing } from "./text.js";
import { confidence, counted } from "./words.js";

const HELD = 20; // Results that can be come back to without asking again.
const NEAREST = 3; // Passages that are shown where there is no answer.
const RETRIES = 5; // Of a server that is busy, before a person is asked.
const DEFAULTS = { k: "20", n: "3", mode: "hybrid", sure: "" };

const at = (id) => document.getElementById(id);
let offered = { indexes: [], feedback: false };
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

// What is being waited for is not wanted any more, and says nothing when it ends.
function abandon() {
  if (running) running.abort();
  running = null;
}

// Run what may take long, showing that it does; what is not finished when the next begins is stopped.
async function work(text, action, tries = 0) {
  abandon();
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
  if (!(error instanceof server.Problem)) {
    console.error(error);
    error = new server.Problem(
      "The page failed",
      `${error.message}. Load it again; if it fails again, tell whoever runs the server.`,
    );
  }
  if (error.status === 401) return askForKey(again);
  const box = at("problem");
  const retry = element("button", { type: "button", text: "Try again", onclick: () => again(0) });
  box.replaceChildren(
    element("h2", { text: error.title }),
    ...(error.detail ? [element("p", { text: error.detail })] : []),
  );
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

function askForKey(again) {
  show("key");
  const wrong = server.key() ? "That key is not the right one. " : "";
  at("key-help").textContent =
    `${wrong}Whoever runs the server has it. It is kept in this tab only, until you close it.`;
  at("key-value").value = "";
  at("key-value").focus();
  at("key").onsubmit = (event) => {
    event.preventDefault();
    server.keepKey(at("key-value").value.trim());
    at("key-value").value = "";
    again(0);
  };
}

// --- A question ---

function chosen() {
  return (
    offered.indexes.find((one) => one.name === at("index").value) ||
    offered.indexes[0] || { name: "", fields: {}, examples: [] }
  );
}

// The form → the values of an address, only those that are not what they are anyway.
function address() {
  const values = new URLSearchParams({ q: at("question").value.trim() });
  if (offered.indexes.length > 1) values.set("index", chosen().name);
  for (const [name, usual] of Object.entries(DEFAULTS)) if (at(name).value !== usual) values.set(name, at(name).value);
  for (const filter of filters) values.append("filter", filter);
  return `#${values}`;
}

function fill(values) {
  at("question").value = values.get("q") || "";
  for (const [name, usual] of Object.entries(DEFAULTS)) at(name).value = possible(at(name), values.get(name)) ?? usual;
  if (offered.indexes.some((one) => one.name === values.get("index"))) at("index").value = values.get("index");
  filters = values.getAll("filter");
  describe();
}

// What an address gives for a field, where the field can have it.
function possible(field, value) {
  const can = field.options
    ? [...field.options].some((one) => one.value === value)
    : /^[1-9]\d*$/.test(value) && Number(value) <= Number(field.max);
  return can ? value : null;
}

function request() {
  const value = {
    index: chosen().name,
    question: at("question").value.trim(),
    k: Number(at("k").value),
    n: Number(at("n").value),
    mode: at("mode").value,
    filters,
  };
  return at("sure").value ? { ...value, min_confidence: Number(at("sure").value) } : value;
}

function showAnswers(hash) {
  const known = held.get(hash);
  asked = hash;
  document.title = `${at("question").value} – odqa`;
  if (known) return showResults(known);
  const value = request();
  return work(`Searching, and reading ${counted(value.k, "passage")}…`, async (signal, begun) => {
    const response = await server.ask(value, signal);
    response.seconds = (performance.now() - begun) / 1000;
    const made = await results(response, {
      question: value.question,
      least: value.min_confidence ?? null,
      passage: (id) => server.passage(value.index, id, signal),
      nearest: () => server.search(value, NEAREST, signal),
      link: (id, passage, start, end, text) =>
        `#${new URLSearchParams({ document: id, index: value.index, passage, start, end, text })}`,
      leave: (link) => (left = { hash, link }),
      say: offered.feedback && ((verdict, place) => server.say(value.question, verdict, value.index, place)),
    });
    made.lastChild.append(permalink());
    held.set(hash, made);
    if (held.size > HELD) held.delete(held.keys().next().value);
    past.remember(value.question, hash);
    listHistory();
    showResults(made);
    tell(spoken(response));
  });
}

function showResults(made) {
  abandon();
  at("results").replaceChildren(made);
  show("results");
  if (left && left.hash === asked && made.contains(left.link)) left.link.focus(); // It scrolls there, too.
  left = null;
}

function spoken(response) {
  const [first] = response.answers;
  if (!first) return "No answer found.";
  const sure = confidence(first.confidence).words.toLowerCase();
  return `${counted(response.answers.length, "answer")}. The first, ${sure}: ${first.text}`;
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
  const [number, start, end] = ["passage", "start", "end"].map((name) => Math.max(0, Number(values.get(name)) || 0));
  const place = { start, end, text: values.get("text") || "" };
  return work("Opening the document…", async (signal) => {
    const first = Math.max(0, number - AROUND);
    const found = await server.document(index, id, first, number + AROUND + 1 - first, signal);
    const title = titleOf(found);
    document.title = `${title} – odqa`;
    const back = element("a", { href: asked || "#", text: asked ? "← Back to the answers" : "← Ask a question" });
    const more = (from, limit) => server.document(index, id, from, limit);
    at("document").replaceChildren(element("p", {}, back), ...documentPage(found, place, more));
    show("document");
    const marked = at("document").querySelector("mark");
    const sought = marked || (start > 0 && showing(at("document"), start));
    tell(`${title}, opened${marked ? " at the answer" : ""}.`);
    at("document").focus({ preventScroll: true });
    if (sought) sought.scrollIntoView({ block: marked ? "center" : "start" });
    else scrollTo(0, 0);
  });
}

// --- Examples, filters, history ---

// What the chosen index offers.
function describe() {
  const index = chosen();
  const fields = { ...index.fields, title: [], source: [], ...index.fields }; // Metadata comes first.
  const named = offered.indexes.length > 1 ? ` of “${index.name}”` : "";
  if (offered.indexes.length)
    at("about").textContent =
      `Answers from ${counted(index.documents, "document")}${named}, in ${counted(index.passages, "passage")}`;
  const field = at("filter-field").value;
  at("filter-field").replaceChildren(
    ...Object.keys(fields).map((name) => element("option", { value: name, text: name })),
  );
  if (field in fields) at("filter-field").value = field;
  suggest();
  const examples = index.examples || [];
  at("examples").hidden = !examples.length || location.hash.length > 1; // They are for the beginning.
  at("examples")
    .querySelector("ul")
    .replaceChildren(
      ...examples.map((question) =>
        element(
          "li",
          {},
          element("button", { type: "button", dir: "auto", text: question, onclick: () => askThis(question) }),
        ),
      ),
    );
  at("filters").hidden = !filters.length;
  at("filters").replaceChildren(
    ...filters.map((filter) =>
      element(
        "li",
        {},
        element("button", {
          type: "button",
          dir: "auto",
          "aria-label": `Remove the filter ${filter}`,
          text: filter,
          onclick: () => setFilters(filters.filter((one) => one !== filter)),
        }),
      ),
    ),
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

function listHistory() {
  const items = past.questions();
  at("history").hidden = !items.length;
  at("history")
    .querySelector("ul")
    .replaceChildren(
      ...items.map(({ question, hash }) =>
        element("li", {}, element("a", { href: hash, dir: "auto", text: question })),
      ),
    );
}

// --- The beginning ---

// What the address says is shown once it is known which indexes there are: before that, nothing can be asked of one.
function route() {
  return offered.indexes.length ? arrive() : begin();
}

function arrive() {
  const values = new URLSearchParams(location.hash.slice(1));
  if (values.has("document")) return showDocument(values);
  abandon();
  fill(values);
  const index = values.get("index");
  if (index && !offered.indexes.some((one) => one.name === index))
    return fail(
      new server.Problem(
        "That index is not here",
        `The address names the index “${index}”, which this server does not have. Ask again to ask another one.`,
      ),
      begin,
      0,
    );
  if (values.get("q")) return showAnswers(location.hash);
  document.title = "odqa";
  tell("");
  show(null);
  return at("question").focus();
}

function begin() {
  const before = at("question").value;
  return work("Connecting…", async (signal) => {
    offered = await server.served(signal);
    at("index").replaceChildren(
      ...offered.indexes.map((one) => element("option", { value: one.name, text: one.name })),
    );
    at("index").parentElement.hidden = offered.indexes.length < 2;
    describe();
    const typed = at("question").value;
    arrive();
    // The address fills the field, but not over what was typed meanwhile.
    if (location.hash.length < 2 || typed !== before) at("question").value = typed;
  });
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!at("question").value.trim()) return;
  if (matchMedia("(hover: none)").matches) at("question").blur(); // The keyboard of a phone covers the answers.
  go(address());
});
// What is wrong in the options is shown where it is: a field that is folded away cannot say it, and nothing is asked.
at("options").addEventListener("invalid", () => (at("options").open = true), true);
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
  past.forget();
  listHistory();
  at("question").focus();
});
document.addEventListener("keydown", (event) => {
  if (
    event.key !== "/" ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)
  )
    return;
  event.preventDefault();
  at("question").focus();
});
addEventListener("hashchange", route);
listHistory();
begin();
