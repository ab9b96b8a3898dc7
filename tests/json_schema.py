"""The part of JSON Schema (2020-12) that mcuq's schemas use; another keyword is an error."""

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
SAID = {"$schema", "$id", "$defs", "title"}
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "const", "anyOf", "$ref"}


def is_of(value, name):
    if name == "null" or value is None:
        return name == "null" and value is None
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def problems(value, schema, root=None, where="document"):
    """Everything that is wrong with a value, in words."""
    root = root or schema
    assert schema.keys() <= SAID | KNOWN, schema.keys() - SAID - KNOWN
    if "$ref" in schema:
        return problems(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
    if "anyOf" in schema:
        tried = [problems(value, choice, root, where) for choice in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if "const" in schema:
        return [] if value == schema["const"] else [f"{where} is {value!r}"]
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(is_of(value, name) for name in names):
        return [f"{where} is {value!r:.60}, not {' or '.join(names)}"]
    found = []
    if isinstance(value, dict):
        found += [f"{where} has no {name}" for name in schema.get("required", ()) if name not in value]
        others = schema["additionalProperties"]
        for name, part in value.items():
            inner = schema.get("properties", {}).get(name, others)
            if inner is False:
                found.append(f"{where} has {name}, which no schema knows")
            else:
                found += problems(part, inner, root, f"{where}.{name}")
    if isinstance(value, list):
        for i, part in enumerate(value):
            found += problems(part, schema["items"], root, f"{where}[{i}]")
    return found
