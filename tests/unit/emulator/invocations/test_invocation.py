import json
import re
from uuid import UUID

from lambda_streamify_emulator.invocations.invocation import Invocation, new_trace_id


def test_a_trace_id_has_x_rays_form() -> None:
    form = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0"

    assert re.fullmatch(form, new_trace_id())
    assert new_trace_id() != new_trace_id()


def test_each_invocation_has_an_id_and_a_channel_of_its_own() -> None:
    first, second = Invocation(b"{}"), Invocation(b"{}")

    assert UUID(first.request_id) != UUID(second.request_id)
    assert first.trace_id != second.trace_id
    assert first.channel is not second.channel


def test_a_failure_of_the_platform_is_reported_as_lambda_words_it() -> None:
    invocation = Invocation(b"{}", request_id="abc")

    invocation.fail("Runtime.ExitError", 'Runtime exited with error: "1"')

    error = invocation.channel.error
    assert error is not None
    assert error.error_type == "Runtime.ExitError"
    assert json.loads(error.details) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": 'RequestId: abc Error: Runtime exited with error: "1"',
    }
