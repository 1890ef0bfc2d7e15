"""Makes tasks and dependencies of the expressions of a Python file."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

from batchtab.importers.kinds.airflow.dependencies import Reference
from batchtab.importers.kinds.airflow.model import Dag, Task
from batchtab.importers.kinds.airflow.scope import Scope
from batchtab.importers.kinds.airflow.values import Arguments


class Expressions(Scope):
    """The expressions of a file; a subclass reads its statements."""

    def _is_dependency_call(self, node: ast.AST) -> bool:
        names = {"set_upstream", "set_downstream", "chain", "cross_downstream", "chain_linear"}
        return isinstance(node, ast.Call) and self._last(node.func) in names

    def _references(self, node: ast.expr) -> list[Reference]:
        """The tasks and groups that an expression makes or names, after its dependencies were read."""
        match node:
            case ast.Name():
                return self.dependencies.names.get(node.id, [])
            case ast.List() | ast.Tuple():
                each_found = [self._references(each) for each in node.elts]
                return [found for each in each_found for found in each] if all(each_found) else []
            case ast.BinOp(op=ast.RShift() | ast.LShift()):
                return self._shift(node)
            case ast.Subscript() | ast.Attribute():
                return self._references(node.value)
            case ast.Call():
                return self._of_call(node)
        return []

    def _shift(self, node: ast.BinOp) -> list[Reference]:
        left = self._references(node.left)
        if isinstance(node.right, ast.Call) and self._last(node.right.func) == "Label":
            return left
        right = self._references(node.right)
        if left and right:
            before, after = (left, right) if isinstance(node.op, ast.RShift) else (right, left)
            self.dependencies.add(before, after, self.file.at(node.lineno))
            return right
        if left or right:
            self._problem(node, "dependency", "it names what is not a known task", "add it with after or after_all")
            self._after_unknown(left if isinstance(node.op, ast.LShift) else right, node)
        return right

    def _of_call(self, node: ast.Call) -> list[Reference]:
        name = self._last(node.func)
        if self._is_dependency_call(node):
            return self._dependency_call(node, name)
        made = self._task_call(node)
        if made is not None:
            return [made]
        if isinstance(node.func, ast.Name) and self.functions.get(node.func.id, ("",))[0] == "task_group":
            return self._group_of_function(node)
        return []

    def _group_of_function(self, node: ast.Call) -> list[Reference]:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        _, function, decorator = self.functions[name]
        dag = self.dag or self._only_dag(node)
        if dag is None:
            return []
        arguments = self.names.arguments(decorator) if decorator else Arguments()
        own = arguments.pop("group_id", name)
        groups = [*self.groups]
        group = self._enter_group(dag, own if isinstance(own, str) else name, arguments, "")
        self._inside(dag, function)
        self.groups = groups
        return [Reference(dag, group.id, group)]

    def _dependency_call(self, node: ast.Call, name: str) -> list[Reference]:
        found = [self._references(each) for each in node.args]
        if isinstance(node.func, ast.Attribute) and name.startswith("set_"):
            own = self._references(node.func.value)
            found = [own, *found] if name == "set_downstream" else [*found[:1], own]
        if not all(found) or not found:
            for before, after in pairwise(found):
                if not before:
                    self._after_unknown(after, node)
            return []
        place = self.file.at(node.lineno)
        for before, after in pairwise(found):
            is_pairwise = name == "chain" and len(before) == len(after) > 1
            pairs = [([a], [b]) for a, b in zip(before, after, strict=True)] if is_pairwise else [(before, after)]
            for left, right in pairs:
                self.dependencies.add(left, right, place)
        return found[-1]

    def _task_call(self, node: ast.Call) -> Reference | None:
        function, call, is_mapped, more = _unwrapped(node)
        path = self.names.path(function)
        kind, body, decorator = self.functions.get(path, ("", None, None))
        last = path.rpartition(".")[2]
        is_operator = last.endswith(("Operator", "Sensor", "OperatorAsync", "SensorAsync"))
        has_id = any(each.arg == "task_id" for each in call.keywords)
        if not kind.startswith("@task") and not ((is_operator or has_id) and path not in self.functions):
            return None
        dag = self._dag_of_call(call) or self.dag or self._only_dag(node)
        if dag is None:
            return None
        arguments = self.names.arguments(call)
        own_name = last
        if kind:
            arguments = self.names.arguments(decorator) if decorator else Arguments()
            own_name = body.name if body else last
        for each in more:
            arguments.update(self.names.arguments(each))
            arguments.lines.update(self.names.arguments(each).lines)
        arguments.pop("dag", None)
        arguments.pop("task_group", None)
        own = arguments.pop("task_id", own_name)
        task = Task(self._task_id(dag, own if isinstance(own, str) else own_name), kind or last, arguments, "")
        task.place, task.is_mapped = self.file.at(node.lineno), is_mapped
        task.callable = f"{body.name}" if body else self._callable(call)
        self._add(dag, task)
        reference = Reference(dag, task.id, None)
        for before in self._inputs([*node.args, *(each.value for each in _keywords(node))]):
            self.dependencies.add([before], [reference], task.place)
        return reference

    def _callable(self, call: ast.Call) -> str:
        return next((self.names.path(each.value) for each in call.keywords if each.arg == "python_callable"), "")

    def _inputs(self, nodes: Sequence[ast.AST]) -> Iterator[Reference]:
        """The tasks whose output is an argument."""
        for node in nodes:
            if isinstance(node, ast.Name):
                yield from self.dependencies.names.get(node.id, [])
                continue
            made = self._task_call(node) if isinstance(node, ast.Call) else None
            if made is not None:
                yield made
            else:
                yield from self._inputs([*ast.iter_child_nodes(node)])

    def _task_id(self, dag: Dag, own: str) -> str:
        prefix = next((each.id for each in reversed(self.groups) if each.has_prefix), "")
        name = f"{prefix}.{own}" if prefix else own
        number, candidate = 1, name
        while candidate in dag.tasks:
            candidate, number = f"{name}__{number}", number + 1
        return candidate

    def _add(self, dag: Dag, task: Task) -> None:
        dag.tasks[task.id] = task
        for group in self.groups:
            group.tasks.append(task.id)
            for name, value in group.defaults.items():
                if name not in task.arguments:
                    task.arguments[name] = value
                    task.arguments.lines[name] = group.defaults.lines.get(name, 1)

    def _dag_of_call(self, call: ast.Call) -> Dag | None:
        return next((self._dag_of(each.value) for each in call.keywords if each.arg == "dag"), None)


def _unwrapped(node: ast.Call) -> tuple[ast.expr, ast.Call, bool, list[ast.Call]]:
    """The function or class behind `.partial(…)`, `.expand(…)` and `.override(…)`, and the calls in between."""
    function, call, is_mapped, more = node.func, node, False, []
    while isinstance(function, (ast.Attribute, ast.Call)):
        if isinstance(function, ast.Call):
            more.append(function)
            function = function.func
        elif isinstance(function, ast.Attribute) and function.attr in {
            "partial",
            "expand",
            "expand_kwargs",
            "override",
        }:
            is_mapped = is_mapped or function.attr.startswith("expand")
            function = function.value
        else:
            break
    return function, call, is_mapped, more


def _keywords(node: ast.Call) -> list[ast.keyword]:
    return [each for each in node.keywords if each.arg not in {"dag", "task_group"}]
