"""Every error that EmoSense raises on purpose.

::

    EmoSenseError
    ├── MediaError                an input that cannot be used as a photo or video
    │   ├── MediaTooLarge         above a size or pixel limit
    │   ├── UnsupportedMedia      not a format that is read here
    │   └── DamagedMedia          the right format, but broken or cut off
    ├── DatasetError              training data that is not as FER2013's users have it
    ├── TrainingError             a run that cannot start or go on
    ├── ModelError                a trained model that cannot be used
    │   ├── ModelNotFound         no such name in the registry
    │   └── ModelDamaged          files missing or changed, checksum or shape wrong
    ├── BatchError                a job over many files that cannot start or go on
    ├── DetectorError             the face detector's weights or engine are unusable
    └── WorkerError               the inference process
        ├── WorkerDied            it ended in the middle of the work and was replaced
        └── WorkerTimeout         it did not answer in time and was replaced

Messages are written for the person who reads them on a page or in a terminal: what was
expected, what came, what to do.
"""


class EmoSenseError(Exception):
    """Base of all errors above; catching it catches them all."""


class MediaError(EmoSenseError):
    """An input that cannot be used as a photo or video."""


class MediaTooLarge(MediaError):
    """The file or the picture in it is above a limit (bytes or pixels)."""


class UnsupportedMedia(MediaError):
    """The content is not one of the formats that are read here."""


class DamagedMedia(MediaError):
    """The format is known but the content is broken or cut off."""


class DatasetError(EmoSenseError):
    """Training data with a wrong layout, column, row, class or image."""


class TrainingError(EmoSenseError):
    """A training run that cannot start or go on."""


class ModelError(EmoSenseError):
    """A trained model that cannot be used."""


class ModelNotFound(ModelError):
    """No model of that name is registered."""


class ModelDamaged(ModelError):
    """A model's files are missing, changed or do not belong together."""


class BatchError(EmoSenseError):
    """A job over many files that cannot start or go on."""


class DetectorError(EmoSenseError):
    """The face detector's weights or engine are unusable."""


class WorkerError(EmoSenseError):
    """The inference process could not do what was asked."""


class WorkerDied(WorkerError):
    """The inference process ended in the middle of the work; a new one was started."""


class WorkerTimeout(WorkerError):
    """The inference process did not answer in time; a new one was started."""
