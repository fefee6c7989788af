"use strict";
// What a click changes: the order of a table, and the part of the usage that is drawn, compared and listed.
// Everything can be read without it. Texts of the data are only ever put in as text.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const isNumber = (value) => value !== "" && Number.isFinite(Number(value));

  // --- tables ---------------------------------------------------------------------------------------------------------
  const valueOf = (row, place) => {
    const cell = row.cells[place];
    return cell.dataset.sort ?? cell.textContent.trim();
  };
  const order = (a, b, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");  // unknown comes last, whichever way
    return sign * (isNumber(a) && isNumber(b) ? a - b : a.localeCompare(b, "en", { numeric: true }));
  };
  const sort = (head, place) => {
    const body = head.closest("table").tBodies[0];
    const isDown = head.ariaSort ? head.ariaSort === "ascending" : head.classList.contains("number");
    for (const other of head.parentElement.cells) other.ariaSort = null;
    head.ariaSort = isDown ? "descending" : "ascending";
    const rows = [...body.rows].sort((a, b) => order(valueOf(a, place), valueOf(b, place), isDown ? -1 : 1));
    body.append(...rows);
  };
  for (const head of all("table thead th")) {
    if (head.closest("table").tBodies[0].rows.length < 2 || !head.closest("table.sortable")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head, head.cellIndex));
  }

  // --- the filter -----------------------------------------------------------------------------------------------------
  const source = document.getElementById("usage");
  const form = document.getElementById("filter");
  if (!source || !form) return;
  const usage = JSON.parse(source.textContent);
  const DIMENSIONS = usage.dimensions;
  const PERIOD = 0, [EXECUTIONS, WITH_COST, COST, TOKENS] = [1, 2, 3, 4].map((behind) => DIMENSIONS.length + behind);
  const place = (dimension) => 1 + DIMENSIONS.indexOf(dimension);

  const usd = (value) => {
    if (value === null) return "unknown";
    const needed = value > 0 ? Math.min(12, 1 - Math.floor(Math.log10(value))) : 0;  // for two digits
    const digits = value >= 100 || value === 0 ? 0 : value >= 0.1 ? 2 : Math.max(3, needed);
    return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
  };
  const count = (value) => (value ?? 0).toLocaleString("en-US");
  const percent = (share) => `${(100 * share).toFixed(share > 0.0005 && share < 0.01 ? 1 : 0)}\u00a0%`;
  const short = (value) => {
    if (value === null) return "unknown";
    for (const [size, name] of [[1e9, "billion"], [1e6, "million"], [1e3, "thousand"]]) {
      if (value >= 10 * size || (value >= size && size > 1e3)) {
        const digits = value >= 100 * size ? 0 : 1;
        return `${(value / size).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${name}`;
      }
    }
    return count(value);
  };
  const change = (now, before) => {
    if (now === null || before === null) return "not defined";
    if (before === 0) return now === 0 ? "unchanged" : "new";
    const grown = Math.round((100 * (now - before)) / before);
    return `${grown > 0 ? "+" : ""}${grown}\u00a0%`;
  };

  const chosen = () => {
    const found = {};
    for (const [name, value] of new FormData(form)) if (value !== "") found[name] = Number(value);
    return found;
  };
  const taken = (wanted) =>
    usage.rows.filter((row) => DIMENSIONS.every((name) => !(name in wanted) || row[place(name)] === wanted[name]));
  const sum = (rows, column) => rows.reduce((total, row) => (row[column] === null ? total : (total ?? 0) + row[column]), null);
  const sums = (rows) => {
    if (rows.length === 0) return { executions: 0, withCost: 0, cost: 0, tokens: 0 };  // nothing ran: that is known
    const [executions, withCost, cost, tokens] = [EXECUTIONS, WITH_COST, COST, TOKENS].map((column) => sum(rows, column));
    return { executions, withCost, cost, tokens };
  };

  // As svg.draw_stacks draws them.
  const LEFT = 0.11, TOP = 16, HEIGHT = 180;
  const element = (name, attributes, text = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  };
  const share = (value) => `${Number((100 * Math.min(Math.max(value, 0), 1)).toPrecision(3))}%`;
  const ticks = (high) => {
    const rough = high / 4, unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 2.5, 5, 10].find((factor) => factor * unit >= rough * 0.999);
    return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, number) => number * step);
  };
  const layersOf = (dimension) => {
    const names = usage.names[dimension];
    const kept = names.slice(0, usage.layers);
    return names.length > usage.layers ? [...kept, "all others"] : kept;
  };
  const classOf = (layer) => (layer < usage.layers ? `s${layer}` : "other");
  const spread = (rows, dimension, periods) => {
    const layers = layersOf(dimension).length;
    const costs = Array.from({ length: periods }, () => Array(layers).fill(0));
    for (const row of rows) {
      if (row[PERIOD] < periods) costs[periods - 1 - row[PERIOD]][Math.min(row[place(dimension)], layers - 1)] += row[COST] ?? 0;
    }
    return costs;
  };
  const draw = (figure, rows, periods) => {
    const dimension = figure.dataset.stack, names = layersOf(dimension);
    const costs = spread(rows, dimension, periods), labels = usage.starts.slice(-periods);
    const high = 1.05 * Math.max(...costs.map((column) => column.reduce((a, b) => a + b, 0))) || 1;
    const picture = figure.querySelector("svg.picture");
    for (const old of [...picture.children].slice(2)) old.remove();  // title and description stay
    for (const tick of ticks(high)) {
      const y = TOP + HEIGHT * (1 - tick / high);
      picture.append(element("line", { x1: share(LEFT), x2: "100%", y1: y, y2: y, class: "grid" }));
      picture.append(element("text", { x: "0", y: y + 4, class: "tick" }, `$${Number(tick.toPrecision(10)).toLocaleString("en-US", { maximumFractionDigits: 10 })}`));
    }
    const step = (1 - LEFT) / periods;
    costs.forEach((column, number) => {
      let below = 0;
      column.forEach((cost, layer) => {
        if (cost > 0) {
          const y = TOP + HEIGHT * (1 - (below + cost) / high);
          const bar = element("rect", {
            x: share(LEFT + (number + 0.1) * step), width: share(0.8 * step), y, height: (HEIGHT * cost) / high, class: classOf(layer),
          });
          bar.append(element("title", {}, `${labels[number]}: ${names[layer]} ${usd(cost)}`));
          picture.append(bar);
          below += cost;
        }
      });
    });
    const every = Math.max(1, Math.ceil(periods / 4));
    for (let number = 0; number < periods; number += every) {
      if (number > 0 && periods - number < every / 2) continue;
      const x = share(LEFT + ((1 - LEFT) * (number + 0.5)) / periods);
      picture.append(element("text", { x, y: TOP + HEIGHT + 18, class: "tick", "text-anchor": "middle" }, labels[number]));
    }
    const totals = names.map((_, layer) => costs.reduce((total, column) => total + column[layer], 0));
    const whole = totals.reduce((a, b) => a + b, 0);
    all(".keys li", figure).forEach((key, layer) => {
      const said = whole > 0 ? `, ${percent(totals[layer] / whole)}` : "";
      key.lastChild.textContent = ` ${names[layer]} ${usd(totals[layer])}${said}`;
    });
  };

  const compare = (rows) => {
    const table = document.getElementById("comparison");
    if (!table) return;
    const within = (from, to) => sums(rows.filter((row) => row[PERIOD] >= from && row[PERIOD] < to));
    const now = within(0, usage.compared), before = within(usage.compared, 2 * usage.compared);
    const each = (part) => (part.withCost && part.cost !== null ? part.cost / part.withCost : null);
    const lines = [
      [(part) => part.cost, usd], [(part) => part.executions, count], [(part) => part.executions - part.withCost, count],
      [each, usd], [(part) => part.tokens, short],
    ];
    lines.forEach(([find, write], number) => {
      const cells = table.querySelectorAll("tbody tr")[number].cells;
      const texts = [write(find(now)), write(find(before)), change(find(now), find(before))];
      texts.forEach((text, column) => { cells[column + 1].firstElementChild.textContent = text; });
    });
  };

  const facts = (rows, periods) => {
    const found = sums(rows.filter((row) => row[PERIOD] < periods)), unknown = found.executions - found.withCost;
    const texts = {
      cost: usd(found.cost), unknown: `${count(unknown)} execution${unknown === 1 ? "" : "s"}`,
      executions: count(found.executions), tokens: short(found.tokens),
    };
    for (const fact of all("[data-fact]")) {
      fact.classList.toggle("whole", !(fact.dataset.fact in texts));
      if (fact.dataset.fact in texts) fact.querySelector("b").textContent = texts[fact.dataset.fact];
    }
  };

  const show = (wanted) => {
    for (const row of all("tr[data-tags]")) {
      const tags = JSON.parse(row.dataset.tags);
      const fits = DIMENSIONS.every((name) => !(name in wanted) || !(name in tags) || tags[name].includes(wanted[name]));
      row.hidden = !fits || ("periods" in wanted && "period" in tags && tags.period[0] >= wanted.periods);
    }
  };

  const first = new Map(all("[data-fact]").map((fact) => [fact, fact.querySelector("b").textContent]));
  const apply = () => {
    const wanted = chosen(), rows = taken(wanted), periods = wanted.periods ?? usage.starts.length;
    const isWhole = Object.keys(wanted).length === 0;
    for (const figure of all("figure[data-stack]")) draw(figure, rows, periods);
    compare(rows);
    if (isWhole) for (const [fact, text] of first) { fact.querySelector("b").textContent = text; fact.classList.remove("whole"); }
    else facts(rows, periods);
    show(wanted);
    document.body.classList.toggle("filtered", !isWhole);
    keep();
  };
  // A page that is made again keeps the filter, by the words of its choices: codes may mean others by then.
  const KEY = `filter ${location.pathname}`;
  const keep = () => {
    const said = {};
    for (const field of all("select", form)) if (field.value !== "") said[field.name] = field.selectedOptions[0].text;
    try { sessionStorage.setItem(KEY, JSON.stringify(said)); } catch { /* a browser may forbid to remember */ }
  };
  const restore = () => {
    let said = {};
    try { said = JSON.parse(sessionStorage.getItem(KEY) ?? "{}"); } catch { return false; }
    for (const field of all("select", form)) {
      const option = [...field.options].find((one) => field.name in said && one.text === said[field.name]);
      if (option) option.selected = true;
    }
    return Object.keys(said).length > 0;
  };
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  if (restore()) apply();
})();
