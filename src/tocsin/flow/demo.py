"""The demo: screen the shipped sample for real and hold what is found against what was planted."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from tocsin.flow.screening import Clock, Settings, Tick, run_screen
from tocsin.forms import TransportError
from tocsin.traffic.sample import Planted, Sample, build_sample

FOUND_SHARE = 0.5  # of a planted campaign's accounts, those in campaigns that are mostly its own
SAMPLE_DAY = date(2026, 1, 1)  # allow-lists play no part


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold the names planted and found, and the ids of cases about accounts that belong to no planted campaign."""

    truth: tuple[Planted, ...]
    found: list[str]
    false: list[str]
    rows: int
    accounts: int

    @property
    def planted(self) -> list[str]:
        """Name the planted campaigns, in order."""
        return [p.name for p in self.truth]


def run_demo(out: Path, seed: int, without: tuple[str, ...], cache: Path | None, clock: Clock, tick: Tick) -> Verdict:
    """Write the sample and its truth into `out/sample`, screen it into `out`, and compare."""
    sample = build_sample(seed, without)
    try:
        logs = _write(sample, out / "sample")
    except OSError as error:
        raise TransportError(
            f"cannot write to {out.name!r}: {error.strerror}", hint="name another folder with --out"
        ) from error
    outcome = run_screen(Settings((str(logs),), out, today=SAMPLE_DAY, cache=cache), clock, tick)
    if outcome.failures:
        raise outcome.failures[0]
    return judge(sample, outcome.cases)


def judge(sample: Sample, cases: pa.Table) -> Verdict:
    """Compare cases with the truth; a case alone finds no campaign, and one about anybody else is false."""
    owner = {account: p.name for p in sample.planted for account in p.accounts}
    kind = {p.name: p.kind for p in sample.planted}
    rows = cases.select(["case_id", "campaign_id", "kinds", "accounts"]).to_pylist()
    hit: Counter[str] = Counter()
    for campaign in sorted({r["campaign_id"] for r in rows if r["campaign_id"]}):
        members = [r for r in rows if r["campaign_id"] == campaign]
        owners = Counter(owner.get(a, "") for r in members for a in r["accounts"])
        name, count = owners.most_common(1)[0]
        if name and count > len(members) / 2 and any(kind[name] in r["kinds"] for r in members):
            hit[name] += count
    found = [p.name for p in sample.planted if hit[p.name] >= FOUND_SHARE * len(p.accounts)]
    false = sorted(r["case_id"] for r in rows if not any(a in owner for a in r["accounts"]))
    accounts = len({e["account"] for e in sample.events})
    return Verdict(sample.planted, found, false, len(sample.events), accounts)


def _write(sample: Sample, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    logs = folder / "traffic.jsonl"
    logs.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in sample.events), encoding="utf-8")
    truth = [
        {"name": p.name, "kind": p.kind, "accounts": list(p.accounts), "story": {"en": p.story.en, "zh": p.story.zh}}
        for p in sample.planted
    ]
    (folder / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return logs
