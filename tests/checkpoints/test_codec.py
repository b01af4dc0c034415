import json
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.checkpoints.codec import (
    BLOB_SIZE,
    DamagedError,
    UnknownFormatError,
    blob_names,
    checksum,
    content_hash,
    decode,
    encode,
    encode_next,
    written_at,
)
from backedge.checkpoints.kinds import READERS, WRITERS
from backedge.engine.errors import JournalWriteError
from backedge.engine.records import (
    ActivationCancelled,
    ActivationId,
    AttemptFailed,
    EffectKind,
    EffectOpened,
    EffectRecorded,
    ErrorInfo,
    InputEdited,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunEnded,
    RunForked,
    RunResumed,
    RunStarted,
    RunStatus,
)

from .samples import BIG, TALK, every_kind, finished

texts = st.text(st.characters(), max_size=20)  # all of Unicode, lone surrogates too
seqs = st.integers(0, 2**32 - 1)
times = st.floats(0, 1e11)
counts = st.integers(0, 2**63)
values = st.one_of(
    st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | texts, st.lists, max_leaves=5).map(
        lambda value: json.dumps(value, separators=(",", ":")).encode()
    ),
    st.binary(max_size=50).map(lambda raw: raw.replace(b"\n", b"")),
    st.sampled_from([BIG, BIG * 2, TALK, b"[%b]" % BIG, b"x" * BLOB_SIZE, b"x" * (BLOB_SIZE + 1)]),
)
fields = st.dictionaries(texts, values, max_size=5)
activations = st.builds(
    ActivationId,
    texts,
    st.lists(st.tuples(texts, counts), max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
)
errors = st.builds(ErrorInfo, texts, texts, texts, st.none() | values)
edges = st.lists(texts, max_size=3).map(tuple)
records = st.one_of(
    st.builds(RunStarted, seqs, times, fields, st.none() | edges),
    st.builds(
        NodeFinished,
        *(seqs, activations, counts, times, times, fields, st.none() | edges, st.none() | errors),
        st.none() | values,
    ),
    st.builds(ActivationCancelled, seqs, activations, times),
    st.builds(AttemptFailed, seqs, activations, counts, times, times, errors, st.booleans()),
    st.builds(RoutingFailed, seqs, activations, times, errors),
    st.builds(Routed, seqs, activations, times, edges),
    st.builds(
        EffectRecorded,
        *(seqs, activations, counts, texts, texts, texts, times, st.none() | values, st.none() | errors),
        *(st.sampled_from(EffectKind), times, st.none() | values),
    ),
    st.builds(
        EffectOpened,
        *(seqs, activations, counts, texts, texts, texts, times, st.sampled_from(EffectKind), values),
    ),
    st.builds(InputEdited, seqs, activations, times, fields),
    st.builds(RunForked, seqs, times, fields, st.none() | activations),
    st.builds(RunResumed, seqs, times, counts, st.dictionaries(texts, st.none() | counts, max_size=3)),
    st.builds(RunEnded, seqs, times, st.sampled_from(RunStatus)),
)


def body_of(seq, *lines):
    body = b"\n".join(lines)
    return seq, checksum(seq, body), body


@given(records)
def test_every_record_comes_back_equal(record):
    encoded = encode(record)
    again = decode(encoded.seq, encoded.crc, encoded.body, dict(encoded.blobs).get)
    assert again == record
    assert type(again) is type(record)
    if isinstance(record, NodeFinished | RunStarted):
        before, after = (getattr(r, "writes", None) or getattr(r, "inputs", {}) for r in (record, again))
        assert list(before) == list(after)  # fields keep their order


@given(records, st.data())
def test_any_flipped_bit_is_found(record, data):
    encoded = encode(record)
    bit = data.draw(st.integers(0, len(encoded.body) * 8 - 1))
    flipped = bytearray(encoded.body)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DamagedError, match="checksum"):
        decode(encoded.seq, encoded.crc, bytes(flipped), dict(encoded.blobs).get)


@given(records, seqs)
def test_a_record_is_not_taken_for_one_in_another_place(record, seq):
    encoded = encode(record)
    if seq != record.seq:
        with pytest.raises(DamagedError, match="checksum"):
            decode(seq, encoded.crc, encoded.body, dict(encoded.blobs).get)


def test_there_is_a_reader_and_a_writer_for_each_kind_of_record():
    assert set(WRITERS) == set(Record.__args__)
    assert {WRITERS[type(record)](record, [])[0] for record in every_kind()} == set(READERS)


def test_a_body_is_lines_of_json_with_the_values_as_they_were():
    encoded = encode(finished(7, b'{"a": "\\n"}'))
    header, value = encoded.body.split(b"\n")
    assert json.loads(header)[:3] == [1, "finished", 0]
    assert value == b'{"a": "\\n"}'
    assert encoded.crc == zlib.crc32(encoded.body, 7)


def test_the_format_of_version_1_is_as_it_was_released():
    body = (
        b'[1,"finished",0,["coder",[["coder",3]],["17"]],2,1.5,2.5,["code"],["coder->checker"],'
        b'["builtins.ValueError","bad","",1],1]\n"x"\n["bad"]\n{"tokens":3}'
    )
    record = NodeFinished(
        *(9, ActivationId("coder", (("coder", 3),), ("17",)), 2, 1.5, 2.5, {"code": b'"x"'}),
        *(("coder->checker",), ErrorInfo("builtins.ValueError", "bad", "", b'["bad"]'), b'{"tokens":3}'),
    )
    assert encode(record).body == body
    assert decode(*body_of(9, body), {}.get) == record


