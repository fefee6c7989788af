"""The form of the package, read from its code: what a call, a name and a predicate may look like."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "asp_analysis"
MOST_VALUES = 5

PARALLEL = {
    "agents": "monitor measures how many agents work at once, charts draws it",
    "control": "quality computes control charts, charts draws them",
    "costs": "quality computes costs, dashboard arranges them, charts draws them",
    "progress": "the work tells it, the command line shows it",
    "measurements": "learning makes the day's measurements, store keeps them",
}
"""Name of modules on different floors -> their one subject. A verb is named as people type it, a chart as its room."""

EACH_FORMAT_HAS_ITS_OWN = {"FORMAT", "SOURCE"}
"""Constants of the modules of `importers/formats/`: what the registry knows a format by."""


@cache
def modules():
    return {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def place(path, node=None):
    return f"{path.relative_to(PACKAGE)}" + (f":{node.lineno}" if node is not None else "")


def walk(*kinds):
    """Yield the nodes of some kinds of the whole package, each with its module."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield path, node


def is_dataclass(node):
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def fields(node):
    own = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    return [one.target.id for one in own if "ClassVar" not in ast.unparse(one.annotation)]


@cache
def dataclasses():
    return {node.name for _, node in walk(ast.ClassDef) if is_dataclass(node)}


@cache
def own_names():
    return {node.name for _, node in walk(ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)}


def called_name(call):
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def test_no_call_passes_more_than_five_values_by_their_order():
    found = [
        f"{place(path, call)} {called_name(call)}"
        for path, call in walk(ast.Call)
        if called_name(call) in own_names()
        and sum(not isinstance(value, ast.Starred) for value in call.args) > MOST_VALUES
    ]
    assert not found


def test_no_dataclass_is_made_from_a_sequence_whose_order_says_what_is_what():
    found = [
        f"{place(path, call)} {called_name(call)}"
        for path, call in walk(ast.Call)
        if called_name(call) in dataclasses() and any(isinstance(value, ast.Starred) for value in call.args)
    ]
    assert not found


def test_a_dataclass_of_five_or_more_fields_is_made_by_keywords():
    found = [
        f"{place(path, node)} {node.name}"
        for path, node in walk(ast.ClassDef)
        if is_dataclass(node)
        and len(fields(node)) >= MOST_VALUES
        and not any("kw_only=True" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]
    assert not found


# --- parameters that hide in a dictionary or a tuple ------------------------------------------------------------------


def parameters(function):
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def annotation(parameter):
    return ast.unparse(parameter.annotation) if parameter.annotation else ""


def is_plain_dict(parameter):
    return annotation(parameter).removesuffix(" | None").startswith(("dict[str, Any]", "Mapping[str, Any]"))


def is_mixed_tuple(parameter):
    """Tell whether a parameter is a tuple whose parts are of several types: only their order says what they are."""
    text = annotation(parameter).strip("'\"").removesuffix(" | None")
    if not text.startswith("tuple[") or "..." in text:
        return False
    parts = getattr(ast.parse(text, mode="eval").body, "slice", None)
    return isinstance(parts, ast.Tuple) and len({ast.unparse(part) for part in parts.elts}) > 1


def test_no_parameter_is_a_tuple_of_unlike_parts():
    found = [
        f"{place(path, function)} {function.name}({parameter.arg}: {annotation(parameter)})"
        for path, function in walk(ast.FunctionDef, ast.AsyncFunctionDef)
        for parameter in parameters(function)
        if is_mixed_tuple(parameter)
    ]
    assert not found


def read_keys(function, name):
    """Return the words by which a function takes values out of one of its dictionaries."""
    keys = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == name:
            keys.add(getattr(node.slice, "value", None))
        is_get = isinstance(node, ast.Call) and called_name(node) == "get" and node.args
        if is_get and getattr(getattr(node.func, "value", None), "id", "") == name:
            keys.add(getattr(node.args[0], "value", None))
    return {key for key in keys if isinstance(key, str)}


def is_of_package(call):
    """Tell whether a call is of an own function, or of a method of the same object."""
    is_method = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "self"
    return called_name(call) in own_names() and (isinstance(call.func, ast.Name) or is_method)


def packs_keywords(function):
    """Tell whether a function hands its own `**keywords` to another as one dictionary."""
    own = function.args.kwarg.arg if function.args.kwarg else None
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call) and is_of_package(node))
    return own is not None and any(getattr(value, "id", "") == own for call in calls for value in call.args)


