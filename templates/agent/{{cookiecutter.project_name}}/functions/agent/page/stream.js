// Server-sent events from fetch: EventSource can neither POST nor send an Authorization header.
// Format: WHATWG HTML, section 9.2. The function ends its lines with LF.

export async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;  // an event without its blank line was cut, and is sent again
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  const fields = { event: "message", data: [], id: null, retry: null };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") fields.data.push(value);
    else if (name in fields) fields[name] = value;
  }
  if (fields.data.length === 0) return null;  // a comment, which keeps the connection alive
  const retry = fields.retry === null ? null : Number(fields.retry);
  return { type: fields.event, data: JSON.parse(fields.data.join("\n")), id: fields.id, retry };
}
