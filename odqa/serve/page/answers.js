// What the server found → elements: answers with their places, nearest passages, how sure it is, why, and how long.

import { Stretch, element, flow, located, quotation, selected } from "./text.js";

const LISTED = 3; // Of the other documents that say the same.
const EXCERPT = 320; // Characters of a nearest passage that are shown before it is unfolded.
const STAGES = { encode: "encoding the question", search: "searching", read: "reading", rank: "ranking" };
const WORDS = [
  [0.9, "Very likely right", "high"],
  [0.7, "Likely right", "high"],
  [0.5, "More likely right than wrong", "middle"],
  [0.25, "Possibly right", "middle"],
  [0, "Hardly more than a guess", "low"],
];
let numbers = 0; // So that every answer's elements have ids of their own.

// In words, in a class for the colour, and in percent, which is never 0 or 100 for what is only close to it.
export function confidence(probability) {
  const [, words, look] = WORDS.find(([least]) => probability >= least) || WORDS.at(-1);
  return { words, look, percent: percent(probability) };
}

export function percent(probability) {
  if (probability > 0 && probability < 0.01) return "< 1 %";
  if (probability < 1 && probability > 0.99) return "> 99 %";
  return `${Math.round(100 * probability)} %`;
}

// `context` is the `question`, the `least` confidence that was asked for, and what the page can do: passage(id), nearest(),
// link(document, passage, start, end), leave(link), and say(verdict, place) where the server takes feedback. The last
// element is the foot.
export async function results(response, context) {
  const made = element("div");
  if (response.answers.length) {
    made.append(element("h2", { text: counted(response.answers.length, "answer") }));
    const list = element("ol");
    for (const one of await stretches(response.answers, context)) list.append(answerItem(one, response, context, list.children.length === 0));
    made.append(list);
    if (context.say) made.append(element("div", { class: "actions" }, ...verdicts(context, [["None of these is right", "missing", () => null]])));
  } else {
    made.append(...(await nothing(response, context)));
  }
  made.append(element("div", { class: "foot" }, how(response)));
  return made;
}

async function nothing(response, context) {
  const hits = response.reason ? [] : await context.nearest();
  const passages = (await Promise.all(hits.map((hit) => loaded(hit.passage_id, context)))).map((found, at) => ({ found, hit: hits[at] }));
  const card = element(
    "div",
    { class: "card none" },
    element("h2", { text: "No answer found" }),
    element("p", { text: response.reason ? `${capital(response.reason)}.` : unsure(response, context) }),
  );
  if (!response.reason)
    card.append(element("p", { class: "soft", text: "Other words may help, or more passages to read; or it stands in one of the passages below." }));
  if (context.say) {
    const first = passages[0];
    const here = () => first && first.found && { document: first.hit.document.id, start: first.found.passage.start, end: first.found.passage.start, text: "" };
    card.append(
      element("div", { class: "actions" }, ...verdicts(context, [["Right, there is none", "right", here], ["There is one, it is missing", "missing", () => null]])),
    );
  }
  const parts = [card];
  if (passages.length) {
    parts.push(element("h2", { text: "The nearest passages" }));
    parts.push(element("ol", {}, ...passages.map(({ found, hit }) => hitItem(found, hit, context))));
  }
  const withheld = response.withheld || [];
  if (withheld.length) {
    const list = element("ol");
    for (const one of await stretches(withheld, context)) list.append(answerItem(one, response, context, false));
    parts.push(element("details", { class: "why" }, element("summary", { text: "What would have been the answer, if any" }), list));
  }
  return parts;
}

function unsure({ no_answer_probability: probability, withheld = [] }, { least }) {
  if (least && withheld.length) return `There are answers, and none of them has a confidence of at least ${percent(least)}.`;
  const words = probability >= 0.9 ? "very likely" : probability >= 0.7 ? "likely" : probability >= 0.5 ? "probably" : "perhaps";
  return `What was found ${words} does not answer this: the probability that there is no answer is ${percent(probability)}.`;
}

