"""What is said about a tariff and about plans that are wrong, word for word, and the two read together.

`wrong_prices/NAME.csv` or `.toml` is the file, `wrong_prices/NAME.txt` what is said about it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.config import ConfigError, load_config, read_plans, read_prices, read_tariff, remarks_on
from guard.core.tariff import CallClass, Destination, Tariff

WRONG = Path(__file__).parent / "wrong_prices"
GUARD = '[tariff]\nfile = "tariff.csv"\n[plans]\nfile = "plans.toml"\n'
HEADER = "prefix,name,class,rate\n"


def destination(prefix: str, kind: CallClass) -> Destination:
    """A row whose price does not matter."""
    return Destination(prefix=prefix, name="", kind=kind, rate_micros=0)


CANADA = Tariff([destination("1", CallClass.DOMESTIC), destination("1900", CallClass.PREMIUM)])


@pytest.mark.parametrize("name", sorted(path.name for path in WRONG.glob("*") if path.suffix != ".txt"))
def test_what_is_said_is_golden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All mistakes in one go, each with its line and column or key, what is wrong and what would be right."""
    monkeypatch.chdir(WRONG)
    with pytest.raises(ConfigError) as caught:
        read_tariff(Path(name)) if name.endswith(".csv") else read_plans(Path(name), CANADA)
    assert f"{caught.value}\n" == Path(name).with_suffix(".txt").read_text()


def test_the_mistakes_of_both_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(GUARD)
    (tmp_path / "tariff.csv").write_text(f"{HEADER}1,Canada,domestic,0.02\n1,Canada,domestic,0.02\n")
    (tmp_path / "plans.toml").write_text("[[plan.a.quota]]\nclass = ['domestic']\n")
    with pytest.raises(ConfigError) as caught:
        read_prices(load_config(tmp_path / "guard.toml"))
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [
        (f"{tmp_path}/tariff.csv", 3),
        (f"{tmp_path}/plans.toml", 1),
    ]


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(GUARD)
    with pytest.raises(ConfigError) as caught:
        read_prices(load_config(tmp_path / "guard.toml"))
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "tariff.csv: there is no such file (named by tariff.file)\n"
        "plans.toml: there is no such file (named by plans.file)"
    )


def test_neither_has_to_be_configured(tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text("")
    prices = read_prices(load_config(tmp_path / "guard.toml"))
    assert (prices.tariff, prices.plans) == (None, {})


def test_a_broken_tariff_says_nothing_about_the_plans(tmp_path: Path) -> None:
    """Whether a class and a prefix meet cannot be told, so it is not."""
    (tmp_path / "guard.toml").write_text(GUARD)
    (tmp_path / "tariff.csv").write_text(f"{HEADER}44,United Kingdom,premium,x\n")
    (tmp_path / "plans.toml").write_text(
        "[[plan.a.quota]]\nclass = ['international']\nminutes = 1\n[[plan.a.quota]]\nprefix = ['44']\nminutes = 1\n"
    )
    with pytest.raises(ConfigError) as caught:
        read_prices(load_config(tmp_path / "guard.toml"))
    assert [problem.key for problem in caught.value.problems] == ["rate"]


def test_what_does_nothing_is_remarked_on(tmp_path: Path) -> None:
    file = tmp_path / "plans.toml"
    file.write_text("[[plan.a.quota]]\nclass = ['onnet', 'domestic']\nminutes = 1\n")
    plans = read_plans(file, CANADA)
    assert remarks_on(CANADA, plans) == ["a/quota:domestic,onnet covers class onnet, which is free without a plan"]
    assert "there are plans and no [tariff] file" in remarks_on(None, plans)[1]
    assert remarks_on(None, {}) == []
