/** The report's style sheet: paper and ink, one accent, figures in tabular digits; for screen, phone and print. */
export const reportStyle = `
:root{color-scheme:light dark;--paper:#fdfcfa;--ink:#22252a;--quiet:#6a6e76;--rule:#e3dfd7;--faint:#f3f0ea;
--accent:#35618e;--band:#e9eef3;--done:#35618e;--failed:#b4502f;--not-run:#b9b4a8;
--serif:Charter,"Bitstream Charter","Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4",Georgia,serif;
--sans:"Inter",system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--mono:ui-monospace,"SF Mono",SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--paper:#15171a;--ink:#e3e1dc;--quiet:#989ca4;--rule:#30343a;--faint:#1d2024;
--accent:#86b0da;--band:#20282f;--done:#6f9cc9;--failed:#d9805f;--not-run:#5b5f66}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.55 var(--serif);text-rendering:optimizeLegibility}
main{max-width:60rem;margin:0 auto;padding:4rem 2rem 5rem}
section{margin-top:3.2rem}
h1,h2,h3,h4,p,dl,dd,figure,ol{margin:0;padding:0}
h1{font-size:2.7rem;line-height:1.1;font-weight:600;letter-spacing:-.015em}
h2{font-size:1.35rem;font-weight:600;letter-spacing:-.005em;margin-bottom:1rem}
h3{font:600 1.05rem/1.4 var(--serif);margin-bottom:.9rem}
h3 code{font-size:.95rem;font-weight:600}
h4{font:600 .75rem/1 var(--sans);color:var(--quiet);margin-bottom:.45rem}
code,pre{font-family:var(--mono);font-size:.82em;overflow-wrap:anywhere}
a{color:inherit;text-decoration-color:var(--rule);text-underline-offset:.25em}
a:hover{text-decoration-color:var(--accent)}
b{font-weight:600}
.kicker{font:500 .78rem/1 var(--sans);letter-spacing:.08em;text-transform:uppercase;color:var(--quiet);margin-bottom:.9rem}
.lede{font-size:1.12rem;line-height:1.5;max-width:40rem;margin-top:.8rem}
.quiet,.note,.description{color:var(--quiet)}
.note{font-size:.88rem;line-height:1.5;margin-top:.8rem;max-width:44rem}
.description{font-weight:400}
h3 .description{margin-left:.4rem}
dl.asked{display:flex;flex-wrap:wrap;gap:.9rem 2.2rem;margin-top:1.8rem;padding-top:1.1rem;border-top:1px solid var(--rule)}
dt{font:500 .74rem/1.4 var(--sans);color:var(--quiet)}
dl.asked dd{font-size:1rem}
.ledger{display:flex;gap:2px;height:18px}
.ledger i{min-width:3px;flex-basis:0;border-radius:1px}
.done{background:var(--done)}.failed{background:var(--failed)}.not-run{background:var(--not-run)}
.sum{margin-top:.8rem;font-variant-numeric:tabular-nums}
.sum span{white-space:nowrap}
.sum .none{color:var(--quiet)}.sum .none b{font-weight:400}
.key{display:inline-block;width:.62em;height:.62em;border-radius:1px;margin-right:.4em}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font:.86rem/1.4 var(--sans);font-variant-numeric:tabular-nums lining-nums}
th,td{text-align:left;vertical-align:baseline;padding:.42rem .9rem .42rem 0;font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{font-size:.76rem;color:var(--quiet);border-bottom:1px solid var(--ink);white-space:nowrap}
th .description{display:block;font-size:.78rem;line-height:1.35}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tbody tr:last-child>*{border-bottom:1px solid var(--rule)}
.n{text-align:right;white-space:nowrap}
td.unit{color:var(--quiet);white-space:nowrap}
.outlay{max-width:44rem}
.failures td:first-child,.failures th:first-child{width:6rem;padding-right:1.6rem}
.failures .message{overflow-wrap:anywhere}
.command{display:inline-block;margin-top:.25rem;color:var(--accent)}
.note .command{margin-top:0}
.result{border-top:1px solid var(--rule);padding-top:1.5rem;margin-top:2.2rem}
.figures{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.12fr);gap:2.6rem;align-items:start}
figcaption{font-size:.82rem;line-height:1.45;color:var(--quiet);margin-top:.6rem}
.statistics{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:.6rem;margin-top:.9rem;padding-top:.8rem;border-top:1px solid var(--rule);font:.86rem/1.4 var(--sans);font-variant-numeric:tabular-nums}
.statistics+.statistics{border-top:0;margin-top:.6rem;padding-top:0}
.statistics dt{font-size:.7rem}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{font:10.5px var(--sans);fill:var(--quiet);font-variant-numeric:tabular-nums}
svg .strong{fill:var(--ink);font-weight:600;font-size:11.5px}
.start{text-anchor:start}.middle{text-anchor:middle}.end{text-anchor:end}
.band{fill:var(--band)}.bars{fill:var(--accent)}
.grid{stroke:var(--rule);stroke-width:.7;fill:none}.axis{stroke:var(--quiet);stroke-width:.8;fill:none}
.median{stroke:var(--ink);stroke-width:1.3;fill:none}
.influences{list-style:none}
.influences li{display:grid;grid-template-columns:minmax(0,1fr) 5.6rem 9.4rem;gap:0 1.1rem;padding:.5rem 0;border-top:1px solid var(--rule);font:.84rem/1.35 var(--sans)}
.influences li:first-child{border-top:0;padding-top:0}
.who code{font-size:.8rem}
.who .description{display:block;font-size:.76rem;margin-top:.1rem}
.share b{display:block;font-variant-numeric:tabular-nums}
.share i{display:block;height:5px;background:var(--accent)}
.share>i{margin-top:.3rem;background:var(--band)}
.effect{overflow:visible}
.effect .line{fill:none;stroke:var(--accent);stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
.effect circle{fill:var(--accent)}
.effect .mean{stroke:var(--quiet);stroke-width:.6;opacity:.7}
.ends{display:flex;justify-content:space-between;gap:.6rem;font-size:.68rem;color:var(--quiet);font-variant-numeric:tabular-nums;margin-top:.1rem}
.paths{display:grid;gap:.5rem;margin:.9rem 0 1.3rem}
.snippets{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1.2rem 1.6rem}
pre{margin:0;padding:.7rem .9rem;background:var(--faint);border-radius:3px;line-height:1.5;white-space:pre-wrap}
pre code{font-size:.78rem}
.provenance dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.7rem 1.6rem;font:.84rem/1.4 var(--sans)}
.provenance dd{overflow-wrap:anywhere}
@media (max-width:820px){.figures{grid-template-columns:minmax(0,1fr);gap:1.8rem}}
@media (max-width:560px){body{font-size:16px}main{padding:2.2rem 1.1rem 3rem}h1{font-size:2.1rem}section{margin-top:2.6rem}
.snippets{grid-template-columns:minmax(0,1fr)}
.influences li{grid-template-columns:minmax(0,1fr) 4.6rem;gap:.3rem 1rem}.how{grid-column:1/-1}.how{max-width:15rem}
.wide{display:none}.overview tbody th{min-width:7.5rem}.overview th,.overview td{padding-right:.6rem}
h3 .description{display:block;margin-left:0}.failures td:first-child,.failures th:first-child{width:auto;padding-right:.9rem}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--quiet:#555;--rule:#ccc;--faint:#f6f6f6;--accent:#2b5580;--band:#e9eef3;--done:#2b5580;--failed:#b4502f;--not-run:#b9b4a8}
body{font-size:10.5pt}main{max-width:none;padding:0}
.result,tr,figure,.influences li{break-inside:avoid}h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}@page{margin:18mm}}
`;
