"""The documentation of the API: the OpenAPI document, and pages that show it without any outside request."""

import json
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, get
from litestar._openapi.schema_generation import SchemaCreator
from litestar._openapi.schema_generation.plugins.struct import (  # the public name is a plugin without this method
    StructSchemaPlugin,
)
from litestar.enums import MediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, License, Schema, SecurityScheme, Tag
from litestar.params import FromPath
from litestar.typing import FieldDefinition

from loyalty import __version__
from loyalty.errors import CODES, Problem, ProblemDocument
from loyalty.http.auth import OPEN, PERMISSIONS
from loyalty.http.manners import COMPONENTS, describe
from loyalty.http.problems import PROBLEM_JSON

__all__ = ["DOCS_HANDLERS", "ClosedStructs", "openapi_bytes", "openapi_config"]

_DESCRIPTION: Final = """\
Post stays, read balances. Every request carries an API key (`Authorization: Bearer lk_…`).
Refusals are problem documents (RFC 9457) whose `code` is stable; [all codes](/docs/problems).
Post the same stay again at any time: it is answered the same and counted once.
"""
_TAGS: Final = {
    "Members": "Enrol members and find them.",
    "Stays": "What the property-management system posts; the reply explains what was earned and why.",
    "Balances": "Points, tier, progress and statements of members.",
    "Rewards": "What milestones give: choices, vouchers, benefits, points; and benefits of tiers that are counted.",
    "Adjustments": "Manual credits and debits, with a reason.",
    "Moving points": "Gifts between members, and points bought.",
    "Standing": "Tiers that are given, segments, and registration for promotions.",
    "Households": "Members who pool their points.",
    "Compensation": "Points after a complaint, and what waits for a second person.",
    "Properties": "The hotels that stays belong to.",
    "Partners": "Who takes points for something of its own: airlines, spas, exhibitions, clinics.",
    "Offers": "What can be had for points, at which price, for whom, and how many are left.",
    "Vouchers": "Codes that prove what somebody is entitled to: looked up, redeemed once, revoked, handed over.",
    "Redemptions": "Points held for an offer, captured, and given back; consent of members to what partners spend.",
    "Settlement": "What partners give and are owed: points of theirs, statements, files compared, disputes.",
    "Reports": "Figures of what was spent with partners, of lots by their age, and of who pays whom.",
    "Programs": "The versions of the program's rules, each in force from a day on.",
    "Operation": "Health and metrics.",
}
_REGISTERS: Final = ("/v1/properties", "/v1/partners", "/v1/offers")
"""What is written at once, without the queue of postings."""
_TYPES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
# The page starts itself from its own file, so that the policy can forbid inline scripts.
_START: Final = b"""\
SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null,
  tryItOutEnabled: true, persistAuthorization: false, layout: "BaseLayout"});
"""
_HEAD: Final = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Hotel loyalty ledger</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/docs/assets/favicon-32x32.png">"""
_PAGE: Final = f"""{_HEAD}<link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body style="margin:0"><div id="docs"></div><script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script></body></html>"""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


# --- The document ----------------------------------------------------------------------------------------------------


def openapi_config() -> OpenAPIConfig:
    """Return what Litestar needs to describe the API; the pages themselves are `DOCS_HANDLERS`."""
    bearer = SecurityScheme(
        type="http", scheme="bearer", description="An API key: lk_<role>_<43 characters>."
    )
    return OpenAPIConfig(
        title="Hotel loyalty ledger",
        version=__version__,
        description=_DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(security_schemes={"key": bearer}),
        security=[{"key": []}],
        tags=[Tag(name=name, description=text) for name, text in _TAGS.items()],
        path="/docs",
        use_handler_docstrings=True,
        render_plugins=[_Page(path="/"), _Document(path="/openapi.json", media_type=MediaType.JSON)],
    )


def openapi_bytes(app: Litestar) -> bytes:
    """Return the OpenAPI document of an app, the same bytes for the same routes: what `openapi.json` holds."""
    document = app.openapi_schema.to_schema()
    _add_schemas(document, app.plugins.get(ClosedStructs).seen)
    _add_problems(document)
    for path, method, operation in _operations(document):
        describe(method, path, operation)
    for kind, named in COMPONENTS.items():
        document["components"].setdefault(kind, {}).update(named)
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


