"""Variables, secrets and scripts of a workflow, with answers in place of `${{ … }}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from batchtab import limits
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.github_actions.expressions import EXPRESSION, Known, answer
from batchtab.importers.variables import carried_variables

TOKENS = {"secrets.GITHUB_TOKEN", "github.token"}
_SECRET = re.compile(r"secrets\.([A-Za-z_]\w*)|github\.token")
_SETTING = re.compile(r"vars\.([A-Za-z_]\w*)")
_VARIABLE = re.compile(r"env\.([A-Za-z_]\w*)")
#: What GitHub's runner sets, files such as GITHUB_OUTPUT among them.
_OF_RUNNER = re.compile(r"\$\{?((?:GITHUB|RUNNER)_[A-Z_]+)")
_OF_GITHUB = "GitHub makes this token for each run: make one of your own, such as of a GitHub App, and"


def once(recorder: Recorder, todo: str) -> str:
    """What to do; empty if another job has it already."""
    return "" if any(each.todo == todo for each in recorder.findings) else todo


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

    def variables(self, values: Mapping[str, object], where: str) -> dict[str, str]:
        """The plain variables of an `env`; secrets go to `secrets`, and what only GitHub knows is reported."""
        plain = {}
        for name, value in values.items():
            text = self.filled(value) if isinstance(value, str) else value
            inner = EXPRESSION.fullmatch(value.strip()) if isinstance(value, str) else None
            secret = _SECRET.fullmatch(inner[1].strip()) if inner else None
            setting = _SETTING.fullmatch(inner[1].strip()) if inner else None
            if secret and limits.ENVIRONMENT_NAME.refusal(str(name)) is None:
                self.secret(str(name), secret, f"{where}.{name}", value)
            elif setting:
                todo = f"write environment.{name}: `gh variable get {setting[1]}` prints it"
                self.recorder.not_carried(f"{where}.{name}", value, "GitHub has the variable's value", todo)
            elif isinstance(text, str) and EXPRESSION.search(text):
                why = "only GitHub knows its value"
                self.recorder.not_carried(f"{where}.{name}", value, why, f"write environment.{name}, or secrets")
            else:
                plain[str(name)] = text
        return carried_variables(plain, self.recorder, where)

    def secret(self, name: str, match: re.Match[str], where: str, value: object) -> None:
        """A variable from a secret."""
        on_github = match[1] or "GITHUB_TOKEN"
        parameter = f"/{self.service}/{on_github}"
        if self.secrets.get(name, parameter) != parameter:
            why = f"secrets.{name} is {self.secrets[name]} for another step"
            self.recorder.not_carried(where, value, why, "give one of the two another name")
            return
        self.secrets[name] = parameter
        store = f"store it: aws ssm put-parameter --type SecureString --name {parameter} --value …"
        todo = f"{_OF_GITHUB} {store}" if match[0] in TOKENS else store
        self.recorder.changed(where, value, f"secrets.{name}: {parameter}", once(self.recorder, todo))

    def filled(self, text: str) -> str:
        """A text with the answers of its expressions; others remain."""

        def replace(match: re.Match[str]) -> str:
            found = answer(match[0], self.known)
            return match[0] if found is None else found

        return EXPRESSION.sub(replace, text)

    def script(self, text: str, where: str, shell: str) -> str:
        """A script with variables of the shell in place of expressions."""

        def replace(match: re.Match[str]) -> str:
            inner = match[1].strip()
            secret, setting, variable = (each.fullmatch(inner) for each in (_SECRET, _SETTING, _VARIABLE))
            if shell not in {"bash", "sh"} or not (secret or setting or variable):
                why = "only GitHub knows its value"
                self.recorder.not_carried(where, match[0], why, "write the command without it")
                return match[0]
            if secret:
                name = secret[1] or "GITHUB_TOKEN"
                self.secret(name, secret, where, match[0])
            elif setting:
                name = setting[1]
                todo = f"write environment.{name}: `gh variable get {name}` prints it"
                self.recorder.changed(where, match[0], f"${{{name}}} in the script", todo)
            else:
                name = variable[1] if variable else ""
                self.recorder.changed(where, match[0], f"${{{name}}} in the script")
            before = match.string[: match.start()].rpartition("\n")[2]
            if before.count("'") % 2 and before.count('"') % 2 == 0:
                how = f"${{{name}}} in the script, within single quotes"
                self.recorder.changed(where, match[0], how, "write double quotes, within which the shell replaces it")
            return f"${{{name}}}"

        found = EXPRESSION.sub(replace, self.filled(text))
        for name in dict.fromkeys(each[1] for each in _OF_RUNNER.finditer(found)):
            if name not in self.environment and name not in self.secrets:
                why = "GitHub's runner sets it, and a container has none"
                self.recorder.not_carried(where, f"${name}", why, "write the command without it, or environment")
        return found
