"""Write conversations down as native lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tocsin.forms.ids import digest_id
from tocsin.traffic.sample.model import Bilingual, Event
from tocsin.traffic.sample.people import Person, invent
from tocsin.traffic.sample.phrases import Frames, Phrases, Slots, Subject, compose, read_bank

Turns = Sequence[str]


@dataclass(frozen=True, slots=True)
class Banks:
    """Hold the texts that every part of the sample draws from."""

    phrases: Phrases
    frames: Frames
    subjects: tuple[Subject, ...]


def load_banks() -> Banks:
    """Load slots, frames and the subjects of everyday use."""
    subjects = [
        subject for name in ("work", "life", "mind") for subject in read_bank(name, dict[str, Subject]).values()
    ]
    return Banks(Phrases(read_bank("slots", Slots)), read_bank("frames", Frames), tuple(subjects))


def stamp(moment: datetime) -> str:
    """Return the moment in ISO 8601, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Scribe:
    """Write one part of the sample from random numbers of its own, so that leaving a part out moves nothing else."""

    def __init__(self, seed: int, part: str, banks: Banks) -> None:
        self.rng = Random(f"{seed}/{part}")
        self.banks = banks
        self.events: list[Event] = []
        self._names = 0
        self._source = (str(seed), part)

    def name(self) -> str:
        """Return a fresh name that tells nothing about the part."""
        self._names += 1
        return digest_id("", *self._source, str(self._names))[1:]

    def person(self) -> Person:
        """Invent an ordinary account."""
        return invent(self.rng, self.name(), len(self.banks.subjects))

    def say(self, template: Bilingual, lang: str) -> str:
        """Return one text of a template."""
        return self.banks.phrases.fill(template, lang, self.rng)

    def small_talk(self, person: Person, lang: str) -> list[str]:
        """Return the user's turns of an everyday conversation."""
        subject = self.banks.subjects[self.rng.choice(person.subjects)]
        first = compose(self.banks.phrases, self.banks.frames, subject, lang, self.rng)
        more = self.rng.choices((0, 1, 2), (9, 7, 4))[0]
        return [first, *(self.say(template, lang) for template in self.rng.sample(self.banks.frames.followups, more))]

    def talk(
        self, person: Person, start: datetime, lang: str, turns: Turns, refused: float = 0.003, system: str = ""
    ) -> None:
        """Write one conversation: the user's turns and their answers, refused with the given probability."""
        session, device = f"sess-{self.name()}", self.rng.choice(person.devices)
        if system:
            self._write(person, start, session, device, lang, "system", system, "ok")
        for text in turns:
            self._write(person, start, session, device, lang, "user", text, "ok")
            start += timedelta(seconds=self.rng.randint(2, 15))
            no = self.rng.random() < refused
            frames = self.banks.frames
            answer = self.say(self.rng.choice(frames.refusals if no else frames.replies), lang)
            self._write(person, start, session, device, lang, "assistant", answer, "refused" if no else "ok")
            start += timedelta(seconds=self.rng.randint(20, 240))

    def request(self, person: Person, at: datetime, lang: str, text: str, session: str) -> None:
        """Write one request of a batch client, whose answers are not logged."""
        self._write(person, at, session, person.devices[0], lang, "user", text, "ok")

    def _write(
        self, person: Person, at: datetime, session: str, device: str, lang: str, role: str, text: str, status: str
    ) -> None:
        tokens = max(1, round(len(text) * (0.75 if lang == "zh" else 0.26)))
        self.events.append(
            {
                "id": f"ev-{self.name()}",
                "time": stamp(at),
                "account": person.account,
                "session": session,
                "role": role,
                "text": text,
                "client": person.client,
                "network": {"asn": person.asn, "country": person.country},
                "device": device,
                "payment": person.payment,
                "signed_up": stamp(person.signed_up),
                "model": person.model,
                "tokens_in": None if role == "assistant" else tokens,
                "tokens_out": tokens if role == "assistant" else None,
                "status": status,
                "lang": lang,
            }
        )
