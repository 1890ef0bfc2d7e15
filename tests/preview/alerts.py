"""Shows what people see in Slack: `python -m tests.preview.alerts` writes a page with each case in both forms."""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lambda"))

from tests.unit.lambda_.support import SETTINGS, event, job  # noqa: E402

from job_alerts import attachment, blocks, failed_trigger, lateness, message  # noqa: E402
from job_alerts.events import read  # noqa: E402
from job_alerts.failed_trigger import FailedTrigger  # noqa: E402
from job_alerts.message import Message, Repeats, Route  # noqa: E402
from job_alerts.notifiers import topic  # noqa: E402
from job_alerts.schedule import Schedule  # noqa: E402
from job_alerts.text import log_lines  # noqa: E402
from job_alerts.watches import Watched  # noqa: E402

OUT = ROOT / ".batchtab" / "preview" / "alerts.html"
LOG = log_lines(
    [
        "2026-03-02 09:19:58 INFO loading orders of 2026-03-01",
        "2026-03-02 09:20:31 INFO 120000 of 250000 rows, 1.1 s per 1000",
        "connect postgres://app:hunter2@db.internal/orders",
        "Traceback (most recent call last):",
        '  File "/app/jobs/report.py", line 41, in <module>',
        "    total = sum(row['<amount>'] for row in rows)",
        "MemoryError: *unable* to `allocate` & <!channel> @here",
    ]
)
STYLE = """
body{font:15px/1.46 Lato,"Noto Sans",system-ui,sans-serif;color:#1d1c1d;background:#fff;margin:24px auto;width:1440px}
h1{font-size:20px}h2{font-size:14px;color:#616061;margin:22px 0 6px}.row{display:flex;gap:24px}
.row>div{flex:1;min-width:0}.m{display:flex;gap:8px;padding:8px 0}.b{flex:1;min-width:0}.n{font-weight:900}
.i{width:36px;height:36px;border-radius:6px;background:#e8e8e8;font-size:22px;text-align:center;line-height:36px}
.app{background:#e8e8e8;color:#616061;font-size:10px;padding:1px 3px;border-radius:2px;margin-left:4px}
.a{border-left:4px solid #ddd;padding:2px 0 2px 12px;margin:4px 0;border-radius:2px;max-width:600px}
.t,.k{font-weight:700}.f{display:grid;grid-template-columns:1fr 1fr;gap:4px 16px}.f .l{grid-column:1/3}
code,pre{background:#f8f8f8;border:1px solid #ddd;font:12px/1.5 Monaco,"DejaVu Sans Mono",monospace}
code{border-radius:3px;padding:1px 3px;color:#c01343;overflow-wrap:anywhere}
pre{border-radius:4px;padding:8px;white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0}
.btn{display:inline-block;border:1px solid #ccc;border-radius:4px;padding:4px 12px;margin:6px 8px 4px 0}
.btn{font-weight:700;font-size:13px}.c{color:#616061;font-size:12px}.h{font-size:18px;font-weight:900;margin:4px 0}
.s{margin:6px 0;max-width:600px;white-space:pre-line;overflow-wrap:anywhere}
.mention{background:#f8e9c4;color:#1264a3;border-radius:3px;padding:0 2px}
"""
COLORS = {"danger": "#a30200", "warning": "#daa038", "good": "#2eb886"}
EMOJI = {":red_circle:": "🔴", ":large_green_circle:": "🟢", ":large_orange_circle:": "🟠", ":cloud:": "☁️"}


DEAD_LETTERS = (
    *("trigger_dead_letter", "schedule_dead_letter", "managed_schedule_dead_letter", "submit_function_dead_letter"),
    *("chain_dead_letter", "run_end_dead_letter"),
)
LATE = lateness.LateRun(
    Watched(
        "my-service-do-something",
        "arn:aws:batch:ap-northeast-2:123456789012:job-queue/batchtab-prod-default",
        Schedule("cron(0 9 ? * MON-FRI *)", "Asia/Seoul", end="2026-12-31T00:00:00Z"),
        600,
    ),
    1_772_409_600,
    1,
)


def trigger(name: str) -> FailedTrigger:
    """The message of a dead-letter queue."""
    found = read(event(name))
    assert isinstance(found, list)
    return found[0]


