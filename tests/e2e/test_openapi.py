"""`openapi.json`: equal to the code, whole, with examples that are true; and a docs page that asks nobody."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loyalty.app import openapi_app
from loyalty.commands.accrue import AccrualRequest, AccrualView
from loyalty.commands.adjust import AdjustmentReply, AdjustmentRequest
from loyalty.commands.approve import ApprovalView
from loyalty.commands.balance import BalanceView
from loyalty.commands.benefit import BenefitReply, ReturnRequest, UseRequest
from loyalty.commands.capture import CaptureRequest
from loyalty.commands.choose import ChooseReply, ChooseRequest
from loyalty.commands.compensate import CompensationReply, CompensationRequest
from loyalty.commands.extend import ExtendRequest
from loyalty.commands.found_household import HouseholdRequest
from loyalty.commands.give_status import StatusReply, StatusRequest
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.household import HouseholdView
from loyalty.commands.join_household import ConsentRequest
from loyalty.commands.merge import MergeReply, MergeRequest
from loyalty.commands.mint_token import TokenRequest
from loyalty.commands.purchase import PurchaseReply, PurchaseRequest
from loyalty.commands.redeem_voucher import RedeemVoucherRequest
from loyalty.commands.redeeming import RedemptionView
from loyalty.commands.refund import RefundRequest
from loyalty.commands.register import RegistrationReply
from loyalty.commands.release import ReleaseRequest
from loyalty.commands.reverse_accrual import ReverseAccrualRequest
from loyalty.commands.revoke_voucher import RevokeVoucherRequest
from loyalty.commands.set_segments import SegmentsReply, SegmentsRequest
from loyalty.commands.settle_adjust import SettlementAdjustmentReply, SettlementAdjustmentRequest
from loyalty.commands.stay_reply import StayReply
from loyalty.commands.transfer import TransferReply, TransferRequest
from loyalty.commands.use import Occasion, UseReply
from loyalty.commands.vouching import VoucherReply, VoucherView
from loyalty.http.accruals import DepositRequest
from loyalty.http.auth import PERMISSIONS
from loyalty.http.balances import BalancesReply, BalancesRequest, Statement
from loyalty.http.compensations import ApprovalList
from loyalty.http.docs import openapi_bytes
from loyalty.http.examples import PROPOSALS, REPLIES, REQUESTS
from loyalty.http.offers import OfferFile, OfferList
from loyalty.http.partners import PartnerList, PartnerView
from loyalty.http.programs import FullVersion, PublishRequest, VersionList, VersionView
from loyalty.http.properties import PropertyList
from loyalty.http.redemptions import RedemptionList
from loyalty.http.reports import PropertyReport, RedemptionReport
from loyalty.http.rewards import FlaggedList, RewardList
from loyalty.http.simulations import SimulationRequest
from loyalty.http.statements import (
    DisputeRequest,
    IssueRequest,
    MatchRequest,
    SettleRequest,
    StatementHead,
    StatementHeads,
    StatementView,
)
from loyalty.http.stays import BatchReply, StayView
from loyalty.http.vouchers import HandOverRequest, VoucherList
from loyalty.members.model import EnrolRequest, MemberView
from loyalty.partners.model import Offer, Partner
from loyalty.partners.reports import CostReport, LotsReport
from loyalty.redeeming import TokenView
from loyalty.settling import Comparison, Fund
from loyalty.simulate.model import SimulationReply
from loyalty.stays.model import StayPosting
from loyalty.stays.properties import Property

UNDER_HEALTH = ("/health/live", "/health/ready")
ROOT = Path(__file__).parents[2]
# What chromium asks for itself, whatever it shows; it reaches none of them.
OF_THE_BROWSER = re.compile(r"google|gvt1|gstatic|chromium")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads((ROOT / "openapi.json").read_bytes())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def everything(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, node
    for name, child in (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        yield from everything(child, f"{path}/{name}")


def test_the_document_is_what_the_code_says() -> None:
    committed = (ROOT / "openapi.json").read_bytes()
    hint = "write it anew: loyalty.http.docs.openapi_bytes(loyalty.app.openapi_app()) > openapi.json"

    assert openapi_bytes(openapi_app()) == committed, hint


def test_the_running_service_serves_the_same(api: Any) -> None:
    served = api.send("GET", "/openapi.json", role=None)

    assert (ROOT / "openapi.json").read_bytes() == served.content


# --- Whole -----------------------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validator = pytest.importorskip(
        "openapi_spec_validator", reason="openapi-spec-validator is not installed: `make nightly` brings it"
    )
    validator.validate(document)


def test_it_has_the_parts_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert {"title", "version", "description", "license"} <= document["info"].keys()
    assert {"schemas", "parameters", "headers", "securitySchemes"} <= document["components"].keys()
    assert all(
        re.fullmatch(r"[A-Za-z0-9._-]+", name) for kind in document["components"].values() for name in kind
    )


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def leads(reference: str) -> bool:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place.get(step, {})
        return bool(place)

    references = [
        node["$ref"] for _, node in everything(document) if isinstance(node, dict) and "$ref" in node
    ]

    assert len(references) > 100
    assert [] == [reference for reference in references if not leads(reference)]


def test_nothing_is_described_that_nothing_uses(document: dict[str, Any]) -> None:
    used = {node["$ref"] for _, node in everything(document) if isinstance(node, dict) and "$ref" in node}
    described = {
        f"#/components/{kind}/{name}"
        for kind, named in document["components"].items() if kind != "securitySchemes"
        for name in named
    }  # fmt: skip

    assert set() == described - used - {"#/components/headers/Allow"}


def test_every_route_says_what_it_does_and_all_it_may_answer(document: dict[str, Any]) -> None:
    found = list(operations(document))

    assert len(PERMISSIONS) + len(UNDER_HEALTH) == len(found)
    assert len(found) == len({operation["operationId"] for _, _, operation in found})
    for method, path, operation in found:
        where = f"{method} {path}"
        responses = operation["responses"]
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        assert all(response["description"] for response in responses.values()), where
        assert all("X-Request-Id" in response["headers"] for response in responses.values()), where
        assert {"500"} <= responses.keys(), where
        assert operation.get("security") == [] or {"401", "403", "503"} <= responses.keys(), where
        assert "requestBody" not in operation or {"400", "413", "415"} <= responses.keys(), where
        assert all(one.get("description") or "$ref" in one for one in operation.get("parameters", [])), where
        assert set(re.findall(r"\{(\w+)\}", path)) == {
            one["name"] for one in operation.get("parameters", []) if one.get("in") == "path"
        }, where


KEYED = {
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"),
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"),
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"),
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"),
    ("POST", "/v1/members"),
    ("POST", "/v1/adjustments"),
    ("POST", "/v1/transfers"),
    ("POST", "/v1/households"),
    ("POST", "/v1/households/{household_id}/members"),
    ("POST", "/v1/members/{member_id}/merge"),
    ("POST", "/v1/merges/{merge_id}/undo"),
    ("POST", "/v1/members/{member_id}/statuses"),
    ("POST", "/v1/purchases"),
    ("POST", "/v1/compensations"),
    ("POST", "/v1/partners/{code}/accruals"),
    ("POST", "/v1/partners/{code}/accruals/{reference}/reverse"),
    ("POST", "/v1/partners/{code}/deposits"),
    ("POST", "/v1/partners/{code}/statements/{period}/adjustments"),
    ("POST", "/v1/vouchers/{code}/redeem"),
    ("POST", "/v1/vouchers/{code}/revoke"),
    ("POST", "/v1/vouchers/{code}/hand-over"),
    ("POST", "/v1/redemptions"),
    ("POST", "/v1/members/{member_id}/redemption-tokens"),
    ("POST", "/v1/redemptions/{redemption_id}/capture"),
    ("POST", "/v1/redemptions/{redemption_id}/release"),
    ("POST", "/v1/redemptions/{redemption_id}/extend"),
    ("POST", "/v1/redemptions/{redemption_id}/refund"),
}


def test_what_needs_a_key_of_its_own_says_so(document: dict[str, Any]) -> None:
    reference = {"$ref": "#/components/parameters/IdempotencyKey"}
    keyed = {
        (method, path) for method, path, it in operations(document) if reference in it.get("parameters", [])
    }

    assert KEYED == keyed


def test_a_stay_and_a_balance_say_that_they_may_be_answered_again(document: dict[str, Any]) -> None:
    stay = document["paths"]["/v1/stays"]["post"]["responses"]
    balance = document["paths"]["/v1/members/{member_id}/balance"]["get"]["responses"]

    assert stay["200"]["content"].keys() == stay["201"]["content"].keys()
    assert "Idempotent-Replayed" in stay["200"]["headers"]
    assert "ETag" in balance["200"]["headers"]
    assert "content" not in balance["304"]


def test_bodies_that_are_sent_are_closed_to_unknown_fields(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    sent = {
        "StayPosting",
        "Line",
        "EnrolRequest",
        "Profile",
        "AdjustmentRequest",
        "BalancesRequest",
        "Property",
        "PropertyName",
        "TransferRequest",
        "HouseholdRequest",
        "ConsentRequest",
        "MergeRequest",
        "StatusRequest",
        "SegmentsRequest",
        "PurchaseRequest",
        "CompensationRequest",
        "PublishRequest",
        "ChooseRequest",
        "Occasion",
        "UseRequest",
        "ReturnRequest",
        "SimulationRequest",
        "Partner",
        "Contract",
        "Offer",
        "Title",
        "Text",
        "Price",
        "Stock",
        "SlotStock",
        "Limit",
        "Miles",
        "TokenRequest",
        "RedemptionRequest",
        "CaptureRequest",
        "ReleaseRequest",
        "ExtendRequest",
        "RefundRequest",
        "AccrualRequest",
        "ReverseAccrualRequest",
        "DepositRequest",
        "IssueRequest",
        "DisputeRequest",
        "SettleRequest",
        "MatchRequest",
        "TheirLine",
        "SettlementAdjustmentRequest",
        "RedeemVoucherRequest",
        "RevokeVoucherRequest",
        "HandOverRequest",
    }

    assert sent == {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}


def test_every_pattern_is_put_in_words_that_follow_expected(document: dict[str, Any]) -> None:
    described = {
        path: node.get("description", "") for path, node in everything(document["components"]["schemas"])
        if isinstance(node, dict) and "pattern" in node and node.get("type") == "string"
    }  # fmt: skip

    assert len(described) > 10
    assert [] == [path for path, words in described.items() if not re.match(r"An? ", words)]


# --- Examples --------------------------------------------------------------------------------------------------------

REQUEST_TYPES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/vouchers/{code}/redeem"): RedeemVoucherRequest,
    ("POST", "/v1/vouchers/{code}/revoke"): RevokeVoucherRequest,
    ("POST", "/v1/vouchers/{code}/hand-over"): HandOverRequest,
    ("POST", "/v1/members/{member_id}/redemption-tokens"): TokenRequest,
    ("POST", "/v1/redemptions"): RedemptionRequest,
    ("POST", "/v1/redemptions/{redemption_id}/capture"): CaptureRequest,
    ("POST", "/v1/redemptions/{redemption_id}/release"): ReleaseRequest,
    ("POST", "/v1/redemptions/{redemption_id}/extend"): ExtendRequest,
    ("POST", "/v1/redemptions/{redemption_id}/refund"): RefundRequest,
    ("POST", "/v1/members"): EnrolRequest,
    ("POST", "/v1/stays"): StayPosting,
    ("POST", "/v1/stays/batch"): list[StayPosting],
    ("POST", "/v1/balances"): BalancesRequest,
    ("POST", "/v1/adjustments"): AdjustmentRequest,
    ("POST", "/v1/members/{member_id}/statuses"): StatusRequest,
    ("PUT", "/v1/members/{member_id}/segments"): SegmentsRequest,
    ("POST", "/v1/members/{member_id}/merge"): MergeRequest,
    ("POST", "/v1/households"): HouseholdRequest,
    ("POST", "/v1/households/{household_id}/members"): ConsentRequest,
    ("POST", "/v1/transfers"): TransferRequest,
    ("POST", "/v1/purchases"): PurchaseRequest,
    ("POST", "/v1/compensations"): CompensationRequest,
    ("PUT", "/v1/properties/{code}"): Property,
    ("POST", "/v1/programs"): PublishRequest,
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"): ChooseRequest,
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"): Occasion,
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"): UseRequest,
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"): ReturnRequest,
    ("PUT", "/v1/partners/{code}"): Partner,
    ("PUT", "/v1/offers/{code}"): Offer,
    ("POST", "/v1/programs/simulate"): SimulationRequest,
    ("POST", "/v1/partners/{code}/accruals"): AccrualRequest,
    ("POST", "/v1/partners/{code}/accruals/{reference}/reverse"): ReverseAccrualRequest,
    ("POST", "/v1/partners/{code}/deposits"): DepositRequest,
    ("POST", "/v1/partners/{code}/statements"): IssueRequest,
    ("POST", "/v1/partners/{code}/statements/{period}/dispute"): DisputeRequest,
    ("POST", "/v1/partners/{code}/statements/{period}/settle"): SettleRequest,
    ("POST", "/v1/partners/{code}/statements/{period}/match"): MatchRequest,
    ("POST", "/v1/partners/{code}/statements/{period}/adjustments"): SettlementAdjustmentRequest,
}
REPLY_TYPES: dict[tuple[str, str], Any] = {
    ("GET", "/v1/vouchers/{code}"): VoucherView,
    ("GET", "/v1/vouchers/{code}/qr"): str,
    ("POST", "/v1/vouchers/{code}/redeem"): VoucherReply,
    ("POST", "/v1/vouchers/{code}/revoke"): VoucherReply,
    ("POST", "/v1/vouchers/{code}/hand-over"): VoucherReply,
    ("GET", "/v1/members/{member_id}/vouchers"): VoucherList,
    ("POST", "/v1/members/{member_id}/redemption-tokens"): TokenView,
    ("POST", "/v1/redemptions"): RedemptionView,
    ("GET", "/v1/redemptions"): RedemptionList,
    ("GET", "/v1/redemptions/{redemption_id}"): RedemptionView,
    ("POST", "/v1/redemptions/{redemption_id}/capture"): RedemptionView,
    ("POST", "/v1/redemptions/{redemption_id}/release"): RedemptionView,
    ("POST", "/v1/redemptions/{redemption_id}/extend"): RedemptionView,
    ("POST", "/v1/redemptions/{redemption_id}/refund"): RedemptionView,
    ("POST", "/v1/members"): MemberView,
    ("GET", "/v1/members"): MemberView,
    ("GET", "/v1/members/{member_id}"): MemberView,
    ("POST", "/v1/stays"): StayReply,
    ("POST", "/v1/stays/batch"): BatchReply,
    ("GET", "/v1/stays/{stay_id}"): StayView,
    ("GET", "/v1/members/{member_id}/balance"): BalanceView,
    ("POST", "/v1/balances"): BalancesReply,
    ("GET", "/v1/members/{member_id}/statement"): Statement,
    ("POST", "/v1/adjustments"): AdjustmentReply,
    ("POST", "/v1/members/{member_id}/statuses"): StatusReply,
    ("DELETE", "/v1/members/{member_id}/statuses/{tier}/{kind}"): StatusReply,
    ("PUT", "/v1/members/{member_id}/segments"): SegmentsReply,
    ("POST", "/v1/members/{member_id}/promotions/{code}"): RegistrationReply,
    ("POST", "/v1/members/{member_id}/merge"): MergeReply,
    ("POST", "/v1/merges/{merge_id}/undo"): MergeReply,
    ("POST", "/v1/households"): HouseholdView,
    ("GET", "/v1/households/{household_id}"): HouseholdView,
    ("POST", "/v1/households/{household_id}/members"): HouseholdView,
    ("DELETE", "/v1/households/{household_id}/members/{member_id}"): HouseholdView,
    ("POST", "/v1/transfers"): TransferReply,
    ("POST", "/v1/purchases"): PurchaseReply,
    ("POST", "/v1/compensations"): CompensationReply,
    ("GET", "/v1/approvals"): ApprovalList,
    ("POST", "/v1/approvals/{approval_id}/approve"): ApprovalView,
    ("POST", "/v1/approvals/{approval_id}/reject"): ApprovalView,
    ("GET", "/v1/properties"): PropertyList,
    ("GET", "/v1/properties/{code}"): Property,
    ("PUT", "/v1/properties/{code}"): Property,
    ("GET", "/v1/programs"): VersionList,
    ("GET", "/v1/programs/{version}"): FullVersion,
    ("POST", "/v1/programs"): VersionView,
    ("DELETE", "/v1/programs/{version}"): None,
    ("GET", "/v1/members/{member_id}/rewards"): RewardList,
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"): ChooseReply,
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"): UseReply,
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"): BenefitReply,
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"): BenefitReply,
    ("GET", "/v1/rewards"): FlaggedList,
    ("GET", "/v1/partners"): PartnerList,
    ("GET", "/v1/partners/{code}"): PartnerView,
    ("PUT", "/v1/partners/{code}"): PartnerView,
    ("GET", "/v1/offers"): OfferList,
    ("GET", "/v1/offers/{code}"): OfferFile,
    ("PUT", "/v1/offers/{code}"): OfferFile,
    ("POST", "/v1/programs/simulate"): SimulationReply,
    ("POST", "/v1/partners/{code}/accruals"): AccrualView,
    ("GET", "/v1/partners/{code}/accruals/{reference}"): AccrualView,
    ("POST", "/v1/partners/{code}/accruals/{reference}/reverse"): AccrualView,
    ("POST", "/v1/partners/{code}/deposits"): Fund,
    ("GET", "/v1/partners/{code}/fund"): Fund,
    ("POST", "/v1/partners/{code}/statements"): StatementView,
    ("GET", "/v1/partners/{code}/statements"): StatementHeads,
    ("GET", "/v1/partners/{code}/statements/{period}"): StatementView,
    ("POST", "/v1/partners/{code}/statements/{period}/accept"): StatementHead,
    ("POST", "/v1/partners/{code}/statements/{period}/dispute"): StatementHead,
    ("POST", "/v1/partners/{code}/statements/{period}/settle"): StatementHead,
    ("POST", "/v1/partners/{code}/statements/{period}/match"): Comparison,
    ("POST", "/v1/partners/{code}/statements/{period}/match.csv"): Comparison,
    ("GET", "/v1/partners/{code}/statements/{period}/match"): Comparison,
    ("POST", "/v1/partners/{code}/statements/{period}/adjustments"): SettlementAdjustmentReply,
    ("GET", "/v1/reports/redemptions"): RedemptionReport,
    ("GET", "/v1/reports/lots"): LotsReport,
    ("GET", "/v1/reports/cost"): CostReport,
    ("GET", "/v1/reports/properties"): PropertyReport,
}


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    bodies = {(method, path) for method, path, it in operations(document) if "requestBody" in it}
    replies = {(method, path) for method, path, _ in operations(document) if path.startswith("/v1/")}

    assert bodies == REQUESTS.keys()
    assert replies == REPLIES.keys()
    for method, path, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["example"], f"{method} {path}"


@pytest.mark.parametrize("route", REQUESTS, ids=" ".join)
def test_an_example_of_a_request_can_be_sent(route: tuple[str, str]) -> None:
    sent = msgspec.json.encode(REQUESTS[route])
    read = msgspec.json.decode(sent, type=REQUEST_TYPES[route])

    assert REQUESTS[route] == without_absent(msgspec.to_builtins(read))


@pytest.mark.parametrize(("route", "example"), [*REPLIES.items(), *PROPOSALS.items()])
def test_an_example_of_a_reply_has_every_field_and_no_other(route: tuple[str, str], example: Any) -> None:
    read = msgspec.convert(example, REPLY_TYPES[route])

    assert without_absent(example) == without_absent(msgspec.to_builtins(read))


def without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_absent(one) for name, one in value.items() if one is not None}
    return [without_absent(one) for one in value] if isinstance(value, list | tuple) else value


def test_the_story_of_the_examples_happens_as_told(api: Any) -> None:
    """The examples are sent in order, and answered with what the examples say, but for ids and instants."""
    hotel = REQUESTS["PUT", "/v1/properties/{code}"]
    api.send("PUT", "/v1/properties/SHA01", hotel)
    member = api.enrol(REQUESTS["POST", "/v1/members"] | {"enrolled_on": "2026-01-02"})
    posted = api.post("/v1/stays", REQUESTS["POST", "/v1/stays"])
    shown = api.get(f"/v1/stays/{posted.json()['stay_id']}")
    batch = api.post("/v1/stays/batch", REQUESTS["POST", "/v1/stays/batch"])
    statement = api.get("/v1/members/HX0000000018/statement?limit=1")
    balance = api.get("/v1/members/HX0000000018/balance?as_of=2026-01-04")
    adjusted = api.adjust(REQUESTS["POST", "/v1/adjustments"])
    answers = {
        ("POST", "/v1/members"): member, ("POST", "/v1/stays"): posted, ("GET", "/v1/stays/{stay_id}"): shown,
        ("GET", "/v1/members/{member_id}/statement"): statement,
        ("GET", "/v1/members/{member_id}/balance"): balance, ("POST", "/v1/adjustments"): adjusted,
    }  # fmt: skip

    for route, answer in answers.items():
        assert anonymous(REPLIES[route]) == anonymous(answer.json()), route
    assert [200, 404] == [result["status"] for result in batch.json()["results"]]
    assert anonymous(REPLIES["POST", "/v1/stays/batch"]["results"][1]) == anonymous(
        batch.json()["results"][1]
    )


def anonymous(value: Any) -> Any:
    """Take out of a reply what differs from one installation to the next."""
    if isinstance(value, dict):
        return {
            name: "…" if name in {"recorded_at", "actor"} else anonymous(one) for name, one in value.items()
        }
    if isinstance(value, list):
        return [anonymous(one) for one in value]
    return re.sub(r"^(mem|sty|jrn)_[0-9a-f]{32}$", r"\1_", value) if isinstance(value, str) else value


# --- The page --------------------------------------------------------------------------------------------------------


def test_the_page_names_nothing_outside_and_may_load_nothing_outside(api: Any) -> None:
    page = api.send("GET", "/docs", role=None)
    problems = api.send("GET", "/docs/problems", role=None)
    start = api.send("GET", "/docs/assets/start.js", role=None)

    assert [] == re.findall(r"(?:https?:)?//[a-z]", page.text + problems.text + start.text)
    assert "default-src 'self'" in start.headers["content-security-policy"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here to look at the page with")
def test_the_page_shows_every_route_in_a_browser_that_can_reach_nobody_else(api: Any, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    shown = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", f"--log-net-log={log}",
            "--virtual-time-budget=15000", "--dump-dom", f"{api.url}/docs",
        ],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    asked = set(re.findall(r'"url":"(https?://[^"/]+)', log.read_text("utf-8", errors="replace")))

    assert "Hotel loyalty ledger" in shown
    assert len(PERMISSIONS) + len(UNDER_HEALTH) == len(re.findall(r'class="opblock-summary-path"', shown))
    assert {api.url} == {url for url in asked if "127.0.0.1" in url}
    assert [] == [url for url in asked if "127.0.0.1" not in url and not OF_THE_BROWSER.search(url)]
