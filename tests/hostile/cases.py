"""Command lines on input that is broken, wrong or made to deceive: one line is one case.

``(command line, words of the sentence, the file it is about, how that file is made)``. Whole files in
the folder: net.h5, net.keras, graph.nir, x.npy, data.npz (x and y), own.toml (a device), scales.json
(of tune), fit.json (of fit), study.db (of sweep) and kept (a checkpoint of report).
"""

from __future__ import annotations

import json

import numpy as np

from .case import Case, data_cases, other_things
from .chip_cases import CHIP_FILES
from .files import (
    archive,
    array,
    arrays,
    content,
    copy_of,
    cut,
    edited_checkpoint,
    edited_config,
    edited_hdf5,
    edited_json,
    edited_study,
    folder_of,
    headed,
    link_to,
    member,
    pipe,
    raised,
)

CHECK = "check FILE"
DATA = "report net.h5 --data FILE --steps 4"
LABELS = "tune net.h5 --data FILE"
TRAIN = "train net.h5 --data FILE --out out.keras"
DEVICES = "report net.h5 --data data.npz --device-file FILE"
SCALES = "report net.h5 --data data.npz --scales FILE"
#: What is read of a sweep's file, but for an energy and a number of steps.
SWEPT = """{"format": "nengo-spikecost/sweep/1", "accuracy_losses": [0.1], "neuron_type": "LIF()",
"front": [{"loss": 0, "energy_J": %s, "n_steps": %s, "synapse": null, "scale_firing_rates": {}}]}"""
FIT = "deploy net.h5 --data data.npz --fit FILE"
SWEEP = "sweep net.h5 --data data.npz --trials 2 --steps 4 --study FILE"
KEPT = "report net.h5 --data data.npz --steps 4 --checkpoint FILE"
REPORT = "report net.h5 --data data.npz"
ADVISE = "advise net.h5 --data data.npz"


def _layers(config: dict) -> list[dict]:
    return config["config"]["layers"]


def _conv(config: dict) -> dict:
    return next(layer for layer in _layers(config) if layer["class_name"] == "Conv2D")["config"]


def _lambda(config: dict) -> None:
    code = ["4wEAAAAAAAAA\n", None, None]
    _layers(config).append({"class_name": "Lambda", "config": {
        "name": "sneaky", "function": code, "function_type": "lambda", "arguments": {}}})  # fmt: skip


def _unknown(config: dict) -> None:
    _layers(config)[1]["class_name"] = "Made>Up"


def _keras_config(text: bytes):
    return archive(lambda members: members.update({"config.json": text}))


def _without(*names: str):
    def change(members: dict[str, bytes]) -> None:
        for name in list(members):
            if any(part in name for part in names):
                del members[name]

    return change


