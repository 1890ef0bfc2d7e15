from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from batchtab.declarations.yaml_file import Document, read


def document(tmp_path: Path, text: str | bytes, *texts: str) -> Document:
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, texts)


def messages(found: Document) -> list[str]:
    return [str(problem).replace(found.file, "a.yaml") for problem in found.problems]


def test_every_key_and_item_knows_its_line(tmp_path: Path) -> None:
    found = document(tmp_path, "a:\n  b: 1\n  c:\n    - x\n    - y\n")

    assert found.data == {"a": {"b": 1, "c": ["x", "y"]}}
    assert [found.line(path) for path in (("a",), ("a", "b"), ("a", "c", 1))] == [1, 2, 5]


def test_what_is_not_in_the_file_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    found = document(tmp_path, "x: 1\na:\n  b: 1\n")

    assert found.line(("a", "missing", 3)) == 2
    assert found.line(("missing",)) is None


def test_equal_keys_are_a_fault_and_the_first_counts(tmp_path: Path) -> None:
    found = document(tmp_path, "jobs:\n  a: {x: 1, x: 2}\n  a: {}\n")

    assert found.data == {"jobs": {"a": {"x": 1}}}
    assert messages(found) == [
        "a.yaml:2: job a: x: is given twice, first in line 2",
        "a.yaml:3: job a: is declared twice, first in line 2 [hint: give one of the two another name]",
    ]


def test_a_text_is_what_stands_in_the_file_and_not_what_yaml_makes_of_it(tmp_path: Path) -> None:
    text = "env: {A: 010, B: 1.10, C: 2026-01-02, D: true, E: 12:30, F: 0x1F, G: 'yes'}\nn: 10\n"
    found = document(tmp_path, text, "env.*")

    assert found.problems == []
    assert found.data["env"] == {
        "A": "010", "B": "1.10", "C": "2026-01-02", "D": "true", "E": "12:30", "F": "0x1F", "G": "yes",
    }  # fmt: skip
    assert found.data["n"] == 10


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("-7", -7), ("+1_024", 1024), ("9" * 18, 10**18 - 1), ("0.25", 0.25), (".5", 0.5), ("1.0e+3", 1000.0)],
)
def test_decimal_numbers_are_read(tmp_path: Path, text: str, number: float) -> None:
    found = document(tmp_path, f"n: {text}\n")

    assert found.problems == []
    assert found.data == {"n": number}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("02000", "'02000' means 1024 in YAML, and is not a decimal number [hint: write 1024 or 2000, or put a"),
        (
            "-010",
            "'-010' means -8 in YAML, and is not a decimal number [hint: write -8 or -10, or put a text in quotes]",
        ),
        ("00", "'00' means 0 in YAML, and is not a decimal number [hint: write 0, or put a text in quotes]"),
        (
            "0x400",
            "'0x400' means 1024 in YAML, and is not a decimal number [hint: write 1024, or put a text in quotes]",
        ),
        ("-0b11", "'-0b11' means -3 in YAML, and is not a decimal number [hint: write -3, or put a text in quotes]"),
        (
            "1:2:3",
            "'1:2:3' means 3723 in YAML, and is not a decimal number [hint: write 3723, or put a text in quotes]",
        ),
        (
            "1:30.5",
            "'1:30.5' means 90.5 in YAML, and is not a decimal number [hint: write 90.5, or put a text in quotes]",
        ),
        ("9" * 19, "is a number of more than 18 digits [hint: put a text in quotes]"),
        ("9" * 5000, "is a number of more than 18 digits [hint: put a text in quotes]"),
        ("0x" + "f" * 5000, "is a number of more than 18 digits [hint: put a text in quotes]"),
        ("0x" + "f" * 20, "is a number of more than 18 digits [hint: put a text in quotes]"),
        ("0b" + "1" * 5000, "is a number of more than 18 digits [hint: put a text in quotes]"),
        ("1" + ":59" * 5000, "is a number of more than 18 digits [hint: put a text in quotes]"),
        ("1.0e+300", "is a number of more than 18 digits [hint: put a text in quotes]"),
        ("0." + "1" * 5000, "is a number of more than 18 digits [hint: put a text in quotes]"),
    ],
)
def test_a_number_that_few_people_read_as_yaml_does_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    found = document(tmp_path, f"n: {text}\n")

    (line,) = messages(found)
    assert line.startswith("a.yaml:1: n: '")
    assert expected in line
    assert len(line) < 200
    assert (found.data, found.faults) == ({"n": None}, {("n",)})


@pytest.mark.parametrize("text", ["0x1F2E3D4C", "9" * 30])
def test_of_a_number_where_the_name_of_a_secret_belongs_nothing_is_shown(tmp_path: Path, text: str) -> None:
    (line,) = messages(document(tmp_path, f"secrets: {{A: {text}}}\n"))

    assert text[:10] not in line
    assert "523124044" not in line
    assert "quotes]" in line


@pytest.mark.parametrize("word", ["yes", "no", "on", "Off"])
def test_a_word_that_yaml_takes_for_a_truth_is_refused_where_a_text_is_wanted(tmp_path: Path, word: str) -> None:
    found = document(tmp_path, f"env: {{A: {word}}}", "env.*")

    assert messages(found) == [
        f"a.yaml:1: env.A: '{word}' means true or false in YAML, but a text is wanted: put it in quotes"
    ]


@pytest.mark.parametrize("value", ["3", "comand", "[1, {x: 1}]", ""])
def test_a_merge_key_without_a_mapping_is_a_fault(tmp_path: Path, value: str) -> None:
    found = document(tmp_path, f"b: {{<<: {value}, y: 3}}\n")
    (problem,) = found.problems
    assert "is not a mapping, which is all that << takes in" in str(problem)


