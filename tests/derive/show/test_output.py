"""A file is there whole, or as it was before."""

import os
import sys
from pathlib import Path

import pytest

from derive.errors import OutputError
from derive.source.files import write_whole


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
