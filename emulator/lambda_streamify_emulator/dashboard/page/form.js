// The form: sends a request to a function's URL, or an event to a function.

import { readResponse } from "./response.js";

const $ = (id) => document.getElementById(id);
const kind = () => document.querySelector("input[name=kind]:checked").value;

export function setUpForm() {
  let functions = [];

  const adapt = () => {
    const chosen = functions.find((one) => one.name === $("function").value);
    const [request, event] = document.querySelectorAll("input[name=kind]");
    request.disabled = !chosen?.url;
    if (request.disabled) event.checked = true;
    $("request").hidden = kind() !== "request";
    $("event-part").hidden = kind() !== "event";
  };
  $("form").addEventListener("change", adapt);
  $("form").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const fields = kind() === "event" ? ["event"] : ["method", "path", "headers", "body"];
    const form = { kind: kind(), ...Object.fromEntries(fields.map((name) => [name, $(name).value])) };
    readResponse(`/dashboard/functions/${encodeURIComponent($("function").value)}/send`, form);
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
