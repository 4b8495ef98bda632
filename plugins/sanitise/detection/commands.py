"""Commands of a shell, where a text could end one and begin another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

_COMMON = (
    "cat|date|time|sort|more|less|head|tail|type|net|find|set|echo|env|kill|test|file|touch|nice|host|history|last|route|start"
    "|copy|move|del|print|sleep|exit|split|cut|join|install|make|man|mail|talk|top|watch|wait|which|true|read|who|ping6?|php|node|perl"
    "|python[23]?|ruby|docker|kubectl|apt|apt-get|yum|dnf|pip|npm|gem|git|svn|mysql|psql|sqlite3|service|fetch|lynx|rev|tac|nl|paste|strings"
    "|finger|ver|vol|stat|vim?|nano|ed|choice|w|ip|mount|arp|tee|source|timeout|reg|su|shutdown|halt|dash|dd|df|du|ps|od|cp|mv|ln|rm|reboot"
    "|expr|nmap|tree|ftp|gcc|zip|tar|dig|passwd|eval|exec"
)
"""Words of a language as well: what follows must tell."""
_COMMANDS = (
    "id|ls|pwd|dir|ifconfig|ipconfig|netstat|whoami|uname|hostname|traceroute|tracert|nslookup|curl|wget|nc|ncat|netcat|socat|telnet|ssh|scp|tftp"
    "|bash|zsh|ksh|csh|sh|cmd(?:\\.exe)?|powershell(?:\\.exe)?|pwsh|awk|gawk|sed|e?grep|xargs|base64|xxd|printf|chmod|chown|rmdir|mkdir|mkfifo|mknod"
    "|gunzip|gzip|unzip|pkill|killall|sudo|useradd|adduser|net1|netsh|wmic|tasklist|taskkill|systeminfo|certutil|bitsadmin|mshta|rundll32|regsvr32"
    "|cscript|wscript|schtasks|crontab|systemctl|printenv|nohup|busybox|tcpdump|lsof|sha\\d*sum|md5sum|openssl|getent|fsutil|attrib|i?cacls|xcopy"
    "|robocopy|findstr|waitfor|lsb_release|dmesg"
)
"""Words of a shell alone."""
_FOLDER = r"(?:/(?:usr/|local/|s?bin/|\?+/|[\w?*\[\]-]{1,24}/){1,4}|\./|~/|\.\\|[a-z]:\\\S{0,64}\\)?"
_QUOTES = r"['\"\\^]{0,2}"
_ARGUMENT = (
    r"(?:\s+-{1,2}[\w]|\s*/[a-z?]\b|\s+[/~.$%*]|\s*[<>|;&`]|\s+\d{1,3}(?:\.\d{1,3}){3}|(?<=sleep)\s+\d+\s*(?:$|[;|&#`'\"])"
    r"|\s+https?:|\s+['\"]|\s+\S+\.\w{2,4}\b|\$\{?ifs|\$ifs|\s*\{[^}]{0,64},)"
)
_POSITION = r"[;|&\n{(](?:(?<!\()|(?<=[$<>]\())[\s;|&({!\"']{0,6}(?:\w{1,16}=\S{0,32}\s{1,4})?"
_NOISY = re.compile(
    rf"{_POSITION}{_FOLDER}(?=[a-z])(?:(?P<word>{_COMMANDS})|(?P<common>{_COMMON}))(?P<after>(?![\w=:.@-]).{{0,40}}|$)",
    re.DOTALL,
)
_SHAPED = r"(?:\s+(?:-\w|[/~.$*]|\d|\S+\.\w+)|\s*[;|&<>$])"
_SUBSTITUTION = re.compile(
    rf"""[$<`{{](?:
        (?<=[$<]) \(\s*+ (?: {_FOLDER} (?=[a-z]) (?:{_COMMANDS}|{_COMMON}) (?=[\s);`|&<>$]|$) | <\s*/ ) [^)]{{0,120}}
      | (?<=`) \s*+ {_FOLDER} (?=[a-z]) (?: (?:{_COMMANDS}) (?:\s*`|{_SHAPED}[^`]*`) | (?:{_COMMON}) {_SHAPED} [^`]*` )
      | (?<=\$) (?: \(\([^)]{{1,80}}\)\) | \{{ifs\}} | ifs\b | @\w )
      | (?<=\{{) (?=[a-z]) (?:{_COMMANDS}|{_COMMON}),[^}}\s]{{1,64}}\}}
    )""",
    re.VERBOSE,
)
_FUNCTION = re.compile(r"(?:^|[\s\"'])\(\s*\)\s*\{[^}]{0,200}[;:}]")
_STATEMENT = re.compile(
    rf"^\s*{_FOLDER}(?:cat\s+/(?:etc|proc|var)\S*|ping\s+-[nci]\s*\d+|(?:wget|curl)\s+(?:-\w+\s+)*https?://\S+|(?:nc|ncat|netcat)\s+-\w+|(?:bash|sh|zsh)\s+-[ci]+\b.*|rm\s+-[rf]{{1,2}}\s+\S+|uname\s+-a|cmd(?:\.exe)?\s+/[ck]\b.*|powershell(?:\.exe)?\s+-\w+.*|(?:python[23]?|perl|ruby|php)\s+-[cer]\s+\S.*|chmod\s+[+\d]\S*\s+\S+|net\s+user\b.*|type\s+c:\\\S+|ls\s+-\w*[la]\w*(?:\s+\S+)?|dir\s+[a-z]:\\.*)\s*$|^\s*/(?:usr/)?(?:local/)?s?bin/\w+(?:\s|$|')",
)
_OBSCURED = re.compile(
    r"(?:^|[;|&`\s/])/[\w?*]{0,12}[?*][\w?*]{0,12}/[\w?*]{0,12}[?*]|(?:[;|&`]|\$\()\s*(?:\w['\"\\]{1,2}){2,}\w|\$\{(?:path|home|pwd|shell)[:#%]|\$'\\x"
)
_SPRING = re.compile(
    r"(?:/dev/(?:tcp|udp)/)|\b(?:system|exec|passthru|shell_exec|popen|proc_open|pcntl_exec|eval|assert)\s*\(\s*['\"$]|runtime\.getruntime|processbuilder|__import__\s*\(|os\.(?:system|popen)\s*\(|subprocess\.\w+\s*\(|base64_decode\s*\("
)
_BEFORE = r"[\s;|&({!\"']*(?:\w+=\S*\s+)?"
TRIGGER = (
    rf"(?:[;|&`{{]|<\(|>\(){_BEFORE}{_FOLDER}(?:{_COMMANDS}|{_COMMON})[^\w=:.@-]|\n{_BEFORE}{_FOLDER}(?:(?:{_COMMANDS})[^\w=:.@-]|(?:{_COMMON})\s+[-/])"
    rf"|\x1e\s*{_FOLDER}(?:cat\s+/|ping\s+-|wget|curl|n(?:et)?c(?:at)?\s+-|[bz]?a?sh\s+-|rm\s+-|uname|cmd|powershell|python[23]?\s+-|perl\s+-|ruby\s+-|php\s+-|chmod|net\s+user|type\s+c:|ls\s+-|dir\s+[a-z]:)"
    r"|\$\(|<\(\s*/|\$\{?ifs|\$@|\(\s*\)\s*\{|[;|&`/\s\x1e]/[\w?*]*[?*]|[;|&`]\s*\w['\"\\]|\$\{(?:path|home|pwd|shell)|[\x1e\n]\s*/(?:usr/)?(?:local/)?s?bin/|/dev/"
    r"|\b(?:system|exec|passthru|popen|open|assert|eval)\s*\(|getruntime|processbuilder|__import__|subprocess|base64_decode|\$'"
)


def judge(text: str, _kind: Kind) -> Iterator[Hit]:
    """What in the text a shell would run."""
    lower = text.lower()
    for match in _NOISY.finditer(lower):
        if _separated(lower, match):
            yield Hit(RULES["command.separator"], match[0])
            break
    for pattern, rule in (
        (_SUBSTITUTION, "command.substitution"),
        (_FUNCTION, "command.function_definition"),
        (_STATEMENT, "command.statement"),
        (_OBSCURED, "command.substitution"),
        (_SPRING, "command.statement"),
    ):
        if found := pattern.search(lower):
            yield Hit(RULES[rule], found[0][:80])


_END = re.compile(r"\s*(?:$|[;|&#`>)}'\"]|\x00)")
_SHAPE = re.compile(_ARGUMENT)


def _separated(text: str, match: re.Match[str]) -> bool:
    """Whether the word after a separator stands there as a command does: alone, or with arguments that no prose has."""
    after, sign = match["after"], text[match.start()]
    if _SHAPE.match(text, match.start("after")):
        if match["common"] and (after.lstrip()[:1] in ";|" or (after[:1] == "&" and after[1:2] != "&")):
            return False
        return sign != "\n" or after.lstrip()[:1] in "-/" or match["common"] in (None, "sleep", "ping")
    if match["common"] or _END.match(after) is None:
        return False
    return sign not in "&{" or text.startswith("&&", match.start()) or after[:1] in ("&", "#")
