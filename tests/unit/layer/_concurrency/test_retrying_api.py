import pytest

from invoking import Log
from lambda_streamify._concurrency.retrying_api import RetryingRuntimeApi, surviving
from lambda_streamify._runtime.logs import Logs
from lambda_streamify.errors import ConnectionLost, HandlerError, RequestRefused
from scripted_api import Peer, Script, ScriptedApi, answers, invocation, reply


def hangs_up(peer: Peer) -> None:
    """Read a request, and close the connection."""
    peer.read_request()


class Attempts:
    """A client of an API with one script for each connection, and what it does between its attempts."""

    def __init__(self, api: ScriptedApi) -> None:
        self.delays: list[float] = []
        self.log = Log()
        self.client = RetryingRuntimeApi(api.address, "agent", Logs(self.log), self.delays.append)


@pytest.mark.parametrize("failures", [0, 1, 4])
def test_next_is_asked_again_until_there_is_an_event(failures: int) -> None:
    with ScriptedApi(*[hangs_up] * failures, answers(invocation("event"))) as api:
        attempts = Attempts(api)

        assert attempts.client.next().body == b'"event"'
        attempts.client.close()

    assert attempts.delays == [0.1, 0.2, 0.4, 0.8][:failures]
    assert ["another attempt follows in" in message for message in attempts.log.messages] == [True] * failures


def test_the_fifth_failure_is_raised() -> None:
    refused: Script = answers(*[reply(500, b"no")] * 5)
    with ScriptedApi(refused) as api:
        attempts = Attempts(api)

        with pytest.raises(RequestRefused, match="the Runtime API answered 500 to next: no"):
            attempts.client.next()
        attempts.client.close()

    assert attempts.delays == [0.1, 0.2, 0.4, 0.8]
    assert len(api.requests) == 5


def test_a_start_that_another_worker_has_reported_is_no_error() -> None:
    with ScriptedApi(answers(reply(403))) as api:
        Attempts(api).client.post_init_error(b"{}", "Error")

    assert len(api.requests) == 1


def test_any_other_refusal_of_a_report_is_raised() -> None:
    with ScriptedApi(answers(reply(500))) as api, pytest.raises(RequestRefused):
        Attempts(api).client.post_init_error(b"{}", "Error")


def test_an_answer_that_is_not_taken_ends_no_worker() -> None:
    def fails(*_: object) -> None:
        raise ConnectionLost("gone")

    surviving(fails)(None, None, None)  # type: ignore[arg-type]  # nothing looks at them


def test_what_is_not_the_runtime_apis_fault_goes_on() -> None:
    def fails(*_: object) -> None:
        raise HandlerError("wrong")

    with pytest.raises(HandlerError):
        surviving(fails)(None, None, None)  # type: ignore[arg-type]
