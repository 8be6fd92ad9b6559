// The page: one view at a time, its choices in the address, every figure as it stands in the data.
(function () {
  "use strict";

  const { build, csv, download, element, format } = window.m365Table;
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const DEFAULTS = { view: "overview", period: "28", days: "weekdays", department: "All", app: "outlook", apps: "" };
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
  let state = {}, tenant = null, turn = 0, drawn = [];

  function readState() {
    const [view, query] = location.hash.replace(/^#/, "").split("?");
    const found = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(query || "")) };
    if (view) found.view = decodeURIComponent(view);
    tenant = data.tenants.find((one) => one.id === found.tenant) || data.tenants[0] || null;
    if (!tenant) return found;
    if (!tenant.views.some((one) => one.id === found.view)) found.view = "overview";
    if (!tenant.departments.includes(found.department)) found.department = "All";
    if (!data.periods.map(String).includes(found.period)) found.period = DEFAULTS.period;
    if (!["weekdays", "all"].includes(found.days)) found.days = DEFAULTS.days;
    if (!(found.app in tenant.apps)) found.app = Object.keys(tenant.apps)[0] || "";
    return found;
  }

  function addressOf(changes) {
    const next = { ...state, ...changes };
    const query = new URLSearchParams();
    for (const key of ["period", "days", "department", "app", "apps"]) {
      if (next[key] && next[key] !== DEFAULTS[key]) query.set(key, next[key]);
    }
    if (data.tenants.length > 1 && tenant.id !== data.tenants[0].id && !changes.tenant) query.set("tenant", tenant.id);
    if (changes.tenant) query.set("tenant", changes.tenant);
    const text = query.toString();
    return "#" + next.view + (text ? "?" + text : "");
  }

  function go(changes) { location.hash = addressOf(changes); }

  function header() {
    byId("tenant-name").textContent = tenant ? tenant.name : "No tenant yet";
    const line = byId("as-of");
    if (!tenant || !tenant.data_through) {
      line.textContent = "No day of use is stored yet. Run a sync: the first one brings the last four weeks.";
      line.className = "asof warn";
      return;
    }
    const old = Math.max(0, Math.floor((Date.now() - Date.parse(data.made_at)) / 86400000));
    const lag = tenant.lag_days + old;
    const tone = lag > data.red_days ? "bad" : lag > data.amber_days ? "warn" : "";
    const advice = tone ? " Run a sync, or look at the last runs under Data health." : "";
    line.className = "asof " + tone;
    line.replaceChildren(
      "Data as of ", element("strong", {}, format(tenant.data_through, "date")), " (report date) · loaded ",
      element("strong", {}, tenant.loaded_at ? format(tenant.loaded_at, "time") + " UTC" : "at an unknown time"),
      " · ", element("strong", {}, `${lag} ${lag === 1 ? "day" : "days"} behind`), advice,
    );
  }

  function banners() {
    byId("banners").replaceChildren(...tenant.banners.map((one) => {
      const node = element("p", { class: "banner " + one.tone });
      node.append(element("strong", {}, one.title), " " + one.text);
      return node;
    }));
  }

  function navigation() {
    byId("views").replaceChildren(...tenant.views.map((view) => {
      const link = element("a", { href: addressOf({ view: view.id }) }, view.title);
      if (view.id === state.view) link.setAttribute("aria-current", "page");
      const item = element("li");
      item.append(link);
      return item;
    }));
  }

  function select(key, label, options) {
    const wrap = element("label", {}, label);
    const field = element("select", { name: key });
    for (const [value, text] of options) {
      const option = element("option", { value }, text);
      option.selected = value === (key === "tenant" ? tenant.id : state[key]);
      field.append(option);
    }
    field.addEventListener("change", () => go({ [key]: field.value }));
    wrap.append(field);
    return wrap;
  }

  function radios(key, label, options) {
    const group = element("fieldset");
    group.append(element("legend", {}, label));
    const row = element("div", { class: "segments" });
    for (const [value, text] of options) {
      const wrap = element("label");
      const field = element("input", { type: "radio", name: key, value });
      field.checked = state[key] === value;
      field.addEventListener("change", () => go({ [key]: value }));
      wrap.append(field, element("span", {}, text));
      row.append(wrap);
    }
    group.append(row);
    return group;
  }

  const chosenApps = () => (state.apps ? state.apps.split(",").filter((app) => app in tenant.apps) : null);

  function boxes() {
    const group = element("fieldset");
    group.append(element("legend", {}, "Apps"));
    const row = element("div", { class: "boxes" });
    const chosen = chosenApps() || Object.keys(tenant.apps);
    for (const [app, name] of Object.entries(tenant.apps)) {
      const wrap = element("label");
      const field = element("input", { type: "checkbox", name: "apps", value: app });
      field.checked = chosen.includes(app);
      field.addEventListener("change", () => {
        const next = Object.keys(tenant.apps).filter((one) => (one === app ? field.checked : chosen.includes(one)));
        go({ apps: next.length === Object.keys(tenant.apps).length ? "" : next.join(",") || "none" });
      });
      wrap.append(field, " " + name);
      row.append(wrap);
    }
    group.append(row);
    return group;
  }

  function filters(view) {
    const focused = document.activeElement && byId("filters").contains(document.activeElement)
      ? [document.activeElement.name, document.activeElement.value] : null;
    const made = [];
    if (data.tenants.length > 1) made.push(select("tenant", "Tenant", data.tenants.map((one) => [one.id, one.name])));
    for (const key of view.filters) {
      if (key === "department" && tenant.departments.length > 1) {
        made.push(select("department", "Department", tenant.departments.map((one) => [one, one])));
      }
      if (key === "app") made.push(select("app", "App", Object.entries(tenant.apps)));
      if (key === "apps") made.push(boxes());
      if (key === "period") made.push(radios("period", "Last days", data.periods.map((one) => [String(one), String(one)])));
      if (key === "days") made.push(radios("days", "Days", [["weekdays", "Weekdays"], ["all", "All days"]]));
    }
    if (view.filters.length) {
      const reset = element("button", { type: "button", class: "reset" }, "Reset");
      reset.addEventListener("click", () => go({ period: "", days: "", department: "", app: "", apps: "" }));
      made.push(reset);
    }
    byId("filters").replaceChildren(...made);
    byId("filters").hidden = !made.length;
    if (focused) { // the reader goes on where they were
      const same = [...byId("filters").querySelectorAll("[name]")].find(
        (one) => one.name === focused[0] && (one.tagName === "SELECT" || one.value === focused[1]));
      if (same) same.focus();
    }
  }

  function shownLine(view) {
    const parts = [];
    for (const key of view.filters) {
      if (key === "department") parts.push(state.department === "All" ? "all departments" : state.department);
      if (key === "period") parts.push(`last ${state.period} days`);
      if (key === "days") parts.push(state.days === "all" ? "all days" : "weekdays");
      if (key === "app") parts.push(tenant.apps[state.app] || "");
      if (key === "apps" && chosenApps()) parts.push(chosenApps().map((app) => tenant.apps[app]).join(", ") || "no app");
    }
    byId("shown").textContent = parts.length ? "Shown: " + parts.join(" · ") : "";
  }

  function choose(panel) {
    const variant = panel.variants.find((one) => Object.entries(one.when).every(([key, value]) => state[key] === value));
    if (!variant) return { finding: "", empty: panel.otherwise || "Nothing is counted for this choice.", rows: [] };
    const at = Object.fromEntries(panel.columns.map((column, place) => [column.key, place]));
    let rows = variant.rows || panel.rows;
    for (const [key, value] of Object.entries(variant.keep)) rows = rows.filter((row) => row[at[key]] === value);
    if (variant.since && panel.date_column) rows = rows.filter((row) => row[at[panel.date_column]] >= variant.since);
    let { finding, empty } = variant;
    if (panel.by_app && chosenApps() && tenant.views.some((v) => v.id === state.view && v.filters.includes("apps"))) {
      const names = chosenApps().map((app) => tenant.apps[app]);
      rows = rows.filter((row) => names.includes(row[at[panel.by_app]]));
      if (!rows.length && !empty) { empty = "No app is chosen: tick one above."; finding = ""; }
    }
    return { finding, empty, rows };
  }

  function tiles(panel) {
    const list = element("ul", { class: "tiles" });
    for (const [label, value, detail, view] of panel.rows) {
      const item = element("li");
      const link = element("a", { href: addressOf({ view }) });
      link.append(element("span", { class: "label" }, label), element("span", { class: "value" }, value),
        element("span", { class: "detail" }, detail));
      item.append(link);
      list.append(item);
    }
    return list;
  }

  function searchable(panel, rows, holder) {
    const wrap = element("label", { class: "search" }, "Search ");
    const field = element("input", { type: "search" });
    const count = element("span", { class: "count", role: "status" });
    wrap.append(field, count);
    function fill() {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = rows.filter((row) => {
        const text = panel.columns.map((column, place) => (column.hidden ? "" : row[place])).join(" ").toLowerCase();
        return words.every((word) => text.includes(word));
      });
      count.textContent = words.length ? `${found.length} of ${rows.length}` : "";
      holder.replaceChildren(build(panel.columns, found, panel.title));
    }
    field.addEventListener("input", fill);
    fill();
    return wrap;
  }

  function draw(panel, rows, holder, alt) {
    const values = rows.map((row) => Object.fromEntries(panel.columns.map((column, place) => [column.key, row[place]])));
    const narrow = holder.clientWidth < 520;
    const spec = JSON.parse(JSON.stringify({
      ...panel.spec, width: "container", autosize: { type: "fit-x", contains: "padding" }, data: { values },
    }));
    if (spec.height.step) { // so many rows as have a figure
      const { step, of, with: figure } = spec.height;
      const found = values.filter((row) => !figure || row[figure] !== null);
      spec.height = step * Math.max(1, new Set(found.map((row) => row[of])).size);
    }
    if (values.length > 300) for (const layer of spec.layer || []) {
      if (layer.mark.type === "point") layer.mark.size = 8; // months of days: the line says more than its points
    }
    const config = JSON.parse(JSON.stringify(CONFIG));
    if (narrow) { config.axis.labelLimit = 110; config.legend.columns = 2; }
    if (narrow) JSON.stringify(spec, (key, value) => {
      if (value && typeof value === "object" && value.labelLimit) value.labelLimit = 110;
      if (key === "legend" && value) value.columns = 2;
      if (key === "axis" && value && value.orient === "top") Object.assign(value, { labelAngle: -50, labelOverlap: false });
      if (key === "axis" && value && value.tickCount === 7) value.tickCount = 4;
      return value;
    });
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", alt);
    const mine = turn;
    const inner = element("div", { "aria-hidden": "true" }); // Vega gives its node names of its own; the words stand around it
    holder.replaceChildren(inner);
    return window.m365Embed(inner, spec, {
      mode: "vega-lite", ast: true, logLevel: 1, actions: false, renderer: "svg", config, defaultStyle: false,
      tooltip: { disableDefaultStyle: true, theme: "custom" },
    }).then((view) => (mine === turn ? drawn.push(view) : view.finalize()));
  }

  function show(panel) {
    const { finding, empty, rows } = choose(panel);
    const section = element("section", { class: "panel " + panel.kind, id: "panel-" + panel.id });
    if (panel.kind === "tiles") {
      section.append(element("h2", { class: "unseen" }, panel.title), tiles(panel));
      return { section, done: null };
    }
    section.append(element("h2", {}, panel.title));
    if (finding) section.append(element("p", { class: "finding" }, finding));
    if (empty) section.append(element("p", { class: "empty" }, empty));
    const holder = element("div", { class: panel.kind === "chart" ? "chart" : "rows" });
    let done = null;
    if (panel.kind === "chart" && !empty && rows.length) {
      section.append(holder);
      done = () => draw(panel, rows, holder, `${panel.title} ${panel.form} ${finding} The data follow as a table.`);
    } else if (panel.kind === "table" && rows.length) {
      if (panel.search) section.append(searchable(panel, rows, holder));
      else holder.append(build(panel.columns, rows, panel.title));
      section.append(holder);
    }
    if (panel.note) section.append(element("p", { class: "note" }, panel.note));
    if (rows.length) section.append(tools(panel, rows));
    return { section, done };
  }

  function tools(panel, rows) {
    const bar = element("div", { class: "tools" });
    if (panel.kind === "chart") {
      const details = element("details");
      details.append(element("summary", {}, "Show data"));
      details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1) details.append(build(panel.columns, rows, panel.title));
      });
      bar.append(details);
    }
    const button = element("button", { type: "button", class: "csv", "aria-label": "CSV: " + panel.title }, "CSV");
    button.addEventListener("click", () => download(panel.id + ".csv", csv(panel.columns, rows)));
    bar.append(button);
    return bar;
  }

  async function render(event) {
    turn += 1;
    const mine = turn, before = state.view;
    const mark = location.hash || "#"; // the address that is drawn, once it is
    state = readState();
    for (const view of drawn.splice(0)) view.finalize();
    header();
    byId("release").textContent = `Release ${data.publish_id}. Page and database of a release belong together.`;
    if (!tenant) {
      byId("view-title").textContent = "Nothing is published yet";
      byId("view-question").textContent = "Connect a tenant and run a sync, then open this page again.";
      document.documentElement.dataset.ready = mark;
      return;
    }
    const view = tenant.views.find((one) => one.id === state.view);
    banners();
    navigation();
    filters(view);
    shownLine(view);
    byId("view-title").textContent = view.title;
    byId("view-question").textContent = view.question;
    document.title = `${view.title} · ${tenant.name} · Microsoft 365 usage`;
    const made = view.panels.map(show);
    byId("panels").replaceChildren(...made.map((one) => one.section));
    if (event && before !== state.view) { window.scrollTo(0, 0); byId("view-title").focus({ preventScroll: true }); }
    await Promise.all(made.filter((one) => one.done).map((one) => one.done()));
    if (mine === turn) document.documentElement.dataset.ready = mark;
  }

  window.addEventListener("hashchange", render);
  // The address belongs to the views, so the skip link moves the focus itself.
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("main-content").focus(); });
  render();
})();
