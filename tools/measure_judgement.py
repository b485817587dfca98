"""Measure the shipped classifier and keep the figures in bench/results/judgement.json.

Usage: python tools/measure_judgement.py LABELLED_FOLDER [--train FIGURES] [--peers FOLDER] [--only PART ...]

PARTs: apart (from FIGURES, what `tocsin train --json` printed), peers (scores that tools/score_peers.py wrote),
disguises, sessions, pairs, stream, demo, speed. `tools/measure_quality.py` writes the page from the figures.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tocsin.cases import build_cases
from tocsin.flow import Judging, Settings, judge_texts, read_labelled, run_screen
from tocsin.flow.judging import Rules
from tocsin.flow.training import Told, judge_authored
from tocsin.screen.classifier import (
    Stages,
    authored_sessions,
    fit_so_far,
    gather,
    judge,
    judge_sessions,
    ordinary_sessions,
    sentence_encoder,
    shipped_model,
)
from tocsin.screen.classifier.apart import Ranked
from tocsin.screen.classifier.folds import folds_of
from tocsin.screen.classifier.measures import auprc, auroc, recall_at, threshold_at
from tocsin.screen.classifier.stages import first_sums
from tocsin.screen.classifier.written import read_stock
from tocsin.standard import load_standard
from tocsin.text import fold_batch, kernels_in_use
from tocsin.traffic.sample import build_sample

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests/standard"), str(ROOT / "bench")]
from standard_disguises import DISGUISES  # noqa: E402

RESULTS = ROOT / "bench/results/judgement.json"
CACHE = Path(tempfile.gettempdir()) / "tocsin-measures"  # compiled rules
LEFT_OUT = ("xsafety", "aig_eval")
STAGES = ("first", "second")
SESSION_ALARMS, PAIR_ALARMS = 0.05, 0.08
STREAM_ROWS, STREAM_SEEDS = 200_000, range(11, 13)
DEMO_SEEDS = range(1, 4)
SPEED_COPIES = 20
TOP_CASES = 100


def labelled(folder: Path, split: str) -> list[Any]:
    rows = read_labelled([folder / f"{split}.{lang}.jsonl.gz" for lang in ("en", "zh")])
    return [row for row in rows if row.source not in LEFT_OUT]


def peers(folder: Path, scores: Path) -> dict[str, Any]:
    """Put the peers' scores of the same rows on the same folds; nothing of theirs is trained."""
    data = gather(labelled(folder, "train"))
    parts = [(np.flatnonzero(f.unseen | f.plain), f.unseen, n) for n, f in enumerate(folds_of(data))]
    at = np.concatenate([rows for rows, _, _ in parts])
    unseen = np.concatenate([mask[rows] for rows, mask, _ in parts])
    fold = np.concatenate([np.full(len(rows), n) for rows, _, n in parts])
    told = data.sources[at], data.kinds[at], data.langs[at], data.misuse[at]
    found = {}
    for path in sorted(scores.glob("*.json")):
        held = json.loads(path.read_text("utf-8"))
        if len(held["scores"]) != len(data):
            raise SystemExit(f"{path.name}: {len(held['scores'])} scores for {len(data)} texts")
        ranked = Ranked(np.array(held["scores"])[at], *told, unseen, fold)
        per_second = round(len(data) / held["seconds"])
        found[path.stem] = {"sources": list(ranked.by_source()), "texts_per_second": per_second}
    return found


def disguises(folder: Path) -> dict[str, Any]:
    """Measure recall at the model's own threshold before and after each disguise; dev shares its sources with train."""
    rows, model = labelled(folder, "dev"), shipped_model()
    found: dict[str, Any] = {}
    for lang in ("en", "zh"):
        texts = [r.text for r in rows if r.lang == lang and r.label == "misuse" and len(r.text) <= 400][:300]
        for stage in STAGES:
            alarm = model.card.scales[stage][lang].threshold(0.01)
            told = {"plain": texts} | {d.__name__: [d(t) for t in texts] for d in DISGUISES}
            every = judge_texts([t for ts in told.values() for t in ts], model, stage, CACHE) > alarm
            recall = {
                name: round(float(r.mean()), 4) for name, r in zip(told, every.reshape(len(told), -1), strict=True)
            }
            found.setdefault(lang, {})[stage] = recall
        found[lang]["texts"] = len(texts)
    return found


