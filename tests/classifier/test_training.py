"""Training material, folds, training itself on a small set, and the commands."""

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tocsin.flow import TrainSettings, evaluate_model, load_model, read_labelled, train_model
from tocsin.forms import FormatError, TransportError
from tocsin.screen.classifier import authored_sessions, gather, parse_labelled, shipped_model, written_rows
from tocsin.screen.classifier.folds import FOLDS, folds_of
from tocsin.screen.classifier.train import source_weights
from tocsin.screen.classifier.written import read_stock

SMALL = TrainSettings(rounds=3, epochs=1)


def row(n: int, misuse: bool, lang: str = "en", source: str = "") -> dict[str, str]:
    text = f"help me steal {n} cars without being caught" if misuse else f"help me bake {n} cakes for the party"
    kind = "illegal_goods" if misuse else "none"
    label = "misuse" if misuse else "benign"
    return {"text": text, "lang": lang, "label": label, "kind": kind, "source": source or f"s{n % 7}", "id": str(n)}


def lines(rows: list[dict[str, str]]) -> list[bytes]:
    return [json.dumps(r).encode() for r in rows]


def test_what_was_written_is_there_in_both_languages_alike() -> None:
    rows = written_rows(1)
    counts = Counter((r.lang, r.label) for r in rows)
    assert min(counts.values()) > 1000
    for label in ("misuse", "benign"):
        assert abs(counts["en", label] - counts["zh", label]) < 0.1 * counts["en", label]
    assert {r.kind for r in rows if r.label == "misuse"} >= {"cyber", "fraud", "influence", "self_harm", "sexual"}
    assert written_rows(1) == rows != written_rows(2)


def test_no_slot_stays_open() -> None:
    assert not [r.text for r in written_rows(1) if "{" in r.text and "def " not in r.text]


def test_what_is_kept_for_sessions_is_never_trained_on() -> None:
    trained = {r.text for r in written_rows(1)}
    kept = [text for pair, _ in read_stock().kept for text in pair]
    steps = [text for chain, _, _ in read_stock().chains for pair in chain for text in pair]
    assert len(kept) > 80
    assert not [text for text in kept + steps if text in trained]


def test_there_are_enough_sessions_half_of_them_honest() -> None:
    sessions = authored_sessions()
    assert len(sessions) >= 400
    assert Counter(s.misuse for s in sessions)[True] == len(sessions) / 2
    assert len({s.name for s in sessions}) == len(sessions)
    assert all(len(s.turns) >= 2 for s in sessions)
    assert {t.part for s in sessions if s.scenario == "split" for t in s.turns} == {0, 1, 2}


def test_folds_keep_whole_sources_apart() -> None:
    names = ["hatecheck", "catqa", "multijail", "mystery", "clinc150", "gsm8k", "written-x"]
    data = gather(
        parse_labelled(lines([row(n, m, source=s) for n in range(60) for m in (True, False) for s in names]), "x")
    )
    apart = np.zeros(len(data), dtype=int)
    for fold in folds_of(data):
        assert not (fold.train & (fold.unseen | fold.plain)).any()
        assert fold.train[np.char.startswith(data.sources, "written")].all()
        for source in np.unique(data.sources[fold.unseen & data.misuse]):
            assert not (fold.train & data.misuse & (data.sources == source)).any()
        apart += fold.unseen
    ours = np.char.startswith(data.sources, "written")
    assert (apart[~ours] == 1).all()
    assert (apart[ours] == 0).all()
    assert FOLDS == 9


def test_languages_labels_and_sources_are_balanced() -> None:
    rows = [row(n, True, "en", "big") for n in range(400)] + [row(n, True, "en", "small") for n in range(100)]
    rows += [row(n, False, "en") for n in range(50)] + [row(n, m, "zh") for n in range(30) for m in (True, False)]
    data = gather(parse_labelled(lines(rows), "x"))
    weights = source_weights(data, np.ones(len(data), dtype=np.bool_))
    of = {s: weights[data.sources == s].sum() for s in ("big", "small")}
    assert of["big"] / of["small"] == pytest.approx(2)  # the root of 400 to 100
    for lang in ("en", "zh"):
        for misuse in (True, False):
            assert weights[(data.langs == lang) & (data.misuse == misuse)].sum() == pytest.approx(len(data) / 4)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 1"),
        (b'{"text": 1, "lang": "en", "label": "benign"}', "line 1"),
        (b'{"text": "a", "lang": "fr", "label": "benign"}', "lang"),
        (b'{"text": "a", "lang": "en", "label": "odd"}', "label"),
        (b'{"text": "a", "lang": "en", "label": "misuse", "kind": "odd"}', "kind"),
        (b'"' + b"a" * (1 << 20) + b'"', "limit"),
    ],
)
def test_wrong_lines_are_refused_by_their_place(line: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        parse_labelled([line], "file")


def test_files_are_read_plain_or_packed(tmp_path: Path) -> None:
    raw = b"\n".join(lines([row(1, True), row(2, False)]))
    plain, packed, broken = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz", tmp_path / "c.jsonl.gz"
    plain.write_bytes(raw)
    packed.write_bytes(gzip.compress(raw))
    broken.write_bytes(gzip.compress(raw)[:-12])
    assert read_labelled([plain]) == read_labelled([packed])
    with pytest.raises(FormatError):
        read_labelled([broken])
    with pytest.raises(TransportError):
        read_labelled([tmp_path / "none"])


def test_evaluate_says_the_same_of_each_language_apart(tmp_path: Path, pack_cache: Path) -> None:
    rows = read_labelled_rows(tmp_path)
    found = evaluate_model(rows, shipped_model(), "first", pack_cache / "tocsin")
    assert set(found["languages"]) == {"en", "zh"}
    en = found["languages"]["en"]
    assert en["auroc"]["low"] <= en["auroc"]["value"] <= en["auroc"]["high"]
    assert en["auroc"]["value"] > 0.8
    assert set(en["sources"]) == {f"s{n}" for n in range(7)}
    assert en["kinds"]["M10"]["misuse"] == 40
    assert sum(b["texts"] for b in en["reliability"]) == 80
    assert found == evaluate_model(rows, shipped_model(), "first", pack_cache / "tocsin")


def read_labelled_rows(folder: Path) -> list:
    path = folder / "rows.jsonl"
    rows = [row(n, m) for n in range(40) for m in (True, False)]
    rows += [row(n, False, "zh") | {"text": f"教我给聚会烤{n}个蛋糕"} for n in range(30)]
    rows += [row(n, True, "zh") | {"text": f"教我偷{n}辆车不被警察抓到"} for n in range(30)]
    path.write_bytes(b"\n".join(lines(rows)))
    return read_labelled([path])


@pytest.mark.soak
def test_training_twice_gives_the_same_bytes_and_a_model_that_ranks(tmp_path: Path) -> None:
    rows = read_labelled_rows(tmp_path)
    said: list[str] = []
    made = [train_model(rows, tmp_path / name, SMALL, None, said.append) for name in ("a", "b")]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert made[0]["digest"] == load_model(tmp_path / "a").digest
    found = evaluate_model(rows, load_model(tmp_path / "a"), "second", None)
    assert found["languages"]["en"]["auroc"]["value"] > 0.9
    assert len([s for s in said if s.startswith("fold")]) == 2 * FOLDS
