"""Wire the stages for one run: workers, resume, atomic outputs, the demo."""

from tocsin.flow.asking import check_text, describe, describe_standard, price_standard
from tocsin.flow.demo import Verdict, judge, run_demo
from tocsin.flow.finished import read_table, redraw
from tocsin.flow.screening import Outcome, Settings, run_screen

__all__ = [
    "Outcome",
    "Settings",
    "Verdict",
    "check_text",
    "describe",
    "describe_standard",
    "judge",
    "price_standard",
    "read_table",
    "redraw",
    "run_demo",
    "run_screen",
]
