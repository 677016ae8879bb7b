"""When a failed attempt is repeated: RetryConfig of Google's reference, in real seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after which waits, in seconds, an execution is tried again.

    longest: until when retries may begin, counted from the first attempt; 0 sets no such limit.
    """

    count: int
    longest: float
    shortest_wait: float
    longest_wait: float
    doublings: int

    def wait_after(self, failures: int) -> float:
        """Return the wait after a number of failed attempts, of which there is at least one.

        The shortest wait doubles `doublings` times, then grows by what it has reached, then stays
        at the longest: 10 s with 3 doublings and 300 s at most waits 10, 20, 40, 80, 160, 240, 300.
        """
        doubled = min(failures - 1, self.doublings)
        linear = failures - doubled
        # The exponent is bounded: the number of doublings is the caller's, floats end at 2**1023.
        return min(self.longest_wait, self.shortest_wait * 2.0 ** min(doubled, 64) * linear)

    def retries(self, failures: int, elapsed: float) -> bool:
        """Return whether to try again after failed attempts, the first `elapsed` seconds ago.

        With both limits given, an execution is retried until both are reached.
        """
        in_time = elapsed + self.wait_after(failures) <= self.longest
        return failures <= self.count or in_time
