class ClientError(Exception):
    """A request that Batch refuses, with Batch's code `ClientException`."""

    code = "ClientException"
    status = 400


class UnknownOperationError(ClientError):
    """A path or operation that is not here."""

    code = "UnknownOperationException"
    status = 404
