"""`tariff.csv` that is right: what an operator's spreadsheet may look like, and how long a large one takes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.config import ConfigError, read_tariff
from guard.core.money import MAX_MICROS, format_money
from guard.core.tariff import CallClass, Destination, Tariff

FULL = "prefix,name,class,rate,connect,minimum_s,increment_s\n"

Row = tuple[str, str, CallClass, int, int, int, int]


def row(destination: Destination) -> Row:
    """All that a line says."""
    return (
        destination.prefix,
        destination.name,
        destination.kind,
        destination.rate_micros,
        destination.connect_micros,
        destination.minimum_s,
        destination.increment_s,
    )


def rows(tariff: Tariff) -> list[Row]:
    return [row(destination) for destination in tariff.destinations()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tariff.csv"


FRANCE: Row = ("33", "France", CallClass.INTERNATIONAL, 50_000, 100_000, 30, 6)


def test_a_line_is_a_destination(file: Path) -> None:
    file.write_text(f"{FULL}33,France,international,0.05,0.10,30,6\n")
    assert rows(read_tariff(file)) == [FRANCE]


def test_columns_may_stand_in_any_order(file: Path) -> None:
    file.write_text("rate,increment_s,class,name,minimum_s,prefix,connect\n0.05,6,international,France,30,33,0.10\n")
    assert rows(read_tariff(file)) == [FRANCE]


@pytest.mark.parametrize(
    "text",
    [
        "prefix,name,class,rate\n1900,Pay,premium,5\n",
        f"{FULL}1900,Pay,premium,5,,,\n",
        f"{FULL}1900,Pay,premium,5,0.00,0,1\n",
    ],
)
def test_what_is_left_out_is_nothing_and_by_the_second(file: Path, text: str) -> None:
    """A column, or only its cells."""
    file.write_text(text)
    assert rows(read_tariff(file)) == [("1900", "Pay", CallClass.PREMIUM, 5_000_000, 0, 0, 1)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + FULL.encode() + "33,Réunion,international,0.05,0.10,30,6".encode(),
        f"{FULL}33,Réunion,international,0.05,0.10,30,6\n".replace("\n", "\r\n").encode(),
        f"\n\n{FULL}\n 33 ,\tRéunion , international,0.05 ,0.10, 30,6  \n  \n".encode(),
        f'{FULL}"33", "Réunion" ,"international","0.05","0.10","30","6"\n'.encode(),
    ],
    ids=["byte order mark", "Windows line ends", "spaces and empty lines", "quotes"],
)
def test_what_spreadsheets_add_does_not_matter(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert rows(read_tariff(file)) == [("33", "Réunion", *FRANCE[2:])]


def test_a_name_may_have_commas_and_quotes(file: Path) -> None:
    file.write_text(f'{FULL}33,"France, ""mobile""",international,0.05,0.10,30,6\n')
    assert [destination.name for destination in read_tariff(file).destinations()] == ['France, "mobile"']


@given(
    st.dictionaries(
        st.text("0123456789", min_size=1, max_size=15),
        st.tuples(
            st.sampled_from(CallClass),
            st.integers(0, MAX_MICROS),
            st.integers(0, MAX_MICROS),
            st.integers(0, 3_600),
            st.integers(1, 3_600),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, tuple[CallClass, int, int, int, int]]
) -> None:
    """To the micro."""
    file = tmp_path_factory.mktemp("tariff") / "tariff.csv"
    lines = (
        f"{prefix},,{kind.value},{format_money(rate)},{format_money(connect)},{minimum},{increment}\n"
        for prefix, (kind, rate, connect, minimum, increment) in wanted.items()
    )
    file.write_text(FULL + "".join(lines))
    assert rows(read_tariff(file)) == [(prefix, "", *values) for prefix, values in wanted.items()]


# -- what is wrong with the whole file; the rest is golden in test_prices


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", f"tariff.csv: is empty; accepted: a header: {FULL}"),
        (b"\n  \n", f"tariff.csv: is empty; accepted: a header: {FULL}"),
        (FULL.encode(), "tariff.csv: has a header and no prefixes\n"),
        (
            FULL.encode() + "1,Canada,domestic,0.02,,,\n33,Réunion,international,0.05,,,\n".encode("latin-1"),
            "tariff.csv:3: is not UTF-8 text from here on; accepted: a file saved as UTF-8\n",
        ),
        (b'prefix,"name\n', "tariff.csv:1: is not a line of CSV: a quote is not closed\n"),
    ],
)
def test_a_file_that_is_no_tariff(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_tariff(file)
    assert f"{caught.value}\n".replace(f"{file.parent}/", "") == said


@given(st.text() | st.text(alphabet='0123456789,"\n\r .premiu').map(lambda text: FULL + text))
def test_any_text_is_a_tariff_or_problems(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("tariff") / "tariff.csv"
    file.write_text(text, encoding="utf-8", errors="replace")
    try:
        found = len(read_tariff(file))
    except ConfigError as error:
        found = len(error.problems)
    assert found > 0


def test_a_hundred_thousand_lines_take_a_few_seconds(file: Path) -> None:
    """Under a second on an idle machine; this one may be busy."""
    lines = (
        f'{prefix},"Place, {prefix}",international,0.{prefix % 997:03d},0.05,30,6'
        for prefix in range(10**6, 11 * 10**5)
    )
    file.write_text(FULL + "\n".join(lines))
    begin = time.process_time()
    assert len(read_tariff(file)) == 100_000
    assert time.process_time() - begin < 5
