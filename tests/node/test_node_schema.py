"""Requests made up from the API's own description: none breaks the server or is answered in a way it does not name."""

import re
from collections.abc import Iterator

import pytest
import schemathesis
from desk_tables import Desk, open_desk
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance
from test_node_access import TABLE

pytestmark = pytest.mark.minutes
ENDS_ITS_TOKEN = "/v1/logout"
# What a body may hold depends on its other fields here, which a description in OpenAPI does not say.
FIELDS_DEPEND = {"/v1/check": "messages", "/v1/moderations": "input"}
IN_PATH = re.compile(r"[\x21-\x7e]{1,40}")  # as the description says; the generator goes beyond it now and then
SECONDS = 60


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from open_desk(tmp_path_factory.mktemp("schema") / "node")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), sorted(TABLE), ids=str)
def test_a_route_is_as_the_api_describes_it(desk: Desk, method: str, path: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", desk.app)
    operation = schema[path][method]
    token = desk.program("read") if path == ENDS_ITS_TOKEN else desk.token
    if path in FIELDS_DEPEND:
        body = {"messages": [{"role": "user", "content": "hello"}], "input": "hello"}
        desk.ask("POST", path, json={(field := FIELDS_DEPEND[path]): body[field]})  # the first waits for the models
    tried, known = 0, {parameter.name for parameter in operation.query}

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def hold(case: schemathesis.Case) -> None:
        nonlocal tried
        assume(mode is GenerationMode.NEGATIVE or all(map(IN_PATH.fullmatch, map(str, case.path_parameters.values()))))
        tried += 1
        # Who may ask what is tried in test_node_access; that check here would send our token along and be let in.
        left_out = [ignored_auth, *([positive_data_acceptance] if path in FIELDS_DEPEND else [])]
        if not operation.body and {*case.query} <= known:
            left_out.append(negative_data_rejection)  # what was wrong, an empty list or our own header, is not sent
        case.call_and_validate(headers={"authorization": f"Bearer {token}"}, excluded_checks=left_out, timeout=SECONDS)

    try:
        hold()
        assert tried
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE and not tried, "a route that asks for nothing cannot be asked wrongly"
