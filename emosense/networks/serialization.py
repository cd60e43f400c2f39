"""Weights files: ``.keras`` archives whose numbers are stored as float16.

Any Keras 3 loads such a file with ``keras.saving.load_model``; the network itself computes in
float32. Half the size costs no measurable accuracy (a test compares).
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emosense.errors import ModelDamaged

if TYPE_CHECKING:
    import keras


def save_float16_weights(model: keras.Model, path: Path) -> None:
    """Write ``model`` without its optimiser, weights as float16, to ``path`` (``.keras``)."""
    import h5py
    import keras
    import numpy as np

    plain = _float32_copy(model)
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.keras"
        keras.saving.save_model(plain, full)
        weights = Path(folder) / "model.weights.h5"
        with zipfile.ZipFile(full) as archive:
            names = archive.namelist()
            contents = {n: archive.read(n) for n in names if n != weights.name}
            archive.extract(weights.name, folder)
        halved = Path(folder) / "half.h5"
        with h5py.File(weights) as source, h5py.File(halved, "w") as target:

            def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
                if isinstance(item, h5py.Dataset):
                    array = item[()]
                    half = array.astype(np.float16) if array.dtype == np.float32 else array
                    # Shuffled bytes: exponents lie side by side, where they compress.
                    packed: dict[str, Any] = {"chunks": half.shape, "shuffle": True}
                    packed |= {"compression": "gzip", "compression_opts": 9}
                    target.create_dataset(
                        name, data=half, **(packed if half.ndim and half.size else {})
                    )
                else:
                    target.require_group(name)
                for key, value in item.attrs.items():
                    target[name].attrs[key] = value

            source.visititems(copy)
            for key, value in source.attrs.items():
                target.attrs[key] = value
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
            archive.write(halved, weights.name, zipfile.ZIP_STORED)


def load_network(path: Path) -> keras.Model:
    """Load a network, refusing anything that would run code (``safe_mode``).

    Raises:
        ModelDamaged: the file is not a network that this Keras can read.
    """
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zip, h5 and config errors have no common type
        raise ModelDamaged(f"{path} is not a network that Keras can load: {error}") from error
    return model


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _float32_copy(model: keras.Model) -> keras.Model:
    """Copy a model that was trained in mixed precision to one that computes in float32."""
    import keras

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer:
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=convert)
    copy.set_weights(model.get_weights())
    # A clone brings its optimiser along; a model rebuilt from the same layers does not.
    return keras.Model(copy.inputs, copy.outputs, name=model.name)
