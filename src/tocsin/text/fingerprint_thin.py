"""What of a case's texts may be shared: windows common to several accounts and rare elsewhere, a few of them.

A window that one or two accounts hold may tell of a person and goes; so does one that benign texts hold, for it tells
of nothing. The public hash chooses among the others, so that whoever holds the same texts chooses the same.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.forms.errors import PolicyError
from tocsin.text.bank import PROBED, Fingerprints, fingerprint
from tocsin.text.fingerprint import GroupKey, Places, hash_windows, public_windows
from tocsin.text.probe import MOST_WINDOWS
from tocsin.text.windows import SAMPLED, WINDOW_BYTES, Hashes

LEAST_ACCOUNTS = 3
LEAST_SHARE = 0.1  # of a case's accounts
LEAST_WINDOWS = 8
LEAST_BENIGN = 2  # benign texts that hold a window make it common
BENIGN_STEP = 4096  # benign lines hashed at once
GATHERED = 1 << 22  # (window, account) pairs held before equal ones are merged, and the largest hashes let go
STRETCH_STEP, MOST_STRETCH = 64, 1 << 16


@dataclass
class Crowd:
    """Gather who holds which windows; of very many, those with the smallest hashes."""

    accounts: dict[str, int] = field(default_factory=dict)
    most: int = GATHERED
    below: int = 1 << 64
    _pairs: list[Places] = field(default_factory=list)  # rows: hash as it is, account, first place, end
    _held: int = 0

    def add(self, line: str, accounts: list[str]) -> None:
        """Take in one folded line and the accounts that sent it."""
        hashes, at = public_windows(line)
        keep = hashes <= np.uint64(self.below - 1)
        hashes, first = np.unique(hashes[keep], return_index=True)
        at = at[keep][first]
        for account in accounts:
            number = self.accounts.setdefault(account, len(self.accounts))
            self._pairs.append(np.stack([hashes.view(np.int64), np.full(len(hashes), number), at]))
            self._held += len(hashes)
        if self._held > self.most:
            self._merge()

    def common(self, least: int) -> tuple[Hashes, Places]:
        """Give the windows that so many accounts hold, smallest hash first, and the least place of each in a text."""
        self._merge()
        pairs = self._pairs[0]
        hashes, begin, counts = np.unique(pairs[0].view(np.uint64), return_index=True, return_counts=True)
        place = np.minimum.reduceat(pairs[2], begin) if len(begin) else pairs[2]
        return hashes[counts >= least], place[counts >= least]

    def _merge(self) -> None:
        whole = np.concatenate([np.empty((3, 0), dtype=np.int64), *self._pairs], axis=1)
        hashes = whole[0].view(np.uint64)
        order = np.lexsort((whole[2], whole[1], hashes))
        whole = whole[:, order]
        fresh = np.ones(whole.shape[1], dtype=bool)
        fresh[1:] = (whole[0, 1:] != whole[0, :-1]) | (whole[1, 1:] != whole[1, :-1])
        whole = whole[:, fresh]
        while whole.shape[1] > self.most // 2:
            self.below //= 2
            whole = whole[:, whole[0].view(np.uint64) < np.uint64(self.below)]
        self._pairs, self._held = [whole], whole.shape[1]


def thin(crowd: Crowd, benign: Hashes, name: str, kind: str, key: GroupKey) -> Fingerprints:
    """Make an alarm's fingerprint from what its accounts have in common; `benign` are common windows, ascending.

    Errors: PolicyError where fewer than three accounts stand behind it, or too little is common to them.
    """
    count = len(crowd.accounts)
    if count < LEAST_ACCOUNTS:
        raise PolicyError(
            f"alarm {name!r} has texts of {count} accounts, need {LEAST_ACCOUNTS}",
            hint="a fingerprint of one person's words is never shared; gather the case's other accounts",
        )
    hashes, at = crowd.common(max(LEAST_ACCOUNTS, int(np.ceil(LEAST_SHARE * count))))
    rare = ~among(hashes, benign)
    hashes, at = hashes[rare][:MOST_WINDOWS], at[rare][:MOST_WINDOWS]
    probed = int((hashes[:PROBED] < np.uint64(SAMPLED)).sum())
    if len(hashes) < LEAST_WINDOWS or not probed:
        raise PolicyError(
            f"alarm {name!r} has {len(hashes)} windows that may be shared and {probed} to look for, "
            f"need {LEAST_WINDOWS} and 1",
            hint="its texts are too short, too personal or too common for a fingerprint",
        )
    return fingerprint(name, kind, key.mark, key.keyed(hashes), probed, _stretch(at))


def common_windows(lines: list[str]) -> Hashes:
    """Give the windows that at least two of these folded benign lines hold, ascending; private ones too, for speed."""
    known = list(dict.fromkeys(lines))
    held = [np.empty(0, dtype=np.uint64)]
    held += [_held_windows(known[at : at + BENIGN_STEP]) for at in range(0, len(known), BENIGN_STEP)]
    hashes, counts = np.unique(np.concatenate(held), return_counts=True)
    return hashes[counts >= LEAST_BENIGN]


def among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Say which hashes are among known ones, which ascend and may be very many."""
    place = np.searchsorted(known, hashes)
    inside = place < len(known)
    inside[inside] = known[place[inside]] == hashes[inside]
    return inside


def _held_windows(lines: list[str]) -> Hashes:
    """Give the windows of lines, each as often as lines hold it."""
    raw = [line.encode() + b"\n" for line in lines]
    ends = np.cumsum([len(r) for r in raw])
    hashes, at = hash_windows(b"".join(raw))
    line = np.searchsorted(ends, at, side="right")
    inside = at + WINDOW_BYTES < ends[line]
    line, hashes = line[inside], hashes[inside]
    order = np.lexsort((line, hashes))
    line, hashes = line[order], hashes[order]
    fresh = np.ones(len(line), dtype=bool)
    fresh[1:] = (line[1:] != line[:-1]) | (hashes[1:] != hashes[:-1])
    return hashes[fresh]


def _stretch(at: Places) -> int:
    extent = int(at.max() - at.min()) + WINDOW_BYTES
    return min(-(-extent // STRETCH_STEP) * STRETCH_STEP, MOST_STRETCH)