def test_anchors_and_merge_keys_work_and_own_keys_win(tmp_path: Path) -> None:
    found = document(tmp_path, "a: &base {x: 1, y: 2}\nb: {<<: *base, y: 3}\nc: {y: 4, <<: [*base, {z: 5}]}\n")

    assert found.problems == []
    assert found.data["b"] == {"x": 1, "y": 3}
    assert found.data["c"] == {"x": 1, "y": 4, "z": 5}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a.yaml: is empty"),
        ("# only a comment\n", "a.yaml: is empty"),
        ("- a\n", 'a.yaml:1: ["a"] is not a mapping (key: value)'),
        (
            "a: 1\n---\nb: 2\n",
            "a.yaml:2: is not valid YAML: contains more than one document [hint: remove the line '---']",
        ),
        ("a:\n\tb: 1\n", "[hint: indent with spaces, not tabs]"),
        ("a: b: c\n", "[hint: put a text that contains ': ' in quotes]"),
        ("a:\n  b: arn:aws:x::\n", "[hint: put a text that ends with ':' in quotes]"),
        ("a: {b: #c}\nd: e\n", "[hint: put a text that begins with '#' in quotes: a bare '#' begins a comment]"),
        ("a: *x\n", "[hint: put a text that begins with '*' in quotes]"),
        ("schedule: */5 * * * *\n", "[hint: put a text that begins with '*' in quotes]"),
        ("{schedule: */5 * * * *}\n", "[hint: put a text that begins with '*' in quotes]"),
        ("schedule: @daily\n", "[hint: put a text that begins with '@', '?', '%' or '`' in quotes]"),
        ("schedule: ? * * * *\n", "[hint: put a text that begins with '@', '?', '%' or '`' in quotes]"),
        ("a: [1, 2\n", "is not valid YAML: did not find expected ',' or ']'"),
        (b"a: \xff\n", "a.yaml:1: is not UTF-8 text"),
        ("a: !!python/name:os.system x\n", "a: has the YAML tag 'tag:yaml.org,2002:python/name:os.system'"),
        ("a: !mine {b: 1}\n", "a: has the YAML tag '!mine', which is not used here"),
        ("a: !mine [b]\n", "a: has the YAML tag '!mine', which is not used here"),
        ("a: !!int x\n", "a: 'x' is not a value that can be read"),
        ("a: !!int ''\n", "a: '' is not a value that can be read"),
        ("a: &a [*a]\n", "a[0]: contains itself"),
        ("a: {[b]: 1}\n", "a: has a key that is not a name"),
        ("a: " + "[" * 200 + "]" * 200, "a.yaml:1: is nested more than 50 deep"),
        ("a: " + "[" * 50_000 + "]" * 50_000, "a.yaml:1: is nested more than 50 deep"),
        ("a: " + "[" * 500_000, "a.yaml:1: is nested more than 50 deep"),
        ("a: " + "{b: " * 20_000, "a.yaml:1: is nested more than 50 deep"),
        ("\n".join(" " * level + "a:" for level in range(300)), "a.yaml:52: is nested more than 50 deep"),
        ("a:\n" + "- x\n" * 60_000, "a.yaml:50000: has more than 50,000 values [hint: make several services of it"),
        ("a:\n" + "- x\n" * 1_000_000, "has more than 50,000 values"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str | bytes, expected: str) -> None:
    found = document(tmp_path, text)

    (line,) = messages(found)
    assert expected in line
    assert "\n" not in line


def test_a_bomb_of_aliases_is_a_fault_and_not_a_full_memory(tmp_path: Path) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    found = document(tmp_path, "\n".join(["l0: &l0 [x]", *levels]))

    (line,) = messages(found)
    assert "has more than 50,000 values" in line
    assert found.data == {}


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    assert "no such file" in str(read(tmp_path / "none.yaml").problems[0])
    assert "directory" in str(read(tmp_path).problems[0])


# Without control characters and NEL: PyYAML writes the latter in a way that libyaml reads as a space.
WORDS = st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)
# Numbers within what is read: 18 digits.
INTEGERS = st.integers(1 - 10**17, 10**17 - 1)
FLOATS = st.floats(-1e17, 1e17) | st.just(float("inf"))
SCALARS = st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, WORDS)
TREES = st.dictionaries(
    WORDS,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4)),
    min_size=1,
    max_size=5,
)


@given(tree=TREES)
def test_what_pyyaml_writes_is_read_back_the_same(tmp_path_factory: pytest.TempPathFactory, tree: object) -> None:
    found = document(tmp_path_factory.mktemp("yaml"), yaml.safe_dump(tree, allow_unicode=True))

    assert found.problems == []
    assert found.data == tree


@given(
    content=st.one_of(
        st.binary(max_size=60), st.text(alphabet="ab:-[]{}&*!|>%@'\" \n\t#,?<0", max_size=60).map(str.encode)
    )
)
def test_any_bytes_are_data_or_faults(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    found = document(tmp_path_factory.mktemp("yaml"), content)

    try:
        yaml.compose(content.decode(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError):
        assert found.problems
        assert found.data == {}
    assert all(len(str(problem).splitlines()) == 1 for problem in found.problems)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    # GIVEN a pipe, which a reader would wait for, and a device without an end
    pipe, device = (tmp_path / name for name in ("pipe.yaml", "device.yaml"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    # WHEN they are read THEN each is a fault of one line
    for path in (pipe, device):
        (problem,) = read(path).problems
        assert str(problem) == f"{path}: is not a file"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "jobs.yaml"
    path.touch()
    os.truncate(path, 17 * 2**20)
    (problem,) = read(path).problems
    assert str(problem) == f"{path}: has more than 16 MiB"
