"""`streamify serve --prepare`: installs and builds what each function needs, and exits."""

import asyncio

from ..preparation import Preparation, Prepared
from ..terminal import terminal
from .following import report
from .stop_signal import stop_signal
from .template_source import TemplateSource


async def prepare(source: TemplateSource) -> int:
    """Print a line for each function of the template; return 1 if one of them is not ready, or on Ctrl-C."""
    reading = source.read()
    report(source, reading)
    stopped = stop_signal()
    preparation = Preparation(reading.template.functions, terminal.say)
    preparing = asyncio.create_task(asyncio.to_thread(_prepare, preparation))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait([preparing, stopping], return_when=asyncio.FIRST_COMPLETED)
    preparation.stop()
    stopping.cancel()
    is_ready = await preparing
    return 0 if is_ready and not stopped.is_set() else 1


def _prepare(preparation: Preparation) -> bool:
    is_ready = True
    for prepared in preparation.run():
        terminal.OUT.print(_line(prepared), markup=False)
        is_ready = is_ready and (prepared.problem is None or not prepared.is_served)
    return is_ready


def _line(prepared: Prepared) -> str:
    if prepared.problem is None:
        return f"{prepared.function}: ready"
    return f"{prepared.function}: {'failed' if prepared.is_served else 'not served'}: {prepared.problem}"
