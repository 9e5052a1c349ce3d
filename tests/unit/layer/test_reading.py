"""The old name of lambda_streamify.client."""

import sys
from pathlib import Path

import lambda_streamify
from processes import clean_environment, run

FOLDER = Path(lambda_streamify.__file__).parents[1]


def test_the_old_name_works_and_warns_once_at_the_line_that_imports_it() -> None:
    program = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
from lambda_streamify import client
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from lambda_streamify.reading import ReceivedStream, read_stream
    from lambda_streamify.reading import read_stream
assert (read_stream, ReceivedStream) == (client.read_stream, client.ReceivedStream)
print([(warning.category.__name__, str(warning.message), warning.filename) for warning in caught])
"""

    printed = run(sys.executable, "-ISBc", program, FOLDER, env=clean_environment())

    said = "lambda_streamify.reading is now lambda_streamify.client"
    assert printed == f"[('DeprecationWarning', '{said}', '<string>')]\n"
