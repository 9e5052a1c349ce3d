import pytest

from lambda_streamify_emulator.recordings import advice
from lambda_streamify_emulator.recordings.doctor import Symptoms, examine
from lambda_streamify_emulator.recordings.recording import Event


def answered(status: int = 200, **headers: str) -> Symptoms:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return examine("client", [Event(0, "h", {"status_code": status, "headers": names, "cookies": []})])


@pytest.mark.parametrize(
    ("symptoms", "said"),
    [
        (answered(403), "The status is 403: an error"),
        (answered(Content_Encoding="BR"), "It is compressed (br): "),
        (answered(content_length="5"), "It has a Content-Length: "),
        (answered(X_Amz_Cf_Id="a"), "It came through CloudFront: "),
        (answered(apigw_requestid="a"), "It came through an HTTP API of API Gateway, which does not stream"),
        (answered(x_amz_apigw_id="a"), "It came through a REST API of API Gateway"),
        (answered(server="nginx/1.27"), "It came through nginx: "),
        (answered(content_encoding="identity"), "No header tells"),
        (examine("client", []), "No header tells"),
    ],
)
def test_each_sign_has_its_cause(symptoms: Symptoms, said: str) -> None:
    (text,) = advice.on_the_way(symptoms)

    assert text.startswith(said)


def test_several_signs_are_all_told() -> None:
    assert len(advice.on_the_way(answered(502, content_length="5", server="nginx", x_amz_cf_id="a"))) == 4


def test_one_piece_may_be_one_yield() -> None:
    piece = examine("runtime-api", [Event(0, "o", "x")])
    burst = examine("runtime-api", [Event(0, "o", "x"), Event(0, "o", "x")])

    assert set(advice.in_function(piece)) > set(advice.in_function(burst))


@pytest.mark.parametrize(("size", "who"), [(1024, "botocore's StreamingBody"), (65_536, "files")])
def test_a_size_of_blocks_tells_who_reads_so(size: int, who: str) -> None:
    (text,) = advice.blocks(size)

    assert f"blocks of {size:,} bytes" in text
    assert who in text
