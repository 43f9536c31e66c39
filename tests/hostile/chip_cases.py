"""Command lines on chips that there are not, and on files of chips that are wrong: see `cases`."""

from __future__ import annotations

from .case import Case, data_cases, other_things
from .files import content, folder_of

CHIPS = "chips --chip-file FILE"
CHIP = "fit net.h5 --chip own --chip-file FILE"

_CHIP = """
[own]
title = "mine"
limits.neurons = { at_most = 9, source = "us" }
step = { unit = "s", join = "sum", source = "us", terms = { hidden_neurons = 1 } }
powers.idle = { W = 1, source = "us" }
"""
MINE = content(_CHIP)

CHIP_FILES = [
    *(
        case
        for line in (CHIPS, CHIP)
        for case in (
            Case(line, "There is no file of chips gone.toml", "gone.toml"),
            Case(line, "There is no chip in", "empty.toml", content("")),
            *other_things(line, ".toml"),
            Case(line, "", "binary.toml", content(bytes(range(256)))),
            Case(line, "", "own.toml"),  # a file of devices
        )
    ),
    *(
        Case(CHIPS, "", f"{name}.toml", content(_CHIP.replace(old, new)))
        for name, old, new in [
            ("untitled", 'title = "mine"', ""), ("blank", "mine", " "), ("number", '"mine"', "3"),
            ("negative", "at_most = 9", "at_most = -9"), ("nan", "at_most = 9", "at_most = nan"),
            ("words", "at_most = 9", "at_most = 'few'"), ("list", "at_most = 9", "only = [1, 2]"),
            ("both", "at_most = 9", "at_most = 9, only = ['a']"), ("neither", "at_most = 9, ", ""),
            ("quantity", "limits.neurons", "limits.hugs"), ("table", "limits.neurons", "limits"),
            ("unit", 'unit = "s"', 'unit = "min"'), ("join", '"sum"', '"product"'),
            ("term", "hidden_neurons", "hugs"), ("nan_term", "neurons = 1 ", "neurons = nan "),
            ("inf_power", "W = 1", "W = inf"), ("range", "W = 1", "W = 1, low_W = 2"),
            ("clock", "[own]", "[own]\nclock = { default_Hz = 0, source = 'us' }"),
            ("refused", "[own]", "[own]\nrefused = { energy = 3 }"),
            ("evidence", '"us" }', '"us", evidence = "hearsay" }'),
        ]
    ),
    Case("chips FILE", "There is no chip 'abacus'", "abacus"),
    Case("chips FILE", "There is no chip '[red]<b>x</b>'", "[red]<b>x</b>"),
    Case("chips xylo_imu --html FILE", "it is a folder", "page", folder_of()),
    Case(f"{CHIPS} --json FILE", "would be written over", "mine.toml", MINE),
    Case(f"{CHIP} --json FILE", "would be written over", "mine.toml", MINE),
    Case("fit net.h5 --chip-file FILE", "say with --chip which one", "mine.toml", MINE),
    Case("fit net.h5 --chip FILE", "There is no chip 'abacus'", "abacus"),
    Case("fit net.h5 --chip xylo_imu --objective cores", "for the blocks of Loihi"),
    Case("fit net.h5 --chip xylo_imu --samples 0", "0 is not in the range"),
    Case("fit FILE --chip xylo_imu", "There is no model gone.h5", "gone.h5"),
    Case("fit FILE --chip xylo_imu", "", "empty.nir", content("")),
    *data_cases("fit net.h5 --chip xylo_imu --data FILE"),
]  # fmt: skip
