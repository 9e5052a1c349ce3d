"""Handlers that raise."""

import functools
import json
import sys
import threading
import warnings


class Größenfehler(Exception):
    pass


class Coded(Exception):
    def __init__(self, code):
        self.code = code

    def __str__(self):
        return f"code {self.code}"


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no words")


class NotText(Exception):
    def __str__(self):
        return 5


class Outer:
    class Inner(Exception):
        pass


class Renamed(Exception):
    pass


Renamed.__name__ = "Re named"


def raises(event, context):
    raise ValueError("wrong")


def raises_a_class(event, context):
    raise ValueError


def raises_with_several_arguments(event, context):
    raise ValueError("wrong", 5)


def raises_with_an_empty_message(event, context):
    raise ValueError("")


def raises_with_lines(event, context):
    raise ValueError("one\n  two\r\nthree\n")


def raises_with_tabs_and_nuls(event, context):
    raise ValueError("\ta\0b\x1b[31m")


def raises_beyond_ascii(event, context):
    raise ValueError("é 中 \U0001f600 \u2028 \u00a0")


def raises_with_a_lone_surrogate(event, context):
    raise ValueError("\ud800")


def raises_with_a_long_message(event, context):
    raise ValueError("x" * 100_000)


def raises_with_a_message_too_long_for_a_header(event, context):
    raise ValueError("x" * (1024 * 1024))


def raises_key_error(event, context):
    return {}["absent"]


def raises_attribute_error(event, context):
    return event.absent


def raises_name_error(event, context):
    return absent


def raises_import_error(event, context):
    import absent_module


def raises_os_error(event, context):
    return open("/no/such/file")


def raises_unicode_error(event, context):
    return b"\xff".decode()


def raises_assertion_error(event, context):
    assert event is None


def raises_stop_iteration(event, context):
    return next(iter(()))


def raises_not_implemented(event, context):
    raise NotImplementedError


def raises_in_c(event, context):
    return json.loads("{")


def raises_in_a_lambda(event, context):
    return (lambda: 1 / 0)()


def raises_in_a_comprehension(event, context):
    return [1 / number for number in (1, 0)]


def raises_in_a_generator(event, context):
    return list(1 / number for number in (1, 0))


def raises_in_a_nested_function(event, context):
    def inner():
        def innermost():
            raise ValueError("deep")

        innermost()

    inner()


def raises_over_several_lines(event, context):
    return dict(
        a=1,
        b=int(
            "no number",
        ),
    )


def passed_on(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


@passed_on
def raises_under_a_decorator(event, context):
    raise ValueError("decorated")


def raises_in_code_without_a_file(event, context):
    exec("def made():\n    raise ValueError('no source')\nmade()")


def raises_from_a_cause(event, context):
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


def raises_while_handling(event, context):
    try:
        raise KeyError("first")
    except KeyError:
        raise ValueError("second")


def raises_from_none(event, context):
    try:
        raise KeyError("first")
    except KeyError:
        raise ValueError("second") from None


def raises_again(event, context):
    try:
        raise KeyError("first")
    except KeyError:
        raise


KEPT = ValueError("kept")


def raises_the_same_object_each_time(event, context):
    raise KEPT


def raises_without_a_traceback_of_its_own(event, context):
    try:
        raise ValueError("bare")
    except ValueError as error:
        raise error.with_traceback(None)


def raises_a_group(event, context):
    if sys.version_info < (3, 11):
        raise ValueError("there are no groups before Python 3.11")
    raise ExceptionGroup("several", [ValueError("a"), ExceptionGroup("inner", [KeyError("b")])])


def raises_with_notes(event, context):
    error = ValueError("noted")
    if sys.version_info >= (3, 11):
        error.add_note("a note")
    raise error


def raises_recursion_error(event, context):
    def deeper(number):
        return deeper(number + 1)

    deeper(0)


def raises_memory_error(event, context):
    raise MemoryError


def raises_its_own_class(event, context):
    raise Coded(42)


def raises_a_class_beyond_ascii(event, context):
    raise Größenfehler("zu groß")


def raises_a_nested_class(event, context):
    raise Outer.Inner("nested")


def raises_a_class_of_another_name(event, context):
    raise Renamed("renamed")


def raises_what_has_no_text(event, context):
    raise Unspeakable


def raises_what_has_other_than_text(event, context):
    raise NotText


def raises_what_is_no_exception(event, context):
    raise "text"


def raises_a_warning(event, context):
    raise UserWarning("careful")


def raises_a_timeout(event, context):
    raise TimeoutError


def fails_in_a_thread(event, context):
    def run():
        raise ValueError("in a thread")

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    thread.join()
    return "answered"


def exits_in_a_thread(event, context):
    thread = threading.Thread(target=sys.exit, name="worker")
    thread.start()
    thread.join()
    return "answered"


def fails_while_it_is_deleted(event, context):
    class Stubborn:
        def __del__(self):
            raise ValueError("in __del__")

    Stubborn()
    return "answered"


def fails_as_json_is_written(event, context):
    class Late(dict):
        def items(self):
            raise SystemError("late")

    return Late(a=1)


def warns(event, context):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
    return "answered"
