// The log lines of all functions in the order in which they were printed, or those of one function.

const LINE_LIMIT = 300; // per function, as in activity.py
const $ = (id) => document.getElementById(id);
const lines = new Map(); // arrays of number and text, by function

export function setUpLogs() {
  $("log-function").addEventListener("change", showLog);
}

export function clearLogs() {
  lines.clear();
  showLog();
}

export function setLogFunctions(names) {
  const chosen = $("log-function").value;
  const options = names.map((name) => new Option(name, name, false, name === chosen));
  $("log-function").replaceChildren(new Option("All functions", ""), ...options);
  showLog();
}

// Adds lines as activity.py sends them: arrays of number, function and text.
export function addLines(added) {
  for (const [number, name, text] of added) {
    if (!lines.has(name)) lines.set(name, []);
    lines.get(name).push([number, text]);
  }
  for (const [name, own] of lines) if (own.length > LINE_LIMIT) lines.set(name, own.slice(-LINE_LIMIT));
  if (added.length) showLog();
}

function showLog() {
  const log = $("log");
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
  const chosen = $("log-function").value;
  const shown = chosen
    ? (lines.get(chosen) ?? []).map(([, text]) => text)
    : [...lines]
        .flatMap(([name, own]) => own.map(([number, text]) => [number, `${name} | ${text}`]))
        .sort(([a], [b]) => a - b)
        .map(([, text]) => text);
  log.textContent = shown.join("\n") || "Nothing has been printed yet.";
  if (follows) log.scrollTop = log.scrollHeight;
}
