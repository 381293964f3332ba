// Quantities under the sliders; no element of the page is touched here.
function pointValue(law, data, values, point) {
  const all = Object.assign({}, point);
  data.parameters.forEach((name, i) => { all[name] = values[i]; });
  return law(all);
}

function quantile(sorted, share) {
  const place = (sorted.length - 1) * share, low = Math.floor(place), high = Math.ceil(place);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

function interval(law, data, point) {
  const found = data.draws.map((draw) => pointValue(law, data, draw, point)).filter(Number.isFinite);
  if (found.length < 2 || found.length < 0.95 * data.draws.length) return null;
  found.sort((a, b) => a - b);
  const tail = (1 - data.level) / 2;
  return [quantile(found, tail), quantile(found, 1 - tail)];
}

function compute(data, point) {
  return data.size ? data.flopsPerTokenParameter * point[data.size] * point.tokens : null;
}

// The point moved along one coordinate: an axis, or the size of the model at equal compute.
function movedTo(data, point, along, value) {
  const moved = Object.assign({}, point);
  if (along === "equal compute") {
    moved[data.size] = value;
    moved.tokens = compute(data, point) / (data.flopsPerTokenParameter * value);
  } else moved[along] = value;
  return moved;
}

function outsideRuns(data, point) {
  return data.axes.filter((axis) => axis.log && axis.runs).map((axis) => {
    const value = point[axis.name];
    const decades = value > axis.runs[1] ? Math.log10(value / axis.runs[1]) : value < axis.runs[0] ? Math.log10(value / axis.runs[0]) : 0;
    return { name: axis.name, decades };
  }).filter((found) => Math.abs(found.decades) > 1e-6);
}
