// Draws the chunks of a stream over time, and formats durations. Times are in microseconds.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 26;
const MIN_MARK_HEIGHT = 8;

export function pluralize(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

export function formatDuration(microseconds) {
  if (microseconds === null) return "–";
  return microseconds < 10_000 ? `${(microseconds / 1000).toFixed(2)} ms` : `${(microseconds / 1e6).toFixed(3)} s`;
}

// A mark of a scale: "0", "500 ms", "2 s", "10 min".
export function formatSeconds(microseconds) {
  const seconds = microseconds / 1e6;
  if (seconds === 0) return "0";
  if (seconds < 1) return `${+(seconds * 1000).toPrecision(3)} ms`;
  return seconds < 600 ? `${+seconds.toPrecision(4)} s` : `${+(seconds / 60).toPrecision(3)} min`;
}

// The size in bytes of a chunk, an event of a recording.
export function sizeOf(code, data) {
  return code === "b" ? atob(data).length : new TextEncoder().encode(data).length;
}

// A chunk as an item of a list: its time, and its text if it is text.
export function makeChunk(time, code, data) {
  const item = document.createElement("li");
  const text = code === "b" ? pluralize(sizeOf(code, data), "byte") : data.replace(/\n+$/, "");
  item.appendChild(document.createElement("span")).textContent = `${(time / 1e6).toFixed(3)} s`;
  item.appendChild(document.createElement("span")).textContent = text;
  return item;
}

// Counts chunks by time slot in bounded memory, as the class Histogram in histogram.py does.
export class Histogram {
  constructor() {
    this.slot = 1;
    this.counts = new Map();
  }

  add(time, size) {
    while (time / this.slot >= 512) {
      this.slot *= 2;
      const halves = this.counts;
      this.counts = new Map();
      for (const [number, counts] of halves) this.#put(Math.floor(number / 2), ...counts);
    }
    this.#put(Math.floor(time / this.slot), 1, size);
  }

  list() {
    return [...this.counts].map(([number, [chunks, size]]) => [number, chunks, size]);
  }

  #put(number, chunks, size) {
    const [otherChunks, otherSize] = this.counts.get(number) ?? [0, 0];
    this.counts.set(number, [otherChunks + chunks, otherSize + size]);
  }
}

// `seen` is a row as activity/row.py describes it, `elapsed` its duration so far.
export function draw(svg, seen, elapsed) {
  const total = Math.max(1, elapsed);
  const x = (time) => Math.min(WIDTH, (time * WIDTH) / total);
  const at = seen.marks.map(([number]) => number * seen.slot + (seen.waited ?? 0));
  const parts = [rectangle("track", 0, WIDTH)];
  parts.push(rectangle("wait", 0, x(seen.first_byte ?? total)));
  let [from, to] = [0, 0];
  for (let i = 1; i < at.length; i++) if (at[i] - at[i - 1] > to - from) [from, to] = [at[i - 1], at[i]];
  if (to > from) parts.push(rectangle("gap", x(from), x(to) - x(from)));
  const largest = Math.max(1, ...seen.marks.map(([, , size]) => size));
  const stems = seen.marks.map(([, , size], i) => {
    const height = MIN_MARK_HEIGHT + ((HEIGHT - MIN_MARK_HEIGHT) * size) / largest;
    return `M${Math.min(WIDTH - 1, Math.max(1, x(at[i]))).toFixed(1)} ${HEIGHT}v${-height.toFixed(1)}`;
  });
  parts.push(element("path", { class: "chunks-path", d: stems.join("") }));
  if (seen.ending !== null) {
    const kind = seen.ending === "end" ? "end" : "end bad";
    parts.push(element("path", { class: kind, d: `M${WIDTH - 1} 0V${HEIGHT}` }));
  }
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-label", describe(seen, elapsed));
  svg.replaceChildren(...parts);
}

function describe(seen, elapsed) {
  const gap = seen.largest_gap === null ? "" : `, largest gap ${formatDuration(seen.largest_gap)}`;
  const end = seen.ending === null ? "still running after" : "ended after";
  return `${pluralize(seen.chunks, "chunk")}, first byte ${formatDuration(seen.first_byte)}${gap}, ${end} ${formatDuration(elapsed)}`;
}

function rectangle(kind, x, width) {
  return element("rect", { class: kind, x, y: 0, width, height: HEIGHT });
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
