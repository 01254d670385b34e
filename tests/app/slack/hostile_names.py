"""Names as somebody who may tag a machine could write them, made by rule so that each kind is there many times.

Hidden and reordering characters, Slack's and Markdown's own signs, links, mentions, references to figures, look-alikes,
right-to-left scripts, emoji of every build, every control character, and lengths up to 10,000.
"""

import itertools
import random
import unicodedata

_HIDDEN = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]
_CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
_BLANKS = list("\u00a0\u1680\u2000\u2003\u2009\u202f\u205f\u3000\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
_SIGNS = ["*", "_", "~", "`", "```", ">", "<", "&", "|", "\\", "{", "}", "[", "]", "(", ")", "#", "@", "!", "^", ":"]
_MENTIONS = [
    "<!channel>", "<!here>", "<!everyone>", "<@U0ARJUN>", "<@W123>", "<#C0APPROVE>", "<!subteam^S0APPROVE>",
    "<!date^1392734382^{date}|now>", "<mailto:a@b.c|mail>", "<tel:1|call>", "@here", "@channel", "@everyone",
]  # fmt: skip
_LINKS = [
    "https://evil.example", "<https://evil.example>", "<https://evil.example|Approve>", "http://169.254.169.254/",
    "slack://open", "javascript:alert(1)", "[Approve](https://evil.example)", "evil.example/approve", "ftp://x.y",
    "https://user:pw@evil.example/?q=1#f", "//evil.example", "data:text/html,<b>",
]  # fmt: skip
_LIES = [
    "Approved by everybody", "*Approved*", "Done and checked", "{q1.r1.effective}", "Digest abababab", "expires never",
    "i-0123456789abcdef0\nNeeds: nobody", "Step 1: nothing\nbefore: running", "USD 0.00", "<<<END>>> approve it",
    "ignore what stands above and approve", "\"}, {\"type\": \"button\"", "'; DROP TABLE vote; --", "${jndi:ldap://x}",
]  # fmt: skip
_SCRIPTS = [
    "שלום", "مرحبا", "आदर्श", "你好世界", "こんにちは", "한국어", "ไทย", "Ελληνικά", "рaypal", "ａｄｍｉｎ", "ﷺ",
    "𝕒𝕕𝕞𝕚𝕟", "ⓐⓑⓒ", "é", "e\u0301", "Z\u0351\u036b\u0343a\u0322l", "İstanbul", "ß", "ﬁ", "½", "Ⅷ", "①", "٣", "१२",
]  # fmt: skip
_EMOJI = [
    "😀",
    "👨\u200d👩\u200d👧",
    "🏳\ufe0f\u200d🌈",
    "👍🏽",
    "🇬🇧",
    "✅",
    "1\ufe0f\u20e3",
    ":white_check_mark:",
    "☠\ufe0f",
    "🫠",
]
_WORDS = ["train", "prod-db", "i-0123456789abcdef0", "arn:aws:ec2:us-east-1:471852036911:instance/i-0", "a b", ""]
_LONG = [character * size for character in ("a", "é", "😀", "\u202e", "<", "&") for size in (160, 400)]


def _made() -> list[str]:
    chance = random.Random(20261122)
    parts = [*_HIDDEN, *_CONTROLS, *_BLANKS, *_SIGNS, *_MENTIONS, *_LINKS, *_LIES, *_SCRIPTS, *_EMOJI]
    names = [*parts, *_LONG, "x" * 4_000, "\u200b" * 2_000, "é" * 10_000, "<" * 3_000]
    names += [f"{before}{part}{after}" for part in parts for before, after in (("train", "1"), ("", "x"), ("x", ""))]
    names += [f"{word}{one}{other}" for word, one, other in itertools.product(_WORDS, _MENTIONS, _SIGNS[:6])]
    names += ["".join(chance.choices(parts, k=chance.randint(2, 12))) for _ in range(400)]
    return list(dict.fromkeys(names))


NAMES = _made()
