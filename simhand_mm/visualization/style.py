"""The style sheet of all pages, with a light and a dark theme."""

NUM_COLORS = 8  # of the lines of charts

STYLE = """
:root{--paper:#fff;--ink:#1c1c1c;--soft:#5f5f5f;--rule:#c9c9c9;--grid:#e6e6e6;--bar:#7d93ad;
--note:#f6f3ea;--c0:#7a7a7a;--c1:#b8860b;--c2:#2f7fbf;--c3:#c0392b;--c4:#1f8a70;--c5:#7d5ba6;
--c6:#c2569b;--c7:#6b7d1f}
@media (prefers-color-scheme:dark){:root{--paper:#17181a;--ink:#e4e3df;--soft:#a3a29e;
--rule:#4a4b4e;--grid:#34353a;--bar:#6f8bab;--note:#24231f;--c0:#a8a8a8;--c1:#dcae3c;--c2:#66aee6;--c3:#ef7b6c;
--c4:#56c2a2;--c5:#b79be0;--c6:#e58fc4;--c7:#b3c760}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 Charter,"Bitstream Charter","Source Serif 4",Cambria,"Liberation Serif",Georgia,serif}
main{max-width:1160px;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1{font-size:1.75rem;line-height:1.25;font-weight:600;margin:0 0 .25rem}
h2{font-size:1.2rem;font-weight:600;margin:2.6rem 0 .6rem;padding-top:.7rem;
border-top:1px solid var(--rule)}
p{max-width:46rem;margin:.5rem 0}
.subtitle{color:var(--soft);margin-bottom:1.4rem}
.note{background:var(--note);border-left:3px solid var(--c1);padding:.6rem .9rem}
.missing{color:var(--soft);font-style:italic}
code{font:.88em/1.4 "DejaVu Sans Mono",Menlo,Consolas,monospace;font-style:normal}
figure{margin:1.3rem 0}
figcaption{font-size:.88rem;line-height:1.4;color:var(--soft);max-width:52rem;margin:.45rem 0}
figcaption b{color:var(--ink);font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.92rem}
table.numbers{border-top:1.5px solid var(--ink);border-bottom:1.5px solid var(--ink);
font-variant-numeric:lining-nums tabular-nums}
table.numbers th{font-weight:600;border-bottom:1px solid var(--ink);vertical-align:bottom}
table.numbers th,table.numbers td{padding:.28rem .8rem;text-align:right;white-space:nowrap}
table.numbers th:first-child,table.numbers td:first-child{text-align:left;padding-left:.2rem}
table.pictures th{font-weight:600;font-size:.85rem;padding:0 0 4px;text-align:left}
table.pictures td{padding:0 6px 9px 0;vertical-align:top}
.gallery{display:flex;flex-wrap:wrap;gap:9px 7px}
.picture{font:11px/1.35 "Helvetica Neue",Arial,"Liberation Sans",sans-serif;color:var(--soft)}
.picture img{display:block;border-radius:2px;margin-bottom:2px}
.picture span{display:block;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.charts{display:flex;flex-wrap:wrap;gap:14px 18px}
.chart{font:11px "Helvetica Neue",Arial,"Liberation Sans",sans-serif;max-width:100%;height:auto}
.chart text{fill:var(--soft)}.chart .title{fill:var(--ink);font-weight:600;font-size:12px}
.chart .grid{stroke:var(--grid)}.chart .axis{stroke:var(--soft)}.chart .bar{fill:var(--bar)}
.chart .line{fill:none;stroke-width:1.6;stroke-linejoin:round}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}
.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}.c6{stroke:var(--c6)}.c7{stroke:var(--c7)}
img.drawing{border:1px solid var(--grid)}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}figure{break-inside:avoid}}
""".strip()
