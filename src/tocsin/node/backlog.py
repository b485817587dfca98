"""How much waits to be screened, known without asking the database at every request."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tocsin.node.refusals import BusyError

_FRESH_SECONDS = 0.5
_SHARE = 20  # counting takes at most one part in this many of the time


@dataclass
class Backlog:
    """Count what waits now and then, and add what came in since."""

    count: Callable[[], int]
    most: int
    clock: Callable[[], float]  # monotonic seconds
    _waiting: int = field(default=0, init=False)
    _until: float = field(default=float("-inf"), init=False)

    def admit(self, more: int) -> None:
        """Let some more come in.

        Errors: BusyError where there is no room.
        """
        waiting = self._known()
        if waiting + more > self.most:
            raise BusyError(f"{waiting} events wait to be screened", hint="send them again a little later")
        self._waiting = waiting + more

    def _known(self) -> int:
        begun = self.clock()
        if begun >= self._until:
            self._until = float("inf")  # one counts, the others go on with what is known
            try:
                self._waiting = self.count()
            finally:
                now = self.clock()
                self._until = now + max(_FRESH_SECONDS, _SHARE * (now - begun))
        return self._waiting