def sessions() -> dict[str, Any]:
    """Measure authored sessions: those held out by their worst message, as sessions; turns alone, in sessions.

    For turns, half of the ideas is scored by slopes that were fitted on the other half.
    """
    told, rules, model = authored_sessions(), Rules.load(CACHE), shipped_model()
    held = np.array([s.held_out for s in told])
    found: dict[str, Any] = {"sessions": len(told), "measured": int(held.sum())}
    for stage, stages in (("first", Stages(model)), ("second", Stages(model, sentence_encoder()))):
        judged = judge_authored([*told, *ordinary_sessions()], stages, rules)
        own = judged.sessions.slice(0, len(told))
        ways = {"worst message": own["worst"].to_numpy(), "session": judge_sessions(own, model)}
        misuse, scenario = np.array([s.misuse for s in told]), np.array([s.scenario for s in told])
        for name, harm in ways.items():
            found[f"{stage}, {name}"] = _by_scenario(harm[held], misuse[held], scenario[held])
        turns = judged.session < len(told)
        of, in_session = judged.session[turns], _in_sessions(judged, held)[turns]
        for name, harm in (("turn by its text", judged.logit[turns]), ("turn in its session", in_session)):
            found[f"{stage}, {name}"] = _by_scenario(harm, judged.misuse[turns], scenario[of])
        found[f"{stage}, turns"] = int(turns.sum())
    return found


