from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from derive.errors import OutputError
from tables.files import to_csv, write_comparison, write_tables
from tables.frames import COMPARISON_COLUMNS, comparison, epochs, steps
from verify import Result, verify

DTYPES = {name: dtype for name, (dtype, _) in COMPARISON_COLUMNS.items()}


@pytest.fixture(scope="module")
def article() -> Result:
    return verify("article", nodes=True)


def read_back(path: Path, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """A table as it was written; an empty cell is NaN in a column of numbers."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name, dtype in dtypes.items():
        if dtype == "boolean":
            frame[name] = frame[name].map({"True": True, "False": False, "": None}).astype("boolean")
        elif dtype == "string":
            frame[name] = frame[name].astype("string")
        else:
            frame[name] = frame[name].replace("", "nan").map(float).astype(dtype)
    return frame


def test_a_file_that_is_read_back_has_the_same_numbers_bit_for_bit(tmp_path: Path, article: Result) -> None:
    write_tables(article, str(tmp_path))
    frames = {"steps.csv": steps, "epochs.csv": epochs, "comparison.csv": comparison}
    for name, frame in ((name, made(article)) for name, made in frames.items()):
        found = read_back(tmp_path / name, {str(column): str(dtype) for column, dtype in frame.dtypes.items()})
        pd.testing.assert_frame_equal(found, frame, check_exact=True)


@pytest.mark.parametrize("text", ["l = 1/w", "l = exp(w) - 1/3", "l = (w - 1e20)^2/1e-30"])
def test_numbers_of_any_kind_come_back(tmp_path: Path, text: str) -> None:
    result = verify(f'equations = "{text}"\n[parameters]\nw = 0\n[training]\nlr = 0.1\nsteps = 2\n', dtype="float64")
    write_comparison(result, str(tmp_path / "out.csv"))
    found, wanted = read_back(tmp_path / "out.csv", DTYPES), comparison(result)
    for name in ("hand", "autograd", "difference", "step_error", "ulps", "bound", "agrees"):
        pd.testing.assert_series_equal(found[name], wanted[name], check_exact=True)


def test_the_first_lines_of_the_wide_table(article: Result) -> None:
    assert to_csv(steps(article)).splitlines()[:2] == [
        "step,epoch,batch,n,loss,dl/dw,dl/db,lr,w,b",
        "1,1,1,3,146.66666666666666,-26.666666666666668,-24.0,0.01,0.26666666666666666,0.24",
    ]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_tables(verify("article", nodes=True), str(tmp_path / folder))
    for name in ("steps.csv", "epochs.csv", "comparison.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert b"\r" not in (tmp_path / "one" / name).read_bytes()


def test_the_paths_are_returned_and_the_folder_is_made(tmp_path: Path, article: Result) -> None:
    folder = tmp_path / "a" / "b"
    paths = write_tables(article, str(folder))
    assert paths == tuple(str(folder / name) for name in ("steps.csv", "epochs.csv", "comparison.csv"))
    assert sorted(path.name for path in folder.iterdir()) == ["comparison.csv", "epochs.csv", "steps.csv"]


def test_what_stood_there_is_replaced(tmp_path: Path, article: Result) -> None:
    (tmp_path / "steps.csv").write_text("old\n" * 1000)
    write_tables(article, str(tmp_path))
    assert (tmp_path / "steps.csv").read_text().startswith("step,epoch,")


def test_a_folder_that_cannot_be_made(tmp_path: Path, article: Result) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"^cannot make the folder .*file: File exists; choose another --output$"):
        write_tables(article, str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"^cannot make the folder .*sub: Not a directory; choose another --output$"):
        write_tables(article, str(tmp_path / "file" / "sub"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("taken", ["steps.csv", "epochs.csv", "comparison.csv"])
def test_both_tables_or_none(tmp_path: Path, article: Result, taken: str) -> None:
    (tmp_path / taken).mkdir()
    with pytest.raises(OutputError, match=rf"{taken} is a directory; remove it, or choose another --output$"):
        write_tables(article, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [taken]


def test_a_comparison_that_cannot_be_written(tmp_path: Path, article: Result) -> None:
    with pytest.raises(OutputError, match="is a directory; expected the name of a file to write"):
        write_comparison(article, str(tmp_path))
    with pytest.raises(OutputError, match="cannot be written: No such file or directory; nothing was written"):
        write_comparison(article, str(tmp_path / "none" / "x.csv"))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_on_the_way_leaves_the_old_file(
    tmp_path: Path, article: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device; nothing was written"):
        write_comparison(article, str(path))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
