from lambda_streamify.testing import collect


def test_the_chunks_of_a_generator_are_collected() -> None:
    assert collect(iter(["one", b"two", ""])).chunks == [b"one", b"two"]
