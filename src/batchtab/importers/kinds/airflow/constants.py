"""Values of Python expressions, as far as they are constants: nothing is imported, and nothing is called."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.airflow.values import Arguments, Call, Unknown, is_constant

_TEXT_MAX = 100_000
_VALUES_MAX = 5_000
_NUMBER_MAX = 2**63
_ENVIRONMENT = ("os.environ", "os.getenv", "environ", "getenv")
_AIRFLOW = ("Variable.get", "conf.get", "configuration.get", "BaseHook.get_connection", "Connection.get")


class Names:
    """The names of a file: what is imported, and constants.

    Attributes:
        imports: Name to its dotted path.
        values: Name to value; those of classes with the class's name before them.
    """

    def __init__(self) -> None:
        self.imports: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def read_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Remember what names mean."""
        for each in node.names:
            if isinstance(node, ast.ImportFrom):
                self.imports[each.asname or each.name] = f"{'.' * node.level}{node.module or ''}.{each.name}"
            elif each.asname:
                self.imports[each.asname] = each.name

    def path(self, node: ast.expr) -> str:
        """The dotted path of a name; empty if it is none: `DAG` may be `airflow.DAG`."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            before = self.path(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def value(self, node: ast.expr) -> Any:
        """A constant, a `Call`, or an `Unknown`."""
        found = self._value(node)
        return found if _size(found) <= _VALUES_MAX else Unknown(_text(node), "is too large")

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value if is_constant(node.value) else Unknown(_text(node))
            case ast.Name():
                return self.values.get(node.id, Unknown(node.id, "is not a constant of this file"))
            case ast.Attribute():
                return self.values.get(self.path(node), Unknown(self.path(node) or _text(node)))
            case ast.JoinedStr():
                return self._formatted(node)
            case ast.List() | ast.Tuple() | ast.Set():
                return self._list(node)
            case ast.Dict():
                return self._mapping(node)
            case ast.UnaryOp(op=ast.USub()):
                number = self.value(node.operand)
                return -number if _is_number(number) else Unknown(_text(node))
            case ast.BinOp():
                return self._operation(node)
            case ast.Subscript():
                return self._item(node)
            case ast.Call():
                return self._call(node)
            case ast.ListComp() | ast.GeneratorExp() | ast.DictComp() | ast.SetComp():
                return Unknown(_text(node), "is made by a loop")
        return Unknown(_text(node))

    def arguments(self, node: ast.Call) -> Arguments:
        """The named arguments of a call, with their lines; those of a `**mapping` too."""
        found = Arguments()
        for each in node.keywords:
            value = self.value(each.value)
            if each.arg is not None:
                found[each.arg] = value
                found.lines[each.arg] = each.value.lineno
            elif isinstance(value, Mapping):
                _merge(found, value, each.value.lineno)
            else:
                found[f"**{_text(each.value)}"] = value
                found.lines[f"**{_text(each.value)}"] = each.value.lineno
        return found

    def _formatted(self, node: ast.JoinedStr) -> Any:
        parts: list[str] = []
        for each in node.values:
            if isinstance(each, ast.FormattedValue) and (each.format_spec or each.conversion != -1):
                return Unknown(_text(node))
            value = self.value(each.value if isinstance(each, ast.FormattedValue) else each)
            if not isinstance(value, (str, int, float)):
                return Unknown(_text(node), _why(value), _tasks(value))
            parts.append(str(value))
        return _short("".join(parts), node)

    def _list(self, node: ast.List | ast.Tuple | ast.Set) -> Any:
        found: list[Any] = []
        for each in node.elts:
            value = self.value(each.value if isinstance(each, ast.Starred) else each)
            if not isinstance(each, ast.Starred):
                found.append(value)
            elif isinstance(value, list):
                found += value
            else:
                return Unknown(_text(node), _why(value))
        return found

    def _mapping(self, node: ast.Dict) -> Any:
        found = Arguments()
        for key, each in zip(node.keys, node.values, strict=True):
            value = self.value(each)
            if key is None and isinstance(value, Mapping):
                _merge(found, value, each.lineno)
                continue
            name = self.value(key) if key is not None else None
            if not isinstance(name, (str, int, float)):
                return Unknown(_text(node))
            found[str(name)] = value
            found.lines[str(name)] = each.lineno
        return found

    def _operation(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        match node.op:
            case ast.Add() if isinstance(left, str) and isinstance(right, str):
                return _short(left + right, node)
            case ast.Add() if isinstance(left, list) and isinstance(right, list):
                return left + right
            case ast.BitOr() if isinstance(left, Mapping) and isinstance(right, Mapping):
                found = Arguments()
                _merge(found, left, node.lineno)
                _merge(found, right, node.lineno)
                return found
            case ast.Add() | ast.Sub() | ast.Mult() if _is_number(left) and _is_number(right):
                number = (
                    left + right
                    if isinstance(node.op, ast.Add)
                    else left - right if isinstance(node.op, ast.Sub) else left * right
                )  # fmt: skip
                return number if _is_number(number) else Unknown(_text(node), "is too large")
        return Unknown(_text(node), _why(left, right), (*_tasks(left), *_tasks(right)))

    def _item(self, node: ast.Subscript) -> Any:
        if self.path(node.value) in _ENVIRONMENT:
            return Unknown(_text(node), "is read from the environment when Airflow runs")
        holder, key = self.value(node.value), self.value(node.slice)
        if isinstance(holder, Mapping) and isinstance(key, (str, int)) and str(key) in holder:
            return holder[str(key)]
        if isinstance(holder, list) and isinstance(key, int) and -len(holder) <= key < len(holder):
            return holder[key]
        return Unknown(_text(node), _why(holder), _tasks(holder))

    def _call(self, node: ast.Call) -> Any:
        name = self.path(node.func)
        if name.startswith(_ENVIRONMENT):
            return Unknown(_text(node), "is read from the environment when Airflow runs")
        if name.endswith(_AIRFLOW):
            return Unknown(_text(node), "is read from Airflow when it runs")
        arguments = [self.value(each) for each in node.args]
        named = self.arguments(node)
        if name == "dict" and not arguments:
            return named
        if name == "str" and len(arguments) == 1 and isinstance(arguments[0], (str, int, float)):
            return str(arguments[0])
        if name.rpartition(".")[2] == "dedent" and len(arguments) == 1 and isinstance(arguments[0], str):
            return textwrap.dedent(arguments[0])
        if isinstance(node.func, ast.Attribute) and not named:
            found = _method(self.value(node.func.value), node.func.attr, arguments)
            if found is not None:
                return _short(found, node) if isinstance(found, str) else found
        return Call(name or _text(node.func), tuple(arguments), named, _text(node))


def _method(holder: Any, name: str, arguments: list[Any]) -> Any:
    """A few methods of texts and mappings; None: not one of these."""
    if isinstance(holder, str) and name == "strip" and not arguments:
        return holder.strip()
    if isinstance(holder, str) and name == "join" and len(arguments) == 1 and isinstance(arguments[0], list):
        return holder.join(arguments[0]) if all(isinstance(each, str) for each in arguments[0]) else None
    if isinstance(holder, str) and name == "split" and not arguments:
        return holder.split()
    if isinstance(holder, Arguments) and name == "copy" and not arguments:
        return Arguments(holder, holder.lines)
    return None


def _merge(found: Arguments, more: Mapping[str, Any], line: int) -> None:
    found.update(more)
    lines = more.lines if isinstance(more, Arguments) else {}
    found.lines.update({name: lines.get(name, line) for name in more})


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and -_NUMBER_MAX < value < _NUMBER_MAX


def _short(text: str, node: ast.expr) -> Any:
    return text if len(text) <= _TEXT_MAX else Unknown(_text(node), "is too large")


def _why(*values: Any) -> str:
    return next((each.why for each in values if isinstance(each, Unknown)), "is not a constant")


def _tasks(value: Any) -> tuple[str, ...]:
    return value.tasks if isinstance(value, Unknown) else ()


def _size(value: Any) -> int:
    """How many values a value has, up to a little more than are allowed."""
    waiting, count = [value], 0
    while waiting and count <= _VALUES_MAX:
        each = waiting.pop()
        count += 1
        if isinstance(each, Mapping):
            waiting += each.values()
        elif isinstance(each, (list, tuple)):
            waiting += each
        elif isinstance(each, Call):
            waiting += [*each.arguments, *each.named.values()]
    return count


def _text(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 300 else f"{text[:299]}…"
