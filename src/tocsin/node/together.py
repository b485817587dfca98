"""Let those who wait while one works share the next piece of work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Asked(Generic[Item, Result]):
    item: Item
    done: bool = False
    result: Result | None = None
    error: BaseException | None = None


@dataclass
class Together(Generic[Item, Result]):
    """Do items of many threads in groups: `work` gets some in the order in which they came, and answers each.

    No thread waits for company: the first works at once, and whoever comes meanwhile is in the next group. An error
    is everybody's in the group.
    """

    work: Callable[[Sequence[Item]], Sequence[Result]]
    most: int
    _waiting: list[_Asked[Item, Result]] = field(default_factory=list, init=False)
    _door: Lock = field(default_factory=Lock, init=False)  # held while the list changes
    _turn: Lock = field(default_factory=Lock, init=False)  # held while one works for all

    def do(self, item: Item) -> Result:
        """Do an item; returns once its group is done."""
        own: _Asked[Item, Result] = _Asked(item)
        with self._door:
            self._waiting.append(own)
        with self._turn:
            while not own.done:
                self._work()
        if own.error:
            raise own.error
        return own.result  # type: ignore[return-value]  # it is there once done

    def _work(self) -> None:
        with self._door:
            group, self._waiting = self._waiting[: self.most], self._waiting[self.most :]
        try:
            for one, result in zip(group, self.work([one.item for one in group]), strict=True):
                one.result = result
        except BaseException as error:
            for one in group:
                one.error = error
        finally:
            for one in group:
                one.done = True
