import pytest

from lambda_streamify_emulator.extensions.registrations import (
    EXTENSION_LIMIT,
    Refused,
    Registrations,
    error_type_of,
)


def refusal(registrations: Registrations, name: str, *events: str) -> tuple[str, str]:
    """Return the error type and the message with which a registration is refused."""
    with pytest.raises(Refused) as raised:
        registrations.register(name, events)
    return raised.value.error_type, raised.value.message


def test_an_external_extension_registers_by_the_name_of_its_program() -> None:
    table = Registrations()
    expected = table.expect("agent")
    assert not table.are_all_registered

    registered = table.register("agent", ["INVOKE", "SHUTDOWN", "INVOKE"])

    assert registered is expected
    assert (registered.state, registered.events) == ("Registered", ("INVOKE", "SHUTDOWN"))
    assert table.are_all_registered
    assert (table.has_external, table.has_internal) == (True, False)


def test_any_other_name_is_an_internal_extension() -> None:
    table = Registrations()

    assert not table.register("inner", ["INVOKE"]).is_external
    assert (table.has_external, table.has_internal) == (False, True)


def test_what_aws_refuses_is_refused_in_its_words() -> None:
    """Observed with AWS's Runtime Interface Emulator."""
    table = Registrations()
    table.register("inner", [])

    assert refusal(table, "") == ("Extension.InvalidExtensionName", "Empty extension name")
    assert refusal(table, "a", "NOPE") == ("Extension.InvalidEventType", "NOPE: ErrorInvalidEventType")
    shutdown = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"
    assert refusal(table, "a", "SHUTDOWN") == ("Extension.InvalidEventType", shutdown)
    again = "Extension with this name already registered"
    assert refusal(table, "inner") == ("Extension.InvalidExtensionState", again)
    table.is_open = False
    closed = ("Extension.RegistrationClosed", "Extension registration closed already")
    assert refusal(table, "late") == refusal(table, "inner") == closed


def test_an_external_extension_registers_once() -> None:
    table = Registrations()
    table.expect("agent")
    table.register("agent", [])

    error_type, message = refusal(table, "agent")
    assert error_type == "Extension.InvalidExtensionState"
    assert message.startswith("State transition from Registered to Registered failed for extension agent.")


def test_there_is_a_limit() -> None:
    table = Registrations()
    for number in range(EXTENSION_LIMIT):
        table.register(f"e{number}", [])

    assert refusal(table, "more") == ("Extension.TooManyExtensions", "Extension limit (10) reached")


def test_an_extension_is_found_by_its_identifier() -> None:
    table = Registrations()
    extension = table.register("inner", [])

    assert table.find(extension.identifier) is table.find(extension.identifier.upper()) is extension
    assert table.find("00000000-0000-0000-0000-000000000000") is None
    for identifier, error_type in (("", "Missing"), ("x", "Invalid"), (extension.identifier + "0", "Invalid")):
        with pytest.raises(Refused) as raised:
            table.find(identifier)
        assert raised.value.error_type == f"Extension.{error_type}ExtensionIdentifier"


def test_all_are_ready_when_each_waits_for_an_event() -> None:
    table = Registrations()
    assert table.are_all_ready
    one, two = table.register("one", ["INVOKE"]), table.register("two", [])
    table.move(one, "next")
    assert not table.are_all_ready
    table.move(two, "next")
    assert table.are_all_ready

    table.start_event(one)
    assert not table.are_all_ready
    table.move(one, "next")
    assert table.are_all_ready
    assert table.subscribed("INVOKE") == [one]


def test_the_state_says_what_the_end_of_an_extension_means() -> None:
    table = Registrations()
    extension = table.expect("agent")
    assert error_type_of(extension) == "Extension.Crash"
    table.register("agent", [])
    table.move(extension, "init/error")
    assert error_type_of(extension) == "Extension.InitError"
    other = table.register("inner", [])
    table.move(other, "exit/error")
    assert error_type_of(other) == "Extension.ExitError"
    table.fail_launch(other, "PermissionDenied")
    assert (error_type_of(other), other.error_type) == ("Extension.LaunchError", "PermissionDenied")


def test_with_several_invocations_at_a_time_there_is_no_event_for_each() -> None:
    table = Registrations(is_concurrent=True)
    table.expect("agent")

    assert refusal(table, "agent", "INVOKE") == ("Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType")
    assert refusal(table, "inner", "INVOKE") == ("Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType")
    assert table.register("agent", ["SHUTDOWN"]).events == ("SHUTDOWN",)
    assert table.register("inner", []).events == ()
