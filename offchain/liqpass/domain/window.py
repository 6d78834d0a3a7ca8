"""When a policy covers, and until when it may be claimed."""

from dataclasses import dataclass

from liqpass.domain.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Window:
    """Milliseconds since 1970, start included, end excluded."""

    start_ms: int
    end_ms: int

    def covers(self, time_ms: int) -> bool:
        """Whether `start_ms <= time_ms < end_ms`."""
        return self.start_ms <= time_ms < self.end_ms


def cover_window(paid_at_s: int, parameters: Parameters) -> Window:
    """The cover of a policy whose premium was paid at `paid_at_s` (block time; marked by hand: now)."""
    start_s = paid_at_s + parameters.waiting_s
    return Window(start_s * 1000, (start_s + parameters.cover_s) * 1000)


def may_claim(window: Window, now_ms: int, parameters: Parameters) -> bool:
    """From the start of the cover until the grace after its end is over."""
    return window.start_ms <= now_ms < window.end_ms + parameters.claim_grace_s * 1000
