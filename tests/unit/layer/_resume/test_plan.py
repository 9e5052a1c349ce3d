from held_store import HeldStore
from lambda_streamify._resume.plan import Output, Plan
from lambda_streamify._resume.recorder import UNKEPT, Recorder
from lambda_streamify.resume import ENDED, MemoryStore
from store_contract import read_all


def a_plan(body: object, after: str | None = None) -> Plan:
    return Plan(body, None, MemoryStore(), "key", after, 15, None, None)


def test_a_request_without_a_body_or_with_an_id_does_not_write() -> None:
    assert a_plan(iter([])).may_write
    assert not a_plan(None).may_write
    assert not a_plan(iter([]), "run-1").may_write


def test_what_a_function_will_make_cannot_be_closed_yet() -> None:
    body = iter(["data: 1\n\n"])

    assert a_plan(body).source is body
    assert a_plan(list)._replace(function=list).source is None


def test_the_events_of_a_chunk_get_ids_one_by_one_and_leave_in_one_chunk() -> None:
    store = MemoryStore()
    recorder = Recorder(store, "key")
    recorder.begin()
    output, run_id = Output(recorder), recorder.run_id.encode()

    assert output.send("data: 1") == b""
    assert output.send(b"\n\ndata: 2\n\nda") == b"id: %b-1\ndata: 1\n\nid: %b-2\ndata: 2\n\n" % (run_id, run_id)
    assert output.send("ta: 3\n\n") == b"id: %b-3\ndata: 3\n\n" % run_id
    recorder.close(ENDED)
    assert read_all(store, "key") == [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]


def test_events_that_are_not_kept_have_ids_too_so_that_their_client_is_not_taken_for_a_new_one() -> None:
    recorder = Recorder(HeldStore(failing=("begin",)), "key")
    assert recorder.begin() == UNKEPT
    output = Output(recorder)

    assert output.send("data: 1\n\n") == b"id: %b-1\ndata: 1\n\n" % recorder.run_id.encode()
