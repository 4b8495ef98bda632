"""The picture: CPU per request against nginx, a bar per proxy, whiskers from the least to the most of the rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.compare import BASE, Row

_OURS, _THEIRS = "#2563eb", "#9ca3af"


mpl.use("Agg")


def draw(rows: Sequence[Row], titles: Mapping[str, str], path: Path) -> Path:
    """Write it to ``path``.  Rows without a ratio are left out."""
    workloads = list(dict.fromkeys(row.workload for row in rows))
    figure, axes = plt.subplots(1, len(workloads), figsize=(7 * len(workloads), 4), squeeze=False)
    for axis, workload in zip(axes[0], workloads, strict=True):
        _panel(axis, workload, [row for row in rows if row.workload == workload], titles)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def _panel(axis: Axes, workload: str, rows: Sequence[Row], titles: Mapping[str, str]) -> None:
    shown = sorted(((row, row.ratio) for row in rows if row.ratio), key=lambda pair: -pair[1].median)
    names = [titles.get(row.peer, row.peer) for row, _ in shown]
    medians = [ratio.median for _, ratio in shown]
    below = [ratio.median - ratio.least for _, ratio in shown]
    above = [ratio.most - ratio.median for _, ratio in shown]
    colors = [_OURS if row.peer.startswith("payguard") else _THEIRS for row, _ in shown]
    axis.barh(names, medians, xerr=(below, above), color=colors, capsize=3)
    for place, median in enumerate(medians):
        axis.annotate(f"{median:.1f} x", (median, place), (8, 6), textcoords="offset points", fontsize=8)
    axis.set_xscale("log")
    axis.set_xlabel(f"CPU per request, over that of {BASE} (log)")
    axis.set_title(workload)
    axis.margins(x=0.15)
    axis.spines[["top", "right"]].set_visible(False)
