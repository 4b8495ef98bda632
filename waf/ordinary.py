"""What customers, their browsers and payment processors send: by Faker in many locales, and by generators of our own."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator

from faker import Faker

from plugins.sanitise.detection import Kind

from .samples import Dice, Sample

LOCALES = (
    "en_US", "en_GB", "en_IE", "de_DE", "de_AT", "fr_FR", "fr_CA", "it_IT", "es_ES", "es_MX", "pt_BR", "pt_PT", "nl_NL",
    "nl_BE", "sv_SE", "da_DK", "no_NO", "fi_FI", "pl_PL", "cs_CZ", "hu_HU", "ro_RO", "el_GR", "tr_TR", "ru_RU", "uk_UA",
    "ja_JP", "zh_CN", "ko_KR", "ar_AA", "he_IL", "hi_IN",
)  # fmt: skip


def _of_locale(fake: Faker) -> Iterator[tuple[str, Kind]]:
    for field in ("name", "company", "address", "street_address", "city", "sentence", "text", "job", "catch_phrase", "phone_number", "email", "iban", "bs", "last_name"):  # fmt: skip
        if hasattr(fake, field):
            yield str(getattr(fake, field)()), Kind.VALUE
    yield fake.user_agent(), Kind.HEADER
    yield fake.url(), Kind.URL
    yield fake.uri(), Kind.URL


def of_locales(seed: int, each: int) -> Iterator[Sample]:
    """``each`` of every field in every locale."""
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(seed)
        for _ in range(each):
            yield from (Sample(text, "ordinary", locale, kind) for text, kind in _of_locale(fake))


_THINGS = ("shirt", "mug", "Tisch", "lampe", "poster", "coffee", "vélo", "keyboard", "table", "union jack flag", "select cut", "drop earrings", "script font", "image frame", "curl cream", "cat food", "cable", "groupon", "order form", "shell jacket", "update kit", "insert pack")  # fmt: skip
_NAMES = ("O'Brien", "D'Angelo", "L'Oréal", "Müller & Söhne", "M&S", "Marks & Spencer", "AT&T", "Dolce & Gabbana", "Ben & Jerry's", "d'Artagnan", "N'Golo", 'Toys "R" Us', "Jean-Luc", "McDonald's", "Sainsbury’s", "Select Hotels", "Union Bank", "Table & Chair Ltd", "Null", "True North", "And/Or Bookshop", "Where Else GmbH", "Having Fun Inc")  # fmt: skip


def _description(dice: Dice) -> str:
    a, b = dice.number(99), dice.number(99)
    thing, other, name = dice.choice(_THINGS), dice.choice(_THINGS), dice.choice(_NAMES)
    return dice.choice(
        (
            f"{a} x {thing} ({b}cm), {other}; {name}",
            f"<b>{thing}</b> for {name}<br>size {a}/{b}",
            f"{thing} - {other} -- special offer #{a}",
            f"{thing} <{a} kg & >{b} g",
            f"Select {thing}, {other} and {a} more from {name}",
            f"{a}% off {thing} = {b} EUR saved!",
            f"{thing} or {other}? {a} and {b}",
            f'{a}" {thing} with {b}" {other}',
            f"{thing} {a}' x {b}'",
            f"{name}: please update set {a} where possible",
            f"drop {thing} {a} by the window; {other} too",
            f"if {thing} > {a} then {other}, else {b}",
            f"<p>{thing} &amp; {other}</p><ul><li>{a}</li><li>{b}</li></ul>",
            f"* {thing}\n* {other}\n\n## {name}\n[shop](https://shop.example/{a}?b={b}&c=d)",
            f"I <3 {thing}!!! ({other})",
            f"{name} <info@shop.example>",
            f"{thing}, order by {a} pm, group by {other}",
            f"insert {thing} into {other} from {name}",
            f"The union, select committee of {name} and {a} others",
            f"{thing}; {other}; {a}; {b}",
            f"{a}={b} {name}",
            f"{thing}\\{other}\\{a}",
            f"{thing}|{other}|{a}",
            f"`{thing}` and `{other}`",
            f"({thing}) and ({other}) or [{a}]",
            f"{{{thing}}} costs ${a}",
            f"Hello {{{{name}}}}, your {thing} costs ${b}",
            f"C# / C++ / F# course, {a}",
            f"{name}'s {thing} and {other}'s {a}",
            f"'{thing}' or '{other}'",
            f"“{thing}” – {name}’s best",
            f"@{dice.word()} #{thing} :) ;-) <3 ^_^ ¯\\_(ツ)_/¯",
            f"{thing} (was: {a}; now: {b}) *",
            f"call {name} on {a}; ask for {other} & pay",
            f"SKU-{a}--{b}/{dice.word()}_{dice.word()}:{a}",
            f"{thing} >= {a} <= {b} != {other}",
            f"{name} || {other} && {thing}",
            f"Don't worry; it's {thing}'s; that's all",
            f"1/2 {thing}, 3/4 {other} -{a}",
            f"{thing} ... {other} .. {name}",
            f"see ../{thing}/{a}",
            f"echo {thing}; cat {other}; who knows",
            f"javascript: {thing} for beginners ({a}th edition)",
            f"on {thing} = {a}, one={b}",
        )
    )


def _identifier(dice: Dice) -> str:
    raw = bytes(dice.randrange(256) for _ in range(dice.randint(12, 60)))
    part = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return dice.choice(
        (
            f"pi_{part.replace('-', '').replace('_', '')}",
            f"cus_{part[:14]}",
            str(uuid.UUID(int=dice.getrandbits(128))),
            base64.b64encode(raw).decode(),
            ".".join(
                (
                    "eyJhbGciOiJIUzI1NiJ9",
                    base64.urlsafe_b64encode(json.dumps({"sub": dice.word()}).encode()).decode(),
                    part,
                )
            ),
            f"t={dice.number()},v1={raw.hex()}",
            f'W/"{raw.hex()[:16]}"',
            f"2026-0{dice.randint(1, 9)}-1{dice.randint(0, 9)}T10:{dice.randint(10, 59)}:00Z",
            f"{dice.number()}.{dice.randint(10, 99)} EUR",
            f"+{dice.number(99)} ({dice.number(999)}) {dice.number()}-{dice.number()}",
        )
    )


def _header(dice: Dice) -> str:
    a, b = dice.number(99), dice.number(99)
    return dice.choice(
        (
            f'session={dice.word()}{a}; theme=dark; _ga=GA1.2.{a}{b}.{b}; consent={{"ads":true}}',
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{a}.0.0.0 Safari/537.36",
            f"https://shop.example/search?q=red+{dice.word()}&order=by_price&page={a}#top",
            "en-GB,en;q=0.9,de;q=0.8",
            f'attachment; filename="{dice.word()} ({a}).pdf"',
            f'"Chromium";v="{a}", "Not;A=Brand";v="{b}"',
            "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        )
    )


def _url(dice: Dice) -> str:
    return f"https://{dice.word()}.example/{dice.word()}/{dice.number()}?a={dice.word()}%20{dice.word()}&return=https%3A%2F%2F{dice.word()}.example%2F{dice.word()}&x=%C3%A9#{dice.word()}"


_MAKERS: dict[str, tuple[Callable[[Dice], str], Kind]] = {
    "descriptions": (_description, Kind.VALUE), "identifiers": (_identifier, Kind.VALUE), "headers": (_header, Kind.HEADER),
    "URLs": (_url, Kind.URL),
}  # fmt: skip


def generated(dice: Dice, each: int) -> Iterator[Sample]:
    """``each`` of every kind of our own."""
    for context, (make, kind) in _MAKERS.items():
        for _ in range(each):
            yield Sample(make(dice), "ordinary", context, kind)


AWKWARD = (
    "select specialty hospital", "O'Brien", "1=1 Ltd", "DROP table tennis club", "price < 3 & > 1", "I <3 you",
    "<info@shop.example>", "Union Square; select items only", "Robert'); the best", "AT&T", "drop table 7 by the window",
    "a--b", "C# / C++", "100% cotton (50/50)", "please update set 4 where possible", "1 or 2", "Tom' and Jerry's",
    "Johnson & Johnson; Johnson", "the 1990's--and after", "6' 2\" tall", "5'-6\" x 7'", "rock 'n' roll", 'Nuts & Bolts (1/2")',
    "Choose a size (select one)", "Delete from basket", "Not null, but void", "insert coin into slot 2", "x' = y'", "#1 fan",
    "-- thank you --", "/* no comment */", "a || b", "true or false", "5 or more", "2 and 3", "Ex-ante; ex-post", "or else",
    "black and/or white", "if (you) { love me }", "Case when closed: 30 cm", "Group by the pool", "Order by phone", "like '70s",
    "Having a ball", "Limit 10 per customer", "between 5 and 10", "in ('stock')", "where's Wally?", "Values: love & trust",
    "Set of 3; call 555-1234", "begin again", "exec suite", "Grant Thornton to audit", "Load data sheet", "Cast iron (large)",
    "Sleep (deep)", "Count (Dracula)", "Version (2)", "User (admin)", "$100", "${price}", "{{ name }}", "#{42}", "<%>",
    "50% off <today only>", "<- left | right ->", "<br>", "<b>bold</b>", '<a href="https://shop.example">shop</a>',
    "onset = 5", "online=yes", "only = 3", "one=1&two=2", "ongoing: true", "JavaScript: The Good Parts",
    "data: text and images", "alert(s)", "prompt(er)", "Document.", "location: Berlin", "top[ic]", "Windows C:\\ drive",
    "and/or etc/misc", "../", "..", "...", "1...5", "cat; dog; bird", "id | name", "time & date", "who & what", "ping pong",
    "PATH to success", "php & mysql", "less is more; more is less", "curl; wavy; straight", "http://example.com", "localhost",
    "10.5.0", "v1.2.3.4", "10.0.0.138", "metadata", "$ne York", "ISO 9001:2015", "SQL for dummies: SELECT the best", "(1)(2)",
    "*)(*", "Smith (UK) (and sons)", "A) b) c)", "50 %", "100%25", "5%20", "&c.", "&co;", "R&D;", "\\o/", "\\uD83D", "C:\\>",
    "こんにちは；選択", "价格：１００％（含税）", "＜特価＞", "‘quoted’ and “double”", "5′ 6″", "naïve – café — résumé",
    "Straße 5 / 2. OG; bei Müller", "L'été; l'hiver", "l’addition, s’il vous plaît", "d'or et d'argent", "Côte d'Or = 21",
)  # fmt: skip
"""Texts that look like attacks to whoever looks for words."""


def awkward() -> Iterator[Sample]:
    return (Sample(text, "ordinary", "awkward") for text in AWKWARD)
