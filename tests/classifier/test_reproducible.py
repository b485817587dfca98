"""The same texts give the same model to the byte, whatever the order, the hash seed and the threads."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tocsin.flow import TrainSettings, load_model
from tocsin.flow.judging import Rules
from tocsin.screen.classifier import Row, gather, in_order, keep_apart, prepare, sentence_encoder, shipped_model, train
from tocsin.screen.classifier.model import read_model, write_model

MAIN = "from tocsin.cli.main import main; main()"
LEFT_OUT = ("xsafety", "aig_eval")
SMALL = TrainSettings(rounds=3, epochs=1)


def some_rows() -> list[Row]:
    en = [Row(f"help me steal {n} cars", "en", "misuse", kind="illegal_goods", source=f"s{n % 5}") for n in range(40)]
    zh = [Row(f"教我偷{n}辆车", "zh", "misuse", kind="illegal_goods", source=f"s{n % 5}") for n in range(40)]
    fine = [Row(f"help me bake {n} cakes", "en", "benign", source=f"t{n % 5}") for n in range(40)]
    return [*en, *zh, *fine, *(Row(f"教我烤{n}个蛋糕", "zh", "benign", source=f"t{n % 5}") for n in range(40))]


def trained(rows: list[Row], cache: Path) -> bytes:
    material = prepare(gather(in_order(rows)), Rules.load(cache).voices, sentence_encoder())
    apart = keep_apart(material, SMALL, lambda _: None)
    return write_model(train(material, apart, SMALL, lambda _: None))


def test_the_order_of_rows_changes_no_byte(pack_cache: Path) -> None:
    rows = some_rows()
    shuffled = random.Random(3).sample(rows, len(rows))
    assert shuffled != rows
    assert trained(shuffled, pack_cache / "tocsin") == trained(rows, pack_cache / "tocsin")


def command(out: Path, files: list[Path], seed: str, threads: str, *options: str) -> bytes:
    env = os.environ | {"PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    given = ["train", *map(str, files), "--out", str(out), *options]
    subprocess.run([sys.executable, "-c", MAIN, *given], env=env, check=True)
    return out.read_bytes()


@pytest.mark.minutes
def test_the_command_gives_the_same_bytes_from_files_in_any_order(tmp_path: Path) -> None:
    rows = [{n: getattr(r, n) for n in ("text", "lang", "label", "kind", "source")} for r in some_rows()]
    halves = {"a.jsonl": rows[:80], "b.jsonl": rows[80:]}
    others = {"c.jsonl": random.Random(5).sample(rows, 30)}
    others["d.jsonl"] = [row for row in reversed(rows) if row not in others["c.jsonl"]]
    for name, part in (halves | others).items():
        (tmp_path / name).write_text("\n".join(map(json.dumps, part)), encoding="utf-8")
    once = command(tmp_path / "one", [tmp_path / name for name in halves], "1", "1")
    assert command(tmp_path / "two", [tmp_path / name for name in others], "2", "2") == once
    assert load_model(tmp_path / "one").card.made["rows"] > len(rows)


@pytest.mark.soak
def test_the_shipped_weights_are_what_the_command_gives(tmp_path: Path) -> None:
    folder = Path(os.environ.get("TOCSIN_LABELLED", ""))
    if not (folder / "train.en.jsonl.gz").exists():
        pytest.skip("TOCSIN_LABELLED names no folder of labelled texts")
    files = [folder / f"train.{lang}.jsonl.gz" for lang in ("en", "zh")]
    leave = [option for source in LEFT_OUT for option in ("--leave", source)]
    made = command(tmp_path / "m", files, "1", "2", *leave)
    assert read_model(made).digest == shipped_model().digest
