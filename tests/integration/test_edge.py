"""The edge around a small Litestar app, over real sockets: what clients, logs and metrics get to see."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import pytest
import structlog
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from loyalty import __version__, db, log, metrics
from loyalty.errors import CODES, Problem
from loyalty.http import auth, docs
from loyalty.http.auth import KeyRing, Principal, Role, key_hash, make_key, permission_gate, postgres_keys
from loyalty.http.edge import Edge
from loyalty.http.keys_command import create_key, keys
from loyalty.http.problems import EXCEPTION_HANDLERS, PROBLEM_JSON, StrictRequest, problem_responses
from loyalty.ids import minter

LIMIT = 100_000


class Line(msgspec.Struct, forbid_unknown_fields=True):
    amount: str


class Stay(msgspec.Struct, forbid_unknown_fields=True):
    """A stay."""

    stay_ref: str
    rooms: int = 1
    lines: list[Line] = []


class Reply(msgspec.Struct):
    stay_ref: str
    caller: str


@post("/v1/stays", tags=["Stays"], responses=problem_responses("unknown_property"))
async def post_stay(data: JSONBody[Stay], request: Request[Principal, Any, Any]) -> Reply:
    """Post a stay."""
    if data.stay_ref == "refuse":
        raise Problem("unknown_property", "There is no property X.", at="/property", headers={"X-Extra": "1"})
    if data.stay_ref == "crash":
        raise RuntimeError("the secret ingredient")
    return Reply(data.stay_ref, request.user.name)


@get("/v1/members")
async def find_member(
    number: FromQuery[str], limit: Annotated[int, QueryParameter(le=100)] = 10
) -> dict[str, Any]:
    return {"number": number, "limit": limit}


@get("/v1/members/{member_id:str}")
async def get_member(member_id: FromPath[str], request: Request[Principal, Any, Any]) -> dict[str, str]:
    structlog.get_logger().info("found")
    return {"member_id": member_id, "request_id": request.scope["state"]["request_id"]}


@get("/v1/members/{member_id:str}/statement")
async def broken_stream(member_id: FromPath[str]) -> Stream:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("broke off")

    return Stream(parts())


@post("/v1/adjustments")
async def adjust(data: JSONBody[Stay]) -> dict[str, str]:
    return {}


@get("/health/live")
async def live() -> dict[str, str]:
    return {}


@get("/metrics")
async def exposed() -> Response[bytes]:
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


HANDLERS = [post_stay, find_member, get_member, broken_stream, adjust, live, exposed, *docs.DOCS_HANDLERS]


def make_app() -> Litestar:
    return Litestar(
        HANDLERS,
        exception_handlers=EXCEPTION_HANDLERS,
        logging_config=None,
        middleware=[permission_gate],
        openapi_config=docs.openapi_config(),
        plugins=[docs.ClosedStructs()],
        request_class=StrictRequest,
        request_max_body_size=None,
    )


KEYS = {role: make_key(role) for role in Role}
OWNERS = {key_hash(key): Principal(minter()(0), role, f"the {role}") for role, key in KEYS.items()}


async def load(hashes: Any) -> dict[bytes, Principal]:
    return {digest: OWNERS[digest] for digest in hashes if digest in OWNERS}


class Server:
    """The app, behind uvicorn on a free port."""

    def __init__(self, port: int, lines: io.BytesIO) -> None:
        self.port = port
        self._lines = lines
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20)

    async def send(
        self, method: str, path: str, body: Any = None, role: Role | None = Role.PROPERTY, **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role:
            sent = {"authorization": f"Bearer {KEYS[role]}"} | sent
        if isinstance(body, str):
            body = body.encode()
        elif body is not None and not isinstance(body, bytes) and not hasattr(body, "__aiter__"):
            body = json.dumps(body).encode()
        if body is not None:
            sent = {"content-type": "application/json"} | sent
        return await self.client.request(method, path, content=body, headers=sent)

    def logged(self) -> list[dict[str, Any]]:
        log.flush()
        return [json.loads(line) for line in self._lines.getvalue().splitlines()]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    lines = io.BytesIO()
    log.configure("json", "info", lines)
    edge = Edge(make_app(), KeyRing(load), body_limits={"/v1/stays": LIMIT})
    config = uvicorn.Config(edge, port=0, log_config=None, access_log=False, lifespan="on", loop="asyncio")
    inside = uvicorn.Server(config)
    serving = asyncio.create_task(inside._serve())
    while not inside.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    running = Server(inside.servers[0].sockets[0].getsockname()[1], lines)
    yield running
    await running.client.aclose()
    inside.should_exit = True
    await serving
    log.configure("json", "info")
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def code_of(response: httpx.Response) -> tuple[int, str]:
    """The status and code of a problem, once it is known to be one in all its parts."""
    problem = response.json()
    assert response.headers["content-type"] == PROBLEM_JSON
    assert problem["status"] == response.status_code
    assert problem["request_id"] == response.headers["x-request-id"]
    return response.status_code, problem["code"]


# --- What a request gets ---------------------------------------------------------------------------------------------


async def test_a_good_request_passes_and_knows_its_caller(server: Server) -> None:
    response = await server.send("POST", "/v1/stays", {"stay_ref": "R-1"})

    assert response.status_code == 201
    assert response.json() == {"stay_ref": "R-1", "caller": "the property"}
    assert len(response.headers["x-request-id"]) == 32


async def test_a_sane_request_id_is_kept_and_any_other_replaced(server: Server) -> None:
    kept = await server.send("GET", "/v1/members/m", x_request_id="pms-2026/0001")
    replaced = [
        await server.send("GET", "/v1/members/m", x_request_id=bad)
        for bad in ('a"b', "a b", "x" * 129, "<1>")
    ]

    assert kept.headers.get_list("x-request-id") == ["pms-2026/0001"]
    assert kept.json()["request_id"] == "pms-2026/0001"
    assert all(len(response.headers["x-request-id"]) == 32 for response in replaced)


async def test_each_request_has_an_id_of_its_own(server: Server) -> None:
    answers = await asyncio.gather(*(server.send("GET", f"/v1/members/{n}") for n in range(50)))

    assert len({answer.headers["x-request-id"] for answer in answers}) == 50
    assert all(answer.json()["request_id"] == answer.headers["x-request-id"] for answer in answers)


async def test_requests_without_a_valid_key_are_refused(server: Server) -> None:
    without = await server.send("GET", "/v1/members/m", role=None)
    unknown = await server.send("GET", "/v1/members/m", authorization=f"Bearer {make_key(Role.PROPERTY)}")
    nonsense = await server.send("GET", "/v1/members/m", authorization="Basic abc")

    assert {code_of(answer) for answer in (without, unknown, nonsense)} == {(401, "unauthorized")}
    assert without.headers["www-authenticate"] == "Bearer"


async def test_paths_that_need_a_key_do_not_tell_what_exists(server: Server) -> None:
    answers = [
        await server.send("GET", path, role=None)
        for path in ("/nothing", "/v1/stays", "/", "/metrics", "//docs", "/openapi.json/x", "/healthy")
    ]

    assert {code_of(answer) for answer in answers} == {(401, "unauthorized")}


async def test_a_key_of_another_role_is_refused_by_name(server: Server) -> None:
    answer = await server.send("POST", "/v1/adjustments", {"stay_ref": "R"}, Role.PROPERTY)
    posting = await server.send("POST", "/v1/stays", {"stay_ref": "R"}, Role.BOOKING)

    assert code_of(answer) == code_of(posting) == (403, "forbidden_role")
    assert answer.json()["detail"] == "This takes a key of role `operator`; yours is `property`."


async def test_health_needs_no_key(server: Server) -> None:
    assert (await server.send("GET", "/health/live", role=None)).status_code == 200


async def test_unknown_routes_and_methods_are_problems(server: Server) -> None:
    nowhere = await server.send("GET", "/v1/nothing")
    method = await server.send("DELETE", "/v1/stays")

    assert code_of(nowhere) == (404, "not_found")
    assert code_of(method) == (405, "method_not_allowed")
    assert "POST" in method.headers["allow"]


# --- Bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "pointers"),
    [
        ({"stay_ref": "R", "foo": 1}, "invalid_body", ["/foo"]),
        (
            {"stay_ref": "R", "lines": [{"amount": "1"}, {"amount": "1", "x": 1}]},
            "invalid_body",
            ["/lines/1/x"],
        ),
        ({"rooms": 1}, "invalid_body", ["/stay_ref"]),
        ({"stay_ref": "R", "rooms": "2"}, "invalid_body", ["/rooms"]),
        ({"stay_ref": "R", "rooms": 1.5}, "invalid_body", ["/rooms"]),
        ({"stay_ref": 5}, "invalid_body", ["/stay_ref"]),
        ({"stay_ref": "R", "lines": [{"amount": 1}]}, "invalid_body", ["/lines/0/amount"]),
        ([], "invalid_body", [""]),
        ("null", "invalid_body", [""]),
        ("", "invalid_body", [""]),
        ("{", "malformed_json", []),
        (b'{"stay_ref":"\xff"}', "malformed_json", []),
        (b'{"stay_ref":"R"}{}', "malformed_json", []),
        (b"[" * 50_000, "invalid_body", [""]),
    ],
)
async def test_a_bad_body_is_answered_with_the_place(
    server: Server, body: Any, code: str, pointers: list[str]
) -> None:
    answer = await server.send("POST", "/v1/stays", body)

    assert code_of(answer) == (400, code)
    assert [error.get("pointer", "") for error in answer.json().get("errors", [])] == pointers


async def test_other_media_types_are_refused(server: Server) -> None:
    answers = [
        await server.send("POST", "/v1/stays", '{"stay_ref":"R"}', content_type=media_type)
        for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", "")
    ]
    fine = [
        await server.send("POST", "/v1/stays", '{"stay_ref":"R"}', content_type=media_type)
        for media_type in ("application/json", "application/json; charset=utf-8", "Application/JSON")
    ]

    assert {code_of(answer) for answer in answers} == {(415, "unsupported_media_type")}
    assert {answer.status_code for answer in fine} == {201}


async def test_bad_parameters_are_named(server: Server) -> None:
    missing = await server.send("GET", "/v1/members")
    wrong = await server.send("GET", "/v1/members?number=1&limit=many")
    high = await server.send("GET", "/v1/members?number=1&limit=101")

    assert code_of(missing) == code_of(wrong) == code_of(high) == (400, "invalid_parameter")
    assert missing.json()["errors"] == [
        {"parameter": "number", "detail": "Required query parameter is missing."}
    ]
    assert wrong.json()["errors"] == [{"parameter": "limit", "detail": "Expected an integer, got a string."}]
    assert high.json()["errors"] == [{"parameter": "limit", "detail": "Expected an integer <= 100."}]


async def test_a_refusal_of_a_handler_arrives_whole(server: Server) -> None:
    answer = await server.send("POST", "/v1/stays", {"stay_ref": "refuse"})

    assert code_of(answer) == (422, "unknown_property")
    assert answer.json()["errors"] == [{"pointer": "/property", "detail": "There is no property X."}]
    assert answer.headers["x-extra"] == "1"


async def test_a_crash_is_logged_and_not_shown(server: Server) -> None:
    answer = await server.send("POST", "/v1/stays", {"stay_ref": "crash"})
    (error,) = [line for line in server.logged() if line["level"] == "error"]

    assert code_of(answer) == (500, "internal_error")
    assert "ingredient" not in answer.text
    assert "RuntimeError: the secret ingredient" in error["exception"]
    assert error["request_id"] == answer.headers["x-request-id"]


async def test_a_reply_that_breaks_off_is_not_passed_off_as_whole(server: Server) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await server.send("GET", "/v1/members/m/statement")

    assert "broke off" in json.dumps(server.logged())


# --- Limits ----------------------------------------------------------------------------------------------------------


async def test_a_body_of_just_the_limit_passes_and_one_byte_more_does_not(server: Server) -> None:
    body = json.dumps({"stay_ref": "R"}).ljust(LIMIT)
    fits = await server.send("POST", "/v1/stays", body)
    over = await server.send("POST", "/v1/stays", body + " ")

    assert fits.status_code == 201
    assert code_of(over) == (413, "body_too_large")
    assert f"{LIMIT} bytes" in over.json()["detail"]


async def test_twenty_megabytes_are_refused_and_the_connection_lives_on(server: Server) -> None:
    over = await server.send("POST", "/v1/stays", b" " * 20_000_000)
    after = await server.send("POST", "/v1/stays", {"stay_ref": "R-2"})

    assert code_of(over) == (413, "body_too_large")
    assert after.status_code == 201


async def test_a_body_that_does_not_say_its_size_is_counted(server: Server) -> None:
    async def chunks(number: int) -> AsyncIterator[bytes]:
        yield b'{"stay_ref":"R"}'
        for _ in range(number):
            yield b" " * 10_000

    fits = await server.send("POST", "/v1/stays", chunks(9))
    over = await server.send("POST", "/v1/stays", chunks(200))

    assert fits.status_code == 201
    assert code_of(over) == (413, "body_too_large")


async def exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    reply = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return reply


async def test_a_client_that_waits_to_send_its_large_body_is_told_and_let_go(server: Server) -> None:
    reply = await exchange(
        server.port,
        b"POST /v1/stays HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-type: application/json\r\n"
        b"content-length: 20000000\r\nexpect: 100-continue\r\n\r\n" % KEYS[Role.PROPERTY].encode(),
    )

    assert reply.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in reply
    assert b"100 Continue" not in reply


async def test_a_client_that_leaves_in_the_middle_is_no_error_of_ours(server: Server) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    key = KEYS[Role.PROPERTY].encode()
    writer.write(
        b"POST /v1/stays HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n"
        b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{" % key
    )
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await asyncio.sleep(0.2)

    assert [line for line in server.logged() if line["level"] == "error"] == []


# --- Logs and metrics ------------------------------------------------------------------------------------------------


async def test_a_request_is_one_line_without_anything_private(server: Server) -> None:
    await server.send("GET", "/v1/members?number=HX-SECRET", x_request_id="r-1")
    await server.send("POST", "/v1/stays", {"stay_ref": "R-SECRET"})
    await server.send("GET", "/v1/members/mem_1")
    await server.send("GET", "/v1/SECRET")
    await server.send("GET", "/health/live")
    lines = [line for line in server.logged() if line["event"] == "request"]
    first = lines[0]

    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/v1/members", 200),
        ("POST", "/v1/stays", 201),
        ("GET", "/v1/members/{member_id}", 200),
        ("GET", "unmatched", 404),
    ]
    assert (first["request_id"], first["key"], first["role"]) == ("r-1", "the property", "property")
    assert 0 < first["ms"] < 5000
    assert "SECRET" not in json.dumps(server.logged())
    assert KEYS[Role.PROPERTY][-20:] not in json.dumps(server.logged())


async def test_lines_logged_on_the_way_carry_the_request_id(server: Server) -> None:
    answer = await server.send("GET", "/v1/members/m")
    (found,) = [line for line in server.logged() if line["event"] == "found"]

    assert found["request_id"] == answer.headers["x-request-id"]


def sample(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0


async def test_requests_and_refusals_are_counted_by_route_and_status(server: Server) -> None:
    def counts() -> tuple[float, ...]:
        return (
            sample("loyalty_http_requests_total", method="POST", route="/v1/stays", status="201"),
            sample("loyalty_http_requests_total", method="POST", route="/v1/stays", status="422"),
            sample("loyalty_http_requests_total", method="GET", route="unmatched", status="401"),
            sample("loyalty_http_request_seconds_count", method="POST", route="/v1/stays"),
            sample("loyalty_refusals_total", code="unknown_property"),
            sample("loyalty_refusals_total", code="unauthorized"),
        )

    before = counts()
    await server.send("POST", "/v1/stays", {"stay_ref": "R"})
    await server.send("POST", "/v1/stays", {"stay_ref": "R"})
    await server.send("POST", "/v1/stays", {"stay_ref": "refuse"})
    await server.send("GET", "/v1/made/up", role=None)

    assert tuple(now - then for now, then in zip(counts(), before, strict=True)) == (2, 1, 1, 3, 1, 1)


async def test_made_up_paths_make_no_new_series(server: Server) -> None:
    for number in range(20):
        await server.send("GET", f"/made/up/{number}")
        await server.send("GET", f"/v1/members/{number}")
    routes = {
        line.split('route="')[1].split('"')[0]
        for line in (await server.send("GET", "/metrics", role=Role.OPERATOR)).text.splitlines()
        if 'route="' in line
    }

    assert {"unmatched", "/v1/members/{member_id}"} <= routes
    assert not [route for route in routes if "made" in route or route.endswith("0")]


async def test_made_up_methods_are_counted_together_and_not_remembered() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 405, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ignore(_message: Any) -> None: ...

    edge = Edge(app, KeyRing(load))
    before = sample("loyalty_http_requests_total", method="OTHER", route="unmatched", status="405")
    for number in range(20):
        scope: Any = {"type": "http", "method": f"ODD{number}", "path": "/docs", "headers": []}
        await edge(scope, ignore, ignore)

    assert (
        sample("loyalty_http_requests_total", method="OTHER", route="unmatched", status="405") == before + 20
    )
    assert not edge._meters


async def test_metrics_take_an_operator(server: Server) -> None:
    text = (await server.send("GET", "/metrics", role=Role.OPERATOR)).text

    assert "loyalty_http_requests_total" in text
    assert code_of(await server.send("GET", "/metrics", role=Role.BOOKING)) == (403, "forbidden_role")


def test_workers_add_up_their_metrics(tmp_path: Path) -> None:
    script = "from loyalty import metrics; metrics.STAYS.labels('posted').inc(3)"
    shown = "from loyalty import metrics; print(metrics.exposition().decode())"
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    output = subprocess.run(
        [sys.executable, "-c", shown], env=environment, check=True, capture_output=True, text=True
    ).stdout

    assert 'loyalty_stays_total{outcome="posted"} 6.0' in output


# --- Documentation ---------------------------------------------------------------------------------------------------


async def test_the_docs_page_asks_nothing_of_the_outside(server: Server) -> None:
    page = await server.send("GET", "/docs", role=None)
    assets = {
        name: await server.send("GET", f"/docs/assets/{name}", role=None)
        for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js")
    }

    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in page.text.replace("<!doctype", "")
    assert all(f"/docs/assets/{name}" in page.text for name in assets)
    assert {answer.status_code for answer in assets.values()} == {200}
    assert assets["swagger-ui.css"].headers["content-type"].startswith("text/css")
    assert "default-src 'self'" in assets["start.js"].headers["content-security-policy"]
    assert "validatorUrl: null" in assets["start.js"].text


async def test_the_docs_serve_their_own_files_only(server: Server) -> None:
    answers = [
        await server.send("GET", f"/docs/assets/{name}", role=None)
        for name in ("..%2f__init__.py", "LICENSE", "%2e%2e", "nothing.js")
    ]

    assert {answer.status_code for answer in answers} == {404}


async def test_every_problem_type_leads_to_its_line(server: Server) -> None:
    page = (await server.send("GET", "/docs/problems", role=None)).text

    assert all(f'id="{code}"' in page for code in CODES)


def document() -> dict[str, Any]:
    return json.loads(docs.openapi_bytes(make_app()))


async def test_the_served_document_is_the_committed_form(server: Server) -> None:
    served = await server.send("GET", "/openapi.json", role=None)

    assert served.content == docs.openapi_bytes(make_app())
    assert served.headers["content-type"].startswith("application/json")


def test_the_document_is_the_same_in_every_process() -> None:
    raw = docs.openapi_bytes(make_app())

    assert raw == docs.openapi_bytes(make_app())
    assert raw == (json.dumps(json.loads(raw), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def test_the_document_says_who_may_come_in_and_how() -> None:
    api = document()

    assert api["openapi"].startswith("3.1")
    assert api["info"]["version"] == __version__
    assert api["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert api["security"] == [{"key": []}]
    assert api["paths"]["/health/live"]["get"]["security"] == []
    assert "security" not in api["paths"]["/v1/stays"]["post"]
    assert not [path for path in api["paths"] if path.startswith("/docs")]


def test_request_bodies_are_closed_and_replies_open() -> None:
    schemas = document()["components"]["schemas"]

    assert schemas["Stay"]["additionalProperties"] is False
    assert schemas["Line"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["Reply"]


def test_all_errors_are_documented_as_problem_documents() -> None:
    api = document()
    operations = [operation for item in api["paths"].values() for operation in item.values()]
    errors = [
        (status, content)
        for operation in operations
        for status, response in operation["responses"].items()
        if status >= "400"
        for content in response.get("content", {})
    ]

    assert {content for _, content in errors} == {PROBLEM_JSON}
    assert {"400", "401", "403", "413", "415", "422", "500", "503"} <= set(
        api["paths"]["/v1/stays"]["post"]["responses"]
    )
    assert "code" in api["components"]["schemas"]["ProblemDocument"]["properties"]


def test_vendored_files_come_with_their_licences() -> None:
    static = Path(docs.__file__).parent / "static"

    assert {path.name for path in static.iterdir()} == {
        "LICENSE",
        "NOTICE",
        "favicon-32x32.png",
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui.css",
    }


# --- Keys, in PostgreSQL ---------------------------------------------------------------------------------------------


@pytest.fixture
def cli(database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs `loyalty keys …` on a database of its own."""
    from click.testing import CliRunner

    monkeypatch.setenv("LOYALTY_DATABASE_URL", database)
    monkeypatch.setenv("LOYALTY_VAULT_KEY", "k" * 42 + "A")
    return lambda *arguments: CliRunner().invoke(keys, arguments, catch_exceptions=False)


