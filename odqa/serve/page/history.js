// A question and its address → the history, which is in this browser alone.

const HISTORY = "odqa-history";
const REMEMBERED = 50; // Questions.

// The questions with their addresses, the last one first.
export function questions() {
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
}

export function remember(question, hash) {
  store([{ question, hash }, ...questions().filter((one) => one.hash !== hash)].slice(0, REMEMBERED));
}

export const forget = () => store([]);
