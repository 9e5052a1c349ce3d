from lambda_streamify_emulator.extensions.environment import SANDBOX, extension_environment, hidden_variables


def test_the_variables_of_the_runtime_are_left_out() -> None:
    runtime = dict.fromkeys(
        (
            "AWS_EXECUTION_ENV",
            "AWS_LAMBDA_LOG_GROUP_NAME",
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "AWS_XRAY_CONTEXT_MISSING",
            "AWS_XRAY_DAEMON_ADDRESS",
            "LAMBDA_RUNTIME_DIR",
            "LAMBDA_TASK_ROOT",
            "_AWS_XRAY_DAEMON_ADDRESS",
            "_HANDLER",
        ),
        "x",
    )
    seen = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "MINE": "yes", "PATH": "/bin"}

    assert extension_environment({**runtime, **seen}, "local/1") == {**seen, SANDBOX: "local/1"}


def test_the_hidden_variables_are_named_even_if_only_an_image_has_them() -> None:
    hidden = hidden_variables(["OWN", "_HANDLER", "AWS_REGION"])

    assert "_HANDLER" in hidden
    assert "LAMBDA_TASK_ROOT" in hidden
    assert not {"OWN", "AWS_REGION"} & {*hidden}
