"""All exceptions that EmoSense raises on purpose.

::

    EmoSenseError
    ├── MediaError                an input that cannot be used as a photo or video
    │   ├── MediaTooLarge         a size above the limit of bytes or pixels
    │   ├── UnsupportedMedia      an unsupported format
    │   └── DamagedMedia          a supported format, but damaged or truncated content
    ├── DatasetError              training data with a wrong layout, column, row, class or image
    ├── TrainingError             a training run that cannot start or go on
    ├── ModelError                a trained model that cannot be used
    │   ├── ModelNotFound         no model of that name in the registry
    │   └── ModelDamaged          missing or changed files, a wrong checksum or shape
    ├── BatchError                a batch job that cannot start or go on
    ├── DetectorError             unusable weights or backend of the face detector
    └── WorkerError               a request that the inference process could not answer
        ├── WorkerDied            the process ended during the request and was replaced
        └── WorkerTimeout         the process did not answer in time and was replaced

Messages are written for the person who reads them on a page or in a terminal: what was
expected, what was received, and what to do.
"""


class EmoSenseError(Exception):
    """Base class of all EmoSense exceptions.

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
    """The file has too many bytes, or its picture too many pixels.

    >>> raise MediaTooLarge("Expected at most 50 MB.")
    Traceback (most recent call last):
    emosense.errors.MediaTooLarge: Expected at most 50 MB.
    """


class UnsupportedMedia(MediaError):
    """The content has no supported format.

    >>> raise UnsupportedMedia("Expected a photo.")
    Traceback (most recent call last):
    emosense.errors.UnsupportedMedia: Expected a photo.
    """


class DamagedMedia(MediaError):
    """The format is supported, but the content is damaged or truncated.

    >>> raise DamagedMedia("The file is empty (0 bytes).")
    Traceback (most recent call last):
    emosense.errors.DamagedMedia: The file is empty (0 bytes).
    """


class DatasetError(EmoSenseError):
    """Training data with a wrong layout, column, row, class or image.

    >>> raise DatasetError("row 3: expected emotion to be 0 to 6.")
    Traceback (most recent call last):
    emosense.errors.DatasetError: row 3: expected emotion to be 0 to 6.
    """


class TrainingError(EmoSenseError):
    """A training run that cannot start or go on.

    >>> raise TrainingError("epochs must be above 0.")
    Traceback (most recent call last):
    emosense.errors.TrainingError: epochs must be above 0.
    """


class ModelError(EmoSenseError):
    """A trained model that cannot be used.

    >>> raise ModelError("cnn8: the model cannot be loaded.")
    Traceback (most recent call last):
    emosense.errors.ModelError: cnn8: the model cannot be loaded.
    """


class ModelNotFound(ModelError):
    """The registry has no model of that name.

    >>> raise ModelNotFound("There is no model 'x'.")
    Traceback (most recent call last):
    emosense.errors.ModelNotFound: There is no model 'x'.
    """


class ModelDamaged(ModelError):
    """The files of a model are missing or changed, or do not belong together.

    >>> raise ModelDamaged("card.json is not a model card.")
    Traceback (most recent call last):
    emosense.errors.ModelDamaged: card.json is not a model card.
    """


class BatchError(EmoSenseError):
    """A batch job that cannot start or go on.

    >>> raise BatchError("out holds another job.")
    Traceback (most recent call last):
    emosense.errors.BatchError: out holds another job.
    """


class DetectorError(EmoSenseError):
    """The weights or the backend of the face detector are unusable.

    >>> raise DetectorError("The weights were changed.")
    Traceback (most recent call last):
    emosense.errors.DetectorError: The weights were changed.
    """


class WorkerError(EmoSenseError):
    """The inference process could not answer a request.

    >>> raise WorkerError("Unexpected fault: ValueError: NaN.")
    Traceback (most recent call last):
    emosense.errors.WorkerError: Unexpected fault: ValueError: NaN.
    """


class WorkerDied(WorkerError):
    """The inference process ended during a request; a new one was started.

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


class WorkerLimitExceeded(WorkerError):
    """A request took more memory or processor time than one file may; its process was ended.

    >>> raise WorkerLimitExceeded("It needs more than 1.2 GB.")
    Traceback (most recent call last):
    emosense.errors.WorkerLimitExceeded: It needs more than 1.2 GB.
    """


class ServerBusy(EmoSenseError):
    """Too many requests or jobs of one user, or of one page, wait already.

    >>> raise ServerBusy("Expected at most 10 waiting jobs.")
    Traceback (most recent call last):
    emosense.errors.ServerBusy: Expected at most 10 waiting jobs.
    """


class NoRoom(ServerBusy):
    """There is no room for more results: some have to be removed first.

    >>> raise NoRoom("Expected at most 50 analyses that are kept on this page.")
    Traceback (most recent call last):
    emosense.errors.NoRoom: Expected at most 50 analyses that are kept on this page.
    """


class Cancelled(EmoSenseError):
    """A request was cancelled while it waited for its turn.

    >>> raise Cancelled("It was cancelled before it began.")
    Traceback (most recent call last):
    emosense.errors.Cancelled: It was cancelled before it began.
    """
