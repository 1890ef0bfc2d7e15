"""Variables, secrets and scripts of a workflow, with answers in place of `${{ … }}`."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from batchtab import limits
from batchtab.importers.findings import Fate, Findings, Recorder
from batchtab.importers.kinds.github_actions.expressions import EXPRESSION, Known, answer
from batchtab.importers.kinds.github_actions.quoting import Place, places
from batchtab.importers.kinds.github_actions.shells import POSIX
from batchtab.importers.variables import carried_variables

TOKENS = {"secrets.GITHUB_TOKEN", "github.token"}
_SECRET = re.compile(r"secrets\.([A-Za-z_]\w*)|github\.token")
_SETTING = re.compile(r"vars\.([A-Za-z_]\w*)")
_VARIABLE = re.compile(r"env\.([A-Za-z_]\w*)")
#: What a shell can export.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What GitHub's runner sets, files such as GITHUB_OUTPUT among them.
_OF_RUNNER = re.compile(r"\$\{?((?:GITHUB|RUNNER)_[A-Z_]+)")
_OF_GITHUB = "GitHub makes this token for each run: make one of your own, such as of a GitHub App, and"


def once(recorder: Recorder, todo: str) -> str:
    """What to do; empty if another job has it already."""
    return "" if any(each.todo == todo for each in recorder.findings) else todo


@dataclass(slots=True)
class StepVariables:
    """The variables that one step has beside those of the job.

    Attributes:
        is_alone: Whether the job runs no other step: what it has is the job's.
        plain: Those that it exports.
        renamed: Those with a secret for which the job has another variable, to its name.
        empty: Names of those that have no value.
    """

    is_alone: bool
    plain: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)

    def words(self) -> dict[str, str]:
        """Each as a word of the shell, for `export`."""
        plain = {name: shlex.quote(value) for name, value in self.plain.items()}
        return plain | {name: f'"${{{variable}}}"' for name, variable in self.renamed.items()}


@dataclass(slots=True)
class Values:
    """The variables and secrets of one job, as they are found.

    Attributes:
        service: The job's service, for the names of parameters.
        known: What is known of the run, such as `github.event.schedule`.
        recorder: Of the job.
        environment: The variables.
        secrets: Variable to parameter.
    """

    service: str
    known: Known
    recorder: Recorder
    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, dict[str, str]]:
        """Fields of jobs.yaml."""
        found = {"environment": self.environment, "secrets": self.secrets}
        return {key: value for key, value in found.items() if value}

    def add(self, given: Mapping[str, object], where: str) -> None:
        """Take an `env` of the whole job; what an `env` around it has under the same names ends."""
        for name in map(str, given):
            self.replace(name, f"{where}.{name}")
        self.environment |= self._variables(given, where)

    def replace(self, name: str, where: str) -> None:
        """Take out a variable that another field gives a value, too."""
        for key, values in (("environment", self.environment), ("secrets", self.secrets)):
            if values.pop(name, None) is not None:
                self.recorder.correct(f"{key}.{name}", f"{where} is in its place")

    def of_step(self, given: Mapping[str, object], where: str, *, is_alone: bool) -> StepVariables:
        """The `env` of a step. One among others exports its plain variables; secrets are the whole job's."""
        step = StepVariables(is_alone=is_alone)
        if is_alone:
            self.add(given, where)
            return step
        scratch = replace(self.recorder, findings=Findings())
        found = self._variables(given, where, step, scratch)
        for each in scratch.findings:
            name = each.field.removeprefix(f"{where}.")
            is_carried = each.fate is Fate.CARRIED or name in step.empty
            if is_carried and not _NAME.fullmatch(name):
                why = "a shell exports no variable of this name"
                self.recorder.not_carried(each.field, each.value, why, "rename it, here and in the image's program")
            elif is_carried:
                step.plain[name] = found.get(name, "")
                self.recorder.changed(each.field, each.value, "command: export for this step alone")
            else:
                self.recorder.findings.all.append(each)
        return step

    def _variables(
        self,
        values: Mapping[str, object],
        where: str,
        step: StepVariables | None = None,
        recorder: Recorder | None = None,
    ) -> dict[str, str]:
        """The plain variables of an `env`; secrets go to `secrets`, and what only GitHub knows is reported."""
        plain = {}
        for name, value in values.items():
            text = self.filled(value) if isinstance(value, str) else value
            inner = EXPRESSION.fullmatch(value.strip()) if isinstance(value, str) else None
            secret = _SECRET.fullmatch(inner[1].strip()) if inner else None
            setting = _SETTING.fullmatch(inner[1].strip()) if inner else None
            if secret and limits.ENVIRONMENT_NAME.refusal(str(name)) is None:
                variable = self._secret(str(name), secret, f"{where}.{name}", value, step)
                if step is not None and variable != name:
                    step.renamed[str(name)] = variable
            elif setting:
                todo = f"write environment.{name}: `gh variable get {setting[1]}` prints it"
                self.recorder.not_carried(f"{where}.{name}", value, "GitHub has the variable's value", todo)
            elif isinstance(text, str) and EXPRESSION.search(text):
                why = "only GitHub knows its value"
                self.recorder.not_carried(f"{where}.{name}", value, why, f"write environment.{name}, or secrets")
            else:
                plain[str(name)] = text
                if step is not None and (text is None or text == ""):
                    step.empty.add(str(name))
        return carried_variables(plain, recorder or self.recorder, where)

    def _secret(
        self, name: str, match: re.Match[str], where: str, value: object, step: StepVariables | None = None
    ) -> str:
        """Store a secret under a variable, and return its name: another one if the job or step has this one."""
        on_github = match[1] or "GITHUB_TOKEN"
        parameter = f"/{self.service}/{on_github}"
        in_step = {**step.plain, **step.renamed} if step else {}
        free = (each for each in _names(name, on_github) if each not in self.environment and each not in in_step)
        variable = next(each for each in free if self.secrets.get(each, parameter) == parameter)
        self.secrets[variable] = parameter
        how = f"secrets.{variable}: {parameter}"
        how += ", which all steps of the job have" if step is not None and not step.is_alone else ""
        how += f"; {name} has another value" if variable != name else ""
        store = f"store it: aws ssm put-parameter --type SecureString --name {parameter} --value …"
        todo = f"{_OF_GITHUB} {store}" if match[0] in TOKENS else store
        self.recorder.changed(where, value, how, once(self.recorder, todo))
        return variable

    def filled(self, text: str, step: StepVariables | None = None) -> str:
        """A text with the answers of its expressions, and with known variables; others remain."""

        def replace(match: re.Match[str]) -> str:
            found = answer(match[0], self.known)
            found = self._constant(match, step) if found is None else found
            return match[0] if found is None else found

        return EXPRESSION.sub(replace, text)

    def _constant(self, match: re.Match[str], step: StepVariables | None) -> str | None:
        variable = _VARIABLE.fullmatch(match[1].strip())
        if variable is None or (step and variable[1] in step.renamed):
            return None
        return {**self.environment, **(step.plain if step else {})}.get(variable[1])

    def script(self, text: str, where: str, shell: str, step: StepVariables) -> str:
        """A script with values in place of expressions, and variables of the shell where only a run has the value.

        GitHub writes each value into the script before the shell reads it, within all quotes.
        """
        for match in EXPRESSION.finditer(text):
            if self._constant(match, step) is not None:
                self.recorder.changed(where, match[0], "command: its value")
        text = self.filled(text, step)
        found, end = "", 0
        for match, place in zip(EXPRESSION.finditer(text), places(text), strict=True):
            found += text[end : match.start()] + self._variable(match, where, shell, step, place)
            end = match.end()
        found += text[end:]
        for name in dict.fromkeys(each[1] for each in _OF_RUNNER.finditer(found)):
            if not any(name in each for each in (self.environment, self.secrets, step.plain, step.renamed)):
                why = "GitHub's runner sets it, and a container has none"
                self.recorder.not_carried(where, f"${name}", why, "write the command without it, or environment")
        return found

    def _variable(self, match: re.Match[str], where: str, shell: str, step: StepVariables, place: Place) -> str:
        """What is in place of an expression whose value is not known."""
        secret, setting, variable = (each.fullmatch(match[1].strip()) for each in (_SECRET, _SETTING, _VARIABLE))
        if not (secret or setting or variable):
            self.recorder.not_carried(where, match[0], "only GitHub knows its value", "write the command without it")
            return match[0]
        name = next(each[1] or "GITHUB_TOKEN" for each in (secret, setting, variable) if each)
        if secret:
            name = self._secret(name, secret, where, match[0], step)
        if shell not in POSIX:
            todo = f"read the variable {name} of the environment in its place"
            todo += "" if secret else f", and write environment.{name}"
            self.recorder.not_carried(where, match[0], f"{shell} does not replace it", todo)
            return match[0]
        how = f"${{{name}}} in the script"
        if setting:
            todo = f"write environment.{name}: `gh variable get {name}` prints it"
            self.recorder.changed(where, match[0], how, todo)
        if place is not Place.REPLACED:
            todo = f"{place}: '\"${{{name}}}\"'" if place is Place.QUOTED else str(place)
            self.recorder.changed(where, match[0], how, todo)
        elif variable:
            self.recorder.changed(where, match[0], how)
        return f"${{{name}}}"


def _names(name: str, on_github: str) -> Iterator[str]:
    """Names for the variable of a secret, the best first."""
    yield from (name, on_github)
    yield from (f"{on_github}_{number}" for number in itertools.count(2))
