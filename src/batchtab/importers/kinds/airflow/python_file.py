"""DAGs of a Python file, read from its syntax tree: the file is never imported, and none of it is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

from batchtab.errors import UsageError
from batchtab.importers.kinds.airflow.dependencies import Reference
from batchtab.importers.kinds.airflow.expressions import Expressions
from batchtab.importers.kinds.airflow.model import Dag
from batchtab.importers.kinds.airflow.scope import WRITE
from batchtab.importers.kinds.airflow.values import Arguments, Unknown
from batchtab.importers.source_file import SourceFile

_NOT_RUN = "the importer runs nothing of the file"


def read(file: SourceFile) -> list[Dag]:
    """The DAGs of a file.

    Raises:
        UsageError: It is not Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of '\d' in its texts
            tree = ast.parse(file.text)
        reader = _Reader(file)
        reader.names.values["__doc__"] = ast.get_docstring(tree) or ""
        reader.statements(tree.body)
        return reader.finished()
    except SyntaxError as error:
        raise UsageError(f"{file.path}:{error.lineno or 1} is not Python: {error.msg}") from None
    except ValueError as error:
        raise UsageError(f"{file.path} is not Python: {error}") from None
    except (RecursionError, MemoryError):
        raise UsageError(f"{file.path} is nested too deeply to be read") from None


