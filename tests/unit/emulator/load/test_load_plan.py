from pathlib import Path

from lambda_streamify_emulator.load.plan import Master, Plan, Worker, locust_options, worker_options

URL = "http://127.0.0.1:1/"
COMMON = "--users 10 --spawn-rate 10 --stop-timeout 10 --only-summary"


def test_all_users_start_in_the_first_second() -> None:
    assert " ".join(locust_options(Plan(URL))) == f"{COMMON} --headless"


def test_locusts_own_options_are_passed_on() -> None:
    plan = Plan(URL, users=3, spawn_rate=0.5, grace=1, processes=-1, html=Path("/a.html"))

    assert " ".join(locust_options(plan)) == (
        "--users 3 --spawn-rate 0.5 --stop-timeout 1 --only-summary --headless --html /a.html --processes -1"
    )


def test_the_report_is_written_where_the_user_is() -> None:
    assert locust_options(Plan(URL, html=Path("a.html")))[-1] == str(Path.cwd() / "a.html")


def test_locusts_page_stays_on_this_machine() -> None:
    assert " ".join(locust_options(Plan(URL, web=1234))) == (
        f"{COMMON} --autostart --web-host 127.0.0.1 --web-port 1234"
    )


def test_a_master_waits_for_its_workers() -> None:
    assert " ".join(locust_options(Plan(URL, master=Master("127.0.0.1", 6000, 2)))) == (
        f"{COMMON} --headless --master --master-bind-host 127.0.0.1 --master-bind-port 6000 --expect-workers 2"
    )


def test_a_worker_gets_everything_from_its_master() -> None:
    connected = "--locustfile - --worker --master-host 10.0.0.1 --master-port 6000"

    assert " ".join(worker_options(Worker("10.0.0.1", 6000))) == connected
    assert " ".join(worker_options(Worker("10.0.0.1", 6000, 4))) == f"{connected} --processes 4"
