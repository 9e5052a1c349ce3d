"""The logical ids that the Serverless Framework gives to what it makes.

Source: the Framework's documentation, "AWS CloudFormation Resource Reference", whose table has these forms.
"""

REST_API, HTTP_API = "ApiGatewayRestApi", "HttpApi"
FUNCTION, URL, LAYER = "LambdaFunction", "LambdaFunctionUrl", "LambdaLayer"


def logical_id(name: str, suffix: str) -> str:
    """Return the logical id of a function, its URL or a layer.

    >>> logical_id("tell-story", FUNCTION)
    'TellDashstoryLambdaFunction'
    """
    normalized = name.replace("-", "Dash").replace("_", "Underscore")
    return f"{normalized[:1].upper()}{normalized[1:]}{suffix}"
