"""A function's zip holds what its files import of ours, and no more."""

from __future__ import annotations

from pathlib import Path

from batchtab.constructs._terraform.imports import closure


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_what_is_imported_comes_with_all_that_it_imports(tmp_path: Path) -> None:
    # GIVEN a function that imports a module of a package, of which it imports another in one of its functions
    write(
        tmp_path,
        {
            "function/__init__.py": "",
            "function/handler.py": "from . import work",
            "function/work.py": "from package.one import name\nimport json, boto3",
            "package/__init__.py": "",
            "package/one.py": "def name():\n    if True:\n        from .deep import two\n",
            "package/deep/__init__.py": "",
            "package/deep/two.py": "import package.deep.three as three",
            "package/deep/three.py": "",
            "package/deep/not_imported.py": "",
            "package/other/__init__.py": "",
            "elsewhere/__init__.py": "",
        },
    )
    # WHEN its files are found
    found = closure(tmp_path / "function", tmp_path / "package")
    # THEN they are its own and those, in order, with what makes them packages
    assert list(found) == [
        *("function/__init__.py", "function/handler.py", "function/work.py"),
        *("package/__init__.py", "package/deep/__init__.py", "package/deep/three.py", "package/deep/two.py"),
        "package/one.py",
    ]
    assert all(path == tmp_path / name for name, path in found.items())


def test_what_only_a_type_checker_imports_is_left_out(tmp_path: Path) -> None:
    # GIVEN a package that exports its names lazily
    lazy = "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from package.heavy import Heavy\n"
    write(
        tmp_path,
        {
            "function/handler.py": "import package.light",
            "package/__init__.py": lazy,
            "package/light.py": "",
            "package/heavy.py": "",
        },
    )
    # WHEN a function imports a part of it THEN the rest stays
    found = closure(tmp_path / "function", tmp_path / "package")
    assert list(found) == ["function/handler.py", "package/__init__.py", "package/light.py"]


def test_a_module_that_imports_itself_by_way_of_another_is_found_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "function/handler.py": "import package.a",
            "package/__init__.py": "",
            "package/a.py": "from . import b",
            "package/b.py": "from . import a",
        },
    )
    found = closure(tmp_path / "function", tmp_path / "package")
    assert list(found) == ["function/handler.py", "package/__init__.py", "package/a.py", "package/b.py"]
