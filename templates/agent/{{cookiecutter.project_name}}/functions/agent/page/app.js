// The page: takes questions, follows their runs, and says aloud what happens.

import { add, begin, isRunning, load, messagesFor, save, textOf } from "./conversation.js";
import { follow, isNetworkError, Refused, signIn, stop } from "./runs.js";
import { TurnView } from "./view.js";

const byId = (id) => document.getElementById(id);
const prompt = byId("prompt");
const turns = load();
let running = null;  // the turn that is being answered
let isStopping = false;

// --- what a person does ---------------------------------------------------------------------------------------------

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (prompt.value.trim() === "") return;
  if (running) return say("Wait for the answer, or stop it.");
  ask(prompt.value.trim());
  prompt.value = "";
  fit();
});

prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("ask").requestSubmit();
});

prompt.addEventListener("input", fit);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running && !byId("sign-in").open) stopRun();
});

byId("stop").addEventListener("click", stopRun);

byId("new").addEventListener("click", () => {
  turns.length = 0;
  save(turns);
  byId("turns").replaceChildren();
  showControls();
  say("A new conversation.");
  prompt.focus();
});

for (const suggestion of document.querySelectorAll(".suggestion")) {
  suggestion.addEventListener("click", () => {
    prompt.focus();
    ask(suggestion.textContent);
  });
}

// --- runs -----------------------------------------------------------------------------------------------------------

function ask(text) {
  const turn = begin({ prompt: text, run: null });
  turns.push(turn);
  const view = draw(turn);
  answer(turn, view, null);
  view.element.scrollIntoView({ block: "end" });
}

function draw(turn) {
  const view = new TurnView(turn, () => {
    if (running) return;
    prompt.focus();
    turn.run = null;  // a run that has failed stays failed
    answer(begin(turn), view, null);
  });
  byId("turns").append(view.element);
  view.update();
  return view;
}

async function answer(turn, view, run) {
  running = turn;
  isStopping = false;
  keep();
  say("The agent is thinking.");
  try {
    for await (const event of follow(messagesFor(turns, turn), run)) {
      add(turn, event);
      show(view);
      if (event.type === "run") {
        save(turns);  // from here on, a page that is loaded again finds the run
        if (isStopping) stopRun();
      }
      if (event.type === "tool") say(`Uses the tool ${event.data.name}.`);
      if (event.type === "reconnecting") say("The connection is lost. Reconnecting.");
    }
  } catch (error) {
    fail(turn, error);
  }
  running = null;
  show(view);
  keep();
  say([textOf(turn), view.note.textContent].filter(Boolean).join(" "));
}

function fail(turn, error) {
  if (error.status === 401) askForToken(error.message);
  const known = error instanceof Refused;
  if (!known && !isNetworkError(error)) console.error(error);
  const message = known ? error.message : "The function cannot be reached.";
  add(turn, { type: "error", data: { message }, retry: error.status === 400 ? null : 0 });
}

async function stopRun() {
  isStopping = true;
  if (document.activeElement === byId("stop")) prompt.focus();
  byId("stop").disabled = true;
  if (!running?.run) return;  // as soon as the run has begun
  say("Stopping.");
  try {
    await stop(running.run);
  } catch (error) {
    byId("stop").disabled = false;
    say(`The run cannot be stopped: ${error.message}`);
  }
}

function askForToken(reason) {
  const dialog = byId("sign-in");
  byId("sign-in-reason").textContent = reason;
  dialog.showModal();
}

byId("sign-in-cancel").addEventListener("click", () => byId("sign-in").close());
byId("sign-in").querySelector("form").addEventListener("submit", () => {
  signIn(byId("token").value);
  byId("token").value = "";
  document.querySelector(".turn:last-child .again")?.click();
});

// --- what the page shows --------------------------------------------------------------------------------------------

function show(view) {
  const page = document.scrollingElement;
  const wasAtEnd = page.scrollHeight - page.scrollTop - page.clientHeight < 80;
  view.update();
  if (wasAtEnd) page.scrollTop = page.scrollHeight;  // who has scrolled up, reads there
}

function showControls() {
  const hadFocus = document.activeElement;
  byId("welcome").hidden = turns.length > 0;
  byId("new").hidden = turns.length === 0 || running !== null;
  byId("send").hidden = running !== null;
  byId("stop").hidden = running === null;
  byId("stop").disabled = isStopping;
  if (hadFocus?.closest("[hidden]")) prompt.focus();  // a button that is gone has no focus
}

function keep() {
  save(turns);
  showControls();
}

// Read out by screen readers: whole answers, since single words as they come cannot be followed.
function say(text) {
  byId("status").textContent = text;
}

function fit() {
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
}

for (const turn of turns) {
  const view = draw(turn);
  if (!isRunning(turn)) continue;
  if (turn.run) answer(begin(turn), view, turn.run);
  else fail(turn, new TypeError("the page was left before the run began"));
  view.update();
}
showControls();
