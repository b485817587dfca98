"""What all are reminded of: notices that last, and inquiries whose answer is due or overdue."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.coalition.fold import Item, State
from tocsin.forms.statements import Inquiry, Notice

LASTS, DUE, OVERDUE = "lasts", "due", "overdue"


@dataclass(frozen=True)
class Reminder:
    """A notice that lasts until a time, or an inquiry to a member that is due or overdue; `to` empty for a notice."""

    item: Item
    to: str
    until: int
    status: str


def reminders(shown: State) -> tuple[Reminder, ...]:
    """List what is to be brought to mind, the most urgent first; the same for all who hold the same logs."""
    return tuple(sorted((*_notices(shown), *_inquiries(shown)), key=lambda r: (r.until, r.item.origin, r.item.index)))


def _notices(shown: State) -> Iterator[Reminder]:
    for item in shown.notices:
        if isinstance(item.form, Notice) and item.form.until > shown.time:
            yield Reminder(item, "", item.form.until, LASTS)


def _inquiries(shown: State) -> Iterator[Reminder]:
    remind = shown.chain[-1].text.constants.remind
    for asked in shown.inquiries:
        form = asked.item.form
        if isinstance(form, Inquiry) and asked.status != "answered":
            if asked.status == "overdue":
                yield Reminder(asked.item, form.to, form.deadline, OVERDUE)
            elif shown.time >= form.deadline - remind:
                yield Reminder(asked.item, form.to, form.deadline, DUE)
