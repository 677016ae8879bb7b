"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const config = { displayModeBar: false, responsive: true };
  const drawn = [];

  /* The curves of one MTU: the scenarios as points, then the bids as lines. */
  function curveTraces(chart, mtu) {
    const traces = chart.lines.map((line, at) => ({
      type: "scatter", mode: "lines", name: line.name, line: line.line,
      x: mtu.curves[at].x, y: mtu.curves[at].y,
      hovertemplate: "%{x:.1f}: <b>%{y:.1f} MW</b><extra>" + line.name + "</extra>",
    }));
    if (mtu.dots) {
      traces.unshift({
        type: "scatter", mode: "markers", name: "Single scenarios",
        x: mtu.dots.x, y: mtu.dots.y,
        marker: { size: 6, color: "rgba(27, 79, 114, 0.28)" },
        hovertemplate: "scenario at %{x:.1f}: %{y:.1f} MW<extra></extra>",
      });
    }
    return traces;
  }

  function expectedPrice(chart, mtu) {
    return {
      shapes: [{ type: "line", x0: mtu.expected, x1: mtu.expected, yref: "paper", y0: 0, y1: 1,
                 line: { color: "#8a8d91", width: 1, dash: "dot" } }],
      annotations: [...chart.layout.annotations,
                    { x: mtu.expected, yref: "paper", y: 0, yanchor: "bottom", xanchor: "left",
                      text: "expected price", showarrow: false,
                      font: { size: 11, color: "#6a6e73" } }],
    };
  }

  function explore(figure, target, chart) {
    const slider = figure.querySelector("input");
    const choice = figure.querySelector("select");
    const shown = figure.querySelector("output");
    const note = figure.querySelector(".note");
    for (const [at, mtu] of chart.mtus.entries()) choice.add(new Option(mtu.label, at));
    slider.max = chart.mtus.length - 1;

    function show(at) {
      const mtu = chart.mtus[at];
      slider.value = choice.value = at;
      slider.setAttribute("aria-valuetext", mtu.label);
      shown.textContent = mtu.label;
      note.textContent = mtu.note;
      Plotly.react(target, curveTraces(chart, mtu),
                   { ...chart.layout, ...expectedPrice(chart, mtu) }, config);
    }
    slider.addEventListener("input", () => show(Number(slider.value)));
    choice.addEventListener("change", () => show(Number(choice.value)));
    show(chart.first);
  }

  for (const figure of document.querySelectorAll("[data-chart]")) {
    const chart = charts[figure.dataset.chart];
    const target = figure.querySelector(".chart");
    drawn.push(target);
    if (chart.mtus) explore(figure, target, chart);
    else Plotly.newPlot(target, chart.data, chart.layout, config);
  }

  /* Paper is narrower than the window, and nothing tells the charts so. */
  const fit = (width) => drawn.forEach((target) => Plotly.relayout(target, { width }));
  window.addEventListener("beforeprint", () => fit(680));
  window.addEventListener("afterprint", () => fit(null));
})();
