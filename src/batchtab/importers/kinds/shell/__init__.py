"""Commands of a shell, as jobs.yaml writes them: shared by crontab and systemd."""