async function stretches(answers, context) {
  return Promise.all(answers.map(async (answer) => ({ answer, ...(await around(answer, context)) })));
}

// The passage of an answer with its neighbours, and where in it the answer is marked.
async function around(answer, context) {
  let found = await loaded(answer.passage_id, context);
  if (!found || !found.passage.holds(answer)) {
    const first = [...answer.passage.slice(0, Math.max(0, answer.passage.indexOf(answer.text)))].length;
    found = { passage: new Stretch(answer.passage, answer.start - first), before: null, after: null, number: 0 };
  }
  return { found, mark: [found.passage.unit(answer.start), found.passage.unit(answer.end)] };
}

// A passage and what of its neighbours is not in it already, each as a stretch of the document; null where it is gone.
async function loaded(id, context) {
  try {
    const { passage, number, before, after } = await context.passage(id);
    const own = new Stretch(passage.text, passage.start, passage.blocks);
    const end = own.start + own.length;
    return { passage: own, number, headings: passage.headings || [], before: part(before, 0, own.start), after: part(after, end, Infinity) };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

function part(passage, low, high) {
  if (!passage) return null;
  const whole = new Stretch(passage.text, passage.start, passage.blocks);
  const [first, last] = [whole.unit(Math.max(low, whole.start)), whole.unit(Math.min(high, whole.start + whole.length))];
  return first < last ? { stretch: whole, first, last } : null;
}

function answerItem({ answer, found, mark }, response, context, first) {
  const id = `answer-${++numbers}`;
  const { words, look, percent: share } = confidence(answer.confidence);
  const bar = element("span", { class: `bar ${look}`, "aria-hidden": "true" }, element("i"));
  bar.firstChild.style.setProperty("--share", `${100 * answer.confidence}%`);
  const place = { document: answer.document.id, start: answer.start, end: answer.end, text: answer.text };
  const unfolded = folding(found, mark, place.document, context, id);
  const feedback = context.say ? verdicts(context, [["Right", "right", () => place], ["Wrong", "wrong", () => place]], id) : [];
  return element(
    "li",
    { class: first ? "answer first" : "answer" },
    element("h3", { id, text: answer.text }),
    element("p", { class: "sure" }, bar, element("span", { text: words }), element("span", { class: "soft", text: share })),
    element("blockquote", { class: "text" }, quotation(found.passage, mark)),
    where(answer),
    element("div", { class: "actions" }, unfolded.button, ...links(answer, found.number, context), element("span", { class: "gap" }), ...feedback),
    unfolded.region,
    why(answer, response),
  );
}

function hitItem(found, hit, context) {
  const id = `answer-${++numbers}`;
  const stretch = found ? found.passage : new Stretch(hit.text, 0);
  const block = nearest(stretch, context.question);
  const high = Math.min(block.end, block.start + EXCERPT);
  const unfolded = found && folding(found, null, hit.document.id, context, id);
  const excerpt = element("blockquote", { class: "text" }, flow(stretch, null, block.start, high));
  if (high < block.end) excerpt.append(element("p", { class: "soft", text: "…" }));
  const place = found && { document: hit.document, start: stretch.start, end: stretch.start, text: "" };
  return element(
    "li",
    { class: "answer" },
    element("h3", { id, text: hit.document.title || hit.document.source || hit.document.id }),
    excerpt,
    where({ document: hit.document, headings: found ? found.headings : [], page: null, mentions: 1, copies: hit.copies }, false),
    element("div", { class: "actions" }, unfolded && unfolded.button, ...(place ? links(place, found.number, context) : [])),
    unfolded && unfolded.region,
  );
}

// The block that shares most words with the question.
function nearest(stretch, question) {
  const words = (text) => new Set((text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) || []).map((word) => word.slice(0, 5)));
  const wanted = words(question);
  const scored = stretch.blocks.map((block) => [[...words(stretch.text.slice(block.start, block.end))].filter((word) => wanted.has(word)).length, block]);
  const best = scored.reduce((one, other) => (other[0] > one[0] ? other : one), [-1, { start: 0, end: stretch.text.length }]);
  return best[1];
}

// Where it stands; without the title of the document, where that is shown already.
function where({ document: origin, headings, page, mentions, copies }, titled = true) {
  const { title, source, id } = origin;
  const path = headings[0] === title ? headings.slice(1) : headings;
  const others = [...new Set((copies || []).map((copy) => copy.document.source || copy.document.title))].filter((name) => name && name !== source);
  const elsewhere = others.slice(0, LISTED).join(", ") + (others.length > LISTED ? ` and ${others.length - LISTED} more` : "");
  const parts = [path.join(" › "), page === null ? "" : `page ${page}`, source === title ? "" : source];
  if (mentions > 1) parts.push(`said in ${mentions} places`);
  if (others.length) parts.push(`also in ${elsewhere}`);
  const named = titled ? element("b", { text: title || source || id }) : null;
  return element("p", { class: "where" }, named, titled && parts.some(Boolean) ? " · " : "", parts.filter(Boolean).join(" · "));
}

function links({ document: origin, start, end, text, page }, number, context) {
  const inside = element("a", { href: context.link(origin.id, number, start, end), text: "Open the document there" });
  inside.addEventListener("click", () => context.leave(inside));
  const outside = web(origin.source, text, page);
  return [inside, outside && element("a", { href: outside, target: "_blank", rel: "noopener noreferrer", text: "Open the source" })].filter(Boolean);
}

// The address of what a web page or a PDF on the web says there; null for any other source.
export function web(source, text, page) {
  if (!/^https?:\/\//i.test(source || "") || !URL.canParse(source)) return null;
  const address = new URL(source);
  const encode = (some) => encodeURIComponent(some).replace(/-/g, "%2D");
  const words = (text || "").split(/\s+/).filter(Boolean);
  if (page) address.hash = `page=${page}`;
  else if (words.length) address.hash = `:~:text=${words.length > 8 ? [words.slice(0, 4), words.slice(-4)].map((some) => encode(some.join(" "))).join(",") : encode(words.join(" "))}`;
  return address.href;
}

// A button and the passage that it unfolds, with what stands before and after it.
function folding(found, mark, origin, context, id) {
  const region = element("div", { class: "unfolded", id: `${id}-passage`, role: "group", "aria-label": "The passage", hidden: true });
  const button = element("button", { type: "button", "aria-expanded": "false", "aria-controls": region.id, "aria-describedby": id, text: "Show the passage" });
  button.addEventListener("click", () => {
    if (!region.firstChild) region.append(...unfold(found, mark, origin, context));
    region.hidden = !region.hidden;
    button.setAttribute("aria-expanded", String(!region.hidden));
    button.textContent = region.hidden ? "Show the passage" : "Hide the passage";
  });
  return { region, button };
}

function unfold({ passage, before, after }, mark, origin, context) {
  const beside = (some, words) => some && element("div", { class: "text beside", role: "group", "aria-label": words }, flow(some.stretch, null, some.first, some.last));
  const text = element("div", {});
  text.append(...[beside(before, "Before it"), element("div", { class: "text" }, flow(passage, mark)), beside(after, "After it")].filter(Boolean));
  if (!context.say) return [text];
  const all = [passage, before && before.stretch, after && after.stretch].filter(Boolean);
  return [text, marking(text, all, origin, context)];
}

// The right answer, selected in the passage or typed as it stands there.
function marking(text, all, origin, context) {
  const input = element("input", { type: "text", autocomplete: "off", placeholder: "Select it above, or type it" });
  const button = element("button", { type: "button", disabled: true, text: "Save as the right answer" });
  const remark = element("span", { role: "status" });
  let place = null;
  const check = () => (button.disabled = !place);
  const take = () => {
    const found = selected(text);
    if (!found) return;
    place = found;
    input.value = found.text;
    check();
  };
  text.addEventListener("mouseup", () => setTimeout(take));
  text.addEventListener("touchend", () => setTimeout(take, 300));
  text.addEventListener("keyup", take);
  input.addEventListener("focus", take);
  input.addEventListener("input", () => {
    place = located(input.value, all);
    remark.className = "soft";
    remark.textContent = place || !input.value.trim() ? "" : "This does not stand in the passage.";
    check();
  });
  button.addEventListener("click", async () => {
    button.disabled = true;
    if (!(await send(context, "missing", { document: origin, ...place }, remark))) check();
  });
  return element("div", { class: "marking" }, element("label", {}, "The right answer, as it stands in the passage", input), button, remark);
}

function verdicts(context, choices, id) {
  const remark = element("span", { role: "status" });
  const buttons = choices.map(([text, verdict, place]) => {
    const button = element("button", { type: "button", "aria-pressed": "false", "aria-describedby": id, text });
    button.addEventListener("click", async () => {
      buttons.forEach((one) => (one.disabled = true));
      const kept = await send(context, verdict, place(), remark);
      buttons.forEach((one) => (one.disabled = kept));
      button.setAttribute("aria-pressed", String(kept));
    });
    return button;
  });
  return [...buttons, remark];
}

async function send(context, verdict, place, remark) {
  try {
    await context.say(verdict, place || null);
    remark.className = "said";
    remark.textContent = "Noted, thank you.";
    return true;
  } catch (problem) {
    remark.className = "said failed";
    remark.textContent = `Not saved. ${problem.title || ""}. ${problem.detail || ""}`.trim();
    return false;
  }
}

// What the score of an answer is made of, place by place.
function why(answer, response) {
  if (!answer.places) return null;
  const number = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
  const found = (part) => (part ? `${number(part.score)}${part.rank ? `, rank ${part.rank}` : ""}` : "–");
  const heads = ["Document", "Reader: this answer", "Reader: none", "Margin", "Passage", "By meaning", "By words"];
  const rows = answer.places.map((one) => [
    one.document,
    number(one.span_score),
    number(one.null_score),
    number(one.span_score - one.null_score),
    `rank ${one.rank}`,
    found(one.components.dense),
    found(one.components.bm25),
  ]);
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col", text: head })))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell, at) => element("td", { class: at ? "n" : "", text: cell }))))),
  );
  return element(
    "details",
    { class: "why" },
    element("summary", { text: "Why this answer" }),
    element("p", { text: `Score ${number(answer.score)} by the ranking “${response.ranking}”. The margin is by how much the reader prefers this answer to none in the same passage; the rank and the scores after it tell how the passage was found.` }),
    element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "What the score is made of" }, table),
  );
}

