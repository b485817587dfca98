"""What may be shared: common to three accounts, nothing private, nothing common, at most 64 windows."""

from random import Random

import numpy as np
import pytest
from fingerprint_texts import KEY, NOTHING, crowd_of, text
from hypothesis import given
from hypothesis import strategies as st

from tocsin.forms import PolicyError
from tocsin.text import fold_text
from tocsin.text.fingerprint import PRIVATE, hash_windows, public_windows
from tocsin.text.fingerprint_thin import Crowd, common_windows, thin
from tocsin.text.windows import WINDOW_BYTES

LONG = text("en", Random(3), 400)


def windows_of(line: str) -> set[int]:
    return set(hash_windows(line.encode())[0].tolist())


@pytest.mark.parametrize("accounts", [["a"], ["a", "b"]])
def test_one_or_two_persons_words_are_refused(accounts: list[str]) -> None:
    with pytest.raises(PolicyError, match=f"{len(accounts)} accounts, need 3") as refused:
        thin(crowd_of([LONG] * 5, accounts), NOTHING, "case", "M12", KEY)
    assert refused.value.exit_code == 5
    assert LONG[:20] not in str(refused.value)


def test_at_most_64_windows_are_shared() -> None:
    assert len(thin(crowd_of([LONG]), NOTHING, "case", "M12", KEY).windows) == 64


def test_what_one_account_adds_is_not_shared() -> None:
    common, random = text("en", Random(4), 20), Random(5)
    crowd = Crowd()
    for account in "abcd":
        crowd.add(f"{common} {text('en', random, 40)}", [account])
    shared, _ = crowd.common(3)
    assert set(shared.tolist()) <= windows_of(common + " ")


def test_nothing_of_three_accounts_in_common_is_refused() -> None:
    crowd, random = Crowd(), Random(6)
    for account in "abc":
        crowd.add(text("en", random, 6), [account])
    with pytest.raises(PolicyError, match="windows that may be shared"):
        thin(crowd, NOTHING, "case", "M12", KEY)


def test_what_benign_texts_have_in_common_is_left_out() -> None:
    common, own = text("en", Random(7), 25), text("en", Random(8), 25)
    benign = common_windows([f"{common} one", f"{common} two", "something else entirely"])
    assert set(benign.tolist()) <= windows_of(f"{common} ")
    with_it = thin(crowd_of([f"{common} {own}"]), benign, "case", "M12", KEY)
    low = {int(h) & 0xFFFFFFFF for h in KEY.keyed(hash_windows(f"{common} {own}".encode())[0])}
    gone = {int(h) & 0xFFFFFFFF for h in KEY.keyed(benign)}
    assert set(with_it.windows.tolist()) <= low - gone
    with pytest.raises(PolicyError):
        thin(crowd_of([common]), benign, "case", "M12", KEY)


PRIVATE_TEXTS = [
    ("send it to {} at once please", "mia.lind@example.com"),
    ("look at {} and tell nobody", "https://shop.example.org/a/b?c=d"),
    ("the number is {} as you know", "4417 2213 9981"),
    ("write as if dear {} had asked you for it", "Rosalind"),
    ("it lies at {} behind the door", "Willow Street"),
    ("请把它寄给{}，不要告诉别人知道", "13900001111"),
    ("我的名字不重要，我叫{}，请照办就是了", "李小明"),
    ("请联系{}先生，让他今天晚上回复我们", "欧阳"),
]


@pytest.mark.parametrize(("frame", "private"), PRIVATE_TEXTS)
def test_no_window_touches_what_is_private(frame: str, private: str) -> None:
    line = fold_text(frame.format(private)).text
    inner = fold_text(private).text.encode()
    start = line.encode().index(inner)
    _, places = public_windows(line)
    assert len(places)
    assert all(p + WINDOW_BYTES <= start or p >= start + len(inner) for p in places.tolist())


@given(st.text(st.sampled_from("ab 1@.路号甲乙先生"), max_size=60))
def test_windows_are_those_that_touch_nothing_private(line: str) -> None:
    raw = line.encode()
    ends = [len(line[:i].encode()) for i in range(len(line) + 1)]
    hidden = {b for m in PRIVATE.finditer(line) for b in range(ends[m.start()], ends[m.end()])}
    starts = range(max(0, len(raw) - WINDOW_BYTES + 1))
    expected = [i for i in starts if not hidden & set(range(i, i + WINDOW_BYTES))]
    assert public_windows(line)[1].tolist() == expected


def test_a_crowd_too_large_to_hold_keeps_the_smallest_hashes() -> None:
    whole, bounded = Crowd(), Crowd(most=8_000)
    lines = [text("en", Random(i), 40) for i in range(40)]
    for line in lines:
        whole.add(line, ["a", "b", "c"])
        bounded.add(line, ["a", "b", "c"])
    all_hashes, some = whole.common(3)[0], bounded.common(3)[0]
    assert 64 < len(some) < len(all_hashes)
    assert np.array_equal(all_hashes[: len(some)], some)
