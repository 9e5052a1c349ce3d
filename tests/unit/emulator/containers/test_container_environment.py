"""The variables of a container."""

from lambda_streamify_emulator.containers.environment import container_environment


def test_it_has_lambdas_variables_and_leaves_the_images_own_alone() -> None:
    variables = {"AWS_REGION": "us-east-1", "PATH": "/here", "HOME": "/home/me", "_HANDLER": ""}

    assert container_environment(variables, {}) == {"AWS_REGION": "us-east-1"}


def test_the_functions_own_variables_override_all_others() -> None:
    assert container_environment({"PATH": "/here", "TZ": ":UTC"}, {"PATH": "/mine", "TZ": "UTC"}) == {
        "PATH": "/mine",
        "TZ": "UTC",
    }
