import pytest

from lambda_streamify_emulator.analysis import advice
from lambda_streamify_emulator.analysis.symptoms import Symptoms, examine
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
        (answered(apigw_requestid="a"), "It came through an HTTP API of API Gateway: it does not stream"),
        (answered(x_amz_apigw_id="a"), "It came through a REST API of API Gateway"),
        (answered(server="nginx/1.27"), "It came through nginx: "),
        (answered(server="Apache/2.4.71 (Debian)"), "It came through Apache httpd: "),
        (answered(server="Caddy"), "It came through Caddy: "),
        (answered(server="envoy"), "It came through Envoy: "),
        (answered(cf_ray="a"), "It came through Cloudflare: "),
        (answered(via="1.1 varnish"), "It came through a proxy (1.1 varnish): "),
        (answered(content_encoding="identity"), "No header shows"),
        (examine("client", []), "No header shows"),
    ],
)
def test_each_clue_in_the_headers_has_its_advice(symptoms: Symptoms, said: str) -> None:
    (text,) = advice.on_the_way(symptoms)

    assert text.startswith(said)


def test_several_clues_are_all_reported() -> None:
    assert len(advice.on_the_way(answered(502, content_length="5", server="nginx", x_amz_cf_id="a"))) == 3


def test_a_proxy_is_named_before_what_it_may_have_done_itself() -> None:
    texts = advice.on_the_way(answered(content_length="5", content_encoding="gzip", server="nginx"))

    assert [text.split(": ")[0] for text in texts] == [
        "It came through nginx",
        "It is compressed (gzip)",
        "It has a Content-Length",
    ]


@pytest.mark.parametrize(
    ("server", "line"), [("nginx", "In nginx, set `gzip off;`."), ("Caddy", "In Caddy, remove `encode`."), ("x", "")]
)
def test_compression_by_a_known_proxy_names_its_line(server: str, line: str) -> None:
    text = advice.on_the_way(answered(content_encoding="gzip", server=server))[-1]

    assert text.removeprefix("It is compressed (gzip): compression holds text back. Do not compress streams.") == (
        f" {line}" if line else ""
    )


def test_an_error_of_a_server_behind_nginx_may_be_its_own() -> None:
    assert advice.on_the_way(answered(502, server="nginx"))[0].endswith("If it is nginx's own, its error_log says why.")
    assert advice.on_the_way(answered(404, server="nginx"))[0].endswith("See its body.")


@pytest.mark.parametrize(
    ("symptoms", "line"),
    [
        (answered(server="nginx"), "`proxy_read_timeout 900s;`"),
        (answered(server="Apache/2.4"), "`timeout=900` in `ProxyPass`"),
        (answered(server="envoy"), "`timeout: 0s`"),
        (answered(x_amz_cf_id="a"), "the origin's response timeout"),
        (answered(x_amz_apigw_id="a"), "`TimeoutInMillis`"),
    ],
)
def test_a_cut_names_the_timeout_of_a_known_proxy_first(symptoms: Symptoms, line: str) -> None:
    texts = advice.on_cut(symptoms)

    assert line in texts[0]
    assert texts[1:] == advice.on_cut(answered())


def test_for_one_piece_the_advice_mentions_a_single_yield() -> None:
    piece = examine("runtime-api", [Event(0, "o", "x")])
    burst = examine("runtime-api", [Event(0, "o", "x"), Event(0, "o", "x")])

    assert set(advice.in_function(piece)) > set(advice.in_function(burst))


@pytest.mark.parametrize(("size", "reader"), [(1024, "botocore's StreamingBody"), (65_536, "files")])
def test_the_size_of_blocks_shows_what_reads_them(size: int, reader: str) -> None:
    (text,) = advice.blocks(size)

    assert f"blocks of {size:,} bytes" in text
    assert reader in text
