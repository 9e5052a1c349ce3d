"""The agent's tools. To add one: write its function, describe it in SPECS, and name it in FUNCTIONS.

A tool takes what the model has written as arguments, and returns a dict. It raises ToolError with a text for the model,
which may then try something else.
"""

import ast
import inspect
import math
import operator

# The heights of the towers, and when they were lit.
LIGHTHOUSES = {
    "Bell Rock": {"height": "35 m", "lit": "1811"},
    "Cape Hatteras": {"height": "64 m", "lit": "1870"},
    "Fastnet": {"height": "54 m", "lit": "1904"},
    "Jeddah": {"height": "133 m", "lit": "1990"},
    "Tower of Hercules": {"height": "55 m", "lit": "2nd century"},
}

SPECS = [
    {
        "toolSpec": {
            "name": "lighthouse",
            "description": f"Looks up how high a lighthouse is, and when it was lit. Known: {', '.join(LIGHTHOUSES)}.",
            "inputSchema": {
                "json": {
                    "type": "object",
                    "properties": {"name": {"type": "string", "description": "The name, such as Bell Rock"}},
                    "required": ["name"],
                }
            },
        }
    },
    {
        "toolSpec": {
            "name": "calculate",
            "description": "Calculates an arithmetic expression of numbers, + - * / **, parentheses and sqrt().",
            "inputSchema": {
                "json": {
                    "type": "object",
                    "properties": {"expression": {"type": "string", "description": "For example 3.57 * sqrt(35)"}},
                    "required": ["expression"],
                }
            },
        }
    },
]


class ToolError(Exception):
    """The tool cannot do what it was asked for. The model reads the text."""


def call(name, arguments):
    """Returns what the tool returns. The model may have written anything, so nothing of it is trusted."""
    if name not in FUNCTIONS:
        raise ToolError(f"There is no tool {name!r}. There are: {', '.join(FUNCTIONS)}.")
    if arguments is None:
        raise ToolError("The input of the tool is not a JSON object.")
    try:
        inspect.signature(FUNCTIONS[name]).bind(**arguments)
    except TypeError as error:
        raise ToolError(f"The input does not fit the tool {name}: {error}.") from error
    return FUNCTIONS[name](**arguments)


def lighthouse(name):
    for known, facts in LIGHTHOUSES.items():
        if known.casefold() == str(name).strip().casefold():
            return facts
    raise ToolError(f"There is no lighthouse {name!r}. There are: {', '.join(LIGHTHOUSES)}.")


OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
MAX_EXPRESSION = 200  # characters, so that no expression is nested too deeply


def calculate(expression):
    text = str(expression)
    if len(text) > MAX_EXPRESSION:
        raise ToolError(f"The expression has {len(text)} characters; at most {MAX_EXPRESSION} are allowed.")
    try:
        value = value_of(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError) as error:
        raise ToolError(f"{text!r} cannot be calculated: {error}.") from error
    if isinstance(value, complex) or not math.isfinite(value):
        raise ToolError(f"{text!r} has no value among the real numbers.")
    return {"value": float(f"{value:.10g}")}


def value_of(node):
    """Returns the value of an expression. Only what is named here is calculated: never use eval for a model's text."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)  # floats overflow, where integers would grow without end
        case ast.BinOp(left, operation, right) if type(operation) in OPERATORS:
            return OPERATORS[type(operation)](value_of(left), value_of(right))
        case ast.UnaryOp(operation, operand) if type(operation) in OPERATORS:
            return OPERATORS[type(operation)](value_of(operand))
        case ast.Call(ast.Name("sqrt"), [argument], []):
            return math.sqrt(value_of(argument))
    raise ValueError("only numbers, + - * / **, parentheses and sqrt() are allowed")


FUNCTIONS = {"lighthouse": lighthouse, "calculate": calculate}