def _shortened(part: str):
    def change(members: dict[str, bytes]) -> None:
        for name in members:
            if part in name:
                members[name] = members[name][: len(members[name]) // 2]

    return change


MODELS = [
    Case(CHECK, "There is no model gone.h5", "gone.h5"),
    Case(CHECK, "There is no model gone.keras", "gone.keras"),
    Case(CHECK, "", "empty.h5", content("")),
    Case(CHECK, "", "empty.keras", content("")),
    Case(CHECK, "", "text.h5", content("a model")),
    Case(CHECK, "", "text.keras", content("a model")),
    Case(CHECK, "", "lf.h5", content("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")),
    *(Case(CHECK, "", f"cut{k}.h5", cut("net.h5", k / 10)) for k in range(1, 10)),
    *(Case(CHECK, "", f"cut{k}.keras", cut("net.keras", k / 10)) for k in range(1, 10)),
    Case(CHECK, "", "model.onnx", content(b"\x08\x07")),
    Case(CHECK, "", "model.tflite", content(b"\x1c\x00\x00\x00TFL3")),
    Case(CHECK, "", "model.pt", archive(lambda m: (m.clear(), m.update({"archive/data.pkl": b"\x80\x02."})))),
    Case(CHECK, "", "model.pb", content(b"\x08\x01")),
    Case(CHECK, "", "pickle.h5", content(b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.")),
    Case(CHECK, "", "data.h5", copy_of("data.npz")),
    Case(CHECK, "", "samples.h5", copy_of("x.npy")),
    Case(CHECK, "", "folder.h5", folder_of()),
    Case(CHECK, "", "folder", folder_of(saved_model_dot_pb="no protocol buffer")),
    Case(CHECK, "", "meta", folder_of(keras_metadata_dot_pb="", saved_model_dot_pb="")),
    Case(CHECK, "", "nowhere.h5", link_to("gone")),
    Case(CHECK, "", "itself.h5", link_to("itself.h5")),
    Case(CHECK, "", "pipe.h5", pipe),
    Case(CHECK, "", "/dev/null"),
    Case(CHECK, "", "bare.h5", edited_hdf5("net.h5", lambda f: f.attrs.pop("model_config"))),
    Case(CHECK, "", "weightless.h5", edited_hdf5("net.h5", lambda f: f.pop("model_weights"))),
    Case(CHECK, "", "fewer.h5", edited_hdf5("net.h5", lambda f: f["model_weights"].pop(next(k for k in f["model_weights"] if "conv" in k)))),
    Case(CHECK, "", "no_json.h5", edited_config(lambda c: "{'not': json}")),
    Case(CHECK, "", "list.h5", edited_config(lambda c: "[]")),
    Case(CHECK, "", "null.h5", edited_config(lambda c: "null")),
    Case(CHECK, "", "deep.h5", edited_config(lambda c: "[" * 5000 + "]" * 5000)),
    Case(CHECK, "", "layerless.h5", edited_config(lambda c: _layers(c).clear())),
    Case(CHECK, "Made>Up", "unknown.h5", edited_config(_unknown)),
    Case(CHECK, "sneaky", "lambda.h5", edited_config(_lambda)),
    Case(CHECK, "", "filters.h5", edited_config(lambda c: _conv(c).update(filters=-1))),
    Case(CHECK, "", "text_filters.h5", edited_config(lambda c: _conv(c).update(filters="many"))),
    Case(CHECK, "huge.h5 can't be read: its layers need more memory than there is", "huge.h5", edited_config(lambda c: _conv(c).update(filters=10**15))),
    Case(CHECK, "", "kernel.h5", edited_config(lambda c: _conv(c).update(kernel_size=[0, 0]))),
    Case(CHECK, "", "activation.h5", edited_config(lambda c: _conv(c).update(activation="os.system"))),
    Case(CHECK, "", "no_config.keras", archive(_without("config"))),
    Case(CHECK, "", "no_weights.keras", archive(_without("weights"))),
    Case(CHECK, "", "half.keras", archive(_shortened("weights"))),
    Case(CHECK, "", "bad.keras", _keras_config(b"{")),
    Case(CHECK, "", "binary.keras", _keras_config(bytes(range(256)))),
    Case(CHECK, "", "number.keras", _keras_config(b"3")),
    Case(CHECK, "", "module.keras", _keras_config(json.dumps({"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": None}).encode())),
    Case("check net.h5 --custom-objects FILE", "", "gone.py"),
    Case("check net.h5 --custom-objects FILE", "", "syntax.py", content("class (")),
    Case("check net.h5 --custom-objects FILE", "", "raises.py", content("raise ValueError('no')")),
    Case("check net.h5 --custom-objects FILE", "", "exits.py", content("import sys; sys.exit(0)")),
    Case("--plugin FILE check net.h5", "", "gone.py"),
    Case("--plugin FILE check net.h5", "", "syntax.py", content("class (")),
    Case("--plugin FILE check net.h5", "", "raises.py", content("raise ValueError('no')")),
]  # fmt: skip

GRAPHS = [
    Case(CHECK, "", "gone.nir"),
    Case(CHECK, "", "empty.nir", content("")),
    Case(CHECK, "", "text.nir", content("a graph")),
    *(Case(CHECK, "", f"cut{k}.nir", cut("graph.nir", k / 5)) for k in range(1, 5)),
    Case(CHECK, "", "rootless.nir", edited_hdf5("graph.nir", lambda f: f.pop("node"))),
    Case(CHECK, "", "nodeless.nir", edited_hdf5("graph.nir", lambda f: f["node"].pop("nodes"))),
    Case(
        CHECK,
        "The graph has no edges",
        "edgeless.nir",
        edited_hdf5("graph.nir", lambda f: f["node"].pop("edges")),
    ),
    Case("report FILE --data x.npy", "", "gone.nir"),
]

#: A header of .npy that says how many numbers there are, and has none.
_HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 64), }"
_NEGATIVE = "{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 64), }"

INPUTS = [
    Case(DATA, "There is no data file gone.npy", "gone.npy"),
    Case(DATA, "", "empty.npy", content("")),
    Case(DATA, "", "empty.npz", content("")),
    Case(DATA, "", "text.npy", content("1 2 3")),
    Case(DATA, "", "table.csv", content("1,2\n3,4\n")),
    *(Case(DATA, "", f"cut{k}.npy", cut("x.npy", k / 5)) for k in range(1, 5)),
    *(Case(DATA, "", f"cut{k}.npz", cut("data.npz", k / 5)) for k in range(1, 5)),
    Case(DATA, "", "huge.npy", content(headed(_HUGE))),
    Case(DATA, "", "negative.npy", content(headed(_NEGATIVE))),
    Case(DATA, "", "code.npy", content(headed("__import__('os').getcwd()"))),
    Case(DATA, "", "folder.npy", folder_of()),
    Case(DATA, "", "nowhere.npy", link_to("gone")),
    Case(DATA, "", "pipe.npy", pipe),
    Case(DATA, "", "model.npz", copy_of("net.keras")),
    Case(DATA, "", "model.npy", copy_of("net.h5")),
    Case(DATA, "", "objects.npy", array(np.array([{}, 3], dtype=object))),
    Case(DATA, "are not real numbers but <U1", "text_values.npy", array(np.full((3, 8, 8, 1), "a"))),
    Case(DATA, "are not real numbers but |S1", "bytes.npy", array(np.full((3, 8, 8, 1), b"a"))),
    Case(DATA, "are not real numbers but complex128", "complex.npy", array(np.ones((3, 8, 8, 1), complex))),
    Case(DATA, "are not real numbers but datetime64[s]", "dates.npy", array(np.zeros((3, 8, 8, 1), "M8[s]"))),
    Case(DATA, "are not real numbers but", "records.npy", array(np.zeros((3, 8, 8, 1), [("a", "f4")]))),
    Case(DATA, "", "number.npy", array(np.float64(3))),
    Case(DATA, "data holds no samples", "none.npy", array(np.ones((0, 8, 8, 1)))),
    Case(DATA, "have shape (3, 0, 8, 1)", "no_pixels.npy", array(np.ones((3, 0, 8, 1)))),
    Case(DATA, "have shape (3, 8, 9, 1)", "wide.npy", array(np.ones((3, 8, 9, 1)))),
    Case(DATA, "have shape (7, 9)", "one_sample.npy", array(np.ones((7, 9)))),
    Case(DATA, "hold NaN or infinite values, first in sample 0", "nan.npy", array(np.full((3, 8, 8, 1), np.nan))),
    Case(DATA, "hold NaN or infinite values, first in sample 0", "inf.npy", array(np.full((3, 8, 8, 1), np.inf))),
    Case(DATA, "hold NaN or infinite values, first in sample 0", "large.npy", array(np.full((3, 8, 8, 1), 1e300))),
    Case(DATA, "", "unnamed.npz", archive(lambda m: (m.clear(), m.update({"a.npy": member(np.ones(3)), "b.npy": member(np.ones(3))})), "data.npz")),
    Case(DATA, "", "no_arrays.npz", archive(lambda m: m.clear(), "data.npz")),
    Case(DATA, "", "not_arrays.npz", archive(lambda m: m.update({"x.npy": b"text"}), "data.npz")),
    Case(DATA + " --x-key images", "", "data.npz"),
    Case(DATA + " --y-key labels", "", "data.npz"),
    Case(DATA + " --x-key x", "", "x.npy"),
    Case(DATA + " --samples 0", "0 is not in the range", "data.npz"),
    Case(DATA, "The data have 12 samples and 3 labels", "few.npz", arrays(y=lambda x, y: y[:3])),
    Case(DATA, "The data have 12 samples and 24 labels", "many.npz", arrays(y=lambda x, y: np.concatenate([y, y]))),
    Case(DATA, "whole numbers from 0 to 2", "class.npz", arrays(y=lambda x, y: y + 1000)),
    Case(DATA, "sample 0 has -1", "minus.npz", arrays(y=lambda x, y: y * 0 - 1)),
    Case(DATA, "sample 0 has 1.5", "half.npz", arrays(y=lambda x, y: y + 0.5)),
    Case(DATA + " --task classification", "sample 0 has 1.5", "half.npz", arrays(y=lambda x, y: y + 0.5)),
    Case(DATA, "Labels hold NaN or infinite values", "nan_labels.npz", arrays(y=lambda x, y: y + np.nan)),
    Case(DATA, "number the classes", "names.npz", arrays(y=lambda x, y: y.astype(str))),
    Case(DATA, "", "objects.npz", arrays(y=lambda x, y: y.astype(object))),
    Case(DATA, "not one-hot", "wide_labels.npz", arrays(y=lambda x, y: np.ones((len(y), 3)))),
    Case(LABELS, "data holds no samples", "x0.npy", array(np.ones((0, 8, 8, 1)))),
    Case(TRAIN, "", "x.npy"),
    Case(TRAIN, "The data have 12 samples and 0 labels", "no_labels.npz", arrays(y=lambda x, y: y[:0])),
    Case("sweep net.h5 --data FILE --study s.db", "", "x.npy"),
    Case("deploy net.h5 --data FILE", "hold NaN or infinite values, first in sample 0", "nan.npy", array(np.full((3, 8, 8, 1), np.nan))),
    Case("fit net.h5 --data FILE", "have shape (3, 8, 9, 1)", "wide.npy", array(np.ones((3, 8, 9, 1)))),
    Case("compare net.h5 --data FILE", "data holds no samples", "none.npy", array(np.ones((0, 8, 8, 1)))),
]  # fmt: skip

_OWN = """
[own]
spiking = true
energy_per_synop = 1e-12
energy_per_neuron = 1e-12
note = "mine"
"""

DEVICE_FILES = [
    Case(DEVICES, "", "gone.toml"),
    Case(DEVICES, "", "empty.toml", content("")),
    *other_things(DEVICES, ".toml"),
    Case(DEVICES, "", "binary.toml", content(bytes(range(256)))),
    *(
        Case(DEVICES, "", f"{name}.toml", content(_OWN.replace(old, new)))
        for name, old, new in [
            ("negative", "synop = 1e-12", "synop = -1e-12"), ("nan", "synop = 1e-12", "synop = nan"),
            ("inf", "synop = 1e-12", "synop = inf"), ("words", "synop = 1e-12", "synop = 'little'"),
            ("list", "synop = 1e-12", "synop = [1, 2]"), ("no_synop", "energy_per_synop = 1e-12", ""),
            ("maybe", "spiking = true", "spiking = 'maybe'"), ("unknown", "note", "energy_per_hug = 1\nnote"),
            ("number", "[own]", "other = 3\n[own]"), ("twice", "spiking = true", "spiking = true\nspiking = true"),
            ("zero", "synop = 1e-12", "synop = true"),
        ]
    ),
    Case("devices --device-file FILE", "", "text.toml", content("a device")),
    Case("devices FILE", "", "toaster"),
    Case("report net.h5 --data x.npy --devices FILE", "There is no device 'toaster'", "loihi,,toaster"),
]  # fmt: skip


JSON_FILES = [
    *(
        case
        for line in (SCALES, FIT)
        for case in (
            Case(line, "", "gone.json"),
            Case(line, "", "empty.json", content("")),
            Case(line, "", "list.json", content("[]")),
            Case(line, "", "number.json", content("3")),
            Case(line, "", "null.json", content("null")),
            Case(line, "", "braces.json", content("{}")),
            Case(line, "", "deep.json", content("[" * 100000)),
            Case(line, "", "nan.json", content('{"a": NaN}')),
            Case(line, "", "binary.json", content(bytes(range(256)))),
            *other_things(line, ".json"),
            Case(line, "", "format.json", edited_json("scales.json", lambda d: {**d, "format": "nengo-spikecost/other/9"})),
        )
    ),
    Case(SCALES, "holds NaN", "nan_energy.json", content(SWEPT % ("NaN", "6"))),
    Case(SCALES, "holds -Infinity", "infinite_energy.json", content(SWEPT % ("-Infinity", "6"))),
    Case(SCALES, "not as it was written", "endless.json", content(SWEPT % ("1e-6", "1e999"))),
    Case(SCALES, "", "fit_as_scales.json", copy_of("fit.json")),
    Case(FIT, "", "scales_as_fit.json", copy_of("scales.json")),
    Case(SCALES + " --scale nothing=3", "nothing", "scales.json"),
]  # fmt: skip

STUDIES = [
    *other_things(SWEEP, ".db"),
    Case(SWEEP, "", "data.db", copy_of("data.npz")),
    Case(SWEEP, "", "no/folder.db"),
    *(Case(SWEEP, "", f"cut{k}.db", cut("study.db", k / 5)) for k in range(1, 5)),
    Case(SWEEP, "", "tables.db", edited_study("DROP TABLE trials")),
    Case(SWEEP, "", "columns.db", edited_study("ALTER TABLE trials DROP COLUMN scales")),
    Case(SWEEP, "", "scales.db", edited_study("UPDATE trials SET scales = '{}'")),
    Case(SWEEP, "", "text_scales.db", edited_study("UPDATE trials SET scales = 'x'")),
    Case(SWEEP, "", "energy.db", edited_study("UPDATE readings SET mean_J = mean_J / 2")),
    Case(SWEEP, "", "state.db", edited_study("UPDATE trials SET state = 'splendid'")),
    Case(SWEEP, "", "facts.db", edited_study("UPDATE facts SET value = '[]'")),
    Case(SWEEP, "", "arrays.db", edited_study("UPDATE arrays SET value = x'00'")),
    Case(SWEEP, "", "digests.db", edited_study("DELETE FROM digests")),
    Case(SWEEP + " --seed 7", "", "study.db"),
    Case(SWEEP.replace("--steps 4", "--steps 5"), "", "study.db"),
    Case(SWEEP.replace("data.npz", "other.npz"), "", "study.db"),
]  # fmt: skip


def _over(file: str, text: bytes):
    return edited_checkpoint(lambda folder: (folder / file).write_bytes(text))


CHECKPOINTS = [
    Case(KEPT, "", "file.ckpt", content("")),
    Case(KEPT, "", "others", folder_of(letter_dot_txt="mine")),
    Case(KEPT, "", "empty", edited_checkpoint(lambda f: (f / "arguments.json").write_text(""))),
    Case(KEPT, "", "list", _over("arguments.json", b"[]")),
    Case(KEPT, "", "format", _over("arguments.json", b'{"format": "other/1"}')),
    Case(KEPT, "", "text", edited_checkpoint(lambda f: _first(f).write_text("text"))),
    Case(KEPT, "", "half", edited_checkpoint(lambda f: _first(f).write_bytes(_first(f).read_bytes()[:500]))),
    Case(KEPT, "", "edited", edited_checkpoint(lambda f: raised(_first(f)))),
    Case(KEPT.replace("--steps 4", "--steps 5"), "", "kept"),
    Case(KEPT + " --scale 7", "", "kept"),
    Case("report net.h5 --data other.npz --steps 4 --checkpoint FILE", "", "kept"),
]  # fmt: skip


def _first(folder):
    return min(folder.glob("*.npz"))


OPTIONS = [
    *(
        Case(f"{REPORT} {option}", words)
        for option, words in [
            ("--steps 0", "n_steps must be a whole number"), ("--steps -1", "n_steps must be a whole number"), ("--steps 1.5", "'1.5' is not a valid integer"), ("--steps many", "'many' is not a valid integer"),
            ("--scale 0", "positive number, not 0.0"), ("--scale -1", "positive number, not -1.0"), ("--scale nan", "positive number, not nan"), ("--scale inf", "positive number, not inf"), ("--scale conv0", "expected HZ or LAYER=HZ"),
            ("--scale conv0=", "expected HZ or LAYER=HZ"), ("--scale =3", "expected HZ or LAYER=HZ"), ("--scale nothing=3", "--scale names layer 'nothing'"), ("--synapse -1", "synapse must be a time constant"), ("--synapse nan", "synapse must be a time constant"),
            ("--synapse inf", "synapse must be a time constant"), ("--neuron os.system", "neuron_type 'os.system' is unknown"), ("--neuron RELU", "neuron_type 'RELU' is unknown"), ("--neuron Ensemble", "neuron_type 'Ensemble' is unknown"),
            ("--simulator vivado", "'vivado' is not one of"), ("--presentation never", "'never' is not one of"), ("--task art", "'art' is not one of"), ("--max-pooling none", "'none' is not one of"),
            ("--swap relu", "expected OLD=NEW"), ("--swap relu=", "expected OLD=NEW"), ("--swap nothing=relu", "no layer has that activation"), ("--json no/x.json", "there is no folder"),
            ("--json net.h5", "would be written over net.h5"), ("--json ./net.h5", "would be written over net.h5"), ("--json x.json --html x.json", "which --json writes"), ("--json data.npz", "would be written over data.npz"),
            ("--html .", "it is a folder"), ("--csv /dev/full/x", "there is no folder"), ("--fit fit.json", "give --chip"), ("--samples -3", "-3 is not in the range"),
            ("--convention snntorch", "for NIR graphs only"), ("--graph-dt 0.1", "for NIR graphs only"), ("--unknown", "No such option"), ("--steps", "requires an argument"),
        ]
    ),
    Case("report", "Missing argument 'MODEL'"),
    Case("report net.h5", "Missing option '--data'"),
    Case("reprot net.h5", "No such command 'reprot'"),
    Case("fit net.h5 --time-limit nan", "--time-limit must be"),
    Case("fit net.h5 --objective joy", "'joy' is not one of"),
    Case("nir net.h5 --out net.h5", "has to end in .nir"),
    Case("train net.h5 --data data.npz --out net.h5", "would be written over net.h5"),
    Case("train net.h5 --data data.npz --out a.keras --epochs 0", "epochs must be a whole number"),
    Case("train net.h5 --data data.npz --out a.keras --learning-rate x", "learning"),
    Case("train net.h5 --data data.npz --out a.keras --forward steps --n-shown 0", "n_shown"),
    Case("train net.h5 --data data.npz --out a.keras --dt nan", "dt must be"),
    Case("report net.h5 --data data.npz --readout mean", "give --chip, too"),
    Case("deploy net.h5 --data data.npz --cost --host-io -1", "host_io must be a finite number of at least 0"),
    Case("tune net.h5 --data data.npz --target nan", "target must be"),
    Case("sweep net.h5 --data data.npz --study s.db --trials 0", "n_trials must be"),
    Case("sweep net.h5 --data data.npz --study s.db --timeout -1", "timeout must be"),
    Case("sweep net.h5 --data data.npz --study net.h5", "would be written over net.h5"),
    Case("deploy net.h5 --data data.npz --target moon", "'moon' is not one of"),
    Case("deploy net.h5 --data data.npz --batch-size 0", "batch_size must be"),
    Case("deploy net.h5 --data data.npz --output nothing", "nothing"),
]  # fmt: skip

ADVICE = [
    *(
        Case(f"{ADVISE} {option}", words)
        for option, words in [
            ("--save money", "'money' is not one of"), ("--boundary room", "'room' is not one of"), ("--profile gold", "'gold' is not one of"),
            ("--host toaster", "There is no device 'toaster'"), ("--host loihi", "host must be a processor"), ("--changes 0", "n_changes must be"),
            ("--first-samples 0", "first_samples must be"), ("--keep-steps 1", "keep_steps is 1"), ("--keep-steps nan", "keep_steps must be"),
            ("--keep-rate 0", "keep_rate is 0"), ("--prune-share 2", "prune_share must be"), ("--target board", "target='emulator'"),
            ("--samples 0", "0 is not in the range"), ("--json net.h5", "would be written over net.h5"), ("--csv x --html x", "which --csv writes"),
            ("--output nothing", "nothing"), ("--steps 0", "n_steps must be"),
        ]
    ),
    *data_cases("advise net.h5 --data FILE"),
    Case("advise net.h5 --data FILE", "The data have 12 samples and 3 labels", "few.npz", arrays(y=lambda x, y: y[:3])),
]  # fmt: skip

CASES = [
    *MODELS, *GRAPHS, *INPUTS, *DEVICE_FILES, *CHIP_FILES, *JSON_FILES, *STUDIES, *CHECKPOINTS, *OPTIONS,
    *ADVICE,
]  # fmt: skip
