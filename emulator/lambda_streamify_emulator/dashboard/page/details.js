// An open row: the request, the head of the response, the chunks with their times, and the log of the invocation.

import { readResponse } from "./response.js";
import { formatDuration, makeChunk, pluralize } from "./timeline.js";

const WAIT_SHOWN_US = 10_000; // the times of the chunks count from the invocation, those of the row from the request
const REFRESH_INTERVAL_MS = 1000; // while the row changes

export class Details {
  constructor(seen, label) {
    this.path = `/dashboard/rows/${seen.number}`;
    this.seen = seen;
    this.element = document.createElement("div");
    this.element.className = "details";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
    const buttons = this.add(this.element, "div", "buttons");
    this.again = this.add(buttons, "button", "", "Send again");
    this.again.type = "button";
    this.again.disabled = true;
    this.again.addEventListener("click", () => this.sendAgain());
    this.save = this.add(buttons, "a", "button", "Save recording");
    this.save.setAttribute("download", "");
    this.remark = this.add(this.element, "p", "remark");
    this.facts = this.add(this.element, "p", "facts");
    const parts = this.add(this.element, "div", "parts");
    this.request = this.part(parts, "Request", "pre");
    this.response = this.part(parts, "Status and headers", "pre");
    this.chunks = this.part(parts, "Chunks", "ol");
    this.chunks.className = "chunks";
    this.error = this.part(parts, "Error report", "pre");
    this.log = this.part(parts, "Log", "pre");
    this.log.parentElement.classList.add("whole-width");
    this.timer = null;
  }

  add(parent, name, kind, text = "") {
    const made = parent.appendChild(document.createElement(name));
    if (kind) made.className = kind;
    made.textContent = text;
    return made;
  }

  part(parent, title, kind) {
    const part = this.add(parent, "div", "part");
    this.add(part, "h3", "", title);
    const made = this.add(part, kind);
    made.tabIndex = 0;
    made.setAttribute("aria-label", title);
    if (kind === "pre") made.setAttribute("role", "region");
    return made;
  }

  // Loads the newest state soon, once for all changes within an interval.
  refresh(seen) {
    this.seen = seen;
    this.timer ??= setTimeout(async () => {
      await this.load();
      this.timer = null;
    }, REFRESH_INTERVAL_MS);
  }

  async load() {
    try {
      const response = await fetch(this.path);
      if (response.ok) this.show(await response.json());
      else this.remark.textContent = (await response.json()).message;
    } catch {
      this.remark.textContent = "The emulator does not answer.";
    }
  }

  show(found) {
    const { request, head } = found;
    this.again.disabled = !found.is_repeatable;
    if (found.is_savable) this.save.href = `${this.path}/recording`;
    else this.save.removeAttribute("href");
    this.save.setAttribute("aria-disabled", String(!found.is_savable));
    this.remark.textContent = found.is_repeatable ? "" : "The request is too long to be kept, so it cannot be sent again from here.";
    this.facts.textContent = facts(this.seen, request);
    this.fill(this.request, request ? requestText(request) : (found.event ?? ""));
    this.request.previousSibling.textContent = request ? "Request" : "Event";
    this.fill(this.response, head ? headText(head) : "");
    this.chunks.replaceChildren(...found.chunks.map((event) => makeChunk(...event)));
    if (found.dropped_chunks) {
      const more = document.createElement("li");
      more.append("", `${pluralize(found.dropped_chunks, "more chunk")}, not kept: use streamify serve --record`);
      more.className = "more";
      this.chunks.append(more);
    }
    this.chunks.parentElement.hidden = found.chunks.length === 0 && !found.dropped_chunks;
    this.fill(this.error, found.error ? indented(found.error) : "");
    this.fill(this.log, found.log.trimEnd());
  }

  fill(element, text) {
    if (element.textContent !== text) element.textContent = text;
    element.parentElement.hidden = text === "";
  }

  sendAgain() {
    document.getElementById("response-title").scrollIntoView({ block: "nearest" });
    readResponse(`${this.path}/send`, {});
  }
}

function facts({ request_id, api, waited }, request) {
  const parts = [request_id && `Request id ${request_id}`, request && `from ${request.client}`, api && `through ${api}`];
  if (waited >= WAIT_SHOWN_US) parts.push(`the function was invoked after ${formatDuration(waited)}`);
  return parts.filter(Boolean).join(", ");
}

function requestText({ method, target, headers, body, body_size, is_whole }) {
  const lines = [`${method} ${target}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (body === null) lines.push("", `${pluralize(body_size, "byte")} that are not text`);
  else if (body) lines.push("", is_whole ? body : `${body} …\n(${pluralize(body_size, "byte")} in total)`);
  return lines.join("\n");
}

function headText({ status, headers }) {
  return [`HTTP ${status}`, ...headers.map(([name, value]) => `${name}: ${value}`)].join("\n");
}

function indented(report) {
  try {
    const { errorType, errorMessage, requestId, stackTrace, ...more } = JSON.parse(report);
    const rest = Object.keys(more).length ? [JSON.stringify(more, null, 2)] : [];
    return [`${errorType}: ${errorMessage}`, ...(stackTrace ?? []).map((line) => String(line).trimEnd()), ...rest].join("\n");
  } catch {
    return report;
  }
}
