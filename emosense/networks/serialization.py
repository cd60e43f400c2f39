"""Reads and writes networks: ``.keras`` archives whose weights are stored as float16.

Any Keras 3 loads such a file with ``keras.saving.load_model``; the network itself computes in
float32. Halving the size costs no measurable accuracy (a test compares both).
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emosense.errors import ModelDamaged
from emosense.filesystem.temporary_folder import TemporaryFolder

if TYPE_CHECKING:
    import keras


def save_float16_weights(model: keras.Model, path: Path) -> None:
    """Write a network without its optimiser and with float16 weights.

    Args:
        model: the network, of any precision policy; it is not changed.
        path: file to write, with the suffix ``.keras``.
    """
    import h5py
    import keras
    import numpy as np

    inference_model = _float32_copy(model)
    with TemporaryFolder() as folder:
        float32_archive = folder / "float32.keras"
        keras.saving.save_model(inference_model, float32_archive)
        weights = folder / "model.weights.h5"
        with zipfile.ZipFile(float32_archive) as archive:
            names = archive.namelist()
            contents = {n: archive.read(n) for n in names if n != weights.name}
            archive.extract(weights.name, folder)
        float16_weights = folder / "float16.h5"
        with h5py.File(weights) as source, h5py.File(float16_weights, "w") as target:

            def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
                if isinstance(item, h5py.Dataset):
                    array = item[()]
                    data = array.astype(np.float16) if array.dtype == np.float32 else array
                    # The shuffle filter groups the exponent bytes, which compress well.
                    filters: dict[str, Any] = {"chunks": data.shape, "shuffle": True}
                    filters |= {"compression": "gzip", "compression_opts": 9}
                    target.create_dataset(
                        name, data=data, **(filters if data.ndim and data.size else {})
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
            archive.write(float16_weights, weights.name, zipfile.ZIP_STORED)


def load_network(path: Path) -> keras.Model:
    """Load a network in Keras' ``safe_mode``, which rejects files that would run code.

    Raises:
        ModelDamaged: the file is not a network that the installed Keras can load.
    """
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zip, h5 and configuration errors have no common type
        raise ModelDamaged(f"{path} is not a network that Keras can load: {error}") from error
    return model


def sha256_of(path: Path) -> str:
    """Return the SHA-256 checksum of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _float32_copy(model: keras.Model) -> keras.Model:
    """Return a copy of a model, possibly trained in mixed precision, that computes in float32."""
    import keras

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer:
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=convert)
    copy.set_weights(model.get_weights())
    # A clone has the optimiser of its original; a new model of the same layers has none.
    return keras.Model(copy.inputs, copy.outputs, name=model.name)
