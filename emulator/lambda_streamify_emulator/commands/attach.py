"""`streamify attach` and `streamify detach`: the layer on a function that exists on AWS, the plan first."""

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..errors import AttachError
from . import attach_session
from .errors import reporting_errors

_AUTH = {"iam": "AWS_IAM", "none": "NONE"}

Name = Annotated[str, typer.Argument(help="The name or the ARN of the function.", metavar="NAME")]
Region = Annotated[str | None, typer.Option(help="The region, as for the AWS CLI.", metavar="REGION")]
Profile = Annotated[str | None, typer.Option(help="The profile of the AWS CLI's files.", metavar="NAME")]
Endpoint = Annotated[
    str | None, typer.Option(help="Another address of AWS's APIs, such as a local one.", metavar="URL")
]
File = Annotated[
    Path | None,
    typer.Option(
        help="The file that keeps what was done. Default: streamify-attach-NAME.json in this folder.", metavar="FILE"
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the first change.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object. Needs --yes or --dry-run.")]
SecondName = Annotated[
    str | None,
    typer.Option(
        "--as", help="The name of the new alias or function. Default: streaming, or NAME-stream.", metavar="NAME"
    ),
]


def attach(
    name: Name,
    *,
    layer: Annotated[
        str | None, typer.Option(help="The ARN of the layer's version, in the function's region.", metavar="ARN")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the layer of this package, and attach it.")
    ] = False,
    via: Annotated[
        Literal["alias", "second-function", "in-place", "in-place-buffered"] | None,
        typer.Option(help="The way. Default: the one that changes nothing for callers."),
    ] = None,
    as_: SecondName = None,
    auth: Annotated[
        Literal["iam", "none"], typer.Option(help="Who may use the new URL: requests signed for IAM, or everybody.")
    ] = "iam",
    timeout: Annotated[
        int | None, typer.Option(min=1, max=900, help="Set the function's timeout too.", metavar="SECONDS")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Attach although a tool such as SAM or Terraform deploys the function.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier call has stopped.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Send one GET to the new URL at the end, and say whether it streamed.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
    plan_file: File = None,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Add the layer to a function that exists on AWS, in steps that are safe for those who call it.

    All is read, and the plan is shown, before anything changes. Every step is written to a file: --resume goes on after
    a stop, and `streamify detach` restores what was there. It uses the credentials of the AWS CLI.

    The exit status is 0 if it is done, also by an earlier call; 1 if you say no, or --check did not see a stream; 2 if
    nothing was changed because of an error; 3 if it stopped half-way.
    """
    from ..attach import callers, doing, recall, refusals, report, ways
    from ..attach.aws import Aws

    with reporting_errors():
        output = attach_session.Output(dry_run=dry_run, yes=yes, as_json=as_json)
        if layer is not None:
            refusals.check_layer(layer)
        aws = Aws(region, profile, endpoint_url)
        session = attach_session.begin(aws, name, as_, layer, plan_file)
        function, file, plan = session.function, session.file, session.plan
        if resume:
            if plan is None:
                plan = recall.recall(function, session.second, _AUTH[auth])
                if plan is None:
                    raise AttachError(
                        f"--resume: there is nothing to go on with: {file.path} and the tags say of no earlier call"
                    )
                recall.mark_done(plan, function)
            shown: dict[str, Any] = {"function": function.arn, "via": plan.via}
            lines = report.act_lines([step.act for step in plan.steps if step.status != "done"])
        elif session.is_attached():
            output.say(f"{function.name} is attached already: there is nothing to do")
            session.finish(output, session.url(), check=check, changed=False)
            return
        else:
            if (layer is None) != publish:
                raise AttachError(
                    "which layer? name one by --layer ARN, or publish the one of this package by --publish"
                )
            if auth == "none" and not aws.knows("AddPermission", "InvokedViaFunctionUrl"):
                raise AttachError(
                    "--auth none: the installed boto3 does not know InvokedViaFunctionUrl, which the permissions of a "
                    "public URL need: pip install --upgrade boto3"
                )
            chosen = via or ways.choose(function)
            wish = ways.Wish(layer, as_, _AUTH[auth], timeout, force)
            plan = ways.make_plan(function, wish, chosen)
            output.refuse(refusals.refusals(function, wish, chosen, plan.name))
            known, notes = callers.callers(function, chosen), list(refusals.notes(function, wish, chosen))
            shown = {"function": function.arn, "via": chosen, "callers": list(map(asdict, known)), "notes": notes}
            lines = report.plan_lines(function, known, notes, plan)
        todo = [step.act for step in plan.steps if step.status != "done"]
        if not output.agreed(lines, {**shown, "steps": report.acts_json(todo)}):
            return
        with attach_session.stopping(file, plan, f"streamify attach {function.name} --resume"):
            doing.carry_out(aws, plan, file.save, output.done)
        session.finish(output, plan.facts.get("url"), check=check, changed=bool(todo))


def detach(
    name: Name,
    *,
    as_: SecondName = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, and take away what is still in use.")] = False,
    as_json: Json = False,
    plan_file: File = None,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Take away what `streamify attach` has added to a function, and restore what was there.

    The exit statuses are those of `streamify attach`.
    """
    from ..attach import doing, recall, report, traffic
    from ..attach.aws import Aws
    from ..attach.snapshot import OUR_WRAPPER

    with reporting_errors():
        output = attach_session.Output(dry_run=dry_run, yes=yes, as_json=as_json)
        aws = Aws(region, profile, endpoint_url)
        session = attach_session.begin(aws, name, as_, None, plan_file)
        function, file, plan = session.function, session.file, session.plan
        plan = plan or recall.recall(function, session.second, "NONE")
        if plan is None:
            if function.wrapper == OUR_WRAPPER:
                raise AttachError(
                    f"{function.name} has the layer, but not by `streamify attach`: docs/guides/existing-functions.md "
                    "says how to remove it by hand"
                )
            file.remove()
            output.say(f"{function.name} is not attached: there is nothing to do")
            output.result({"function": function.arn, "changed": False})
            return
        acts = [step.undo for step in plan.undoing if step.undo is not None]
        users = list(traffic.users(aws, function, plan, datetime.now(timezone.utc)))
        if users and not (yes or dry_run):
            raise AttachError(f"{'; '.join(users)}: move these callers first, or detach anyway by --yes")
        lines = [report.describe(function), *(f"note: {each}" for each in users), "plan:", *report.act_lines(acts)]
        shown = {"function": function.arn, "via": plan.via, "notes": users, "steps": report.acts_json(acts)}
        if not output.agreed(iter(lines), shown):
            return
        with attach_session.stopping(file, plan, f"streamify detach {function.name}"):
            doing.take_back(aws, plan, file.save, output.done)
        file.remove()
        output.say(f"{function.name} is as it was")
        output.result({"function": function.arn, "changed": True})
