"""Rank misuse: a fast first stage for every text, a sentence encoder for candidates; train them and measure them."""

from tocsin.screen.classifier.apart import apart_harm, measure_apart
from tocsin.screen.classifier.evaluate import evaluate
from tocsin.screen.classifier.labelled import KINDS, LABELS, LANGUAGES, Labelled, Row, gather, parse_labelled
from tocsin.screen.classifier.model import Model, read_model, write_model
from tocsin.screen.classifier.shipped import shipped_model
from tocsin.screen.classifier.stages import Encode, Judgement, judge, sentence_encoder
from tocsin.screen.classifier.train import KeptApart, Material, Settings, keep_apart, prepare, train
from tocsin.screen.classifier.voices import voices_of
from tocsin.screen.classifier.written import written_rows

__all__ = [
    "KINDS",
    "LABELS",
    "LANGUAGES",
    "Encode",
    "Judgement",
    "KeptApart",
    "Labelled",
    "Material",
    "Model",
    "Row",
    "Settings",
    "apart_harm",
    "evaluate",
    "gather",
    "judge",
    "keep_apart",
    "measure_apart",
    "parse_labelled",
    "prepare",
    "read_model",
    "sentence_encoder",
    "shipped_model",
    "train",
    "voices_of",
    "write_model",
    "written_rows",
]
