"""The resources of a template as a deployment would make them: conditions applied, Globals merged, names known."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..account import ACCOUNT_ID, REGION
from ..errors import TemplateError
from .declaration import Declaration
from .document import resources
from .intrinsics import Intrinsics
from .parameters import parameter_values

SAM_FUNCTION, LAMBDA_FUNCTION = "AWS::Serverless::Function", "AWS::Lambda::Function"
FUNCTIONS = (SAM_FUNCTION, LAMBDA_FUNCTION)
REST_API = "AWS::ApiGateway::RestApi"
_ALIAS, _VERSION = "AWS::Lambda::Alias", "AWS::Lambda::Version"
# The property that `Ref` of a resource returns. If it is missing, AWS makes up a name; here it is the logical id.
_NAMES = {
    SAM_FUNCTION: "FunctionName",
    LAMBDA_FUNCTION: "FunctionName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Serverless::SimpleTable": "TableName",
}
# A version has no number before it is published.
_LATEST = "$LATEST"


class Stack:
    """The template that `declaration` describes. Raises TemplateError if it is none."""

    def __init__(self, declaration: Declaration) -> None:
        from samtranslator.plugins.globals.globals import Globals, InvalidGlobalsSectionException

        self.path = path = declaration.path
        document = declaration.document
        listed = resources(path, document)
        values = parameter_values(path, document, declaration.parameters)
        self.intrinsics = Intrinsics(document, values, _references(listed, Intrinsics(document, values)))
        try:
            self._globals = Globals(document)
        except InvalidGlobalsSectionException as error:
            raise TemplateError(f"{path}: {error.message}") from error
        self.resources = {id_: resource for id_, resource in listed.items() if self.intrinsics.is_there(resource)}

    def of_type(self, *types: str) -> Iterator[str]:
        """The logical ids of the resources of these types, in their order."""
        return (id_ for id_, resource in self.resources.items() if resource.get("Type") in types)

    def raw(self, id_: str, type_: str | None = None) -> dict[str, Any]:
        """The properties of a resource with those of the Globals, unresolved. An implicit resource needs its type."""
        resource = self.resources.get(id_, {})
        properties = resource.get("Properties") or {}
        merged: dict[str, Any] = self._globals.merge(str(resource.get("Type", type_)), properties, id_)
        return merged

    def resolved(self, id_: str, *keys: str, type_: str | None = None) -> dict[str, Any]:
        """These properties of a resource, resolved. The others may need values that only a deployed stack has."""
        properties = self.raw(id_, type_)
        found: dict[str, Any] = self.intrinsics.resolve({key: properties[key] for key in keys if key in properties})
        return found


def function_arn(name: str) -> str:
    """The ARN of a function."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"


def _references(listed: Mapping[str, Mapping[str, Any]], parameters_only: Intrinsics) -> dict[str, str]:
    """The values of Ref by logical ids, and of Fn::GetAtt by `Id.Attribute`, as far as they can be known here."""
    references = {id_: _name(id_, resource, parameters_only) for id_, resource in listed.items()}
    for id_, resource in listed.items():
        if resource.get("Type") in FUNCTIONS:
            references[f"{id_}.Arn"] = function_arn(references[id_])
        if resource.get("Type") == SAM_FUNCTION:
            # SAM's own references to what it makes of AutoPublishAlias.
            alias = (resource.get("Properties") or {}).get("AutoPublishAlias", _LATEST)
            references[f"{id_}.Alias"] = f"{references[f'{id_}.Arn']}:{parameters_only.resolve(alias)}"
            references[f"{id_}.Version"] = f"{references[f'{id_}.Arn']}:{_LATEST}"
        if resource.get("Type") == REST_API:
            references[f"{id_}.RootResourceId"] = f"{id_}.RootResourceId"
    names = Intrinsics({}, {}, references)
    for id_, resource in listed.items():
        if resource.get("Type") in (_ALIAS, _VERSION):
            properties = resource.get("Properties") or {}
            function = names.resolve(properties.get("FunctionName"))
            qualifier = parameters_only.resolve(properties.get("Name", _LATEST))
            if isinstance(function, str) and isinstance(qualifier, str):
                name = function_name(function)
                references[id_] = f"{function_arn(name)}:{qualifier}"
    return references


def _name(id_: str, resource: Mapping[str, Any], parameters_only: Intrinsics) -> str:
    key = _NAMES.get(str(resource.get("Type")), "")
    name = parameters_only.resolve((resource.get("Properties") or {}).get(key))
    return name if isinstance(name, str) else id_


def function_name(reference: str) -> str:
    """The name in a function's name, partial ARN or ARN, with or without a qualifier (Lambda API, "FunctionName")."""
    parts = reference.split(":")
    if "function" in parts[:-1]:
        return parts[parts.index("function") + 1]
    return parts[0]
