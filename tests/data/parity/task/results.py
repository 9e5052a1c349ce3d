"""What a handler may return: each entry makes one value, when it is asked for."""

import array
import io
import math
import types
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import PurePosixPath
from uuid import UUID

Point = namedtuple("Point", "x y")


class Whole(int):
    def __str__(self):
        return "a whole number"

    __repr__ = __str__


class Real(float):
    def __str__(self):
        return "a real number"

    __repr__ = __str__


class Text(str):
    def __str__(self):
        return "another text"


class Data(bytes):
    pass


class Pairs(dict):
    def items(self):
        return [("from", "items")]


class Row(list):
    def __iter__(self):
        return iter(("from", "iter"))


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Name(str, Enum):
    FIRST = "first"


@dataclass
class Record:
    a: int


class Fields:
    def __init__(self, fields):
        self.fields = fields

    def _asdict(self):
        return self.fields


class PairsWithFields(dict):
    def _asdict(self):
        return {"from": "_asdict"}


class ForJson:
    def for_json(self):
        return {"for": "json"}


class Failing(dict):
    def items(self):
        raise KeyError("no items")


class Unfit:
    def _asdict(self):
        raise ZeroDivisionError("no fields")


def nested(depth, value=None):
    for _ in range(depth):
        value = [value]
    return value


