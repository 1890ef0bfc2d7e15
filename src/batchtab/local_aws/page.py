from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from batchtab.local_aws.clock import iso

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:1.5rem auto;padding:0 1rem;color:#1d1c1d;background:#fff}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:1.6rem}p{color:#616061}
article{border-left:4px solid #ddd;padding:.1rem .8rem;margin:.7rem 0;background:#f8f8f8}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0;font-family:inherit}
small{color:#616061}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem .2rem 0}
.FAILED{color:#b3261e;font-weight:600}.SUCCEEDED{color:#146c2e}
"""
_COLORS = {"danger": "#b3261e", "warning": "#b26a00", "good": "#146c2e"}
_SHOWN_MESSAGES = 8
_SHOWN_JOBS = 10


def render(messages: list[dict[str, Any]], jobs: list[dict[str, Any]], now: float, speed: float) -> str:
    """Return the page: what would have reached Slack, newest first, and the last jobs. One screen, no script."""
    messages_shown = (
        "".join(_message(entry) for entry in reversed(messages[-_SHOWN_MESSAGES:])) or "<p>Nothing yet.</p>"
    )
    more = len(messages) - _SHOWN_MESSAGES
    older = f"<p>{more} older ones: <a href='/_local/slack'>all as JSON</a></p>" if more > 0 else ""
    rows = "".join(_job(job) for job in jobs[:_SHOWN_JOBS])
    header = "<tr><th>Job</th><th>Status</th><th>Created</th><th>Reason</th></tr>"
    table = f"<table>{header}{rows}</table>" if rows else "<p>None yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        f"<title>Local AWS</title><style>{_STYLE}</style></head><body><h1>Local AWS</h1>"
        f"<p>{escape(iso(now))}, {speed:g} times real speed. For this machine's development and tests only.</p>"
        f"<h2>What reached Slack</h2>{messages_shown}{older}<h2>Last jobs</h2>{table}</body></html>"
    )


def _message(entry: dict[str, Any]) -> str:
    message = entry["message"]
    sender = " ".join(str(message[key]) for key in ("icon_emoji", "username") if message.get(key))
    channel = str(message.get("channel") or "")
    head = " to ".join(part for part in (sender, channel) if part) or "message"
    body = "".join(_block(part) for part in [message, *_attachments(message)])
    color = next((str(part["color"]) for part in [message, *_attachments(message)] if part.get("color")), "")
    line = _COLORS.get(color, color)
    style = f' style="border-color:{escape(line, quote=True)}"' if line else ""
    first = f"<small>{escape(entry['received_at'])} &middot; {escape(head)}</small>"
    return f"<article{style}>{first}{body or _raw(message)}</article>"


def _attachments(message: dict[str, Any]) -> list[dict[str, Any]]:
    found = message.get("attachments")
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


_SLACK_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")


def _block(part: dict[str, Any]) -> str:
    lines = [str(part[key]) for key in ("pretext", "title", "text") if part.get(key)]
    fields = part.get("fields")
    for each in fields if isinstance(fields, list) else []:
        if isinstance(each, dict):
            lines.append(f"{each.get('title', '')}: {each.get('value', '')}")
    blocks = part.get("blocks")
    for each in blocks if isinstance(blocks, list) else []:
        lines += _block_texts(each)
    # Slack writes a date in its reader's own time; here its plain form is shown.
    return "".join(f"<pre>{escape(_SLACK_DATE.sub(_plain_date, line))}</pre>" for line in lines)


def _plain_date(found: re.Match[str]) -> str:
    return found[1]


def _block_texts(block: Any) -> list[str]:
    """Return the texts of one of Slack's blocks, in order."""
    if isinstance(block, dict):
        text = block.get("text")
        own = [text] if isinstance(text, str) else []
        return own + [
            found for key, part in block.items() if not (key == "text" and own) for found in _block_texts(part)
        ]
    if isinstance(block, list):
        return [found for part in block for found in _block_texts(part)]
    return []


def _raw(message: dict[str, Any]) -> str:
    return f"<pre>{escape(json.dumps(message, indent=1))}</pre>"


def _job(job: dict[str, Any]) -> str:
    status = escape(job["status"])
    tasks = job.get("ecsProperties", {}).get("taskProperties", [])
    containers = [job.get("container", {}), *(each for task in tasks for each in task["containers"])]
    reasons = [job.get("statusReason", ""), *(each.get("reason", "") for each in containers)]
    reason = " ".join(str(part) for part in reasons if part)
    created = escape(iso(job["createdAt"] / 1000))
    return (
        f'<tr><td title="{escape(job["jobId"], quote=True)}">{escape(job["jobName"])}</td>'
        f'<td class="{status}">{status}</td><td>{created}</td><td>{escape(reason)}</td></tr>'
    )
