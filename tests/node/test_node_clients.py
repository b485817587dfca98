"""The clients that gateways use, as they are: OpenAI's and LiteLLM's, a fake model, and the gateway of the docs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from check_servers import SAY, FakeModel, gateway_module, serving
from check_worlds import BAD, GOOD, world

from tocsin.node.moderating import CATEGORIES
from tocsin.standard import Standard

openai = pytest.importorskip("openai", reason="the extra `clients` is not installed")


@dataclass(frozen=True)
class Place:
    """Where all of it runs."""

    node: str
    gateway: str
    token: str
    model: FakeModel


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made, model = world(tmp_path_factory.mktemp("clients") / "node"), FakeModel()
    with serving(made.app) as node, serving(model.app) as model_url:
        client = openai.OpenAI(base_url=f"{node}/v1", api_key=made.token)
        client.moderations.create(input="hello")  # the detectors are loaded now: the gateway waits a second only
        with serving(gateway_module().make(f"{model_url}/v1/", node, made.token)) as gateway:
            yield Place(node, gateway, made.token, model)
    made.node.close()


@pytest.fixture(scope="module")
def doubtful(shipped: Standard) -> str:
    """A text that is reviewed and not blocked: a rule of severity 3 speaks, and the classifier is not sure."""
    return next(rule.form.examples.positive["en"][0] for rule in shipped.rules if rule.id == "M03.recovery")


@pytest.fixture(scope="module")
def told(shipped: Standard) -> str:
    """What an assistant should not say."""
    forms = (rule.form for rule in shipped.rules if "assistant" in rule.form.roles and rule.form.severity >= 4)
    return next(form.examples.positive["en"][0] for form in forms)


def chat(client: Any, text: str, **more: Any) -> Any:
    return client.chat.completions.create(model="fake-1", messages=[{"role": "user", "content": text}], **more)


def test_the_openai_client_moderates_by_a_base_url(place: Place) -> None:
    client = openai.OpenAI(base_url=f"{place.node}/v1", api_key=place.token)
    one = client.moderations.create(input=BAD, model="omni-moderation-latest")
    (result,) = one.results
    assert result.flagged and result.categories.illicit and not result.categories.sexual_minors
    assert result.category_scores.illicit >= 0.8 and result.kinds[0] == "M02" and one.id.startswith("modr-")
    assert result.category_applied_input_types.illicit == ["text"]
    assert set(result.categories.model_dump(by_alias=True)) == set(CATEGORIES)
    both = client.moderations.create(input=[GOOD, BAD])
    assert [r.flagged for r in both.results] == [False, True]
    parts = [{"type": "text", "text": BAD}, {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    (mixed,) = client.moderations.create(input=parts).results
    assert mixed.flagged and mixed.unseen == ["image_url"]
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{place.node}/v1", api_key="other").moderations.create(input=GOOD)
    with pytest.raises(openai.BadRequestError, match="0 inputs"):
        client.moderations.create(input=[])


@pytest.mark.parametrize("stream", [False, True])
def test_the_openai_client_is_allowed_and_blocked_by_the_gateway(place: Place, told: str, stream: bool) -> None:
    client = openai.OpenAI(base_url=f"{place.gateway}/v1", api_key="unused")
    before = place.model.calls

    def said(text: str) -> str:
        answer = chat(client, text, stream=stream)
        if not stream:
            return str(answer.choices[0].message.content)
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer)

    assert said(GOOD) == "The harvest was good this year."
    long = "And so the miller went home. " * 60
    assert said(f"{SAY}{long}") == long
    assert place.model.calls == before + 2
    with pytest.raises(openai.BadRequestError) as blocked:
        said(BAD)
    assert blocked.value.code == "content_policy_violation"
    assert place.model.calls == before + 2, "what is blocked never reaches the model"
    with pytest.raises(openai.APIError, match="rule"):
        said(f"{SAY}{long}{told}")


def test_the_gateway_names_what_is_under_review(place: Place, doubtful: str) -> None:
    client = openai.OpenAI(base_url=f"{place.gateway}/v1", api_key="unused")
    messages = [{"role": "user", "content": doubtful}]
    raw = client.chat.completions.with_raw_response.create(model="fake-1", messages=messages)
    assert raw.headers["x-tocsin-verdict"] == "review"
    assert raw.parse().choices[0].message.content == "The harvest was good this year."


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it asks the network as it is imported
    return pytest.importorskip("litellm", reason="the extra `clients` is not installed")


def test_litellm_moderates_by_a_base_url(place: Place, litellm: Any) -> None:
    flagged = [
        litellm.moderation(input=text, api_key=place.token, api_base=f"{place.node}/v1").results[0].flagged
        for text in (GOOD, BAD)
    ]
    assert flagged == [False, True]


def test_litellm_is_allowed_reviewed_and_blocked(place: Place, litellm: Any, doubtful: str) -> None:
    def said(text: str) -> Any:
        asked = {"model": "openai/fake-1", "messages": [{"role": "user", "content": text}]}
        return litellm.completion(**asked, api_base=f"{place.gateway}/v1", api_key="unused", num_retries=0)

    allowed, reviewed = said(GOOD), said(doubtful)
    assert allowed.choices[0].message.content == "The harvest was good this year."
    assert reviewed._hidden_params["additional_headers"]["llm_provider-x-tocsin-verdict"] == "review"
    with pytest.raises(litellm.ContentPolicyViolationError, match="Phishing"):
        said(BAD)


def test_the_guardrail_of_litellms_proxy_works_by_a_base_url(place: Place, litellm: Any, tmp_path: Path) -> None:
    """What `guardrail: openai_moderation` with `api_base` in a proxy's configuration runs."""
    import asyncio

    hooks = pytest.importorskip("litellm.proxy.guardrails.guardrail_hooks.openai.moderations")
    guard = hooks.OpenAIModerationGuardrail("tocsin", api_key=place.token, api_base=f"{place.node}/v1")
    fine, bad = (asyncio.run(guard.async_make_request(text)) for text in (GOOD, BAD))
    guard._check_moderation_result(fine)
    with pytest.raises(Exception, match="illicit"):
        guard._check_moderation_result(bad)
