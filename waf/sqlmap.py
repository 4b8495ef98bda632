"""sqlmap's payloads and tampers, read where Debian's package has put them; nothing of them is kept here."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from .samples import Dice, Sample

FOLDER = Path("/usr/share/sqlmap")
_PYTHON = "/usr/bin/python3"
_TAMPER = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import warnings; warnings.simplefilter("ignore")
from lib.core.data import kb
from lib.core.enums import *
from lib.core.common import *
import lib.core.common
from lib.core.datatype import AttribDict
kb.keywords = set(open(sys.argv[1] + "/data/txt/keywords.txt").read().split())
kb.tamperFunctions = []
asked = json.load(sys.stdin)
answers = {}
for name in asked["tampers"]:
    try:
        tamper = importlib.import_module("tamper." + name).tamper
        answers[name] = [tamper(payload=text, headers={}, delimiter="&", hints={}) for text in asked["texts"]]
    except Exception:
        continue
json.dump(answers, sys.stdout)
"""
_UNDONE_BY_NOBODY = frozenset(
    {"base64encode", "xforwardedfor", "varnish", "luanginx", "escapequotes", "percentage", "bluecoat"}
)
"""What only a certain server undoes, hides nothing of the text itself, or is no longer an attack."""


def present() -> bool:
    return (FOLDER / "data" / "xml" / "payloads").is_dir()


def payloads(dice: Dice) -> list[Sample]:
    """Each payload behind some of the boundaries it may stand behind, its marks filled in."""
    boundaries = _boundaries()
    found = []
    for path in sorted((FOLDER / "data" / "xml" / "payloads").glob("*.xml")):
        for test in ET.parse(path).getroot().iter("test"):  # a file of the system's own
            found += _of(dice, test, path.stem, boundaries)
    return found


def _of(dice: Dice, test: ET.Element, kind: str, boundaries: list[ET.Element]) -> Iterator[Sample]:
    payload, comment = test.findtext("request/payload") or "", test.findtext("request/comment") or ""
    if kind == "union_query":
        payload = f"UNION ALL SELECT {','.join(['NULL'] * dice.randint(2, 9))}"
    fitting = [each for each in boundaries if _fits(test, each)]
    wheres = (test.findtext("where") or "1").split(",")
    if "3" in wheres:
        yield Sample(_filled(dice, payload + comment), "sqli", f"sqlmap {kind}")
    for boundary in dice.sample(fitting, min(4, len(fitting))) if wheres != ["3"] else ():
        prefix, suffix = boundary.findtext("prefix") or "", "" if comment else boundary.findtext("suffix") or ""
        value = dice.number() if dice.random() < 0.7 else dice.word()
        gap = "" if payload.startswith(";") else " "
        yield Sample(_filled(dice, f"{value}{prefix}{gap}{payload}{comment}{suffix}"), "sqli", f"sqlmap {kind}")


def _boundaries() -> list[ET.Element]:
    return list(ET.parse(FOLDER / "data" / "xml" / "boundaries.xml").getroot().iter("boundary"))


def _fits(test: ET.Element, boundary: ET.Element) -> bool:
    clauses, wanted = (set((each.findtext("clause") or "0").split(",")) for each in (test, boundary))
    places, allowed = (set((each.findtext("where") or "1").split(",")) for each in (test, boundary))
    return bool((clauses & wanted or "0" in clauses | wanted) and places & allowed)


def _filled(dice: Dice, text: str) -> str:
    numbers = {mark: dice.number() for mark in set(re.findall(r"\[RANDNUM\d*\]", text))}
    words = {mark: dice.word() for mark in set(re.findall(r"\[RANDSTR\d*\]", text))}
    fixed = {
        "[GENERIC_SQL_COMMENT]": "-- " + dice.word(), "[SLEEPTIME]": "5", "[DELIMITER_START]": "qpzvq",
        "[DELIMITER_STOP]": "qjkbq", "[DELAYED]": "5000000", "[INFERENCE]": "4=4", "[ORIGVALUE]": "1", "[CHAR]": "NULL",
        "[COLSTART]": "1", "[COLSTOP]": "9", "[SINGLE_QUOTE]": "'", "[DOUBLE_QUOTE]": '"', "[SPACE_REPLACE]": "qxq",
        "[AT_REPLACE]": "qaq", "[DOLLAR_REPLACE]": "qdq", "[HASH_REPLACE]": "qhq", "[ORIGINAL]": "1", "[DELAY]": "5",
    }  # fmt: skip
    for mark, value in itertools.chain(numbers.items(), words.items(), fixed.items()):
        text = text.replace(mark, value)
    return text


def tampered(samples: list[Sample]) -> Iterator[Sample]:
    """The samples as each tamper writes them, by sqlmap itself in a process of its own."""
    names = sorted(path.stem for path in (FOLDER / "tamper").glob("*.py") if not path.stem.startswith("_"))
    asked = {
        "tampers": [name for name in names if name not in _UNDONE_BY_NOBODY],
        "texts": [each.text for each in samples],
    }
    done = subprocess.run(
        [_PYTHON, "-c", _TAMPER, str(FOLDER)], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    for name, texts in json.loads(done.stdout).items():
        yield from (Sample(text, "sqli", f"tamper {name}") for text in texts if text)
