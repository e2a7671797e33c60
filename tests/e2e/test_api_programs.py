"""`/v1/programs`: the versions of the program, over HTTP."""

import datetime as dt
from typing import Any

from loyalty.http.auth import Role
from tests.noon import PROGRAM


def body(api: Any, version: int, ahead: int, **changes: str) -> dict[str, str]:
    """Return the house program as another version that comes into force so many days from now."""
    text = PROGRAM.replace("version = 1", f"version = {version}", 1)
    for before, after in changes.items():
        text = text.replace(before, after)
    return {"definition": text, "effective_from": str(api.today + dt.timedelta(ahead))}


def publish(api: Any, sent: dict[str, str], query: str = "") -> Any:
    return api.send("POST", f"/v1/programs{query}", sent)


def listed(api: Any) -> list[int]:
    return [one["version"] for one in api.get("/v1/programs", Role.BOOKING).json()["programs"]]


def test_a_version_is_checked_published_shown_and_withdrawn(api: Any) -> None:
    sent = body(api, 21, 30)
    dry = publish(api, sent, "?dry_run=true")
    before = listed(api)
    new, again = publish(api, sent), publish(api, sent)
    shown = api.get("/v1/programs/21").json()
    during = listed(api)
    gone = api.send("DELETE", "/v1/programs/21")

    assert [200, 201, 200, 204] == [one.status_code for one in (dry, new, again, gone)]
    assert new.json() == again.json()
    assert new.json() | {"definition": sent["definition"]} == shown
    assert ("house", 21, sent["effective_from"], False) == (
        shown["program"], shown["version"], shown["effective_from"], shown["in_force"]
    )  # fmt: skip
    assert (before, [*before, 21], before) == (before, during, listed(api))
    assert (404, "unknown_version") == code_of(api.get("/v1/programs/21"))


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_what_can_t_be_published_says_why(api: Any) -> None:
    mistaken = body(api, 22, 30)
    mistaken["definition"] = mistaken["definition"].replace('platinum"', 'gold"')
    publish(api, body(api, 23, 40))
    taken = publish(api, body(api, 23, 41))
    wrong = publish(api, mistaken)

    assert (409, "version_taken") == code_of(taken)
    assert [("/definition", "version")] == [(it["pointer"], it["key"]) for it in taken.json()["errors"]]
    assert (422, "invalid_program") == code_of(wrong)
    assert "gold" in wrong.json()["detail"]
    assert (409, "version_in_use") == code_of(api.send("DELETE", "/v1/programs/1"))
    assert (404, "unknown_version") == code_of(api.send("DELETE", "/v1/programs/99"))
    assert 204 == api.send("DELETE", "/v1/programs/23").status_code


def test_each_mistake_of_a_definition_is_told_with_its_line_and_key(api: Any) -> None:
    sent = body(api, 22, 30)
    lines = sent["definition"].replace('platinum"', 'gold"').split("\n")
    lines.insert(4, "colour = 7")
    sent["definition"] = "\n".join(lines)
    refused = publish(api, sent)
    simulated = api.send(
        "POST", "/v1/programs/simulate", {"definition": sent["definition"], "from": "2026-01-01"}
    )
    broken = publish(api, sent | {"definition": 'id = "x"\nversion ='})
    # Keys that aren't there are told before what can't hold; each by itself.
    lines.insert(5, "colours = 8")
    two = publish(api, sent | {"definition": "\n".join(lines)}).json()

    assert [("/definition", "colour", 5)] == told(refused.json())
    assert told(refused.json()) == told(simulated.json())
    assert [("/definition", "", 2)] == [
        (one["pointer"], one.get("key", ""), one["line"]) for one in broken.json()["errors"]
    ]
    assert [("/definition", "colour", 5), ("/definition", "colours", 6)] == told(two)[:2]
    assert all(one["key"] in one["detail"] and "\n" not in one["detail"] for one in two["errors"])
    assert (
        f"{len(two['errors'])} mistakes, the first on line 5: {two['errors'][0]['detail']}" == two["detail"]
    )


def told(problem: Any) -> list[tuple[str, str, int]]:
    return [(one["pointer"], one["key"], one["line"]) for one in problem["errors"]]


def test_a_number_below_one_that_is_published_is_refused_with_its_key(api: Any) -> None:
    publish(api, body(api, 28, 60))
    line = body(api, 27, 55)["definition"].split("\n").index("version = 27") + 1
    lower, interim = publish(api, body(api, 27, 70)), publish(api, body(api, 29, 55))
    moved = publish(
        api, body(api, 30, 80, **{'id = "house"': 'id = "hut"', 'time_zone = "': 'time_zone = "UTC" # '})
    )
    for version in (28, 29):
        api.send("DELETE", f"/v1/programs/{version}")

    assert (422, "invalid_value") == code_of(lower)
    assert [("/definition", "version", line)] == told(lower.json())
    assert "a higher number than 28" in lower.json()["detail"]
    assert 201 == interim.status_code
    assert ["id", "time_zone"] == [one["key"] for one in moved.json()["errors"]]


def test_a_number_that_no_book_holds_is_a_mistake_not_a_failure(api: Any) -> None:
    beyond = body(api, 24, 50)
    beyond["definition"] += (
        f'\n[[promotion]]\ncode = "p"\nname = {{ en = "P", zh = "促" }}\npoints = 1\nbudget = {10**26}\n'
    )
    refused = publish(api, beyond)

    assert (422, "invalid_program") == code_of(refused)
    assert "promotion p.budget" in refused.json()["detail"]


def test_the_version_in_force_is_the_one_of_today(api: Any) -> None:
    found = api.get("/v1/programs").json()["programs"]

    assert [1] == [one["version"] for one in found if one["in_force"]]
