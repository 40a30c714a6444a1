// Numbers → words.

const WORDS = [
  [0.9, "Very likely right", "high"],
  [0.7, "Likely right", "high"],
  [0.5, "More likely than not", "middle"],
  [0.25, "Possibly right", "middle"],
  [0, "Hardly more than a guess", "low"],
];

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

// Why there is no answer.
export function unsure({ no_answer_probability: probability, withheld = [] }, least) {
  if (least && withheld.length)
    return `There are answers, and none of them has a confidence of at least ${percent(least)}.`;
  const words =
    probability >= 0.9 ? "very likely" : probability >= 0.7 ? "likely" : probability >= 0.5 ? "probably" : "perhaps";
  const share = percent(probability);
  return `What was found ${words} does not answer this: the probability that there is no answer is ${share}.`;
}

export const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
