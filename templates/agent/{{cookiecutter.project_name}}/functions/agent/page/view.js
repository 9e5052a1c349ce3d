// Draws turns. All that comes from a person, a model or a tool is inserted as text.

import { isRunning } from "./conversation.js";

const REASONS = {
  stopped: "Stopped.",
  deadline: "Cut short: the function's time was up.",
  max_tokens: "Cut short: the answer reached its greatest length.",
  max_turns: "Stopped: too many calls of tools.",
};

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// The element of a turn. `retry` is called when a person wants a failed turn to be tried again.
export class TurnView {
  constructor(turn, retry) {
    this.turn = turn;
    this.parts = element("div", { className: "parts" });
    this.note = element("p", { className: "note" });
    this.again = element("button", { type: "button", className: "again", textContent: "Try again", hidden: true });
    this.again.addEventListener("click", retry);
    this.answer = element("div", { className: "answer" }, this.parts, this.note, this.again);
    this.element = element(
      "li",
      { className: "turn" },
      element("h2", { className: "prompt" }, element("span", { className: "unseen", textContent: "You: " }), turn.prompt),
      this.answer,
    );
  }

  // Shows what has changed.
  update() {
    const { turn } = this;
    while (this.parts.children.length > turn.parts.length) this.parts.lastChild.remove();
    turn.parts.forEach((part, number) => {
      if (!this.parts.children[number]) this.parts.append("text" in part ? textElement() : toolElement(part));
      const shown = this.parts.children[number];
      if ("text" in part) showText(shown, part);
      else showTool(shown, part, isRunning(turn));
    });
    this.answer.setAttribute("aria-busy", isRunning(turn));
    this.element.dataset.state = turn.state;
    this.note.textContent = noteOf(turn);
    this.showRetry();
  }

  showRetry() {
    const offered = this.turn.state === "failed" && this.turn.retry !== null;
    if (offered && this.again.hidden) {
      this.again.disabled = true;  // the server has said when another try makes sense
      setTimeout(() => (this.again.disabled = false), this.turn.retry);
    }
    this.again.hidden = !offered;
  }
}

function noteOf(turn) {
  if (turn.state === "reconnecting") return "The connection is lost. Reconnecting …";
  if (turn.state === "failed") return turn.error;
  if (turn.state === "running") return turn.parts.length === 0 ? "Thinking …" : "";
  const tokens = turn.usage?.outputTokens;
  return [REASONS[turn.stopReason], tokens && `${tokens} tokens`].filter(Boolean).join(" ");
}

const textElement = () => element("p", { className: "text" }, document.createTextNode(""));

function showText(shown, { text }) {
  const node = shown.firstChild;  // appended to, so that a selection in it stays
  if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}

function toolElement(part) {
  const summary = element(
    "summary",
    {},
    element("span", { className: "tool-name", textContent: part.name }),
    element("span", { className: "tool-input", textContent: brief(part.input) }),
    element("span", { className: "tool-state" }),
  );
  const facts = element("dl", {}, ...pair("Input", part.input));
  return element("details", { className: "tool" }, summary, facts);
}

function showTool(shown, part, running) {
  const ended = "output" in part;
  const state = ended ? (part.isError ? "failed" : "done") : running ? "running" : "stopped";
  if (shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.querySelector(".tool-state").textContent = ended ? brief(part.output) : state;
  if (ended) shown.querySelector("dl").append(...pair(part.isError ? "Error" : "Result", part.output));
}

const pair = (name, value) => [
  element("dt", { textContent: name }),
  element("dd", {}, element("pre", { textContent: JSON.stringify(value, null, 2) })),
];

// One value alone, or each with its name.
function brief(object) {
  const entries = Object.entries(object ?? {}).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  return entries.length === 1 ? entries[0][1] : entries.map((entry) => entry.join(" ")).join(", ");
}
