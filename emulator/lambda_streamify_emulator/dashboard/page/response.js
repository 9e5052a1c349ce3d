// Sends what the dashboard sends, and shows each chunk of the response as soon as it arrives.

import { draw, formatDuration, Histogram, makeChunk, pluralize, sizeOf } from "./timeline.js";

const CHUNK_LIMIT = 1000; // chunks in the list
const $ = (id) => document.getElementById(id);
let reading = null; // the AbortController of the response that is read

$("stop").addEventListener("click", () => reading?.abort());

// Posts the form to a path of the dashboard, and reads the response to its end, or until another one is asked for.
export async function readResponse(path, form) {
  reading?.abort();
  const own = (reading = new AbortController());
  $("stop").disabled = false;
  await read(path, form, own.signal);
  if (reading === own) $("stop").disabled = true;
}

async function read(path, form, signal) {
  const view = new View();
  try {
    const response = await fetch(path, {
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
    this.histogram = new Histogram();
    this.seen = { marks: [], slot: 1, first_byte: null, largest_gap: null, chunks: 0, bytes: 0, ending: null };
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

  // Adds events of a recording: arrays of time, code and data.
  add(events) {
    const list = $("chunks");
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
    const fresh = document.createDocumentFragment();
    for (const [time, code, data] of events) {
      this.seen.first_byte ??= code === "h" || code === "o" || code === "b" ? time : null;
      if (code === "h") this.showHead(data);
      if (code === "o" || code === "b") this.addChunk(fresh, time, code, data);
      if (code === "e") this.failed = `${data.type}: ${data.message}`;
      if (code === "x") this.seen.ending = this.failed ? "error" : data.reason;
    }
    list.append(fresh);
    while (list.children.length > CHUNK_LIMIT) list.firstChild.remove();
    if (follows) list.scrollTop = list.scrollHeight;
    const elapsed = events.at(-1)?.[0] ?? 0;
    this.draw(elapsed);
    const counts = `${pluralize(this.seen.chunks, "chunk")}, ${pluralize(this.seen.bytes, "byte")}`;
    const times = `first byte ${formatDuration(this.seen.first_byte)}, ${formatDuration(elapsed)} in total`;
    const gap = this.seen.largest_gap === null ? "" : `, largest gap ${formatDuration(this.seen.largest_gap)}`;
    const prefix = this.status ? `HTTP ${this.status}: ` : "";
    if (this.seen.ending === null) this.say(`${prefix}${counts} so far`, "running");
    else if (this.failed) this.say(`${this.failed} (${counts}, ${times})`, "bad");
    else this.say(`${prefix}${counts}, ${times}${gap}`, this.status >= 400 ? "bad" : "good");
  }

  addChunk(list, time, code, data) {
    const size = sizeOf(code, data);
    if (this.latest !== null) this.seen.largest_gap = Math.max(this.seen.largest_gap ?? 0, time - this.latest);
    this.latest = time;
    this.seen.chunks += 1;
    this.seen.bytes += size;
    this.histogram.add(time, size);
    list.append(makeChunk(time, code, data));
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
    Object.assign(this.seen, { marks: this.histogram.list(), slot: this.histogram.slot });
    draw($("response-timeline"), this.seen, elapsed);
  }

  // Ends the reading, and shows `text` if the stream has not ended.
  finish(text) {
    if (this.seen.ending === null) this.say(text, "bad");
  }
}
