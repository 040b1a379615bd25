import os
from pathlib import Path

import pytest

from derive.errors import DataError, Place, ProblemError
from derive.files import read_text


def read(path: str | os.PathLike[str], limit: int = 100) -> str:
    return read_text(path, limit=limit, what="a problem file")


def test_byte_order_mark_and_line_ends_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    assert read(path) == "a = 1\nb = 2\n"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"there is no file '.*nope\.toml'; expected a problem file"):
        read(tmp_path / "nope.toml")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="is a directory; expected a problem file"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProblemError, match="is not a regular file"):
        read(tmp_path / "pipe")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.touch(mode=0o000)
    with pytest.raises(ProblemError, match="cannot be read: Permission denied"):
        read(path)


def test_a_file_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(ProblemError, match="cannot be read: Not a directory"):
        read(tmp_path / "a" / "b")


@pytest.mark.parametrize("path", ["a\x00b", "\ud800"])
def test_an_impossible_path(path: str) -> None:
    with pytest.raises(ProblemError, match="cannot be read: not a possible path"):
        read(path)


def test_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("#" * 2_000_001)
    with pytest.raises(ProblemError, match="is larger than 2 MB"):
        read(path, 2_000_000)


def test_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"abc\xff")
    with pytest.raises(ProblemError, match=r"is not text in UTF-8 \(byte 4\)"):
        read(path)


def test_the_error_is_of_the_kind_and_at_the_place_asked_for(tmp_path: Path) -> None:
    place = Place("p.toml", 3, 1, 'file = "x.csv"')
    with pytest.raises(DataError, match=r"^p\.toml:3:1: there is no file"):
        read_text(tmp_path / "x.csv", limit=1, what="a CSV file", error=DataError, place=place)
