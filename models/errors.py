"""What may be wrong with a model on disk. Kept apart so that naming an error loads no library."""


class ModelError(ValueError):
    """A model cannot be used; the message names the file, what differs and what to run."""


class ForeignFileError(ModelError):
    """A weight file is not the one that was expected."""


class DamagedModelError(ModelError):
    """A built embedder is incomplete, altered or of another build."""


class TaggerError(ModelError):
    """A tagger is missing, altered, or made for other groups or versions."""


class MatcherError(ModelError):
    """A matcher is missing, altered or made with other versions."""


class AdapterError(ModelError):
    """A task adapter is missing, altered, or of another form."""
