// What the reader chose: it stands in the address, so that a view can be passed on.
window.m365Choice = (function () {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const DEFAULTS = { view: "overview", period: "28", days: "weekdays", department: "All", app: "outlook", apps: "" };
  const now = { data, state: {}, tenant: null, read, addressOf, go, chosenApps };

  function read() {
    const [view, query] = location.hash.replace(/^#/, "").split("?");
    const found = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(query || "")) };
    if (view) found.view = decodeURIComponent(view);
    const tenant = data.tenants.find((one) => one.id === found.tenant) || data.tenants[0] || null;
    Object.assign(now, { state: found, tenant });
    if (!tenant) return;
    if (!tenant.views.some((one) => one.id === found.view)) found.view = "overview";
    if (!tenant.departments.includes(found.department)) found.department = "All";
    if (!data.periods.map(String).includes(found.period)) found.period = DEFAULTS.period;
    if (!["weekdays", "all"].includes(found.days)) found.days = DEFAULTS.days;
    if (!(found.app in tenant.apps)) found.app = Object.keys(tenant.apps)[0] || "";
  }

  function addressOf(changes) {
    const next = { ...now.state, ...changes };
    const query = new URLSearchParams();
    for (const key of ["period", "days", "department", "app", "apps"]) {
      if (next[key] && next[key] !== DEFAULTS[key]) query.set(key, next[key]);
    }
    const wanted = changes.tenant || now.tenant.id;
    if (changes.tenant || wanted !== data.tenants[0].id) query.set("tenant", wanted);
    const text = query.toString();
    return "#" + next.view + (text ? "?" + text : "");
  }

  function go(changes) { location.hash = addressOf(changes); }

  // The apps whose boxes are ticked; null: all of them.
  function chosenApps() {
    return now.state.apps ? now.state.apps.split(",").filter((app) => app in now.tenant.apps) : null;
  }

  return now;
})();
