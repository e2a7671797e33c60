"""Load by `wrk`, driven by a generated Lua script that does one `string.format` per item."""

import json
import os
import shutil
import subprocess
import tempfile
from typing import Any

from loyalty.bench.workload import (
    COUNTER,
    COUNTER_DIGITS,
    KEY,
    LoadFailedError,
    Measurement,
    Workload,
    marks_of,
)

RESULT_MARK = "RESULT "

SCRIPT = """
local keys = {}
for line in io.lines(%(keys_file)s) do keys[#keys + 1] = line end
local count, stride, per_request = #keys, %(stride)d, %(per_request)d
local head, items = %(head)s, {%(items)s}
local kinds = #items
local format, concat = string.format, table.concat
local lines = {}
n = %(first)d
local threads = {}

function setup(thread) threads[#threads + 1] = thread end

local function item()
  n = n + 1
  local key = keys[(n * stride) %% count + 1]
  return format(items[n %% kinds + 1], key, n, key)
end

if per_request > 1 then
  request = function()
    for i = 1, per_request do lines[i] = item() end
    return head .. concat(lines, "\\n")
  end
else
  request = item
end

function done(summary, latency)
  local e = summary.errors
  print(format('%(mark)s{"requests":%%d,"us":%%d,"p50":%%d,"p99":%%d,"failed":%%d,"broken":%%d,"timeout":%%d,"next":%%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write, e.timeout, threads[1]:get("n") + 1))
end
"""


def available() -> bool:
    """Whether a `wrk` is installed."""
    return shutil.which("wrk") is not None


def run(workload: Workload, *, connections: int, seconds: float, first: int) -> Measurement:
    """Run `wrk` on one thread for `seconds`, numbering requests from `first`."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(lua_script(workload, first))
        file.flush()
        output, cpu_seconds = _run_and_time(_command(workload, file.name, connections, seconds))
    return parse(output, cpu_seconds)


def lua_script(workload: Workload, first: int) -> str:
    """Return the script that makes request number `first + 1` and all after it."""
    # One item per request is joined to its head here, so that a request costs a single format.
    head = workload.head if workload.per_request > 1 else ""
    items = workload.items if workload.per_request > 1 else [workload.head + item for item in workload.items]
    return SCRIPT % {
        "keys_file": lua_string(workload.keys_file),
        "stride": workload.stride,
        "per_request": workload.per_request,
        "head": lua_string(head),
        "items": ", ".join(lua_string(lua_pattern(item)) for item in items),
        "first": first,
        "mark": RESULT_MARK,
    }


def lua_pattern(item: str) -> str:
    """Turn the marks for key and counter into a pattern of Lua's `string.format`, in their order."""
    marks_of(item)
    return item.replace("%", "%%").replace(KEY, "%s").replace(COUNTER, f"%0{COUNTER_DIGITS}d")


def lua_string(text: str) -> str:
    """Quote a text for Lua; JSON's escapes are Lua's where only these three occur."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(escapes.get(char, char) for char in text) + '"'


def parse(output: str, cpu_seconds: float) -> Measurement:
    """Read what `done` printed; replies other than 2xx and 3xx count as errors, as do broken connections."""
    lines = [line for line in output.splitlines() if line.startswith(RESULT_MARK)]
    if not lines:
        raise LoadFailedError(f"wrk printed no result:\n{output}")
    found: dict[str, Any] = json.loads(lines[-1].removeprefix(RESULT_MARK))
    seconds = found["us"] / 1e6
    return Measurement(
        requests=found["requests"],
        seconds=seconds,
        rate=found["requests"] / seconds,
        p50_ms=found["p50"] / 1000,
        p99_ms=found["p99"] / 1000,
        errors=found["failed"] + found["broken"] + found["timeout"],
        next_counter=found["next"],
        generator_us=cpu_seconds * 1e6 / max(1, found["requests"]),
        generator="wrk",
    )


def _command(workload: Workload, script: str, connections: int, seconds: float) -> list[str]:
    # wrk takes whole seconds only.
    duration = f"-d{max(1, round(seconds))}s"
    return ["wrk", "-t1", f"-c{connections}", duration, "--timeout", "30s", "-s", script, workload.url]


def _run_and_time(command: list[str]) -> tuple[str, float]:
    """Return what the command printed and the CPU seconds that it took, user and system."""
    before = os.times()
    done = subprocess.run(  # noqa: S603  (no shell; the arguments are ours)
        command, capture_output=True, text=True, check=False
    )
    after = os.times()
    if done.returncode != 0:
        raise LoadFailedError(f"wrk ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, spent