class ClosedStructs(StructSchemaPlugin):
    """Remembers the structs that the document shows, so that msgspec can describe them. For `Litestar(plugins=)`.

    Litestar's own descriptions leave out that a struct refuses unknown fields, what a list holds, and what a struct is.
    """

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.seen: dict[type[msgspec.Struct], None] = {}

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Return Litestar's schema, which finds its way to the structs inside."""
        self.seen[field_definition.type_] = None
        return super().to_openapi_schema(field_definition, schema_creator)


def _add_schemas(document: dict[str, Any], structs: Iterable[type[msgspec.Struct]]) -> None:
    """Describe structs by what reads and writes them."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _, named = msgspec.json.schema_components(
        [*structs, ProblemDocument], ref_template="#/components/schemas/{name}"
    )
    schemas.update(named)


def _add_problems(document: dict[str, Any]) -> None:
    """Document what every route may answer, and that all errors are problem documents."""
    for path, method, operation in _operations(document):
        responses = operation.setdefault("responses", {})
        for status, response in responses.items():
            if status >= "400" and "application/json" in response.get("content", {}):
                responses[status] = _problem("invalid_parameter")
        for codes in _common_codes(path, method, operation):
            _add_codes(responses, *codes)
        if path in OPEN:
            operation["security"] = []


def _add_codes(responses: dict[str, Any], *codes: str) -> None:
    """Name codes of one status beside those that the route names."""
    told = responses.setdefault(str(CODES[codes[0]].status), _problem())
    lines = [line for line in told["description"].split("; ") if line]
    lines += [line for code in codes if (line := _line(code)) not in lines]
    told["description"] = "; ".join(lines)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "operationId" in operation:
                yield path, method.upper(), operation


def _common_codes(path: str, method: str, operation: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield ("internal_error",)
    if "requestBody" in operation:
        yield ("invalid_body", "malformed_json", "client_disconnected")
        yield ("body_too_large",)
        yield ("unsupported_media_type",)
    if (method, path) in PERMISSIONS:
        yield ("unauthorized",)
        yield ("forbidden_role",)
        yield ("unavailable",)
    if path.startswith("/v1/stays"):
        yield ("forbidden_property",)
    if method != "GET" and path != "/v1/balances" and not path.startswith(_REGISTERS):
        yield ("queue_full", "deadline_exceeded", "shutting_down")


def _problem(*codes: str) -> dict[str, Any]:
    return {
        "description": "; ".join(map(_line, codes)),
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }


def _line(code: str) -> str:
    return f"`{code}`: {CODES[code].title}"


# --- The pages -------------------------------------------------------------------------------------------------------


class _Page(OpenAPIRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - as Litestar calls it
        return _PAGE.encode()


class _Document(OpenAPIRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - as Litestar calls it
        return openapi_bytes(request.app)


@get("/openapi.json", include_in_schema=False, sync_to_thread=True)
def openapi_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Serve the OpenAPI document."""
    return Response(openapi_bytes(request.app), media_type=MediaType.JSON)


@get("/docs/assets/{name:str}", include_in_schema=False, sync_to_thread=True)
def docs_asset(name: FromPath[str]) -> Response[bytes]:
    """Serve one of the files that the page needs."""
    if name == "start.js":
        return Response(_START, media_type="text/javascript", headers=_HEADERS)
    if name not in _TYPES:
        raise Problem("not_found")
    body = files("loyalty.http").joinpath("static", name).read_bytes()
    return Response(
        body, media_type=_TYPES[name], headers=_HEADERS | {"Cache-Control": "public, max-age=3600"}
    )


@get("/docs/problems", include_in_schema=False, sync_to_thread=False)
def docs_problems() -> Response[str]:
    """List every problem code: where the `type` of a problem document leads to."""
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{escape(title)}.</td></tr>'
        for code, (status, title) in CODES.items()
    )
    style = "<style>body{font:16px sans-serif;margin:2em}td{padding:.3em 1em}:target{background:#fe9}</style>"
    table = f"<table><tr><th>Code</th><th>Status</th><th>Meaning</th></tr>{rows}</table>"
    page = f"{_HEAD}{style}</head><body><h1>Problem codes</h1>{table}</body></html>"
    return Response(page, media_type=MediaType.HTML, headers=_HEADERS)


DOCS_HANDLERS: Final = (openapi_document, docs_asset, docs_problems)
