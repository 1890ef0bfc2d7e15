class UserError(Exception):
    """A fault of the person at the keyboard: said in one line, exit status 2."""


class HookError(UserError):
    """The installed ministack lacks an internal that local AWS builds on."""
