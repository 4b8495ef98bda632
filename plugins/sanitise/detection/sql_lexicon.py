"""Words and signs of SQL by what they do in an expression."""

from __future__ import annotations

LOGIC = frozenset({"or", "and", "xor", "||", "&&"})
COMPARING = frozenset({"=", "<", ">", "<>", "!=", ">=", "<=", "<=>", "==", "~", "!~", "~*", "!~*", "~~", "!<", "!>"})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "|", "&", "<<", ">>", "::", ":=", "->", "->>"})
COMPARING_WORDS = frozenset(
    {"like", "rlike", "regexp", "ilike", "glob", "in", "between", "is", "similar", "sounds", "match"}
)
ARITHMETIC_WORDS = frozenset({"div", "mod", "collate", "escape"})
TESTS = frozenset({"isnull", "notnull"})
PREFIXES = frozenset({"not", "binary", "exists", "distinct", "all", "any", "some", "prior"})
CONSTANTS = frozenset({"null", "true", "false", "\\n"})
CLAUSES = frozenset(
    {
        "union", "intersect", "except", "minus", "order", "group", "having", "limit", "offset", "procedure", "into",
        "where", "for", "from", "fetch", "window", "when", "then", "else", "end", "as",
    }
)  # fmt: skip
KNOWN = frozenset(
    {
        "char", "chr", "concat", "count", "sum", "max", "min", "version", "user", "database", "sleep", "benchmark",
        "md5", "ascii", "ord", "substring", "substr", "mid", "length", "len", "if", "iif", "cast", "convert",
        "pg_sleep", "exp", "extractvalue", "updatexml", "load_file", "floor", "rand", "hex", "unhex", "elt",
        "group_concat", "coalesce", "ifnull", "isnull", "nvl", "upper", "lower", "left", "right", "in", "exists",
        "values", "row", "repeat", "sha1",
    }
)  # fmt: skip
"""Functions that are called with a space before their parentheses, too."""

TELLING = frozenset(
    {
        "current_user", "session_user", "system_user", "current_date", "current_time", "current_timestamp",
        "localtime", "localtimestamp", "utc_time", "utc_date", "utc_timestamp", "sysdate", "rownum",
    }
)  # fmt: skip
"""What is written like a column and is told by the server."""
