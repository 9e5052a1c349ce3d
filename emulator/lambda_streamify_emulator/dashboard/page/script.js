// What functions say and send is put into the page as text (textContent), never as markup.

import { setUpForm } from "./form.js";
import { draw, inWords } from "./timeline.js";

const KEPT = 100; // invocations
const LINES = 300; // of a function's log
const still = matchMedia("(prefers-reduced-motion: reduce)");
const $ = (id) => document.getElementById(id);

const rows = new Map(); // by the number of the invocation
const logs = new Map(); // lines, by function

function cell(row, name, kind = "td") {
  const made = row.appendChild(document.createElement(kind));
  if (kind === "th") made.scope = "row";
  if (name) made.dataset.name = name;
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
    cell(row, "", "th").textContent = one.name;
    cell(row).append(one.url ? link(one.url) : "–");
    for (const text of [one.invoke_mode ?? "–", one.auth_type ?? "–", one.runtime, `${one.timeout} s`, `${one.memory} MB`]) {
      cell(row).textContent = text;
    }
  }
  $("apis").hidden = apis.length === 0;
  $("apis").replaceChildren("REST APIs: ", ...apis.flatMap(({ name, url }) => [` ${name} `, link(url)]));
  const names = functions.map((one) => one.name);
  const chosen = $("log-function").value;
  $("log-function").replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

// --- invocations ------------------------------------------------------------------------------------------------------

function makeRow(number) {
  const row = document.createElement("tr");
  const named = cell(row, "", "th");
  const cells = { began: cell(row), status: cell(row, "status"), drawn: cell(row) };
  cells.function = named.appendChild(document.createElement("div"));
  cells.id = named.appendChild(document.createElement("code"));
  for (const [key, name] of [["first", "first byte"], ["duration", "duration"], ["chunks", "chunks"], ["bytes", "bytes"]]) {
    cells[key] = cell(row, name);
    cells[key].className = "number";
  }
  cells.result = cell(row);
  cells.began.className = "number";
  cells.drawn.className = "drawn";
  cells.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  cells.svg.setAttribute("class", "timeline");
  cells.svg.setAttribute("role", "img");
  cells.drawn.append(cells.svg);
  $("list").tBodies[0].prepend(row);
  rows.set(number, { row, cells });
}

function showInvocation(seen) {
  if (!rows.has(seen.number)) makeRow(seen.number);
  const entry = rows.get(seen.number);
  const { cells } = entry;
  Object.assign(entry, { seen, since: performance.now() });
  cells.function.textContent = seen.function;
  cells.id.textContent = seen.request_id;
  cells.began.textContent = new Date(seen.began * 1000).toLocaleTimeString([], { hourCycle: "h23" });
  cells.status.textContent = seen.status ?? "–";
  cells.first.textContent = inWords(seen.first_byte);
  cells.chunks.textContent = seen.chunks.toLocaleString("en");
  cells.bytes.textContent = seen.bytes.toLocaleString("en");
  const [text, kind] = result(seen);
  cells.result.textContent = text;
  cells.result.className = `result ${kind}`;
  showTime(entry);
}

function result(seen) {
  const left = seen.left ? "; the client left" : "";
  if (seen.reason === null) return [`running${left}`, "running"];
  if (seen.error) return [`${seen.error.type}: ${seen.error.message}${left}`, "bad"];
  return [`complete${left}`, "good"];
}

function showTime({ seen, since, cells }) {
  const elapsed = seen.elapsed + (seen.reason === null ? (performance.now() - since) * 1000 : 0);
  cells.duration.textContent = inWords(elapsed);
  draw(cells.svg, seen, elapsed);
}

function keepTime() {
  for (const entry of rows.values()) if (entry.seen.reason === null) showTime(entry);
  setTimeout(keepTime, still.matches ? 2000 : 250);
}

// --- logs -------------------------------------------------------------------------------------------------------------

function showLog() {
  const log = $("log");
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
  log.textContent = (logs.get($("log-function").value) ?? []).join("\n") || "Nothing has been printed yet.";
  if (follows) log.scrollTop = log.scrollHeight;
}

// --- changes ----------------------------------------------------------------------------------------------------------

function show(changes) {
  if (changes.is_all) {
    rows.clear();
    logs.clear();
    $("list").tBodies[0].replaceChildren();
    showLog();
  }
  changes.invocations.forEach(showInvocation);
  for (const [number, { row }] of rows) {
    if (rows.size <= KEPT) break;
    row.remove();
    rows.delete(number);
  }
  for (const [name, lines] of Object.entries(changes.logs)) {
    logs.set(name, [...(logs.get(name) ?? []), ...lines].slice(-LINES));
  }
  if (changes.logs[$("log-function").value]) showLog();
  if (rows.size) $("list-note").textContent = "The last hundred, newest first.";
}

async function start() {
  const form = setUpForm();
  const load = async () => {
    const { functions, apis } = await (await fetch("/dashboard/functions")).json();
    showFunctions(functions, apis);
    form.setFunctions(functions);
    showLog();
  };
  await load();
  $("log-function").addEventListener("change", showLog);
  keepTime();
  let run = null;
  const take = async (changes) => {
    if (run !== null && run !== changes.run) await load(); // another emulator
    run = changes.run;
    show(changes);
  };
  let taken = Promise.resolve(); // one after the other, in their order
  const source = new EventSource("/dashboard/changes");
  source.onopen = () => ($("state").textContent = `Lambda API at ${location.origin}, live`);
  source.onerror = () => ($("state").textContent = "The emulator does not answer; trying again …");
  source.onmessage = ({ data }) => (taken = taken.then(() => take(JSON.parse(data))).catch(console.error));
}

start();
