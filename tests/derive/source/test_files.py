"""A file is there whole, or as it was before; what cannot be read or written is said."""

import os
import re
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from derive.errors import DataError, OutputError, Place, ProblemError
from derive.source.files import check_writable, read_input, read_text, write_whole


def read(path: str | os.PathLike[str], limit: int = 100) -> str:
    return read_text(path, limit=limit, what="a problem file")


def test_byte_order_mark_and_line_ends_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    assert read(path) == "a = 1\nb = 2\n"


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_with_a_byte_order_mark_is_read(tmp_path: Path, order: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("\ufeffa = 'é'\r\n".encode(order))
    assert read(path) == "a = 'é'\n"
    path.write_bytes("\ufeffa".encode(order) + b"\x00")
    with pytest.raises(ProblemError, match=r"is not text in UTF-16 \(byte \d\); save it as UTF-8"):
        read(path)


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(content: bytes) -> str:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))
        return read_input(limit=10, what="a problem file")

    assert given(b"\xef\xbb\xbfa = 1\r\n") == "a = 1\n"
    for content, message in ((b"a" * 11, "^standard input is larger than"), (b"\xff", "^standard input is not text")):
        with pytest.raises(ProblemError, match=message):
            given(content)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ProblemError, match="there is no standard input; expected a problem file"):
        read_input(limit=10, what="a problem file")


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


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (".", "'.' is a directory; expected the name of a file to write"),
        ("", "'' is a directory; expected the name of a file to write"),
        ("none/x", "'none/x' cannot be written: No such file or directory; nothing was written"),
        ("old/x", "'old/x' cannot be written: Not a directory; nothing was written"),
        ("a\0b", "cannot be written: not a possible path; nothing was written"),
        ("x" * 300, "cannot be written: File name too long; nothing was written"),
    ],
)
def test_a_path_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old").write_text("mine")
    with pytest.raises(OutputError, match=re.escape(message)):
        check_writable(path)
    assert [file.name for file in tmp_path.iterdir()] == ["old"]


def test_a_path_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("mine")
    check_writable(tmp_path / "new")
    check_writable(tmp_path / "old")
    check_writable(os.devnull)
    assert (tmp_path / "old").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("protected", "path", "message"),
    [
        ("old", "old", "it is write-protected"),
        (".", "new", "Permission denied"),
        (".", "old", "Permission denied"),  # a file is replaced, not written over
    ],
)
def test_protected_files_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protected: str, path: str, message: str
) -> None:
    (tmp_path / "old").write_text("mine")
    forbidden = (tmp_path / protected).resolve()
    # the tests may be run by root, to whom nothing is forbidden
    monkeypatch.setattr(os, "access", lambda asked, _mode: Path(asked) != forbidden)
    with pytest.raises(OutputError, match=f"cannot be written: {message}; nothing was written"):
        check_writable(tmp_path / path)


def files(folder: Path) -> list[str]:
    """The names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("content", "written"), [("a ← b\n", "a ← b\n".encode()), (b"\x00\r\n", b"\x00\r\n"), ("", b"")]
)
def test_text_and_bytes(tmp_path: Path, content: str | bytes, written: bytes) -> None:
    write_whole(tmp_path / "new", content)
    assert (tmp_path / "new").read_bytes() == written
    assert files(tmp_path) == ["new"]


def test_an_old_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("before")
    old.chmod(0o640)
    write_whole(str(old), "after")
    assert old.read_text() == "after"
    assert old.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", "")
    (tmp_path / "theirs").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", "after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (".", "is a directory; expected the name of a file to write"),
        ("missing/file", "cannot be written: No such file or directory; nothing was written"),
        ("file/below", "cannot be written: Not a directory; nothing was written"),
        ("x" * 300, "cannot be written: File name too long; nothing was written"),
        ("null\0byte", "cannot be written: not a possible path; nothing was written"),
        ("loop", "cannot be written:"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = files(tmp_path)
    with pytest.raises(OutputError) as caught:
        write_whole(tmp_path / path, "new")
    assert message in str(caught.value)
    assert files(tmp_path) == before
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_behind_when_writing_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def stop(_: int) -> None:
        raise failure

    (tmp_path / "file").write_text("before")
    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_whole(tmp_path / "file", "after")
    assert files(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "before"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/null")
def test_a_device_is_written_to_and_not_replaced() -> None:
    write_whole("/dev/null", "gone")
    assert not Path("/dev/null").is_file()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_protected_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "file").chmod(0o444)
    with pytest.raises(OutputError, match="write-protected"):
        write_whole(tmp_path / "file", "new")
