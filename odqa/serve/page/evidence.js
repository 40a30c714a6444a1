// A response → elements that tell what the score of an answer is made of, and how long everything took.

import { element } from "./text.js";
import { percent } from "./words.js";

const STAGES = { encode: "encoding the question", search: "searching", read: "reading", rank: "ranking" };

// What the score of an answer is made of, place by place.
export function why(answer, response) {
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
    element(
      "tbody",
      {},
      ...rows.map((row) =>
        element("tr", {}, ...row.map((cell, at) => element("td", { class: at ? "n" : "", text: cell }))),
      ),
    ),
  );
  return element(
    "details",
    { class: "why" },
    element("summary", { text: "Why this answer" }),
    element("p", {
      text:
        `Score ${number(answer.score)} by the ranking “${response.ranking}”. The margin is by how much the reader ` +
        "prefers this answer to none in the same passage; the rank and the scores after it tell how that was found.",
    }),
    element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "What the score is made of" }, table),
  );
}

// How long it took, stage by stage, and the rule by which there is an answer or none.
export function how(response) {
  const { total = 0, ...stages } = response.timings;
  const seconds = (some) => `${some.toFixed(some < 0.1 ? 3 : 2)} s`;
  const known = Object.entries(stages);
  const split = element("div", { class: "split", "aria-hidden": "true" }, ...known.map(() => element("i")));
  known.forEach(([, some], at) =>
    split.children[at].style.setProperty("--share", String(Math.max(some, total / 200) || 1)),
  );
  const parts = known.map(([name, some]) => `${STAGES[name] || name} ${seconds(some)}`);
  const made = element(
    "details",
    { class: "timing" },
    element("summary", { text: `Took ${seconds(response.seconds ?? total)}` }),
    split,
    element("p", { class: "soft", text: `On the server ${seconds(total)}: ${parts.join(" · ")}.` }),
  );
  if (response.abstention) made.append(element("p", { class: "soft", text: rule(response.abstention) }));
  return made;
}

function rule({ rule: name, value, limit }) {
  if (name === "margin") {
    const margin = value === null ? "nothing" : value.toFixed(2);
    return `The best answer beats “none” of its passage by ${margin}; one is given above ${limit.toFixed(2)}.`;
  }
  return `The probability that there is no answer is ${percent(value ?? 1)}; none is given above ${percent(limit)}.`;
}
