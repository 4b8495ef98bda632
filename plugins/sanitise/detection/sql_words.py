"""The words of SQL that matter to who reads a text as a query, and what must be in it to be worth reading."""

from __future__ import annotations

from .screen import EDGE
from .sql_statements import HEADS

GAP = r"(?:[\s\x00-\x1f\xa0+]|/\*[^*]{0,64}\*/|/\*!\d*|(?:--|\#)[^\n]{0,64}\n)"
"""What the dialects take for a space."""

HEAD = "|".join(HEADS)
FUNCTIONS = (
    "pg_sleep_for|pg_sleep|sleep|benchmark|extractvalue|updatexml|xmltype|load_file|load_extension|xp_cmdshell|xp_dirtree"
    "|xp_fileexist|xp_regread|openrowset|opendatasource|lo_import|lo_export|pg_read_file|pg_ls_dir|dblink|query_to_xml|randomblob"
    r"|utl_http\.request|utl_inaddr\.get_host_\w+|dbms_\w+\.\w+|ctxsys\.drithsx\.sn|make_set|elt|gtid_subset"
    "|geometrycollection|generate_series|current_setting|sys_context|json_keys|name_const|exp|st_latfromgeohash|xmlexists"
)
"""Functions that wait, read, raise an error, or tell of the server."""

CLAUSES = rf"having|procedure|limit|(?:order|group){GAP}+by|into{GAP}+(?:out|dump)file"
OPERATORS = "like|rlike|regexp|in|is|between|div|mod|collate|not|sounds|glob"

_SPACE = r"[\x00-\x20\x7f\x{a0}+\x{3000}]"
_SKIP = rf"(?:{_SPACE}|/\*[^*]*\*/|/\*!?[0-9]*|\*/|(?:--|#)[^\n]*\n)*"
TRIGGER = (
    rf"['\"`](?:{_SKIP}\))*{_SKIP}(?:[^\w\x00-\x20'\"`.?\x{{80}}-\x{{10ffff}}]|(?:{OPERATORS}|{HEAD})\b)"
    rf"|[0-9'\"`)\]*]{_SKIP}(?:x?or|and)(?:[^a-z]|$)"
    rf"|{EDGE}{_SPACE}*(?:x?or|and|{HEAD})\b"
    rf"|\b(?:x?or|and)\b[\s+(]*(?:(?:not|binary|exists)\b[\s+(]*)?"
    rf"(?:[^\w\x00-\x20\x{{80}}-\x{{10ffff}}]|[0-9]|[\w.]+{_SPACE}*(?:[=<>(!~]|(?:{OPERATORS})\b)|(?:true|false|null)\b)"
    rf"|{EDGE}{_SPACE}*[0-9.][0-9.*{_SPACE[1:-1]}-]*;?{_SPACE}*(?:--|/\*)"
    rf"|\|\||&&|@@[a-z]|\bexec\b|[a-z]/\*|union|\bselect\b|waitfor|;{_SKIP}(?:{HEAD})\b"
    rf"|\b(?:{FUNCTIONS}|i?if){_SKIP}(?:1\.e\s*)?\(|\bwhen\b|{EDGE}\s*\("
    rf"|having|procedure|limit|(?:order|group){_SKIP}by|into{_SKIP}(?:out|dump)file|[0-9]\s*[-+*/%^|&]\s*(?:[@(]|[a-z_]+\()"
)