class _Reader(Expressions):
    """Goes through the statements in order, with the DAG and the groups that they are in."""

    def finished(self) -> list[Dag]:
        """The DAGs, with their edges; problems outside of a DAG are the first one's."""
        self.dependencies.resolve()
        for dag in self.dags[:1]:
            dag.problems += self.problems
        if not self.dags and self.problems:
            first = self.problems[0]
            raise UsageError(f"{first.place}: {first.value}: {first.why}", first.todo)
        return self.dags

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Read statements."""
        for each in body:
            self._statement(each)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.names.read_import(node)
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(node.target, value)
            case ast.AugAssign():
                self._assign(node.target, ast.copy_location(ast.BinOp(_load(node.target), node.op, node.value), node))
            case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
                self._expression(value)
            case _:
                self._block(node)

    def _block(self, node: ast.stmt) -> None:
        match node:
            case ast.With():
                self._with(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                for each in node.body:
                    if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
                        self.names.values[f"{node.name}.{each.targets[0].id}"] = self.names.value(each.value)
            case ast.Try():
                self.statements([*node.body, *node.orelse, *node.finalbody])
            case ast.If():
                self._if(node)
            case ast.For() | ast.While() | ast.AsyncFor():
                self._refuse_if_it_makes_tasks(node, "a loop")

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        dag = self._dag_of(value)
        if dag is not None:
            if isinstance(target, ast.Name):
                self.known_dags[target.id] = dag
            return
        found = self._references(value)
        if isinstance(target, ast.Attribute):
            self._set_attribute(target, value)
        elif isinstance(target, ast.Name):
            self.dependencies.names.pop(target.id, None)
            if found:
                self._bind(target.id, found)
            else:
                self._refuse_if_it_makes_tasks(value, "this expression")
                self.names.values[target.id] = self.names.value(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._assign_each(target, value, found)
        elif isinstance(target, ast.Subscript):
            holder, key = self.names.value(target.value), self.names.value(target.slice)
            if isinstance(holder, Arguments) and isinstance(key, str):
                holder[key] = self.names.value(value)
                holder.lines[key] = value.lineno
            else:
                self._refuse_if_it_makes_tasks(value, "this assignment")

    def _assign_each(self, target: ast.Tuple | ast.List, value: ast.expr, found: list[Reference]) -> None:
        items = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        values = self.names.value(value)
        for index, each in enumerate(target.elts):
            if not isinstance(each, ast.Name):
                continue
            if len(items) == len(target.elts) and len(found) == len(items):
                self._bind(each.id, [found[index]])
            elif isinstance(values, list) and len(values) == len(target.elts):
                self.names.values[each.id] = values[index]
            else:
                self.names.values[each.id] = Unknown(ast.unparse(value))

    def _set_attribute(self, target: ast.Attribute, value: ast.expr) -> None:
        if not isinstance(target.value, ast.Name):
            return
        name, dag = target.value.id, self.known_dags.get(target.value.id)
        tasks = [each for each in self.dependencies.names.get(name, []) if not each.is_group]
        for arguments in [dag.arguments] if dag else [each.dag.tasks[each.id].arguments for each in tasks]:
            arguments[target.attr] = self.names.value(value)
            arguments.lines[target.attr] = value.lineno

    def _with(self, node: ast.With) -> None:
        dag, groups = self.dag, [*self.groups]
        for item in node.items:
            name = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else ""
            found = self._dag_of(item.context_expr)
            if found is not None:
                self.dag, self.groups = found, []
                if name:
                    self.known_dags[name] = found
            elif isinstance(item.context_expr, ast.Call) and self._last(item.context_expr.func) == "TaskGroup":
                self._open_group(item.context_expr, name)
        self.statements(node.body)
        self.dag, self.groups = dag, groups

    def _open_group(self, call: ast.Call, name: str) -> None:
        arguments = self.names.arguments(call)
        own = self.names.value(call.args[0]) if call.args else arguments.pop("group_id", "")
        dag = self.dag or self._only_dag(call)
        if dag is None:
            return
        self._enter_group(dag, own if isinstance(own, str) else name, arguments, name)

    def _expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) or self._dag_of(node) is not None or self._references(node):
            return
        if isinstance(node, (ast.BinOp, ast.List, ast.Tuple)) or self._is_dependency_call(node):
            if self.dependencies.names:
                self._problem(node, "dependency", "it names what is not a known task", "add it with after or after_all")
            return
        self._refuse_if_it_makes_tasks(node, "this expression")

    def _if(self, node: ast.If) -> None:
        if "__name__" in ast.unparse(node.test):
            return
        test = self.names.value(node.test)
        if not isinstance(test, Unknown) and isinstance(test, (bool, int, str, type(None))):
            self.statements(node.body if test else node.orelse)
        elif "TYPE_CHECKING" in ast.unparse(node.test):
            self.statements(node.body)
        else:
            self._refuse_if_it_makes_tasks(node, "a condition")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            words = self.names.path(call.func if call else decorator).split(".")
            kind = words[-1] if words[-1] in {"dag", "task_group"} else ""
            if "task" in words:
                kind = "@" + ".".join(words[words.index("task") :])
            if words[0] != "airflow":
                continue
            if kind:
                self.functions[node.name] = (kind, node, call)
                return
        self.functions[node.name] = ("", node, None)

    def _refuse_if_it_makes_tasks(self, node: ast.AST, what: str) -> None:
        """Report code that makes DAGs, tasks or dependencies in a way that only running it would show."""
        for each in ast.walk(node):
            is_shift = isinstance(each, ast.BinOp) and isinstance(each.op, (ast.RShift, ast.LShift))
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                self.names.values[each.id] = Unknown(each.id, f"is set in {what}")
            called = self._last(each.func) if isinstance(each, ast.Call) else ""
            function = self.functions.get(called)
            is_made = called == "DAG" or called.endswith(("Operator", "Sensor")) or bool(function and function[0])
            is_made = is_made or bool(function and self._makes_tasks(function[1]))
            if is_made or (is_shift and self.dependencies.names):
                self._problem(node, "statement", f"{what} makes tasks or dependencies, and {_NOT_RUN}", WRITE)
                self._after_what_it_makes(node)
                return

    def _after_what_it_makes(self, node: ast.AST) -> None:
        """Known tasks that such code puts after others are not started by the schedule."""
        for each in ast.walk(node):
            if isinstance(each, ast.BinOp) and isinstance(each.op, (ast.RShift, ast.LShift)):
                after = each.right if isinstance(each.op, ast.RShift) else each.left
                self._after_unknown(self._inputs_by_name(after), each)
            elif self._is_dependency_call(each) and isinstance(each, ast.Call):
                is_upstream = self._last(each.func) == "set_upstream"
                after_all = [each.func] if is_upstream else each.args
                self._after_unknown([found for arg in after_all for found in self._inputs_by_name(arg)], each)

    def _inputs_by_name(self, node: ast.AST) -> list[Reference]:
        names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
        return [found for name in names for found in self.dependencies.names.get(name, [])]

    def _makes_tasks(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        calls = [self._last(each.func) for each in ast.walk(function) if isinstance(each, ast.Call)]
        return any(each == "DAG" or each.endswith(("Operator", "Sensor")) for each in calls)


def _load(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body
