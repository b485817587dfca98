"""Rank misuse: a fast first stage for every text, a sentence encoder for candidates; train them and measure them."""

from tocsin.screen.classifier.apart import apart_harm, measure_apart
from tocsin.screen.classifier.authored import Session, authored_sessions, ordinary_sessions
from tocsin.screen.classifier.detector import ClassifierDetector, gravest_kind
from tocsin.screen.classifier.evaluate import evaluate
from tocsin.screen.classifier.guard import Answer, Ask
from tocsin.screen.classifier.labelled import KINDS, LANGUAGES, Labelled, Row, gather, in_order, parse_labelled
from tocsin.screen.classifier.model import Model, read_model, write_model
from tocsin.screen.classifier.sessions import (
    count_sessions,
    fit_sessions,
    judge_sessions,
    merge_sessions,
    of_accounts,
    score_sessions,
    session_inputs,
)
from tocsin.screen.classifier.shipped import shipped_model
from tocsin.screen.classifier.sofar import (
    SessionsSoFar,
    Turn,
    as_turns,
    fit_so_far,
    judge_in_calls,
    raised,
    score_in_sessions,
    turns_of,
    weighed,
)
from tocsin.screen.classifier.stages import Encode, Judgement, Stages, judge, languages, sentence_encoder
from tocsin.screen.classifier.train import KeptApart, Material, Settings, keep_apart, prepare, train
from tocsin.screen.classifier.voices import Rows, rows_of, voices_of
from tocsin.screen.classifier.written import written_rows

__all__ = [
    "KINDS",
    "LANGUAGES",
    "Answer",
    "Ask",
    "ClassifierDetector",
    "Encode",
    "Judgement",
    "KeptApart",
    "Labelled",
    "Material",
    "Model",
    "Row",
    "Rows",
    "Session",
    "SessionsSoFar",
    "Settings",
    "Stages",
    "Turn",
    "apart_harm",
    "as_turns",
    "authored_sessions",
    "count_sessions",
    "evaluate",
    "fit_sessions",
    "fit_so_far",
    "gather",
    "gravest_kind",
    "in_order",
    "judge",
    "judge_in_calls",
    "judge_sessions",
    "keep_apart",
    "languages",
    "measure_apart",
    "merge_sessions",
    "of_accounts",
    "ordinary_sessions",
    "parse_labelled",
    "prepare",
    "raised",
    "read_model",
    "rows_of",
    "score_in_sessions",
    "score_sessions",
    "sentence_encoder",
    "session_inputs",
    "shipped_model",
    "train",
    "turns_of",
    "voices_of",
    "weighed",
    "write_model",
    "written_rows",
]