def _in_sessions(judged: Told, held: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Score the turns of each half of the sessions by slopes fitted on the other half; ordinary ones by turns."""
    ordinary = np.arange(judged.session.max() + 1 - len(held)) % 2 == 1
    half, harm = np.concatenate([held, ordinary])[judged.session], np.zeros(len(judged.logit))
    for side in (half, ~half):
        slopes = fit_so_far(judged.logit[~side], judged.inputs[~side], judged.misuse[~side])
        harm[side] = judged.logit[side] + judged.inputs[side] @ slopes
    return harm


def _by_scenario(
    harm: NDArray[np.float64], misuse: NDArray[np.bool_], scenario: NDArray[np.str_]
) -> dict[str, dict[str, float]]:
    whole = {"all": np.ones(len(harm), dtype=np.bool_)}
    groups = whole | {s: scenario == s for s in sorted(set(scenario.tolist()))}
    alarm = threshold_at(harm[~misuse], SESSION_ALARMS)
    return {
        group: {
            "auroc": round(auroc(harm[of], misuse[of]), 4),
            "auprc": round(auprc(harm[of], misuse[of]), 4),
            "recall": round(float((harm[of & misuse] > alarm).mean()), 4),
        }
        for group, of in groups.items()
    }


def pairs() -> dict[str, Any]:
    """Measure harmful goals that nothing was trained on against their honest twins, in every frame."""
    stock, model = read_stock(), shipped_model()
    found: dict[str, Any] = {}
    for at, lang in enumerate(("en", "zh")):
        frames = [frame[at] for frame in stock.frames]
        texts = [f.replace("{}", goal[at]) for goal, _ in stock.kept for f in frames]
        misuse = np.array([label == "misuse" for _, label in stock.kept for _ in frames])
        for stage in STAGES:
            harm = judge_texts(texts, model, stage, CACHE)
            alarm = model.card.scales[stage][lang].threshold(0.01)
            found.setdefault(lang, {})[stage] = {
                "texts": len(texts),
                "auroc": round(auroc(harm, misuse), 4),
                "recall_at_8%_of_twins": round(recall_at(harm, misuse, PAIR_ALARMS), 4),
                "recall_at_model_threshold": round(float((harm[misuse] > alarm).mean()), 4),
                "twins_alarmed": round(float((harm[~misuse] > alarm).mean()), 4),
            }
    return found


def stream() -> dict[str, Any]:
    """Screen authored events, one in 200 planted; count false cases with the classifier's findings and without them.

    The rules were mended by what they said on the streams of other seeds.
    """
    from generate import generate
    from talk import RING_ACCOUNTS, RINGS

    def planted(account: str) -> bool:
        return int(account.lstrip("a-")) < RINGS * RING_ACCOUNTS

    counted = []
    for seed in STREAM_SEEDS:
        with tempfile.TemporaryDirectory() as work:
            logs = Path(work, "rows.parquet")
            generate(STREAM_ROWS, logs, seed)
            counted.append(_false_cases(logs, planted))
    return _summed(counted)


def demo() -> dict[str, Any]:
    """Screen the sample of the demo, its six campaigns planted, and count as in `stream`."""
    counted = []
    for seed in DEMO_SEEDS:
        sample = build_sample(seed, ())
        owned = {account for p in sample.planted for account in p.accounts}
        with tempfile.TemporaryDirectory() as work:
            logs = Path(work, "logs.jsonl")
            logs.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in sample.events), encoding="utf-8")
            counted.append(_false_cases(logs, owned.__contains__))
    return _summed(counted)


def _false_cases(logs: Path, planted: Callable[[str], bool]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as work:
        out = Path(work, "out")
        run_screen(Settings((str(logs),), out, judging=Judging(), scores=True, cache=CACHE), time.perf_counter)
        activity, findings = pq.read_table(out / "activity.parquet"), pq.read_table(out / "findings.parquet")
        harm = pq.read_table(out / "scores.parquet", columns=["harm"])["harm"].to_numpy()
    silent = findings.filter(pc.not_equal(findings["detector"], "classifier"))
    found: dict[str, Any] = {
        "events": len(harm),
        "findings": len(findings) - len(silent),
        "above": int((harm > 0.5).sum()),
    }
    for name, told in (("with", findings), ("without", silent)):
        cases = build_cases(told, activity, load_standard(), today=date(2026, 1, 1))
        found[name] = [planted(accounts[0]) for accounts in cases["accounts"].to_pylist()]
    return found


def _summed(counted: list[dict[str, Any]]) -> dict[str, Any]:
    events = sum(c["events"] for c in counted)
    found: dict[str, Any] = {
        "events": events,
        "streams": len(counted),
        "findings_of_the_classifier": sum(c["findings"] for c in counted),
        "above_half": round(sum(c["above"] for c in counted) / events, 6),
    }
    for name in ("with", "without"):
        false = sum(len(c[name]) - sum(c[name]) for c in counted)
        tops = [c[name][:TOP_CASES] for c in counted]
        found[name] = {
            "cases": sum(len(c[name]) for c in counted),
            "false_cases": false,
            "false_cases_a_million_events": round(false * 1e6 / events, 1),
            "precision_of_top_100": round(sum(map(sum, tops)) / max(1, sum(map(len, tops))), 4),
        }
    return found


def speed(folder: Path) -> dict[str, Any]:
    """Time the stages on one core: processor seconds for folded bytes and for candidates."""
    model, found = shipped_model(), {}
    for lang in ("en", "zh"):
        texts = [r.text for r in labelled(folder, "dev") if r.lang == lang]
        folded = fold_batch(pa.array(texts * SPEED_COPIES, pa.string()))
        voices = np.zeros((len(folded.texts), 2), np.float32)
        first = min(_seconds(lambda: judge(folded, voices, Stages(model))) for _ in range(3))  # noqa: B023  # run at once
        sums = min(_seconds(lambda: first_sums(folded, model)) for _ in range(3))  # noqa: B023
        encode, some = sentence_encoder(), sorted(texts, key=len)[: len(texts) * 9 // 10]
        encode(some[:10])
        seconds = _seconds(lambda: encode(some))  # noqa: B023
        size = len(folded.buffer) / 1e6
        found[lang] = {
            "first_stage_mb_s": round(size / first, 1),
            "kernel_alone_mb_s": round(size / sums, 1),
            "second_stage_texts_s": round(len(some) / seconds),
        }
    return found | {"kernels": kernels_in_use()}


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labelled", type=Path)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--texts", type=Path, help="only write the texts that peers score")
    given = parser.parse_args()
    if given.texts:
        texts = [row.text for row in labelled(given.labelled, "train")]
        given.texts.write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
        return
    parts: dict[str, Callable[[], Any]] = {
        "disguises": lambda: disguises(given.labelled),
        "sessions": sessions,
        "pairs": pairs,
        "stream": stream,
        "demo": demo,
        "speed": lambda: speed(given.labelled),
    }
    if given.train:
        parts["apart"] = lambda: json.loads(given.train.read_text("utf-8"))["stages"]
    if given.peers:
        parts["peers"] = lambda: peers(given.labelled, given.peers)
    held = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name in given.only if given.only is not None else parts:
        held[name] = parts[name]()
        held["model"] = shipped_model().digest
        if name == "disguises":
            held["disguises_by"] = held["model"]
        RESULTS.write_text(json.dumps(held, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(name, "measured", file=sys.stderr)


if __name__ == "__main__":
    main()
