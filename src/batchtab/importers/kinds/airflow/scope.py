"""What is known while a Python file is read: names, DAGs, groups, functions, and what could not be read."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from batchtab.importers.kinds.airflow.constants import Names
from batchtab.importers.kinds.airflow.dependencies import Dependencies, Group, Reference
from batchtab.importers.kinds.airflow.model import Dag, Problem
from batchtab.importers.kinds.airflow.values import Arguments, Unknown
from batchtab.importers.source_file import SourceFile

_POSITIONS = ("dag_id", "description", "schedule")
_GROUP_DEPTH_MAX = 20
WRITE = "write these tasks in jobs.yaml"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Scope:
    """What is known; subclasses read expressions and statements."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.names = Names()
        self.dependencies = Dependencies()
        self.dags: list[Dag] = []
        self.dag: Dag | None = None
        self.groups: list[Group] = []
        self.known_dags: dict[str, Dag] = {}
        self.functions: dict[str, tuple[str, _Function, ast.Call | None]] = {}
        self.problems: list[Problem] = []

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Read the statements of a function."""
        raise NotImplementedError

    def _bind(self, name: str, found: list[Reference]) -> None:
        self.dependencies.names[name] = found
        tasks = tuple(each.id for each in found if not each.is_group)
        self.names.values[name] = Unknown(name, "is the output of another task", tasks)

    def _enter_group(self, dag: Dag, own: str, arguments: Arguments, name: str) -> Group:
        outer = self.groups[-1] if self.groups else None
        has_prefix = arguments.get("prefix_group_id", True) is not False
        group = Group(f"{outer.id}.{own}" if outer else own, has_prefix=has_prefix, outer=outer)
        defaults = arguments.get("default_args")
        group.defaults = defaults if isinstance(defaults, Arguments) else Arguments()
        for field in [each for each in arguments if each not in {"default_args", "group_id", "dag", "parent_group"}]:
            place = self.file.at(arguments.lines[field])
            dag.problems.append(Problem(place, f"{group.id}.{field}", arguments[field], "jobs.yaml has no groups", ""))
        self.groups.append(group)
        if name:
            self.dependencies.names[name] = [Reference(dag, group.id, group)]
        return group

    def _dag_of(self, node: ast.expr) -> Dag | None:
        """The DAG that an expression makes or names."""
        if isinstance(node, ast.Name):
            return self.known_dags.get(node.id)
        if not isinstance(node, ast.Call):
            return None
        if self._last(node.func) == "DAG":
            arguments = self.names.arguments(node)
            for name, each in zip(_POSITIONS, node.args, strict=False):
                arguments[name] = self.names.value(each)
                arguments.lines[name] = each.lineno
            return self._new_dag(arguments, node.lineno, "")
        if isinstance(node.func, ast.Name) and self.functions.get(node.func.id, ("",))[0] == "dag":
            return self._dag_of_function(node.func.id)
        return None

    def _dag_of_function(self, name: str) -> Dag:
        _, function, decorator = self.functions[name]
        arguments = self.names.arguments(decorator) if decorator else Arguments()
        for position, each in zip(_POSITIONS, decorator.args if decorator else [], strict=False):
            arguments[position] = self.names.value(each)
            arguments.lines[position] = each.lineno
        text = ast.get_docstring(function)
        if text and "doc_md" not in arguments:
            arguments["doc_md"] = text
            arguments.lines["doc_md"] = function.lineno
        dag = self._new_dag(arguments, function.lineno, name)
        self._inside(dag, function)
        return dag

    def _inside(self, dag: Dag, function: _Function) -> None:
        outer = self.dag, [*self.groups]
        for each in [*function.args.args, *function.args.kwonlyargs]:
            self.names.values[each.arg] = Unknown(each.arg, "is an argument of a function")
        self.dag = dag
        if len(self.groups) > _GROUP_DEPTH_MAX:
            raise RecursionError
        self.statements(function.body)
        self.dag, self.groups = outer

    def _new_dag(self, arguments: Arguments, line: int, fallback: str) -> Dag:
        own = arguments.get("dag_id", fallback)
        dag = Dag(own if isinstance(own, str) and own else self.file.path.stem, self.file.at(line), arguments)
        defaults = arguments.pop("default_args", None)
        if isinstance(defaults, Arguments):
            dag.defaults = defaults
        elif defaults is not None:
            place = self.file.at(arguments.lines["default_args"])
            why = f"it {defaults.why}" if isinstance(defaults, Unknown) else "it is not a mapping"
            dag.problems.append(Problem(place, "default_args", defaults, why, "add what the jobs need of it"))
        self.dags.append(dag)
        return dag

    def _only_dag(self, node: ast.expr) -> Dag | None:
        if len(self.dags) == 1:
            return self.dags[0]
        self._problem(node, "task", "the importer does not see of which DAG it is", WRITE)
        return None

    def _after_unknown(self, references: Sequence[Reference], node: ast.AST) -> None:
        """These come after something that is not known, so that the schedule must not start them."""
        line = getattr(node, "lineno", 1)
        for each in references:
            before = Reference(each.dag, f"what line {line} names")
            self.dependencies.add([before], [each], self.file.at(line))

    def _last(self, node: ast.expr) -> str:
        return self.names.path(node).rpartition(".")[2]

    def _problem(self, node: ast.AST, what: str, why: str, todo: str) -> None:
        problems = self.dag.problems if self.dag else self.problems
        text = ast.unparse(node).splitlines()[0].removesuffix(":")
        problem = Problem(self.file.at(getattr(node, "lineno", 1)), what, text, why, todo)
        if all((each.place, each.what) != (problem.place, what) for each in problems):
            problems.append(problem)
