"""A SavedModel without TensorFlow's loader, which runs what a file says: initializers, restorers, resources.

The description is read as data. Only the serving signature, what it needs and its variables are kept; the variables'
values are read from the checkpoint under the names that the file's restorer, which is not run, gives them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mcuq.errors import MalformedModelError, UnsupportedOperatorError, UsageError
from mcuq.limits import FILE_BYTES
from mcuq.reading import content_of, line_of, printable, require_regular
from mcuq.tensor import Array

SIGNATURE = "serving_default"
PREFIX = Path("variables", "variables")
NUMBERS = itertools.count()  # of the graphs that this process read; TensorFlow knows functions by name alone
NUMBERS_ONLY = ("string", "resource", "variant")  # types that an operator on tensors has none of

# Stateful by TensorFlow's own word, or on other types, and yet nothing but computation.
PLAIN = frozenset(
    """
    VarHandleOp ReadVariableOp VariableV2 Variable ResourceGather ResourceGatherNd PartitionedCall
    StatefulPartitionedCall If While Case StatelessIf StatelessWhile StatelessCase Assert DisableCopyOnRead
    """.split()
)
LISTS = re.compile(r"(Empty)?TensorList\w*")
# Stateless by TensorFlow's own word, and yet more than computation.
HIDDEN = re.compile(r"_.*|Xla.*|TPU.*|Debug.*|Copy(Host)?|.*PyFunc.*|SymbolicGradient|RemoteCall|.*File.*")
# What makes a file suspicious, even in a function that is left out.
REACHING = re.compile(
    r".*(PyFunc|File|Print|Dataset|Iterator|Summary|Debug|Recv|Send|Rpc|Remote|Reader|Xla|TPU|Library|Collective).*"
)
SAVER = frozenset(("ShardedFilename",))  # of every SavedModel; left out too


class Description:
    """A SavedModel's graph, checked.

    Attributes:
        signature: the one that serves.
        graph: what it needs, and nothing else.
        variables: the checkpoint's key of every variable, by the name of its node.
    """

    def __init__(self, path: Path) -> None:
        """Read ``saved_model.pb``.

        Raises:
            UnsupportedOperatorError: for operators that do more than compute.
            MalformedModelError: for another file.
        """
        from tensorflow.core.protobuf import saved_model_pb2

        try:
            saved = saved_model_pb2.SavedModel.FromString(content_of(path / "saved_model.pb"))
        except Exception as error:
            if isinstance(error, UsageError):
                raise
            raise MalformedModelError(f"TensorFlow cannot load it: {line_of(error)}") from None
        if not saved.meta_graphs:
            raise MalformedModelError("TensorFlow cannot load it: it holds no graph")
        serving = [meta for meta in saved.meta_graphs if "serve" in meta.meta_info_def.tags]
        meta = (serving or saved.meta_graphs)[0]
        self.signature = _signature(meta.signature_def)
        self.graph = _needed(meta.graph_def, [info.name for info in self.signature.outputs.values()])
        _refuse_others(meta.graph_def)
        keys = dict(_restored(meta.graph_def))
        keys = dict(_copied(meta.graph_def, keys)) | keys
        names = [node.name for node in self.graph.node if node.op in ("VarHandleOp", "VariableV2", "Variable")]
        if missing := [name for name in names if name not in keys]:
            raise MalformedModelError(f"its variable {printable(missing[0], 80)} has no value in the file")
        self.variables = {name: keys[name] for name in names}


def values_of(path: Path, variables: Mapping[str, str]) -> dict[str, Array]:
    """Return the variables' values from a SavedModel's checkpoint.

    Raises:
        McuqError: for one that lacks any, or is damaged.
    """
    import tensorflow as tf

    if not variables:
        return {}
    for file in (path / PREFIX.with_suffix(".index"), *sorted((path / PREFIX.parent).glob("variables.data-*"))):
        require_regular(file)
    try:
        reader = tf.train.load_checkpoint(str(path / PREFIX))
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        sizes = (tf.TensorShape(shapes[key]).num_elements() * types[key].size for key in set(variables.values()))
        if (total := sum(sizes)) > FILE_BYTES:
            raise MalformedModelError(f"its variables have {total} bytes, at most {FILE_BYTES} are read")
        return {name: reader.get_tensor(key) for name, key in variables.items()}
    except (LookupError, ValueError, TypeError, RuntimeError, tf.errors.OpError) as error:
        raise MalformedModelError(f"its variables cannot be read: {line_of(error)}") from None


def imported(description: Description, values: Mapping[str, Array]) -> Callable[..., Any]:
    """Return the serving signature as a function of its inputs, in the order of their names.

    It returns its outputs in the order of theirs.
    """
    import tensorflow as tf

    resources = {node.name for node in description.graph.node if node.op == "VarHandleOp"}
    variables = {name: tf.Variable(value) for name, value in values.items() if name in resources}

    def build() -> None:
        graph = tf.compat.v1.get_default_graph()
        given = {f"{name}:0": tf.constant(value) for name, value in values.items() if name not in resources}
        for name, variable in variables.items():
            graph.watch_variable(variable)
            given[f"{name}:0"] = graph.capture(variable.handle)
        tf.graph_util.import_graph_def(description.graph, input_map=given, name="")

    wrapped = tf.compat.v1.wrap_function(build, [])
    signature = description.signature
    feeds, fetches = (
        [wrapped.graph.get_tensor_by_name(ends[key].name) for key in sorted(ends)]
        for ends in (signature.inputs, signature.outputs)
    )
    serving: Callable[..., Any] = wrapped.prune(feeds, fetches)
    return serving


def _signature(signatures: Mapping[str, Any]) -> Any:
    keys = sorted(key for key in signatures if not key.startswith("__"))
    if SIGNATURE in keys or len(keys) == 1:
        return signatures[SIGNATURE if SIGNATURE in keys else keys[0]]
    shown = printable(", ".join(keys))
    found = f"the signatures {shown} and" if keys else "no signature,"
    raise UsageError(f"the SavedModel has {found} not {SIGNATURE!r}; save it with model.export(path)")


def _needed(graph: Any, outputs: Iterable[str]) -> Any:
    """Return a graph of what these tensors need, all of it harmless, without notes that make TensorFlow choose."""
    nodes = {node.name: node for node in graph.node}
    functions = {function.signature.name: function for function in graph.library.function}
    found: dict[str, None] = {}
    pending = [_node_of(name) for name in outputs]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        if name not in nodes:
            raise MalformedModelError(f"its graph has no {printable(name, 80)}")
        found[name] = None
        pending += [_node_of(source) for source in nodes[name].input]
    called = _called(functions, [nodes[name] for name in found])
    _refuse_more_than_computing([nodes[name] for name in found], [functions[name] for name in called])
    needed = type(graph)(versions=graph.versions)
    needed.node.extend(node for node in graph.node if node.name in found)
    needed.library.function.extend(f for f in graph.library.function if f.signature.name in called)
    _simplify(needed)
    return needed


def _simplify(graph: Any) -> None:
    """Remove what tells TensorFlow where and by which twin to run, and give functions names that no other graph has."""
    number = next(NUMBERS)
    names = {f.signature.name: f"mcuq_{number}_{i}" for i, f in enumerate(graph.library.function)}
    for function in graph.library.function:
        function.signature.name = names[function.signature.name]
        for notes in (function.attr, function.arg_attr, function.resource_arg_unique_id):
            notes.clear()
    for node in (*graph.node, *(node for function in graph.library.function for node in function.node_def)):
        node.device = ""
        for key in [key for key in node.attr if key.startswith("_")]:
            del node.attr[key]
        for reference in _references(node):
            reference.name = names.get(reference.name, "")


def _node_of(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]


def _called(functions: Mapping[str, Any], nodes: Iterable[Any]) -> set[str]:
    """Return the functions that nodes call, and those call."""
    called: set[str] = set()
    pending = list(nodes)
    while pending:
        for reference in _references(pending.pop()):
            if reference.name not in called and reference.name in functions:
                called.add(reference.name)
                pending += functions[reference.name].node_def
    return called


def _references(owner: Any) -> Iterator[Any]:
    """Yield every mention of a function in the attributes of a node, or of a mention."""
    for value in owner.attr.values():
        for reference in (*([value.func] if value.HasField("func") else []), *value.list.func):
            yield reference
            yield from _references(reference)


def _refuse_more_than_computing(nodes: Iterable[Any], functions: Iterable[Any]) -> None:
    for where, node in (*(("its graph", n) for n in nodes), *_nodes(functions)):
        if not _computes(node.op, where == "its graph"):
            raise _refusal(node.op, where)


def _refuse_others(graph: Any) -> None:
    """Refuse what reaches out of TensorFlow anywhere else: it is left out, but nobody needs such a file."""
    for where, node in (*(("its graph", n) for n in graph.node), *_nodes(graph.library.function)):
        if REACHING.fullmatch(node.op) and node.op not in SAVER:
            raise _refusal(node.op, where)


def _nodes(functions: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"its function {function.signature.name}", node) for function in functions for node in function.node_def)


def _refusal(op: str, where: str) -> UnsupportedOperatorError:
    return UnsupportedOperatorError(
        f"the SavedModel holds a {printable(op, 60)} in {printable(where, 100)}, which does more than compute; mcuq "
        "runs no code of a file"
    )


def _computes(op: str, in_graph: bool) -> bool:
    """Whether an operator computes tensors from tensors, by TensorFlow's own description of it."""
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    if op in PLAIN or LISTS.fullmatch(op) or (in_graph and op in ("Placeholder", "PlaceholderWithDefault")):
        return True
    described = op_def_registry.get(op)
    if described is None or described.is_stateful or HIDDEN.fullmatch(op):
        return False
    types = {tf.dtypes.as_dtype(arg.type).name for arg in (*described.input_arg, *described.output_arg) if arg.type}
    return not types & set(NUMBERS_ONLY)


