"""An agent with two tools, and the page to talk to it. The page holds the conversation; the function keeps runs only.

    GET /                    the page
    POST /runs               {"messages": [{"role": "user", "content": "..."}]}: starts a run and streams its events
    GET /runs/ID/events      the events again, after the one that Last-Event-ID names: for a page that was cut off
    DELETE /runs/ID          stops the run on the server

The events are server-sent: first `run` with the run's id, then those of agent.py. The last one is `done` or `error`.
"""

import json
import os

import auth
import pages
import runs
from agent import run
from models import ModelError

from lambda_streamify import Request, StreamingResponse, deadline, keepalive, observe, resumable, resume, sse
from lambda_streamify.errors import BadRequest

# Lambda sets one of these, the second with SnapStart. `streamify serve` sets none without --with-credentials.
ON_AWS = any(name in os.environ for name in ("AWS_ACCESS_KEY_ID", "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
if ON_AWS:
    from models import bedrock as model
else:
    from models import scripted as model

MAX_MESSAGES = 100
MAX_CHARACTERS = 50_000  # of all messages together

STOPPED = sse.Event({"stopReason": "stopped"}, event="done")
TIME_IS_UP = sse.Event({"stopReason": "deadline"}, event="done")
LOST = sse.Event({"error": "RunLost", "message": "The answer was cut off."}, event="error", retry=0)

store = runs.store(ON_AWS)
observe.log_streams()


class Refusal(Exception):
    """A request that gets a status and a text instead of what it asks for."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def lambda_handler(event, context):
    try:
        return respond(Request(event), event, context)
    except Refusal as refusal:
        return as_json({"message": str(refusal)}, refusal.status)
    except BadRequest as error:
        return as_json({"message": str(error)}, 400)
    except auth.Unauthorized as error:
        return as_json({"message": str(error)}, 401, {"www-authenticate": error.www_authenticate})
    except auth.IssuerUnavailable as error:
        print(f"IssuerUnavailable: {error}")
        return as_json({"message": "Who calls cannot be checked now. Try again."}, 503, {"retry-after": "5"})


def respond(request, event, context):
    if request.path in pages.FILES and request.method in ("GET", "HEAD"):
        return pages.response(request.path)
    caller = auth.caller(event)
    match (request.method, *request.path.strip("/").split("/")):
        case ("POST", "runs"):
            return start(conversation(request.json()), caller, context)
        case ("GET", "runs", run_id, "events"):
            return follow(run_id, caller)
        case ("DELETE", "runs", run_id):
            return as_json({"stopped": resume.stop(store, runs.key_of(run_id, caller))})
    raise Refusal(404, "there is no such page; there are GET /, POST /runs, GET /runs/ID/events and DELETE /runs/ID")


def start(messages, caller, context):
    run_id = runs.new_id()
    generation = observe.generation()
    # A wait for the model cannot be interrupted, so the margin is longer than the longest wait.
    time = deadline(context, margin=model.MAX_SILENCE + 10)

    def events():
        yield sse.Event({"id": run_id}, event="run")
        yield from run(model, messages, generation)

    body = resumable(
        lambda: sse.events(time.limit(events(), last=TIME_IS_UP), on_error=tell),
        store,
        key=runs.key_of(run_id, caller),
        after="",
        stopped=STOPPED,
    )
    return stream(body)


def follow(run_id, caller):
    key = runs.key_of(run_id, caller)
    if len(run_id) != runs.ID_LENGTH or store.find(key) is None:
        raise Refusal(404, "there is no such run, or it is no longer kept")
    return stream(resumable(None, store, key=key, lost=LOST))


def stream(body):
    return StreamingResponse(keepalive(body, every=15), headers={"cache-control": "no-cache"})


def tell(error):
    """Returns the last event of a run that has failed. Details are only logged: they may name resources."""
    if isinstance(error, ModelError):
        return sse.Event({"error": error.code, "message": error.message}, event="error", retry=error.retry)
    return sse.Event({"error": "AgentError", "message": "The agent has failed."}, event="error")


def conversation(asked):
    """Returns the request's messages in Bedrock's format; raises Refusal with a text for the client."""
    messages = asked.get("messages") if isinstance(asked, dict) else None
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, 'the body must be {"messages": [{"role": "user", "content": "..."}]}')
    if len(messages) > MAX_MESSAGES:
        raise Refusal(400, f"there are {len(messages)} messages; at most {MAX_MESSAGES} are allowed")
    for number, message in enumerate(messages):
        role = ("user", "assistant")[number % 2]
        if not isinstance(message, dict) or message.get("role") != role or not is_text(message.get("content")):
            raise Refusal(400, f"messages[{number}] must have the role {role}, and a text as its content")
    if messages[-1]["role"] != "user":
        raise Refusal(400, "the last message must have the role user")
    characters = sum(len(message["content"]) for message in messages)
    if characters > MAX_CHARACTERS:
        raise Refusal(400, f"the messages have {characters} characters; at most {MAX_CHARACTERS} are allowed")
    return [{"role": message["role"], "content": [{"text": message["content"]}]} for message in messages]


def is_text(value):
    return isinstance(value, str) and value.strip() != ""


def as_json(value, status=200, headers=None):
    headers = {"content-type": "application/json", "cache-control": "no-store", **(headers or {})}
    return {"statusCode": status, "headers": headers, "body": json.dumps(value)}
