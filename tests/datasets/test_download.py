"""Downloads are checked, appear whole or not at all, and explain themselves."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eagerflow.datasets.download import get_file, matches

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def data(site):
    site.files["data.bin"] = CONTENT
    return site


def left_over(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "datasets").iterdir())


def test_a_file_is_downloaded_once_into_the_home_folder(data, home, capsys):
    path = get_file("data.bin", data.url + "data.bin", file_hash=SHA256)
    assert path == str(home / "datasets" / "data.bin")
    assert Path(path).read_bytes() == CONTENT
    assert get_file("data.bin", data.url + "data.bin", file_hash=SHA256) == path
    assert len(data.requests) == 1
    assert left_over(home) == ["data.bin"]
    printed = capsys.readouterr().out
    assert "Downloading data from" in printed
    assert f"{len(CONTENT)}/{len(CONTENT)}" in printed


def test_places_and_names(data, tmp_path):
    assert get_file(origin=data.url + "data.bin").endswith("datasets/data.bin")
    elsewhere = get_file("other.bin", data.url + "data.bin", cache_dir=tmp_path / "x", cache_subdir="y/z")
    assert elsewhere == str(tmp_path / "x" / "y" / "z" / "other.bin")
    for name in ("a/b", "/etc/passwd", ".."):
        with pytest.raises(ValueError, match="fname"):
            get_file(name, data.url + "data.bin")
    with pytest.raises(ValueError, match="give one as fname"):
        get_file(origin="http://127.0.0.1/")
    with pytest.raises(ValueError, match="expected the address"):
        get_file("x")
    with pytest.raises(ValueError, match="expected an address with http"):
        get_file("x", "ftp://127.0.0.1/x")


def test_a_file_address_is_copied(tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"mine")
    assert Path(get_file(origin=(tmp_path / "mine.txt").as_uri())).read_bytes() == b"mine"


def test_of_an_interrupted_download_nothing_is_kept(data, home):
    data.break_off_after = 100_000
    with pytest.raises(ConnectionError, match=f"100000 of {len(CONTENT)} bytes"):
        get_file("data.bin", data.url + "data.bin", file_hash=SHA256)
    assert left_over(home) == []
    path = get_file("data.bin", data.url + "data.bin", file_hash=SHA256)
    assert Path(path).read_bytes() == CONTENT
    assert left_over(home) == ["data.bin"]


def test_what_has_a_wrong_checksum_is_not_kept(data, home):
    with pytest.raises(ValueError, match="another checksum than expected"):
        get_file("data.bin", data.url + "data.bin", file_hash="0" * 64)
    assert left_over(home) == []
    with pytest.raises(ValueError, match="expected md5"):
        get_file("data.bin", data.url + "data.bin", file_hash="0" * 7)


def test_a_file_with_another_checksum_is_replaced_only_by_a_good_one(data, home):
    place = home / "datasets" / "data.bin"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"old")
    with pytest.raises(ConnectionError):
        get_file("data.bin", data.url + "missing.bin", file_hash=SHA256)
    assert place.read_bytes() == b"old"
    get_file("data.bin", data.url + "data.bin", file_hash=SHA256)
    assert place.read_bytes() == CONTENT


def test_md5_and_forced_downloads(data, home):
    md5 = hashlib.md5(CONTENT).hexdigest()
    path = Path(get_file("data.bin", data.url + "data.bin", md5_hash=md5))
    assert matches(path, md5.upper())
    assert matches(path, SHA256)
    data.files["data.bin"] = b"new"
    assert Path(get_file("data.bin", data.url + "data.bin")).read_bytes() == CONTENT
    assert Path(get_file("data.bin", data.url + "data.bin", force_download=True)).read_bytes() == b"new"


def test_a_length_that_nobody_told_is_no_trouble(data):
    data.lengths = False
    assert Path(get_file("data.bin", data.url + "data.bin", file_hash=SHA256)).read_bytes() == CONTENT


def test_without_a_network_the_error_says_which_file_to_put_where(home):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/data.bin"
        with pytest.raises(ConnectionError) as caught:
            get_file("data.bin", url)
    message = str(caught.value)
    assert url in message
    assert str(home / "datasets" / "data.bin") in message
    assert "refused" in message


def test_a_missing_page_is_reported_with_the_servers_answer(data):
    with pytest.raises(ConnectionError, match="404 Not Found"):
        get_file("nothing.bin", data.url + "nothing.bin")


def test_a_home_that_cannot_be_made_is_named(tmp_path, monkeypatch, data):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("EAGERFLOW_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match="set EAGERFLOW_HOME"):
        get_file("data.bin", data.url + "data.bin")


def test_several_at_once_get_the_whole_file(data, home):
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: get_file("data.bin", data.url + "data.bin", file_hash=SHA256), range(4)))
    assert Path(paths[0]).read_bytes() == CONTENT
    assert len(set(paths)) == 1
    assert left_over(home) == ["data.bin"]


# -- archives


def tar_of(members: dict[str, bytes], mode: str = "w:gz", **special: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind in special.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return stream.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


GOOD = {"inner/a.txt": b"a", "inner/deep/b.txt": b"b"}


@pytest.mark.parametrize("content", [tar_of(GOOD), tar_of(GOOD, "w"), zip_of(GOOD)], ids=["tar.gz", "tar", "zip"])
def test_archives_are_unpacked_beside_themselves(site, home, content):
    site.files["photos.tgz"] = content
    folder = Path(get_file("photos", site.url + "photos.tgz", extract=True))
    assert folder == home / "datasets" / "photos"
    assert (folder / "inner" / "a.txt").read_bytes() == b"a"
    assert (folder / "inner" / "deep" / "b.txt").read_bytes() == b"b"
    assert left_over(home) == ["photos", "photos_archive"]
    (folder / "inner" / "a.txt").unlink()
    (folder / "mine.txt").write_bytes(b"mine")
    assert get_file("photos", site.url + "photos.tgz", untar=content[:2] != b"PK", extract=True) == str(folder)
    assert (folder / "inner" / "a.txt").read_bytes() == b"a"
    assert (folder / "mine.txt").read_bytes() == b"mine"


def test_an_archive_named_with_its_ending_is_unpacked_into_extracted(site, home):
    site.files["x.zip"] = zip_of(GOOD)
    assert get_file("x.zip", site.url + "x.zip", extract=True) == str(home / "datasets" / "x_extracted")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (tar_of({"ok.txt": b"", "../evil.txt": b"x"}), "outside"),
        (tar_of({"/evil.txt": b"x"}), "outside"),
        (tar_of({"a\\..\\..\\evil.txt": b"x"}), "outside"),
        (zip_of({"../evil.txt": b"x"}), "outside"),
        (zip_of({"C:/evil.txt": b"x"}), "outside"),
        (tar_of({"ok.txt": b""}, link=tarfile.SYMTYPE), "link"),
        (tar_of({"ok.txt": b""}, link=tarfile.LNKTYPE), "link"),
        (tar_of({"ok.txt": b""}, pipe=tarfile.FIFOTYPE), "device"),
        (tar_of({"big.txt": CONTENT})[:-300], "damaged"),
        (b"no archive", "can't be unpacked"),
    ],
)
def test_archives_never_leave_their_folder_and_nothing_bad_is_kept(site, home, content, problem):
    site.files["bad"] = content
    with pytest.raises(ValueError, match=problem):
        get_file("bad", site.url + "bad", extract=True)
    assert left_over(home) == ["bad_archive"]
    assert not (home / "evil.txt").exists()


def test_formats_are_chosen_by_name(site):
    site.files["x"] = zip_of(GOOD)
    with pytest.raises(ValueError, match="no tar file"):
        get_file("x", site.url + "x", extract=True, archive_format="tar")
    with pytest.raises(ValueError, match="expected 'auto', 'tar', 'zip'"):
        get_file("x", site.url + "x", extract=True, archive_format="rar")
