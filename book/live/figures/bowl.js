// Chapter 5: a step past the curvature. A network of one unit a layer, z_0 to z_3, without activation functions; all its
// weights, of f and of g, are w, and all precisions are 1. The ends are clamped, and the two hidden units settle together.

bpcFigures.add("bowl", (root) => {
  "use strict";
  const { AHEAD, axes, between, draw, FAINT, handle, ink, number, panel, path, pen, text } = bpcFigures;

  const STEPS = 20;
  const ENDS = [1, 1]; // z_0 and z_3
  const GROWN = 1.4; // where weights end that grow
  const state = { w: 0.5, step_size: 0.34, rate: 1, rule: "fixed", z_1: 2.6, z_2: 1.8, at: STEPS };

  // The method. The energy is Equation 1: each prediction is w times the neighbour.
  const energy = ([a, b]) => {
    const { w } = state;
    const z = [ENDS[0], a, b, ENDS[1]];
    return [0, 1, 2].reduce((sum, l) => sum + ((z[l + 1] - w * z[l]) ** 2 + (z[l] - w * z[l + 1]) ** 2) / 2, 0);
  };
  // Its second derivative is [[c, -2w], [-2w, c]]: c along one activity, which is also the bound of Equation 3, and along
  // the diagonals of the picture c - 2w, where both units rise together, and c + 2w, where one rises as the other falls.
  const bound = () => 2 + 2 * state.w ** 2;
  const curvatures = () => ({ flat: bound() - 2 * state.w, steep: bound() + 2 * state.w });
  const gradient = ([a, b]) => [
    bound() * a - 2 * state.w * b - 2 * state.w * ENDS[0],
    bound() * b - 2 * state.w * a - 2 * state.w * ENDS[1],
  ];
  function rest() {
    // Where the gradient is 0: solved along the two diagonals.
    const { flat, steep } = curvatures();
    const sum = (2 * state.w * (ENDS[0] + ENDS[1])) / flat;
    const difference = (2 * state.w * (ENDS[0] - ENDS[1])) / steep;
    return [(sum + difference) / 2, (sum - difference) / 2];
  }
  const step = () => (state.rule === "fixed" ? state.step_size : state.rate / bound());
  const relative = () => step() * bound();
  function settle() {
    const found = [[state.z_1, state.z_2]];
    for (let t = 0; t < STEPS; t++) {
      const slope = gradient(found[t]);
      found.push(found[t].map((z, i) => z - step() * slope[i]));
    }
    return found;
  }
  // The energy above its lowest, and its share in the two directions.
  function parts(z) {
    const [a, b] = z.map((x, i) => x - rest()[i]);
    const { flat, steep } = curvatures();
    const along = { flat: (flat / 4) * (a + b) ** 2, steep: (steep / 4) * (a - b) ** 2 };
    return { ...along, sum: along.flat + along.steep };
  }

  const bowl = panel(root, "d");
  const way = panel(root, "e");
  const button = (name) => root.querySelector(`button[name=${name}]`);
  const say = bpcFigures.says(root);

  const REACH = 3.2;
  const BOX = [40, 22, 334, 258];
  const place = (from, to, low, high) => (value) => from + ((value - low) / (high - low)) * (to - from);
  const X = place(BOX[0], BOX[2], -REACH, REACH);
  const Y = place(BOX[3], BOX[1], -REACH, REACH);
  const seen = ([a, b]) => Math.abs(a) <= REACH && Math.abs(b) <= REACH;

  // Where the line from one point to the next leaves the picture.
  function edge([a, b], [c, d]) {
    const share = Math.min(...[[a, c], [b, d]].map(([x, y]) => (Math.abs(y) > REACH ? (Math.sign(y) * REACH - x) / (y - x) : 1)));
    return [a + share * (c - a), b + share * (d - b)];
  }

  function showBowl(found) {
    const g = bowl.drawn;
    g.replaceChildren();
    axes(bowl, {
      box: BOX, x: [-REACH, REACH], y: [-REACH, REACH], title: "energy of two units", xlabel: "*z*_1", ylabel: "*z*_2",
      xticks: [-2, 0, 2], yticks: [-2, 0, 2],
    });
    // Rings of equal energy: ellipses along the diagonals, cut at the picture's edge.
    const [a, b] = rest();
    const { flat, steep } = curvatures();
    for (const above of [0.25, 1, 4, 16, 36]) {
      const radii = [Math.sqrt((2 * above) / flat), Math.sqrt((2 * above) / steep)];
      let piece = [];
      const pieces = [piece];
      for (let n = 0; n <= 96; n++) {
        const [p, q] = [radii[0] * Math.cos((n * Math.PI) / 48), radii[1] * Math.sin((n * Math.PI) / 48)];
        const point = [a + (p + q) / Math.SQRT2, b + (p - q) / Math.SQRT2];
        if (seen(point)) piece.push([X(point[0]), Y(point[1])]);
        else if (piece.length) pieces.push((piece = []));
      }
      for (const points of pieces) if (points.length > 1) draw(g, "path", { d: path(points), style: pen("ink", 0.9, FAINT) });
    }
    const gone = found.findIndex((z) => !seen(z));
    const kept = gone < 0 ? found : found.slice(0, gone);
    const points = [...kept, ...(gone > 0 ? [edge(found[gone - 1], found[gone])] : [])].map(([c, d]) => [X(c), Y(d)]);
    draw(g, "path", { d: path(points), style: pen("green", 1, AHEAD) });
    draw(g, "path", { d: path(points.slice(0, state.at + 1)), style: pen("green", 2.2) });
    kept.forEach(([c, d], t) => {
      if (t === 0) return;
      const look = t <= state.at ? ink("green") : pen("green", 1, AHEAD);
      draw(g, "circle", { cx: X(c), cy: Y(d), r: t === state.at ? 5 : 2.6, style: look });
    });
    ball.at(X(state.z_1), Y(state.z_2));
  }

  const LINES = { flat: ["blue", "5 2.5"], steep: ["red", "2 2.5"], sum: ["ink", ""] };
  const POWERS = [-4, 3]; // of ten, of the energies shown
  const BAND = { y: 276, high: 14, most: 2.6 };
  const R = place(44, 334, 0, BAND.most);

  function showWay(found) {
    const g = way.drawn;
    g.replaceChildren();
    const box = [44, 40, 334, 190];
    const { X: T, Y: E } = axes(way, {
      box, x: [-0.5, STEPS + 0.3], y: POWERS, xlabel: "step of inference", title: "energy above its lowest",
      xticks: [0, 4, 8, 12, 16, 20], yticks: [-4, -2, 0, 2], ynames: bpcFigures.powersOfTen([-4, -2, 0, 2]),
    });
    const power = (x) => Math.log10(Math.max(x, 1e-30));
    let x = 92;
    for (const [name, [shade, dashes]] of Object.entries(LINES)) {
      const all = found.map((z, t) => [t, power(parts(z)[name])]);
      // The part of the line that is inside, to where it leaves.
      const points = [];
      for (let t = 0; t <= state.at; t++) {
        const [here, before] = [all[t], all[t - 1]];
        const inside = here[1] >= POWERS[0] && here[1] <= POWERS[1];
        if (before && inside !== (before[1] >= POWERS[0] && before[1] <= POWERS[1])) {
          const limit = Math.min(here[1], before[1]) < POWERS[0] ? POWERS[0] : POWERS[1];
          points.push([T(t - 1 + (limit - before[1]) / (here[1] - before[1])), E(limit)]);
        }
        if (inside) points.push([T(t), E(here[1])]);
      }
      if (points.length > 1) draw(g, "path", { d: path(points), style: pen(shade, 2, dashes && `stroke-dasharray: ${dashes}`) });
      if (points.length) {
        const [cx, cy] = points[points.length - 1];
        draw(g, "circle", { cx, cy, r: 3.5, style: ink(shade) });
      }
      draw(g, "path", { d: path([[x, 29], [x + 22, 29]]), style: pen(shade, 2, dashes && `stroke-dasharray: ${dashes}`) });
      text(g, x + 27, 33, name, { name: shade, anchor: "start" });
      x += 82;
    }
    // The relative step: what Equation 3 guarantees, what the curvature met allows, and what climbs.
    const limit = (2 * bound()) / curvatures().steep;
    const ends = [0, 1, limit, BAND.most];
    ["safe", "falls still", "climbs"].forEach((words, i) => {
      const [from, to] = [R(ends[i]), R(ends[i + 1])];
      const shade = ["green", "ochre", "red"][i];
      draw(g, "rect", { x: from, y: BAND.y, width: to - from, height: BAND.high, style: ink(shade, "opacity: 0.22") });
      if (to - from > (i === 1 ? 66 : 46)) text(g, (from + to) / 2, BAND.y - 6, words, { name: shade });
    });
    text(g, 334, BAND.y - 22, "relative step", { anchor: "end" });
    for (const at of [1, limit]) draw(g, "path", { d: path([[R(at), BAND.y - 3], [R(at), BAND.y + BAND.high + 3]]), style: pen("ink", 1.2) });
    const at = R(between(relative(), 0, BAND.most));
    draw(g, "path", { d: `M${at} ${BAND.y - 2}l6 9l-6 9l-6 -9Z`, style: ink("ink") });
  }

  function show(spoken = true) {
    const found = settle();
    showBowl(found);
    showWay(found);
    showSliders();
    for (const [name, rule] of Object.entries(RULE_OF)) {
      if (state.rule === rule) continue;
      const slider = root.querySelector(`input[name=${name}]`); // it counts for nothing until it is moved
      slider.setAttribute("aria-valuetext", "off");
      slider.parentElement.querySelector("output").value = "off";
    }
    for (const name of ["fixed", "curvature"]) button(name).setAttribute("aria-pressed", state.rule === name);
    button("go").textContent = run.running() ? "Pause" : "Settle";
    button("grow").textContent = growing.running() ? "Pause" : "Let the weights grow";
    const met = step() * curvatures().steep;
    const sums = found.map((z) => parts(z).sum);
    const least = sums.indexOf(Math.min(...sums));
    const climbs = met >= 2 && Math.max(...sums.slice(1)) > sums[0];
    const verdict =
      relative() <= 1 ? "it cannot climb" : met < 2 ? "past 1, and it falls still"
        : climbs ? "past 2, so it climbs in the steep direction" : "past 2, but on this way hardly anything is in the steep direction";
    const story =
      !climbs ? `falls to ${small(sums[STEPS])}` : least > 0 && least < STEPS
        ? `falls to ${small(sums[least])} in ${least} step${least > 1 ? "s" : ""}, then climbs to ${small(sums[STEPS])}`
        : `climbs to ${small(sums[STEPS])}`;
    say(
      `Weights ${number(state.w)}, step ${number(step(), 3)}: the relative step is ${number(relative())} by Equation 3, and ${number(met)} by the curvature ` +
        `met: ${verdict}. In ${STEPS} steps the energy above its lowest starts at ${small(sums[0])} and ${story}.`,
      !spoken || run.running() || growing.running(),
    );
  }
  const small = (x) => (x >= 0.01 && x < 1e4 ? number(x) : x < 0.01 ? "less than 0.01" : "more than 10,000");

  const run = bpcFigures.runner(() => ++state.at < STEPS, () => show(), say.foretell);
  const growing = bpcFigures.runner(() => {
    state.w = Math.min(GROWN, Math.round((state.w + 0.05) * 20) / 20);
    return state.w < GROWN;
  }, () => show(), say.foretell);
  function halt() {
    run.stop();
    growing.stop();
  }

  const ball = handle(bowl, {
    moved(x, y) {
      halt();
      const back = (value, from, to) => between(Math.round((-REACH + ((value - from) / (to - from)) * 2 * REACH) * 10) / 10, -3, 3);
      state.z_1 = back(x, BOX[0], BOX[2]);
      state.z_2 = back(y, BOX[3], BOX[1]);
      state.at = 0;
      show(false);
    },
    let_go() {
      halt();
      state.at = 0;
      run.start();
    },
  });
  draw(ball, "circle", { r: 8, style: ink("green") });

  const RULE_OF = { step_size: "fixed", rate: "curvature" }; // whoever moves a step chooses its rule
  const showSliders = bpcFigures.sliders(root, state, (name, done) => {
    halt();
    state.rule = RULE_OF[name] ?? state.rule;
    state.at = name === "z_1" || name === "z_2" ? 0 : STEPS;
    if (done && state.at === 0) run.start();
    else show(done);
  });
  button("grow").addEventListener("click", () => {
    if (growing.running()) {
      growing.stop();
      return show();
    }
    halt();
    state.at = STEPS;
    if (state.w >= GROWN) state.w = 0.5;
    growing.start();
  });
  button("go").addEventListener("click", () => {
    if (run.running()) {
      run.stop();
      return show();
    }
    halt();
    if (state.at >= STEPS) state.at = 0;
    run.start();
  });
  button("one").addEventListener("click", () => {
    halt();
    state.at = state.at < STEPS ? state.at + 1 : 0;
    show();
  });
  for (const rule of ["fixed", "curvature"]) {
    button(rule).addEventListener("click", () => {
      halt();
      state.rule = rule;
      state.at = STEPS;
      show();
    });
  }
  show(false);
  return { state, settle, energy, rest, parts, bound, curvatures, relative };
});
