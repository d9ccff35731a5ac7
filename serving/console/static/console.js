// Brings pages to life: theme, menu, tables that sort, figures drawn when they come into sight. Pages read well without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const plotlyAddress = document.currentScript && document.currentScript.dataset.plotly;
  const ROWS_AT_FIRST = 12; // as in console.css
  const drawn = new Set();
  root.classList.add("scripted");

  // Theme

  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches);

  function offerThemes() {
    const button = document.querySelector("button.theme");
    if (!button) return;
    const name = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
    const changed = () => { name(); drawn.forEach(draw); };
    button.hidden = false;
    name();
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("touchpoint-theme", root.dataset.theme); } catch (error) { /* then it lasts for this page */ }
      changed();
    });
    systemIsDark.addEventListener("change", changed);
  }

  // Menu on narrow screens, which console.css hides on wide ones

  function offerMenu() {
    const button = document.querySelector("button.menu"), menu = document.getElementById("navigation");
    if (!button || !menu) return;
    const narrow = matchMedia("(max-width: 60rem)");
    const fit = () => { button.hidden = !narrow.matches; };
    const open = (whether) => { menu.classList.toggle("open", whether); button.setAttribute("aria-expanded", String(whether)); };
    button.addEventListener("click", () => open(!menu.classList.contains("open")));
    menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { open(false); button.focus(); } });
    menu.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) open(false); });
    narrow.addEventListener("change", fit);
    fit();
  }

  // Tables

  function makeSortable(table) {
    table.querySelectorAll("thead th").forEach((heading, index) => {
      const button = document.createElement("button");
      button.type = "button";
      const words = document.createElement("span");
      words.append(...heading.childNodes);
      button.append(words);
      heading.append(button);
      button.addEventListener("click", () => sort(table, heading, index));
    });
  }

  function sort(table, heading, index) {
    const figures = heading.classList.contains("figure"), before = heading.getAttribute("aria-sort");
    const first = figures ? "descending" : "ascending", second = figures ? "ascending" : "descending";
    const order = before === first ? second : first, sign = order === "ascending" ? 1 : -1;
    table.querySelectorAll("th[aria-sort]").forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", order);
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => ({ row, key: row.cells[index].dataset.value }));
    const compare = (a, b) => {
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === ""); // nothing comes last in both orders
      return sign * (figures ? Number(a.key) - Number(b.key) : a.key.localeCompare(b.key, "en", { numeric: true }));
    };
    body.append(...keyed.sort(compare).map((each) => each.row));
  }

  function shorten(table) {
    const rows = table.tBodies[0].rows.length;
    if (rows <= ROWS_AT_FIRST + 3) return;
    const button = document.createElement("button");
    const show = (all) => {
      table.classList.toggle("short", !all);
      button.textContent = all ? `Show the first ${ROWS_AT_FIRST} rows only` : `Show all ${rows.toLocaleString("en")} rows`;
      button.setAttribute("aria-expanded", String(all));
    };
    button.type = "button";
    button.className = "all";
    button.addEventListener("click", () => show(table.classList.contains("short")));
    show(false);
    table.closest(".scroll").after(button);
  }

  function offerScrolling() {
    // a box that needs no scrolling is no place to stop at with the Tab key
    const fade = (box) => box.classList.toggle("beyond", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
    const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0; else target.removeAttribute("tabindex");
      fade(target);
    }));
    document.querySelectorAll(".scroll").forEach((box) => {
      watch.observe(box);
      box.addEventListener("scroll", () => fade(box), { passive: true });
    });
  }

  // Figures

  let loading = null;
  function plotly() {
    if (window.Plotly) return Promise.resolve(window.Plotly);
    loading = loading || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = plotlyAddress;
      script.onload = () => resolve(window.Plotly);
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  function colours() {
    const probe = document.createElement("span");
    document.body.append(probe);
    const of = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
    const names = ["paper", "ink", "soft", "line", "grid", "low", "middle", "high", "accent"];
    const found = Object.fromEntries(names.map((name) => [name, of(name)]));
    found.series = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => of(`series-${number}`));
    probe.remove();
    return found;
  }

  const faded = (colour, opacity) => colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`);
  const isShare = (axis) => Boolean(axis && axis.tickformat && axis.tickformat.endsWith("%"));

  function coloured(trace, colour, palette, figure) {
    const own = structuredClone(trace);
    if (trace.type === "bar") {
      own.marker = { color: colour, ...trace.marker };
      if (own.error_x) own.error_x = { color: faded(palette.ink, 0.65), thickness: 1.4, ...own.error_x };
      if (own.error_y) own.error_y = { color: faded(palette.ink, 0.65), thickness: 1.4, ...own.error_y };
    } else if (trace.type === "heatmap") {
      const values = trace.z.flat().filter((value) => value !== null);
      const both = values.some((value) => value < 0) && values.some((value) => value > 0);
      const sequential = [[0, palette.low], [0.5, palette.middle], [1, palette.high]];
      const diverging = [[0, palette.series[1]], [0.5, palette.low], [1, palette.series[0]]];
      own.colorscale = own.colorscale || (both ? diverging : sequential);
      if (both) own.zmid = 0;
      own.colorbar = { thickness: 10, outlinewidth: 0, tickfont: { color: palette.soft }, ...trace.colorbar };
    } else if (trace.type === "sankey") {
      const places = trace.node.label.map((label) => label.replace(/^\d+ /, "")); // the same place at another step
      const kinds = [...new Set(places)], hues = places.map((place) => palette.series[kinds.indexOf(place) % 8]);
      own.node = { color: hues, line: { width: 0 }, align: "left", ...trace.node };
      own.link = { color: faded(palette.soft, 0.28), hovercolor: faded(palette.accent, 0.55), ...trace.link };
      own.textfont = { color: palette.ink, shadow: "none", ...trace.textfont };
    } else if (trace.fill === "toself") {
      own.fillcolor = trace.fillcolor || colour;
    } else {
      own.line = { color: colour, width: 2, ...trace.line };
      own.marker = { color: colour, size: 6, ...trace.marker };
      if (own.error_x) own.error_x = { color: faded(colour, 0.6), thickness: 1.4, ...own.error_x };
      if (own.error_y) own.error_y = { color: faded(colour, 0.6), thickness: 1.4, ...own.error_y };
    }
    return own;
  }

  function groupOf(trace) {
    return String(trace.legendgroup || trace.name || "");
  }

  function shortLabels(spec, narrow) {
    // long names beside bars would leave no room for the bars on a phone
    const longest = narrow ? 16 : 38;
    const labels = [...new Set(spec.data.flatMap((trace) => (trace.orientation === "h" || trace.type === "heatmap" ? trace.y : [])))];
    if (!labels.some((label) => String(label).length > longest)) return {};
    const kept = Math.floor((longest - 1) / 2); // at both ends: many names begin alike
    const cut = (label) => (label.length > longest ? `${label.slice(0, longest - 1 - kept)}…${label.slice(-kept)}` : label);
    return { tickmode: "array", tickvals: labels, ticktext: labels.map((label) => cut(String(label))) };
  }

  function nameCurrency(layout) {
    const { currency } = root.dataset, money = (layout.meta && layout.meta.money) || [];
    if (currency) money.forEach((axis) => { layout[axis].title = { ...layout[axis].title, text: `${layout[axis].title.text} (${currency})` }; });
  }

  function dressed(spec, box) {
    const palette = colours(), narrow = box.clientWidth < 560, flows = spec.data.some((trace) => trace.type === "sankey");
    const groups = [...new Set(spec.data.map(groupOf))];
    const data = spec.data.map((trace) => coloured(trace, palette.series[groups.indexOf(groupOf(trace)) % 8], palette, spec));
    const axis = { gridcolor: palette.grid, zerolinecolor: palette.line, linecolor: palette.line, tickfont: { color: palette.soft } };
    const layout = structuredClone(spec.layout || {});
    const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))]);
    axes.forEach((name) => { layout[name] = { ...axis, ...layout[name] }; });
    nameCurrency(layout);
    Object.assign(layout.yaxis, shortLabels(spec, narrow));
    if (narrow) axes.forEach((name) => { if (name[0] === "y" && layout[name].title) layout[name].title = { text: "" }; });
    return {
      data,
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", colorway: palette.series,
        margin: { l: narrow || flows ? 8 : 56, r: 16, t: 16, b: layout.xaxis && layout.xaxis.side === "top" ? 16 : 48 }, autosize: true, bargap: 0.28, hovermode: "closest",
        legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { color: palette.ink } },
        hoverlabel: { bgcolor: palette.paper, bordercolor: palette.line, font: { color: palette.ink } },
        ...layout,
        font: { family: getComputedStyle(document.body).fontFamily, size: narrow ? 11 : 12.5, color: palette.ink, ...layout.font },
      },
    };
  }

  async function draw(box) {
    drawn.add(box);
    const figure = box.querySelector("script[type='application/json']");
    try {
      const Plotly = await plotly();
      const { data, layout } = dressed(JSON.parse(figure.textContent), box);
      const canvas = box.querySelector(".canvas") || box.appendChild(Object.assign(document.createElement("div"), { className: "canvas" }));
      const touch = matchMedia("(hover: none)").matches; // there the buttons would lie on the figure for good
      const config = { responsive: true, displaylogo: false, displayModeBar: touch ? false : "hover", modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
      canvas.classList.toggle("flows", data.some((trace) => trace.type === "sankey"));
      await Plotly.react(canvas, data, layout, config);
      box.dataset.drawn = isDark() ? "dark" : "light";
    } catch (error) {
      box.textContent = "This figure could not be drawn; its numbers are in the table.";
      box.style.minHeight = "0";
      throw error;
    }
  }

  function drawWhenSeen() {
    const boxes = document.querySelectorAll(".plot");
    const watch = new IntersectionObserver((entries) => entries.forEach((entry) => {
      if (!entry.isIntersecting) return;
      watch.unobserve(entry.target);
      draw(entry.target);
    }), { rootMargin: "400px" });
    boxes.forEach((box) => watch.observe(box));
    addEventListener("beforeprint", () => boxes.forEach((box) => drawn.has(box) || draw(box)));
  }

  function start() {
    offerThemes();
    offerMenu();
    document.querySelectorAll("table[data-sortable]").forEach((table) => { makeSortable(table); shorten(table); });
    offerScrolling();
    drawWhenSeen();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
