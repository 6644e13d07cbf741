"""How a report's page looks: by day and by night, wide and narrow, and on paper."""

from typing import Final

INKS: Final[dict[str, tuple[str, str]]] = {
    "ink": ("#1d2126", "#e6e8ea"),
    "faint": ("#667079", "#8b949e"),
    "c0": ("#0b62a4", "#6cb6ff"),
    "c1": ("#b85c00", "#ffa657"),
    "c2": ("#00795b", "#4fd0a5"),
    "c3": ("#a83279", "#f28fc6"),
    "c4": ("#6a51a3", "#b9a5ff"),
    "c5": ("#7a6400", "#e3c64a"),
}
"""Colours by name, on white and on black; told apart by the colour-blind, and in print."""

_PAPERS: Final = {"paper": ("#ffffff", "#14171a"), "row": ("#f4f6f8", "#1d2227")}


def _variables(place: int) -> str:
    found = {**INKS, **_PAPERS}
    return "".join(f"--{name}:{both[place]};" for name, both in found.items())


STYLE: Final = (
    f":root{{color-scheme:light dark;{_variables(0)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_variables(1)}}}}}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:76rem;margin:0 auto;padding:1.5rem 1rem 4rem}"
    "h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.2rem;margin:2.2rem 0 .5rem}"
    ".lead{font-size:1.15rem;font-weight:600}.note{color:var(--faint)}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}"
    "dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}"
    ".pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(22.5rem,100%),1fr));"
    "gap:1.5rem 2rem;margin:1.5rem 0}"
    "figure{margin:0;max-width:22.5rem;font-size:.9375rem}"
    "figure>svg{width:100%;height:auto;display:block}"
    "figure>svg text{font-size:15px;fill:var(--ink)}"
    "figcaption,summary{color:var(--faint)}figure table{font-size:inherit}"
    ".line,.axis,.grid,.guide,.interval{fill:none;stroke-width:2}.axis,.grid,.guide{stroke-width:1}"
    ".grid{opacity:.35}.guide{stroke-dasharray:5 4}.interval{stroke-width:3}"
    ".mark{fill-opacity:.75}.band{opacity:.25}"
    "ul.key{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:0;margin:.4rem 0}"
    "svg.key{width:.8em;height:.8em;margin-right:.35em}"
    "table{border-collapse:collapse;width:100%;font-size:.92rem}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .7rem .35rem 0}"
    "th{color:var(--faint);font-weight:500;border-bottom:1px solid var(--faint)}"
    "tbody tr:nth-child(even){background:var(--row)}"
    "td:first-child{white-space:nowrap;max-width:22rem;overflow:hidden;text-overflow:ellipsis}"
    "td.n data,.missed{white-space:nowrap}"
    "th.n,td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "code{overflow-wrap:anywhere}"
    "data{font-variant-numeric:tabular-nums}.missed{color:var(--c1);font-weight:600}"
    "section table{width:auto;min-width:min(24rem,100%)}"
    "@media (max-width:48rem){section table{width:100%}thead{display:none}"
    "tr{display:block;padding:.5rem .6rem}"
    "td{display:flex;justify-content:space-between;gap:1rem;padding:.1rem 0}"
    "td:empty{display:none}td,td:first-child{white-space:normal;max-width:none;overflow-wrap:anywhere}td::before{content:attr(data-title);text-align:left;color:var(--faint);flex:none;"
    "max-width:50%}tbody tr:nth-child(odd){background:none}}"
    "@media print{main{max-width:none}figure{break-inside:avoid}}"
)
