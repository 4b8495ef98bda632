"""Paths that leave their folder, files of the machine, and URLs that read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

_CLIMB = re.compile(
    r"(?:^|[\s'\"=/\\:,;|(<\[{?&])(?:\.{2,4}(?:;|\x00|%00)?[/\\]{1,4}(?:\./){0,4}){2}|\.\.[/\\]{1,4}[\w.\x00-\x20-]{0,64}(?:etc|windows|winnt|proc|boot|web-inf|usr|var|root|home|system32|\.env|\.git|\.ssh|\.htaccess|config|passwd|admin)\b"
)
_PATH_CLIMB = re.compile(r"(?:^|[/\\])\.\.(?:[/\\;?#\x00]|$)")
_FILES = re.compile(
    r"""
      (?:^|[/\\\s'"=:(|])(?:
        [/\\]{1,4}(?:\.{1,2}[/\\]{1,4}){0,8}etc[/\\]{1,4}(?:\.{1,2}[/\\]{1,4}){0,4}
        (?:passwd|shadow|hosts|group|issue|motd|fstab|crontab|sudoers
          |profile|resolv\.conf|hostname|mysql|apache2?|httpd|nginx|ssh|php\S*|ssl|redis|environment|my\.cnf|inetd\.conf|os-release)\b
      | [/\\]{1,4}proc[/\\]{1,4}(?:self|version|cmdline|\d+|net|mounts|cpuinfo|sched_debug)\b
      | [/\\]{1,4}(?:var|usr|opt|private)[/\\]{1,4}(?:log|lib|www|run|mail|spool|local|backups|apache\S*)
        [/\\]{1,4}\S{0,80}(?:\.log|\.conf|\.ini|\.sock|passwd|access|error|htdocs|\.php|config\S*)\b
      | [/\\]{1,4}(?:root|home[/\\]{1,4}[^/\\\s]{1,64})[/\\]{1,4}
        \.(?:ssh|bash\w*|profile|aws|docker|kube|mysql_history|\w+rc)\b
      | [/\\]{1,4}dev[/\\]{1,4}(?:tcp|udp|null|zero|random|urandom|fd)\b
      )
      | \b[a-z]:[/\\]{1,4}(?:windows|winnt|boot\.ini|inetpub|users[/\\]{1,4}[^/\\\s]{1,64}[/\\]
        |program\s?files|xampp|wamp|system\s?volume|autoexec|sysprep|unattend)
      | (?:^|[/\\])(?:win\.ini|boot\.ini|system\.ini|web\.config|global\.asa(?:x)?|\.htpasswd|\.htaccess|wp-config\.php
        |id_rsa|\.git/(?:config|head)|\.env|\.svn/entries|\.bash_history|\.ds_store)(?:$|[\s?#\x00;'"])
      | web-inf[/\\]|meta-inf[/\\](?:manifest|context)|system32[/\\](?:config|cmd|drivers)
      | \\\\\?\\|\\\\\.\\
      | (?:^|[\s/\\])etc[/\\]{1,4}(?:passwd|shadow)\b
    """,
    re.VERBOSE,
)
_WRAPPER = re.compile(
    r"(?<![a-z0-9])(?:php://(?:filter|input|output|fd|memory|temp)"
    r"|(?:zip|phar|expect|glob|zlib|compress\.zlib|compress\.bzip2|ogg|ssh2|rar|netdoc|jar:https?|gopher|dict|sftp|tftp|ldapi?)://?\S"
    r"|file:/{1,3}[^\s/]|data://text|data:text/plain;base64,pd9)"
)
TRIGGER = (
    r"\.\.[\x00;%]?[/\\;?#\x1e]|(?:etc|proc|dev|var|usr|opt|root|home|private)[/\\]|\b[a-z]:[/\\]|[a-z]\.ini\b"
    r"|web\.config|global\.asa|\.ht(?:passwd|access)|wp-config|id_rsa|\.git/|\.env|\.svn|\.bash_|\.ds_store|-inf[/\\]|system32|\\\\[?.]\\"
    r"|(?:php|zip|phar|expect|glob|zlib|compress|ogg|ssh2|rar|netdoc|jar|gopher|dict|sftp|tftp|ldapi?|file|data)[.:][a-z/]"
)


def judge(text: str, kind: Kind) -> Iterator[Hit]:
    """Whether a program that opens what the text names would leave its folder."""
    lower = text.lower()
    if match := (_PATH_CLIMB if kind is Kind.PATH else _CLIMB).search(lower):
        yield Hit(RULES["path_traversal.dots"], lower[match.start() : match.end() + 40])
    if match := _FILES.search(lower):
        yield Hit(RULES["path_traversal.local_file"], match[0])
    if match := _WRAPPER.search(lower):
        yield Hit(RULES["path_traversal.wrapper"], lower[match.start() : match.end() + 40])
