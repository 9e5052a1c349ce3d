"""Handlers that end the process."""

import sys


def exits(event, context):
    sys.exit()


def exits_with_a_status(event, context):
    sys.exit(3)


def exits_with_a_text(event, context):
    sys.exit("so much for that")


def exits_without_asking(event, context):
    import os

    print("last words")
    os._exit(7)


def raises_keyboard_interrupt(event, context):
    raise KeyboardInterrupt


def raises_generator_exit(event, context):
    raise GeneratorExit


class Base(BaseException):
    pass


def raises_a_base_exception(event, context):
    raise Base("base")


def exits_while_handling(event, context):
    try:
        raise ValueError("first")
    except ValueError:
        sys.exit(4)


def raises_a_group_of_base_exceptions(event, context):
    if sys.version_info < (3, 11):
        raise KeyboardInterrupt
    raise BaseExceptionGroup("several", [KeyboardInterrupt()])


def exits_as_json_is_written(event, context):
    class Leaving(dict):
        def items(self):
            sys.exit(6)

    return Leaving(a=1)


def exits_with_an_exit_handler(event, context):
    import atexit

    atexit.register(print, "cleaning up")
    sys.exit()


def is_killed(event, context):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)
