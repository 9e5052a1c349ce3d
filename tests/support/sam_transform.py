"""What CloudFormation makes of a SAM template, by the library that AWS itself runs for it."""

from collections.abc import Mapping
from typing import Any

import boto3
from samtranslator.internal.managed_policies import get_bundled_managed_policy_map
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def transform(template: dict[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """Return the template without AWS::Serverless resources; of parameters that are not given the defaults count."""
    declared = template.get("Parameters", {})
    defaults = {name: spec["Default"] for name, spec in declared.items() if "Default" in spec}
    translator = Translator(
        get_bundled_managed_policy_map("aws"), Parser(), boto_session=boto3.Session(region_name=region)
    )
    translated: dict[str, Any] = translator.translate(template, {**defaults, **parameters})
    return translated
