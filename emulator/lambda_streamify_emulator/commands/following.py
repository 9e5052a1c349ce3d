"""Follows the template while it is served: an edit counts as soon as it is saved."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..emulator import Emulator
from ..errors import EmulatorError
from ..template.changes import changes
from ..terminal import terminal
from .check import refuse_errors, report_findings
from .file_watch import FileWatch
from .template_source import Reading, TemplateSource

if TYPE_CHECKING:
    from ..activity.activity import Activity
    from ..checks.finding import Finding


def report(
    source: TemplateSource, reading: Reading, before: Reading | None = None, activity: "Activity | None" = None
) -> None:
    """Say what the developer should know about the template, and was not said about `before`.

    The dashboard shows all findings, by `activity`. Raises EmulatorError if it is not to be served, for its mistakes.
    """
    if reading.unresolved and (before is None or before.unresolved != reading.unresolved):
        terminal.say(reading.unresolved)
    for notice in reading.notices:
        if before is None or notice not in before.notices:
            terminal.warn(notice)
    if activity is not None:
        activity.show_problems([finding.as_json() for finding in reading.findings])
    report_findings(source.path, _new(reading.findings, () if before is None else before.findings))
    if source.strict:
        refuse_errors(source.path, reading.findings)


def _new(findings: Sequence["Finding"], before: Sequence["Finding"]) -> list["Finding"]:
    """Return the findings that were not there before; an edit may have moved those that were."""
    known = {finding.said for finding in before}
    return [finding for finding in findings if finding.said not in known]


async def follow(
    source: TemplateSource,
    watch: FileWatch,
    emulator: Emulator,
    reading: Reading,
    activity: "Activity | None" = None,
) -> None:
    """Read the template again whenever one of its files has changed, and let `emulator` serve what it says then.

    `reading` is what is served now. A template that cannot be served is reported, and the one before stays.
    """
    while True:
        await watch.wait_for_change()
        try:
            latest = await asyncio.to_thread(source.read, reading)  # a stream under way must not wait for it
            report(source, latest, reading, activity)
            await emulator.update(latest.template)
        except (EmulatorError, OSError) as error:
            terminal.complain(f"{error}; the template as it was before is still served")
            continue
        told = changes(reading.template, latest.template, {**emulator.urls, **emulator.apis})
        terminal.say(f"{source.path} was read again: {'; '.join(told) or 'nothing that is served has changed'}")
        reading = latest
