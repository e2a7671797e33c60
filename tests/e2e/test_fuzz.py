"""The API against whatever its own description can make up, by schemathesis where that is installed."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from loyalty.http.auth import Role

SCHEMATHESIS = shutil.which("schemathesis")
# Not `positive_data_acceptance`: a description can't say that a departure comes after an arrival.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "ignored_auth", "unsupported_method", "use_after_free",
)  # fmt: skip


@pytest.mark.nightly
@pytest.mark.skipif(SCHEMATHESIS is None, reason="schemathesis is not installed: pip install schemathesis")
def test_whatever_is_made_up_from_the_description_is_answered_as_described(api: Any, tmp_path: Path) -> None:
    before = api.log.stat().st_size
    document = api.send("GET", "/openapi.json", role=None).json()
    batch = document["paths"]["/v1/stays/batch"]["post"]["requestBody"]["content"]
    # It knows no lines of JSON, only JSON; and an array of nonsense is taken, each item refused on its own,
    # but for too many items, to which it doesn't expect 413.
    del batch["application/x-ndjson"]
    batch["application/json"]["schema"] = {"type": "array"}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    run = subprocess.run(
        [
            str(SCHEMATHESIS), "run", "openapi.json", "--url", api.url, "--header",
            f"Authorization: Bearer {api.keys[Role.OPERATOR]}",
            "--checks", ",".join(CHECKS), "--max-examples", "60", "--seed", "1", "--continue-on-failure", "--no-color",
            "--phases", "examples,coverage,fuzzing", "--exclude-path", "/metrics",
        ],
        check=False, capture_output=True, text=True, timeout=600, cwd=tmp_path,
    )  # fmt: skip
    logged = api.log.read_bytes()[before:].decode()

    assert 0 == run.returncode, run.stdout[-20_000:]
    assert '"level":"error"' not in logged
    assert '"event":"batch_rerun"' not in logged