def test_no_command_hands_its_options_on_in_a_dictionary():
    found = [
        f"{place(path, function)} {function.name}"
        for path, function in walk(ast.FunctionDef, ast.AsyncFunctionDef)
        if packs_keywords(function)
        or (
            (PACKAGE / "cli") in path.parents
            and any(is_plain_dict(one) and read_keys(function, one.arg) for one in parameters(function))
        )
    ]
    assert not found


# --- names ------------------------------------------------------------------------------------------------------------


def constants(path, tree):
    """Yield the constants of a module with their values as they are written."""
    for statement in tree.body:
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        value = getattr(statement, "value", None)
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or value is None:
            continue
        for target in targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value.elts if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) else [value]
            for name, one in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and name.id.isupper():
                    is_own = path.parent.name == "formats" and name.id in EACH_FORMAT_HAS_ITS_OWN
                    if not is_own:
                        yield name.id, ast.unparse(one)


def test_no_constant_of_one_name_has_two_values():
    values = defaultdict(dict)
    for path, tree in modules().items():
        for name, value in constants(path, tree):
            values[name][value] = place(path)
    assert not {name: sorted(found.values()) for name, found in values.items() if len(found) > 1}


def test_the_four_tables_of_the_contract_are_spelt_out_once():
    four = {"agent_cost_vector", "task_metadata", "defect_log", "bootstrap_metrics"}
    found = {
        place(path)
        for path, node in walk(ast.Tuple, ast.List, ast.Set)
        if four <= {getattr(one, "value", None) for one in node.elts if isinstance(one, ast.Constant)}
    }
    assert found == {"sql.py"}


def test_no_two_modules_share_a_name_unless_they_are_one_subject_on_different_floors():
    homes = defaultdict(set)
    for path in modules():
        room, *inner = path.relative_to(PACKAGE).parts
        is_named_by_another = inner[:1] == ["verbs"] or (room == "charts" and (PACKAGE / path.stem).is_dir())
        if path.stem[:2] != "__" and not is_named_by_another:
            homes[path.stem].add(place(path))
    twice = {name: sorted(found) for name, found in homes.items() if len(found) > 1}
    assert set(twice) == set(PARALLEL), twice


def test_no_two_classes_share_a_name():
    homes = defaultdict(set)
    for path, node in walk(ast.ClassDef):
        homes[node.name].add(place(path, node))
    assert not {name: sorted(found) for name, found in homes.items() if len(found) > 1}


# --- predicates -------------------------------------------------------------------------------------------------------

ACTS = {
    "write", "write_text", "write_bytes", "writelines", "unlink", "mkdir", "rmdir", "rename", "replace_file", "remove",
    "execute", "executemany", "commit", "rollback", "append", "extend", "add", "update", "pop", "clear", "setdefault",
}  # fmt: skip
"""Methods that change something. On a name that the predicate itself made they are its own affair."""


def changes(predicate):
    """Yield what a predicate does to anything but its own variables."""
    own = {node.id for node in ast.walk(predicate) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(predicate):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            if getattr(node.value, "id", "") not in own:
                yield node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ACTS:
            if getattr(node.func.value, "id", "") not in own:
                yield node
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield node


def test_a_predicate_changes_nothing():
    found = [
        f"{place(path, node)} {function.name}: {ast.unparse(node)}"
        for path, function in walk(ast.FunctionDef, ast.AsyncFunctionDef)
        if function.name.lstrip("_").startswith(("is_", "has_"))
        for node in changes(function)
    ]
    assert not found


@pytest.mark.parametrize(
    ("code", "is_change"),
    [
        ("def is_x(self):\n    self.seen = True\n    return True", True),
        ("def has_x(path):\n    path.unlink()\n    return True", True),
        ("def _is_x(rows):\n    rows['a'] = 1\n    return True", True),
        ("def is_x(rows):\n    seen = set()\n    seen.add(1)\n    return 1 in seen", False),
    ],
)
def test_a_predicate_that_acts_is_found(code, is_change):
    assert bool(list(changes(ast.parse(code).body[0]))) == is_change
