// The panel of costs over a model's life: sliders, table and figure, all from lifetime.js.
function startLife(data, cost) {
  const place = document.getElementById("life-sliders");
  const chosen = { budget: cost.budget.start, served: cost.served.start, training: 1, serving: 1 };
  const rows = cost.sliders.map((slider) => sliderRow(place, slider.title, slider.low, slider.high, true,
    () => chosen[slider.of] * slider.scale, (value) => { chosen[slider.of] = value / slider.scale; yours(slider.step); update(); }));
  const percent = (share) => share === null ? "no end" : `${number(Number((100 * share).toPrecision(3)))}%`;
  let waiting = null;
  update();

  // a number that was set by hand is no longer the published or assumed one
  function yours(step) {
    document.querySelectorAll("[data-life]").forEach((mark) => {
      if (mark.dataset.life === step) { mark.textContent = "assumed: yours"; mark.className = "mark assumed"; }
    });
  }

  function update() {
    rows.forEach((refresh) => refresh());
    const found = lifePlan(law, data, cost, chosen);
    show(found, null);
    draw(found);
    clearTimeout(waiting);
    if (data.draws.length) waiting = setTimeout(() => show(found, lifeIntervals(law, data, cost, chosen, found)), 120);
  }

  function show(found, ends) {
    const { plan, other } = found, split = (of, part) => part(cost, chosen, of.size, of.tokens);
    const cells = [
      [cost.size, plan.size, other.size, ends && ends.size],
      ["tokens", plan.tokens, other.tokens, ends && ends.tokens],
      ["tokens per parameter", plan.tokens / plan.size, other.tokens / other.size, null],
      [`training, ${cost.unit}`, split(plan, trainingCost), split(other, trainingCost), null],
      [`serving, ${cost.unit}`, split(plan, servingCost), split(other, servingCost), null],
      [`total, ${cost.unit}`, plan.total, other.total, ends && ends.total],
    ];
    document.getElementById("life-rows").replaceChildren(...cells.map(tableRow));
    document.getElementById("life-says").textContent = sentence(found, ends);
  }

  function tableRow([name, ours, theirs, ends]) {
    const row = document.createElement("tr"), cells = [name, number(ours), number(theirs)].map((text) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      return cell;
    });
    if (ends) {
      const held = document.createElement("span");
      held.className = "of";
      held.textContent = ends.map((end) => end === null ? "no end" : number(end)).join(" to ");
      cells[1].append(held);
    }
    row.append(...cells);
    return row;
  }

  // costs of built models stand for those of their size; beyond them the last power of size goes on
  function beyondModels(size) {
    if (!cost.costed || (size >= cost.costed[0] && size <= cost.costed[1])) return "";
    return `Beyond the models that were costed (${cost.costed.map(number).join(" to ")} parameters). `;
  }

  function sentence(found, ends) {
    if (!Number.isFinite(found.plan.total)) return "No size has this loss within the search.";
    const { plan, other, saved } = found;
    const start = `${number(plan.size)} parameters on ${number(plan.tokens)} tokens cost least over the life`;
    if (saved < 5e-4) return `${beyondModels(plan.size)}${start}: what trains at least cost.`;
    const held = ends && ends.saved ? ` (${percent(ends.saved[0])} to ${percent(ends.saved[1])})` : "";
    const doubt = !data.draws.length ? "; how certain that is, published constants do not say"
      : ends && !(ends.saved && ends.saved[0] > 0) ? "; the saving is NOT certain" : "";
    return `${beyondModels(plan.size)}${start}: ${percent(saved)}${held} less than the ${number(other.size)} parameters of least training${doubt}.`;
  }

  // how far from the plan, in log size, the total stays under a bound
  function lastUnder(costs, bound, start, way) {
    let inside = 0, outside = cost.reach;
    for (let i = 0; i < 20; i += 1) {
      const middle = (inside + outside) / 2;
      if (costs(start + way * middle)[2] <= bound) inside = middle; else outside = middle;
    }
    return start + way * inside;
  }

  // as many round sizes as fit beside each other on a narrow screen
  function ticks(sizes) {
    const [low, high] = [sizes[0][0], sizes[sizes.length - 1][0]].map(Math.log10);
    const powers = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, i) => Math.floor(low) + i);
    const places = (digits) => powers.flatMap((power) => digits.map((digit) => digit * Math.pow(10, power)))
      .filter((each) => Math.log10(each) >= low && Math.log10(each) <= high);
    const tickvals = [[1, 2, 5], [1, 3], [1]].map(places).find((found) => found.length <= 4) || places([1]);
    return { tickvals, ticktext: tickvals.map(number) };
  }

  function draw(found) {
    const { plan, other } = found;
    if (!Number.isFinite(plan.total)) { Plotly.purge("life-figure"); return; }
    const lossAt = lossBy(law, data, cost, data.estimate);
    const costs = (x) => {
      const size = Math.exp(x), tokens = tokensFor(lossAt, cost, size, other.loss);
      return [size, tokens, totalCost(cost, chosen, size, tokens)];
    };
    const [from, to] = [-1, 1].map((way) => lastUnder(costs, 4 * plan.total, Math.log(plan.size), way));
    const sizes = Array.from({ length: 81 }, (_, i) => costs(from + (to - from) * i / 80));
    const x = sizes.map(([size]) => size), hover = "%{x:.3s}: %{y:.4g}";
    const area = (name, color, of) => ({ x, y: sizes.map(([size, tokens]) => of(cost, chosen, size, tokens)), name, stackgroup: "cost",
      mode: "lines", line: { color, width: 1 }, hovertemplate: `${hover}<extra>${name}</extra>` });
    const mark = (name, symbol, color, at) => ({ x: [at.size], y: [at.total], name, mode: "markers",
      marker: { symbol, color, size: 13, line: { color: "#ffffff", width: 1 } }, hovertemplate: `${hover}<extra>${name}</extra>` });
    Plotly.react("life-figure", [
      area("training", "#0072b2", trainingCost), area("serving", "#e69f00", servingCost),
      mark("least over its life", "star", "#d55e00", plan), mark("least training", "diamond", "#1f2933", other),
    ], {
      height: 460, margin: { l: 64, r: 16, t: 36, b: 52 }, font: font(), hovermode: "closest",
      legend: { orientation: "h", x: 0, y: -0.2, yanchor: "top", traceorder: "normal" },
      xaxis: Object.assign({ type: "log", tickangle: 0, ...ticks(sizes), title: { text: safe(cost.size) } }, frame),
      yaxis: Object.assign({ title: { text: safe(`total cost (${cost.unit})`) }, rangemode: "tozero" }, frame),
    }, config);
  }
}
