"""Renew the copy of onnxruntime-web that pages of models carry.

    make web-runtime                                   # the version that is there, once more
    make web-runtime ARGS="1.31.0 sha512-..."          # another one, with npm's checksum of it

`npm view onnxruntime-web@1.31.0 dist.integrity` tells the checksum. What npm sends is refused when it is another.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import lzma
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PACKAGE = "onnxruntime-web"
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "viz" / "web" / "runtime"


def fetched(version: str, integrity: str) -> bytes:
    """npm's archive of a version."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{PACKAGE}@{version}", "--silent", "--pack-destination", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = pathlib.Path(folder).glob("*.tgz")
        content = archive.read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != integrity:
        raise SystemExit(
            f"{PACKAGE} {version} has the checksum {found}, but {integrity} was expected: nothing is kept."
        )
    return content


def notices(version: str) -> bytes:
    """The notices of third parties, which the package of npm lacks, from the one for Python of the same version."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", f"onnxruntime=={version}", "--no-deps", "-q", "-d", folder]
        subprocess.run(command, check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return archive.read("onnxruntime/ThirdPartyNotices.txt")


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file in the package")
    return file.read()


def main(version: str | None = None, integrity: str | None = None) -> None:
    """Write the files, and what is known of them."""
    about = FOLDER / "runtime.json"
    pinned = json.loads(about.read_text(encoding="utf-8"))
    version, integrity = version or pinned["version"], integrity or pinned["integrity"]
    with tarfile.open(fileobj=io.BytesIO(fetched(version, integrity))) as archive:
        contents = {name: _member(archive, f"package/dist/{name}") for name in FILES}
    script, program = contents.values()
    packed = lzma.compress(program, preset=9 | lzma.PRESET_EXTREME)
    (FOLDER / FILES[0]).write_bytes(script)
    (FOLDER / f"{FILES[1]}.xz").write_bytes(packed)
    (FOLDER / "ThirdPartyNotices.txt").write_bytes(notices(version))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    known = {"package": PACKAGE, "version": version, "license": "MIT", "integrity": integrity, "sha256": digests}
    about.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    print(f"{PACKAGE} {version}: {(len(script) + len(packed)) / 1e6:.2f} MB in {FOLDER}")


if __name__ == "__main__":
    main(*sys.argv[1:])
