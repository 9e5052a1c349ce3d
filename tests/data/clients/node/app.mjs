// The functions that run under AWS's client for Node.js. `case` in the event names what they do.

import net from "node:net";

export const handler = async (event, context) => {
  switch (event.case) {
    case "value":
      return event.value;
    case "said":
      return { requestId: context.awsRequestId, custom: context.clientContext?.Custom ?? context.clientContext?.custom };
    case "raises":
      throw new TypeError(event.message);
    case "exits":
      process.exit(event.status);
  }
};

export const stream = awslambda.streamifyResponse(async (event, responseStream, _context) => {
  const asked = event.rawPath ? { case: event.rawPath.slice(1), ...event.queryStringParameters } : event;
  if (asked.case === "http" || asked.case === "http-fails-first") {
    const prelude = { statusCode: 201, headers: { "content-type": "text/plain", "x-kind": "brief" }, cookies: ["a=1"] };
    responseStream = awslambda.HttpResponseStream.from(responseStream, prelude);
  }
  if (asked.case?.endsWith("fails-first")) throw new RangeError("no first chunk");
  if (asked.gate) {
    const [host, port] = asked.gate.split(":");
    const gate = net.connect(Number(port), host);
    for (let number = 0; number < 3; number++) {
      responseStream.write(`chunk ${number}\n`);
      const opened = new Promise((resolve) => gate.once("data", resolve));
      gate.write("?");
      await opened;
    }
    gate.destroy();
  } else {
    responseStream.write("so far\n");
  }
  if (asked.case === "fails") throw new RangeError("no more chunks");
  if (asked.case === "hangs") await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (asked.case === "exits") {
    // The chunk has to be on its way.
    await new Promise((resolve) => setImmediate(resolve));
    process.exit(3);
  }
  responseStream.end();
});
