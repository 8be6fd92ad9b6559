// Tables and CSV: cells are text, never markup.
window.m365Table = (function () {
  "use strict";

  const numbers = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const cents = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const dates = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });
  const times = new Intl.DateTimeFormat("en-GB", {
    timeZone: "UTC", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
  });
  const NUMERIC = ["int", "float", "rate", "change", "points", "money", "price"];
  const SORT_ON = 8; // longer tables can be sorted
  const LIMIT = 100; // rows shown at first

  // As everywhere else on the page.
  const short = (text) => text.replace("Sept", "Sep");

  function format(value, kind) {
    if (value === null || value === undefined) return "";
    switch (kind) {
      case "int": return numbers.format(value);
      case "float": return tenths.format(value);
      case "money": return numbers.format(value);
      case "price": return cents.format(value);
      case "rate": return tenths.format(100 * value) + "%";
      case "change": return (value > 0 ? "+" : "") + tenths.format(100 * value) + "%";
      case "points": return (value > 0 ? "+" : "") + tenths.format(100 * value);
      case "date": return short(dates.format(new Date(value + "T00:00:00Z")));
      case "time": return short(times.format(new Date(value)));
      case "bool": return value ? "yes" : "no";
      default: return String(value);
    }
  }

  function element(name, attributes, text) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function visible(columns) {
    return columns.map((column, place) => ({ ...column, place })).filter((column) => !column.hidden);
  }

  function cell(row, column, hiddenAt) {
    const value = row[column.place];
    const td = element(column.first ? "th" : "td", column.first ? { scope: "row" } : {});
    if (NUMERIC.includes(column.kind)) td.className = "number";
    if (column.kind === "date" || column.kind === "time") td.className = "when";
    if (column.kind === "long") td.className = "long";
    const empty = value === null || value === undefined;
    if (empty && hiddenAt >= 0 && row[hiddenAt] && NUMERIC.includes(column.kind)) {
      td.textContent = "hidden";
      td.classList.add("absent");
      td.title = "Would tell of a small group";
    } else if (empty) {
      td.textContent = NUMERIC.includes(column.kind) ? "–" : "";
      td.classList.add("absent");
    } else {
      td.textContent = format(value, column.kind);
      if (column.kind === "text" || column.kind === "long") td.dir = "auto";
    }
    return td;
  }

  function compare(a, b) {
    const noA = a === null || a === undefined, noB = b === null || b === undefined;
    if (noA || noB) return noA === noB ? 0 : noA ? 1 : -1; // what is unknown stays last
    return typeof a === "number" ? a - b : String(a).localeCompare(String(b));
  }

  // A table with its caption; long ones can be sorted by their headings.
  function build(columns, rows, caption) {
    const shown = visible(columns).map((column, place) => ({ ...column, first: place === 0 }));
    const hiddenAt = columns.findIndex((column) => column.key === "is_suppressed");
    const totalAt = columns.findIndex((column) => column.key === "is_total");
    const frame = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption });
    const table = element("table");
    table.append(element("caption", { class: "unseen" }, caption));
    const head = element("tr");
    const body = element("tbody");
    const more = element("button", { type: "button", class: "more" });
    let sorted = rows.slice(), order = { place: -1, down: false }, limit = LIMIT;

    function fill() {
      body.replaceChildren(...sorted.slice(0, limit).map((row) => {
        const tr = element("tr", totalAt >= 0 && row[totalAt] ? { class: "total" } : {});
        tr.append(...shown.map((column) => cell(row, column, hiddenAt)));
        return tr;
      }));
      more.hidden = sorted.length <= limit;
      more.textContent = `Show all ${numbers.format(sorted.length)} rows`;
    }

    for (const column of shown) {
      const th = element("th", { scope: "col" });
      if (NUMERIC.includes(column.kind)) th.className = "number";
      if (rows.length > SORT_ON) {
        const button = element("button", { type: "button" }, column.label);
        button.addEventListener("click", () => {
          const down = order.place === column.place ? !order.down : NUMERIC.includes(column.kind);
          order = { place: column.place, down };
          sorted = rows.slice().sort((a, b) => {
            const [x, y] = [a[column.place], b[column.place]];
            const unknown = x === null || y === null;
            return down && !unknown ? -compare(x, y) : compare(x, y);
          });
          for (const other of head.children) other.removeAttribute("aria-sort");
          th.setAttribute("aria-sort", down ? "descending" : "ascending");
          fill();
        });
        th.append(button);
      } else {
        th.textContent = column.label;
      }
      head.append(th);
    }
    more.addEventListener("click", () => { limit = Infinity; fill(); });
    const thead = element("thead");
    thead.append(head);
    table.append(thead, body);
    frame.append(table);
    fill();
    const whole = element("div");
    whole.append(frame, more);
    return whole;
  }

  // A cell that a spreadsheet would take for a formula gets an apostrophe before it.
  function csvCell(value) {
    if (value === null || value === undefined) return "";
    let text = String(value);
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function csv(columns, rows) {
    const shown = visible(columns);
    const lines = [shown.map((column) => csvCell(column.key))];
    for (const row of rows) lines.push(shown.map((column) => csvCell(row[column.place])));
    return "\ufeff" + lines.map((line) => line.join(",")).join("\r\n") + "\r\n";
  }

  function download(name, text) {
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    const link = element("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  return { build, csv, download, element, format };
})();
