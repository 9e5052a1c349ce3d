"""A locustfile as users write it: both type checkers accept every line."""

from locust import between, task

from lambda_streamify_emulator.load import Measurement, StreamUser


class Reader(StreamUser):
    host = "https://abc.lambda-url.us-east-1.on.aws"
    slo = "ttfb=500ms,gap=200ms"
    wait_time = between(0.1, 0.5)

    @task
    def story(self) -> None:
        measurement: Measurement = self.stream("/story", headers={"x-name": "1"}, name="story")
        outcome: str = measurement.outcome
        status: int | None = measurement.status
        first_byte: int | None = measurement.timeline.first_byte
        del outcome, status, first_byte


class Crowd(StreamUser):
    rate = 0.5

    @task
    def ask(self) -> None:
        self.stream("/ask", method="POST", body=b"{}")