def cases() -> list[tuple[str, Message]]:
    """Each case with a name."""
    route = Route("my-service", "#my-service", "here")
    failed = [
        (name, message.failed(job(name), SETTINGS, log=LOG if name == "out_of_memory" else []))
        for name in (
            *("exit_code", "out_of_memory", "timed_out", "image_not_pulled", "secret_not_read", "host_reclaimed"),
            *("cancelled", "terminated", "stuck_in_runnable", "array_parent", "local_aws", "scheduled_run"),
        )
    ]
    hostile = job(
        "exit_code", jobName="<!channel>*x*", statusReason="<https://evil|click> @here `x` *bold* " + "y" * 900
    )
    return [
        *failed,
        (
            "again, with a route and dependents",
            message.failed(
                job("exit_code"),
                SETTINGS,
                route=route,
                log=LOG,
                repeats=Repeats(9, 7, 1_772_300_000),
                dependents=[job("dependency_failed")],
            ),
        ),
        ("no log", message.failed(job("exit_code"), SETTINGS, log_note="Its log could not be read (AccessDenied).")),
        ("recovered", message.recovered(job("succeeded"), SETTINGS, 9, 1_772_300_000)),
        ("queue blocked", message.blocked(job("queue_blocked"), SETTINGS)),
        (
            "array with its children",
            message.failed(job("array_parent"), SETTINGS, log=LOG, children=[job("array_child")]),
        ),
        ("paused, of several containers", message.failed(job("sidecar_failed"), SETTINGS, log=LOG, is_paused=True)),
        *[(name, failed_trigger.tell(trigger(name), SETTINGS, route)) for name in DEAD_LETTERS],
        ("did not start", lateness.tell(LATE, SETTINGS, route)),
        ("storm", message.many([job("exit_code", jobName=f"nightly-import-{n:03}") for n in range(60)], SETTINGS)),
        ("hostile", message.failed(hostile, SETTINGS, log=LOG)),
    ]


def mrkdwn(text: str) -> str:
    """Slack's markup as HTML, as far as the messages use it; what is escaped stays so."""
    text = text.replace("\u200b", "")
    parts = re.split(r"(```.*?```|`[^`\n]+`)", text, flags=re.DOTALL)
    done = []
    for part in parts:
        if part.startswith("```"):
            done.append(f"<pre>{part[3:-3].strip(chr(10))}</pre>")
        elif part.startswith("`"):
            done.append(f"<code>{part[1:-1]}</code>")
        else:
            shown = re.sub(r"<!date\^\d+\^[^|]*\|([^>]*)>", r"\1", part)
            shown = re.sub(r"<!(here|channel|everyone)>", r'<span class="mention">@\1</span>', shown)
            done.append(re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", shown))
    return "".join(done)


def plain(text: str) -> str:
    """Text without markup; emoji are shown."""
    for name, sign in EMOJI.items():
        text = text.replace(name, sign)
    return html.escape(text)


def old_form(payload: dict[str, Any]) -> str:
    """Attachments."""
    body = f"<div>{mrkdwn(payload['text'])}</div>" if payload.get("text") else ""
    for one in payload["attachments"]:
        marked = one.get("mrkdwn_in", [])
        text = mrkdwn(one["text"]) if "text" in marked else one["text"].replace("\n", "<br>")
        fields = "".join(
            f'<div class="{"" if field["short"] else "l"}">'
            f'<div class="k">{field["title"]}</div>{mrkdwn(field["value"])}</div>'
            for field in one.get("fields", [])
        )
        buttons = "".join(f'<a class="btn">{action["text"]}</a>' for action in one.get("actions", []))
        title = f'<div class="t">{one["title"]}</div>' if one.get("title") else ""
        footer = f'<div class="c">{one["footer"]}</div>' if one.get("footer") else ""
        color = COLORS.get(one["color"], one["color"])
        body += (
            f'<div class="a" style="border-color:{color}">{title}<div>{text}</div>'
            f'<div class="f">{fields}</div>{buttons}{footer}</div>'
        )
    return frame(payload, body)


def new_form(payload: dict[str, Any]) -> str:
    """Block Kit."""
    body = ""
    for block in payload["blocks"]:
        if block["type"] == "header":
            body += f'<div class="h">{plain(block["text"]["text"])}</div>'
        elif block["type"] == "section" and "fields" in block:
            body += '<div class="s f">' + "".join(f"<div>{mrkdwn(f['text'])}</div>" for f in block["fields"]) + "</div>"
        elif block["type"] == "section":
            body += f'<div class="s">{mrkdwn(block["text"]["text"])}</div>'
        elif block["type"] == "actions":
            body += "".join(f'<a class="btn">{plain(e["text"]["text"])}</a>' for e in block["elements"])
        elif block["type"] == "context":
            body += "".join(f'<div class="c">{plain(e["text"])}</div>' for e in block["elements"])
    return frame(payload, body)


def frame(payload: dict[str, Any], body: str) -> str:
    """A message with its sender."""
    return (
        f'<div class="m"><div class="i">{EMOJI.get(payload["icon_emoji"], "?")}</div><div class="b">'
        f'<span class="n">{payload["username"]}</span><span class="app">APP</span>'
        f' <span class="c">{html.escape(payload["channel"])}</span>{body}</div></div>'
    )


def page() -> str:
    """All cases."""
    rows = ""
    for name, told in cases():
        old, new = attachment.render(told, SETTINGS), blocks.render(told, SETTINGS)
        json.dumps([old, new])
        mail = f"<pre>Subject: {html.escape(topic.subject(told))}\n\n{html.escape(topic.text(told))}</pre>"
        forms = "".join(f"<div>{form}</div>" for form in (old_form(old), new_form(new), mail))
        rows += f'<h2>{name}</h2><div class="row">{forms}</div>'
    head = "<h1>SendToSlack (attachments), webhook (Block Kit) and topic (e-mail)</h1>"
    top = f'<meta charset="utf-8"><title>Alerts</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{top}</head><body>{head}{rows}</body></html>'


def main() -> int:
    """Writes the page and says where."""
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(page(), encoding="utf-8")
    print(OUT.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
