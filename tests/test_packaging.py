"""The wheel holds both packages, whole, with their data, and nothing else; the Makefile makes one environment."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from importlib import import_module

import pytest

from eagerflow._version import __version__
from eagerflow.base.text.extras import EXTRAS, NEEDED, missing_package
from eagerflow.compiled.choice import INSTALL
from tests.sources import PACKAGES, ROOT, SOURCES

BESIDE = ["CONTRIBUTING.md", "Makefile", "SECURITY.md", "benchmarks", "docs", "examples", "tests", "tools"]
TOP = ["CHANGELOG.md", "LICENSE", "MANIFEST.in", "NOTICE", "README.md", "pyproject.toml", "setup.py"]


def test_the_page_on_installing_lists_the_variables_that_are_read():
    listed = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"), re.MULTILINE)
    read = re.compile(r"[\"'](EAGERFLOW_[A-Z_]+|KERAS_HOME)[\"']")
    found = {name for source in SOURCES for name in read.findall(source.path.read_text(encoding="utf-8"))}
    by_launchers = {"EAGERFLOW_CHANNEL", "EAGERFLOW_LAUNCH_KEY", "EAGERFLOW_RESTART"}  # of ranks
    assert set(listed) == found - by_launchers


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_tells_what_its_targets_do_in_one_column():
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = [re.fullmatch(r"(make [a-z-]+ +)\S.*", line) for line in told.splitlines()]
    assert len(lines) > 10
    assert len({len(line[1]) for line in lines}) == 1


def prepared(copy):
    """A copy of what is packed, so that no build output lands in the working tree."""
    for name in TOP:
        shutil.copy(ROOT / name, copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))


def backend(copy, target, kind):
    """What a function of the build backend says on its way."""
    pytest.importorskip("setuptools", minversion="77")
    build = f"import sys; from setuptools import build_meta; build_meta.{kind}(sys.argv[1])"
    words = [sys.executable, "-c", build, str(target)]
    done = subprocess.run(words, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def built(copy, target, kind):
    """The wheel that `kind` of the build backend makes of a copy."""
    prepared(copy)
    assert "would be ignored" not in backend(copy, target, kind)
    (found,) = target.glob("*.whl")
    return zipfile.ZipFile(found)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with built(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel"), "build_wheel") as archive:
        yield archive


def test_the_wheel_is_pure_python_and_named_after_its_version(wheel):
    assert wheel.filename.endswith(f"eagerflow-{__version__}-py3-none-any.whl")


def test_the_wheel_holds_every_file_of_both_packages_and_nothing_else(wheel):
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == here | {"eagerflow-keras.pth"}  # lets Keras find its backend


def test_a_second_build_in_the_same_folder_packs_nothing_that_is_gone(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in TOP:
        shutil.copy(ROOT / name, source)
    for package in PACKAGES:
        (source / package).mkdir()
        shutil.copy(ROOT / package / "__init__.py", source / package)
    (source / "eagerflow" / "base").mkdir()
    shutil.copy(ROOT / "eagerflow" / "_version.py", source / "eagerflow")
    gone = source / "eagerflow" / "base" / "gone.py"
    gone.write_text("", encoding="utf-8")
    packed = []
    for build in ("first", "second"):
        target = tmp_path / build
        target.mkdir()
        backend(source, target, "build_wheel")
        (found,) = target.glob("*.whl")
        packed.append("eagerflow/base/gone.py" in zipfile.ZipFile(found).namelist())
        gone.unlink(missing_ok=True)
    assert packed == [True, False]


def test_both_commands_are_installed_and_lead_somewhere(wheel):
    (name,) = [each for each in wheel.namelist() if each.endswith("/entry_points.txt")]
    lines = wheel.read(name).decode().splitlines()
    assert lines[0] == "[console_scripts]"
    commands = dict(line.split(" = ") for line in lines[1:])
    assert sorted(commands) == ["eagerflow", "viz"]
    for target in commands.values():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution of all that a clone has."""
    source, target = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("sdist")
    prepared(source)
    for name in BESIDE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        else:
            shutil.copy(ROOT / name, source)
    backend(source, target, "build_sdist")
    return source, target / f"eagerflow-{__version__}.tar.gz"


