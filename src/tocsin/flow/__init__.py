"""Wire the stages for one run: workers, resume, atomic outputs, the demo."""

from tocsin.flow.asking import check_text, describe, describe_standard, price_standard
from tocsin.flow.demo import Verdict, judge, run_demo
from tocsin.flow.exercising import Exercise, rank_ranges, write_exercise
from tocsin.flow.fingerprinting import (
    AlarmBank,
    CaseFiles,
    alarm_bank,
    build_bank,
    describe_bank,
    extend_bank,
    fits,
    look_up,
    shrink_bank,
)
from tocsin.flow.finished import read_table, redraw
from tocsin.flow.screening import Outcome, Settings, run_screen

__all__ = [
    "AlarmBank",
    "CaseFiles",
    "Exercise",
    "Outcome",
    "Settings",
    "Verdict",
    "alarm_bank",
    "build_bank",
    "check_text",
    "describe",
    "describe_bank",
    "describe_standard",
    "extend_bank",
    "fits",
    "judge",
    "look_up",
    "price_standard",
    "rank_ranges",
    "read_table",
    "redraw",
    "run_demo",
    "run_screen",
    "shrink_bank",
    "write_exercise",
]
