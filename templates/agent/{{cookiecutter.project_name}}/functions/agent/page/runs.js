// The runs of the function: start one, follow it over connections that break, stop it.

import { eventsOf } from "./stream.js";

const LONGEST_WAIT = 5000;  // milliseconds between two tries to reconnect
const TOKEN = "agent-token";

// The function has refused a request: `status` and its text.
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const signIn = (token) => sessionStorage.setItem(TOKEN, token);

async function request(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Refused(response.status, told.message ?? `The function answered with status ${response.status}.`);
}

async function start(messages) {
  const body = new TextEncoder().encode(JSON.stringify({ messages }));
  const headers = { "content-type": "application/json" };
  // CloudFront with an origin access control wants the body's hash (CloudFront Developer Guide, "Restrict access to an
  // AWS Lambda function URL origin"). Browsers calculate it on https pages, and on localhost.
  if (crypto.subtle) headers["x-amz-content-sha256"] = hex(await crypto.subtle.digest("SHA-256", body));
  return request("runs", { method: "POST", headers, body });
}

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function stop(id) {
  await request(`runs/${id}`, { method: "DELETE" });
}

// Yields each event of a run once, and ends after `done` or `error`. With an id it follows that run, which goes on.
// When a connection breaks it yields `reconnecting`, and asks for the events after the last one that came.
export async function* follow(messages, id) {
  let last = null;
  let response = id ? await reconnect(id, last) : await start(messages);
  for (;;) {
    try {
      for await (const event of eventsOf(response)) {
        last = event.id ?? last;
        if (event.type === "run") id = event.data.id;
        yield event;
        if (event.type === "done" || event.type === "error") return;
      }
    } catch (error) {
      if (!isNetworkError(error)) throw error;
    }
    if (!id) throw new TypeError("the connection broke before the run began");
    yield { type: "reconnecting" };
    response = await reconnect(id, last);
    yield { type: "reconnected" };
    if (response.status === 204) throw new Refused(204, "The answer has ended, and its end is lost.");
  }
}

async function reconnect(id, last) {
  for (let wait = 250; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      return await request(`runs/${id}/events`, { headers: last ? { "last-event-id": last } : {} });
    } catch (error) {
      if (!isNetworkError(error) && !(error.status >= 500)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

// fetch and its streams report every failure of the network as a TypeError.
export const isNetworkError = (error) => error instanceof TypeError;
