"""The embedded server's share of the memory."""

from pathlib import Path

import pytest

from loyalty.embedded.memory import available, shared_buffers

GB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "share"),
    [(GB // 4, "128MB"), (GB, "256MB"), (2 * GB, "512MB"), (4 * GB, "1024MB"), (256 * GB, "1024MB")],
)
def test_a_quarter_of_the_memory_within_bounds(memory: int, share: str) -> None:
    assert share == shared_buffers(memory)


def test_a_container_may_have_less_than_its_machine(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    machine = available(limit)
    limit.write_text("max\n")

    assert machine == available(limit)
    limit.write_text("104857600\n")

    assert 104_857_600 == available(limit) < machine
