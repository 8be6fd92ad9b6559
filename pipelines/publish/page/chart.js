// Charts: Vega draws them from the specification and the rows; numbers behind them stand in the panel's table.
window.m365Chart = (function () {
  "use strict";

  const { element } = window.m365Table;
  const CONFIG = {
    background: null,
    font: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    view: { stroke: null },
    axis: {
      labelColor: "var(--muted)", titleColor: "var(--muted)", gridColor: "var(--line)", domainColor: "var(--line)",
      tickColor: "var(--line)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelPadding: 6,
    },
    legend: { labelColor: "var(--ink)", labelFontSize: 12, symbolSize: 70, columnPadding: 18, labelLimit: 260 },
    text: { color: "var(--ink)", fontSize: 12 },
    aria: false,
  };
  const NARROW = 520;
  const MANY = 300; // of so many points the line says more than they do
  const drawn = [];
  let turn = 0;

  // Forget what was drawn; what is still being drawn is dropped when it is done.
  function clear() {
    turn += 1;
    for (const view of drawn.splice(0)) view.finalize();
  }

  function draw(panel, rows, holder, alt) {
    const values = rows.map((row) => Object.fromEntries(panel.columns.map((column, place) => [column.key, row[place]])));
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", alt);
    if (!panel.each) return one(panel.spec, values, holder);
    const groups = new Map();
    for (const row of values) groups.set(row[panel.each], [...(groups.get(row[panel.each]) || []), row]);
    const charts = [...groups].map(([name, own]) => {
      const cell = element("div", { class: "small", "aria-hidden": "true" });
      const place = element("div");
      cell.append(element("p", { dir: "auto" }, name), place);
      return { cell, place, own };
    });
    holder.classList.add("each");
    holder.replaceChildren(...charts.map((chart) => chart.cell));
    return Promise.all(charts.map((chart) => one(panel.spec, chart.own, chart.place)));
  }

  function one(from, values, holder) {
    const narrow = holder.clientWidth < NARROW && !holder.closest(".small");
    const config = JSON.parse(JSON.stringify(CONFIG));
    const spec = JSON.parse(JSON.stringify({
      ...from, width: "container", autosize: { type: "fit-x", contains: "padding" }, data: { values },
    }));
    if (spec.height.step) { // so many rows as have a figure
      const { step, of, with: figure } = spec.height;
      const found = values.filter((row) => !figure || row[figure] !== null);
      spec.height = step * Math.max(1, new Set(found.map((row) => row[of])).size);
    }
    if (values.length > (holder.closest(".small") ? MANY / 5 : MANY)) for (const layer of spec.layer || []) {
      // A point that is seen only where it stands alone keeps its size.
      if (layer.mark.type === "point" && layer.mark.size < 100 && !layer.encoding.opacity) layer.mark.size = 8;
    }
    if (narrow) slim(spec, config);
    legends(spec, holder.clientWidth);
    for (const layer of spec.layer || []) onRealDates(layer.encoding && layer.encoding.x, values);
    const mine = turn;
    const inner = element("div", { "aria-hidden": "true" }); // Vega gives its node names of its own; the words stand around it
    holder.replaceChildren(inner);
    return window.m365Embed(inner, spec, {
      mode: "vega-lite", ast: true, logLevel: 1, actions: false, renderer: "svg", config, defaultStyle: false,
      tooltip: { disableDefaultStyle: true, theme: "custom" },
    }).then((view) => (mine === turn ? drawn.push(view) : view.finalize()));
  }

  // Vega would name Sundays, or any even days; the dates on our axes have a row, and a week or several between them.
  function onRealDates(x, values) {
    if (!x || x.type !== "temporal" || !x.axis) return;
    const DAY = 86400000;
    const dates = [...new Set(values.map((row) => row[x.field]))].sort().map((date) => Date.parse(date));
    const newest = dates[dates.length - 1];
    const weeks = Math.ceil((newest - dates[0]) / DAY / 7 / x.axis.tickCount);
    const apart = dates.filter((date) => ((newest - date) / DAY) % (7 * weeks) === 0);
    const step = Math.ceil(dates.length / x.axis.tickCount);
    const every = dates.filter((_, place) => (dates.length - 1 - place) % step === 0);
    x.axis.values = (step > 1 && apart.length > 2 ? apart : every).map((date) => {
      const on = new Date(date);
      return { year: on.getUTCFullYear(), month: on.getUTCMonth() + 1, date: on.getUTCDate(), utc: true };
    });
  }

  // All names of a legend beside each other where there is room, else in columns as wide as the longest.
  function legends(spec, width) {
    const room = width - 120;
    JSON.stringify(spec, (key, value) => {
      if (value && value.legend && value.scale) {
        const wide = value.scale.domain.map((name) => name.length * 7 + 36);
        const fits = wide.reduce((sum, one) => sum + one, 0) <= room;
        value.legend.columns = fits ? wide.length : Math.max(1, Math.floor(room / Math.max(...wide)));
      }
      return value;
    });
  }

  // For a phone: short labels and fewer dates.
  function slim(spec, config) {
    config.axis.labelLimit = 110;
    config.legend.columns = 2;
    JSON.stringify(spec, (key, value) => {
      if (value && typeof value === "object" && value.labelLimit) value.labelLimit = 110;
      if (key === "axis" && value && value.orient === "top") {
        Object.assign(value, { labelAngle: -50, labelOverlap: false });
        spec.padding = { left: 5, top: 5, right: 14, bottom: 5 }; // there the last of the slanted words ends
        config.text.fontSize = 10;
      }
      if (key === "axis" && value && value.tickCount === 7) value.tickCount = 4;
      return value;
    });
  }

  return { clear, draw };
})();
