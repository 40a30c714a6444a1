// What somebody says of answers → buttons and a field to say it with, and whether it was kept.

import { element, located, selected } from "./text.js";

// The right answer, selected in the passage or typed as it stands there.
export function marking(text, all, origin, context) {
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
  return element(
    "div",
    { class: "marking" },
    element("label", {}, "The right answer, as it stands in the passage", input),
    button,
    remark,
  );
}

// A button for each choice of [text, verdict, what gives the place]; `id` is of what they are about.
export function verdicts(context, choices, id) {
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