def nested_objects(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def circular_list():
    value = [1]
    value.append(value)
    return value


def circular_dict():
    value = {}
    value["self"] = value
    return value


def shared():
    part = {"a": 1}
    return [part, part]


def counting():
    yield "one"
    yield "two"


async def coroutine():
    return "awaited"


async def counting_asynchronously():
    yield "one"


VALUES = {
    "none": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
    "zero": lambda: 0,
    "integer": lambda: -12,
    "large_integer": lambda: 2**70,
    "huge_integer": lambda: 10**5000,
    "integer_beyond_javascript": lambda: 2**53 + 1,
    "float": lambda: 1.5,
    "whole_float": lambda: 1.0,
    "negative_zero": lambda: -0.0,
    "small_float": lambda: 1e-7,
    "large_float": lambda: 1e16,
    "inexact_float": lambda: 0.1 + 0.2,
    "nan": lambda: math.nan,
    "infinity": lambda: math.inf,
    "negative_infinity": lambda: [-math.inf],
    "empty_text": lambda: "",
    "text": lambda: "text",
    "accented_text": lambda: "é ß 中",
    "text_beyond_the_bmp": lambda: "\U0001f600",
    "lone_surrogate": lambda: "\ud800",
    "lone_surrogate_as_a_key": lambda: {"\udc00": 1},
    "control_characters": lambda: "\0\x01\b\t\n\f\r\x1f\x7f\x80",
    "quotes_and_slashes": lambda: "\"'\\/</script>",
    "line_separators": lambda: "\u2028\u2029\ufeff",
    "empty_object": dict,
    "empty_list": list,
    "object": lambda: {"a": [1, 2.5, None, True, {"b": "c"}]},
    "tuple": lambda: (1, (2,)),
    "empty_tuple": tuple,
    "order_of_keys": lambda: {"b": 1, "a": 2, "c": 0},
    "decimal": lambda: Decimal("1.10"),
    "decimal_in_an_object": lambda: {"a": [Decimal("0E-8"), Decimal("1E+3"), Decimal(-0)]},
    "decimal_of_many_digits": lambda: Decimal("1." + "1234567890" * 6),
    "decimal_nan": lambda: [Decimal("NaN"), Decimal("-NaN")],
    "decimal_signalling_nan": lambda: Decimal("sNaN"),
    "decimal_infinity": lambda: [Decimal("Infinity"), Decimal("-Infinity")],
    "decimal_as_a_key": lambda: {Decimal("1.10"): 1},
    "namedtuple": lambda: Point(1, 2),
    "namedtuple_in_a_list": lambda: [Point(1, Point(2, (3,)))],
    "namedtuple_as_a_key": lambda: {Point(1, 2): 3},
    "bytes": lambda: b"\x00\xff raw",
    "empty_bytes": lambda: b"",
    "subclass_of_bytes": lambda: Data(b"raw"),
    "bytes_of_json": lambda: b'{"a": 1}',
    "bytes_in_an_object": lambda: {"a": b"text \xc3\xa9"},
    "bytes_in_an_object_that_are_no_text": lambda: {"a": b"\xff"},
    "bytes_as_a_key": lambda: {b"a": 1},
    "bytes_as_a_key_that_are_no_text": lambda: {b"\xff": 1},
    "bytearray": lambda: bytearray(b"raw"),
    "bytearray_in_an_object": lambda: {"a": bytearray(b"raw")},
    "memoryview": lambda: memoryview(b"raw"),
    "set": lambda: {1},
    "set_in_an_object": lambda: {"a": {1}},
    "frozenset": lambda: frozenset({1}),
    "date": lambda: date(2026, 1, 2),
    "datetime_in_a_list": lambda: [datetime(2026, 1, 2, tzinfo=timezone.utc)],
    "uuid": lambda: UUID(int=1),
    "path": lambda: PurePosixPath("/a"),
    "fraction": lambda: Fraction(1, 3),
    "complex": lambda: 1j,
    "range": lambda: range(2),
    "deque": lambda: deque([1]),
    "array": lambda: array.array("i", [1]),
    "ellipsis": lambda: ...,
    "class": lambda: Point,
    "function": lambda: nested,
    "module": lambda: math,
    "plain_object": object,
    "exception": lambda: ValueError("not raised"),
    "dataclass": lambda: Record(1),
    "mapping_proxy": lambda: types.MappingProxyType({"a": 1}),
    "user_dict": lambda: UserDict(a=1),
    "ordered_dict": lambda: OrderedDict(b=1, a=2),
    "defaultdict": lambda: defaultdict(list, a=[1]),
    "counter": lambda: Counter("aab"),
    "integer_keys": lambda: {1: "a", -2: "b", 2**70: "c"},
    "float_keys": lambda: {1.5: "a", math.nan: "b", math.inf: "c", 1e16: "d"},
    "true_as_a_key": lambda: {True: "a", False: "b"},
    "none_as_a_key": lambda: {None: "a"},
    "keys_that_become_the_same": lambda: {1: "a", "1": "b"},
    "tuple_as_a_key": lambda: {(1, 2): 3},
    "object_as_a_key": lambda: {Colour.RED: 1},
    "enumeration": lambda: Colour.RED,
    "integer_enumeration": lambda: [Level.HIGH, {Level.HIGH: 1}],
    "text_enumeration": lambda: [Name.FIRST, {Name.FIRST: 1}],
    "subclass_of_int": lambda: [Whole(5), {Whole(6): 1}],
    "subclass_of_float": lambda: [Real(1.5), {Real(2.5): 1}],
    "subclass_of_float_nan": lambda: Real("nan"),
    "subclass_of_str": lambda: [Text("text"), {Text("key"): 1}],
    "subclass_of_dict": lambda: Pairs(a=1),
    "subclass_of_list": lambda: Row([1]),
    "empty_subclass_of_dict": Pairs,
    "asdict": lambda: [Fields({"a": Point(1, 2)})],
    "asdict_on_its_own": lambda: Fields({"a": 1}),
    "asdict_that_returns_a_list": lambda: Fields([1]),
    "asdict_that_returns_none": lambda: Fields(None),
    "asdict_that_raises": Unfit,
    "asdict_of_a_dict": lambda: PairsWithFields(a=1),
    "asdict_of_a_class": lambda: [Fields],
    "for_json": ForJson,
    "dict_that_raises": lambda: Failing(a=1),
    "circular_list": circular_list,
    "circular_dict": circular_dict,
    "same_part_twice": shared,
    "nested_100": lambda: nested(100),
    "nested_500": lambda: nested(500),
    "nested_100000": lambda: nested(100_000),
    "nested_objects_100": lambda: nested_objects(100),
    "nested_objects_100000": lambda: nested_objects(100_000),
    "nested_namedtuple": lambda: nested(50, Point(1, 2)),
    "nested_bytes": lambda: nested(50, b"deep"),
    "iterator_in_an_object": lambda: {"a": iter((1,))},
    "generator_in_an_object": lambda: {"a": counting()},
    "generator_in_a_list": lambda: [counting()],
    "proxy_response": lambda: {"statusCode": 201, "headers": {"x": "y"}, "body": "text"},
    "generator": counting,
    "iterator": lambda: iter(("one", "two")),
    "map": lambda: map(str, (1, 2)),
    "file": lambda: io.BytesIO(b"one\ntwo"),
    "proxy_response_with_a_generator": lambda: {"statusCode": 200, "body": counting()},
    "coroutine": coroutine,
    "async_generator": counting_asynchronously,
    "seven_megabytes": lambda: "x" * (7 * 1024 * 1024),
}
