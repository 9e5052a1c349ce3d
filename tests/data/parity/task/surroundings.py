"""What a handler finds around it."""

import asyncio
import builtins
import contextvars
import gc
import locale
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings


def environment(event, context):
    return {name: value for name, value in sorted(os.environ.items()) if name != "AWS_LAMBDA_EXEC_WRAPPER"}


def environment_of_a_child(event, context):
    code = "import os, sys; print(os.environ.get('PYTHONPATH'), [path for path in sys.path if 'var/runtime' in path])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def search_path(event, context):
    return sys.path


def arguments(event, context):
    return sys.argv


def original_arguments(event, context):
    return sys.orig_argv


def main_module(event, context):
    main = sys.modules["__main__"]
    return [main.__name__, main.__file__]


def modules_of_the_runtime(event, context):
    import awslambdaric

    return sorted(name for name in sys.modules if name.startswith("awslambdaric"))


def working_directory(event, context):
    return os.getcwd()


def files(event, context):
    return sorted(name for name in os.listdir(".") if name != "__pycache__")


def path_files(event, context):
    import brought_by_a_path_file
    import brought_by_another_layer

    return [brought_by_a_path_file.__file__, brought_by_another_layer.__file__, os.environ["SET_BY_A_PATH_FILE"]]


def interpreter(event, context):
    return [
        sys.version,
        sys.executable,
        str(sys.flags),
        sys.getrecursionlimit(),
        sys.getswitchinterval(),
        sys.dont_write_bytecode,
        sys.excepthook.__name__,
        sys.displayhook.__name__,
        sys.gettrace() is None,
        sys.getprofile() is None,
        gc.isenabled(),
        gc.get_threshold(),
        gc.get_freeze_count(),
    ]


def threads(event, context):
    thread = threading.current_thread()
    return [thread.name, thread is threading.main_thread(), threading.active_count(), threading.stack_size()]


def signals(event, context):
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM, signal.SIGUSR1)
    return {str(int(number)): str(signal.getsignal(number)) for number in numbers}


def texts(event, context):
    return [
        locale.getlocale(),
        sys.getdefaultencoding(),
        sys.getfilesystemencoding(),
        locale.getpreferredencoding(),
        os.umask(0o022),
    ]


def warning_filters(event, context):
    return [list(map(str, one)) for one in warnings.filters]


def names_of_builtins(event, context):
    return sorted(vars(builtins))


def sockets(event, context):
    return socket.getdefaulttimeout()


def context_variables(event, context):
    return len(contextvars.copy_context())


VARIABLE = contextvars.ContextVar("variable", default="not set")


def context_variable_of_the_last_invocation(event, context):
    before = VARIABLE.get()
    VARIABLE.set("set")
    return before


def no_event_loop_runs(event, context):
    try:
        return str(asyncio.get_running_loop())
    except RuntimeError as error:
        return str(error)


def event_loop_of_its_own(event, context):
    async def answer():
        await asyncio.sleep(0)
        return "ran"

    return asyncio.run(answer())


def open_files(event, context):
    return [os.path.basename(os.readlink(f"/proc/self/fd/{number}")) for number in range(3)]


def stack(event, context):
    frame, names = sys._getframe(), []
    while frame:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names
