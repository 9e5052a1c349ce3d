// The form: sends a request or an event, and shows each chunk of the response when it comes.

import { counted, draw, inWords, Marks } from "./timeline.js";

const SHOWN = 1000; // chunks
const $ = (id) => document.getElementById(id);
const kind = () => document.querySelector("input[name=kind]:checked").value;

export function setUpForm() {
  let functions = [];
  let reading = null;

  const adapt = () => {
    const chosen = functions.find((one) => one.name === $("function").value);
    const [request, event] = document.querySelectorAll("input[name=kind]");
    request.disabled = !chosen?.url;
    if (request.disabled) event.checked = true;
    $("request").hidden = kind() !== "request";
    $("event-part").hidden = kind() !== "event";
  };
  $("form").addEventListener("change", adapt);
  $("stop").addEventListener("click", () => reading?.abort());
  $("form").addEventListener("submit", async (submitted) => {
    submitted.preventDefault();
    reading?.abort();
    reading = new AbortController();
    const own = reading;
    $("stop").disabled = false;
    await send(own.signal);
    if (reading === own) $("stop").disabled = true;
  });

  return {
    setFunctions(those) {
      functions = those;
      const chosen = $("function").value;
      $("function").replaceChildren(...those.map(({ name }) => new Option(name, name, false, name === chosen)));
      adapt();
    },
  };
}

async function send(signal) {
  const view = new View();
  const fields = kind() === "event" ? ["event"] : ["method", "path", "headers", "body"];
  const form = { kind: kind(), ...Object.fromEntries(fields.map((name) => [name, $(name).value])) };
  try {
    const response = await fetch(`/dashboard/functions/${encodeURIComponent($("function").value)}/send`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(form),
      signal,
    });
    if (!response.ok) {
      view.say((await response.json()).message, "bad");
      return;
    }
    let rest = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      view.add(lines.map((line) => JSON.parse(line)));
    }
    view.finish("The emulator has stopped before the end.");
  } catch (error) {
    view.finish(signal.aborted ? "Not read to its end." : `The emulator does not answer: ${error.message}`);
  }
}

class View {
  constructor() {
    this.marks = new Marks();
    this.seen = { marks: [], slot: 1, first_byte: null, largest_gap: null, chunks: 0, bytes: 0, reason: null };
    this.latest = null;
    this.failed = "";
    $("chunks").replaceChildren();
    $("response-head").hidden = true;
    this.say("Waiting for the first byte …", "running");
    this.draw(1);
  }

  say(text, state) {
    $("outcome").textContent = text;
    $("outcome").className = state;
  }

  // Events of a recording: time, code, data.
  add(events) {
    const list = $("chunks");
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
    const fresh = document.createDocumentFragment();
    for (const [time, code, data] of events) {
      this.seen.first_byte ??= code === "h" || code === "o" || code === "b" ? time : null;
      if (code === "h") this.showHead(data);
      if (code === "o" || code === "b") this.addChunk(fresh, time, code, data);
      if (code === "e") this.failed = `${data.type}: ${data.message}`;
      if (code === "x") this.seen.reason = this.failed ? "error" : data.reason;
    }
    list.append(fresh);
    while (list.children.length > SHOWN) list.firstChild.remove();
    if (follows) list.scrollTop = list.scrollHeight;
    const elapsed = events.at(-1)?.[0] ?? 0;
    this.draw(elapsed);
    const counts = `${counted(this.seen.chunks, "chunk")}, ${counted(this.seen.bytes, "byte")}`;
    const times = `first byte ${inWords(this.seen.first_byte)}, ${inWords(elapsed)} in all`;
    const gap = this.seen.largest_gap === null ? "" : `, largest gap ${inWords(this.seen.largest_gap)}`;
    const prefix = this.status ? `HTTP ${this.status}: ` : "";
    if (this.seen.reason === null) this.say(`${prefix}${counts} so far`, "running");
    else if (this.failed) this.say(`${this.failed} (${counts}, ${times})`, "bad");
    else this.say(`${prefix}${counts}, ${times}${gap}`, this.status >= 400 ? "bad" : "good");
  }

  addChunk(list, time, code, data) {
    const size = code === "b" ? atob(data).length : new TextEncoder().encode(data).length;
    if (this.latest !== null) this.seen.largest_gap = Math.max(this.seen.largest_gap ?? 0, time - this.latest);
    this.latest = time;
    this.seen.chunks += 1;
    this.seen.bytes += size;
    this.marks.add(time, size);
    const item = list.appendChild(document.createElement("li"));
    item.appendChild(document.createElement("span")).textContent = `${(time / 1e6).toFixed(3)} s`;
    item.appendChild(document.createElement("span")).textContent = code === "b" ? `${size} bytes` : data.replace(/\n+$/, "");
  }

  showHead({ status_code, headers, cookies }) {
    this.status = status_code;
    const fields = [...Object.entries(headers), ...cookies.map((cookie) => ["set-cookie", cookie])];
    $("response-head").hidden = false;
    $("response-head").querySelector("pre").textContent = [
      `HTTP ${status_code}`,
      ...fields.map(([name, value]) => `${name}: ${value}`),
    ].join("\n");
  }

  draw(elapsed) {
    Object.assign(this.seen, { marks: this.marks.list(), slot: this.marks.slot });
    draw($("response-timeline"), this.seen, elapsed);
  }

  // The reading is over; if the stream is not, that is said.
  finish(text) {
    if (this.seen.reason === null) this.say(text, "bad");
  }
}
