// What works without it: reading and all buttons. With it: tables refresh, a log follows, a search filters as one types.
"use strict";

document.documentElement.classList.add("has-script");

// --- refresh: the regions with data-live are replaced from the page, loaded again

const refreshing = document.getElementById("refreshing");

async function takeFrom(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok) throw new Error(page.querySelector("[role=alert]")?.textContent ?? `status ${answer.status}`);
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (!fresh || fresh.innerHTML === old.innerHTML) continue;
    if (old.querySelector("details[open]")) continue; // somebody is about to press it
    // Who is on a link with the keyboard stays on it.
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceChildren(...fresh.childNodes);
    if (focused) [...old.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }
}

// A screen reader says what has changed, and not each time that all is as it was.
function speak(before) {
  const now = spoken();
  if (now !== before) document.getElementById("changed").textContent = now;
}

const spoken = () => document.querySelector("[data-spoken]")?.textContent ?? "";

async function refreshAgain() {
  const label = refreshing.parentElement;
  try {
    const before = spoken();
    if (!document.hidden && refreshing.checked) await takeFrom(location.pathname + location.search);
    speak(before);
    label.removeAttribute("data-failed");
  } catch (error) {
    label.setAttribute("data-failed", "not refreshed: does batchtab web still run?");
  }
  setTimeout(refreshAgain, refreshing.dataset.seconds * 1000);
}

if (refreshing) setTimeout(refreshAgain, refreshing.dataset.seconds * 1000);

// --- what takes a while comes after the page

async function load(region, said) {
  region.setAttribute("aria-busy", "true");
  said.textContent = "Reading…";
  try {
    await takeFrom(region.dataset.load);
    said.textContent = "";
  } catch (error) {
    said.textContent = error instanceof TypeError ? "Not read: does batchtab web still run?" : error.message;
  }
  region.removeAttribute("aria-busy");
}

const late = document.querySelector("[data-load]");
if (late) load(late, document.getElementById("loading"));

// --- a log that follows

const LINES_MAX = 20000;
const log = document.getElementById("log");

function follow(address) {
  const state = document.getElementById("log-state");
  const source = new EventSource(address);
  let waiting = [];
  const draw = () => {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(...waiting.map((line) => document.createTextNode(line + "\n")));
    waiting = [];
    while (log.childNodes.length > LINES_MAX) log.firstChild.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
  source.addEventListener("begin", () => {
    log.replaceChildren();
    waiting = [];
    state.textContent = "Following.";
  });
  source.addEventListener("line", (event) => {
    if (!waiting.length) requestAnimationFrame(draw);
    waiting.push(JSON.parse(event.data));
  });
  source.addEventListener("said", (event) => { state.textContent = JSON.parse(event.data); });
  source.addEventListener("over", (event) => {
    source.close();
    state.textContent = JSON.parse(event.data);
  });
  source.onerror = () => { state.textContent = "The log is not followed now: does batchtab web still run?"; };
}

if (log) log.scrollTop = log.scrollHeight;
if (log?.dataset.events) follow(log.dataset.events);

// --- a search that filters

const search = document.querySelector("[data-filter]");
search?.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll(`#${search.dataset.filter} tbody tr`)) {
    row.hidden = !row.dataset.name.toLowerCase().includes(wanted);
    shown += !row.hidden;
  }
  document.getElementById("shown").textContent = shown;
});

// --- a button does its thing once

document.addEventListener("submit", (event) => {
  if (event.target.method === "post") setTimeout(() => { event.submitter.disabled = true; });
});
