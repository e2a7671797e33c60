"""Reading files: every row comes, numbered; what can't be read costs one row."""

import csv
import gzip
import io
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.importing.mapping import File
from loyalty.importing.problems import ImportFailedError, RefusedRow
from loyalty.importing.reader import LONGEST_LINE, RowFile

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(path: Path, content: bytes, options: File | None = None) -> list[tuple[object, ...]]:
    """Read a file to (number, line, cells) and (line, code)."""
    path = path / "rows"
    path.write_bytes(content)
    with RowFile(path, options) as file:
        return [
            (row.line, row.code)
            if isinstance(row, RefusedRow)
            else (row.number, row.line, *row.texts.values())
            for row in file.rows()
        ]


def test_rows_carry_their_number_and_line(tmp_path: Path) -> None:
    assert [(1, 2, "1", "2"), (2, 4, "3", "4")] == rows(tmp_path, b"a,b\r\n1,2\r\n\r\n3,4")


def test_gzip_is_told_by_its_first_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    assert [(1, 2, "1", "2")] == rows(tmp_path, gzip.compress(b"a,b\n1,2\n"))


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"\xef\xbb\xbfa, b\n1,2\n")
    with RowFile(path) as file:
        header = file.header

    assert header == ("a", "b")


def test_another_delimiter_and_encoding_are_read_as_the_mapping_says(tmp_path: Path) -> None:
    options = File(delimiter=";", encoding="gb18030")

    assert [(1, 2, "臻", "2,5")] == rows(tmp_path, "a;b\n臻;2,5\n".encode("gb18030"), options)


def test_a_wrong_byte_costs_its_row_only(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n\xff,4\n5,6\n"

    assert [(1, 2, "1", "2"), (3, "wrong_encoding"), (3, 4, "5", "6")] == rows(tmp_path, content)


@pytest.mark.parametrize("row", [b"1", b"1,2,3", b",,"])
def test_a_wrong_number_of_columns_costs_its_row_only(tmp_path: Path, row: bytes) -> None:
    expected = [(2, "wrong_number_of_columns"), (2, 3, "5", "6")]

    assert expected == rows(tmp_path, b"a,b\n" + row + b"\n5,6\n")


def test_quoted_line_ends_and_delimiters_are_part_of_the_cell(tmp_path: Path) -> None:
    content = b'a,b\n"one\n\ntwo, ""three""",2\n5,6\n'

    assert [(1, 2, 'one\n\ntwo, "three"', "2"), (2, 5, "5", "6")] == rows(tmp_path, content)


def test_a_broken_quote_does_not_swallow_the_rows_after_it(tmp_path: Path) -> None:
    content = b'a,b\n"1,2\n' + b"3,4\n" * 1000
    read = rows(tmp_path, content)

    assert read[0] == (2, "broken_quotes")
    assert len(read) == 1001
    assert read[-1] == (1001, 1002, "3", "4")


def test_two_broken_quotes_cost_two_rows(tmp_path: Path) -> None:
    content = b'a,b\n"1,2\n3,4\n"5,6\n7,8\n'

    assert [(2, "broken_quotes"), (2, 3, "3", "4"), (4, "broken_quotes"), (4, 5, "7", "8")] == rows(
        tmp_path, content
    )


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    content = b"a,b\n" + b"x" * (3 * LONGEST_LINE) + b"\n5,6\n"

    assert [(2, "line_too_long"), (2, 3, "5", "6")] == rows(tmp_path, content)


def test_a_gzip_that_was_cut_off_keeps_the_rows_before_the_cut(tmp_path: Path) -> None:
    lines = b"".join(b"%d,%d\n" % (number, number**7) for number in range(20_000))
    read = rows(tmp_path, gzip.compress(b"a,b\n" + lines)[:-20_000])

    assert len(read) > 1000
    assert read[-1][1] == "file_damaged"
    assert all(len(row) == 4 for row in read[:-1])


def test_ndjson_gives_numbers_as_they_are_written(tmp_path: Path) -> None:
    content = b'{"a": 0.10, "b": "x", "c": null, "d": true, "e": {"f": 1e2}}\n\n{"b": "\\u81fb"}\n'

    assert [(1, 1, "0.10", "x", None, "true", "1e2"), (2, 3, "臻")] == rows(tmp_path, content)


@pytest.mark.parametrize(
    "broken", [b'{"a": ', b"[1]", b"7", b'{"a": "\\ud800"}', b'{"a": nan}', b'{"a":' * 5000, b"\xff{}"]
)
def test_a_broken_line_of_ndjson_costs_its_row_only(tmp_path: Path, broken: bytes) -> None:
    read = rows(tmp_path, b'{"a": 1}\n' + broken + b'\n{"a": 3}\n')

    assert [(1, 1, "1"), (3, 3, "3")] == [read[0], read[2]]
    assert read[1] in {(2, "broken_json"), (2, "wrong_encoding")}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b'[{"a": 1}]', "JSON array"),
        (b"\xff\xfe\n", "isn't utf-8"),
        (b'"a\n', "isn't a header"),
        (b"\x00\x01,\n", "isn't a header"),
        (b"\x1f\x8bnot gzip", "can't be read from here on"),
    ],
)
def test_a_file_without_rows_cannot_be_opened(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ImportFailedError, match=reason):
        rows(tmp_path, content)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="No such file"):
        RowFile(tmp_path / "none")


def test_the_position_ends_at_the_size_of_the_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(gzip.compress(b"a\n" + b"1\n" * 10_000))
    with RowFile(path) as file:
        list(file.rows())
        ends = file.position(), file.size

    assert ends[0] == ends[1] == path.stat().st_size


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r\n\x0b\x0c\x1c\x1d\x1e\x85"), max_size=8
)


@quick
@given(table=st.lists(st.tuples(cells, cells.filter(str.strip)), max_size=20), packed=st.booleans())
def test_whatever_a_csv_writer_wrote_is_read_back(
    *, tmp_path: Path, table: list[tuple[str, str]], packed: bool
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([("a", "b"), *table])
    content = written.getvalue().encode()

    assert [(at, at + 1, *row) for at, row in enumerate(table, 1)] == rows(
        tmp_path, gzip.compress(content) if packed else content
    )


@quick
@given(
    st.lists(st.dictionaries(cells, st.none() | cells | st.integers(), min_size=1), min_size=1, max_size=10)
)
def test_whatever_json_was_written_is_read_back(tmp_path: Path, table: list[dict[str, object]]) -> None:
    content = b"\n".join(msgspec.json.encode(row) for row in table)
    expected = [
        (at, at, *(None if cell is None else str(cell) for cell in row.values()))
        for at, row in enumerate(table, 1)
    ]

    assert expected == rows(tmp_path, content)


@quick
@given(
    st.binary(max_size=200).filter(lambda noise: b"\r" not in noise),
    st.sampled_from([b"a,b\n", b'{"a":1}\n']),
)
def test_noise_makes_refused_rows_and_never_a_crash(tmp_path: Path, noise: bytes, head: bytes) -> None:
    read = rows(tmp_path, head + noise + b"\n" + b"5,6\n" * 2)

    assert read