def test_values_above_the_limit_are_set_apart_by_their_hash():
    encoded = encode(NodeFinished(1, ActivationId("n"), 1, 1.0, 2.0, {"a": b"1", "b": BIG, "c": b"3"}, ()))
    assert encoded.blobs == ((content_hash(BIG), BIG),)
    assert len(encoded.body) < 300
    assert encode(finished(1, b"x" * BLOB_SIZE)).blobs == ()


def test_the_format_of_version_2_is_as_it_was_released():
    large = b"y" * 20_000
    inside, whole = content_hash(large), b"[%b1]" % (b"1," * 10_000)
    body = (
        b'[2,"started",[[0,10,"%b"],[1,"%b"],[2,"%b"],[2,2,"%b"]],1.5,["a","b","c","d"],null,{}]'
        b'\n[{"text":""}]\n"z"'
    ) % (
        inside.hex().encode(),
        content_hash(whole).hex().encode(),
        content_hash(b'["",%b]' % whole).hex().encode(),
        inside.hex().encode(),
    )
    values = {"a": b'[{"text":"%b"}]' % large, "b": whole, "c": b'["%b",%b]' % (large, whole), "d": b'"z"'}
    record = RunStarted(9, 1.5, values, None, {})
    encoded = encode(record)
    assert encoded.body == body
    assert dict(encoded.blobs) == {
        inside: large,
        content_hash(whole): whole,
        content_hash(b'["",%b]' % whole): b'["",%b]' % whole,
    }
    assert decode(*body_of(9, body), dict(encoded.blobs).get) == record
    assert blob_names(body.split(b"\n")[0]) == [
        inside,
        content_hash(whole),
        content_hash(b'["",%b]' % whole),
        inside,
    ]


def test_of_a_value_only_the_large_strings_are_set_apart_and_each_once():
    encoded = encode(finished(1, TALK))
    assert [content for _, content in encoded.blobs] == [BIG[1:-1]]
    assert len(encoded.body) < 500


def test_a_value_with_a_raw_newline_is_refused():
    for record in (finished(1, b"[1,\n2]"), finished(1, BIG + b"\n")):
        with pytest.raises(ValueError, match="record 1 holds a raw newline"):
            encode(record)


def test_what_is_no_record_is_refused():
    with pytest.raises(TypeError, match="expected a record, found str"):
        encode("finished")


NAME = content_hash(b"known").hex().encode()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([b'[3,"finished",0]'], "its format is version 3, known is up to 2"),
        ([b'["1","finished",0]'], "its format is version '1'"),
        ([b'[1,"dreamt",0]'], "its kind is 'dreamt', known are started, finished"),
        ([b'[1,["finished"],0]'], None),
        ([b"{}"], None),
        ([b"[1]"], None),
        ([b"7"], None),
        ([b""], None),
        ([b"[1"], None),
        ([b'[1,"ended",0,1.0]'], None),
        ([b'[1,"ended",0,1.0,"melted"]'], None),
        ([b'[1,"started",0,1.0,["x"],null,{}]'], None),
        ([b'[1,"started",0,1.0,[],null,{}]', b"1"], "more values"),
        ([b'[1,"started",[[0,"zz"]],1.0,["x"],null,{}]'], None),
        ([b'[1,"started",[[0,"00"]],1.0,["x"],null,{}]'], "its blob 00 is missing"),
        ([b'[1,"started",[[0,"01"]],1.0,["x"],null,{}]'], "its blob 01 is not what its name says"),
        ([b'[2,"started",[[0,0,"00"]],1.0,["x"],null,{}]', b"1"], "its blob 00 is missing"),
        ([b'[2,"started",[[0,9,"' + NAME + b'"]],1.0,["x"],null,{}]', b"1"], "no place at 9"),
        ([b'[2,"started",[[1,0,"' + NAME + b'"]],1.0,["x"],null,{}]', b"1"], None),
        ([b'[2,"started",[{"a":1}],1.0,["x"],null,{}]', b"1"], None),
        ([b"\xff"], None),
    ],
)
def test_a_body_that_cannot_be_understood_is_told_never_guessed(lines, told):
    unknown = told is not None and told.startswith(("its format", "its kind"))
    error = UnknownFormatError if unknown else DamagedError
    with pytest.raises(error, match=told or "header cannot be read"):
        decode(*body_of(1, *lines), {b"\x01": b"something else", content_hash(b"known"): b"known"}.get)


@given(st.lists(st.text(string.printable, max_size=30), max_size=4), seqs)
def test_garbage_is_an_error_of_the_codec_and_no_other(lines, seq):
    with pytest.raises((DamagedError, UnknownFormatError)):
        decode(*body_of(seq, *[line.encode() for line in lines]), {}.get)


def test_records_must_go_on_where_the_run_stands():
    encoded, status = encode_next("j", "r", 3, [finished(3), RunEnded(4, 1.0, RunStatus.FAILED)])
    assert [record.seq for record in encoded] == [3, 4]
    assert status is RunStatus.FAILED
    with pytest.raises(JournalWriteError, match="run 'r' goes on with record 3, not with record 4"):
        encode_next("j", "r", 3, [finished(4)])


def test_each_record_tells_when_it_was_made():
    assert {written_at(record) for record in every_kind()} == {1000.5, 1.5, 2.0, 1.0, 1023.0}


@pytest.mark.parametrize("body", [None, "text", 7])
def test_what_is_no_body_at_all_is_damage(body):
    with pytest.raises(DamagedError, match="checksum"):
        decode(0, 0, body, lambda _: None)
