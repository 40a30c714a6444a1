// A part of a document → elements: what it is, and its text with a place marked, of which more can be shown.

import { Stretch, element, flow, united } from "./text.js";

export const AROUND = 20; // Passages that are shown at first on each side of a place; twice as many more at a time.
const MOST = 1000; // Passages that are shown at once.

export const titleOf = ({ id, title, source }) => title || source || id;

// `get(first, limit)` gives another part; `tell` says what a screen reader shall.
export function documentPage(found, place, get, tell) {
  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const facts = Object.entries({ source: found.source, ...found.metadata })
    .filter(([, value]) => value !== "" && value !== null)
    .map(([name, value]) =>
      element("div", {}, element("dt", { text: name }), element("dd", { dir: "auto", text: shown(value) })),
    );
  const title = element("h2", { dir: "auto", text: titleOf(found) });
  return [title, element("dl", {}, ...facts), ...pages(found, place, get, tell)];
}

// The text of some passages with a place marked, and buttons that show more of the document, above and below.
function pages(found, place, get, tell) {
  const holder = element("div", { class: "text" });
  let [low, high] = [found.first, found.first + found.passages.length];
  const draw = ({ passages, text, start }) => {
    const stretch = new Stretch(text, start, united(passages));
    const marked = place.start < place.end && stretch.holds(place);
    holder.replaceChildren(flow(stretch, marked ? [stretch.unit(place.start), stretch.unit(place.end)] : null));
    above.hidden = low === 0;
    below.hidden = high >= found.total;
  };
  const more = async (button, from, to) => {
    button.disabled = true;
    try {
      const [part, rest] = [await get(from, to - from), document.documentElement.scrollHeight - scrollY];
      [low, high] = [part.first, part.first + part.passages.length];
      draw(part);
      // What was in sight stays there.
      if (button === above) scrollTo(0, document.documentElement.scrollHeight - rest);
    } catch (error) {
      tell(`${error.title || error.message} ${error.detail || ""}`);
    } finally {
      button.disabled = false;
    }
  };
  const above = element("button", { type: "button", text: "Show what is before" });
  const below = element("button", { type: "button", text: "Show more" });
  above.addEventListener("click", () =>
    more(above, Math.max(0, low - 2 * AROUND), Math.min(high, Math.max(0, low - 2 * AROUND) + MOST)),
  );
  below.addEventListener("click", () => more(below, Math.max(low, high + 2 * AROUND - MOST), high + 2 * AROUND));
  draw(found);
  return [above, holder, below];
}
