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
    ├── DetectorError             the face detector's weights or backend are unusable
    └── WorkerError               the inference process
        ├── WorkerDied            it ended in the middle of the work and was replaced
        └── WorkerTimeout         it did not answer in time and was replaced

Messages are written for the person who reads them on a page or in a terminal: what was
expected, what came, what to do.
"""


class EmoSenseError(Exception):
    """Base of all errors above; catching it catches them all.

    >>> try:
    ...     raise MediaTooLarge("Expected at most 50 MB. Received: 60 MB.")
    ... except EmoSenseError as error:
    ...     print(error)
    Expected at most 50 MB. Received: 60 MB.
    """


class MediaError(EmoSenseError):
    """An input that cannot be used as a photo or video.

    >>> raise MediaError("There is no file a.jpg.")
    Traceback (most recent call last):
    emosense.errors.MediaError: There is no file a.jpg.
    """


class MediaTooLarge(MediaError):
    """The file or the picture in it is above a limit (bytes or pixels).

    >>> raise MediaTooLarge("Expected at most 50 MB.")
    Traceback (most recent call last):
    emosense.errors.MediaTooLarge: Expected at most 50 MB.
    """


class UnsupportedMedia(MediaError):
    """The content is not one of the formats that are read here.

    >>> raise UnsupportedMedia("Expected a photo.")
    Traceback (most recent call last):
    emosense.errors.UnsupportedMedia: Expected a photo.
    """


class DamagedMedia(MediaError):
    """The format is known but the content is broken or cut off.

    >>> raise DamagedMedia("The file is empty (0 bytes).")
    Traceback (most recent call last):
    emosense.errors.DamagedMedia: The file is empty (0 bytes).
    """


class DatasetError(EmoSenseError):
    """Training data with a wrong layout, column, row, class or image.

    >>> raise DatasetError("row 3: expected emotion to be a code.")
    Traceback (most recent call last):
    emosense.errors.DatasetError: row 3: expected emotion to be a code.
    """


class TrainingError(EmoSenseError):
    """A training run that cannot start or go on.

    >>> raise TrainingError("epochs must be above 0.")
    Traceback (most recent call last):
    emosense.errors.TrainingError: epochs must be above 0.
    """


class ModelError(EmoSenseError):
    """A trained model that cannot be used.

    >>> raise ModelError("It cannot be used.")
    Traceback (most recent call last):
    emosense.errors.ModelError: It cannot be used.
    """


class ModelNotFound(ModelError):
    """No model of that name is registered.

    >>> raise ModelNotFound("There is no model 'x'.")
    Traceback (most recent call last):
    emosense.errors.ModelNotFound: There is no model 'x'.
    """


class ModelDamaged(ModelError):
    """A model's files are missing, changed or do not belong together.

    >>> raise ModelDamaged("card.json is not a model card.")
    Traceback (most recent call last):
    emosense.errors.ModelDamaged: card.json is not a model card.
    """


class BatchError(EmoSenseError):
    """A job over many files that cannot start or go on.

    >>> raise BatchError("out holds another job.")
    Traceback (most recent call last):
    emosense.errors.BatchError: out holds another job.
    """


class DetectorError(EmoSenseError):
    """The face detector's weights or backend are unusable.

    >>> raise DetectorError("The weights were changed.")
    Traceback (most recent call last):
    emosense.errors.DetectorError: The weights were changed.
    """


class WorkerError(EmoSenseError):
    """The inference process could not do what was asked.

    >>> raise WorkerError("It could not do what was asked.")
    Traceback (most recent call last):
    emosense.errors.WorkerError: It could not do what was asked.
    """


class WorkerDied(WorkerError):
    """The inference process ended in the middle of the work; a new one was started.

    >>> raise WorkerDied("The analysis process stopped.")
    Traceback (most recent call last):
    emosense.errors.WorkerDied: The analysis process stopped.
    """


class WorkerTimeout(WorkerError):
    """The inference process did not answer in time; a new one was started.

    >>> raise WorkerTimeout("The analysis was given up.")
    Traceback (most recent call last):
    emosense.errors.WorkerTimeout: The analysis was given up.
    """
