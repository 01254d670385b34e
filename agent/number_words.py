"""Numbers that are written without a digit: number words, fractions, multiples, Roman numerals .

English, and the words of German, French and Spanish that are numbers and nothing else: an answer is in the asker's
language, and `zwölftausend` is as much an invented figure as `twelve thousand`.
"""

import re
import unicodedata
from collections.abc import Iterator

_WORDS = """
zero zeroes nought naught nil two twos three threes four fours five fives six sixes seven sevens eight eights nine nines
ten tens eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty twenties thirty thirties
forty fourty fifty fifties sixty seventy eighty ninety hundred hundreds thousand thousands million millions billion
billions trillion trillions lakh lakhs crore crores dozen dozens couple googol
half halves halved halving thirds fourth fourths quarters fifth fifths sixth sixths seventh sevenths eighth eighths
ninth ninths tenth tenths eleventh twelfth thirteenth fourteenth fifteenth twentieth thirtieth hundredth hundredths
thousandth thousandths millionth
twice thrice double doubles doubled doubling triple triples tripled tripling treble trebled quadruple quadrupled
quadrupling quintuple quintupled sextuple twofold threefold fourfold fivefold sixfold sevenfold eightfold ninefold
tenfold hundredfold thousandfold manifold minus
"""
_OTHER_LANGUAGES = """
zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert tausend million millionen
milliarde milliarden dutzend hälfte halb halbe halbiert doppelt doppelte verdoppelt verdreifacht dreimal zweimal drittel
viertel fünftel zehntel
deux trois quatre cinq huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante
cents mille milliard milliards moitié doublé triplé dizaine douzaine centaine millier
dos tres cuatro cinco siete ocho nueve diez doce trece catorce veinte treinta cuarenta cincuenta sesenta setenta ochenta
noventa cien ciento cientos mil millón millones mitad doble duplicado duplicó triplicado tercio docena
"""
NUMBER_WORDS = frozenset(_WORDS.split()) | frozenset(_OTHER_LANGUAGES.split())
_JOINED = re.compile(
    r"\w{3,}(?:hundert|tausend|millionen|milliarden|zehn)\w*|"
    r"\w*(?:zwan|vier|fünf|fuenf|sech|sieb|acht|neun)zig\w*|\w*drei(?:ß|ss)ig\w*",
    re.IGNORECASE,
)
"""German writes a number as one word: `zwölftausend`, `vierzig`. `Leipzig` and `einzige` only end like one."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_HARMLESS_DOUBLE = re.compile(r"\bdouble[\s-]?(?:check|count)\w*", re.IGNORECASE)
_PLAIN_ONE = re.compile(
    r"\b(?:which|this|that|the|each|no|any|every|another|other|same|right|only|last|next|new|old|largest|biggest|smallest|"
    r"cheapest|idle|first)\s+one\b(?!\s+(?:hundred|thousand|million|third|half|quarter|percent|per))|"
    r"\bone\s+(?:of\s+(?:the|them|these|those|your|our)|another|by\s+one|or\s+the\s+other|at\s+a\s+time|line)\b|\bby\s+one\b",
    re.IGNORECASE,
)
_PLAIN_QUARTER = re.compile(
    r"\b(?:this|that|the|last|next|previous|current|each|every|per|fiscal|calendar|full|whole|earlier|past)\s+quarter\b"
    r"(?!\s+of\s+(?:the|all|our|your|that|it|this|spend|cost))",
    re.IGNORECASE,
)
_PLAIN_THIRD = re.compile(r"(?<!one )(?<!a )\bthird\b(?![\s-]+of\b)", re.IGNORECASE)
# A tier of a service and a quart of milk; in French `un tiers` and `trois quarts` are shares.
_PLAIN_TIERS, _PLAIN_QUART = (
    re.compile(
        rf"(?<!un )(?<!deux )(?<!trois )(?<!le )(?<!du )(?<!au )\b{word}\b(?!\s+(?:de|des|du|plus|moins)\b|\s+d['’])",
        re.IGNORECASE,
    )
    for word in ("tiers", "quart")
)
# A value that is null; in German `null Euro` and `sind null` are a zero.
_PLAIN_NULL = re.compile(
    r"(?<!auf )(?<!bei )(?<!ist )(?<!sind )(?<!war )(?<!waren )(?<!betrug )(?<!betragen )(?<!betrugen )(?<!gleich )"
    r"(?<!nahe )(?<!von )(?<!kosten )(?<!kostet )(?<!kostete )\bnull\b"
    r"(?!\s*[$€£%]|\s+(?:euro|dollar|franken|pfund|prozent|cent|komma|mal|kosten|ausgaben|tokens?|stunden|usd|eur|gbp|chf)\b)",
    re.IGNORECASE,
)
_NEVER = re.compile(r"(?!)")

# Words that are a number in one use and plain English in another, each with the uses that are plain.
_TWO_FACED = (
    (re.compile(r"\bone\b", re.IGNORECASE), _PLAIN_ONE),
    (re.compile(r"\bquarter\b", re.IGNORECASE), _PLAIN_QUARTER),
    (re.compile(r"\bthird\b", re.IGNORECASE), _PLAIN_THIRD),
    (re.compile(r"\btiers\b", re.IGNORECASE), _PLAIN_TIERS),
    (re.compile(r"\bquart\b", re.IGNORECASE), _PLAIN_QUART),
    (re.compile(r"\bnull\b", re.IGNORECASE), _PLAIN_NULL),
    (re.compile(r"\borders?\s+of\s+magnitude\b", re.IGNORECASE), _NEVER),
)
# Short ones of I, V and X only: `ML`, `CI`, `CD` and `DC` are words of this trade.
_ROMAN = (
    re.compile(r"\b(?=[IVX]{2,}\b)X{0,3}(?:IX|IV|V?I{0,3})\b"),
    re.compile(r"\b(?=[IVXLCDM]{4,}\b)M{0,4}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b"),
)
_DISGUISES = {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}


def number_words(text: str) -> Iterator[re.Match[str]]:
    """Each word of `text` (in compatibility form) that states a number; ordinals up to `third` do not."""
    harmless = [match.span() for match in _HARMLESS_DOUBLE.finditer(text)]
    for match in _WORD.finditer(text):
        if mixes_scripts(match.group()) or (
            (match.group().casefold() in NUMBER_WORDS or _JOINED.fullmatch(match.group()))
            and not inside(match.span(), harmless)
        ):
            yield match
    for word, plain in _TWO_FACED:
        spans = [match.span() for match in plain.finditer(text)]
        yield from (match for match in word.finditer(text) if not inside(match.span(), spans))
    for roman in _ROMAN:
        yield from roman.finditer(text)


def mixes_scripts(word: str) -> bool:
    """True for a word of Latin and look-alike letters: `twісe` with Cyrillic letters reads as a number."""
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in word if letter.isalpha()}
    return "LATIN" in scripts and bool(scripts & _DISGUISES)


def inside(span: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    """True if `span` lies within one of `spans`."""
    return any(start <= span[0] and span[1] <= end for start, end in spans)
