"""The options of a call, said once: one frozen dataclass that checks itself.

A function with many options takes one object that has them all::

    @dataclass(frozen=True)
    class SweepOptions(Options):
        '''How to search.

        Attributes
        ----------
        n_trials : int
            Settings to try.
        progress : bool
            Show a progress bar.
        '''

        n_trials: int = option(100, help="Settings to try in all.", flag="--trials")
        progress: bool = option(True, decides=False)

        def __post_init__(self) -> None:
            check.whole("n_trials", self.n_trials, TuningError, 1)


    @takes_options(SweepOptions)
    def sweep(model, x, y, *, options):
        '''Search ...

        Parameters
        ----------
        model : tf.keras.Model
        {options}
        '''

Users call ``sweep(model, x, y, n_trials=20)``, or hand over ``options=SweepOptions(...)``. The
signature that ``help`` shows and the parameters in the docstring come from the dataclass; so do
the flags of the command line, the fingerprint of a study, and what is written to JSON.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import inspect
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Callable, TypeVar

from . import check
from .errors import ArgumentError

R = TypeVar("R")
O = TypeVar("O", bound="Options")  # noqa: E741
F = TypeVar("F", bound=Callable[..., Any])


class Options:
    """Base of the frozen dataclasses that hold the options of a call.

    ``__post_init__`` of a subclass checks every field, so that an object of it is right. One that
    keeps another form of what it was given (a list as a tuple) writes it with `put`.
    """

    def put(self, **values: Any) -> None:
        """Write fields while the object is made: it is frozen for everybody else."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def check_flags(self, error: type[Exception]) -> None:
        """Refuse what is neither True nor False for the options that are declared ``bool``."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            if field.type in (bool, "bool"):
                name = field.name
                self.put(**{name: check.flag(name, getattr(self, name), error)})

    def values(self) -> dict[str, Any]:
        """All options by name."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    def part(self, options_class: type[O]) -> O:
        """Those options that another call takes too, as its own object."""
        names = [f.name for f in dataclasses.fields(options_class)]  # type: ignore[arg-type]
        return options_class(**{name: getattr(self, name) for name in names})

    def given(self) -> dict[str, Any]:
        """Those that are not as they are by default."""
        defaults = {f.name: _default(f) for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {
            name: value
            for name, value in self.values().items()
            if not (type(value) is type(defaults[name]) and bool(value == defaults[name]))
        }

    def named(self) -> tuple[str, ...]:
        """Those that the caller gave by name; of an object made apart, those not as by default."""
        return tuple(getattr(self, "_named", self.given()))

    def deciding(self) -> dict[str, Any]:
        """Those that the result depends on: not, say, whether a progress bar is shown."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {f.name: getattr(self, f.name) for f in fields if f.metadata.get("decides", True)}


def option(
    default: Any = dataclasses.MISSING,
    *,
    help: str = "",
    flag: str = "",
    choices: tuple[str, ...] | Callable[[], Collection[str]] = (),
    metavar: str = "",
    read: Any = None,
    decides: bool = True,
    positional: bool = False,
    multiple: bool = False,
) -> Any:
    """A field of `Options`.

    Parameters
    ----------
    default : object, optional
        Without one the option has to be given.
    help : str
        What the command line says of it; options without are not on the command line.
    flag : str
        Its name there. Default: ``--`` and the name of the field.
    choices : tuple of str or callable
        The texts it may be; a function gives those that are registered when a command runs.
    metavar : str
        What stands for its value in the help.
    read : click type or callable, optional
        Makes the value of what was typed. Default: the type of the default.
    decides : bool
        Whether results depend on it.
    positional : bool
        Whether it may be given without its name, after the function's own arguments.
    multiple : bool
        Whether its flag may be given several times: ``read`` makes one value of all texts.
    """
    metadata = {
        "help": help, "flag": flag, "choices": choices, "metavar": metavar, "read": read,
        "decides": decides, "positional": positional, "multiple": multiple,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


def of_call(options_class: type[Options], name: str, default: Any = None) -> Any:
    """The same option as another call has, given by name; with a default of its own, if one is."""
    field = options_class.__dataclass_fields__[name]  # type: ignore[attr-defined]
    own = field.default if default is None else default
    return dataclasses.field(default=own, metadata={**field.metadata, "positional": False})


def flag_of(field: Any) -> str:
    """Name of an option on the command line: ``--`` and the name of the field, or its own."""
    return str(field.metadata.get("flag") or f"--{field.name.replace('_', '-')}")


def numbers(kind: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Reads numbers with commas between them: ``option((20, 30), read=numbers(int))``."""

    def read(text: str) -> tuple[Any, ...]:
        return tuple(kind(part) for part in text.split(",") if part.strip())

    read.__name__ = f"numbers with commas ({kind.__name__})"
    return read


def by_layer(texts: Iterable[str]) -> dict[str, float]:
    """Reads numbers for single layers, ``LAYER=HZ``, and one for all others, ``HZ``.

    Returns
    -------
    dict from str to float
        By layer; that of all others by ``""``.

    Raises
    ------
    ValueError
        If one is neither, or two are for the same.
    """
    values: dict[str, float] = {}
    for text in texts:
        layer, sign, hz = text.rpartition("=")
        try:
            value = float(hz)
            if sign and not layer:
                raise ValueError("no layer before the sign")
        except ValueError:
            raise ValueError(f"expected HZ or LAYER=HZ, not {text!r}") from None
        if layer in values:
            for_what = f"layer {layer!r}" if layer else "all layers"
            raise ValueError(
                f"two values for {for_what}, {values[layer]:g} and {value:g}: give one"
            )
        values[layer] = value
    return values


def takes_options(options_class: type[O]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Decorator of a function with a keyword ``options``: callers give the fields instead.

    The function that it makes raises `ArgumentError`, which is a TypeError, for options that there
    are not, also those that a function which it hands its further arguments to does not have.
    """

    def decorator(function: Callable[..., R]) -> Callable[..., R]:
        fields = {f.name: f for f in dataclasses.fields(options_class)}  # type: ignore[arg-type]
        own = inspect.signature(function)
        added = [_parameter(field) for field in fields.values()]
        kept = [p for p in own.parameters.values() if p.name != "options"]
        parameters = sorted([*kept, *added], key=lambda parameter: parameter.kind)
        signature = own.replace(parameters=parameters)
        names = _names(signature)
        n_own = sum(p.kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD for p in kept)

        @functools.wraps(function)
        def call(*args: Any, options: O | None = None, **given: Any) -> R:
            chosen = {name: given.pop(name) for name in list(given) if name in fields}
            if options is None:
                bound = _bound(function.__name__, signature, args, {**chosen, **given})
                chosen = {name: value for name, value in bound.items() if name in fields}
                options, args = options_class(**chosen), args[:n_own]
                options.put(_named=tuple(chosen))
            elif chosen:
                raise ArgumentError(
                    f"{', '.join(chosen)}: give options=, or each by name, not both."
                )
            with _as_own(function, names, given):
                return function(*args, options=options, **given)

        call.__signature__ = signature  # type: ignore[attr-defined]
        call.__doc__ = _with_options(function.__doc__ or "", options_class)
        return call

    return decorator


def named_arguments(function: F) -> F:
    """Decorator of a function that refuses arguments which it does not have, in words.

    Those that a function which it hands its further arguments to does not have are its own, too.
    """
    signature = inspect.signature(function)
    own = list(signature.parameters.values())
    is_method = bool(own) and own[0].name == "self"
    shown = signature.replace(parameters=own[1:]) if is_method else signature

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        _bound(_called(function), shown, args[is_method:], given)
        with _as_own(function, _names(shown), given):
            return function(*args, **given)

    return call  # type: ignore[return-value]


def check_known(function: Callable[..., Any], given: Collection[str]) -> None:
    """Raise `ArgumentError` for the first of some arguments that a function does not have."""
    names = _names(inspect.signature(function))
    for argument in given:
        if argument not in names:
            raise _no_such(_called(function), argument, names)


@contextlib.contextmanager
def _as_own(
    function: Callable[..., Any], names: tuple[str, ...], given: Collection[str]
) -> Iterator[None]:
    """Call an argument that was handed on, and which nobody has, one of this function."""
    try:
        yield
    except ArgumentError as error:
        if error.argument not in given:
            raise
        known = tuple(dict.fromkeys((*names, *error.known)))
        raise _no_such(_called(function), str(error.argument), known) from None


def _called(function: Callable[..., Any]) -> str:
    """The name that a function is called by: that of its class for ``__init__``."""
    name = function.__qualname__.rpartition(".")
    return name[0].rpartition(".")[2] if name[2] == "__init__" else function.__name__


def _bound(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Arguments by name; those that the signature does not have are refused."""
    parameters = signature.parameters.values()
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    names = _names(signature)
    for argument in given:
        if argument not in names and not takes_any:
            raise _no_such(name, argument, names)
    try:
        return signature.bind(*args, **given).arguments
    except TypeError as error:
        if "too many positional" in str(error):
            places = [
                p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            ]
            raise ArgumentError(
                f"{name} takes {', '.join(places)} without a name, and was given {len(args)} "
                "values: give the others by name."
            ) from None
        raise ArgumentError(f"{name}: {error}.") from None


def _names(signature: inspect.Signature) -> tuple[str, ...]:
    kinds = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
    return tuple(p.name for p in signature.parameters.values() if p.kind not in kinds)


def _no_such(function: str, argument: str, known: tuple[str, ...]) -> ArgumentError:
    """The error for an argument that there is not, with those that are spelt nearly like it."""
    near = difflib.get_close_matches(argument, known, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}."
    return ArgumentError(f"{function} has no argument {argument!r}; {hint}", argument, known)


def _parameter(field: Any) -> inspect.Parameter:
    default = _default(field)
    if default is dataclasses.MISSING:
        default = inspect.Parameter.empty
    positional = field.metadata.get("positional", False)
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(field.name, kinds[positional], default=default, annotation=field.type)


def _with_options(doc: str, options_class: type) -> str:
    """A docstring with the attributes of the options in place of the line ``{options}``."""
    attributes = inspect.getdoc(options_class) or ""
    _, _, body = attributes.partition("Attributes\n----------\n")
    lines = doc.split("\n")
    for number, line in enumerate(lines):
        if line.strip() == "{options}":
            lines[number] = textwrap.indent(body.strip(), line[: len(line) - len(line.lstrip())])
    return "\n".join(lines)


def _default(field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def is_plain(value: Any) -> bool:
    """Whether a value is a number, a text, None, or a list or mapping of such."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for JSON: numbers, texts, lists and mappings as they are, and all else as ``repr``."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return repr(value)