@pytest.mark.slow
def test_the_source_distribution_holds_the_tests_and_all_that_they_read_and_stays_small(sdist):
    source, packed = sdist
    here = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    with tarfile.open(packed) as archive:
        there = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    made = {name for name in here | there if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    assert there - made == here - made
    assert {"tests/conftest.py", "tests/fixtures/layers.npz", "examples/digits.py", "Makefile"} <= there
    assert packed.stat().st_size <= 10e6


@pytest.mark.slow
def test_a_wheel_of_the_source_distribution_is_that_of_the_clone(sdist, wheel, tmp_path):
    with tarfile.open(sdist[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    target = tmp_path / "target"
    target.mkdir()
    backend(tmp_path / f"eagerflow-{__version__}", target, "build_wheel")
    (found,) = target.glob("*.whl")
    with zipfile.ZipFile(found) as again:
        contents = {name: again.read(name) for name in again.namelist() if not name.endswith("/RECORD")}
    assert contents == {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/RECORD")}


def test_what_an_index_shows_has_no_link_or_picture_that_needs_the_files_of_a_clone(wheel):
    (name,) = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
    told = message_from_string(wheel.read(name).decode())
    assert told["Description-Content-Type"] == "text/markdown"
    text = told.get_payload()
    targets = re.findall(r"\]\(([^)]*)\)|<img src=\"([^\"]*)", text)
    assert [target for target in targets if not "".join(target).startswith("https://")] == []
    assert "Start in ten minutes (docs/start/ten_minutes.md)" in text
    assert "beside its files" not in text
    assert "drawn by `trace.draw" not in text  # what stands below a picture goes with it
    assert text.count("\n## ") == (ROOT / "README.md").read_text(encoding="utf-8").count("\n## ")


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def named(requirement):
    """Name and lowest version, without what pip looks at itself."""
    return re.sub(r"(>=[\d.]+).*", r"\1", requirement.partition(";")[0].strip())


def test_messages_name_the_packages_of_the_extras_with_their_lowest_versions():
    extras = {name: {named(each) for each in brought} for name, brought in project()["optional-dependencies"].items()}
    for name, brought in EXTRAS.items():
        assert {*brought} <= extras[name], name
    assert {*NEEDED} <= {named(each) for each in project()["dependencies"]}
    assert f"pip install {' '.join(map(repr, project()['optional-dependencies']['fast']))}" == INSTALL


def test_no_message_says_to_install_a_package_of_ours_in_any_version():
    known = {named(each).partition(">=")[0] for each in project()["dependencies"]}
    known |= {named(each).partition(">=")[0] for brought in EXTRAS.values() for each in brought}
    for source in SOURCES:
        if "pip install" not in source.text:
            continue
        written = [node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant)]
        asked = [re.findall(r"pip install ([\w-]+)", text) for text in written if isinstance(text, str)]
        assert not known & {name for names in asked for name in names}, source


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_message_for_a_missing_package_names_the_command_and_the_extra(extra):
    for each in EXTRAS[extra]:
        message = str(missing_package("It", each.partition(">=")[0], "This"))
        assert (
            message
            == f"This needs It, which is not installed; 'eagerflow[{extra}]' brings it. Fix: pip install '{each}'"
        )


def test_the_wheel_is_small_though_it_holds_what_runs_models_in_a_browser(wheel):
    packed = {entry.filename: entry.compress_size for entry in wheel.infolist()}
    assert sum(packed.values()) <= 10e6
    assert sum(size for name, size in packed.items() if name.startswith("viz/web/runtime/")) <= 2.5e6


def test_the_wheel_carries_licence_notices_and_type_marks(wheel):
    information = f"eagerflow-{__version__}.dist-info"
    licences = ["LICENSE", "NOTICE", "viz/picture/rendering/fonts/LICENSE.txt", "viz/web/runtime/LICENSE.txt"]
    licences.append("viz/web/runtime/ThirdPartyNotices.txt")
    assert {f"{information}/licenses/{name}" for name in licences} <= set(wheel.namelist())
    assert {"eagerflow/py.typed", "viz/py.typed", "eagerflow/datasets/digits.npz"} <= set(wheel.namelist())
    metadata = message_from_string(wheel.read(f"{information}/METADATA").decode())
    assert metadata["License-Expression"] == "Apache-2.0 AND MIT AND Bitstream-Vera AND CC-BY-4.0"
    assert metadata["Requires-Python"] == ">=3.11"
    needed = [each for each in metadata.get_all("Requires-Dist") if "extra ==" not in each]
    assert sorted(named(each).partition(">=")[0] for each in needed) == [
        "graphviz",
        "h5py",
        "numpy",
        "resvg-py",
        "tensorboardX",
        "threadpoolctl",
    ]  # some tens of megabytes: what is larger is in extras


@pytest.mark.slow
def test_pages_are_made_from_a_zip_file(tmp_path):
    packed = tmp_path / "both.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for package in ("eagerflow", "viz"):
            for path in (ROOT / package).rglob("*"):
                if path.is_file() and path.suffix != ".pyc":
                    file.write(path, path.relative_to(ROOT).as_posix())
    program = """
import sys, numpy as np
sys.path.insert(0, sys.argv[1])
import eagerflow as ef, viz
assert viz.__file__.startswith(sys.argv[1])
model = ef.Sequential([ef.layers.Input((4,)), ef.layers.Dense(2)])
with viz.trace() as t:
    model(np.ones((2, 4)))
t.to_html("page.html")
model.export("model.html", format="web", verbose=False)
with viz.live(open_browser=False) as page:
    print(page.url)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(packed)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("http://127.0.0.1:")
    assert b"runtime-third-party" in (tmp_path / "model.html").read_bytes()


def test_the_extra_all_holds_every_extra_that_fits_every_machine():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    inside = everything.partition("[")[2].rstrip("]").split(",")
    others = {"all", "cuda12", "cuda13", "dev", "docs", "fast", "keras", "mpi", "test"}
    assert set(inside) == extras.keys() - others


def test_type_checkers_and_editors_follow_an_editable_install(tmp_path):
    """It is a file with the path of the source; an import hook in its place would run only when Python does."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir(), target.mkdir()
    with built(source, target, "build_editable") as archive:
        files = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert [name.rpartition(".")[2] for name in files] == ["pth"]
        assert archive.read(files[0]).decode().strip() == str(source)


# A Python whose venv takes its time, and can't make what is there.
SLOW = f"""#!/bin/sh
if [ "$1 $2" != "-m venv" ]; then exec {sys.executable} "$@"; fi
mkdir .venv && sleep 0.2 && mkdir .venv/bin && touch .venv/bin/pip
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_makes_at_once_make_one_environment(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(SLOW)
    python.chmod(0o755)
    words = ["make", f"PYTHON={python}", ".venv/bin/pip"]
    makes = [
        subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [each.communicate()[0] for each in makes]
    assert [each.returncode for each in makes] == [0, 0], said


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_tests_and_the_site_keep_byte_code_whatever_the_environment_says():
    """Else each of the programs that they start would compile our files anew."""
    said = subprocess.run(["make", "-pn", "test"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert re.search("^test: PYTHONDONTWRITEBYTECODE := *$", said, re.MULTILINE)
    assert re.search("^docs: PYTHONDONTWRITEBYTECODE := *$", said, re.MULTILINE)


def test_the_notice_names_files_that_are_there():
    named = re.findall(r"^\S[^:\n]*: (\S+)$", (ROOT / "NOTICE").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(named) == 3
    assert [name for name in named if not (ROOT / name).exists()] == []
