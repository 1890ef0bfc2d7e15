class UnknownRequestError(Exception):
    """A request of which local AWS cannot say what permissions it needs; the text says what is unknown."""