def look_up(dsn: str, key: str) -> Principal | None:
    async def run() -> Principal | None:
        async with await db.connect_pool(dsn, size=2) as pool:
            ring = KeyRing(postgres_keys(lambda: pool))
            try:
                return await ring.find(b"Bearer " + key.encode())
            except Problem:
                return None

    return asyncio.run(run())


def test_a_created_key_opens_the_door_until_it_is_revoked(cli: Any, database: str) -> None:
    made = json.loads(
        cli("create", "--role", "property", "--name", "opera SHA01", "--property", "SHA01", "--json").stdout
    )
    opened = look_up(database, made["key"])
    revoked = cli("revoke", made["key_id"])

    assert opened
    assert (opened.role, opened.name, opened.properties) == (Role.PROPERTY, "opera SHA01", {"SHA01"})
    assert revoked.exit_code == 0
    assert look_up(database, made["key"]) is None


def test_a_key_is_printed_alone_so_that_a_script_can_take_it(cli: Any, database: str) -> None:
    result = cli("create", "--role", "operator", "--name", "ops")
    key = result.stdout.strip()

    assert key.startswith("lk_operator_")
    assert "shown only now" in result.stderr
    assert look_up(database, key)


def test_only_the_hash_of_a_key_is_kept(cli: Any, database: str) -> None:
    key = cli("create", "--role", "booking", "--name", "site").stdout.strip()

    async def rows() -> str:
        connection = await db.connect(database)
        try:
            return str(
                [tuple(row) for row in await connection.fetch("SELECT api_key::text, hash FROM api_key")]
            )
        finally:
            await connection.close()

    stored = asyncio.run(rows())

    assert key[-30:] not in stored
    assert str(key_hash(key)) in stored


