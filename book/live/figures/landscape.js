// Chapter 6: the energy of XOR over input and label, as ground to walk on. The hidden layer settles first, which is the map; then
// ball and hidden layer descend together. The networks are the chapter's own, which its first cell trained.

bpcFigures.add("landscape", (root) => {
  "use strict";
  const { axes, between, draw, handle, ink, number, panel, path, pen, text } = bpcFigures;

  const given = bpcFigures.data(root);
  const bytes = (words) => Uint8Array.from(atob(words), (c) => c.charCodeAt(0));
  const colours = bytes(given.colours); // from low to high
  const networks = Object.fromEntries(Object.entries(given.networks).map(([name, stored]) => [name, read(stored)]));
  const [D, G] = [networks.discPC, networks.genPC];
  const MODELS = { discPC: [D], genPC: [G], "side by side": [D, G], HPC: [networks.HPC], BPC: [networks.BPC] };

  // A label, 32 hidden units, two inputs: f_0(y) = V0 y + b0, f_1(z) = V1 relu(z) + b1, and back
  // g_0(z) = W0 relu(z) + c0, g_1(x) = W1 x + c1.
  function read({ start, gen, disc, norms, weights }) {
    const all = new Float32Array(bytes(weights).buffer);
    const H = (all.length - 3) / 8;
    let at = 0;
    const take = (count) => all.subarray(at, (at += count));
    const [V0, b0, V1, b1, W0, c0, W1, c1] = [H, H, 2 * H, 2, H, 1, 2 * H, H].map(take);
    const [[v0, v1], [w0, w1]] = norms.map((way) => way.map((norm) => norm ** 2));
    const curved = [disc + gen * v0, gen + disc + gen * v1 + disc * w0, gen + disc * w1]; // at most, layer by layer
    return { start, gen, disc, curved, H, V0, b0, V1, b1, W0, c0: c0[0], W1, c1 };
  }

  // Where the hidden layer starts: a sweep from the end that the rule names. A point is [x_1, x_2, y].
  function sweep({ start, H, V0, b0, W1, c1 }, [x_1, x_2, y]) {
    const from = { image: (i) => W1[2 * i] * x_1 + W1[2 * i + 1] * x_2 + c1[i], label: (i) => V0[i] * y + b0[i] };
    return Float64Array.from({ length: H }, (_, i) => from[start](i));
  }

  // Descend, all layers at once, each by one over its curvature; `free` says which of the point's numbers move. Networks side
  // by side share the point, and their curvatures and slopes add. The energy before the last of the steps is given back.
  function descend(model, point, hidden, free, steps) {
    const total = (l) => model.reduce((sum, network) => sum + network.curved[l], 0);
    const length = [1 / total(2), 1 / total(2), 1 / total(0)].map((step, k) => (free[k] ? step : 0));
    let E = 0;
    for (let t = 0; t < steps; t++) {
      const [x_1, x_2, y] = point;
      const slope = [0, 0, 0];
      E = 0;
      model.forEach(({ gen, disc, curved, H, V0, b0, V1, b1, W0, c0, W1, c1 }, n) => {
        const z = hidden[n];
        let [e2_1, e2_2, d0] = [x_1 - b1[0], x_2 - b1[1], y - c0];
        for (let i = 0; i < H; i++) {
          if (z[i] <= 0) continue;
          e2_1 -= V1[i] * z[i];
          e2_2 -= V1[H + i] * z[i];
          d0 -= W0[i] * z[i];
        }
        let [squares, backX_1, backX_2, backY] = [gen * (e2_1 ** 2 + e2_2 ** 2) + disc * d0 ** 2, 0, 0, 0];
        for (let i = 0; i < H; i++) {
          const e1 = z[i] - V0[i] * y - b0[i];
          const d1 = z[i] - W1[2 * i] * x_1 - W1[2 * i + 1] * x_2 - c1[i];
          squares += gen * e1 * e1 + disc * d1 * d1;
          backX_1 += W1[2 * i] * d1;
          backX_2 += W1[2 * i + 1] * d1;
          backY += V0[i] * e1;
          const sentBack = z[i] > 0 ? gen * (V1[i] * e2_1 + V1[H + i] * e2_2) + disc * W0[i] * d0 : 0;
          z[i] -= (gen * e1 + disc * d1 - sentBack) / curved[1];
        }
        slope[0] += gen * e2_1 - disc * backX_1;
        slope[1] += gen * e2_2 - disc * backX_2;
        slope[2] += disc * d0 - gen * backY;
        E += squares / 2;
      });
      for (let k = 0; k < 3; k++) point[k] -= length[k] * slope[k];
    }
    return E;
  }
  const HELD = [false, false, false];
  const energyOf = (model, point, hidden) => descend(model, [...point], hidden.map((z) => z.slice()), HELD, 1);
  function settle(model, point) {
    const hidden = model.map((network) => sweep(network, point));
    descend(model, point, hidden, HELD, given.settled);
    return hidden;
  }

  // What is held, and what is seen across and up.
  const CUTS = {
    input: { point: ([a, b]) => [a, state.held, b], free: [true, false, true], up: 2, held: ["x", "2", "x₂"], names: ["*x*_1", "label *y*"] },
    label: { point: ([a, b]) => [a, b, state.held], free: [true, true, false], up: 1, held: ["y", "", "y"], names: ["*x*_1", "*x*_2"] },
  };
  const XOR = [[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]];
  const state = { model: "BPC", cut: "label", held: 1, across: 0.4, up: 1.6, place: 0, many: false };
  const right = () => XOR.filter((pair) => pair[3 - CUTS[state.cut].up] === state.held);
  const seen = (point) => [point[0], point[CUTS[state.cut].up]];

  // The way of a ball: at each of these steps the point and its energy.
  const PLACES = [...new Set([0, ...Array.from({ length: 33 }, (_, n) => Math.round(given.rest ** (n / 32)))])];
  const ways = new Map(); // of what was asked for since model, cut and what is held were others
  function way(from) {
    const key = from.join();
    if (!ways.has(key)) {
      const [model, { point: place, free }] = [MODELS[state.model], CUTS[state.cut]];
      const point = place(from);
      const hidden = settle(model, point);
      const found = PLACES.map((at, n) => {
        if (n) descend(model, point, hidden, free, at - PLACES[n - 1]);
        return { point: [...point], E: energyOf(model, point, hidden) };
      });
      ways.set(key, found);
    }
    return ways.get(key);
  }
  // Others, spread evenly over the square, as multiples of the plastic number's powers are.
  const spread = Array.from({ length: 25 }, (_, n) => [0.7549, 0.5698].map((share) => -1.9 + 3.8 * (((n + 1) * share) % 1)));
  const balls = () => spread.map(way);
  const close = (at = state.place) => balls().filter((each) => nearest(each[at].point) < 0.5).length;
  const counts = new Map(); // how many of them came to rest at a right pair: of each model, cut and what is held
  const ofGround = (model, cut = state.cut) => [model, cut, state.held].join();

  // The map, coarse first and then finer, a few milliseconds at a time, so that the page answers meanwhile.
  const N = 61;
  const SIDE = Float64Array.from({ length: N }, (_, n) => -2 + (4 * n) / (N - 1));
  const ORDER = [6, 3, 1].map((stride) => ({ stride, cells: [] }));
  for (let i = 0; i < N * N; i++) {
    ORDER.find(({ stride }) => Math.floor(i / N) % stride === 0 && (i % N) % stride === 0).cells.push(i);
  }
  let chart = null; // energies, how many passes are done, and how far the present one is
  let timer = 0;
  function survey(until) {
    const model = MODELS[state.model];
    while (chart.pass < ORDER.length) {
      const { stride, cells } = ORDER[chart.pass];
      for (; chart.at < cells.length; chart.at++) {
        if (performance.now() > until) return;
        const i = cells[chart.at];
        const point = CUTS[state.cut].point([SIDE[i % N], SIDE[Math.floor(i / N)]]);
        chart.E[i] = energyOf(model, point, settle(model, point));
      }
      Object.assign(chart, { pass: chart.pass + 1, at: 0, stride, fresh: true });
      const known = chart.E.filter((_, i) => Math.floor(i / N) % stride === 0 && (i % N) % stride === 0).sort();
      const half = known.length >> 1;
      chart.median = known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2;
    }
  }
  function slice() {
    survey(performance.now() + 8);
    if (chart.fresh) showMap();
    timer = chart.pass < ORDER.length ? setTimeout(slice) : 0;
  }
  function chartAnew() {
    ways.clear();
    chart = { E: new Float64Array(N * N), pass: 0, at: 0, stride: 0, median: 1, fresh: false };
    clearTimeout(timer);
    timer = setTimeout(slice);
  }
  // All of it, now.
  function energies() {
    survey(Infinity);
    if (chart.fresh) showMap();
    return chart.E;
  }

  const ground = panel(root, "a");
  const along = panel(root, "b");
  const button = (name) => root.querySelector(`button[name=${name}]`);
  const input = (name) => root.querySelector(`input[name=${name}]`);
  input("place").max = PLACES.length - 1;
  input("place").dataset.names = PLACES.map((at) => at.toLocaleString("en")).join("|");
  const say = bpcFigures.says(root);
  const BOX = [40, 22, 268, 250];
  const SCALE = { "-3": "0.001", "-2": "0.01", "-1": "0.1", 0: "1", 1: "10" };
  const LOW = -3; // powers of ten, over the median
  const HIGH = 1;
  const X = (value) => BOX[0] + ((value + 2) / 4) * (BOX[2] - BOX[0]);
  const Y = (value) => BOX[3] - ((value + 2) / 4) * (BOX[3] - BOX[1]);
  const off = (value) => Math.abs(value) > 2;
  const inside = (value) => (off(value) ? Math.sign(value) * 1.92 : value); // what leaves waits at the edge
  const power = (E) => between(Math.log10(Math.max(E / chart.median, 1e-9)), LOW, HIGH);

  // a: the map is a picture below; rings, ways and balls are drawn over it.
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = N;
  const picture = draw(ground, "image", { x: BOX[0], y: BOX[1], width: BOX[2] - BOX[0], height: BOX[3] - BOX[1], class: "lf-ground" });
  ground.prepend(picture);
  const shade = (share) => [0, 1, 2].map((c) => {
    const at = share * (colours.length / 3 - 1);
    const k = Math.min(Math.floor(at), colours.length / 3 - 2);
    return colours[3 * k + c] + (at - k) * (colours[3 * k + 3 + c] - colours[3 * k + c]);
  });
  function showMap() {
    chart.fresh = false;
    const { stride } = chart;
    // Between the cells that are known, what is seen is bilinear.
    const at = (row, column) => power(chart.E[row * N + column]);
    bpcFigures.paint(canvas, (i) => {
      const [row, column] = [N - 1 - Math.floor(i / N), i % N];
      const [r, c] = [row, column].map((n) => Math.min(n - (n % stride), N - 1 - stride));
      const [s, t] = [(row - r) / stride, (column - c) / stride];
      const mixed = (1 - s) * ((1 - t) * at(r, c) + t * at(r, c + stride)) + s * ((1 - t) * at(r + stride, c) + t * at(r + stride, c + stride));
      return [shade((mixed - LOW) / (HIGH - LOW)), 1];
    });
    picture.setAttribute("href", canvas.toDataURL());
    showWay();
    tell();
  }
  const scale = document.createElement("canvas");
  [scale.width, scale.height] = [1, 41];
  bpcFigures.paint(scale, (i) => [shade(1 - i / 40), 1]);
  const WHITE = "#fff"; // on the map, in both themes: its colours are the same in both
  const RED = "#ff7f50";
  const halo = (onMap, d, wide) => [pen("ink", wide + 2, "stroke: #0009; stroke-linejoin: round"), pen("ink", wide, `stroke: ${RED}; stroke-linejoin: round`)]
    .forEach((style) => draw(onMap, "path", { d, style }));
  function showGround() {
    const g = ground.drawn;
    g.replaceChildren();
    const { names } = CUTS[state.cut];
    const ticks = [-2, -1, 0, 1, 2];
    axes(ground, {
      box: BOX, x: [-2, 2], y: [-2, 2], title: state.model, xlabel: names[0], ylabel: names[1],
      xticks: ticks, yticks: ticks,
    });
    const href = scale.toDataURL();
    draw(g, "image", { x: 280, y: BOX[1], width: 10, height: BOX[3] - BOX[1], preserveAspectRatio: "none", href });
    for (const [n, words] of Object.entries(SCALE)) {
      text(g, 296, BOX[3] - ((n - LOW) / (HIGH - LOW)) * (BOX[3] - BOX[1]) + 4.5, words, { anchor: "start" });
    }
    const onMap = draw(g, "g", { class: "lf-on-map" });
    for (const pair of right()) {
      const [a, b] = seen(pair);
      draw(onMap, "circle", { cx: X(a), cy: Y(b), r: 7, style: pen("ink", 1.8, `stroke: ${WHITE}`) });
    }
    const spot = ({ point }) => seen(point).map((value, k) => (k ? Y : X)(inside(value)));
    if (state.many) {
      for (const each of balls()) {
        const [cx, cy] = spot(each[state.place]);
        draw(onMap, "circle", { cx, cy, r: 3.4, style: `fill: ${RED}; stroke: #0009` });
      }
    }
    const gone = way([state.across, state.up]).slice(0, state.place + 1).map(spot);
    if (gone.length > 1) halo(onMap, path(gone), 2);
    ball.at(...gone[gone.length - 1]);
    // What the map has no room for, it says.
    const [a, b] = seen(way([state.across, state.up])[state.place].point);
    const [x, y] = gone[gone.length - 1];
    const says = [off(a) && `${a < 0 ? "←" : "→"} ${number(a, 1)}`, off(b) && `${b < 0 ? "↓" : "↑"} ${number(b, 1)}`].filter(Boolean).join("  ");
    const anchor = x > (BOX[0] + BOX[2]) / 2 ? "end" : "start";
    if (says) {
      text(onMap, x + (anchor === "end" ? -12 : 12), y + (b > 2 ? 16 : -4), says, {
        anchor, more: `fill: ${WHITE}; paint-order: stroke; stroke: #000; stroke-width: 3; stroke-linejoin: round`,
      });
    }
  }

  // b: the energy along the way, on the scale of the map's colours.
  function showWay() {
    along.drawn.replaceChildren();
    const lg = (at) => Math.log10(at + 1);
    const powers = Object.keys(SCALE).map(Number).sort((m, n) => m - n);
    const { X: T, Y: P } = axes(along, {
      box: [52, 22, 334, 250], x: [-0.06, lg(given.rest) + 0.06], y: [LOW, HIGH], title: "its energy, over the median", xlabel: "step",
      xticks: [0, 10, 100, 1000].map(lg), xnames: ["0", "10", "100", "1,000"],
      yticks: powers, ynames: bpcFigures.powersOfTen(powers),
    });
    if (!chart.pass) return;
    const line = (found, style) => {
      const points = found.slice(0, state.place + 1).map(({ E }, n) => [T(lg(PLACES[n])), P(power(E))]);
      if (points.length > 1) draw(along.drawn, "path", { d: path(points), style });
      return points[points.length - 1];
    };
    if (state.many) for (const each of balls()) line(each, pen("ink", 0.8, "opacity: 0.45"));
    const [cx, cy] = line(way([state.across, state.up]), pen("red", 2.2));
    draw(along.drawn, "circle", { cx, cy, r: 5, style: ink("red") });
  }

  const far = (a, b) => Math.hypot(...a.map((value, k) => value - b[k]));
  const nearest = (point) => Math.min(...right().map((pair) => far(pair, point)));
  function show(spoken = true) {
    const { held } = CUTS[state.cut];
    showGround();
    showWay();
    for (const [of, [letter, index]] of [["held", held], ["up", CUTS[state.cut === "input" ? "label" : "input"].held]]) {
      const [symbol, below] = ["var", "sub"].map((tag) => document.createElement(tag));
      [symbol.textContent, below.textContent] = [letter, index];
      root.querySelector(`.lf-${of}-name`).replaceChildren(symbol, below);
    }
    for (const name of ["input", "label"]) button(name).setAttribute("aria-pressed", name === state.cut);
    for (const each of root.querySelectorAll("button[data-model]")) each.setAttribute("aria-pressed", each.dataset.model === state.model);
    button("many").setAttribute("aria-pressed", state.many);
    button("go").textContent = run.running() ? "Pause" : "Let go";
    showSliders();
    aloud = spoken;
    tell();
  }

  // Of balls that have come to rest: whether there were more at a pair on their way.
  function passed() {
    if (state.place < PLACES.length - 1) return "";
    const most = Math.max(...PLACES.map((_, at) => close(at)));
    if (most <= close() + 2) return "";
    const then = PLACES[PLACES.findIndex((_, at) => close(at) === most)];
    return `; ${most} were, after step ${then.toLocaleString("en")}, and went on, as the ground falls further there${state.model === "BPC" ? ": the end of this chapter asks why" : ""}`;
  }

  // In words; the energy as in b, over the median, which is known once the map is. Who listens hears it then.
  let aloud = false;
  function tell() {
    const { held } = CUTS[state.cut];
    const { point, E } = way([state.across, state.up])[state.place];
    const [a, b] = seen(point).map((value) => number(value));
    const pairs = right();
    const near = pairs.length ? `, ${number(nearest(point))} from the nearer right pair` : "";
    const counting = state.many && pairs.length > 0;
    const going = state.place < PLACES.length - 1; // until the end of the way a count may change
    const counted = counting ? ` Of 25 balls ${close()} ${close() === 1 ? "is" : "are"} within 0.5 of one${going ? " so far" : ""}${passed()}.` : "";
    // A label on which no error depends, as the map from it has shrunk to nothing: a step of one over its curvature is no step.
    const flat = CUTS[state.cut].free[2] && MODELS[state.model].reduce((sum, { curved }) => sum + curved[0], 0) < 1e-6;
    const gone = !seen(point).some(off) ? "" : flat
      ? " It has left the map: in this network hardly any error that moves depends on the label, so nothing holds it."
      : " It has left the map.";
    if (counting && !going) counts.set(ofGround(state.model), close());
    for (const cell of root.querySelectorAll("[data-count]")) {
      const [model, { cut }] = [cell.dataset.count, cell.parentElement.dataset];
      const now = counting && going && model === state.model && cut === state.cut;
      cell.textContent = now ? `${close()} so far` : (counts.get(ofGround(model, cut)) ?? "–");
    }
    const over = E / chart.median; // which is not that of all the map until it is whole
    const share = over < 0.001 ? "below 0.001" : number(over, over < 0.1 ? 3 : 2);
    const measured = chart.pass < ORDER.length ? "; its energy is said once the map is whole" : `; its energy, over the median, is ${share}`;
    say(
      `${state.model}, ${held[2]} held at ${number(state.held, 1)}. After step ${PLACES[state.place].toLocaleString("en")} the ball is at ` +
        `(${a}, ${b})${near}${measured}.${gone}${counted}`,
      !aloud || run.running() || chart.pass < ORDER.length,
    );
  }

  const run = bpcFigures.runner(() => ++state.place < PLACES.length - 1, () => show(), say.foretell);
  function letGo() {
    run.stop();
    state.place = 0;
    run.start();
  }
  function drop(x, y, digits = 20) {
    run.stop();
    const [a, b] = [-2 + ((x - BOX[0]) / (BOX[2] - BOX[0])) * 4, -2 + ((BOX[3] - y) / (BOX[3] - BOX[1])) * 4];
    [state.across, state.up] = [a, b].map((value) => between(Math.round(value * digits) / digits, -2, 2));
    state.place = 0;
  }
  // A press on the map puts the ball there; a finger that scrolls the page is no press.
  picture.addEventListener("click", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(ground.getScreenCTM().inverse());
    drop(at.x, at.y);
    letGo();
  });
  const ball = handle(ground, {
    moved(x, y) {
      drop(x, y);
      show(false);
    },
    let_go: letGo,
  });
  ball.classList.add("lf-on-map");
  draw(ball, "circle", { r: 7, style: `fill: ${RED}; stroke: #000; stroke-width: 1.2` });

  for (const choice of root.querySelectorAll("button[data-model]")) {
    choice.addEventListener("click", () => {
      state.model = choice.dataset.model;
      anew();
    });
  }
  // Another ground: the ball is where it was put; 25 roll again by themselves.
  function anew(spoken = true) {
    run.stop();
    state.place = 0;
    chartAnew();
    if (state.many && spoken) run.start();
    else show(spoken);
  }
  const showSliders = bpcFigures.sliders(root, state, (name, done) => {
    run.stop();
    if (name === "held" && !done) return anew(false);
    if (name !== "place") state.place = 0;
    show(done);
  });
  for (const name of ["input", "label"]) {
    button(name).addEventListener("click", () => {
      state.cut = name;
      anew();
    });
  }
  button("many").addEventListener("click", () => {
    state.many = !state.many;
    if (state.many) letGo();
    else show();
  });
  button("go").addEventListener("click", () => {
    if (!run.running()) return state.place < PLACES.length - 1 ? run.start() : letGo();
    run.stop();
    show();
  });
  anew(false);
  return { state, PLACES, way: () => way([state.across, state.up]), balls, energies };
});
