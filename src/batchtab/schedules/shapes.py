"""What schedules, exclusions and time zones look like; `batchtab.limits` adds the pages of AWS that say so."""

from __future__ import annotations

EXPRESSION_MAX = 256

# A date, two with a slash between (the last included), or a cron expression; in the schedule's time zone.
EXCLUSION_PATTERN = "^([0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2})?|cron[(].+[)])$"
EXCLUSION_MAX = 100
EXCLUSION_FORMS = "a date (2026-12-25), two dates (2026-12-24/2027-01-02) or cron(…)"

# Words; and the names of the database that have figures: EST5EDT, GMT+0, Etc/GMT-14. There is no KST+9.
ZONE_PATTERN = "^([A-Za-z]+([_/-][A-Za-z]+)*|[A-Z]{3}[0-9][A-Z]{3}|GMT[+-]?0|Etc/GMT([+-]?[0-9]|[+-]1[0-4]))$"
ZONE_MAX = 50
