"""The job runner: starts a job's command, passes signals on, keeps two runs apart, says how it ended.

It imports nothing else of this project, so that the folder can be copied into any image that has Python 3.11 or newer.
"""
