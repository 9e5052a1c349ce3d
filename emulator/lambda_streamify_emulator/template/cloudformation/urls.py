"""AWS::Lambda::Url: the URL of a function as a resource of its own.

Source: AWS CloudFormation Template Reference, "AWS::Lambda::Url".
"""

from dataclasses import replace

from ...errors import TemplateError
from ..functions import Function
from ..stack import Stack, function_name
from ..urls import read_url_config

URL = "AWS::Lambda::Url"


def with_urls(stack: Stack, functions: dict[str, Function], notices: list[str]) -> dict[str, Function]:
    """Return the functions, by name, with the URLs that lead to them; add messages about those that are not served."""
    found = dict(functions)
    for id_ in stack.of_type(URL):
        properties = stack.resolved(id_, "TargetFunctionArn", "Qualifier", "AuthType", "InvokeMode", "Cors")
        target = properties.get("TargetFunctionArn")
        function = found.get(function_name(target)) if isinstance(target, str) else None
        if function is None:
            notices.append(f"{id_} is left out: its TargetFunctionArn is no function that is served")
            continue
        if function.invoke_mode is not None:
            notices.append(f"{id_} is left out: {function.name} has a URL, and the emulator serves one for a function")
            continue
        try:
            url = read_url_config(f"{stack.path}: {id_}", properties)
        except TemplateError as error:
            notices.append(f"{id_} is left out: {str(error).removeprefix(f'{stack.path}: {id_}: ')}")
            continue
        found[function.name] = replace(function, invoke_mode=url.invoke_mode, auth_type=url.auth_type, cors=url.cors)
    return found
