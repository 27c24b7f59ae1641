"use strict";
// Draws the figure into #plot and others into the elements of their ids. Colours of figures are CSS
// variables, so that they follow the page from light to dark. Without this script the tables are
// complete.
(async () => {
  const plot = document.getElementById("plot");
  const others = Object.entries(JSON.parse(document.getElementById("figures").textContent))
    .map(([id, figure]) => [document.getElementById(id), figure])
    .filter(([place]) => place);
  if (!plot && !others.length) return;
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const narrow = matchMedia("(max-width: 760px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  async function unpackPlotly() {
    const packed = atob(document.getElementById("plotly").textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(plain).text();
    document.head.append(script);
  }

  function paint(value, style) {
    if (typeof value === "string" && value.startsWith("var(")) {
      return style.getPropertyValue(value.slice(4, -1)).trim();
    }
    if (Array.isArray(value)) return value.map((each) => paint(each, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, paint(each, style)]),
    );
  }

  async function draw() {
    if (plot) await drawOne(plot, figure);
    for (const [place, other] of others) await drawOne(place, other);
  }

  function drawOne(place, figure) {
    const painted = paint(figure, getComputedStyle(document.documentElement));
    painted.layout.font.family = getComputedStyle(document.body).fontFamily;
    if (narrow.matches) {
      painted.layout.dragmode = false; // a finger scrolls the page
      if (place === plot) painted.layout.margin.r = 46;
      painted.layout.font.size = 10;
    }
    return Plotly.react(place, painted.data, painted.layout, {
      responsive: true,
      displaylogo: false,
      displayModeBar: narrow.matches ? false : "hover",
      doubleClick: "reset",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    });
  }

  function toMs(value) {
    if (typeof value === "number") return value;
    return Date.parse(value.length > 10 ? value.replace(" ", "T") + "Z" : value);
  }

  // Price and equity follow what is in view, levels of trades included.
  function fitRows(change) {
    const range = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range[0] === undefined) return;
    const [from, to] = range.map(toMs);
    Plotly.relayout(plot, { ...fitRow("y", from, to), ...fitRow("y2", from, to) });
  }

  function fitRow(row, from, to) {
    let low = Infinity;
    let high = -Infinity;
    for (const trace of figure.data) {
      if (trace.yaxis !== row) continue;
      trace.x.forEach((time, index) => {
        if (time === null || time < from || time > to) return;
        low = Math.min(low, trace.y[index]);
        high = Math.max(high, trace.y[index]);
      });
    }
    if (!(low < high)) return {};
    const margin = (high - low) * 0.06;
    return { [row.replace("y", "yaxis") + ".range"]: [low - margin, high + margin] };
  }

  function showTrade(button) {
    const from = Number(button.dataset.from);
    const to = Number(button.dataset.to);
    const times = figure.data[0].x;
    // As many bars before and after as the trade lasted: closed hours take no room.
    const first = times.findIndex((time) => time >= from);
    const next = times.findIndex((time) => time >= to);
    const last = next < 0 ? times.length - 1 : next;
    const around = Math.max(last - first, 24);
    const start = times[Math.max(first - around, 0)];
    const end = times[Math.min(last + around, times.length - 1)];
    Plotly.relayout(plot, { "xaxis.range": [start, end] });
    plot.scrollIntoView({ behavior: "smooth", block: "center" });
  }

  try {
    await unpackPlotly();
    await draw();
  } catch (error) {
    for (const place of [plot, ...others.map(([each]) => each)]) {
      if (!place || place.querySelector(".main-svg")) continue;
      place.style.height = "auto";
      place.textContent =
        "This browser cannot draw the chart (" + error.message + "); the tables are complete.";
    }
    return;
  }
  if (plot) plot.on("plotly_relayout", fitRows);
  dark.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  for (const button of document.querySelectorAll("button[data-from]")) {
    button.addEventListener("click", () => showTrade(button));
  }
})();
