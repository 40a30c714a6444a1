// A part of a document → elements: what it is, and its text with a place marked, of which more can be shown.

import { Stretch, element, flow, located, united } from "./text.js";

export const AROUND = 20; // Passages that are shown at first on each side of a place; twice as many more at a time.
const MOST = 1000; // Passages that are shown at once.

export const titleOf = ({ id, title, source }) => title || source || id;

// `get(first, limit)` gives another part.
export function documentPage(found, place, get) {
  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const facts = Object.entries({ source: found.source, ...found.metadata })
    .filter(([, value]) => value !== "" && value !== null)
    .map(([name, value]) =>
      element("div", {}, element("dt", { text: name }), element("dd", { dir: "auto", text: shown(value) })),
    );
  const title = element("h2", { dir: "auto", text: titleOf(found) });
  return [title, element("dl", {}, ...facts), ...pages(found, place, get)];
}

// The text of some passages with a place marked, and buttons that show more of the document, above and below.
function pages(found, place, get) {
  const holder = element("div", { class: "text" });
  let [low, high] = [found.first, found.first + found.passages.length];
  let marked = null; // Where the text of the place was found; it stays there.
  const draw = ({ passages, text, start }) => {
    const stretch = new Stretch(text, start, united(passages));
    marked ??= stretch.says(place) ? place : located(place.text, [stretch]);
    const here = marked && stretch.holds(marked);
    holder.replaceChildren(flow(stretch, here ? [stretch.unit(marked.start), stretch.unit(marked.end)] : null));
    above.button.hidden = low === 0;
    below.button.hidden = high >= found.total;
  };
  const take = (part) => {
    [low, high] = [part.first, part.first + part.passages.length];
    draw(part);
  };
  const above = loading("Show what is before", async () => {
    const from = Math.max(0, low - 2 * AROUND);
    const part = await get(from, Math.min(high - from, MOST));
    const rest = document.documentElement.scrollHeight - scrollY;
    take(part);
    scrollTo(0, document.documentElement.scrollHeight - rest); // What was in sight stays there.
  });
  const below = loading("Show more", async () => {
    const from = Math.max(low, high + 2 * AROUND - MOST);
    take(await get(from, high + 2 * AROUND - from));
  });
  draw(found);
  return [above.button, above.remark, holder, below.button, below.remark];
}

// A button that loads something, and what says that it failed. While it loads, it keeps the focus.
function loading(text, load) {
  const button = element("button", { type: "button", text });
  const remark = element("p", { class: "said failed", role: "status" });
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    remark.textContent = "";
    try {
      await load();
    } catch (error) {
      remark.textContent = `${error.title || error.message}. ${error.detail || ""}`;
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return { button, remark };
}
