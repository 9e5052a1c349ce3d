import pytest

from lambda_streamify._concurrency.settings import PROCESSES, TASKS, Settings, read_settings
from lambda_streamify.errors import HandlerError


@pytest.mark.parametrize(
    ("environ", "settings"),
    [
        ({}, Settings(1, PROCESSES, 1, preload=False)),
        ({"AWS_LAMBDA_MAX_CONCURRENCY": "16"}, Settings(16, PROCESSES, 16, preload=False)),
        ({"STREAMIFY_CONCURRENCY": "", "STREAMIFY_PROCESSES": ""}, Settings(1, PROCESSES, 1, preload=False)),
        (
            {"AWS_LAMBDA_MAX_CONCURRENCY": "16", "STREAMIFY_CONCURRENCY": "Tasks"},
            Settings(16, TASKS, 1, preload=False),
        ),
        (
            {"AWS_LAMBDA_MAX_CONCURRENCY": "16", "STREAMIFY_CONCURRENCY": "tasks", "STREAMIFY_PROCESSES": "2"},
            Settings(16, TASKS, 2, preload=False),
        ),
        ({"STREAMIFY_PRELOAD": "1"}, Settings(1, PROCESSES, 1, preload=True)),
        ({"STREAMIFY_PRELOAD": "False"}, Settings(1, PROCESSES, 1, preload=False)),
    ],
)
def test_the_environment_says_how_many_and_by_what(environ: dict[str, str], settings: Settings) -> None:
    assert read_settings(environ) == settings


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"AWS_LAMBDA_MAX_CONCURRENCY": "0"}, "AWS_LAMBDA_MAX_CONCURRENCY is '0'; it must be a whole number from 1 on"),
        ({"AWS_LAMBDA_MAX_CONCURRENCY": "²"}, "AWS_LAMBDA_MAX_CONCURRENCY is '²'; it must be a whole number from 1 on"),
        ({"STREAMIFY_CONCURRENCY": "threads"}, "STREAMIFY_CONCURRENCY is 'threads'; it must be processes or tasks"),
        ({"STREAMIFY_PRELOAD": "yes"}, "STREAMIFY_PRELOAD is 'yes'; it must be 1 or 0"),
        (
            {"STREAMIFY_PROCESSES": "2"},
            (
                "STREAMIFY_PROCESSES is '2', but STREAMIFY_CONCURRENCY is not tasks: there is one process for each"
                " invocation; remove the variable, or set STREAMIFY_CONCURRENCY=tasks"
            ),
        ),
        (
            {"STREAMIFY_PROCESSES": "-1", "STREAMIFY_CONCURRENCY": "tasks"},
            "STREAMIFY_PROCESSES is '-1'; it must be a whole number from 1 on",
        ),
        (
            {"STREAMIFY_PROCESSES": "3", "STREAMIFY_CONCURRENCY": "tasks", "AWS_LAMBDA_MAX_CONCURRENCY": "2"},
            (
                "STREAMIFY_PROCESSES is 3, but AWS_LAMBDA_MAX_CONCURRENCY is 2: a process without an invocation is of"
                " no use; set a lower number"
            ),
        ),
    ],
)
def test_a_wrong_value_is_named_with_the_way_out(environ: dict[str, str], message: str) -> None:
    with pytest.raises(HandlerError) as raised:
        read_settings(environ)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("concurrency", "processes", "shares"), [(16, 1, [16]), (16, 2, [8, 8]), (10, 4, [3, 3, 2, 2]), (3, 3, [1, 1, 1])]
)
def test_the_processes_share_the_invocations_as_evenly_as_can_be(
    concurrency: int, processes: int, shares: list[int]
) -> None:
    assert Settings(concurrency, TASKS, processes, preload=False).shares() == shares
