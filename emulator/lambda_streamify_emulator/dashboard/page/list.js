// The list of requests and invocations, newest first, with the chunks of each over time.

import { Details } from "./details.js";
import { draw, formatDuration, formatSeconds } from "./timeline.js";

const ROW_LIMIT = 100; // as in activity.py
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const $ = (id) => document.getElementById(id);
const rows = new Map(); // by number
let scale = 1; // the microseconds that the whole width of a bar stands for

export function setUpList() {
  $("same-scale").addEventListener("change", showScale);
  updateDurations();
}

export function clearList() {
  rows.clear();
  $("list").tBodies[0].replaceChildren();
}

export function showRows(changed) {
  changed.forEach(showRow);
  for (const [number, { row, more }] of rows) {
    if (rows.size <= ROW_LIMIT) break;
    row.remove();
    more?.remove();
    rows.delete(number);
  }
  if (rows.size) $("list-note").textContent = "The latest 100, newest first.";
  if (changed.length) showScale();
}

// Loads open rows of these functions anew: their logs may have got lines after the end of the response.
export function refreshOpenRows(functions) {
  for (const { seen, details } of rows.values()) if (functions.has(seen.function)) details?.refresh(seen);
}

// --- one row ----------------------------------------------------------------------------------------------------------

function cell(row, name, kind = "td") {
  const made = row.appendChild(document.createElement(kind));
  if (kind === "th") made.scope = "row";
  if (name) made.dataset.name = name;
  return made;
}

function makeRow(number) {
  const row = document.createElement("tr");
  const named = cell(row, "", "th");
  const cells = { began: cell(row), status: cell(row, "status"), drawn: cell(row) };
  cells.button = named.appendChild(document.createElement("button"));
  cells.button.type = "button";
  cells.button.className = "row-button";
  cells.button.setAttribute("aria-expanded", "false");
  cells.request = cells.button.appendChild(document.createElement("span"));
  cells.request.className = "target";
  cells.function = named.appendChild(document.createElement("div"));
  cells.function.className = "function";
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
  const bar = cells.drawn.appendChild(document.createElement("div"));
  bar.className = "bar";
  bar.append(cells.svg);
  const entry = { row, cells, more: null, details: null };
  cells.button.addEventListener("click", () => toggle(entry));
  $("list").tBodies[0].prepend(row);
  rows.set(number, entry);
}

function showRow(seen) {
  if (!rows.has(seen.number)) makeRow(seen.number);
  const entry = rows.get(seen.number);
  const { cells } = entry;
  Object.assign(entry, { seen, since: performance.now() });
  cells.request.textContent = seen.method ? `${seen.method} ${seen.target}` : "Invoke";
  cells.button.title = cells.request.textContent;
  cells.function.textContent = seen.function ?? seen.api ?? "";
  cells.began.textContent = new Date(seen.began * 1000).toLocaleTimeString([], { hourCycle: "h23" });
  cells.status.textContent = seen.status ?? "–";
  cells.status.className = statusKind(seen.status);
  cells.first.textContent = formatDuration(seen.first_byte);
  cells.chunks.textContent = seen.chunks.toLocaleString("en");
  cells.bytes.textContent = seen.bytes.toLocaleString("en");
  const [text, kind] = result(seen);
  cells.result.textContent = text;
  cells.result.className = `result ${kind}`;
  showTime(entry);
  entry.details?.refresh(seen);
}

function statusKind(status) {
  return `status ${status >= 500 ? "bad" : status >= 400 ? "careful" : status ? "good" : ""}`;
}

function result(seen) {
  const left = seen.left ? "; the client disconnected" : "";
  if (seen.ending === null) return [`running${left}`, "running"];
  if (seen.error) return [`${seen.error.type}: ${seen.error.message}${left}`, "bad"];
  if (seen.reason) return [seen.reason, seen.status >= 400 || seen.reason.includes("refused") ? "careful" : "good"];
  if (seen.status >= 500) return [`complete, but the client got ${seen.status}; the log says why`, "bad"];
  return [`complete${left}`, "good"];
}

function toggle(entry) {
  const { row, cells, seen } = entry;
  const opens = entry.details === null;
  cells.button.setAttribute("aria-expanded", String(opens));
  row.classList.toggle("open", opens);
  if (!opens) {
    entry.more.remove();
    Object.assign(entry, { more: null, details: null });
    return;
  }
  entry.details = new Details(seen, `${cells.request.textContent}, details`);
  entry.more = document.createElement("tr");
  entry.more.className = "more-row";
  const whole = cell(entry.more);
  whole.colSpan = row.cells.length;
  whole.append(entry.details.element);
  row.after(entry.more);
  entry.details.load();
}

// --- time -------------------------------------------------------------------------------------------------------------

function elapsedOf({ seen, since }) {
  return seen.elapsed + (seen.ending === null ? (performance.now() - since) * 1000 : 0);
}

function showTime(entry) {
  const elapsed = elapsedOf(entry);
  entry.cells.duration.textContent = formatDuration(elapsed);
  draw(entry.cells.svg, entry.seen, elapsed);
}

// Gives all bars the same scale: 1, 2 or 5 times a power of ten, so that the bars do not shrink all the time.
function showScale() {
  const isSame = $("same-scale").checked;
  const longest = Math.max(1000, ...[...rows.values()].map(elapsedOf));
  const power = 10 ** Math.floor(Math.log10(longest));
  scale = power * [1, 2, 5, 10].find((factor) => factor * power >= longest);
  const ends = isSame ? [0, scale / 2, scale].map(formatSeconds) : ["begin", "", "end"];
  [...$("scale").children].forEach((mark, number) => (mark.textContent = ends[number]));
  for (const entry of rows.values()) {
    entry.cells.svg.style.width = isSame ? `${(100 * elapsedOf(entry)) / scale}%` : "100%";
  }
}

function updateDurations() {
  const running = [...rows.values()].filter(({ seen }) => seen.ending === null);
  running.forEach(showTime);
  if (running.length) showScale();
  setTimeout(updateDurations, reducedMotion.matches ? 2000 : 250);
}
