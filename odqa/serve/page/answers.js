// What the server found → elements: answers in their places, or that there is none, and the nearest passages.

import { how, why } from "./evidence.js";
import { marking, verdicts } from "./feedback.js";
import { Stretch, element, flow, quotation } from "./text.js";
import { capital, confidence, counted, unsure } from "./words.js";

const LEAST_SHARE = 0.1; // Of the first answer's confidence: what others must have to be listed beside it.
const LISTED = 3; // Of the other documents that say the same.
const EXCERPT = 320; // Characters of a nearest passage that are shown before it is unfolded.
let numbers = 0; // So that every answer's elements have ids of their own.

// `context` is the `question`, the `least` confidence that was asked for, and what the page can do: passage(id),
// nearest(), link(document, passage, start, end, text), leave(link), and say(verdict, place) where the server takes
// feedback. The last element is the foot.
export async function results(response, context) {
  const made = element("div");
  if (response.answers.length) {
    const least = context.least === null ? LEAST_SHARE * response.answers[0].confidence : 0;
    const [likely, others] = [true, false].map((is) =>
      response.answers.filter((one) => one.confidence >= least === is),
    );
    made.append(
      element("h2", { text: counted(likely.length, "answer") }),
      await listed(likely, response, context, true),
    );
    if (others.length)
      made.append(await folded(`${counted(others.length, "answer")} more, far less likely`, others, response, context));
    if (context.say)
      made.append(
        element("div", { class: "actions" }, ...verdicts(context, [["None of these is right", "missing", () => null]])),
      );
  } else {
    made.append(...(await nothing(response, context)));
  }
  made.append(element("div", { class: "foot" }, how(response)));
  return made;
}

async function listed(answers, response, context, first = false) {
  const found = await Promise.all(answers.map((answer) => around(answer, context)));
  return element(
    "ol",
    {},
    ...answers.map((answer, at) => answerItem({ answer, ...found[at] }, response, context, first && at === 0)),
  );
}

async function folded(summary, answers, response, context) {
  return element(
    "details",
    { class: "why" },
    element("summary", { text: summary }),
    await listed(answers, response, context),
  );
}

async function nothing(response, context) {
  const withheld = response.withheld || [];
  const hits = response.reason ? [] : closest(withheld, await context.nearest());
  const passages = (await Promise.all(hits.map((hit) => loaded(hit.passage_id, context)))).map((found, at) => ({
    found,
    hit: hits[at],
  }));
  const card = element(
    "div",
    { class: "card none" },
    element("h2", { text: "No answer found" }),
    element("p", { text: response.reason ? `${capital(response.reason)}.` : unsure(response, context.least) }),
  );
  if (!response.reason)
    card.append(
      element("p", {
        class: "soft",
        text: "Other words may help, or more passages to read; or it stands in one of the passages below.",
      }),
    );
  if (context.say) {
    const first = passages[0];
    const here = () =>
      first &&
      first.found && {
        document: first.hit.document.id,
        start: first.found.passage.start,
        end: first.found.passage.start,
        text: "",
      };
    card.append(
      element(
        "div",
        { class: "actions" },
        ...verdicts(context, [
          ["Right, there is none", "right", here],
          ["There is one, it is missing", "missing", () => null],
        ]),
      ),
    );
  }
  const parts = [card];
  if (passages.length) {
    parts.push(element("h2", { text: "The nearest passages" }));
    parts.push(element("ol", {}, ...passages.map(({ found, hit }) => hitItem(found, hit, context))));
  }
  if (withheld.length) parts.push(await folded("What would have been the answer, if any", withheld, response, context));
  return parts;
}

// As many passages as were found: those in which the reader came nearest to an answer, then the nearest to the question.
function closest(withheld, hits) {
  const read = withheld.map((answer) => ({ ...answer, text: answer.passage, at: answer.start }));
  const each = new Map();
  for (const hit of [...read, ...hits]) if (!each.has(hit.passage_id)) each.set(hit.passage_id, hit);
  return [...each.values()].slice(0, hits.length);
}

