"""Expression helpers and the list, map and math modules."""

from __future__ import annotations

import math

from emulators.workflows.errors import type_error, value_error
from emulators.workflows.stdlib.registry import (
    function,
    need_list,
    need_map,
    need_number,
    need_string,
)
from emulators.workflows.values import Value, checked_integer, type_name


@function("default")
def _default(value: Value, default: Value) -> Value:
    return default if value is None else value


@function("if")
def _if(condition: Value, if_true: Value, if_false: Value) -> Value:
    if not isinstance(condition, bool):
        raise type_error(f"the condition of if must be a boolean, not {type_name(condition)}")
    return if_true if condition else if_false


@function("get_type")
def _get_type(value: Value) -> Value:
    return type_name(value)


@function("int")
def _int(value: Value) -> Value:
    if type(value) not in (int, float, str):
        raise type_error(f"int takes a number or a string, not {type_name(value)}")
    try:
        return checked_integer(int(value))
    except (ValueError, OverflowError) as error:
        raise value_error(f"cannot convert {value!r} to an integer") from error


@function("double")
def _double(value: Value) -> Value:
    if type(value) not in (int, float, str):
        raise type_error(f"double takes a number or a string, not {type_name(value)}")
    try:
        return float(value)
    except ValueError as error:
        raise value_error(f"cannot convert {value!r} to a double") from error


@function("string")
def _string(value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return str(value)
    raise type_error(f"string takes a number, a boolean or a string, not {type_name(value)}")


@function("keys")
def _keys(value: Value) -> Value:
    return list(need_map(value, "map"))


@function("len")
def _len(value: Value) -> Value:
    if isinstance(value, str | list | dict):
        return len(value)
    raise type_error(f"len takes a string, a list or a map, not {type_name(value)}")


@function("list.concat")
def _concat(objs: Value, val: Value) -> Value:
    return [*need_list(objs, "objs"), val]


@function("list.prepend")
def _prepend(objs: Value, val: Value) -> Value:
    return [val, *need_list(objs, "objs")]


@function("map.get")
def _get(map: Value, keys: Value, default: Value = None) -> Value:  # noqa: A002 - Google's name of the argument
    path = keys if isinstance(keys, list) else [need_string(keys, "keys")]
    found = map
    for key in path:
        if not isinstance(found, dict) or need_string(key, "keys") not in found:
            return default
        found = found[key]
    return found


@function("map.delete")
def _delete(map: Value, key: Value) -> Value:  # noqa: A002 - Google's name of the argument
    unwanted = need_string(key, "key")
    return {name: value for name, value in need_map(map, "map").items() if name != unwanted}


@function("map.merge")
def _merge(first: Value, second: Value) -> Value:
    return {**need_map(first, "first"), **need_map(second, "second")}


@function("map.merge_nested")
def _merge_nested(first: Value, second: Value) -> Value:
    merged = dict(need_map(first, "first"))
    for key, value in need_map(second, "second").items():
        nested = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = _merge_nested(merged[key], value) if nested else value
    return merged


@function("math.abs")
def _abs(x: Value) -> Value:
    return abs(need_number(x, "x"))


@function("math.max")
def _max(x: Value, y: Value) -> Value:
    return max(need_number(x, "x"), need_number(y, "y"))


@function("math.min")
def _min(x: Value, y: Value) -> Value:
    return min(need_number(x, "x"), need_number(y, "y"))


@function("math.floor")
def _floor(x: Value) -> Value:
    try:
        return checked_integer(math.floor(need_number(x, "x")))
    except (ValueError, OverflowError) as error:
        raise value_error(f"{x!r} has no floor") from error
