"""What a template may declare for a function's sake, and the emulator does not serve."""

from collections.abc import Iterator

from .stack import Stack
from .websocket_apis import API_V2, is_websocket

_STATE_MACHINE = "the emulator runs functions, no state machines"
_NESTED = "the emulator reads no nested templates; serve that template by itself"
_GRAPHQL = "the emulator serves no GraphQL APIs"
_API_V2 = "the emulator serves HTTP APIs of SAM only, as AWS::Serverless::HttpApi or events"
_REASONS = {
    "AWS::Serverless::StateMachine": _STATE_MACHINE,
    "AWS::StepFunctions::StateMachine": _STATE_MACHINE,
    "AWS::Serverless::Application": _NESTED,
    "AWS::CloudFormation::Stack": _NESTED,
    "AWS::Serverless::GraphQLApi": _GRAPHQL,
    "AWS::AppSync::GraphQLApi": _GRAPHQL,
    API_V2: _API_V2,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "the emulator serves no load balancers",
}


def unserved(stack: Stack) -> Iterator[str]:
    """Yield a message for each resource that calls functions and is not served."""
    for id_ in stack.of_type(*_REASONS):
        type_ = stack.resources[id_]["Type"]
        if type_ != API_V2 or not is_websocket(stack, id_):
            yield f"{id_} is left out: {_REASONS[type_]}"
