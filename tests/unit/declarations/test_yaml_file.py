from __future__ import annotations

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
    text = "env: {A: 010, B: 1.10, C: 2026-01-02, D: true, E: 12:30, F: 0x1F, G: 'yes'}\nn: 010\n"
    found = document(tmp_path, text, "env.*")

    assert found.problems == []
    assert found.data["env"] == {
        "A": "010", "B": "1.10", "C": "2026-01-02", "D": "true", "E": "12:30", "F": "0x1F", "G": "yes",
    }  # fmt: skip
    assert found.data["n"] == 8


@pytest.mark.parametrize("word", ["yes", "no", "on", "Off"])
def test_a_word_that_yaml_takes_for_a_truth_is_refused_where_a_text_is_wanted(tmp_path: Path, word: str) -> None:
    found = document(tmp_path, f"env: {{A: {word}}}", "env.*")

    assert messages(found) == [
        f"a.yaml:1: env.A: '{word}' means true or false in YAML, but a text is wanted: put it in quotes"
    ]


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
            "a.yaml:2: is not valid YAML: holds more than one document [hint: remove the line '---']",
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
        ("a: " + "[" * 200 + "]" * 200, "a: is nested too deeply or too large"),
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

    assert any("too large" in message for message in messages(found))


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    assert "no such file" in str(read(tmp_path / "none.yaml").problems[0])
    assert "directory" in str(read(tmp_path).problems[0])


# Without control characters and NEL: PyYAML writes the latter in a way that libyaml reads as a space.
WORDS = st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS)
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
