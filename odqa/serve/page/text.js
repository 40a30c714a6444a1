// A text of the index → paragraphs, rows of tables and marks as elements; a selection in them → offsets of the
// document. Everything becomes a text node: what a document holds is shown, and never interpreted.

const AROUND = 220; // Characters of a sentence that are shown at most on each side of an answer.
const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/g; // A character of which JavaScript counts two.

export function element(name, { class: names, text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (names) made.className = names;
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith("on")) made.addEventListener(attribute.slice(2), value);
    else if (value === true) made.setAttribute(attribute, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(attribute, value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

// A stretch of a document. The server counts characters from the document's beginning, JavaScript counts UTF-16 units
// from the beginning of the stretch.
export class Stretch {
  constructor(text, start, blocks) {
    this.text = text;
    this.start = start;
    this.astral = [...text.matchAll(ASTRAL)].map((found) => found.index);
    this.length = text.length - this.astral.length; // In characters.
    const known = (blocks || [])
      .map((one) => ({ ...one, start: this.unit(start + one.start), end: this.unit(start + one.end) }))
      .filter((one) => one.start < one.end);
    this.blocks = known.length ? known : blocksOf(text);
  }

  unit(offset) {
    const point = Math.max(0, offset - this.start);
    return Math.min(this.text.length, point + count(this.astral.length, (at) => this.astral[at] - at < point));
  }

  offset(unit) {
    return this.start + unit - count(this.astral.length, (at) => this.astral[at] < unit);
  }

  holds(place) {
    return this.start <= place.start && place.end <= this.start + this.length;
  }

  // Whether the text of a place stands there: it may not, where the document has changed since.
  says(place) {
    return this.holds(place) && this.text.slice(this.unit(place.start), this.unit(place.end)) === place.text;
  }
}

// The blocks of passages that follow one another, from the first one's beginning on: one that goes on in the next
// passage is one. Empty where not all is known.
export function united(passages) {
  const found = [];
  if (!passages.length || passages.some((passage) => !passage.blocks.length)) return found;
  const zero = passages[0].start;
  for (const { start, blocks } of passages)
    for (const block of blocks) {
      const moved = { ...block, start: block.start + start - zero, end: block.end + start - zero };
      const last = found.at(-1);
      if (last && moved.start < last.end) last.end = Math.max(last.end, moved.end);
      else found.push(moved);
    }
  return found;
}

// How many of `length` sorted things are as `is` says: those that are come first.
function count(length, is) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (is(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Paragraphs, headings, items and rows of a text of which nothing else is known.
function blocksOf(text) {
  const found = [];
  let paragraph = null;
  let labels = [];
  const close = () => (paragraph = null);
  for (const line of text.matchAll(/[^\n]+/g)) {
    const [start, end] = trimmed(text, line.index, line.index + line[0].length);
    const content = text.slice(start, end);
    if (text.slice(line.index - 2, line.index) === "\n\n" || start === end) {
      close();
      labels = []; // A table that follows has heads of its own.
    }
    if (start === end) continue;
    if (/\|.*\|/.test(content)) {
      close();
      const last = found.at(-1);
      const rule = /^[\s|:=+-]+$/.test(content);
      if (rule && last && last.kind === "row") labels = cells(text, last).map(([low, high]) => text.slice(low, high));
      else if (!rule)
        found.push({ start, end, kind: "row", labels: last && last.kind === "row" ? labels : (labels = []) });
      continue;
    }
    const sign = /^(#{1,6}\s+)|^([-*•]\s+)/.exec(content);
    if (sign) {
      close();
      found.push({ start: start + sign[0].length, end, kind: sign[1] ? "heading" : "item", labels: [] });
      paragraph = sign[1] ? null : found.at(-1);
    } else if (paragraph) {
      paragraph.end = end;
    } else {
      paragraph = { start, end, kind: "paragraph", labels: [] };
      found.push(paragraph);
    }
  }
  return found;
}

function trimmed(text, low, high) {
  while (low < high && /\s/.test(text[low])) low++;
  while (high > low && /\s/.test(text[high - 1])) high--;
  return [low, high];
}

// The stretches of a row's cells; bars at both ends are a frame, unless the labels say that there are empty cells.
export function cells(text, row) {
  const edges = [];
  let from = row.start;
  for (let at = row.start; at < row.end; at++) {
    if (text[at] !== "|" || text[at - 1] === "\\") continue;
    edges.push([from, at]);
    from = at + 1;
  }
  edges.push([from, row.end]);
  const empty = ([low, high]) => !text.slice(low, high).trim();
  const framed = edges.length > 2 && empty(edges[0]) && empty(edges.at(-1));
  const inner = framed && edges.length !== (row.labels || []).length ? edges.slice(1, -1) : edges;
  return inner.map(([low, high]) => trimmed(text, low, high));
}

const origins = new WeakMap(); // A text node → the stretch that it shows a part of, and where that part begins.

function piece(stretch, low, high) {
  const node = document.createTextNode(stretch.text.slice(low, high));
  origins.set(node, { stretch, low });
  return node;
}

// The text from `low` to `high`, the part of it that is in `mark` in a <mark>.
function inline(stretch, low, high, mark) {
  const nodes = document.createDocumentFragment();
  const [first, last] = mark ? [Math.max(low, mark[0]), Math.min(high, mark[1])] : [high, high];
  if (first >= last) {
    nodes.append(piece(stretch, low, high));
    return nodes;
  }
  if (low < first) nodes.append(piece(stretch, low, first));
  const marked = element("mark");
  marked.append(piece(stretch, first, last));
  nodes.append(marked);
  if (last < high) nodes.append(piece(stretch, last, high));
  return nodes;
}

// The blocks of a stretch between `low` and `high`, as far as they are in it.
export function flow(stretch, mark = null, low = 0, high = stretch.text.length) {
  const nodes = document.createDocumentFragment();
  const inside = stretch.blocks.filter((block) => block.end > low && block.start < high);
  for (let at = 0; at < inside.length; at++) {
    const block = inside[at];
    if (block.kind !== "row") {
      nodes.append(prose(stretch, block, Math.max(low, block.start), Math.min(high, block.end), mark));
      continue;
    }
    const rows = [];
    while (at < inside.length && inside[at].kind === "row") rows.push(inside[at++]);
    at--;
    nodes.append(...tables(stretch, rows, mark));
  }
  return nodes;
}

// Rows that follow one another, as the tables that they are of: where a row has no labels after one that has some, or
// others, the next table begins. A row of fewer or more cells than others has as many labels.
function tables(stretch, rows, mark) {
  const found = [];
  let last = [];
  for (const row of rows) {
    const labels = row.labels || [];
    const goes = !last.length || (labels.length && labels.every((one, at) => at >= last.length || one === last[at]));
    if (goes && found.length) found.at(-1).push(row);
    else found.push([row]);
    last = labels;
  }
  return found.map((some) => table(stretch, some, mark));
}

function prose(stretch, block, low, high, mark) {
  const made = element(block.kind === "code" ? "pre" : "p", {
    class: block.kind,
    dir: block.kind === "code" ? "ltr" : "auto",
  });
  made.append(inline(stretch, low, high, mark));
  return made;
}

function table(stretch, rows, mark) {
  const { text } = stretch;
  const heads = (rows.find((row) => row.labels && row.labels.length) || { labels: [] }).labels;
  const body = element("tbody");
  const made = element("table");
  rows.forEach((row, number) => {
    const parts = cells(text, row);
    const same =
      heads.length &&
      parts.length === heads.length &&
      parts.every(([low, high], at) => text.slice(low, high) === heads[at]);
    const head = number === 0 && same;
    const hit = mark && mark[0] < row.end && row.start < mark[1];
    const line = element("tr", { class: hit && rows.length > 1 ? "hit" : "" });
    for (const [low, high] of parts) {
      const cell = element(head ? "th" : "td", { scope: head ? "col" : null, dir: "auto" });
      cell.append(inline(stretch, low, high, mark));
      line.append(cell);
    }
    if (head) made.append(element("thead", {}, line));
    else body.append(line);
  });
  if (heads.length && !made.firstChild)
    made.append(
      element(
        "thead",
        {},
        element("tr", {}, ...heads.map((head) => element("th", { scope: "col", dir: "auto", text: head }))),
      ),
    );
  made.append(body);
  return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table" }, made);
}

// The sentence that holds the mark, or the row of a table under the heads of its columns.
export function quotation(stretch, mark) {
  const blocks = stretch.blocks.filter((one) => one.start < mark[1] && mark[0] < one.end);
  if (blocks.length && blocks.every((one) => one.kind === "row")) {
    const rows = document.createDocumentFragment();
    rows.append(...tables(stretch, blocks, mark));
    return rows;
  }
  const code = blocks.length === 1 && blocks[0].kind === "code";
  const [low, high] = blocks.length ? [Math.min(mark[0], blocks[0].start), Math.max(mark[1], blocks.at(-1).end)] : mark;
  let [first, last] = mark;
  for (const [start, end] of (code ? lines : sentences)(stretch.text.slice(low, high)))
    if (low + start < mark[1] && mark[0] < low + end)
      [first, last] = [Math.min(first, low + start), Math.max(last, low + end)];
  const [left, right] = [cut(stretch.text, first, mark[0], -1), cut(stretch.text, last, mark[1], 1)];
  const made = element(code ? "pre" : "p", { dir: "auto" });
  if (left > first) made.append("… ");
  made.append(inline(stretch, ...trimmed(stretch.text, left, right), mark));
  if (right < last) made.append(" …");
  return made;
}

function cut(text, edge, mark, step) {
  if (Math.abs(edge - mark) <= AROUND) return edge;
  let at = mark + step * AROUND;
  while (at !== mark && !/\s/.test(text[at])) at -= step;
  return at === mark ? mark + step * AROUND : at;
}

const lines = (text) => [...text.matchAll(/[^\n]+/g)].map((one) => [one.index, one.index + one[0].length]);

// A line may end in the middle of a sentence.
function sentences(text) {
  const line = text.replace(/\s/g, " ");
  if (Intl.Segmenter)
    return [...new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(line)].map((one) => [
      one.index,
      one.index + one.segment.length,
    ]);
  return [...line.matchAll(/[^.!?]+[.!?]*\s*/g)].map((one) => [one.index, one.index + one[0].length]);
}

// What is selected inside an element, as a place of the document: {start, end, text}, or null.
export function selected(holder) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!range.intersectsNode(holder)) return null;
  let found = null;
  const walker = document.createTreeWalker(holder, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const origin = origins.get(node);
    if (!origin || !range.intersectsNode(node)) continue;
    const low = origin.low + (node === range.startContainer ? range.startOffset : 0);
    const high = origin.low + (node === range.endContainer ? range.endOffset : node.length);
    if (low >= high) continue;
    if (found && found.stretch !== origin.stretch) break; // An answer is in one passage.
    found = found ? { ...found, high } : { stretch: origin.stretch, low, high };
  }
  return found && place(found.stretch, ...trimmed(found.stretch.text, found.low, found.high));
}

// The element that shows what is at an offset of the document, or what comes next; null where that is not shown.
export function showing(holder, offset) {
  const walker = document.createTreeWalker(holder, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const origin = origins.get(node);
    if (origin && origin.stretch.unit(offset) < origin.low + node.length) return node.parentElement;
  }
  return null;
}

// Where a text stands in one of the stretches, as a place of the document; null where it does not.
export function located(text, stretches) {
  const wanted = text.trim();
  for (const stretch of stretches) {
    const at = wanted ? stretch.text.indexOf(wanted) : -1;
    if (at >= 0) return place(stretch, at, at + wanted.length);
  }
  return null;
}

function place(stretch, low, high) {
  return low < high
    ? { start: stretch.offset(low), end: stretch.offset(high), text: stretch.text.slice(low, high) }
    : null;
}
