// The same workloads for Node.js, where AWS's own runtime streams.
const { once } = require("node:events");

const respond = (stream) =>
  awslambda.HttpResponseStream.from(stream, { statusCode: 200, headers: { "content-type": "text/plain" } });

async function writeAll(stream, count, makeChunk) {
  for (let i = 0; i < count; i++) if (!stream.write(makeChunk())) await once(stream, "drain");
  stream.end();
}

exports.chunks = awslambda.streamifyResponse(async (event, stream) => {
  const chunk = Buffer.alloc(event.bench.size, "x");
  await writeAll(respond(stream), event.bench.count, () => chunk);
});

exports.stamps = awslambda.streamifyResponse(async (event, stream) => {
  const stamp = () => Buffer.from(`${process.hrtime.bigint().toString().padStart(19, "0")}\n`);
  await writeAll(respond(stream), event.bench.count, stamp);
});
