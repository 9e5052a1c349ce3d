// The page: what it shows comes as server-sent events. Responses and logs of functions are inserted into the page as
// text (textContent), never as markup.

import { setUpForm } from "./form.js";
import { clearList, refreshOpenRows, setUpList, showRows } from "./list.js";
import { addLines, clearLogs, setLogFunctions, setUpLogs } from "./logs.js";
import { pluralize } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const sandboxes = new Map(); // those that run several invocations at a time, by function
const states = new Map(); // what is done before a function can run, by function

function add(parent, name, text = "", kind = "") {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function link(url) {
  const made = document.createElement("a");
  made.href = made.textContent = url;
  made.rel = "noreferrer";
  return made;
}

function showFunctions(functions, apis) {
  const body = $("functions").tBodies[0];
  body.replaceChildren();
  for (const one of functions) {
    const row = body.insertRow();
    const name = add(row, "th", `${one.name} `);
    name.scope = "row";
    add(name, "small").dataset.stateOf = one.name;
    row.insertCell().append(one.url ? link(one.url) : "–");
    for (const text of [one.invoke_mode ?? "–", one.auth_type ?? "–", one.runtime, `${one.timeout} s`, `${one.memory} MB`]) {
      row.insertCell().textContent = text;
    }
  }
  showStates();
  $("apis").hidden = apis.length === 0;
  $("apis").replaceChildren("APIs: ", ...apis.flatMap(({ name, url }) => [` ${name} `, link(url)]));
  setLogFunctions(functions.map((one) => one.name));
}

function showStates() {
  for (const place of document.querySelectorAll("[data-state-of]")) {
    const name = place.dataset.stateOf;
    place.textContent = states.get(name) || (sandboxes.get(name) ?? []).map(describeSandbox).join("; ");
  }
}

function describeSandbox({ running, max_concurrency, memory, processes }) {
  const count = processes === 1 ? "1 process" : `${processes} processes`;
  const used = memory === null ? "" : `, ${Math.ceil(memory / 2 ** 20)} MB in ${count}`;
  return `${running} of ${max_concurrency} at a time${used}`;
}

function showProblems(findings) {
  $("problems").hidden = findings.length === 0;
  const count = (severity) => findings.filter((one) => one.severity === severity).length;
  const counts = ["error", "warning"].map((severity) => [count(severity), severity]).filter(([number]) => number);
  $("problems-count").textContent = counts.map(([number, severity]) => pluralize(number, severity)).join(" and ");
  $("problems-list").replaceChildren();
  for (const { severity, file, line, resources, problem, rule, fix } of findings) {
    const item = add($("problems-list"), "li");
    add(item, "span", severity, severity === "error" ? "bad" : "careful");
    add(item, "code", `${file.split("/").at(-1)}:${line}`).title = `${file}:${line}`;
    add(item, "span", `${resources.join(", ")}: ${problem} [${rule}]`, "problem");
    add(item, "pre", fix);
  }
}

async function start() {
  const form = setUpForm();
  const load = async () => {
    const { functions, apis } = await (await fetch("/dashboard/functions")).json();
    showFunctions(functions, apis);
    form.setFunctions(functions);
  };
  await load();
  setUpLogs();
  setUpList();
  let run = null;
  const take = async (changes) => {
    if (run !== null && run !== changes.run) await load(); // another emulator now serves this port
    run = changes.run;
    if (changes.is_all) {
      clearList();
      clearLogs();
      showProblems([]);
      states.clear();
      sandboxes.clear();
    }
    showRows(changes.rows);
    addLines(changes.lines);
    refreshOpenRows(new Set(changes.lines.map(([, name]) => name)));
    for (const [name, state] of Object.entries(changes.states)) states.set(name, state);
    for (const [name, shown] of Object.entries(changes.sandboxes)) sandboxes.set(name, shown);
    showStates();
    if (changes.problems) showProblems(changes.problems);
  };
  let taken = Promise.resolve(); // messages are processed one after another, in order
  const source = new EventSource("/dashboard/changes");
  source.onopen = () => ($("state").textContent = `Lambda API at ${location.origin}, live`);
  source.onerror = () => ($("state").textContent = "The emulator does not answer; trying again …");
  source.onmessage = ({ data }) => (taken = taken.then(() => take(JSON.parse(data))).catch(console.error));
}

start();
