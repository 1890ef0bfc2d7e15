"""What is a secret by its own form: keys, tokens, webhooks, and who uses a URL with which password.

The beginnings of tokens are what their makers document, compared with the default rules of gitleaks
(https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml). A rule is added there as `beginning: least`.
"""

from __future__ import annotations

from batchtab.masking.text import MASK, compiled, replaced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match

#: How a token begins, and how many characters follow at least.
_TOKENS = {
    # Code, packages, builds
    **dict.fromkeys(("gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_"), 20),
    **dict.fromkeys(("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "gloas-", "glsoat-", "glimt-"), 16),
    **dict.fromkeys(("glagent-", "GR1348941", "rubygems_", "dckr_pat_", "dckr_oat_", "CCIPAT_", "bkua_"), 16),
    **{
        "npm_": 20,
        "pypi-AgE": 16,
        "pypi-": 16,
        "oy2": 43,
        "AKCp": 60,
        "cmVmdGtu": 40,
        "sgp_": 40,
        "hf_": 30,
        "apify_api_": 30,
    },
    **{"ATATT3": 30, "ATCTT3": 30, "ATBB": 24, "lin_api_": 30, "ntn_": 30, "secret_": 43, "figd_": 30, "PMAK-": 30},
    # Clouds
    **{"AIza": 20, "ya29.": 16, "GOCSPX-": 20, "1//0": 30, "LTAI": 16, "AKID": 32, "AQVN": 35, "dapi": 32},
    **dict.fromkeys(("FwoGZXIvYXdz", "IQoJb3JpZ2lu", "AQoDYXdz", "bedrock-api-key-", "ABSK", "amzn.mws."), 30),
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_", "fo1_", "fm1r_", "fm1a_", "fm2_", "HRKU-", "tk-us-"), 30),
    **dict.fromkeys(("hvs.", "hvb.", "hvr.", "dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "sha256~", "ops_eyJ"), 20),
    **dict.fromkeys(("pscale_tkn_", "pscale_pw_", "pscale_oauth_", "sbp_", "sb_secret_", "nfp_", "CFPAT-"), 20),
    **{"AGE-SECRET-KEY-1": 50, "tskey-": 16, "pul-": 40},
    # Models
    **dict.fromkeys(("sk-", "gsk_", "xai-", "pplx-", "r8_", "nvapi-", "lsv2_pt_", "lsv2_sk_"), 20),
    # Payments, mail, messages, monitors
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_", "whsec_"), 10),
    **dict.fromkeys(("sq0atp-", "sq0csp-", "EAAA", "shpat_", "shpca_", "shppa_", "shpss_", "FLWSECK"), 22),
    **{"EAA": 80, "EZAK": 50, "EZTK": 50, "shippo_live_": 40, "shippo_test_": 40},
    **dict.fromkeys(("duffel_live_", "duffel_test_", "rdme_", "tfp_", "phx_", "fio-u-"), 30),
    **{"SG.": 20, "xkeysib-": 30, "xsmtpsib-": 30, "key-": 32, "pat-na1-": 30, "pat-eu1-": 30},
    **dict.fromkeys((*(f"xox{kind}-" for kind in "abceoprst"), "xoxe.xoxb-", "xoxe.xoxp-"), 8),
    **dict.fromkeys(("glsa_", "glc_", "NRAK-", "NRJS-", "NRII-", "dt0c01.", "dt0s01.", "dt0s16."), 16),
    **{"sntrys_": 30, "sntryu_": 30, "xapp-": 20},
}
#: Of these, what follows is letters and digits alone, as it is not in names such as `npm_config_cache`.
_PLAIN = frozenset(
    {"npm_", "hf_", "secret_", "sgp_", "ntn_", "gsk_", "r8_", "key-", "oy2", "dapi", "pul-", "rdme_", "AKCp"}
)
_BASE64 = frozenset(
    {"FwoGZXIvYXdz", "IQoJb3JpZ2lu", "AQoDYXdz", "ABSK", "fm1r_", "fm1a_", "fm2_", "ops_eyJ", "sntrys_"}
)
_AFTER = r"[\w-]*+(?:\.[\w-]++)*+"
_AFTER_PLAIN = r"[A-Za-z0-9]*+"
_AFTER_BASE64 = r"[\w+/=-]*+"

# Other forms, each beside its marks, of which every text that it matches has one.
_FORMS = (
    (
        r"(?i)(?:https?://)?(?:hooks\.slack(?:-gov)?\.com|(?:\w+\.)?discord(?:app)?\.com/api(?:/v\d+)?/webhooks"
        r"|[\w-]+\.webhook\.office\.com|outlook\.office(?:365)?\.com/webhook|hooks\.zapier\.com/hooks"
        r"|maker\.ifttt\.com/trigger|(?:events|api)\.pagerduty\.com/integration)/[^\s\"'<>\\]++",
        ("slack", "discord", "office", "zapier", "ifttt", "pagerduty"),
    ),
    # Who uses a URL, and the password, which may have `/`; a host and its port are neither.
    (
        r"(?<=://)(?:[^\s/@:?#\"'<>]*+:(?!\d{1,5}(?:[/?#]|$))(?:[^\s\"'<>:?]|:(?!//)|\?(?![\w.-]++=))+(?<!/)(?=@)"
        r"|[^\s/?#\"'<>]+(?=@))",
        ("@",),
    ),
    (r"(?:(?<=^//)|(?<=[\s\"'=(]//))[^\s/?#\"'<>@:]++:[^\s/?#\"'<>@]++(?=@)", ("@",)),
    (r"(?:(?<=:thin:)|(?<=:oci:))[^\s/@\"']{1,80}+/[^\s/@\"']{1,80}+(?=@)", ("@",)),
    (r"(?<![^\s\"'])[^\s:@\"']++:[^\s\"']+(?=@(?:tcp|unix)\()", ("@tcp(", "@unix(")),
    (r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])", ("AKIA", "ASIA", "ABIA", "ACCA")),
    (r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![A-Za-z0-9])", ("SK",)),
    (r"(?<![0-9A-Za-z])[0-9a-f]{32}-us[0-9]{1,2}(?![0-9A-Za-z-])", ("-us",)),
    (r"(?<![0-9])[0-9]{8,10}:AA[\w-]{33}(?![\w-])", (":AA",)),
    (r"(?<![\w~.-])[\w~.]{3}[0-9]Q~[\w~.-]{31,34}", ("Q~",)),
    (r"(?<!\w)\w{14}\.atlasv1\.[\w=-]{20,}", (".atlasv1.",)),
)
_SHORTEST_OF_JWT = 8
_JWT = r"eyJ[\w-]*+(?:\.[\w-]*+)*+"

_KEY_MARK = "PRIVATE KEY"
_KEY = rf"(?s)-----BEGIN [A-Z ]*{_KEY_MARK}(?: BLOCK)?-----.*?(?:-----END [A-Z ]*{_KEY_MARK}(?: BLOCK)?-----|\Z)"
_KEY_END = rf"-----END (?:[A-Z]+ )*?{_KEY_MARK}(?: BLOCK)?-----"
# Words as long as AWS's secret keys, and as the lines of a private key whose beginning is not there.
_SHORTEST_LONG = 40
_SHORTEST_TOKEN = 12
_SHORTEST_PIECE = 8
_LONG = (
    r"(?:(?<![A-Za-z0-9/+=_-])|(?<=\\n))(?:[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])"
    r"|[A-Za-z0-9/+]{60,76}={0,2}(?![A-Za-z0-9/+=_-]))"
)
_FEWEST_DIFFERENT = 16
_BASE64_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= "


def mask_forms(text: str) -> str:
    """The text without what is a secret by its form alone, for text in which names such as `secret:x` are no secrets.

    These are private keys, keys of AWS, tokens of GitHub, GitLab, Slack and many others, JSON Web Tokens, webhooks,
    and the user and password of a URL.
    """
    if _KEY_MARK in text:
        text = _without_end_of_key(replaced(_KEY, MASK, text))
    for pattern, marks in _FORMS:
        if any(mark in text for mark in marks):
            text = replaced(pattern, MASK, text)
    words = {word for word in text.split() if len(word) >= _SHORTEST_TOKEN}
    if not words:
        return text
    candidates = "\n".join(words)
    characters = set(candidates)
    for beginning, least in _TOKENS.items():
        if characters.issuperset(beginning) and beginning in candidates:
            text = _without_tokens(text, beginning, least)
    if "eyJ" in candidates:
        text = replaced(_JWT, _jwt, text)
    if any(len(word) >= _SHORTEST_LONG for word in words):
        text = replaced(_LONG, _long, text)
    return text


def _without_tokens(text: str, beginning: str, least: int) -> str:
    def token(found: Match[str]) -> str:
        before, rest = text[max(0, found.start() - 1) : found.start()], found[0][len(beginning) :]
        is_word = before.isalnum() or len(rest) < least or not _is_random(rest)
        return found[0] if is_word else MASK

    after = _AFTER_PLAIN if beginning in _PLAIN else _AFTER_BASE64 if beginning in _BASE64 else _AFTER
    return replaced(beginning.replace(".", r"\.") + after, token, text)


def _is_random(rest: str) -> bool:
    """No words of a name: a token has a long piece without `-`, `_` and `.`, with digits or letters of both cases."""
    pieces = rest.replace("_", "-").replace(".", "-").split("-")
    return any(len(piece) >= _SHORTEST_PIECE and _is_mixed(piece) for piece in pieces)


def _is_mixed(piece: str) -> bool:
    return any(map(str.isdigit, piece)) or (piece != piece.lower() and piece != piece.upper())


def _jwt(found: Match[str]) -> str:
    parts = found[0].split(".")
    return MASK if len(parts) > 1 and min(map(len, parts[:2])) >= _SHORTEST_OF_JWT else found[0]


def _long(found: Match[str]) -> str:
    word = found[0]
    is_random = word != word.lower() and word != word.upper() and any(map(str.isdigit, word))
    return MASK if is_random and len(set(word)) >= _FEWEST_DIFFERENT else word


def _without_end_of_key(text: str) -> str:
    """The text without the last lines of private keys whose first line is not there."""
    pieces, done = [], 0
    for found in compiled(_KEY_END).finditer(text):
        lines = compiled(r"(\\n|\n)").split(text[done : found.start()])  # and between them what parts them
        at = len(lines) - 1
        if _last_word(lines[at]) == lines[at].strip() != "" and lines[at].strip(_BASE64_CHARACTERS) == "":
            lines[at] = MASK
        while at >= _STEP:
            at -= _STEP
            word = _last_word(lines[at])
            is_next_to_last = at == len(lines) - 1 - _STEP
            if len(word) < (1 if is_next_to_last else _SHORTEST_LONG):
                break
            lines[at] = lines[at].rstrip()[: -len(word)] + MASK
        pieces += [*lines, MASK]
        done = found.end()
    return "".join(pieces) + text[done:]


_STEP = 2


def _last_word(line: str) -> str:
    return (line.split() or [""])[-1]
