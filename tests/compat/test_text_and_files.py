"""`tf.strings`, `tf.io`, `tf.audio`, tables: what TensorFlow 2.21 gives for the same."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.compat.faces import face

tf = face("tensorflow")
S = tf.strings


def plain(x):
    x = x.numpy() if hasattr(x, "numpy") else x
    return x.tolist() if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: S.lower(["Ab C", "ÄB"]), [b"ab c", "Äb".encode()]),
        (lambda: S.lower("ÄB", encoding="utf-8"), "äb".encode()),
        (lambda: S.upper("ab"), b"AB"),
        (lambda: S.regex_replace(["a<br />b", "c!"], "<br />|[!]", " "), [b"a b", b"c "]),
        (lambda: S.regex_replace("ab ab", "(a)b", r"\1\1", replace_global=False), b"aa ab"),
        (lambda: S.split(" a b  c "), [b"a", b"b", b"c"]),
        (lambda: S.split("a,b,,c", sep=","), [b"a", b"b", b"", b"c"]),
        (lambda: S.split(["a b", "c"]).to_tensor(), [[b"a", b"b"], [b"c", b""]]),
        (lambda: S.length(["äb", "c"]), [3, 1]),
        (lambda: S.length(["äb", "c"], unit="UTF8_CHAR"), [2, 1]),
        (lambda: S.substr("hello", 1, 3), b"ell"),
        (lambda: S.join([["a", "b"], ["c", "d"]], separator="-"), [b"a-c", b"b-d"]),
        (lambda: S.reduce_join([["a", "b"], ["c", "d"]], axis=-1), [b"ab", b"cd"]),
        (lambda: S.reduce_join(["a", "b"], separator=" "), b"a b"),
        (lambda: S.reduce_join(S.split(["a b", "c"]), separator="+"), [b"a+b", b"c"]),
        (lambda: S.to_number(["1.5", "2"]), [1.5, 2.0]),
        (lambda: S.to_number("7", tf.int32), 7),
        (lambda: S.to_number(S.split(["1 2", "3"])).to_tensor(), [[1.0, 2.0], [3.0, 0.0]]),
        (lambda: S.lower(S.split(["A b", "C"])).to_tensor("-"), [[b"a", b"b"], [b"c", b"-"]]),
        (lambda: tf.cast(["a"], tf.string), [b"a"]),
        (lambda: S.to_hash_bucket_fast(["a", "hello world"], 100), [39, 11]),
        (lambda: S.unicode_split("äb", "UTF-8"), ["ä".encode(), b"b"]),
        (lambda: S.unicode_decode("äb", "UTF-8"), [228, 98]),
        (lambda: S.bytes_split("ab"), [b"a", b"b"]),
        (lambda: S.regex_full_match(["ab", "b"], "a.*"), [True, False]),
        (lambda: S.as_string([1, 2]), [b"1", b"2"]),
        (lambda: S.as_string([0.5, 2]), [b"0.500000", b"2.000000"]),
        (lambda: S.format("{} of {}", (tf.constant(1), "b")), b"1 of b"),
        (lambda: tf.expand_dims(tf.constant(["a", "b"]), -1), [[b"a"], [b"b"]]),
        (lambda: tf.concat([["a"], ["b", "c"]], 0), [b"a", b"b", b"c"]),
        (lambda: tf.gather(["a", "b", "c"], [2, 0]), [b"c", b"a"]),
        (lambda: tf.stack(["a", "b"]), [b"a", b"b"]),
        (lambda: tf.reshape(["a", "b"], [2, 1]), [[b"a"], [b"b"]]),
        (lambda: tf.constant("a", shape=[2]), [b"a", b"a"]),
        (lambda: tf.convert_to_tensor(["a"]) == "a", [True]),
        (lambda: tf.shape(tf.constant([["a", "b"]])), [1, 2]),
        (lambda: tf.boolean_mask(["a", "b"], [False, True]), [b"b"]),
        (lambda: tf.unique(["b", "a", "b"])[1], [0, 1, 0]),
        (lambda: tf.unstack(["a", "b"])[1], b"b"),
    ],
)
def test_functions_of_text(call, expected):
    assert plain(call()) == expected


def test_text_is_a_tensor_of_strings():
    assert tf.is_tensor(tf.constant("a"))
    assert tf.constant("a").dtype == tf.string
    assert sorted(plain(tf.random.shuffle(["a", "b", "c"]))) == [b"a", b"b", b"c"]


def test_numbers_that_are_none_are_refused():
    with pytest.raises(TypeError, match="to_number"):
        tf.cast(["1"], tf.float32)
    with pytest.raises(ValueError, match="could not convert"):
        S.to_number("x")


def test_files(tmp_path):
    place = str(tmp_path / "new" / "a.bin")
    tf.io.write_file(place, b"\x01\x02\xff")
    assert tf.io.read_file(place).numpy() == b"\x01\x02\xff"
    assert plain(tf.io.decode_raw(tf.io.read_file(tf.constant(place)), tf.uint8)) == [1, 2, 255]
    files = tf.io.gfile
    assert (
        files.glob(str(tmp_path / "*" / "*.bin")) == [place] == [x.decode() for x in plain(tf.io.matching_files(place))]
    )
    files.copy(place, place + "2")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        files.copy(place, place + "2")
    files.rename(place + "2", place, overwrite=True)
    assert files.listdir(str(tmp_path / "new")) == ["a.bin"]
    assert files.exists(place)
    assert not files.isdir(place)
    with files.GFile(str(tmp_path / "t.txt"), "w") as file:
        file.write("x")
    files.remove(str(tmp_path / "t.txt"))
    files.rmtree(str(tmp_path / "new"))
    assert not files.exists(place)


def test_rows_of_tables():
    found = tf.io.decode_csv(["1,2.5,a", "2,,b"], [0, 1.5, "x"])
    assert [plain(column) for column in found] == [[1, 2], [2.5, 1.5], [b"a", b"b"]]
    assert [plain(column) for column in tf.io.decode_csv("1,2.5", [tf.int32, tf.float32])] == [1, 2.5]
    with pytest.raises(ValueError, match="expected 2 columns; got 1"):
        tf.io.decode_csv("1", [0, 0])
    with pytest.raises(ValueError, match="a value is missing"):
        tf.io.decode_csv(",1", [tf.int32, 0])


def test_lines_of_files_as_data_sets(tmp_path):
    (tmp_path / "a.txt").write_text("a\nb c\r\n")
    assert [x.numpy() for x in tf.data.TextLineDataset([str(tmp_path / "a.txt")])] == [b"a", b"b c"]
    counter = tf.data.experimental.Counter(2, 3)
    assert [int(x) for x in counter.take(2)] == [2, 5]
    assert counter.cardinality() == -1
    known = tf.data.Dataset.from_generator(lambda: iter([1, 2]), output_types=tf.int32)
    assert next(iter(known)).dtype == "int32"
    assert tf.data.experimental.cardinality(known.apply(tf.data.experimental.assert_cardinality(2))) == 2


def test_pictures_in_files():
    pytest.importorskip("PIL")
    pixels = np.arange(60, dtype="uint8").reshape(4, 5, 3)
    encoded = tf.io.encode_png(pixels)
    np.testing.assert_array_equal(tf.io.decode_png(encoded), pixels)
    assert tf.image.decode_image(encoded, channels=1).shape == (4, 5, 1)
    assert tf.io.decode_png(tf.io.encode_png(pixels[..., :1])).shape == (4, 5, 1)
    assert tf.io.decode_jpeg(tf.io.encode_jpeg(pixels)).shape == (4, 5, 3)
    assert tf.io.decode_jpeg(tf.io.encode_jpeg(pixels[..., :1])).shape == (4, 5, 1)
    assert float(tf.io.decode_image(encoded, dtype=tf.float32).max()) == pytest.approx(59 / 255)
    with pytest.raises(ValueError, match="holds no image"):
        tf.io.decode_png(b"nothing")
    with pytest.raises(ValueError, match="uint8"):
        tf.io.encode_jpeg(pixels / 255)


def test_sounds_in_files():
    sound = np.array([[0.5, -1.0], [0.25, 0.0]], "float32")
    encoded = tf.audio.encode_wav(sound, 8000)
    audio, rate = tf.audio.decode_wav(encoded)
    np.testing.assert_allclose(audio, sound, atol=1e-4)
    assert int(rate) == 8000
    assert tf.audio.decode_wav(encoded, desired_channels=1, desired_samples=3).audio.shape == (3, 1)


def test_python_inside_of_graphs():
    assert float(tf.py_function(lambda a: a * 2, [3.0], tf.float32)) == 6
    assert plain(tf.numpy_function(lambda a: a.decode() + "!", [tf.constant("x")], tf.string)) == b"x!"
    array = tf.TensorArray(tf.float32, size=1).write(0, 1.0).write(1, 2.0)
    assert plain(array.stack()) == [1, 2]
    assert array.size() == 2
    assert float(array.read(1)) == 2
    with pytest.raises(ValueError, match="nothing was written at"):
        tf.TensorArray(tf.float32, size=2).write(1, 2.0).stack()


def test_bytes_and_text_of_compat():
    old = face("tensorflow.compat")
    assert old.as_bytes("ä") == "ä".encode()
    assert old.as_str(b"a") == "a"
    assert old.as_str_any(3) == "3"
    with pytest.raises(TypeError, match="expected str or bytes"):
        old.as_bytes(3)


def test_one_device_is_a_strategy():
    strategy = tf.distribute.MirroredStrategy()
    with strategy.scope():
        assert strategy.num_replicas_in_sync == 1
    assert strategy.run(lambda a, b: a + b, args=(1, 2)) == 3
    assert strategy.reduce(tf.distribute.ReduceOp.SUM, tf.constant([1.0, 2.0]), axis=0) == 3


def example(**features):
    return tf.train.Example(features=tf.train.Features(feature=features))


def numbers(*values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def test_examples_are_written_as_tensorflow_writes_them():
    written = example(size=numbers(3, -1, 300)).SerializeToString()
    assert written.hex() == "0a1b0a190a0473697a6512111a0f0a0d03ffffffffffffffffff01ac02"
    assert tf.train.Example.FromString(written).features.feature["size"].int64_list.value == [3, -1, 300]


@pytest.mark.parametrize("compression", [None, "GZIP"])
def test_records_of_examples(tmp_path, compression):
    place = str(tmp_path / "a.tfrecord")
    words = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a", b"bc"]))
    share = tf.train.Feature(float_list=tf.train.FloatList(value=[0.5]))
    with tf.io.TFRecordWriter(place, compression) as writer:
        for size in (1, 2):
            writer.write(example(words=words, share=share, size=numbers(size)).SerializeToString())
    kinds = {
        "words": tf.io.FixedLenFeature([2], tf.string),
        "share": tf.io.FixedLenFeature([], tf.float32),
        "size": tf.io.FixedLenFeature([1], tf.int64),
        "none": tf.io.FixedLenFeature([], tf.int64, default_value=7),
    }
    records = tf.data.TFRecordDataset([place], compression)
    batch = next(iter(records.map(lambda x: tf.io.parse_single_example(x, kinds)).batch(2)))
    assert {k: plain(v) for k, v in batch.items()} == {
        "words": [[b"a", b"bc"]] * 2,
        "share": [0.5, 0.5],
        "size": [[1], [2]],
        "none": [7, 7],
    }
    assert plain(tf.io.parse_example(next(iter(records.batch(2))), kinds)["size"]) == [[1], [2]]


def test_what_cannot_be_read_from_records_says_so(tmp_path):
    record = example(size=numbers(1, 2)).SerializeToString()
    with pytest.raises(ValueError, match="expected 1 values"):
        tf.io.parse_single_example(record, {"size": tf.io.FixedLenFeature([], tf.int64)})
    with pytest.raises(TypeError, match="FixedLenFeature is possible"):
        tf.io.parse_single_example(record, {"size": "anything"})
    with pytest.raises(ValueError, match=r"no tf\.train\.Example"):
        tf.train.Example.FromString(b"\x0a\xff")
    place = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(place)) as writer:
        writer.write(record)
    whole = place.read_bytes()
    for damaged, message in (
        (b"x" + whole[1:], "no TFRecord file"),
        (whole[:-6], "in the middle"),
        (whole[:14] + b"xx" + whole[16:], "checksum"),
    ):
        place.write_bytes(damaged)
        with pytest.raises(ValueError, match=message):
            list(tf.data.TFRecordDataset(str(place)))


def test_texts_become_numbers_of_letters():
    rows = tf.strings.unicode_decode(["hé", "日本語"], "UTF-8")
    assert [row.tolist() for row in rows] == [[104, 233], [0x65E5, 0x672C, 0x8A9E]]
