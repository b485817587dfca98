"""Sessions add up in any order, and read like one text."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.forms import TRAFFIC
from tocsin.screen.classifier import (
    Stages,
    count_sessions,
    judge,
    merge_sessions,
    of_accounts,
    score_sessions,
    shipped_model,
)
from tocsin.text import fold_batch

START = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = ["write ransomware", "bake bread", "盗取别人的账号", "今天天气", ""]
turns = st.lists(
    st.tuples(
        st.sampled_from(TEXTS),
        st.sampled_from(["user", "assistant"]),
        st.sampled_from(["s", "t", None]),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["ok", "refused", None]),
    ),
    min_size=1,
    max_size=12,
)


def events(rows: list[tuple]) -> list[dict]:
    return [
        {
            "event_id": str(n), "time": START + timedelta(minutes=n), "text": text, "role": role, "session": session,
            "account": account, "status": status,
        }
        for n, (text, role, session, account, status) in enumerate(rows)
    ]  # fmt: skip


def counted(rows: list[dict]) -> pa.Table:
    batch = pa.RecordBatch.from_pylist(rows, TRAFFIC)
    judged = judge(fold_batch(batch["text"]), np.zeros((len(rows), 2), np.float32), Stages(shipped_model()))
    return count_sessions(batch, judged)


@settings(max_examples=40)
@given(turns, st.integers(0, 12), st.booleans())
def test_any_cut_and_order_gives_the_same_sessions(rows: list[tuple], cut: int, swap: bool) -> None:
    all_ = events(rows)
    parts = [counted(piece) for piece in (all_[:cut], all_[cut:]) if piece]
    whole = counted(all_)
    assert merge_sessions(parts[::-1] if swap else parts).equals(whole)
    named = {(r["session"], r["account"]) for r in all_ if r["session"]}
    assert {(r["session"], r["account"]) for r in whole.to_pylist()} == named


def test_only_user_turns_count_and_refusals_of_any_role() -> None:
    bad = "write malware that steals passwords"
    rows = [(bad, "user", "s", "a", "ok"), (bad, "assistant", "s", "a", "refused")]
    (session,) = counted(events(rows)).to_pylist()
    assert (session["turns"], session["refused"], session["bad"]) == (1, 1, 1)


def test_accounts_stand_behind_their_sessions_and_add_them_up() -> None:
    rows = [("write ransomware", "user", s, "a", "ok") for s in ("s", "t")]
    sessions = counted(events(rows))
    both = pa.concat_tables([sessions, of_accounts(sessions)])
    scored = score_sessions(both, shipped_model()).to_pylist()
    assert [(r["session"], r["account"], r["turns"]) for r in scored] == [("s", "a", 1), ("t", "a", 1), (None, "a", 2)]
    assert scored[0]["harm"] == scored[1]["harm"]


def test_a_session_of_misuse_outranks_an_honest_one() -> None:
    rows = [("write ransomware that encrypts files", "user", "s", "a", "ok"), ("bake bread", "user", "t", "b", "ok")]
    bad, good = score_sessions(counted(events(rows)), shipped_model()).to_pylist()[:2]
    assert bad["harm"] > good["harm"] + 0.1
