"""Data sets that hold other arrays than they should, or pickles that do something."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.hostile.archives import members_of, zipped
from tests.hostile.bombs import gzip_bomb, zip_bomb
from tests.hostile.good import BATCHES, FOLDER, batch, npz, rows, tar
from tests.hostile.traces import npy_files

OBJECTS = b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"


def data_sets(good: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Hostile files, each by its name with the ending of its format."""
    for ending in ("mnist.npz", "boston.npz", "imdb.npz", "reuters.npz"):
        for name, content in _archives(good[ending]):
            yield f"{name}.{ending}", content
    for name, stream in pickles():
        raw = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(OBJECTS)) + OBJECTS + stream
        members = members_of(good["reuters.npz"]) | {"x.npy": raw}
        yield f"pickle_{name}.reuters.npz", zipped([*members.items()])
        yield f"pickle_{name}.cifar.tgz", _photographs(stream)
    for name, content in _photograph_files(good["cifar.tgz"]):
        yield f"{name}.cifar.tgz", content
    for name, content in _idx_files(gzip.decompress(good["idx.gz"])):
        yield f"{name}.idx.gz", content
    for name, content in _texts():
        yield f"{name}.words.json", content
        yield f"{name}.tokenizer.json", content
    for name, content in _tokenizers(good["tokenizer.json"]):
        yield f"{name}.tokenizer.json", content


def _archives(content: bytes) -> Iterator[tuple[str, bytes]]:
    members = members_of(content)
    first = next(iter(members))
    yield "without_one", zipped([(k, v) for k, v in members.items() if k != first])
    yield "none", zipped([])
    yield "bomb", zip_bomb(members, first, 1500)
    yield "encrypted", content.replace(b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\x01")
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        packed = zipped([*members.items()], method)
        yield f"method_{method}", packed[:60] + b"\xff" * 8 + packed[68:]
    for name, array in npy_files():
        yield name, zipped([*(members | {first: array}).items()])
    arrays = {"shape": np.zeros((3, 2)), "complex": np.zeros(3, "c8"), "text": np.array(["a"] * 3)}
    arrays |= {"lists": rows(["a"], [1], [2]), "not_lists": np.array([1, "a", None], object)}
    for name, wrong in arrays.items():
        yield f"array_{name}", zipped([*(members | {first: members_of(npz({"a": wrong}))["a.npy"]}).items()])


def pickles() -> Iterator[tuple[str, bytes]]:
    """Pickles that call something, are endless, or take all memory or time."""
    yield "system", b"\x80\x02cos\nsystem\nU\x04trueR."
    yield "eval", b"\x80\x02c__builtin__\neval\nU\x011\x85R."
    yield "builtins", b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x01a\x85R."
    yield "numpy_load", b"\x80\x02cnumpy\nload\nU\x01a\x85R."
    yield "ndarray_huge", b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R."
    yield "old_instance", b"(ios\nsystem\n."
    yield "persistent", b"Pa\n."
    yield "extension", b"\x80\x02\x82\x01."
    yield "memo_huge", b"\x80\x02]r\xff\xff\xff\x7f."
    yield "text_huge", b"\x80\x02X\xff\xff\xff\x7fabc."
    yield "frame_huge", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f]."
    yield "lists_deep", b"\x80\x02" + b"]" * 10**5 + b"a" * (10**5 - 1) + b"."
    yield "tuples_deep", b"\x80\x02})" + b"\x85" * 10**6 + b"Ns."
    yield "tuples_doubled", b"\x80\x02})" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(100)) + b"Ns."
    yield "lists_doubled", b"\x80\x02]" + b"".join(b"q%c]h%cah%ca" % (i, i, i) for i in range(100)) + b"."
    yield "list_itself", b"\x80\x02]q\0h\0a."
    yield "dict_of_tuples", pickle.dumps({(1, 2): (3, 4)}, 2)
    yield "set", pickle.dumps({1, 2}, 4)
    yield "class", pickle.dumps(ValueError("a"), 2)
    yield "nothing", b"\x80\x02N."
    yield "no_end", b"\x80\x02]"
    yield "unfinished", b"\x80\x02("
    yield "empty", b""
    yield "array_state", pickle.dumps(np.zeros(3), 2).replace(b"K\x03\x85", b"K\x09\x85")


def _photographs(stream: bytes) -> bytes:
    whole = batch(np.random.RandomState(1))
    return tar([(f"{FOLDER}/{name}", stream if name == "data_batch_3" else whole) for name in BATCHES], "w:gz")


def _photograph_files(content: bytes) -> Iterator[tuple[str, bytes]]:
    plain = gzip.decompress(content)
    yield "trailing_bomb", gzip_bomb(plain, 20_000)
    huge = tarfile.TarInfo(f"{FOLDER}/data_batch_1")
    huge.size = 500 * 2**20
    yield "member_huge", gzip_bomb(huge.tobuf(), 501)
    huge.name, huge.size = "other", 30_000 * 2**20
    yield "other_huge", gzip_bomb(huge.tobuf(), 30_000)
    yield "checksum", content[:-8] + bytes(4) + content[-4:]
    for name in ("w:bz2", "w:xz"):
        packed = tar([(f"{FOLDER}/{batch_name}", bytes(99)) for batch_name in BATCHES], name)
        yield f"method_{name[2:]}", packed[:40] + bytes(8) + packed[48:]
    yield "plain_cut", plain[:3000]
    yield "header_size", plain[:124] + b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7 + plain[136:]
    yield "links", tar([(_link(f"{FOLDER}/{name}"), b"") for name in BATCHES], "w:gz")


def _link(name: str) -> Any:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


def _idx_files(plain: bytes) -> Iterator[tuple[str, bytes]]:
    yield "rows_more", gzip.compress(plain[:4] + struct.pack(">I", 2**32 - 1) + plain[8:])
    yield "rows_less", gzip.compress(plain[:4] + struct.pack(">I", 1) + plain[8:])
    yield "kind", gzip.compress(b"\0\0\x0d\x03" + plain[4:])
    yield "axes", gzip.compress(b"\0\0\x08\xff" + plain[4:])
    yield "bomb", gzip_bomb(plain[:4] + struct.pack(">I", 2**20) + plain[8:16], 784)
    yield "short", gzip.compress(plain[:6])
    yield "checksum", gzip.compress(plain)[:-8] + bytes(8)


def _texts() -> Iterator[tuple[str, bytes]]:
    yield "deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "list", b"[1, 2]"
    yield "null", b"null"
    yield "lists", b'{"the": [1]}'
    yield "digits", b'{"the": ' + b"9" * 10_000 + b"}"
    yield "nan", b'{"the": NaN}'
    yield "bytes", b'{"\xff": 1}'
    yield "true", b'{"the": true}'
    yield "long", b'{"the": 1' + b" " * (65 * 2**20) + b"}"


def _tokenizers(content: bytes) -> Iterator[tuple[str, bytes]]:
    for key in ("word_counts", "word_docs", "word_index", "index_docs", "index_word"):
        for name, value in {"number": 3, "inner_list": "[1]", "inner_text": '"ab"', "inner": '{"a": []}'}.items():
            config = json.loads(content)
            config["config"][key] = value
            yield f"{key}_{name}", json.dumps(config).encode()
    config = json.loads(content)
    config["config"]["rm"] = "-rf"
    yield "unknown_argument", json.dumps(config).encode()
    yield "config_list", b'{"config": [1, 2]}'
