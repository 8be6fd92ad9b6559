// The page: one view at a time, its choices in the address, every figure as it stands in the data.
(function () {
  "use strict";

  const { build, csv, download, element, format } = window.m365Table;
  const choice = window.m365Choice;
  const { data } = choice;
  const byId = (id) => document.getElementById(id);

  function header() {
    const { tenant } = choice;
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
    byId("banners").replaceChildren(...choice.tenant.banners.map((one) => {
      const node = element("p", { class: "banner " + one.tone });
      node.append(element("strong", {}, one.title), " " + one.text);
      return node;
    }));
  }

  function navigation() {
    byId("views").replaceChildren(...choice.tenant.views.map((view) => {
      const link = element("a", { href: choice.addressOf({ view: view.id }) }, view.title);
      if (view.id === choice.state.view) link.setAttribute("aria-current", "page");
      const item = element("li");
      item.append(link);
      return item;
    }));
  }

  function choose(panel) {
    const { state, tenant } = choice;
    const view = tenant.views.find((one) => one.id === state.view);
    const variant = panel.variants.find((one) => Object.entries(one.when).every(([key, value]) => state[key] === value));
    if (!variant) return { finding: "", empty: panel.otherwise || "Nothing is counted for this choice.", rows: [] };
    const at = Object.fromEntries(panel.columns.map((column, place) => [column.key, place]));
    const source = panel.rows_of ? view.panels.find((other) => other.id === panel.rows_of) : panel;
    let rows = variant.rows || source.rows;
    for (const [key, value] of Object.entries(variant.keep)) rows = rows.filter((row) => row[at[key]] === value);
    if (variant.since && panel.date_column) rows = rows.filter((row) => row[at[panel.date_column]] >= variant.since);
    let { finding, empty } = variant;
    const apps = panel.by_app && view.filters.includes("apps") ? choice.chosenApps() : null;
    const names = apps && apps.map((app) => tenant.apps[app]);
    if (variant.parts) {
      const told = Object.entries(variant.parts).filter(([name]) => !names || names.includes(name));
      finding = told.length ? finding.replace("{parts}", () => told.map(([, text]) => text).join(", ")) : "";
    }
    if (names) {
      rows = rows.filter((row) => names.includes(row[at[panel.by_app]]));
      if (!rows.length && !empty) { empty = "No app is chosen: tick one above."; finding = ""; }
    }
    return { finding, empty, rows };
  }

  // Whether some filter of the view changes what the panel shows.
  function follows(panel) {
    const filters = choice.tenant.views.find((one) => one.id === choice.state.view).filters;
    const kept = panel.variants.flatMap((one) => Object.keys(one.when));
    return !filters.length || filters.some((key) => kept.includes(key) || (key === "apps" && panel.by_app));
  }

  function tiles(panel) {
    const list = element("ul", { class: "tiles" });
    for (const [label, value, detail, view] of panel.rows) {
      const item = element("li");
      const link = element("a", { href: choice.addressOf({ view }) });
      link.append(element("span", { class: "label" }, label), element("span", { class: "value" }, value),
        element("span", { class: "detail" }, detail));
      item.append(link);
      list.append(item);
    }
    return list;
  }

  // SQL to take along; where a browser gives no clipboard, it stands there selected.
  function queries(panel) {
    const list = element("div", { class: "queries" });
    for (const [question, sql] of panel.rows) {
      const details = element("details");
      const text = element("pre", { tabindex: "0", role: "region", "aria-label": "SQL: " + question }, sql);
      const copy = element("button", { type: "button", class: "csv", "aria-label": "Copy: " + question }, "Copy");
      copy.addEventListener("click", async () => {
        window.getSelection().selectAllChildren(text);
        try {
          await navigator.clipboard.writeText(sql);
          copy.textContent = "Copied";
        } catch {
          copy.textContent = "Selected";
        }
      });
      details.append(element("summary", {}, question), text, copy);
      list.append(details);
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

  function show(panel) {
    const { finding, empty, rows } = choose(panel);
    const section = element("section", { class: "panel " + panel.kind, id: "panel-" + panel.id });
    if (panel.kind === "tiles") {
      section.append(element("h2", { class: "unseen" }, panel.title), tiles(panel));
      return { section, done: null };
    }
    section.append(element("h2", {}, panel.title));
    if (panel.kind === "queries") section.append(queries(panel));
    if (finding) section.append(element("p", { class: "finding" }, finding));
    if (empty) section.append(element("p", { class: "empty" }, empty));
    const holder = element("div", { class: panel.kind === "chart" ? "chart" : "rows" });
    let done = null;
    if (panel.kind === "chart" && !empty && rows.length) {
      section.append(holder);
      done = () => window.m365Chart.draw(panel, rows, holder, `${panel.title} ${panel.form} ${finding} The data follow as a table.`);
    } else if (panel.kind === "table" && rows.length) {
      if (panel.search) section.append(searchable(panel, rows, holder));
      else holder.append(build(panel.columns, rows, panel.title));
      section.append(holder);
    }
    const bar = rows.length && panel.kind !== "queries" ? tools(panel, rows) : null;
    const words = [panel.note, follows(panel) ? "" : "Does not follow the filters."].filter(Boolean).join(" ");
    const note = words ? element("p", { class: "note" }, words) : null;
    if (bar && note && panel.kind === "table") bar.prepend(note);
    else if (note) section.append(note);
    if (bar) section.append(bar);
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
    const before = choice.state.view;
    const mark = location.hash || "#"; // the address that is drawn, once it is
    choice.read();
    window.m365Chart.clear();
    header();
    byId("release").textContent = `Release ${data.publish_id}. Page and database of a release belong together.`;
    const { state, tenant } = choice;
    if (!tenant) {
      byId("view-title").textContent = "Nothing is published yet";
      byId("view-question").textContent = "Connect a tenant and run a sync, then open this page again.";
      document.documentElement.dataset.ready = mark;
      return;
    }
    const view = tenant.views.find((one) => one.id === state.view);
    banners();
    navigation();
    window.m365Filters.show(view);
    byId("shown").textContent = window.m365Filters.told(view);
    byId("view-title").textContent = view.title;
    byId("view-question").textContent = view.question;
    document.title = `${view.title} · ${tenant.name} · Microsoft 365 usage`;
    const made = view.panels.map(show);
    byId("panels").replaceChildren(...made.map((one) => one.section));
    if (event && before !== state.view) { window.scrollTo(0, 0); byId("view-title").focus({ preventScroll: true }); }
    await Promise.all(made.filter((one) => one.done).map((one) => one.done()));
    if (mark === (location.hash || "#")) document.documentElement.dataset.ready = mark;
  }

  window.addEventListener("hashchange", render);
  // The address belongs to the views, so the skip link moves the focus itself.
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("main-content").focus(); });
  render();
})();
