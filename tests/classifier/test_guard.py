"""The guard: what it answers counts, and the run goes on without it."""

from pathlib import Path
from threading import Event

import numpy as np
import onnx
import pytest
from guard_server import Script, endpoint
from onnx import TensorProto, helper

from tocsin.flow.guarding import EndpointGuard, GuardSettings, OnnxGuard, guard_of, read_guard
from tocsin.forms import ConfigError, FormatError, TransportError
from tocsin.screen.classifier import Answer, shipped_model
from tocsin.screen.classifier.guard import weigh
from tocsin.screen.classifier.stages import head_scores

RANSOM, BREAD = "write ransomware", "bake bread"


class Hours:
    """A clock that only sleep moves."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def guard(url: str, hours: Hours | None = None, key: str = "", **settings: object) -> EndpointGuard:
    hours = hours or Hours()
    return EndpointGuard(GuardSettings(url, "m", **settings), key, hours.read, hours.sleep)  # type: ignore[arg-type]


def test_an_endpoint_is_asked_with_the_key_and_its_words_count() -> None:
    script = Script()
    with endpoint(script) as url:
        asked = guard(url, key="sesame", price_in=2.0, price_out=4.0)
        answers = asked([RANSOM, BREAD])
    assert [a.harm for a in answers] == [0.95, 0.05]
    assert script.keys == ["Bearer sesame"] * 2
    assert asked.cost == pytest.approx(2 * (100 * 2 + 4) / 1e6)
    assert script.asked[0]["messages"][1] == {"role": "user", "content": RANSOM}


def test_a_busy_endpoint_is_asked_again_later() -> None:
    script, hours = Script(statuses=[429, 503]), Hours()
    with endpoint(script) as url:
        answers = guard(url, hours, per_minute=1e6)([RANSOM])
    assert [a.harm for a in answers] == [0.95]
    assert len(script.asked) == 3
    assert hours.slept == pytest.approx(0.5 + 1.0, abs=0.01)


def test_an_endpoint_that_refuses_the_key_is_not_asked_again() -> None:
    script = Script(statuses=[401])
    with endpoint(script) as url:
        assert guard(url)([RANSOM]) == [Answer(None)]
    assert len(script.asked) == 1


def test_after_some_silence_nothing_more_is_asked() -> None:
    script = Script(statuses=[500] * 100)
    with endpoint(script) as url:
        answers = guard(url, retries=1)([f"{n}" for n in range(20)])
    assert answers == [Answer(None)] * 20
    assert len(script.asked) == 5 * 2


def test_a_hanging_endpoint_times_out() -> None:
    script = Script(hang=Event())
    with endpoint(script) as url:
        assert guard(url, retries=0, timeout=0.2)([RANSOM]) == [Answer(None)]
        script.hang.set()  # type: ignore[union-attr]


@pytest.mark.parametrize("reply", ["I would rather not say", "", "42"])
def test_an_answer_that_is_no_verdict_counts_as_none(reply: str) -> None:
    with endpoint(Script(reply=reply or " ")) as url:
        assert guard(url, retries=0)([RANSOM]) == [Answer(None)]


def test_nobody_at_the_endpoint() -> None:
    with endpoint(Script()) as url:
        pass
    assert guard(url, retries=1)([RANSOM]) == [Answer(None)]


def test_requests_keep_within_the_rate() -> None:
    hours = Hours()
    with endpoint(Script()) as url:
        guard(url, hours, per_minute=30)([RANSOM] * 4)
    assert hours.slept == pytest.approx(3 * 2.0)


def test_spending_ends_at_the_most_cost() -> None:
    script = Script()
    with endpoint(script) as url:
        answers = guard(url, price_in=10_000.0, most_cost=1.5)([RANSOM] * 4)
    assert [a.harm for a in answers] == [0.95, 0.95, None, None]
    assert len(script.asked) == 2


def test_answers_are_kept_and_cost_nothing_again(tmp_path: Path) -> None:
    script = Script()
    with endpoint(script) as url:
        first = guard(url, cache=str(tmp_path), price_in=1.0)([RANSOM])
        again = guard(url, cache=str(tmp_path), price_in=1.0)([RANSOM])
    assert first[0].cost > 0 == again[0].cost
    assert first[0].harm == again[0].harm
    assert len(script.asked) == 1


def test_an_onnx_model_of_vectors_is_the_head_that_it_was_made_from(tmp_path: Path) -> None:
    path, model = tmp_path / "head.onnx", shipped_model()
    weights = [8 * model.hidden.astype(np.float32), model.hidden_bias, model.head[:, :1], model.head_bias[:1]]
    names = ["w1", "b1", "w2", "b2"]
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["l"]),
        helper.make_node("Sigmoid", ["l"], ["harm"]),
    ]
    kept = [onnx.numpy_helper.from_array(np.ascontiguousarray(w), n) for w, n in zip(weights, names, strict=True)]
    write(path, nodes, kept, ("x", TensorProto.FLOAT, [None, 512]), [None, 1])
    vectors = np.random.default_rng(1).standard_normal((5, 512)).astype(np.float32) / 22
    asked = guard_of(GuardSettings(onnx=str(path)), lambda texts: vectors[: len(texts)])
    logits = head_scores(vectors, model)[:, 0].astype(np.float64)
    assert [a.harm for a in asked(["a"] * 5)] == pytest.approx((1 / (1 + np.exp(-logits))).tolist(), abs=1e-5)


def test_an_onnx_model_of_strings_reads_the_texts(tmp_path: Path) -> None:
    path = tmp_path / "words.onnx"
    pool = {"pool_strings": ["ransomware", "bread"], "ngram_counts": [0], "ngram_indexes": [0, 1]}
    nodes = [
        helper.make_node("StringSplit", ["text"], ["words", "count"], delimiter=" "),
        helper.make_node(
            "TfIdfVectorizer",
            ["words"],
            ["tf"],
            mode="TF",
            min_gram_length=1,
            max_gram_length=1,
            max_skip_count=0,
            **pool,
        ),
        helper.make_node("MatMul", ["tf", "w"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["harm"]),
    ]
    kept = [onnx.numpy_helper.from_array(np.array([[3.0], [-3.0]], dtype=np.float32), "w")]
    write(path, nodes, kept, ("text", TensorProto.STRING, [None]), [None, 1])
    answers = OnnxGuard.load(path, lambda texts: np.zeros((len(texts), 512), np.float32))([RANSOM, BREAD])
    assert answers[0].harm == pytest.approx(0.9526, abs=1e-3)
    assert answers[1].harm == pytest.approx(0.0474, abs=1e-3)


def write(path: Path, nodes: list, kept: list, given: tuple, shape: list) -> None:
    name, kind, size = given
    inputs = [helper.make_tensor_value_info(name, kind, size)]
    outputs = [helper.make_tensor_value_info("harm", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "guard", inputs, outputs, kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)


def test_answers_move_harm_and_silence_does_not() -> None:
    harm = np.array([0.6, 0.6, 0.6])
    moved = weigh(harm, [Answer(0.95), Answer(0.05), Answer(None)])
    assert moved[0] > 0.9 > 0.6 > 0.2 > moved[1]
    assert moved[2] == 0.6


def test_a_sure_guard_is_not_believed_blindly() -> None:
    assert 0 < weigh(np.array([0.01]), [Answer(1.0)])[0] < 0.2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("endpoint: https://a.example\nonnx: b", ConfigError),
        ("model: x", ConfigError),
        ("endpoint: ftp://a.example", ConfigError),
        ("endpoint: [1]", FormatError),
        ("surprise: 1", FormatError),
        (": :", FormatError),
    ],
)
def test_wrong_guard_files_are_refused(tmp_path: Path, text: str, error: type[Exception]) -> None:
    path = tmp_path / "guard.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error):
        read_guard(path)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(TransportError):
        read_guard(tmp_path / "none.yaml")
    with pytest.raises(FormatError):
        OnnxGuard.load(tmp_path / "none.onnx", lambda texts: np.zeros((len(texts), 512), np.float32))
