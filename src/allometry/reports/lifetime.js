// Sizes of least cost over a model's life, from the law's function; no element of the page is touched here.
// The same search as plans.lifetime in Python, one set of constants at a time; its ends and grids come from there.
// The loss of a size and its tokens by one set of constants; one object serves all calls, for a slider asks a million times.
function lossBy(law, data, cost, values) {
  const point = Object.assign({}, cost.setting);
  data.parameters.forEach((name, i) => { point[name] = values[i]; });
  return (size, tokens) => {
    point[data.size] = size;
    point.tokens = tokens;
    return law(point);
  };
}

// The cost by size of { sizes, costs }: a power of size between two known ones and beyond the ends.
function costAt(known, size) {
  let i = 0;
  while (i < known.sizes.length - 2 && size > known.sizes[i + 1]) i += 1;
  const slope = Math.log(known.costs[i + 1] / known.costs[i]) / Math.log(known.sizes[i + 1] / known.sizes[i]);
  return known.costs[i] * Math.pow(size / known.sizes[i], slope);
}

// What is chosen by hand: { budget, served, training, serving }, the last two as factors on the prices at the start.
function trainingCost(cost, chosen, size, tokens) {
  return costAt(cost.training, size) * chosen.training * tokens;
}

function servingCost(cost, chosen, size) {
  return costAt(cost.serving, size) * chosen.serving * chosen.served;
}

function totalCost(cost, chosen, size, tokens) {
  return trainingCost(cost, chosen, size, tokens) + servingCost(cost, chosen, size);
}

// Tokens at which a size has the loss; infinite where it never has.
function tokensFor(lossAt, cost, size, loss) {
  const short = (logTokens) => !(lossAt(size, Math.exp(logTokens)) <= loss);
  let low = Math.log(cost.leastTokens), high = Math.log(cost.mostTokens);
  if (!short(low)) return cost.leastTokens;
  if (short(high)) return Infinity;
  for (let i = 0; i < 45; i += 1) {
    const middle = (low + high) / 2;
    if (short(middle)) low = middle; else high = middle;
  }
  return Math.exp(high);
}

// Where a function is least between two ends: a grid, then a golden section around its best point.
function leastBetween(value, low, high, count) {
  const step = (high - low) / (count - 1), golden = (Math.sqrt(5) - 1) / 2;
  let best = 0, least = Infinity;
  for (let i = 0; i < count; i += 1) {
    const found = value(low + i * step);
    if (found < least) { least = found; best = i; }
  }
  if (least === Infinity) return NaN;
  let a = low + Math.max(best - 1, 0) * step, b = low + Math.min(best + 1, count - 1) * step;
  let c = b - golden * (b - a), d = a + golden * (b - a), atC = value(c), atD = value(d);
  while (b - a > 1e-7) {
    if (atC < atD) { b = d; d = c; atD = atC; c = b - golden * (b - a); atC = value(c); }
    else { a = c; c = d; atC = atD; d = a + golden * (b - a); atD = value(d); }
  }
  return (a + b) / 2;
}

// The size of least training for one set of constants, and the loss that the budget then buys.
function leastTraining(lossAt, data, cost, budget) {
  const product = budget / data.flopsPerTokenParameter, middle = Math.log(product) / 2;
  const value = (x) => {
    const found = lossAt(Math.exp(x), product / Math.exp(x));
    return Number.isFinite(found) ? found : Infinity;
  };
  const size = Math.exp(leastBetween(value, middle - cost.reach, middle + cost.reach, cost.grid));
  return { size, tokens: product / size, loss: lossAt(size, product / size) };
}

// The size of least total that has the loss of the least training.
function leastTotal(lossAt, cost, chosen, trained) {
  const value = (x) => totalCost(cost, chosen, Math.exp(x), tokensFor(lossAt, cost, Math.exp(x), trained.loss));
  const middle = Math.log(trained.size), found = leastBetween(value, middle - cost.reach, middle + cost.above, cost.grid);
  const size = Math.exp(found), tokens = tokensFor(lossAt, cost, size, trained.loss);
  return { size, tokens, total: totalCost(cost, chosen, size, tokens) };
}

// The plan by the estimate: of least total cost, and of least training beside it.
function lifePlan(law, data, cost, chosen) {
  const lossAt = lossBy(law, data, cost, data.estimate), trained = leastTraining(lossAt, data, cost, chosen.budget);
  const plan = leastTotal(lossAt, cost, chosen, trained);
  const other = Object.assign(trained, { total: totalCost(cost, chosen, trained.size, trained.tokens) });
  return { plan, other, saved: 1 - plan.total / other.total };
}

// Ends over the draws: each has its own least total; the saving compares the two sizes of the estimate by each draw.
function lifeIntervals(law, data, cost, chosen, found) {
  const held = { size: [], tokens: [], total: [], ratio: [] };
  data.draws.forEach((draw) => {
    const lossAt = lossBy(law, data, cost, draw), trained = leastTraining(lossAt, data, cost, chosen.budget);
    const own = leastTotal(lossAt, cost, chosen, trained);
    for (const name of ["size", "tokens", "total"]) held[name].push(Number.isFinite(own[name]) ? own[name] : Infinity);
    const [ours, theirs] = [found.plan.size, found.other.size].map((size) =>
      totalCost(cost, chosen, size, tokensFor(lossAt, cost, size, trained.loss)));
    held.ratio.push(ours / theirs);
  });
  const ends = Object.fromEntries(Object.entries(held).map(([name, values]) => [name, openEnds(data, cost, values)]));
  const ratio = ends.ratio;
  ends.saved = ratio && [ratio[1] === null ? null : 1 - ratio[1], ratio[0] === null ? null : 1 - ratio[0]];
  return ends;
}

// Percentiles in which an infinite draw is a very large one: it empties the upper end, not the lower.
function openEnds(data, cost, values) {
  const known = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (known.length < 2 || known.length < (1 - cost.mostLost) * values.length) return null;
  const tail = (1 - data.level) / 2, infinite = known.filter((value) => value === Infinity).length / values.length;
  const [low, high] = [quantile(known, tail), quantile(known, 1 - tail)].map((end) => Number.isFinite(end) ? end : null);
  return [low, infinite > cost.mostLost ? null : high];
}
