"""What a field's own checks say beyond its type and limits, as HCL: as far as Terraform can know it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs.batchtab.faults import Place, Rule, fault, text
from batchtab.declarations import container_fields
from batchtab.declarations.alert_fields import (
    BESIDE_TOPIC,
    BESIDE_WEBHOOK,
    KEY_WITHOUT_SECRET,
    WITHOUT_QUIET,
    AlertFields,
)
from batchtab.declarations.container_fields import ContainerFields, Log, Volume
from batchtab.declarations.image import ImageRef
from batchtab.declarations.job_fields import JobFields
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.permissions import ExitRule, Permission
from batchtab.declarations.service import ServiceFile
from batchtab.declarations.trigger_fields import TriggerFields
from batchtab.errors import listed
from batchtab.schedules import crontab, shapes, timestamps
from batchtab.schedules.expression import FORMS

_OTHER_REGISTRY = "^([^/]*[.:][^/]*|localhost)/"
#: YAML reads a day without quotes as a moment.
DAY_AS_MOMENT = "T00:00:00Z"
_READ_AS_MOMENT = (
    "is a day that YAML read as a moment, or midnight: put a day in quotes, and write midnight as T00:00:00+00:00"
)


def _if(condition: str, message: str) -> str:
    """A fault, where a condition is met that a value of the wrong type cannot meet."""
    return f"[for t in [0] : {message} if try({condition}, false)]"


def _each(loop: str, message: str, condition: str) -> str:
    return f"try([for {loop} : {message} if try({condition}, false)], [])"


def _vcpus(at: Place) -> str:
    sizes = [size for size in limits.FARGATE_SIZES if size < 1]
    allowed = ", ".join(f"{size:g}" for size in limits.FARGATE_SIZES)
    message = text(f"is not allowed: a whole number on EC2, or one of {allowed} on Fargate")
    v = at.item
    return _if(f"{v} > 0 && {v} < 1 && !contains({hcl(sizes)}, {v})", fault(at.path, message, v))


def _tags(at: Place) -> str:
    v, path = at.item, at.below("", "${k}").path
    found = [
        _each(f"k in keys({v})", fault(path, text(f"is reserved: {why}")), f'startswith(lower(k), "{prefix}")')
        for prefix, why in (
            ("aws:", "AWS sets the tags that begin with aws:"),
            ("batchtab:", "Batchtab sets the tags that begin with batchtab:"),
        )
    ]
    size = f'"has a name of ${{length(k)}} characters: 1 to {limits.TAG_KEY_MAX}"'
    found.append(_each(f"k in keys({v})", fault(path, size), f"length(k) < 1 || length(k) > {limits.TAG_KEY_MAX}"))
    size = f'"is ${{length(tostring(w))}} characters long: at most {limits.TAG_VALUE_MAX}"'
    found.append(_each(f"k, w in {v}", fault(path, size), f"length(tostring(w)) > {limits.TAG_VALUE_MAX}"))
    return f"[{', '.join(found)}]"


def _exit_rules(at: Place) -> str:
    v, most = at.item, limits.EVALUATE_ON_EXIT_RULES_MAX
    others = ", ".join(f"try(last.{name}, null)" for name in ("on_reason", "on_status_reason"))
    conditions = f'alltrue([for c in [{others}] : c == null || c == "*"])'
    closes = f'[for last in [{v}[length({v}) - 1]] : last.action == "EXIT" && try(last.on_exit_code, null) == null'
    closes = f"{closes} && {conditions}][0]"
    ended = f"has {most} rules, and Batch takes {most} with the EXIT for all else that ends them: at most {most - 1}"
    too_many = f'"has ${{length({v})}} rules: at most {most}"'
    return (
        f"[{_if(f'length({v}) == {most} && !({closes})', fault(at.path, text(ended), v))},"
        f" {_if(f'length({v}) > {most}', fault(at.path, too_many, v))}]"
    )


def _schedule(at: Place) -> str:
    v, most = at.item, shapes.EXPRESSION_MAX
    long = fault(at.path, f'"is ${{length({v})}} characters long: at most {most}"', v)
    unlike = f"length({v}) <= {most} && !can(regex({text(limits.SCHEDULE_SHAPE.pattern)}, {v}))"
    is_word = f'{v} != null && startswith({v}, "@") && !strcontains({v}, " ")'
    word = f"{is_word} && !contains({hcl(list(crontab.WORDS))}, {v})"
    found = [
        _if(f"length({v}) > {most}", long),
        _if(word, fault(at.path, text(f"is not a schedule: {listed(crontab.WORDS)}"), v)),
        _if(unlike, fault(at.path, text(f"is not a schedule: {FORMS}"), v)),
    ]
    return f"[{', '.join(found)}]"


def _except(at: Place) -> str:
    whole = f"flatten([{at.item}])"
    entries = f'"has ${{length({whole})}} entries: at most {limits.EXCEPT_MAX}"'
    path = at.below("", "[${i}]").path
    loop = f"i, v in [for v in {whole} : trimsuffix(v, {hcl(DAY_AS_MOMENT)})]"
    is_one = f"can(regex({text(limits.EXCEPT.pattern)}, v))"
    few = f"length({whole}) <= {limits.EXCEPT_MAX}"
    is_days = f'{is_one} && !startswith(v, "cron")'
    first, last = 'split("/", v)[0]', 'reverse(split("/", v))[0]'
    forms = f"is not allowed: {shapes.EXCLUSION_FORMS} (at most {shapes.EXCLUSION_MAX} characters)"
    found = [
        _if(f"length({whole}) > {limits.EXCEPT_MAX}", fault(at.path, entries, at.item)),
        _each(loop, fault(path, text(forms), "v"), f"!{is_one} && {few}"),
        *(
            _each(loop, fault(path, f'"has ${{{day}}}, which is not a date"', "v"), f"{is_days} && {_no_date(day)}")
            for day in (first, last)
        ),
        _each(loop, fault(path, text("runs backwards"), "v"), f"{is_days} && timecmp({_day(first)}, {_day(last)}) > 0"),
    ]
    return f"distinct(flatten([{', '.join(found)}]))"


def _moment(at: Place) -> str:
    message = text(f"is not allowed: {timestamps.FORMS}")
    pattern = timestamps.PATTERN.replace("2[01][0-9]{2}", "[0-9]{4}", 1)
    unlike = f"!can(regex({text(pattern)}, {at.item})) || {_no_date(f'substr({at.item}, 0, 10)')}"
    return _if(unlike, fault(at.path, message, at.item))


def _day(item: str) -> str:
    return f'"${{{item}}}T00:00:00Z"'


def _no_date(item: str) -> str:
    return f'!can(timeadd({_day(item)}, "0s"))'


def _end(at: Place) -> str:
    as_moment = fault(at.path, text(_READ_AS_MOMENT), at.item)
    return f"[{_moment(at)}, {_if(f'endswith({at.item}, {hcl(DAY_AS_MOMENT)})', as_moment)}]"


def _ulimits(at: Place) -> str:
    more = "v.hard != -1 && (v.soft > v.hard || v.soft == -1)"
    message = fault(at.below("", "${k}.soft").path, '"is more than hard, ${v.hard}"', "v.soft")
    below = f"is too small: -1 to {limits.API_INTEGER_MAX}"
    loop = f"k, v in {at.item}"
    alone = [fault(at.below("", f"${{k}}.{part}").path, text(below), "v") for part in ("soft", "hard")]
    return f"[{_each(loop, message, more)}, {', '.join(_each(loop, each, 'v < -1') for each in alone)}]"


def _mounts(at: Place) -> str:
    before = f"contains([for m in slice({at.item}, 0, i) : m.path], v.path)"
    message = fault(at.below("", "[${i}].path").path, text("is the path of another mount too"), "v.path")
    return _each(f"i, v in {at.item}", message, before)


def _image(at: Place) -> str:
    v, path = at.item, at.below("", "repository").path
    name = f"{v}.repository"
    other = f"can(regex({text(_OTHER_REGISTRY)}, {name}))"
    found = []
    for limit, is_other in ((limits.REPOSITORY_NAME, "!"), (limits.REGISTRY_REPOSITORY, "")):
        message = fault(path, text(f"is not allowed: {limit.describe()}"), name)
        unlike = f"{is_other}{other} && can(length({name})) && !can(regex({text(limit.pattern)}, {name}))"
        found.append(_if(unlike, message))
    parts = f'[for k in ["tag", "digest"] : k if try({v}[k], null) != null]'
    for number, words in ((0, "neither tag nor"), (2, "both tag and")):
        message = text(f"has {words} digest: exactly one of the two")
        found.append(_if(f"can(keys({v})) && length({parts}) == {number}", fault(at.path, message)))
    return f"[{', '.join(found)}]"


def _permission(at: Place) -> str:
    v = at.item
    resource = fault(
        at.below("", "resources[${i}]").path, text("is not an ARN, such as 'arn:aws:s3:::my-bucket/*'"), "w"
    )
    not_arn = _each(f"i, w in {v}.resources", resource, 'w != "*" && !startswith(w, "arn:")')
    named = f'alltrue([for r in {v}.resources : !can(regex("[*?]", r))])'
    wide = (
        f"!try({v}.allow_wide, false) && can(regex({text(limits.WIDE_ACTION_PATTERN)}, w)) &&"
        f" !can(regex({text(limits.HARMLESS_ACTION_PATTERN)}, w)) &&"
        f" !(can(regex({text(limits.HARMLESS_IF_NAMED_PATTERN)}, w)) && {named})"
    )
    message = fault(at.below("", "actions[${i}]").path, text(limits.WIDE), "w")
    found = _each(f"i, w in {v}.actions", message, wide)
    return f"[{not_arn}, slice({found}, 0, min(1, length({found})))]"


def _exit_rule(at: Place) -> str:
    names = limits.EVALUATE_ON_EXIT_CONDITIONS
    given = ", ".join(f"try({at.item}.{name}, null)" for name in names)
    message = text(f"has no condition: at least one of {', '.join(names)}")
    return _if(f"alltrue([for c in [{given}] : c == null])", fault(at.path, message))


def _volume(at: Place) -> str:
    v = at.item
    efs = f"try({v}.efs_file_system_id, null) != null"
    found = [
        _if(
            f"!({efs}) && try({v}.{name}, null) != null",
            fault(at.below("", name).path, text(container_fields.WITHOUT_EFS)),
        )
        for name in ("root_directory", "access_point_id")
    ]
    message = fault(at.below("", "host_path").path, text(container_fields.BESIDE_EFS))
    found.append(_if(f"{efs} && try({v}.host_path, null) != null", message))
    message = fault(at.below("", "root_directory").path, text(container_fields.BESIDE_POINT))
    found.append(
        _if(f'{efs} && try({v}.root_directory, "/") != "/" && try({v}.access_point_id, null) != null', message)
    )
    return f"[{', '.join(found)}]"


def _log(at: Place) -> str:
    v = at.item
    option = at.below("", "options.${k}").path
    secret, mine = (hcl(list(each)) for each in (container_fields.SECRET_OPTIONS, container_fields.SET_OPTIONS))
    names = f"k in keys({v}.options)"
    is_awslogs = f'try({v}.driver, "awslogs") == "awslogs"'
    found = [
        _each(names, fault(option, text(container_fields.SECRET_OPTION)), f"contains({secret}, k)"),
        *(
            _each(names, fault(option, text(f"has a field of its own: {field}")), f"k == {hcl(name)}")
            for name, field in container_fields.FIELD_OF_OPTION.items()
        ),
        _each(
            names,
            fault(option, text(container_fields.SET_OPTION)),
            f"{is_awslogs} && contains({mine}, k)",
        ),
        _if(
            f"!({is_awslogs}) && try({v}.multiline_pattern, null) != null",
            fault(at.below("", "multiline_pattern").path, text(container_fields.ONLY_AWSLOGS)),
        ),
    ]
    return f"[{', '.join(found)}]"


def _service(at: Place) -> str:
    reserved = "is reserved: the roles for workflows are called <namespace>-ci-plan and -ci-deploy"
    return _if(f"{at.item} == {hcl(limits.RESERVED_NAME)}", fault(at.path, text(reserved), at.item))


def _alerts(at: Place) -> str:
    """Of a stage's alerts, the first that does not go together: `alert_fields.faults`."""
    v = at.item

    def given(name: str) -> str:
        return f'coalesce(try({v}.{name}, null), "-") != "-"'

    others = ("function_name", "function_region")
    rules = [(given(n), given("topic_arn"), n, BESIDE_TOPIC) for n in ("webhook_secret_arn", *others)]
    rules += [(given(n), given("webhook_secret_arn"), n, BESIDE_WEBHOOK) for n in others]
    no_secret = f"!({given('webhook_secret_arn')})"
    rules.append((given("webhook_kms_key_arn"), no_secret, "webhook_kms_key_arn", KEY_WITHOUT_SECRET))
    is_loud = f"!try({v}.quiet, false)"
    rules.append((f'contains(keys({v}), "repeat_seconds")', is_loud, "repeat_seconds", WITHOUT_QUIET))
    found = [_if(f"{one} && {other}", fault(at.below("", name).path, text(words))) for one, other, name, words in rules]
    return f"[for f in [flatten([{', '.join(found)}])] : slice(f, 0, min(1, length(f)))]"


_OF_FIELDS: dict[tuple[type[BaseModel], str], Rule] = {
    (JobFields, "vcpus"): _vcpus,
    (JobFields, "tags"): _tags,
    (JobFields, "evaluate_on_exit"): _exit_rules,
    (OneJob, "schedule"): _schedule,
    (OneJob, "start"): _moment,
    (OneJob, "end"): _end,
    (TriggerFields, "except_"): _except,
    (ContainerFields, "ulimits"): _ulimits,
    (ContainerFields, "mounts"): _mounts,
    (ServiceFile, "service"): _service,
}
_OF_MODELS: dict[type[BaseModel], Rule] = {
    AlertFields: _alerts,
    ImageRef: _image,
    Permission: _permission,
    ExitRule: _exit_rule,
    Volume: _volume,
    Log: _log,
}


def rules_of(model: type[BaseModel], field: str = "") -> Iterator[Rule]:
    """The rules of a field of a model, or of the model as a whole."""
    for base in model.__mro__:
        rule = _OF_FIELDS.get((base, field)) if field else _OF_MODELS.get(base)
        if rule is not None:
            yield rule
