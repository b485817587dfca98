"""The six planted campaigns, and no other, are found for any seed: screened for real, without the pictures."""

import json
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from tocsin.cases import build_cases
from tocsin.flow import Verdict, judge
from tocsin.flow.gathering import Gathered
from tocsin.screen import rule_detector, screen_batch
from tocsin.standard import RulePack, Standard, compile_pack
from tocsin.traffic import SeenIds, pull
from tocsin.traffic.sample import CAMPAIGNS, Sample, build_sample

EVERY_SEED = range(1, 21)


@pytest.fixture(scope="module")
def pack(shipped: Standard, pack_cache: Path) -> RulePack:
    return compile_pack(shipped, pack_cache / "tocsin")


def verdict_on(sample: Sample, standard: Standard, pack: RulePack, folder: Path) -> Verdict:
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in sample.events), encoding="utf-8")
    detector, gathered = rule_detector(standard, pack), Gathered()
    with SeenIds(folder) as seen:
        for pulled in pull([str(log)], seen=seen):
            gathered.add(screen_batch(pulled.traffic, detector))
    findings, activity = gathered.judge(standard.version)
    return judge(sample, build_cases(findings, activity, standard, today=date(2026, 1, 1)))


def check(seed: int, without: tuple[str, ...], standard: Standard, pack: RulePack, folder: Path) -> None:
    verdict = verdict_on(build_sample(seed, without), standard, pack, folder)
    assert verdict.planted == [name for name in CAMPAIGNS if name not in without]
    assert (verdict.found, verdict.false) == (verdict.planted, [])


@pytest.mark.parametrize("seed", [4, 11, 16])
def test_all_are_found(shipped: Standard, pack: RulePack, tmp_path: Path, seed: int) -> None:
    check(seed, (), shipped, pack, tmp_path)


@pytest.mark.parametrize(("seed", "name"), [(3, CAMPAIGNS[0]), (8, CAMPAIGNS[3])])
def test_without_one_the_others_are(shipped: Standard, pack: RulePack, tmp_path: Path, seed: int, name: str) -> None:
    check(seed, (name,), shipped, pack, tmp_path)


def test_no_campaign_at_all_is_no_case_about_anybody(shipped: Standard, pack: RulePack, tmp_path: Path) -> None:
    check(6, tuple(CAMPAIGNS), shipped, pack, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize(("seed", "without"), [*product(EVERY_SEED, [(), *((name,) for name in CAMPAIGNS)])])
def test_every_seed_with_and_without(
    shipped: Standard, pack: RulePack, tmp_path: Path, seed: int, without: tuple[str, ...]
) -> None:
    check(seed, without, shipped, pack, tmp_path)
