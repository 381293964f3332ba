// Draws the figures that stand in the page as JSON, then keeps the slider panel up to date.
const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
document.querySelectorAll("script[data-figure]").forEach((holder) => {
  const figure = JSON.parse(holder.textContent);
  Plotly.newPlot(holder.dataset.figure, figure.data, figure.layout, config);
});

function number(value) {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) {
    const [mantissa, exponent] = value.toExponential(2).split("e");
    const short = mantissa.replace(/\.?0+$/, "");
    return (short === "1" ? "10" : short + "×10") + String(Number(exponent)).replace(/[-0-9]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  }
  return String(Number(value.toPrecision(4)));
}

// A labelled slider at the end of `place`; gives the function that shows what `read` says.
function sliderRow(place, title, low, high, log, read, write) {
  const label = document.createElement("label"), input = document.createElement("input"), text = document.createElement("output");
  const name = document.createElement("span"), to = log ? Math.log : (x) => x, from = log ? Math.exp : (x) => x;
  name.textContent = title;
  Object.assign(input, { type: "range", min: to(low), max: to(high), step: (to(high) - to(low)) / 1000 });
  label.append(name, input, text);
  place.append(label);
  input.addEventListener("input", () => write(from(Number(input.value))));
  return () => { input.value = to(read()); text.textContent = number(read()); input.setAttribute("aria-valuetext", text.textContent); };
}

const safe = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const frame = { gridcolor: "#e4e7eb", linecolor: "#cbd2d9", zeroline: false, ticks: "outside", tickcolor: "#cbd2d9", exponentformat: "power", automargin: true };
const font = () => ({ family: getComputedStyle(document.body).fontFamily, size: 13, color: "#1f2933" });

function startSliders(data) {
  const place = document.getElementById("sliders"), along = document.getElementById("along");
  const point = Object.fromEntries(data.axes.map((axis) => [axis.name, axis.start]));
  const coordinates = [...(data.size ? ["equal compute"] : []), ...data.axes.map((axis) => axis.name)];
  coordinates.forEach((name) => along.add(new Option(name === "equal compute" ? data.size + ", tokens following at equal compute" : name, name)));
  const rows = [...(data.size ? [computeRow()] : []), ...data.axes.map(axisRow)];
  along.addEventListener("change", update);
  update();

  function axisRow(axis) {
    return sliderRow(place, axis.name, axis.low, axis.high, axis.log, () => point[axis.name], (value) => { point[axis.name] = value; update(); });
  }

  // compute moves size and tokens by one factor and so keeps their ratio
  function computeRow() {
    const end = (key) => compute(data, Object.fromEntries(data.axes.map((axis) => [axis.name, axis[key]])));
    return sliderRow(place, "compute 6ND", end("low"), end("high"), true, () => compute(data, point), (value) => {
      const factor = Math.sqrt(value / compute(data, point));
      point[data.size] *= factor;
      point.tokens *= factor;
      update();
    });
  }

  function update() {
    rows.forEach((refresh) => refresh());
    const value = pointValue(law, data, data.estimate, point), ends = interval(law, data, point);
    document.getElementById("value").textContent = number(value);
    document.getElementById("ends").textContent = ends ? `${number(ends[0])} to ${number(ends[1])}` : "none";
    document.getElementById("where").textContent = whereText();
    document.getElementById("ratio").textContent = data.size ? `${number(point.tokens / point[data.size])} tokens per parameter` : "";
    draw(value);
  }

  function whereText() {
    const found = outsideRuns(data, point);
    if (!data.axes.some((axis) => axis.runs)) return "no runs to compare with: the constants are published";
    if (!found.length) return "within the range of the runs on every axis";
    return found.map((axis) => `${Math.abs(axis.decades).toFixed(2)} decades ${axis.decades > 0 ? "above" : "below"} the runs in ${axis.name}`).join(", ");
  }

  function gridFor(axis) {
    const count = 60, share = (i) => i / (count - 1);
    return Array.from({ length: count }, (_, i) => axis.log
      ? axis.low * Math.pow(axis.high / axis.low, share(i)) : axis.low + (axis.high - axis.low) * share(i));
  }

  function draw(value) {
    const coordinate = along.value, name = coordinate === "equal compute" ? data.size : coordinate;
    const axis = data.axes.find((each) => each.name === name);
    const x = coordinate === "equal compute" ? Array.from({ length: 61 }, (_, i) => point[name] * Math.pow(10, (i - 30) / 20)) : gridFor(axis);
    const points = x.map((each) => movedTo(data, point, coordinate, each));
    const bands = points.map((each) => interval(law, data, each));
    const traces = [
      { x: x, y: bands.map((b) => b && b[0]), mode: "lines", line: { width: 0 }, hoverinfo: "skip" },
      { x: x, y: bands.map((b) => b && b[1]), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: "rgba(0,114,178,0.18)", hoverinfo: "skip" },
      { x: x, y: points.map((each) => pointValue(law, data, data.estimate, each)), mode: "lines", line: { color: "#0072b2", width: 2 }, hovertemplate: "%{x:.3s}: %{y:.4g}<extra></extra>" },
      { x: [point[name]], y: [value], mode: "markers", marker: { color: "#d55e00", size: 12 }, hoverinfo: "skip" },
    ];
    Plotly.react("live", traces, {
      height: 380, showlegend: false, margin: { l: 64, r: 16, t: 12, b: 52 }, font: font(),
      xaxis: Object.assign({ type: axis.log ? "log" : "linear", title: { text: safe(name + (axis.unit && axis.unit !== name ? ` (${axis.unit})` : "")) } }, frame),
      yaxis: Object.assign({ title: { text: safe(data.metric + (data.unit ? ` (${data.unit})` : "")) } }, frame),
    }, config);
  }
}

const holder = document.getElementById("slider-data"), lifeHolder = document.getElementById("life-data");
if (holder) startSliders(JSON.parse(holder.textContent));
if (lifeHolder) startLife(JSON.parse(holder.textContent), JSON.parse(lifeHolder.textContent));
