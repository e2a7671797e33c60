"""Problems: the one way in which any layer refuses, and how a refusal looks on the wire (RFC 9457)."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

__all__ = ["CODES", "Code", "FieldError", "Problem", "ProblemDocument", "together"]


class Code(NamedTuple):
    """What every problem of one code has in common."""

    status: int
    title: str


CODES: Final[dict[str, Code]] = {
    # The request can't be read.
    "malformed_json": Code(400, "The body is not JSON"),
    "invalid_body": Code(400, "A field of the body is unknown, missing or of the wrong type"),
    "invalid_parameter": Code(400, "A parameter of the request is missing or of the wrong type"),
    "bad_request": Code(400, "The request can't be understood"),
    "client_disconnected": Code(400, "The client left before its request was complete"),
    "idempotency_key_missing": Code(400, "The header Idempotency-Key is missing or unusable"),
    # The caller may not.
    "unauthorized": Code(401, "An API key is needed"),
    "forbidden_role": Code(403, "A key of this role may not do that"),
    "own_proposal": Code(403, "Whoever proposed it can't decide it"),
    "forbidden_property": Code(403, "This key is limited to other properties"),
    "forbidden_partner": Code(403, "This key is limited to another partner"),
    "own_account": Code(403, "Nobody gives to an own account with a key of the staff"),
    "own_redemption": Code(403, "Nobody redeems for himself with a key of the staff"),
    "token_of_another_partner": Code(403, "The token was made for another partner"),
    # The request fits no resource, or not in its present state.
    "not_found": Code(404, "There is nothing here"),
    "unknown_member": Code(404, "There is no such member"),
    "unknown_stay": Code(404, "There is no such stay"),
    "unknown_reward": Code(404, "The member has no such reward"),
    "unknown_benefit": Code(404, "The member's tier has no such benefit that is counted"),
    "unknown_version": Code(404, "There is no such version of the program"),
    "unknown_status": Code(404, "The member has no such status"),
    "unknown_promotion": Code(404, "There is no such promotion to register for"),
    "unknown_merge": Code(404, "There is no such merge"),
    "unknown_household": Code(404, "There is no such household"),
    "unknown_approval": Code(404, "There is no such proposal"),
    "unknown_partner": Code(404, "There is no such partner"),
    "unknown_offer": Code(404, "There is no such offer"),
    "unknown_accrual": Code(404, "The partner gave no points under this reference"),
    "unknown_statement": Code(404, "There is no such statement"),
    "unknown_line": Code(404, "There is no such line"),
    "unknown_voucher": Code(404, "There is no such voucher"),
    "unknown_redemption": Code(404, "There is no such redemption"),
    "method_not_allowed": Code(405, "The method isn't supported here"),
    "number_taken": Code(409, "Another member has this number"),
    "idempotency_key_in_flight": Code(409, "A request with the same key is still being worked on"),
    "revision_conflict": Code(409, "The same revision of the stay was posted with other content"),
    "stay_of_another_member": Code(409, "The stay belongs to another member"),
    "reward_not_open": Code(409, "There is nothing to choose, or no more"),
    "choice_over": Code(409, "The time to choose is over"),
    "reward_not_usable": Code(409, "The reward can't be used, or not again"),
    "reward_expired": Code(409, "The reward's time is up"),
    "benefit_used_up": Code(409, "The benefit is used up this year"),
    "benefit_not_used": Code(409, "The benefit wasn't used so often"),
    "voucher_redeemed": Code(409, "The voucher was redeemed before"),
    "voucher_expired": Code(409, "The voucher's time is up"),
    "voucher_revoked": Code(409, "The voucher was revoked"),
    "voucher_used": Code(409, "A voucher of what would be given back was redeemed"),
    "version_taken": Code(409, "The version, or the day it comes into force, is taken"),
    "version_in_use": Code(409, "The version of the program is in use"),
    "already_in_household": Code(409, "The member is in a household already"),
    "not_mergeable": Code(409, "The account can't be merged as it is"),
    "not_undoable": Code(409, "The merge can't be undone any more"),
    "reference_taken": Code(409, "The partner has used this reference before"),
    "accrual_reversed": Code(409, "The points were taken back before"),
    "period_closed": Code(409, "A later month has a statement already"),
    "wrong_statement_status": Code(409, "In its status that can't be done with the statement"),
    "already_resolved": Code(409, "The dispute was resolved otherwise"),
    "holds_open": Code(409, "Points of the account are held for redemptions"),
    "redemption_not_held": Code(409, "The redemption is held no more"),
    "redemption_not_captured": Code(409, "The redemption isn't captured"),
    "hold_expired": Code(409, "The hold's time is up"),
    "already_decided": Code(409, "It was decided before"),
    "simulation_running": Code(409, "Another simulation is running"),
    "precondition_failed": Code(412, "The resource has changed since it was read"),
    "body_too_large": Code(413, "The body is too large"),
    "unsupported_media_type": Code(415, "The media type isn't supported"),
    # Well-formed, but refused.
    "idempotency_key_reused": Code(422, "The key was used before, with another request"),
    "invalid_value": Code(422, "A value is outside of what is allowed"),
    "member_closed": Code(422, "The member's account is closed"),
    "unknown_property": Code(422, "There is no such property"),
    "unknown_currency": Code(422, "The program has no rate for this currency"),
    "stay_departure_before_arrival": Code(422, "The stay ends before it begins"),
    "stay_too_long": Code(422, "The stay is longer than the program allows"),
    "insufficient_points": Code(422, "The member hasn't enough points"),
    "invalid_program": Code(422, "The definition of the program can't hold"),
    "version_in_past": Code(422, "Stays have been judged from that day on"),
    "budget_too_small": Code(422, "More of the promotion's budget is already given"),
    "not_offered": Code(422, "The program doesn't offer this"),
    "same_member": Code(422, "Both are the same member"),
    "account_too_young": Code(422, "The account hasn't been open for long enough"),
    "promotion_over": Code(422, "The promotion is over"),
    "household_full": Code(422, "The household has no seat left"),
    "limit_reached": Code(422, "More than the program allows in this time"),
    "nothing_to_simulate": Code(422, "No stay is on file that could be judged again"),
    "invalid_partner": Code(422, "The partner can't be as it is stated"),
    "invalid_offer": Code(422, "The offer can't be as it is stated"),
    "stock_too_small": Code(422, "More of the offer is already taken"),
    "offer_suspended": Code(422, "The offer is suspended"),
    "partner_suspended": Code(422, "The partner is suspended"),
    "offer_not_open": Code(422, "The offer can't be had yet"),
    "offer_expired": Code(422, "The offer is over"),
    "wrong_tier": Code(422, "The offer is for members of other tiers"),
    "wrong_segment": Code(422, "The offer is for other members"),
    "no_price": Code(422, "The offer has no price for that day and tier"),
    "sold_out": Code(422, "The offer is sold out"),
    "invalid_details": Code(422, "A detail that the offer asks for is missing or wrong"),
    "unknown_cabin": Code(422, "The airline has no such cabin"),
    "unknown_slot": Code(422, "The offer isn't for that day or time"),
    "slot_in_past": Code(422, "The day or time of use is past"),
    "fund_exhausted": Code(422, "The partner has paid for no more points"),
    "period_not_over": Code(422, "The month isn't over"),
    "invalid_file": Code(422, "A line of the file can't be read"),
    "not_transferable": Code(422, "The voucher can't be handed over"),
    "capture_above_hold": Code(422, "More would be captured than is held"),
    "refund_above_capture": Code(422, "More would be refunded than was captured"),
    "not_refundable": Code(422, "The redemption can't be refunded"),
    "refund_over": Code(422, "The time to refund it is over"),
    "invalid_token": Code(422, "The redemption token is missing or unknown"),
    "token_expired": Code(422, "The redemption token's time is up"),
    "token_used": Code(422, "The redemption token was used"),
    "token_of_merged_account": Code(
        422, "The account that the redemption token is of was merged into another one"
    ),
    "token_too_small": Code(422, "The redemption token is for fewer points"),
    "price_changed": Code(422, "It costs more points than was agreed to"),
    "reason_missing": Code(422, "A reason is to be given"),
    "precondition_required": Code(428, "The request must say what it would change"),
    "too_many_requests": Code(429, "Too many requests"),
    # Our side; nothing was decided.
    "internal_error": Code(500, "Something went wrong on our side"),
    "queue_full": Code(503, "Too many requests are waiting"),
    "deadline_exceeded": Code(503, "The request waited too long and was given up"),
    "shutting_down": Code(503, "The service is shutting down"),
    "unavailable": Code(503, "The service can't decide this right now"),
}
"""Every code the service can answer with. Clients may rely on codes; titles and details are for people."""


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One bad field: where it is (JSON pointer into the body, or a parameter by name) and what is wrong with it.

    In the text of a definition, `key` is the way to it, like `tier gold.reach.nights`, and `line` its line, from 1 on.
    """

    pointer: str = ""
    detail: str = ""
    parameter: str = ""
    key: str = ""
    line: int = 0


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A refusal as the API answers it, in `application/problem+json`.

    `numbers` are those that the detail tells of, by name, such as the points that are `missing`.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    request_id: str = ""
    numbers: dict[str, int] = {}


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """A refusal with a stable code; its status and title come from `CODES`."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        at: str | None = None,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
        numbers: dict[str, int] | None = None,
    ) -> None:
        """Refuse with `code`; `at` is a shorthand for one bad field, a JSON pointer that `detail` is about."""
        self.status, self.title = CODES[code]
        self.code = code
        self.detail = detail or f"{self.title}."
        self.errors = errors if at is None else (FieldError(at, self.detail), *errors)
        self.headers = headers or {}
        self.numbers = numbers or {}
        super().__init__(code, self.detail)

    def document(self, request_id: str = "") -> ProblemDocument:
        """Return what goes on the wire."""
        return ProblemDocument(
            type=f"/docs/problems#{self.code}",
            title=self.title,
            status=self.status,
            code=self.code,
            detail=self.detail,
            errors=self.errors,
            request_id=request_id,
            numbers=self.numbers,
        )


def together(problems: Sequence[Problem]) -> Problem:
    """Return the first of some problems with the bad fields of all: who mends one can mend the others too."""
    first = problems[0]
    errors = tuple(error for problem in problems for error in problem.errors)
    return Problem(first.code, first.detail, errors=errors, headers=first.headers, numbers=first.numbers)
