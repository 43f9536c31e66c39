"""The models of `tools/application_table.py`: published networks at full size, random weights.

Run as a script it converts one of them and prints what came of it as JSON::

    python tools/application_models.py "ResNet50"
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

#: Of keras.applications.
KERAS_3 = (
    "ConvNeXtTiny", "DenseNet121", "DenseNet201", "EfficientNetB0", "EfficientNetV2B0",
    "InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Small",
    "MobileNetV3Large", "NASNetMobile", "ResNet50", "ResNet50V2", "ResNet101", "VGG16", "Xception",
)  # fmt: skip
#: Those that Keras 3 has no longer.
KERAS_2 = ("RegNetX002", "RegNetY002", "ResNetRS50")
KERAS_HUB = ("ResNet (hub)", "ResNet v2 (hub)", "DenseNet (hub)", "VGG (hub)")

SIZE = (224, 224, 3)

MODELS = (*KERAS_3, *KERAS_2, *KERAS_HUB)


def made(name: str) -> Any:
    """A model of the size that its package gives it, with the same random weights in every run.

    A few of many million are exactly 0, and a weight of 0 is no synapse.
    """
    if name in KERAS_3:
        import keras

        keras.utils.set_random_seed(0)
        make = getattr(keras.applications, name)
        # of some, images may have any size
        return make(weights=None, **({"input_shape": SIZE} if "MobileNetV3" in name else {}))
    if name in KERAS_2:
        import tf_keras

        tf_keras.utils.set_random_seed(0)
        return getattr(tf_keras.applications, name)(weights=None)
    return _of_hub()[name]()


def _of_hub() -> dict[str, Callable[[], Any]]:
    """Backbones of keras-hub, with the settings of their papers' smallest networks."""
    import keras
    import keras_hub

    keras.utils.set_random_seed(0)
    models = keras_hub.models
    image = {"image_shape": SIZE}
    resnet = {
        "input_conv_filters": [64], "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 128, 256, 512], "stackwise_num_blocks": [2, 2, 2, 2],
        "stackwise_num_strides": [1, 2, 2, 2], **image,
    }  # fmt: skip
    return {
        "ResNet (hub)": lambda: models.ResNetBackbone(block_type="basic_block", **resnet),
        "ResNet v2 (hub)": lambda: models.ResNetBackbone(
            block_type="basic_block", use_pre_activation=True, **resnet
        ),
        "DenseNet (hub)": lambda: models.DenseNetBackbone(
            stackwise_num_repeats=[6, 12, 24, 16], compression_ratio=0.5, growth_rate=32, **image
        ),
        "VGG (hub)": lambda: models.VGGBackbone(
            stackwise_num_repeats=[2, 2, 3, 3, 3], stackwise_num_filters=[64, 128, 256, 512, 512],
            **image,
        ),
    }  # fmt: skip


def converted(name: str) -> dict[str, Any]:
    """What became of a model in `convert`, with averages for max pooling."""
    import nengo_spikecost as nsc

    model = made(name)
    size = "x".join(str(n) for n in model.inputs[0].shape[1:3])
    told = {"size": size, "weights": int(model.count_params())}
    start = time.process_time()
    try:
        conversion = nsc.convert(model, max_pooling="average")
    except nsc.errors.ConversionError as error:
        problems = error.problems or (error,)
        reasons = [(problem.kind, problem.reason or str(problem)) for problem in problems]
        return {**told, "seconds": time.process_time() - start, "reasons": reasons}
    seconds = time.process_time() - start
    left = [c for c in conversion.lowering.changes if c.kind == "left" and "stays" in c.reason]
    graph = nsc.NetworkGraph(conversion)
    synapses = sum(p.n_synapses for p in graph.pathways if p.kind == "neural")
    return {
        **told, "seconds": seconds, "neurons": conversion.net.n_neurons, "synapses": synapses,
        "left": len(left), "uncounted": len(graph.uncounted),
    }  # fmt: skip


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import nengo_spikecost  # noqa: F401  (before TensorFlow)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(json.dumps(converted(sys.argv[1])))


if __name__ == "__main__":
    main()
