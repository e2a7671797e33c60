"""The load generator: `wrk` where it is installed, our own sockets elsewhere; a run with an error is no run.

`python -m loyalty.bench.generator URL` loads any server by hand, to see what a change did.
"""

import tempfile
from pathlib import Path
from typing import Any

import rich_click as click

from loyalty.bench import raw, wrk
from loyalty.bench.bodies import stay_items
from loyalty.bench.population import number_of
from loyalty.bench.workload import (
    LoadFailedError,
    Measurement,
    Workload,
    get_workload,
    post_workload,
    write_keys,
)


def generate(
    workload: Workload, *, connections: int, seconds: float, first: int, sockets: bool = False
) -> Measurement:
    """Load a server for some seconds; raise `LoadFailedError`, with the first bad reply, if any reply was bad."""
    # What `wrk` can't do without slowing down is to look into a reply.
    by_wrk = wrk.available() and not sockets and not workload.must_contain
    run = wrk.run if by_wrk else raw.run
    measured = run(workload, connections=connections, seconds=seconds, first=first)
    if measured.errors:
        raise LoadFailedError(failure_message(workload, measured))
    if not measured.requests:
        raise LoadFailedError(f"{workload.url} answered nothing in {seconds:.0f} s")
    return measured


def failure_message(workload: Workload, measured: Measurement) -> str:
    """Say how many replies were bad, and show one."""
    shown = measured.first_error or _first_bad_reply(workload, measured.next_counter)
    request = workload.head.partition("\r\n")[0]
    return f"{measured.errors} of {measured.requests} replies to {request} were not a success. The first:\n{shown}"


def _first_bad_reply(workload: Workload, first: int) -> str:
    # `wrk` counts bad replies but doesn't keep them: go on with the same requests until there is one more.
    again = raw.run(workload, connections=64, seconds=1.0, first=first)
    return again.first_error or "(not seen again in a second run)"


@click.command()
@click.argument("url")
@click.option("--get", metavar="PATH", help="GET this path, with {key} for the key, instead of posting.")
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Stays per request, as NDJSON.")
@click.option("--connections", default=64, show_default=True)
@click.option("--seconds", default=3.0, show_default=True)
@click.option(
    "--first", default=0, show_default=True, help="Number of the first request; stays are new above it."
)
@click.option("--sockets", is_flag=True, help="Use our own generator even where wrk is installed.")
@click.option("--token", default="", help="API key.")
@click.option(
    "--keys", type=click.Path(path_type=Path, exists=True), help="Member numbers or ids, one a line."
)
def main(
    url: str, *, keys: Path | None, connections: int, seconds: float, first: int, sockets: bool, **shape: Any
) -> None:
    """Load the server at URL with stays (or GETs) for some seconds and print what was measured."""
    with tempfile.TemporaryDirectory() as directory:
        numbers = [number_of(index) for index in range(1, 20_001)]
        workload = _workload(url, keys or write_keys(Path(directory) / "keys", numbers), **shape)
        try:
            measured = generate(
                workload, connections=connections, seconds=seconds, first=first, sockets=sockets
            )
        except LoadFailedError as error:
            raise click.ClickException(str(error)) from error
    click.echo(_line(measured, workload.per_request))


def _workload(url: str, keys: Path, *, get: str | None, batch: int, token: str) -> Workload:
    count = len(keys.read_text("ascii").split())
    if get:
        return get_workload(url, get, keys, count, token=token)
    if batch == 1:
        return post_workload(url, "/v1/stays", stay_items(), keys, count, token=token)
    return post_workload(
        url,
        "/v1/stays/batch",
        stay_items(),
        keys,
        count,
        token=token,
        per_request=batch,
        media_type="application/x-ndjson",
        must_contain=f'"posted":{batch}',
    )


def _line(measured: Measurement, each: int) -> str:
    return (
        f"{measured.rate:,.0f} requests/s, {measured.rate * each:,.0f} items/s, p50 {measured.p50_ms:.1f} ms, "
        f"p99 {measured.p99_ms:.1f} ms; {measured.requests} requests in {measured.seconds:.1f} s by "
        f"{measured.generator} at {measured.generator_us:.1f} us each; next --first {measured.next_counter}"
    )


if __name__ == "__main__":
    main()
