"""The API against whatever its own description can make up, by schemathesis where that is installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loyalty.http.auth import Role
from loyalty.http.stays import MOST_ITEMS

# Beside the Python that runs this, or wherever programs are.
PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
SCHEMATHESIS = shutil.which("schemathesis", path=PLACES)
# Not `positive_data_acceptance`: a description can't say that a departure comes after an arrival.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "ignored_auth", "unsupported_method", "use_after_free",
)  # fmt: skip
# Among others, 413: what has too many items is too large before it is counted.
CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["4xx"]
"""


@pytest.mark.nightly
@pytest.mark.skipif(SCHEMATHESIS is None, reason="schemathesis is not installed: `make nightly` brings it")
def test_whatever_is_made_up_from_the_description_is_answered_as_described(api: Any, tmp_path: Path) -> None:
    before = api.log.stat().st_size
    document = api.send("GET", "/openapi.json", role=None).json()
    batch = document["paths"]["/v1/stays/batch"]["post"]["requestBody"]["content"]
    # It knows no lines of JSON, only JSON; and an array of nonsense is taken, each item refused on its own.
    del batch["application/x-ndjson"]
    batch["application/json"]["schema"] = {"type": "array", "maxItems": MOST_ITEMS}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    run = subprocess.run(
        [
            str(SCHEMATHESIS), "run", "openapi.json", "--url", api.url, "--header",
            f"Authorization: Bearer {api.keys[Role.OPERATOR]}",
            "--checks", ",".join(CHECKS), "--max-examples", "60", "--seed", "1", "--continue-on-failure", "--no-color",
            "--phases", "examples,coverage,fuzzing", "--exclude-path", "/metrics", "--warnings", "off",
        ],
        check=False, capture_output=True, text=True, timeout=600, cwd=tmp_path,
    )  # fmt: skip
    logged = api.log.read_bytes()[before:].decode()

    assert 0 == run.returncode, "\n".join([line[:1000] for line in run.stdout.splitlines()])
    assert '"level":"error"' not in logged
    assert '"event":"batch_rerun"' not in logged