// How long it took, stage by stage, and the rule by which there is an answer or none.
function how(response) {
  const { total = 0, ...stages } = response.timings;
  const seconds = (some) => `${some.toFixed(some < 0.1 ? 3 : 2)} s`;
  const known = Object.entries(stages);
  const split = element("div", { class: "split", "aria-hidden": "true" }, ...known.map(() => element("i")));
  known.forEach(([, some], at) => split.children[at].style.setProperty("--share", String(Math.max(some, total / 200) || 1)));
  const parts = known.map(([name, some]) => `${STAGES[name] || name} ${seconds(some)}`);
  const made = element(
    "details",
    { class: "timing" },
    element("summary", { text: `Took ${seconds(response.seconds ?? total)}` }),
    split,
    element("p", { class: "soft", text: `On the server ${seconds(total)}: ${parts.join(" · ")}.` }),
  );
  const rule = response.abstention;
  if (rule && rule.rule === "margin")
    made.append(element("p", { class: "soft", text: `The best answer beats “none” of its passage by ${rule.value === null ? "nothing" : rule.value.toFixed(2)}; an answer is given above ${rule.limit.toFixed(2)}.` }));
  else if (rule)
    made.append(element("p", { class: "soft", text: `The probability that there is no answer is ${percent(rule.value ?? 1)}; none is given above ${percent(rule.limit)}.` }));
  return made;
}

export const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
