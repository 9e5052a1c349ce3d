import re

from lambda_streamify_emulator import errors


def test_the_tree_in_the_docstring_is_the_one_in_the_code() -> None:
    assert errors.__doc__ is not None
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__))
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}

    assert drawn | {"EmulatorError"} == defined
    for name in drawn:
        assert getattr(errors, name).__base__ is errors.EmulatorError
