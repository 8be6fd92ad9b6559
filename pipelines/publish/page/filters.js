// The controls above a view; each changes the address, and the address what is drawn.
window.m365Filters = (function () {
  "use strict";

  const { element } = window.m365Table;
  const choice = window.m365Choice;

  function select(key, label, options) {
    const wrap = element("label", {}, label);
    const field = element("select", { name: key });
    for (const [value, text] of options) {
      const option = element("option", { value }, text);
      option.selected = value === (key === "tenant" ? choice.tenant.id : choice.state[key]);
      field.append(option);
    }
    field.addEventListener("change", () => choice.go({ [key]: field.value }));
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
      field.checked = choice.state[key] === value;
      field.addEventListener("change", () => choice.go({ [key]: value }));
      wrap.append(field, element("span", {}, text));
      row.append(wrap);
    }
    group.append(row);
    return group;
  }

  function boxes() {
    const group = element("fieldset");
    group.append(element("legend", {}, "Apps"));
    const row = element("div", { class: "boxes" });
    const chosen = choice.chosenApps() || Object.keys(choice.tenant.apps);
    for (const [app, name] of Object.entries(choice.tenant.apps)) {
      const wrap = element("label");
      const field = element("input", { type: "checkbox", name: "apps", value: app });
      field.checked = chosen.includes(app);
      field.addEventListener("change", () => {
        const next = Object.keys(choice.tenant.apps).filter((one) => (one === app ? field.checked : chosen.includes(one)));
        choice.go({ apps: next.length === Object.keys(choice.tenant.apps).length ? "" : next.join(",") || "none" });
      });
      wrap.append(field, " " + name);
      row.append(wrap);
    }
    group.append(row);
    return group;
  }

  function show(view) {
    const form = document.getElementById("filters");
    const focused = form.contains(document.activeElement)
      ? [document.activeElement.name, document.activeElement.value] : null;
    const made = [];
    if (choice.data.tenants.length > 1) made.push(select("tenant", "Tenant", choice.data.tenants.map((one) => [one.id, one.name])));
    for (const key of view.filters) {
      if (key === "department" && choice.tenant.departments.length > 1) {
        made.push(select("department", "Department", choice.tenant.departments.map((one) => [one, one])));
      }
      if (key === "app") made.push(select("app", "App", Object.entries(choice.tenant.apps)));
      if (key === "apps") made.push(boxes());
      if (key === "period") made.push(radios("period", "Last days", choice.data.periods.map((one) => [String(one), String(one)])));
      if (key === "days") made.push(radios("days", "Days", [["weekdays", "Weekdays"], ["all", "All days"]]));
    }
    if (view.filters.length) {
      const reset = element("button", { type: "button", class: "reset" }, "Reset");
      reset.addEventListener("click", () => choice.go({ period: "", days: "", department: "", app: "", apps: "" }));
      made.push(reset);
    }
    form.replaceChildren(...made);
    form.hidden = !made.length;
    if (focused) { // the reader goes on where they were
      const same = [...form.querySelectorAll("[name]")].find(
        (one) => one.name === focused[0] && (one.tagName === "SELECT" || one.value === focused[1]));
      if (same) same.focus();
    }
  }

  // One line for what is shown, which screen readers hear; it says, too, where something is hidden.
  function told(view) {
    const { state, tenant } = choice;
    const parts = [];
    for (const key of view.filters) {
      if (key === "department") parts.push(state.department === "All" ? "all departments" : state.department);
      if (key === "period") parts.push(`last ${state.period} days`);
      if (key === "days") parts.push(state.days === "all" ? "all days" : "weekdays");
      if (key === "app") parts.push(tenant.apps[state.app] || "");
      const apps = key === "apps" && choice.chosenApps();
      if (apps) parts.push(apps.map((app) => tenant.apps[app]).join(", ") || "no app");
    }
    const shown = parts.length ? "Shown: " + parts.join(" · ") + "." : "";
    const hidden = view.filters.includes("department") && tenant.protected.includes(state.department);
    return shown + (hidden ? ` Some figures of ${state.department} are hidden: they would tell of a small group.` : "");
  }

  return { show, told };
})();