def test_keys_are_listed_without_the_keys(cli: Any) -> None:
    key = cli("create", "--role", "booking", "--name", "site").stdout.strip()
    made = json.loads(
        cli(
            "create", "--role", "property", "--name", "two", "--property", "B", "--property", "A", "--json"
        ).stdout
    )
    cli("revoke", made["key_id"])
    listed = json.loads(cli("list", "--json").stdout)
    table = cli("list").stdout

    assert [(row["name"], row["properties"], row["revoked_at"] is None) for row in listed] == [
        ("site", [], True),
        ("two", ["A", "B"], False),
    ]
    assert listed[1]["key_id"] == made["key_id"]
    assert made["key_id"] in table
    assert key[-30:] not in table
    assert key[-30:] not in json.dumps(listed)


def test_a_partners_key_is_limited_to_that_partner(cli: Any, database: str) -> None:
    result = cli("create", "--role", "partner", "--partner", "thai_air", "--name", "Thai Air", "--json")
    made = json.loads(result.stdout)
    opened = look_up(database, made["key"])
    table = cli("list").stdout

    assert made["key"].startswith("lk_partner_")
    assert "no partner thai_air yet" in result.stderr
    assert opened
    assert (Role.PARTNER, "thai_air", frozenset()) == (opened.role, opened.partner, opened.properties)
    assert "thai_air" in table


