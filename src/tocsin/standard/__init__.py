"""The misuse standard: kinds and rules as data, loaded, proved, compiled and run over folded text."""

from tocsin.standard.compare import CHANGES, Change, compare
from tocsin.standard.lint import Price, price_rules
from tocsin.standard.load import Rule, Standard, load_standard, prove_rule, shipped_folder
from tocsin.standard.model import Bilingual, Kind, RuleForm
from tocsin.standard.pack import OutOfTimeError, RuleMatch, RulePack, compile_pack, reference_pack
from tocsin.standard.reading import Line
from tocsin.standard.sieve import scanner_name

__all__ = [
    "CHANGES",
    "Bilingual",
    "Change",
    "Kind",
    "Line",
    "OutOfTimeError",
    "Price",
    "Rule",
    "RuleForm",
    "RuleMatch",
    "RulePack",
    "Standard",
    "compare",
    "compile_pack",
    "load_standard",
    "price_rules",
    "prove_rule",
    "reference_pack",
    "scanner_name",
    "shipped_folder",
]
