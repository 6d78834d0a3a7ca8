"""Doubles for the tests of the OKX adapter: a clock, a stopwatch and a scripted network."""

import json
from dataclasses import dataclass, field

import httpx

NOW_MS = 1_790_022_846_316
WEB = httpx.Client(trust_env=False)  # for requests made by hand; a client each would cost 30 ms


@dataclass
class SetClock:
    time_ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.time_ms


@dataclass
class Stopwatch:
    """Advances by `step_s` at every look, so that rate limits stay out of the way until a test stops it."""

    step_s: float = 1.0
    time_s: float = 0.0

    def __call__(self) -> float:
        self.time_s += self.step_s
        return self.time_s


@dataclass
class Scripted(httpx.BaseTransport):
    """Answers from a list, the last one for ever; keeps the requests."""

    answers: list[httpx.Response | Exception]
    requests: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)


def envelope(code: str = "0", data: object = (), status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps({"code": code, "msg": "", "data": data}).encode())
