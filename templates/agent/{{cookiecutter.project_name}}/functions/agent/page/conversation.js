// The conversation: a list of turns, each a question and what became of it. The page holds it, in this tab.
//
// A turn: { prompt, parts, state, run, usage, stopReason, error, retry }
//   parts  [{ text }] and [{ id, name, input, output, isError }], in their order
//   state  running, reconnecting, done or failed

const KEPT = "agent-turns";

export function load() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

export const save = (turns) => sessionStorage.setItem(KEPT, JSON.stringify(turns));

export function begin(turn) {
  Object.assign(turn, { parts: [], state: "running", usage: null, stopReason: null, error: null, retry: null });
  return turn;
}

export const isRunning = (turn) => turn.state === "running" || turn.state === "reconnecting";

export const textOf = (turn) => turn.parts.map((part) => part.text ?? "").join("\n\n").trim();

// What the model is asked: the turns that have an answer, and the one that gets one now. Tools are not repeated.
export function messagesFor(turns, current) {
  const before = turns.slice(0, turns.indexOf(current)).filter((turn) => textOf(turn) && turn.state === "done");
  const messages = before.flatMap((turn) => [
    { role: "user", content: turn.prompt },
    { role: "assistant", content: textOf(turn) },
  ]);
  return [...messages, { role: "user", content: current.prompt }];
}

// Adds one event of the run to its turn.
export function add(turn, { type, data, retry }) {
  if (type === "run") turn.run = data.id;
  else if (type === "text") addText(turn.parts, data.text);
  else if (type === "tool") turn.parts.push({ ...data });
  else if (type === "result") Object.assign(turn.parts.find((part) => part.id === data.id) ?? {}, data);
  else if (type === "done") Object.assign(turn, { state: "done", ...data });
  else if (type === "error") Object.assign(turn, { state: "failed", error: data.message, retry });
  else if (type === "reconnecting") turn.state = "reconnecting";
  else if (type === "reconnected") turn.state = "running";
}

function addText(parts, text) {
  const last = parts.at(-1);
  if (last && "text" in last) last.text += text;
  else parts.push({ text });
}