def test_a_hotel_that_does_not_exist_yet_is_pointed_out(cli: Any) -> None:
    result = cli("create", "--role", "property", "--name", "opera", "--property", "SHA9")

    assert result.exit_code == 0
    assert "no property SHA9 yet" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--role", "root", "--name", "x"),
        ("create", "--role", "booking", "--name", " "),
        ("create", "--role", "booking", "--name", "a\nb"),
        ("create", "--role", "booking", "--name", "x", "--property", "SHA01"),
        ("create", "--role", "booking", "--name", "x", "--partner", "thai_air"),
        ("create", "--role", "partner", "--name", "x"),
        ("create", "--role", "partner", "--name", "x", "--partner", "thai_air", "--property", "SHA01"),
        ("revoke", "key_" + "0" * 32),
        ("revoke", "nonsense"),
    ],
)
def test_a_wrong_order_is_refused_with_a_message(cli: Any, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)

    assert result.exit_code in {1, 2}
    assert result.stderr
    assert "Traceback" not in result.output


def test_a_database_without_schema_is_named_as_such(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    monkeypatch.setenv("LOYALTY_DATABASE_URL", empty_database)
    monkeypatch.setenv("LOYALTY_VAULT_KEY", "k" * 42 + "A")
    result = CliRunner().invoke(keys, ["list"])

    assert result.exit_code == 1
    assert "loyalty migrate" in result.stderr


async def test_a_made_key_is_found_by_the_service_role(database: str) -> None:
    connection = await db.connect(database, role=db.SERVICE_ROLE)
    made, _ = await create_key(connection, Role.OPERATOR, "ops")
    row = await connection.fetchrow(auth.QUERIES["find_keys"], [key_hash(made.key)])
    await connection.close()

    assert row
    assert row["name"] == "ops"
