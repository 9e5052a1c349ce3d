// The chunks of a stream over time, as a picture, and times in words. Times are microseconds.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 26;
const LEAST = 8; // the height of the smallest chunk

export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

export function inWords(microseconds) {
  if (microseconds === null) return "–";
  return microseconds < 10_000 ? `${(microseconds / 1000).toFixed(2)} ms` : `${(microseconds / 1e6).toFixed(3)} s`;
}

// Chunks by slots of time, in little memory: as marks.py does it.
export class Marks {
  constructor() {
    this.slot = 1;
    this.counts = new Map();
  }

  add(time, size) {
    while (time / this.slot >= 512) {
      this.slot *= 2;
      const halves = this.counts;
      this.counts = new Map();
      for (const [number, held] of halves) this.#put(Math.floor(number / 2), ...held);
    }
    this.#put(Math.floor(time / this.slot), 1, size);
  }

  list() {
    return [...this.counts].map(([number, [chunks, size]]) => [number, chunks, size]);
  }

  #put(number, chunks, size) {
    const [before, held] = this.counts.get(number) ?? [0, 0];
    this.counts.set(number, [before + chunks, held + size]);
  }
}

// `seen` is as activity.py tells of an invocation; it has taken `elapsed` so far.
export function draw(svg, seen, elapsed) {
  const total = Math.max(1, elapsed);
  const x = (time) => Math.min(WIDTH, (time * WIDTH) / total);
  const at = seen.marks.map(([number]) => number * seen.slot);
  const parts = [rectangle("track", 0, WIDTH)];
  parts.push(rectangle("wait", 0, x(seen.first_byte ?? total)));
  let [from, to] = [0, 0];
  for (let i = 1; i < at.length; i++) if (at[i] - at[i - 1] > to - from) [from, to] = [at[i - 1], at[i]];
  if (to > from) parts.push(rectangle("gap", x(from), x(to) - x(from)));
  const largest = Math.max(1, ...seen.marks.map(([, , size]) => size));
  const stems = seen.marks.map(([, , size], i) => {
    const height = LEAST + ((HEIGHT - LEAST) * size) / largest;
    return `M${Math.min(WIDTH - 1, Math.max(1, x(at[i]))).toFixed(1)} ${HEIGHT}v${-height.toFixed(1)}`;
  });
  parts.push(element("path", { class: "chunks-path", d: stems.join("") }));
  if (seen.reason !== null) {
    const kind = seen.reason === "end" ? "end" : "end bad";
    parts.push(element("path", { class: kind, d: `M${WIDTH - 1} 0V${HEIGHT}` }));
  }
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-label", described(seen, elapsed));
  svg.replaceChildren(...parts);
}

function described(seen, elapsed) {
  const gap = seen.largest_gap === null ? "" : `, largest gap ${inWords(seen.largest_gap)}`;
  const end = seen.reason === null ? "still running after" : "over after";
  return `${counted(seen.chunks, "chunk")}, first byte ${inWords(seen.first_byte)}${gap}, ${end} ${inWords(elapsed)}`;
}

function rectangle(kind, x, width) {
  return element("rect", { class: kind, x, y: 0, width, height: HEIGHT });
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
