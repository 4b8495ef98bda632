"""The report of a backtest as a page of HTML that needs nothing beside it, and as lines for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .2rem .8rem; border-bottom: 1px solid #ddd }
td { text-align: right } td:first-child, th { text-align: left } h2 { margin-top: 2rem }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } svg { background: #fff } }
"""


def lines(report: Mapping[str, Any]) -> list[str]:
    """The figures in short."""
    found = [
        (
            f"{report['payments']:,} payments with {report['frauds']:,} frauds on {report['days']} days "
            f"({report['learned_from']:,} only learned from, {report['too_recent']:,} too recent for their labels)"
        ),
        f"average precision {_range(report['average_precision'])}",
    ]
    if report["card_precision_100"]:
        found.append(f"card precision@100 {_range(report['card_precision_100'])}")
    for kind, hit in report["decisions"].items():
        found.append(f"{kind}: {hit['payments']:,} payments, {hit['frauds']:,} of them frauds")
    found += [
        f"for {each['aim']}: from {each['threshold']}, precision {each['precision']:.0%}, recall {each['recall']:.0%}"
        for each in report["thresholds"]
    ]
    if "flips" in report:
        found += [f"{turn}: {_turn(of)}" for turn, of in report["flips"]["turns"].items()] or ["no payment flips"]
    return found


def page(report: Mapping[str, Any], title: str) -> str:
    """The whole report."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in lines(report)[:3]),
        picture(report["curve"], report["review_at"], report["block_at"]),
        _table("Decisions", ("", "payments", "frauds"), _counts(report["decisions"])),
        _table(
            "Value of the frauds",
            ("currency", "amount", "reviewed or blocked", "blocked"),
            [
                (code, f"{of['frauds']:,.2f}", f"{of['flagged']:.1%}", f"{of['blocked']:.1%}")
                for code, of in report["value_recall"].items()
            ],
        ),
        _table(
            "Suggested thresholds",
            ("aim", "from score", "precision", "recall", "a day"),
            [
                (
                    of["aim"],
                    of["threshold"],
                    f"{of['precision']:.1%}",
                    f"{of['recall']:.1%}",
                    f"{of['reviewed_a_day']:.1f}",
                )
                for of in report["thresholds"]
            ],
        ),
        _table("Hard rules", ("code", "payments", "frauds"), _counts(report["rules"])),
        _table("Reasons", ("code", "payments", "frauds"), _counts(report["reasons"])),
        *_flips(report.get("flips")),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
        + ("\n".join(parts) + "</html>\n")
    )


def picture(points: Sequence[Mapping[str, float]], review_at: int, block_at: int) -> str:
    """Precision over recall, with the two thresholds, as SVG."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - of the extra payguard[train]

    figure = Figure(figsize=(7, 4.5))
    axes = figure.subplots()
    axes.step([each["recall"] for each in points], [each["precision"] for each in points], where="post")
    for name, threshold in (("review", review_at), ("block", block_at)):
        held = [each for each in points if each["score"] >= threshold]
        if held:
            axes.plot(held[-1]["recall"], held[-1]["precision"], "o", label=f"{name} from {threshold}")
    axes.set(
        xlabel="recall: frauds that are found",
        ylabel="precision: frauds among what is found",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def _flips(flips: Mapping[str, Any] | None) -> list[str]:
    if flips is None:
        return []
    shown = [
        (of["id"], of["turn"], f"{of['amount']:,.2f} {of['currency']}", "fraud" if of["fraud"] else "", of["score"])
        for of in flips["largest"]
    ]
    return [
        _table(
            "Against the other policy", ("", "payments"), [(turn, _turn(of)) for turn, of in flips["turns"].items()]
        ),
        _table("The largest that flip", ("payment", "decision", "amount", "label", "score"), shown),
    ]


def _turn(of: Mapping[str, Any]) -> str:
    amounts = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(of["amounts"].items()))
    return f"{of['payments']:,} payments ({amounts}), {of['frauds']:,} of them frauds"


def _range(of: Mapping[str, float]) -> str:
    return f"{of['value']:.3f} ({of['low']:.3f} to {of['high']:.3f} in nine of ten resampled histories)"


def _counts(hits: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int, int]]:
    return [(code, hit["payments"], hit["frauds"]) for code, hit in hits.items()]


def _table(title: str, heads: Iterable[str], rows: Sequence[Iterable[object]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(each))}</td>" for each in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"
