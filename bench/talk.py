"""Who talks when: sessions of invented accounts, among them rings that a campaign runs."""

from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from texts import Row

BLOCK_ROWS = 16_384
ACCOUNTS = 50_000
RINGS, RING_ACCOUNTS = 60, 20  # the first accounts of all
PLANTED_SHARE = 0.005  # of rows
CHINESE_SHARE = 0.3  # of rows
TURNS = 6.0  # rows a session, on average
START_US = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
ROW_US = 1_200_000  # a million rows are about two weeks
BLOCK_US = BLOCK_ROWS * ROW_US
CLIENTS = (
    "web/26.2",
    "web/26.3",
    "mobile-a/7.1",
    "mobile-b/5.3",
    "desktop/3.9",
    "editor/1.6",
    "sdk/0.31",
    "tablet/2.2",
)
COUNTRIES = ("XA", "XB", "XC", "XD", "XE", "XF")
MODELS = ("small-2", "large-2", "large-3")

Rng = np.random.Generator
Ints = NDArray[np.int64]


class Texts(Protocol):
    """Anything that writes a text for every row of a block."""

    def write(self, rng: Rng, rows: Row) -> pa.Array:
        """Write one text a row."""
        ...


class Talk:
    """Hold the accounts, and write blocks of their sessions."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 1 << 40])
        ring = np.arange(ACCOUNTS) // RING_ACCOUNTS
        self._ring = np.where(ring < RINGS, ring, -1)
        weights = rng.lognormal(0, 1.2, ACCOUNTS)  # a few talk much
        weights[self._ring >= 0] = 0
        self._heard = np.cumsum(weights / weights.sum())
        self._chinese = rng.random(ACCOUNTS) < CHINESE_SHARE
        self._facts = _facts(rng, self._ring)

    def block(self, seed: int, number: int, texts: Texts) -> pa.Table:
        """Write block `number`: BLOCK_ROWS rows in the order of time."""
        rng = np.random.default_rng([seed, number])
        session, turn = _turns(rng)
        count = int(session[-1]) + 1
        planted = rng.random(count) < PLANTED_SHARE
        account = np.minimum(np.searchsorted(self._heard, rng.random(count)), ACCOUNTS - 1)
        account[planted] = rng.integers(RINGS * RING_ACCOUNTS, size=int(planted.sum()))
        times = (
            rng.integers(BLOCK_US, size=count)[session]
            + turn * 30_000_000
            + rng.integers(20_000_000, size=len(session))
        )
        order = np.argsort(times, kind="stable")
        session, turn, times = session[order], turn[order], times[order]
        who = account[session]
        role = _roles(rng, turn)
        rows = Row(self._chinese[who], np.where(role == 0, self._ring[who], -1))
        return self._table(rng, number, times, session, who, role, texts.write(rng, rows))

    def _table(
        self, rng: Rng, number: int, times: Ints, session: Ints, who: Ints, role: Ints, text: pa.Array
    ) -> pa.Table:
        tokens = rng.integers(5, 900, len(who))
        is_answer = role == 1
        status = np.where(is_answer & (rng.random(len(who)) < 0.02), 1, 0)
        columns = {
            "id": _names("e", number * BLOCK_ROWS + np.arange(len(who)), 10),
            "time": pa.array(START_US + number * BLOCK_US + times, pa.timestamp("us", tz="UTC")),
            "session": _names("s", number * BLOCK_ROWS + session, 10),
            "role": pa.array(["user", "assistant", "system", "tool"]).take(pa.array(role)),
            "text": text,
            "tokens_in": pa.array(tokens, mask=is_answer),
            "tokens_out": pa.array(tokens, mask=~is_answer),
            "status": pa.array(["ok", "refused"]).take(pa.array(status)),
            **{name: values.take(pa.array(who)) for name, values in self._facts.items()},
        }
        return pa.table(columns)


def _turns(rng: Rng) -> tuple[Ints, Ints]:
    """Deal the rows of a block to sessions: the session of each row, and its place there."""
    lengths = 2 * rng.geometric(2 / TURNS, BLOCK_ROWS)
    session = np.repeat(np.arange(BLOCK_ROWS), lengths)[:BLOCK_ROWS]
    turn = np.arange(BLOCK_ROWS) - (np.cumsum(lengths) - lengths)[session]
    return session, turn


def _roles(rng: Rng, turn: Ints) -> Ints:
    """Alternate user and assistant; now and then the operator or a tool speaks."""
    role = turn % 2
    role[(turn == 0) & (rng.random(len(turn)) < 0.05)] = 2
    role[(turn > 0) & (rng.random(len(turn)) < 0.03)] = 3
    return role


def _facts(rng: Rng, ring: Ints) -> dict[str, pa.Array]:
    """Say of every account what a log would: a ring shares a few devices and one client."""
    number = np.arange(ACCOUNTS)
    device = np.where(ring >= 0, ring * RING_ACCOUNTS + number % 4, number)
    client = np.where(ring >= 0, ring % len(CLIENTS), rng.integers(len(CLIENTS), size=ACCOUNTS))
    country = rng.integers(len(COUNTRIES), size=ACCOUNTS)
    asn = pa.array([f"AS{64512 + n}" for n in range(600)]).take(
        pa.array(country * 100 + rng.integers(40, size=ACCOUNTS))
    )
    network = pa.StructArray.from_arrays([asn, pa.array(COUNTRIES).take(pa.array(country))], names=["asn", "country"])
    days = np.where(ring >= 0, ring % 30, rng.integers(20, 700, size=ACCOUNTS))
    signed_up = START_US - days * 86_400_000_000 - rng.integers(86_400_000_000, size=ACCOUNTS)
    paying = rng.random(ACCOUNTS) < 0.4
    return {
        "account": _names("a", number, 6),
        "client": pa.array(CLIENTS).take(pa.array(client)),
        "device": _names("d", device, 6),
        "payment": _names("p", number, 6).filter(pa.array(paying)).take(pa.array(np.cumsum(paying) - 1, mask=~paying)),
        "network": network,
        "signed_up": pa.array(signed_up, pa.timestamp("us", tz="UTC")),
        "model": pa.array(MODELS).take(pa.array(rng.integers(len(MODELS), size=ACCOUNTS))),
    }


def _names(letter: str, numbers: Ints, width: int) -> pa.Array:
    return pa.array([f"{letter}{n:0{width}d}" for n in numbers.tolist()], pa.string())
