"""What a handler writes."""

import datetime
import logging
import os
import subprocess
import sys
import threading
import warnings

logger = logging.getLogger(__name__)
apart = logging.getLogger("apart")
apart.propagate = False
apart_handler = logging.StreamHandler(sys.stdout)
apart_handler.setFormatter(logging.Formatter("apart: %(message)s"))
apart.addHandler(apart_handler)


class Vague:
    def __str__(self):
        return "vague"


class Failing:
    def __str__(self):
        raise ValueError("no words")


def each_level(event, context):
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logging, level)("a message of level %s", level)


def each_level_of_a_named_logger(event, context):
    for level in (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 100):
        logger.log(level, "level %d", level)


def levels_of_their_own(event, context):
    logging.addLevelName(35, "NOTICE")
    logger.log(35, "noticed")


def exception(event, context):
    try:
        raise ValueError("caught\nhere")
    except ValueError:
        logging.exception("it went wrong: %s", "é")


def exc_info_without_an_exception(event, context):
    logging.error("nothing wrong", exc_info=True)


def exc_info_of_an_exception(event, context):
    logger.warning("given", exc_info=KeyError("a"))


def exception_with_a_cause(event, context):
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error
    except ValueError:
        logger.exception("caused")


def exception_that_has_no_text(event, context):
    class Unspeakable(Exception):
        def __str__(self):
            raise ValueError("no words")

    try:
        raise Unspeakable
    except Unspeakable:
        logger.exception("unspeakable")


def stack_info(event, context):
    logger.error("with a stack", stack_info=True)


def extra_fields(event, context):
    logger.error("extra", extra={"a": 1, "b": {"c": [None, "é"]}, "none": None, "d": Vague()})


def extra_fields_of_reserved_names(event, context):
    logger.error("extra", extra={"timestamp": 1, "level": "x", "requestId": "mine", "errorType": "mine", "location": 1})


def extra_fields_of_the_handlers_names(event, context):
    logger.error("extra", extra={"aws_request_id": "mine", "tenant_id": "mine", "_frame_type": None})


def extra_field_without_text(event, context):
    logger.error("extra", extra={"a": Failing()})


def extra_field_that_is_circular(event, context):
    circular = []
    circular.append(circular)
    logger.error("extra", extra={"a": circular})


def dict_as_the_message(event, context):
    logger.error({"a": 1, "when": datetime.date(2026, 1, 2), "none": None})


def dict_as_the_message_with_arguments(event, context):
    logger.error("%(a)s and %(b)s", {"a": 1, "b": 2})


def list_as_the_message(event, context):
    logger.error(["a", 1])


def none_as_the_message(event, context):
    logger.error(None)


def object_as_the_message(event, context):
    logger.error(Vague())


def exception_as_the_message(event, context):
    logger.error(ValueError("wrong"))


def object_without_text_as_the_message(event, context):
    logger.error(Failing())


def wrong_arguments(event, context):
    logger.error("%d", "text")


def too_many_arguments(event, context):
    logger.error("one", "two")


def empty_message(event, context):
    logger.error("")


def message_of_lines(event, context):
    logger.error("one\n  two\r\nthree\n")


def message_beyond_ascii(event, context):
    logger.error("é 中 \U0001f600 \u2028 \u00a0")


def message_with_a_lone_surrogate(event, context):
    logger.error("\ud800")


def message_with_control_characters(event, context):
    logger.error('\0\t\x1b[31m"\\')


def adapter(event, context):
    logging.LoggerAdapter(logger, {"adapted": True}).error("through an adapter")


def logger_with_a_level_of_its_own(event, context):
    chatty = logging.getLogger("chatty")
    chatty.setLevel(logging.DEBUG)
    chatty.debug("heard in spite of the root's level")


def logger_with_a_handler_of_its_own(event, context):
    apart.warning("once")


def root_level_set(event, context):
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    root.debug("debugging")
    root.setLevel(before)
    root.debug("no more")


def basic_config_does_nothing(event, context):
    logging.basicConfig(level=logging.DEBUG, format="mine: %(message)s")
    logging.debug("not shown by default")
    logging.error("in the usual format")


def disabled(event, context):
    logging.disable(logging.ERROR)
    logging.error("not shown")
    logging.disable(logging.NOTSET)
    logging.error("shown")


