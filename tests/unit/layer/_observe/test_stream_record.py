from lambda_streamify._observe.stream_record import StreamRecord


def test_times_are_rounded_to_microseconds() -> None:
    record = StreamRecord(
        request_id="a",
        outcome="complete",
        error_type=None,
        time_to_first_byte=0.123456789,
        duration=1.0,
        chunks=1,
        bytes=2,
        largest_gap=0.5,
        blocked=0.0,
    )

    assert record.as_dict()["time_to_first_byte"] == 0.123457
    assert repr(record).startswith("StreamRecord(request_id='a', outcome='complete', error_type=None, ")