// The passage of an answer with its neighbours, and where in it the answer is marked. Where that has changed since the
// answer was given, it is the passage as it was read, alone.
async function around(answer, context) {
  let found = await loaded(answer.passage_id, context);
  if (!found || !found.passage.says(answer)) {
    const first = [...answer.passage.slice(0, Math.max(0, answer.passage.indexOf(answer.text)))].length;
    const passage = new Stretch(answer.passage, answer.start - first);
    found = { passage, before: null, after: null, number: found?.number ?? 0 };
  }
  return { found, mark: [found.passage.unit(answer.start), found.passage.unit(answer.end)] };
}

// A passage and what of its neighbours is not in it already, each as a stretch of the document; null where it is gone.
async function loaded(id, context) {
  try {
    const { passage, number, before, after } = await context.passage(id);
    const own = new Stretch(passage.text, passage.start, passage.blocks);
    const end = own.start + own.length;
    return {
      passage: own,
      number,
      headings: passage.headings || [],
      before: part(before, 0, own.start),
      after: part(after, end, Infinity),
    };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

function part(passage, low, high) {
  if (!passage) return null;
  const whole = new Stretch(passage.text, passage.start, passage.blocks);
  const [first, last] = [
    whole.unit(Math.max(low, whole.start)),
    whole.unit(Math.min(high, whole.start + whole.length)),
  ];
  return first < last ? { stretch: whole, first, last } : null;
}

function answerItem({ answer, found, mark }, response, context, first) {
  const id = `answer-${++numbers}`;
  const { words, look, percent: share } = confidence(answer.confidence);
  const bar = element("span", { class: `bar ${look}`, "aria-hidden": "true" }, element("i"));
  bar.firstChild.style.setProperty("--share", `${100 * answer.confidence}%`);
  const place = { document: answer.document.id, start: answer.start, end: answer.end, text: answer.text };
  const unfolded = folding(found, mark, place.document, context, id);
  const feedback = context.say
    ? verdicts(
        context,
        [
          ["Right", "right", () => place],
          ["Wrong", "wrong", () => place],
        ],
        id,
      )
    : [];
  return element(
    "li",
    { class: first ? "answer first" : "answer" },
    element("h3", { id, dir: "auto", text: answer.text }),
    element(
      "p",
      { class: "sure" },
      bar,
      element("span", { text: words }),
      element("span", { class: "soft", text: share }),
    ),
    element("blockquote", { class: "text" }, quotation(found.passage, mark)),
    where(answer),
    element(
      "div",
      { class: "actions" },
      unfolded.button,
      ...links(answer, found.number, context),
      element("span", { class: "gap" }),
      ...feedback,
    ),
    unfolded.region,
    why(answer, response),
  );
}

function hitItem(found, hit, context) {
  const id = `answer-${++numbers}`;
  const stretch = found ? found.passage : new Stretch(hit.text, 0);
  const block = (found && at(stretch, hit.at)) || nearest(stretch, context.question);
  const high = Math.min(block.end, block.start + EXCERPT);
  const unfolded = found && folding(found, null, hit.document.id, context, id);
  const excerpt = element("blockquote", { class: "text" }, flow(stretch, null, block.start, high));
  if (high < block.end) excerpt.append(element("p", { class: "soft", text: "…" }));
  const start = stretch.offset(block.start);
  const place = found && { document: hit.document, start, end: start, text: "" };
  return element(
    "li",
    { class: "answer" },
    element("h3", { id, dir: "auto", text: hit.document.title || hit.document.source || hit.document.id }),
    excerpt,
    where(
      { document: hit.document, headings: found ? found.headings : [], page: null, mentions: 1, copies: hit.copies },
      false,
    ),
    element(
      "div",
      { class: "actions" },
      unfolded && unfolded.button,
      ...(place ? links(place, found.number, context) : []),
    ),
    unfolded && unfolded.region,
  );
}

// The block that holds a character of the document, if any does.
function at(stretch, offset) {
  const unit = offset === undefined ? -1 : stretch.unit(offset);
  return stretch.blocks.find((block) => block.start <= unit && unit < block.end);
}

// The block that shares most words with the question.
function nearest(stretch, question) {
  const words = (text) =>
    new Set((text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) || []).map((word) => word.slice(0, 5)));
  const wanted = words(question);
  const scored = stretch.blocks.map((block) => [
    [...words(stretch.text.slice(block.start, block.end))].filter((word) => wanted.has(word)).length,
    block,
  ]);
  const best = scored.reduce(
    (one, other) => (other[0] > one[0] ? other : one),
    [-1, { start: 0, end: stretch.text.length }],
  );
  return best[1];
}

// Where it stands; without the title of the document, where that is shown already.
function where({ document: origin, headings, page, mentions, copies }, titled = true) {
  const { title, source, id } = origin;
  const path = headings[0] === title ? headings.slice(1) : headings;
  const others = [...new Set((copies || []).map((copy) => copy.document.source || copy.document.title))].filter(
    (name) => name && name !== source,
  );
  const elsewhere =
    others.slice(0, LISTED).join(", ") + (others.length > LISTED ? ` and ${others.length - LISTED} more` : "");
  const parts = [path.join(" › "), page === null ? "" : `page ${page}`, source === title ? "" : source];
  if (mentions > 1) parts.push(`said in ${mentions} places`);
  if (others.length) parts.push(`also in ${elsewhere}`);
  const named = titled ? element("b", { text: title || source || id }) : null;
  return element(
    "p",
    { class: "where" },
    named,
    titled && parts.some(Boolean) ? " · " : "",
    parts.filter(Boolean).join(" · "),
  );
}

function links({ document: origin, start, end, text, page }, number, context) {
  const href = context.link(origin.id, number, start, end, text);
  const inside = element("a", { href, text: "Open the document there" });
  inside.addEventListener("click", () => context.leave(inside));
  const outside = web(origin.source, text, page);
  return [
    inside,
    outside && element("a", { href: outside, target: "_blank", rel: "noopener noreferrer", text: "Open the source" }),
  ].filter(Boolean);
}

// The address of what a web page or a PDF on the web says there; null for any other source.
export function web(source, text, page) {
  if (!/^https?:\/\//i.test(source || "") || !URL.canParse(source)) return null;
  const address = new URL(source);
  const encode = (some) => encodeURIComponent(some).replace(/-/g, "%2D");
  const words = (text || "").split(/\s+/).filter(Boolean);
  const ends = words.length > 8 ? [words.slice(0, 4), words.slice(-4)] : [words];
  if (page) address.hash = `page=${page}`;
  else if (words.length) address.hash = `:~:text=${ends.map((some) => encode(some.join(" "))).join(",")}`;
  return address.href;
}

// A button and the passage that it unfolds, with what stands before and after it.
function folding(found, mark, origin, context, id) {
  const region = element("div", {
    class: "unfolded",
    id: `${id}-passage`,
    role: "group",
    "aria-label": "The passage",
    hidden: true,
  });
  const button = element("button", {
    type: "button",
    "aria-expanded": "false",
    "aria-controls": region.id,
    "aria-describedby": id,
    text: "Show the passage",
  });
  button.addEventListener("click", () => {
    if (!region.firstChild) region.append(...unfold(found, mark, origin, context));
    region.hidden = !region.hidden;
    button.setAttribute("aria-expanded", String(!region.hidden));
    button.textContent = region.hidden ? "Show the passage" : "Hide the passage";
    if (!region.hidden) region.querySelector("mark")?.scrollIntoView({ block: "nearest" });
  });
  return { region, button };
}

function unfold({ passage, before, after }, mark, origin, context) {
  const beside = (some, words) =>
    some &&
    element(
      "div",
      { class: "text beside", role: "group", "aria-label": words },
      flow(some.stretch, null, some.first, some.last),
    );
  const text = element("div", {});
  text.append(
    ...[
      beside(before, "Before it"),
      element("div", { class: "text" }, flow(passage, mark)),
      beside(after, "After it"),
    ].filter(Boolean),
  );
  if (!context.say) return [text];
  const all = [passage, before && before.stretch, after && after.stretch].filter(Boolean);
  return [text, marking(text, all, origin, context)];
}