def _restored(graph: Any) -> Iterator[tuple[str, str]]:
    """Yield every variable's node, and the checkpoint's key that the file's restorer reads its value from."""
    functions = {function.signature.name: function for function in graph.library.function}
    yield from _assigned(graph.node)
    for node in graph.node:
        function = functions.get(node.attr["f"].func.name) if node.op.endswith("PartitionedCall") else None
        if function is not None:
            given = {
                arg.name: _node_of(name) for arg, name in zip(function.signature.input_arg, node.input, strict=False)
            }
            yield from ((given[name], key) for name, key in _assigned(function.node_def) if name in given)


def _copied(graph: Any, keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables that others, which the restorer knows, start as copies of: the saver's own twins."""
    nodes = {node.name: node for node in graph.node}
    for node in graph.node:
        if node.op == "AssignVariableOp" and len(node.input) > 1 and _node_of(node.input[0]) in keys:
            read = nodes.get(_node_of(node.input[1]))
            if read is not None and read.op == "ReadVariableOp":
                yield _node_of(read.input[0]), keys[_node_of(node.input[0])]


def _assigned(body: Iterable[Any]) -> Iterator[tuple[str, str]]:
    nodes = {node.name: node for node in body}
    for node in nodes.values():
        if node.op not in ("AssignVariableOp", "Assign") or len(node.input) < 2:
            continue
        source, steps = node.input[1], 0
        while (made := nodes.get(_node_of(source))) is not None and made.op == "Identity" and steps < len(nodes):
            source, steps = made.input[0], steps + 1
        names = nodes.get(_node_of(made.input[1])) if made is not None and made.op == "RestoreV2" else None
        if names is None or names.op != "Const":
            continue
        keys, index = names.attr["value"].tensor.string_val, source.rpartition(":")[2]
        number = int(index) if index.isdecimal() else 0
        if number < len(keys):
            yield _node_of(node.input[0]), keys[number].decode("utf-8", "replace")