def warnings_captured(event, context):
    logging.captureWarnings(True)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("captured", stacklevel=1)
    logging.captureWarnings(False)


def from_a_thread(event, context):
    thread = threading.Thread(target=logger.error, args=("from a thread",))
    thread.start()
    thread.join()


def filtered(event, context):
    def refuse(record):
        return False

    handler = logging.getLogger().handlers[0]
    handler.addFilter(refuse)
    logger.error("refused")
    handler.removeFilter(refuse)


def formatter_replaced(event, context):
    handler = logging.getLogger().handlers[0]
    before = handler.formatter
    handler.setFormatter(logging.Formatter("%(levelname)s %(aws_request_id)s %(tenant_id)s %(message)s"))
    logger.error("formatted")
    handler.setFormatter(before)


def record_handled_by_hand(event, context):
    record = logging.LogRecord("by.hand", logging.ERROR, "/a.py", 1, "made", (), None, "function")
    logging.getLogger().handlers[0].handle(record)


def root_handler(event, context):
    (handler,) = logging.getLogger().handlers
    formatter = handler.formatter
    return [
        type(handler).__name__,
        [type(filter_).__name__ for filter_ in handler.filters],
        [base.__name__ for base in type(handler).__mro__[-3:]],
        type(formatter).__name__,
        formatter._fmt,
        formatter.datefmt,
        formatter.converter.__name__,
        handler.level,
        handler.name,
        hasattr(handler, "log_sink"),
        logging.getLogger().level,
        logging.Formatter.converter.__name__,
    ]


def log_sink(event, context):
    (handler,) = logging.getLogger().handlers
    handler.log_sink.log("by hand, ")
    handler.log_sink.log("no line break added\n")
    handler.log_sink.log_error(["an error", "  in two lines"])
    return type(handler.log_sink).__name__


def context_log(event, context):
    context.log("a text")
    context.log("\n")
    context.log(5)
    context.log({"a": 1})
    context.log("\n")
    return context.log("é\n")


def context_log_of_a_lone_surrogate(event, context):
    context.log("\ud800\n")


def prints(event, context):
    print("printed")
    print("two", "parts", sep="-")
    print("no line break", end="")
    print()
    print("é 中 \U0001f600")


def prints_no_line_break(event, context):
    print("half a line", end="")


def prints_a_lone_surrogate(event, context):
    print("\ud800")


def prints_to_stderr(event, context):
    print("to stderr", file=sys.stderr)
    sys.stderr.write("written, ")
    sys.stderr.writelines(["line\n", "line\n"])


def prints_from_a_thread(event, context):
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()


def writes_to_stdout(event, context):
    written = sys.stdout.write("four")
    sys.stdout.writelines(["\n", "a line\n"])
    return written


def writes_to_the_buffer(event, context):
    sys.stdout.buffer.write(b"bytes\n")
    sys.stdout.flush()


def writes_to_the_descriptor(event, context):
    os.write(1, b"to the descriptor\n")
    os.write(2, b"to the other one\n")


def writes_to_the_first_stdout(event, context):
    sys.__stdout__.write("past the runtime\n")
    sys.__stdout__.flush()


def subprocess_prints(event, context):
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True, env={"PATH": os.environ["PATH"]})


def stdout_attributes(event, context):
    streams = sys.stdout, sys.stderr
    return [
        [type(stream).__name__ for stream in streams],
        [stream.encoding for stream in streams],
        [stream.errors for stream in streams],
        [stream.isatty() for stream in streams],
        [stream.fileno() for stream in streams],
        [stream.writable() for stream in streams],
        [stream.closed for stream in streams],
        [stream.line_buffering for stream in streams],
        [stream.name for stream in streams],
    ]


def stdout_as_a_context(event, context):
    with sys.stdout as entered:
        print("inside")
    print("and after")
    return entered is sys.stdout


def stdout_iterated(event, context):
    return [hasattr(type(sys.stdout), name) for name in ("__iter__", "__enter__", "__exit__", "write", "writelines")]


def stdout_kept_beneath(event, context):
    return type(sys.stdout.stream).__name__


def stdout_reconfigured(event, context):
    sys.stdout.reconfigure(errors="replace")
    print("\ud800")
    sys.stdout.reconfigure(errors="strict")
