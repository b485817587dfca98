"""Wire the stages for one run: workers, resume, atomic outputs, the demo."""

from tocsin.flow.asking import check_text, describe, describe_standard, price_standard
from tocsin.flow.checking import MOST_MESSAGES, Checked, Checker, CheckSettings, Message, Request, read_messages
from tocsin.flow.decided import Decided, decided_rows, read_decisions
from tocsin.flow.demo import Verdict, judge, run_demo
from tocsin.flow.evaluating import draw_evaluation, draw_said_and_so, evaluate_model
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
from tocsin.flow.gathering import Gathered
from tocsin.flow.guarding import read_guard
from tocsin.flow.judging import Judging, as_stage, judge_texts, load_model
from tocsin.flow.pieces import LostPieceError, OpenStreams, Stretch
from tocsin.flow.screening import Outcome, Settings, run_screen
from tocsin.flow.training import read_labelled, train_model
from tocsin.flow.workers import Detectors, Recipe
from tocsin.screen.classifier import Settings as TrainSettings

__all__ = [
    "MOST_MESSAGES",
    "AlarmBank",
    "CaseFiles",
    "CheckSettings",
    "Checked",
    "Checker",
    "Decided",
    "Detectors",
    "Exercise",
    "Gathered",
    "Judging",
    "LostPieceError",
    "Message",
    "OpenStreams",
    "Outcome",
    "Recipe",
    "Request",
    "Settings",
    "Stretch",
    "TrainSettings",
    "Verdict",
    "alarm_bank",
    "as_stage",
    "build_bank",
    "check_text",
    "decided_rows",
    "describe",
    "describe_bank",
    "describe_standard",
    "draw_evaluation",
    "draw_said_and_so",
    "evaluate_model",
    "extend_bank",
    "fits",
    "judge",
    "judge_texts",
    "load_model",
    "look_up",
    "price_standard",
    "rank_ranges",
    "read_decisions",
    "read_guard",
    "read_labelled",
    "read_messages",
    "read_table",
    "redraw",
    "run_demo",
    "run_screen",
    "shrink_bank",
    "train_model",
    "write_exercise",
]
