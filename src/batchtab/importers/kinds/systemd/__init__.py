"""systemd's timers with their services."""
